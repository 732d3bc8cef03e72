//! The reconciler against a kernel that refuses, lags, reorders and forgets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;

use super::bodies::Bodies;
use super::config::Learn;
use super::drift::DriftKind;
use super::nets::Dst;
use super::sync::{Action, KernelSync, Setup, Warning};
use crate::base::{NextHop, Value};
use crate::sys::fake::FakeKernel;
use crate::sys::kernel::{
    Family, Kernel, KernelEvent, PROTOCOL_BIRD, Question, RouteBody, RouteKey, RouteKind, RouteVerb,
};
use crate::table::{Attrs, Dest};

const TABLE: u32 = 254;

/// A driver without an engine: a table of its own, a fake kernel, and everything that was reported.
struct Bench {
    setup: Setup,
    sync: KernelSync,
    bodies: Bodies,
    kernel: FakeKernel,
    /// The table: number and wanted attributes of each net.
    numbers: HashMap<Dst, u32>,
    wanted: BTreeMap<u32, (Dst, Arc<Attrs>)>,
    ticket: u64,
    scan_due: bool,
    again: bool,
    repair_due: bool,
    refused: BTreeSet<u32>,
    failures: Vec<(Dst, i32)>,
    warnings: Vec<Warning>,
    learned: BTreeSet<Dst>,
    flushed: bool,
    scans: usize,
    clock: u64,
}

fn setup(family: Family, metric: u32) -> Setup {
    Setup { family, table: TABLE, metric, learn: Learn::On, replace_any: true }
}

fn dst(text: &str) -> Dst {
    Dst { dst: text.parse().unwrap(), src: None }
}

fn via(last: u8) -> Attrs {
    let hop = NextHop::new(Some([192, 0, 2, last].into()), 10);
    Attrs { dest: Dest::Unicast([hop].into()), ..Attrs::default() }
}

fn with_metric(mut attrs: Attrs, metric: u32) -> Attrs {
    attrs.set(super::attributes::METRIC, Value::Int(metric));
    attrs
}

fn alien(protocol: u8, last: u8) -> RouteBody {
    let hop = NextHop::new(Some([192, 0, 2, last].into()), 10);
    RouteBody { protocol, ..RouteBody::new(RouteKind::Unicast, [hop]) }
}

fn key(text: &str, metric: u32) -> RouteKey {
    dst(text).key(TABLE, metric)
}

impl Bench {
    fn new(setup: Setup) -> Bench {
        Bench {
            setup,
            sync: KernelSync::new(setup, false),
            bodies: Bodies::new(setup.family),
            kernel: FakeKernel::default(),
            numbers: HashMap::new(),
            wanted: BTreeMap::new(),
            ticket: 1 << 40,
            scan_due: false,
            again: false,
            repair_due: false,
            refused: BTreeSet::new(),
            failures: Vec::new(),
            warnings: Vec::new(),
            learned: BTreeSet::new(),
            flushed: false,
            scans: 0,
            clock: 0,
        }
    }

    /// Fed with nothing, scanned once.
    fn started(setup: Setup) -> Bench {
        let mut bench = Bench::new(setup);
        bench.feed_done();
        bench.settle();
        bench
    }

    fn export(&mut self, id: u32, net: &str, attrs: Option<Attrs>) {
        let dst = dst(net);
        let attrs = attrs.map(Arc::new);
        match &attrs {
            Some(attrs) => {
                self.numbers.insert(dst, id);
                self.wanted.insert(id, (dst, Arc::clone(attrs)));
            }
            None => {
                self.numbers.remove(&dst);
                self.wanted.remove(&id);
            }
        }
        self.tell(id, dst, attrs);
    }

    fn tell(&mut self, id: u32, dst: Dst, attrs: Option<Arc<Attrs>>) {
        let new = attrs.and_then(|attrs| self.bodies.of(&attrs)).map(|w| (w.body, w.metric));
        let mut out = Vec::new();
        self.sync.export(id, &dst, new, &mut out);
        self.handle(out);
    }

    fn feed_done(&mut self) {
        let mut out = Vec::new();
        self.sync.feed_done(&mut out);
        self.handle(out);
    }

