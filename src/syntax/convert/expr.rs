//! Terms: precedence is resolved here, by two stacks, and operators of one level become one flat chain:
//! however long it is, neither this nor anything that walks the tree recurses over it.

use tern_grammar::pest::iterators::{Pair, Pairs};
use tern_grammar::{Rule, k};

use super::super::ast::*;
use super::super::diag::Diagnostic;
use super::{Convert, NOTHING};

/// The operator of a token.
fn operator(c: char) -> BinOp {
    match c {
        'O' => BinOp::Or,
        'A' => BinOp::And,
        '=' => BinOp::Eq,
        'N' => BinOp::Ne,
        '<' => BinOp::Lt,
        'L' => BinOp::Le,
        '>' => BinOp::Gt,
        'G' => BinOp::Ge,
        '~' => BinOp::Match,
        'M' => BinOp::NotMatch,
        '&' => BinOp::BitAnd,
        '|' => BinOp::BitOr,
        '+' => BinOp::Add,
        '-' => BinOp::Sub,
        'C' => BinOp::Append,
        '*' => BinOp::Mul,
        _ => BinOp::Div,
    }
}

/// How tightly an operator binds.
fn precedence(op: BinOp) -> u8 {
    match op {
        BinOp::Or | BinOp::And => 1,
        BinOp::Eq
        | BinOp::Ne
        | BinOp::Lt
        | BinOp::Le
        | BinOp::Gt
        | BinOp::Ge
        | BinOp::Match
        | BinOp::NotMatch => COMPARISON,
        BinOp::BitAnd | BinOp::BitOr => 3,
        BinOp::Add | BinOp::Sub | BinOp::Append => 4,
        BinOp::Mul | BinOp::Div => 5,
    }
}

/// The precedence of the operators of a chain.
fn level(chain: &[(BinOp, Expr)]) -> Option<u8> {
    chain.first().map(|(op, _)| precedence(*op))
}

/// Comparisons do not chain.
const COMPARISON: u8 = 2;

#[derive(Default)]
struct Climber {
    operands: Vec<Expr>,
    operators: Vec<(BinOp, u8)>,
}

impl Climber {
    fn reduce(&mut self, above: u8) {
        while self.operators.last().is_some_and(|(_, p)| *p >= above) {
            let (Some((op, binds)), Some(right), Some(left)) =
                (self.operators.pop(), self.operands.pop(), self.operands.pop())
            else {
                return;
            };
            let span = left.span.to(right.span);
            let kind = match left {
                Expr { kind: ExprKind::Chain(first, mut rest), .. } if level(&rest) == Some(binds) => {
                    rest.push((op, right));
                    ExprKind::Chain(first, rest)
                }
                left => ExprKind::Chain(Box::new(left), vec![(op, right)]),
            };
            self.operands.push(Expr { kind, span });
        }
    }
}

