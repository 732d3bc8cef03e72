//! Top-level statements, tables, channels and protocol heads.

use tern_grammar::Rule;
use tern_grammar::pest::iterators::Pair;

use super::super::ast::*;
use super::Convert;

impl Convert<'_> {
    /// A top-level statement other than a protocol; `None` for an empty one.
    pub(crate) fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let span = self.span(&pair);
        Some(match pair.as_rule() {
            Rule::define => {
                let mut inner = pair.into_inner();
                Item::Define { name: self.ident(&inner.next()?), value: self.term(inner.next()?), span }
            }
            Rule::function => Item::Function(self.function(pair)?),
            Rule::filter => {
                let mut inner = pair.into_inner();
                Item::Filter { name: self.ident(&inner.next()?), body: self.body(inner.next()?) }
            }
            Rule::eval => Item::Eval(self.term(pair.into_inner().next()?)),
            Rule::table => self.table(pair)?,
            Rule::attribute => {
                let (mut ty, mut bgp, mut name) = (None, None, None);
                for inner in pair.into_inner() {
                    match inner.as_rule() {
                        Rule::type_name => ty = Some(self.type_name(inner)),
                        Rule::new_name => name = Some(self.ident(&inner)),
                        _ => bgp = Some(self.value(inner)),
                    }
                }
                Item::Attribute { ty: ty?, bgp, name: name?, span }
            }
            Rule::mpls_domain => {
                let mut inner = pair.into_inner();
                let name = self.ident(&inner.next()?);
                let ranges = inner.next().map(|b| self.options(b.into_inner())).unwrap_or_default();
                Item::MplsDomain { name, ranges, span }
            }
            Rule::thread_group => {
                let mut inner = pair.into_inner();
                let name = self.ident(&inner.next()?);
                let options = inner.next().map(|b| self.options(b.into_inner())).unwrap_or_default();
                Item::ThreadGroup { name, options, span }
            }
            Rule::o_bt_test_suite | Rule::o_bt_test_same => Item::SelfTest(self.option(pair)),
            Rule::empty => return None,
            _ => Item::Option(self.option(pair)),
        })
    }

    fn table(&mut self, pair: Pair<'_, Rule>) -> Option<Item> {
        let span = self.span(&pair);
        let (mut kind, mut name, mut sorted, mut options) = ("", None, false, Vec::new());
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::net_type => kind = self.net_type(&inner),
                Rule::new_name => name = Some(self.ident(&inner)),
                Rule::bare_sorted => sorted = true,
                _ => options = self.options(inner.into_inner()),
            }
        }
        Some(Item::Table(Table { kind, name: name?, sorted, options, span }))
    }

    fn net_type(&self, pair: &Pair<'_, Rule>) -> &'static str {
        let word = self.word(pair);
        let more = pair.as_str().chars().count() > 1;
        if more && word == "ipv6" { "ipv6 sadr" } else { word }
    }

    pub(crate) fn channel(&mut self, pair: Pair<'_, Rule>) -> Channel {
        let span = self.span(&pair);
        let mut channel = Channel { kind: "", tok: span.first, options: Vec::new(), span };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::channel_type | Rule::mpls_type => channel.kind = self.net_type(&inner),
                _ => channel.options = self.options(inner.into_inner()),
            }
        }
        channel
    }

    /// `protocol KIND [NAME] [from NAME] {`
    pub(crate) fn proto_head(&mut self, pair: Pair<'_, Rule>) -> Option<Protocol> {
        let span = self.span(&pair);
        let (mut template, mut kind, mut name, mut from) = (false, None, None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::proto_word => template = self.word(&inner) == "template",
                Rule::proto_kind => kind = Some(self.ident(&inner)),
                Rule::new_proto => name = Some(self.ident(&inner)),
                Rule::name => from = Some(self.ident(&inner)),
                _ => {}
            }
        }
        let (open, close) = (span.last, span.last);
        Some(Protocol { template, kind: kind?, name, from, items: Vec::new(), open, close, span })
    }
}
