//! Up and down: from a configuration to a running instance and back, with its channels.

use std::sync::Arc;

use super::accounting::{Direction, Tally};
use super::api::{DownReason, ExportMode, Hands, Look, ProtoState, ProtocolKind, Stopped, TraceFlag};
use super::channel::{Channel, ChannelState, LimitKind, LimitState, Stats};
use super::core::{Core, TableSlot};
use super::engine::Engine;
use super::plan::Step;
use super::proto::{Goal, Proto};
use super::resolve::better;
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, ProtoId};
use crate::config::DebugMask;
use crate::config::{Config, ProtocolConfig, RouterIdConfig, TableConfig};
use crate::table::Table;

impl Core {
    /// Makes a table that is new, and gives a known one its new options.
    pub(super) fn take_table(&mut self, config: &Arc<TableConfig>) {
        let known = self.table_at(&config.name).and_then(|at| self.tables.get_mut(at));
        if let Some(slot) = known.filter(|slot| {
            (slot.table.net_type(), slot.table.is_sorted()) == (config.net_type, config.sorted)
        }) {
            slot.config = config.clone();
            return;
        }
        // Of another nature: those who are still on the old one leave it when they are down.
        self.table_names.insert(config.name.clone(), self.tables.next());
        self.tables.push(TableSlot {
            table: Table::new(config.name.clone(), config.net_type, config.sorted, better),
            config: config.clone(),
            users: 0,
            consumers: Vec::new(),
            watchers: Default::default(),
            dirty: false,
        });
    }

    /// Drops tables that no channel uses and that the configuration does not name, or has another one in the place of.
    pub(super) fn drop_tables(&mut self) {
        let config = self.config.clone();
        let names = config.names();
        for at in self.tables.numbers() {
            self.drop_table(at, |name| names.tables.contains_key(name));
        }
    }

    fn drop_table(&mut self, at: usize, is_configured: impl FnOnce(&str) -> bool) {
        let Some(slot) = self.tables.get(at).filter(|slot| slot.users == 0) else { return };
        let name = slot.table.name();
        let current = self.table_at(name) == Some(at);
        if current && is_configured(name) {
            return;
        }
        if current {
            self.table_names.remove(&**name);
        }
        self.tables.take(at);
    }

    /// `router id` from the configuration, or the lowest address; `None` when none can be found.
    pub(super) fn find_router_id(&self, config: &Config) -> Option<u32> {
        match &config.router_id {
            RouterIdConfig::Fixed(id) => Some(*id),
            RouterIdConfig::Auto => self.ifaces.lowest_ipv4(|_, _| true),
            RouterIdConfig::From(patterns) => {
                self.ifaces.lowest_ipv4(|i, a| patterns.matches(&i.name, Some((a.ip, a.opposite))))
            }
        }
    }

    /// An automatic router id that could not be found at the start is taken as soon as there is an address.
    pub(super) fn renew_router_id(&mut self) {
        if self.router_id == 0
            && let Some(id) = self.find_router_id(&self.config.clone())
        {
            self.router_id = id;
        }
    }

    /// Names the options of the running configuration that have no effect yet.
    pub(super) fn warn_unbuilt(&mut self) {
        let config = self.config.clone();
        for unbuilt in &config.unbuilt {
            self.log_line(
                LogClass::Warning,
                format_args!("{}: option `{}` has no effect yet", unbuilt.place, unbuilt.option),
            );
        }
    }

    /// A channel's own `debug { states }` traces what it does; that of the protocol does not.
    fn trace_channel(&mut self, id: ChannelId, text: std::fmt::Arguments<'_>) {
        let Some(ch) = self.channel(id).filter(|ch| ch.config.debug.has(DebugMask::STATES)) else {
            return;
        };
        let (channel, name) = (ch.config.name, self.name_of(ch.proto));
        self.log_line(LogClass::Trace, format_args!("{name}.{channel}: {text}"));
    }

    fn set_channel_state(&mut self, id: ChannelId, state: ChannelState) {
        let Some(ch) = self.channel_mut(id).filter(|ch| ch.state != state) else { return };
        ch.state = state;
        let word = ch.state_word();
        self.trace_channel(id, format_args!("State changed to {word}"));
    }

