//! What lines of a reply look like on the screen.
//!
//! Without `-v` the text only; with it whole lines, continued ones indented below the code. Lines with code 0
//! say nothing but that a reply is complete and are never shown.

use std::io::{self, Write};

use crate::client::Sink;
use crate::wire::Line;

/// How lines are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// With codes.
    pub verbose: bool,
    /// On a terminal: control characters, which may come from a peer of the daemon, are made visible.
    pub terminal: bool,
}

impl Style {
    /// Appends a line as it is shown, with its end; nothing if it is not shown at all.
    pub(crate) fn render(self, raw: &[u8], into: &mut Vec<u8>) {
        let (lead, text): (&[u8], &[u8]) = match Line::classify(raw) {
            Line::Reply { code: 0, .. } => return,
            Line::Reply { .. } if self.verbose => (b"", raw),
            Line::Same(text) if self.verbose => (b"     ", text),
            Line::Reply { text, .. } | Line::Same(text) => (b"", text),
            Line::Async(text) => (b">>> ", text),
            Line::Odd(text) => (b"", text),
        };
        into.extend_from_slice(lead);
        if self.terminal && text.iter().any(|byte| byte.is_ascii_control()) {
            text.iter().for_each(|&byte| visible(byte, into));
        } else {
            into.extend_from_slice(text);
        }
        into.push(b'\n');
    }
}

fn visible(byte: u8, into: &mut Vec<u8>) {
    match byte {
        b'\t' => into.push(byte),
        0..32 => into.extend([b'^', byte + b'@']),
        127 => into.extend(b"^?"),
        _ => into.push(byte),
    }
}

/// Text for standard output, written in large pieces, and at the latest when the daemon pauses.
pub(crate) struct Output {
    style: Style,
    buffer: Vec<u8>,
}

impl Output {
    const FULL: usize = 1 << 16;

    /// An empty output.
    pub(crate) fn new(style: Style) -> Self {
        Self { style, buffer: Vec::with_capacity(Self::FULL) }
    }

    /// Adds text of our own.
    pub(crate) fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Adds lines of our own.
    pub(crate) fn lines<'t>(&mut self, lines: impl IntoIterator<Item = &'t str>) {
        for line in lines {
            self.text(line);
            self.text("\n");
        }
    }

    /// Writes everything.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = out.write_all(&self.buffer).and_then(|()| out.flush());
        // What could not be written once will not be written twice.
        self.buffer.clear();
        written
    }
}

impl Sink for Output {
    fn line(&mut self, raw: &[u8]) -> io::Result<()> {
        self.style.render(raw, &mut self.buffer);
        if self.buffer.len() >= Self::FULL { self.flush() } else { Ok(()) }
    }

    fn pause(&mut self) -> io::Result<()> {
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(verbose: bool, terminal: bool, lines: &[&str]) -> String {
        let mut text = Vec::new();
        for line in lines {
            Style { verbose, terminal }.render(line.as_bytes(), &mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    const REPLY: &[&str] = &["2002-Name", "1002-s1", " s2", "1006-", "+log", "0000 "];

    #[test]
    fn without_codes() {
        assert_eq!(shown(false, false, REPLY), "Name\ns1\ns2\n\n>>> log\n");
        assert_eq!(shown(false, false, &["8003 No"]), "No\n");
    }

    #[test]
    fn with_codes() {
        assert_eq!(shown(true, false, REPLY), "2002-Name\n1002-s1\n     s2\n1006-\n>>> log\n");
    }

    #[test]
    fn odd_lines_are_shown_as_they_are() {
        assert_eq!(shown(false, false, &["", "12345", "\x1b"]), "\n12345\n\x1b\n");
    }

    #[test]
    fn a_terminal_is_not_commanded_by_peers() {
        assert_eq!(shown(false, true, &["1006-a\tb\x1b[2J\x7f é"]), "a\tb^[[2J^? é\n");
    }
}