    /// The daemon died and starts again: the kernel keeps its routes, the exports come anew.
    fn crash(&mut self) {
        while !self.kernel.idle() {
            self.kernel.poll(&mut Vec::new());
        }
        self.sync = KernelSync::new(self.setup, false);
        (self.scan_due, self.again, self.repair_due) = (false, false, false);
        self.refused.clear();
        for (id, (dst, attrs)) in self.wanted.clone() {
            self.tell(id, dst, Some(attrs));
        }
        self.feed_done();
    }

    fn handle(&mut self, out: Vec<Action>) {
        for action in out {
            match action {
                Action::Scan(_) => self.scan_due = true,
                Action::Repair => self.repair_due = true,
                Action::Refused(id, true) => drop(self.refused.insert(id)),
                Action::Refused(id, false) => drop(self.refused.remove(&id)),
                Action::Failed { dst, error, .. } => self.failures.push((dst, error.errno)),
                Action::Learn(dst) if self.sync.aliens.of(&dst).is_empty() => drop(self.learned.remove(&dst)),
                Action::Learn(dst) => drop(self.learned.insert(dst)),
                Action::Warn(_, warning) => self.warnings.push(warning),
                Action::Flushed => self.flushed = true,
                Action::Trace(..) => {}
            }
        }
        let mut ops = Vec::new();
        self.sync.pump(self.kernel.room(), &mut ops);
        self.kernel.submit(&mut ops);
        assert!(ops.is_empty());
        let mut out = Vec::new();
        self.sync.check_flushed(&mut out);
        self.flushed |= !out.is_empty();
    }

    /// Lets the kernel answer once.
    fn step(&mut self) {
        self.clock += 1;
        if std::mem::take(&mut self.repair_due) {
            self.sync.repair(|_| true);
        }
        if self.scan_due && self.sync.may_scan() {
            self.scan_due = false;
            self.scans += 1;
            self.sync.scan_begin(false);
            self.ticket += 1;
            let question = Question::Routes { family: self.setup.family, table: TABLE };
            self.kernel.ask(self.ticket, question);
        }
        let mut events = Vec::new();
        self.kernel.poll(&mut events);
        for event in events {
            let mut out = Vec::new();
            match event {
                KernelEvent::Done(answers) => self.sync.answers(answers, &mut out),
                KernelEvent::Routes(ticket, routes) if ticket == self.ticket => {
                    for route in routes {
                        let dst = Dst::of_key(&route.key);
                        let read = self.bodies.read(&route.body);
                        let id = self.sync.guess(&dst).or_else(|| self.numbers.get(&dst).copied());
                        self.sync.scanned(
                            &dst,
                            route.key.metric,
                            &route.body,
                            &read,
                            id,
                            self.clock,
                            &mut out,
                        );
                    }
                }
                KernelEvent::Finished(ticket, result) if ticket == self.ticket => {
                    let numbers = &self.numbers;
                    self.sync.scan_end(result.is_ok(), self.clock, |dst| numbers.get(dst).copied(), &mut out);
                }
                KernelEvent::Route(ref route) | KernelEvent::RouteGone(ref route) => {
                    let dst = Dst::of_key(&route.key);
                    let gone = matches!(event, KernelEvent::RouteGone(_));
                    let read = self.bodies.read(&route.body);
                    let id = self.numbers.get(&dst).copied();
                    let metric = route.key.metric;
                    self.sync.notice(&dst, metric, &route.body, &read, gone, id, self.clock, &mut out);
                }
                KernelEvent::Overrun(_) => self.sync.overrun(&mut out),
                _ => {}
            }
            self.handle(out);
        }
        self.handle(Vec::new());
    }

    /// Until nothing moves any more.
    fn settle(&mut self) {
        for _ in 0..500 {
            self.step();
            let done = !self.scan_due && !self.repair_due && !self.sync.scanning() && !self.sync.busy();
            if done && self.kernel.idle() {
                return;
            }
        }
        panic!("does not settle: {:?}", self.sync.status());
    }

    fn scan(&mut self) {
        self.scan_due = true;
        self.settle();
    }

    /// Our routes as `prefix@metric -> last byte of the gateway`.
    fn ours(&self) -> Vec<String> {
        self.shown(|protocol| protocol == PROTOCOL_BIRD)
    }

    fn shown(&self, which: impl Fn(u8) -> bool) -> Vec<String> {
        let list = self.kernel.routes.iter().filter(|(_, body)| which(body.protocol));
        list.map(|(key, body)| format!("{}@{} {}", key.dst, key.metric, hop_name(body))).collect()
    }

