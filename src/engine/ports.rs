//! What the engine is to a protocol: [`Ports`], through which an instance imports routes, asks, waits and logs.
//!
//! An instance is handed its ports with each call and keeps nothing of the engine. Behind them stands a trait, [`Hands`]: the core of a running
//! daemon, or a few maps in a test.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::api::{Export, ProtoState, Resolution, TableTaken};
use super::iface::{Ifaces, Preferred};
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Net, NetType, ProtoId};
use crate::config::{DebugMask, FilterRef, ProtocolConfig};
use crate::sys::kernel::{Family, KernelError, Question, RouteOp};
use crate::sys::nexthops::{Nexthops, Via};
use crate::table::{Attrs, NetId, Source};

/// What every instance may look at.
pub trait LookAt {
    /// Interfaces and addresses.
    fn ifaces(&self) -> &Ifaces;
    /// Microseconds since the daemon's start.
    fn now(&self) -> u64;
    /// The name of a protocol.
    fn proto_name(&self, proto: ProtoId) -> Arc<str>;
    /// The protocol that a channel belongs to.
    fn proto_of(&self, channel: ChannelId) -> Option<ProtoId>;
}

/// Read-only view for questions that change nothing.
pub struct Look<'a> {
    /// The engine's shared state.
    pub core: &'a dyn LookAt,
    /// The asking protocol.
    pub me: ProtoId,
}

/// A protocol's hands: everything it can do.
pub struct Ports<'a> {
    pub(super) core: &'a mut dyn Hands,
    pub(super) me: ProtoId,
}

