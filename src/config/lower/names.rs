//! Names of the file and what they stand for.
//!
//! The filter floor keeps the table, because terms look names up, too. Here are the two things it does not
//! know: where BIRD stands when it finds a name taken, and which names were meant to be defined by a
//! statement that was refused.

use std::sync::Arc;

use super::Lowering;
use crate::base::Value;
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Ident, Span, Tok};
use crate::syntax::diag::Diagnostic;
use crate::syntax::names::Sym;

impl Lowering<'_> {
    /// What a name stands for.
    pub fn symbol(&self, sym: Sym) -> Option<&Symbol> {
        self.state.symbols.get(self.names, sym).map(|entry| &entry.symbol)
    }

    /// The text of a name.
    pub fn name(&self, ident: Ident) -> Arc<str> {
        self.names.shared(ident.sym)
    }

    /// Gives a name its meaning; `at` is where BIRD stands when it does so. A name that is taken keeps its
    /// first meaning.
    pub fn define(&mut self, name: Ident, at: Tok, symbol: Symbol) -> bool {
        if self.state.failed.remove(&name.sym) {
            self.state.symbols.define_again(name, symbol);
            return true;
        }
        match self.state.symbols.define(self.names, name, symbol) {
            Ok(()) => true,
            Err(mut diagnostic) => {
                diagnostic.at = at;
                diagnostic.labels.retain(|(span, _)| *span != Span::default());
                self.push(diagnostic);
                false
            }
        }
    }

    /// Remembers that a name should have been defined: whoever uses it is not to blame.
    pub fn fail_name(&mut self, name: Ident) {
        if self.symbol(name.sym).is_none() {
            self.state.symbols.define_again(name, Symbol::Constant(Value::Void));
            self.state.failed.insert(name.sym);
        }
    }

    /// Looks a name up that must be of a certain class: `pick` gives the meaning back if it is. Everything
    /// else is reported.
    pub fn lookup<T>(
        &mut self,
        name: Ident,
        wrong: &str,
        expecting: &[&str],
        pick: impl FnOnce(&Symbol) -> Option<T>,
    ) -> Option<T> {
        let Some(symbol) = self.symbol(name.sym) else {
            self.undefined(name, expecting, wrong.contains("String"));
            return None;
        };
        let found = pick(symbol);
        if found.is_none() && !self.state.failed.contains(&name.sym) {
            let diagnostic = self.state.symbols.wrong_class(self.names, name, wrong);
            self.push(diagnostic);
        }
        found
    }

    /// Reports a name that nothing above defines: to BIRD an unexpected token. Where a `text` could stand it
    /// may lack its quotes.
    fn undefined(&mut self, name: Ident, expecting: &[&str], text: bool) {
        let mut diagnostic = self.state.symbols.undefined(self.names, name);
        let word = self.names.text(name.sym);
        if text && diagnostic.help.as_ref().is_none_or(|help| help.starts_with("nothing named")) {
            diagnostic = diagnostic.help(format!("a text stands in double quotes: `\"{word}\"`"));
        }
        for (i, token) in expecting.iter().enumerate() {
            diagnostic.message += if i == 0 { ", expecting " } else { " or " };
            diagnostic.message += token;
        }
        self.push(diagnostic.over(Span { first: name.tok, last: name.tok }));
    }
}

impl super::State {
    /// Reports something.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}
