//! The running kernel protocol: carries out what the [reconciler](super::sync) decides.

mod learning;
mod objects;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use self::learning::Learning;
use self::objects::{AHEAD_EVERY, MOVES_EVERY};
use super::bodies::{Bodies, Written};
use super::config::{Kernel, KernelOptions, Learn};
use super::convert::{Class, writable};
use super::drift::Drift;
use super::nets::Dst;
use super::sync::{Action, KernelSync, Pruned, SOON, Setup, Warning};
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Lookup, Net, NetType};
use crate::config::{ProtocolConfig, Vrf};
use crate::engine::api::{
    DownReason, DriftReport, Export, ExportMode, ExportRule, Hears, Instance, KernelProgress, KernelStatus,
    Look, Ports, PreExport, ProtoState, ProtocolKind, Rerouted, Stopped, TableTaken, TraceFlag,
};
use crate::engine::iface::{IfaceAddr, IfaceChange, IfaceEvent};
use crate::sys::kernel::{
    Family, KernelEvent, KernelRoute, NoticeClass, Question, RouteBody, RouteOp, Target,
};
use crate::table::{Dest, NetId, Route};

/// Timers: the periodic scan.
const TICK: u32 = 0;
/// A scan for a reason.
const EXTRA: u32 = 1;
/// Repairs of what notices told.
const REPAIR: u32 = 2;
/// Another look at whether the kernel takes operations.
const ROOM: u32 = 3;
/// Another look at gateways that were no neighbours.
const RECHECK: u32 = 4;
/// Whether moves of whole nexthop objects are complete.
const MOVES: u32 = 5;
/// Whether there are nexthop objects that nobody needs.
const COLLECT: u32 = 6;
/// Another try to get the kernel table.
const CLAIM: u32 = 7;
/// Whether routes follow the objects that went ahead of them.
const AHEAD: u32 = 8;

const SECOND: u64 = 1_000_000;
/// The first scan, should no feed have ended before.
const FIRST_SCAN: u64 = SECOND;
/// Scans begin at multiples of this, so that those of several instances fall together: they may share a dump.
const GRID: u64 = SECOND / 50;
/// The same for periodic scans.
const TICK_GRID: u64 = SECOND / 5;
/// Scans for a reason do not come closer together than this.
const APART: u64 = SECOND / 2;
/// Notices of routes and of their interfaces travel apart; the latter decide whether a repair makes sense.
const REPAIR_DELAY: u64 = 20_000;
/// The same for gateways of learned routes.
const RECHECK_DELAY: u64 = 300_000;
/// After this an interface scan comes before a scan of routes.
const INTERFACES_OLD: u64 = 2 * SECOND;
/// Between two tries to get the kernel table of a protocol that is on its way down.
const CLAIM_EVERY: u64 = SECOND / 100;
/// Operations made in one go.
const PIECE: usize = 8192;
/// With so many operations waiting a periodic scan is put off.
const CROWD: usize = 10_000;

impl ProtocolKind for Kernel {
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        Box::new(KernelInstance::new(config))
    }
}

/// A kernel protocol.
pub struct KernelInstance {
    options: KernelOptions,
    /// Only interfaces of this VRF matter.
    vrf: Vrf,
    name: Arc<str>,
    /// Of the BIRD table.
    table_name: Arc<str>,
    channel: ChannelId,
    sadr: bool,
    sync: KernelSync,
    bodies: Bodies,
    registered: bool,
    /// Waits for a kernel table whose owner is on its way down.
    claiming: bool,
    stopping: bool,
    ops: Vec<RouteOp>,
    out: Vec<Action>,
    /// The open question of the scan under way.
    ticket: Option<u64>,
    /// A scan is to follow as soon as one may begin.
    again: bool,
    /// When the extra scan is due.
    extra_at: Option<u64>,
    /// The next scan gives learned routes to the table again.
    relearn: bool,
    /// The first periodic scan is over.
    ticked: bool,
    /// When the periodic scan is due.
    tick_due: u64,
    last_scan: Option<u64>,
    scan_took: u64,
    learning: Learning,
    /// The timer for moves runs.
    moving: bool,
    /// Recursive next hops that lead elsewhere, which is to be looked at again after a move.
    rerouted: HashMap<Arc<Lookup>, Dest>,
    /// The open question at the end: unused objects are being deleted.
    collecting: Option<u64>,
}

