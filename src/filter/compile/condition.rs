//! Conditions as jumps.
//!
//! `if a && b then` needs no bool in a register: each part jumps on its own. `&&` and `||` are one level,
//! left to right, and the right side runs only if the left one does not decide; a chain of any length is
//! handled in one loop.

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

/// Who asks for a condition, and the token for complaints: while it is checked, and while it runs. The second
/// operand of `&&` and `||` becomes the result as it is, so that what is void meets whoever asks for the
/// whole.
#[derive(Clone, Copy)]
pub(super) struct Asking {
    checked: (Asker, Tok),
    running: (Asker, Tok),
}

impl Asking {
    /// The same for both.
    pub(super) fn by(asker: Asker, at: Tok) -> Asking {
        Asking { checked: (asker, at), running: (asker, at) }
    }
}

impl Checker<'_> {
    /// Emits jumps, collected in `jumps`, that are taken when the condition equals `when`; otherwise
    /// execution goes on behind.
    pub(super) fn condition(
        &mut self,
        body: &mut Body,
        expr: &Expr,
        when: bool,
        jumps: &mut Vec<Patch>,
        asking: Asking,
    ) {
        let (mark, from) = (body.next, body.here());
        match &expr.kind {
            ExprKind::Paren(inner) => return self.condition(body, inner, when, jumps, asking),
            ExprKind::Not(inner) => {
                let asking = Asking::by(Asker::Not, expr.span.lookahead());
                return self.condition(body, inner, !when, jumps, asking);
            }
            ExprKind::Chain(first, rest) if matches!(rest[..], [(BinOp::And | BinOp::Or, _), ..]) => {
                self.chain(body, first, rest, when, jumps, asking);
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
                        let asker = asking.running.0;
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
                let (number, name) = asking.checked.0.words();
                let fits = self.want(&term, Type::Bool, number, name, asking.checked.1, expr.span);
                if fits && !matches!(term.loc, Loc::Poison) {
                    let a = body.operand(&term);
                    let (asker, at) = asking.running;
                    jumps.push(body.emit(Op::Branch { asker, when, a, to: 0 }, self.source(at)));
                    body.mark(from, Stretch::Test, expr.span);
                }
            }
        }
        body.next = mark;
    }

    /// A chain of `&&` and `||`. Between two parts, jumps taken on true and on false wait for the place where
    /// the value so far is known.
    fn chain(
        &mut self,
        body: &mut Body,
        first: &Expr,
        rest: &[(BinOp, Expr)],
        when: bool,
        jumps: &mut Vec<Patch>,
        whole: Asking,
    ) {
        let (mut on_true, mut on_false) = (Vec::new(), Vec::new());
        let mut part = first;
        // As the first operand of an operator.
        let first_of = |(op, right): &(BinOp, Expr)| {
            let asker = if *op == BinOp::And { Asker::And1 } else { Asker::Or1 };
            (asker, right.span.lookahead())
        };
        let mut asking = rest.first().map_or(whole, |next| {
            let (asker, at) = first_of(next);
            Asking::by(asker, at)
        });
        for (number, (op, right)) in rest.iter().enumerate() {
            // The part before `&&` leaves when false and falls through when true; before `||` the other way round.
            if *op == BinOp::And {
                self.condition(body, part, false, &mut on_false, asking);
                body.patch(&on_true);
                on_true.clear();
            } else {
                self.condition(body, part, true, &mut on_true, asking);
                body.patch(&on_false);
                on_false.clear();
            }
            part = right;
            let asker = if *op == BinOp::And { Asker::And2 } else { Asker::Or2 };
            let running = rest.get(number + 1).map_or(whole.running, first_of);
            asking = Asking { checked: (asker, right.span.lookahead()), running };
        }
        self.condition(body, part, when, jumps, asking);
        if when {
            jumps.append(&mut on_true);
            body.patch(&on_false);
        } else {
            jumps.append(&mut on_false);
            body.patch(&on_true);
        }
    }
}
