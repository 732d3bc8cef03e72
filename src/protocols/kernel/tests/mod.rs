//! The reconciler against a kernel that refuses, lags, reorders, breaks off and forgets.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may panic")]

mod ahead;
mod bench;
mod cases;
mod objects;
mod storm;
