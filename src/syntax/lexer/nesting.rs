//! How deep the parser would have to recurse.

use tern_grammar::k;

use super::MAX_NESTING;

/// How deep the parser would be: brackets, `then`s and `do`s, and the `!`s and methods of one operand.
/// Operators between operands make flat chains, which nest as deep as there are precedences.
#[derive(Default)]
pub(super) struct Nesting {
    pub at: Depth,
    pub outer: Vec<Depth>,
    after_end: bool,
}

/// A place in the nesting.
#[derive(Clone, Copy, Default)]
pub(super) struct Depth {
    /// Brackets, `then`s and `do`s around it.
    blocks: u32,
    /// Chains within chains, by their operators.
    chains: u32,
    /// `!`s and methods since the operand began.
    operand: u32,
}

/// How many precedences operators have.
const LEVELS: u32 = 5;

impl Depth {
    fn total(self) -> u32 {
        self.blocks + self.chains + self.operand
    }

    fn operator(&mut self) {
        self.chains = (self.chains + 1).min(LEVELS);
        self.operand = 0;
    }
}

impl Nesting {
    /// Follows how deep the parser would have to recurse; `false` when that is too deep.
    #[inline]
    pub(super) fn note(&mut self, c: char) -> bool {
        if std::mem::take(&mut self.after_end) && c != k::ELSE {
            self.at = self.inside();
        }
        match c {
            '(' | '[' | '{' => {
                self.outer.push(self.at);
                self.at = self.inside();
            }
            ')' | ']' => self.at = self.outer.pop().unwrap_or_default(),
            '}' => {
                self.at = self.outer.pop().unwrap_or_default();
                self.after_end = true;
            }
            ';' => self.after_end = true,
            ',' => self.at = Depth { blocks: self.at.blocks, ..Depth::default() },
            '!' | '.' => self.at.operand += 1,
            '+' | '-' | '*' | '/' | '=' | '<' | '>' | '~' | '&' | '|' => self.at.operator(),
            'C' | 'A' | 'O' | 'N' | 'M' | 'L' | 'G' => self.at.operator(),
            k::THEN | k::DO => self.at = Depth { blocks: self.at.blocks + 1, ..Depth::default() },
            _ => {}
        }
        self.at.total() <= MAX_NESTING
    }

    /// Right behind the innermost open bracket.
    fn inside(&self) -> Depth {
        Depth { blocks: self.outer.last().map_or(0, |d| d.total() + 1), ..Depth::default() }
    }
}
