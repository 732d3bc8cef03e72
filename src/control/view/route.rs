//! What `show route` reads: tables, snapshots, the names around routes, and the doors of protocols.
//!
//! A million routes are not turned into a million view structs. Instead a show holds a [`Snapshot`] of one table at a time, walks it net by net at
//! the speed of its client, and renders each [`Route`] together with [`Naming`]. A client that stops reading loses the snapshot and goes on from
//! the next net's number in a new one.

use std::fmt;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::base::{Net, NetType, ProtoId};
use crate::control::answer::Answer;
use crate::table::{Attrs, Counted, NetId, Route, Snapshot};

/// A table that can be read again and again.
pub trait RouteTable: Send + Sync {
    /// Its name.
    fn name(&self) -> &Arc<str>;

    /// What it holds.
    fn net_type(&self) -> NetType;

    /// The table as it is now. Costs well under a millisecond whatever the size.
    fn snapshot(&self) -> Answer<'_, Snapshot>;

    /// How many usable or filtered routes it has now, for how many nets. Costs nothing, whatever the size.
    fn counted(&self, filtered: bool) -> Answer<'_, Counted>;

    /// The first of these nets that the table has, with its routes, best first. With `usable`, only a net whose best route is not a
    /// filtered one counts.
    fn find(&self, nets: Vec<Net>, usable: bool) -> Answer<'_, Option<Found>>;

    /// Whether the kernel refused the best route of this net (shown as `!` instead of `*`).
    fn kernel_refused(&self, net: NetId) -> bool {
        let _ = net;
        false
    }
}

/// A net that was looked for.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its number.
    pub id: NetId,
    /// Itself.
    pub net: Net,
    /// Its routes, best first.
    pub routes: Vec<Route>,
}

/// Everything `show route` needs, collected at one moment.
#[derive(Clone)]
pub struct RouteWorld {
    /// All tables in the order of the configuration.
    pub tables: Vec<Arc<dyn RouteTable>>,
    /// The first table of every net type that has one, ordered by type: names.
    pub defaults: Vec<Arc<str>>,
    /// The protocols the query names, in the order it named them.
    pub protocols: Vec<ProtocolDoors>,
    /// Names of protocols and interfaces.
    pub naming: Arc<Naming>,
}

impl fmt::Debug for RouteWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tables: Vec<_> = self.tables.iter().map(|t| t.name()).collect();
        f.debug_struct("RouteWorld")
            .field("tables", &tables)
            .field("defaults", &self.defaults)
            .finish_non_exhaustive()
    }
}

/// A protocol with its channels.
#[derive(Clone)]
pub struct ProtocolDoors {
    /// Its name.
    pub name: Arc<str>,
    /// Its number; routes carry it as their source.
    pub id: ProtoId,
    /// Its channels in the order of the configuration. A pipe has two: one per table, each exporting from its table.
    pub channels: Vec<Door>,
}

/// A channel as `show route export` sees it.
#[derive(Clone)]
pub struct Door {
    /// `ipv4`, ...
    pub name: Arc<str>,
    /// The table it reads.
    pub table: Arc<str>,
    /// Whether it exports at all now (it is up, and its protocol takes routes).
    pub exporting: bool,
    /// What it would do with a route.
    pub export: Arc<dyn ExportView>,
}

/// Which routes of a net a channel is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// The best one.
    Optimal,
    /// The best one its filter accepts.
    Accepted,
    /// All, each for itself.
    Any,
    /// The best one together with its equals (`merge paths`).
    Merged,
}

/// What the protocol itself says of a route before its export filter is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Preexport {
    /// Never (its own route, no such destination, ...).
    Reject,
    /// Ask the filter.
    AskFilter,
}

/// The export side of a channel, with its filter as it is now.
pub trait ExportView: Send + Sync {
    /// Which routes it is offered.
    fn offer(&self) -> Offer;

    /// What the protocol itself says.
    fn preexport(&self, net: &Net, route: &Route) -> Preexport;

    /// What the export filter says; silent, with nothing logged.
    fn filter(&self, net: &Net, route: &Route) -> Verdict;

    /// For [`Offer::Merged`]: the merged route, if one is exported.
    fn merged(&self, net: &Net, routes: &[Route]) -> Option<Route>;

    /// Whether this route was really exported.
    fn exported(&self, net: NetId, route: &Route) -> bool;
}

/// What a filter made of a route.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is out.
    Reject,
    /// It passes as it is.
    Accept,
    /// It passes with other attributes.
    Change(Arc<Attrs>),
}

/// A filter of the command line, ready to run.
pub trait RouteFilter: Send + Sync {
    /// Runs it on one route. A runtime error is a rejection and goes to the log.
    fn run(&self, net: &Net, route: &Route, naming: &Naming) -> Verdict;
}

/// Names of what routes refer to by number, as they were at one moment.
#[derive(Clone, Default, Debug)]
pub struct Naming {
    /// By number; one that stands for nothing any more has none.
    pub protocols: FxHashMap<ProtoId, ProtocolName>,
    /// By interface index.
    pub interfaces: FxHashMap<u32, Arc<str>>,
}

/// How a protocol appears in a line of `show route`.
#[derive(Clone, Debug)]
pub struct ProtocolName {
    /// Its name.
    pub name: Arc<str>,
    /// What stands in the parentheses.
    pub info: RouteInfo,
}

/// What stands in the parentheses at the end of a route's line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum RouteInfo {
    /// `(preference)`
    #[default]
    Preference,
    /// `(preference/igp_metric)` where the route has one: static routes.
    IgpMetric,
}

impl Naming {
    /// A protocol's name, `?` when it is gone.
    pub fn protocol(&self, id: ProtoId) -> &str {
        self.protocols.get(&id).map_or("?", |p| &p.name)
    }

    /// What stands in the parentheses for routes of this protocol.
    pub fn info(&self, id: ProtoId) -> RouteInfo {
        self.protocols.get(&id).map_or_else(RouteInfo::default, |p| p.info)
    }

    /// An interface's name.
    pub fn interface(&self, index: u32) -> Option<&Arc<str>> {
        self.interfaces.get(&index)
    }
}
