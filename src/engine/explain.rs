//! What the engine knows about a net: which routes stand where, what protocols offer, which filters stand in
//! the way, and what came of it.
//!
//! The question is "why?", so everything that decides outside of filters is said in words here: states, rules
//! of protocols, limits, what is the best route. The filters themselves are handed out with the routes they
//! see, and run elsewhere, so that a long one stops nobody.
//!
//! Nothing changes by a question. To see a route as it was before the import filter, its protocol announces
//! it once more ([`Instance::again`](super::api::Instance::again)) while the way into the table is closed:
//! what it says is written down instead.

use std::net::IpAddr;
use std::sync::Arc;

use super::accounting::{Direction, Refusal};
use super::api::{ExportMode, Look, PreExport, ProtoState};
use super::channel::{Channel, ChannelState, LimitKind};
use super::core::Core;
use super::engine::Engine;
use super::proto::Proto;
use crate::base::{ChannelId, Net, ProtoId};
use crate::config::FilterRef;
use crate::table::{Attrs, NetId, Route, Source};

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// The net.
    pub net: Net,
    /// The net is an address: the longest net around it that a table has is meant.
    pub around: bool,
    /// Only routes of this protocol.
    pub from: Option<Arc<str>>,
    /// Only this way of this protocol, through the channel of that name if one is named.
    pub through: Option<(Direction, Arc<str>, Option<String>)>,
}

/// What is known.
#[derive(Clone, Default, Debug)]
pub struct Findings {
    /// The net they are about, if it is not the one asked for.
    pub net: Option<Net>,
    /// The tables that have the net.
    pub tables: Vec<TableFinding>,
    /// In tables that do not: the longest net around it.
    pub around: Vec<(Arc<str>, Net)>,
    /// Ways in.
    pub imports: Vec<ImportCase>,
    /// Ways out.
    pub exports: Vec<ExportCase>,
}

/// The net in one table.
#[derive(Clone, Debug)]
pub struct TableFinding {
    /// The table.
    pub name: Arc<str>,
    /// Its routes, best first.
    pub routes: Vec<Route>,
    /// The kernel refused the best one.
    pub refused: bool,
}

/// A route on its way into a table.
#[derive(Clone, Debug)]
pub struct ImportCase {
    /// `PROTOCOL.CHANNEL`
    pub channel: String,
    /// The table.
    pub table: Arc<str>,
    /// Who made the route.
    pub source: Source,
    /// What stands before the filter, if it ends there.
    pub closed: Option<String>,
    /// The filter.
    pub filter: FilterRef,
    /// The route before the filter; `after_filter`: as the filter has left it, for nobody knows it otherwise.
    pub attrs: Arc<Attrs>,
    /// See there.
    pub after_filter: bool,
    /// Commands of the route itself, which came before, and the route as it was before them.
    pub commands: Option<(FilterRef, Arc<Attrs>)>,
    /// What stands in the table now.
    pub now: String,
    /// Where it was filtered, if it is kept.
    pub refusal: Option<Refusal>,
}

/// A route on its way out of a table.
#[derive(Clone, Debug)]
pub struct ExportCase {
    /// `PROTOCOL.CHANNEL`
    pub channel: String,
    /// The table.
    pub table: Arc<str>,
    /// Of a pipe, the table on the other side.
    pub peer: Option<Arc<str>>,
    /// The route.
    pub route: Route,
    /// What stands before the filter, if it ends there.
    pub closed: Option<String>,
    /// The filter.
    pub filter: FilterRef,
    /// What is true now, whatever the filter says.
    pub exported: bool,
    /// What to say if the filter accepts, and if it does not.
    pub accepted: String,
    /// See there.
    pub rejected: String,
}

/// What a protocol does while the way in is closed.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    heard: Vec<Heard>,
    /// Commands that were run for the route to come, and what it was before.
    pub commands: Option<(FilterRef, Arc<Attrs>)>,
}

/// What it announced.
#[derive(Debug)]
struct Heard {
    channel: ChannelId,
    net: Net,
    source: Source,
    attrs: Option<Arc<Attrs>>,
    commands: Option<(FilterRef, Arc<Attrs>)>,
}

