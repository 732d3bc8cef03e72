//! Arguments of `bird`, and the runs that need no daemon.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, ValueExt};

use crate::config::{self, Failure};
use crate::filter::CustomAttrs;
use crate::syntax::Disk;

/// The configuration unless `-c` names another.
pub const DEFAULT_CONFIG: &str = "/etc/bird/bird.conf";

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// `-p`: look at the configuration only.
    Parse(Options),
    /// `--version`
    Version,
    /// `--help`
    Help,
}

/// The settings of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// `-c FILE`
    pub config: PathBuf,
    /// `--explain`: every error with its place, even when nobody looks at a terminal.
    pub explain: bool,
}

/// The text of `--help`.
pub const USAGE: &str = "\
Usage: bird [--version] [--help] -p [-c <config-file>] [--explain]

Options:
  -c <config-file>     Read this configuration (default: /etc/bird/bird.conf)
  -p                   Check the configuration and exit: silent if it is good
  --explain            Show every error with the lines around it and what to do
  --version            Print the version
  -h, --help           Print this help
";

impl Request {
    /// Reads the arguments of a command line, the program's name not among them.
    pub fn parse<I>(args: I) -> Result<Request, lexopt::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut options = Options { config: DEFAULT_CONFIG.into(), explain: false };
        let mut parse_only = false;
        let mut parser = lexopt::Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('c') => options.config = parser.value()?.parse()?,
                Arg::Short('p') => parse_only = true,
                Arg::Long("explain") => options.explain = true,
                Arg::Long("version") => return Ok(Request::Version),
                Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
                other => return Err(other.unexpected()),
            }
        }
        match parse_only {
            true => Ok(Request::Parse(options)),
            false => Err("running as a daemon is not built yet, only -p is".into()),
        }
    }
}

/// The program, from its arguments to its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Request::parse(args.into_iter().skip(1)) {
        Ok(Request::Parse(options)) => parse(&options),
        Ok(Request::Version) => {
            say(&format!("BIRD version {}", env!("CARGO_PKG_VERSION")), ExitCode::SUCCESS)
        }
        Ok(Request::Help) => say(USAGE.trim_end(), ExitCode::SUCCESS),
        Err(e) => say(&format!("bird: {e}\n{}", USAGE.trim_end()), ExitCode::FAILURE),
    }
}

/// `bird -p`: silent for a good file, BIRD's line for a bad one, and everything there is to say where a human looks.
fn parse(options: &Options) -> ExitCode {
    let terminal = std::io::stderr().is_terminal();
    match config::load(&options.config, crate::protocols::SYNTAX, &CustomAttrs::default(), &Disk) {
        Ok(config) if config.warnings.is_empty() => ExitCode::SUCCESS,
        Ok(config) => say(&prefixed(config.warnings.iter()), ExitCode::SUCCESS),
        Err(Failure::Refused(refusal)) if options.explain || terminal => {
            say(&refusal.explain("bird: ", terminal), ExitCode::FAILURE)
        }
        Err(Failure::Refused(refusal)) => say(&prefixed(refusal.bird_lines()), ExitCode::FAILURE),
        Err(Failure::Unreadable { path, reason }) => say(
            &format!("bird: Unable to open configuration file {}: {reason}", path.display()),
            ExitCode::FAILURE,
        ),
    }
}

fn prefixed(lines: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    lines.into_iter().map(|line| format!("bird: {line}")).collect::<Vec<_>>().join("\n")
}

/// Writes to standard error. That nobody reads it is no reason to fail.
fn say(text: &str, status: ExitCode) -> ExitCode {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    status
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "arguments of the test")]
    use super::*;

    #[test]
    fn arguments() {
        let want = Options { config: "/x.conf".into(), explain: true };
        for line in ["-p -c /x.conf --explain", "-pc/x.conf --explain", "--explain -c=/x.conf -p"] {
            assert_eq!(Request::parse(line.split(' ')).unwrap(), Request::Parse(want.clone()), "{line}");
        }
        assert_eq!(Request::parse(["--version"]).unwrap(), Request::Version);
        assert!(Request::parse(["-p", "-z"]).is_err());
        assert!(Request::parse(["-p", "-c"]).is_err());
    }
}
