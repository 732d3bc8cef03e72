//! What names and terms of the command line mean in the running configuration.

use std::io::Write as _;
use std::sync::Arc;

use super::filters::{FilterRunner, OffEngine};
use crate::base::prefix_set::PrefixSet;
use crate::base::{Net, Value};
use crate::config::{Config, FilterRef};
use crate::control::backend::{FilterKind, RouteText, Scope, TermError};
use crate::control::command::lex::{Token, token};
use crate::control::view::SymbolClass;
use crate::control::view::route::{Naming, RouteFilter, Verdict};
use crate::engine::Handle;
use crate::filter::attributes::{CustomAttrs, all_names, id, show};
use crate::filter::compile::OneLine;
use crate::filter::{Checker, Machine, Symbol, Symbols};
use crate::syntax::diag::{Diagnostic, Diagnostics, Severity};
use crate::syntax::names::{Names, Sym};
use crate::syntax::{self, Part};
use crate::table::{AttrId, Attrs, Route};

/// The names of one configuration.
pub(super) struct ConfigScope {
    config: Arc<Config>,
    custom: CustomAttrs,
    handle: Handle,
}

impl ConfigScope {
    pub(super) fn new(config: Arc<Config>, custom: CustomAttrs, handle: Handle) -> ConfigScope {
        ConfigScope { config, custom, handle }
    }

    /// The language's words and those of the configuration's names that hide one of them.
    fn words(&self) -> (Names, Vec<Sym>) {
        let names = syntax::fresh_names();
        let taken = self.config.symbols.iter().filter_map(|(word, _)| names.find(word)).collect();
        (names, taken)
    }

    /// Checks a parsed piece; the first error is the answer.
    fn check<T, R>(
        &self,
        part: &Part<T>,
        work: impl FnOnce(&mut Checker<'_>, &T) -> Option<R>,
    ) -> Result<R, TermError> {
        let mut symbols = Symbols::on(self.config.symbols.clone());
        let mut diagnostics = Diagnostics::default();
        let world = OffEngine::new(self.handle.clone());
        let mut checker = Checker::new(&mut symbols, &part.names, &self.custom, &OneLine, &mut diagnostics);
        checker.env = &world;
        let result = work(&mut checker, &part.value);
        let error = diagnostics.sorted().into_iter().find(|d| d.severity == Severity::Error);
        match (result, error) {
            (Some(result), None) => Ok(result),
            (_, Some(error)) => Err(refused(error)),
            (None, None) => Err(TermError::Runtime),
        }
    }
}

/// Attributes under their names.
pub(super) struct AttributeText(pub(super) CustomAttrs);

impl RouteText for AttributeText {
    fn attribute(&self, id: AttrId, value: &Value, out: &mut Vec<u8>) {
        // Writing into memory does not fail.
        let _ = write!(out, "{}", show(id, value, &self.0));
    }

    fn igp_metric(&self, attrs: &Attrs) -> Option<u32> {
        attrs.get_int(id::IGP_METRIC)
    }

    fn mpls_label(&self, attrs: &Attrs) -> Option<u32> {
        // BIRD takes the highest number for none.
        attrs.get_int(id::MPLS_LABEL).filter(|label| *label != u32::MAX)
    }
}

/// Runs something that recurses as deep as a command nests, the end of its syntax tree included.
fn deep<T: Send>(work: impl FnOnce() -> Result<T, TermError> + Send) -> Result<T, TermError> {
    syntax::on_big_stack(work).unwrap_or_else(|why| Err(TermError::Parse(why)))
}

/// An error as one line. A hint follows a syntax error in parentheses; what BIRD has a text of its own for keeps that text.
fn refused(error: Diagnostic) -> TermError {
    TermError::Parse(match error.help {
        Some(help) if error.message.starts_with("syntax error") => format!("{} ({help})", error.message),
        _ => error.message,
    })
}

fn class(symbol: &Symbol) -> SymbolClass {
    match symbol {
        Symbol::Protocol(kind) => SymbolClass::Protocol(kind),
        Symbol::Template(_) => SymbolClass::Template,
        Symbol::Table(kind) => SymbolClass::Table(*kind),
        Symbol::Filter(_) => SymbolClass::Filter,
        Symbol::Function(_) => SymbolClass::Function,
        Symbol::Constant(_) => SymbolClass::Constant,
        Symbol::Attribute(..) => SymbolClass::Attribute,
        Symbol::MplsDomain => SymbolClass::MplsDomain,
        Symbol::MplsRange => SymbolClass::MplsRange,
        Symbol::ThreadGroup => SymbolClass::Undefined,
    }
}

impl Scope for ConfigScope {
    fn find(&self, name: &str) -> Option<SymbolClass> {
        // The class of a protocol carries its kind as shells show it, so the configuration is asked first.
        let protocol = self.config.protocol(name).map(|p| SymbolClass::Protocol(p.kind.display()));
        protocol.or_else(|| self.config.symbols.get(name).map(|entry| class(&entry.symbol)))
    }

