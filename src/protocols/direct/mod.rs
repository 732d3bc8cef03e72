//! Routes for the networks this machine is attached to.

pub mod config;