    fn verbs(&mut self) -> Vec<&'static str> {
        let verb = |verb: &RouteVerb| match verb {
            RouteVerb::Add(_) => "add",
            RouteVerb::Replace(_) => "replace",
            RouteVerb::Delete => "delete",
        };
        std::mem::take(&mut self.kernel.log).iter().map(|op| verb(&op.verb)).collect()
    }
}

fn hop_name(body: &RouteBody) -> String {
    match body.hops.first().and_then(|hop| hop.next.gateway) {
        Some(std::net::IpAddr::V4(a)) => a.octets()[3].to_string(),
        _ => "-".to_owned(),
    }
}

const NET: &str = "10.1.0.0/16";

#[test]
fn nothing_is_written_before_the_first_scan() {
    let mut bench = Bench::new(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.step();
    assert!(bench.kernel.log.is_empty());
    bench.feed_done();
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 2"]);
    bench.export(0, NET, Some(via(3)));
    bench.export(1, "10.2.0.0/16", Some(via(3)));
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 3", "10.2.0.0/16@32 3"]);
    bench.export(0, NET, None);
    bench.settle();
    assert_eq!(bench.ours(), ["10.2.0.0/16@32 3"]);
    assert_eq!(bench.verbs(), ["add", "replace", "add", "delete"]);
}

#[test]
fn the_first_scan_adopts_what_is_right_and_removes_what_is_not_wanted() {
    let mut bench = Bench::new(setup(Family::V4, 32));
    bench.kernel.outside_add(key(NET, 32), alien(PROTOCOL_BIRD, 2));
    bench.kernel.outside_add(key("10.2.0.0/16", 32), alien(PROTOCOL_BIRD, 9));
    bench.kernel.outside_add(key("10.3.0.0/16", 32), alien(PROTOCOL_BIRD, 2));
    bench.kernel.outside_add(key("10.3.0.0/16", 99), alien(PROTOCOL_BIRD, 2));
    bench.step();
    bench.export(0, NET, Some(via(2)));
    bench.export(1, "10.2.0.0/16", Some(via(2)));
    bench.feed_done();
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 2", "10.2.0.0/16@32 2", "10.3.0.0/16@99 2"]);
    assert_eq!(bench.verbs(), ["delete", "replace"]);
    bench.crash();
    bench.settle();
    assert!(bench.verbs().is_empty(), "the same configuration again rewrites nothing");
}

#[test]
fn attributes_are_compared_too() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    let mut attrs = via(2);
    attrs.set(super::attributes::metric(2), Value::Int(1400));
    bench.export(0, NET, Some(attrs));
    bench.settle();
    let mut changed = alien(PROTOCOL_BIRD, 2);
    changed.metrics.set(2, Some(1234));
    bench.kernel.routes.insert(key(NET, 32), Arc::new(changed));
    bench.scan();
    assert_eq!(bench.kernel.routes[&key(NET, 32)].metrics.get(2), Some(1400));
    assert_eq!(bench.sync.status().drift, 1);
}

#[test]
fn a_kernel_with_its_own_ways_is_not_written_to_for_ever() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    let mut own = alien(PROTOCOL_BIRD, 2);
    own.realm = 1;
    bench.verbs();
    for _ in 0..64 {
        bench.kernel.routes.insert(key(NET, 32), Arc::new(own.clone()));
        bench.scan();
    }
    assert!(bench.verbs().len() <= 12);
    assert_eq!(bench.warnings, [Warning::Stubborn]);
}

#[test]
fn a_foreign_route_in_the_way_is_left_alone() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.kernel.outside_add(key(NET, 32), alien(100, 9));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    assert!(bench.ours().is_empty() && bench.refused.contains(&0));
    bench.scan();
    let file_exists = (dst(NET), libc::EEXIST);
    assert_eq!(bench.failures, [file_exists, file_exists], "one more try per scan");
    bench.kernel.outside_delete(&key(NET, 32));
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 2"]);
    assert!(bench.refused.is_empty());
}

#[test]
fn a_foreign_route_that_replaces_ours_is_left_alone() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    bench.kernel.outside_add(key(NET, 32), alien(100, 9));
    bench.settle();
    bench.export(0, NET, Some(via(3)));
    bench.settle();
    bench.scan();
    assert_eq!(bench.shown(|_| true), ["10.1.0.0/16@32 9"]);
    assert!(bench.refused.contains(&0));
    assert_eq!(bench.sync.drift.iter().map(|d| d.kind).collect::<Vec<_>>(), [DriftKind::Taken(100)]);
    bench.export(0, NET, None);
    bench.settle();
    assert_eq!(bench.shown(|_| true), ["10.1.0.0/16@32 9"]);
}

