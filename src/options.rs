//! Arguments of `bird`.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use crate::config::{self, Failure};
use crate::daemon::loader::Loader;
use crate::daemon::run::{Settings, run};
use crate::daemon::sandbox::sandbox;
use crate::daemon::selftest::self_test;
use crate::filter::CustomAttrs;
use crate::syntax::Disk;

/// The configuration unless `-c` names another.
pub const DEFAULT_CONFIG: &str = "/etc/bird/bird.conf";

/// The first line of the help, and the second of a complaint about arguments.
const USAGE: &str = "Usage: bird [--version] [--help] [-c <config-file>] [OPTIONS]";

/// One flag, for the parser's messages, the help and the manual page.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// As it is given: `-c <config-file>`.
    pub synopsis: &'static str,
    /// What it does.
    pub help: &'static str,
}

/// All flags in the order of the help.
pub static FLAGS: &[Flag] = &[
    Flag { synopsis: "-c <config-file>", help: "Use this configuration instead of /etc/bird/bird.conf" },
    Flag { synopsis: "-s <control-socket>", help: "Use this control socket instead of /run/bird/bird.ctl" },
    Flag { synopsis: "-P <pid-file>", help: "Write the process number to this file" },
    Flag { synopsis: "-p", help: "Check the configuration and exit: silent if it is good" },
    Flag { synopsis: "-f", help: "Stay in the foreground" },
    Flag { synopsis: "-d", help: "Stay in the foreground and log to standard error" },
    Flag { synopsis: "-D <debug-file>", help: "Log to this file besides what the configuration says" },
    Flag { synopsis: "-l", help: "Look for configuration and socket in the current directory" },
    Flag { synopsis: "-R", help: "Recover from a graceful restart" },
    Flag { synopsis: "-u <user>", help: "Drop privileges and run as this user" },
    Flag { synopsis: "-g <group>", help: "Run as this group" },
    Flag {
        synopsis: "--explain",
        help: "With -p: every error with the lines around it and what to do, and what is odd in filters",
    },
    Flag {
        synopsis: "--sandbox [<config-file>]",
        help: "Run in a network of its own, without root, with a shell on it",
    },
    Flag { synopsis: "--test", help: "Run the self-tests in the configuration and exit: 1 if one fails" },
    Flag { synopsis: "--version [--verbose]", help: "Print the version" },
    Flag { synopsis: "-h, --help", help: "Print this help" },
];

/// What the command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Run the daemon.
    Run(Settings),
    /// `-p`: look at the configuration only.
    Parse {
        /// `-c`
        config: PathBuf,
        /// `--explain`: every error with its place, even when nobody looks at a terminal.
        explain: bool,
    },
    /// `--test`: run the self-tests of this file.
    Test(PathBuf),
    /// `--sandbox [FILE]`
    Sandbox(Option<PathBuf>),
    /// `--version`; with `--verbose`, who we really are.
    Version {
        /// `--verbose`
        verbose: bool,
    },
    /// `--help`
    Help,
}

impl Request {
    /// Reads the arguments of a command line, the program's name not among them.
    pub fn parse<I>(args: I) -> Result<Request, lexopt::Error>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let (mut config, mut socket, mut pid_file) = (None, None, None);
        let (mut debug, mut debug_file, mut foreground, mut recover) = (false, None, false, false);
        let (mut local, mut parse_only, mut explain) = (false, false, false);
        let mut test = false;
        let (mut in_sandbox, mut file, mut version, mut verbose) = (false, None, false, false);
        let (mut user, mut group) = (None, None);
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Short('c') => config = Some(PathBuf::from(parser.value()?)),
                Arg::Short('s') => socket = Some(PathBuf::from(parser.value()?)),
                Arg::Short('P') => pid_file = Some(PathBuf::from(parser.value()?)),
                Arg::Short('p') => parse_only = true,
                Arg::Short('f') => foreground = true,
                Arg::Short('d') => debug = true,
                Arg::Short('D') => debug_file = Some(PathBuf::from(parser.value()?)),
                Arg::Short('l') => local = true,
                Arg::Short('R') => recover = true,
                Arg::Short('u') => user = Some(parser.value()?.string()?),
                Arg::Short('g') => group = Some(parser.value()?.string()?),
                Arg::Short('h') | Arg::Long("help") => return Ok(Request::Help),
                Arg::Long("explain") => explain = true,
                Arg::Long("sandbox") => in_sandbox = true,
                Arg::Long("test") => test = true,
                Arg::Long("version") => version = true,
                Arg::Long("verbose") => verbose = true,
                Arg::Value(value) if in_sandbox && file.is_none() => file = Some(PathBuf::from(value)),
                other => return Err(other.unexpected()),
            }
        }
        if version {
            return Ok(Request::Version { verbose });
        }
        if in_sandbox {
            return Ok(Request::Sandbox(file.or(config)));
        }
        let default = |path: &str| match local {
            true => PathBuf::from(path.rsplit('/').next().unwrap_or(path)),
            false => PathBuf::from(path),
        };
        let config = config.unwrap_or_else(|| default(DEFAULT_CONFIG));
        if test {
            return Ok(Request::Test(config));
        }
        if parse_only {
            return Ok(Request::Parse { config, explain });
        }
        let standard = birdc::options::default_socket();
        Ok(Request::Run(Settings {
            config,
            socket: socket.unwrap_or_else(|| default(&standard.to_string_lossy())),
            pid_file,
            foreground: foreground || debug,
            log_to_stderr: foreground || debug,
            debug_file,
            user,
            group,
            recover,
        }))
    }
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = format!("{USAGE}\n\nOptions:\n");
    for flag in FLAGS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<26} {}", flag.synopsis, flag.help);
    }
    text
}

