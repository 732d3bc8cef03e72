//! The `krt_*` attributes of the registry, by the kernel's numbers where they are TCP metrics.

use crate::filter::attributes::id;
use crate::sys::kernel::Metrics;
use crate::table::AttrId;

pub(super) use id::{
    KRT_CONGCTL as CONGCTL, KRT_METRIC as METRIC, KRT_PREFSRC as PREFSRC, KRT_REALM as REALM,
    KRT_SCOPE as SCOPE, KRT_SOURCE as SOURCE,
};

/// The attribute of a TCP metric by the kernel's number: `krt_lock` is 1, `krt_mtu` 2, ... `krt_fastopen_no_cookie` 17.
pub(super) const fn metric(number: usize) -> AttrId {
    AttrId(id::KRT_METRICS + number as u16)
}

const _: () = assert!(metric(Metrics::LOCK).0 == id::KRT_LOCK.0 && metric(Metrics::CONGCTL).0 == CONGCTL.0);

/// All TCP metrics with a number for a value, as attribute and kernel number.
pub(super) fn numeric_metrics() -> impl Iterator<Item = (AttrId, usize)> {
    (Metrics::LOCK..=Metrics::LAST).filter(|n| *n != Metrics::CONGCTL).map(|n| (metric(n), n))
}
