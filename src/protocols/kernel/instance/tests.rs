//! The instance on a bench: timers, interfaces, changes of options.

use super::*;
use crate::config::Effect;
use crate::protocols::bench::{Bench, link};
use crate::sys::kernel::{Link, LinkFlags};
use std::time::Duration;

/// The kernel drops routes silently with their interface, so a scan follows; not for interfaces of another VRF.
#[test]
fn only_interfaces_of_the_vrf_matter() {
    let scans = |vrf: Vrf, index: u32| {
        let options = KernelOptions { learn: Learn::On, ..KernelOptions::default() };
        let mut bench = Bench::with(&Kernel, &[NetType::Ip4], options, |config| config.vrf = vrf);
        bench.kernel(|ifaces, out| {
            ifaces.link(Link { kind: Some("vrf".into()), ..link(5, "red") }, out);
            ifaces.link(Link { master: Some(5), ..link(10, "v0") }, out);
            ifaces.link(link(11, "v1"), out);
        });
        bench.start();
        bench.fire(TICK);
        let down = LinkFlags(0);
        bench.kernel(|ifaces, out| match index {
            10 => ifaces.link(Link { master: Some(5), flags: down, ..link(10, "v0") }, out),
            _ => ifaces.link(Link { flags: down, ..link(11, "v1") }, out),
        });
        bench.hands.armed.contains_key(&EXTRA)
    };
    let red = || Vrf::Named("red".into());
    assert!(scans(Vrf::Any, 10) && scans(Vrf::Any, 11));
    assert!(scans(red(), 10) && !scans(red(), 11));
    assert!(!scans(Vrf::Default, 10) && scans(Vrf::Default, 11));
}

#[test]
fn what_is_taken_in_place() {
    let plain = KernelOptions::default;
    let adapt = |old: KernelOptions, new: KernelOptions| {
        let mut bench = Bench::new(&Kernel, &[NetType::Ip4], old);
        bench.start();
        bench.adapt(new)
    };
    let in_place = [
        KernelOptions { persist: true, ..plain() },
        KernelOptions { graceful_restart: true, ..plain() },
        KernelOptions { rx_buffer: Some(1 << 20), ..plain() },
    ];
    for new in in_place {
        assert_eq!(adapt(plain(), new), Some(Effect::Quiet));
    }
    let restarting = [
        KernelOptions { metric: 0, ..plain() },
        KernelOptions { table: 100, ..plain() },
        KernelOptions { learn: Learn::On, ..plain() },
        KernelOptions { scan_time: Some(Duration::from_secs(7)), ..plain() },
        KernelOptions { learn_metrics: true, ..plain() },
        KernelOptions { merge_paths: Some(16), ..plain() },
        KernelOptions { persist: true, metric: 7, ..plain() },
    ];
    for new in restarting {
        assert_eq!(adapt(plain(), new), Some(Effect::Restart));
    }
    let merging = |limit| KernelOptions { merge_paths: Some(limit), ..plain() };
    assert_eq!(adapt(merging(16), merging(4)), Some(Effect::Refeed), "another limit feeds again");
    assert_eq!(adapt(plain(), plain()), None);
    let objects = KernelOptions { nexthop_objects: true, ..plain() };
    assert_eq!(adapt(plain(), objects), Some(Effect::Refeed));
}

/// Of a protocol that is about to go the table is taken over; of one that stays it is not, and that is said.
#[test]
fn a_table_with_an_owner_is_waited_for_while_that_one_leaves() {
    let owned = |leaving| Some(TableTaken { by: "old".into(), leaving });
    let mut bench = Bench::new(&Kernel, &[NetType::Ip4], KernelOptions::default());
    bench.hands.taken = owned(true);
    bench.start();
    bench.fire(CLAIM);
    assert!(bench.hands.logs.is_empty() && bench.hands.armed.contains_key(&CLAIM));
    bench.hands.taken = None;
    bench.fire(CLAIM);
    assert!(bench.hands.armed.contains_key(&TICK));
    let mut bench = Bench::new(&Kernel, &[NetType::Ip4], KernelOptions::default());
    bench.hands.taken = owned(false);
    bench.start();
    assert_eq!(bench.hands.logs.len(), 1);
    assert!(!bench.hands.armed.contains_key(&CLAIM));
}

#[test]
fn a_kernel_without_objects_gets_next_hops_and_a_warning() {
    let options = KernelOptions { nexthop_objects: true, ..KernelOptions::default() };
    let mut bench = Bench::new(&Kernel, &[NetType::Ip4], options);
    bench.start();
    let warned = |line: &&String| line.contains("has no nexthop objects");
    assert_eq!(bench.hands.logs.iter().filter(warned).count(), 1);
}
