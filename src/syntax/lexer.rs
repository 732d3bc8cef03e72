//! Text to tokens, by BIRD's rules: the longest match wins, keywords give way to names of the user, includes may stand anywhere.
//!
//! The lexer hands over what it read in portions ([`Event`]): a top-level statement, a piece of a long protocol block, a piece of a set.
//! Memory so depends on the longest command of a filter, not on the file. An error of the lexer is reported and replaced by a harmless token,
//! so that the rest of the file is read too; the first error of all is still the one BIRD would have stopped at.

use std::net::Ipv6Addr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tern_grammar::{ENUMS, KEYWORDS, k, t};

use super::ast::{ExprKind, Tok};
use super::diag::{Diagnostic, Diagnostics};
use super::literal::{self, is_digit, is_hex, is_word, run};
use super::names::{Names, Sym};
use super::scope::{Scopes, Word};
use super::source::{FileId, Files, LARGEST_FILE, ReadError, Sources, glob, has_wildcards};
use super::tokens::{KNOWN, Token, Tokens};
use crate::base::bytes::Bytes;
use crate::base::{Rd, net};

/// Portions of long lists.
const PORTION: usize = 16 << 10;
/// Includes within includes; the main file is the first.
const MAX_FILES: usize = 8;
/// Longest symbol.
const MAX_SYMBOL: usize = 64;
/// Brackets, blocks, conditions and operators inside each other: everything that walks a tree may recurse this deep.
pub(super) const MAX_NESTING: u32 = 5000;
/// After so many complaints of the lexer the file is no configuration.
const MAX_ERRORS: u32 = 100;

/// What can be parsed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// All tokens: a whole top-level statement (or the rest of one that was handed over in pieces).
    Statement,
    /// All tokens: whole items of a protocol block that goes on.
    Items,
    /// The tokens from this byte on: members of a set that goes on; the last one is a comma.
    SetPart(usize),
    /// The tokens from this byte on are the rest of a set, without its `]`, whose number follows.
    SetEnd(usize, Tok),
    /// Likewise, but the set was broken off by the pending token.
    SetBroken(usize),
    /// The end; the tokens, if any, are a statement that is not finished.
    End,
}

struct Frame {
    file: FileId,
    text: Arc<Vec<u8>>,
    pos: usize,
    line: u32,
    dir: PathBuf,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
struct OpenSet {
    /// The byte behind its `[`.
    start: usize,
    parens: u32,
}

pub(super) struct Lexer<'a> {
    files: &'a dyn Files,
    frames: Vec<Frame>,
    pub sources: Sources,
    pub names: Names,
    pub tokens: Tokens,
    pub scopes: Scopes,
    pub diags: Diagnostics,
    /// A token that belongs to the next portion: the one that showed that this one is over.
    pub pending: Option<Token>,
    ended: bool,
    gave_up: bool,
    errors: u32,
    sets: Vec<OpenSet>,
    parens: u32,
    /// Behind `ADDRESS /`: a length must follow.
    slash: bool,
    nesting: Nesting,
    /// Short words and their symbols: most words of a configuration are a few, again and again.
    cache: Vec<(u64, Sym)>,
}

/// How deep the parser would be: blocks remember the depth around them; operators and `then`s count within their command.
#[derive(Default)]
struct Nesting {
    depth: u32,
    outer: Vec<u32>,
    after_end: bool,
}

/// The names with all keywords and constants of enumerations in front, as the lexer counts on.
pub fn fresh_names() -> Names {
    let mut names = Names::default();
    for word in KEYWORDS.iter().chain(ENUMS) {
        names.intern(word);
    }
    names
}