fn setup(options: &KernelOptions, net_type: NetType) -> Setup {
    Setup {
        family: match net_type {
            NetType::Ip4 => Family::V4,
            NetType::Mpls => Family::Mpls,
            _ => Family::V6,
        },
        table: options.table,
        // MPLS routes have none.
        metric: if net_type == NetType::Mpls { 0 } else { options.metric },
        learn: options.learn,
        replace_any: true,
    }
}

impl KernelInstance {
    fn new(config: &ProtocolConfig) -> KernelInstance {
        let options: KernelOptions = config.options().cloned().unwrap_or_default();
        let routes = config.channels.first();
        let net_type = routes.map_or(NetType::Ip4, |c| c.net_type);
        let setup = setup(&options, net_type);
        KernelInstance {
            options,
            vrf: config.vrf.clone(),
            name: config.name.clone(),
            table_name: routes.map_or_else(|| "".into(), |c| c.table.clone()),
            channel: ChannelId(u32::MAX),
            sadr: net_type == NetType::Ip6Sadr,
            sync: KernelSync::new(setup, false),
            bodies: Bodies::new(setup.family),
            registered: false,
            claiming: false,
            stopping: false,
            ops: Vec::new(),
            out: Vec::new(),
            ticket: None,
            again: false,
            extra_at: None,
            relearn: false,
            ticked: false,
            tick_due: 0,
            last_scan: None,
            scan_took: 0,
            learning: Learning::new(ChannelId(u32::MAX), setup.family, false, false),
            moving: false,
            rerouted: HashMap::new(),
            collecting: None,
        }
    }

    /// An instance without a kernel table will never get any further.
    fn settled(&self) -> bool {
        !self.registered && !self.claiming
            || (self.registered && self.sync.settled() && !self.again && self.extra_at.is_none())
    }

    fn learns(&self) -> bool {
        self.options.learn != Learn::Off
    }

    /// Carries out what was decided, and sends what there is room for.
    fn run(&mut self, ports: &mut Ports<'_>) {
        while !self.stopping
            && let Some(dst) = self.learning.next_late(ports)
        {
            self.learn_now(ports, &dst);
        }
        loop {
            let mut actions = std::mem::take(&mut self.out);
            for action in actions.drain(..) {
                self.carry_out(ports, action);
            }
            if self.out.is_empty() {
                // The buffer is large after bulk work, and used again.
                self.out = actions;
            }
            self.send(ports);
            self.sync.check_flushed(&mut self.out);
            self.move_objects(ports);
            if self.again && self.sync.may_scan() {
                self.again = false;
                self.scan(ports);
            }
            if self.out.is_empty() {
                break;
            }
        }
        self.out.shrink_to(1024);
    }

    fn send(&mut self, ports: &mut Ports<'_>) {
        let room = ports.room().min(PIECE);
        self.sync.pump(ports.now(), room, &mut self.ops);
        let held = self.ops.len() < room;
        if !self.ops.is_empty() {
            ports.submit(&mut self.ops);
        }
        if self.sync.waiting() == 0 && !self.sync.flushing() {
            return;
        }
        if held || (ports.room() == 0 && self.sync.flying() == 0) {
            // Some are held for a moment, or others have all the room, and the answers will be theirs.
            ports.arm(ROOM, 5_000);
        } else if ports.room() > 0 {
            ports.again();
        }
    }