impl Engine {
    /// Collects everything about a net.
    pub fn explain(&mut self, question: &Question) -> Findings {
        let mut found = Findings::default();
        let kind = question.net.net_type();
        let mut question = question.clone();
        if question.around {
            let tables = self.core.tables().filter(|t| t.net_type() == kind);
            found.net = tables.filter_map(|t| longest(t, &question.net, 0)).reduce(|a, b| match (&a, &b) {
                (Net::Ip(p), Net::Ip(q)) if q.prefix_len() > p.prefix_len() => b,
                _ => a,
            });
            question.net = found.net.clone().unwrap_or(question.net);
        }
        let question = &question;
        for table in self.core.tables().filter(|t| t.net_type() == kind) {
            match table.find(&question.net).and_then(|id| Some((id, table.get(id)?.1))) {
                Some((id, routes)) => found.tables.push(TableFinding {
                    name: table.name().clone(),
                    routes: routes.to_vec(),
                    refused: self.core.refused_in(table.name()).get(id.0),
                }),
                None => {
                    if let Some(net) = longest(table, &question.net, 1) {
                        found.around.push((table.name().clone(), net));
                    }
                }
            }
        }
        let protos: Vec<ProtoId> = self.core.protos().map(|p| p.id).collect();
        for id in protos {
            self.explain_protocol(id, question, &mut found);
        }
        found
    }

    fn explain_protocol(&mut self, id: ProtoId, question: &Question, found: &mut Findings) {
        let Some(proto) = self.core.proto(id) else { return };
        let (name, channels) = (proto.name.clone(), proto.channels.clone());
        let is_pipe = proto.config.kind.keyword() == "pipe";
        for (at, channel) in channels.iter().enumerate() {
            let Some(ch) = self.core.channel(*channel) else { continue };
            if ch.config.net_type != question.net.net_type() {
                continue;
            }
            // A pipe has a channel on either table, and both filters on the ways out: what leaves the second
            // table is its import.
            let out = if is_pipe && at == 1 { Direction::Import } else { Direction::Export };
            let wanted = |direction| match &question.through {
                Some((d, p, c)) => {
                    let this = is_pipe || c.as_ref().is_none_or(|c| *c == ch.config.name);
                    *d == direction && *p == name && this
                }
                None => true,
            };
            let (import, export) = (!is_pipe && wanted(Direction::Import), wanted(out));
            if import && question.from.as_ref().is_none_or(|from| *from == name) {
                self.explain_import(id, *channel, question, found);
            }
            if export {
                self.explain_exports(id, *channel, question, found);
            }
        }
    }

    fn explain_import(&mut self, id: ProtoId, channel: ChannelId, question: &Question, found: &mut Findings) {
        let net = &question.net;
        self.core.hearing = Some(Hearing::default());
        let answers = self.call(id, |i, p| i.again(p, channel, net)).unwrap_or(false);
        let heard = self.core.hearing.take().unwrap_or_default().heard;
        let core = &self.core;
        let (Some(ch), Some(proto)) = (core.channel(channel), core.proto(id)) else { return };
        let table = core.table_of(ch.table);
        let standing = |source: Source| table.route_of(net, source).map(|(at, r)| (at, r.clone()));
        let mut cases = Vec::new();
        for one in heard.into_iter().filter(|h| h.channel == channel && h.net == *net) {
            if let Some(attrs) = one.attrs {
                cases.push((one.source, attrs, one.commands, false));
            }
        }
        if !answers {
            let routes = table.find(net).and_then(|at| table.get(at)).map_or(&[][..], |(_, routes)| routes);
            let own = routes.iter().filter(|r| r.sender == channel);
            cases.extend(own.map(|r| (r.source, r.attrs.clone(), None, true)));
        }
        for (source, attrs, commands, after_filter) in cases {
            let now = standing(source);
            let refusal = now.as_ref().filter(|(_, r)| r.filtered).map(|(_, r)| known(r, ch));
            found.imports.push(ImportCase {
                channel: core.full_name(ch),
                table: ch.config.table.clone(),
                source,
                closed: closed_in(proto, ch, net),
                filter: ch.config.import.clone(),
                attrs,
                after_filter,
                commands,
                now: core.standing(ch, net, now),
                refusal,
            });
        }
    }

