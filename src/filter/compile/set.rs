//! Sets, labels of `case`, path masks.

use std::sync::Arc;

use super::Checker;
use super::body::{Body, Loc, Term};
use super::expr::ec_kind;
use crate::base::Value;
use crate::base::community::{LargeCommunity, ec_number};
use crate::base::mask::MaskItem;
use crate::base::prefix_set::{Pattern, PrefixSet};
use crate::base::set::{ScalarKind, SetBuilder, scalar};
use crate::filter::code::{EcKind, MaskPart, Op, Place};
use crate::filter::ops;
use crate::filter::symbols::Symbol;
use crate::filter::types::Type;
use crate::syntax::ast::{self, Expr, ExprKind, PatPart, PrefixPattern, SetItem, Span, Tok};

/// A range of scalars of one type.
type Range = (ScalarKind, u128, u128);

impl Checker<'_> {
    /// `[ ... ]` without prefix patterns.
    pub(super) fn set(&mut self, body: &Body, items: &[SetItem]) -> Term {
        self.outer = body.locals.iter().map(|l| l.sym).collect();
        match self.set_value(items) {
            Some(set) => Term::constant(Value::Set(set)),
            None => Term { ty: Type::Set, loc: Loc::Poison },
        }
    }

    fn set_value(&mut self, items: &[SetItem]) -> Option<Arc<crate::base::set::Set>> {
        let mut builder = SetBuilder::default();
        let mut fine = true;
        for item in items {
            fine &= self.item(item, &mut |(kind, from, to)| builder.add(kind, from, to)).is_some();
        }
        fine.then(|| builder.finish())
    }

    /// A label of a `case`, as ranges that lead to arm number `arm`.
    pub(super) fn label(
        &mut self,
        body: &Body,
        item: &SetItem,
        arm: u32,
        labels: &mut Vec<(ScalarKind, u128, u128, u32)>,
    ) {
        self.outer = body.locals.iter().map(|l| l.sym).collect();
        self.item(item, &mut |(kind, from, to)| labels.push((kind, from, to, arm)));
    }

    /// The ranges of a member.
    fn item(&mut self, item: &SetItem, add: &mut dyn FnMut(Range)) -> Option<()> {
        match item {
            SetItem::One(expr) => match &expr.kind {
                // Keys of these have narrower rules here than in an expression.
                ExprKind::Pair(a, b) => {
                    // BIRD looks at the numbers when it knows that no range follows.
                    let at = expr.span.lookahead();
                    let (x, y) = (self.half(a, at)?, self.half(b, at)?);
                    add(pair_range(x, y, x, y));
                }
                ExprKind::Ec(word, number, key, value) => {
                    let kind = ec_kind(word, *number);
                    let (key, from) = (self.number(key)?, self.number(value)?);
                    let ec = self.ec_key(kind, key, from, expr.span.last, expr.span)?;
                    add((ScalarKind::Ec, ec as u128, ec as u128));
                }
                ExprKind::Lc(a, b, c) => {
                    let lc = self.lc_value(a, b, c)?;
                    add((ScalarKind::Lc, lc.bits(), lc.bits()));
                }
                _ => {
                    let (kind, key) = self.member(expr)?;
                    add((kind, key, key));
                }
            },
            SetItem::Range(ends) => return self.range(&ends.0, &ends.1, add),
            SetItem::PairPattern(parts, span) => {
                // No range can follow, and BIRD does not look.
                let at = span.last;
                let (first, second) = (self.half_part(&parts.0, at)?, self.half_part(&parts.1, at)?);
                // A star makes one range of the rows; numbers, even all of them, one range of each.
                if matches!(parts.1, PatPart::Any) {
                    add(pair_range(first.0, 0, first.1, 0xffff));
                } else {
                    (first.0..=first.1).for_each(|x| add(pair_range(x, second.0, x, second.1)));
                }
            }
            SetItem::EcPattern(word, number, parts, span) => {
                let (key, part) = &**parts;
                let kind = ec_kind(word, *number);
                let key = self.number(key)?;
                let wide = key < 0x10000 || kind == EcKind::Generic;
                let (from, to) = match part {
                    PatPart::One(v) => {
                        let v = self.number(v)?;
                        (v, v)
                    }
                    PatPart::Range(a, b) => (self.number(a)?, self.number(b)?),
                    PatPart::Any => (0, if wide { u32::MAX } else { 0xffff }),
                };
                let from = self.ec_key(kind, key, from, span.last, *span)?;
                let to = self.ec_key(kind, key, to, span.last, *span)?;
                add((ScalarKind::Ec, from as u128, to as u128));
            }
            SetItem::LcPattern(parts, _) => {
                let (a, b, c) = &**parts;
                let parts = [self.word_part(a)?, self.word_part(b)?, self.word_part(c)?];
                let side = |pick: fn(&(u32, u32)) -> u32| {
                    LargeCommunity { asn: pick(&parts[0]), data1: pick(&parts[1]), data2: pick(&parts[2]) }
                        .bits()
                };
                add((ScalarKind::Lc, side(|p| p.0), side(|p| p.1)));
            }
        }
        Some(())
    }

    fn range(&mut self, a: &Expr, b: &Expr, add: &mut dyn FnMut(Range)) -> Option<()> {
        if let (ExprKind::Pair(p, q), ExprKind::Pair(r, s)) = (&a.kind, &b.kind) {
            let at = b.span.last;
            let (p, q, r, s) = (self.half(p, at)?, self.half(q, at)?, self.half(r, at)?, self.half(s, at)?);
            if p > r || q > s {
                self.error(b.span.last, b.span, "From value cannot be higher that To value in pair sets");
                return None;
            }
            add(pair_range(p, q, r, s));
            return Some(());
        }
        let (kind, from) = self.member(a)?;
        let (other, to) = self.member(b)?;
        // BIRD finds no value of the first type behind an end of another type.
        add((kind, from, if kind == other { to } else { u128::MAX }));
        Some(())
    }

    /// A single member: a literal, the name of a constant, or a term in parentheses.
    fn member(&mut self, expr: &Expr) -> Option<crate::base::set::Scalar> {
        let value = match &expr.kind {
            ExprKind::Name(name) => {
                let known = self.symbols.get(self.names, name.sym).map(|e| &e.symbol);
                match known {
                    Some(Symbol::Constant(value)) => {
                        let value = value.clone();
                        let found = scalar(&value);
                        if found.is_none() && value != Value::Void {
                            let (word, ty) = (self.text(*name), Type::of(&value));
                            let message = format!("{word}: Set-incompatible type ({ty})");
                            self.error(name.tok, expr.span, message);
                        }
                        return found;
                    }
                    Some(_) => {
                        let diagnostic =
                            self.symbols.wrong_class(self.names, *name, "Constant name required");
                        self.diagnostics.push(diagnostic);
                        return None;
                    }
                    None => {
                        let diagnostic = match self.outer.contains(&name.sym) {
                            true => {
                                crate::syntax::diag::Diagnostic::error(name.tok, "Constant name required")
                                    .over(expr.span)
                            }
                            false => self.symbols.undefined(self.names, *name),
                        };
                        self.diagnostics.push(diagnostic);
                        return None;
                    }
                }
            }
            ExprKind::Paren(inner) => {
                let value = self.constant_at(inner, expr.span.last)?;
                if scalar(&value).is_none() {
                    let ty = Type::of(&value);
                    self.error(expr.span.last, expr.span, format!("Set-incompatible type ({ty})"));
                }
                value
            }
            _ => self.constant_at(expr, expr.span.last)?,
        };
        scalar(&value)
    }

    /// A number in a pattern.
    pub(super) fn number(&mut self, expr: &Expr) -> Option<u32> {
        match self.constant(expr)? {
            Value::Int(n) => Some(n),
            _ => {
                self.error(expr.span.lookahead(), expr.span, "Expression of type int expected");
                None
            }
        }
    }

    fn half(&mut self, expr: &Expr, at: Tok) -> Option<u32> {
        let n = self.number(expr)?;
        if n > 0xffff {
            self.error(at, expr.span, format!("Value {n} out of range (0-65535)"));
            return None;
        }
        Some(n)
    }

    fn half_part(&mut self, part: &PatPart, at: Tok) -> Option<(u32, u32)> {
        match part {
            PatPart::One(e) => self.half(e, at).map(|n| (n, n)),
            PatPart::Range(a, b) => {
                let (from, to) = (self.half(a, at)?, self.half(b, at)?);
                if from > to {
                    let at = b.span.lookahead();
                    self.error(
                        at,
                        a.span.to(b.span),
                        "From value cannot be higher that To value in pair sets",
                    );
                    return None;
                }
                Some((from, to))
            }
            PatPart::Any => Some((0, 0xffff)),
        }
    }

    fn word_part(&mut self, part: &PatPart) -> Option<(u32, u32)> {
        match part {
            PatPart::One(e) => self.number(e).map(|n| (n, n)),
            PatPart::Range(a, b) => Some((self.number(a)?, self.number(b)?)),
            PatPart::Any => Some((0, u32::MAX)),
        }
    }

    fn lc_value(&mut self, a: &Expr, b: &Expr, c: &Expr) -> Option<LargeCommunity> {
        Some(LargeCommunity { asn: self.number(a)?, data1: self.number(b)?, data2: self.number(c)? })
    }

    fn ec_key(&mut self, kind: EcKind, key: u32, value: u32, at: Tok, span: Span) -> Option<u64> {
        let made = match kind {
            EcKind::Generic => Some((key as u64) << 32 | value as u64),
            EcKind::Typed(kind) => ec_number(kind, key, value),
        };
        if made.is_none() {
            self.error(at, span, format!("Value {value} out of range (0-65535)"));
        }
        made
    }

    /// `[ ... ]` of prefix patterns.
    pub(super) fn prefix_set(&mut self, patterns: &[PrefixPattern], span: Span) -> Term {
        let family = |p: &PrefixPattern| p.net.addr().is_ipv4();
        if let Some(first) = patterns.first()
            && patterns.iter().any(|p| family(p) != family(first))
        {
            self.error(span.last, span, "Mixed IPv4/IPv6 prefixes in prefix set");
            return Term { ty: Type::PrefixSet, loc: Loc::Poison };
        }
        let patterns = patterns.iter().map(|p| Pattern { net: p.net, low: p.low, high: p.high });
        Term::constant(Value::PrefixSet(PrefixSet::new(patterns)))
    }

    /// `[= ... =]`
    pub(super) fn mask(&mut self, body: &mut Body, items: &[ast::MaskItem], span: Span) -> Term {
        self.outer = body.locals.iter().map(|l| l.sym).collect();
        let (mark, at) = (body.next, span.last);
        let mut parts = Vec::with_capacity(items.len());
        let mut fine = true;
        for item in items {
            parts.push(MaskPart::Known(match item {
                ast::MaskItem::Asn(n) => MaskItem::Asn(*n),
                ast::MaskItem::Range(from, to) => MaskItem::Range(*from, *to),
                ast::MaskItem::Star => MaskItem::Star,
                ast::MaskItem::One => MaskItem::One,
                ast::MaskItem::Loop(_) => MaskItem::Loop,
                ast::MaskItem::Set(items, span) => match self.set_value(items) {
                    Some(set) if set.kinds().any(|k| k != ScalarKind::Int) => {
                        self.error(span.lookahead(), *span, "Only integer sets allowed in path mask");
                        fine = false;
                        continue;
                    }
                    Some(set) => MaskItem::Set(set),
                    None => {
                        fine = false;
                        continue;
                    }
                },
                ast::MaskItem::Expr(expr) => {
                    let slot = body.next;
                    let term = self.expr(body, expr);
                    match &term.loc {
                        Loc::Poison => fine = false,
                        Loc::Const(value) => match ops::mask_item(value) {
                            Ok(item) => {
                                parts.push(MaskPart::Known(item));
                                continue;
                            }
                            Err(fault) => {
                                self.folded(Err(fault), at, expr.span);
                                fine = false;
                            }
                        },
                        Loc::At(_) => {
                            self.put(body, &term, slot, at);
                            parts.push(MaskPart::Hole);
                        }
                    }
                    continue;
                }
            }));
        }
        if !fine {
            return Term { ty: Type::Mask, loc: Loc::Poison };
        }
        let known: Option<Vec<MaskItem>> = parts
            .iter()
            .map(|p| match p {
                MaskPart::Known(item) => Some(item.clone()),
                MaskPart::Hole => None,
            })
            .collect();
        if let Some(items) = known {
            return self.folded(ops::mask(items), at, span);
        }
        let template = body.mask(parts);
        body.next = mark;
        let dst = body.temp();
        body.emit(Op::Mask { dst, template, first: mark }, self.source(at));
        Term::at(Type::Mask, Place::Reg(dst))
    }
}

fn pair_range(a: u32, b: u32, c: u32, d: u32) -> Range {
    (ScalarKind::Pair, (a << 16 | b) as u128, (c << 16 | d) as u128)
}
