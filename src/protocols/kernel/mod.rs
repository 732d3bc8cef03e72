//! A table kept in step with a routing table of the kernel.

pub mod config;
