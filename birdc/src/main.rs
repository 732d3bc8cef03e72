//! `birdc`: the interactive shell.
fn main() {}
