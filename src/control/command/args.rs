//! Reading the arguments of a command: the current token, and what may stand there.

use std::sync::Arc;

use super::lex::{Spot, Token, token};
use crate::base::prefix_set::PrefixSet;
use crate::control::backend::{FilterKind, Scope, Selection, TermError};
use crate::control::code::Code;
use crate::control::view::SymbolClass;
use crate::control::view::route::RouteFilter;

/// Why a command is refused, as its one line of answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// The text.
    pub text: String,
}

impl Refusal {
    /// The command cannot be understood.
    pub fn parse(text: impl Into<String>) -> Refusal {
        Refusal { code: Code::Parse, text: text.into() }
    }
}

/// Whether a name is a protocol's.
pub fn is_protocol(class: &SymbolClass) -> bool {
    matches!(class, SymbolClass::Protocol(_))
}

/// A command line being read.
pub struct Args<'a> {
    line: &'a str,
    scope: &'a dyn Scope,
    spot: Spot<'a>,
    /// Where the last taken token ended.
    behind: usize,
}

impl<'a> Args<'a> {
    /// Reads `line` from its beginning; names are those of `scope`.
    pub fn new(line: &'a str, scope: &'a dyn Scope) -> Args<'a> {
        Args { line, scope, spot: token(line, 0), behind: 0 }
    }

    /// The current token.
    pub fn peek(&self) -> &Token<'a> {
        &self.spot.token
    }

    /// The configuration's names.
    pub fn scope(&self) -> &'a dyn Scope {
        self.scope
    }

    /// Goes on to the next token and returns the current one.
    pub fn take(&mut self) -> Token<'a> {
        let next = token(self.line, self.spot.to);
        self.behind = self.spot.to;
        std::mem::replace(&mut self.spot, next).token
    }

    /// Goes on by so many tokens.
    pub fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.take();
        }
    }

    /// The text from the current token on.
    pub fn rest(&self) -> &'a str {
        &self.line[self.spot.from..]
    }

    /// All text behind the last taken token, comments and all.
    pub fn tail(&self) -> &'a str {
        &self.line[self.behind..]
    }

    /// A place to come back to.
    pub fn mark(&self) -> Spot<'a> {
        self.spot.clone()
    }

    /// Goes back.
    pub fn reset(&mut self, mark: Spot<'a>) {
        self.spot = mark;
    }

    /// Whether the line ends here.
    pub fn at_end(&self) -> bool {
        self.spot.token == Token::End
    }

    /// Takes the bare word `word`, if it stands here.
    pub fn word(&mut self, word: &str) -> bool {
        let here = matches!(&self.spot.token, Token::Word(w) if *w == word);
        if here {
            self.take();
        }
        here
    }

    /// Takes one character, if it stands here.
    pub fn punct(&mut self, c: char) -> bool {
        let here = self.spot.token == Token::Punct(c);
        if here {
            self.take();
        }
        here
    }

    /// Takes a number, if one stands here. One that is out of range is refused.
    pub fn number(&mut self) -> Result<Option<u32>, Refusal> {
        match self.spot.token {
            Token::Number(n) => {
                self.take();
                Ok(Some(n))
            }
            Token::Bad(bad) => Err(Refusal::parse(bad)),
            _ => Ok(None),
        }
    }

    /// Takes a text, if one stands here.
    pub fn text(&mut self) -> Result<Option<&'a str>, Refusal> {
        match self.spot.token {
            Token::Text(text) => {
                self.take();
                Ok(Some(text))
            }
            Token::Bad(bad) => Err(Refusal::parse(bad)),
            _ => Ok(None),
        }
    }

    /// The line must end here.
    pub fn end(&self) -> Result<(), Refusal> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected("the end of the command")) }
    }

    /// What stands here is wrong. The first words are BIRD's, the rest says what would be right.
    pub fn unexpected(&self, expected: &str) -> Refusal {
        let found = match &self.spot.token {
            Token::Bad(bad) => return Refusal::parse(*bad),
            Token::End => "end of command".to_owned(),
            Token::Word(w) | Token::Rd(w) => format!("'{w}'"),
            Token::Quoted(n) => format!("name '{n}'"),
            Token::Text(_) => "text".to_owned(),
            Token::Number(n) => format!("number {n}"),
            Token::Ip(ip) => format!("address {ip}"),
            Token::Prefix(ip, len) => format!("prefix {ip}/{len}"),
            Token::Punct(c) => format!("'{c}'"),
        };
        Refusal::parse(format!("syntax error, unexpected {found}, expecting {expected}"))
    }

    /// The bare or quoted name that stands here, and what it stands for. Names the configuration does not
    /// know are syntax errors; `fits` says which of its names could have been meant.
    pub fn name(
        &mut self,
        expected: &str,
        fits: fn(&SymbolClass) -> bool,
    ) -> Result<(&'a str, SymbolClass), Refusal> {
        let (Token::Word(name) | Token::Quoted(name)) = self.spot.token else {
            return Err(self.unexpected(expected));
        };
        let Some(class) = self.scope.find(name) else {
            let hint = self.meant(name, fits).unwrap_or_default();
            let text = format!("syntax error, unexpected unknown name '{name}', expecting {expected}{hint}");
            return Err(Refusal::parse(text));
        };
        self.take();
        Ok((name, class))
    }

    /// The name that was meant by one that is unknown.
    fn meant(&self, name: &str, fits: fn(&SymbolClass) -> bool) -> Option<String> {
        // A name such as `s-2` ends at its dash unless it is quoted.
        let whole = self.rest().split(|c: char| c.is_whitespace() || c == '{').next()?;
        if self.scope.find(whole).is_some_and(|class| fits(&class)) {
            return Some(format!(" (write '{whole}' in single quotes)"));
        }
        let names = self.scope.list().into_iter().filter(|(_, class)| fits(class));
        let likeness = names.map(|(known, _)| (strsim::jaro_winkler(name, &known), known));
        let near = likeness.filter(|(like, _)| *like > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
        near.map(|(_, known)| format!(" (did you mean '{known}'?)"))
    }

    /// The name of a protocol, with its kind.
    pub fn protocol(&mut self) -> Result<(Arc<str>, &'static str), Refusal> {
        match self.name("a protocol's name", is_protocol)? {
            (name, SymbolClass::Protocol(kind)) => Ok((name.into(), kind)),
            _ => Err(Refusal::parse("Protocol name required")),
        }
    }

    /// The name of a protocol of this kind, if any name stands here.
    pub fn protocol_of(&mut self, wanted: &str) -> Result<Option<Arc<str>>, Refusal> {
        if !matches!(self.peek(), Token::Word(_) | Token::Quoted(_)) {
            return Ok(None);
        }
        match self.name("a protocol's name", is_protocol)? {
            (name, SymbolClass::Protocol(kind)) if kind == wanted => Ok(Some(name.into())),
            (name, SymbolClass::Protocol(_)) => {
                Err(Refusal::parse(format!("{name}: Not a {wanted} protocol")))
            }
            _ => Err(Refusal::parse("Protocol name required")),
        }
    }

    /// A protocol's name, a pattern in quotes, or `all`.
    pub fn selection(&mut self) -> Result<Selection, Refusal> {
        if self.word("all") {
            return Ok(Selection::All);
        }
        if let Some(pattern) = self.text()? {
            return Ok(Selection::Pattern(pattern.to_owned()));
        }
        if !matches!(self.peek(), Token::Word(_) | Token::Quoted(_)) {
            return Err(self.unexpected("a protocol's name, a pattern in quotes, or all"));
        }
        Ok(Selection::Name(self.protocol()?.0))
    }

    /// The words of a mask: `all`, `off`, or `{ word, word }`. `known` gives the flag of a word.
    pub fn mask<M>(&mut self, known: impl Fn(&str) -> Option<M>, words: &[&str]) -> Result<M, Refusal>
    where
        M: std::ops::BitOr<Output = M>,
    {
        let list = format!("one of {}", words.join(", "));
        if !self.punct('{') {
            let Token::Word(word @ ("all" | "off")) = self.spot.token else {
                return Err(self.unexpected("all, off, or { ... }"));
            };
            let mask = known(word).ok_or_else(|| self.unexpected("all, off, or { ... }"))?;
            self.take();
            return Ok(mask);
        }
        let mut sum: Option<M> = None;
        loop {
            let flag = match self.spot.token {
                Token::Word(word) if words.contains(&word) => known(word),
                _ => None,
            };
            let flag = flag.ok_or_else(|| self.unexpected(&list))?;
            self.take();
            let mask = match sum.take() {
                Some(before) => before | flag,
                None => flag,
            };
            if self.punct('}') {
                return Ok(mask);
            }
            if !self.punct(',') {
                return Err(self.unexpected("',' or '}'"));
            }
            sum = Some(mask);
        }
    }

    /// The filter that begins here.
    pub fn nets(&mut self) -> Result<Arc<PrefixSet>, Refusal> {
        if let Token::Bad(bad) = self.spot.token {
            return Err(Refusal::parse(bad));
        }
        let (nets, used) = self.scope.nets(self.rest()).map_err(|e| match e {
            TermError::Parse(text) => Refusal::parse(text),
            TermError::Runtime => Refusal::parse("runtime error"),
        })?;
        self.spot = token(self.line, (self.spot.from + used).min(self.line.len()));
        Ok(nets)
    }

    /// Takes a filter.
    pub fn filter(&mut self, kind: FilterKind) -> Result<Arc<dyn RouteFilter>, Refusal> {
        if let Token::Bad(bad) = self.spot.token {
            return Err(Refusal::parse(bad));
        }
        let (filter, used) = self.scope.filter(kind, self.rest()).map_err(|e| match e {
            TermError::Parse(text) => Refusal::parse(text),
            TermError::Runtime => Refusal::parse("runtime error"),
        })?;
        self.spot = token(self.line, (self.spot.from + used).min(self.line.len()));
        Ok(filter)
    }
}
