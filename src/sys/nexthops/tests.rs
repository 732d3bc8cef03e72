//! The registry on a kernel in memory.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::sys::fake::FakeKernel;
use crate::sys::kernel::Hop;

fn hop(last: u8) -> Hop {
    NextHop::new(Some([192, 0, 2, last].into()), 10).into()
}

fn known(kernel: &FakeKernel) -> Arc<Nexthops> {
    Arc::clone(&kernel.nexthops)
}

#[test]
fn equal_sets_are_one_and_unused_ones_go() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let a = nexthops.get(Family::V4, &[hop(1)], None).unwrap();
    assert_eq!(a, nexthops.get(Family::V4, &[hop(1)], None).unwrap());
    let heavy = NextHop { weight: 3, ..hop(2).next };
    let group = nexthops.get(Family::V4, &[heavy.clone().into(), hop(1)], None).unwrap();
    assert!(nexthops.ensure(&group, &mut kernel) && a.id() != 0);
    assert_eq!((kernel.objects.len(), a.users(), group.users()), (3, 1, 0));
    assert_eq!(nexthops.hops(group.id()).unwrap(), [heavy.into(), hop(1)]);
    group.hold(1);
    nexthops.collect(&mut kernel);
    assert_eq!(kernel.objects.len(), 3);
    group.release(1);
    a.hold(1);
    nexthops.collect(&mut kernel);
    assert_eq!(kernel.objects.keys().copied().collect::<Vec<_>>(), [a.id()]);
}

#[test]
fn numbers_of_others_are_avoided() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let a = nexthops.get(Family::V4, &[hop(1)], None).unwrap();
    let theirs = Object { id: 1_200_000_000, protocol: 3, kind: ObjectKind::Other };
    kernel.objects.insert(theirs.id, theirs);
    assert!(nexthops.ensure(&a, &mut kernel));
    assert_eq!((a.id(), kernel.objects.len()), (1_200_000_001, 2));
}

#[test]
fn survivors_are_adopted() {
    let mut kernel = FakeKernel::with_objects();
    let set = [hop(1), hop(2)];
    let group = known(&kernel).get(Family::V4, &set, None).unwrap();
    known(&kernel).ensure(&group, &mut kernel);
    let id = group.id();
    let single = Object { id: 7, protocol: PROTOCOL_BIRD, kind: ObjectKind::Hop(Family::V4, hop(1).next) };
    kernel.objects.insert(7, single);
    kernel.reopen_objects();
    let nexthops = known(&kernel);
    let again = nexthops.get(Family::V4, &set, None).unwrap();
    assert_eq!((again.id(), nexthops.count()), (id, 4));
    again.hold(1);
    nexthops.collect(&mut kernel);
    assert_eq!(kernel.objects.len(), 3, "one of two that were equal goes");
}

#[test]
fn what_is_lost_is_told_and_what_is_changed_is_put_right() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let group = nexthops.get(Family::V4, &[hop(1), hop(2)], None).unwrap();
    let alone = nexthops.get(Family::V4, &[hop(1)], None).unwrap();
    nexthops.ensure(&group, &mut kernel);
    kernel.outside_object_delete(alone.id());
    assert_eq!(kernel.hops(group.id()), [hop(2)]);
    let found = nexthops.resync(&mut kernel).unwrap();
    assert!(found.lost == std::slice::from_ref(&alone));
    assert!(alone.id() != 0 && group.id() != 0, "made again for the group");
    assert_eq!(kernel.hops(group.id()), [hop(1), hop(2)]);
    assert!(nexthops.resync(&mut kernel).unwrap().lost.is_empty());
}

#[test]
fn a_set_takes_over_the_object_of_another() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let [a, b] = [1, 2].map(|last| nexthops.get(Family::V4, &[hop(last)], None).unwrap());
    nexthops.ensure(&a, &mut kernel);
    let id = a.id();
    assert!(nexthops.target(&b) == b);
    nexthops.replace(&a, &b, &mut kernel).unwrap();
    assert_eq!((a.id(), b.id(), kernel.hops(id)), (0, id, vec![hop(2)]));
    nexthops.ensure(&a, &mut kernel);
    let other = nexthops.target(&b);
    assert!(other != b && other.same_hops(&b));
    nexthops.replace(&a, &other, &mut kernel).unwrap();
    assert!(other.id() != id && kernel.hops(other.id()) == [hop(2)]);
    let group = nexthops.get(Family::V4, &[hop(1), hop(2)], None).unwrap();
    assert!(nexthops.replace(&b, &group, &mut kernel).is_err());
}

#[test]
fn what_may_be_borrowed_is_deleted_only_if_no_route_is_there() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let a = nexthops.get(Family::V4, &[hop(1)], None).unwrap();
    nexthops.ensure(&a, &mut kernel);
    a.lend();
    let mut body = crate::sys::kernel::RouteBody::new(crate::sys::kernel::RouteKind::Unicast, [hop(1).next]);
    (body.protocol, body.nexthop_id) = (99, a.id());
    let key =
        crate::sys::kernel::RouteKey { table: 1, dst: "10.0.0.0/8".parse().unwrap(), src: None, metric: 0 };
    kernel.outside_add(key, body);
    nexthops.collect(&mut kernel);
    assert_eq!(kernel.objects.len(), 1);
}

#[test]
fn a_refused_object_is_tried_again_after_a_change() {
    let mut kernel = FakeKernel::with_objects();
    let nexthops = known(&kernel);
    let a = nexthops.get(Family::V4, &[hop(1)], None).unwrap();
    kernel.object_faults = [Some(libc::ENETDOWN)].into();
    assert!(!nexthops.ensure(&a, &mut kernel) && a.plain());
    nexthops.resync(&mut kernel).unwrap();
    assert!(!a.plain() && nexthops.ensure(&a, &mut kernel));
}
