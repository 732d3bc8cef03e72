//! Why a filter decided as it did.
//!
//! The question of every operator is "which line threw it away?". So the very program that decides about
//! routes can run under the eyes of a [`Watch`](super::vm::Watch): nothing is interpreted a second way that
//! could differ. The watcher sees every instruction before it runs, and turns those that mean something in
//! the text (comparisons, calls, changes of attributes, verdicts) into [`Step`]s: where, what, with which
//! values, and which element of a set decided. A run that nobody watches is compiled without any of this.
//!
//! Nothing is changed by a watched run: its route is a copy, and what it prints is a step.

mod reason;
mod spot;
mod tracer;
mod words;

#[cfg(test)]
mod tests;

pub use spot::Spot;
pub use words::short;

use self::tracer::Tracer;
use super::attributes::CustomAttrs;
use super::code::Verdict;
use super::env::Env;
use super::program::Filter;
use super::view::RouteView;
use super::vm::{Exit, Machine, RuntimeError, World};

/// Steps that are kept; of a longer run the rest is counted.
const STEPS: usize = 1000;

/// Something that happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// How many calls it is inside of.
    pub depth: usize,
    /// Where it stands in the text.
    pub spot: Spot,
    /// What came of it: `FALSE`, `100 -> 150`, ...; empty for a call, whose result follows.
    pub outcome: String,
    /// What else there is to say, a line each.
    pub notes: Vec<String>,
}

/// How it ended.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// At a place that accepts or rejects, with what it says.
    Verdict(Verdict, Spot, Option<String>),
    /// Without a verdict: rejected.
    Undecided,
    /// With a runtime error at a place: rejected.
    Error(RuntimeError, Spot),
}

impl End {
    /// Whether the route passes.
    pub fn accepts(&self) -> bool {
        matches!(self, End::Verdict(Verdict::Accept, ..))
    }
}

/// A run, explained.
#[derive(Clone, PartialEq, Debug)]
pub struct Trace {
    /// What happened, in order.
    pub steps: Vec<Step>,
    /// So many steps are left out.
    pub skipped: u64,
    /// How it ended.
    pub end: End,
}

/// Runs a filter on a route and explains it. What was written stays in `route`; `env` is not told of messages
/// and errors.
pub fn explain(
    filter: &Filter,
    route: &mut RouteView<'_>,
    machine: &mut Machine,
    env: &dyn Env,
    custom: &CustomAttrs,
) -> Trace {
    let quiet = Quiet(env);
    let mut tracer = Tracer::new(custom);
    let result = {
        let mut world = World { route: Some(&mut *route), routes: &[], env: &quiet };
        machine.run_watched(&filter.program, &mut world, &mut tracer)
    };
    let end = match result {
        Ok(Exit::Verdict(verdict, site)) => {
            let spot = filter.program.site_spot(site).unwrap_or_default();
            End::Verdict(verdict, spot, tracer.said.take())
        }
        Ok(Exit::Value(_)) => End::Undecided,
        Err(error) => {
            let spot = filter.program.spot(error.at.0, error.at.1);
            End::Error(error, spot)
        }
    };
    Trace { steps: tracer.steps, skipped: tracer.skipped, end }
}

/// A world that hears nothing.
struct Quiet<'a>(&'a dyn Env);

impl Env for Quiet<'_> {
    fn covering_roas(&self, table: &str, prefix: &crate::base::IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        self.0.covering_roas(table, prefix, each);
    }
    fn aspa_entries(&self, table: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        self.0.aspa_entries(table, customer, each);
    }
    fn interface_name(&self, index: u32) -> Option<std::sync::Arc<str>> {
        self.0.interface_name(index)
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        self.0.interface_index(name)
    }
    fn gateway(&self, gateway: std::net::IpAddr, only: Option<u32>, onlink: bool) -> Option<u32> {
        self.0.gateway(gateway, only, onlink)
    }
}
