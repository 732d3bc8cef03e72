//! Floor 7: wires everything, decides nothing. Reads the configuration, starts the engine and the control
//! socket, answers the shell's questions with what the engine holds.

pub mod backend;
mod dump;
mod explain;
mod filters;
pub mod loader;
mod logging;
mod routes;
pub mod run;
pub mod sandbox;
mod scope;
pub mod selftest;
mod views;

pub use backend::Daemon;
