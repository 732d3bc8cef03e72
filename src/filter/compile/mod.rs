//! The checker and compiler: statements of the syntax tree become programs and values.
//!
//! One walk over the tree resolves names, checks types, computes constant parts and emits instructions.
//! Nothing stops at the first error; a part that is wrong has an unknown type, which fits everywhere, so that
//! one mistake is told once. Every error points at the token BIRD would have read last: for an operator that
//! is the token *behind* its operands, because only that one tells BIRD's parser that the expression is
//! complete; for a call it is the closing parenthesis.
//!
//! [`Checker`] is made anew for each statement from the state that outlives it: names, attributes, diagnostics.

mod assert;
mod body;
mod call;
mod command;
mod condition;
mod expr;
mod lint;
mod net;
mod set;

use std::sync::Arc;

use body::{Body, Kind, Loc, Term};

use super::attributes::{self, Builtin, CustomAttrs};
use super::code::{Code, Op, Verdict};
use super::env::{Env, NoEnv};
use super::program::{Filter, Program};
use super::symbols::{Signature, Symbol, Symbols};
use super::types::Type;
use super::vm::{self, Machine};
use crate::base::Value;
use crate::syntax::ast::{self, Cmd, Expr, ExprKind, Function, Ident, Span, Tok, TypeName};
use crate::syntax::diag::{Diagnostic, Diagnostics};
use crate::syntax::names::Names;
use crate::syntax::{Excerpt, Sources};

/// What the checker asks about tokens.
pub trait Locate {
    /// The line of a token.
    fn line(&self, tok: Tok) -> u32;
    /// The file of a token; empty where there is none.
    fn file(&self, _tok: Tok) -> String {
        String::new()
    }
    /// The text of a span, to be kept.
    fn excerpt(&self, _span: Span) -> Option<Arc<Excerpt>> {
        None
    }
    /// The name of a token in BIRD's syntax errors: `'('`, `NUM`, `GW`, ...
    fn token_name(&self, tok: Tok) -> String;
    /// Whether names that only version 3 has are unknown: commands are those of 2.19, while files may be of
    /// either version.
    fn only_version_2(&self) -> bool {
        false
    }
}

impl Locate for Sources {
    fn line(&self, tok: Tok) -> u32 {
        Sources::line(self, tok)
    }

    fn file(&self, tok: Tok) -> String {
        self.locate(tok).path.display().to_string()
    }

    fn excerpt(&self, span: Span) -> Option<Arc<Excerpt>> {
        Excerpt::new(self, span)
    }

    /// Good enough for the few places where only names tell that the syntax is wrong.
    fn token_name(&self, tok: Tok) -> String {
        let text = self.text(Span { first: tok, last: tok });
        match text.chars().next() {
            None => "END".into(),
            Some('"') => "TEXT".into(),
            Some(c) if c.is_ascii_digit() => "NUM".into(),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => text.to_uppercase(),
            Some(_) => format!("'{text}'"),
        }
    }
}

/// Everything on line 1, for terms of the control socket.
#[derive(Debug, Default, Clone, Copy)]
pub struct OneLine;

impl Locate for OneLine {
    fn line(&self, _tok: Tok) -> u32 {
        1
    }
    fn token_name(&self, _tok: Tok) -> String {
        "CF_SYM_KNOWN".into()
    }
    fn only_version_2(&self) -> bool {
        true
    }
}

/// Checks and compiles.
pub struct Checker<'a> {
    /// The names known so far.
    pub symbols: &'a mut Symbols,
    /// Their text.
    pub names: &'a Names,
    /// Attributes of users.
    pub custom: &'a CustomAttrs,
    /// Lines.
    pub locate: &'a dyn Locate,
    /// Where errors go.
    pub diagnostics: &'a mut Diagnostics,
    /// The outside of functions that are called while the file is read (`print`).
    pub env: &'a dyn Env,
    machine: Machine,
    /// Local variables around a constant being computed: they exist, but have no value yet.
    outer: Vec<crate::syntax::names::Sym>,
}

