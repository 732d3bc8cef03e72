//! The way out: feeds, journals, export filters, limits, delivery.
//!
//! A channel is fed from a snapshot, then follows the journal from where the snapshot was taken, so it misses nothing and sees nothing twice. What
//! the filter accepts is collected and handed to the instance in batches. Work is done in turns of about [`BUDGET`] routes.

use std::sync::Arc;

use super::accounting::Direction;
use super::api::{Export, ExportMode, PreExport, TraceFlag};
use super::channel::{ChannelState, Feed, LimitKind};
use super::core::Core;
use super::filters::Policy;
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, Net};
use crate::config::FilterRef;
use crate::table::{Attrs, BestChange, Block, Change, NetId, Pulled, Route, Source};

/// Routes that one channel handles before the next one gets its turn.
pub(super) const BUDGET: usize = 1024;

/// So many blocks of the journal are far to be behind.
const LAG: usize = 8;

/// Turns between the start of a feed and its first route: what other protocols do at their own start comes first.
const FEED_AFTER: u8 = 3;

/// What a turn has left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Nothing more to do now.
    Idle,
    /// There is more.
    More,
    /// A feed has just ended.
    Fed,
}

impl Core {
    /// Starts (or starts again) giving the channel its whole table. The walk begins some turns later, after the changes that are in
    /// the journal by then: as in BIRD, routes that come right after a start are exported twice, and counted twice.
    pub(super) fn start_feed(&mut self, id: ChannelId) {
        let Some(ch) = self.channel_mut(id).filter(|c| c.state == ChannelState::Up) else {
            return;
        };
        ch.feed = Feed::Waiting { turns: FEED_AFTER };
        ch.quiet = false;
        ch.feed_only = None;
        let (table, cursor) = (ch.table, ch.cursor);
        if cursor.is_none()
            && let Some(slot) = self.tables.get_mut(table)
        {
            slot.consumers.push(id);
            let cursor = slot.table.journal.subscribe();
            if let Some(ch) = self.channel_mut(id) {
                ch.cursor = Some(cursor);
            }
        }
        self.enqueue(id);
    }

    /// Gives a channel that is exporting its table again, or what of it lies in `only`. A feed of the whole table that has not begun yet covers any part;
    /// one under way begins anew.
    pub(super) fn feed_again(&mut self, id: ChannelId, only: Option<Arc<PrefixSet>>) {
        let Some(ch) = self.channel(id) else { return };
        let (quiet, partial) = (ch.quiet, ch.feed_only.is_some());
        match (&ch.feed, &only) {
            (_, None) => {
                self.trace_feed(id, "FEEDING");
                self.start_feed(id);
            }
            (Feed::Off, _) => {}
            (Feed::Waiting { .. }, _) if !partial => {}
            (Feed::Following, _) => {
                self.start_feed(id);
                if let Some(ch) = self.channel_mut(id) {
                    // The protocol has been told of the end of its feed.
                    ch.quiet = true;
                    ch.feed_only = only;
                }
            }
            _ => {
                self.start_feed(id);
                if let Some(ch) = self.channel_mut(id) {
                    ch.quiet = quiet;
                }
            }
        }
    }

    /// Stops giving the channel anything.
    pub(super) fn stop_export(&mut self, id: ChannelId) {
        let Some(ch) = self.channel_mut(id) else { return };
        ch.feed = Feed::Off;
        ch.exported.clear();
        ch.exported_any.clear();
        ch.refused.clear();
        ch.outbox.clear();
        (ch.followed, ch.fed_then) = (0, false);
        let (table, cursor) = (ch.table, ch.cursor.take());
        if let (Some(cursor), Some(slot)) = (cursor, self.tables.get_mut(table)) {
            slot.table.journal.unsubscribe(cursor);
            slot.consumers.retain(|c| *c != id);
        }
    }

