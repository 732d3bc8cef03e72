//! The driver: takes portions from the lexer, matches them against the grammar, collects items and complaints.
//!
//! A statement that does not match is skipped to its end and the next one is read, so that one run shows every mistake. Protocol blocks are
//! read item by item for the same reason, and because a static protocol can hold a million of them.

use std::cell::Cell;
use std::path::Path;

use tern_grammar::pest::Parser as _;
use tern_grammar::{Grammar, Rule, k, t};

use super::ast::*;
use super::convert::{Convert, RoutesBuilder, SetBuilder};
use super::diag::{Diagnostic, Diagnostics};
use super::errors::{explain, syntax_error};
use super::lexer::{Event, Lexer, fresh_names};
use super::names::{Names, Sym};
use super::scope::is_type;
use super::source::{FileId, Files, ReadError, Sources};
use super::tokens::Token;

/// Stack for parsing and for walking what was parsed: the lexer's nesting limit times 13 KB, twice what a level costs without optimisation.
pub const STACK: usize = 64 << 20;

/// A file read and parsed.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The statements that could be parsed, in the order of the file.
    pub items: Vec<Item>,
    /// The files and the places of tokens.
    pub sources: Sources,
    /// The words.
    pub names: Names,
    /// Names the file defines at its top level, those of statements that could not be parsed included: using them is no second mistake.
    pub declared: Vec<Sym>,
    /// Everything to complain about.
    pub diagnostics: Diagnostics,
}

/// Reads and parses a configuration with all its includes. Fails only when the main file cannot be opened (or no thread can be started).
pub fn parse(main: &Path, files: &(dyn Files + Sync)) -> Result<Parsed, ReadError> {
    on_big_stack(|| {
        let mut lexer = Lexer::new(files, fresh_names());
        lexer.open(main, 1)?;
        Ok(Driver::new(lexer).run())
    })
    .unwrap_or_else(|why| Err(ReadError::Open(why)))
}

thread_local! {
    /// Whether this thread's stack is as large as [`STACK`] from the start.
    static BIG: Cell<bool> = const { Cell::new(false) };
}

/// Says that the calling thread was started with a stack of [`STACK`] bytes.
pub fn stack_is_big() {
    BIG.set(true);
}

