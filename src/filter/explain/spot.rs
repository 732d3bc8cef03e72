//! Places of a program in the text of the configuration.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::filter::Program;
use crate::filter::code::{Code, Stretch};
use crate::syntax::ast::Span;

/// A place in the text.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spot {
    /// The file, as the configuration names it.
    pub file: Option<Arc<Path>>,
    /// The line.
    pub line: u32,
    /// What stands there, on one line; empty where the text is not kept.
    pub text: String,
}

/// `FILE:LINE`
impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}:{}", file.display(), self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

impl Code {
    /// Where a span begins and what it says. `line` is for texts that are not kept.
    pub(super) fn spot_of(&self, span: Span, line: u32) -> Spot {
        let Some(text) = &self.text else { return Spot { file: None, line, text: String::new() } };
        match text.locate(span.first) {
            Some(place) => Spot { file: Some(place.path), line: place.line, text: text.text(span) },
            None => Spot { file: text.path(), line, text: String::new() },
        }
    }

    /// The smallest marked stretch around an instruction, as a place.
    pub(super) fn spot_at(&self, pc: usize) -> Spot {
        let source = self.source(pc);
        let span = self.mark(pc, |_| true).map_or(Span { first: source.tok, last: source.tok }, |m| m.span);
        self.spot_of(span, source.line)
    }

    fn site_spot(&self, number: usize) -> Option<Spot> {
        let source = self.sites.get(number)?.source;
        let command = |what| matches!(what, Stretch::Command);
        let mark = self.marks.iter().find(|m| command(m.what) && m.span.first == source.tok);
        match mark {
            Some(mark) => Some(self.spot_of(mark.span, source.line)),
            // The verdict that a `where` stands for.
            None => {
                let mut spot = self.spot_of(Span { first: source.tok, last: source.tok }, source.line);
                let term =
                    self.marks.first().map(|m| m.span.first).zip(self.marks.last().map(|m| m.span.last));
                let term = term.map(|(first, last)| self.spot_of(Span { first, last }, source.line));
                if let Some(term) = term {
                    spot = Spot { text: format!("where {}", term.text), ..term };
                }
                Some(spot)
            }
        }
    }
}

impl Program {
    /// The place of an instruction of one of the bodies.
    pub fn spot(&self, unit: u32, pc: u32) -> Spot {
        self.units.get(unit as usize).map_or_else(Spot::default, |u| u.code.spot_at(pc as usize))
    }

    /// The place of a site.
    pub fn site_spot(&self, number: u32) -> Option<Spot> {
        let unit = self.units.iter().rev().find(|u| u.first_site <= number && !u.code.sites.is_empty())?;
        unit.code.site_spot((number - unit.first_site) as usize)
    }

    /// Where the program itself stands.
    pub fn home(&self) -> Spot {
        let code = self.units.first().map(|u| &u.code);
        let first = code.and_then(|c| Some((c.text.as_ref()?, c)));
        first.map_or_else(Spot::default, |(text, _)| Spot {
            file: text.path(),
            line: text.line(),
            text: String::new(),
        })
    }
}