    fn carry_out(&mut self, ports: &mut Ports<'_>, action: Action) {
        match action {
            Action::Scan(after) => self.request_scan(ports, after),
            Action::Repair => ports.arm(REPAIR, REPAIR_DELAY),
            Action::Refused(id, refused) => ports.set_refused(self.channel, NetId(id), refused),
            Action::Failed { dst, metric, delete, error } => {
                let verb = if delete { "removing" } else { "installing" };
                let table = self.options.table;
                let label = matches!(dst.dst, Target::Label(_));
                let what = if label { "label " } else { "" };
                // Without its modules the kernel knows no such family, and says no more than that.
                let hint = match error.errno {
                    libc::EOPNOTSUPP if label => "; `modprobe mpls_router` may help".to_owned(),
                    // Not only who it is: also types that are never learned, whoever made them (`throw`, `local`).
                    libc::EEXIST if !delete && !label => {
                        let six = if matches!(self.sync.setup().family, Family::V6) { "-6 " } else { "" };
                        format!("; `ip {six}route show {dst} table {table}` shows what is in its way")
                    }
                    _ => String::new(),
                };
                let detail =
                    format!("{verb} {what}{dst} in kernel table {table} (metric {metric}) failed{hint}");
                ports.kernel_error(&error, detail);
            }
            Action::Learn(dst) => {
                if !self.stopping {
                    self.learn(ports, &dst);
                }
            }
            Action::Pruning(Pruned::Wanted) => {
                let table = self.table_name.clone();
                ports.trace(TraceFlag::Events, format_args!("Pruning table {table}"));
            }
            Action::Pruning(Pruned::Learned) => {
                ports.trace(TraceFlag::Events, format_args!("Pruning inherited routes"));
            }
            Action::Trace(dst, word) => ports.trace(TraceFlag::Packets, format_args!("{dst}: {word}")),
            Action::Warn(dst, warning) => self.warn(ports, &dst, warning),
            Action::Flushed => {
                // There will be no other time to look whether somebody else needs what we do not.
                ports.nexthops().rest();
                if ports.nexthops().collectable() {
                    self.collecting = Some(ports.ask(Question::CollectNexthops));
                } else {
                    self.end(ports);
                }
            }
        }
    }

    fn warn(&mut self, ports: &mut Ports<'_>, dst: &Dst, warning: Warning) {
        let (name, table) = (self.name.clone(), self.options.table);
        match warning {
            Warning::Restored { protocol } => ports.log(
                LogClass::Warning,
                format_args!("{name}: {dst} of protocol {protocol} in kernel table {table} was overwritten in a race, putting it back"),
            ),
            Warning::Damped { protocol } => {
                let by = if protocol == 0 { "removed".to_owned() } else { format!("changed (protocol {protocol})") };
                ports.log(
                    LogClass::Warning,
                    format_args!("{name}: {dst} in kernel table {table} is {by} again and again, waiting for the next scan"),
                );
                if self.options.scan_time.is_none() {
                    self.request_scan(ports, 60 * SECOND);
                }
            }
            Warning::Stubborn => ports.log(
                LogClass::Warning,
                format_args!("{name}: {dst} in kernel table {table} keeps other attributes than were written"),
            ),
        }
    }

    /// Asks for a scan: now (0), or in so many microseconds but not right after another one.
    fn request_scan(&mut self, ports: &mut Ports<'_>, after: u64) {
        if self.stopping {
            return;
        }
        if after == 0 && self.sync.may_scan() {
            self.scan(ports);
        } else if after == 0 {
            self.again = true;
        } else {
            let now = ports.now();
            let at = (now + after).max(self.last_scan.map_or(0, |last| last + APART)).next_multiple_of(GRID);
            if self.extra_at.is_none_or(|due| due > at) {
                self.extra_at = Some(at);
                ports.arm(EXTRA, at - now);
            }
        }
    }

