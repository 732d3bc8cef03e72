//! Nexthop objects: what stands on them, how they move, and that none is left behind.

use proptest::prelude::*;

use super::bench::*;
use crate::sys::kernel::Kernel;
use crate::sys::nexthops::{Object, ObjectKind};

/// Through one gateway, or (from 10 on) two.
pub(super) fn through(last: u8) -> Attrs {
    if last < 10 {
        return via(last);
    }
    let hop = |last: u8, weight| NextHop { weight, ..NextHop::new(Some([192, 0, 2, last].into()), 10) };
    Attrs { dest: Dest::Unicast([hop(last - 10, 2), hop(last - 9, 1)].into()), ..Attrs::default() }
}

pub(super) fn net(n: u32) -> String {
    format!("10.{n}.0.0/16")
}

pub(super) fn hops(bench: &Bench, body: &Arc<RouteBody>) -> Vec<NextHop> {
    let body = RouteBody { hops: bench.kernel.hops(body.nexthop_id), ..RouteBody::clone(body) };
    body.hops.into_iter().map(|hop| hop.next).collect()
}

impl Bench {
    pub(super) fn objects_of_ours(&self) -> Vec<u32> {
        self.kernel.objects.values().filter(|o| o.protocol == PROTOCOL_BIRD).map(|o| o.id).collect()
    }

    pub(super) fn collect(&mut self) {
        let nexthops = Arc::clone(self.kernel.nexthops());
        nexthops.rest();
        nexthops.collect(&mut self.kernel);
    }

    pub(super) fn all_through(&mut self, count: u32, last: u8) {
        (0..count).for_each(|n| self.export(n, &net(n), Some(through(last))));
    }

    /// From now on the kernel answers at once, and nothing fails.
    pub(super) fn calm(&mut self) {
        self.kernel.capacity = 1 << 16;
        (self.kernel.drop_notices, self.kernel.lag) = (false, 0);
        self.kernel.faults.clear();
        self.kernel.object_faults.clear();
    }

    /// However it was before: after some scans all is as wanted, and after the end nothing is left.
    pub(super) fn rests_and_leaves_nothing(mut self) {
        for _ in 0..9 {
            self.scan();
        }
        self.collect();
        compare(&self);
        assert!(self.sync.stop(true));
        self.settle();
        self.collect();
        assert!(self.flushed && self.kernel.routes.is_empty());
        assert!(self.objects_of_ours().is_empty(), "no object is left");
    }

    pub(super) fn identities(&self) -> Vec<u32> {
        self.kernel.routes.values().map(|body| body.nexthop_id).collect()
    }
}

#[test]
fn routes_share_objects_that_go_with_them() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_through(3, 2);
    bench.export(3, &net(3), Some(through(12)));
    bench.settle();
    let ids = bench.identities();
    assert!(ids[0] != 0 && ids[0] == ids[1] && ids[2] != ids[3]);
    assert_eq!(bench.objects_of_ours().len(), 3);
    bench.export(3, &net(3), None);
    bench.settle();
    bench.collect();
    assert_eq!(bench.objects_of_ours(), [ids[0]]);
    assert!(bench.sync.stop(true));
    bench.settle();
    bench.collect();
    assert!(bench.objects_of_ours().is_empty());
}

#[test]
fn all_routes_of_an_object_move_with_one_message() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_through(5, 2);
    bench.settle();
    let ids = bench.identities();
    bench.verbs();
    bench.all_through(5, 3);
    bench.settle();
    assert!(bench.verbs().is_empty());
    assert_eq!(
        (bench.identities(), bench.kernel.hops(ids[0])),
        (ids.clone(), vec![through(3).next_hops()[0].clone().into()])
    );
    // What is there already has its own object; what comes moves on as one.
    bench.export(7, &net(7), Some(through(4)));
    bench.settle();
    bench.verbs();
    for last in [4, 2] {
        bench.all_through(5, last);
        bench.settle();
        assert!(bench.verbs().is_empty());
        assert_eq!(bench.identities()[..5], ids);
        bench.scan();
        assert!(bench.verbs().is_empty());
    }
    assert_eq!(
        bench.ours(),
        [
            "10.0.0.0/16@32 2",
            "10.1.0.0/16@32 2",
            "10.2.0.0/16@32 2",
            "10.3.0.0/16@32 2",
            "10.4.0.0/16@32 2",
            "10.7.0.0/16@32 4"
        ]
        .map(String::from)
        .to_vec()
    );
}

