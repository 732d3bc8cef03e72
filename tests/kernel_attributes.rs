//! Every attribute of a kernel route, both ways: set by a filter it stands in `ip route`, set by `ip route`
//! it stands in `show route all`; for IPv4 and IPv6.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use common::*;
use tern::sys::kernel::{Kernel, KernelEvent, Metrics, RouteBody, RouteKey, RouteKind, RouteOp, RouteVerb};
use tern::sys::linux::NetlinkKernel;

/// What a filter does, and what stands behind the next hop in `ip route` then; for IPv6 it may be something else.
const WRITTEN: &[(&str, &str, Option<&str>)] = &[
    ("krt_metric = 5", "metric 5", Some("metric 5")),
    ("krt_prefsrc = PREFSRC", "src 192.0.2.7", Some("src 2001:db8::7 metric 1024")),
    // IPv6 has neither realms nor scopes.
    ("krt_realm = 42", "realm 42", Some("metric 1024")),
    ("krt_realm = 0x50002a", "realms 80/42", Some("metric 1024")),
    ("krt_scope = 0", "", Some("metric 1024")),
    ("krt_scope = 100", "scope 100", Some("metric 1024")),
    ("krt_mtu = 1400", "mtu 1400", None),
    ("krt_window = 5000", "window 5000", None),
    ("krt_rtt = 800", "rtt 100ms", None),
    ("krt_rttvar = 400", "rttvar 100ms", None),
    ("krt_ssthresh = 7", "ssthresh 7", None),
    ("krt_sstresh = 8", "ssthresh 8", None),
    ("krt_cwnd = 9", "cwnd 9", None),
    ("krt_advmss = 1300", "advmss 1300", None),
    ("krt_reordering = 5", "reordering 5", None),
    ("krt_hoplimit = 33", "hoplimit 33", None),
    ("krt_rto_min = 250", "rto_min 250ms", None),
    ("krt_initcwnd = 12", "initcwnd 12", None),
    ("krt_initrwnd = 14", "initrwnd 14", None),
    ("krt_quickack = 1", "quickack 1", None),
    ("krt_congctl = \"reno\"", "congctl reno", None),
    ("krt_fastopen_no_cookie = 1", "fastopen_no_cookie 1", None),
    ("krt_mtu = 1400; krt_lock_mtu = true", "mtu lock 1400", None),
    ("krt_window = 5000; krt_lock_window = true", "window lock 5000", None),
    ("krt_rtt = 800; krt_lock_rtt = true", "rtt lock 100ms", None),
    ("krt_rttvar = 400; krt_lock_rttvar = true", "rttvar lock 100ms", None),
    ("krt_ssthresh = 7; krt_lock_ssthresh = true", "ssthresh lock 7", None),
    ("krt_cwnd = 9; krt_lock_cwnd = true", "cwnd lock 9", None),
    ("krt_advmss = 1300; krt_lock_advmss = true", "advmss lock 1300", None),
    ("krt_reordering = 5; krt_lock_reordering = true", "reordering lock 5", None),
    ("krt_hoplimit = 33; krt_lock_hoplimit = true", "hoplimit lock 33", None),
    ("krt_rto_min = 250; krt_lock_rto_min = true", "rto_min lock 250ms", None),
    ("krt_initcwnd = 12; krt_lock_initcwnd = true", "initcwnd lock 12", None),
    ("krt_initrwnd = 14; krt_lock_initrwnd = true", "initrwnd lock 14", None),
    ("krt_quickack = 1; krt_lock_quickack = true", "quickack lock 1", None),
    ("krt_congctl = \"reno\"; krt_lock_congctl = true", "congctl lock reno", None),
    ("krt_fastopen_no_cookie = 1; krt_lock_fastopen_no_cookie = true", "fastopen_no_cookie lock 1", None),
    ("krt_feature_ecn = true", "features ecn", None),
    // iproute2 knows no name for it.
    ("krt_feature_allfrag = true", "features 0x8", None),
    ("krt_feature_ecn = true; krt_feature_allfrag = true", "features ecn 0x9", None),
    ("krt_feature_ecn = true; krt_feature_ecn = false", "", None),
    ("krt_lock_mtu = true; krt_mtu = 1300; krt_lock_mtu = false", "mtu 1300", None),
];

