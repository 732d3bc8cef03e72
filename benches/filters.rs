//! What a filter costs: lookups in sets and masks by themselves, and whole runs of small filters with all
//! that a verdict takes.
//!
//! Verdicts that are known are looked up instead of running, and sets are read for many nets at once: that is
//! measured beside it.
//!
//! `cargo bench --bench filters [NAME]`. A run is `run(..)` over a thousand routes, each with its view, its
//! verdict and, if something was written, the shared attributes; `nothing` is what that costs without any
//! command.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a measurement may panic")]

use std::fmt::Write;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use divan::Bencher;
use divan::counter::ItemsCount;
use tern::base::mask::{MaskItem, PathMask};
use tern::base::path::AsPath;
use tern::base::prefix_set::{Pattern, PrefixSet};
use tern::base::{IpNet, Net, NextHop, Value};
use tern::config::Config;
use tern::filter::attributes::id;
use tern::filter::{Case, CustomAttrs, Machine, NoEnv, RouteView, Verdict, Verdicts, run};
use tern::syntax::{Files, ReadError};
use tern::table::{Attrs, Dest, Interner};

fn main() {
    divan::main();
}

const ROUTES: usize = 1000;

/// Prefixes with the lengths of a real table; the same every time.
fn nets(count: usize, mut seed: u64) -> Vec<IpNet> {
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) % below
    };
    let lengths = [16u8, 19, 20, 21, 22, 23, 24, 24, 24, 24, 24, 24, 24, 24, 24];
    let mut net = || {
        let length = lengths[random(lengths.len() as u64) as usize];
        let address = Ipv4Addr::from((11 << 24) + random(179 << 24) as u32);
        IpNet::new(address.into(), length).unwrap().trunc()
    };
    (0..count).map(|_| net()).collect()
}

fn set(count: usize) -> Arc<PrefixSet> {
    let pattern = |n: IpNet| Pattern { net: n, low: n.prefix_len(), high: (n.prefix_len() + 4).min(32) };
    PrefixSet::new(nets(count, 1).into_iter().map(pattern))
}

#[divan::bench(args = [10, 100, 100_000])]
fn prefix_set_hit(bencher: Bencher, size: usize) {
    let (set, probes) = (set(size), nets(size, 1));
    // Members in an order that is not theirs.
    let probes: Vec<IpNet> = (0..ROUTES).map(|i| probes[i * 7919 % probes.len()]).collect();
    bencher
        .counter(ItemsCount::new(ROUTES))
        .bench_local(|| probes.iter().filter(|n| set.contains(black_box(n))).count());
}

#[divan::bench(args = [10, 100, 100_000])]
fn prefix_set_miss(bencher: Bencher, size: usize) {
    let (set, probes) = (set(size), nets(ROUTES, 99));
    bencher
        .counter(ItemsCount::new(ROUTES))
        .bench_local(|| probes.iter().filter(|n| set.contains(black_box(n))).count());
}

/// A large set among a million nets, so that little of it is in the cache; with and without reading for a
/// batch of nets at once.
#[divan::bench(args = [false, true])]
fn prefix_set_cold(bencher: Bencher, warmed: bool) {
    let set = set(100_000);
    let probes: Vec<Net> = nets(1_000_000, 7).into_iter().map(Net::from).collect();
    let mut batches = probes.chunks(32).cycle();
    bencher.counter(ItemsCount::new(ROUTES)).bench_local(|| {
        let mut found = 0;
        for batch in batches.by_ref().take(ROUTES / 32) {
            if warmed {
                set.warm(&batch.iter().collect::<Vec<&Net>>());
            }
            found += batch.iter().filter(|net| set.contains_net(net)).count();
        }
        found
    });
}

#[divan::bench(args = [4, 40])]
fn path_mask(bencher: Bencher, length: u32) {
    let path = AsPath::sequence(&(1..=length).collect::<Vec<u32>>());
    let mask =
        PathMask::new(vec![MaskItem::Asn(1), MaskItem::Star, MaskItem::Asn(3), MaskItem::Star]).unwrap();
    bencher.bench_local(|| black_box(&mask).matches(black_box(&path)));
}

