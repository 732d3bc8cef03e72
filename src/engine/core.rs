//! The state all protocols share: tables, channels, interfaces, timers, the kernel's door. One thread owns it.
//!
//! Instances are kept beside it ([`Engine`](super::engine::Engine)), so that one of them can be called with its hands on the core. What an
//! instance sets in motion that would call an instance (a failure, a state change) is put into `pending` and done after the call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashMap;

use super::accounting::Direction;
use super::api::{Hands, ProtoState, Rerouted, TraceFlag};
use super::channel::{Channel, Stats};
use super::filters::Assertions;
use super::iface::{IfaceEvent, Ifaces};
use super::logger::Logger;
use super::proto::Proto;
use super::slots::Slots;
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, ProtoId};
use crate::config::{Config, ProtocolConfig, TableConfig};
use crate::filter::{Machine, Outcome, Patience, Verdicts};
use crate::sys::kernel::{Family, Kernel, Question, Ticket};
use crate::table::{Attrs, Bits, Interner, Snapshot, Table};

/// A table with what the engine knows about it.
pub(super) struct TableSlot {
    pub(super) table: Table,
    pub(super) config: Arc<TableConfig>,
    /// How many channels there are on it.
    pub(super) users: usize,
    /// Channels that follow its journal.
    pub(super) consumers: Vec<ChannelId>,
    /// Protocols to tell after changes.
    pub(super) watchers: BTreeSet<ProtoId>,
    /// Changed since consumers were last woken.
    pub(super) dirty: bool,
}

/// What runs of filters work with. Taken out of the core for each run, so that filters can look at the core meanwhile.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) machine: Machine,
    pub(super) interner: Interner,
    pub(super) verdicts: Verdicts,
}

impl Tools {
    /// Forgets what filters of the configuration before have said.
    pub(super) fn forget(&mut self) {
        self.machine.forget();
        self.verdicts = Verdicts::default();
    }
}

/// Something to do when no instance is being called.
#[derive(Debug)]
pub(super) enum Pending {
    State(ProtoId, ProtoState),
    Fail(ProtoId, bool),
    Ifaces(Vec<IfaceEvent>),
}

/// Who asked the kernel a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Asker {
    Proto(ProtoId),
    Core,
}

/// The shared state.
pub struct Core {
    pub(super) started: Instant,
    /// The running configuration.
    pub config: Arc<Config>,
    /// The router id in force.
    pub router_id: u32,
    pub(super) tables: Slots<TableSlot>,
    pub(super) table_names: FxHashMap<Arc<str>, usize>,
    pub(super) channels: Slots<Channel>,
    pub(super) protos: Slots<Proto>,
    pub(super) proto_names: FxHashMap<Arc<str>, ProtoId>,
    /// Protocols in the order of the configuration ([`Core::list`]).
    pub(super) order: Vec<ProtoId>,
    pub(super) ifaces: Ifaces,
    /// The device protocol that keeps the interfaces, while it is up.
    pub(super) iface_owner: Option<ProtoId>,
    pub(super) last_iface_scan: Option<u64>,
    pub(super) iface_scan_open: u8,
    pub(super) kernel: Box<dyn Kernel>,
    pub(super) kernel_tables: BTreeMap<(Family, u32), ProtoId>,
    /// What kernel protocols ask for, and what the sockets have, in bytes.
    pub(super) rx_buffers: BTreeMap<ProtoId, u32>,
    pub(super) rx_buffer: Option<u32>,
    /// The protocols start for the first time: sizes are set without a word.
    pub(super) booting: bool,
    pub(super) askers: FxHashMap<Ticket, Asker>,
    pub(super) next_ticket: Ticket,
    /// Questions of this turn about tables of routes.
    pub(super) questions: Vec<(Ticket, Question)>,
    pub(super) tools: Option<Box<Tools>>,
    /// Begins with each turn: whoever runs filters for many routes stops when it is over.
    pub(super) patience: Patience,
    /// The time that routes get, and how many more may get it ([`Core::stamp`]).
    pub(super) stamp: (u64, u32),
    /// While a protocol only shows what it would announce: what it has shown.
    pub(super) hearing: Option<super::explain::Hearing>,
    /// What self-tests found, where somebody wants to know.
    pub(super) assertions: Option<Assertions>,
    pub(super) timers: BTreeSet<(u64, ProtoId, u32)>,
    pub(super) armed: FxHashMap<(ProtoId, u32), u64>,
    pub(super) workers: VecDeque<ProtoId>,
    pub(super) ready: VecDeque<ChannelId>,
    /// Channels whose protocol does not want more exports just now.
    pub(super) stalled: Vec<ChannelId>,
    pub(super) dirty_tables: Vec<usize>,
    pub(super) pending: VecDeque<Pending>,
    pub(super) refeeds: Vec<(ChannelId, Option<Arc<PrefixSet>>)>,
    pub(super) logger: Logger,
    pub(super) shutting_down: bool,
    pub(super) recovering: bool,
    /// Answers about recursive next hops, and those that differ from the answers before.
    pub(super) resolved: super::resolve::Resolved,
    pub(super) rerouted: Vec<Rerouted>,
}