/// What the engine does for a protocol; implemented once, by the engine (and by a bench in tests of protocols).
pub trait Hands: LookAt {
    #![allow(missing_docs, reason = "documented at the methods of Ports of the same names")]
    fn config(&self, me: ProtoId) -> Arc<ProtocolConfig>;
    fn channels(&self, me: ProtoId) -> Vec<(ChannelId, NetType)>;
    fn import(
        &mut self,
        me: ProtoId,
        channel: ChannelId,
        net: &Net,
        source: Source,
        attrs: Option<Arc<Attrs>>,
    );
    fn expect(&mut self, channel: ChannelId, nets: usize);
    fn warm(&self, channel: ChannelId, nets: &[&Net]);
    fn relay(
        &mut self,
        me: ProtoId,
        channel: ChannelId,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Option<Arc<Attrs>>,
    );
    fn preference(&self, channel: ChannelId) -> u16;
    fn intern(&mut self, attrs: Attrs) -> Arc<Attrs>;
    fn state(&mut self, me: ProtoId, state: ProtoState);
    fn fail(&mut self, me: ProtoId, restart: bool);
    fn arm(&mut self, me: ProtoId, key: u32, delay: u64);
    fn disarm(&mut self, me: ProtoId, key: u32);
    fn again(&mut self, me: ProtoId);
    fn log(&mut self, me: ProtoId, class: LogClass, text: std::fmt::Arguments<'_>);
    fn trace(&mut self, me: ProtoId, flag: TraceFlag, text: std::fmt::Arguments<'_>);
    fn is_tired(&self) -> bool {
        false
    }
    /// A conservative answer: [`Hands::trace`] looks for itself.
    fn tracing(&self, _me: ProtoId, _flag: TraceFlag) -> bool {
        true
    }
    fn submit(&mut self, me: ProtoId, ops: &mut Vec<RouteOp>);
    fn receive_buffer(&mut self, me: ProtoId, bytes: Option<u32>);
    fn room(&self) -> usize;
    fn ask(&mut self, me: ProtoId, question: Question) -> u64;
    fn register_table(&mut self, me: ProtoId, family: Family, table: u32) -> Result<(), TableTaken>;
    fn unregister_table(&mut self, me: ProtoId, family: Family, table: u32);
    fn nexthops(&self) -> Arc<Nexthops>;
    fn replace_nexthop(&mut self, me: ProtoId, from: Via, to: Via) -> u64;
    fn interfaces_on(&mut self, me: ProtoId);
    fn scan_interfaces(&mut self, me: ProtoId);
    fn last_interface_scan(&self) -> Option<u64>;
    fn set_preferred(&mut self, me: ProtoId, preferred: Preferred);
    fn run_commands(
        &mut self,
        commands: &FilterRef,
        net: &Net,
        source: Source,
        attrs: Arc<Attrs>,
    ) -> Arc<Attrs>;
    fn set_refused(&mut self, channel: ChannelId, net: NetId, refused: bool);
    fn is_exported_best(&self, channel: ChannelId, net: &Net) -> Option<(NetId, bool)>;
    fn wanted(&mut self, channel: ChannelId, net: &Net) -> Option<Export>;
    fn refeed(&mut self, channel: ChannelId, only: Option<Arc<PrefixSet>>);
    fn resolve(&mut self, table: &str, gateway: IpAddr) -> Resolution;
    fn watch_table(&mut self, me: ProtoId, table: &str);
    fn shutting_down(&self) -> bool;
    fn recovering(&self) -> bool;
    fn kernel_error(&mut self, me: ProtoId, text: &KernelError, detail: String);
}

/// The classes of `debug`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the option")]
pub enum TraceFlag {
    States,
    Routes,
    Filters,
    Interfaces,
    Events,
    Packets,
}

impl From<TraceFlag> for DebugMask {
    fn from(flag: TraceFlag) -> DebugMask {
        DebugMask(1 << flag as u32)
    }
}

impl<'a> Look<'a> {
    /// Interfaces and addresses.
    pub fn ifaces(&self) -> &'a Ifaces {
        self.core.ifaces()
    }
}

impl<'a> Ports<'a> {
    /// The hands of protocol `me`.
    pub fn new(core: &'a mut dyn Hands, me: ProtoId) -> Ports<'a> {
        Ports { core, me }
    }
}

impl Ports<'_> {
    /// For bridging to read-only methods.
    pub fn look(&self) -> &dyn Hands {
        &*self.core
    }
    /// This protocol.
    pub fn me(&self) -> ProtoId {
        self.me
    }
    /// Microseconds since the daemon's start.
    pub fn now(&self) -> u64 {
        self.core.now()
    }
    /// This protocol's configuration.
    pub fn config(&self) -> Arc<ProtocolConfig> {
        self.core.config(self.me)
    }
    /// Its channels in the order of the configuration.
    pub fn channels(&self) -> Vec<(ChannelId, NetType)> {
        self.core.channels(self.me)
    }
    /// Interfaces and addresses.
    pub fn ifaces(&self) -> &Ifaces {
        self.core.ifaces()
    }
    /// So many nets are going to be imported: the table makes room for them at once.
    pub fn expect(&mut self, channel: ChannelId, nets: usize) {
        self.core.expect(channel, nets);
    }
    /// These nets, a few dozen at most, are imported next. Worth telling where there are many.
    pub fn warm<'n>(&self, channel: ChannelId, nets: impl Iterator<Item = &'n Net>) {
        self.core.warm(channel, &nets.collect::<SmallVec<[&Net; 32]>>());
    }
    /// Gives a route to the table, or withdraws it (`None`). The import filter, limits and the choice of the best route follow by themselves.
    /// `path` tells several routes of one net apart.
    pub fn import(&mut self, channel: ChannelId, net: &Net, path: u32, attrs: Option<Arc<Attrs>>) {
        self.core.import(self.me, channel, net, Source { proto: self.me, path }, attrs);
    }
    /// The same for a route that somebody else made: pipes leave the source as it is. `generation` counts the pipes it has passed, this one
    /// included.
    pub fn relay(
        &mut self,
        channel: ChannelId,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Option<Arc<Attrs>>,
    ) {
        self.core.relay(self.me, channel, net, source, generation, attrs);
    }
    /// The preference configured for the channel; protocols put it into the attributes they import.
    pub fn preference(&self, channel: ChannelId) -> u16 {
        self.core.preference(channel)
    }
    /// The shared copy of an attribute set.
    pub fn intern(&mut self, attrs: Attrs) -> Arc<Attrs> {
        self.core.intern(attrs)
    }
    /// From `Start` to `Up`.
    pub fn up(&mut self) {
        self.core.state(self.me, ProtoState::Up);
    }
    /// The stop that took time is over.
    pub fn down(&mut self) {
        self.core.state(self.me, ProtoState::Down);
    }
    /// Goes down by itself: for good (as `disable` does) or to start again.
    pub fn fail(&mut self, restart: bool) {
        self.core.fail(self.me, restart);
    }
    /// Sets timer `key` to fire in `delay` microseconds; a running one is moved.
    pub fn arm(&mut self, key: u32, delay: u64) {
        self.core.arm(self.me, key, delay);
    }
    /// Stops timer `key`.
    pub fn disarm(&mut self, key: u32) {
        self.core.disarm(self.me, key);
    }
    /// Asks for a call of [`Instance::work`](super::api::Instance::work) soon.
    pub fn again(&mut self) {
        self.core.again(self.me);
    }
    /// Filters have taken long in this turn: whoever has more routes to import goes on in a later one.
    pub fn is_tired(&self) -> bool {
        self.core.is_tired()
    }
    /// A log line, without the protocol's name in front.
    pub fn log(&mut self, class: LogClass, text: std::fmt::Arguments<'_>) {
        self.core.log(self.me, class, text);
    }
    /// A trace line `NAME: TEXT`, if the protocol's `debug` has the flag.
    pub fn trace(&mut self, flag: TraceFlag, text: std::fmt::Arguments<'_>) {
        self.core.trace(self.me, flag, text);
    }
    /// Whether [`trace`](Self::trace) would write anything: for work that only traces need.
    pub fn tracing(&self, flag: TraceFlag) -> bool {
        self.core.tracing(self.me, flag)
    }
    /// The `netlink rx buffer` this protocol asks for (`None`: none, also when it is removed; a restart keeps it). The kernel side gets the largest of all protocols: at
    /// the first start silently, a later change is logged as `KRT: Changing netlink rx buffer size to N` (info).
    pub fn receive_buffer(&mut self, bytes: Option<u32>) {
        self.core.receive_buffer(self.me, bytes);
    }
    /// Hands route operations to the kernel, as many from the front as there is [`room`](Self::room) for; the tickets are the caller's own
    /// (32 bit; the engine adds the owner).
    pub fn submit(&mut self, ops: &mut Vec<RouteOp>) {
        self.core.submit(self.me, ops);
    }
    /// How many operations the kernel side takes now.
    pub fn room(&self) -> usize {
        self.core.room()
    }
    /// Asks the kernel; the answer comes to [`Instance::kernel`](super::api::Instance::kernel) with the returned ticket.
    pub fn ask(&mut self, question: Question) -> u64 {
        self.core.ask(self.me, question)
    }
    /// The nexthop objects of the kernel, shared by all who write routes.
    pub fn nexthops(&self) -> Arc<Nexthops> {
        self.core.nexthops()
    }
    /// Makes the object of one set of next hops that of another, a [`Nexthops::target`]; the answer comes to [`Instance::kernel`](super::api::Instance::kernel) with the
    /// returned ticket.
    pub fn replace_nexthop(&mut self, from: Via, to: Via) -> u64 {
        self.core.replace_nexthop(self.me, from, to)
    }
    /// Claims a kernel table; notices of its routes come to [`Instance::kernel`](super::api::Instance::kernel).
    pub fn register_table(&mut self, family: Family, table: u32) -> Result<(), TableTaken> {
        self.core.register_table(self.me, family, table)
    }
    /// Gives it back.
    pub fn unregister_table(&mut self, family: Family, table: u32) {
        self.core.unregister_table(self.me, family, table);
    }
    /// The device protocol: interfaces are known from now on, until it is down.
    pub fn interfaces_on(&mut self) {
        self.core.interfaces_on(self.me);
    }
    /// Scans links and addresses now, unless a scan is under way.
    pub fn scan_interfaces(&mut self) {
        self.core.scan_interfaces(self.me);
    }
    /// When interfaces were last scanned, in microseconds since the daemon's start.
    pub fn last_interface_scan(&self) -> Option<u64> {
        self.core.last_interface_scan()
    }
    /// The device protocol's `preferred` options.
    pub fn set_preferred(&mut self, preferred: Preferred) {
        self.core.set_preferred(self.me, preferred);
    }
    /// Runs the commands in braces behind a static route: what they set stays, however they end.
    pub fn run_commands(
        &mut self,
        commands: &FilterRef,
        net: &Net,
        path: u32,
        attrs: Arc<Attrs>,
    ) -> Arc<Attrs> {
        let source = Source { proto: self.me, path };
        self.core.run_commands(commands, net, source, attrs)
    }
    /// Marks the exported route of a net as refused by the kernel (`!` in `show route`), or not.
    pub fn set_refused(&mut self, channel: ChannelId, net: NetId, refused: bool) {
        self.core.set_refused(channel, net, refused);
    }
    /// The net's number in the channel's table and whether it is exported now.
    pub fn is_exported(&self, channel: ChannelId, net: &Net) -> Option<(NetId, bool)> {
        self.core.is_exported_best(channel, net)
    }
    /// What the export filter makes of `net` now, changing nothing. `None`: nothing. The protocol's own export rule is asked too.
    pub fn wanted(&mut self, channel: ChannelId, net: &Net) -> Option<Export> {
        self.core.wanted(channel, net)
    }
    /// Feeds the channel again from the start; [`Instance::fed`](super::api::Instance::fed) tells the end.
    pub fn refeed(&mut self, channel: ChannelId) {
        self.core.refeed(channel, None);
    }
    /// The same with a part of the table: these nets.
    pub fn refeed_some(&mut self, channel: ChannelId, only: Option<Arc<PrefixSet>>) {
        self.core.refeed(channel, only);
    }
    /// Resolves a recursive next hop through a table. An answer that differs from the last one to the same question is told to everybody
    /// ([`Instance::rerouted`](super::api::Instance::rerouted)): who asks sees to it that routes follow.
    pub fn resolve(&mut self, table: &str, gateway: IpAddr) -> Resolution {
        self.core.resolve(table, gateway)
    }
    /// Calls [`Instance::table_changed`](super::api::Instance::table_changed) after changes of the table.
    pub fn watch_table(&mut self, table: &str) {
        self.core.watch_table(self.me, table);
    }
    /// The whole daemon is going down: changes caused by that must not reach the kernel.
    pub fn shutting_down(&self) -> bool {
        self.core.shutting_down()
    }
    /// Graceful restart recovery is under way.
    pub fn recovering(&self) -> bool {
        self.core.recovering()
    }
    /// A request was refused by the kernel: BIRD's line, and one with the details, rate limited.
    pub fn kernel_error(&mut self, error: &KernelError, detail: String) {
        self.core.kernel_error(self.me, error, detail);
    }
}