    fn scan(&mut self, ports: &mut Ports<'_>) {
        let now = ports.now();
        if self.extra_at.take().is_some() {
            ports.disarm(EXTRA);
        }
        if ports.last_interface_scan().is_none_or(|last| last + INTERFACES_OLD < now) {
            ports.scan_interfaces();
        }
        ports.trace(TraceFlag::Events, format_args!("Scanning routing table"));
        self.sync.traces = ports.tracing(TraceFlag::Packets);
        self.sync.scan_begin(std::mem::take(&mut self.relearn));
        self.last_scan = Some(now);
        let Setup { family, table, .. } = self.sync.setup();
        self.ticket = Some(ports.ask(Question::Routes { family, table }));
    }

    /// Routes for other packets than this protocol's: source-specific ones need a channel for them.
    fn foreign_form(&self, dst: &Dst) -> bool {
        dst.src.is_some() && !self.sadr
    }

    fn number(&self, ports: &Ports<'_>, dst: &Dst) -> Option<u32> {
        ports.is_exported(self.channel, &dst.net(self.sadr)).map(|(id, _)| id.0)
    }

    fn scanned(&mut self, ports: &Ports<'_>, routes: &[KernelRoute]) {
        let now = ports.now();
        for KernelRoute { key, body } in routes {
            let dst = Dst::of_key(key);
            let read = self.bodies.read(body);
            if self.foreign_form(&dst) || read.class == Class::Ignored {
                continue;
            }
            let id = match self.sync.wants_any() {
                true => self.sync.guess(&dst).or_else(|| self.number(ports, &dst)),
                false => None,
            };
            self.sync.scanned(&dst, key.metric, body, &read, id, now, &mut self.out);
        }
    }

    fn scan_end(&mut self, ports: &mut Ports<'_>, complete: bool) {
        let now = ports.now();
        self.scan_took = self.last_scan.map_or(0, |began| now - began);
        let (channel, sadr) = (self.channel, self.sadr);
        let number = |dst: &Dst| ports.is_exported(channel, &dst.net(sadr)).map(|(id, _)| id.0);
        self.sync.scan_end(complete, now, number, &mut self.out);
        self.bodies.forget_read();
        self.collect(ports);
        if !complete {
            self.request_scan(ports, SECOND);
        }
    }

    fn notice(&mut self, ports: &mut Ports<'_>, route: &KernelRoute, gone: bool) {
        let dst = Dst::of_key(&route.key);
        if self.foreign_form(&dst) || self.stopping {
            return;
        }
        self.sync.traces = ports.tracing(TraceFlag::Packets);
        let read = self.bodies.read(&route.body);
        let id = self.number(ports, &dst);
        let (metric, now) = (route.key.metric, ports.now());
        self.sync.notice(&dst, metric, &route.body, &read, gone, id, now, &mut self.out);
    }

    /// Gives the foreign routes of a net to the table, in a later turn where the import filter takes long.
    fn learn(&mut self, ports: &mut Ports<'_>, dst: &Dst) {
        if ports.is_tired() {
            return self.learning.put_off(ports, *dst);
        }
        self.learn_now(ports, dst);
    }

    fn learn_now(&mut self, ports: &mut Ports<'_>, dst: &Dst) {
        if self.learning.learn(ports, &self.sync.aliens, dst) {
            ports.arm(RECHECK, RECHECK_DELAY);
        }
    }

    /// Takes the kernel table, unless it has an owner; one that is about to leave is waited for.
    fn claim(&mut self, ports: &mut Ports<'_>) -> bool {
        let Setup { family, table, .. } = self.sync.setup();
        self.claiming = false;
        match ports.register_table(family, table) {
            Ok(()) => {}
            Err(TableTaken { leaving: true, .. }) => {
                self.claiming = true;
                ports.arm(CLAIM, CLAIM_EVERY);
                return false;
            }
            Err(TableTaken { by, .. }) => {
                let name = self.name.clone();
                ports.log(
                    LogClass::Error,
                    format_args!("{name}: Kernel table {table} already registered by {by}"),
                );
                return false;
            }
        }
        self.registered = true;
        self.choose_objects(ports);
        ports.receive_buffer(self.options.rx_buffer);
        let now = ports.now();
        self.tick_due = (now + FIRST_SCAN) / TICK_GRID * TICK_GRID;
        ports.arm(TICK, self.tick_due - now);
        true
    }

