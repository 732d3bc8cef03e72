//! The list of interfaces and addresses of this machine.

pub mod config;
