//! Objects that move before their routes are told to: exactly those that may, and what becomes of them if
//! nobody follows.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::bench::*;
use super::objects::{compare, hops, net, through};

fn dest(last: u8) -> Dest {
    through(last).dest
}

impl Bench {
    fn all_by(&mut self, host: u8, nets: std::ops::Range<u32>, last: u8) {
        nets.for_each(|n| self.export(n, &net(n), Some(by(host, through(last)))));
    }

    /// The last byte of the gateway each route really takes.
    fn ways(&self) -> Vec<u8> {
        let last = |body: &Arc<RouteBody>| match hops(self, body).first().and_then(|hop| hop.gateway) {
            Some(std::net::IpAddr::V4(a)) => a.octets()[3],
            _ => 0,
        };
        self.kernel.routes.values().map(last).collect()
    }
}

fn started() -> Bench {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_by(1, 0..4, 2);
    bench.settle();
    bench.verbs();
    bench
}

#[test]
fn routes_go_before_anybody_tells_them_and_are_told_for_nothing() {
    let mut bench = started();
    let ids = bench.identities();
    for last in [3, 4, 2] {
        bench.reroute(1, dest(last));
        assert_eq!(bench.ways(), [last; 4], "at once");
        bench.step();
        bench.all_by(1, 0..2, last);
        bench.scan();
        bench.all_by(1, 2..4, last);
        bench.settle();
        bench.scan();
        assert_eq!((bench.verbs(), bench.identities()), (vec![], ids.clone()));
        assert!(!bench.sync.check_ahead() && bench.sync.drift.total() == 0);
    }
    // Also when all are told before the kernel has answered.
    bench.reroute(1, dest(5));
    bench.all_by(1, 0..4, 5);
    bench.settle();
    assert_eq!((bench.verbs(), bench.ways()), (vec![], vec![5; 4]));
    compare(&bench);
}

#[test]
fn only_routes_through_it_follow() {
    let mut bench = started();
    bench.all_by(2, 4..6, 2);
    bench.export(6, &net(6), Some(through(2)));
    bench.export(7, &net(7), Some(Attrs { recursive: Recursion::Somehow, ..through(2) }));
    bench.settle();
    bench.verbs();
    bench.reroute(1, dest(3));
    assert_eq!(bench.ways(), [3, 3, 3, 3, 2, 2, 2, 2]);
    bench.reroute(2, dest(4));
    assert_eq!(bench.ways(), [3, 3, 3, 3, 4, 4, 2, 2]);
    assert_eq!(bench.verbs(), [""; 0]);
}

#[test]
fn one_that_is_not_as_it_should_be_keeps_all_back() {
    let mut bench = started();
    bench.export(4, &net(4), Some(by(1, through(2))));
    bench.reroute(1, dest(3));
    assert_eq!(bench.ways(), [2; 5], "one is not confirmed yet");
    bench.settle();
    bench.all_by(1, 0..5, 3);
    bench.settle();
    assert_eq!(bench.ways(), [3; 5]);
    bench.kernel.object_faults = [Some(libc::ENETDOWN)].into();
    bench.reroute(1, dest(4));
    bench.all_by(1, 0..5, 4);
    bench.settle();
    bench.collect();
    compare(&bench);
    // A route of another recursive next hop stands on it, because it goes the same way.
    bench.export(0, &net(0), Some(by(2, through(4))));
    bench.settle();
    bench.verbs();
    bench.reroute(1, dest(5));
    assert_eq!((bench.ways(), bench.verbs()), (vec![4; 5], vec![]));
    bench.export(0, &net(0), Some(by(2, through(5))));
    bench.all_by(1, 1..5, 5);
    bench.settle();
    assert_eq!((bench.ways(), bench.verbs()), (vec![5; 5], vec![]), "as one, when all are told");
}

#[test]
fn there_and_back_needs_no_exports() {
    let mut bench = started();
    for _ in 0..3 {
        bench.reroute(1, dest(3));
        bench.reroute(1, dest(2));
        bench.settle();
        assert_eq!((bench.ways(), bench.verbs()), (vec![2; 4], vec![]));
    }
    bench.sync.check_ahead();
    bench.scan();
    assert_eq!((bench.ways(), bench.verbs()), (vec![2; 4], vec![]));
    compare(&bench);
}

