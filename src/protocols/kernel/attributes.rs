//! The `krt_*` attributes: their numbers in the registry, and the kernel's numbers of the TCP metrics among them.

use crate::sys::kernel::Metrics;
use crate::table::AttrId;

/// The number of a kernel attribute. Their order is the order of printing.
const fn id(place: u16) -> AttrId {
    AttrId(0x0400 + place)
}

/// `krt_source`: the protocol number of a learned route.
pub const SOURCE: AttrId = id(0);
/// `krt_metric`: the priority.
pub const METRIC: AttrId = id(1);
/// `krt_prefsrc`: the preferred source address.
pub const PREFSRC: AttrId = id(2);
/// `krt_realm`: the realm.
pub const REALM: AttrId = id(3);
/// `krt_scope`: the kernel's scope (IPv4).
pub const SCOPE: AttrId = id(4);

/// The attribute of a TCP metric by the kernel's number: `krt_lock` is 1, `krt_mtu` 2, ... `krt_fastopen_no_cookie` 17.
pub const fn metric(number: usize) -> AttrId {
    id(0x20 + number as u16)
}

/// All TCP metrics with a number for a value, as attribute and kernel number.
pub fn numeric_metrics() -> impl Iterator<Item = (AttrId, usize)> {
    (Metrics::LOCK..=Metrics::LAST).filter(|n| *n != Metrics::CONGCTL).map(|n| (metric(n), n))
}

/// `krt_congctl`: the congestion control algorithm.
pub const CONGCTL: AttrId = metric(Metrics::CONGCTL);