/// What `ip route` is told, and what `show route all` says besides source and metric; `!`: only of IPv4.
const LEARNED: &[(&str, &[&str])] = &[
    ("src PREFSRC", &["Kernel.prefsrc: PREFSRC"]),
    ("realm 42", &["!Kernel.realm: 42"]),
    ("scope 100", &["!Kernel.scope: 100"]),
    ("mtu 1400", &["Kernel.mtu: 1400"]),
    ("window 5000", &["Kernel.window: 5000"]),
    ("rtt 100ms", &["Kernel.rtt: 800"]),
    ("rttvar 100ms", &["Kernel.rttvar: 400"]),
    ("ssthresh 7", &["Kernel.ssthresh: 7"]),
    ("cwnd 9", &["Kernel.cwnd: 9"]),
    ("advmss 1300", &["Kernel.advmss: 1300"]),
    ("reordering 5", &["Kernel.reordering: 5"]),
    ("hoplimit 33", &["Kernel.hoplimit: 33"]),
    // This one iproute2 always locks.
    ("rto_min 250ms", &["Kernel.lock: rto_min", "Kernel.rto_min: 250"]),
    ("initcwnd 12", &["Kernel.initcwnd: 12"]),
    ("initrwnd 14", &["Kernel.initrwnd: 14"]),
    ("quickack 1", &["Kernel.quickack: 1"]),
    ("congctl reno", &["Kernel.congctl: reno"]),
    ("fastopen_no_cookie 1", &["Kernel.fastopen_no_cookie: 1"]),
    ("features ecn", &["Kernel.features: ecn"]),
    ("mtu lock 1400", &["Kernel.lock: mtu", "Kernel.mtu: 1400"]),
    ("mtu lock 1400 cwnd 3", &["Kernel.lock: mtu", "Kernel.mtu: 1400", "Kernel.cwnd: 3"]),
    ("congctl lock reno", &["Kernel.lock: congctl", "Kernel.congctl: reno"]),
];

/// One family: words for `ip`, nets by number, gateway, preferred source.
struct Family {
    ip: &'static str,
    channel: &'static str,
    gateway: &'static str,
    prefsrc: &'static str,
    metric: u32,
}

const FAMILIES: [Family; 2] = [
    Family { ip: "-4", channel: "ipv4", gateway: "192.0.2.2", prefsrc: "192.0.2.7", metric: 0 },
    Family { ip: "-6", channel: "ipv6", gateway: "2001:db8::2", prefsrc: "2001:db8::7", metric: 1024 },
];

impl Family {
    fn net(&self, number: usize) -> String {
        if self.ip == "-4" {
            format!("10.{number}.0.0/16")
        } else {
            format!("2001:db8:{:x}::/48", number + 256)
        }
    }

    fn filled(&self, text: &str) -> String {
        text.replace("PREFSRC", self.prefsrc)
    }
}

fn network() {
    link("v0", &["192.0.2.1/24", "192.0.2.7/24", "2001:db8::1/64", "2001:db8::7/64"]);
}

const HEAD: &str = "router id 192.0.2.1; protocol device { }\n\
    protocol kernel k4 { ipv4 { import all; export all; }; metric 0; learn; }\n\
    protocol kernel k6 { ipv6 { import all; export all; }; metric 0; learn; }\n";

/// What `ip` says about one net, behind the next hop.
fn shown(family: &Family, net: &str) -> Option<String> {
    let text = ip(&format!("-o {} route show {net} proto bird", family.ip));
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let rest = line.strip_prefix(&format!("{net} via {} dev v0", family.gateway))?;
    Some(rest.trim_end_matches(" pref medium").trim().to_owned())
}

/// The lines of `show route all` about one net that speak of the kernel.
fn known(daemon: &Daemon, net: &str) -> Vec<String> {
    let reply = daemon.ask(&format!("show route {net} all"));
    reply.iter().filter_map(|line| line.find("Kernel.").map(|at| line[at..].to_owned())).collect()
}

