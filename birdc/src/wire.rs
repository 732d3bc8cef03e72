//! Lines of the control socket: cutting them out of what arrives, and telling their kinds apart.
//!
//! A reply is a run of lines, each of four digits and a dash, the last one of four digits and a blank. A line with the
//! code of its predecessor may have one blank instead of both. Asynchronous lines (a plus) may stand between any two.
//! Nothing here can fail: what fits no form is [`Line::Odd`], to be shown as it is.

/// Codes from here on tell of a failure.
pub const FIRST_FAILURE: u16 = 8000;

/// The code of the daemon's answer to [`crate::table::REQUEST`].
pub const COMMAND_TABLE: u16 = 1900;

/// The code of a line about a name.
pub const SYMBOL: u16 = 1010;

/// A line of a protocol's details.
pub const PROTOCOL_DETAILS: u16 = 1006;

/// The reply to `restrict`.
pub const RESTRICTED: u16 = 16;

/// An unterminated line is given up at this length, so that a daemon gone mad costs no memory. Tern and BIRD send no
/// lines even near it.
const MAX_LINE: usize = 1 << 20;

/// One line, without its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line with a code; the last one of a reply if `last`.
    Reply {
        /// Four digits.
        code: u16,
        /// Whether the reply ends here.
        last: bool,
        /// What follows the code and its blank or dash.
        text: &'a [u8],
    },
    /// A line that continues under the code of the line before.
    Same(&'a [u8]),
    /// A line that belongs to no reply.
    Async(&'a [u8]),
    /// A line that fits none of the forms.
    Odd(&'a [u8]),
}

impl<'a> Line<'a> {
    /// Tells what kind of line this is.
    pub fn classify(raw: &'a [u8]) -> Self {
        match raw {
            [b'+', text @ ..] => Self::Async(text),
            [b' ', text @ ..] => Self::Same(text),
            [a, b, c, d, mark @ (b' ' | b'-'), text @ ..]
                if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) =>
            {
                let code = [a, b, c, d].iter().fold(0, |code, digit| code * 10 + u16::from(*digit - b'0'));
                Self::Reply { code, last: *mark == b' ', text }
            }
            _ => Self::Odd(raw),
        }
    }

    /// The code, if this is the last line of a reply.
    pub fn end(self) -> Option<u16> {
        match self {
            Self::Reply { code, last: true, .. } => Some(code),
            _ => None,
        }
    }
}

/// Cuts a stream of bytes, arriving in any pieces, into lines.
#[derive(Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Everything before was handed out.
    start: usize,
    /// No line end between `start` and here.
    scanned: usize,
}

impl Decoder {
    /// Takes what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete line, without its end; `None` when more must arrive first.
    pub fn next_line(&mut self) -> Option<&[u8]> {
        let rest = self.buffer.get(self.scanned..)?;
        match memchr::memchr(b'\n', rest) {
            Some(at) => {
                let (from, to) = (self.start, self.scanned + at);
                self.start = to + 1;
                self.scanned = self.start;
                self.buffer.get(from..to)
            }
            None if self.buffer.len() - self.start >= MAX_LINE => self.rest(),
            None => {
                self.scanned = self.buffer.len();
                None
            }
        }
    }

    /// What arrived after the last line end, when nothing more will come.
    pub fn rest(&mut self) -> Option<&[u8]> {
        let from = self.start;
        self.start = self.buffer.len();
        self.scanned = self.start;
        self.buffer.get(from..).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(line) = decoder.next_line() {
                found.push(line.to_vec());
            }
        }
        (found, decoder.rest().map(<[u8]>::to_vec))
    }

    #[test]
    fn kinds() {
        assert_eq!(Line::classify(b"0001 BIRD"), Line::Reply { code: 1, last: true, text: b"BIRD" });
        assert_eq!(Line::classify(b"1007-"), Line::Reply { code: 1007, last: false, text: b"" });
        assert_eq!(Line::classify(b"0000 "), Line::Reply { code: 0, last: true, text: b"" });
        assert_eq!(Line::classify(b" \tvia"), Line::Same(b"\tvia"));
        assert_eq!(Line::classify(b"+log"), Line::Async(b"log"));
        for odd in [&b""[..], b"0000", b"00000 ", b"000x text", b"\xff\xfe", b"-100 x", b"1000\ttext"] {
            assert_eq!(Line::classify(odd), Line::Odd(odd), "{odd:?}");
        }
    }

    #[test]
    fn only_the_last_line_ends_a_reply() {
        assert_eq!(Line::classify(b"8003 No protocols match").end(), Some(8003));
        assert_eq!(Line::classify(b"8003-No").end(), None);
        assert_eq!(Line::classify(b" 8003 No").end(), None);
    }

    #[test]
    fn a_line_in_pieces() {
        let (found, rest) = lines(&[b"1007-Ta", b"ble", b" master4:\n a\n\n00", b"00 \nrest"]);
        assert_eq!(found, [&b"1007-Table master4:"[..], b" a", b"", b"0000 "]);
        assert_eq!(rest.unwrap(), b"rest");
    }

    #[test]
    fn an_endless_line_is_given_up() {
        let piece = vec![b'x'; MAX_LINE / 2];
        let (found, rest) = lines(&[&piece, &piece, &piece, b"\n0000 \n"]);
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [MAX_LINE, MAX_LINE / 2, 5]);
        assert_eq!(rest, None);
    }

    proptest! {
        /// However a stream is cut into pieces, the lines are those of the whole stream.
        #[test]
        fn pieces_do_not_matter(
            stream in prop::collection::vec(prop_oneof![3 => any::<u8>(), 1 => Just(b'\n')], 0..400),
            cuts in prop::collection::vec(0usize..400, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(stream.len())).collect();
            cuts.sort_unstable();
            cuts.push(stream.len());
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&stream[from..cut]);
                from = cut;
            }
            let (found, rest) = lines(&pieces);
            let mut again = found.join(&b'\n');
            if !found.is_empty() {
                again.push(b'\n');
            }
            again.extend(rest.unwrap_or_default());
            prop_assert_eq!(again, stream);
            prop_assert!(found.iter().all(|line| !line.contains(&b'\n')));
        }

        /// Classifying loses nothing: the line can be written again from its parts.
        #[test]
        fn classifying_is_lossless(raw in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..20),
            "[0-9+ ]{0,5}[-+ ]?[a-z]{0,5}".prop_map(String::into_bytes),
        ]) {
            let again = match Line::classify(&raw) {
                Line::Reply { code, last, text } => {
                    let mark = if last { ' ' } else { '-' };
                    [format!("{code:04}{mark}").as_bytes(), text].concat()
                }
                Line::Same(text) => [b" ", text].concat(),
                Line::Async(text) => [b"+", text].concat(),
                Line::Odd(text) => text.to_vec(),
            };
            prop_assert_eq!(again, raw);
        }
    }
}
