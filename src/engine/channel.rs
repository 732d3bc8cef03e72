//! A channel at run time: state, counters, limits and what it has exported.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::accounting::{Direction, Tally};
use super::api::{Export, ExportMode, ExportRule, PreExport};
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, Net, ProtoId};
use crate::config::{ChannelConfig, Limit};
use crate::table::{Bits, Cursor, NetId, Route, Snapshot, Source};

/// State of a channel (`show protocols all`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the words of the shell")]
pub enum ChannelState {
    #[default]
    Down,
    Start,
    Up,
    Flushing,
}

/// The counters of a channel, named as in BIRD's table "Route change stats".
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the rows and columns of that table")]
pub struct Stats {
    pub imported: u32,
    pub filtered: u32,
    pub exported: u32,
    pub preferred: u32,
    pub import_updates: Updates,
    pub import_withdraws: Updates,
    pub export_updates: Updates,
    pub export_withdraws: Updates,
}

/// One row of the counters; columns that make no sense for a row stay 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the columns of that table")]
pub struct Updates {
    pub received: u32,
    pub rejected: u32,
    pub filtered: u32,
    pub ignored: u32,
    pub accepted: u32,
}

/// The three limits of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the options")]
pub enum LimitKind {
    Receive,
    Import,
    Export,
}

impl LimitKind {
    /// The word in log lines.
    pub fn word(self) -> &'static str {
        match self {
            LimitKind::Receive => "receive",
            LimitKind::Import => "import",
            LimitKind::Export => "export",
        }
    }

    /// The limit as configured.
    pub fn of(self, config: &ChannelConfig) -> Option<Limit> {
        match self {
            LimitKind::Receive => config.receive_limit,
            LimitKind::Import => config.import_limit,
            LimitKind::Export => config.export_limit,
        }
    }
}

/// Whether a limit was hit, and blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LimitState {
    /// Shown as `[HIT]`.
    pub hit: bool,
    /// What is over the limit is dropped.
    pub blocked: bool,
}

/// Where a channel stands in giving its protocol the table.
#[derive(Debug, Default)]
pub(super) enum Feed {
    /// Nothing is exported.
    #[default]
    Off,
    /// To begin after so many more turns of the channel.
    Waiting { turns: u8 },
    /// Walking over a snapshot; what happens meanwhile waits in the journal.
    Walking { snapshot: Snapshot, next: NetId },
    /// Following the journal.
    Following,
}

/// A channel.
pub struct Channel {
    /// Its number.
    pub id: ChannelId,
    /// Whose it is.
    pub proto: ProtoId,
    /// As configured.
    pub config: ChannelConfig,
    /// Number of its table.
    pub(super) table: usize,
    /// Its state.
    pub state: ChannelState,
    /// Its counters.
    pub stats: Stats,
    /// How often each place of the import and of the export filter has decided.
    pub tallies: [Tally; 2],
    /// State of receive, import and export limit.
    pub limits: [LimitState; 3],
    /// What it is offered.
    pub mode: ExportMode,
    /// What its protocol says before the filter is asked.
    pub rule: Option<ExportRule>,
    pub(super) feed: Feed,
    pub(super) cursor: Option<Cursor>,
    /// Changes of the block at the cursor that were followed already.
    pub(super) followed: usize,
    /// The feed under way makes up for an overrun: the end of the one before was told already.
    pub(super) quiet: bool,
    /// The feed under way is about these nets only.
    pub(super) feed_only: Option<Arc<PrefixSet>>,
    /// Nets whose best (or merged) route was exported.
    pub exported: Bits,
    /// Mode `Any`: routes that were exported.
    pub exported_any: FxHashSet<(NetId, Source)>,
    /// Exported nets that the kernel refused.
    pub refused: Bits,
    /// Accepted, not yet delivered.
    pub(super) outbox: Vec<Export>,
    /// When that is delivered, the feed has ended.
    pub(super) fed_then: bool,
    /// In the queue of channels that have something to do.
    pub(super) queued: bool,
}

