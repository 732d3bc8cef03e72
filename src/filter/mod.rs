//! Floor 2: the filter language, from checked syntax to a verdict.
//!
//! Why a compiler: every route of every channel passes a filter, so what can be known while the configuration
//! is read is found out then. Bodies are checked, constant parts computed, names resolved to numbers; what
//! remains is a flat program over typed values ([`code`]) that a small machine runs ([`vm`]).
//!
//! The parts, bottom up: [`types`]; [`attributes`], the registry of everything a route can carry; [`ops`],
//! what operators and methods compute; [`code`] and [`program`], what bodies become; `inline`, small
//! functions in their callers; [`symbols`], the names of a configuration; [`compile`], the checker; [`view`]
//! and [`mod@env`], the route and the world as a filter sees them; `memo`, answers given before; [`vm`];
//! `questions` that a run asks about net and world, `record`, who takes them down, and [`verdicts`] given
//! before; [`explain`], which watches the machine.
//!
//! Filters know no protocol and no table: what they ask of the world is the trait [`Env`].

pub mod attributes;
pub mod code;
pub mod compile;
mod effort;
pub mod env;
pub mod explain;
mod inline;
mod memo;
pub mod ops;
pub mod program;
mod questions;
mod record;
pub mod symbols;
#[cfg(test)]
mod tests;
pub mod types;
pub mod verdicts;
pub mod view;
pub mod vm;

pub use attributes::CustomAttrs;
pub use code::Verdict;
pub use compile::{Checker, Locate};
pub use effort::Patience;
pub use env::{AspaState, Assertion, Env, NoEnv, RoaState, for_log};
pub use program::{Filter, FilterRef, Program};
pub use symbols::{Snapshot, Symbol, Symbols};
pub use types::Type;
pub use verdicts::{Case, Verdicts};
pub use view::RouteView;
pub use vm::{Machine, Outcome, RuntimeError, evaluate, run, run_alone, run_commands, run_merge};
