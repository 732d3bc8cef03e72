//! The way in: from a protocol through filter and limits into the table.
//!
//! The counters count exactly what BIRD's count, because monitoring compares them: an update that the filter drops still withdraws what stood there
//! before; a route kept by `import keep filtered` counts as an ignored withdraw; and so on. Each such rule is one line here.

use std::sync::Arc;

use super::accounting::{Direction, Refusal};
use super::api::TraceFlag;
use super::channel::{ChannelState, LimitKind};
use super::core::Core;
use super::filters::Policy;
use crate::base::net::routable;
use crate::base::{ChannelId, LogClass, Net};
use crate::config::{FilterRef, LimitAction};
use crate::table::table::same_route;
use crate::table::{Attrs, NetId, Route, Source};

impl Core {
    /// One update or withdraw of a protocol.
    pub(super) fn import_route(
        &mut self,
        channel: ChannelId,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Option<Arc<Attrs>>,
    ) {
        let Some(ch) = self.channels.get_mut(channel.0 as usize).filter(|c| c.state == ChannelState::Up)
        else {
            return;
        };
        let table = ch.table;
        let Some(attrs) = attrs else {
            ch.stats.import_withdraws.received += 1;
            match self.table_mut_of(table).find_next(net) {
                Some(id) => self.settle(channel, Some(id), net, source, None),
                None => self.stats_mut(channel).import_withdraws.ignored += 1,
            }
            return;
        };
        ch.stats.import_updates.received += 1;
        if net.ip_prefix().is_some_and(|prefix| !routable(&prefix)) {
            return self.refuse_bogus(channel, table, net, source, generation, attrs);
        }
        let outside = ch.config.import_in.as_ref().is_some_and(|limit| !inside(limit, net));
        let keep = ch.config.keep_filtered;
        let open = !outside && matches!(ch.config.import, FilterRef::All);
        let filtered = !outside && ch.config.import.filter().is_some();
        let (accepted, outcome, attrs) = match filtered {
            false => (open, None, attrs),
            true => self.run_filter(Policy(channel, Direction::Import), net, source, attrs),
        };
        let refusal = match (accepted, outside) {
            (true, _) => Refusal::Unknown,
            (false, true) => Refusal::Outside,
            (false, false) => Refusal::of(outcome.as_ref()),
        };
        self.account(channel, Direction::Import, outcome);
        let mut route = Route {
            attrs,
            changed: self.stamp(),
            source,
            sender: channel,
            filtered: false,
            generation,
            refusal: refusal.number(),
        };
        if !accepted {
            self.stats_mut(channel).import_updates.filtered += 1;
            self.trace_route_in(TraceFlag::Filters, channel, "filtered out", net, &route);
            if !keep {
                let found = self.table_mut_of(table).find_next(net);
                if found.is_some() {
                    self.settle(channel, found, net, source, None);
                }
                return;
            }
            route.filtered = true;
        }
        let found = self.table_mut_of(table).find_next(net);
        self.settle(channel, found, net, source, Some(route));
    }

    /// A route that no protocol may bring into a table: said, counted, and whatever stood there before goes.
    fn refuse_bogus(
        &mut self,
        channel: ChannelId,
        table: usize,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Arc<Attrs>,
    ) {
        self.stats_mut(channel).import_updates.rejected += 1;
        if let Some(proto) = self.channel(channel).map(|ch| ch.proto) {
            let name = self.name_of(proto);
            self.log_line(LogClass::Warning, format_args!("Ignoring bogus route {net} received via {name}"));
        }
        let route = Route {
            attrs,
            changed: self.stamp(),
            source,
            sender: channel,
            filtered: false,
            generation,
            refusal: Refusal::Unknown.number(),
        };
        self.trace_route_in(TraceFlag::Filters, channel, "invalid", net, &route);
        let found = self.table_mut_of(table).find_next(net);
        if found.is_some() {
            self.settle(channel, found, net, source, None);
        }
    }