#[test]
fn what_does_not_move_as_one_is_rewritten() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_through(5, 2);
    bench.settle();
    bench.verbs();
    bench.all_through(4, 3);
    bench.settle();
    assert_eq!(bench.verbs(), ["replace"; 4]);
    bench.export(0, &net(0), Some(through(4)));
    bench.export(1, &net(1), Some(through(5)));
    bench.settle();
    assert_eq!(bench.verbs(), ["replace"; 2]);
    let mut other = through(6);
    other.set(crate::protocols::kernel::attributes::metric(2), Value::Int(1400));
    bench.export(4, &net(4), Some(other));
    bench.settle();
    assert_eq!(
        (bench.verbs(), bench.identities()[4]),
        (vec!["replace"], 0),
        "IPv4 routes to one object share TCP metrics"
    );
}

#[test]
fn a_lost_object_comes_back_with_its_routes() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_through(3, 2);
    bench.export(3, &net(3), Some(through(3)));
    bench.settle();
    bench.verbs();
    bench.kernel.outside_object_delete(bench.identities()[0]);
    assert_eq!(bench.kernel.routes.len(), 1);
    bench.settle();
    assert_eq!((bench.verbs(), bench.kernel.routes.len()), (vec!["add"; 3], 4));
    assert_eq!((bench.scans, bench.sync.drift.total()), (1, 3), "no scan was needed");
}

#[test]
fn a_restart_finds_its_objects_and_the_option_changes_in_place() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.all_through(3, 2);
    bench.export(3, &net(3), Some(through(12)));
    bench.settle();
    let ids = bench.identities();
    bench.verbs();
    bench.crash();
    bench.settle();
    bench.collect();
    assert_eq!((bench.verbs(), bench.identities()), (vec![], ids));
    bench.use_objects(false);
    bench.settle();
    assert_eq!((bench.verbs(), bench.identities()), (vec!["replace"; 4], vec![0; 4]));
    bench.collect();
    assert!(bench.objects_of_ours().is_empty());
    bench.use_objects(true);
    bench.settle();
    assert_eq!(bench.verbs(), ["replace"; 4]);
}

#[test]
fn without_an_object_the_next_hops_are_written() {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    bench.kernel.object_faults = [Some(libc::ENETDOWN)].into();
    bench.all_through(2, 2);
    // The second asks again.
    bench.settle();
    assert_eq!(bench.ours(), ["10.0.0.0/16@32 2", "10.1.0.0/16@32 2"]);
    bench.scan();
    bench.scan();
    assert!(bench.identities().iter().all(|id| *id != 0));
}