impl Core {
    pub(super) fn new(
        config: Arc<Config>,
        kernel: Box<dyn Kernel>,
        logger: Logger,
        started: Instant,
    ) -> Core {
        Core {
            started,
            config,
            router_id: 0,
            tables: Slots::new(),
            channels: Slots::new(),
            table_names: FxHashMap::default(),
            protos: Slots::new(),
            proto_names: FxHashMap::default(),
            order: Vec::new(),
            ifaces: Ifaces::default(),
            iface_owner: None,
            last_iface_scan: None,
            iface_scan_open: 0,
            kernel,
            kernel_tables: BTreeMap::new(),
            rx_buffers: BTreeMap::new(),
            rx_buffer: None,
            booting: true,
            askers: FxHashMap::default(),
            next_ticket: 1,
            questions: Vec::new(),
            tools: None,
            patience: Patience::new(),
            stamp: (0, 0),
            hearing: None,
            assertions: None,
            timers: BTreeSet::new(),
            armed: FxHashMap::default(),
            workers: VecDeque::new(),
            ready: VecDeque::new(),
            stalled: Vec::new(),
            dirty_tables: Vec::new(),
            pending: VecDeque::new(),
            refeeds: Vec::new(),
            logger,
            shutting_down: false,
            recovering: false,
            resolved: Default::default(),
            rerouted: Vec::new(),
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        self.started.elapsed().as_micros() as u64
    }

    /// The time for a route that changes now. Asking the clock costs as much as a small filter, so some routes that an instance announces in one
    /// call share an answer.
    #[inline]
    pub(super) fn stamp(&mut self) -> u64 {
        if self.stamp.1 == 0 {
            self.stamp = (self.now_us(), 32);
        }
        self.stamp.1 -= 1;
        self.stamp.0
    }

    pub(super) fn tools(&mut self) -> &mut Tools {
        self.tools.get_or_insert_default()
    }

    /// `bird -R`: exports that take part in a graceful restart wait until recovery is over.
    pub fn set_recovering(&mut self, recovering: bool) {
        self.recovering = recovering;
    }

    /// A channel by number.
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(id.0 as usize)
    }

