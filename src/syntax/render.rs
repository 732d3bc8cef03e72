//! How diagnostics look: BIRD's line for programs, and the explained form for people, with the source, a caret, related places and a hint.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::ast::Span;
use super::diag::{Diagnostic, Severity};
use super::source::{FileId, Sources};

/// `FILE:LINE:COL message`, or `FILE:LINE:COL: message` for warnings: what BIRD prints.
pub fn first_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let at = sources.locate(diagnostic.at);
    let colon = match diagnostic.severity {
        Severity::Error => "",
        Severity::Warning => ":",
    };
    format!("{}:{}:{}{colon} {}", at.path.display(), at.line, at.col, diagnostic.message)
}

/// Lines shown of a span; a longer one is shown by its first line.
const MOST_LINES: usize = 6;
/// Bytes shown of a line, most of them behind the place of interest.
const MOST_BYTES: usize = 240;

/// A few lines of a file around a range.
struct Window {
    text: String,
    /// The number of the first line.
    line: usize,
    /// The range within `text`.
    range: Range<usize>,
}

/// The lines `range` stands on, cut where they are very long. Bytes that would upset a terminal are replaced one for one.
fn window(text: &[u8], range: Range<usize>) -> Window {
    let start = range.start.min(text.len());
    let head = memchr::memrchr(b'\n', &text[..start]).map_or(0, |n| n + 1);
    let mut end = range.end.clamp(start, text.len());
    let lines = memchr::memchr_iter(b'\n', &text[start..end]).count();
    let line_end = |from: usize| memchr::memchr(b'\n', &text[from..]).map_or(text.len(), |n| from + n);
    if lines >= MOST_LINES || line_end(end) - head > MOST_LINES * MOST_BYTES {
        end = end.min(line_end(start));
    }
    let mut tail = line_end(end);
    let mut from = head;
    if tail - from > MOST_BYTES && lines == 0 {
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
    let end = end.min(tail);
    let line = memchr::memchr_iter(b'\n', &text[..head]).count() + 1;
    let shown = printable(&text[from..tail]);
    let (mut first, mut last) = (start - from, end - from);
    while !shown.is_char_boundary(first) {
        first -= 1;
    }
    while !shown.is_char_boundary(last) {
        last += 1;
    }
    Window { text: shown, line, range: first..last }
}

/// The text with every byte that is no part of a printable character replaced by `?`, lengths kept.
fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' | '\t' => out.push(c),
                c if c.is_control() => out.extend(std::iter::repeat_n('?', c.len_utf8())),
                c => out.push(c),
            }
        }
        out.extend(chunk.invalid().iter().map(|_| '?'));
    }
    out
}

/// The explained form: the first line, then the source with what is wrong underlined. Ends without a newline.
pub fn explained(diagnostic: &Diagnostic, sources: &Sources, color: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let first = first_line(diagnostic, sources);
    let token = Span { first: diagnostic.at, last: diagnostic.at };
    let at = sources.locate(diagnostic.at);
    let mut places: Vec<(FileId, Range<usize>, Option<&str>)> = Vec::new();
    let main = sources.bytes(diagnostic.span.unwrap_or(token)).or_else(|| sources.bytes(token));
    places.extend(main.map(|(file, range)| (file, range, None)));
    for (span, remark) in &diagnostic.labels {
        places.extend(sources.bytes(*span).map(|(file, range)| (file, range, Some(remark.as_str()))));
    }
    if places.is_empty() && diagnostic.help.is_none() {
        return first;
    }
    let mut group = Group::with_level(level);
    for (file, range, remark) in places {
        let Some(file) = sources.file(file) else { continue };
        let window = window(&file.text, range);
        let kind = if remark.is_none() { AnnotationKind::Primary } else { AnnotationKind::Context };
        // The first line has told the file already.
        let path = (file.path != at.path).then(|| file.path.display().to_string());
        group = group.element(
            Snippet::source(window.text)
                .line_start(window.line)
                .path(path)
                .annotation(kind.span(window.range).label(remark)),
        );
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    format!("{first}\n{}", renderer.render(&[group]))
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
    fn long_lines_and_odd_bytes_are_cut_and_replaced() {
        let mut text = b"define a = [".to_vec();
        for i in 0..5000 {
            text.extend(format!("{i}, ").as_bytes());
        }
        text.extend(b"\x1b[31m]; \xff\n");
        insta::assert_snapshot!(shown(&text));
    }
}
