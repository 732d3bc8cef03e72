//! Definitions and filters: where the configuration meets the filter floor.
//!
//! The checker is made anew for each use, out of the names, the words and the list of complaints that the
//! lowering holds.

use std::sync::Arc;

use super::Lowering;
use crate::base::Value;
use crate::config::{SelfTest, SelfTestKind};
use crate::filter::compile::{Checker, Locate};
use crate::filter::{Filter, FilterRef, Program, Symbol};
use crate::syntax::ast::{Body, Cmd, Expr, ExprKind, Function, Ident, Opt, Span, Tok, TypeName};
use crate::syntax::diag::Diagnostic;
use crate::syntax::{Excerpt, Sources};

/// What the checker asks about tokens.
struct Places<'a>(&'a Sources);

impl Locate for Places<'_> {
    fn line(&self, tok: Tok) -> u32 {
        self.0.line(tok)
    }

    fn file(&self, tok: Tok) -> String {
        Locate::file(self.0, tok)
    }

    fn excerpt(&self, span: Span) -> Option<Arc<Excerpt>> {
        Locate::excerpt(self.0, span)
    }

    fn token_name(&self, tok: Tok) -> String {
        token_name(&self.0.text(Span { first: tok, last: tok }))
    }
}

/// What BIRD's parser calls a token that is written like this.
fn token_name(text: &str) -> String {
    match text.chars().next() {
        None => "END".to_owned(),
        Some('"') => "TEXT".to_owned(),
        Some('0'..='9') => "NUM".to_owned(),
        Some(c) if c.is_alphabetic() || c == '_' => match tern_grammar::KEYWORDS.contains(&text) {
            true => text.to_uppercase(),
            false if tern_grammar::ENUMS.contains(&text) => "ENUM_TOKEN".to_owned(),
            false => "CF_SYM_KNOWN".to_owned(),
        },
        Some(_) => format!("'{text}'"),
    }
}

impl Lowering<'_> {
    /// Runs the checker on something.
    fn check<T>(&mut self, work: impl FnOnce(&mut Checker<'_>) -> T) -> T {
        let places = Places(self.sources);
        let state = &mut *self.state;
        let mut checker =
            Checker::new(&mut state.symbols, self.names, &state.custom, &places, &mut state.diagnostics);
        work(&mut checker)
    }

    /// The value of a term that is evaluated while the file is read; `None` after an error was reported.
    pub fn eval(&mut self, expr: &Expr) -> Option<Value> {
        // A constant whose own definition was refused has no value either.
        self.check(|c| c.constant(expr)).filter(|v| *v != Value::Void)
    }

    pub(super) fn define_constant(&mut self, name: Ident, value: &Expr, span: Span) {
        match self.check(|c| c.constant(value)) {
            Some(value) => {
                self.define(name, span.last, Symbol::Constant(value));
            }
            None => self.fail_name(name),
        }
    }

    pub(super) fn attribute(&mut self, ty: TypeName, bgp: Option<&Expr>, name: Ident, span: Span) {
        if self.symbol(name.sym).is_some() && !self.state.failed.remove(&name.sym) {
            // Taken: the definition says so at its semicolon, whatever it would have become.
            self.define(name, span.last, Symbol::Constant(Value::Void));
            return;
        }
        self.check(|c| match bgp {
            Some(number) => c.bgp_attribute(number, &ty, name),
            None => c.attribute(&ty, name),
        });
        self.fail_name(name);
    }

    pub(super) fn filter_item(&mut self, name: Ident, body: &Body) {
        self.check(|c| c.filter(name, body));
        let (text, place) = (self.name(name), self.place(name.tok));
        self.state.filter_places.insert(text, place);
    }

    pub(super) fn function(&mut self, function: &Function) {
        self.check(|c| c.function(function));
    }

    pub(super) fn eval_item(&mut self, term: &Expr) {
        match self.check(|c| c.constant(term)) {
            None | Some(Value::Int(_)) => {}
            // A constant whose own definition was refused.
            Some(Value::Void) if matches!(term.kind, ExprKind::Name(_)) => {}
            Some(_) => {
                let text = "Expression of type int expected";
                self.push(Diagnostic::error(term.span.lookahead(), text).over(term.span));
            }
        }
    }

    /// Self-tests run with `bird --test` only; here they are checked and kept.
    pub(super) fn self_test(&mut self, opt: &Opt) {
        let place = self.place(opt.span.first);
        let kind = match opt.key {
            "bt test suite" => {
                let body = self.tested(opt, 0, false);
                let title = self.text(opt, 1);
                let (Some(body), Some(title)) = (body, title) else { return };
                SelfTestKind::Suite { body, title }
            }
            _ => {
                let (first, second) = (self.tested(opt, 0, true), self.tested(opt, 1, true));
                let expected = self.expr(opt, 2);
                let (Some(first), Some(second), Some(expected)) = (first, second, expected) else { return };
                SelfTestKind::Same { bodies: [first, second], expected: expected != 0 }
            }
        };
        self.state.self_tests.push(SelfTest { place, kind });
    }

    /// A function (or filter) named in a self-test, ready to run; `None` after an error was reported, here or
    /// in its body.
    fn tested(&mut self, opt: &Opt, index: usize, compared: bool) -> Option<Arc<Filter>> {
        let name = self.name_arg(opt, index)?;
        let pick = |symbol: &Symbol| match symbol {
            Symbol::Function(signature) => Some(Err(signature.clone())),
            Symbol::Filter(filter) if compared => Some(Ok(filter.clone())),
            _ => None,
        };
        let signature = match self.lookup(name, "Function name required", &["CF_SYM_KNOWN"], pick)? {
            Ok(filter) => return Some(filter),
            Err(signature) => signature,
        };
        if !compared && !signature.args.is_empty() {
            let here = Span { first: name.tok, last: name.tok };
            let text = format!("Function {} of a test suite must take no arguments", self.name(name));
            self.push(Diagnostic::error(name.tok, text).over(here));
            return None;
        }
        let symbols = &self.state.symbols;
        let program = Program::link(symbols.code(signature.id)?.clone(), symbols)?;
        Some(Arc::new(Filter { name: self.name(name), program }))
    }

    pub(super) fn inline_filter(&mut self, body: &Body) -> Option<FilterRef> {
        self.check(|c| c.inline_filter(body)).map(FilterRef::Inline)
    }

    pub(super) fn where_filter(&mut self, term: &Expr) -> Option<FilterRef> {
        self.check(|c| c.where_filter(term)).map(FilterRef::Inline)
    }

    /// Commands that run on one static route.
    pub fn commands(&mut self, list: &[Cmd], span: Span) -> Option<FilterRef> {
        let program = self.check(|c| c.route_commands(list, span.last))?;
        let program = Arc::into_inner(program)?;
        Some(FilterRef::Inline(Arc::new(Filter { name: "".into(), program })))
    }
}
