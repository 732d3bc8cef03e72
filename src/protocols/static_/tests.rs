#![allow(clippy::unwrap_used, reason = "literals of the tests")]

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::config::{Static, StaticDest, StaticExtra, StaticHop, StaticOptions, StaticRoute, StaticRoutes};
use super::diff::{Side, diff};
use super::ordinals::Ordinals;
use crate::base::{IpNet, Net, NetExt, NetType, NextHop, Value};
use crate::config::Effect;
use crate::config::{ChannelConfig, DebugMask, FilterRef, MplsChannel};
use crate::engine::api::StaticTarget;
use crate::protocols::bench::{Bench, link};
use crate::sys::kernel::{Link, LinkFlags};
use crate::table::{AttrId, Attrs, Dest};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn net(text: &str) -> Net {
    Net::Ip(text.parse().unwrap())
}

/// `192.0.2.2`, `192.0.2.2%v0`, `v0`; behind it `onlink`, `bfd`, `weight N`, `mpls N`.
fn hop(text: &str) -> StaticHop {
    let mut words = text.split(' ');
    let first = words.next().unwrap();
    let (gateway, interface) = first.split_once('%').map_or((first, None), |(g, i)| (g, Some(i)));
    let gateway: Option<IpAddr> = gateway.parse().ok();
    let interface = if gateway.is_some() { interface } else { Some(first) };
    let mut hop = StaticHop {
        gateway,
        interface: interface.map(Arc::from),
        onlink: false,
        weight: 1,
        labels: Default::default(),
        bfd: false,
    };
    while let Some(word) = words.next() {
        match word {
            "onlink" => hop.onlink = true,
            "bfd" => hop.bfd = true,
            "weight" => hop.weight = words.next().unwrap().parse().unwrap(),
            _ => hop.labels.push(words.next().unwrap().parse().unwrap()),
        }
    }
    hop
}

/// `blackhole`, `recursive A`, or next hops joined by commas.
fn dest(text: &str) -> StaticDest {
    match text.split_once(' ') {
        _ if text == "blackhole" => StaticDest::Blackhole,
        _ if text == "none" => StaticDest::None,
        Some(("recursive", rest)) => {
            let mut words = rest.split(" mpls ");
            let gateway = ip(words.next().unwrap());
            StaticDest::Recursive { gateway, labels: words.map(|w| w.parse().unwrap()).collect() }
        }
        _ => StaticDest::Via(text.split(", ").map(hop).collect()),
    }
}

/// Routes as `NET DEST`, one destination each; equal ones are found by the instance.
fn routes(list: &[&str]) -> StaticRoutes {
    let mut routes = StaticRoutes::default();
    for (at, line) in list.iter().enumerate() {
        let (prefix, target) = line.split_once(' ').unwrap();
        routes.list.push(StaticRoute { net: net(prefix), dest: at as u32, tok: 0 });
        routes.dests.push(dest(target));
    }
    routes
}

fn options(list: &[&str]) -> StaticOptions {
    StaticOptions {
        igp_table4: Some("igp4".into()),
        igp_table6: Some("igp6".into()),
        routes: Arc::new(routes(list)),
        ..StaticOptions::default()
    }
}

fn new_bench(options: StaticOptions) -> Bench {
    let mut bench = Bench::new(&Static, &[NetType::Ip4], options);
    bench.kernel(|s, out| s.link(link(10, "v0"), out));
    bench.kernel(|s, out| s.link(link(11, "v1"), out));
    bench.address(10, "192.0.2.1/24");
    bench.address(10, "fe80::1/64");
    bench
}

fn started(list: &[&str]) -> Bench {
    let mut bench = new_bench(options(list));
    bench.start();
    bench
}

