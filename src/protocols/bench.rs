//! A test bench: hands that keep everything in memory, so that instances are tried without an engine.
//!
//! Tables are maps from (channel, net, source) to attributes with a number that grows with every change, as
//! time stamps do in the real one; an announcement that says nothing new leaves that number alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "literals of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Net, NetType, ProtoId};
use crate::config::{
    ChannelConfig, DebugMask, Effect, FilterRef, MrtdumpMask, ProtocolConfig, ProtocolOptions, Vrf,
};
use crate::engine::api::{
    DownReason, Export, Hands, Instance, Look, LookAt, Ports, ProtoState, ProtocolKind, Resolution,
    TableTaken, TraceFlag,
};
use crate::engine::iface::{IfaceEvent, Ifaces, Preferred};
use crate::sys::kernel::{Address, AddressFlags, Family, KernelError, Link, LinkFlags, Question, RouteOp};
use crate::table::{Attrs, Dest, Interner, NetId, Source};

/// The protocol under test.
pub(super) const MINE: ProtoId = ProtoId(7);

/// What stands in the tables: attributes and the number of the change.
pub(super) type Tables = BTreeMap<(ChannelId, Net, Source), (Arc<Attrs>, u64)>;

/// Everything the instance has done, and what it may look at.
pub(super) struct InMemory {
    pub config: Arc<ProtocolConfig>,
    pub channels: Vec<(ChannelId, ChannelConfig)>,
    pub ifaces: Ifaces,
    pub routes: Tables,
    /// Routes are counted only.
    pub forgetful: bool,
    /// Calls of import and relay.
    pub imports: u64,
    /// Withdraws of routes that did not stand there.
    pub idle_withdraws: u64,
    /// Of the last relay.
    pub generation: u8,
    /// Timers and when they fire.
    pub armed: BTreeMap<u32, u64>,
    pub now: u64,
    pub busy: bool,
    pub interfaces_on: bool,
    /// Who has the kernel table.
    pub taken: Option<TableTaken>,
    pub scans: u32,
    pub logs: Vec<String>,
    pub refed: Vec<ChannelId>,
    /// IGP tables by name, then gateway.
    pub igp: BTreeMap<(String, IpAddr), Dest>,
    /// What is wrong with every match in them.
    pub why: Option<String>,
    pub watched: BTreeSet<String>,
    pub state: ProtoState,
    /// What commands of routes do.
    pub commands: fn(&FilterRef, &mut Attrs),
    interner: Interner,
    stamp: u64,
    events: Vec<IfaceEvent>,
}

/// An instance with its hands.
pub(super) struct Bench {
    pub instance: Box<dyn Instance>,
    pub hands: InMemory,
    kind: &'static dyn ProtocolKind,
}

/// A link that is up.
pub(super) fn link(index: u32, name: &str) -> Link {
    let flags = LinkFlags(LinkFlags::UP | LinkFlags::RUNNING | LinkFlags::BROADCAST | LinkFlags::MULTICAST);
    Link { index, name: name.into(), mtu: 1500, flags, master: None, kind: None }
}

/// `192.0.2.1/24` or `192.0.2.1/32 peer 192.0.2.9`.
pub(super) fn address(ifindex: u32, text: &str) -> Address {
    let (local, len) = text.split_once('/').unwrap();
    let (len, peer) = len.split_once(" peer ").map_or((len, None), |(len, peer)| (len, Some(peer)));
    Address {
        ifindex,
        local: local.parse().unwrap(),
        prefix_len: len.parse().unwrap(),
        peer: peer.map(|p| p.parse().unwrap()),
        flags: AddressFlags(0),
        scope: 0,
    }
}

impl Bench {
    /// An instance of `kind`, not started, with channels into tables `t1`, `t2` ...
    pub(super) fn new(
        kind: &'static dyn ProtocolKind,
        types: &[NetType],
        options: impl ProtocolOptions,
    ) -> Bench {
        Bench::with(kind, types, options, |_| {})
    }