/// The program, from its arguments to its exit status.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Request::parse(args.into_iter().skip(1)) {
        Ok(Request::Run(settings)) => outcome(run(&settings, Loader::default())),
        Ok(Request::Parse { config, explain }) => parse(&config, explain),
        Ok(Request::Test(config)) => test(&config),
        Ok(Request::Sandbox(file)) => match sandbox(file, Loader::default()) {
            Ok(status) => ExitCode::from(status),
            Err(error) => outcome(Err(error)),
        },
        Ok(Request::Version { verbose: false }) => {
            say(&format!("BIRD version {}", crate::BIRD_VERSION), ExitCode::SUCCESS)
        }
        Ok(Request::Version { verbose: true }) => say(
            &format!("BIRD version {} (Tern {})", crate::BIRD_VERSION, env!("CARGO_PKG_VERSION")),
            ExitCode::SUCCESS,
        ),
        Ok(Request::Help) => {
            // That nobody reads it is no reason to fail.
            let _ = std::io::stdout().lock().write_all(help().as_bytes());
            ExitCode::SUCCESS
        }
        Err(e) => say(&format!("bird: {e}\n{USAGE}"), ExitCode::FAILURE),
    }
}

fn outcome(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => match format!("{error:#}") {
            said if said.is_empty() => ExitCode::FAILURE,
            text => say(&format!("bird: {text}"), ExitCode::FAILURE),
        },
    }
}

/// `bird -p`: silent for a good file, BIRD's line for a bad one, and everything there is to say where a human looks.
fn parse(path: &std::path::Path, explain: bool) -> ExitCode {
    let terminal = std::io::stderr().is_terminal();
    crate::sys::memory::grow_boldly();
    match config::load(path, crate::protocols::SYNTAX, &CustomAttrs::default(), &Disk) {
        Ok(config) => {
            let mut lines: Vec<String> = config.warnings.iter().map(|line| format!("bird: {line}")).collect();
            if explain || terminal {
                lines.extend(config.notes.iter().map(|note| format!("bird: {note}\n")));
            }
            // The process ends here: to give back a large configuration piece by piece takes longer than to leave it.
            std::mem::forget(config);
            match lines.is_empty() {
                true => ExitCode::SUCCESS,
                false => say(&lines.join("\n"), ExitCode::SUCCESS),
            }
        }
        Err(Failure::Refused(refusal)) if explain || terminal => {
            say(&refusal.explain("bird: ", terminal), ExitCode::FAILURE)
        }
        Err(Failure::Refused(refusal)) => say(&prefixed(refusal.bird_lines()), ExitCode::FAILURE),
        Err(failure) => say(&format!("bird: {}", failure.at_start()), ExitCode::FAILURE),
    }
}

/// `bird --test`.
fn test(path: &std::path::Path) -> ExitCode {
    match self_test(path, &Loader::default(), &mut std::io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => outcome(Err(error)),
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
        let want = Request::Parse { config: "/x.conf".into(), explain: true };
        for line in ["-p -c /x.conf --explain", "-pc/x.conf --explain", "--explain -c=/x.conf -p"] {
            assert_eq!(Request::parse(line.split(' ')).unwrap(), want, "{line}");
        }
        assert_eq!(Request::parse(["--version"]).unwrap(), Request::Version { verbose: false });
        assert_eq!(Request::parse(["--sandbox", "x"]).unwrap(), Request::Sandbox(Some("x".into())));
        assert_eq!(Request::parse(["--test", "-c", "x"]).unwrap(), Request::Test("x".into()));
        assert!(Request::parse(["-p", "-z"]).is_err());
        assert!(Request::parse(["-p", "-c"]).is_err());
        assert!(Request::parse(["stray"]).is_err());
    }

    #[test]
    fn local_files() {
        let Request::Run(settings) = Request::parse(["-l", "-f"]).unwrap() else { panic!("runs") };
        assert_eq!((settings.config, settings.socket), ("bird.conf".into(), "bird.ctl".into()));
        assert!(settings.foreground);
    }
}
