//! What it does in one situation each.

use super::bench::*;
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
    attrs.set(crate::protocols::kernel::attributes::metric(2), Value::Int(1400));
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

/// A scan may miss what is written while it runs, by a daemon before us that has not quite ended.
#[test]
fn what_the_scan_has_missed_is_looked_for_once() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.kernel.routes.insert(key(NET, 32), Arc::new(alien(PROTOCOL_BIRD, 2)));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    assert_eq!(bench.failures, [(dst(NET), libc::EEXIST)]);
    assert!(bench.refused.is_empty());
    assert_eq!(bench.ours(), ["10.1.0.0/16@32 2"]);
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

/// Not by us, so it is not put back.
#[test]
fn a_foreign_route_that_others_overwrite_with_ours_is_gone() {
    let mut bench = Bench::started(setup(Family::V4, 32));
    bench.export(0, NET, Some(via(2)));
    bench.settle();
    let ours = (*bench.kernel.routes[&key(NET, 32)]).clone();
    bench.kernel.outside_add(key(NET, 32), alien(100, 9));
    bench.kernel.outside_add(key(NET, 32), ours);
    bench.settle();
    bench.scan();
    assert_eq!(bench.shown(|_| true), ["10.1.0.0/16@32 2"]);
    assert!(bench.warnings.is_empty() && bench.refused.is_empty());
    assert!(bench.sync.aliens.is_empty());
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

/// As in BIRD, which deletes first where the new route is no gateway route.
#[test]
fn a_refused_change_of_an_ipv6_route_leaves_nothing_where_the_sort_changes() {
    const NET6: &str = "2001:db8:1::/48";
    let hop = |last: u16| NextHop::new(Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into()), 10);
    let to = |dest| Some(Attrs { dest, ..Attrs::default() });
    let mut bench = Bench::started(setup(Family::V6, 32));
    bench.export(0, NET6, to(Dest::Unicast([hop(2)].into())));
    bench.settle();
    bench.kernel.faults = [Some(libc::EINVAL)].into();
    bench.export(0, NET6, to(Dest::Unicast([hop(3)].into())));
    bench.settle();
    assert_eq!((bench.ours().len(), bench.refused.len()), (1, 1), "the old gateway stays");
    bench.kernel.faults = [Some(libc::EINVAL)].into();
    bench.export(0, NET6, to(Dest::Unicast([NextHop::new(None, 10), NextHop::new(None, 11)].into())));
    bench.settle();
    assert_eq!((bench.ours().len(), bench.refused.len()), (0, 1));
    bench.scan();
    assert_eq!((bench.ours().len(), bench.refused.len()), (1, 0));
}

/// `ip -6 route append` makes a next hop of ours of what it appends, and tells of the whole under its own
/// protocol number.
#[test]
fn what_is_appended_to_an_ipv6_route_of_ours_is_a_change_of_it() {
    const NET6: &str = "2001:db8:1::/48";
    let hop = |last: u16| NextHop::new(Some([0x2001, 0xdb8, 0, 0, 0, 0, 0, last].into()), 10);
    let mut bench = Bench::started(setup(Family::V6, 32));
    bench.export(0, NET6, Some(Attrs { dest: Dest::Unicast([hop(2)].into()), ..Attrs::default() }));
    bench.settle();
    let both = |protocol| RouteBody { protocol, ..RouteBody::new(RouteKind::Unicast, [hop(2), hop(9)]) };
    bench.kernel.outside_add(key(NET6, 32), both(99));
    bench.kernel.routes.insert(key(NET6, 32), Arc::new(both(PROTOCOL_BIRD)));
    bench.settle();
    let hops: Vec<usize> = bench.kernel.routes.values().map(|body| body.hops.len()).collect();
    assert_eq!((hops, bench.ours().len()), (vec![1], 1));
    assert!(bench.refused.is_empty() && bench.warnings.is_empty());
    assert!(bench.sync.aliens.is_empty());
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