impl Channel {
    pub(super) fn new(id: ChannelId, proto: ProtoId, table: usize, config: ChannelConfig) -> Channel {
        Channel {
            id,
            proto,
            config,
            table,
            state: ChannelState::Down,
            stats: Stats::default(),
            tallies: Default::default(),
            limits: Default::default(),
            mode: ExportMode::Best,
            rule: None,
            feed: Feed::Off,
            cursor: None,
            followed: 0,
            quiet: false,
            feed_only: None,
            exported: Bits::default(),
            exported_any: FxHashSet::default(),
            refused: Bits::default(),
            outbox: Vec::new(),
            fed_then: false,
            queued: false,
        }
    }

    /// The same with counters that begin at this moment.
    pub(super) fn counting(self, now: u64) -> Channel {
        Channel { tallies: [Tally::new(now), Tally::new(now)], ..self }
    }

    /// What `export in` and the protocol's own rule say, before the filter.
    pub fn judge(&self, net: &Net, route: &Route) -> PreExport {
        judge(self.config.export_in.as_ref(), self.rule.as_ref(), net, route)
    }

    /// A route passes by a channel with `export none`.
    pub(super) fn count_refused(&mut self, net: &Net, route: &Route) {
        self.stats.export_updates.received += 1;
        match self.judge(net, route) {
            PreExport::Ask => self.stats.export_updates.filtered += 1,
            _ => self.stats.export_updates.rejected += 1,
        }
    }

    /// The same for a net that is fed.
    pub(super) fn count_refused_net(&mut self, net: &Net, routes: &[Route]) {
        let all = matches!(self.mode, ExportMode::Any);
        let offered = if all { routes.len() } else { 1 };
        for route in routes.iter().take(offered).filter(|route| !route.filtered) {
            self.count_refused(net, route);
        }
    }

    /// Whether a route of (net, source) was exported.
    pub fn was_exported(&self, id: NetId, source: Source) -> bool {
        match self.mode {
            ExportMode::Any => self.exported_any.contains(&(id, source)),
            ExportMode::Best | ExportMode::Merged { .. } => self.exported.get(id.0),
        }
    }

    pub(super) fn set_exported(&mut self, id: NetId, source: Source, on: bool) {
        match self.mode {
            ExportMode::Any if on => drop(self.exported_any.insert((id, source))),
            ExportMode::Any => drop(self.exported_any.remove(&(id, source))),
            ExportMode::Best | ExportMode::Merged { .. } => drop(self.exported.set(id.0, on)),
        }
    }

    /// The counters of its import or export filter.
    pub fn tally(&self, direction: Direction) -> &Tally {
        &self.tallies[direction as usize]
    }

    /// The word of traces.
    pub(super) fn state_word(&self) -> &'static str {
        match self.state {
            ChannelState::Down => "DOWN",
            ChannelState::Start => "START",
            ChannelState::Up => "UP",
            ChannelState::Flushing => "FLUSHING",
        }
    }

    /// Whether routes are imported (`up`) for the row of a pipe.
    pub fn is_up(&self) -> bool {
        self.state == ChannelState::Up
    }

    /// Whether a feed is under way.
    pub fn is_feeding(&self) -> bool {
        matches!(self.feed, Feed::Waiting { .. } | Feed::Walking { .. })
    }

    /// Whether anything is exported at all.
    pub fn is_exporting(&self) -> bool {
        !matches!(self.feed, Feed::Off)
    }
}

/// What `export in` and a protocol's rule say of a route.
pub fn judge(export_in: Option<&Net>, rule: Option<&ExportRule>, net: &Net, route: &Route) -> PreExport {
    match (export_in, rule) {
        (Some(limit), _) if !super::import::inside(limit, net) => PreExport::Reject,
        (_, Some(rule)) => rule(net, route),
        (_, None) => PreExport::Ask,
    }
}
