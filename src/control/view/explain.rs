//! `explain route` and `show filters`.

use std::sync::Arc;

use super::route::Naming;
use crate::base::Net;
use crate::filter::explain::{Spot, Trace};
use crate::table::Route;

pub use crate::engine::accounting::Direction;
pub use crate::engine::explain::Question;

/// The answer of `explain route`.
#[derive(Clone, Default, Debug)]
pub struct ExplainView {
    /// The net it is about, if it is not the one asked for.
    pub net: Option<Net>,
    /// The tables that have the net.
    pub tables: Vec<ExplainTable>,
    /// In tables that do not: the longest net around it.
    pub around: Vec<(Arc<str>, Net)>,
    /// Each way of a route into a table or out of it.
    pub cases: Vec<CaseView>,
    /// Names of protocols and interfaces.
    pub naming: Arc<Naming>,
}

/// The net in one table.
#[derive(Clone, Debug)]
pub struct ExplainTable {
    /// The table.
    pub name: Arc<str>,
    /// The routes, best first.
    pub routes: Vec<Route>,
    /// The kernel refused the best one.
    pub refused: bool,
}

/// One way of a route.
#[derive(Clone, Debug)]
pub struct CaseView {
    /// `Import of ... into ...`
    pub title: String,
    /// What is to be known about it first.
    pub remarks: Vec<String>,
    /// The run of the route's own commands, which comes before, and where they stand.
    pub commands: Option<(String, Trace)>,
    /// The run of its filter, if there is one and it was reached.
    pub trace: Option<Trace>,
    /// What came of it, line by line.
    pub result: Vec<String>,
}

/// A filter in `show filters`.
#[derive(Clone, Debug)]
pub struct FilterView {
    /// Its name, `(unnamed)` if it has none.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Spot,
    /// Who uses it.
    pub users: Vec<FilterUser>,
}

/// A channel that uses a filter.
#[derive(Clone, Debug)]
pub struct FilterUser {
    /// `PROTOCOL.CHANNEL`, or the name of a pipe.
    pub channel: String,
    /// For which way.
    pub direction: Direction,
    /// When counting began, in microseconds since the daemon's start.
    pub since: u64,
    /// Where it ended; those places that were asked for.
    pub rows: Vec<FilterRow>,
    /// Places left out because no route has ended there yet.
    pub silent: usize,
}

/// A place where a filter ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterRow {
    /// How.
    pub kind: RowKind,
    /// How often.
    pub count: u64,
    /// Where.
    pub place: Spot,
}

/// How a filter ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the columns of the table")]
pub enum RowKind {
    Accepted,
    Rejected,
    Error,
}
