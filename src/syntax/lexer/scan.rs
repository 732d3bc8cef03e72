//! From bytes to tokens: blanks, words, operators, strings, comments.

use std::sync::Arc;

use tern_grammar::{ENUMS, KEYWORDS, t};

use super::super::ast::Tok;
use super::super::diag::Diagnostic;
use super::super::literal::{self, double, is_hex, is_word, run};
use super::super::names::Sym;
use super::super::scope::Word;
use super::super::tokens::{KNOWN, Token};
use super::numeric::quick_number;
use super::{Lexer, MAX_SYMBOL};

/// Bytes behind an open text in which its end is looked for.
const LONGEST_TEXT: usize = 400;

impl Lexer<'_> {
    /// The next token; `None` when a blank, a comment or the end of a file was read instead.
    #[inline]
    pub(super) fn lex(&mut self) -> Option<Token> {
        let Some(frame) = self.frames.last_mut() else {
            self.ended = true;
            return None;
        };
        let text: &[u8] = &frame.text;
        let mut pos = frame.pos;
        let first = loop {
            match text.get(pos) {
                Some(b' ' | b'\t') => pos += 1,
                Some(b'\n') => {
                    pos += 1;
                    frame.line += 1;
                }
                Some(b) => break *b,
                None => {
                    self.frames.pop();
                    return None;
                }
            }
        };
        frame.pos = pos;
        match CLASS[first as usize] {
            Class::Digit => {
                if let Some((c, value, end)) = quick_number(text, pos) {
                    frame.pos = end;
                    let tok = self.sources.token(frame.file, pos as u32, frame.line);
                    return Some(Token { c: c as char, value, tok });
                }
                Some(self.literal(pos))
            }
            Class::Letter => {
                let end = pos + run(text, pos, is_word);
                let next = text.get(end);
                if is_hex(first) {
                    let hex = run(text, pos, is_hex);
                    if hex >= 20 || text.get(pos + hex) == Some(&b':') {
                        return Some(self.literal(pos));
                    }
                }
                if next == Some(&b':') {
                    match text.get(pos..end) {
                        Some(b"else") => {
                            frame.pos = end + 1;
                            let tok = self.sources.token(frame.file, pos as u32, frame.line);
                            return Some(Token { c: t::ELSECOL as char, value: 0, tok });
                        }
                        Some(b"hex") => return Some(self.literal(pos)),
                        _ => {}
                    }
                }
                if first == b'i' && text.get(pos..end) == Some(b"include") && is_include(text, pos, end) {
                    self.include(end);
                    return None;
                }
                frame.pos = end;
                let sym = match short_word(text, pos, end) {
                    Some(key) => {
                        let slot = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as usize;
                        match self.cache.get_mut(slot) {
                            Some((k, sym)) if *k == key => *sym,
                            entry => {
                                let sym = self.names.intern(&String::from_utf8_lossy(&text[pos..end]));
                                if let Some(entry) = entry {
                                    *entry = (key, sym);
                                }
                                sym
                            }
                        }
                    }
                    None => self.names.intern(&String::from_utf8_lossy(&text[pos..end])),
                };
                let tok = self.sources.token(frame.file, pos as u32, frame.line);
                if end - pos > MAX_SYMBOL {
                    self.error_at(tok, "Symbol too long");
                }
                Some(self.word(sym, tok))
            }
            Class::Single => {
                if first == b'/' && text.get(pos + 1) == Some(&b'*') {
                    self.comment(pos);
                    return None;
                }
                let pair = double(first, text.get(pos + 1).copied());
                if first == b':' && literal::ipv6(text, pos) > 0 {
                    return Some(self.literal(pos));
                }
                frame.pos = pos + if pair.is_some() { 2 } else { 1 };
                let tok = self.sources.token(frame.file, pos as u32, frame.line);
                Some(Token { c: pair.unwrap_or(first) as char, value: 0, tok })
            }
            Class::Quote => Some(self.string(pos)),
            Class::Apostrophe => Some(self.quoted_symbol(pos)),
            Class::Hash => {
                frame.pos = memchr::memchr(b'\n', &text[pos..]).map_or(text.len(), |n| pos + n);
                None
            }
            Class::Unknown => {
                frame.pos = pos + run(text, pos, |b| matches!(CLASS[b as usize], Class::Unknown));
                // Line ends of another system, or bytes of no text at all, are wrong everywhere: once is enough.
                if matches!(first, b'\r' | 0) && std::mem::replace(&mut self.strange, true) {
                    return None;
                }
                Some(self.complain(pos, "Unknown character"))
            }
        }
    }

    pub(super) fn word(&mut self, sym: Sym, tok: Tok) -> Token {
        let i = sym.0 as usize;
        if i >= KEYWORDS.len() && i < KEYWORDS.len() + ENUMS.len() {
            return Token { c: t::ENUM as char, value: u64::from(sym.0), tok };
        }
        match self.scopes.resolve(sym, self.names.text(sym)) {
            Word::Keyword(c) => Token { c, value: u64::from(sym.0), tok },
            Word::Name { known } => {
                Token { c: t::SYM as char, value: u64::from(sym.0) | if known { KNOWN } else { 0 }, tok }
            }
        }
    }

    pub(super) fn current(&self) -> Arc<Vec<u8>> {
        self.frames.last().map(|f| f.text.clone()).unwrap_or_default()
    }

    pub(super) fn advance(&mut self, to: usize) {
        if let Some(f) = self.frames.last_mut() {
            f.pos = to;
        }
    }

    /// A token of text. One that is not closed on its line is complained about.
    pub(super) fn string(&mut self, pos: usize) -> Token {
        let data = self.current();
        let rest = &data[pos + 1..];
        let len = memchr::memchr2(b'"', b'\n', rest).unwrap_or(rest.len());
        let closed = rest.get(len) == Some(&b'"');
        let end = pos + 1 + len;
        self.advance(end + usize::from(closed));
        let tok = self.place(pos);
        if !closed {
            self.complain(end, "Unterminated string");
        }
        let mut whole = closed;
        if !closed {
            // A text over a few lines: go on behind it.
            let lines = rest.get(len..).unwrap_or_default();
            let lines = lines.get(..LONGEST_TEXT).unwrap_or(lines);
            if let Some(n) = memchr::memchr2_iter(b'"', b';', lines).next().filter(|n| lines[*n] == b'"') {
                let skipped = memchr::memchr_iter(b'\n', &lines[..n]).count() as u32;
                self.advance(end + n + 1);
                whole = true;
                if let Some(frame) = self.frames.last_mut() {
                    frame.line += skipped;
                }
            }
        }
        let content = String::from_utf8_lossy(&rest[..len]);
        if matches!(content, std::borrow::Cow::Owned(_)) {
            self.diags
                .push(Diagnostic::warning(tok, "String is not valid UTF-8, its odd bytes are replaced"));
        }
        self.tokens.texts.push(Arc::from(&*content));
        // Where its end is anyone's guess, what follows means nothing.
        let c = if whole { t::TEXT } else { t::BAD };
        Token { c: c as char, value: self.tokens.texts.len() as u64 - 1, tok }
    }

    pub(super) fn quoted_symbol(&mut self, pos: usize) -> Token {
        let data = self.current();
        let len = run(&data, pos + 1, |b| is_word(b) || matches!(b, b'.' | b':' | b'-'));
        let end = pos + 1 + len;
        match data.get(end) {
            Some(b'\'') => {}
            other => {
                let unclosed = matches!(other, None | Some(b'\n'));
                // Read on behind the closing apostrophe, if the line has one.
                let rest = &data[end..];
                let close = memchr::memchr2(b'\'', b'\n', rest).unwrap_or(rest.len());
                self.advance(end + close + usize::from(rest.get(close) == Some(&b'\'')));
                let message =
                    if unclosed { "Unterminated symbol" } else { "Invalid character in apostrophed symbol" };
                return self.complain(end, message);
            }
        }
        self.advance(end + 1);
        let tok = self.place(pos);
        if len > MAX_SYMBOL {
            self.error_at(tok, "Symbol too long");
        }
        let sym = self.names.intern(&String::from_utf8_lossy(&data[pos + 1..end]));
        self.word(sym, tok)
    }

    pub(super) fn comment(&mut self, start: usize) {
        let data = self.current();
        let mut pos = start + 2;
        let mut lines = 0;
        while let Some(n) = memchr::memchr3(b'*', b'/', b'\n', data.get(pos..).unwrap_or_default()) {
            pos += n;
            match (data[pos], data.get(pos + 1)) {
                (b'*', Some(b'/')) => {
                    self.advance(pos + 2);
                    if let Some(f) = self.frames.last_mut() {
                        f.line += lines;
                    }
                    return;
                }
                (b'/', Some(b'*')) => {
                    if let Some(f) = self.frames.last_mut() {
                        f.line += std::mem::take(&mut lines);
                    }
                    self.complain(pos, "Comment nesting not supported");
                    if self.ended {
                        return;
                    }
                    pos += 2;
                }
                (b, _) => {
                    lines += u32::from(b == b'\n');
                    pos += 1;
                }
            }
        }
        self.advance(data.len());
        if let Some(f) = self.frames.last_mut() {
            f.line += lines;
        }
        self.complain(data.len(), "Unterminated comment");
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Unknown,
    Digit,
    Letter,
    Single,
    Quote,
    Apostrophe,
    Hash,
}

