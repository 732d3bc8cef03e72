//! How deep the parser would have to recurse.

use tern_grammar::k;

use super::MAX_NESTING;

/// How deep the parser would be: blocks remember the depth around them; operators and `then`s count within their command.
#[derive(Default)]
pub(super) struct Nesting {
    pub depth: u32,
    pub outer: Vec<u32>,
    after_end: bool,
}

impl Nesting {
    /// Follows how deep the parser would have to recurse; `false` when that is too deep.
    #[inline]
    pub(super) fn note(&mut self, c: char) -> bool {
        if std::mem::take(&mut self.after_end) && c != k::ELSE {
            self.depth = self.outer.last().map_or(0, |d| d + 1);
        }
        match c {
            '(' | '[' | '{' => {
                self.outer.push(self.depth);
                self.depth += 1;
            }
            ')' | ']' => self.depth = self.outer.pop().unwrap_or(0),
            '}' => {
                self.depth = self.outer.pop().unwrap_or(0);
                self.after_end = true;
            }
            ';' => self.after_end = true,
            ',' => self.depth = self.outer.last().map_or(0, |d| d + 1),
            '+' | '-' | '*' | '/' | '=' | '<' | '>' | '~' | '!' | '.' | '&' | '|' => self.depth += 1,
            k::THEN | k::DO => self.depth += 1,
            'C' | 'A' | 'O' | 'N' | 'M' | 'L' | 'G' => self.depth += 1,
            _ => {}
        }
        self.depth <= MAX_NESTING
    }
}
