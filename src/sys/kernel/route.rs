//! Routes of the kernel: what it tells them apart by, everything else about them, and what can be done to one.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::Ticket;
use crate::base::{IpNet, Ipv6Net, NextHop};
use crate::sys::nexthops::Via;

/// `proto bird`: the protocol number of the routes we make.
pub const PROTOCOL_BIRD: u8 = 12;

/// Scope of routes through a gateway, and the default.
pub const SCOPE_UNIVERSE: u8 = 0;
/// Scope of IPv4 routes to a directly attached network.
pub const SCOPE_LINK: u8 = 253;
/// Scope of a deletion: matches every scope.
pub const SCOPE_NOWHERE: u8 = 255;

/// Address family of a kernel table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// MPLS: one table only (254), no metrics, no attributes, and a deletion hits a label's route whoever made it.
    Mpls,
}

impl Family {
    /// The family of a route.
    pub fn of(target: &Target) -> Family {
        match target {
            Target::Net(IpNet::V4(_)) => Family::V4,
            Target::Net(IpNet::V6(_)) => Family::V6,
            Target::Label(_) => Family::Mpls,
        }
    }
}

/// Where packets want to go: a prefix, or the MPLS label on top of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Addresses.
    Net(IpNet),
    /// A label.
    Label(u32),
}

impl Target {
    /// The prefix, if it is one.
    pub fn net(&self) -> Option<&IpNet> {
        match self {
            Target::Net(net) => Some(net),
            Target::Label(_) => None,
        }
    }
}

impl From<IpNet> for Target {
    fn from(net: IpNet) -> Target {
        Target::Net(net)
    }
}

/// A prefix, or a plain number for a label.
impl std::str::FromStr for Target {
    type Err = <IpNet as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Target, Self::Err> {
        match text.parse() {
            Ok(label) => Ok(Target::Label(label)),
            Err(_) => text.parse().map(Target::Net),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Net(net) => write!(f, "{net}"),
            Target::Label(label) => write!(f, "{label}"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A route in a kernel table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelRoute {
    /// What the kernel tells routes apart by.
    pub key: RouteKey,
    /// Everything else.
    pub body: Arc<RouteBody>,
}

/// What identifies a route in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteKey {
    /// Table number.
    pub table: u32,
    /// Destination; its family is the route's.
    pub dst: Target,
    /// Source prefix of an IPv6 source-specific route.
    pub src: Option<Ipv6Net>,
    /// Priority, lower is better. 0 means that none is sent: the kernel then takes 0 (IPv4) or 1024 (IPv6) for a new
    /// route, and any for a deletion.
    pub metric: u32,
}

const _: () = assert!(size_of::<RouteOp>() <= 72, "a backlog holds a hundred thousand of these");

/// The part of a route that many routes share.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RouteBody {
    /// Who made it; ours is [`PROTOCOL_BIRD`].
    pub protocol: u8,
    /// What happens to packets.
    pub kind: RouteKind,
    /// [`SCOPE_UNIVERSE`], [`SCOPE_LINK`] ...; IPv6 kernels ignore it.
    pub scope: u8,
    /// Type of service; we make none but 0.
    pub tos: u8,
    /// Preferred source address.
    pub prefsrc: Option<IpAddr>,
    /// Realm, of the route or of any of its next hops; 0 is none.
    pub realm: u32,
    /// TCP metrics.
    pub metrics: Metrics,
    /// Next hops of a unicast route.
    pub hops: Vec<Hop>,
    /// The nexthop object that a route read from the kernel points to; 0 is none. Written as it is, if `via` is none.
    pub nexthop_id: u32,
    /// The same next hops as an object of ours to be written as a pointer to it, if the kernel allows.
    pub via: Option<Via>,
    /// Incoming interface the route is limited to; 0 is none. Read only.
    pub iif: u32,
    /// The kernel's flags (`RTM_F_*`). Read only.
    pub flags: u32,
    /// Has an encapsulation other than MPLS. Read only.
    pub foreign_encap: bool,
}

impl RouteBody {
    /// A body of ours without attributes; the scope follows the rule for IPv4 (LINK without a gateway).
    pub fn new(kind: RouteKind, hops: impl IntoIterator<Item = NextHop>) -> RouteBody {
        let hops: Vec<Hop> = hops.into_iter().map(Hop::from).collect();
        let direct = kind == RouteKind::Unicast && hops.iter().all(|hop| hop.next.gateway.is_none());
        RouteBody {
            protocol: PROTOCOL_BIRD,
            kind,
            scope: if direct { SCOPE_LINK } else { SCOPE_UNIVERSE },
            tos: 0,
            prefsrc: None,
            realm: 0,
            metrics: Metrics::default(),
            hops,
            nexthop_id: 0,
            via: None,
            iif: 0,
            flags: 0,
            foreign_encap: false,
        }
    }

    /// Whether nothing but the object differs, if even that.
    pub fn same_but_object(&self, other: &RouteBody) -> bool {
        self.hops == other.hops && self.same_but_hops(other)
    }

    /// Whether nothing but next hops and object differs, if even that.
    pub fn same_but_hops(&self, other: &RouteBody) -> bool {
        let parts = |body: &RouteBody| {
            let RouteBody { protocol, kind, scope, tos, prefsrc, realm, iif, flags, foreign_encap, .. } =
                *body;
            (protocol, kind, scope, tos, prefsrc, realm, iif, flags, foreign_encap)
        };
        parts(self) == parts(other) && self.metrics == other.metrics
    }

    /// The nexthop object it is written with; 0: its next hops are written.
    pub fn object(&self) -> u32 {
        match &self.via {
            Some(via) => via.id(),
            None => self.nexthop_id,
        }
    }

    /// Created by the kernel from another route (a cache entry).
    pub fn cloned(&self) -> bool {
        self.flags & 0x200 != 0
    }

    /// A plain unicast route over a dead link.
    pub fn dead(&self) -> bool {
        self.flags & u32::from(Hop::DEAD) != 0
    }

    /// Whether packets go the same way: kind and next hops, whatever the state of their links.
    pub fn same_destination(&self, other: &RouteBody) -> bool {
        self.kind == other.kind
            && self.hops.len() == other.hops.len()
            && self.hops.iter().zip(&other.hops).all(|(a, b)| a.next == b.next)
    }
}

/// What happens to packets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RouteKind {
    /// Forwarded to a next hop.
    Unicast,
    /// Dropped silently.
    Blackhole,
    /// Answered with "unreachable".
    Unreachable,
    /// Answered with "prohibited".
    Prohibit,
    /// Any other kind, by the kernel's number.
    Other(u8),
}

impl RouteKind {
    /// From the kernel's number (`RTN_*`).
    pub fn from_number(number: u8) -> RouteKind {
        match number {
            1 => RouteKind::Unicast,
            6 => RouteKind::Blackhole,
            7 => RouteKind::Unreachable,
            8 => RouteKind::Prohibit,
            other => RouteKind::Other(other),
        }
    }

