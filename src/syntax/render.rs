//! How diagnostics look: BIRD's line for programs, and the explained form for people, with the source, a
//! caret, related places and a hint.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::ast::Span;
use super::diag::{Diagnostic, Severity};
use super::remedy::unknown_character;
use super::source::{FileId, Sources};

/// `FILE:LINE:COL message`, or `FILE:LINE:COL: message` for warnings: what BIRD prints.
pub fn first_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let at = sources.locate(diagnostic.at);
    let colon = match diagnostic.severity {
        Severity::Error => "",
        Severity::Warning => ":",
        Severity::Note => ": note:",
    };
    format!("{}:{}:{}{colon} {}", at.path.display(), at.line, at.col, diagnostic.message)
}

/// A remark this many lines away stands in a window of its own.
const NEAR: usize = 12;
/// Lines shown of a mark; a longer one is shown by its first line.
const MOST_LINES: usize = 6;
/// Bytes shown of a line, most of them behind the place of interest.
const MOST_BYTES: usize = 240;

/// The explained form: the first line, then the source with what is wrong underlined, then what to do. Ends
/// without a newline. Only windows of a few lines are handed to the drawing crate: a configuration may have
/// millions of them.
pub fn explained(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let first = first_line(diagnostic, sources);
    let own = diagnostic.span.unwrap_or(Span { first: diagnostic.at, last: diagnostic.at });
    let mut windows: Vec<Window> = Mark::new(sources, own, None).map(Window::around).into_iter().collect();
    for (span, remark) in &diagnostic.labels {
        let Some(mark) = Mark::new(sources, *span, Some(remark)) else { continue };
        match windows.iter_mut().find(|w| w.has_room(&mark)) {
            Some(window) => window.add(mark),
            None => windows.push(Window::around(mark)),
        }
    }
    let mut group = Group::with_level(match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    });
    let told = sources.place(diagnostic.at).map(|p| p.file);
    for window in &windows {
        // The first line names the file; it is repeated only for another one.
        let path = sources.file(window.file).filter(|_| told != Some(window.file));
        group = group.element(window.snippet().path(path.map(|f| f.path.display().to_string())));
    }
    if let Some(help) = diagnostic.help.as_deref().or_else(|| hint(diagnostic, sources)) {
        group = group.element(Level::HELP.message(help));
    }
    if group.is_empty() {
        return first;
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    format!("{first}\n{}", renderer.render(&[group]))
}

/// What to do about mistakes that everybody makes once and whose message does not say it.
fn hint(diagnostic: &Diagnostic, sources: &Sources) -> Option<&'static str> {
    let text = sources.text(Span { first: diagnostic.at, last: diagnostic.at });
    if diagnostic.message.starts_with("Unable to open included file") {
        return Some(match diagnostic.message.ends_with("Permission denied") {
            true => "the daemon's user must be able to read it (`-u`, `-g`)",
            false => {
                "a name without `/` in front is looked for in the directory of the file that includes it"
            }
        });
    }
    Some(match diagnostic.message.as_str() {
        "Unknown character" => unknown_character(&character(diagnostic.at, sources)?)?,
        "syntax error, unexpected IP4, expecting NUM" if text.contains('.') => {
            "the length of a prefix is a number of bits: `10.0.0.0/8`"
        }
        "Read error" => "perhaps a directory? Its files are included by `include \"DIRECTORY/*.conf\";`",
        "Max include depth reached" => "a file includes itself, or is included by one that it includes",
        "Unterminated include" => "a `;` is missing behind the name of the file, on the same line",
        "Unterminated string" => "a text ends on its line, with a `\"`",
        "Unterminated comment" => "a `*/` is missing",
        "Comment nesting not supported" => "the first `*/` ends all of the comment",
        "Number out of range" => "numbers go up to 4294967295",
        "syntax error, unexpected END" => "a block or statement is not closed",
        "Unexpected or missing nexthop/type" => {
            "most nets need a destination (`via ADDRESS`, `blackhole`, `unreachable`, ...), roa, flow and aspa have none"
        }
        _ => return None,
    })
}