    /// A channel that exports begins a feed, or is through with it.
    pub(super) fn trace_feed(&mut self, id: ChannelId, word: &str) {
        self.trace_channel(id, format_args!("State changed to UP/{word}"));
    }

    fn set_state(&mut self, id: ProtoId, state: ProtoState, flushing: bool) {
        let now = self.now_us();
        let Some(proto) = self.proto_mut(id) else { return };
        proto.state = state;
        proto.flushing = flushing;
        proto.since = now;
        let word = proto.state_word();
        self.trace(id, TraceFlag::States, format_args!("State changed to {word}"));
    }
}

impl Engine {
    pub(super) fn kind(&self, config: &ProtocolConfig) -> Option<&'static dyn ProtocolKind> {
        self.kinds.iter().copied().find(|k| k.keyword() == config.kind.keyword())
    }

    /// A new protocol, down, with its channels.
    pub(super) fn add_proto(&mut self, config: &Arc<ProtocolConfig>) -> ProtoId {
        let id = ProtoId(self.core.protos.next() as u32);
        let now = self.core.now_us();
        self.core.protos.push(Proto::new(id, config.clone(), now));
        self.core.proto_names.insert(config.name.clone(), id);
        self.instances.push(None);
        self.make_channels(id);
        self.core.trace(id, TraceFlag::States, format_args!("Initializing"));
        id
    }

    fn make_channels(&mut self, id: ProtoId) {
        let Some(config) = self.core.proto(id).map(|p| p.config.clone()) else { return };
        let Some(kind) = self.kind(&config) else { return };
        let (mut list, now) = (Vec::new(), self.core.now_us());
        for channel in kind.channels(&config) {
            let Some(table) = self.core.table_at(&channel.table) else { continue };
            if let Some(slot) = self.core.tables.get_mut(table) {
                slot.users += 1;
            }
            let number = ChannelId(self.core.channels.next() as u32);
            let name = channel.table.clone();
            self.core.channels.push(Channel::new(number, id, table, channel).counting(now));
            self.core.trace_channel(number, format_args!("Connected to table {name}"));
            list.push(number);
        }
        if let Some(proto) = self.core.proto_mut(id) {
            proto.channels = list;
        }
    }

    fn drop_channels(&mut self, id: ProtoId) {
        let Some(proto) = self.core.proto_mut(id) else { return };
        for number in std::mem::take(&mut proto.channels) {
            let Some(channel) = self.core.channels.take(number.0 as usize) else { continue };
            let Some(slot) = self.core.tables.get_mut(channel.table) else { continue };
            slot.users -= 1;
            if slot.users == 0 {
                let config = self.core.config.clone();
                self.core.drop_table(channel.table, |name| config.table(name).is_some());
            }
        }
    }

    /// Starts a protocol that is down and wants to be up.
    pub(super) fn start(&mut self, id: ProtoId) {
        let Some(proto) = self.core.proto(id) else { return };
        if proto.state != ProtoState::Down
            || proto.disabled
            || proto.goal != Goal::Up
            || self.core.shutting_down
        {
            return;
        }
        let config = proto.config.clone();
        let Some(kind) = self.kind(&config) else { return };
        self.core.trace(id, TraceFlag::States, format_args!("Starting"));
        if let Some(proto) = self.core.proto_mut(id) {
            proto.state = ProtoState::Start;
            proto.stopped = false;
        }
        if let Some(place) = self.instances.get_mut(id.0 as usize) {
            *place = Some(kind.spawn(&config));
        }
        match self.call(id, |i, p| i.start(p)) {
            Some(ProtoState::Up) => self.proto_up(id),
            Some(_) => self.core.set_state(id, ProtoState::Start, false),
            None => {}
        }
    }

    /// The protocol is up: so are its channels, and feeds begin.
    pub(super) fn proto_up(&mut self, id: ProtoId) {
        let Some(proto) = self.core.proto(id).filter(|p| p.state == ProtoState::Start) else { return };
        let channels = proto.channels.clone();
        for channel in channels.iter().copied() {
            match self.instance(id).and_then(|i| i.export_mode(channel)) {
                Some(_) => {
                    if let Some(ch) = self.core.channel_mut(channel) {
                        ch.state = ChannelState::Up;
                    }
                    self.core.trace_feed(channel, "FEEDING");
                }
                None => self.core.set_channel_state(channel, ChannelState::Up),
            }
        }
        self.core.set_state(id, ProtoState::Up, false);
        self.trace_known_ifaces(id);
        for channel in channels {
            if let Some(ch) = self.core.channel_mut(channel) {
                ch.limits = [LimitState::default(); 3];
            }
            self.call(id, |i, p| i.channel_up(p, channel));
            self.begin_export(id, channel);
        }
    }

    /// Lets the channel export if its protocol takes routes.
    fn begin_export(&mut self, id: ProtoId, channel: ChannelId) {
        let mode: Option<ExportMode> = self.instance(id).and_then(|i| i.export_mode(channel));
        self.renew_rule(id, channel);
        if let (Some(mode), Some(ch)) = (mode, self.core.channel_mut(channel)) {
            ch.mode = mode;
            self.core.start_feed(channel);
        }
    }

    /// Asks the instance for the channel's export rule again.
    fn renew_rule(&mut self, id: ProtoId, channel: ChannelId) {
        let look = Look { core: &self.core, me: id };
        let rule = self.instance(id).and_then(|i| i.export_rule(&look, channel));
        if let Some(ch) = self.core.channel_mut(channel) {
            ch.rule = rule;
        }
    }

    /// Goes down by itself: for good, or to come back.
    pub(super) fn fail(&mut self, id: ProtoId, restart: bool) {
        let Some(proto) = self.core.proto_mut(id) else { return };
        if !matches!(proto.state, ProtoState::Up | ProtoState::Start) {
            return;
        }
        if !restart {
            proto.disabled = true;
        }
        self.stop(id, if restart { DownReason::Restart } else { DownReason::Disable });
    }

    /// Stops a protocol. Its routes leave the tables in pieces.
    pub(super) fn stop(&mut self, id: ProtoId, reason: DownReason) {
        let Some(proto) = self.core.proto_mut(id) else { return };
        if !matches!(proto.state, ProtoState::Up | ProtoState::Start) {
            return;
        }
        proto.reason = reason;
        proto.flush = (0, 0);
        let channels = proto.channels.clone();
        self.core.trace(id, TraceFlag::States, format_args!("Shutting down"));
        let stopped = self.call(id, |i, p| i.stop(p, reason)).unwrap_or(Stopped::Now);
        if self.core.proto_mut(id).is_some_and(|p| std::mem::take(&mut p.working)) {
            self.core.workers.retain(|w| *w != id);
        }
        let mut flush = false;
        for channel in channels {
            self.core.stop_export(channel);
            if let Some(ch) = self.core.channel_mut(channel) {
                flush |= ch.state == ChannelState::Up;
            }
            self.core.set_channel_state(channel, ChannelState::Flushing);
        }
        self.core.set_state(id, ProtoState::Stop, true);
        if let Some(proto) = self.core.proto_mut(id) {
            proto.stopped = stopped == Stopped::Now;
        }
        let ending = matches!(reason, DownReason::Shutdown | DownReason::GracefulRestart);
        if ending {
            // All are told before the first is down. What is in the tables does not matter any more.
            if let Some(proto) = self.core.proto_mut(id) {
                proto.flush = (proto.channels.len(), 0);
            }
            self.flushers.list.push_back(id);
        } else if flush {
            self.flushers.list.push_back(id);
        } else if stopped == Stopped::Now {
            self.proto_down(id);
        }
    }

    /// The instance has finished stopping.
    pub(super) fn instance_stopped(&mut self, id: ProtoId) {
        let Some(proto) = self.core.proto_mut(id).filter(|p| p.state == ProtoState::Stop && !p.stopped)
        else {
            return;
        };
        proto.stopped = true;
        if !self.flushers.list.contains(&id) {
            self.proto_down(id);
        }
    }

    /// One piece of a protocol's flush; `true` when there is more.
    pub(super) fn flush_piece(&mut self, id: ProtoId) -> bool {
        let Some(proto) = self.core.proto(id) else { return false };
        let (at, page) = proto.flush;
        let Some(channel) = proto.channels.get(at).copied() else {
            if proto.stopped {
                self.proto_down(id);
            }
            return false;
        };
        let next = match self.core.flush_turn(channel, page) {
            Some(page) => (at, page),
            None => (at + 1, 0),
        };
        if let Some(proto) = self.core.proto_mut(id) {
            proto.flush = next;
        }
        true
    }

    /// All is cleaned up: the protocol is down, and goes wherever it is to go.
    fn proto_down(&mut self, id: ProtoId) {
        if let Some(place) = self.instances.get_mut(id.0 as usize) {
            *place = None;
        }
        let timers: Vec<u32> =
            self.core.armed.keys().filter(|(p, _)| *p == id).map(|(_, key)| *key).collect();
        for key in timers {
            self.core.disarm(id, key);
        }
        self.core.kernel_tables.retain(|_, owner| *owner != id);
        self.core.forget_interfaces(id);
        for slot in self.core.tables.iter_mut() {
            slot.watchers.remove(&id);
        }
        let Some(proto) = self.core.proto_mut(id) else { return };
        for channel in proto.channels.clone() {
            self.core.set_channel_state(channel, ChannelState::Down);
            if let Some(ch) = self.core.channel_mut(channel) {
                ch.stats = Stats::default();
            }
        }
        self.core.set_state(id, ProtoState::Down, false);
        let Some(proto) = self.core.proto_mut(id) else { return };
        let (goal, obstacle, next) = (proto.goal, std::mem::take(&mut proto.obstacle), proto.next.take());
        if let Some(config) = next {
            self.take_config(id, config, true);
        }
        if goal == Goal::Gone {
            self.forget(id);
        }
        if obstacle {
            self.transition.obstacle_gone();
        }
        self.start(id);
    }

    /// A protocol that is down vanishes.
    pub(super) fn forget(&mut self, id: ProtoId) {
        self.drop_channels(id);
        let Some(proto) = self.core.protos.take(id.0 as usize) else { return };
        self.instances.take(id.0 as usize);
        if self.core.proto_names.get(&proto.name) == Some(&id) {
            self.core.proto_names.remove(&proto.name);
        }
        if proto.listed {
            self.core.order.retain(|p| *p != id);
        }
    }

    /// Gives a protocol that is down its new configuration, channels included.
    pub(super) fn take_config(&mut self, id: ProtoId, config: Arc<ProtocolConfig>, channels: bool) {
        if channels {
            self.drop_channels(id);
        }
        if let Some(proto) = self.core.proto_mut(id) {
            proto.disabled = config.disabled;
            proto.debug = config.debug;
            proto.mrtdump = config.mrtdump;
            proto.config = config;
            proto.goal = Goal::Up;
        }
        if channels {
            self.make_channels(id);
        }
    }

    /// Runs import again on a channel; `false` when the protocol cannot.
    pub(super) fn reload_in(&mut self, channel: ChannelId, only: Option<&Arc<PrefixSet>>) -> bool {
        let Some(ch) = self.core.channel(channel) else { return false };
        let id = ch.proto;
        if ch.state != ChannelState::Up {
            return true;
        }
        let can = self.core.proto(id).and_then(|p| self.kind(&p.config)).is_some_and(|k| k.reloads());
        if !can {
            return false;
        }
        if let Some(ch) = self.core.channel_mut(channel) {
            // What was blocked gets another chance.
            for kind in [LimitKind::Receive, LimitKind::Import] {
                ch.limits[kind as usize] = LimitState::default();
            }
        }
        self.call(id, |i, p| i.reload(p, channel, only)).is_some()
    }

    /// Runs export again on a channel.
    pub(super) fn reload_out(&mut self, channel: ChannelId, only: Option<&Arc<PrefixSet>>) {
        let exporting = self.core.channel(channel).is_some_and(|ch| ch.is_exporting());
        if exporting {
            self.core.feed_again(channel, only.cloned());
        }
    }

    /// Gives a running protocol that stays its new configuration, and lets routes pass what changed. `soft`: they stay as they are until a reload.
    pub(super) fn adapt(&mut self, id: ProtoId, step: &Step, soft: bool) {
        let (Some(proto), Some(config)) = (self.core.proto(id), &step.config) else { return };
        let (old, channels, name) = (proto.config.clone(), proto.channels.clone(), proto.name.clone());
        if let Some(proto) = self.core.proto_mut(id) {
            proto.config = config.clone();
            proto.debug = config.debug;
            proto.mrtdump = config.mrtdump;
        }
        let Some(kind) = self.kind(config) else { return };
        let now = self.core.now_us();
        // The filters come first: whatever the instance announces while it adapts passes the new ones.
        for (number, new) in channels.iter().zip(kind.channels(config)) {
            let Some(ch) = self.core.channel_mut(*number) else { continue };
            for (changed, direction) in [
                (!ch.config.import.same(&new.import), Direction::Import),
                (!ch.config.export.same(&new.export), Direction::Export),
            ] {
                if changed {
                    ch.tallies[direction as usize] = Tally::new(now);
                }
            }
            ch.config = new;
            self.core.trace_channel(*number, format_args!("Reconfigured"));
        }
        self.call(id, |i, p| i.reconfigure(p, config, &old));
        self.core.trace(id, TraceFlag::States, format_args!("Reconfigured"));
        let mut reloads = Vec::new();
        for (at, number) in channels.into_iter().enumerate() {
            let diff = step.channels.get(at).copied().unwrap_or_default();
            self.renew_rule(id, number);
            let mode = self.instance(id).and_then(|i| i.export_mode(number));
            if let (Some(mode), Some(ch)) = (mode, self.core.channel_mut(number)) {
                ch.mode = mode;
            }
            let channel = self.core.channel(number).map_or("", |c| c.config.name);
            if diff.limits {
                self.core.check_limits(number);
            }
            for (on, word) in [(diff.import, "import"), (diff.export || step.refeed, "export")] {
                if !on {
                    continue;
                }
                if soft {
                    self.core
                        .log_line(LogClass::Info, format_args!("Channel {name}.{channel} changed {word}"));
                } else {
                    reloads.push((number, word == "import"));
                    self.core.log_line(
                        LogClass::Info,
                        format_args!("Reloading channel {name}.{channel} for {word}"),
                    );
                }
            }
        }
        for (number, import) in reloads {
            match import {
                true => _ = self.reload_in(number, None),
                false => self.reload_out(number, None),
            }
        }
    }
}

