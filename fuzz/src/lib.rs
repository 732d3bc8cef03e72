//! What is done with bytes from nowhere: one function for each door of the daemon through which bytes come.
//!
//! Each takes any bytes and panics if something is wrong with us. Fuzzers call them (`fuzz/run`), and so do the tests, with what fuzzers have found
//! (`tests/fuzz.rs`). That something never ends is told by the caller's clock.
#![allow(missing_docs, reason = "a program of its own; for its names see the table of targets")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "what is wrong ends the run")]

mod choices;
mod doors;
mod judge;
mod program;
mod session;
mod terms;
mod world;

/// A target.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 8] = [
    ("parse", doors::parse),
    ("config", doors::config),
    ("program", judge::program),
    ("command", doors::command),
    ("session", session::session),
    ("netlink", doors::netlink),
    ("names", doors::names),
    ("shell", doors::shell),
];

/// Feeds a target.
pub fn feed(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name).expect("a target");
    (target.1)(data);
}

/// The configuration that target `program` makes of bytes.
pub fn shown_program(data: &[u8]) -> String {
    terms::shown(&program::program(data))
}

/// Whether that configuration is accepted.
pub fn is_accepted(data: &[u8]) -> bool {
    judge::load(&shown_program(data)).is_ok()
}