/// The character a token begins with; the token may be but a byte of it.
fn character(at: u32, sources: &Sources) -> Option<String> {
    let place = sources.place(at)?;
    let text = sources.file(place.file)?.text.get(place.offset as usize..)?;
    let text = text.get(..4).unwrap_or(text);
    let valid = text.utf8_chunks().next()?.valid();
    Some(valid.chars().next().unwrap_or(char::REPLACEMENT_CHARACTER).to_string())
}

/// Bytes of a file to be underlined.
struct Mark<'a> {
    file: FileId,
    text: &'a [u8],
    bytes: Range<usize>,
    /// The numbers of the lines they stand on.
    lines: Range<usize>,
    remark: Option<&'a str>,
}

impl<'a> Mark<'a> {
    fn new(sources: &'a Sources, span: Span, remark: Option<&'a str>) -> Option<Mark<'a>> {
        let first = Span { first: span.first, last: span.first };
        let (file, bytes) = sources.bytes(span).or_else(|| sources.bytes(first))?;
        let text = sources.file(file)?.text.as_slice();
        let start = bytes.start.min(text.len());
        let mut bytes = start..bytes.end.clamp(start, text.len());
        let at = sources.place(span.first)?.line as usize;
        let mut lines = at..at + 1 + memchr::memchr_iter(b'\n', text.get(bytes.clone())?).count();
        let whole = line_start(text, bytes.start)..line_end(text, bytes.end);
        if lines.len() > MOST_LINES || (lines.len() > 1 && has_long_line(text.get(whole)?)) {
            bytes.end = line_end(text, bytes.start);
            lines.end = at + 1;
        }
        Some(Mark { file, text, bytes, lines, remark })
    }
}

/// A piece of a file with what is to be underlined in it: whole lines, or a part of a very long one.
struct Window<'a> {
    file: FileId,
    text: &'a [u8],
    bytes: Range<usize>,
    lines: Range<usize>,
    marks: Vec<Mark<'a>>,
}

impl<'a> Window<'a> {
    /// The lines of a mark, cut around it when there is one and that is very long.
    fn around(mut mark: Mark<'a>) -> Window<'a> {
        let (text, start) = (mark.text, mark.bytes.start);
        let mut from = line_start(text, start);
        let mut tail = line_end(text, mark.bytes.end);
        if tail - from > MOST_BYTES && mark.lines.len() == 1 {
            from = from.max(start.saturating_sub(MOST_BYTES / 4));
            tail = tail.min(from + MOST_BYTES).max(start);
        }
        // Not inside a character.
        while from < start && text.get(from).is_some_and(|b| b & 0xc0 == 0x80) {
            from += 1;
        }
        while tail > start && text.get(tail).is_some_and(|b| b & 0xc0 == 0x80) {
            tail -= 1;
        }
        mark.bytes.end = mark.bytes.end.min(tail);
        Window { file: mark.file, text, bytes: from..tail, lines: mark.lines.clone(), marks: vec![mark] }
    }

    /// The lines of this window and of a mark, and all between.
    fn with(&self, mark: &Mark<'_>) -> Range<usize> {
        let start = line_start(self.text, self.bytes.start.min(mark.bytes.start));
        start..line_end(self.text, self.bytes.end.max(mark.bytes.end))
    }

    /// Whether a mark can be shown here too.
    fn has_room(&self, mark: &Mark<'_>) -> bool {
        let inside = || self.bytes.start <= mark.bytes.start && mark.bytes.end <= self.bytes.end;
        let near = mark.lines.start < self.lines.end + NEAR && self.lines.start < mark.lines.end + NEAR;
        self.file == mark.file
            && near
            && (inside() || self.text.get(self.with(mark)).is_some_and(|text| !has_long_line(text)))
    }

    fn add(&mut self, mark: Mark<'a>) {
        if mark.bytes.start < self.bytes.start || mark.bytes.end > self.bytes.end {
            self.bytes = self.with(&mark);
        }
        self.lines = self.lines.start.min(mark.lines.start)..self.lines.end.max(mark.lines.end);
        self.marks.push(mark);
    }

    fn snippet(&self) -> Snippet<'a, Annotation<'a>> {
        let shown = printable(self.text.get(self.bytes.clone()).unwrap_or_default());
        let spans: Vec<_> = self
            .marks
            .iter()
            .map(|mark| {
                let kind =
                    if mark.remark.is_some() { AnnotationKind::Context } else { AnnotationKind::Primary };
                // A token may be one byte of a character; the drawing wants whole ones.
                let first = floor(&shown, mark.bytes.start - self.bytes.start);
                let last = ceil(&shown, mark.bytes.end - self.bytes.start);
                kind.span(first..last).label(mark.remark)
            })
            .collect();
        Snippet::source(shown).line_start(self.lines.start).annotations(spans)
    }
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len())
}