    fn end(&mut self, ports: &mut Ports<'_>) {
        self.release_table(ports);
        ports.down();
    }

    fn release_table(&mut self, ports: &mut Ports<'_>) {
        if std::mem::take(&mut self.registered) {
            let Setup { family, table, .. } = self.sync.setup();
            ports.unregister_table(family, table);
        }
    }
}

/// Whether a route with this body can work now: one over an interface that is down would only be refused.
fn usable(body: &RouteBody, ports: &Ports<'_>) -> bool {
    body.hops.iter().all(|hop| ports.ifaces().get(hop.next.ifindex).is_some_and(|iface| iface.up))
}

impl Instance for KernelInstance {
    fn start(&mut self, ports: &mut Ports<'_>) -> ProtoState {
        let Some((channel, net_type)) = ports.channels().into_iter().next() else { return ProtoState::Up };
        let setup = setup(&self.options, net_type);
        self.channel = channel;
        self.learning = Learning::new(channel, setup.family, self.sadr, self.options.learn_metrics);
        self.sync = KernelSync::new(setup, self.options.graceful_restart && ports.recovering());
        if self.claim(ports) { ProtoState::Up } else { ProtoState::Start }
    }

    fn export_mode(&self, channel: ChannelId) -> Option<ExportMode> {
        if channel != self.channel {
            return None;
        }
        Some(match self.options.merge_paths {
            Some(limit) => ExportMode::Merged { limit: limit.into() },
            None => ExportMode::Best,
        })
    }

    fn export_rule(&self, look: &Look<'_>, _channel: ChannelId) -> Option<ExportRule> {
        let me = look.me;
        Some(Arc::new(move |net, route| {
            let fits = route.source.proto != me && writable(&route.attrs) && Dst::of(net).is_some();
            if fits { PreExport::Ask } else { PreExport::Reject }
        }))
    }

    fn refusal(&self, _look: &Look<'_>, net: &Net, route: &Route) -> Option<String> {
        Some(match () {
            () if Dst::of(net).is_none() => "the kernel has no such routes".to_owned(),
            () if !writable(&route.attrs) => "it leads nowhere the kernel could send packets to".to_owned(),
            () => return None,
        })
    }

    fn again(&mut self, ports: &mut Ports<'_>, channel: ChannelId, net: &Net) -> bool {
        if channel != self.channel {
            return false;
        }
        if let Some(dst) = Dst::of(net).filter(|_| self.learns()) {
            self.learn_now(ports, &dst);
        }
        true
    }

    fn work(&mut self, ports: &mut Ports<'_>) {
        self.run(ports);
    }

    fn export(&mut self, ports: &mut Ports<'_>, channel: ChannelId, routes: &mut Vec<Export>) {
        if self.stopping || channel != self.channel || ports.shutting_down() {
            routes.clear();
            return;
        }
        for route in routes.drain(..) {
            let Some(dst) = Dst::of(&route.net) else { continue };
            let written = route.attrs.as_ref().and_then(|attrs| self.bodies.of(attrs));
            let new = written.map(|Written { body, metric }| match body.via {
                // The kernel has no source-specific routes to objects.
                Some(_) if dst.src.is_some() => (self.bodies.with_object(&body, None), metric),
                _ => (body, metric),
            });
            self.sync.export(route.id.0, &dst, new, &mut self.out);
        }
        self.run(ports);
    }

