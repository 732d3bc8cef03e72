//! Calls: functions of the user, functions of the language, methods.

use super::body::{Body, Loc, Term};
use super::{Checker, promote};
use crate::base::{NetType, Value};
use crate::filter::attributes::{self, Builtin};
use crate::filter::code::{Blank, Op, Opd, Place, Reg};
use crate::filter::ops::{self, MethodInfo};
use crate::filter::symbols::Symbol;
use crate::filter::types::Type;
use crate::syntax::ast::{Expr, ExprKind, Ident, Span, Tok};
use crate::syntax::diag::Diagnostic;

/// Methods as other languages call them.
fn same_method(word: &str, ours: &str) -> bool {
    matches!(
        (word, ours),
        ("append" | "insert" | "push", "add" | "prepend")
            | ("remove" | "del", "delete")
            | ("size" | "count", "len")
            | ("origin", "last")
    )
}

impl Checker<'_> {
    /// `NAME(ARGS)`. Complaints about the call as a whole point at the closing parenthesis.
    pub(super) fn call(&mut self, body: &mut Body, function: Ident, args: &[Expr], span: Span) -> Term {
        let known = body.local(function.sym).is_none().then(|| self.symbols.get(self.names, function.sym));
        match known.map(|entry| entry.map(|e| &e.symbol)) {
            Some(Some(Symbol::Function(signature))) => {
                let signature = signature.clone();
                return self.user_call(body, function, &signature, args, span);
            }
            Some(None) => {}
            // Its definition is wrong; that was said there.
            Some(Some(Symbol::Constant(Value::Void))) => {
                for arg in args {
                    self.expr(body, arg);
                }
                return Term::poison();
            }
            _ => {
                let message = "You can't call something which is not a function. Really.";
                let mut error = Diagnostic::error(span.last, message).over(span);
                if let Some(entry) = self.symbols.get(self.names, function.sym) {
                    let name = self.text(function);
                    if matches!(entry.symbol, Symbol::Filter(_)) {
                        error = error.help(format!("`{name}` is a filter: `import filter {name};` takes it as a whole; what is called from filters is a function"));
                    }
                    if entry.at != Span::default() {
                        error = error.label(entry.at, format!("`{name}` is {}", entry.symbol.class()));
                    }
                }
                self.diagnostics.push(error);
                return Term::poison();
            }
        }
        let name = self.text(function);
        match (name, args) {
            ("defined", [arg]) => self.defined(body, arg, span),
            ("format", [arg]) => self.format(body, arg, span),
            ("from_hex", [arg]) => self.hex_call(body, arg, span),
            ("prepend" | "append" | "add" | "delete" | "filter", [object, arg]) => {
                self.function_form(body, name, object, arg, span)
            }
            ("roa_check", [table]) => self.check_route(body, table, span, Check::Roa),
            ("roa_check", [table, net, asn]) => self.roa_check(body, table, net, asn, span),
            ("aspa_check", [table, path, upstream]) => self.aspa_check(body, table, path, upstream, span),
            ("aspa_check_upstream", [table]) => self.check_route(body, table, span, Check::Aspa(true)),
            ("aspa_check_downstream", [table]) => self.check_route(body, table, span, Check::Aspa(false)),
            (
                "defined"
                | "format"
                | "from_hex"
                | "prepend"
                | "append"
                | "add"
                | "delete"
                | "filter"
                | "roa_check"
                | "aspa_check"
                | "aspa_check_upstream"
                | "aspa_check_downstream",
                _,
            ) => self.wrong_count(name, args, span),
            _ => {
                for arg in args {
                    self.expr(body, arg);
                }
                self.undefined(body, function)
            }
        }
    }

    /// Too few or too many arguments for a function of the language: for BIRD a mistake of syntax.
    fn wrong_count(&mut self, name: &str, args: &[Expr], span: Span) -> Term {
        let wanted = match name {
            "prepend" | "append" | "add" | "delete" | "filter" => 2,
            "aspa_check" => 3,
            "roa_check" if args.len() > 1 => 3,
            _ => 1,
        };
        let at = match args.get(wanted) {
            Some(extra) => extra.span.first - 1,
            None => span.last,
        };
        let token = self.locate.token_name(at);
        self.error(at, span, format!("syntax error, unexpected {token}"));
        Term::poison()
    }

    fn user_call(
        &mut self,
        body: &mut Body,
        function: Ident,
        signature: &crate::filter::symbols::Signature,
        args: &[Expr],
        span: Span,
    ) -> Term {
        let first = body.next;
        let mut terms = Vec::with_capacity(args.len());
        for arg in args {
            let slot = body.next;
            let mut term = self.expr(body, arg);
            if let Some(wanted) = signature.args.get(terms.len()) {
                promote(&mut term, *wanted);
            }
            self.put(body, &term, slot, arg.span.last);
            terms.push(term);
        }
        let name = self.text(function);
        if terms.len() != signature.args.len() {
            let (wanted, got) = (signature.args.len(), terms.len());
            self.error(
                span.last,
                span,
                format!("Function '{name}' expects {wanted} arguments, got {got} arguments"),
            );
            return Term::poison();
        }
        for (i, (term, wanted)) in terms.iter().zip(signature.args.iter()).enumerate() {
            if !wanted.takes(term.ty) {
                let message = format!("Argument {} of '{name}' must be {wanted}, got {}", i + 1, term.ty);
                self.error(span.last, args[i].span, message);
                return Term { ty: signature.returns, loc: Loc::Poison };
            }
        }
        let number = body.call(signature.id);
        body.next = first;
        let dst = body.temp();
        body.emit(Op::Call { function: number, dst, args: first }, self.source(span.last));
        Term::at(signature.returns, Place::Reg(dst))
    }

    /// Puts a value into a register that is the next free one or was when the value was computed.
    pub(super) fn put(&mut self, body: &mut Body, term: &Term, slot: Reg, tok: Tok) {
        let a = body.operand(term);
        body.next = slot;
        let dst = body.temp();
        if a.place() != Place::Reg(dst) {
            body.emit(Op::Move { dst, a }, self.source(tok));
        }
    }

    fn defined(&mut self, body: &mut Body, arg: &Expr, span: Span) -> Term {
        let mark = body.next;
        let term = self.expr(body, arg);
        if let Some(value) = term.value() {
            return Term::constant(Value::Bool(!value.is_undefined()));
        }
        self.unary(body, &term, mark, span.last, Type::Bool, |dst, a| Op::Defined { dst, a })
    }

    fn format(&mut self, body: &mut Body, arg: &Expr, span: Span) -> Term {
        let mark = body.next;
        let term = self.expr(body, arg);
        if let Some(value) = term.value() {
            return Term::constant(ops::format(value));
        }
        self.unary(body, &term, mark, span.last, Type::Str, |dst, a| Op::Format { dst, a })
    }

    fn hex_call(&mut self, body: &mut Body, arg: &Expr, span: Span) -> Term {
        let mark = body.next;
        let term = self.expr(body, arg);
        if !self.want(&term, Type::Str, 1, "FROM_HEX", span.last, arg.span) {
            return Term::poison();
        }
        if let Some(value) = term.value() {
            return self.folded(ops::from_hex(value), span.last, span);
        }
        self.unary(body, &term, mark, span.last, Type::Bytes, |dst, a| Op::FromHex { dst, a })
    }

    fn unary(
        &mut self,
        body: &mut Body,
        term: &Term,
        mark: Reg,
        at: Tok,
        ty: Type,
        op: impl FnOnce(Reg, Opd) -> Op,
    ) -> Term {
        if matches!(term.loc, Loc::Poison) {
            return Term { ty, loc: Loc::Poison };
        }
        let a = body.operand(term);
        body.next = mark;
        let dst = body.temp();
        body.emit(op(dst, a), self.source(at));
        Term::at(ty, Place::Reg(dst))
    }

    /// `prepend(path, 5)` and the like.
    fn function_form(&mut self, body: &mut Body, name: &str, object: &Expr, arg: &Expr, span: Span) -> Term {
        let mark = body.next;
        let mut object_term = self.expr(body, object);
        self.keep(body, &mut object_term, arg);
        let arg_term = self.expr(body, arg);
        self.dispatch(body, name, object_term, arg_term, mark, span.last, span)
    }

    /// `a ++ b`
    pub(super) fn append(
        &mut self,
        body: &mut Body,
        left: Term,
        right: Term,
        mark: Reg,
        at: Tok,
        span: Span,
    ) -> Term {
        self.dispatch(body, "append", left, right, mark, at, span)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "an operation, where its registers start and where to complain"
    )]
    fn dispatch(
        &mut self,
        body: &mut Body,
        name: &str,
        object: Term,
        arg: Term,
        mark: Reg,
        at: Tok,
        span: Span,
    ) -> Term {
        if matches!(object.loc, Loc::Poison) || matches!(arg.loc, Loc::Poison) {
            return Term::poison();
        }
        if object.ty == Type::Unknown {
            self.cannot_infer(at, span);
            return Term::poison();
        }
        match ops::find(object.ty, name) {
            Some((number, info)) if !info.argument.is_empty() => {
                self.method_with(body, number, info, object, arg, 2, mark, at, span)
            }
            _ => {
                self.error(at, span, format!("Cannot dispatch method '{name}'"));
                Term::poison()
            }
        }
    }

    fn cannot_infer(&mut self, at: Tok, span: Span) {
        let message = "Can't infer type to properly call a method, please assign the value to a variable";
        self.error(at, span, message);
    }

    /// `TERM.NAME` and `TERM.NAME(ARGS)`.
    pub(super) fn method(
        &mut self,
        body: &mut Body,
        object: &Expr,
        method: Ident,
        args: Option<&[Expr]>,
        span: Span,
    ) -> Term {
        let mark = body.next;
        let term = self.expr(body, object);
        self.method_on(body, term, object.span, method, args, mark, span)
    }

    /// A method of a value that was computed already.
    #[allow(
        clippy::too_many_arguments,
        reason = "a value, its place, a method, its arguments, where to complain"
    )]
    pub(super) fn method_on(
        &mut self,
        body: &mut Body,
        mut object: Term,
        object_span: Span,
        method: Ident,
        args: Option<&[Expr]>,
        mark: Reg,
        span: Span,
    ) -> Term {
        if matches!(object.loc, Loc::Poison) {
            for arg in args.into_iter().flatten() {
                self.expr(body, arg);
            }
            return Term::poison();
        }
        let name = self.text(method);
        let here = Span { first: method.tok, last: method.tok };
        match object.ty {
            Type::Unknown => {
                self.cannot_infer(method.tok.saturating_sub(1), object_span);
                return Term::poison();
            }
            Type::Set | Type::PrefixSet => {
                self.error(method.tok, here, format!("No methods defined for type {}", object.ty));
                return Term::poison();
            }
            Type::Route => return self.route_attribute(body, &object, method),
            _ => {}
        }
        let Some((number, info)) = ops::find(object.ty, name) else {
            let is_attribute = self.builtin(name).is_some();
            let message = if is_attribute {
                format!("Getting a route attribute from {}, need a route", object.ty)
            } else {
                format!("Unknown symbol {name}")
            };
            let all = ops::METHODS.iter().filter(|m| m.object == object.ty).map(|m| m.name);
            let names: Vec<_> = all.collect();
            let mut diagnostic = Diagnostic::error(method.tok, message).over(here);
            diagnostic = match names.is_empty() {
                true => diagnostic.help(format!("{} has no methods", object.ty)),
                false => {
                    let meant = names.iter().find(|n| name.starts_with(**n) || same_method(name, n));
                    let meant = meant.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
                    diagnostic.help(format!("{meant}{} has: {}", object.ty, names.join(" ")))
                }
            };
            self.diagnostics.push(diagnostic);
            return Term::poison();
        };
        match (args, info.argument.is_empty()) {
            (None, true) => {
                if let Some(value) = object.value() {
                    return self.folded(ops::call(number, value, None), span.last, span);
                }
                let result = info.result;
                self.unary(body, &object, mark, span.last, result, |dst, a| Op::Method {
                    method: number,
                    dst,
                    a,
                })
            }
            (Some(_), true) => {
                self.error(method.tok + 1, here, "syntax error, unexpected '('");
                Term { ty: info.result, loc: Loc::Poison }
            }
            (None, false) => {
                let token = self.locate.token_name(method.tok + 1);
                self.error(method.tok + 1, here, format!("syntax error, unexpected {token}, expecting '('"));
                Term { ty: info.result, loc: Loc::Poison }
            }
            (Some(args), false) => {
                if let Some(first) = args.first() {
                    self.keep(body, &mut object, first);
                }
                let mut terms: Vec<Term> = args.iter().map(|arg| self.expr(body, arg)).collect();
                if terms.iter().any(|t| matches!(t.loc, Loc::Poison)) {
                    return Term { ty: info.result, loc: Loc::Poison };
                }
                if terms.is_empty() {
                    self.unexpected(1, info, None, span);
                    return Term { ty: info.result, loc: Loc::Poison };
                }
                if let Some(extra) = terms.get(1) {
                    let got = extra.ty;
                    let message = format!("Argument 2 of '{name}' expected none, got {got}");
                    let mut error = Diagnostic::error(span.last, message).over(span);
                    if matches!(object.ty, Type::Clist | Type::Eclist | Type::Lclist) {
                        error =
                            error.help(format!("a community has brackets of its own: `{name}((65000, 1))`"));
                    }
                    self.diagnostics.push(error);
                    return Term { ty: info.result, loc: Loc::Poison };
                }
                let arg = terms.swap_remove(0);
                self.method_with(body, number, info, object, arg, 1, mark, span.last, span)
            }
        }
    }

    fn unexpected(&mut self, number: u8, info: &MethodInfo, got: Option<Type>, span: Span) {
        self.unexpected_at(number, info, got, span.last, span);
    }

    fn unexpected_at(&mut self, number: u8, info: &MethodInfo, got: Option<Type>, at: Tok, span: Span) {
        let wanted: Vec<String> = info.argument.iter().map(Type::to_string).collect();
        let got = got.map_or("none".into(), |t| t.to_string());
        let message =
            format!("Argument {number} of '{}' expected {}, got {got}", info.name, wanted.join(" / "));
        let mut error = Diagnostic::error(at, message).over(span);
        let lists = [Type::Clist, Type::Eclist, Type::Lclist];
        error.help = match (lists.contains(&info.object), got.as_str()) {
            (true, "rd") => Some("(A:B) is a route distinguisher; a community is written (A, B)".to_owned()),
            (true, "lc") => Some("large communities are in `bgp_large_community`".to_owned()),
            (true, "ec") => Some("extended communities are in `bgp_ext_community`".to_owned()),
            (true, "pair") => Some("communities of two numbers are in `bgp_community`".to_owned()),
            _ => None,
        };
        self.diagnostics.push(error);
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "an operation, where its registers start and where to complain"
    )]
    fn method_with(
        &mut self,
        body: &mut Body,
        number: u16,
        info: &'static MethodInfo,
        object: Term,
        arg: Term,
        position: u8,
        mark: Reg,
        at: Tok,
        span: Span,
    ) -> Term {
        if !info.argument.iter().any(|wanted| wanted.takes(arg.ty)) {
            // Operators and functions count the object as their first argument, methods do not.
            self.unexpected_at(position, info, Some(arg.ty), at, span);
            return Term { ty: info.result, loc: Loc::Poison };
        }
        if info.object == Type::Clist && arg.ty == Type::Ip && matches!(info.name, "add" | "delete") {
            let name = info.name;
            let message = format!("Method {name}(clist, ip) is deprecated, please use {name}(clist, quad)");
            if arg.value().is_none() {
                self.warning(at, span, message);
            }
        }
        if let (Some(o), Some(a)) = (object.value(), arg.value()) {
            return self.folded(ops::call(number, o, Some(a)), at, span);
        }
        let (a, b) = (body.operand(&object), body.operand(&arg));
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::Method1 { method: number, dst, a, b }, self.source(at));
        Term::at(info.result, Place::Reg(dst))
    }

    /// `r.bgp_path` of a route variable.
    fn route_attribute(&mut self, body: &mut Body, object: &Term, method: Ident) -> Term {
        let source = self.source(method.tok);
        let name = self.text(method);
        let custom = match self.symbols.get(self.names, method.sym).map(|e| &e.symbol) {
            Some(Symbol::Attribute(id, ty)) => Some((*id, *ty)),
            _ => None,
        };
        let Loc::At(Place::Reg(route)) = object.loc else { return Term::poison() };
        let found = match (custom, self.builtin(name)) {
            (Some((id, ty)), _) => Some((ty, Found::Listed(id))),
            (None, Some(Builtin::Listed(attr))) => Some((attr.ty, Found::Listed(attr.id))),
            (None, Some(Builtin::Field(info))) => Some((info.ty, Found::Field(info.field))),
            (None, Some(Builtin::Bit(bit))) => Some((Type::Bool, Found::Bit(bit.id, bit.bit))),
            (None, None) => None,
        };
        self.deprecated(name, method);
        let Some((ty, found)) = found else {
            let here = Span { first: method.tok, last: method.tok };
            self.error(method.tok, here, format!("Unknown symbol {name}"));
            return Term::poison();
        };
        let dst = body.temp();
        let op = match found {
            Found::Field(field) => Op::RouteField { dst, route, field },
            Found::Listed(id) => Op::RouteAttr { dst, route, id, blank: Blank::from(ty) },
            Found::Bit(id, bit) => Op::RouteBit { dst, route, id, bit },
        };
        body.emit(op, source);
        Term::at(ty, Place::Reg(dst))
    }

    /// The name of a table as an argument: its number among the constants. A table of a wrong type is an
    /// error only when run.
    fn table(
        &mut self,
        body: &mut Body,
        table: &Expr,
        wanted: &[NetType],
        fault: &str,
        at: Tok,
    ) -> Option<u16> {
        let ExprKind::Name(name) = &table.kind else {
            let token = self.locate.token_name(table.span.first);
            self.error(table.span.first, table.span, format!("syntax error, unexpected {token}"));
            return None;
        };
        let kind = self.table_type(*name)?;
        if !wanted.contains(&kind) {
            let message = body.string(fault);
            body.emit(Op::Fail { message }, self.source(at));
        }
        let number = u16::try_from(body.string(self.names.text(name.sym))).ok();
        if number.is_none() {
            self.error(at, table.span, "Too many constants in one body");
        }
        number
    }

    fn roa_check(&mut self, body: &mut Body, table: &Expr, net: &Expr, asn: &Expr, span: Span) -> Term {
        let (mark, at) = (body.next, span.last);
        let table = self.table(body, table, ROA_TABLES, ROA_FAULT, at);
        let mut n = self.expr(body, net);
        self.keep(body, &mut n, asn);
        let a = self.expr(body, asn);
        let fits = self.want(&n, Type::Prefix, 1, "ROA_CHECK_EXPLICIT", at, net.span)
            && self.want(&a, Type::Int, 2, "ROA_CHECK_EXPLICIT", at, asn.span);
        let (true, Some(table)) = (fits, table) else { return Term::poison() };
        let (a, b) = (body.operand(&n), body.operand(&a));
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::RoaCheck { dst, table, a, b }, self.source(at));
        Term::at(Check::Roa.result(), Place::Reg(dst))
    }

    fn aspa_check(
        &mut self,
        body: &mut Body,
        table: &Expr,
        path: &Expr,
        upstream: &Expr,
        span: Span,
    ) -> Term {
        let (mark, at) = (body.next, span.last);
        let table = self.table(body, table, &[NetType::Aspa], ASPA_FAULT, at);
        let mut p = self.expr(body, path);
        self.keep(body, &mut p, upstream);
        let u = self.expr(body, upstream);
        let fits = self.want(&p, Type::Path, 1, "ASPA_CHECK_EXPLICIT", at, path.span)
            && self.want(&u, Type::Bool, 2, "ASPA_CHECK_EXPLICIT", at, upstream.span);
        let (true, Some(table)) = (fits, table) else { return Term::poison() };
        let (a, b) = (body.operand(&p), body.operand(&u));
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::AspaCheck { dst, table, a, b }, self.source(at));
        Term::at(Check::Aspa(true).result(), Place::Reg(dst))
    }

    /// The short forms, which look at the route itself.
    fn check_route(&mut self, body: &mut Body, table: &Expr, span: Span, check: Check) -> Term {
        let at = span.last;
        let (wanted, fault): (&[NetType], _) = match check {
            Check::Roa => (ROA_TABLES, ROA_FAULT),
            Check::Aspa(_) => (&[NetType::Aspa], ASPA_FAULT),
        };
        let Some(table) = self.table(body, table, wanted, fault, at) else { return Term::poison() };
        let dst = body.temp();
        let op = match check {
            Check::Roa => Op::RoaCheckRoute { dst, table },
            Check::Aspa(upstream) => Op::AspaCheckRoute { dst, table, upstream },
        };
        body.emit(op, self.source(at));
        Term::at(check.result(), Place::Reg(dst))
    }
}

const ROA_TABLES: &[NetType] = &[NetType::Roa4, NetType::Roa6];
const ROA_FAULT: &str = "Table type must be either ROA4 or ROA6";
const ASPA_FAULT: &str = "Table type must be ASPA";

#[derive(Clone, Copy)]
enum Check {
    Roa,
    Aspa(bool),
}

impl Check {
    fn result(self) -> Type {
        use crate::base::value::EnumType;
        match self {
            Check::Roa => Type::Enum(EnumType::Roa),
            Check::Aspa(_) => Type::Enum(EnumType::Aspa),
        }
    }
}

enum Found {
    Field(attributes::Field),
    Listed(crate::table::AttrId),
    Bit(crate::table::AttrId, u8),
}