    fn list(&self) -> Vec<(Arc<str>, SymbolClass)> {
        let symbols = self.config.symbols.iter();
        symbols.map(|(word, entry)| (word.clone(), class(&entry.symbol))).collect()
    }

    fn attributes(&self) -> Vec<&'static str> {
        all_names().chain(syntax::ENUMS.iter().copied()).collect()
    }

    fn nets(&self, text: &str) -> Result<(Arc<PrefixSet>, usize), TermError> {
        let (names, taken) = self.words();
        let (program, rest) = deep(|| {
            let part = syntax::parse_term(text, &names, &taken).map_err(refused)?;
            Ok((self.check(&part, |checker, term| checker.term(term))?, part.rest))
        })?;
        let world = OffEngine::new(self.handle.clone());
        match crate::filter::evaluate(&program, &mut Machine::default(), &world) {
            Ok(Some(Value::PrefixSet(set))) => Ok((set, rest)),
            Ok(_) => Err(TermError::Parse("Prefix set expected".to_owned())),
            Err(error) => {
                world.error(error.line, &error.message);
                Err(TermError::Runtime)
            }
        }
    }

    fn eval(&self, term: &str) -> Result<String, TermError> {
        let (names, taken) = self.words();
        let program = deep(|| {
            let part = syntax::parse_term(term, &names, &taken).map_err(refused)?;
            let rest = token(term, part.rest);
            if rest.token != Token::End {
                let text = term.get(rest.from..rest.to).unwrap_or_default();
                return Err(TermError::Parse(format!("syntax error, unexpected '{text}', expecting END")));
            }
            self.check(&part, |checker, term| checker.term(term))
        })?;
        let world = OffEngine::new(self.handle.clone());
        match crate::filter::evaluate(&program, &mut Machine::default(), &world) {
            Ok(Some(value)) => Ok(value.to_string()),
            Ok(None) => Err(TermError::Runtime),
            Err(error) => {
                world.error(error.line, &error.message);
                Err(TermError::Runtime)
            }
        }
    }

    fn filter(&self, kind: FilterKind, text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError> {
        let (names, taken) = self.words();
        let (filter, rest) = match kind {
            FilterKind::Where => deep(|| {
                let part = syntax::parse_term(text, &names, &taken).map_err(refused)?;
                Ok((self.check(&part, |checker, term| checker.where_filter(term))?, part.rest))
            })?,
            FilterKind::Inline => deep(|| {
                let part = syntax::parse_filter_body(text, &names, &taken).map_err(refused)?;
                Ok((self.check(&part, |checker, body| checker.inline_filter(body))?, part.rest))
            })?,
            FilterKind::Named => {
                let spot = token(text, 0);
                let entry = match spot.token {
                    Token::Word(name) | Token::Quoted(name) => self.config.symbols.get(name),
                    _ => None,
                };
                match entry.map(|entry| &entry.symbol) {
                    Some(Symbol::Filter(filter)) => (filter.clone(), spot.to),
                    _ => return Err(TermError::Parse("Filter name required".into())),
                }
            }
        };
        let runner = FilterRunner::new(self.handle.clone());
        Ok((Arc::new(LineFilter { filter: FilterRef::Inline(filter), runner }), rest))
    }
}

/// A filter of the command line.
struct LineFilter {
    filter: FilterRef,
    runner: FilterRunner,
}

impl RouteFilter for LineFilter {
    fn run(&self, net: &Net, route: &Route, naming: &Naming) -> Verdict {
        self.runner.run(&self.filter, net, route, naming)
    }
}
