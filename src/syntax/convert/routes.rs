//! Routes of static protocols, kept small: a million of them make a big configuration.

use std::net::IpAddr;

use rustc_hash::FxHashMap;
use tern_grammar::pest::iterators::Pair;
use tern_grammar::{Rule, k, t};

use super::super::ast::*;
use super::super::tokens::Tokens;
use super::{Convert, NO_NET};
use crate::base::Net;

/// Routes in the making, with the destinations that many share.
#[derive(Default, Debug)]
pub(in super::super) struct RoutesBuilder {
    routes: Routes,
    via: FxHashMap<IpAddr, u32>,
    recursive: FxHashMap<IpAddr, u32>,
    plain: [Option<u32>; 5],
}

/// Destinations without fields, for sharing.
fn plain_index(dest: &RouteDest) -> Option<usize> {
    Some(match dest {
        RouteDest::Blackhole => 0,
        RouteDest::Unreachable => 1,
        RouteDest::Prohibit => 2,
        RouteDest::Empty => 3,
        RouteDest::Transit => 4,
        _ => return None,
    })
}

impl RoutesBuilder {
    /// The routes so far, if any.
    pub(crate) fn take(&mut self) -> Option<Routes> {
        let done = std::mem::take(self).routes;
        (!done.list.is_empty()).then_some(done)
    }

    fn add(&mut self, dest: RouteDest) -> u32 {
        let new = self.routes.dests.len() as u32;
        if let Some(slot) = plain_index(&dest).and_then(|i| self.plain.get_mut(i)) {
            if let Some(old) = *slot {
                return old;
            }
            *slot = Some(new);
        }
        let gateways = match &dest {
            RouteDest::Via(hops) => match &hops[..] {
                [Via { target: Expr { kind: ExprKind::Ip(ip), .. }, scope: None, options, .. }]
                    if options.is_empty() =>
                {
                    Some((&mut self.via, *ip))
                }
                _ => None,
            },
            RouteDest::Recursive { gateway: Expr { kind: ExprKind::Ip(ip), .. }, labels, .. }
                if labels.is_empty() =>
            {
                Some((&mut self.recursive, *ip))
            }
            _ => None,
        };
        if let Some((known, ip)) = gateways {
            match known.entry(ip) {
                std::collections::hash_map::Entry::Occupied(old) => return *old.get(),
                std::collections::hash_map::Entry::Vacant(slot) => slot.insert(new),
            };
        }
        self.routes.dests.push(dest);
        new
    }

    /// Reads routes of the shapes `route PREFIX via ADDRESS;`, `route PREFIX recursive ADDRESS;` and `route
    /// PREFIX blackhole;` (and its likes) directly from the token string, as far as they go; returns where it
    /// stopped. Does exactly what the rule `route` does, several times faster.
    pub(crate) fn quick(&mut self, tokens: &Tokens, from: usize) -> usize {
        let text = tokens.text.as_bytes();
        let mut at = from;
        while let Some(&[r1, r2, t::NET4 | t::NET6, w1, w2, next, ..]) =
            text.get(at..at + 6).and_then(|s| s.first_chunk::<6>())
            && keyword([r1, r2]) == Some(k::ROUTE)
            && let (Some(net), Some(word)) = (tokens.net_at(at + 2), keyword([w1, w2]))
        {
            let (dest, end) = match (word, next) {
                (k::BLACKHOLE | k::DROP, b';') => (self.add(RouteDest::Blackhole), at + 6),
                (k::UNREACHABLE | k::REJECT, b';') => (self.add(RouteDest::Unreachable), at + 6),
                (k::PROHIBIT, b';') => (self.add(RouteDest::Prohibit), at + 6),
                (k::VIA | k::RECURSIVE, t::IP4 | t::IP6) if text.get(at + 6) == Some(&b';') => {
                    let Some(ip) = tokens.ip_at(at + 5) else { break };
                    let known = if word == k::VIA { &self.via } else { &self.recursive };
                    let dest = match known.get(&ip) {
                        Some(dest) => *dest,
                        None => self.add_gateway(word, ip, tokens, at),
                    };
                    (dest, at + 7)
                }
                _ => break,
            };
            self.routes.list.push(StaticRoute { net: Net::Ip(net), dest, tok: tokens.tok_at(at) });
            at = end;
        }
        at
    }