    pub(super) fn channel_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.channels.get_mut(id.0 as usize)
    }

    /// A protocol by number.
    pub fn proto(&self, id: ProtoId) -> Option<&Proto> {
        self.protos.get(id.0 as usize)
    }

    pub(super) fn proto_mut(&mut self, id: ProtoId) -> Option<&mut Proto> {
        self.protos.get_mut(id.0 as usize)
    }

    /// All protocols in the order of the configuration; those on their way out come last.
    pub fn protos(&self) -> impl Iterator<Item = &Proto> {
        let rest = self.protos.iter().filter(|p| !p.listed);
        self.order.iter().filter_map(|id| self.proto(*id)).chain(rest)
    }

    /// From now on this is the order of protocols.
    pub(super) fn list(&mut self, order: Vec<ProtoId>) {
        for proto in self.protos.iter_mut() {
            proto.listed = false;
        }
        for id in &order {
            if let Some(proto) = self.proto_mut(*id) {
                proto.listed = true;
            }
        }
        self.order = order;
    }

    /// A protocol by name.
    pub fn proto_named(&self, name: &str) -> Option<&Proto> {
        self.proto(*self.proto_names.get(name)?)
    }

    /// Who owned the interfaces is down: there are none any more.
    pub(super) fn forget_interfaces(&mut self, owner: ProtoId) {
        if self.iface_owner == Some(owner) {
            self.iface_owner = None;
            self.trace(owner, TraceFlag::Events, format_args!("Flushing interfaces"));
            let mut events = Vec::new();
            self.ifaces.clear(&mut events);
            self.pending.push_back(Pending::Ifaces(events));
        }
    }

    pub(super) fn name_of(&self, id: ProtoId) -> Arc<str> {
        self.proto(id).map_or_else(|| Arc::from("?"), |p| p.name.clone())
    }

    /// All tables, in the order of the configuration.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter().map(|t| &t.table)
    }

    pub(super) fn table_at(&self, name: &str) -> Option<usize> {
        self.table_names.get(name).copied()
    }

    /// A table by name.
    pub fn table_named(&self, name: &str) -> Option<&Table> {
        self.tables.get(self.table_at(name)?).map(|t| &t.table)
    }

    /// A table as it is now.
    pub fn snapshot(&mut self, name: &str) -> Option<Snapshot> {
        let at = self.table_at(name)?;
        self.tables.get_mut(at).map(|t| t.table.snapshot())
    }

    /// Nets of a table whose route a kernel refused.
    pub fn refused_in(&self, table: &str) -> Bits {
        let Some(at) = self.table_at(table) else { return Bits::default() };
        let mut refusing = self.channels.iter().filter(|c| c.table == at && !c.refused.is_empty());
        refusing.next().map_or_else(Bits::default, |c| c.refused.clone())
    }

    /// Estimates of the memory in use, in bytes, from counts and sizes of types.
    pub fn memory_usage(&self) -> MemoryUsage {
        let tables = self.tables().map(Table::memory).sum();
        let attributes = self.tools.as_ref().map_or(0, |t| t.interner.len()) * (size_of::<Attrs>() + 64);
        let protocols = self.protos.iter().count() * size_of::<Proto>()
            + self.channels.iter().map(|c| size_of::<Channel>() + c.exported.memory()).sum::<usize>();
        MemoryUsage { tables, attributes, protocols, config: config_bytes(&self.config) }
    }

    /// How many different sets of attributes are known.
    pub fn attribute_sets(&self) -> usize {
        self.tools.as_ref().map_or(0, |t| t.interner.len())
    }

    /// The table of a live channel. A channel keeps its table alive, so the number always names one.
    #[allow(clippy::expect_used, reason = "an invariant of the engine: tables outlive their channels")]
    pub(super) fn table_of(&self, at: usize) -> &Table {
        &self.tables.get(at).expect("tables outlive their channels").table
    }

    #[allow(clippy::expect_used, reason = "an invariant of the engine: tables outlive their channels")]
    pub(super) fn table_mut_of(&mut self, at: usize) -> &mut Table {
        &mut self.tables.get_mut(at).expect("tables outlive their channels").table
    }

    /// The counters of a live channel.
    #[allow(clippy::expect_used, reason = "called only by code that holds the number of a live channel")]
    pub(super) fn stats_mut(&mut self, id: ChannelId) -> &mut Stats {
        &mut self.channels.get_mut(id.0 as usize).expect("the channel is live").stats
    }

    /// Takes down where a filter has decided.
    #[inline]
    pub(super) fn account(&mut self, id: ChannelId, direction: Direction, outcome: Option<Outcome>) {
        if let (Some(outcome), Some(ch)) = (outcome, self.channel_mut(id)) {
            ch.tallies[direction as usize].count(outcome);
        }
    }

    /// Consumers of the table are woken at the end of the turn.
    pub(super) fn mark_dirty(&mut self, table: usize) {
        if let Some(slot) = self.tables.get_mut(table)
            && !std::mem::replace(&mut slot.dirty, true)
        {
            self.dirty_tables.push(table);
        }
    }

    /// Puts a channel into the queue of those with exports to do.
    pub(super) fn enqueue(&mut self, id: ChannelId) {
        if let Some(ch) = self.channel_mut(id)
            && !std::mem::replace(&mut ch.queued, true)
        {
            self.ready.push_back(id);
        }
    }

    pub(super) fn later_fail(&mut self, proto: ProtoId, restart: bool) {
        self.pending.push_back(Pending::Fail(proto, restart));
    }

    /// One line for the log on behalf of somebody else; errors are limited in rate.
    pub fn say(&mut self, class: LogClass, text: &str) {
        let now = self.now_us();
        match class {
            LogClass::Error => self.logger.limited(now, class, format_args!("{text}")),
            _ => self.log_line(class, format_args!("{text}")),
        }
    }

    pub(super) fn log_line(&mut self, class: LogClass, text: std::fmt::Arguments<'_>) {
        self.logger.log(class, text);
    }

    pub(super) fn traces(&self, channel: ChannelId, flag: TraceFlag) -> bool {
        let Some(ch) = self.channel(channel) else { return false };
        let of_proto = self.proto(ch.proto).map_or(0, |p| p.debug.0);
        (ch.config.debug.0 | of_proto) >> flag as u32 & 1 == 1
    }

    pub(super) fn ticket(&mut self, asker: Asker) -> Ticket {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.askers.insert(ticket, asker);
        ticket
    }

    /// Questions about tables of routes are put together, so that they can be answered together.
    pub(super) fn put_questions(&mut self) {
        for (ticket, question) in self.questions.drain(..) {
            self.kernel.ask(ticket, question);
        }
    }

    /// Asks for links and addresses; the answers are taken in one after the other.
    pub(super) fn start_iface_scan(&mut self) {
        if self.iface_owner.is_none() || self.iface_scan_open > 0 {
            return;
        }
        self.last_iface_scan = Some(self.now_us());
        if let Some(owner) = self.iface_owner {
            self.trace(owner, TraceFlag::Events, format_args!("Scanning interfaces"));
        }
        self.iface_scan_open = 2;
        for question in [Question::Links, Question::Addresses] {
            let ticket = self.ticket(Asker::Core);
            self.kernel.ask(ticket, question);
        }
    }
}

/// Bytes in use, by subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the rows of `show memory`")]
pub struct MemoryUsage {
    pub tables: usize,
    pub attributes: usize,
    pub protocols: usize,
    pub config: usize,
}

fn config_bytes(config: &Config) -> usize {
    let options: usize = config.protocols.iter().map(|p| p.options.memory()).sum();
    size_of::<Config>() + config.protocols.len() * size_of::<ProtocolConfig>() + options
}
