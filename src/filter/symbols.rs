//! Names of a configuration and what they stand for.
//!
//! There is one namespace for tables, protocols, filters, constants and all the rest. Names are defined above
//! their first use, so the table grows with the file. Local variables are not here: they live and die inside
//! one body ([`super::compile`]).
//!
//! A finished configuration keeps a [`Snapshot`], which knows words by their text. Terms of the control
//! socket bring words of their own and look names up there, through a [`Symbols`] that stands on the
//! snapshot.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::attributes;
use super::code::Code;
use super::program::Filter;
use super::types::Type;
use crate::base::{NetType, Value};
use crate::syntax::ast::{Ident, Span};
use crate::syntax::diag::Diagnostic;
use crate::syntax::names::{Names, Sym};
use crate::table::AttrId;

/// Number of a function, dense in the order of definition.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FnId(pub u32);

/// What callers know of a function.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its number.
    pub id: FnId,
    /// The types of its arguments.
    pub args: Arc<[Type]>,
    /// The type of its result; unknown until a `return` or a declaration has said it.
    pub returns: Type,
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Symbol {
    /// A protocol of this kind (`Static`, `Kernel`, ...).
    Protocol(&'static str),
    /// A template of this kind.
    Template(&'static str),
    /// A routing table.
    Table(NetType),
    /// A filter.
    Filter(Arc<Filter>),
    /// A function.
    Function(Signature),
    /// A constant.
    Constant(Value),
    /// A route attribute of the user's.
    Attribute(AttrId, Type),
    /// An MPLS domain.
    MplsDomain,
    /// An MPLS label range.
    MplsRange,
    /// A thread group (3.x).
    ThreadGroup,
}

/// A name's meaning and where it got it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it stands for.
    pub symbol: Symbol,
    /// Where it was defined.
    pub at: Span,
}

/// The names of a finished configuration, by text.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    entries: FxHashMap<Arc<str>, Entry>,
    /// Words in the order of definition.
    order: Vec<Arc<str>>,
    functions: Vec<Option<Arc<Code>>>,
}

impl Snapshot {
    /// The meaning of a word.
    pub fn get(&self, word: &str) -> Option<&Entry> {
        self.entries.get(word)
    }

    /// All names in the order of definition.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Entry)> {
        self.order.iter().filter_map(|word| Some((word, self.entries.get(word)?)))
    }

    /// Adds a name that exists before any file is read (`master4`, `ipt_main`, ...).
    pub fn predefine(&mut self, word: &str, symbol: Symbol) {
        let word: Arc<str> = word.into();
        if self.entries.insert(word.clone(), Entry { symbol, at: Span::default() }).is_none() {
            self.order.push(word);
        }
    }
}

/// The names known so far.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    base: Arc<Snapshot>,
    file: FxHashMap<Sym, Entry>,
    order: Vec<Sym>,
    functions: Vec<Option<Arc<Code>>>,
    /// Names that the file defines somewhere at its top level: used too early, they are told apart from misspelt ones.
    declared: Vec<Sym>,
}

impl Symbols {
    /// Says which names the file defines, wherever.
    pub fn declare(&mut self, declared: Vec<Sym>) {
        self.declared = declared;
    }

    /// A table that stands on the names of `base`: predefined ones, or those of a whole configuration. They
    /// may be defined anew.
    pub fn on(base: Arc<Snapshot>) -> Symbols {
        let functions = base.functions.clone();
        Symbols { base, functions, ..Symbols::default() }
    }

    /// Everything known, by text.
    pub fn snapshot(&self, names: &Names) -> Arc<Snapshot> {
        let mut all = Snapshot::clone(&self.base);
        for sym in &self.order {
            let word = names.shared(*sym);
            if let Some(entry) = self.file.get(sym)
                && all.entries.insert(word.clone(), entry.clone()).is_none()
            {
                all.order.push(word);
            }
        }
        all.functions = self.functions.clone();
        Arc::new(all)
    }

    /// The meaning of a name.
    pub fn get(&self, names: &Names, sym: Sym) -> Option<&Entry> {
        self.file.get(&sym).or_else(|| self.base.get(names.text(sym)))
    }

    /// Gives a name its meaning. The error is `Symbol 'X' already defined`, at the name.
    pub fn define(&mut self, names: &Names, name: Ident, symbol: Symbol) -> Result<(), Diagnostic> {
        self.check_new(names, name)?;
        let at = Span { first: name.tok, last: name.tok };
        self.file.insert(name.sym, Entry { symbol, at });
        self.order.push(name.sym);
        Ok(())
    }

