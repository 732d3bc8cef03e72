//! Expressions.

use super::body::{Body, Loc, Term};
use super::{Checker, promote};
use crate::base::community::{EC_RO, EC_RT};
use crate::base::net::{from_bits, to_bits};
use crate::base::value::EnumType;
use crate::base::{NetType, Value};
use crate::filter::attributes::{Builtin, DEPRECATED, Field};
use crate::filter::code::{Arith, Asker, Blank, Cmp, EcKind, Op, Place, Stretch};
use crate::filter::effort::bounded;
use crate::filter::ops::{self, Fault};
use crate::filter::symbols::Symbol;
use crate::filter::types::Type;
use crate::syntax::ast::{BinOp, EmptyKind, Expr, ExprKind, Ident, Span, Tok};
use crate::syntax::diag::Diagnostic;

/// What an operator of two operands compiles to.
enum Operator {
    Arith(Arith),
    Compare(Cmp),
    Append,
    Logic(bool),
}

fn operator(op: BinOp) -> Operator {
    use Operator::*;
    match op {
        BinOp::Add => Arith(self::Arith::Add),
        BinOp::Sub => Arith(self::Arith::Sub),
        BinOp::Mul => Arith(self::Arith::Mul),
        BinOp::Div => Arith(self::Arith::Div),
        BinOp::BitAnd => Arith(self::Arith::And),
        BinOp::BitOr => Arith(self::Arith::Or),
        BinOp::Append => Append,
        BinOp::Eq => Compare(Cmp::Eq),
        BinOp::Ne => Compare(Cmp::Ne),
        BinOp::Lt => Compare(Cmp::Lt),
        BinOp::Le => Compare(Cmp::Le),
        BinOp::Gt => Compare(Cmp::Gt),
        BinOp::Ge => Compare(Cmp::Ge),
        BinOp::Match => Compare(Cmp::Match),
        BinOp::NotMatch => Compare(Cmp::NotMatch),
        BinOp::And => Logic(true),
        BinOp::Or => Logic(false),
    }
}

/// An address; a mapped one is the IPv4 address.
pub(super) fn ip_value(ip: std::net::IpAddr) -> Value {
    Value::Ip(from_bits(to_bits(ip)))
}

/// The comparison an operator stands for.
pub(super) fn comparison(op: BinOp) -> Option<Cmp> {
    match operator(op) {
        Operator::Compare(cmp) => Some(cmp),
        _ => None,
    }
}

/// Type and subtype of an extended community; `None` is `generic`.
pub(super) fn ec_kind(word: &str, number: Option<u32>) -> EcKind {
    match word {
        "rt" => EcKind::Typed(EC_RT),
        "ro" => EcKind::Typed(EC_RO),
        "generic" => EcKind::Generic,
        _ => EcKind::Typed(number.unwrap_or(0) as u16),
    }
}

/// What to write instead of an operator that does not take such an operand.
fn advice(op: &str, wanted: Type, got: Type) -> Option<&'static str> {
    Some(match (op, wanted, got) {
        ("BITAND", ..) => "`&` works on the bits of numbers; conditions are joined by `&&`",
        ("BITOR", ..) => "`|` works on the bits of numbers; conditions are joined by `||`",
        ("NOT", _, Type::Set | Type::PrefixSet) => {
            "`!` turns a condition round; \"matches not\" is written `!~`"
        }
        ("NOT", ..) => "`!` turns a condition round; whether something is set is asked by `defined(...)`",
        ("ADD", _, Type::Str) => "texts are joined by `++`",
        ("ADD", _, Type::Clist | Type::Eclist | Type::Lclist) => "members are added by `.add(...)`",
        ("SUB", _, Type::Clist | Type::Eclist | Type::Lclist) => "members are taken away by `.delete(...)`",
        ("EA_SET" | "VAR_SET", Type::Clist, Type::Pair | Type::Int | Type::Ip | Type::Quad)
        | ("EA_SET" | "VAR_SET", Type::Eclist, Type::Ec)
        | ("EA_SET" | "VAR_SET", Type::Lclist, Type::Lc) => {
            "a list is no single community: `.add(...)` puts one in, `.empty` takes all out"
        }
        ("EA_SET" | "VAR_SET", Type::Path, Type::Int) => {
            "a number is put in front of a path by `.prepend(...)`"
        }
        _ => return None,
    })
}