#[test]
fn a_foreign_route_overwritten_in_a_race_is_put_back() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    bench.kernel.outside_add(key(NET, 32), alien(100, 9));
    // The notice is on its way while the replacement is carried out.
    bench.export(0, NET, Some(via(3)));
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 3"]);
    bench.settle();
    assert_eq!(bench.shown(|_| true), ["10.1.0.0/16@32 9"]);
    assert_eq!(bench.warnings, [Warning::Restored { protocol: 100 }]);
    assert!(bench.refused.contains(&0));
    bench.kernel.outside_delete(&key(NET, 32));
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 3"]);
}

#[test]
fn what_is_deleted_or_changed_behind_our_back_comes_back_but_not_for_ever() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    let scans = bench.scans;
    bench.kernel.outside_delete(&key(NET, 32));
    bench.settle();
    assert_eq!((bench.ours().len(), bench.scans), (1, scans), "no scan was needed");
    bench.kernel.outside_add(key(NET, 32), alien(PROTOCOL_BIRD, 77));
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 2"]);
    for _ in 0..4 {
        bench.kernel.outside_delete(&key(NET, 32));
        bench.settle();
    }
    assert!(bench.ours().is_empty());
    assert_eq!(bench.warnings, [Warning::Damped { protocol: 0 }]);
    bench.scan();
    assert_eq!(bench.ours().len(), 1);
}

#[test]
fn lost_notices_lead_to_a_scan() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    bench.kernel.drop_notices = true;
    bench.kernel.outside_delete(&key(NET, 32));
    bench.kernel.drop_notices = false;
    bench.settle();
    assert_eq!(bench.ours().len(), 1);
}

#[test]
fn with_own_metrics_the_new_route_comes_before_the_old_one_goes() {
    let mut bench = Bench::started(setup(Family::V4, 0));
    bench.export(0, NET, Some(with_metric(via(2), 10)));
    bench.settle();
    bench.export(0, NET, Some(with_metric(via(2), 20)));
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@20 2"]);
    assert_eq!(bench.verbs(), ["add", "add", "delete"]);
    // Back and forth faster than the kernel answers.
    bench.kernel.lag = 3;
    for metric in [30, 20, 30, 20, 0, 20] {
        bench.export(0, NET, Some(with_metric(via(3), metric)));
        bench.step();
    }
    bench.settle();
    assert_eq!(bench.ours(), ["10.1.0.0/16@20 3"]);
    bench.export(0, NET, None);
    bench.settle();
    assert!(bench.ours().is_empty());
}

#[test]
fn ipv6_without_a_metric_is_found_again() {
    let mut bench = Bench::started(setup(Family::V6, 0));
    let blackhole = Attrs { dest: Dest::Blackhole, ..Attrs::default() };
    bench.export(0, "2001:db8:1::/48", Some(blackhole.clone()));
    bench.export(1, "2001:db8:2::/48", Some(with_metric(blackhole, 9)));
    bench.settle();
    bench.verbs();
    bench.scan();
    assert!(bench.verbs().is_empty());
    assert_eq!(bench.ours(), ["2001:db8:1::/48@1024 -", "2001:db8:2::/48@9 -"]);
    assert!(bench.sync.stop(true));
    bench.settle();
    assert!(bench.flushed && bench.kernel.routes.is_empty());
}

#[test]
fn old_ipv6_kernels_need_a_deletion_where_the_sort_changes() {
    let mut bench = Bench::started(Setup { replace_any: false, ..setup(Family::V6, 32) });
    let gateway = Attrs {
        dest: Dest::Unicast([NextHop::new(Some("2001:db8::2".parse().unwrap()), 10)].into()),
        ..Attrs::default()
    };
    let blackhole = Attrs { dest: Dest::Blackhole, ..Attrs::default() };
    for attrs in [gateway.clone(), blackhole, gateway] {
        bench.export(0, "2001:db8:1::/48", Some(attrs));
        bench.settle();
    }
    assert_eq!(bench.verbs(), ["add", "delete", "add", "replace"]);
}

