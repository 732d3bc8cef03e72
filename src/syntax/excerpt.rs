//! The text of a filter or function, kept after the files are gone.
//!
//! A running filter knows where each instruction comes from as a token's number; to show the statement
//! itself, one needs the text. Keeping whole files would keep a million routes for the sake of ten lines, so
//! each body keeps its own stretch, in the same compact form as [`Sources`]: a byte per token, and the text.

use std::path::Path;
use std::sync::Arc;

use super::ast::{Span, Tok};
use super::source::{Located, Sources};

/// Longer texts are not kept, but for their first line: nobody wants to see a set of a million prefixes again.
const LONGEST: usize = 1 << 20;

/// A stretch of tokens with its text.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// The number of its first token.
    first: Tok,
    part: Sources,
}

impl Excerpt {
    /// The stretch `span` of the files; `None` if it is too long or not there.
    pub fn new(sources: &Sources, span: Span) -> Option<Arc<Excerpt>> {
        let part = sources.part(span, LONGEST)?;
        Some(Arc::new(Excerpt { first: span.first, part }))
    }

    /// Whether the token stands in here.
    pub fn holds(&self, tok: Tok) -> bool {
        tok.checked_sub(self.first).is_some_and(|tok| tok < self.part.end())
    }

    /// Where a token stands.
    pub fn locate(&self, tok: Tok) -> Option<Located> {
        self.holds(tok).then(|| self.part.locate(tok - self.first))
    }

    /// The file it begins in.
    pub fn path(&self) -> Option<Arc<Path>> {
        self.part.files().first().map(|f| f.path.clone())
    }

    /// The line it begins on.
    pub fn line(&self) -> u32 {
        self.part.line(0)
    }

    /// What a span says: one line, comments and line ends as single blanks.
    pub fn text(&self, span: Span) -> String {
        if !self.holds(span.first) || !self.holds(span.last) {
            return String::new();
        }
        let span = Span { first: span.first - self.first, last: span.last - self.first };
        one_line(&self.part.text(span))
    }
}

/// Text without comments, with single blanks between its words; what stands in quotes stays as it is.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut gap = false;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            c if c.is_whitespace() => c.len_utf8(),
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            _ => 0,
        };
        if skip > 0 {
            gap = !out.is_empty();
            rest = &rest[skip..];
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        let len = match c {
            '"' => rest[1..].find(['"', '\n']).map_or(rest.len(), |end| end + 2),
            c => c.len_utf8(),
        };
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::syntax::parse;
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    #[test]
    fn one_line_of_many() {
        assert_eq!(one_line("if a # why\n\t&& /* x */ b"), "if a && b");
        assert_eq!(one_line("print \"a  # b\" ,\n c;"), "print \"a  # b\" , c;");
        assert_eq!(one_line("\"open"), "\"open");
    }

    #[test]
    fn a_stretch_over_an_include() {
        let long = "x".repeat(400);
        let main = format!(
            "# {long}\ndefine A = 1;\nfilter f {{\n  include \"part\";\n  # {long}\n  accept;\n}}\ndefine B = 2;\n"
        );
        let files: BTreeMap<PathBuf, Vec<u8>> = [
            (PathBuf::from("main"), main.into_bytes()),
            (PathBuf::from("part"), b"\n\nif net.len > 8 then\n  reject;\n".to_vec()),
        ]
        .into();
        let sources = parse(Path::new("main"), &files).unwrap().sources;
        let span = |from: &str, to: &str| {
            let find = |word: &str| {
                (0..sources.end()).find(|t| sources.text(Span { first: *t, last: *t }) == word).unwrap()
            };
            Span { first: find(from), last: find(to) }
        };
        let body = span("filter", "}");
        let excerpt = Excerpt::new(&sources, body).unwrap();
        for tok in body.first..=body.last {
            assert_eq!(excerpt.locate(tok), Some(sources.locate(tok)));
        }
        assert_eq!(excerpt.text(span("if", "then")), "if net.len > 8 then");
        assert_eq!(excerpt.text(span("accept", "}")), "accept; }");
        assert!(excerpt.locate(body.last + 1).is_none() && excerpt.text(span("define", "=")).is_empty());
    }
}
