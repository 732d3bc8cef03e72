//! Assertions of self-tests.
//!
//! A failed assertion should say what was compared, so a comparison keeps its two sides in places that live
//! until the assertion was looked at. What else there is to say (file, line, text) is known now and becomes a
//! [`Note`] beside the instructions.

use super::Checker;
use super::body::{Body, Loc, Term};
use super::command::Target;
use super::expr::comparison;
use crate::base::Value;
use crate::filter::code::{Cmp, Note, Op, Opd, Place, Source};
use crate::filter::ops;
use crate::filter::types::Type;
use crate::syntax::ast::{Expr, ExprKind, Ident, Span};

impl Checker<'_> {
    /// `bt_assert(TERM);`
    pub(super) fn assert(&mut self, body: &mut Body, condition: &Expr, text: &str, source: Source) {
        let (mut inner, mut negated) = (condition, false);
        loop {
            match &inner.kind {
                ExprKind::Paren(e) => inner = e,
                ExprKind::Not(e) => (inner, negated) = (e, !negated),
                _ => break,
            }
        }
        let sides = match &inner.kind {
            ExprKind::Chain(left, rest) => match &rest[..] {
                [(op, right)] => comparison(*op).map(|op| (op, left, right)),
                _ => None,
            },
            _ => None,
        };
        let (mut term, compared) = match sides {
            Some((op, left, right)) => self.compare(body, op, [left, right], inner.span),
            None => (self.expr(body, inner), None),
        };
        if negated && self.want(&term, Type::Bool, 1, "NOT", source.tok, condition.span) {
            let a = body.operand(&term);
            let dst = body.temp();
            body.emit(Op::Not { dst, a }, source);
            term = Term::at(Type::Bool, Place::Reg(dst));
        }
        self.want(&term, Type::Bool, 1, "ASSERT", source.tok, condition.span);
        let a = body.operand(&term);
        self.note(body, a, text, compared, condition.span, source);
    }

    /// A comparison, and where its two sides are.
    fn compare(
        &mut self,
        body: &mut Body,
        op: Cmp,
        [a, b]: [&Expr; 2],
        span: Span,
    ) -> (Term, Option<(Opd, Opd)>) {
        let mut left = self.expr(body, a);
        self.keep(body, &mut left, b);
        let mut right = self.expr(body, b);
        let end = span.lookahead();
        if !self.comparable(op, &mut left, &mut right, end, span) {
            return (Term::poison(), None);
        }
        let sides = (body.operand(&left), body.operand(&right));
        let term = match (left.value(), right.value()) {
            (Some(x), Some(y)) => self.folded(ops::comparison(op, x, y).map(Value::Bool), end, span),
            _ => {
                let dst = body.temp();
                body.emit(Op::Compare { op, dst, a: sides.0, b: sides.1 }, self.source(end));
                Term::at(Type::Bool, Place::Reg(dst))
            }
        };
        (term, Some(sides))
    }

    /// `bt_check_assign(LVALUE, TERM);` assigns, then asserts that the same comes back.
    pub(super) fn check_assign(&mut self, body: &mut Body, name: Ident, value: &Expr, source: Source) {
        let Some(target) = self.target(body, name, source.tok) else { return };
        let slot = body.next;
        let term = self.expr(body, value);
        self.put(body, &term, slot, value.span.last);
        let kept = Term { ty: term.ty, loc: Loc::At(Place::Reg(slot)) };
        self.assign(body, &target, kept, value.span, source);
        let here = Span { first: name.tok, last: name.tok };
        let builtin = match target {
            Target::Local(..) => None,
            _ => self.builtin(self.text(name)).filter(|_| self.symbols.get(self.names, name.sym).is_none()),
        };
        let read = match builtin {
            // No second warning of an old spelling.
            Some(builtin) => self.attribute_value(body, builtin, name.tok),
            None => self.expr(body, &Expr { kind: ExprKind::Name(name), span: here }),
        };
        let (a, b) = (body.operand(&read), Place::Reg(slot).into());
        let dst = body.temp();
        body.emit(Op::Compare { op: Cmp::Eq, dst, a, b }, source);
        let text = format!("{} holds what was assigned", self.names.text(name.sym));
        self.note(body, Place::Reg(dst).into(), &text, Some((a, b)), here, source);
    }

    fn note(
        &mut self,
        body: &mut Body,
        a: Opd,
        text: &str,
        compared: Option<(Opd, Opd)>,
        span: Span,
        source: Source,
    ) {
        let (file, line) = (self.locate.file(span.first).into(), self.locate.line(span.first));
        // Reports have a line for each.
        let text = match text.contains('\n') {
            true => text.split_whitespace().collect::<Vec<_>>().join(" ").into(),
            false => text.into(),
        };
        let note = body.note(Note { file, line, text, compared });
        body.emit(Op::Assert { a, note }, source);
    }
}
