//! Routes written in the configuration.

pub mod config;
mod lower;
