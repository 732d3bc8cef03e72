//! Use without a terminal: one command of the command line, or commands from a pipe, one per line.
//!
//! From a pipe, prompts and commands are echoed, so that the output reads like a session; BIRD's `birdcl`
//! does the same. Input and connection are watched together: when the daemon goes, a client that waits for
//! input learns of it.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::client::{self, Connection, Failure};
use crate::complete;
use crate::expand::{self, Command};
use crate::help;
use crate::options::Options;
use crate::render::{Output, Style};
use crate::table::Table;
use crate::wire::FIRST_FAILURE;

/// The prompt.
pub(crate) const PROMPT: &str = "bird> ";

/// Runs one command; the exit status says whether it was carried out.
pub(crate) fn one_shot(options: &Options, command: &str) -> Result<u8, Failure> {
    let mut session = Session::open(options)?;
    let command = command.replace(['\n', '\r'], " ");
    let done = session.carry_out(&command)?;
    session.output.flush().map_err(Failure::Output)?;
    Ok(match done {
        Done::Well | Done::Quit => 0,
        Done::Badly | Done::Nothing => 1,
    })
}

/// Runs commands from standard input up to its end or `quit`; their failures do not count.
pub(crate) fn piped(options: &Options) -> Result<u8, Failure> {
    let mut session = Session::open(options)?;
    session.asks = true;
    let mut input = Input::open().map_err(Failure::Input)?;
    loop {
        session.output.text(PROMPT);
        session.output.flush().map_err(Failure::Output)?;
        let line = match session.next_line(&mut input) {
            Ok(line) => line,
            Err(failure) => {
                session.output.text("\n");
                session.output.flush().map_err(Failure::Output)?;
                return Err(failure);
            }
        };
        let Some(line) = line else {
            session.output.text("\n");
            session.output.flush().map_err(Failure::Output)?;
            return Ok(0);
        };
        if input.echo {
            session.output.lines([line.as_str()]);
        }
        if session.carry_out(&line)? == Done::Quit {
            session.output.flush().map_err(Failure::Output)?;
            return Ok(0);
        }
    }
}

/// What became of a command.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Well,
    Badly,
    Nothing,
    Quit,
}

struct Session {
    connection: Connection,
    table: Table,
    output: Output,
    /// Whether `?` at the end of a line is the key that asks for help, as on a terminal; among the words of a
    /// command line it is none.
    asks: bool,
}

impl Session {
    fn open(options: &Options) -> Result<Self, Failure> {
        let terminal = io::stdout().is_terminal();
        let mut output = Output::new(Style { verbose: options.verbose, terminal });
        let (connection, table) = client::open(options, None, &mut output)?;
        Ok(Self { connection, table, output, asks: false })
    }

    fn carry_out(&mut self, line: &str) -> Result<Done, Failure> {
        let asked = line.trim_end().strip_suffix('?').filter(|text| self.asks && !complete::in_string(text));
        if let Some(text) = asked {
            self.output.lines(help::question(&self.table, text).iter().map(String::as_str));
            return Ok(Done::Well);
        }
        match expand::expand(&self.table, line) {
            Command::Empty => return Ok(Done::Nothing),
            Command::Quit => return Ok(Done::Quit),
            Command::Send(command) => {
                // What is not written yet explains what may take long now.
                self.output.flush().map_err(Failure::Output)?;
                let code = self.connection.exchange(&command, &mut self.output)?;
                return Ok(if code < FIRST_FAILURE { Done::Well } else { Done::Badly });
            }
            Command::Help(words) => {
                self.output.lines(help::answer(&self.table, words).iter().map(String::as_str));
                return Ok(Done::Well);
            }
            Command::Ambiguous(nodes) => {
                self.output.lines(help::ambiguous(&self.table, &nodes).iter().map(String::as_str));
            }
            Command::Unknown => self.output.lines([help::UNKNOWN]),
        }
        Ok(Done::Badly)
    }

    /// The next line of input, or `None` at its end. Lines from the daemon meanwhile are shown.
    fn next_line(&mut self, input: &mut Input) -> Result<Option<String>, Failure> {
        loop {
            if let Some(line) = input.take_line() {
                return Ok(line);
            }
            let ready = |fd: &PollFd<'_>| !fd.revents().is_empty();
            let mut fds = [
                PollFd::new(self.connection.stream(), PollFlags::IN),
                PollFd::from_borrowed_fd(input.file.as_fd(), PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Failure::Input(error.into())),
            }
            let [daemon, typed] = fds.each_ref().map(ready);
            if daemon {
                self.output.text("\n");
                self.connection.unasked(&mut self.output)?;
                self.output.text(PROMPT);
                self.output.flush().map_err(Failure::Output)?;
            } else if typed {
                input.read().map_err(Failure::Input)?;
            }
        }
    }
}

/// Standard input, unbuffered so that it can be waited for.
struct Input {
    file: File,
    buffer: Vec<u8>,
    ended: bool,
    echo: bool,
}

impl Input {
    fn open() -> io::Result<Self> {
        let stdin = io::stdin();
        let file = File::from(stdin.as_fd().try_clone_to_owned()?);
        Ok(Self { file, buffer: Vec::new(), ended: false, echo: !stdin.is_terminal() })
    }

    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; 1 << 16];
        match self.file.read(&mut chunk) {
            Ok(0) => self.ended = true,
            Ok(count) => self.buffer.extend_from_slice(chunk.get(..count).unwrap_or(&chunk)),
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// A line, the end of input (`Some(None)`), or nothing yet. The last line may lack its end.
    fn take_line(&mut self) -> Option<Option<String>> {
        let line: Vec<u8> = match memchr::memchr(b'\n', &self.buffer) {
            Some(at) => self.buffer.drain(..=at).collect(),
            None if self.ended && self.buffer.is_empty() => return Some(None),
            None if self.ended => std::mem::take(&mut self.buffer),
            None => return None,
        };
        let text = String::from_utf8_lossy(&line);
        Some(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
    }
}