    /// One turn of a channel: filters up to [`BUDGET`] routes into its outbox.
    pub(super) fn export_turn(&mut self, id: ChannelId) -> Turn {
        let Some(ch) = self.channel_mut(id) else { return Turn::Idle };
        match std::mem::take(&mut ch.feed) {
            Feed::Off => Turn::Idle,
            Feed::Walking { snapshot, next } => {
                let only = ch.feed_only.clone();
                let (mut last, none) = (None, self.passes_nothing(id));
                for (done, (net_id, net, routes)) in snapshot.iter_from(next).enumerate() {
                    if done >= BUDGET || (done > 0 && self.patience.is_over()) {
                        last = Some(net_id);
                        break;
                    }
                    if only.as_ref().is_some_and(|only| !only.contains_net(net)) {
                        continue;
                    }
                    match self.channel_mut(id).filter(|_| none) {
                        Some(ch) => ch.count_refused_net(net, routes),
                        None => self.feed_net(id, net_id, net, routes),
                    }
                }
                let Some(next) = last else {
                    let Some(ch) = self.channel_mut(id) else { return Turn::Idle };
                    ch.feed = Feed::Following;
                    ch.feed_only = None;
                    if std::mem::take(&mut ch.quiet) {
                        return Turn::More;
                    }
                    self.trace_feed(id, "READY");
                    return Turn::Fed;
                };
                if let Some(ch) = self.channel_mut(id) {
                    ch.feed = Feed::Walking { snapshot, next };
                }
                Turn::More
            }
            Feed::Waiting { turns } => match self.follow_journal(id) {
                Turn::Idle if turns > 0 => {
                    if let Some(ch) = self.channel_mut(id) {
                        ch.feed = Feed::Waiting { turns: turns - 1 };
                    }
                    Turn::More
                }
                Turn::Idle => {
                    let Some(table) = self.channel(id).map(|ch| ch.table) else { return Turn::Idle };
                    let snapshot = self.table_mut_of(table).snapshot();
                    if let Some(ch) = self.channel_mut(id) {
                        ch.feed = Feed::Walking { snapshot, next: NetId(0) };
                    }
                    Turn::More
                }
                turn => {
                    if let Some(ch) = self.channel_mut(id) {
                        ch.feed = Feed::Waiting { turns };
                    }
                    turn
                }
            },
            Feed::Following => {
                ch.feed = Feed::Following;
                self.follow_journal(id)
            }
        }
    }

    /// Whether the channel is so far behind its table that it deserves more than one turn at a time: should it be overrun, it is fed
    /// everything again.
    pub(super) fn lags(&self, id: ChannelId) -> bool {
        let Some((ch, cursor)) = self.channel(id).and_then(|ch| Some((ch, ch.cursor?))) else { return false };
        matches!(ch.feed, Feed::Following) && self.table_of(ch.table).journal.lag(cursor) > LAG
    }

    /// Exports what the journal holds, a few blocks of it.
    fn follow_journal(&mut self, id: ChannelId) -> Turn {
        let Some((table, Some(cursor))) = self.channel(id).map(|c| (c.table, c.cursor)) else {
            return Turn::Idle;
        };
        for _ in 0..BUDGET / crate::table::Journal::BLOCK {
            match self.table_mut_of(table).journal.peek(cursor) {
                Pulled::Empty => return Turn::Idle,
                Pulled::Overrun => {
                    self.sweep_vanished(id);
                    self.table_mut_of(table).journal.skip_to_end(cursor);
                    let quiet =
                        self.channel(id).is_some_and(|c| c.quiet || matches!(c.feed, Feed::Following));
                    self.start_feed(id);
                    if let Some(ch) = self.channel_mut(id) {
                        ch.quiet = quiet;
                        ch.followed = 0;
                    }
                    return Turn::More;
                }
                Pulled::Block(block) => {
                    if !self.follow_block(id, &block) {
                        break;
                    }
                    self.table_mut_of(table).journal.advance(cursor);
                    if self.patience.is_over() {
                        break;
                    }
                }
            }
        }
        Turn::More
    }

    /// Follows what is left of a block; `false` when filters took too long and something still is.
    fn follow_block(&mut self, id: ChannelId, block: &Block) -> bool {
        let Some(ch) = self.channel_mut(id) else { return true };
        let from = std::mem::take(&mut ch.followed);
        let left = block.get(from..).unwrap_or_default();
        if self.passes_nothing(id) {
            self.count_block(id, left);
            return true;
        }
        for (done, change) in left.iter().enumerate() {
            self.follow(id, change);
            if self.patience.is_over()
                && done + 1 < left.len()
                && let Some(ch) = self.channel_mut(id)
            {
                ch.followed = from + done + 1;
                return false;
            }
        }
        true
    }

    /// Whether `export none` makes it enough to count what passes by. Thousands of peers may be so on one table.
    fn passes_nothing(&self, id: ChannelId) -> bool {
        self.channel(id).is_some_and(|ch| {
            matches!(ch.config.export, FilterRef::None)
                && matches!(ch.mode, ExportMode::Any | ExportMode::Best)
                && ch.stats.exported == 0
        }) && !self.traces(id, TraceFlag::Filters)
    }

