//! A connection to the daemon: the greeting, then one command and its reply after the other.
//!
//! Blocking and without threads; what arrives is handed on line by line, and the receiver is told when nothing more is
//! there at the moment, so that a long reply is written in large pieces and a slow one is seen as it comes.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::options::Options;
use crate::table::{self, Table};
use crate::wire::{Decoder, FIRST_FAILURE, Line};

/// The longest path that fits into a socket address, with the zero that ends it.
const LONGEST_PATH: usize = 108;

/// Why a session cannot go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is nobody at that socket.
    Connect(String, io::Error),
    /// The path does not fit into a socket address.
    PathTooLong,
    /// The daemon is gone.
    Closed,
    /// The connection broke otherwise.
    Broken(io::Error),
    /// Our own input or terminal failed.
    Input(io::Error),
    /// Our output cannot be written.
    Output(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(path, error) => {
                write!(f, "Unable to connect to server control socket ({path}): {}", reason(error))
            }
            Self::PathTooLong => f.write_str("server_connect: path too long"),
            Self::Closed => f.write_str("Connection closed by server"),
            Self::Broken(error) => write!(f, "Connection to the server failed: {}", reason(error)),
            Self::Input(error) => write!(f, "Cannot read commands: {}", reason(error)),
            Self::Output(error) => write!(f, "Cannot write output: {}", reason(error)),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// What to do, for people: the words above are BIRD's.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        let Self::Connect(_, error) = self else { return None };
        match error.kind() {
            io::ErrorKind::NotFound => Some("start the daemon, or name its socket with -s"),
            io::ErrorKind::ConnectionRefused => {
                Some("the daemon that made this socket is gone: start it again")
            }
            io::ErrorKind::PermissionDenied => {
                Some("only the daemon's user and group may: try sudo, or start the daemon with -g GROUP")
            }
            _ => None,
        }
    }
}

/// The system's words for an error, without the number that Rust adds.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rfind(" (os error ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Who receives lines.
pub(crate) trait Sink {
    /// A line, as it came.
    fn line(&mut self, raw: &[u8]) -> io::Result<()>;
    /// Nothing more is there for now.
    fn pause(&mut self) -> io::Result<()>;
}

/// A connection to a daemon.
pub(crate) struct Connection {
    stream: UnixStream,
    decoder: Decoder,
}

impl Connection {
    /// Connects; the greeting is yet to be read. With a limit, no read takes longer.
    pub(crate) fn connect(path: &Path, limit: Option<Duration>) -> Result<Self, Failure> {
        if path.as_os_str().as_bytes().len() >= LONGEST_PATH {
            return Err(Failure::PathTooLong);
        }
        let failed = |error| Failure::Connect(path.display().to_string(), error);
        let stream = UnixStream::connect(path).map_err(failed)?;
        stream.set_read_timeout(limit).map_err(failed)?;
        Ok(Self { stream, decoder: Decoder::default() })
    }

    /// Sends one command. What is a line end in it would begin another one, so it becomes a blank.
    pub(crate) fn send(&mut self, command: &str) -> Result<(), Failure> {
        match self.stream.write_all(request(command).as_bytes()) {
            // The daemon may have answered before it closed; reading finds out.
            Err(error) if is_closed(&error) => Ok(()),
            result => result.map_err(Failure::Broken),
        }
    }

    /// Hands on lines up to the end of a reply; returns its code.
    pub(crate) fn reply(&mut self, sink: &mut dyn Sink) -> Result<u16, Failure> {
        loop {
            while let Some(raw) = self.decoder.next_line() {
                sink.line(raw).map_err(Failure::Output)?;
                if let Some(code) = Line::classify(raw).end() {
                    sink.pause().map_err(Failure::Output)?;
                    return Ok(code);
                }
            }
            sink.pause().map_err(Failure::Output)?;
            self.receive(sink)?;
        }
    }

    /// Sends a command and hands on its reply; returns the code.
    pub(crate) fn exchange(&mut self, command: &str, sink: &mut dyn Sink) -> Result<u16, Failure> {
        self.send(command)?;
        self.reply(sink)
    }

    /// Hands on what is there without a command, waiting for it if nothing is.
    pub(crate) fn unasked(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        self.receive(sink)?;
        while let Some(raw) = self.decoder.next_line() {
            sink.line(raw).map_err(Failure::Output)?;
        }
        sink.pause().map_err(Failure::Output)
    }

    /// The parts, for somebody who reads and writes at the same time.
    pub(crate) fn into_parts(self) -> (UnixStream, Decoder) {
        (self.stream, self.decoder)
    }

    /// The stream, to wait for it.
    pub(crate) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Reads once; at the end of the connection, what was left of a line is handed on.
    fn receive(&mut self, sink: &mut dyn Sink) -> Result<(), Failure> {
        match read_some(&mut self.stream, &mut self.decoder) {
            Err(Failure::Closed) => {
                if let Some(rest) = self.decoder.rest() {
                    sink.line(rest).map_err(Failure::Output)?;
                }
                sink.pause().map_err(Failure::Output)?;
                Err(Failure::Closed)
            }
            result => result,
        }
    }
}

