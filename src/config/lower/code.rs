//! Definitions and filters: where the configuration meets the filter floor.
//!
//! The checker is made anew for each use, out of the names, the words and the list of complaints that the lowering holds.

use std::sync::Arc;

use super::Lowering;
use crate::base::Value;
use crate::filter::compile::{Checker, Locate};
use crate::filter::{Filter, FilterRef, Symbol};
use crate::syntax::Sources;
use crate::syntax::ast::{Body, Cmd, Expr, Function, Ident, Opt, Span, Tok, TypeName};
use crate::syntax::diag::Diagnostic;

/// What the checker asks about tokens.
struct Places<'a>(&'a Sources);

impl Locate for Places<'_> {
    fn line(&self, tok: Tok) -> u32 {
        self.0.line(tok)
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
    }

    pub(super) fn function(&mut self, function: &Function) {
        self.check(|c| c.function(function));
    }

    pub(super) fn eval_item(&mut self, term: &Expr) {
        match self.eval(term) {
            None | Some(Value::Int(_)) => {}
            Some(_) => {
                let text = "Expression of type int expected";
                self.push(Diagnostic::error(term.span.lookahead(), text).over(term.span));
            }
        }
    }

    /// Self tests run with `bird --test` only; here their names are checked.
    pub(super) fn self_test(&mut self, opt: &Opt) {
        for index in 0..opt.args.len() {
            let Some(name) = self.name_arg(opt, index) else { continue };
            let is_function = |symbol: &Symbol| matches!(symbol, Symbol::Function(_)).then_some(());
            self.lookup(name, "Function name required", &["CF_SYM_KNOWN"], is_function);
        }
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
