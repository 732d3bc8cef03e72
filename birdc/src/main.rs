//! `birdc`: the interactive shell.

use std::process::ExitCode;

use birdc::{Invocation, options};

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Invocation::Run(options)) => options,
        Ok(Invocation::Help) => {
            print!("{}", options::help());
            return ExitCode::SUCCESS;
        }
        Ok(Invocation::Version) => {
            println!("birdc of Tern {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("birdc: {error}");
            eprintln!("{}", options::usage());
            return ExitCode::FAILURE;
        }
    };
    match birdc::run(&options) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