fn dormant(bench: &Bench) -> Vec<Vec<bool>> {
    let look = crate::engine::api::Look { core: &bench.hands, me: crate::protocols::bench::MINE };
    let lines = bench.instance.static_routes(&look).unwrap();
    lines
        .map(|line| match &*line.target {
            StaticTarget::Hops(hops) => hops.iter().map(|h| h.dormant).collect(),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn destinations() {
    let bench = started(&[
        "10.1.0.0/16 192.0.2.2",
        "10.2.0.0/16 blackhole",
        "10.3.0.0/16 v0",
        "10.4.0.0/16 192.0.2.3, 192.0.2.2",
        "10.5.0.0/16 203.0.113.1%v0 onlink",
        "10.6.0.0/16 203.0.113.77",
        "10.7.0.0/16 192.0.2.2%v1",
        "10.8.0.0/16 nosuch",
        "10.9.0.0/16 fe80::2%v0",
        "10.10.0.0/16 192.0.2.2, 192.0.2.2",
        "10.11.0.0/16 192.0.2.5, v0 weight 3",
        "10.12.0.0/16 203.0.113.1 onlink",
        "10.13.0.0/16 127.0.0.1",
        "10.14.0.0/16 192.0.2.2 bfd, 192.0.2.3",
        "10.15.0.0/16 192.0.2.5 mpls 100 mpls 200",
        "10.16.0.0/16 192.0.2.1",
    ]);
    assert_eq!(
        bench.routes(),
        [
            "10.1.0.0/16 0 via 192.0.2.2 on 10",
            "10.2.0.0/16 0 blackhole",
            "10.3.0.0/16 0 dev 10",
            "10.4.0.0/16 0 via 192.0.2.2 on 10 weight 1, via 192.0.2.3 on 10 weight 1",
            "10.5.0.0/16 0 via 203.0.113.1 on 10 onlink",
            "10.9.0.0/16 0 via fe80::2 on 10",
            "10.10.0.0/16 0 via 192.0.2.2 on 10",
            "10.11.0.0/16 0 dev 10 weight 3, via 192.0.2.5 on 10 weight 1",
            "10.14.0.0/16 0 via 192.0.2.3 on 10",
            "10.15.0.0/16 0 via 192.0.2.5 on 10 mpls [100, 200]",
            "10.16.0.0/16 0 via 192.0.2.1 on 10",
        ]
    );
    assert_eq!(dormant(&bench)[13], [true, false]);
    assert_eq!(
        bench.hands.logs,
        [
            "Invalid next hop 203.0.113.1 of static route 10.12.0.0/16",
            "Invalid next hop 127.0.0.1 of static route 10.13.0.0/16"
        ]
    );
}

#[test]
fn nets_without_destination() {
    let aspa = |asn: u32| Net::from(NetExt::Aspa(asn));
    let list = vec![
        StaticRoute { net: aspa(65000), dest: 0, tok: 0 },
        StaticRoute { net: aspa(65003), dest: 1, tok: 0 },
    ];
    let dests = vec![StaticDest::Providers(vec![65001, 65002]), StaticDest::Transit];
    let routes = Arc::new(StaticRoutes { list, dests, extra: Vec::new() });
    let mut bench =
        Bench::new(&Static, &[NetType::Aspa], StaticOptions { routes, ..StaticOptions::default() });
    bench.start();
    assert_eq!(bench.routes(), ["65000 0 none", "65003 0 none"]);
    let providers: Vec<_> = bench.hands.routes.values().map(|(a, _)| a.extra.to_vec()).collect();
    let clist = |list: &[u32]| vec![(AttrId(0x20), Value::Clist(list.into()))];
    assert_eq!(providers, [clist(&[65001, 65002]), clist(&[0])]);
    assert_eq!(bench.statics(), ["65000 None", "65003 None"]);
}

#[test]
fn next_hops_sleep_and_wake() {
    let mut bench = started(&[
        "10.1.0.0/16 198.51.100.2",
        "10.2.0.0/16 w0",
        "10.3.0.0/16 198.51.100.2, 203.0.113.2",
        "10.5.0.0/16 192.0.2.1",
    ]);
    assert_eq!(bench.routes(), ["10.5.0.0/16 0 via 192.0.2.1 on 10"]);
    assert_eq!(dormant(&bench), [vec![true], vec![true], vec![true, true], vec![false]]);
    bench.address(10, "198.51.100.1/24");
    assert_eq!(
        bench.routes()[..2],
        ["10.1.0.0/16 0 via 198.51.100.2 on 10", "10.3.0.0/16 0 via 198.51.100.2 on 10"]
    );
    bench.kernel(|s, out| s.link(link(20, "w0"), out));
    bench.address(20, "203.0.113.1/24");
    assert_eq!(bench.routes().len(), 4);
    assert_eq!(dormant(&bench), [vec![false], vec![false], vec![false, false], vec![false]]);
    bench.kernel(|s, out| s.link_gone(20, out));
    bench.kernel(|s, out| s.link(Link { flags: LinkFlags(0), ..link(10, "v0") }, out));
    assert_eq!(
        bench.routes(),
        ["10.5.0.0/16 0 via 192.0.2.1 on 10"],
        "own addresses count on a down interface"
    );
    assert_eq!(bench.hands.idle_withdraws, 0);
}

#[test]
fn check_link_needs_a_carrier() {
    let checked = StaticOptions { check_link: true, ..options(&["10.1.0.0/16 192.0.2.2", "10.2.0.0/16 v0"]) };
    let mut bench = new_bench(checked);
    bench.start();
    assert_eq!(bench.routes().len(), 2);
    bench.kernel(|s, out| s.link(Link { flags: LinkFlags(LinkFlags::UP), ..link(10, "v0") }, out));
    assert!(bench.routes().is_empty());
    let unchecked = options(&["10.1.0.0/16 192.0.2.2", "10.2.0.0/16 v0"]);
    assert_eq!(bench.reconfigure(unchecked.clone()), Some(Effect::Quiet));
    assert_eq!(bench.routes().len(), 2);
    let elsewhere = StaticOptions { igp_table4: Some("other".into()), ..unchecked };
    assert_eq!(bench.reconfigure(elsewhere), Some(Effect::Restart));
}

#[test]
fn only_what_changed_is_announced_again() {
    let mut bench = started(&["10.1.0.0/16 192.0.2.2", "10.2.0.0/16 v1", "10.3.0.0/16 blackhole"]);
    let before = bench.hands.imports;
    bench.address(11, "198.51.100.1/24");
    bench.kernel(|s, out| s.link(Link { mtu: 1400, ..link(10, "v0") }, out));
    assert_eq!(bench.hands.imports, before);
    bench.kernel(|s, out| s.link(link(11, "w1"), out));
    assert_eq!(bench.hands.imports, before + 1, "withdrawn");
}

#[test]
fn recursive_routes_follow_their_table() {
    let hops = |list: &[NextHop]| Dest::Unicast(list.into());
    let mut bench = new_bench(options(&[
        "10.7.0.0/16 recursive 10.1.2.3",
        "10.8.0.0/16 recursive 10.2.0.1",
        "10.9.0.0/16 recursive 2001:db8::1 mpls 7",
    ]));
    let via = NextHop { labels: [3].as_slice().into(), ..NextHop::new(Some(ip("fe80::2")), 10) };
    bench.hands.igp.insert(("igp6".into(), ip("2001:db8::1")), hops(&[via]));
    bench.hands.igp.insert(("igp4".into(), ip("10.2.0.1")), Dest::Blackhole);
    bench.start();
    assert_eq!(bench.hands.watched.iter().collect::<Vec<_>>(), ["igp4", "igp6"]);
    assert_eq!(
        bench.routes(),
        [
            "10.7.0.0/16 0 unreachable recursive",
            "10.8.0.0/16 0 blackhole recursive",
            "10.9.0.0/16 0 via fe80::2 on 10 mpls [3, 7] recursive"
        ]
    );
    let before = bench.hands.imports;
    bench.hands.igp.insert(("igp4".into(), ip("10.1.2.3")), hops(&[NextHop::new(Some(ip("192.0.2.2")), 10)]));
    bench.call(|i, p| i.table_changed(p, "igp4"));
    bench.finish();
    assert_eq!(bench.routes()[0], "10.7.0.0/16 0 via 192.0.2.2 on 10 recursive");
    assert_eq!(bench.hands.imports, before + 1);
    bench.hands.why = Some("is a local address of iface v0".into());
    for _ in 0..2 {
        bench.call(|i, p| i.table_changed(p, "igp6"));
        bench.finish();
    }
    let logged = "Next hop address 2001:db8::1 is a local address of iface v0";
    assert_eq!(bench.hands.logs.iter().filter(|l| *l == logged).count(), 1, "said once");
}

fn with_commands(list: &[&str], commands: &[(u32, FilterRef)]) -> StaticOptions {
    let mut all = routes(list);
    let extra = |(route, commands): &(u32, FilterRef)| StaticExtra {
        route: *route,
        label: None,
        commands: Some(commands.clone()),
    };
    all.extra = commands.iter().map(extra).collect();
    StaticOptions { routes: Arc::new(all), ..options(&[]) }
}

#[test]
fn commands_and_preference() {
    let list = ["10.1.0.0/16 blackhole", "10.2.0.0/16 blackhole"];
    let mut bench = new_bench(with_commands(&list, &[(1, FilterRef::accept())]));
    bench.hands.commands = |commands, attrs| {
        assert_eq!(attrs.preference, 200);
        attrs.preference = if *commands == FilterRef::accept() { 10 } else { 20 };
    };
    bench.start();
    let preferences =
        |bench: &Bench| bench.hands.routes.values().map(|(a, _)| a.preference).collect::<Vec<_>>();
    assert_eq!(preferences(&bench), [200, 10]);
    let before = bench.hands.imports;
    bench.reconfigure(with_commands(&list, &[(1, FilterRef::accept())]));
    assert_eq!(bench.hands.imports, before);
    bench.reconfigure(with_commands(&list, &[(1, FilterRef::reject())]));
    assert_eq!((preferences(&bench), bench.hands.imports), (vec![200, 20], before + 1));
    bench.hands.commands = |_, _| {};
    bench.hands.channels[0].1.preference = 77;
    let channel = bench.channel(0);
    bench.call(|i, p| i.reload(p, channel, None));
    bench.finish();
    assert_eq!(preferences(&bench), [77, 77]);
}

#[test]
fn labels_are_routes_of_their_own() {
    let labelled = |label| {
        let mut all = routes(&["10.1.0.0/16 192.0.2.2"]);
        all.extra = vec![StaticExtra { route: 0, label: Some(label), commands: None }];
        StaticOptions { routes: Arc::new(all), ..options(&[]) }
    };
    let mut bench = Bench::with(&Static, &[NetType::Ip4], labelled(100), |config| {
        config.channels.push(ChannelConfig {
            mpls: Some(MplsChannel { domain: "d".into(), range: None, policy: Default::default() }),
            ..ChannelConfig::new("mpls", NetType::Mpls, 0, DebugMask::default())
        });
    });
    bench.kernel(|s, out| s.link(link(10, "v0"), out));
    bench.address(10, "192.0.2.1/24");
    bench.start();
    assert_eq!(bench.routes(), ["10.1.0.0/16 0 via 192.0.2.2 on 10", "100 0 via 192.0.2.2 on 10"]);
    let attrs: Attrs = Attrs::clone(&bench.hands.routes.values().next().unwrap().0);
    assert_eq!(attrs.get_int(AttrId(0x10)), Some(100));
    // Outside the domain's range there is neither a route nor a label; what is reserved is no route of its own.
    let mut narrow = labelled(200);
    narrow.labels = Some(16..150);
    let mut other = Bench::with(&Static, &[NetType::Ip4], narrow, |config| {
        config.channels.push(ChannelConfig::new("mpls", NetType::Mpls, 0, DebugMask::default()));
    });
    other.kernel(|s, out| s.link(link(10, "v0"), out));
    other.address(10, "192.0.2.1/24");
    other.start();
    assert!(other.routes().is_empty());
    assert!(
        other.hands.logs.iter().any(|line| line.contains("Static label 200 failed for 10.1.0.0/16 from p"))
    );
    other.reconfigure(StaticOptions { labels: Some(16..150), ..labelled(3) });
    assert_eq!(other.routes(), ["10.1.0.0/16 0 via 192.0.2.2 on 10"]);
    bench.reconfigure(labelled(200));
    assert_eq!(bench.routes()[1], "200 0 via 192.0.2.2 on 10");
    bench.address_gone(10, "192.0.2.1/24");
    assert!(bench.routes().is_empty());
    assert_eq!(bench.hands.idle_withdraws, 0);
}

#[test]
fn work_comes_in_slices() {
    let mut all = StaticRoutes { dests: vec![dest("blackhole"), dest("v0")], ..StaticRoutes::default() };
    for n in 0..10_000u32 {
        let prefix = IpNet::new(crate::base::net::ipv4(0x0b00_0000 + n * 256), 24).unwrap();
        all.list.push(StaticRoute { net: prefix.into(), dest: n % 2, tok: 0 });
    }
    let all = Arc::new(all);
    let mut bench = new_bench(StaticOptions { routes: all.clone(), ..options(&[]) });
    bench.hands.state = bench.call(|i, p| i.start(p));
    let channel = bench.channel(0);
    bench.call(|i, p| i.channel_up(p, channel));
    assert_eq!(bench.hands.routes.len(), 0);
    // The first piece of work is to tell routes of one net apart.
    for _ in 0..2 {
        bench.hands.busy = false;
        bench.call(|i, p| i.work(p));
    }
    assert!(bench.hands.busy && bench.hands.routes.len() == 2048);
    // In the middle of it the interface goes down, and the configuration loses every fourth route.
    bench.kernel(|s, out| s.link(Link { flags: LinkFlags(0), ..link(10, "v0") }, out));
    assert_eq!(bench.hands.routes.len(), 5_000);
    let mut fewer = StaticRoutes::clone(&all);
    let mut n = 0;
    fewer.list.retain(|_| {
        n += 1;
        n % 4 != 1
    });
    bench.adapt(StaticOptions { routes: Arc::new(fewer), ..options(&[]) });
    assert_eq!((bench.hands.busy, bench.hands.routes.len()), (false, 2_500));
    bench.kernel(|s, out| s.link(link(10, "v0"), out));
    assert_eq!((bench.hands.routes.len(), bench.hands.idle_withdraws), (7_500, 0));
}

/// All routes change their destination, and change again before that is done: nobody waits for the first change.
#[test]
fn a_change_overtakes_a_change() {
    const ROUTES: u32 = 50_000;
    let list = |way: fn(u32) -> u32, count: u32| {
        let mut all = StaticRoutes { dests: vec![dest("blackhole"), dest("v0")], ..StaticRoutes::default() };
        for n in 0..count {
            let prefix = IpNet::new(crate::base::net::ipv4(0x0b00_0000 + n * 256), 24).unwrap();
            all.list.push(StaticRoute { net: prefix.into(), dest: way(n), tok: 0 });
        }
        StaticOptions { routes: Arc::new(all), ..options(&[]) }
    };
    let mut bench = new_bench(list(|_| 0, ROUTES));
    bench.start();
    let through = |bench: &Bench| {
        let dropped = |attrs: &Arc<Attrs>| attrs.dest == Dest::Blackhole;
        bench.hands.routes.values().filter(|(attrs, _)| !dropped(attrs)).count()
    };
    assert_eq!((bench.hands.routes.len(), through(&bench)), (ROUTES as usize, 0));
    bench.adapt(list(|_| 1, ROUTES));
    let first = through(&bench);
    assert!(bench.hands.busy && first > 0 && first < ROUTES as usize, "in slices: {first}");
    // Half of them go back, the last thousand vanish; the other half is still due.
    bench.adapt(list(|n| n % 2, ROUTES - 1000));
    assert!(bench.hands.busy);
    bench.finish();
    assert_eq!(bench.hands.routes.len(), ROUTES as usize - 1000);
    assert_eq!((through(&bench), bench.hands.idle_withdraws), (ROUTES as usize / 2 - 500, 0));
}

#[test]
fn path_numbers() {
    let of = |list: &[&str]| {
        let all = routes(list);
        let mut ordinals = Ordinals::new(&all.list);
        ordinals.walk(&all.list, 2);
        assert!(!ordinals.complete());
        ordinals.walk(&all.list, usize::MAX);
        assert!(ordinals.complete());
        (0..list.len() as u32).map(|n| ordinals.path(n)).collect::<Vec<_>>()
    };
    assert_eq!(of(&["10.1.0.0/16 v0", "10.2.0.0/16 v0", "10.2.0.0/17 v0"]), [0, 0, 0]);
    let twice = ["10.2.0.0/16 v0", "10.1.0.0/16 v0", "10.2.0.0/16 v1", "10.1.0.0/16 v0", "10.2.0.0/16 v0"];
    assert_eq!(of(&twice), [0, 0, 1, 1, 2]);
}

#[test]
fn differences_are_small() {
    let base: Vec<String> = (0..200).map(|n| format!("10.{n}.0.0/16 v{}", n % 3)).collect();
    let of = |lines: &[String]| routes(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let compare = |old: &[String], new: &[String]| {
        let (old, new) = (of(old), of(new));
        let mut kinds: Vec<&StaticDest> = Vec::new();
        let mut number = |d: &'_ StaticDest| -> u32 {
            // Destinations are numbered by their text.
            let text = format!("{d:?}");
            let at = kinds.iter().position(|k| format!("{k:?}") == text);
            at.unwrap_or_else(|| {
                kinds.push(Box::leak(Box::new(d.clone())));
                kinds.len() - 1
            }) as u32
        };
        let (a, b): (Vec<u32>, Vec<u32>) =
            (old.dests.iter().map(&mut number).collect(), new.dests.iter().map(&mut number).collect());
        diff(Side { routes: &old, dests: &a, later: &[] }, Side { routes: &new, dests: &b, later: &[] })
    };
    let same = compare(&base, &base);
    assert_eq!((same.runs, same.pairs.len()), (vec![(0, 0, 200)], 0));
    let flipped: Vec<String> = (0..200).map(|n| format!("10.{n}.0.0/16 v{}", 5 + n % 3)).collect();
    let out = compare(&base, &flipped);
    assert_eq!(
        (out.runs, out.changed, out.pairs),
        (vec![], vec![(0, 0, 200)], vec![]),
        "one stretch, not 200 changes"
    );
    let mut changed = base.clone();
    changed[50] = "10.50.0.0/16 v9".into();
    changed.remove(120);
    changed.insert(7, "11.0.0.0/8 v0".into());
    let out = compare(&base, &changed);
    assert_eq!(out.pairs, [(50, 51, false)]);
    assert_eq!((out.added, out.removed), (vec![7], vec![(120, 0)]));
    let mut moved = base.clone();
    moved.rotate_left(100);
    let out = compare(&base, &moved);
    assert!(out.pairs.iter().all(|(_, _, same)| *same), "moved routes are the same routes");
    assert_eq!((out.added.len(), out.removed.len()), (0, 0));
}

/// Net, destination and commands, by number.
type Line = (u8, u8, u8);

fn lists() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec((0u8..12, 0u8..5, 0u8..8), 0..40)
}

/// A list like another one, with some lines changed, gone, doubled or moved.
fn edits(old: Vec<Line>) -> impl Strategy<Value = (Vec<Line>, Vec<Line>)> {
    let edit =
        (0u8..5, any::<prop::sample::Index>(), any::<prop::sample::Index>(), (0u8..12, 0u8..5, 0u8..8));
    prop::collection::vec(edit, 0..6).prop_map(move |edits| {
        let mut new = old.clone();
        for (what, at, other, line) in edits {
            if new.is_empty() {
                new.push(line);
                continue;
            }
            let (at, other) = (at.index(new.len()), other.index(new.len()));
            match what {
                0 => new[at] = line,
                1 => drop(new.remove(at)),
                2 => new.insert(at, line),
                3 => new.swap(at, other),
                _ => new.insert(other, new[at]),
            }
        }
        (old.clone(), new)
    })
}

fn build(lines: &[Line]) -> StaticOptions {
    let dests = ["192.0.2.2", "blackhole", "v1", "203.0.113.5", "192.0.2.3, v1"];
    let text: Vec<String> =
        lines.iter().map(|(n, d, _)| format!("10.{n}.0.0/16 {}", dests[usize::from(*d)])).collect();
    let mut all = routes(&text.iter().map(String::as_str).collect::<Vec<_>>());
    for (at, (_, _, extra)) in lines.iter().enumerate().filter(|(_, l)| l.2 < 2) {
        let commands = if *extra == 0 { FilterRef::accept() } else { FilterRef::reject() };
        all.extra.push(StaticExtra { route: at as u32, label: None, commands: Some(commands) });
    }
    StaticOptions { routes: Arc::new(all), ..options(&[]) }
}

fn fresh(options: StaticOptions) -> Bench {
    let mut bench = new_bench(options);
    bench.hands.commands = |commands, attrs| {
        attrs.preference = if *commands == FilterRef::accept() { 10 } else { 20 };
    };
    bench
}

type Shown = BTreeMap<(Net, u32), (Arc<Attrs>, u64)>;

fn shown(bench: &Bench) -> Shown {
    bench.hands.routes.iter().map(|((_, n, s), r)| ((n.clone(), s.path), r.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A reconfiguration leads where a fresh start leads, touches no route that stays as it is, and withdraws
    /// nothing that is replaced.
    #[test]
    fn reconfigured_is_as_started((old, new) in lists().prop_flat_map(edits), early in any::<bool>()) {
        let mut bench = fresh(build(&old));
        if early {
            bench.hands.state = bench.call(|i, p| i.start(p));
            let channel = bench.channel(0);
            bench.call(|i, p| i.channel_up(p, channel));
        } else {
            bench.start();
        }
        let before = shown(&bench);
        bench.reconfigure(build(&new));
        let mut other = fresh(build(&new));
        other.start();
        prop_assert_eq!(bench.routes(), other.routes());
        let (after, wanted) = (shown(&bench), shown(&other));
        for (key, (attrs, stamp)) in &after {
            prop_assert_eq!(attrs, &wanted[key].0);
            if let Some((was, when)) = before.get(key) && was == attrs {
                prop_assert_eq!(stamp, when, "touched without a change");
            }
        }
        if !early {
            let differ = |a: &Shown, b: &Shown| {
                a.iter().filter(|(k, (x, _))| b.get(*k).is_none_or(|(y, _)| x != y)).count()
            };
            let gone = before.keys().filter(|k| !after.contains_key(*k)).count();
            let calls = bench.hands.imports - before.len() as u64;
            // Routes that only moved in the file may be compared once more, but withdraws are exact.
            prop_assert!(calls >= (differ(&after, &before) + gone) as u64);
        }
        prop_assert_eq!(bench.hands.idle_withdraws, 0);
        // Interfaces are followed afterwards as before.
        for bench in [&mut bench, &mut other] {
            bench.kernel(|s, out| s.link_gone(11, out));
            bench.address(10, "203.0.113.1/24");
        }
        prop_assert_eq!(bench.routes(), other.routes());
        prop_assert_eq!(bench.statics(), other.statics());
    }
}

/// `cargo test --release --lib a_million_routes -- --ignored --nocapture`
#[test]
#[ignore = "a measurement: a million routes, through hands that keep nothing"]
fn a_million_routes() {
    use std::time::Instant;
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as u32
    };
    let make = |list: &[Net], change: Option<usize>| {
        let mut all = StaticRoutes::default();
        all.dests.extend((0..101).map(|n| dest(&format!("192.0.2.{}", n + 2))));
        all.list.extend(list.iter().enumerate().map(|(at, net)| StaticRoute {
            net: net.clone(),
            dest: if change == Some(at) { 100 } else { at as u32 % 100 },
            tok: 0,
        }));
        StaticOptions { routes: Arc::new(all), ..options(&[]) }
    };
    let nets: Vec<Net> = (0..1_000_000u32)
        .map(|n| {
            IpNet::new(crate::base::net::ipv4(0x0b00_0000 + (n * 7919 % 1_000_000) * 256), 24).unwrap().into()
        })
        .collect();
    let mut shuffled = nets.clone();
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, random() as usize % (at + 1));
    }
    let mut bench = new_bench(make(&nets, None));
    bench.hands.forgetful = true;
    let mut lap = Instant::now();
    let mut say = |what: &str, bench: &Bench| {
        println!(
            "{what:30} {:8.1} ms, {} imports so far",
            lap.elapsed().as_secs_f64() * 1e3,
            bench.hands.imports
        );
        lap = Instant::now();
    };
    bench.start();
    say("start", &bench);
    for (what, list, change) in [
        ("nothing changed", &nets, None),
        ("one changed", &nets, Some(0)),
        ("back", &nets, None),
        ("another one changed", &nets, Some(500_000)),
        ("shuffled", &shuffled, Some(500_000)),
    ] {
        let new = make(list, change);
        say("  (building)", &bench);
        bench.reconfigure(new);
        say(what, &bench);
    }
    bench.kernel(|s, out| s.link(Link { mtu: 1400, ..link(10, "v0") }, out));
    say("an interface event", &bench);
    bench.kernel(|s, out| s.link(Link { flags: LinkFlags(0), ..link(10, "v0") }, out));
    say("all withdrawn", &bench);
}
