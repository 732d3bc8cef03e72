//! From written routes to [`StaticRoutes`].
//!
//! A million routes share few destinations, so destinations are checked once each and routes are only walked:
//! what is done per route here is one comparison of types.

use std::sync::Arc;

use super::config::{StaticDest, StaticExtra, StaticHop, StaticOptions, StaticRoute, StaticRoutes};
use crate::base::nexthop::Labels;
use crate::base::{Net, NetType};
use crate::config::lower::args::LABEL_LIMIT;
use crate::config::lower::{Block, Lowering};
use crate::config::{ChannelConfig, Draft, Host, ProtocolOptions};
use crate::syntax::ast::{Arg, Opt, RouteDest, RouteExtra, Routes, Tok, Via};
use crate::syntax::diag::Diagnostic;

/// A static protocol while its block is read.
pub(super) struct StaticDraft {
    options: StaticOptions,
    routes: StaticRoutes,
}

impl StaticDraft {
    /// A draft that starts with what a template holds.
    pub(super) fn new(parent: Option<&StaticOptions>) -> StaticDraft {
        let options = parent.cloned().unwrap_or_default();
        StaticDraft { routes: StaticRoutes::clone(&options.routes), options }
    }

    fn igp_table(&mut self, opt: &Opt, lw: &mut Lowering<'_>) {
        let Some(table) = lw.table_name(opt, 0) else { return };
        match table.net_type {
            NetType::Ip4 => self.options.igp_table4 = Some(table.name.clone()),
            NetType::Ip6 => self.options.igp_table6 = Some(table.name.clone()),
            _ => lw.error(opt.span.lookahead(), "Incompatible IGP table type"),
        }
    }

    /// Without `igp table` recursive next hops are looked up in the protocol's own table if it has the right
    /// type, else in the default one.
    fn default_igp_tables(&mut self, channel: &ChannelConfig, lw: &Lowering<'_>) {
        let pick = |net: NetType| match channel.net_type == net {
            true => Some(channel.table.clone()),
            false => lw.default_table(net).map(|t| t.name.clone()),
        };
        self.options.igp_table4 = self.options.igp_table4.take().or_else(|| pick(NetType::Ip4));
        self.options.igp_table6 = self.options.igp_table6.take().or_else(|| pick(NetType::Ip6));
    }
}

impl Draft for StaticDraft {
    fn option(&mut self, opt: &Opt, _block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "check link" => lw.set_switch(opt, &mut self.options.check_link),
            "igp table" => self.igp_table(opt, lw),
            _ => return false,
        }
        true
    }

    fn routes(&mut self, mut routes: Routes, block: &mut Block, lw: &mut Lowering<'_>) {
        let mut unknown = Vec::new();
        for (index, name) in &routes.named {
            match (lw.network_name(*name), routes.list.get_mut(*index as usize)) {
                (Some(net), Some(route)) => route.net = net,
                _ => unknown.push(*index),
            }
        }
        for (index, expr) in &routes.computed {
            match (lw.network(expr), routes.list.get_mut(*index as usize)) {
                (Some(net), Some(route)) => route.net = net,
                _ => unknown.push(*index),
            }
        }
        check_destinations(&routes, &unknown, block.close, lw);
        let before = self.routes.list.len() as u32;
        for extra in routes.extra {
            if let Some(extra) = lower_extra(extra, before, lw) {
                self.routes.extra.push(extra);
            }
        }
        let dests = routes.dests.iter().map(|d| lower_dest(d, lw));
        let base = self.routes.dests.len() as u32;
        self.routes.dests.extend(dests);
        if self.routes.list.is_empty() {
            self.routes.list = routes.list;
        } else {
            self.routes
                .list
                .extend(routes.list.into_iter().map(|r| StaticRoute { dest: r.dest + base, ..r }));
        }
    }

    fn finish(
        mut self: Box<Self>,
        full: bool,
        block: &mut Block,
        lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        // `mpls` alone is the main channel, beside another one it carries the labels.
        let main = block.channels.iter().find(|c| c.net_type != NetType::Mpls).or(block.channels.first());
        match main {
            Some(channel) => {
                if full {
                    self.check(channel.net_type, block, lw);
                }
                self.default_igp_tables(channel, lw);
            }
            None if full => lw.block_error(
                block,
                "Channel not specified",
                "add the type of its routes: `ipv4;` or `ipv6;`",
            ),
            None => {}
        }
        let StaticDraft { mut options, mut routes } = *self;
        let beside = block.channels.iter().filter(|_| block.channels.len() > 1);
        options.labels =
            beside.filter_map(|c| c.mpls.as_ref()).find_map(|mpls| lw.static_labels(&mpls.domain));
        routes.list.shrink_to_fit();
        options.routes = Arc::new(routes);
        Arc::new(options)
    }
}

impl StaticDraft {
    /// Every route fits the channel. Only the first that does not is named: the others are nearly always of its kind.
    fn check(&self, net_type: NetType, block: &Block, lw: &mut Lowering<'_>) {
        let wrong = self.routes.list.iter().filter(|r| r.net.net_type() != net_type);
        let mut wrong = wrong.peekable();
        if let Some(first) = wrong.peek() {
            let text = format!("Route {} incompatible with channel type", first.net);
            let at = first.tok;
            let (held, given) = (net_type.name(), first.net.net_type().name());
            let others = match wrong.count() {
                1 => String::new(),
                count => format!("; {count} routes of this protocol do not fit"),
            };
            let help = format!("the channel holds {held} nets, this one is {given}{others}");
            lw.push(Diagnostic::error(block.close, text).label(word(at), "this route").help(help));
        }
        if block.has_channel(NetType::Mpls) {
            return;
        }
        let labelled = self.routes.extra.iter().find(|e| e.label.is_some());
        if let Some(route) = labelled.and_then(|e| self.routes.list.get(e.route as usize)) {
            let text = format!("Route {} has MPLS label, but MPLS channel not specified", route.net);
            lw.push(Diagnostic::error(block.close, text).label(word(route.tok), "this route"));
        }
    }
}