#[test]
fn who_is_never_told_goes_back() {
    let mut bench = started();
    bench.reroute(1, dest(3));
    bench.settle();
    assert!(bench.sync.check_ahead());
    assert_eq!(bench.ways(), [3; 4]);
    bench.all_by(1, 0..1, 3);
    assert!(bench.sync.check_ahead(), "one more was told");
    bench.sync.check_ahead();
    bench.settle();
    assert_eq!(bench.ways(), [3, 2, 2, 2]);
    compare(&bench);
    let mut bench = started();
    bench.reroute(1, dest(3));
    bench.settle();
    bench.reroute(1, Dest::Unreachable);
    bench.settle();
    assert_eq!((bench.ways(), bench.verbs()), (vec![2; 4], vec![]), "as one");
}

#[test]
fn after_a_restart_it_is_known_again_who_follows() {
    let mut bench = started();
    bench.all_by(2, 4..6, 2);
    bench.export(6, &net(6), Some(by(2, through(12))));
    bench.settle();
    let ids = bench.identities();
    bench.verbs();
    bench.crash();
    bench.settle();
    assert_eq!((bench.verbs(), bench.identities()), (vec![], ids));
    bench.reroute(1, dest(3));
    bench.reroute(2, dest(4));
    assert_eq!(bench.ways(), [3, 3, 3, 3, 4, 4, 2], "a group stays one");
    bench.settle();
    bench.reroute(2, dest(13));
    assert_eq!(bench.ways()[6], 3);
}

/// One event of a storm.
#[derive(Clone, Debug)]
enum Event {
    /// A net comes by a recursive next hop (from 1 on), directly (0), or goes.
    Export(u8, Option<(u8, u8)>),
    /// A recursive next hop leads elsewhere; all its routes will be told.
    Resolve(u8, Option<u8>),
    /// So many routes are told.
    Arrive(u8),
    Fault,
    RouteFault,
    Deleted(u8),
    Lost(u8),
    Lag(u8),
    Reverse(bool),
    Capacity(u8),
    Crash,
    Scan,
    Check,
    Collect,
    Steps(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let ways = || prop_oneof![2..6u8, 12..14u8];
    prop_oneof![
        5 => (0..6u8, prop::option::weighted(0.8, (0..3u8, ways()))).prop_map(|(n, to)| Event::Export(n, to)),
        6 => (1..3u8, prop::option::weighted(0.9, ways())).prop_map(|(host, last)| Event::Resolve(host, last)),
        6 => (1..5u8).prop_map(Event::Arrive),
        1 => Just(Event::Fault),
        1 => Just(Event::RouteFault),
        1 => (0..6u8).prop_map(Event::Deleted),
        1 => any::<u8>().prop_map(Event::Lost),
        1 => (0..4u8).prop_map(Event::Lag),
        1 => any::<bool>().prop_map(Event::Reverse),
        1 => (1..5u8).prop_map(Event::Capacity),
        1 => Just(Event::Crash),
        2 => Just(Event::Scan),
        1 => Just(Event::Check),
        1 => Just(Event::Collect),
        6 => (1..4u8).prop_map(Event::Steps),
    ]
}

/// A table of routes, some through recursive next hops, and what of it has been told.
struct World {
    bench: Bench,
    /// Where recursive next hops lead; `None`: nowhere.
    leads: [Option<u8>; 3],
    /// What each net is in the table: by which next hop, and for direct ones where to.
    nets: BTreeMap<u8, (u8, u8)>,
    /// Nets that are to be told again.
    due: VecDeque<u8>,
    /// All the ways each net was ever sent or, by its recursive next hop, could have gone since it was last told.
    allowed: BTreeMap<u8, BTreeSet<u8>>,
}

impl World {
    fn attrs(&self, n: u8) -> Option<Attrs> {
        let (host, last) = *self.nets.get(&n)?;
        match host {
            0 => Some(through(last)),
            host => Some(match self.leads[usize::from(host)] {
                Some(last) => by(host, through(last)),
                None => by(host, Attrs { dest: Dest::Unreachable, ..Attrs::default() }),
            }),
        }
    }