    /// Puts the outcome into the table: compares with what is there, applies limits, counts.
    fn settle(
        &mut self,
        channel: ChannelId,
        found: Option<NetId>,
        net: &Net,
        source: Source,
        mut route: Option<Route>,
    ) {
        let Some(table) = self.channel(channel).map(|c| c.table) else { return };
        let old = found
            .and_then(|id| self.table_of(table).get(id))
            .and_then(|(_, routes)| routes.iter().find(|r| r.source == source))
            .map(|old| Before {
                sender: old.sender,
                filtered: old.filtered,
                refusal: old.refusal,
                same: route.as_ref().is_some_and(|new| same_route(old, new)),
            });
        if let Some(old) = old {
            if old.sender != channel {
                if route.is_some() {
                    let name = self.table_of(table).name().clone();
                    self.log_line(
                        LogClass::Error,
                        format_args!("Pipe collision detected when sending {net} to table {name}"),
                    );
                }
                return;
            }
            if let Some(new) = &route
                && old.same
            {
                if new.filtered {
                    // Another place of the filter may have refused it this time; nobody but `explain` has to know.
                    let (refusal, differs) = (new.refusal, new.refusal != old.refusal);
                    if let Some(id) = found.filter(|_| differs) {
                        self.table_mut_of(table).set_refusal(id, source, refusal);
                    }
                } else {
                    self.stats_mut(channel).import_updates.ignored += 1;
                    if let Some(new) = route {
                        self.trace_route_in(TraceFlag::Routes, channel, "ignored", net, &new);
                    }
                }
                return;
            }
        }
        let old_ok = old.is_some_and(|r| !r.filtered);
        let mut new_ok = route.as_ref().is_some_and(|r| !r.filtered);
        if old.is_none() && route.is_some() {
            let stats = self.stats_mut(channel);
            let all = stats.imported + stats.filtered;
            if self.over_limit(channel, LimitKind::Receive, all) {
                self.stats_mut(channel).import_updates.ignored += 1;
                if let Some(new) = &route {
                    self.trace_route_in(TraceFlag::Filters, channel, "ignored [limit]", net, new);
                }
                return;
            }
        }
        let mut counted = false;
        if !old_ok && new_ok {
            let imported = self.stats_mut(channel).imported;
            if self.over_limit(channel, LimitKind::Import, imported) {
                self.stats_mut(channel).import_updates.ignored += 1;
                if let Some(new) = &mut route {
                    self.trace_route_in(TraceFlag::Filters, channel, "ignored [limit]", net, new);
                    new.filtered = true;
                    new.refusal = Refusal::Limit.number();
                }
                if !self.channel(channel).is_some_and(|c| c.config.keep_filtered) {
                    route = None;
                }
                if old.is_none() && route.is_none() {
                    return;
                }
                new_ok = false;
                counted = true;
            }
        }
        let stats = self.stats_mut(channel);
        if !counted {
            match (new_ok, old_ok) {
                (true, _) => stats.import_updates.accepted += 1,
                (false, true) => stats.import_withdraws.accepted += 1,
                (false, false) => stats.import_withdraws.ignored += 1,
            }
        }
        let (now, before) = (route.as_ref().map(|r| r.filtered), old.map(|r| r.filtered));
        for (filtered, step) in [(now, 1i32), (before, -1)] {
            match filtered {
                Some(true) => stats.filtered = stats.filtered.saturating_add_signed(step),
                Some(_) => stats.imported = stats.imported.saturating_add_signed(step),
                None => {}
            }
        }
        self.put(channel, table, found, net, source, route);
    }

    /// Changes the table and tells everybody who has to know.
    pub(super) fn put(
        &mut self,
        channel: ChannelId,
        table: usize,
        found: Option<NetId>,
        net: &Net,
        source: Source,
        route: Option<Route>,
    ) {
        let traced = self.traces(channel, TraceFlag::Routes).then(|| route.clone());
        let Some(done) = self.table_mut_of(table).replace_at(found, net, source, route) else { return };
        let (before, after) = done.best;
        if before != after {
            if let Some(c) = before.and_then(|c| self.channel_mut(c)) {
                c.stats.preferred = c.stats.preferred.saturating_sub(1);
            }
            if let Some(c) = after.and_then(|c| self.channel_mut(c)) {
                c.stats.preferred += 1;
            }
        }
        if let Some(new) = traced {
            self.trace_change(channel, table, done.id, net, new.as_ref(), done.old.as_ref());
        }
        self.mark_dirty(table);
    }

    /// New limits: what was hit before counts no more, what is over the new ones is hit at once.
    pub(super) fn check_limits(&mut self, channel: ChannelId) {
        let Some(ch) = self.channel_mut(channel) else { return };
        ch.limits = Default::default();
        let stats = ch.stats;
        let counts = [
            (LimitKind::Receive, stats.imported + stats.filtered),
            (LimitKind::Import, stats.imported),
            (LimitKind::Export, stats.exported),
        ];
        for (kind, count) in counts {
            let over =
                self.channel(channel).and_then(|ch| kind.of(&ch.config)).is_some_and(|l| count > l.count);
            if over {
                self.over_limit(channel, kind, count);
            }
        }
    }

    /// Whether one more route would go over a limit that blocks; carries out the limit's action when it is reached.
    pub(super) fn over_limit(&mut self, channel: ChannelId, kind: LimitKind, count: u32) -> bool {
        let Some(ch) = self.channel_mut(channel) else { return true };
        let Some(limit) = kind.of(&ch.config) else { return false };
        let state = &mut ch.limits[kind as usize];
        if count < limit.count {
            return state.blocked;
        }
        if state.blocked {
            return true;
        }
        let say = !state.hit || (limit.action == LimitAction::Warn && count == limit.count);
        state.hit = true;
        state.blocked = limit.action != LimitAction::Warn;
        let (blocked, proto) = (state.blocked, ch.proto);
        if say {
            let name = self.name_of(proto);
            self.log_line(
                LogClass::Warning,
                format_args!(
                    "Protocol {name} hits route {} limit ({}), action: {}",
                    kind.word(),
                    limit.count,
                    limit.action.word()
                ),
            );
        }
        match limit.action {
            LimitAction::Disable => self.later_fail(proto, false),
            LimitAction::Restart => self.later_fail(proto, true),
            LimitAction::Warn | LimitAction::Block => {}
        }
        blocked
    }
}

/// What matters of the route that an update replaces.
#[derive(Clone, Copy)]
struct Before {
    sender: ChannelId,
    filtered: bool,
    refusal: u16,
    /// The update says nothing new.
    same: bool,
}

/// `import in NET`, `export in NET`: whether `net` lies inside.
pub(super) fn inside(limit: &Net, net: &Net) -> bool {
    match (limit.ip_prefix(), net.ip_prefix()) {
        (Some(limit), Some(net)) => limit.contains(&net),
        _ => false,
    }
}
