//! Members of sets. A set is built while it is read, piece by piece, because a set may hold a million members.

use ipnet::IpNet;
use tern_grammar::pest::iterators::Pair;
use tern_grammar::{Rule, t};

use super::super::ast::*;
use super::super::diag::Diagnostic;
use super::super::tokens::Tokens;
use super::{Convert, NO_NET, NOTHING};

/// A set in the making.
#[derive(Default, Debug)]
pub(in super::super) struct SetBuilder {
    pub prefixes: Vec<PrefixPattern>,
    pub items: Vec<SetItem>,
    pub failed: bool,
}

impl SetBuilder {
    /// The whole set.
    pub(crate) fn finish(self) -> ExprKind {
        match self.prefixes.is_empty() {
            true => ExprKind::Set(self.items),
            false => ExprKind::PrefixSet(self.prefixes),
        }
    }

    /// Takes a pattern; complains about mixed families at `behind`: the token behind a plain prefix, the last
    /// one of what ends by itself.
    fn push(&mut self, net: IpNet, low: u64, high: u64, at: Tok, behind: Tok, errors: &mut Vec<Diagnostic>) {
        let most = u64::from(net.max_prefix_len());
        if low > high || high > most {
            errors.push(Diagnostic::error(at, format!("Invalid prefix pattern range: {{{low}, {high}}}")));
            return;
        }
        let mixed = |p: &PrefixPattern| matches!(p.net, IpNet::V4(_)) != matches!(net, IpNet::V4(_));
        if self.prefixes.last().is_some_and(mixed) {
            errors.push(Diagnostic::error(behind, "Mixed IPv4/IPv6 prefixes in prefix set"));
            return;
        }
        self.prefixes.push(PrefixPattern { net, low: low as u8, high: high as u8 });
    }

    /// Reads plain numbers directly from the token string, as far as they go; returns where it stopped: at
    /// the end, or at the start of an item that is none. Does exactly what the rule `set_items` does, several
    /// times faster.
    pub(crate) fn quick_numbers(&mut self, tokens: &Tokens, from: usize) -> usize {
        let text = tokens.text.as_bytes();
        let mut at = from;
        while text.get(at) == Some(&t::NUM) && matches!(text.get(at + 1), Some(b',') | None) {
            let kind = ExprKind::Int(tokens.value_at(at) as u32);
            self.items.push(SetItem::One(Expr { kind, span: tokens.span(at, at + 1) }));
            at = text.len().min(at + 2);
        }
        at
    }

    /// Likewise prefix patterns, by the rule `prefix_items`.
    pub(crate) fn quick_prefixes(
        &mut self,
        tokens: &Tokens,
        from: usize,
        errors: &mut Vec<Diagnostic>,
    ) -> usize {
        let text = tokens.text.as_bytes();
        let mut at = from;
        loop {
            let Some(&(t::NET4 | t::NET6)) = text.get(at) else { return at };
            let Some(net) = tokens.net_at(at) else { return at };
            let (len, most) = (u64::from(net.prefix_len()), u64::from(net.max_prefix_len()));
            let (low, high, end) = match text.get(at + 1) {
                Some(b'+') => (len, most, at + 2),
                Some(b'-') => (0, len, at + 2),
                Some(b'{') if text.get(at + 2..at + 6) == Some(b"n,n}") => {
                    (tokens.value_at(at + 2), tokens.value_at(at + 4), at + 6)
                }
                Some(b'{') => return at,
                _ => (len, len, at + 1),
            };
            let next = match text.get(end) {
                Some(b',') => end + 1,
                None => end,
                Some(_) => return at,
            };
            let last = tokens.last_of(end);
            let behind = if end == at + 1 { tokens.tok_at(end) } else { last };
            self.push(net, low, high, last, behind, errors);
            at = next;
            if next == end {
                return at;
            }
        }
    }
}

