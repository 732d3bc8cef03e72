//! Tern: a routing daemon that reads `bird.conf`, answers `birdc`, and keeps the kernel's tables in step.
//!
//! The modules are floors; `use` points downwards only (see `doc/ARCHITECTURE.md`):
//! `control` → `protocols` → `engine` → `config` → `table`, `filter` → `syntax`, `sys` → `base`.

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
