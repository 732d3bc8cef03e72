//! The list of interfaces and addresses of this machine.
//!
//! Why a protocol: operators of BIRD configure it as one, can disable it, and without it no interface is
//! known. The list itself belongs to the engine (`engine::iface`), because every protocol looks at it; this
//! one only says when it is kept and how often it is checked.

pub mod config;
mod instance;
