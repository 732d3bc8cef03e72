//! Interned words: every identifier and keyword of a configuration is a small number.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// An interned word. Two words are equal exactly when their numbers are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sym(pub u32);

/// All words seen so far. Keywords come first, in the order of the lexer's table.
#[derive(Default, Clone)]
pub struct Names {
    words: Vec<Arc<str>>,
    index: FxHashMap<Arc<str>, Sym>,
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} names", self.words.len())
    }
}

impl Names {
    /// The number of `word`, which is remembered when it is new.
    pub fn intern(&mut self, word: &str) -> Sym {
        if let Some(&sym) = self.index.get(word) {
            return sym;
        }
        let shared: Arc<str> = Arc::from(word);
        let sym = Sym(self.words.len() as u32);
        self.words.push(shared.clone());
        self.index.insert(shared, sym);
        sym
    }

    /// The number of `word`, if it was seen before.
    pub fn find(&self, word: &str) -> Option<Sym> {
        self.index.get(word).copied()
    }

    /// The text of an interned word; empty for a number that was never given out.
    pub fn text(&self, sym: Sym) -> &str {
        self.words.get(sym.0 as usize).map_or("", |w| w)
    }

    /// The shared text of an interned word.
    pub fn shared(&self, sym: Sym) -> Arc<str> {
        self.words.get(sym.0 as usize).cloned().unwrap_or_default()
    }
}