    /// The same with other changes to the configuration.
    pub(super) fn with(
        kind: &'static dyn ProtocolKind,
        types: &[NetType],
        options: impl ProtocolOptions,
        change: impl FnOnce(&mut ProtocolConfig),
    ) -> Bench {
        let channel = |(n, t): (usize, &NetType)| ChannelConfig {
            table: format!("t{}", n + 1).into(),
            ..ChannelConfig::new(t.name(), *t, kind.preference(*t), DebugMask::default())
        };
        let mut config = ProtocolConfig {
            name: "p".into(),
            kind,
            description: None,
            router_id: None,
            hostname: None,
            disabled: false,
            debug: DebugMask::default(),
            mrtdump: MrtdumpMask::default(),
            vrf: Vrf::Any,
            restart_time: None,
            thread_group: None,
            channels: types.iter().enumerate().map(channel).collect(),
            options: Arc::new(options),
            place: Default::default(),
            marks: Default::default(),
        };
        change(&mut config);
        let config = Arc::new(config);
        let numbered = kind.channels(&config).into_iter().zip(100..).map(|(c, n)| (ChannelId(n), c));
        let hands = InMemory {
            channels: numbered.collect(),
            config: config.clone(),
            ifaces: Ifaces::default(),
            routes: Tables::new(),
            forgetful: false,
            imports: 0,
            idle_withdraws: 0,
            generation: 0,
            armed: BTreeMap::new(),
            now: 0,
            busy: false,
            interfaces_on: false,
            taken: None,
            scans: 0,
            logs: Vec::new(),
            refed: Vec::new(),
            igp: BTreeMap::new(),
            why: None,
            watched: BTreeSet::new(),
            state: ProtoState::Down,
            commands: |_, _| {},
            interner: Interner::default(),
            stamp: 0,
            events: Vec::new(),
        };
        Bench { instance: kind.spawn(&config), hands, kind }
    }

    /// Calls the instance.
    pub(super) fn call<R>(&mut self, what: impl FnOnce(&mut dyn Instance, &mut Ports<'_>) -> R) -> R {
        what(&mut *self.instance, &mut Ports::new(&mut self.hands, MINE))
    }

    /// The number of a channel.
    pub(super) fn channel(&self, n: usize) -> ChannelId {
        self.hands.channels[n].0
    }

    /// Starts, brings the channels up and lets all work be done.
    pub(super) fn start(&mut self) {
        let state = self.call(|i, p| i.start(p));
        self.hands.state = state;
        for n in 0..self.hands.channels.len() {
            let channel = self.channel(n);
            self.call(|i, p| i.channel_up(p, channel));
        }
        self.finish();
    }

    /// Lets all work be done; how many pieces it took.
    pub(super) fn finish(&mut self) -> usize {
        for pieces in 0..100_000 {
            self.tell();
            if !std::mem::take(&mut self.hands.busy) {
                return pieces;
            }
            self.call(|i, p| i.work(p));
        }
        panic!("the instance never finishes");
    }

    fn tell(&mut self) {
        for event in std::mem::take(&mut self.hands.events) {
            self.call(|i, p| i.iface(p, &event));
        }
    }

    /// Stops; routes go, as the engine would see to.
    pub(super) fn stop(&mut self) {
        self.call(|i, p| i.stop(p, DownReason::Disable));
        self.tell();
        self.hands.routes.clear();
        self.hands.state = ProtoState::Down;
    }

    /// Lets the kernel tell something about interfaces, and the instance react.
    pub(super) fn kernel(&mut self, what: impl FnOnce(&mut Ifaces, &mut Vec<IfaceEvent>)) {
        what(&mut self.hands.ifaces, &mut self.hands.events);
        if self.hands.state == ProtoState::Up {
            self.finish();
        } else {
            self.hands.events.clear();
        }
    }

    pub(super) fn address(&mut self, ifindex: u32, text: &str) {
        self.kernel(|s, out| s.address(&address(ifindex, text), out));
    }

    pub(super) fn address_gone(&mut self, ifindex: u32, text: &str) {
        self.kernel(|s, out| s.address_gone(&address(ifindex, text), out));
    }

    /// Lets a timer fire when it is due.
    pub(super) fn fire(&mut self, key: u32) {
        self.hands.now = self.hands.armed.remove(&key).unwrap();
        self.call(|i, p| i.timer(p, key));
        self.finish();
    }

    /// Hands over routes of a channel.
    pub(super) fn export(&mut self, channel: ChannelId, mut routes: Vec<Export>) {
        self.call(|i, p| i.export(p, channel, &mut routes));
        self.finish();
    }

    /// Gives the instance other options if it can take them, without waiting for the work that may follow;
    /// what that asks of it.
    pub(super) fn adapt(&mut self, options: impl ProtocolOptions) -> Option<Effect> {
        let old = self.hands.config.clone();
        let effect = old.options.changes(&options).into_iter().map(|(_, effect)| effect).max();
        if effect == Some(Effect::Restart) {
            return effect;
        }
        let new = Arc::new(ProtocolConfig { options: Arc::new(options), ..ProtocolConfig::clone(&old) });
        self.hands.config = new.clone();
        let channels = self.kind.channels(&new);
        for ((_, channel), new) in self.hands.channels.iter_mut().zip(channels) {
            *channel = new;
        }
        self.call(|i, p| i.reconfigure(p, &new, &old));
        effect
    }

    /// Gives the instance other options.
    pub(super) fn reconfigure(&mut self, options: impl ProtocolOptions) -> Option<Effect> {
        let adapt = self.adapt(options);
        self.finish();
        adapt
    }

    /// The routes as text, `NET PATH DESTINATION`, in order.
    pub(super) fn routes(&self) -> Vec<String> {
        self.hands
            .routes
            .iter()
            .map(|((_, net, s), (a, _))| format!("{net} {} {}", s.path, Show(a)))
            .collect()
    }

    /// `show static` as text.
    pub(super) fn statics(&self) -> Vec<String> {
        let look = Look { core: &self.hands, me: MINE };
        self.instance.static_routes(&look).unwrap().map(|l| format!("{} {:?}", l.net, l.target)).collect()
    }
}

struct Show<'a>(&'a Attrs);

