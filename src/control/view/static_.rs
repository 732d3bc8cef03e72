//! `show static`: what was configured, with what sleeps marked.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::Net;

/// One static protocol. Its routes may be a million, so they come one by one.
pub struct StaticView {
    /// Its name.
    pub name: Arc<str>,
    /// The routes in the order of the configuration.
    pub routes: Box<dyn Iterator<Item = StaticRouteView> + Send>,
}

impl fmt::Debug for StaticView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticView").field("name", &self.name).finish_non_exhaustive()
    }
}

/// One configured route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticRouteView {
    /// The network.
    pub net: Net,
    /// Where it points.
    pub dest: StaticDestView,
}

/// A configured destination.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StaticDestView {
    /// Next hops as configured, not sorted.
    Unicast(Vec<StaticHopView>),
    /// `blackhole`
    Blackhole,
    /// `unreachable`
    Unreachable,
    /// `prohibit`, shown as `prohibited`
    Prohibit,
    /// Through another route.
    Recursive(IpAddr),
    /// Net types without destinations.
    None,
}

/// A configured next hop.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticHopView {
    /// The gateway; `None` for `dev`.
    pub gateway: Option<IpAddr>,
    /// The configured interface.
    pub interface: Option<Arc<str>>,
    /// `onlink`
    pub onlink: bool,
    /// Waits for a BFD session.
    pub bfd: bool,
    /// Not usable now.
    pub dormant: bool,
}