/// Reads what is there, at least one byte.
pub(crate) fn read_some(mut stream: impl Read, decoder: &mut Decoder) -> Result<(), Failure> {
    let mut chunk = [0; 1 << 16];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return Err(Failure::Closed),
            Ok(count) => {
                decoder.push(chunk.get(..count).unwrap_or(&chunk));
                return Ok(());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_closed(&error) => return Err(Failure::Closed),
            Err(error) => return Err(Failure::Broken(error)),
        }
    }
}

/// The line that asks for a command.
pub(crate) fn request(command: &str) -> String {
    let mut line = command.replace(['\n', '\r'], " ");
    line.push('\n');
    line
}

fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

/// Connects as the options say: shows the greeting, restricts the session, and asks for the command table.
pub(crate) fn open(
    options: &Options,
    limit: Option<Duration>,
    sink: &mut dyn Sink,
) -> Result<(Connection, Table), Failure> {
    let mut connection = Connection::connect(&options.socket, limit)?;
    // All of it is asked for at once: on a busy machine every round takes its time.
    if options.restricted {
        connection.send("restrict")?;
    }
    connection.send(table::REQUEST)?;
    connection.reply(sink)?;
    if options.restricted {
        connection.reply(sink)?;
    }
    let table = read_table(&mut connection, sink)?;
    Ok((connection, table))
}

/// Reads the daemon's command table; it is BIRD's if the daemon does not tell. Asynchronous lines meanwhile
/// are handed on.
fn read_table(connection: &mut Connection, sink: &mut dyn Sink) -> Result<Table, Failure> {
    struct Collector<'s> {
        code: u16,
        entries: Vec<table::Entry>,
        sink: &'s mut dyn Sink,
    }
    impl Sink for Collector<'_> {
        fn line(&mut self, raw: &[u8]) -> io::Result<()> {
            let text = match Line::classify(raw) {
                Line::Async(_) => return self.sink.line(raw),
                Line::Reply { code, text, .. } => {
                    self.code = code;
                    text
                }
                Line::Same(text) => text,
                Line::Odd(_) => return Ok(()),
            };
            self.entries.extend(Table::parse_entry(self.code, text));
            Ok(())
        }
        fn pause(&mut self) -> io::Result<()> {
            self.sink.pause()
        }
    }
    let mut collector = Collector { code: 0, entries: Vec::new(), sink };
    let code = connection.reply(&mut collector)?;
    let entries = if code < FIRST_FAILURE { collector.entries } else { Vec::new() };
    Ok(Table::from_entries(entries).unwrap_or_else(Table::builtin))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use std::io::BufRead;
    use std::os::unix::net::UnixListener;

    #[derive(Default)]
    struct Lines(Vec<String>);

    impl Sink for Lines {
        fn line(&mut self, raw: &[u8]) -> io::Result<()> {
            self.0.push(String::from_utf8_lossy(raw).into_owned());
            Ok(())
        }
        fn pause(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A daemon of one session, which answers the n-th line with the n-th text and then closes.
    fn daemon(
        answers: &'static [&'static str],
    ) -> (tempfile::TempDir, Options, std::thread::JoinHandle<Vec<String>>) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ctl");
        let listener = UnixListener::bind(&path).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut requests = io::BufReader::new(stream.try_clone().unwrap()).lines();
            stream.write_all(b"0001 BIRD 2.19.0 ready.\n").unwrap();
            let mut asked = Vec::new();
            for answer in answers {
                asked.push(requests.next().unwrap().unwrap());
                stream.write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (directory, Options::for_socket(path), thread)
    }

    #[test]
    fn a_session_with_a_daemon_that_tells_its_commands() {
        const TABLE: &str = "1900-show x\t[all]\tShow x\n y\t\tDo y\n+note\n0000 \n";
        let (_keep, mut options, thread) =
            daemon(&["0016 Access restricted\n", TABLE, "1000-a\n8001 no\n", "00"]);
        options.restricted = true;
        let mut lines = Lines::default();
        let (mut connection, table) = open(&options, None, &mut lines).unwrap();
        assert_eq!(lines.0, ["0001 BIRD 2.19.0 ready.", "0016 Access restricted", "+note"]);
        assert!(table.find(["show", "x"]).is_some() && table.find(["y"]).is_some());
        assert!(table.find(["configure"]).is_none());
        let mut lines = Lines::default();
        assert_eq!(connection.exchange("show\nx", &mut lines).unwrap(), 8001);
        assert_eq!(lines.0, ["1000-a", "8001 no"]);
        assert!(matches!(connection.exchange("y", &mut lines), Err(Failure::Closed)));
        assert_eq!(lines.0.last().unwrap(), "00");
        assert_eq!(thread.join().unwrap(), ["restrict", "commands", "show x", "y"]);
    }

    #[test]
    fn a_daemon_that_does_not_tell() {
        let (_keep, options, thread) = daemon(&["9001 syntax error\n"]);
        let (_, table) = open(&options, None, &mut Lines::default()).unwrap();
        assert!(table.find(["configure"]).is_some());
        thread.join().unwrap();
    }

    #[test]
    fn nobody_there() {
        let told = |path: &str| match open(&Options::for_socket(path), None, &mut Lines::default()) {
            Err(failure) => failure.to_string(),
            Ok(_) => panic!("connected to {path}"),
        };
        let text = "Unable to connect to server control socket (/no/such.ctl): No such file or directory";
        assert_eq!(told("/no/such.ctl"), text);
        assert_eq!(told(&"0".repeat(108)), "server_connect: path too long");
    }
}