impl<'a> Lexer<'a> {
    /// Starts reading a file.
    pub fn new(files: &'a dyn Files, names: Names) -> Lexer<'a> {
        Lexer {
            files,
            frames: Vec::new(),
            sources: Sources::default(),
            names,
            tokens: Tokens::default(),
            scopes: Scopes::default(),
            diags: Diagnostics::default(),
            pending: None,
            ended: false,
            gave_up: false,
            errors: 0,
            sets: Vec::new(),
            parens: 0,
            slash: false,
            nesting: Nesting::default(),
            cache: vec![(0, Sym(0)); 1024],
        }
    }

    /// Reads a file from its start, before what is open already; `depth` counts files within files, from 1.
    pub fn open(&mut self, path: &Path, depth: usize) -> Result<(), ReadError> {
        let (data, error) = match self.files.read(path) {
            Ok(data) if data.len() > LARGEST_FILE => {
                (Vec::new(), Some("File is too large, the limit is 1 GiB"))
            }
            Ok(data) => (data, None),
            Err(ReadError::Read) => (Vec::new(), Some("Read error")),
            Err(e) => return Err(e),
        };
        let text = Arc::new(data);
        let file = self.sources.add(Arc::from(path), text.clone());
        let dir = path.parent().map(Path::to_path_buf).unwrap_or_default();
        self.frames.push(Frame { file, text, pos: 0, line: 1, dir, depth });
        if let Some(message) = error {
            self.complain(0, message);
        }
        Ok(())
    }

    /// Reports an error at a byte of the current file and leaves a token there that no statement can use.
    fn complain(&mut self, at: usize, message: impl Into<String>) -> Token {
        let tok = self.place(at);
        self.error_at(tok, message);
        Token { c: t::BAD as char, value: 0, tok }
    }

    fn error_at(&mut self, tok: Tok, message: impl Into<String>) {
        self.diags.push(Diagnostic::error(tok, message));
        self.errors += 1;
        if self.errors >= MAX_ERRORS {
            self.give_up();
        }
    }

    /// Ends reading: the file is hopeless.
    pub fn give_up(&mut self) {
        self.diags.push(Diagnostic::error(self.sources.end(), "Too many errors, giving up"));
        (self.ended, self.gave_up) = (true, true);
    }

    /// Whether reading ended before the end of the file.
    pub fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Reads `text` instead of a file.
    pub fn open_text(&mut self, path: &Path, text: &[u8]) {
        let text = Arc::new(text.to_vec());
        let file = self.sources.add(Arc::from(path), text.clone());
        self.frames.push(Frame { file, text, pos: 0, line: 1, dir: PathBuf::new(), depth: MAX_FILES });
    }

    /// Records a token at a byte of the current file.
    fn place(&mut self, at: usize) -> Tok {
        match self.frames.last() {
            Some(f) => self.sources.token(f.file, at as u32, f.line),
            None => self.sources.end(),
        }
    }

    /// Reads on until something can be parsed.
    pub fn next_event(&mut self) -> Event {
        if let Some(token) = self.pending.take() {
            if let Some(event) = self.push(token) {
                return event;
            }
        }
        loop {
            if self.ended {
                return self.finish();
            }
            let Some(token) = self.lex() else { continue };
            if let Some(event) = self.accept(token) {
                return event;
            }
        }
    }

    fn finish(&mut self) -> Event {
        match self.sets.pop() {
            Some(set) => Event::SetBroken(set.start),
            None => Event::End,
        }
    }

    /// Takes a token: portions may end before it.
    #[inline]
    fn accept(&mut self, token: Token) -> Option<Event> {
        if !self.sets.is_empty() {
            if token.c == ';' {
                self.pending = Some(token);
                return self.sets.pop().map(|s| Event::SetBroken(s.start));
            }
        } else if !token.c.is_ascii() && self.scopes.starts_statement(token.c) {
            self.scopes.end_statement();
            self.start_afresh();
            self.pending = Some(token);
            return Some(Event::Statement);
        }
        self.push(token)
    }

    fn start_afresh(&mut self) {
        self.parens = 0;
        self.nesting.depth = 0;
        self.nesting.outer.clear();
    }

    /// Joins a token to the string; portions may end behind it.
    #[inline]
    fn push(&mut self, token: Token) -> Option<Event> {
        if !self.nesting.note(token.c) {
            self.error_at(
                token.tok,
                format!("Nesting is too deep, at most {MAX_NESTING} levels are supported"),
            );
            (self.ended, self.gave_up) = (true, true);
            return None;
        }
        if self.slash {
            self.slash = false;
            if token.c == t::NUM as char && self.joins_prefix(token) {
                return None;
            }
            let text = super::errors::unexpected(token.c, token.value & KNOWN != 0);
            self.error_at(token.tok, text + ", expecting NUM");
        }
        self.tokens.push(token);
        match token.c {
            '/' => self.slash = self.tokens.text.ends_with("4/") || self.tokens.text.ends_with("6/"),
            '(' => self.parens += 1,
            ')' => self.parens = self.parens.saturating_sub(1),
            '[' => {
                self.sets.push(OpenSet { start: self.tokens.len(), parens: self.parens });
                return None;
            }
            _ => {}
        }
        if let Some(&set) = self.sets.last() {
            match token.c {
                ']' => {
                    self.sets.pop();
                    self.tokens.truncate(self.tokens.len() - 1);
                    self.parens = set.parens;
                    return Some(Event::SetEnd(set.start, token.tok));
                }
                ',' if self.parens == set.parens && self.tokens.len() - set.start > PORTION => {
                    return Some(Event::SetPart(set.start));
                }
                _ => return None,
            }
        }
        self.note(token)
    }

    /// Tells the scopes about a token outside of sets.
    #[inline]
    fn note(&mut self, token: Token) -> Option<Event> {
        let sym = (token.c == t::SYM as char || !token.c.is_ascii()).then_some(Sym(token.value as u32));
        let ended = self.scopes.note(token.c, sym, token.tok);
        if !self.scopes.overrides.is_empty() {
            for (sym, tok) in std::mem::take(&mut self.scopes.overrides) {
                let text = format!("Symbol '{}' overrides existing keyword", self.names.text(sym));
                self.diags.push(Diagnostic::warning(tok, text));
            }
        }
        if ended {
            self.start_afresh();
            return Some(Event::Statement);
        }
        let long = token.c == ';' && self.scopes.depth() == 1 && self.tokens.len() > PORTION;
        if long && matches!(self.scopes.outermost(), k::PROTOCOL | k::TEMPLATE) {
            self.parens = 0;
            return Some(Event::Items);
        }
        None
    }

    /// Replaces the tokens of a set, bracket included, by one.
    pub fn close_set(&mut self, start: usize, close: Tok, set: ExprKind) {
        let open = start.saturating_sub(1);
        let tok = self.tokens.tok_at(open);
        self.tokens.truncate(open);
        let value = self.tokens.sets.len() as u64;
        self.tokens.sets.push(Some(set));
        self.tokens.set_ends.push(close);
        let token = Token { c: t::SET as char, value, tok };
        self.tokens.push(token);
        if self.sets.is_empty() {
            self.note(token);
        }
    }

    /// `ADDRESS / NUMBER` is one token, whatever stands between the three.
    fn joins_prefix(&mut self, number: Token) -> bool {
        let end = self.tokens.len();
        let four = match self.tokens.text.as_bytes().get(end.wrapping_sub(2)..end) {
            Some([t::IP4, b'/']) => true,
            Some([t::IP6, b'/']) => false,
            _ => return false,
        };
        let value = self.tokens.value_at(end - 2);
        self.tokens.truncate(end - 2);
        let joined = if four {
            self.net4(value as u32, number.value, number.tok, number.tok)
        } else {
            let bits = self.tokens.wide.get(value as usize).map_or(0, |w| w.0);
            self.net6(bits, number.value, number.tok, number.tok + 1)
        };
        self.tokens.push(joined);
        true
    }

    fn net4(&mut self, bits: u32, len: u64, tok: Tok, at: Tok) -> Token {
        let len = self.prefix_length(len, 32, at);
        let mask = u32::MAX.checked_shl(32 - len as u32).unwrap_or(0);
        if bits & !mask != 0 {
            let (have, want) = (net::ipv4(bits), net::ipv4(bits & mask));
            self.error_at(at, format!("Invalid IPv4 prefix {have}/{len}, maybe you wanted {want}/{len}"));
        }
        Token { c: t::NET4 as char, value: len << 32 | u64::from(bits & mask), tok }
    }

    fn net6(&mut self, bits: u128, len: u64, tok: Tok, at: Tok) -> Token {
        let len = self.prefix_length(len, 128, at);
        let mask = u128::MAX.checked_shl(128 - len as u32).unwrap_or(0);
        if bits & !mask != 0 {
            let (have, want) = (Ipv6Addr::from(bits), Ipv6Addr::from(bits & mask));
            self.error_at(at, format!("Invalid IPv6 prefix {have}/{len}, maybe you wanted {want}/{len}"));
        }
        let value = self.tokens.wide.len() as u64;
        self.tokens.wide.push((bits & mask, len as u8));
        Token { c: t::NET6 as char, value, tok }
    }

    fn prefix_length(&mut self, len: u64, most: u64, at: Tok) -> u64 {
        if len > most {
            self.error_at(at, format!("Invalid prefix length {len}"));
        }
        len.min(most)
    }

    /// The next token; `None` when a blank, a comment or the end of a file was read instead.
    #[inline]
    fn lex(&mut self) -> Option<Token> {
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
                Some(self.complain(pos, "Unknown character"))
            }
        }
    }

    fn word(&mut self, sym: Sym, tok: Tok) -> Token {
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

    fn current(&self) -> Arc<Vec<u8>> {
        self.frames.last().map(|f| f.text.clone()).unwrap_or_default()
    }

    fn advance(&mut self, to: usize) {
        if let Some(f) = self.frames.last_mut() {
            f.pos = to;
        }
    }

    /// Numbers, addresses, distinguishers and byte strings where more than one shape is possible.
    fn literal(&mut self, pos: usize) -> Token {
        let data = self.current();
        let text: &[u8] = &data;
        let shapes = [
            (literal::rd(text, pos), t::RD),
            (literal::ipv4(text, pos), t::IP4),
            (literal::mac(text, pos), t::MAC),
            (literal::bytestring(text, pos), t::BYTES),
            (literal::ipv6(text, pos), t::IP6),
            (literal::number(text, pos), t::NUM),
            (if is_digit(text[pos]) { 0 } else { run(text, pos, is_word) }, t::SYM),
        ];
        // The last of equals is taken by `max_by_key`, so from behind.
        let (len, class) = shapes.into_iter().rev().max_by_key(|s| s.0).unwrap_or((0, t::BAD));
        let shown = &text[pos..pos + len];
        self.advance(pos + len.max(1));
        let tok = self.place(pos);
        let value = match class {
            t::RD => match rd_value(shown) {
                Ok(rd) => rd,
                Err(message) => {
                    self.error_at(tok, message);
                    0
                }
            },
            t::IP4 | t::IP6 => return self.address(text, pos, len, class == t::IP4, tok),
            t::MAC => literal::hex_bytes(shown).iter().fold(0, |n, b| n << 8 | u64::from(*b)),
            t::BYTES => {
                let bytes = literal::hex_bytes(shown.strip_prefix(b"hex:").unwrap_or(shown));
                self.tokens.bytes.push(Bytes(Arc::from(bytes)));
                self.tokens.bytes.len() as u64 - 1
            }
            t::NUM => match literal::number_value(shown) {
                Some(n) => u64::from(n),
                None => {
                    self.error_at(tok, "Number out of range");
                    0
                }
            },
            _ => {
                let sym = self.names.intern(&String::from_utf8_lossy(shown));
                if len > MAX_SYMBOL {
                    self.error_at(tok, "Symbol too long");
                }
                return self.word(sym, tok);
            }
        };
        Token { c: class as char, value, tok }
    }

    /// An address, with a length glued to it if there is one.
    fn address(&mut self, text: &[u8], pos: usize, len: usize, four: bool, tok: Tok) -> Token {
        let shown = &text[pos..pos + len];
        let end = pos + len;
        let digits = if text.get(end) == Some(&b'/') { run(text, end + 1, is_digit) } else { 0 };
        let bits = if four { literal::ipv4_value(shown).map(u128::from) } else { literal::ipv6_value(shown) };
        let bits = bits.unwrap_or_else(|| {
            let shown = String::from_utf8_lossy(shown);
            self.error_at(tok, format!("Invalid IPv{} address {shown}", if four { 4 } else { 6 }));
            0
        });
        let length =
            literal::decimal(&text[end + usize::from(digits > 0)..end + usize::from(digits > 0) + digits]);
        match length.filter(|n| digits > 0 && *n <= u64::from(u32::MAX)) {
            Some(length)
                if !text
                    .get(end + 1 + digits)
                    .is_some_and(|b| matches!(b, b'.' | b':' | b'x') || is_hex(*b)) =>
            {
                let most = if four { 32 } else { 128 };
                self.advance(end + 1 + digits);
                // BIRD complains at the length of an IPv4 prefix, and behind an IPv6 prefix.
                let at = match four {
                    true if length > most || has_host_bits(bits, length, most) => self.place(end + 1),
                    true => tok,
                    false => tok + 1,
                };
                if four { self.net4(bits as u32, length, tok, at) } else { self.net6(bits, length, tok, at) }
            }
            _ if four => Token { c: t::IP4 as char, value: bits as u64, tok },
            _ => {
                self.tokens.wide.push((bits, 0));
                Token { c: t::IP6 as char, value: self.tokens.wide.len() as u64 - 1, tok }
            }
        }
    }

    fn string(&mut self, pos: usize) -> Token {
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
        let content = String::from_utf8_lossy(&rest[..len]);
        if matches!(content, std::borrow::Cow::Owned(_)) {
            self.diags
                .push(Diagnostic::warning(tok, "String is not valid UTF-8, its odd bytes are replaced"));
        }
        self.tokens.texts.push(Arc::from(&*content));
        Token { c: t::TEXT as char, value: self.tokens.texts.len() as u64 - 1, tok }
    }

    fn quoted_symbol(&mut self, pos: usize) -> Token {
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

    fn comment(&mut self, start: usize) {
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

    /// `include "PATTERN";` from behind the word on.
    fn include(&mut self, after: usize) {
        let data = self.current();
        let name = after + run(&data, after, |b| matches!(b, b' ' | b'\t')) + 1;
        let rest = data.get(name..).unwrap_or_default();
        let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let quote = memchr::memchr(b'"', &rest[..line]);
        let end = quote.map(|q| q + 1 + run(rest, q + 1, |b| matches!(b, b' ' | b'\t')));
        let (Some(quote), Some(end)) = (quote, end.filter(|e| rest.get(*e) == Some(&b';'))) else {
            self.advance(name + line);
            self.complain(name, "Unterminated include");
            return;
        };
        self.advance(name + end + 1);
        let Some(frame) = self.frames.last() else { return };
        let depth = frame.depth + 1;
        let pattern = frame.dir.join(Path::new(std::ffi::OsStr::from_bytes(&rest[..quote])));
        if quote == 0 {
            self.complain(name - 1, "Include with empty argument");
            return;
        }
        if depth > MAX_FILES {
            self.complain(name, "Max include depth reached");
            return;
        }
        let matched = if has_wildcards(&rest[..quote]) { glob(self.files, &pattern) } else { vec![pattern] };
        // The last frame is read first.
        for path in matched.iter().rev() {
            match self.open(path, depth) {
                Ok(()) => {}
                Err(ReadError::Open(why)) => {
                    let message = format!("Unable to open included file {}: {why}", path.display());
                    self.complain(name, message);
                }
                Err(ReadError::Read) => {}
            }
        }
    }
}

impl Nesting {
    /// Follows how deep the parser would have to recurse; `false` when that is too deep.
    #[inline]
    fn note(&mut self, c: char) -> bool {
        if std::mem::take(&mut self.after_end) && c != k::ELSE {
            self.depth = self.outer.last().map_or(0, |d| d + 1);
        }
        match c {
            '(' | '[' | '{' => {
                self.outer.push(self.depth);
                self.depth += 1;
            }
            ')' | ']' => self.depth = self.outer.pop().unwrap_or(0),
            '}' => {
                self.depth = self.outer.pop().unwrap_or(0);
                self.after_end = true;
            }
            ';' => self.after_end = true,
            ',' => self.depth = self.outer.last().map_or(0, |d| d + 1),
            '+' | '-' | '*' | '/' | '=' | '<' | '>' | '~' | '!' | '.' | '&' | '|' => self.depth += 1,
            k::THEN | k::DO => self.depth += 1,
            'C' | 'A' | 'O' | 'N' | 'M' | 'L' | 'G' => self.depth += 1,
            _ => {}
        }
        self.depth <= MAX_NESTING
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

/// Operators of two bytes.
#[inline]
fn double(first: u8, second: Option<u8>) -> Option<u8> {
    Some(match (first, second?) {
        (b'.', b'.') => t::DDOT,
        (b'!', b'=') => t::NE,
        (b'!', b'~') => t::NMATCH,
        (b'<', b'=') => t::LE,
        (b'>', b'=') => t::GE,
        (b'&', b'&') => t::AND,
        (b'|', b'|') => t::OR,
        (b'-', b'>') => t::ARROW,
        (b'+', b'+') => t::PP,
        (b'[', b'=') => t::PO,
        (b'=', b']') => t::PC,
        _ => return None,
    })
}

/// The common literals that can be nothing else: decimal numbers, IPv4 addresses and prefixes without mistakes. Class, value, end.
#[inline]
fn quick_number(text: &[u8], pos: usize) -> Option<(u8, u64, usize)> {
    let mut end = pos;
    let number = |end: &mut usize| {
        let start = *end;
        let mut n = 0u64;
        while let Some(d) = text.get(*end).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            n = n * 10 + u64::from(d);
            *end += 1;
            if *end - start > 10 {
                return None;
            }
        }
        (*end > start).then_some(n)
    };
    let single = |end: usize| !matches!(text.get(end), Some(b':' | b'x' | b'a'..=b'f' | b'A'..=b'F'));
    let first = number(&mut end)?;
    if text.get(end) != Some(&b'.') || !text.get(end + 1).is_some_and(|b| b.is_ascii_digit()) {
        return (single(end) && first <= u64::from(u32::MAX)).then_some((t::NUM, first, end));
    }
    let mut bits = first;
    let mut valid = first < 256;
    for _ in 0..3 {
        if text.get(end) != Some(&b'.') {
            return None;
        }
        end += 1;
        let group = number(&mut end)?;
        valid &= group < 256;
        bits = bits << 8 | group;
    }
    if !valid || !single(end) {
        return None;
    }
    if text.get(end) != Some(&b'/') || !text.get(end + 1).is_some_and(|b| b.is_ascii_digit()) {
        return Some((t::IP4, bits, end));
    }
    end += 1;
    let len = number(&mut end)?;
    let host = u32::MAX.checked_shr(len as u32).unwrap_or(0);
    let clean = len <= 32 && bits as u32 & host == 0 && single(end) && text.get(end) != Some(&b'.');
    clean.then_some((t::NET4, len << 32 | bits, end))
}

fn has_host_bits(bits: u128, len: u64, most: u64) -> bool {
    len < most && bits & (1u128.checked_shl((most - len) as u32).map_or(u128::MAX, |b| b - 1)) != 0
}

/// A word of at most eight bytes as a number.
#[inline]
fn short_word(text: &[u8], pos: usize, end: usize) -> Option<u64> {
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
fn is_include(text: &[u8], pos: usize, end: usize) -> bool {
    let before = text[..pos].iter().rev().find(|b| !matches!(b, b' ' | b'\t'));
    let behind = text.get(end + run(text, end, |b| matches!(b, b' ' | b'\t')));
    before.is_none_or(|b| *b == b'\n') && behind == Some(&b'"')
}

/// The value of a route distinguisher's text.
fn rd_value(text: &[u8]) -> Result<u64, String> {
    let parts: Vec<&[u8]> = text.split(|b| *b == b':').collect();
    let number = |part: &[u8], most: u64, message: &str| match literal::decimal(part) {
        Some(n) if n <= most => Ok(n),
        _ => Err(message.to_owned()),
    };
    const NUMBER: &str = "Number out of range";
    const ASN: &str = "ASN out of range";
    Ok(match parts[..] {
        [kind, asn, value] if kind == b"0" => {
            Rd::as2(number(asn, 0xffff, ASN)? as u16, number(value, u64::from(u32::MAX), NUMBER)? as u32).0
        }
        [_, asn, value] => {
            Rd::as4(number(asn, u64::from(u32::MAX), ASN)? as u32, number(value, 0xffff, NUMBER)? as u16).0
        }
        [ip, value] if ip.contains(&b'.') => {
            let bits = literal::ipv4_value(ip).ok_or_else(|| {
                format!("Invalid IPv4 address {} in Route Distinguisher", String::from_utf8_lossy(ip))
            })?;
            Rd::ip(bits.into(), number(value, 0xffff, NUMBER)? as u16).0
        }
        [asn, value] => match number(asn, u64::from(u32::MAX), ASN)? {
            small @ 0..=0xffff => Rd::as2(small as u16, number(value, u64::from(u32::MAX), NUMBER)? as u32).0,
            large => Rd::as4(large as u32, number(value, 0xffff, NUMBER)? as u16).0,
        },
        _ => return Err(NUMBER.to_owned()),
    })
}

/// How long the token at a byte is, as far as underlining it needs.
pub(super) fn token_length(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        None => 0,
        Some(b'"') => {
            let rest = &text[at + 1..];
            memchr::memchr2(b'"', b'\n', rest).map_or(rest.len(), |n| n + usize::from(rest[n] == b'"')) + 1
        }
        Some(b'\'') => run(text, at + 1, |b| b != b'\'' && b != b'\n') + 2,
        Some(b) if is_word(*b) => {
            let word = run(text, at, |b| is_word(b) || matches!(b, b'.' | b':' | b'/'));
            let trimmed =
                text[at..at + word].iter().rev().take_while(|b| matches!(b, b'.' | b':' | b'/')).count();
            let plain = run(text, at, is_word);
            if is_digit(*b) || text[at..at + word].contains(&b':') { word - trimmed } else { plain }
        }
        Some(b) => 1 + usize::from(double(*b, text.get(at + 1).copied()).is_some()),
    }
    .min(text.len().saturating_sub(at))
}
