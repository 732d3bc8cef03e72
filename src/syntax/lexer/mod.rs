//! Text to tokens, by BIRD's rules: the longest match wins, keywords give way to names of the user, includes
//! may stand anywhere.
//!
//! The lexer hands over what it read in portions ([`Event`]): a top-level statement, a piece of a long
//! protocol block, a piece of a set. Memory so depends on the longest command of a filter, not on the file.
//! An error of the lexer is reported and replaced by a harmless token, so that the rest of the file is read
//! too; the first error of all is still the one BIRD would have stopped at.

mod include;
mod nesting;
mod numeric;
mod scan;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tern_grammar::{ENUMS, KEYWORDS, k, t};

use nesting::Nesting;

use super::ast::{ExprKind, Tok};
use super::diag::{Diagnostic, Diagnostics};
use super::names::{Names, Sym};
use super::scope::Scopes;
use super::source::{FileId, Files, LARGEST_FILE, ReadError, Sources};
use super::tokens::{KNOWN, Token, Tokens};

/// Portions of long lists.
const PORTION: usize = 16 << 10;
/// Includes within includes; the main file is the first.
const MAX_FILES: usize = 8;
/// Longest symbol.
const MAX_SYMBOL: usize = 64;
/// Brackets, blocks, conditions and operators inside each other: everything that walks a tree may recurse this deep.
pub(super) const MAX_NESTING: u32 = 5000;
/// Tokens that are parsed at once, so that memory stays bounded whatever is read: the longest filter, in fact.
const LONGEST: usize = 4 << 20;
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
    /// Whether bytes that are wrong throughout a file have been complained about.
    strange: bool,
    sets: Vec<OpenSet>,
    parens: u32,
    /// Behind `ADDRESS /`: a length must follow.
    slash: bool,
    nesting: Nesting,
    /// Short words and their symbols: most words of a configuration are a few, again and again.
    cache: Vec<(u64, Sym)>,
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
    pub(super) fn new(files: &'a dyn Files, names: Names) -> Lexer<'a> {
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
            strange: false,
            sets: Vec::new(),
            parens: 0,
            slash: false,
            nesting: Nesting::default(),
            cache: vec![(0, Sym(0)); 1024],
        }
    }

    /// Reads a file from its start, before what is open already; `depth` counts files within files, from 1.
    pub(super) fn open(&mut self, path: &Path, depth: usize) -> Result<(), ReadError> {
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
        // As in BIRD, a file included from the current directory is `./NAME`.
        let dir =
            path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
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
    pub(super) fn give_up(&mut self) {
        self.diags.push(Diagnostic::error(self.sources.end(), "Too many errors, giving up"));
        self.stop();
    }

    /// Reads no further, without a word.
    pub(super) fn stop(&mut self) {
        (self.ended, self.gave_up) = (true, true);
    }

    /// Whether reading ended before the end of the file.
    pub(super) fn gave_up(&self) -> bool {
        self.gave_up
    }

    /// Reads `text` instead of a file.
    pub(super) fn open_text(&mut self, path: &Path, text: &[u8]) {
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
    pub(super) fn next_event(&mut self) -> Event {
        if let Some(token) = self.pending.take()
            && let Some(event) = self.push(token)
        {
            return event;
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
        self.nesting.at = Default::default();
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
        if self.tokens.len() > LONGEST {
            self.error_at(token.tok, format!("Statement is too long, at most {LONGEST} words are supported"));
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
    pub(super) fn close_set(&mut self, start: usize, close: Tok, set: ExprKind) {
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
}