impl Convert<'_> {
    /// A piece of a set matched by `prefix_items`.
    pub(crate) fn prefix_items(&mut self, pair: Pair<'_, Rule>, set: &mut SetBuilder) {
        for item in pair.into_inner() {
            let at = self.start(&item);
            let end = at + item.as_str().len();
            let net = self.tokens.net_at(at).unwrap_or(NO_NET);
            let (len, most) = (u64::from(net.prefix_len()), u64::from(net.max_prefix_len()));
            let (low, high) = match item.as_str().as_bytes().get(1) {
                Some(b'+') => (len, most),
                Some(b'-') => (0, len),
                Some(_) => (self.tokens.value_at(at + 2), self.tokens.value_at(at + 4)),
                None => (len, len),
            };
            let last = self.tokens.last_of(end);
            let behind = if end == at + 1 { self.tokens.tok_at(end) } else { last };
            set.push(net, low, high, last, behind, self.errors);
        }
    }

    /// A piece of a set matched by `set_items`.
    pub(crate) fn set_items(&mut self, pair: Pair<'_, Rule>, set: &mut SetBuilder) {
        for item in pair.into_inner() {
            let item = self.set_item(item);
            set.items.push(item);
        }
    }

    /// `VALUE`, `VALUE..VALUE` or a pattern.
    pub(super) fn set_item(&mut self, pair: Pair<'_, Rule>) -> SetItem {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        let (first, second) = (inner.next(), inner.next());
        let Some(first) = first else { return SetItem::One(Expr { kind: NOTHING, span }) };
        let first = self.set_value(first);
        let Some(second) = second else { return first };
        match (first, self.set_value(second)) {
            (SetItem::One(a), SetItem::One(b)) => SetItem::Range(Box::new((a, b))),
            (first, second) => {
                // A range begins and ends with a value.
                let (other, behind) = match first {
                    SetItem::One(_) => (second, 0),
                    _ => (first, 1),
                };
                let at = match other {
                    SetItem::PairPattern(.., s) | SetItem::LcPattern(.., s) | SetItem::EcPattern(.., s) => {
                        s.last + behind
                    }
                    _ => span.last,
                };
                self.errors.push(Diagnostic::error(at, "syntax error, unexpected DDOT"));
                other
            }
        }
    }

    fn set_value(&mut self, pair: Pair<'_, Rule>) -> SetItem {
        if pair.as_rule() != Rule::pattern_tuple {
            return SetItem::One(self.leaf(&pair));
        }
        let span = self.span(&pair);
        let mut inner = pair.into_inner().peekable();
        if let Some(kind) = inner.next_if(|p| p.as_rule() == Rule::ec_kind) {
            let (kind, number) = self.ec_kind(kind);
            let key = inner.next().map_or(Expr { kind: NOTHING, span }, |p| self.term(p));
            let value = inner.next().map_or(PatPart::Any, |p| self.part(p));
            return match value {
                PatPart::One(value) => {
                    let kind = ExprKind::Ec(kind, number, Box::new(key), Box::new(value));
                    SetItem::One(Expr { kind, span })
                }
                other => SetItem::EcPattern(kind, number, Box::new((key, other)), span),
            };
        }
        let parts: Vec<(PatPart, Span)> = inner
            .map(|p| {
                let span = self.span(&p);
                (self.part(p), span)
            })
            .collect();
        self.check_parts(&parts);
        let one = |kind| SetItem::One(Expr { kind, span });
        let mut parts = parts.into_iter().map(|p| p.0);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(PatPart::One(a)), None, None) => one(ExprKind::Paren(Box::new(a))),
            (Some(PatPart::One(a)), Some(PatPart::One(b)), None) => {
                one(ExprKind::Pair(Box::new(a), Box::new(b)))
            }
            (Some(a), Some(b), None) => SetItem::PairPattern(Box::new((a, b)), span),
            (Some(PatPart::One(a)), Some(PatPart::One(b)), Some(PatPart::One(c))) => {
                one(ExprKind::Lc(Box::new(a), Box::new(b), Box::new(c)))
            }
            (Some(a), Some(b), Some(c)) => SetItem::LcPattern(Box::new((a, b, c)), span),
            _ => one(NOTHING),
        }
    }

    /// Parentheses around one part hold a term; behind a range or `*`, large communities have only `*`.
    fn check_parts(&mut self, parts: &[(PatPart, Span)]) {
        let plain = |p: &PatPart| matches!(p, PatPart::One(_));
        match parts {
            [(part, span)] if !plain(part) => {
                let what = if matches!(part, PatPart::Any) { "'*'" } else { "DDOT" };
                self.errors.push(Diagnostic::error(span.last, format!("syntax error, unexpected {what}")));
            }
            [_, _, _] => {
                let open = parts.iter().position(|(p, _)| !plain(p)).unwrap_or(parts.len());
                let bad = parts.iter().skip(open + 1).find(|(p, _)| !matches!(p, PatPart::Any));
                if let Some((_, span)) = bad {
                    let at = self.tokens.tok.iter().position(|t| *t == span.first);
                    let token = at.and_then(|at| self.tokens.char_at(at)).unwrap_or('n');
                    let text = format!("{}, expecting '*'", super::super::errors::unexpected(token, true));
                    self.errors.push(Diagnostic::error(span.first, text));
                }
            }
            _ => {}
        }
    }

    fn part(&mut self, pair: Pair<'_, Rule>) -> PatPart {
        let span = self.span(&pair);
        let mut inner = pair.into_inner();
        match (inner.next(), inner.next()) {
            (Some(p), None) if p.as_rule() == Rule::star => PatPart::Any,
            (Some(p), None) => PatPart::One(self.term(p)),
            (Some(a), Some(b)) => PatPart::Range(self.term(a), self.term(b)),
            _ => PatPart::One(Expr { kind: NOTHING, span }),
        }
    }
}
