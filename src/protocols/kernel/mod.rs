//! A table kept in step with a routing table of the kernel.
pub mod aliens;
mod attributes;
pub mod bodies;
pub mod config;
pub mod convert;
pub mod drift;
mod flights;
pub mod instance;
pub mod nets;
mod scan;
pub mod sync;
#[cfg(test)]
mod tests;