    /// The error that [`Symbols::define`] would give.
    pub fn check_new(&self, names: &Names, name: Ident) -> Result<(), Diagnostic> {
        match self.file.get(&name.sym) {
            None => Ok(()),
            Some(old) => Err(already_defined(names, name, name.tok, old.at)),
        }
    }

    /// Changes the meaning of a name defined before: a filter after its body, a function after its first `return`.
    pub fn redefine(&mut self, sym: Sym, symbol: Symbol) {
        if let Some(entry) = self.file.get_mut(&sym) {
            entry.symbol = symbol;
        }
    }

    /// Defines a name that may exist: tables `master4` and `master6` in BIRD 2.
    pub fn define_again(&mut self, name: Ident, symbol: Symbol) {
        let at = Span { first: name.tok, last: name.tok };
        if self.file.insert(name.sym, Entry { symbol, at }).is_none() {
            self.order.push(name.sym);
        }
    }

    /// The next function's number.
    pub fn new_function(&mut self) -> FnId {
        self.functions.push(None);
        FnId(self.functions.len() as u32 - 1)
    }

    /// Stores the code of a function.
    pub fn set_code(&mut self, id: FnId, code: Arc<Code>) {
        if let Some(slot) = self.functions.get_mut(id.0 as usize) {
            *slot = Some(code);
        }
    }

    /// The code of a function, once its body was compiled.
    pub fn code(&self, id: FnId) -> Option<&Arc<Code>> {
        self.functions.get(id.0 as usize)?.as_ref()
    }

    /// The type of a table.
    pub fn table(&self, names: &Names, name: Ident) -> Result<NetType, Diagnostic> {
        match self.known(names, name)? {
            Symbol::Table(t) => Ok(*t),
            _ => Err(self.wrong_class(names, name, "Table name required")),
        }
    }

    /// A filter.
    pub fn filter(&self, names: &Names, name: Ident) -> Result<&Arc<Filter>, Diagnostic> {
        match self.known(names, name)? {
            Symbol::Filter(f) => Ok(f),
            _ => Err(self.wrong_class(names, name, "Filter name required")),
        }
    }

    /// A function.
    pub fn function(&self, names: &Names, name: Ident) -> Result<&Signature, Diagnostic> {
        match self.known(names, name)? {
            Symbol::Function(f) => Ok(f),
            _ => Err(self.wrong_class(names, name, "Function name required")),
        }
    }

    /// A constant.
    pub fn constant(&self, names: &Names, name: Ident) -> Result<&Value, Diagnostic> {
        match self.known(names, name)? {
            Symbol::Constant(v) => Ok(v),
            _ => Err(self.wrong_class(names, name, "Constant name required")),
        }
    }

    /// An attribute that the user declared.
    pub fn attribute(&self, names: &Names, name: Ident) -> Result<(AttrId, Type), Diagnostic> {
        match self.known(names, name)? {
            Symbol::Attribute(id, ty) => Ok((*id, *ty)),
            _ => Err(self.wrong_class(names, name, "Custom attribute name required")),
        }
    }

    /// The meaning of a name that must have one.
    pub fn known(&self, names: &Names, name: Ident) -> Result<&Symbol, Diagnostic> {
        match self.get(names, name.sym) {
            Some(entry) => Ok(&entry.symbol),
            None => Err(self.undefined(names, name)),
        }
    }

    /// A name of the wrong class: the message, pointing at the token behind the name as BIRD does after a lone symbol.
    pub fn wrong_class(&self, names: &Names, name: Ident, message: &str) -> Diagnostic {
        let here = Span { first: name.tok, last: name.tok };
        let diagnostic = Diagnostic::error(name.tok, message).over(here);
        match self.get(names, name.sym) {
            Some(entry) if entry.at != Span::default() => {
                diagnostic.label(entry.at, format!("`{}` is {}", names.text(name.sym), entry.symbol.class()))
            }
            _ => diagnostic,
        }
    }

    /// A name nobody defined, with the nearest one that exists.
    pub fn undefined(&self, names: &Names, name: Ident) -> Diagnostic {
        self.undefined_among(names, name, std::iter::empty())
    }