    fn explain_exports(&self, id: ProtoId, channel: ChannelId, question: &Question, found: &mut Findings) {
        let core = &self.core;
        let (Some(ch), Some(proto)) = (core.channel(channel), core.proto(id)) else { return };
        let Some(instance) = self.instance(id) else { return };
        let asked = question.through.is_some();
        let takes = instance.export_mode(channel).is_some();
        let others =
            proto.channels.iter().filter(|id| **id != channel && proto.config.kind.keyword() == "pipe");
        let peer = others.filter_map(|id| core.channel(*id)).map(|ch| ch.config.table.clone()).next();
        // Nobody wonders that a static protocol takes no routes, unless he asks.
        if !takes && !asked {
            return;
        }
        let table = core.table_of(ch.table);
        let Some((at, (net, routes))) = table.find(&question.net).and_then(|at| Some((at, table.get(at)?)))
        else {
            return;
        };
        for (place, route) in routes.iter().enumerate() {
            let maker = core.name_of(route.source.proto);
            if question.from.as_ref().is_some_and(|from| *from != maker) {
                continue;
            }
            let first = place == 0;
            // Of those that cannot go this way only what is asked for is worth a word.
            let hidden = !first && ch.mode != ExportMode::Any || route.filtered;
            let returns = proto.channels.contains(&route.sender);
            if (hidden || returns) && !asked && question.from.is_none() {
                continue;
            }
            let look = Look { core, me: id };
            let own_words = || instance.refusal(&look, net, route);
            let closed = match takes {
                false => Some(format!("{} takes no routes", proto.name)),
                true => core.closed_out(proto, ch, net, route, first, own_words),
            };
            let exported = ch.was_exported(at, route.source) && (first || ch.mode == ExportMode::Any);
            let (mut accepted, rejected) = core.came_of(ch, at, exported);
            if !first && matches!(ch.mode, ExportMode::Merged { .. }) {
                accepted = "its next hops join those of the best route, if both are equals".to_owned();
            }
            found.exports.push(ExportCase {
                channel: if peer.is_some() { proto.name.to_string() } else { core.full_name(ch) },
                peer: peer.clone(),
                table: ch.config.table.clone(),
                route: route.clone(),
                closed,
                filter: ch.config.export.clone(),
                exported,
                accepted,
                rejected,
            });
        }
    }
}

/// Why a route was filtered, unless the filter has been another one since.
fn known(route: &Route, ch: &Channel) -> Refusal {
    match Refusal::from_number(route.refusal) {
        Refusal::Site(_) if route.changed < ch.tally(Direction::Import).since => Refusal::Unknown,
        refusal => refusal,
    }
}

fn not_up(proto: &Proto, ch: &Channel) -> Option<String> {
    match (proto.state, ch.state) {
        (ProtoState::Up, ChannelState::Up) => None,
        (ProtoState::Up, _) => Some(format!("channel {} of {} is not up", ch.config.name, proto.name)),
        _ if proto.disabled => Some(format!("{} is disabled", proto.name)),
        _ => Some(format!("{} is not up (state: {})", proto.name, proto.state_word())),
    }
}

/// What ends an import before its filter is asked.
fn closed_in(proto: &Proto, ch: &Channel, net: &Net) -> Option<String> {
    let outside = |limit: &&Net| !super::import::inside(limit, net);
    let limit = ch.config.import_in.as_ref().filter(outside);
    let bogus = net.ip_prefix().is_some_and(|prefix| !crate::base::net::routable(&prefix));
    not_up(proto, ch)
        .or_else(|| bogus.then(|| "no table takes loopback, link-local or multicast addresses".to_owned()))
        .or_else(|| limit.map(|limit| format!("outside of `import in {limit}`")))
}

/// The longest net of the table around this one, at least so much shorter.
fn longest(table: &crate::table::Table, net: &Net, shorter: u8) -> Option<Net> {
    let Net::Ip(prefix) = net else { return None };
    let (addr, len): (IpAddr, u8) = (prefix.addr(), prefix.prefix_len());
    let at = table.longest_match(addr, len.checked_sub(shorter)?, |routes| {
        routes.first().is_some_and(|r| !r.filtered)
    })?;
    table.net_at(at).cloned()
}

