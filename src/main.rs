//! `bird`: the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    tern::options::main(std::env::args_os())
}