#[test]
fn a_refused_route_is_tried_again_at_scans_and_changes() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.kernel.faults = [Some(libc::EINVAL), Some(libc::EINVAL)].into();
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    assert!(bench.refused.contains(&0));
    bench.scan();
    assert!(bench.refused.contains(&0) && bench.ours().is_empty());
    bench.scan();
    assert!(bench.refused.is_empty());
    // A refused replacement leaves the old route, and a withdraw still removes it.
    bench.kernel.faults = [Some(libc::EINVAL)].into();
    bench.export(0, NET, Some(via(3)));
    bench.settle();
    assert_eq!((bench.ours(), bench.refused.len()), (vec!["10.1.0.0/16@32 2".to_owned()], 1));
    bench.scan();
    assert_eq!((bench.ours(), bench.refused.len()), (vec!["10.1.0.0/16@32 3".to_owned()], 0));
}

#[test]
fn foreign_routes_are_learned_by_scan_and_by_notice() {
    let mut bench = Bench::new(setup(Family::V4, 32));
    bench.kernel.outside_add(key(NET, 50), alien(100, 9));
    bench.kernel.outside_add(key("10.9.0.0/16", 0), alien(2, 9));
    bench.step();
    bench.feed_done();
    bench.settle();
    assert_eq!(bench.learned, BTreeSet::from([dst(NET)]));
    bench.kernel.outside_add(key(NET, 40), alien(100, 8));
    bench.kernel.outside_add(key("127.5.0.0/16", 0), alien(100, 8));
    bench.settle();
    assert_eq!(bench.sync.aliens.of(&dst(NET)).iter().map(|a| a.metric).collect::<Vec<_>>(), [40, 50]);
    assert_eq!(bench.learned.len(), 1);
    // The kernel says nothing about the routes of an interface that goes down.
    bench.kernel.routes.clear();
    bench.scan();
    assert!(bench.learned.is_empty());
}

#[test]
fn a_number_may_go_to_another_net_while_the_old_one_is_still_being_deleted() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    bench.kernel.capacity = 0;
    bench.export(0, NET, None);
    bench.export(0, "10.2.0.0/16", Some(via(3)));
    bench.kernel.capacity = 4;
    bench.settle();
    assert_eq!(bench.ours(), ["10.2.0.0/16@32 3"]);
    // And a net may come back under another number before its deletion was sent.
    bench.verbs();
    bench.kernel.capacity = 0;
    bench.export(0, "10.2.0.0/16", None);
    bench.export(7, "10.2.0.0/16", Some(via(4)));
    bench.kernel.capacity = 4;
    bench.settle();
    assert_eq!((bench.ours(), bench.verbs()), (vec!["10.2.0.0/16@32 4".to_owned()], vec!["replace"]));
}

#[test]
fn a_flush_removes_everything_of_ours_and_nothing_else() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    for id in 0..100 {
        bench.export(id, &format!("10.{id}.0.0/16"), Some(via(2)));
    }
    bench.settle();
    bench.kernel.outside_add(key("10.5.0.0/16", 7), alien(100, 9));
    bench.settle();
    bench.kernel.capacity = 7;
    bench.kernel.log.clear();
    assert!(bench.sync.stop(true) && !bench.flushed);
    bench.handle(Vec::new());
    bench.settle();
    assert!(bench.flushed);
    assert_eq!(bench.shown(|_| true), ["10.5.0.0/16@7 9"]);
    let order: Vec<_> = bench.kernel.log.iter().map(|op| op.key.dst).collect();
    assert!(!order.is_sorted(), "ascending deletions are what the kernel is slowest at");
}

/// One event of a storm.
#[derive(Clone, Debug)]
enum Event {
    Export(u8, Option<(u8, u8)>),
    Renumber(u8),
    Alien(u8, u8, u8),
    AlienGone(u8, u8),
    Deleted(u8, u8),
    Changed(u8, u8, u8),
    Lossy(bool),
    Fault(i32),
    Lag(u8),
    Reverse(bool),
    Capacity(u8),
    Scan,
    Crash,
    Steps(u8),
}

const METRICS: [u32; 3] = [0, 32, 50];

