//! Whole files, from text to typed settings. What is refused, and with which words, is proved by the
//! conformance corpus and `tests/messages`; here is what the corpus cannot see: the values.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::base::NetType;
use crate::filter::CustomAttrs;
use crate::protocols::{SYNTAX, device, direct, kernel, pipe, static_};

fn files(text: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    BTreeMap::from([
        ("bird.conf".into(), text.into()),
        ("/etc/iproute2/rt_tables".into(), b"254 main\n100 vrf-red\n".to_vec()),
    ])
}

fn config(text: &str) -> Arc<Config> {
    load(Path::new("bird.conf"), SYNTAX, &CustomAttrs::default(), &files(text))
        .unwrap_or_else(|e| panic!("{e}"))
}

/// All lines of a refused file.
fn refused(text: &str) -> Vec<String> {
    match load(Path::new("bird.conf"), SYNTAX, &CustomAttrs::default(), &files(text)) {
        Err(Failure::Refused(r)) => {
            r.diagnostics.iter().map(|d| crate::syntax::render::first_line(d, &r.sources)).collect()
        }
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn top_level_settings() {
    let c = config(
        "router id 192.0.2.1; hostname \"r\" ; graceful restart wait 90;\n\
         log \"/a\" 20000 \"/b\" { info, bug }; log udp 192.0.2.9 port 1514 all; log syslog name \"x\" all; log stderr { trace };\n\
         timeformat base iso short us; timeformat log \"%T\" 60 \"%F\"; cli \"/x.ctl\" { restrict; };\n\
         watchdog timeout 1500 ms; debug commands 2; protocol device { }",
    );
    assert_eq!(c.router_id, RouterIdConfig::Fixed(0xc0000201));
    assert_eq!((c.hostname.as_deref(), c.gr_wait), (Some("r"), Duration::from_secs(90)));
    let targets: Vec<_> = c.logs.iter().map(|l| l.target.clone()).collect();
    assert_eq!(
        targets,
        [
            LogTarget::File { path: "/a".into(), rotate: Some((20000, "/b".into())) },
            LogTarget::Udp { host: Host::Ip("192.0.2.9".parse().unwrap()), port: 1514 },
            LogTarget::Syslog(Some("x".into())),
            LogTarget::Stderr,
        ]
    );
    assert_eq!(c.logs[0].mask, LogMask::INFO | LogMask::BUG);
    assert_eq!(c.time_formats.base, TimeFormat::iso_short(Fraction::Micros));
    assert_eq!(c.time_formats.log.older.as_deref(), Some("%F"));
    assert_eq!(c.time_formats.route, TimeFormats::default().route);
    assert!(c.cli_sockets[0].restricted && !c.cli_sockets[0].v2_attributes);
    assert_eq!(c.debug.watchdog_timeout, Some(Duration::from_secs(2)));
    assert_eq!(c.debug.commands, 2);
    assert_eq!(config("router id 0; protocol device { }").router_id, RouterIdConfig::Auto);
}

#[test]
fn tables_keep_their_order_and_defaults_follow_the_file() {
    let c = config(
        "roa4 table r4; debug tables { states }; ipv4 table t sorted { trie; gc period 30 s; };\n\
         ipv4 table master4 { gc threshold 5; };\n protocol static { roa4; } protocol static { ipv4; }",
    );
    let names: Vec<_> = c.tables.iter().map(|t| &*t.name).collect();
    assert_eq!(names, ["master4", "master6", "r4", "t"]);
    let t = c.table("t").unwrap();
    assert!(t.sorted && t.trie && t.debug == DebugMask::STATES);
    assert_eq!(t.gc_period(3), Duration::from_secs(30));
    assert_eq!(c.table("r4").unwrap().gc_period(3), Duration::from_secs(10));
    assert_eq!((c.table("master4").unwrap().gc_threshold, c.table("master4").unwrap().line), (5, 2));
    let tables: Vec<_> = c.protocols.iter().map(|p| &*p.channels[0].table).collect();
    assert_eq!(tables, ["r4", "master4"]);
}

#[test]
fn protocols_inherit_and_get_names() {
    let c = config(
        "debug protocols { events };\n\
         template static base { description \"b\"; disabled; check link; ipv4 { preference 7; import limit 5 action block; };\n\
           route 10.0.0.0/8 blackhole; }\n\
         protocol static from base { route 192.0.2.0/24 blackhole; ipv4 { import none; }; disabled off; }\n\
         debug protocols off;\n\
         protocol static x from base { vrf \"red\"; restart time 1 s; router id 5; }\n\
         protocol static { ipv6; }",
    );
    let names: Vec<_> = c.protocols.iter().map(|p| &*p.name).collect();
    assert_eq!(names, ["static1", "x", "static2"]);
    let (a, x) = (&c.protocols[0], &c.protocols[1]);
    assert_eq!(a.description.as_deref(), Some("b"));
    assert!(!a.disabled && x.disabled);
    assert_eq!((a.debug, c.protocols[2].debug), (DebugMask::EVENTS, DebugMask::OFF));
    assert_eq!((&x.vrf, x.router_id), (&Vrf::Named("red".into()), Some(5)));
    let channel = a.channel("ipv4").unwrap();
    assert_eq!(channel.import_limit, Some(Limit { count: 5, action: LimitAction::Block }));
    assert_eq!((channel.preference, &channel.import), (7, &FilterRef::None));
    assert_eq!(x.channel("ipv4").unwrap().import, FilterRef::All);
    let diff = x.channels[0].diff(&a.channels[0]);
    assert_eq!(diff, ChannelDiff { import: true, ..ChannelDiff::default() });
    let options = a.options::<static_::config::StaticOptions>().unwrap();
    assert!(options.check_link && options.igp_table4.as_deref() == Some("master4"));
    let nets: Vec<_> = options.routes.list.iter().map(|r| r.net.to_string()).collect();
    assert_eq!(nets, ["10.0.0.0/8", "192.0.2.0/24"]);
    assert_eq!(a.place.line, 4);
    let unbuilt: Vec<_> = c.unbuilt.iter().map(|u| (&*u.place, &*u.option)).collect();
    assert_eq!(unbuilt, [("bird.conf:6:42", "restart time")]);
}

#[test]
fn options_without_effect_are_those_of_the_page() {
    use std::collections::BTreeSet;
    let c = config(
        "threads 2; thread group g { default; }; filter stacks 64 64; debug latency on; debug latency limit 1 s;\n\
         debug show route all; debug commands 2; debug tables all; watchdog warning 1 s; watchdog timeout 1 s;\n\
         mrtdump \"/dump\"; mrtdump protocols all; mpls domain d; cli \"/x.ctl\" { v2 attributes; };\n\
         ipv4 table a { debug all; gc threshold 5; gc period 20 s; min settle time 1 s; max settle time 2 s;\n\
           cork threshold 1 2; trie on; };\n\
         ipv4 table b { export settle time 1 s 2 s; route refresh export settle time 1 s 2 s;\n\
           digest settle time 1 s 2 s; thread group g; };\n\
         graceful restart wait 5; mpls table m;\n\
         protocol static { ipv4 { rpki reload on; }; mpls { table m; label policy prefix; }; mrtdump all; restart time 1 s; thread group g;\n\
           route 10.0.0.0/8 via 10.1.1.1 bfd; }",
    );
    let told: BTreeSet<&str> = c.unbuilt.iter().map(|u| &*u.option).collect();
    let page = include_str!("../../doc/compatibility.md");
    let section = page.split("### Options without effect yet").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit(" | ").next());
    let listed: BTreeSet<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(told, listed);
    // What is off has no effect either way.
    let quiet = config(
        "debug commands 0; debug tables off; ipv4 table a { debug off; };\n\
         protocol static { ipv4 { rpki reload off; }; route 10.0.0.0/8 via 10.1.1.1 bfd off; }",
    );
    assert_eq!(quiet.unbuilt.len(), 0);
}

#[test]
fn static_routes_share_destinations() {
    let c = config(
        "define gw = 10.0.0.1; define lan = 10.9.0.0/16;\n\
         protocol static { ipv4;\n\
           route 10.1.0.0/16 via gw; route 10.2.0.0/16 via 10.0.0.2; route 10.3.0.0/16 via 10.0.0.2;\n\
           route lan via fe80::1%eth0 weight 5 onlink via \"tun0\" mpls 100/200 weight 256;\n\
           route 10.4.0.0/16 recursive 10.5.5.5 mpls 16; check link; route 10.6.0.0/16 unreachable; }",
    );
    let options = c.protocols[0].options::<static_::config::StaticOptions>().unwrap();
    let routes = &options.routes;
    use static_::config::{StaticDest, StaticHop};
    let hop = |gateway: Option<&str>, interface: Option<&str>| StaticHop {
        gateway: gateway.map(|g| g.parse().unwrap()),
        interface: interface.map(Arc::from),
        onlink: false,
        weight: 1,
        labels: Default::default(),
        bfd: false,
    };
    let dest = |i: usize| routes.dest(&routes.list[i]);
    assert_eq!(dest(0), &StaticDest::Via(vec![hop(Some("10.0.0.1"), None)]));
    assert!(std::ptr::eq(dest(1), dest(2)));
    let first = StaticHop { weight: 5, onlink: true, ..hop(Some("fe80::1"), Some("eth0")) };
    let second =
        StaticHop { weight: 256, labels: [100, 200].into_iter().collect(), ..hop(None, Some("tun0")) };
    assert_eq!(dest(3), &StaticDest::Via(vec![first, second]));
    assert_eq!(routes.list[3].net.to_string(), "10.9.0.0/16");
    assert!(matches!(dest(4), StaticDest::Recursive { labels, .. } if labels[..] == [16]));
    assert_eq!(dest(5), &StaticDest::Unreachable);
}

#[test]
fn options_of_the_core_kinds() {
    let c = config(
        "ipv4 table t; define rate = 7;\n\
         protocol device { scan time (rate + 1); interface \"eth*\" { preferred 10.0.0.1; preferred 10.0.0.2; preferred fe80::1; }; }\n\
         protocol direct { ipv4; interface -\"lo\", \"*\" 10.0.0.0/8; check link; }\n\
         protocol kernel { learn all; persist; merge paths limit 4; kernel table ipt_vrf_red; export all; scan time 0; }\n\
         protocol pipe { table t; peer table master4; import none; max generation 3; debug all; }",
    );
    let options = c.protocols[0].options::<device::config::DeviceOptions>().unwrap();
    assert_eq!(options.scan_time, Some(Duration::from_secs(8)));
    let preferred: Vec<_> = options.interfaces[0].preferred.iter().map(ToString::to_string).collect();
    assert_eq!(preferred, ["10.0.0.2", "fe80::1"]);
    let options = c.protocols[1].options::<direct::config::DirectOptions>().unwrap();
    let covers = |name, addr: &str| options.covers(name, addr.parse().unwrap(), None);
    assert!(covers("eth0", "10.1.1.1") && !covers("lo", "10.1.1.1") && !covers("eth0", "192.0.2.1"));
    let options = c.protocols[2].options::<kernel::config::KernelOptions>().unwrap();
    let want = kernel::config::KernelOptions {
        learn: kernel::config::Learn::All,
        persist: true,
        merge_paths: Some(4),
        table: 100,
        scan_time: None,
        ..Default::default()
    };
    assert_eq!(options, &want);
    assert_eq!(c.protocols[2].channels[0].export, FilterRef::All);
    assert!(
        c.warnings.iter().any(|w| w.starts_with("bird.conf:4:") && w.contains("ipv4")),
        "{:?}",
        c.warnings
    );
    let pipe = &c.protocols[3];
    assert_eq!(&*pipe.options::<pipe::config::PipeOptions>().unwrap().peer_table, "master4");
    let channel = &pipe.channels[0];
    assert_eq!((&channel.import, &channel.export), (&FilterRef::None, &FilterRef::All));
    assert_eq!((channel.net_type, &*channel.table, channel.debug), (NetType::Ip4, "t", DebugMask::ALL));
}

#[test]
fn filters_compare_by_what_they_do() {
    let text = |bound: &str| {
        format!(
            "filter f {{ if net.len > {bound} then reject; accept; }} protocol static {{ ipv4 {{ import filter f; }}; }}"
        )
    };
    let (a, b, c) = (config(&text("24")), config(&format!("\n\n{}", text("24"))), config(&text("25")));
    let import = |c: &Config| c.protocols[0].channels[0].import.clone();
    assert_eq!(import(&a), import(&b));
    assert_ne!(import(&a), import(&c));
    assert!(a.protocols[0].channels[0].diff(&b.protocols[0].channels[0]).is_empty());
    assert!(a.filter("f").is_some() && a.filter("g").is_none());
}

#[test]
fn every_error_is_reported_once() {
    let lines = refused(
        "define a = 1 + \"x\";\ndefine b = a + 1;\nprotocol device { scan time b; }\n\
         ipv4 table t { gc period 7200 s; };\nprotocol static { ipv4 { table t; preference 70000; }; }\n\
         protocol kernel { ipv4 { table nowhere; }; }\nprotocol bgp { local as 1; }\n",
    );
    let messages: Vec<_> = lines.iter().map(|l| l.split_once(' ').unwrap().1).collect();
    assert_eq!(
        messages,
        [
            "Argument 2 of ADD must be of type int, got type string",
            "GC period must be at most 3600 s",
            "Value 70000 out of range (0-65535)",
            "syntax error, unexpected CF_SYM_UNDEFINED, expecting CF_SYM_KNOWN",
            "protocol bgp is not supported yet",
        ]
    );
}

#[test]
fn users_of_what_is_wrong_are_not_wrong() {
    let text = "function f(int a) { return a b; }
        define C = 5 5;
        filter F { accept }
        function h() -> int { if f(3) = 3 then return C + f(C); return 1; }
        protocol static own { ipv4 { import filter F; preference C; }; route 10.0.0.0/8 blackhole { if f(2) = 2 then preference = C; }; }";
    let found = refused(text);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_file_without_protocols_and_a_missing_file() {
    assert_eq!(refused("router id 1;\n"), ["bird.conf:1:0 No protocol is specified in the config file"]);
    let missing = load(Path::new("none"), SYNTAX, &CustomAttrs::default(), &files("")).unwrap_err();
    assert_eq!(missing.to_string(), "none: No such file or directory");
}

/// Wrong files must be answered, not answered wrongly: pieces of good ones are dropped, doubled, moved and spoiled.
#[test]
fn whatever_is_written_is_answered() {
    let good = "router id 1.2.3.4; define a = [1, 2..5]; define n = 192.0.2.0/24;\n\
        function f(int x; prefix p) -> bool { if p.len > x then return true; return false; }\n\
        filter g { case net.len { 1: accept; else: reject; } bgp_path.prepend(5); print \"x\", net; }\n\
        ipv4 table t { sorted; }; mpls domain d { label range r { start 5; length 9; }; };\n\
        template static s { ipv4 { table t; import filter g; export where f(5, net); import limit 5 action warn; }; }\n\
        protocol static x from s { route n via 10.0.0.1 weight 5 via \"eth0\" { preference = 5; }; route 10.0.0.0/8 drop; }\n\
        protocol kernel { ipv4; merge paths on limit 5; } protocol pipe { table t; peer table master4; }\n\
        protocol direct { ipv4; interface -\"lo\", \"*\" 10.0.0.0/8; } protocol device { scan time (5 + 5); }\n";
    let pieces: Vec<&str> = good.split_inclusive([' ', ';', '(', '{']).collect();
    let junk = [
        "}", "{", ";", "\u{201c}", "\"", "[", "a", "5", "(", "where", "\r", "10.0.0.1", "=", ".", "/* ",
        "\u{0}",
    ];
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as usize % below
    };
    let mut refusals = 0;
    for _ in 0..400 {
        let mut text = pieces.clone();
        for _ in 0..=random(2) {
            let at = random(text.len());
            match random(4) {
                0 => drop(text.remove(at)),
                1 => text.insert(at, pieces[random(pieces.len())]),
                2 => text.insert(at, junk[random(junk.len())]),
                _ => text.truncate(at.max(1)),
            }
        }
        let text = text.concat();
        match load(Path::new("bird.conf"), SYNTAX, &CustomAttrs::default(), &files(&text)) {
            Err(Failure::Refused(refusal)) => {
                refusals += 1;
                assert!(refusal.first_error().is_some());
                assert!(refusal.explain("", false).starts_with("bird.conf:"), "{text}");
            }
            Err(other) => panic!("{other}"),
            Ok(_) => {}
        }
    }
    assert!(refusals > 200);
}
