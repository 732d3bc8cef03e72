//! Options of `protocol static`: a few switches and, possibly, a million routes.
//!
//! Routes stay in the form the parser gave them, net and number of a destination in 32 bytes; what only few
//! routes have (commands in braces, local labels) is kept aside, ordered by route.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use crate::base::NetType;
use crate::base::nexthop::Labels;
use crate::config::{Draft, FilterRef, ProtocolConfig, ProtocolSyntax};
pub use crate::syntax::ast::StaticRoute;

use super::lower::StaticDraft;

/// `static`: one main channel of any type, and `mpls` besides.
#[derive(Debug)]
pub struct Static;

/// What a static protocol is told.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct StaticOptions {
    /// Interfaces without a carrier count as down.
    pub check_link: bool,
    /// Where recursive IPv4 next hops are looked up.
    pub igp_table4: Option<Arc<str>>,
    /// Where recursive IPv6 next hops are looked up.
    pub igp_table6: Option<Arc<str>>,
    /// Labels that routes may take: the range `static` of the label channel's domain.
    pub labels: Option<Range<u32>>,
    /// The routes.
    pub routes: Arc<StaticRoutes>,
}

/// All routes of one protocol.
#[derive(Clone, Debug, Default)]
pub struct StaticRoutes {
    /// In the order of the file; `dest` is an index into `dests`.
    pub list: Vec<StaticRoute>,
    /// Destinations, mostly shared by many routes.
    pub dests: Vec<StaticDest>,
    /// Ordered by route.
    pub extra: Vec<StaticExtra>,
}

/// Where a static route points.
#[derive(Clone, PartialEq, Debug)]
pub enum StaticDest {
    /// One or more next hops in the order of the file.
    Via(Vec<StaticHop>),
    /// The next hop is looked up in the IGP table.
    Recursive {
        /// What is looked up.
        gateway: IpAddr,
        /// Labels to push.
        labels: Labels,
    },
    /// Packets vanish.
    Blackhole,
    /// Packets are answered with "unreachable".
    Unreachable,
    /// Packets are answered with "prohibited".
    Prohibit,
    /// For nets that have no destination.
    None,
    /// ASPA providers.
    Providers(Vec<u32>),
    /// ASPA: no provider (`transit`).
    Transit,
}

/// One next hop. At least one of gateway and interface is there.
#[derive(Clone, PartialEq, Debug)]
pub struct StaticHop {
    /// The neighbour.
    pub gateway: Option<IpAddr>,
    /// The interface: `via "eth0"`, `dev "eth0"` or `via fe80::1%eth0`.
    pub interface: Option<Arc<str>>,
    /// The gateway is taken as reachable on the link.
    pub onlink: bool,
    /// 1 to 256.
    pub weight: u16,
    /// Labels to push.
    pub labels: Labels,
    /// The gateway is watched by BFD.
    pub bfd: bool,
}

/// What few routes have.
#[derive(Clone, PartialEq, Debug)]
pub struct StaticExtra {
    /// Index of the route.
    pub route: u32,
    /// `route NET mpls LABEL`
    pub label: Option<u32>,
    /// `{ commands }`, run on the route when it is made.
    pub commands: Option<FilterRef>,
}

/// Where a route stands in the file does not count.
impl PartialEq for StaticRoutes {
    fn eq(&self, other: &StaticRoutes) -> bool {
        self.list.len() == other.list.len()
            && self.extra == other.extra
            && self.list.iter().zip(&other.list).all(|(a, b)| {
                a.net == b.net && self.dests.get(a.dest as usize) == other.dests.get(b.dest as usize)
            })
    }
}

impl StaticRoutes {
    /// The destination of a route.
    pub fn dest(&self, route: &StaticRoute) -> &StaticDest {
        self.dests.get(route.dest as usize).unwrap_or(&StaticDest::None)
    }

    /// What the route of this number has besides.
    pub fn extra(&self, route: u32) -> Option<&StaticExtra> {
        self.extra.binary_search_by_key(&route, |e| e.route).ok().and_then(|i| self.extra.get(i))
    }
}

crate::protocol_options!(StaticOptions {
    "check link" check_link: Quiet;
    "igp table" igp_table4: Restart;
    "igp table" igp_table6: Restart;
    "label range" labels: Restart;
    "route" routes: Quiet;
});

impl ProtocolSyntax for Static {
    fn keyword(&self) -> &'static str {
        "static"
    }
    fn display(&self) -> &'static str {
        "Static"
    }
    fn preference(&self, _net: NetType) -> u16 {
        200
    }
    fn channel_types(&self) -> &'static [NetType] {
        &NetType::ALL
    }
    fn one_channel(&self) -> bool {
        true
    }
    fn takes_labels(&self) -> bool {
        true
    }
    fn static_labels(&self) -> bool {
        true
    }
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft> {
        Box::new(StaticDraft::new(parent.and_then(ProtocolConfig::options::<StaticOptions>)))
    }
}