impl<'a> Checker<'a> {
    /// A checker over the state of a configuration being read.
    pub fn new(
        symbols: &'a mut Symbols,
        names: &'a Names,
        custom: &'a CustomAttrs,
        locate: &'a dyn Locate,
        diagnostics: &'a mut Diagnostics,
    ) -> Checker<'a> {
        Checker {
            symbols,
            names,
            custom,
            locate,
            diagnostics,
            env: &NoEnv,
            machine: Machine::default(),
            outer: Vec::new(),
        }
    }

    fn error(&mut self, at: Tok, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message).over(span));
    }

    fn warning(&mut self, at: Tok, span: Span, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::warning(at, message).over(span));
    }

    /// The built-in attribute of this name.
    fn builtin(&self, name: &str) -> Option<Builtin> {
        let hidden = self.locate.only_version_2() && attributes::ONLY_IN_3.contains(&name);
        if hidden { None } else { attributes::lookup(name) }
    }

    fn text(&self, ident: Ident) -> &'a str {
        self.names.text(ident.sym)
    }

    /// `filter NAME ... { }`: checks the body and defines the name, which no function inside can use.
    pub fn filter(&mut self, name: Ident, body: &ast::Body) {
        if let Err(diagnostic) = self.symbols.check_new(self.names, name) {
            self.diagnostics.push(diagnostic);
            self.body(Kind::Filter, self.names.shared(name.sym), body);
            return;
        }
        let empty = Filter { name: self.names.shared(name.sym), program: Program::default() };
        let defined = self.symbols.define(self.names, name, Symbol::Filter(Arc::new(empty)));
        debug_assert!(defined.is_ok());
        if let Some(filter) = self.body(Kind::Filter, self.names.shared(name.sym), body) {
            self.symbols.redefine(name.sym, Symbol::Filter(Arc::new(filter)));
        }
    }

    /// `filter { ... }` in place of a name.
    pub fn inline_filter(&mut self, body: &ast::Body) -> Option<Arc<Filter>> {
        self.body(Kind::Filter, "(unnamed)".into(), body).map(Arc::new)
    }

    /// Commands that see the variable `routes` (`merge by { }` of an aggregator).
    pub fn merge_filter(&mut self, body: &ast::Body) -> Option<Arc<Filter>> {
        self.body(Kind::Merge, "(unnamed)".into(), body).map(Arc::new)
    }

    /// `where TERM`: accepts if the term is true.
    pub fn where_filter(&mut self, term: &Expr) -> Option<Arc<Filter>> {
        let errors = self.errors();
        let mut body = Body::new(Kind::Filter);
        let at = term.span.lookahead();
        let mut refused = Vec::new();
        let asking = condition::Asking::by(super::code::Asker::If, at);
        self.condition(&mut body, term, false, &mut refused, asking);
        let source = self.source(at);
        for verdict in [Verdict::Accept, Verdict::Reject] {
            if verdict == Verdict::Reject {
                body.patch(&refused);
            }
            let site = body.site(verdict, source);
            body.emit(Op::Verdict { verdict, site }, source);
        }
        body.text = self.locate.excerpt(term.span.to(Span { first: at, last: at }));
        self.finish_filter(body, "(unnamed)".into(), errors).map(Arc::new)
    }

    /// The commands in braces behind a static route.
    pub fn route_commands(&mut self, commands: &[Cmd], close: Tok) -> Option<Arc<Program>> {
        let errors = self.errors();
        let mut body = Body::new(Kind::Commands);
        self.block(&mut body, commands);
        self.tell_overlap(&body, close + 1);
        body.emit(Op::End, self.source(close));
        let first = commands.first().map_or(close, |c| c.span.first);
        body.text = self.locate.excerpt(Span { first, last: close });
        self.link(body, "".into(), errors).map(Arc::new)
    }

    /// A term, to be evaluated by [`vm::evaluate`]: `eval` of the control socket.
    pub fn term(&mut self, term: &Expr) -> Option<Program> {
        let errors = self.errors();
        let mut body = Body::new(Kind::Term);
        let value = self.expr(&mut body, term);
        let a = body.operand(&value);
        let source = self.source(term.span.lookahead());
        body.emit(Op::Return { a }, source);
        body.emit(Op::End, source);
        self.link(body, "".into(), errors)
    }

    /// The value of a term, computed now: `define`, members of sets, arguments in parentheses.
    pub fn constant(&mut self, term: &Expr) -> Option<Value> {
        self.constant_at(term, term.span.lookahead())
    }

    /// As [`Checker::constant`], with the token that BIRD has read by then.
    fn constant_at(&mut self, term: &Expr, at: Tok) -> Option<Value> {
        // Sets have a million of these.
        match &term.kind {
            ExprKind::Int(n) => return Some(Value::Int(*n)),
            ExprKind::Ip(ip) => return Some(expr::ip_value(*ip)),
            _ => {}
        }
        let errors = self.errors();
        let mut body = Body::new(Kind::Term);
        let value = self.expr(&mut body, term);
        match value.loc {
            Loc::Const(value) => return (self.errors() == errors).then_some(value),
            Loc::Poison => return None,
            Loc::At(_) => {}
        }
        let a = body.operand(&value);
        body.emit(Op::Return { a }, self.source(at));
        body.emit(Op::End, self.source(at));
        let program = self.link(body, "".into(), errors)?;
        let help = match vm::evaluate(&program, &mut self.machine, self.env) {
            Ok(Some(value)) => return Some(value),
            Ok(None) => "`accept` and `reject` decide about routes, and there is none here".to_owned(),
            Err(error) => {
                self.env.runtime_error(error.line, &error.message);
                format!("line {}: {}", error.line, error.message)
            }
        };
        let message = "Runtime error while evaluating expression; see log for details";
        self.diagnostics.push(Diagnostic::error(at, message).over(term.span).help(help));
        None
    }

    /// `function NAME (...) { }`: defines the name, then checks the body, which may call it.
    pub fn function(&mut self, function: &Function) {
        let mut args = Vec::new();
        for arg in &function.args {
            args.push(self.type_of(&arg.ty));
        }
        let declared = function.returns.as_ref().map(|ty| self.type_of(ty));
        let id = self.symbols.new_function();
        let mut signature = Signature { id, args: args.into(), returns: declared.unwrap_or(Type::Unknown) };
        let fresh = self.symbols.define(self.names, function.name, Symbol::Function(signature.clone()));
        let is_fresh = fresh.is_ok();
        if let Err(diagnostic) = fresh {
            self.diagnostics.push(diagnostic);
        }
        let errors = self.errors();
        let name = self.names.shared(function.name.sym);
        let mut body = Body::new(Kind::Function {
            name: name.clone(),
            symbol: function.name.sym,
            id,
            returns: declared,
        });
        for (arg, ty) in function.args.iter().zip(signature.args.clone().iter()) {
            self.declare(&mut body, arg.name, *ty, arg.span.lookahead(), false);
        }
        let count = body.next;
        self.lint_function(function);
        self.commands(&mut body, &function.body);
        body.emit(Op::End, self.source(function.body.close));
        if let Kind::Function { returns: Some(ty), .. } = body.kind {
            signature.returns = ty;
        }
        if is_fresh {
            self.symbols.redefine(function.name.sym, Symbol::Function(signature));
        }
        if self.errors() == errors {
            let whole = Span { first: function.name.tok, last: function.body.close };
            body.text = self.locate.excerpt(whole);
            let code = Code { args: count, ..body.finish(name, self.symbols) };
            self.symbols.set_code(id, Arc::new(code));
        }
    }

    /// `attribute TYPE NAME;` (3.x types are welcome). `attribute bgp N` is [`Checker::bgp_attribute`].
    pub fn attribute(&mut self, ty: &TypeName, name: Ident) {
        let ty = self.type_of(ty);
        let at = name.tok + 1;
        if ty == Type::Routes {
            self.error(
                at,
                Span { first: name.tok, last: name.tok },
                "Custom route attribute of unsupported type",
            );
            return;
        }
        let Some(id) = self.custom.declare(self.text(name), ty) else {
            self.diagnostics.push(
                Diagnostic::error(at, "Too many custom attributes")
                    .over(Span { first: name.tok, last: name.tok })
                    .help("32768 names with their types are told apart as long as the daemon runs"),
            );
            return;
        };
        if let Err(diagnostic) = self.symbols.define(self.names, name, Symbol::Attribute(id, ty)) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// `attribute bgp N TYPE NAME;`
    pub fn bgp_attribute(&mut self, number: &Expr, ty: &TypeName, name: Ident) {
        let written = self.type_of(ty);
        let Some(n) = self.number(number) else { return };
        let at = name.tok + 1;
        let here = Span { first: name.tok, last: name.tok };
        let Some(code) = u8::try_from(n).ok().filter(|n| *n > 0) else {
            return self.error(
                at,
                number.span,
                format!("Invalid attribute number (Given {n}, must be 1-255)"),
            );
        };
        let known = super::attributes::by_id(crate::table::AttrId(super::attributes::id::BGP + code as u16));
        let symbol = match known {
            Some(known) if known.ty == written => Symbol::Attribute(known.id, known.ty),
            Some(known) if written == Type::Bytes => {
                return self.error(
                    at,
                    here,
                    format!("Attribute {} already known as {}", known.shown, known.name),
                );
            }
            _ if written != Type::Bytes => {
                return self.error(at, here, format!("Attribute type must be bytestring, not {written}"));
            }
            _ => Symbol::Attribute(self.custom.declare_bgp(code, self.text(name)), Type::Bytes),
        };
        if let Err(diagnostic) = self.symbols.define(self.names, name, symbol) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// `define NAME = TERM;`
    pub fn define(&mut self, name: Ident, term: &Expr) {
        let value = self.constant(term);
        // BIRD enters the name when it has read the semicolon.
        match self.symbols.check_new(self.names, name) {
            Err(diagnostic) => self.diagnostics.push(Diagnostic { at: name.tok, ..diagnostic }),
            Ok(()) => {
                // A wrong value still defines the name, or every use would be another error.
                let value = value.unwrap_or_default();
                let defined = self.symbols.define(self.names, name, Symbol::Constant(value));
                debug_assert!(defined.is_ok());
            }
        }
    }

    /// A written type; errors are told, and the type is unknown then.
    fn type_of(&mut self, ty: &TypeName) -> Type {
        let of = ty.of.map_or("", |ident| self.text(ident));
        match Type::written(ty, of) {
            Ok(known) => known,
            Err(message) => {
                let at = match (ty.of, ty.set) {
                    (Some(ident), false) => ident.tok,
                    (Some(ident), true) if message.starts_with("syntax") => ident.tok,
                    _ => ty.span.lookahead(),
                };
                self.error(at, ty.span, message);
                Type::Unknown
            }
        }
    }

    fn errors(&self) -> usize {
        self.diagnostics.error_count()
    }

    fn body(&mut self, kind: Kind, name: Arc<str>, ast: &ast::Body) -> Option<Filter> {
        let errors = self.errors();
        let mut body = Body::new(kind);
        if matches!(body.kind, Kind::Filter) {
            self.lint_filter(ast);
        }
        self.commands(&mut body, ast);
        body.emit(Op::End, self.source(ast.close));
        let first = ast.locals.first().map_or(ast.open, |local| local.span.first.min(ast.open));
        body.text = self.locate.excerpt(Span { first, last: ast.close });
        self.finish_filter(body, name, errors)
    }

    fn finish_filter(&mut self, body: Body, name: Arc<str>, errors: usize) -> Option<Filter> {
        let program = self.link(body, name.clone(), errors)?;
        Some(Filter { name, program })
    }

    fn link(&mut self, body: Body, name: Arc<str>, errors: usize) -> Option<Program> {
        if self.errors() != errors || body.poisoned {
            return None;
        }
        Program::link(Arc::new(body.finish(name, self.symbols)), self.symbols)
    }
}

/// Whether a value of this type may stand where another is wanted, after conversions that only constants get.
fn promote(term: &mut Term, wanted: Type) {
    let Loc::Const(value) = &term.loc else { return };
    let converted = match (wanted, value) {
        (Type::Quad, Value::Ip(ip)) => crate::base::net::ipv4_number(*ip).map(Value::Quad),
        (Type::PrefixSet, Value::Set(set)) if set.is_empty() => Some(Value::PrefixSet(Arc::default())),
        _ => None,
    };
    if let Some(value) = converted {
        *term = Term { ty: wanted, loc: Loc::Const(value) };
    }
}