    fn fed(&mut self, ports: &mut Ports<'_>, channel: ChannelId) {
        if channel == self.channel && !self.stopping && !ports.shutting_down() {
            self.sync.feed_done(&mut self.out);
            self.run(ports);
        }
    }

    /// A part is not told apart from the whole: whatever is learned comes with the next scan.
    fn reload(&mut self, ports: &mut Ports<'_>, channel: ChannelId, _only: Option<&Arc<PrefixSet>>) {
        if channel == self.channel && self.learns() {
            self.relearn = true;
            self.request_scan(ports, 0);
            self.run(ports);
        }
    }

    fn timer(&mut self, ports: &mut Ports<'_>, key: u32) {
        if self.stopping && key != ROOM {
            return;
        }
        match key {
            TICK => {
                let crowded = self.sync.waiting() > CROWD;
                // The end of a feed or another reason may have been quicker.
                let fresh = self.last_scan.is_some_and(|last| !self.ticked || ports.now() < last + APART);
                if crowded {
                    ports.arm(TICK, SECOND);
                } else {
                    self.ticked = true;
                    if !fresh {
                        self.request_scan(ports, 0);
                    }
                    if let Some(period) = self.options.scan_time {
                        // Counted from when this one was due, so that instances that were together stay together.
                        let (now, period) = (ports.now(), period.as_micros() as u64);
                        self.tick_due = (self.tick_due + period).max(now / TICK_GRID * TICK_GRID);
                        ports.arm(TICK, self.tick_due.saturating_sub(now));
                    }
                }
            }
            EXTRA => {
                self.extra_at = None;
                self.request_scan(ports, 0);
            }
            REPAIR => self.sync.repair(|body| usable(body, ports)),
            RECHECK => self.learning.recheck(ports, &self.sync.aliens, true),
            MOVES => {
                self.moving = self.sync.tick_moves();
                if self.moving {
                    ports.arm(MOVES, MOVES_EVERY);
                }
            }
            COLLECT => self.collect(ports),
            CLAIM => {
                if self.claim(ports) {
                    ports.up();
                }
                return;
            }
            AHEAD if self.sync.check_ahead() => ports.arm(AHEAD, AHEAD_EVERY),
            _ => {}
        }
        self.run(ports);
    }

    fn hears(&self) -> Hears {
        Hears::Links
    }

    fn iface(&mut self, ports: &mut Ports<'_>, event: &IfaceEvent) {
        if self.stopping || self.last_scan.is_none() {
            return;
        }
        let ifaces = ports.ifaces();
        if ifaces.get(event.ifindex).is_some_and(|iface| !ifaces.in_vrf(iface, &self.vrf)) {
            return;
        }
        if event.change == IfaceChange::Down {
            self.sync.forgive();
        }
        if matches!(event.change, IfaceChange::Up | IfaceChange::AddrUp(_)) {
            self.learning.recheck(ports, &self.sync.aliens, false);
        }
        // The kernel says nothing about IPv4 routes that go with an interface or a preferred source. Addresses of the other family do
        // not matter, and a scan of a large table is dear.
        let ours = self.sync.setup().family;
        let elsewhere = |a: &IfaceAddr| ours != Family::Mpls && a.ip.is_ipv4() != (ours == Family::V4);
        match &event.change {
            IfaceChange::Link | IfaceChange::Mtu | IfaceChange::Preferred => {}
            IfaceChange::AddrUp(a) | IfaceChange::AddrDown(a) if elsewhere(a) => {}
            IfaceChange::Down if self.learns() => self.request_scan(ports, SOON),
            _ if self.learns() || self.sync.wants_any() => self.request_scan(ports, 2 * SOON),
            _ => {}
        }
        self.run(ports);
    }

