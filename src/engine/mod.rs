//! Floor 4: protocol life cycle, channels, limits, interfaces, reconfiguration.
//!
//! One thread owns the engine. Everything that happens to it is a message; everything it does takes
//! a bounded slice of time, so that a million routes and a `show status` never wait for each other.

pub mod api;
pub mod iface;