impl Core {
    /// What ends an export before its filter is asked.
    fn closed_out(
        &self,
        proto: &Proto,
        ch: &Channel,
        net: &Net,
        route: &Route,
        first: bool,
        own_words: impl Fn() -> Option<String>,
    ) -> Option<String> {
        if let Some(why) = not_up(proto, ch) {
            return Some(why);
        }
        if route.filtered {
            return Some("it was filtered on import, and is kept to be looked at only".to_owned());
        }
        if !first && ch.mode == ExportMode::Best {
            let best = self.best_name(ch, net);
            return Some(format!("only the best route of a net is exported, which is that of {best}"));
        }
        if let Some(limit) = ch.config.export_in.as_ref().filter(|l| !super::import::inside(l, net)) {
            return Some(format!("outside of `export in {limit}`"));
        }
        if ch.judge(net, route) != PreExport::Ask {
            return Some(match () {
                () if route.source.proto == proto.id => "it comes from this protocol itself".to_owned(),
                () if proto.channels.contains(&route.sender) => {
                    format!("it came into this table through {} itself", proto.name)
                }
                () => own_words().unwrap_or_else(|| format!("{} does not take such routes", proto.name)),
            });
        }
        None
    }

    /// What follows the filter's answer: if it accepts, and if it does not.
    fn came_of(&self, ch: &Channel, at: NetId, exported: bool) -> (String, String) {
        let name = self.name_of(ch.proto);
        let rejected = match exported {
            true => {
                format!("still exported, as it was accepted before; `reload out {name}` brings it up to date")
            }
            false => "not exported".to_owned(),
        };
        let limit = ch.limits[LimitKind::Export as usize];
        let accepted = match exported {
            true if ch.refused.get(at.0) => {
                "exported, but the kernel refused it: see the log, and `show kernel`".to_owned()
            }
            true => "exported".to_owned(),
            false if limit.blocked => match ch.config.export_limit {
                Some(limit) => format!("not exported: the export limit of {} is reached", limit.count),
                None => "not exported: over an export limit".to_owned(),
            },
            false if ch.is_feeding() => "not exported yet: the channel is being fed".to_owned(),
            false => {
                format!("not exported, as it was rejected before; `reload out {name}` brings it up to date")
            }
        };
        (accepted, rejected)
    }

    fn best_name(&self, ch: &Channel, net: &Net) -> Arc<str> {
        let table = self.table_of(ch.table);
        let best = table.find(net).and_then(|id| table.best(id));
        best.map_or_else(|| "nobody".into(), |r| self.name_of(r.source.proto))
    }

    /// `PROTOCOL.CHANNEL`
    pub fn full_name(&self, ch: &Channel) -> String {
        format!("{}.{}", self.name_of(ch.proto), ch.config.name)
    }

    /// What became of a route that was offered.
    fn standing(&self, ch: &Channel, net: &Net, now: Option<(NetId, Route)>) -> String {
        let table = &ch.config.table;
        let blocked = |kind: LimitKind| ch.limits[kind as usize].blocked;
        let limit = |kind: LimitKind| kind.of(&ch.config).map_or(0, |l| l.count);
        match now {
            Some((_, route)) if route.sender != ch.id => {
                format!("{table} has the route already, through another way")
            }
            Some((_, route)) if route.filtered => "kept as filtered, for show only".to_owned(),
            Some((id, route)) => {
                let routes = self.table_of(ch.table).get(id).map_or(&[][..], |(_, routes)| routes);
                let usable = routes.iter().filter(|r| !r.filtered).count();
                let best = routes.first().is_some_and(|r| r.source == route.source);
                match (best, usable) {
                    (true, 1) => format!("in {table}, the only route of its net"),
                    (true, n) => format!("in {table}, the best of {n} routes"),
                    (false, n) => format!(
                        "in {table}, not the best of {n} routes: that of {} is",
                        self.best_name(ch, net)
                    ),
                }
            }
            None if blocked(LimitKind::Receive) => {
                format!("not in {table}; the receive limit of {} is reached", limit(LimitKind::Receive))
            }
            None if blocked(LimitKind::Import) => {
                format!("not in {table}; the import limit of {} is reached", limit(LimitKind::Import))
            }
            None => format!("not in {table}"),
        }
    }

    /// Writes down what a protocol announces, if nothing is to come of it now; `false` if all is as ever.
    pub(super) fn hears(
        &mut self,
        channel: ChannelId,
        net: &Net,
        source: Source,
        attrs: &Option<Arc<Attrs>>,
    ) -> bool {
        let Some(hearing) = &mut self.hearing else { return false };
        let commands = hearing.commands.take();
        hearing.heard.push(Heard { channel, net: net.clone(), source, attrs: attrs.clone(), commands });
        true
    }
}
