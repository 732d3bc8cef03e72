//! pest's pairs to the AST.
//!
//! The grammar is written for this converter (see `grammar/build.rs`): an option's rule name is its key,
//! every inner pair is an argument, all other tokens are the option's fixed words. So a new option costs one
//! line of grammar and nothing here.

mod config;
mod expr;
mod filter;
mod network;
mod routes;
mod sets;

use ipnet::IpNet;
use tern_grammar::pest::iterators::{Pair, Pairs};
use tern_grammar::{KEYWORDS, Rule, is_word, keyword_index, option_key, t};

use super::ast::*;
use super::diag::Diagnostic;
use super::names::Sym;
use super::source::Sources;
use super::tokens::Tokens;
use crate::base::{Net, net};

pub(super) use routes::RoutesBuilder;
pub(super) use sets::SetBuilder;

/// What a conversion needs: the tokens, and where the matched string starts among them.
pub(super) struct Convert<'a> {
    pub tokens: &'a Tokens,
    pub sets: &'a mut Vec<Option<ExprKind>>,
    pub sources: &'a Sources,
    pub base: usize,
    pub errors: &'a mut Vec<Diagnostic>,
}

/// A stand-in for what cannot be there: grammar and converter disagree.
const NOTHING: ExprKind = ExprKind::Bool(false);

