//! The command line of `birdc`: BIRD's four flags, with BIRD's precedence.
//!
//! BIRD parses with GNU getopt, so flags may also follow the command (`birdc show status -v`). They do here
//! as well, but what is none of the flags is left alone, so that `birdc eval -5` works, which BIRD refuses.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use lexopt::{Arg, ValueExt};

/// The directory of the default socket: `TERN_RUN_DIR` at build time, otherwise the one of Debian's package.
pub const RUN_DIR: &str = match option_env!("TERN_RUN_DIR") {
    Some(directory) => directory,
    None => "/run/bird",
};

/// The file name of the default socket.
pub const SOCKET_NAME: &str = "bird.ctl";

/// The path of the socket that is used when no other is named.
pub fn default_socket() -> PathBuf {
    Path::new(RUN_DIR).join(SOCKET_NAME)
}

/// What the shell is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The control socket.
    pub socket: PathBuf,
    /// Whether reply codes are shown.
    pub verbose: bool,
    /// Whether the session is restricted before anything else is sent.
    pub restricted: bool,
    /// The one command to run; without it, commands are read from standard input.
    pub command: Option<String>,
}

impl Options {
    /// A session on that socket, everything else as by default.
    pub fn for_socket(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into(), verbose: false, restricted: false, command: None }
    }
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invocation {
    /// Run the shell.
    Run(Options),
    /// Print [`help`].
    Help,
    /// Print the version of the program.
    Version,
}

/// One flag, for the usage line, the help text and manual pages.
pub struct Flag {
    /// The letter after the dash.
    pub letter: char,
    /// What its argument is called, if it takes one.
    pub argument: Option<&'static str>,
    /// What it does, as a part of a sentence.
    pub help: &'static str,
}

/// All flags, in the order of the usage line.
pub static FLAGS: &[Flag] = &[
    Flag { letter: 's', argument: Some("control-socket"), help: "the control socket of the daemon" },
    Flag { letter: 'v', argument: None, help: "show reply codes" },
    Flag { letter: 'r', argument: None, help: "restrict the session to commands that change nothing" },
    Flag { letter: 'l', argument: None, help: "use the control socket bird.ctl of the current directory" },
];

/// The line that answers a wrong command line.
pub fn usage() -> String {
    let mut line = String::from("Usage: birdc");
    for flag in FLAGS {
        match flag.argument {
            Some(argument) => line += &format!(" [-{} <{argument}>]", flag.letter),
            None => line += &format!(" [-{}]", flag.letter),
        }
    }
    line
}

/// The answer to `--help`.
pub fn help() -> String {
    let mut text = format!("{} [<command>...]\n\n", usage());
    for flag in FLAGS {
        let argument = flag.argument.map(|name| format!(" <{name}>")).unwrap_or_default();
        text += &format!("  {:<22}{}\n", format!("-{}{argument}", flag.letter), flag.help);
    }
    text += &format!("\nWithout -s and -l the socket is {}.\n", default_socket().display());
    text += "Without a command, commands are read from the terminal or from standard input.\n";
    text
}

/// A command line that makes no sense.
#[derive(Debug)]
pub struct UsageError(String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        Self(error.to_string())
    }
}

/// Reads a command line, without the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, UsageError> {
    let mut builder = Builder::default();
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('s') => builder.socket = Some(parser.value()?.into()),
            Arg::Short('l') => builder.local(),
            Arg::Short('v') => builder.verbose = true,
            Arg::Short('r') => builder.restricted = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(Invocation::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Invocation::Version),
            Arg::Value(word) => {
                builder.words.push(word.string()?);
                let rest: Vec<OsString> = parser.raw_args()?.collect();
                builder.after_first_word(rest)?;
                break;
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Invocation::Run(builder.finish()))
}

#[derive(Default)]
struct Builder {
    socket: Option<PathBuf>,
    verbose: bool,
    restricted: bool,
    words: Vec<String>,
}

impl Builder {
    fn local(&mut self) {
        self.socket.get_or_insert_with(|| SOCKET_NAME.into());
    }

    /// Once the command has begun, only arguments that consist of our flags count as flags.
    fn after_first_word(&mut self, rest: Vec<OsString>) -> Result<(), UsageError> {
        let mut rest = rest.into_iter();
        let mut only_words = false;
        while let Some(argument) = rest.next() {
            let word = argument.to_string_lossy().into_owned();
            let letters = word.strip_prefix('-').filter(|_| !only_words).unwrap_or("");
            if word == "--" && !only_words {
                only_words = true;
            } else if let Some(path) = letters.strip_prefix('s') {
                self.socket = Some(match path {
                    "" => rest
                        .next()
                        .ok_or_else(|| UsageError("missing argument for option '-s'".into()))?
                        .into(),
                    path => OsStr::new(path).into(),
                });
            } else if !letters.is_empty() && letters.chars().all(|letter| "vrl".contains(letter)) {
                self.verbose |= letters.contains('v');
                self.restricted |= letters.contains('r');
                if letters.contains('l') {
                    self.local();
                }
            } else {
                self.words.push(word);
            }
        }
        Ok(())
    }

    fn finish(self) -> Options {
        Options {
            socket: self.socket.unwrap_or_else(default_socket),
            verbose: self.verbose,
            restricted: self.restricted,
            command: (!self.words.is_empty()).then(|| self.words.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        match parse(line.split_whitespace().map(OsString::from)) {
            Ok(Invocation::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn words_are_joined() {
        let options = options("-s x.ctl -vr show route");
        assert_eq!(options.command.as_deref(), Some("show route"));
        assert_eq!(options.socket, Path::new("x.ctl"));
        assert!(options.verbose && options.restricted);
    }

    #[test]
    fn local_yields_to_an_explicit_socket_in_either_order() {
        assert_eq!(options("-l").socket, Path::new("bird.ctl"));
        assert_eq!(options("-s a -l").socket, Path::new("a"));
        assert_eq!(options("-l -s a").socket, Path::new("a"));
    }

    #[test]
    fn flags_after_the_command() {
        let with_flags = options("show status -v -s a");
        assert_eq!(with_flags.command.as_deref(), Some("show status"));
        assert!(with_flags.verbose);
        assert_eq!(with_flags.socket, Path::new("a"));
        assert_eq!(options("eval -5").command.as_deref(), Some("eval -5"));
        assert_eq!(options("eval -- -v").command.as_deref(), Some("eval -v"));
    }

    #[test]
    fn nothing_else_is_accepted() {
        for line in ["-x", "--nonsense", "-s", "show -s"] {
            assert!(parse(line.split_whitespace().map(OsString::from)).is_err(), "{line}");
        }
        assert_eq!(usage(), "Usage: birdc [-s <control-socket>] [-v] [-r] [-l]");
        assert!(help().contains(RUN_DIR));
    }
}