impl fmt::Display for Show<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.dest {
            Dest::Unicast(hops) => {
                for (n, hop) in hops.iter().enumerate() {
                    f.write_str(if n > 0 { ", " } else { "" })?;
                    match hop.gateway {
                        Some(gateway) => write!(f, "via {gateway} on {}", hop.ifindex)?,
                        None => write!(f, "dev {}", hop.ifindex)?,
                    }
                    if !hop.labels.is_empty() {
                        write!(f, " mpls {:?}", hop.labels)?;
                    }
                    if hop.onlink {
                        f.write_str(" onlink")?;
                    }
                    if hops.len() > 1 {
                        write!(f, " weight {}", hop.weight)?;
                    }
                }
            }
            other => f.write_str(&format!("{other:?}").to_lowercase())?,
        }
        if self.0.recursive.is_there() {
            f.write_str(" recursive")?;
        }
        Ok(())
    }
}

impl LookAt for InMemory {
    fn ifaces(&self) -> &Ifaces {
        &self.ifaces
    }
    fn now(&self) -> u64 {
        self.now
    }
    fn proto_name(&self, proto: ProtoId) -> Arc<str> {
        format!("proto{}", proto.0).into()
    }
    fn proto_of(&self, channel: ChannelId) -> Option<ProtoId> {
        Some(if self.channels.iter().any(|(id, _)| *id == channel) { MINE } else { ProtoId(0) })
    }
}

