//! `bird`: the daemon.
fn main() {}
