//! Routes carried from one table to another.
//!
//! A pipe has a channel in each of its two tables and hands over what comes out of one to the other. Routes
//! keep who made them, so that they are one route in both tables, and a route that a pipe brought is never
//! taken back by it.

pub mod config;
mod instance;