/// One event of a storm.
#[derive(Clone, Debug)]
enum Event {
    Export(u8, Option<u8>),
    All(u8),
    Lost(u8),
    Changed(u8, u8),
    Taken(u8),
    Fault,
    RouteFault,
    Deleted(u8),
    Down,
    Crash,
    Objects(bool),
    Lossy(bool),
    Lag(u8),
    Reverse(bool),
    Capacity(u8),
    Collect,
    Scan,
    Steps(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let hops = || prop_oneof![2..6u8, 12..14u8];
    prop_oneof![
        6 => (0..6u8, prop::option::weighted(0.8, hops())).prop_map(|(n, last)| Event::Export(n, last)),
        4 => hops().prop_map(Event::All),
        2 => any::<u8>().prop_map(Event::Lost),
        1 => (any::<u8>(), 2..6u8).prop_map(|(n, last)| Event::Changed(n, last)),
        1 => any::<u8>().prop_map(Event::Taken),
        1 => Just(Event::Fault),
        1 => Just(Event::RouteFault),
        1 => (0..6u8).prop_map(Event::Deleted),
        1 => Just(Event::Down),
        1 => Just(Event::Crash),
        1 => any::<bool>().prop_map(Event::Objects),
        1 => any::<bool>().prop_map(Event::Lossy),
        1 => (0..4u8).prop_map(Event::Lag),
        1 => any::<bool>().prop_map(Event::Reverse),
        1 => (1..5u8).prop_map(Event::Capacity),
        2 => Just(Event::Collect),
        1 => Just(Event::Scan),
        6 => (1..4u8).prop_map(Event::Steps),
    ]
}

fn storm(events: Vec<Event>) {
    let mut bench = Bench::with_objects(setup(Family::V4, 32));
    let link = |up| crate::protocols::bench::link(10, if up { "eth0" } else { "down" });
    for event in events {
        let ours = bench.objects_of_ours();
        let some = |n: u8| ours.get(usize::from(n) % ours.len().max(1)).copied();
        match event {
            Event::Export(n, last) => bench.export(n.into(), &net(n.into()), last.map(through)),
            Event::All(last) => {
                for n in bench.wanted.keys().copied().collect::<Vec<_>>() {
                    bench.export(n, &net(n), Some(through(last)));
                }
            }
            Event::Lost(n) => some(n).into_iter().for_each(|id| bench.kernel.outside_object_delete(id)),
            Event::Changed(n, last) => {
                if let Some(id) = some(n)
                    && let Some(Object { kind: ObjectKind::Hop(family, _), .. }) =
                        bench.kernel.objects.get(&id)
                {
                    let hop = via(last).next_hops()[0].clone();
                    let kind = ObjectKind::Hop(*family, hop);
                    bench.kernel.outside_object(Object { id, protocol: PROTOCOL_BIRD, kind });
                }
            }
            Event::Taken(n) => {
                if let Some(id) = some(n) {
                    bench.kernel.outside_object_delete(id);
                    bench.kernel.outside_object(Object { id, protocol: 3, kind: ObjectKind::Other });
                }
            }
            Event::Fault => bench.kernel.object_faults.push_back(Some(libc::ENETDOWN)),
            Event::RouteFault => bench.kernel.faults.push_back(Some(libc::ENOMEM)),
            Event::Deleted(n) => bench.kernel.outside_delete(&key(&net(n.into()), 32)),
            Event::Down => {
                let mut down = link(false);
                down.flags = crate::sys::kernel::LinkFlags(0);
                bench.kernel.outside_link(down);
                bench.kernel.outside_link(link(true));
            }
            Event::Crash => bench.crash(),
            Event::Objects(on) => bench.use_objects(on),
            Event::Lossy(on) => bench.kernel.drop_notices = on,
            Event::Lag(lag) => bench.kernel.lag = lag.into(),
            Event::Reverse(on) => bench.kernel.reverse = on,
            Event::Capacity(n) => bench.kernel.capacity = n.into(),
            Event::Collect => {
                let nexthops = Arc::clone(bench.kernel.nexthops());
                nexthops.collect(&mut bench.kernel);
            }
            Event::Scan => bench.scan_due = true,
            Event::Steps(n) => (0..n).for_each(|_| bench.step()),
        }
        if bench.kernel.drop_notices {
            bench.step();
        }
    }
    bench.calm();
    bench.settle();
    bench.rests_and_leaves_nothing();
}

/// The kernel has what is wanted, by the means that are wanted, and every object is counted right.
pub(super) fn compare(bench: &Bench) {
    let sorted = |mut hops: Vec<NextHop>| {
        hops.sort();
        hops
    };
    let present: BTreeMap<RouteKey, (bool, Vec<NextHop>)> = bench
        .kernel
        .routes
        .iter()
        .map(|(key, body)| {
            let plain = || body.hops.iter().map(|hop| hop.next.clone()).collect();
            let on = body.nexthop_id != 0;
            (*key, (on, sorted(if on { hops(bench, body) } else { plain() })))
        })
        .collect();
    let expected = bench
        .wanted
        .values()
        .map(|(dst, attrs)| (dst.key(TABLE, 32), sorted(attrs.next_hops().to_vec())))
        .map(|(key, hops)| (key, (bench.objects && !hops.is_empty(), hops)));
    assert_eq!(present, expected.collect());
    for id in bench.objects_of_ours() {
        let Some(via) = bench.kernel.nexthops.by_id(id) else { continue };
        let routes = bench.kernel.routes.values().filter(|body| body.nexthop_id == id).count();
        let inside = |o: &&Object| matches!(&o.kind, ObjectKind::Group(m) if m.iter().any(|(m, _)| *m == id));
        let groups = bench.kernel.objects.values().filter(inside).count();
        assert_eq!(via.users(), routes + groups, "{id}");
        assert!(via.users() > 0, "{id} is of no use");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn after_the_storm_no_object_is_wrong_or_left(events in prop::collection::vec(event(), 1..60)) {
        storm(events);
    }
}