    /// The kernel's number.
    pub fn number(self) -> u8 {
        match self {
            RouteKind::Unicast => 1,
            RouteKind::Blackhole => 6,
            RouteKind::Unreachable => 7,
            RouteKind::Prohibit => 8,
            RouteKind::Other(other) => other,
        }
    }
}

/// A next hop with the state the kernel sees it in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Hop {
    /// Where to.
    pub next: NextHop,
    /// The kernel's flags (`RTNH_F_*`) except onlink. Read only.
    pub state: u8,
}

impl Hop {
    const DEAD: u8 = 1;
    const LINK_DOWN: u8 = 16;

    /// The interface is down.
    pub fn dead(&self) -> bool {
        self.state & Self::DEAD != 0
    }

    /// The interface has no carrier.
    pub fn link_down(&self) -> bool {
        self.state & Self::LINK_DOWN != 0
    }
}

impl From<NextHop> for Hop {
    fn from(next: NextHop) -> Hop {
        Hop { next, state: 0 }
    }
}

/// The TCP metrics of a route, by the kernel's numbers (`RTAX_*`): 1 lock ... 17 fastopen_no_cookie.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Metrics {
    values: [Option<u32>; Metrics::LAST + 1],
    /// Number 16, the only one with a text: the congestion control algorithm.
    pub congctl: Option<Box<str>>,
}

impl Metrics {
    /// Bit mask of the metrics that the TCP stack must not change; bit number = metric number.
    pub const LOCK: usize = 1;
    /// Bit mask of features (bit 0 ECN, bit 3 allfrag).
    pub const FEATURES: usize = 12;
    /// The number of [`Metrics::congctl`]; it has no numeric value.
    pub const CONGCTL: usize = 16;
    /// The last number known.
    pub const LAST: usize = 17;

    /// The value of a metric, if it is set.
    pub fn get(&self, number: usize) -> Option<u32> {
        self.values.get(number).copied().flatten()
    }

    /// Sets or clears a numeric metric; numbers outside 1..=17 and that of the text are ignored.
    pub fn set(&mut self, number: usize, value: Option<u32>) {
        if let (1..=Self::LAST, true) = (number, number != Self::CONGCTL) {
            self.values[number] = value;
        }
    }

    /// The numeric metrics that are set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.values.iter().enumerate().filter_map(|(number, value)| value.map(|value| (number, value)))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.congctl.is_none() && self.values.iter().all(Option::is_none)
    }
}

/// A change of a kernel table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteOp {
    /// The caller's number.
    pub ticket: Ticket,
    /// Which route.
    pub key: RouteKey,
    /// What to do.
    pub verb: RouteVerb,
}

/// What to do with a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteVerb {
    /// Add it; refused with `EEXIST` if there is one with this key, whoever made it.
    Add(Arc<RouteBody>),
    /// Replace the one with this key, or add it.
    Replace(Arc<RouteBody>),
    /// Delete the one of ours with this key; `ESRCH` if there is none. Of MPLS: whoever made it, and never refused.
    Delete,
}

impl RouteVerb {
    /// What is to be written; nothing for a deletion.
    pub fn body(&self) -> Option<&Arc<RouteBody>> {
        match self {
            RouteVerb::Add(body) | RouteVerb::Replace(body) => Some(body),
            RouteVerb::Delete => None,
        }
    }
}
