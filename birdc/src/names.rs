//! Names for completion, fetched from the daemon when one is wanted.
//!
//! On a connection of their own, so that what the user's session is doing (a page half read, an asynchronous line) does
//! not matter, and with a limit of time: a daemon too busy to answer only costs the completion.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::client::{Connection, Failure, Sink};
use crate::complete::Names;
use crate::wire::{COMMAND_TABLE, FIRST_FAILURE, Line, PROTOCOL_DETAILS, SYMBOL};

/// How long names stay fresh: pressing Tab twice asks once.
const FRESH: Duration = Duration::from_secs(3);

/// How long the daemon may take for any piece of its answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The line of a protocol, after the heading.
const PROTOCOL_ROW: u16 = 1002;

/// More lines than these help nobody to complete a word.
const MOST_LINES: usize = 200_000;

/// The names of the daemon behind a socket.
pub(crate) struct LiveNames {
    socket: PathBuf,
    symbols: Cache<(String, String)>,
    channels: Cache<(String, String)>,
    attributes: Cache<String>,
}

type Cache<T> = Mutex<Option<(Instant, Vec<T>)>>;

impl LiveNames {
    /// Names from the daemon at that socket.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket, symbols: Cache::default(), channels: Cache::default(), attributes: Cache::default() }
    }

    /// Whether any channel keeps routes that its import filter refuses.
    pub(crate) fn keeps_filtered(&self) -> bool {
        let counted = |(_, text): &(u16, String)| {
            text.trim_start().starts_with("Routes:") && text.contains(" filtered")
        };
        self.ask("show protocols all").iter().any(counted)
    }

    fn ask(&self, command: &str) -> Vec<(u16, String)> {
        let ask = || -> Result<Lines, Failure> {
            let mut connection = Connection::connect(&self.socket, Some(PATIENCE))?;
            connection.reply(&mut Lines::default())?;
            let mut lines = Lines::default();
            let code = connection.exchange(command, &mut lines)?;
            Ok(if code < FIRST_FAILURE { lines } else { Lines::default() })
        };
        ask().map(|lines| lines.found).unwrap_or_default()
    }
}

impl Names for LiveNames {
    fn symbols(&self, kind: Option<&str>) -> Vec<String> {
        let all = cached(&self.symbols, || parse_symbols(&self.ask("show symbols")));
        let wanted = all.into_iter().filter(|(_, is)| match kind {
            Some(kind) => kind == is,
            None => is != "undefined",
        });
        wanted.map(|(name, _)| name).collect()
    }

    fn channels(&self) -> Vec<(String, String)> {
        cached(&self.channels, || parse_channels(&self.ask("show protocols all")))
    }

    fn attributes(&self) -> Vec<String> {
        let named = |(code, text): (u16, String)| (code == COMMAND_TABLE).then(|| text.trim().to_owned());
        cached(&self.attributes, || self.ask("commands attributes").into_iter().filter_map(named).collect())
    }
}

fn cached<T: Clone>(cache: &Cache<T>, fetch: impl FnOnce() -> Vec<T>) -> Vec<T> {
    let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
    match &*cache {
        Some((at, values)) if at.elapsed() < FRESH => values.clone(),
        _ => cache.insert((Instant::now(), fetch())).1.clone(),
    }
}

fn parse_symbols(lines: &[(u16, String)]) -> Vec<(String, String)> {
    let rows = lines.iter().filter(|(code, _)| *code == SYMBOL).filter_map(|(_, text)| text.split_once('\t'));
    let mut found: Vec<_> =
        rows.map(|(name, kind)| (name.trim().to_owned(), kind.trim().to_owned())).collect();
    found.sort();
    found
}

fn parse_channels(lines: &[(u16, String)]) -> Vec<(String, String)> {
    let mut protocol = "";
    let mut found = Vec::new();
    for (code, text) in lines {
        if *code == PROTOCOL_ROW {
            protocol = text.split_whitespace().next().unwrap_or("");
        } else if let (PROTOCOL_DETAILS, Some(channel)) = (*code, text.strip_prefix("  Channel ")) {
            found.push((protocol.to_owned(), channel.trim().to_owned()));
        }
    }
    found
}

/// The lines of a reply with their codes written out.
#[derive(Default)]
struct Lines {
    code: u16,
    found: Vec<(u16, String)>,
}

impl Sink for Lines {
    fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        let text = match Line::classify(raw) {
            Line::Reply { code, text, .. } => {
                self.code = code;
                text
            }
            Line::Same(text) => text,
            Line::Async(_) | Line::Odd(_) => return Ok(()),
        };
        if self.found.len() >= MOST_LINES {
            return Err(io::Error::other("too many names"));
        }
        self.found.push((self.code, String::from_utf8_lossy(text).into_owned()));
        Ok(())
    }

    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;

    fn lines(reply: &[&str]) -> Vec<(u16, String)> {
        let mut lines = Lines::default();
        for line in reply {
            lines.line(line.as_bytes()).unwrap();
        }
        lines.found
    }

    #[test]
    fn symbols() {
        let reply = lines(&["1010-s1      \tprotocol", " master4 \trouting table", "+x\tprotocol", "0000 "]);
        let expected = [("master4", "routing table"), ("s1", "protocol")];
        assert_eq!(parse_symbols(&reply), expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    }

    #[test]
    fn channels() {
        let reply = lines(&[
            "2002-Name       Proto      Table",
            "1002-s1         Static     master4    up",
            "1006-  Channel ipv4",
            "     State:          UP",
            "   Channel ipv6",
            " ",
            "1002-device1    Device",
            "1006-",
            "0000 ",
        ]);
        let expected = [("s1", "ipv4"), ("s1", "ipv6")];
        assert_eq!(
            parse_channels(&reply),
            expected.map(|(name, channel)| (name.to_owned(), channel.to_owned()))
        );
    }
}