#[test]
fn attributes_set_by_filters_stand_in_the_kernel() {
    in_network("attributes_set_by_filters_stand_in_the_kernel", || {
        network();
        let mut config = HEAD.to_owned();
        for family in &FAMILIES {
            let _ = writeln!(config, "protocol static {{ {};", family.channel);
            for (number, (set, ..)) in WRITTEN.iter().enumerate() {
                let (net, set) = (family.net(number), family.filled(set));
                let _ = writeln!(config, "route {net} via {} {{ {set}; }};", family.gateway);
            }
            config.push_str("}\n");
        }
        let daemon = Daemon::start(&config);
        for family in &FAMILIES {
            for (number, (set, four, six)) in WRITTEN.iter().enumerate() {
                let wanted = match (family.metric, six) {
                    (0, _) => (*four).to_owned(),
                    (_, Some(six)) => (*six).to_owned(),
                    (metric, None) => format!("metric {metric} {four}").trim().to_owned(),
                };
                let net = family.net(number);
                until(&format!("{net} with {set}: {:?}, wanted {wanted:?}", shown(family, &net)), || {
                    shown(family, &net).as_ref() == Some(&wanted)
                });
            }
        }
        // What the kernel made of it is what was wanted, so there is nothing to write again and again.
        assert_eq!(daemon.ask("wait kernel 60").first().map(|l| l[..4].to_owned()), Some("1905".to_owned()));
        let before = ip("-o route show proto bird");
        daemon.ask("reload out all");
        daemon.ask("wait kernel 60");
        assert_eq!(ip("-o route show proto bird"), before);
        assert!(!daemon.log().contains("failed"), "{}", daemon.log());
    });
}

#[test]
fn every_scope_reaches_the_kernel() {
    in_network("every_scope_reaches_the_kernel", || {
        network();
        let mut config = format!("{HEAD}protocol static {{ ipv4;\n");
        for scope in 0..=254 {
            let _ = writeln!(config, "route 10.0.{scope}.0/24 via \"v0\" {{ krt_scope = {scope}; }};");
        }
        config.push_str("}\n");
        let _daemon = Daemon::start(&config);
        for scope in 0..=254 {
            let words = format!("-o -N route show 10.0.{scope}.0/24 proto 12 scope {scope}");
            until(&format!("scope {scope}"), || !ip(&words).is_empty());
        }
    });
}

#[test]
fn attributes_of_foreign_routes_are_learned() {
    in_network("attributes_of_foreign_routes_are_learned", || {
        network();
        let daemon = Daemon::start(HEAD);
        for family in &FAMILIES {
            for (number, (words, lines)) in LEARNED.iter().enumerate() {
                let net = family.net(number);
                ip(&format!(
                    "{} route add {net} via {} proto 77 metric {} {}",
                    family.ip,
                    family.gateway,
                    number + 1,
                    family.filled(words)
                ));
                let mut wanted =
                    vec!["Kernel.source: 77".to_owned(), format!("Kernel.metric: {}", number + 1)];
                for line in *lines {
                    match line.strip_prefix('!') {
                        Some(line) if family.ip == "-4" => wanted.push(line.to_owned()),
                        Some(_) => {}
                        None => wanted.push(family.filled(line)),
                    }
                }
                until(&format!("{net} {words}"), || !known(&daemon, &net).is_empty());
                assert_eq!(known(&daemon, &net), wanted, "{words}");
            }
        }
    });
}