    fn tell(&mut self, n: u8) {
        let attrs = self.attrs(n);
        // The same again is no news, and a table says nothing.
        let known = self.bench.wanted.get(&n.into()).map(|(_, attrs)| (**attrs).clone());
        if known != attrs {
            self.bench.export(n.into(), &net(n.into()), attrs);
        }
        if let Some((host, last)) = self.nets.get(&n) {
            let way = if *host == 0 { Some(*last) } else { self.leads[usize::from(*host)] };
            self.allowed.entry(n).or_default().extend(way);
        }
    }

    fn resolve(&mut self, host: u8, last: Option<u8>) {
        if std::mem::replace(&mut self.leads[usize::from(host)], last) == last {
            return;
        }
        for (n, (_, attrs)) in &self.bench.wanted {
            if attrs.recursive.through() == Some(&lookup(host)) {
                self.allowed.entry(*n as u8).or_default().extend(last);
            }
        }
        self.due.extend(self.nets.iter().filter(|(_, (by, _))| *by == host).map(|(n, _)| *n));
        self.bench.reroute(host, last.map_or(Dest::Unreachable, dest));
    }

    /// No route goes where neither it nor its recursive next hop was ever said to lead.
    fn check(&self) {
        for (key, body) in &self.bench.kernel.routes {
            let found = hops(&self.bench, body);
            if body.nexthop_id == 0 || found.is_empty() {
                continue;
            }
            let n: u8 = key.dst.to_string().split('.').nth(1).and_then(|n| n.parse().ok()).unwrap();
            // One that should be gone, or whose deletion failed, is not counted any more.
            let failed = self.bench.failures.iter().any(|(dst, _)| dst.key(TABLE, 32) == *key);
            if failed || !self.bench.wanted.contains_key(&n.into()) {
                continue;
            }
            // Somebody may have deleted a part of a group.
            let fits = |last: &u8| {
                let wanted = through(*last);
                found.iter().all(|hop| wanted.next_hops().iter().any(|w| w.gateway == hop.gateway))
            };
            let allowed = self.allowed.get(&n).cloned().unwrap_or_default();
            assert!(allowed.iter().any(fits), "{} goes to {found:?}, not {allowed:?}", key.dst);
        }
    }
}

fn storm(events: Vec<Event>) {
    let mut world = World {
        bench: Bench::with_objects(setup(Family::V4, 32)),
        leads: [None, Some(2), Some(2)],
        nets: BTreeMap::new(),
        due: VecDeque::new(),
        allowed: BTreeMap::new(),
    };
    for event in events {
        let bench = &mut world.bench;
        match event {
            Event::Export(n, to) => {
                match to {
                    Some(to) => drop(world.nets.insert(n, to)),
                    None => drop(world.nets.remove(&n)),
                }
                world.tell(n);
            }
            Event::Resolve(host, last) => world.resolve(host, last),
            Event::Arrive(count) => {
                for _ in 0..count {
                    if let Some(n) = world.due.pop_front() {
                        world.tell(n);
                    }
                }
            }
            Event::Fault => bench.kernel.object_faults.push_back(Some(libc::ENETDOWN)),
            Event::RouteFault => bench.kernel.faults.push_back(Some(libc::ENOMEM)),
            Event::Deleted(n) => bench.kernel.outside_delete(&key(&net(n.into()), 32)),
            Event::Lost(n) => {
                let ours = bench.objects_of_ours();
                let id = ours.get(usize::from(n) % ours.len().max(1)).copied();
                id.into_iter().for_each(|id| bench.kernel.outside_object_delete(id));
            }
            Event::Lag(lag) => bench.kernel.lag = lag.into(),
            Event::Reverse(on) => bench.kernel.reverse = on,
            Event::Capacity(n) => bench.kernel.capacity = n.into(),
            Event::Crash => bench.crash(),
            Event::Scan => bench.scan_due = true,
            Event::Check => drop(bench.sync.check_ahead()),
            Event::Collect => bench.collect(),
            Event::Steps(n) => (0..n).for_each(|_| bench.step()),
        }
        world.check();
    }
    while let Some(n) = world.due.pop_front() {
        world.tell(n);
    }
    let mut bench = world.bench;
    bench.calm();
    for _ in 0..3 {
        bench.settle();
        bench.sync.check_ahead();
    }
    bench.rests_and_leaves_nothing();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nobody_goes_astray(events in prop::collection::vec(event(), 1..60)) {
        storm(events);
    }
}
