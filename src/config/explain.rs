//! What a human sees of a diagnostic: BIRD's line, the place in the text, and what to do.
//!
//! Only windows of a few lines are handed to the drawing crate: a configuration may have millions of them.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::load::line;
use crate::syntax::Sources;
use crate::syntax::ast::Span;
use crate::syntax::diag::{Diagnostic, Severity};
use crate::syntax::source::FileId;

/// A remark this many lines away stands in a window of its own.
const NEAR: usize = 12;
/// Longer marks are cut to their first line.
const LONGEST_MARK: usize = 6;

/// All diagnostics, each with a blank line behind it. `prefix` stands before each of BIRD's lines; `color` for a terminal.
pub fn render(sources: &Sources, diagnostics: &[Diagnostic], prefix: &str, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for diagnostic in diagnostics {
        out += prefix;
        out += &line(sources, diagnostic);
        out.push('\n');
        let drawing = draw(sources, diagnostic, &renderer);
        if !drawing.is_empty() {
            out += &drawing;
            out.push('\n');
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// The place, the remarks and the help of one diagnostic.
fn draw(sources: &Sources, diagnostic: &Diagnostic, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let own = diagnostic.span.unwrap_or(Span { first: diagnostic.at, last: diagnostic.at });
    let mut windows: Vec<Window> = Vec::new();
    if let Some(mark) = Mark::new(sources, own, None) {
        windows.push(Window::around(mark));
    }
    for (span, remark) in &diagnostic.labels {
        let Some(mark) = Mark::new(sources, *span, Some(remark)) else { continue };
        match windows.iter_mut().find(|w| w.is_near(&mark)) {
            Some(window) => window.add(mark),
            None => windows.push(Window::around(mark)),
        }
    }
    let mut group = Group::with_level(level);
    let file = sources.place(diagnostic.at).map(|p| p.file);
    for window in &windows {
        // The line above names the file; it is repeated only for another one.
        let path = sources.file(window.file).filter(|_| file != Some(window.file));
        let path = path.map(|f| f.path.display().to_string());
        group = group.element(window.snippet(sources).path(path));
    }
    let help = diagnostic.help.as_deref().or_else(|| hint(sources, diagnostic));
    let group = match help {
        Some(help) => group.element(Level::HELP.message(help)),
        None => group,
    };
    if group.is_empty() { String::new() } else { renderer.render(&[group]) }
}

/// What to do about mistakes that everybody makes once and whose message does not say it.
fn hint(sources: &Sources, diagnostic: &Diagnostic) -> Option<&'static str> {
    let text = sources.text(Span { first: diagnostic.at, last: diagnostic.at });
    Some(match diagnostic.message.as_str() {
        "Unknown character" if text.starts_with('\r') => {
            "the file has the line ends of another system; only newlines are taken (`tr -d '\\r'`)"
        }
        "Unknown character" if !text.is_ascii() => {
            "only ASCII is taken outside of strings; quotes are plain `\"`"
        }
        "syntax error, unexpected IMPORT" | "syntax error, unexpected EXPORT" => {
            "`import` and `export` stand inside a channel: `ipv4 { import all; };`"
        }
        "syntax error, unexpected '='" => "equality is a single `=`",
        "syntax error, unexpected END" => "a block or statement is not closed",
        "Unexpected or missing nexthop/type" => {
            "most nets need a destination (`via ADDRESS`, `blackhole`, `unreachable`, ...), roa, flow and aspa have none"
        }
        _ => return None,
    })
}

/// Bytes of a file to be underlined.
struct Mark<'a> {
    file: FileId,
    bytes: Range<usize>,
    lines: Range<usize>,
    remark: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn new(sources: &Sources, span: Span, remark: Option<&'a str>) -> Option<Mark<'a>> {
        let first = Span { first: span.first, last: span.first };
        let (file, bytes) = sources.bytes(span).or_else(|| sources.bytes(first))?;
        let text = &sources.file(file)?.text;
        let at = sources.place(span.first)?.line as usize;
        let newlines =
            |range: Range<usize>| memchr::memchr_iter(b'\n', text.get(range).unwrap_or_default()).count();
        let mut mark = Mark { file, lines: at..at + 1 + newlines(bytes.clone()), bytes, remark };
        if mark.lines.len() > LONGEST_MARK {
            let rest = text.get(mark.bytes.clone())?;
            mark.bytes.end = mark.bytes.start + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            mark.lines.end = at + 1;
        }
        Some(mark)
    }
}

/// Lines shown together.
struct Window<'a> {
    file: FileId,
    lines: Range<usize>,
    marks: Vec<Mark<'a>>,
}

impl<'a> Window<'a> {
    fn around(mark: Mark<'a>) -> Window<'a> {
        Window { file: mark.file, lines: mark.lines.clone(), marks: vec![mark] }
    }

    fn is_near(&self, mark: &Mark<'_>) -> bool {
        self.file == mark.file
            && mark.lines.start < self.lines.end + NEAR
            && self.lines.start < mark.lines.end + NEAR
    }

    fn add(&mut self, mark: Mark<'a>) {
        self.lines = self.lines.start.min(mark.lines.start)..self.lines.end.max(mark.lines.end);
        self.marks.push(mark);
    }

    fn snippet(&self, sources: &Sources) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
        let text = sources.file(self.file).map(|f| f.text.as_slice()).unwrap_or_default();
        let first = self.marks.iter().map(|m| m.bytes.start).min().unwrap_or(0);
        let last = self.marks.iter().map(|m| m.bytes.end).max().unwrap_or(0);
        let start = memchr::memrchr(b'\n', text.get(..first).unwrap_or_default()).map_or(0, |n| n + 1);
        let end =
            memchr::memchr(b'\n', text.get(last..).unwrap_or_default()).map_or(text.len(), |n| last + n);
        let shown = printable(text.get(start..end).unwrap_or_default());
        let mut snippet = Snippet::source(shown.clone()).line_start(self.lines.start);
        for mark in &self.marks {
            let kind = if mark.remark.is_some() { AnnotationKind::Context } else { AnnotationKind::Primary };
            // A token may be one byte of a character; the drawing wants whole ones.
            let span = floor(&shown, mark.bytes.start - start)..ceil(&shown, mark.bytes.end - start);
            snippet = snippet.annotation(kind.span(span).label(mark.remark));
        }
        snippet
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len())
}

/// The text with a question mark for every byte that is no UTF-8, so that positions stay what they are.
fn printable(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        out += chunk.valid();
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}