/// What iproute2 has no words for: every metric at once, all of them locked, both features.
#[test]
fn all_metrics_at_once_are_learned() {
    in_network("all_metrics_at_once_are_learned", || {
        network();
        let daemon = Daemon::start(HEAD);
        let mut body = RouteBody::new(RouteKind::Blackhole, []);
        body.protocol = 77;
        body.metrics.set(Metrics::LOCK, Some(0x3ffff & !(1 << Metrics::LOCK | 1 << Metrics::FEATURES | 1)));
        (2..=Metrics::LAST).for_each(|number| body.metrics.set(number, Some(number as u32)));
        body.metrics.set(Metrics::FEATURES, Some(9));
        body.metrics.congctl = Some("reno".into());
        let body = Arc::new(body);
        let mut kernel = NetlinkKernel::start(|| {}).unwrap();
        for family in &FAMILIES {
            let key = RouteKey { table: 254, dst: family.net(99).parse().unwrap(), src: None, metric: 3 };
            kernel.submit(&mut vec![RouteOp { ticket: 1, key, verb: RouteVerb::Add(Arc::clone(&body)) }]);
            let mut events = Vec::new();
            until("an answer", || {
                std::thread::sleep(Duration::from_millis(5));
                kernel.poll(&mut events);
                events.iter().any(|e| matches!(e, KernelEvent::Done(_)))
            });
            let net = family.net(99);
            until(&net, || !known(&daemon, &net).is_empty());
            let wanted = "Kernel.source: 77|Kernel.metric: 3|Kernel.lock: mtu window rtt rttvar ssthresh cwnd advmss \
                reordering hoplimit initcwnd rto_min initrwnd quickack congctl fastopen_no_cookie|Kernel.mtu: 2|\
                Kernel.window: 3|Kernel.rtt: 4|Kernel.rttvar: 5|Kernel.ssthresh: 6|Kernel.cwnd: 7|Kernel.advmss: 8|\
                Kernel.reordering: 9|Kernel.hoplimit: 10|Kernel.initcwnd: 11|Kernel.features: ecn allfrag|\
                Kernel.rto_min: 13|Kernel.initrwnd: 14|Kernel.quickack: 15|Kernel.congctl: reno|\
                Kernel.fastopen_no_cookie: 17";
            assert_eq!(known(&daemon, &net).join("|"), wanted);
        }
    });
}

/// Source-specific IPv6 routes: written, learned, found by a scan, put back, and removed.
#[test]
fn source_specific_routes_go_both_ways() {
    in_network("source_specific_routes_go_both_ways", || {
        network();
        ip("-6 route add 2001:db8:50::/48 from 2001:db8:a::/48 via 2001:db8::2 proto bird metric 32");
        ip("-6 route add 2001:db8:60::/48 from 2001:db8:b::/48 via 2001:db8::2 proto 77 metric 5 mtu 1400");
        let config = "router id 192.0.2.1; protocol device { } ipv6 sadr table s;\n\
            protocol kernel { ipv6 sadr { table s; import all; export all; }; learn; scan time 1; }\n\
            protocol static { ipv6 sadr { table s; };\n\
            route 2001:db8:10::/48 from 2001:db8:a::/48 via 2001:db8::2 { krt_mtu = 1300; };\n\
            route 2001:db8:10::/48 from 2001:db8:b::/48 via 2001:db8::2;\n\
            route 2001:db8:20::/48 from ::/0 via 2001:db8::2;\n\
            route ::/0 from 2001:db8:c::/48 unreachable; }\n";
        let mut daemon = Daemon::start(config);
        let expected = [
            "2001:db8:10::/48 from 2001:db8:a::/48 via 2001:db8::2 dev v0 metric 32 mtu 1300",
            "2001:db8:10::/48 from 2001:db8:b::/48 via 2001:db8::2 dev v0 metric 32",
            "2001:db8:20::/48 via 2001:db8::2 dev v0 metric 32",
            "unreachable default from 2001:db8:c::/48 dev lo metric 32",
        ];
        until_routes("main", &expected);
        let route = |net: &str| daemon.ask(&format!("show route {net} all table s")).join("\n");
        let learned = "2001:db8:60::/48 from 2001:db8:b::/48";
        until(learned, || route(learned).contains("Kernel.mtu: 1400"));
        // As it comes, and as it goes; behind our back.
        let late = "2001:db8:61::/48 from 2001:db8:b::/48";
        ip(&format!("-6 route add {late} via 2001:db8::2 proto 77"));
        until(late, || route(late).contains("Kernel.source: 77"));
        ip(&format!("-6 route del {late}"));
        until("it is forgotten", || !route(late).contains("Kernel.source: 77"));
        ip("-6 route del 2001:db8:10::/48 from 2001:db8:a::/48");
        until_routes("main", &expected);
        daemon.signal(rustix::process::Signal::TERM);
        daemon.ended();
        until_routes("main", &[]);
        assert!(ip("-6 route show proto 77").contains("2001:db8:60::/48"));
    });
}