fn line_start(text: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', text.get(..at).unwrap_or_default()).map_or(0, |n| n + 1)
}

fn line_end(text: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', text.get(at..).unwrap_or_default()).map_or(text.len(), |n| at + n)
}

fn has_long_line(text: &[u8]) -> bool {
    text.split(|b| *b == b'\n').any(|line| line.len() > MOST_BYTES)
}

/// The text with every byte that is no part of a printable character replaced by `?`, lengths kept.
fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                // The drawing crate has signs of its own for these.
                c if c.is_ascii_control() => out.push(c),
                c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
                c => out.push(c),
            }
        }
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::syntax::parse;

    fn shown(text: &[u8]) -> String {
        let files = BTreeMap::from([(PathBuf::from("bird.conf"), text.to_vec())]);
        let parsed = parse(Path::new("bird.conf"), &files).unwrap();
        let list: Vec<String> =
            parsed.diagnostics.sorted().iter().map(|d| explained(d, &parsed.sources, false)).collect();
        list.join("\n")
    }

    #[test]
    fn an_unexpected_token_is_underlined_and_the_word_meant_is_named() {
        insta::assert_snapshot!(shown(b"protocol static {\n\tipv4;\n\troute 10.0.0.0/8 blakhole;\n}\n"));
    }

    #[test]
    fn a_warning_has_a_colon_behind_its_column() {
        insta::assert_snapshot!(shown(b"define metric = 5;\n"));
    }

    #[test]
    fn a_caret_never_splits_a_character() {
        assert!(shown("define größe = À;\n".as_bytes()).contains("größe"));
    }

    #[test]
    fn all_errors_of_a_file_are_shown() {
        insta::assert_snapshot!(shown(
            b"define a = ;\nprotocol device { scan 5; scan time 1.5; }\nrouter id 10.0.0.1\n"
        ));
    }

    #[test]
    fn related_places_share_a_window_only_when_they_are_near_and_no_line_is_long() {
        let explain = |between: &str| {
            let text = format!("a = 1;{between}b = 2;\n").into_bytes();
            let files = BTreeMap::from([(PathBuf::from("bird.conf"), text)]);
            let sources = parse(Path::new("bird.conf"), &files).unwrap().sources;
            let token = |n| Span { first: n, last: n };
            let warning = Diagnostic::warning(4, "text").label(token(0), "here");
            explained(&warning, &sources, false)
        };
        // A blank line of the drawing is not a line of the file: between far places nothing is shown.
        for (between, lines) in [("\n".to_owned(), 6), ("\n".repeat(30), 10), (" ".repeat(3000), 10)] {
            let text = explain(&between);
            assert!(text.contains("a = 1;") && text.contains("b = 2;") && text.contains("here"), "{text}");
            assert!(text.lines().count() <= lines, "{text}");
            assert!(text.lines().all(|line| line.len() < 2 * MOST_BYTES), "{text}");
        }
    }

    #[test]
    fn long_lines_and_odd_bytes_are_cut_and_replaced() {
        let mut text = b"define a = [".to_vec();
        for i in 0..5000 {
            text.extend(format!("{i}, ").as_bytes());
        }
        text.extend(b"\x1b[31m]; \xff\n");
        insta::assert_snapshot!(shown(&text));
    }
}