impl Engine {
    /// Starts the protocols that others depend on (the device protocol), and everything they know about.
    pub fn boot_first(&mut self) {
        let config = self.core.config.clone();
        for table in &config.tables {
            self.core.take_table(table);
        }
        let order = config.protocols.iter().map(|protocol| self.add_proto(protocol)).collect();
        self.core.list(order);
        self.start_all(true);
    }

    /// Whether interfaces are still being scanned for the first time.
    pub fn is_scanning(&self) -> bool {
        self.core.iface_scan_open > 0
    }

    /// Starts everything else. The error is fatal: there is no router id.
    pub fn boot_rest(&mut self) -> Result<(), &'static str> {
        let config = self.core.config.clone();
        self.core.router_id = self.core.find_router_id(&config).ok_or(NO_ROUTER_ID)?;
        self.core.warn_unbuilt();
        self.start_all(false);
        self.core.booting = false;
        self.end_recovery();
        Ok(())
    }

    /// Graceful restart recovery is over once no channel has to wait; nothing that waits is built yet, so it is over at once.
    fn end_recovery(&mut self) {
        if !std::mem::replace(&mut self.core.recovering, false) {
            return;
        }
        self.core.log_line(LogClass::Info, format_args!("Graceful restart started"));
        self.core.log_line(LogClass::Info, format_args!("Graceful restart done"));
        for id in self.core.order.clone() {
            self.call(id, |i, p| i.recovered(p));
        }
    }

    fn start_all(&mut self, first: bool) {
        for id in self.core.order.clone() {
            let Some(config) = self.core.proto(id).map(|p| p.config.clone()) else { continue };
            if self.kind(&config).is_some_and(|k| k.starts_first() == first) {
                self.start(id);
                self.settle();
            }
        }
    }
}

const NO_ROUTER_ID: &str = "Cannot determine router ID, please configure it manually";