impl Hands for InMemory {
    fn config(&self, _me: ProtoId) -> Arc<ProtocolConfig> {
        self.config.clone()
    }
    fn channels(&self, _me: ProtoId) -> Vec<(ChannelId, NetType)> {
        self.channels.iter().map(|(id, c)| (*id, c.net_type)).collect()
    }
    fn import(&mut self, me: ProtoId, c: ChannelId, net: &Net, source: Source, attrs: Option<Arc<Attrs>>) {
        self.relay(me, c, net, source, 0, attrs);
    }
    fn expect(&mut self, _channel: ChannelId, _nets: usize) {}
    fn warm(&self, _channel: ChannelId, _nets: &[&Net]) {}
    fn relay(
        &mut self,
        _me: ProtoId,
        channel: ChannelId,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Option<Arc<Attrs>>,
    ) {
        assert_eq!(self.state, ProtoState::Up, "routes before the channel is up are lost");
        self.imports += 1;
        if self.forgetful {
            return;
        }
        self.generation = generation;
        self.stamp += 1;
        let (key, stamp) = ((channel, net.clone(), source), self.stamp);
        match attrs {
            None if self.routes.remove(&key).is_none() => self.idle_withdraws += 1,
            None => {}
            Some(new) => match self.routes.get_mut(&key) {
                Some((old, _)) if *old == new => {}
                Some(place) => *place = (new, stamp),
                None => drop(self.routes.insert(key, (new, stamp))),
            },
        }
    }
    fn preference(&self, channel: ChannelId) -> u16 {
        self.channels.iter().find(|(id, _)| *id == channel).map_or(0, |(_, c)| c.preference)
    }
    fn intern(&mut self, attrs: Attrs) -> Arc<Attrs> {
        self.interner.intern(attrs)
    }
    fn state(&mut self, _me: ProtoId, state: ProtoState) {
        self.state = state;
    }
    fn fail(&mut self, _me: ProtoId, _restart: bool) {
        self.state = ProtoState::Down;
    }
    fn arm(&mut self, _me: ProtoId, key: u32, delay: u64) {
        self.armed.insert(key, self.now + delay);
    }
    fn disarm(&mut self, _me: ProtoId, key: u32) {
        self.armed.remove(&key);
    }
    fn again(&mut self, _me: ProtoId) {
        self.busy = true;
    }
    fn log(&mut self, _me: ProtoId, _class: LogClass, text: fmt::Arguments<'_>) {
        self.logs.push(text.to_string());
    }
    fn trace(&mut self, _me: ProtoId, _flag: TraceFlag, _text: fmt::Arguments<'_>) {}
    fn submit(&mut self, _me: ProtoId, _ops: &mut Vec<RouteOp>) {}
    fn receive_buffer(&mut self, _me: ProtoId, _bytes: Option<u32>) {}
    fn room(&self) -> usize {
        0
    }
    fn ask(&mut self, _me: ProtoId, _question: Question) -> u64 {
        0
    }
    fn register_table(&mut self, _me: ProtoId, _family: Family, _table: u32) -> Result<(), TableTaken> {
        self.taken.clone().map_or(Ok(()), Err)
    }
    fn nexthops(&self) -> Arc<crate::sys::nexthops::Nexthops> {
        Arc::default()
    }
    fn replace_nexthop(
        &mut self,
        _: ProtoId,
        _: crate::sys::nexthops::Via,
        _: crate::sys::nexthops::Via,
    ) -> u64 {
        0
    }
    fn unregister_table(&mut self, _me: ProtoId, _family: Family, _table: u32) {}
    fn interfaces_on(&mut self, _me: ProtoId) {
        self.interfaces_on = true;
    }
    fn scan_interfaces(&mut self, _me: ProtoId) {
        self.scans += 1;
    }
    fn last_interface_scan(&self) -> Option<u64> {
        None
    }
    fn set_preferred(&mut self, _me: ProtoId, preferred: Preferred) {
        self.ifaces.set_preferred(preferred);
    }
    fn run_commands(
        &mut self,
        commands: &FilterRef,
        _net: &Net,
        _source: Source,
        attrs: Arc<Attrs>,
    ) -> Arc<Attrs> {
        let mut attrs = Attrs::clone(&attrs);
        (self.commands)(commands, &mut attrs);
        self.interner.intern(attrs)
    }
    fn set_refused(&mut self, _channel: ChannelId, _net: NetId, _refused: bool) {}
    fn is_exported_best(&self, _channel: ChannelId, _net: &Net) -> Option<(NetId, bool)> {
        None
    }
    fn wanted(&mut self, _channel: ChannelId, _net: &Net) -> Option<Export> {
        None
    }
    fn refeed(&mut self, channel: ChannelId, _only: Option<Arc<PrefixSet>>) {
        self.refed.push(channel);
    }
    fn resolve(&mut self, table: &str, gateway: IpAddr) -> Resolution {
        let dest = self.igp.get(&(table.to_owned(), gateway)).cloned().unwrap_or(Dest::Unreachable);
        let lookup = Arc::new(crate::base::Lookup { table: table.into(), gateway });
        Resolution { dest, lookup, igp_metric: 0, why: self.why.clone() }
    }
    fn watch_table(&mut self, _me: ProtoId, table: &str) {
        self.watched.insert(table.to_owned());
    }
    fn shutting_down(&self) -> bool {
        false
    }
    fn recovering(&self) -> bool {
        false
    }
    fn kernel_error(&mut self, _me: ProtoId, text: &KernelError, _detail: String) {
        self.logs.push(text.to_string());
    }
}