fn word(tok: Tok) -> crate::syntax::ast::Span {
    crate::syntax::ast::Span { first: tok, last: tok }
}

/// A destination is written exactly for the types that have one.
/// Routes whose net is not known were complained about already.
fn check_destinations(routes: &Routes, unknown: &[u32], close: Tok, lw: &mut Lowering<'_>) {
    for (index, route) in routes.list.iter().enumerate() {
        let Some(dest) = routes.dests.get(route.dest as usize) else { continue };
        let plain = matches!(route.net, Net::Ip(_));
        let net_type = route.net.net_type();
        let problem = match dest {
            RouteDest::Via(_)
            | RouteDest::Recursive { .. }
            | RouteDest::Blackhole
            | RouteDest::Unreachable
            | RouteDest::Prohibit => (!plain && !net_type.has_destination()).then_some((true, MISSING)),
            RouteDest::Empty => net_type.has_destination().then_some((true, MISSING)),
            RouteDest::Providers(_) if net_type != NetType::Aspa => {
                Some((false, "Provider settings available only for ASPA"))
            }
            RouteDest::Transit if net_type != NetType::Aspa => {
                Some((false, "Transit settings available only for ASPA"))
            }
            _ => None,
        };
        if let Some((behind, text)) = problem
            && !unknown.contains(&(index as u32))
        {
            let at = if behind { end_of(routes, index, close) } else { route.tok + 2 };
            lw.push(Diagnostic::error(at, text).over(word(route.tok)));
        }
    }
}

const MISSING: &str = "Unexpected or missing nexthop/type";

/// The semicolon of a route. Simple routes are counted out; for others it is what stands before the next
/// route, or before the brace.
fn end_of(routes: &Routes, index: usize, close: Tok) -> Tok {
    let Some(route) = routes.list.get(index) else { return close };
    if let Some(extra) = routes.extra.iter().find(|e| e.route as usize == index) {
        return extra.span.last + 1;
    }
    let last = match routes.dests.get(route.dest as usize) {
        Some(RouteDest::Empty) if matches!(route.net, Net::Ip(_)) => route.tok + 1,
        _ => routes.list.get(index + 1).map_or(close, |next| next.tok).saturating_sub(2),
    };
    last + 1
}

fn lower_extra(extra: RouteExtra, before: u32, lw: &mut Lowering<'_>) -> Option<StaticExtra> {
    let label = match &extra.label {
        Some(expr) => {
            let label = lw.number(expr)?;
            if label >= LABEL_LIMIT {
                lw.error(expr.span.last, "MPLS label must be less than 2^20");
                return None;
            }
            Some(label)
        }
        None => None,
    };
    let commands = match extra.commands.is_empty() {
        true => None,
        false => Some(lw.commands(&extra.commands, extra.span)?),
    };
    Some(StaticExtra { route: before + extra.route, label, commands })
}

/// A destination; after an error, which was reported, one that does no harm.
fn lower_dest(dest: &RouteDest, lw: &mut Lowering<'_>) -> StaticDest {
    match dest {
        RouteDest::Via(list) => StaticDest::Via(list.iter().filter_map(|via| lower_hop(via, lw)).collect()),
        RouteDest::Recursive { gateway, labels, .. } => match (lw.address(gateway), lw.labels(labels)) {
            (Some(gateway), Some(labels)) => StaticDest::Recursive { gateway, labels },
            _ => StaticDest::None,
        },
        RouteDest::Blackhole => StaticDest::Blackhole,
        RouteDest::Unreachable => StaticDest::Unreachable,
        RouteDest::Prohibit => StaticDest::Prohibit,
        RouteDest::Empty => StaticDest::None,
        RouteDest::Providers(list) => {
            StaticDest::Providers(list.iter().filter_map(|asn| lw.number(asn)).collect())
        }
        RouteDest::Transit => StaticDest::Transit,
    }
}

fn lower_hop(via: &Via, lw: &mut Lowering<'_>) -> Option<StaticHop> {
    let mut hop = StaticHop {
        gateway: None,
        interface: via.scope.map(|scope| lw.name(scope)),
        onlink: false,
        weight: 1,
        labels: Labels::new(),
        bfd: false,
    };
    match lw.host(&via.target)? {
        Host::Ip(address) => hop.gateway = Some(address),
        Host::Name(name) => hop.interface = Some(name),
    }
    for opt in &via.options {
        match opt.key {
            "dev" => hop.interface = Some(lw.text(opt, 0)?),
            "mpls" => {
                let list: Vec<_> = opt
                    .args
                    .iter()
                    .filter_map(|arg| match arg {
                        Arg::Expr(e) => Some(e.clone()),
                        _ => None,
                    })
                    .collect();
                hop.labels = lw.labels(&list)?;
            }
            "onlink" => lw.set_switch(opt, &mut hop.onlink),
            "weight" => match lw.expr(opt, 0)? {
                n @ 1..=256 => hop.weight = n as u16,
                _ => lw.error(opt.span.last, "Weight must be in range 1-256"),
            },
            "bfd" => {
                lw.set_switch(opt, &mut hop.bfd);
                if hop.bfd {
                    lw.not_built(opt.span, opt.key);
                }
            }
            _ => lw.unknown_option(opt),
        }
    }
    if hop.bfd && hop.onlink {
        lw.error(via.span.lookahead(), "Options 'bfd' and 'onlink' cannot be combined");
    }
    Some(hop)
}