    /// The first of the routes read quickly that goes by an address.
    #[cold]
    fn add_gateway(&mut self, word: char, ip: IpAddr, tokens: &Tokens, at: usize) -> u32 {
        let address = Expr { kind: ExprKind::Ip(ip), span: tokens.span(at + 5, at + 6) };
        let span = tokens.span(at + 3, at + 6);
        self.add(match word {
            k::VIA => RouteDest::Via(vec![Via { target: address, scope: None, options: Vec::new(), span }]),
            _ => RouteDest::Recursive { gateway: address, labels: Vec::new(), span },
        })
    }
}

/// The keyword that begins here, if it takes two bytes, as all those of static routes do.
#[inline]
fn keyword([first, second]: [u8; 2]) -> Option<char> {
    let code = u32::from(first & 0x1f) << 6 | u32::from(second & 0x3f);
    char::from_u32(code).filter(|_| first & 0xe0 == 0xc0)
}

impl Convert<'_> {
    /// A route matched by the rule `route`.
    pub(crate) fn route(&mut self, pair: Pair<'_, Rule>, to: &mut RoutesBuilder) {
        let span = self.span(&pair);
        let number = to.routes.list.len() as u32;
        let mut net = Net::Ip(NO_NET);
        let (mut label, mut commands, mut hops) = (None, None, Vec::new());
        let mut dest = RouteDest::Empty;
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::e_network => match self.network_argument(inner) {
                    Expr { kind: ExprKind::Net(literal), .. } => net = literal,
                    Expr { kind: ExprKind::Name(name), .. } => to.routes.named.push((number, name)),
                    computed => to.routes.computed.push((number, computed)),
                },
                Rule::route_label => label = inner.into_inner().next().map(|p| self.value(p)),
                Rule::route_block => commands = Some(self.commands(inner.into_inner())),
                Rule::via => hops.push(self.via(inner)),
                Rule::r_blackhole => dest = RouteDest::Blackhole,
                Rule::r_unreachable => dest = RouteDest::Unreachable,
                Rule::r_prohibit => dest = RouteDest::Prohibit,
                Rule::r_transit => dest = RouteDest::Transit,
                Rule::providers => {
                    dest = RouteDest::Providers(inner.into_inner().map(|p| self.value(p)).collect());
                }
                Rule::recursive => {
                    let span = self.span(&inner);
                    let mut parts = inner.into_inner().map(|p| self.value(p));
                    if let Some(gateway) = parts.next() {
                        dest = RouteDest::Recursive { gateway, labels: parts.collect(), span };
                    }
                }
                _ => {}
            }
        }
        if !hops.is_empty() {
            dest = RouteDest::Via(hops);
        }
        let dest = to.add(dest);
        to.routes.list.push(StaticRoute { net, dest, tok: span.first });
        if label.is_some() || commands.is_some() {
            let commands = commands.unwrap_or_default();
            to.routes.extra.push(RouteExtra { route: number, label, commands, span });
        }
    }

    fn via(&mut self, pair: Pair<'_, Rule>) -> Via {
        let span = self.span(&pair);
        let mut via =
            Via { target: Expr { kind: super::NOTHING, span }, scope: None, options: Vec::new(), span };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::e_ptext | Rule::e_ip => via.target = self.value(inner),
                Rule::any_word => via.scope = Some(self.ident(&inner)),
                _ => via.options.push(self.option(inner)),
            }
        }
        via
    }
}
