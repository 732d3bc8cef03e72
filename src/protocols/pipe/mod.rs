//! Routes carried from one table to another.

pub mod config;
