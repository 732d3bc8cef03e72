//! Floor 6: the control socket. Sessions, the command table, a view and renderers per `show`.
//!
//! A line of text comes in over a Unix socket, the command table turns it into a command, the command asks
//! the [`Backend`] for a view, a renderer turns the view into lines, the [`wire::Reply`] puts codes in front
//! of them, and the session sends them at the client's speed. Views are plain data: what is told and how it
//! looks change apart. Only [`wire`] knows how lines look on the wire.

pub mod answer;
pub mod backend;
pub mod code;
pub mod command;
pub mod context;
pub mod echo;
#[cfg(test)]
mod fake;
pub mod options;
pub mod pattern;
pub mod render;
pub mod server;
pub mod session;
pub mod show;
pub mod view;
pub mod wire;

pub use crate::BIRD_VERSION;
pub use backend::{Backend, Scope};
pub use code::Code;

/// Who we are: the answer of `show version`. The greeting tells [`BIRD_VERSION`], which tools parse.
pub const IDENTITY: &str = concat!("Tern ", env!("CARGO_PKG_VERSION"), " (compatible with BIRD 2.19.0)");