impl Convert<'_> {
    /// A term.
    pub(crate) fn term(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let whole = self.span(&pair);
        let mut climber = Climber::default();
        let mut nots: Vec<Tok> = Vec::new();
        let mut operand: Option<Expr> = None;
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::not => nots.push(self.tok(&inner)),
                Rule::method => {
                    if let Some(object) = operand.take() {
                        operand = Some(self.method(object, inner));
                    }
                }
                Rule::op => {
                    if let Some(done) = operand.take() {
                        climber.operands.push(negate(done, &mut nots));
                    }
                    let op = operator(self.char(&inner));
                    let binds = precedence(op);
                    let bits = match climber.operators.last() {
                        Some((BinOp::BitAnd, _)) => Some("&"),
                        Some((BinOp::BitOr, _)) => Some("|"),
                        _ => None,
                    };
                    climber.reduce(binds + u8::from(binds == COMPARISON));
                    if binds == COMPARISON && climber.operators.last().is_some_and(|o| o.1 == COMPARISON) {
                        let text = super::super::errors::unexpected(self.char(&inner), false);
                        self.errors.push(Diagnostic::error(self.tok(&inner), text).help(match bits {
                            Some(op) => format!(
                                "conditions are joined by `{op}{op}`; `{op}` works on the bits of numbers"
                            ),
                            None => "comparisons do not chain; parenthesise one of them".to_owned(),
                        }));
                        climber.reduce(COMPARISON);
                    }
                    climber.operators.push((op, binds));
                }
                _ => operand = Some(self.atom(inner)),
            }
        }
        if let Some(done) = operand {
            climber.operands.push(negate(done, &mut nots));
        }
        climber.reduce(0);
        climber.operands.pop().unwrap_or(Expr { kind: NOTHING, span: whole })
    }

    fn method(&mut self, object: Expr, pair: Pair<'_, Rule>) -> Expr {
        let span = object.span.to(self.span(&pair));
        let mut inner = pair.into_inner();
        let Some(name) = inner.next() else { return object };
        let method = self.ident(&name);
        let args = inner.next().map(|a| self.terms(a.into_inner()));
        Expr { kind: ExprKind::Method { object: Box::new(object), method, args }, span }
    }

    pub(super) fn terms(&mut self, pairs: Pairs<'_, Rule>) -> Vec<Expr> {
        pairs.map(|p| self.term(p)).collect()
    }

    fn atom(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::leaf => return self.leaf(&pair),
            Rule::call | Rule::builtin => return self.call(pair),
            Rule::tuple => self.tuple(pair),
            Rule::a_mask => ExprKind::PathMask(self.mask(pair)),
            Rule::a_empty => {
                let dashes = pair.as_str().bytes().take_while(|b| *b == b'-').count();
                ExprKind::Empty(match dashes {
                    0 => EmptyKind::Path,
                    1 => EmptyKind::Clist,
                    2 => EmptyKind::Eclist,
                    _ => EmptyKind::Lclist,
                })
            }
            _ => return self.network(pair),
        };
        Expr { kind, span }
    }

    /// A call of a function, the user's or a built-in one.
    pub(crate) fn call(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let function = self.ident(&pair);
        let user = pair.as_rule() == Rule::call;
        let mut args = Vec::new();
        for inner in pair.into_inner() {
            match inner.as_rule() {
                // The function's own name, or a table's.
                Rule::name if user => {}
                Rule::name => args.push(self.leaf(&inner)),
                Rule::args => args = self.terms(inner.into_inner()),
                _ => args.push(self.term(inner)),
            }
        }
        Expr { kind: ExprKind::Call { function, args }, span }
    }

    /// `(A)`, `(A, B)`, `(A, B, C)`, `(rt, A, B)`
    fn tuple(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut inner = pair.into_inner().peekable();
        let ec = inner.next_if(|p| p.as_rule() == Rule::ec_kind).map(|p| self.ec_kind(p));
        let mut terms = inner.map(|p| Box::new(self.term(p))).collect::<Vec<_>>().into_iter();
        match (ec, terms.next(), terms.next(), terms.next()) {
            (Some((kind, number)), Some(key), Some(value), None) => ExprKind::Ec(kind, number, key, value),
            (None, Some(a), None, None) => ExprKind::Paren(a),
            (None, Some(a), Some(b), None) => ExprKind::Pair(a, b),
            (None, Some(a), Some(b), Some(c)) => ExprKind::Lc(a, b, c),
            _ => NOTHING,
        }
    }

    /// The kind of an extended community and, for `unknown`, its number.
    pub(super) fn ec_kind(&mut self, pair: Pair<'_, Rule>) -> (&'static str, Option<u32>) {
        let at = self.start(&pair);
        let c = self.char(&pair);
        (self.word(&pair), (c == k::UNKNOWN).then(|| self.tokens.value_at(at + c.len_utf8()) as u32))
    }

    fn mask(&mut self, pair: Pair<'_, Rule>) -> Vec<MaskItem> {
        pair.into_inner()
            .map(|item| {
                let at = self.start(&item);
                match item.as_rule() {
                    Rule::mk_num => MaskItem::Asn(self.tokens.value_at(at) as u32),
                    Rule::mk_range => {
                        MaskItem::Range(self.tokens.value_at(at) as u32, self.tokens.value_at(at + 2) as u32)
                    }
                    Rule::mk_any => MaskItem::Star,
                    Rule::mk_one => MaskItem::One,
                    Rule::mk_loop => MaskItem::Loop(self.tokens.tok_at(at)),
                    Rule::mk_set => {
                        let span = self.span(&item);
                        match self.leaf_at(at) {
                            ExprKind::Set(items) => MaskItem::Set(items, span),
                            _ => {
                                let message = "Set-incompatible type (prefix)";
                                self.errors.push(Diagnostic::error(span.last, message).over(span));
                                MaskItem::Set(Vec::new(), span)
                            }
                        }
                    }
                    _ => MaskItem::Expr(self.value(item)),
                }
            })
            .collect()
    }
}

/// Puts the `!`s in front of an operand around it.
fn negate(operand: Expr, nots: &mut Vec<Tok>) -> Expr {
    let mut operand = operand;
    while let Some(tok) = nots.pop() {
        let span = Span { first: tok, last: operand.span.last };
        operand = Expr { kind: ExprKind::Not(Box::new(operand)), span };
    }
    operand
}