fn event() -> impl Strategy<Value = Event> {
    let net = 0..6u8;
    prop_oneof![
        8 => (net.clone(), prop::option::weighted(0.7, (2..6u8, 0..3u8))).prop_map(|(n, a)| Event::Export(n, a)),
        1 => net.clone().prop_map(Event::Renumber),
        3 => (net.clone(), 0..3u8, 2..6u8).prop_map(|(n, m, v)| Event::Alien(n, m, v)),
        2 => (net.clone(), 0..3u8).prop_map(|(n, m)| Event::AlienGone(n, m)),
        2 => (net.clone(), 0..3u8).prop_map(|(n, m)| Event::Deleted(n, m)),
        2 => (net, 0..3u8, 2..6u8).prop_map(|(n, m, v)| Event::Changed(n, m, v)),
        1 => any::<bool>().prop_map(Event::Lossy),
        1 => prop_oneof![Just(libc::EINVAL), Just(libc::ENOMEM)].prop_map(Event::Fault),
        1 => (0..4u8).prop_map(Event::Lag),
        1 => any::<bool>().prop_map(Event::Reverse),
        1 => (1..5u8).prop_map(Event::Capacity),
        1 => Just(Event::Scan),
        1 => Just(Event::Crash),
        6 => (1..4u8).prop_map(Event::Steps),
    ]
}

/// Plays the storm, then lets everything calm down, and compares.
fn storm(setup: Setup, events: Vec<Event>) {
    let mut bench = Bench::started(setup);
    // What foreigners have put into the kernel and not removed themselves.
    let mut foreign: BTreeMap<RouteKey, RouteBody> = BTreeMap::new();
    let name = |net: u8| format!("10.{net}.0.0/16");
    let mut number: [u32; 6] = [0, 1, 2, 3, 4, 5];
    let mut next = 6;
    for event in events {
        match event {
            Event::Export(net, new) => {
                let attrs = new.map(|(last, m)| with_metric(via(last), METRICS[m as usize]));
                let id = number[net as usize];
                bench.export(id, &name(net), attrs);
            }
            Event::Renumber(net) => {
                // The net vanishes and comes back under a number that is free, perhaps that of another net before.
                let old = number[net as usize];
                bench.export(old, &name(net), None);
                let free = (0..next).find(|id| !number.contains(id));
                number[net as usize] = free.unwrap_or(next);
                next += u32::from(free.is_none());
                bench.export(number[net as usize], &name(net), Some(via(5)));
            }
            Event::Alien(net, m, last) => {
                let key = key(&name(net), METRICS[m as usize]);
                let body = alien(100, last);
                bench.kernel.outside_add(key, body.clone());
                foreign.insert(key, body);
            }
            Event::AlienGone(net, m) => {
                let key = key(&name(net), METRICS[m as usize]);
                // A foreigner who finds his route gone has lost it to us.
                if bench.kernel.routes.get(&key).is_some_and(|b| b.protocol == 100) {
                    bench.kernel.outside_delete(&key);
                    foreign.remove(&key);
                }
            }
            Event::Deleted(net, m) => {
                let key = key(&name(net), METRICS[m as usize]);
                if !foreign.contains_key(&key) {
                    bench.kernel.outside_delete(&key);
                }
            }
            Event::Changed(net, m, last) => {
                let key = key(&name(net), METRICS[m as usize]);
                if !foreign.contains_key(&key) {
                    bench.kernel.outside_add(key, alien(PROTOCOL_BIRD, last));
                }
            }
            Event::Lossy(on) => bench.kernel.drop_notices = on,
            Event::Fault(errno) => bench.kernel.faults.push_back(Some(errno)),
            Event::Lag(lag) => bench.kernel.lag = lag.into(),
            Event::Reverse(on) => bench.kernel.reverse = on,
            Event::Capacity(n) => bench.kernel.capacity = n.into(),
            Event::Scan => bench.scan_due = true,
            Event::Crash => {
                // Who was overwritten in a race just before we died is out of luck.
                foreign.retain(|key, _| bench.kernel.routes.get(key).is_some_and(|b| b.protocol == 100));
                bench.crash();
            }
            Event::Steps(n) => (0..n).for_each(|_| bench.step()),
        }
        if bench.kernel.drop_notices {
            // A lost notice that nobody could know of yet is nobody's fault.
            bench.step();
        }
    }
    bench.kernel.capacity = 1 << 16;
    bench.kernel.drop_notices = false;
    bench.kernel.faults.clear();
    bench.kernel.lag = 0;
    bench.settle();
    for _ in 0..4 {
        bench.scan();
    }
    let mut expected: BTreeMap<RouteKey, String> =
        foreign.iter().map(|(key, body)| (*key, format!("100 {}", hop_name(body)))).collect();
    for (id, (dst, attrs)) in &bench.wanted {
        let metric = match setup.metric {
            0 => attrs.get_int(super::attributes::METRIC).unwrap_or(0),
            metric => metric,
        };
        let key = dst.key(TABLE, metric);
        let blocked = expected.contains_key(&key);
        assert_eq!(
            bench.refused.contains(id),
            blocked,
            "{dst} is refused exactly when somebody is in the way"
        );
        if let (false, [hop]) = (blocked, attrs.next_hops()) {
            let last =
                hop.gateway.map_or(0, |g| if let std::net::IpAddr::V4(a) = g { a.octets()[3] } else { 0 });
            expected.insert(key, format!("12 {last}"));
        }
    }
    let present: BTreeMap<RouteKey, String> = bench
        .kernel
        .routes
        .iter()
        .filter(|(key, body)| {
            body.protocol != PROTOCOL_BIRD || setup.metric == 0 || key.metric == setup.metric
        })
        .map(|(key, body)| (*key, format!("{} {}", body.protocol, hop_name(body))))
        .collect();
    assert_eq!(present, expected, "the kernel has what is wanted, and what others put there");
    for key in foreign.keys() {
        let known = bench.sync.aliens.of(&Dst::of_key(key));
        assert!(known.iter().any(|alien| alien.metric == key.metric), "{key:?} is learned");
    }
    assert_eq!(bench.sync.aliens.len(), foreign.len());
    assert!(bench.sync.stop(true));
    bench.settle();
    assert!(bench.flushed);
    let judged = |metric| setup.metric == 0 || setup.metric == metric;
    let left = bench.kernel.routes.iter().filter(|(k, b)| b.protocol == PROTOCOL_BIRD && judged(k.metric));
    assert_eq!(left.count(), 0, "a flush leaves nothing of ours");
}

