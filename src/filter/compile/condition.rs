//! Conditions as jumps.
//!
//! `if a && b then` needs no bool in a register: each part jumps on its own. `&&` and `||` are one level, left to right, and the
//! right side runs only if the left one does not decide; a chain of any length is handled in one loop.

use super::Checker;
use super::body::{Body, Loc, Patch};
use super::expr::comparison;
use crate::base::Value;
use crate::filter::code::{Asker, Cmp, Op, Stretch};
use crate::filter::ops;
use crate::filter::types::Type;
use crate::syntax::ast::{BinOp, Expr, ExprKind, Tok};

/// A chain that is one comparison: its operator and right side.
fn compared(rest: &[(BinOp, Expr)]) -> Option<(Cmp, &Expr)> {
    match rest {
        [(op, right)] => comparison(*op).map(|op| (op, right)),
        _ => None,
    }
}

impl Checker<'_> {
    /// Emits jumps, collected in `jumps`, that are taken when the condition equals `when`; otherwise execution goes on behind.
    /// `at` is the token for complaints about the whole condition.
    pub(super) fn condition(
        &mut self,
        body: &mut Body,
        expr: &Expr,
        when: bool,
        jumps: &mut Vec<Patch>,
        asker: Asker,
        at: Tok,
    ) {
        let (mark, from) = (body.next, body.here());
        match &expr.kind {
            ExprKind::Paren(inner) => return self.condition(body, inner, when, jumps, asker, at),
            ExprKind::Not(inner) => {
                return self.condition(body, inner, !when, jumps, Asker::Not, expr.span.lookahead());
            }
            ExprKind::Chain(first, rest) if matches!(rest[..], [(BinOp::And | BinOp::Or, _), ..]) => {
                self.chain(body, first, rest, when, jumps);
            }
            ExprKind::Chain(a, rest) if compared(rest).is_some() => {
                let Some((op, b)) = compared(rest) else { return };
                let mut left = self.expr(body, a);
                self.keep(body, &mut left, b);
                let mut right = self.expr(body, b);
                let end = expr.span.lookahead();
                if self.comparable(op, &mut left, &mut right, end, expr.span) {
                    if let (Some(x), Some(y)) = (left.value(), right.value()) {
                        let folded = self.folded(ops::comparison(op, x, y).map(Value::Bool), end, expr.span);
                        let a = body.operand(&folded);
                        jumps.push(body.emit(Op::Branch { asker, when, a, to: 0 }, self.source(end)));
                        body.mark(from, Stretch::Test, expr.span);
                    } else {
                        let (a, b) = (body.operand(&left), body.operand(&right));
                        jumps.push(body.emit(Op::CompareBranch { op, when, a, b, to: 0 }, self.source(end)));
                        body.mark(from, Stretch::Test, expr.span);
                    }
                }
            }
            _ => {
                let term = self.expr(body, expr);
                let (number, name) = asker.words();
                let fits = self.want(&term, Type::Bool, number, name, at, expr.span);
                if fits && !matches!(term.loc, Loc::Poison) {
                    let a = body.operand(&term);
                    jumps.push(body.emit(Op::Branch { asker, when, a, to: 0 }, self.source(at)));
                    body.mark(from, Stretch::Test, expr.span);
                }
            }
        }
        body.next = mark;
    }

    /// A chain of `&&` and `||`. Between two parts, jumps taken on true and on false wait for the place where the value so far is known.
    fn chain(
        &mut self,
        body: &mut Body,
        first: &Expr,
        rest: &[(BinOp, Expr)],
        when: bool,
        jumps: &mut Vec<Patch>,
    ) {
        let (mut on_true, mut on_false) = (Vec::new(), Vec::new());
        let mut part = first;
        let mut asker = match rest.first() {
            Some((BinOp::And, _)) => Asker::And1,
            _ => Asker::Or1,
        };
        let mut at = rest.first().map_or(first.span.lookahead(), |(_, right)| right.span.lookahead());
        for (op, right) in rest {
            // The part before `&&` leaves when false and falls through when true; before `||` the other way round.
            if *op == BinOp::And {
                self.condition(body, part, false, &mut on_false, asker, at);
                body.patch(&on_true);
                on_true.clear();
            } else {
                self.condition(body, part, true, &mut on_true, asker, at);
                body.patch(&on_false);
                on_false.clear();
            }
            part = right;
            asker = if *op == BinOp::And { Asker::And2 } else { Asker::Or2 };
            at = right.span.lookahead();
        }
        self.condition(body, part, when, jumps, asker, at);
        if when {
            jumps.append(&mut on_true);
            body.patch(&on_false);
        } else {
            jumps.append(&mut on_false);
            body.patch(&on_true);
        }
    }
}