    fn count_block(&mut self, id: ChannelId, block: &[Change]) {
        let Some(ch) = self.channel_mut(id) else { return };
        let any = matches!(ch.mode, ExportMode::Any);
        for change in block.iter() {
            match if any { Some(change.route.as_ref()) } else { change.new_best() } {
                Some(Some(route)) => ch.count_refused(&change.net, route),
                Some(None) => ch.stats.export_withdraws.received += 1,
                None => {}
            }
        }
    }

    /// Withdraws what was exported and does not stand in the table any more. Needed before a feed that skips the journal: the numbers of
    /// vanished nets rest as long as this cursor has not passed them, so their slots still tell the net.
    fn sweep_vanished(&mut self, id: ChannelId) {
        let Some(ch) = self.channel(id) else { return };
        let table = self.table_of(ch.table);
        let usable = |net: NetId, source: Option<Source>| {
            table.get(net).is_some_and(|(_, routes)| match source {
                Some(source) => routes.iter().any(|r| r.source == source && !r.filtered),
                None => routes.first().is_some_and(|r| !r.filtered),
            })
        };
        let nobody = Source { proto: ch.proto, path: 0 };
        let gone: Vec<(NetId, Source, Net)> = match ch.mode {
            ExportMode::Any => {
                let list = ch.exported_any.iter().filter(|(net, source)| !usable(*net, Some(*source)));
                list.filter_map(|(net, source)| Some((*net, *source, table.net_at(*net)?.clone()))).collect()
            }
            ExportMode::Best | ExportMode::Merged { .. } => {
                let list = ch.exported.iter().map(NetId).filter(|net| !usable(*net, None));
                list.filter_map(|net| Some((net, nobody, table.net_at(net)?.clone()))).collect()
            }
        };
        for (net_id, source, net) in gone {
            self.stats_mut(id).export_withdraws.received += 1;
            self.deliver(id, net_id, &net, None, source, None, None);
        }
    }

    fn feed_net(&mut self, id: ChannelId, net_id: NetId, net: &Net, routes: &[Route]) {
        match self.channel(id).map(|c| c.mode) {
            Some(ExportMode::Any) => {
                for route in routes.iter().filter(|r| !r.filtered) {
                    self.offer(id, net_id, net, Some(route), route.source, None);
                }
            }
            Some(ExportMode::Merged { limit }) => self.offer_merged(id, net_id, net, routes, limit),
            Some(ExportMode::Best) => {
                if let Some(best) = routes.first().filter(|r| !r.filtered) {
                    self.offer(id, net_id, net, Some(best), best.source, None);
                }
            }
            None => {}
        }
    }

    fn follow(&mut self, id: ChannelId, change: &Change) {
        let old = change.old.as_ref();
        match self.channel(id).map(|c| c.mode) {
            Some(ExportMode::Any) => {
                self.offer(id, change.id, &change.net, change.route.as_ref(), change.source, old);
            }
            Some(ExportMode::Best) => {
                if let Some(best) = change.new_best() {
                    let source = best.map_or(change.source, |b| b.source);
                    self.offer(id, change.id, &change.net, best, source, old);
                }
            }
            Some(ExportMode::Merged { limit }) => {
                let Some(table) = self.channel(id).map(|c| c.table) else { return };
                let now: Option<(Net, Vec<Route>)> =
                    self.table_of(table).get(change.id).map(|(net, routes)| (net.clone(), routes.to_vec()));
                match now {
                    Some((net, routes)) if net == change.net => {
                        self.offer_merged(id, change.id, &net, &routes, limit);
                    }
                    _ if !matches!(change.best, BestChange::Same) => {
                        self.offer(id, change.id, &change.net, None, change.source, old);
                    }
                    _ => {}
                }
            }
            None => {}
        }
    }

    /// Asks the protocol's rule and runs the export filter; `None` when the route does not pass.
    fn pass(&mut self, id: ChannelId, net: &Net, route: &Route, silent: bool) -> Option<Arc<Attrs>> {
        let verdict = self.channel(id)?.judge(net, route);
        match verdict {
            PreExport::Ask => {}
            verdict => {
                if !silent {
                    self.stats_mut(id).export_updates.rejected += 1;
                    if verdict == PreExport::Reject {
                        self.trace_route_out(TraceFlag::Filters, id, "rejected by protocol", net, route);
                    }
                }
                return None;
            }
        }
        let (accepted, outcome, attrs) =
            self.run_filter(Policy(id, Direction::Export), net, route.source, route.attrs.clone());
        self.account(id, Direction::Export, outcome);
        if !accepted {
            if !silent {
                self.stats_mut(id).export_updates.filtered += 1;
                self.trace_route_out(TraceFlag::Filters, id, "filtered out", net, route);
            }
            return None;
        }
        Some(attrs)
    }

