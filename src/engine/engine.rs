//! The owner of everything: instances, the shared core, the transition between configurations; and its turn of work.
//!
//! A turn ([`Engine::turn`]) does a little of everything that is due: what calls left behind, kernel events, timers, work of instances, exports,
//! flushes. Between turns the [`driver`](super::driver) takes messages, so nothing waits longer than a turn.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::api::{Export, Instance, LookAt, Ports, ProtoState, ProtocolKind};
use super::core::{Asker, Core, Pending};
use super::cycle::{Cycle, Part};
use super::export::Turn;
use super::flush::Flushers;
use super::iface::IfaceEvent;
use super::logger::Logger;
use super::slots::Slots;
use super::transition::Transition;
use crate::base::{ChannelId, LogClass, ProtoId};
use crate::config::Config;
use crate::filter::Patience;
use crate::sys::kernel::{Kernel, KernelEvent, NoticeClass};

/// The engine.
pub struct Engine {
    /// What protocols share.
    pub core: Core,
    pub(super) instances: Slots<Option<Box<dyn Instance>>>,
    pub(super) kinds: &'static [&'static dyn ProtocolKind],
    pub(super) flushers: Flushers,
    /// How many have more to ask at once ([`Attention`](super::driver::Attention)).
    pub(super) attention: Arc<AtomicUsize>,
    /// From one configuration to the next.
    pub transition: Transition,
    events: VecDeque<KernelEvent>,
    arrived: Vec<KernelEvent>,
    /// The names under which interfaces came up last, for the traces.
    pub(super) iface_names: BTreeMap<u32, Arc<str>>,
    finished: bool,
    /// Grows with all work done.
    pub(super) effort: u64,
    pub(super) cycle: Cycle,
    /// The part of a turn that the next one begins with.
    next_part: usize,
}

/// What does a part of a turn.
type Doing = fn(&mut Engine);

/// The parts of a turn in their order.
const PARTS: [(Part, Doing); 6] = [
    (Part::Kernel, Engine::kernel_events),
    (Part::Timers, Engine::fire_timers),
    (Part::Work, Engine::work),
    (Part::Exports, Engine::exports),
    (Part::Flushes, Engine::flushes),
    (Part::Reconfiguration, Engine::advance_transition),
];

