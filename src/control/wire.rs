//! The one writer that knows the wire.
//!
//! A reply is a run of lines: four digits, `-` (more follow) or a blank (last line), text. A line with the
//! code of the line before it carries one blank instead. Lines beginning with `+` belong to no reply and may
//! stand between any two lines. Commands say what to send; how it looks is decided here and nowhere else.

use std::fmt::Display;
use std::io::Write;

use super::code::Code;

/// The longest line, its code included; longer ones are replaced, as old clients have buffers of that size.
const MAX_LINE: usize = 510;

/// Lines on their way to a client. Filled by commands, emptied by the session.
#[derive(Debug, Default)]
pub struct Reply {
    out: Vec<u8>,
    /// The code of the line before, within one reply.
    last: Option<Code>,
}

impl Reply {
    /// Adds a line that is not the last one.
    pub fn line(&mut self, code: Code, text: impl Display) {
        // Writing to a vector cannot fail; a failing `Display` would leave a shorter line.
        self.raw(code, |out| drop(write!(out, "{text}")));
    }

    /// Adds a line whose text `fill` appends: the fast way, for what comes a million times.
    #[inline]
    pub fn raw(&mut self, code: Code, fill: impl FnOnce(&mut Vec<u8>)) {
        let from = self.out.len();
        if self.last == Some(code) {
            self.out.push(b' ');
        } else {
            self.out.extend_from_slice(&digits(code, b'-'));
            self.last = Some(code);
        }
        let text = self.out.len();
        fill(&mut self.out);
        self.close(from, text, b'-');
    }

    /// Adds the last line of a reply.
    pub fn end(&mut self, code: Code, text: impl Display) {
        let from = self.out.len();
        self.out.extend_from_slice(&digits(code, b' '));
        drop(write!(self.out, "{text}"));
        self.close(from, from + 5, b' ');
        self.last = None;
    }

    /// Ends a reply with nothing but its success.
    pub fn ok(&mut self) {
        self.end(Code::Ok, "");
    }

    /// An empty line under the code of the line before; nothing at the beginning of a reply.
    pub fn separator(&mut self) {
        if let Some(code) = self.last {
            self.line(code, "");
        }
    }

    /// A line outside of any reply.
    pub fn asynchronous(&mut self, text: &str) {
        self.out.push(b'+');
        let from = self.out.len();
        self.out.extend_from_slice(text.as_bytes());
        self.one_line(from);
        self.out.push(b'\n');
    }

    /// What waits to be sent.
    pub fn pending(&self) -> &[u8] {
        &self.out
    }

    /// Forgets what was sent, keeping the buffer.
    pub fn sent(&mut self) {
        self.out.clear();
        if self.out.capacity() > 256 * 1024 {
            self.out = Vec::new();
        }
    }

    /// Gives back the buffer of a long answer: a session that waits costs little.
    pub fn shrink(&mut self) {
        if self.out.is_empty() && self.out.capacity() > 16 * 1024 {
            self.out = Vec::new();
        }
    }

    /// Ends a line: what a client could not take is replaced, what would break the framing is blanked.
    fn close(&mut self, from: usize, text: usize, mark: u8) {
        if self.out.len() - from > MAX_LINE {
            self.out.truncate(from);
            self.out.extend_from_slice(&digits(Code::TooLong, mark));
            self.out.extend_from_slice(b"<line overflow>");
            self.last = Some(Code::TooLong);
        } else {
            self.one_line(text);
        }
        self.out.push(b'\n');
    }

    fn one_line(&mut self, from: usize) {
        let Some(text) = self.out.get_mut(from..) else { return };
        if memchr::memchr(b'\n', text).is_some() {
            text.iter_mut().filter(|b| **b == b'\n').for_each(|b| *b = b' ');
        }
    }
}

/// `0013-` or `0013 `.
fn digits(code: Code, mark: u8) -> [u8; 5] {
    let n = code.number();
    let digit = |p| b'0' + (n / p % 10) as u8;
    [digit(1000), digit(100), digit(10), digit(1), mark]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> &str {
        std::str::from_utf8(reply.pending()).unwrap_or("not text")
    }

    #[test]
    fn codes_are_not_repeated() {
        let mut reply = Reply::default();
        reply.line(Code::Route, "Table t:");
        reply.line(Code::Route, "10.0.0.0/8");
        reply.line(Code::RouteType, "\tType: static univ");
        reply.line(Code::Route, "11.0.0.0/8");
        reply.ok();
        reply.end(Code::Evaluated, 7);
        let want = "1007-Table t:\n 10.0.0.0/8\n1008-\tType: static univ\n1007-11.0.0.0/8\n0000 \n0023 7\n";
        assert_eq!(text(&reply), want);
    }

    #[test]
    fn the_last_line_has_its_code_always() {
        let mut reply = Reply::default();
        reply.separator();
        reply.line(Code::Symbol, "a");
        reply.separator();
        reply.end(Code::Symbol, "b");
        assert_eq!(text(&reply), "1010-a\n \n1010 b\n");
    }

    #[test]
    fn long_lines_are_replaced() {
        let mut reply = Reply::default();
        reply.end(Code::Evaluated, "a".repeat(505));
        reply.end(Code::Evaluated, "a".repeat(506));
        reply.line(Code::Route, "a".repeat(600));
        reply.line(Code::Route, "b");
        let want = format!("0023 {}\n8000 <line overflow>\n8000-<line overflow>\n1007-b\n", "a".repeat(505));
        assert_eq!(text(&reply), want);
    }

    #[test]
    fn nothing_breaks_the_framing() {
        let mut reply = Reply::default();
        reply.line(Code::ProtocolDetail, "  Message:        one\n0000 two");
        reply.asynchronous("three\nfour");
        reply.ok();
        assert_eq!(text(&reply), "1006-  Message:        one 0000 two\n+three four\n0000 \n");
    }
}
