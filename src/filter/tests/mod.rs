//! The language from text to result, without a configuration around it.
//!
//! [`harness`] reads a file and keeps only what this floor knows: constants, attributes, functions, filters,
//! tables and the code inside protocols. With it run the cases in this folder, and whole conformance suites
//! when `TERN_CONFORMANCE` names their folder.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod cases;
mod conformance;
pub(super) mod harness;
mod manual;
mod merge;
mod remembered;
mod robust;
mod speed;
