//! Routes for the networks this machine is attached to.
//!
//! One route per address of an interface that is up: the kernel has these routes already, but tables here
//! need them to resolve gateways and to announce the networks to others.

pub mod config;
mod instance;