    /// As [`Symbols::undefined`], with more words to suggest.
    pub fn undefined_among<'a>(
        &'a self,
        names: &'a Names,
        name: Ident,
        more: impl Iterator<Item = &'a str>,
    ) -> Diagnostic {
        let diagnostic = Diagnostic::error(name.tok, "syntax error, unexpected CF_SYM_UNDEFINED");
        let text = names.text(name.sym);
        if self.declared.contains(&name.sym) {
            return diagnostic
                .help(format!("`{text}` is defined further down: a name is known from its definition on"));
        }
        if let Some(advice) = crate::syntax::foreign_word(text) {
            return diagnostic.help(advice);
        }
        let digits = text.strip_prefix("AS").or(text.strip_prefix("as")).unwrap_or_default();
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return diagnostic.help(format!("an AS number is a plain number: `{digits}`"));
        }
        let file = self.order.iter().map(move |sym| names.text(*sym));
        let base = self.base.order.iter().map(|word| &**word);
        let built_in = attributes::all_names().map(|word| -> &'a str { word });
        let words = BUILT_IN.into_iter().chain(crate::syntax::ENUMS.iter().copied());
        let all = more.chain(file).chain(base).chain(built_in).chain(words);
        match nearest(text, all) {
            Some(word) => diagnostic.help(format!("`{word}` is defined; did you mean that?")),
            None => diagnostic.help(format!("nothing named `{text}` is defined above")),
        }
    }
}

/// Words of expressions that are no names of attributes.
const BUILT_IN: [&str; 14] = [
    "true",
    "false",
    "defined",
    "format",
    "from_hex",
    "prepend",
    "append",
    "add",
    "delete",
    "filter",
    "roa_check",
    "aspa_check",
    "aspa_check_upstream",
    "aspa_check_downstream",
];

/// `Symbol 'X' already defined`.
pub fn already_defined(names: &Names, name: Ident, at: u32, first: Span) -> Diagnostic {
    Diagnostic::error(at, format!("Symbol '{}' already defined", names.text(name.sym)))
        .over(Span { first: name.tok, last: name.tok })
        .label(first, "first defined here")
}

/// The word most like `word`, if one is alike at all: the same in other letters, without its first part, or
/// nearly the same.
pub fn nearest<'a>(word: &str, among: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let far = |candidate: &str| {
        if candidate.eq_ignore_ascii_case(word) {
            return 0;
        }
        let tail = candidate.strip_suffix(word).is_some_and(|head| head.ends_with('_') && word.len() > 2);
        if tail { 1 } else { strsim::damerau_levenshtein(word, candidate) }
    };
    let near = among
        .filter(|w| *w != word && (w.len().abs_diff(word.len()) <= 2 || w.ends_with(word)))
        .map(|w| (far(w), w));
    let (distance, best) = near.min_by_key(|(d, _)| *d)?;
    // Short words are alike by chance.
    let most = match word.len() {
        0..=2 => 0,
        3..=6 => 1,
        _ => 2,
    };
    (distance <= most).then_some(best)
}

impl Symbol {
    /// What it is, for people.
    pub fn class(&self) -> &'static str {
        match self {
            Symbol::Protocol(_) => "a protocol",
            Symbol::Template(_) => "a template",
            Symbol::Table(_) => "a table",
            Symbol::Filter(_) => "a filter",
            Symbol::Function(_) => "a function",
            Symbol::Constant(_) => "a constant",
            Symbol::Attribute(..) => "a custom attribute",
            Symbol::MplsDomain => "an MPLS domain",
            Symbol::MplsRange => "an MPLS range",
            Symbol::ThreadGroup => "a thread group",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn ident(names: &mut Names, word: &str, tok: u32) -> Ident {
        Ident { sym: names.intern(word), tok }
    }

    #[test]
    fn names_are_defined_once_and_suggested() {
        let mut names = Names::default();
        let mut base = Snapshot::default();
        base.predefine("master4", Symbol::Table(NetType::Ip4));
        let mut symbols = Symbols::on(Arc::new(base));
        let (a, again) = (ident(&mut names, "colour", 1), ident(&mut names, "colour", 5));
        symbols.define(&names, a, Symbol::Constant(Value::Int(5))).unwrap();
        let error = symbols.define(&names, again, Symbol::MplsDomain).unwrap_err();
        assert_eq!((error.at, &*error.message), (5, "Symbol 'colour' already defined"));
        let typo = ident(&mut names, "color", 9);
        let error = symbols.known(&names, typo).unwrap_err();
        assert_eq!(error.help.as_deref(), Some("`colour` is defined; did you mean that?"));
        assert_eq!(symbols.table(&names, a).unwrap_err().message, "Table name required");
        let master = ident(&mut names, "master4", 10);
        assert_eq!(symbols.table(&names, master).unwrap(), NetType::Ip4);
    }

    #[test]
    fn a_snapshot_outlives_the_names_of_its_file() {
        let mut names = Names::default();
        let mut symbols = Symbols::default();
        let a = ident(&mut names, "limit", 1);
        symbols.define(&names, a, Symbol::Constant(Value::Int(5))).unwrap();
        let kept = symbols.snapshot(&names);
        let mut others = Names::default();
        others.intern("filler");
        let word = ident(&mut others, "limit", 0);
        assert_eq!(Symbols::on(kept).constant(&others, word).unwrap(), &Value::Int(5));
    }
}