/// Whether evaluating the expression may call a function, which may change attributes of the route.
fn may_call(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { .. } => true,
        ExprKind::Paren(e) | ExprKind::Not(e) => may_call(e),
        ExprKind::Chain(first, rest) => may_call(first) || rest.iter().any(|(_, right)| may_call(right)),
        ExprKind::Pair(a, b) | ExprKind::Ec(_, _, a, b) => may_call(a) || may_call(b),
        ExprKind::Lc(a, b, c) => may_call(a) || may_call(b) || may_call(c),
        ExprKind::Method { object, args, .. } => may_call(object) || args.iter().flatten().any(may_call),
        _ => false,
    }
}

impl Checker<'_> {
    /// Checks an expression and emits what computes it.
    pub(super) fn expr(&mut self, body: &mut Body, expr: &Expr) -> Term {
        let constant = match &expr.kind {
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Int(n) => Value::Int(*n),
            ExprKind::Ip(ip) => ip_value(*ip),
            ExprKind::Net(net) => Value::Net(net.clone()),
            ExprKind::Rd(rd) => Value::Rd(*rd),
            ExprKind::Mac(mac) => Value::Mac(*mac),
            ExprKind::Bytes(bytes) => Value::Bytes(bytes.clone()),
            ExprKind::Text(text) => Value::Str(text.clone()),
            ExprKind::LcConst(lc) => Value::Lc(*lc),
            ExprKind::Empty(kind) => match kind {
                EmptyKind::Path => Type::Path.unset(),
                EmptyKind::Clist => Type::Clist.unset(),
                EmptyKind::Eclist => Type::Eclist.unset(),
                EmptyKind::Lclist => Type::Lclist.unset(),
            },
            ExprKind::Enum(name) => match EnumType::constant(self.text(*name)) {
                Some(value) => value,
                None => return self.undefined(body, *name),
            },
            ExprKind::NetOf(word, parts) => return self.net_of(word, parts, expr.span),
            ExprKind::Flow { v6, items } => return self.flow(*v6, items),
            ExprKind::Name(name) => return self.name(body, *name),
            ExprKind::Paren(inner) => return self.expr(body, inner),
            ExprKind::Not(inner) => return self.not(body, inner, expr.span),
            ExprKind::Chain(first, rest) => return self.binary(body, first, rest),
            ExprKind::Method { object, method, args } => {
                return self.method(body, object, *method, args.as_deref(), expr.span);
            }
            ExprKind::Call { function, args } => return self.call(body, *function, args, expr.span),
            ExprKind::Pair(a, b) => return self.pair(body, a, b, expr.span),
            ExprKind::Ec(word, number, key, value) => {
                return self.ec(body, ec_kind(word, *number), key, value, expr.span);
            }
            ExprKind::Lc(a, b, c) => return self.lc(body, [a, b, c], expr.span),
            ExprKind::Set(items) => return self.set(body, items),
            ExprKind::PrefixSet(patterns) => return self.prefix_set(patterns, expr.span),
            ExprKind::PathMask(items) => return self.mask(body, items, expr.span),
        };
        Term::constant(constant)
    }

    /// A name nobody defined.
    pub(super) fn undefined(&mut self, body: &Body, name: Ident) -> Term {
        let locals = body.locals.iter().map(|l| self.names.text(l.sym));
        let mut diagnostic = self.symbols.undefined_among(self.names, name, locals);
        if let Some(help) = diagnostic.help.as_mut().filter(|help| help.starts_with("nothing named")) {
            help.push_str("; a text stands in double quotes");
        }
        self.diagnostics.push(diagnostic);
        Term::poison()
    }

    fn name(&mut self, body: &mut Body, name: Ident) -> Term {
        if let Some(local) = body.local(name.sym) {
            return Term::at(local.ty, Place::Reg(local.reg));
        }
        match self.symbols.get(self.names, name.sym).map(|e| &e.symbol) {
            // A constant whose definition was refused.
            Some(Symbol::Constant(Value::Void)) => return Term::poison(),
            Some(Symbol::Constant(value)) => return Term::constant(value.clone()),
            Some(Symbol::Attribute(id, ty)) => return Term::at(*ty, Place::Attr(*id, Blank::from(*ty))),
            Some(_) => {
                let message = format!("Can't get value of symbol {}", self.text(name));
                let diagnostic = self.symbols.wrong_class(self.names, name, &message);
                self.diagnostics.push(crate::syntax::diag::Diagnostic { at: name.tok + 1, ..diagnostic });
                return Term::poison();
            }
            None => {}
        }
        if matches!(body.kind, super::Kind::Term) && self.outer.contains(&name.sym) {
            return Term::constant(Value::Void);
        }
        let text = self.text(name);
        if text == "routes" && matches!(body.kind, super::Kind::Merge) {
            let dst = body.temp();
            body.emit(Op::Routes { dst }, self.source(name.tok));
            return Term::at(Type::Routes, Place::Reg(dst));
        }
        match self.builtin(text) {
            Some(builtin) => {
                self.deprecated(text, name);
                self.attribute_value(body, builtin, name.tok)
            }
            None => self.undefined(body, name),
        }
    }

    /// Warns about an old spelling.
    pub(super) fn deprecated(&mut self, text: &str, name: Ident) {
        if let Some((old, new)) = DEPRECATED.iter().find(|(old, _)| *old == text) {
            let here = Span { first: name.tok, last: name.tok };
            self.warning(name.tok, here, format!("Attribute {old} is deprecated (typo), use {new}"));
        }
    }

    pub(super) fn attribute_value(&mut self, body: &mut Body, builtin: Builtin, tok: Tok) -> Term {
        let source = self.source(tok);
        match builtin {
            Builtin::Field(info) if info.field == Field::Net => Term::at(info.ty, Place::Net),
            Builtin::Field(info) => {
                let dst = body.temp();
                body.emit(Op::Field { dst, field: info.field }, source);
                Term::at(info.ty, Place::Reg(dst))
            }
            Builtin::Listed(attr) => Term::at(attr.ty, Place::Attr(attr.id, Blank::from(attr.ty))),
            Builtin::Bit(bit) => {
                let dst = body.temp();
                body.emit(Op::Bit { dst, id: bit.id, bit: bit.bit }, source);
                Term::at(Type::Bool, Place::Reg(dst))
            }
        }
    }

    /// `Argument N of OP must be of type T, got type U`, unless the types fit or are not known.
    pub(super) fn want(
        &mut self,
        term: &Term,
        wanted: Type,
        number: u8,
        op: &str,
        at: Tok,
        span: Span,
    ) -> bool {
        let fits = wanted.takes(term.ty);
        if !fits {
            let message = ops::wrong_argument(number, op, wanted, term.ty);
            let mut error = Diagnostic::error(at, message).over(span);
            error.help = advice(op, wanted, term.ty).map(str::to_owned);
            self.diagnostics.push(error);
        }
        fits
    }

    /// A computed constant, or the error that the computation ends in.
    pub(super) fn folded(&mut self, result: Result<Value, Fault>, at: Tok, span: Span) -> Term {
        match result.and_then(bounded) {
            Ok(value) => Term::constant(value),
            Err(fault) => {
                let line = self.locate.line(at);
                self.error(at, span, format!("filter preevaluation, line {line}: {fault}"));
                Term::poison()
            }
        }
    }

    fn not(&mut self, body: &mut Body, inner: &Expr, span: Span) -> Term {
        let mark = body.next;
        let term = self.expr(body, inner);
        let at = span.lookahead();
        if !self.want(&term, Type::Bool, 1, "NOT", at, inner.span) {
            return Term::poison();
        }
        if let Some(value) = term.value() {
            return self.folded(ops::bool(value, 1, "NOT").map(|b| Value::Bool(!b)), at, span);
        }
        let a = body.operand(&term);
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::Not { dst, a }, self.source(at));
        Term::at(Type::Bool, Place::Reg(dst))
    }

    fn binary(&mut self, body: &mut Body, first: &Expr, rest: &[(BinOp, Expr)]) -> Term {
        let mark = body.next;
        let mut left = self.expr(body, first);
        let mut span = first.span;
        for (op, right) in rest {
            span = span.to(right.span);
            left = match operator(*op) {
                Operator::Logic(and) => self.logic(body, left, right, and, mark, span),
                operator => {
                    self.keep(body, &mut left, right);
                    let right = self.expr(body, right);
                    self.apply(body, operator, left, right, mark, span)
                }
            };
        }
        left
    }

    /// Copies an attribute into a register if what is evaluated next may change it.
    pub(super) fn keep(&mut self, body: &mut Body, term: &mut Term, next: &Expr) {
        if let Loc::At(place @ Place::Attr(..)) = term.loc
            && may_call(next)
        {
            let dst = body.temp();
            body.emit(Op::Move { dst, a: place.into() }, self.source(next.span.first));
            term.loc = Loc::At(Place::Reg(dst));
        }
    }

    fn apply(
        &mut self,
        body: &mut Body,
        operator: Operator,
        mut left: Term,
        mut right: Term,
        mark: u16,
        span: Span,
    ) -> Term {
        let at = span.lookahead();
        let source = self.source(at);
        match operator {
            Operator::Arith(op) => {
                let fits = self.want(&left, Type::Int, 1, op.name(), at, span)
                    && self.want(&right, Type::Int, 2, op.name(), at, span);
                if !fits {
                    return Term::poison();
                }
                if let (Some(a), Some(b)) = (left.value(), right.value()) {
                    return self.folded(ops::arith(op, a, b), at, span);
                }
                let (a, b) = (body.operand(&left), body.operand(&right));
                body.next = mark;
                let dst = body.temp();
                body.emit(Op::Arith { op, dst, a, b }, source);
                Term::at(Type::Int, Place::Reg(dst))
            }
            Operator::Compare(op) => {
                if !self.comparable(op, &mut left, &mut right, at, span) {
                    return Term::poison();
                }
                if let (Some(a), Some(b)) = (left.value(), right.value()) {
                    return self.folded(ops::comparison(op, a, b).map(Value::Bool), at, span);
                }
                let (a, b) = (body.operand(&left), body.operand(&right));
                body.next = mark;
                let dst = body.temp();
                body.emit(Op::Compare { op, dst, a, b }, source);
                body.mark(body.here() - 1, Stretch::Test, span);
                Term::at(Type::Bool, Place::Reg(dst))
            }
            Operator::Append | Operator::Logic(_) => self.append(body, left, right, mark, at, span),
        }
    }

    /// Whether two checked operands may be compared; an impossible pair is told. Constants may be converted.
    pub(super) fn comparable(
        &mut self,
        op: Cmp,
        left: &mut Term,
        right: &mut Term,
        at: Tok,
        span: Span,
    ) -> bool {
        if matches!(left.loc, Loc::Poison) || matches!(right.loc, Loc::Poison) {
            return false;
        }
        self.lint_comparison(op, left, right, span);
        if !matches!(op, Cmp::Lt | Cmp::Le | Cmp::Gt | Cmp::Ge) {
            // A literal `[]` is a set of either kind; of variables only those of one kind are equal.
            if left.ty == Type::PrefixSet {
                promote(right, Type::PrefixSet);
            } else if right.ty == Type::PrefixSet {
                promote(left, Type::PrefixSet);
            }
            return true;
        }
        promote(left, right.ty);
        promote(right, left.ty);
        let fits = left.ty.takes(right.ty);
        if !fits {
            self.error(at, span, format!("Arguments 1 and 2 of {} must be of the same type", op.name()));
        }
        fits
    }

    /// `a && b`, `a || b` as a value.
    fn logic(&mut self, body: &mut Body, left: Term, right: &Expr, and: bool, mark: u16, span: Span) -> Term {
        // What is on the right becomes the result unseen, void as well.
        let (name, one) = if and { ("AND", Asker::And1) } else { ("OR", Asker::Or1) };
        let at = span.lookahead();
        let decided = left.value().and_then(|v| ops::bool(v, 1, name).ok()).map(|b| b != and);
        if let Some(decided) = decided {
            // The right side is checked in any case, and runs only if it matters.
            let skip = decided.then(|| body.emit(Op::Jump { to: 0 }, self.source(at)));
            let right = self.expr(body, right);
            body.patch(skip.as_slice());
            if !self.want(&right, Type::Bool, 2, name, at, span) {
                return Term::poison();
            }
            if decided {
                return Term::constant(Value::Bool(!and));
            }
            if right.value().is_some() {
                return right;
            }
            let a = body.operand(&right);
            body.next = mark;
            let dst = body.temp();
            body.emit(Op::Move { dst, a }, self.source(at));
            return Term::at(Type::Bool, Place::Reg(dst));
        }
        let fits = self.want(&left, Type::Bool, 1, name, at, span);
        let a = body.operand(&left);
        body.next = mark;
        let dst = body.temp();
        let source = self.source(at);
        body.emit(Op::Bool { asker: one, dst, a }, source);
        let jump = body.emit(Op::Branch { asker: one, when: !and, a: Place::Reg(dst).into(), to: 0 }, source);
        let right = self.expr(body, right);
        let fits = self.want(&right, Type::Bool, 2, name, at, span) && fits;
        let a = body.operand(&right);
        body.emit(Op::Move { dst, a }, source);
        body.patch(&[jump]);
        body.next = dst + 1;
        if fits { Term::at(Type::Bool, Place::Reg(dst)) } else { Term::poison() }
    }

    fn pair(&mut self, body: &mut Body, a: &Expr, b: &Expr, span: Span) -> Term {
        let (mark, at) = (body.next, span.last);
        let mut x = self.expr(body, a);
        self.keep(body, &mut x, b);
        let y = self.expr(body, b);
        let fits = self.want(&x, Type::Int, 1, "PAIR_CONSTRUCT", at, a.span)
            && self.want(&y, Type::Int, 2, "PAIR_CONSTRUCT", at, b.span);
        if !fits {
            return Term::poison();
        }
        if let (Some(x), Some(y)) = (x.value(), y.value()) {
            return self.folded(ops::pair(x, y), at, span);
        }
        let (a, b) = (body.operand(&x), body.operand(&y));
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::Pair { dst, a, b }, self.source(at));
        Term::at(Type::Pair, Place::Reg(dst))
    }

    fn ec(&mut self, body: &mut Body, kind: EcKind, key: &Expr, value: &Expr, span: Span) -> Term {
        let (mark, at) = (body.next, span.last);
        let mut k = self.expr(body, key);
        self.keep(body, &mut k, value);
        let v = self.expr(body, value);
        if !self.want(&v, Type::Int, 2, "EC_CONSTRUCT", at, value.span) {
            return Term::poison();
        }
        if let (Some(k), Some(v)) = (k.value(), v.value()) {
            return self.folded(ops::ec(kind, k, v), at, span);
        }
        let (a, b) = (body.operand(&k), body.operand(&v));
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::Ec { kind, dst, a, b }, self.source(at));
        Term::at(Type::Ec, Place::Reg(dst))
    }

    fn lc(&mut self, body: &mut Body, parts: [&Expr; 3], span: Span) -> Term {
        let (mark, at) = (body.next, span.last);
        let mut terms = Vec::with_capacity(3);
        for (i, part) in parts.iter().enumerate() {
            let mut term = self.expr(body, part);
            if let Some(next) = parts[i + 1..].iter().find(|p| may_call(p)) {
                self.keep(body, &mut term, next);
            }
            terms.push(term);
        }
        for (i, term) in terms.iter().enumerate() {
            if !self.want(term, Type::Int, i as u8 + 1, "LC_CONSTRUCT", at, parts[i].span) {
                return Term::poison();
            }
        }
        if let [Some(a), Some(b), Some(c)] = [terms[0].value(), terms[1].value(), terms[2].value()] {
            return self.folded(ops::lc(a, b, c), at, span);
        }
        let source = self.source(at);
        let third = body.operand(&terms[2]);
        let (a, b) = (body.operand(&terms[0]), body.operand(&terms[1]));
        // The third part goes into the register of the result, which must not be one of the other two.
        let dst = body.temp();
        body.emit(Op::Move { dst, a: third }, source);
        body.emit(Op::Lc { dst, a, b }, source);
        body.next = mark;
        let low = body.temp();
        if low != dst {
            body.emit(Op::Move { dst: low, a: Place::Reg(dst).into() }, source);
        }
        Term::at(Type::Lc, Place::Reg(low))
    }

    /// The type of the nets of a table, for checks that depend on it.
    pub(super) fn table_type(&mut self, name: Ident) -> Option<NetType> {
        match self.symbols.table(self.names, name) {
            Ok(kind) => Some(kind),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }
}
