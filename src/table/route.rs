//! One route of a table, without its net.

use std::sync::Arc;

use super::Attrs;
use crate::base::{ChannelId, ProtoId};

/// Who a route is from: a protocol and, where it has several routes for one net, a number of its own choice.
/// A table holds one route per net and source.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source {
    /// The protocol that made the route; a pipe leaves it as it is.
    pub proto: ProtoId,
    /// Static: ordinal among the routes of the net; direct: interface index; kernel with `learn metrics`:
    /// metric; others 0.
    pub path: u32,
}

/// A route.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its attributes.
    pub attrs: Arc<Attrs>,
    /// Microseconds since the daemon's start when it last changed.
    pub changed: u64,
    /// Who made it.
    pub source: Source,
    /// The channel that put it into this table: the maker's own, or a pipe's.
    pub sender: ChannelId,
    /// Rejected by the import filter and kept by `import keep filtered`: shown, never chosen, never exported.
    pub filtered: bool,
    /// How many pipes it has passed; 0 for the maker's own table.
    pub generation: u8,
    /// Of a filtered route: why, in numbers of whoever filtered it; 0 where that is not known.
    pub refusal: u16,
}

const _: () = assert!(size_of::<Route>() <= 32, "every byte here is 1 MB per million routes");

/// Which of two routes of one net is better: `true` when the first one beats the second for certain.
/// Protocols of one kind may compare their own routes; kinds are told apart by the route's source attribute.
pub type Better = fn(&Route, &Route) -> bool;