/// Name and body of each filter.
const FILTERS: &[(&str, &str)] = &[
    ("nothing", ""),
    ("write_int", "krt_metric = 5;"),
    ("prefix_set_10", "if net ~ TEN then reject;"),
    ("prefix_set_100k", "if net ~ MANY then reject;"),
    ("path_mask_match", "if bgp_path ~ [= * 64500 ? 64502 * =] then reject;"),
    ("path_set_match", "if bgp_path ~ [1..100, 64499] then reject;"),
    ("community_add", "bgp_community.add((64500, 7));"),
    ("community_delete", "bgp_community.delete([(64500, 1..9)]);"),
    ("community_filter", "bgp_community.filter([(64501, *)]);"),
    ("community_match", "if (64500, 77) ~ bgp_community then reject;"),
    ("large_community_add", "bgp_large_community.add((64500, 1, net.len));"),
    ("call", "if nobody(net) then reject;"),
    ("call_10", "int i = add(add(add(add(add(add(add(add(add(add(0, 1), 1), 1), 1), 1), 1), 1), 1), 1), 1);"),
    ("loop_over_path", "int sum = 0; for int asn in bgp_path do sum = sum + asn;"),
    (
        "policy",
        "int score = 0; if net ~ TEN then reject; if net.len > 24 then reject; if net ~ MANY then { preference = 150; score = 7; } \
         else score = 3; bgp_community.add((64500, score)); bgp_large_community.add((64500, score, net.len)); krt_metric = 100 + score;",
    ),
    ("case_of_int", "int a; case net.len { 8..15: a = 10; 16: a = 20; 17..23: a = 30; else: a = 40; }"),
];

struct Memory(String);

impl Files for Memory {
    fn read(&self, _: &Path) -> Result<Vec<u8>, ReadError> {
        Ok(self.0.clone().into_bytes())
    }
    fn list(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
    fn is_dir(&self, _: &Path) -> bool {
        false
    }
}

static CONFIG: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let written = |count: usize| {
        let list = nets(count, 1).iter().map(|n| format!("{n}{{{},32}}", n.prefix_len())).collect::<Vec<_>>();
        list.join(", ")
    };
    let mut text = format!("define TEN = [ {} ];\ndefine MANY = [ {} ];\n", written(10), written(100_000));
    text += "function nobody(prefix p) -> bool { return p.len > 24; }\n";
    text += "function add(int a; int b) -> int { return a + b; }\n";
    for (name, body) in FILTERS {
        writeln!(text, "filter {name} {{ {body} accept; }}").unwrap();
    }
    text += "protocol device { }\n";
    tern::config::load(Path::new("bench"), tern::protocols::SYNTAX, &CustomAttrs::default(), &Memory(text))
        .unwrap_or_else(|failure| panic!("{failure}"))
});

/// Attributes with a path and nine communities.
fn attributes() -> Attrs {
    let hop = NextHop::new(Some([192, 0, 2, 2].into()), 3);
    let communities = (1..=8).map(|n| (64500 << 16) | (n * 11)).chain([(64501 << 16) | 1]).collect();
    let mut attrs = Attrs { dest: Dest::Unicast(Arc::from([hop])), preference: 200, ..Attrs::default() };
    attrs.set(id::BGP_PATH, Value::Path(AsPath::sequence(&[64499, 64500, 64501, 64502, 64503])));
    attrs.set(id::BGP_COMMUNITY, Value::Clist(communities));
    attrs
}

#[divan::bench(args = FILTERS.iter().map(|(name, _)| *name))]
fn filter(bencher: Bencher, name: &str) {
    let filter = CONFIG.filter(name).unwrap();
    let nets: Vec<Net> = nets(ROUTES, 7).into_iter().map(Net::from).collect();
    let (attrs, proto) = (attributes(), Arc::from("bench"));
    let (mut machine, mut interner) = (Machine::default(), Interner::default());
    // Attributes live as long as somebody has them; here the table would.
    let mut kept = Vec::new();
    bencher.counter(ItemsCount::new(ROUTES)).bench_local(|| {
        kept.clear();
        for net in &nets {
            let mut view = RouteView::new(net, &attrs, &proto);
            let outcome = run(filter, &mut view, &mut machine, &NoEnv);
            assert!(outcome.verdict != Verdict::Error);
            kept.extend(view.finish_shared(&mut interner));
        }
        kept.len()
    });
}

/// The same as the engine does it: looked up first. With so many different sets of attributes.
#[divan::bench(args = [1, 100, 1_000_000])]
fn policy_looked_up(bencher: Bencher, sets: usize) {
    let filter = CONFIG.filter("policy").unwrap();
    let nets: Vec<Net> = nets(100_000, 7).into_iter().map(Net::from).collect();
    // Equal ones, too, are different as long as they are not shared: nothing repeats, and all else is as before.
    let given: Vec<Arc<Attrs>> = vec![attributes(); sets.min(nets.len())].into_iter().map(Arc::new).collect();
    let proto: Arc<str> = "bench".into();
    let (mut machine, mut interner, mut verdicts) =
        (Machine::default(), Interner::default(), Verdicts::default());
    let mut kept = Vec::new();
    let mut routes = nets.iter().zip(given.iter().cycle()).cycle();
    bencher.counter(ItemsCount::new(ROUTES)).bench_local(|| {
        kept.clear();
        for (net, attrs) in routes.by_ref().take(ROUTES) {
            let case = Case { filter, net, attrs, proto: &proto, env: &NoEnv };
            kept.push(verdicts.judge(&case, &mut machine, &mut interner).1);
        }
        kept.len()
    });
}