impl Convert<'_> {
    fn start(&self, pair: &Pair<'_, Rule>) -> usize {
        self.base + pair.as_span().start()
    }

    pub(super) fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let span = pair.as_span();
        self.tokens.span(self.base + span.start(), self.base + span.end())
    }

    fn tok(&self, pair: &Pair<'_, Rule>) -> Tok {
        self.tokens.tok_at(self.start(pair))
    }

    fn char(&self, pair: &Pair<'_, Rule>) -> char {
        pair.as_str().chars().next().unwrap_or('\0')
    }

    /// The word a pair starts with.
    fn ident(&self, pair: &Pair<'_, Rule>) -> Ident {
        self.ident_at(self.start(pair))
    }

    fn ident_at(&self, at: usize) -> Ident {
        Ident { sym: Sym(self.tokens.value_at(at) as u32), tok: self.tokens.tok_at(at) }
    }

    /// The keyword a pair consists of.
    fn word(&self, pair: &Pair<'_, Rule>) -> &'static str {
        keyword_index(self.char(pair)).and_then(|i| KEYWORDS.get(i)).copied().unwrap_or_default()
    }

    fn nothing(&self, pair: &Pair<'_, Rule>) -> Expr {
        Expr { kind: NOTHING, span: self.span(pair) }
    }

    /// An option: its key and its arguments.
    pub(super) fn option(&mut self, pair: Pair<'_, Rule>) -> Opt {
        let span = self.span(&pair);
        let key = option_key(pair.as_rule()).unwrap_or_default();
        let mut args = Vec::new();
        for inner in pair.into_inner() {
            self.argument(inner, &mut args);
        }
        Opt { key, args, span }
    }

    fn options(&mut self, pairs: Pairs<'_, Rule>) -> Vec<Opt> {
        pairs.map(|p| self.option(p)).collect()
    }

    fn argument(&mut self, pair: Pair<'_, Rule>, args: &mut Vec<Arg>) {
        let rule = pair.as_rule();
        args.push(match rule {
            Rule::sw if pair.as_str().is_empty() => Arg::Present,
            Rule::time => {
                let mut inner = pair.into_inner();
                let (Some(value), Some(unit)) = (inner.next(), inner.next()) else { return };
                Arg::Time { unit: self.word(&unit), value: self.value(value) }
            }
            Rule::name | Rule::new_name | Rule::group_name => Arg::Name(self.ident(&pair)),
            Rule::mask_debug | Rule::mask_log | Rule::mask_mrt | Rule::mask_latency => {
                Arg::Mask(pair.into_inner().map(|w| (self.word(&w), self.tok(&w))).collect())
            }
            Rule::policy => Arg::Policy(self.policy(pair)),
            Rule::patterns => Arg::Patterns(pair.into_inner().map(|p| self.pattern(p)).collect()),
            Rule::log_file => {
                args.push(Arg::Word("file", self.tok(&pair)));
                for inner in pair.into_inner() {
                    self.argument(inner, args);
                }
                return;
            }
            Rule::e_network => Arg::Net(self.network_argument(pair)),
            _ if is_word(rule) => Arg::Word(self.word(&pair), self.tok(&pair)),
            _ if is_block(rule) => Arg::Block(self.options(pair.into_inner())),
            _ => Arg::Expr(self.value(pair)),
        });
    }

    fn policy(&mut self, pair: Pair<'_, Rule>) -> Policy {
        let Some(inner) = pair.into_inner().next() else { return Policy::None };
        match inner.as_rule() {
            Rule::p_all => Policy::All,
            Rule::name => Policy::Named(self.ident(&inner)),
            Rule::body => Policy::Inline(self.body(inner)),
            Rule::p_where => match inner.into_inner().next() {
                Some(term) => Policy::Where(self.term(term)),
                None => Policy::None,
            },
            _ => Policy::None,
        }
    }

    fn pattern(&mut self, pair: Pair<'_, Rule>) -> Pattern {
        let span = self.span(&pair);
        let mut inner = pair.into_inner().peekable();
        let negate = inner.next_if(|p| p.as_rule() == Rule::minus).is_some();
        let mut parts = inner.map(|p| self.value(p));
        let first = parts.next().unwrap_or(Expr { kind: NOTHING, span });
        Pattern { negate, first, second: parts.next(), span }
    }

    /// An argument: one token, or a term in parentheses.
    pub(super) fn value(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        if self.char(&pair) == '(' {
            return match pair.into_inner().next() {
                Some(term) => Expr { kind: ExprKind::Paren(Box::new(self.term(term))), span },
                None => Expr { kind: NOTHING, span },
            };
        }
        self.leaf(&pair)
    }

    /// A term of one token.
    fn leaf(&mut self, pair: &Pair<'_, Rule>) -> Expr {
        Expr { kind: self.leaf_at(self.start(pair)), span: self.span(pair) }
    }

    fn leaf_at(&mut self, at: usize) -> ExprKind {
        let value = self.tokens.value_at(at);
        let Some(c) = self.tokens.char_at(at) else { return NOTHING };
        let Some(class) = c.is_ascii().then_some(c as u8) else {
            return match keyword_index(c).and_then(|i| KEYWORDS.get(i)).copied() {
                Some("true" | "on" | "yes") => ExprKind::Bool(true),
                Some("false" | "off" | "no") => ExprKind::Bool(false),
                _ => ExprKind::Name(self.ident_at(at)),
            };
        };
        match class {
            t::NUM => ExprKind::Int(value as u32),
            t::SYM => ExprKind::Name(self.ident_at(at)),
            t::TEXT => ExprKind::Text(self.tokens.texts.get(value as usize).cloned().unwrap_or_default()),
            t::IP4 | t::IP6 => ExprKind::Ip(self.tokens.ip_at(at).unwrap_or(net::UNSPECIFIED)),
            t::NET4 | t::NET6 => ExprKind::Net(Net::Ip(self.tokens.net_at(at).unwrap_or(NO_NET))),
            t::RD => ExprKind::Rd(crate::base::Rd(value)),
            t::MAC => ExprKind::Mac(mac(value)),
            t::BYTES => match self.tokens.bytes.get(value as usize) {
                Some(bytes) => ExprKind::Bytes(bytes.clone()),
                None => NOTHING,
            },
            t::ENUM => ExprKind::Enum(self.ident_at(at)),
            t::SET => {
                self.sets.get_mut(value as usize).and_then(Option::take).unwrap_or(ExprKind::Set(Vec::new()))
            }
            _ => NOTHING,
        }
    }
}

/// Where a network must stand and none is known.
pub(super) const NO_NET: IpNet = IpNet::V4(ipnet::Ipv4Net::new_assert(std::net::Ipv4Addr::UNSPECIFIED, 0));

fn mac(value: u64) -> crate::base::Mac {
    let [_, _, bytes @ ..] = value.to_be_bytes();
    crate::base::Mac(bytes)
}

fn is_block(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::blk_cli
            | Rule::blk_thread
            | Rule::blk_table
            | Rule::blk_domain
            | Rule::blk_range
            | Rule::blk_channel
            | Rule::blk_mpls
            | Rule::blk_device
    )
}