    fn kernel(&mut self, ports: &mut Ports<'_>, event: KernelEvent) {
        match event {
            KernelEvent::Done(answers) => self.sync.answers(answers, &mut self.out),
            KernelEvent::Routes(ticket, routes) if self.ticket == Some(ticket) => {
                self.scanned(ports, &routes)
            }
            KernelEvent::Finished(ticket, result) if self.ticket == Some(ticket) => {
                self.ticket = None;
                if let Err(error) = &result {
                    let table = self.options.table;
                    ports.kernel_error(error, format!("reading kernel table {table} failed"));
                }
                self.scan_end(ports, result.is_ok());
            }
            KernelEvent::Route(route) => self.notice(ports, &route, false),
            KernelEvent::RouteGone(route) => self.notice(ports, &route, true),
            KernelEvent::Finished(ticket, _) if self.collecting == Some(ticket) => self.end(ports),
            KernelEvent::Finished(ticket, result) => {
                let done = result.is_ok();
                self.bodies.forget_read();
                if self.sync.moved(ticket, done, &mut self.bodies) {
                    self.after_move(ports);
                }
            }
            KernelEvent::NexthopsLost(lost) if !self.stopping => {
                self.bodies.forget_read();
                let now = ports.now();
                self.sync.objects_lost(&lost, now, &mut self.out);
            }
            KernelEvent::NexthopsChanged if !self.stopping => {
                self.bodies.forget_read();
                if self.learns() && self.sync.aliens.on_objects() {
                    self.request_scan(ports, SOON);
                }
            }
            KernelEvent::Overrun(NoticeClass::Routes) if !self.stopping => self.sync.overrun(&mut self.out),
            _ => {}
        }
        self.run(ports);
    }

    fn rerouted(&mut self, ports: &mut Ports<'_>, news: &[Rerouted]) {
        if self.options.nexthop_objects && self.registered && !self.stopping && !ports.shutting_down() {
            self.rerouted.extend(news.iter().map(|news| (news.lookup.clone(), news.dest.clone())));
            self.reroute(ports);
            self.run(ports);
        }
    }

    fn reconfigure(&mut self, ports: &mut Ports<'_>, new: &Arc<ProtocolConfig>, _old: &Arc<ProtocolConfig>) {
        let Some(new) = new.options::<KernelOptions>() else { return };
        let old = std::mem::replace(&mut self.options, new.clone());
        if old.rx_buffer != new.rx_buffer {
            ports.receive_buffer(new.rx_buffer);
        }
        if old.nexthop_objects != new.nexthop_objects && self.registered {
            self.choose_objects(ports);
        }
    }

    fn recovered(&mut self, ports: &mut Ports<'_>) {
        self.sync.release(&mut self.out);
        self.run(ports);
    }

    fn stop(&mut self, ports: &mut Ports<'_>, reason: DownReason) -> Stopped {
        self.stopping = true;
        self.ticket = None;
        if reason == DownReason::Remove {
            ports.receive_buffer(None);
        }
        let keep = self.options.persist || reason == DownReason::GracefulRestart;
        if !self.registered || !self.sync.stop(!keep) {
            self.release_table(ports);
            return Stopped::Now;
        }
        ports.trace(TraceFlag::Events, format_args!("Flushing kernel routes"));
        self.run(ports);
        Stopped::Later
    }

    fn kernel_progress(&self) -> Option<KernelProgress> {
        Some(KernelProgress { settled: self.settled(), mark: self.sync.mark() })
    }

    fn kernel_status(&self) -> Option<KernelStatus> {
        let (last_scan, scan_took, settled) = (self.last_scan, self.scan_took, self.settled());
        Some(KernelStatus { last_scan, scan_took, settled, ..self.sync.status() })
    }

    fn kernel_drift(&self) -> Vec<DriftReport> {
        let report = |d: &Drift| {
            let Drift { at, dst, metric, kind } = *d;
            DriftReport { at, route: dst.to_string(), metric, kind }
        };
        self.sync.drift.iter().map(report).collect()
    }
}