/// Runs something that recurses as deep as a configuration may nest. An error, in words, only if the thread cannot be started.
///
/// Where the stack is large already it runs in place: each thread more that a command waits for is one more turn in the queue of a busy
/// machine, and its answer comes that much later.
pub fn on_big_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, String> {
    if BIG.get() {
        return Ok(work());
    }
    // The system only says that a resource is unavailable, and the file's name stands before that.
    let why = |e| {
        format!(
            "no thread with a stack of {} MB can be started to read it ({e}); is memory limited?",
            STACK >> 20
        )
    };
    std::thread::scope(|scope| {
        let work = || {
            stack_is_big();
            work()
        };
        let thread = std::thread::Builder::new().name("parse".into()).stack_size(STACK);
        let thread = thread.spawn_scoped(scope, work).map_err(why)?;
        match thread.join() {
            Ok(done) => Ok(done),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// How many ends are tried for a body that does not match.
const MAX_CUTS: usize = 8;
/// After so many syntax errors the rest is not worth reading.
const MAX_ERRORS: usize = 200;

/// The protocol block being read.
enum Block {
    /// None.
    None,
    /// One of ours; its items match this rule.
    Open(Box<Protocol>, Rule),
    /// A kind that is not built: its items are skipped.
    Opaque(Box<Protocol>, usize),
    /// A block whose head was wrong: skipped.
    Skip(usize),
}

pub(super) struct Driver<'a> {
    pub lexer: Lexer<'a>,
    items: Vec<Item>,
    block: Block,
    routes: RoutesBuilder,
    sets: Vec<(usize, SetBuilder)>,
    syntax_errors: usize,
    /// File and line of the last statement that did not match, while none has matched since.
    failed: Option<(FileId, u32)>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(lexer: Lexer<'a>) -> Driver<'a> {
        Driver {
            lexer,
            items: Vec::new(),
            block: Block::None,
            routes: RoutesBuilder::default(),
            sets: Vec::new(),
            syntax_errors: 0,
            failed: None,
        }
    }

    fn run(mut self) -> Parsed {
        loop {
            match self.lexer.next_event() {
                Event::Statement | Event::Items => {
                    self.portion();
                    self.lexer.tokens.clear();
                }
                Event::SetPart(start) => {
                    self.set_members(start, Closing::Comma);
                    self.lexer.tokens.truncate(start);
                }
                Event::SetEnd(start, close) => self.set_end(start, Closing::Bracket(close), close),
                Event::SetBroken(start) => {
                    let close = self.lexer.tokens.last_of(self.lexer.tokens.len());
                    self.set_end(start, Closing::Missing, close);
                }
                Event::End => {
                    self.end();
                    return Parsed {
                        items: self.items,
                        sources: self.lexer.sources,
                        names: self.lexer.names,
                        declared: self.lexer.scopes.declared(),
                        diagnostics: self.lexer.diags,
                    };
                }
            }
        }
    }

    /// Reads everything without parsing statements; sets are parsed as they come. For pieces of the language on their own.
    pub(super) fn collect(&mut self) {
        loop {
            match self.lexer.next_event() {
                Event::Statement | Event::Items => {}
                Event::SetPart(start) => {
                    self.set_members(start, Closing::Comma);
                    self.lexer.tokens.truncate(start);
                }
                Event::SetEnd(start, close) => self.set_end(start, Closing::Bracket(close), close),
                Event::SetBroken(start) => {
                    let close = self.lexer.tokens.last_of(self.lexer.tokens.len());
                    self.set_end(start, Closing::Missing, close);
                }
                Event::End => return,
            }
        }
    }

    fn text(&self) -> &str {
        &self.lexer.tokens.text
    }

    /// Parses all tokens at hand.
    fn portion(&mut self) {
        let mut pos = 0;
        while pos < self.text().len() {
            let next = match (&self.block, self.lexer.tokens.char_at(pos)) {
                (Block::None, Some(';')) => pos + 1,
                (Block::None, Some(k::PROTOCOL | k::TEMPLATE)) => self.head(pos),
                (Block::None, _) => self.statement(pos),
                (Block::Open(..), _) => self.block_items(pos),
                (Block::Opaque(..) | Block::Skip(_), _) => self.skip_block(pos),
            };
            // Whatever happens, something is consumed.
            pos = next.max(pos + 1);
        }
    }

    /// The end of the file: what is left is unfinished.
    fn end(&mut self) {
        let before = self.syntax_errors;
        self.portion();
        if !matches!(self.block, Block::None) && self.syntax_errors == before && !self.lexer.gave_up() {
            self.unexpected_end();
        }
        self.close_block(self.lexer.sources.end());
    }

    fn unexpected_end(&mut self) {
        let end = self.lexer.sources.end();
        let mut error = Diagnostic::error(end, "syntax error, unexpected END");
        if let Block::Open(protocol, _) | Block::Opaque(protocol, _) = &self.block {
            let head = Span { first: protocol.span.first, last: protocol.kind.tok };
            error = error.label(head, "the block of this protocol is not closed").help("a `}` is missing");
        }
        self.lexer.diags.push(error);
    }

    /// Reports why `rule` does not match at `pos`; `next` is the token behind the ones at hand. Returns the byte where it does not fit.
    pub(super) fn fail(&mut self, rule: Rule, pos: usize, next: Option<Token>) -> usize {
        if self.lexer.gave_up() {
            return pos;
        }
        let failure = explain(rule, self.text().get(pos..).unwrap_or_default());
        let end = self.lexer.sources.end();
        let Lexer { tokens, names, sources, .. } = &self.lexer;
        let mut error = syntax_error(rule, tokens, names, sources, pos, &failure, next, end);
        let line = sources.place(tokens.tok_at(pos)).map(|p| (p.file, p.line));
        // What the lexer has said already, and the rest of a statement that was given up, are no mistakes of their own.
        error = error.filter(|e| !self.lexer.diags.iter().any(|d| d.at == e.at && d.message == e.message));
        let begins = tokens.char_at(pos).is_some_and(|c| !c.is_ascii() || c == t::SYM as char);
        if rule == Rule::statement && self.failed.is_some_and(|last| !begins || Some(last) == line) {
            error = None;
        }
        // Neither is what was left of a body whose braces do not match.
        if rule == Rule::statement && self.failed.is_some() && failure.at == 0 && self.is_command(pos) {
            error = None;
        }
        if matches!(rule, Rule::statement | Rule::proto_head) {
            self.failed = line;
        }
        self.syntax_errors += 1;
        self.lexer.diags.extend(error);
        if self.syntax_errors == MAX_ERRORS {
            self.lexer.give_up();
        }
        pos + failure.at
    }

    /// Whether what stands at `pos` can only be a command of a filter.
    fn is_command(&self, pos: usize) -> bool {
        let Some(c) = self.lexer.tokens.char_at(pos) else { return false };
        let word = matches!(
            c,
            k::IF | k::ELSE | k::THEN | k::RETURN | k::ACCEPT | k::REJECT | k::ERROR | k::PRINT | k::PRINTN
        ) || matches!(c, k::CASE | k::FOR | k::UNSET | k::NET);
        let name = c == t::SYM as char
            && matches!(self.lexer.tokens.char_at(pos + c.len_utf8()), Some('=' | '.' | '('));
        word || name || is_type(c) || c.is_ascii() && c != t::SYM as char
    }

    /// The byte behind the semicolon that ends what starts at `pos` and is wrong at `wrong`, blocks inside counted.
    fn skip(&self, pos: usize, wrong: usize) -> usize {
        let mut depth = 0usize;
        for (i, b) in self.text().bytes().enumerate().skip(pos) {
            match b {
                b'{' => depth += 1,
                b'}' if depth == 0 => return i,
                b'}' => depth -= 1,
                b';' if depth == 0 && i >= wrong => return i + 1,
                _ => {}
            }
        }
        self.text().len()
    }

    /// The end of a filter or function that is wrong at `wrong`: behind its body, or, if that has no beginning, behind its first command.
    fn skip_body(&self, pos: usize, wrong: usize) -> usize {
        let tokens = &self.lexer.tokens;
        let (mut depth, mut parens) = (0usize, 0usize);
        for (i, b) in self.text().bytes().enumerate().skip(pos) {
            match b {
                b'(' => parens += 1,
                b')' => parens = parens.saturating_sub(1),
                b'{' => depth += 1,
                b'}' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 && i >= wrong {
                        return i + 1;
                    }
                }
                b';' if depth == 0
                    && parens == 0
                    && i >= wrong
                    && !tokens.char_at(i + 1).is_some_and(|c| c == '{' || is_type(c)) =>
                {
                    return i + 1;
                }
                _ => {}
            }
        }
        self.text().len()
    }

    /// Matches a rule at `pos` and converts what it matched; returns the byte behind it.
    pub(super) fn matched<R>(
        &mut self,
        rule: Rule,
        pos: usize,
        convert: impl FnOnce(&mut Convert<'_>, tern_grammar::pest::iterators::Pair<'_, Rule>) -> R,
    ) -> Option<(R, usize)> {
        let mut sets = std::mem::take(&mut self.lexer.tokens.sets);
        let mut errors = Vec::new();
        let tokens = &self.lexer.tokens;
        let pair = Grammar::parse(rule, tokens.text.get(pos..)?).ok().and_then(|mut p| p.next());
        let done = pair.map(|pair| {
            let end = pos + pair.as_span().end();
            let sources = &self.lexer.sources;
            let mut c = Convert { tokens, sets: &mut sets, sources, base: pos, errors: &mut errors };
            (convert(&mut c, pair), end)
        });
        self.lexer.tokens.sets = sets;
        self.lexer.diags.extend(errors);
        done
    }

    fn statement(&mut self, pos: usize) -> usize {
        match self.matched(Rule::statement, pos, |c, pair| c.statement(pair)) {
            Some((item, end)) => {
                self.items.extend(item);
                self.failed = None;
                end
            }
            None => {
                let wrong = self.fail(Rule::statement, pos, self.lexer.pending);
                if matches!(self.lexer.tokens.char_at(pos), Some(k::FUNCTION | k::FILTER)) {
                    let end = self.skip_body(pos, wrong);
                    self.torn_body(pos, wrong, end);
                    return end;
                }
                let end = self.skip(pos, wrong);
                if self.text().as_bytes().get(end) == Some(&b'}') { end + 1 } else { end }
            }
        }
    }

    /// Reads as many whole commands of a filter or function as stand before `wrong`, as if its blocks ended there: mistakes in them are
    /// told before the one at `wrong`.
    fn torn_body(&mut self, pos: usize, wrong: usize, end: usize) {
        let mut cuts = Vec::new();
        let (mut depth, mut parens) = (0usize, 0usize);
        for (i, b) in self.text().bytes().enumerate().take(wrong).skip(pos) {
            match b {
                b'(' => parens += 1,
                b')' => parens = parens.saturating_sub(1),
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if matches!(b, b';' | b'{' | b'}') && depth > 0 && parens == 0 {
                cuts.push((i + 1, depth));
            }
        }
        // A cut within a case or a network literal does not match; the one before may.
        for (cut, depth) in cuts.into_iter().rev().take(MAX_CUTS) {
            let Some(text) = self.text().get(pos..cut) else { continue };
            let text = format!("{text}{}", "}".repeat(depth));
            let Some(pair) = Grammar::parse(Rule::statement, &text).ok().and_then(|mut p| p.next()) else {
                continue;
            };
            if pair.as_span().end() < text.len() {
                continue;
            }
            let tokens = &self.lexer.tokens;
            let (first, behind) = (tokens.tok_at(pos), tokens.tok_at(cut));
            // The complaint may be about a word before the place that does not fit.
            if self.lexer.diags.iter().last().is_some_and(|told| told.at < behind) {
                continue;
            }
            let last = tokens.last_of(end).max(behind);
            let mut sets = tokens.sets.clone();
            let mut errors = Vec::new();
            let sources = &self.lexer.sources;
            let mut c = Convert { tokens, sets: &mut sets, sources, base: pos, errors: &mut errors };
            let mut item = c.statement(pair);
            // What is found at the end of a body is not found here.
            match &mut item {
                Some(Item::Filter { body, .. }) => body.close = last,
                Some(Item::Function(function)) => function.body.close = last,
                _ => {}
            }
            self.lexer.diags.torn(first, behind, last);
            self.lexer.diags.extend(errors);
            self.items.extend(item);
            return;
        }
    }

    fn head(&mut self, pos: usize) -> usize {
        let head = self.matched(Rule::proto_head, pos, |c, pair| c.proto_head(pair));
        let Some((Some(protocol), end)) = head else {
            self.fail(Rule::proto_head, pos, self.lexer.pending);
            // The block of a wrong head is not looked at.
            return match self.text().get(pos..).and_then(|s| s.find(['{', ';'])) {
                Some(n) if self.text().as_bytes().get(pos + n) == Some(&b'{') => {
                    self.block = Block::Skip(1);
                    pos + n + 1
                }
                Some(n) => pos + n + 1,
                None => self.text().len(),
            };
        };
        let rule = match self.lexer.names.text(protocol.kind.sym) {
            "static" => Rule::static_items,
            "kernel" => Rule::kernel_items,
            "device" => Rule::device_items,
            "direct" => Rule::direct_items,
            "pipe" => Rule::pipe_items,
            _ => {
                self.block = Block::Opaque(Box::new(protocol), 1);
                return end;
            }
        };
        self.failed = None;
        self.block = Block::Open(Box::new(protocol), rule);
        end
    }

    /// Skips to the end of the block, braces counted.
    fn skip_block(&mut self, pos: usize) -> usize {
        let (Block::Opaque(_, depth) | Block::Skip(depth)) = &mut self.block else { return pos };
        for (i, b) in self.lexer.tokens.text.bytes().enumerate().skip(pos) {
            match b {
                b'{' => *depth += 1,
                b'}' => *depth -= 1,
                _ => continue,
            }
            if *depth == 0 {
                self.close_block(self.lexer.tokens.tok_at(i));
                return i + 1;
            }
        }
        self.text().len()
    }

    fn close_block(&mut self, close: Tok) {
        match std::mem::replace(&mut self.block, Block::None) {
            Block::Open(mut protocol, _) => {
                protocol.items.extend(self.routes.take().map(ProtoItem::Routes));
                protocol.close = close;
                protocol.span.last = close;
                self.items.push(Item::Protocol(*protocol));
            }
            Block::Opaque(mut protocol, _) => {
                protocol.close = close;
                protocol.span.last = close;
                self.items.push(Item::Protocol(*protocol));
            }
            Block::Skip(_) | Block::None => {}
        }
    }

    /// Items of a block, and its end if that is at hand.
    fn block_items(&mut self, pos: usize) -> usize {
        let Block::Open(_, rule) = &self.block else { return pos };
        let rule = *rule;
        let one = match rule {
            Rule::static_items => Rule::static_one,
            Rule::kernel_items => Rule::kernel_one,
            Rule::device_items => Rule::device_one,
            Rule::direct_items => Rule::direct_one,
            _ => Rule::pipe_one,
        };
        let mut pos = pos;
        if rule == Rule::static_items {
            pos = self.routes.quick(&self.lexer.tokens, pos);
        }
        match self.text().as_bytes().get(pos) {
            None => return pos,
            Some(b'}') => {
                self.close_block(self.lexer.tokens.tok_at(pos));
                return pos + 1;
            }
            _ => {}
        }
        let mut routes = std::mem::take(&mut self.routes);
        let mut items = Vec::new();
        let done = self.matched(rule, pos, |c, pair| {
            for inner in pair.into_inner() {
                if inner.as_rule() == Rule::route {
                    c.route(inner, &mut routes);
                    continue;
                }
                items.extend(routes.take().map(ProtoItem::Routes));
                items.push(match inner.as_rule() {
                    Rule::channel => ProtoItem::Channel(c.channel(inner)),
                    _ => ProtoItem::Option(c.option(inner)),
                });
            }
        });
        self.routes = routes;
        if let Block::Open(protocol, _) = &mut self.block {
            protocol.items.extend(items);
        }
        let end = done.map_or(pos, |d| d.1);
        if end > pos {
            return end;
        }
        // Nothing matched: the item here is wrong.
        let wrong = self.fail(one, pos, self.lexer.pending);
        self.skip(pos, wrong)
    }

    /// Parses the members of a set that are at hand.
    fn set_members(&mut self, start: usize, closing: Closing) {
        if self.sets.last().is_none_or(|(at, _)| *at != start) {
            self.sets.push((start, SetBuilder::default()));
        }
        let Some((_, mut set)) = self.sets.pop() else { return };
        if !set.failed {
            self.members(start, closing, &mut set);
        }
        self.sets.push((start, set));
    }

    fn members(&mut self, start: usize, closing: Closing, set: &mut SetBuilder) {
        let begun = !set.items.is_empty() || !set.prefixes.is_empty();
        let len = self.text().len();
        let mut pos = start;
        if set.prefixes.is_empty() {
            pos = set.quick_numbers(&self.lexer.tokens, start);
        }
        if set.items.is_empty() {
            let mut errors = Vec::new();
            pos = set.quick_prefixes(&self.lexer.tokens, start, &mut errors);
            self.lexer.diags.extend(errors);
        }
        let first = self.text().as_bytes().get(pos).copied();
        let prefixes =
            !set.prefixes.is_empty() || set.items.is_empty() && matches!(first, Some(t::NET4 | t::NET6));
        let (rule, whole) = match prefixes {
            true => (Rule::prefix_items, Rule::prefix_whole),
            false => (Rule::set_items, Rule::set_whole),
        };
        let from = pos;
        if pos < len {
            let done = self.matched(rule, pos, |c, pair| match prefixes {
                true => c.prefix_items(pair, set),
                false => c.set_items(pair, set),
            });
            pos = done.map_or(pos, |d| d.1);
        }
        let comma = len > start && self.text().as_bytes().last() == Some(&b',');
        let good = match closing {
            Closing::Comma => pos == len || (pos + 1 == len && comma && pos > from),
            Closing::Bracket(_) => pos == len && !comma && (len > start || !begun),
            Closing::Missing => false,
        };
        if !good {
            set.failed = true;
            let next = match closing {
                Closing::Bracket(tok) => Some(Token { c: ']', value: 0, tok }),
                _ => self.lexer.pending,
            };
            // The last item read is looked at again: what is wrong may be what follows it.
            let from = if from == len && !comma { start } else { from };
            self.fail(whole, from, next);
        }
    }

    fn set_end(&mut self, start: usize, closing: Closing, close: Tok) {
        self.set_members(start, closing);
        let set = self.sets.pop().map(|s| s.1).unwrap_or_default();
        self.lexer.close_set(start, close, set.finish());
    }
}

/// How the members of a set at hand end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// More follow.
    Comma,
    /// Behind them stands this bracket.
    Bracket(Tok),
    /// The set is broken off.
    Missing,
}