    fn offer(
        &mut self,
        id: ChannelId,
        net_id: NetId,
        net: &Net,
        route: Option<&Route>,
        source: Source,
        old: Option<&Arc<Attrs>>,
    ) {
        let stats = self.stats_mut(id);
        let attrs = match route {
            Some(route) => {
                stats.export_updates.received += 1;
                self.pass(id, net, route, false)
            }
            None => {
                stats.export_withdraws.received += 1;
                None
            }
        };
        self.deliver(id, net_id, net, route, source, attrs, old);
    }

    fn offer_merged(&mut self, id: ChannelId, net_id: NetId, net: &Net, routes: &[Route], limit: u16) {
        let Some(best) = routes.first().filter(|r| !r.filtered) else {
            if let Some(source) = routes.first().map(|r| r.source) {
                self.offer(id, net_id, net, None, source, None);
            }
            return;
        };
        self.stats_mut(id).export_updates.received += 1;
        let mut first = true;
        let attrs = super::merge::merge(routes, limit, |route| {
            let silent = !std::mem::replace(&mut first, false);
            self.pass(id, net, route, silent)
        });
        self.deliver(id, net_id, net, Some(best), best.source, attrs, None);
    }

    /// Limit, counters, bookkeeping, and into the outbox. `old`: the attributes of a route that went, for traces.
    #[allow(clippy::too_many_arguments, reason = "the parts of one change, each known to every caller")]
    fn deliver(
        &mut self,
        id: ChannelId,
        net_id: NetId,
        net: &Net,
        route: Option<&Route>,
        source: Source,
        attrs: Option<Arc<Attrs>>,
        old: Option<&Arc<Attrs>>,
    ) {
        let Some(ch) = self.channel(id) else { return };
        let replaces = ch.was_exported(net_id, source);
        if attrs.is_none() && !replaces {
            return;
        }
        if attrs.is_some() && !replaces {
            let exported = ch.stats.exported;
            if self.over_limit(id, LimitKind::Export, exported) {
                self.stats_mut(id).export_updates.rejected += 1;
                if let Some(route) = route {
                    self.trace_route_out(TraceFlag::Filters, id, "rejected [limit]", net, route);
                }
                return;
            }
        }
        if self.traces(id, TraceFlag::Routes) {
            let word = match (attrs.is_some(), replaces) {
                (true, true) => "replaced",
                (true, false) => "added",
                (false, _) => "removed",
            };
            match route {
                Some(route) => self.trace_route_out(TraceFlag::Routes, id, word, net, route),
                None => self.trace_gone_out(id, word, net, source, old),
            }
        }
        let Some(ch) = self.channel_mut(id) else { return };
        match (attrs.is_some(), replaces) {
            (true, false) => ch.stats.exported += 1,
            (false, true) => ch.stats.exported = ch.stats.exported.saturating_sub(1),
            _ => {}
        }
        if attrs.is_some() {
            ch.stats.export_updates.accepted += 1;
        } else {
            ch.stats.export_withdraws.accepted += 1;
            ch.refused.set(net_id.0, false);
        }
        ch.set_exported(net_id, source, attrs.is_some());
        let generation = route.map_or(0, |r| r.generation);
        ch.outbox.push(Export { id: net_id, net: net.clone(), source, attrs, replaces, generation });
    }

    /// What the channel's filter makes of the net now, without counting or changing anything.
    pub(super) fn wanted_now(&mut self, id: ChannelId, net: &Net) -> Option<Export> {
        let ch = self.channel(id)?;
        let table = self.table_of(ch.table);
        let net_id = table.find(net)?;
        let route = table.best(net_id)?.clone();
        if ch.judge(net, &route) != PreExport::Ask {
            return None;
        }
        let (replaces, generation) = (ch.was_exported(net_id, route.source), route.generation);
        let (accepted, _, attrs) =
            self.run_filter(Policy(id, Direction::Export), net, route.source, route.attrs.clone());
        accepted.then(|| Export {
            id: net_id,
            net: net.clone(),
            source: route.source,
            attrs: Some(attrs),
            replaces,
            generation,
        })
    }
}
