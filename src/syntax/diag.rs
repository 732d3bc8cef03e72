//! Errors and warnings about a configuration or a command.
//!
//! The first line of an error is byte for byte what BIRD prints; labels and help are ours and appear only
//! where a human looks (a terminal, or `--explain`). Every stage reports into one [`Diagnostics`] list; BIRD
//! stops at the first error of the token stream, so the list is sorted by token before anything is shown.

use super::ast::{Span, Tok};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is taken.
    Warning,
    /// The configuration is taken, and programs are told nothing: only for people who ask what is odd.
    Note,
}

/// One thing wrong, at one place of the token stream.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The last token BIRD would have read when it complains: decides line, column, and which error is first.
    pub at: Tok,
    /// The text behind `FILE:LINE:COL `.
    pub message: String,
    /// What to underline; the token `at` when absent.
    pub span: Option<Span>,
    /// Related places with a remark each ("first defined here").
    pub labels: Vec<(Span, String)>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a token.
    pub fn error(at: Tok, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            at,
            message: message.into(),
            span: None,
            labels: Vec::new(),
            help: None,
        }
    }

    /// A warning at a token.
    pub fn warning(at: Tok, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(at, message) }
    }

    /// A note at a token.
    pub fn note(at: Tok, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Note, ..Diagnostic::error(at, message) }
    }

    /// Underlines `span` instead of the single token.
    pub fn over(mut self, span: Span) -> Diagnostic {
        self.span = Some(span);
        self
    }

    /// Adds a related place.
    pub fn label(mut self, span: Span, remark: impl Into<String>) -> Diagnostic {
        self.labels.push((span, remark.into()));
        self
    }

    /// Says what to do.
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
}

/// Everything found so far, in the order of finding.
#[derive(Default, Debug)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: usize,
    torn: Vec<Torn>,
}

/// A statement of which only the beginning could be read.
#[derive(Clone, Copy, Debug)]
struct Torn {
    first: Tok,
    /// The first token that was not read.
    behind: Tok,
    last: Tok,
}

impl Torn {
    /// Whether a complaint may only be about the missing end.
    fn explains(&self, d: &Diagnostic) -> bool {
        let from = if d.severity == Severity::Note { self.first } else { self.behind + 1 };
        (from..=self.last).contains(&d.at)
    }
}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.torn.iter().any(|torn| torn.explains(&diagnostic)) {
            return;
        }
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.list.push(diagnostic);
    }

    /// Adds several.
    pub fn extend(&mut self, list: impl IntoIterator<Item = Diagnostic>) {
        list.into_iter().for_each(|d| self.push(d));
    }

    /// Of the statement from `first` to `last` only what stands before `behind` could be read; it is checked
    /// nevertheless, for BIRD tells a mistake there first. What is said from now on about the rest is not the
    /// user's fault.
    pub fn torn(&mut self, first: Tok, behind: Tok, last: Tok) {
        self.torn.push(Torn { first, behind, last });
    }

    /// How many errors there are: whether a check that just ended found any.
    pub fn error_count(&self) -> usize {
        self.errors
    }

    /// All of them in the order of finding.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Whether anything refuses the configuration.
    pub fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// All of them in the order of the token stream (stable for equal tokens).
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        // At a token that does not fit, too, BIRD acts on what it has read before it complains about the token.
        let late = |d: &Diagnostic| {
            d.message.starts_with("syntax error") && self.torn.iter().any(|torn| torn.behind == d.at)
        };
        self.list.sort_by_key(|d| (d.at, late(d)));
        self.list
    }
}
