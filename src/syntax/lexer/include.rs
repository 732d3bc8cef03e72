//! `include "PATTERN";`

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::super::literal::run;
use super::super::source::{ReadError, glob, has_wildcards};
use super::{Lexer, MAX_FILES};

impl Lexer<'_> {
    /// `include "PATTERN";` from behind the word on.
    pub(super) fn include(&mut self, after: usize) {
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
            // What follows would be the same statements again, each an error.
            self.stop();
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
