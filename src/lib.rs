//! Tern: a routing daemon that reads `bird.conf`, answers `birdc`, and keeps the kernel's tables in step.
//!
//! The modules are floors, and `use` points downwards only, so that each can be read and tested with nothing above it:
//!
//! | floor | modules |
//! |---|---|
//! | 7 | [`options`], [`daemon`]: arguments, start order, signals; wires everything, decides nothing |
//! | 6 | [`control`]: the control socket, its commands, a view and a renderer for each |
//! | 5 | [`protocols`]: what makes routes and takes them |
//! | 4 | [`engine`]: what protocols have in common: life cycle, channels, interfaces, reconfiguration |
//! | 3 | [`config`]: a whole configuration as typed, immutable data |
//! | 2 | [`table`]: routes, journals, snapshots; [`filter`]: the filter language, compiled and run |
//! | 1 | [`syntax`]: text to statements with places; [`sys`]: the operating system, and all `unsafe` |
//! | 0 | [`base`]: values without any I/O |
//!
//! Two journeys show how they work together. *Text to running configuration*: [`syntax::parse`] →
//! [`config::load()`] → a plan ([`engine::plan`]) → carried out ([`engine::transition`]). *A route in and
//! out*: an [`Instance`](engine::api::Instance) announces it to its channel's import filter →
//! [`Table`](table::Table) → its [`Journal`](table::Journal) → export filters of other channels → their
//! instances, the [kernel's](protocols::kernel) among them. `doc/ARCHITECTURE.md` tells all four, and what
//! each floor must not know.

pub mod base;
pub mod config;
pub mod control;
pub mod daemon;
pub mod engine;
pub mod filter;
pub mod options;
pub mod protocols;
pub mod syntax;
pub mod sys;
pub mod table;

/// The version of BIRD whose output this is: what tools that parse it get to see.
pub const BIRD_VERSION: &str = "2.19.0";