/// The kernel deletes a label's route whoever made it, so we delete only what we know to be ours.
#[test]
fn labels_of_others_are_left_alone() {
    let mut bench = Bench::started(setup(Family::Mpls, 0));
    bench.export(0, "100", Some(via(2)));
    bench.export(1, "101", Some(via(2)));
    bench.settle();
    assert_eq!(bench.kernel.routes.len(), 2);
    // Somebody replaces ours; it is withdrawn before anything else is heard of it.
    bench.kernel.outside_add(key("100", 0), alien(100, 3));
    bench.settle();
    bench.export(0, "100", None);
    bench.export(1, "101", None);
    bench.settle();
    bench.scan();
    let left: Vec<_> =
        bench.kernel.routes.iter().map(|(key, body)| (key.dst.to_string(), body.protocol)).collect();
    assert_eq!(left, [("100".to_owned(), 100)]);
    assert!(bench.learned.contains(&dst("100")));
    // Leftovers of ours that nobody wants are found by a scan.
    bench.kernel.drop_notices = true;
    bench.kernel.outside_add(key("102", 0), alien(PROTOCOL_BIRD, 2));
    bench.settle();
    bench.scan();
    assert_eq!(bench.kernel.routes.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn after_the_storm_the_kernel_is_as_wanted(events in prop::collection::vec(event(), 1..60)) {
        storm(setup(Family::V4, 32), events);
    }

    #[test]
    fn after_the_storm_with_own_metrics_too(events in prop::collection::vec(event(), 1..60)) {
        storm(setup(Family::V4, 0), events);
    }
}

/// What storms have taught.
#[test]
fn foreign_routes_that_come_while_ours_leaves() {
    use Event::*;
    let comes_back = [
        Export(0, Some((2, 0))),
        Export(0, None),
        Capacity(1),
        Alien(0, 1, 2),
        Export(1, Some((2, 0))),
        Lag(2),
        Steps(1),
        Export(0, Some((2, 0))),
    ];
    storm(setup(Family::V4, 32), comes_back.to_vec());
    let overwritten_and_gone =
        [Export(0, Some((2, 1))), Steps(1), Alien(0, 1, 2), Export(0, Some((3, 1))), Export(0, None)];
    storm(setup(Family::V4, 0), overwritten_and_gone.to_vec());
}
