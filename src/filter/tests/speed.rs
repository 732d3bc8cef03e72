//! How fast it is: `cargo test --release --lib filter::tests::speed -- --ignored --nocapture`. Numbers are kept in
//! `doc/performance.md`.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::harness::{Log, load};
use crate::base::prefix_set::{Pattern, PrefixSet};
use crate::base::{IpNet, Net, NextHop};
use crate::filter::code::Verdict;
use crate::filter::symbols::Symbol;
use crate::filter::vm::{Machine, run};
use crate::filter::{Filter, RouteView};
use crate::table::{Attrs, Dest};

/// A generator without a crate: the same numbers every time.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % below as u64) as u32
    }
}

fn nets(count: usize) -> Vec<IpNet> {
    let mut random = Random(1);
    (0..count)
        .map(|_| {
            let len = [16u8, 19, 20, 21, 22, 23, 24, 24, 24, 24][random.next(10) as usize];
            let address = (11 << 24) + random.next(179 << 24);
            IpNet::new(Ipv4Addr::from(address).into(), len).unwrap().trunc()
        })
        .collect()
}

fn policy(nets: &[IpNet], peers: usize) -> String {
    let (mut text, mut random) = (String::new(), Random(2));
    for peer in 0..peers {
        let asn = 64512 + peer;
        let mut mine = String::new();
        for i in 0..100 {
            let n = nets[random.next(nets.len() as u32) as usize];
            let _ = write!(mine, "{}{n}{{{},24}}", if i > 0 { ", " } else { "" }, n.prefix_len());
        }
        let asns: Vec<String> = (0..60).map(|_| (1 + random.next(400000)).to_string()).collect();
        let _ = write!(
            text,
            "define PREFIXES_{peer} = [ {mine} ];
define ORIGINS_{peer} = [ {} ];
function import_{peer}() {{
	if bgp_path.first != {asn} then {{ bgp_large_community.add((64500, 1101, 7)); print \"bad first AS \", bgp_path.first; return false; }}
	if bgp_path.len > 32 || bgp_path.len < 1 then return false;
	if !(bgp_path.last ~ ORIGINS_{peer}) then {{ bgp_large_community.add((64500, 1101, 9)); return false; }}
	if !(net ~ PREFIXES_{peer}) then {{ bgp_large_community.add((64500, 1101, 10)); return false; }}
	case net.len {{ 8..16: bgp_local_pref = 120; 17..20: bgp_local_pref = 110; else: bgp_local_pref = 100; }}
	if (0, {}) ~ bgp_community then return false;
	bgp_community.delete([(64501, *), (64502, 1..100)]);
	bgp_ext_community.add((rt, 64500, {peer}));
	return true;
}}
filter f_{peer} {{ if import_{peer}() then accept; else reject; }}
",
            asns.join(", "),
            asn % 65536
        );
    }
    text
}

#[test]
#[ignore = "takes seconds, and means something only in release"]
fn a_policy_of_two_thousand_peers() {
    struct Memory(String);
    impl crate::syntax::Files for Memory {
        fn read(&self, _: &Path) -> Result<Vec<u8>, crate::syntax::ReadError> {
            Ok(self.0.clone().into_bytes())
        }
        fn list(&self, _: &Path) -> Vec<std::path::PathBuf> {
            Vec::new()
        }
        fn is_dir(&self, _: &Path) -> bool {
            false
        }
    }
    let text = policy(&nets(1_000_000), 2000);
    println!("{} bytes", text.len());
    let start = Instant::now();
    let parsed = crate::syntax::parse(Path::new("p"), &Memory(text.clone())).unwrap_or_else(|_| panic!());
    println!("parsed in {:?}", start.elapsed());
    drop(parsed);
    let start = Instant::now();
    let world = load(&text);
    assert_eq!(world.first_error(), None);
    println!("parsed, checked and compiled in {:?}", start.elapsed());
}

const FILTER: &str = "define BOGONS = [ 0.0.0.0/8+, 10.0.0.0/8+, 100.64.0.0/10+, 127.0.0.0/8+, 169.254.0.0/16+, 172.16.0.0/12+, 192.0.2.0/24+,
	192.168.0.0/16+, 198.18.0.0/15+, 224.0.0.0/4+ ];
define MINE = [ MEMBERS ];
function is_bogon(prefix p) { return p ~ BOGONS; }
function grade(int bits) { case bits { 8..15: return 10; 16: return 20; 17..23: return 30; else: return 40; } return 0; }
filter verdicts {
	int score = 0;
	if is_bogon(net) then reject;
	if net.len > 24 then reject;
	if net ~ MINE then { preference = 150; score = 7; } else score = 3;
	bgp_community.add((64500, score));
	if (64500, 7) ~ bgp_community then bgp_large_community.add((64500, score, net.len));
	krt_metric = 100 + grade(net.len) * score;
	accept;
}
";

#[test]
#[ignore = "takes seconds, and means something only in release"]
fn a_million_verdicts() {
    let nets = nets(1_000_000);
    let mut members = String::new();
    for (i, n) in nets.iter().step_by(10).enumerate() {
        let high = (n.prefix_len() + 4).min(32);
        let _ = write!(members, "{}{n}{{{},{high}}}", if i > 0 { ", " } else { "" }, n.prefix_len());
    }
    let world = load(&FILTER.replace("MEMBERS", &members));
    assert_eq!(world.first_error(), None);
    let name = world.names.find("verdicts").unwrap();
    let Some(Symbol::Filter(filter)) = world.symbols.get(&world.names, name).map(|e| &e.symbol) else {
        panic!()
    };
    let hop = NextHop::new(Some([192, 0, 2, 2].into()), 3);
    let attrs = Attrs { dest: Dest::Unicast(Arc::from([hop])), preference: 200, ..Attrs::default() };
    time("bench filter", filter, &nets, &attrs);
    for (what, text) in [
        ("accept", "{ accept; }"),
        ("net ~ bogons", "{ if net ~ BOGONS then reject; accept; }"),
        ("net ~ 100k", "{ if net ~ MINE then reject; accept; }"),
        ("call", "{ if is_bogon(net) then reject; accept; }"),
        (
            "case",
            "{ int a; case net.len { 8..15: a = 10; 16: a = 20; 17..23: a = 30; else: a = 40; } accept; }",
        ),
        ("set int", "{ krt_metric = 5; accept; }"),
        ("add community", "{ bgp_community.add((64500, 7)); accept; }"),
    ] {
        time(what, &world.filter(text), &nets, &attrs);
    }
}

fn time(what: &str, filter: &Filter, nets: &[IpNet], attrs: &Attrs) {
    let (mut machine, env, proto) = (Machine::default(), Log::default(), Arc::from("bench"));
    let (mut accepted, mut changed) = (0, 0);
    let start = Instant::now();
    for net in nets {
        let net: Net = (*net).into();
        let mut view = RouteView::new(&net, attrs, &proto);
        accepted += u32::from(run(filter, &mut view, &mut machine, &env).verdict == Verdict::Accept);
        changed += u32::from(view.finish().is_some());
    }
    let each = start.elapsed().as_nanos() as usize / nets.len();
    println!("{what}: {each} ns each, {accepted} accepted, {changed} changed");
}

#[test]
#[ignore = "takes seconds, and means something only in release"]
fn a_set_of_a_million() {
    let nets = nets(1_000_000);
    let patterns =
        nets.iter().map(|n| Pattern { net: *n, low: n.prefix_len(), high: (n.prefix_len() + 4).min(32) });
    let start = Instant::now();
    let set = PrefixSet::new(patterns);
    println!("built {} in {:?}", set.len(), start.elapsed());
    let start = Instant::now();
    let found = nets.iter().filter(|n| set.contains(n)).count();
    println!("{found} looked up, {} ns each", start.elapsed().as_nanos() as usize / nets.len());
}
