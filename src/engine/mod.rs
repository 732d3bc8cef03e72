//! Floor 4: protocol life cycle, channels, limits, interfaces, reconfiguration.
//!
//! One thread owns the engine. Everything that happens to it is a message; everything it does takes a bounded slice of time, so that a million
//! routes and a `show status` never wait for each other.
//!
//! - [`api`]: what a protocol is to the engine; `ports`, what the engine is to a protocol, and `hands`, what stands behind them
//! - [`engine`]: the owner of instances, and its turn of work; [`driver`] runs it on a thread
//! - `core`: the state protocols share; `import`, `export`, `flush`, `filters`, `resolve`: what happens to routes in it
//! - [`accounting`]: where filters decide, counted; [`explain`]: everything that decides about one net
//! - `cycle`: how long all that takes, and what happens if it does not end
//! - [`report`]: whether tables, exports and kernel agree
//! - `lifecycle`: up and down; [`plan`] and [`transition`]: from one configuration to the next

pub mod accounting;
pub mod actions;
pub mod api;
pub mod channel;
pub mod core;
mod cycle;
pub mod driver;
#[allow(clippy::module_inception, reason = "the engine itself is the noun of this folder")]
pub mod engine;
pub mod explain;
mod export;
mod filters;
mod flush;
mod hands;
pub mod iface;
mod import;
mod lifecycle;
pub mod logger;
pub mod merge;
pub mod plan;
mod ports;
pub mod proto;
pub mod report;
mod resolve;
mod slots;
#[cfg(test)]
mod tests;
mod traces;
pub mod transition;

pub use core::Core;
pub use driver::{EngineGone, Handle};
pub use engine::Engine;
pub use filters::Assertions;