impl Engine {
    /// An engine with nothing running yet; [`Engine::boot_first`] and [`Engine::boot_rest`] start it.
    pub fn new(
        config: Arc<Config>,
        kinds: &'static [&'static dyn ProtocolKind],
        kernel: Box<dyn Kernel>,
        logger: Logger,
        started: Instant,
    ) -> Engine {
        Engine {
            core: Core::new(config, kernel, logger, started),
            instances: Slots::new(),
            kinds,
            flushers: Flushers::default(),
            attention: Arc::default(),
            transition: Transition::default(),
            events: VecDeque::new(),
            arrived: Vec::new(),
            iface_names: BTreeMap::new(),
            finished: false,
            effort: 0,
            cycle: Cycle::default(),
            next_part: 0,
        }
    }

    /// Whether the daemon has nothing left to do and may end.
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Calls an instance with its hands on the core. A panic in it takes that protocol down, not the daemon.
    pub(super) fn call<R>(
        &mut self,
        id: ProtoId,
        what: impl FnOnce(&mut dyn Instance, &mut Ports<'_>) -> R,
    ) -> Option<R> {
        let mut instance = self.instances.get_mut(id.0 as usize)?.take()?;
        let core = &mut self.core;
        core.stamp.1 = 0;
        self.cycle.events += 1;
        let start = (!core.config.debug.latency.is_off()).then(Instant::now);
        let result = catch_unwind(AssertUnwindSafe(|| what(&mut *instance, &mut Ports { core, me: id })));
        if let Some(start) = start {
            self.cycle.called(id, start.elapsed());
        }
        match result {
            Ok(result) => {
                self.put_back(id, instance);
                Some(result)
            }
            Err(_) => {
                let name = self.core.name_of(id);
                self.core.log_line(
                    LogClass::Bug,
                    format_args!("Protocol {name} failed internally and is taken down; please report this"),
                );
                self.core.later_fail(id, false);
                None
            }
        }
    }

    fn put_back(&mut self, id: ProtoId, instance: Box<dyn Instance>) {
        if let Some(place) = self.instances.get_mut(id.0 as usize) {
            *place = Some(instance);
        }
    }

    /// An instance to look at.
    pub fn instance(&self, id: ProtoId) -> Option<&dyn Instance> {
        self.instances.get(id.0 as usize)?.as_deref()
    }

    /// Does a little of everything that is due; `true` when there is more to do at once.
    pub fn turn(&mut self) -> bool {
        self.core.patience = Patience::new();
        let first = std::mem::take(&mut self.next_part);
        for (at, (part, what)) in PARTS.iter().enumerate().skip(first) {
            self.timed(*part, *what);
            if !matches!(part, Part::Kernel | Part::Reconfiguration) {
                self.settle();
            }
            if *part == Part::Timers {
                self.core.put_questions();
            }
            if self.core.patience.is_over() {
                // Others get their part when messages were taken.
                self.next_part = (at + 1) % PARTS.len();
                break;
            }
        }
        self.core.put_questions();
        let more = self.next_part != 0 || !self.events.is_empty();
        if self.core.shutting_down && self.all_down() {
            self.finished = true;
        }
        // What one part does may give another one, already served in this turn, something to do.
        let more = more || !self.is_idle();
        self.effort += u64::from(more);
        more
    }

    fn is_idle(&self) -> bool {
        let core = &self.core;
        core.pending.is_empty()
            && core.dirty_tables.is_empty()
            && core.workers.is_empty()
            && core.ready.is_empty()
            && self.flushers.rest()
    }

    /// Whether no route is on its way between protocols and tables, and no configuration is being carried out.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_idle()
            && self.flushers.list.is_empty()
            && self.events.is_empty()
            && self.core.refeeds.is_empty()
            && !self.transition.progress().0
    }

    /// When the next timer is due, in microseconds since the start.
    pub fn next_timer(&self) -> Option<u64> {
        let timer = self.core.timers.first().map(|(at, _, _)| *at);
        [timer, self.transition.due(), self.flushers.due()].into_iter().flatten().min()
    }

    /// What calls have left behind, until nothing is left.
    pub(super) fn settle(&mut self) {
        loop {
            while let Some(pending) = self.core.pending.pop_front() {
                match pending {
                    Pending::State(id, ProtoState::Up) => self.proto_up(id),
                    Pending::State(id, ProtoState::Down) => self.instance_stopped(id),
                    Pending::State(..) => {}
                    Pending::Fail(id, restart) => self.fail(id, restart),
                    Pending::Ifaces(events) => {
                        if !self.core.shutting_down {
                            self.trace_ifaces(&events);
                        }
                        self.tell_ifaces(&events);
                    }
                }
            }
            self.tell_rerouted();
            for (channel, only) in std::mem::take(&mut self.core.refeeds) {
                self.core.feed_again(channel, only);
            }
            if self.core.dirty_tables.is_empty() {
                return;
            }
            self.wake_consumers();
        }
    }

    fn tell_rerouted(&mut self) {
        let news = std::mem::take(&mut self.core.rerouted);
        if news.is_empty() {
            return;
        }
        let protos: Vec<ProtoId> = self.core.protos().map(|p| p.id).collect();
        for id in protos {
            self.call(id, |i, p| i.rerouted(p, &news));
        }
    }

    fn wake_consumers(&mut self) {
        for table in std::mem::take(&mut self.core.dirty_tables) {
            let Some(slot) = self.core.tables.get_mut(table) else { continue };
            slot.dirty = false;
            let (consumers, name) = (slot.consumers.clone(), slot.table.name().clone());
            let watchers: Vec<ProtoId> = slot.watchers.iter().copied().collect();
            for channel in consumers {
                self.core.enqueue(channel);
            }
            for proto in watchers {
                self.call(proto, |i, p| i.table_changed(p, &name));
            }
        }
    }

    pub(super) fn tell_ifaces(&mut self, events: &[IfaceEvent]) {
        let protos: Vec<ProtoId> = self.core.protos().map(|p| p.id).collect();
        for event in events {
            for id in &protos {
                self.call(*id, |i, p| i.iface(p, event));
            }
        }
        self.core.renew_router_id();
    }

    fn kernel_events(&mut self) {
        if self.events.is_empty() {
            self.core.kernel.poll(&mut self.arrived);
            self.events.extend(self.arrived.drain(..));
        }
        let slice = Slice::new();
        while let Some(event) = self.events.pop_front() {
            self.effort += 1;
            self.kernel_event(event);
            self.settle();
            if slice.is_over() || self.core.patience.is_over() {
                return;
            }
        }
    }

    fn kernel_event(&mut self, event: KernelEvent) {
        let mut changes = Vec::new();
        let ifaces = &mut self.core.ifaces;
        let owned = self.core.iface_owner.is_some();
        match event {
            KernelEvent::Done(answers) => {
                let owner = answers.first().map_or(0, |first| first.ticket >> 32);
                if answers.iter().all(|answer| answer.ticket >> 32 == owner) {
                    self.call(ProtoId(owner as u32), |i, p| i.kernel(p, KernelEvent::Done(answers)));
                    return;
                }
                let mut rest = &answers[..];
                while let Some(first) = rest.first() {
                    let owner = first.ticket >> 32;
                    let count = rest.iter().take_while(|a| a.ticket >> 32 == owner).count();
                    let (mine, others) = rest.split_at(count);
                    rest = others;
                    let mine = mine.to_vec();
                    self.call(ProtoId(owner as u32), |i, p| i.kernel(p, KernelEvent::Done(mine)));
                }
            }
            KernelEvent::Links(ticket, result) => {
                self.core.askers.remove(&ticket);
                self.core.iface_scan_open = self.core.iface_scan_open.saturating_sub(1);
                match result {
                    Ok(links) if owned => self.core.ifaces.scanned_links(links, &mut changes),
                    Ok(_) => {}
                    Err(e) => self.core.log_line(LogClass::Error, format_args!("Interface scan failed: {e}")),
                }
            }
            KernelEvent::Addresses(ticket, result) => {
                self.core.askers.remove(&ticket);
                self.core.iface_scan_open = self.core.iface_scan_open.saturating_sub(1);
                match result {
                    Ok(list) if owned => self.core.ifaces.scanned_addresses(list, &mut changes),
                    Ok(_) => {}
                    Err(e) => self.core.log_line(LogClass::Error, format_args!("Address scan failed: {e}")),
                }
            }
            KernelEvent::Link(link) if owned => ifaces.link(link, &mut changes),
            KernelEvent::LinkGone(index) if owned => ifaces.link_gone(index, &mut changes),
            KernelEvent::Address(address) if owned => ifaces.address(&address, &mut changes),
            KernelEvent::AddressGone(address) if owned => ifaces.address_gone(&address, &mut changes),
            KernelEvent::Link(_)
            | KernelEvent::LinkGone(_)
            | KernelEvent::Address(_)
            | KernelEvent::AddressGone(_) => {}
            KernelEvent::Routes(ticket, routes) => {
                if let Some(Asker::Proto(id)) = self.core.askers.get(&ticket).copied() {
                    self.call(id, |i, p| i.kernel(p, KernelEvent::Routes(ticket, routes)));
                }
            }
            KernelEvent::Finished(ticket, result) => {
                if let Some(Asker::Proto(id)) = self.core.askers.remove(&ticket) {
                    self.call(id, |i, p| i.kernel(p, KernelEvent::Finished(ticket, result)));
                }
            }
            KernelEvent::Route(ref route) | KernelEvent::RouteGone(ref route) => {
                let family = crate::sys::kernel::Family::of(&route.key.dst);
                if let Some(id) = self.core.kernel_tables.get(&(family, route.key.table)).copied() {
                    self.call(id, |i, p| i.kernel(p, event));
                }
            }
            KernelEvent::Overrun(NoticeClass::Interfaces) => {
                self.core.log_line(LogClass::Warning, format_args!("{OVERRUN}"));
                self.core.start_iface_scan();
            }
            KernelEvent::Overrun(NoticeClass::Routes) => {
                self.core.log_line(LogClass::Warning, format_args!("{OVERRUN}"));
                let owners: BTreeSet<ProtoId> = self.core.kernel_tables.values().copied().collect();
                for id in owners {
                    self.call(id, |i, p| i.kernel(p, KernelEvent::Overrun(NoticeClass::Routes)));
                }
            }
            KernelEvent::NexthopsLost(_) | KernelEvent::NexthopsChanged => {
                let owners: BTreeSet<ProtoId> = self.core.kernel_tables.values().copied().collect();
                for id in owners {
                    self.call(id, |i, p| i.kernel(p, event.clone()));
                }
            }
            KernelEvent::Skipped(text) => {
                let now = self.core.now();
                self.core.logger.limited(now, LogClass::Warning, format_args!("Netlink: {text}"));
            }
            KernelEvent::Lost(error) => self.core.log_line(
                LogClass::Fatal,
                format_args!(
                    "The connection to the kernel is lost: {error}; routes are not synchronised any more"
                ),
            ),
        }
        if !changes.is_empty() {
            self.trace_ifaces(&changes);
            self.tell_ifaces(&changes);
        }
    }

    fn fire_timers(&mut self) {
        let now = self.core.now();
        while let Some((at, id, key)) = self.core.timers.first().copied().filter(|(at, _, _)| *at <= now) {
            self.core.timers.remove(&(at, id, key));
            self.core.armed.remove(&(id, key));
            self.call(id, |i, p| i.timer(p, key));
            self.settle();
        }
    }

    /// One piece of work for every instance that asked for it.
    fn work(&mut self) {
        let slice = Slice::new();
        for _ in 0..self.core.workers.len() {
            let Some(id) = self.core.workers.pop_front() else { break };
            if let Some(proto) = self.core.proto_mut(id) {
                proto.working = false;
            }
            self.call(id, |i, p| i.work(p));
            if slice.is_over() || self.core.patience.is_over() {
                break;
            }
        }
    }

    /// One turn of every channel with something to export.
    fn exports(&mut self) {
        for channel in std::mem::take(&mut self.core.stalled) {
            self.core.enqueue(channel);
        }
        let slice = Slice::new();
        for _ in 0..self.core.ready.len() {
            let Some(channel) = self.core.ready.pop_front() else { break };
            self.export_channel(channel);
            if slice.is_over() || self.core.patience.is_over() {
                return;
            }
        }
        while let Some(at) = self.core.ready.iter().position(|channel| self.core.lags(*channel)) {
            self.core.ready.remove(at).into_iter().for_each(|channel| self.export_channel(channel));
            if slice.is_over() || self.core.patience.is_over() {
                return;
            }
        }
    }

    fn export_channel(&mut self, channel: ChannelId) {
        let Some(ch) = self.core.channel_mut(channel) else { return };
        ch.queued = false;
        let id = ch.proto;
        let Some(mut instance) = self.instances.get_mut(id.0 as usize).and_then(Option::take) else { return };
        let ready = instance.ready(&Ports { core: &mut self.core, me: id });
        if !ready {
            self.put_back(id, instance);
            self.core.stalled.push(channel);
            return;
        }
        self.cycle.events += 1;
        let start = (!self.core.config.debug.latency.is_off()).then(Instant::now);
        let core = &mut self.core;
        let result = catch_unwind(AssertUnwindSafe(|| {
            // What an instance has left comes first.
            let left = core.channel(channel).is_some_and(|ch| !ch.outbox.is_empty());
            let turn = if left { Turn::More } else { core.export_turn(channel) };
            let mut batch: Vec<Export> = match core.channel_mut(channel) {
                Some(ch) => std::mem::take(&mut ch.outbox),
                None => Vec::new(),
            };
            if !batch.is_empty() {
                instance.export(&mut Ports { core, me: id }, channel, &mut batch);
            }
            let mut fed = turn == Turn::Fed;
            let mut turn = turn;
            // It may have gone down meanwhile.
            if let Some(ch) = core.channel_mut(channel).filter(|ch| ch.is_exporting()) {
                fed |= ch.fed_then;
                ch.fed_then = fed && !batch.is_empty();
                fed &= batch.is_empty();
                if !batch.is_empty() {
                    turn = Turn::More;
                }
                ch.outbox = batch;
            }
            if fed {
                instance.fed(&mut Ports { core, me: id }, channel);
            }
            turn
        }));
        if let Some(start) = start {
            self.cycle.called(id, start.elapsed());
        }
        match result {
            Ok(turn) => {
                self.put_back(id, instance);
                if turn != Turn::Idle {
                    self.core.enqueue(channel);
                }
            }
            Err(_) => self.core.later_fail(id, false),
        }
    }

    fn all_down(&self) -> bool {
        self.core.protos().all(|p| p.state == ProtoState::Down)
    }
}

const OVERRUN: &str = "Kernel dropped some netlink messages, will resync on next scan.";

/// A bounded part of a turn: whoever has more to do goes on in the next one.
pub(super) struct Slice(Instant);

impl Slice {
    const LENGTH: Duration = Duration::from_millis(2);

    pub(super) fn new() -> Slice {
        Slice(Instant::now())
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.elapsed() >= Slice::LENGTH
    }
}
