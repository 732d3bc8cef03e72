//! Next hops: where a unicast route sends packets.

use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

/// An MPLS label stack, outermost first; at most eight labels.
pub type Labels = SmallVec<[u32; 2]>;

/// One next hop of a unicast route. `ifindex` 0 means that none is chosen yet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct NextHop {
    /// The gateway; `None` for a directly reachable destination (`dev`).
    pub gateway: Option<IpAddr>,
    /// Index of the outgoing interface in the kernel.
    pub ifindex: u32,
    /// Relative share, 1 to 256 (BIRD's `weight`; the kernel's `hops` plus one).
    pub weight: u16,
    /// The gateway is taken as reachable on the link without a covering address.
    pub onlink: bool,
    /// Labels pushed onto the packet.
    pub labels: Labels,
}

/// A recursive next hop: an address that is looked up in a table.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Lookup {
    /// Where.
    pub table: Arc<str>,
    /// What.
    pub gateway: IpAddr,
}

impl NextHop {
    /// A next hop with weight 1, without labels.
    pub fn new(gateway: Option<IpAddr>, ifindex: u32) -> NextHop {
        NextHop { gateway, ifindex, weight: 1, onlink: false, labels: Labels::new() }
    }
}

/// The order of next hops everywhere (table, shell, kernel): weight descending, then gateway (IPv4 before IPv6),
/// then label count descending, labels, interface index.
impl Ord for NextHop {
    fn cmp(&self, other: &Self) -> Ordering {
        Reverse(self.weight)
            .cmp(&Reverse(other.weight))
            .then_with(|| self.gateway.cmp(&other.gateway))
            .then_with(|| other.labels.len().cmp(&self.labels.len()))
            .then_with(|| self.labels.cmp(&other.labels))
            .then_with(|| self.ifindex.cmp(&other.ifindex))
            .then_with(|| self.onlink.cmp(&other.onlink))
    }
}

impl PartialOrd for NextHop {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