/// What a token starting with a byte is.
static CLASS: [Class; 256] = {
    let mut table = [Class::Unknown; 256];
    let mut b = 0;
    while b < 256 {
        table[b] = match b as u8 {
            b'0'..=b'9' => Class::Digit,
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => Class::Letter,
            b'"' => Class::Quote,
            b'\'' => Class::Apostrophe,
            b'#' => Class::Hash,
            b'=' | b'{' | b'}' | b':' | b';' | b',' | b'.' | b'(' | b')' | b'+' | b'*' | b'/' => {
                Class::Single
            }
            b'%' | b'<' | b'>' | b'~' | b'[' | b']' | b'?' | b'!' | b'|' | b'&' | b'-' => Class::Single,
            // Blanks: skipped before.
            b' ' | b'\t' | b'\n' => Class::Single,
            _ => Class::Unknown,
        };
        b += 1;
    }
    table
};

/// A word of at most eight bytes as a number.
#[inline]
pub(super) fn short_word(text: &[u8], pos: usize, end: usize) -> Option<u64> {
    let len = end - pos;
    if len > 8 {
        return None;
    }
    match text.get(pos..pos + 8).and_then(|b| b.first_chunk::<8>()) {
        Some(eight) => Some(u64::from_le_bytes(*eight) & (u64::MAX >> (64 - 8 * len as u32))),
        None => Some(text[pos..end].iter().rev().fold(0, |n, b| n << 8 | u64::from(*b))),
    }
}

/// Whether the word `include` at `pos..end` is the statement: first on its line, a quote behind it.
pub(super) fn is_include(text: &[u8], pos: usize, end: usize) -> bool {
    let before = text[..pos].iter().rev().find(|b| !matches!(b, b' ' | b'\t'));
    let behind = text.get(end + run(text, end, |b| matches!(b, b' ' | b'\t')));
    before.is_none_or(|b| *b == b'\n') && behind == Some(&b'"')
}
