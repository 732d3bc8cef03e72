//! What a protocol is to the engine, and what the engine is to a protocol.
//!
//! A protocol instance is a pure step machine: it is told what happened and answers through [`Ports`]. It never locks a table, never
//! names another protocol, never waits, never reads a clock of its own. The engine takes care of filters, limits, counters, feeds and
//! the order of things. Adding a protocol is an [`Instance`] and one line in `protocols::KINDS`.

use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Lookup, Net, NetType, ProtoId};
use crate::config::{ChannelConfig, FilterRef, ProtocolConfig, ProtocolSyntax};
use crate::sys::kernel::{Family, KernelError, KernelEvent, Question, RouteOp};
use crate::sys::nexthops::{Nexthops, Via};
use crate::table::{Attrs, NetId, Route, Source};

use super::iface::{IfaceEvent, Ifaces, Preferred};
pub use super::report::{DriftKind, DriftReport, KernelProgress, KernelStatus};

/// State of a protocol as the operator sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of `show protocols`")]
pub enum ProtoState {
    Down,
    Start,
    Up,
    Stop,
}

/// Another protocol has the kernel table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableTaken {
    /// Its name.
    pub by: Arc<str>,
    /// It is on its way down, so another try makes sense.
    pub leaving: bool,
}

/// Why a protocol is asked to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DownReason {
    /// `disable`, a limit, or the protocol itself.
    Disable,
    /// `restart`, or a change that cannot be taken in place.
    Restart,
    /// It is gone from the configuration.
    Remove,
    /// The daemon ends.
    Shutdown,
    /// The daemon ends for a graceful restart: the kernel keeps its routes.
    GracefulRestart,
}

/// What an [`ExportRule`] says about a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PreExport {
    /// Let the filter decide.
    Ask,
    /// Never exported; counted as rejected and traced as "rejected by protocol".
    Reject,
    /// Never exported, without a trace (a route that came from here).
    Ignore,
}

/// A protocol's own word on whether a route may be exported, before the export filter is asked.
pub type ExportRule = Arc<dyn Fn(&Net, &Route) -> PreExport + Send + Sync>;

/// Which routes of a net a channel is offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportMode {
    /// The best route.
    Best,
    /// Every route (pipes, add-path).
    Any,
    /// The best route with the next hops of its equals, at most so many (`merge paths`).
    Merged {
        /// `limit`
        limit: u16,
    },
}

/// One accepted change for the protocol: a route to take or, without attributes, one to forget.
#[derive(Clone, Debug)]
pub struct Export {
    /// The net's number in its table: dense, stable while the net is exported.
    pub id: NetId,
    /// The net.
    pub net: Net,
    /// Who made the route.
    pub source: Source,
    /// The attributes after the export filter; `None` withdraws.
    pub attrs: Option<Arc<Attrs>>,
    /// Whether an earlier route of this net (mode `Any`: of this net and source) was exported and is replaced.
    pub replaces: bool,
    /// How many pipes the route has passed ([`Route::generation`]); 0 for a withdraw.
    pub generation: u8,
}

/// How a stop went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stopped {
    /// At once.
    Now,
    /// It takes time: the instance calls [`Ports::down`] later.
    Later,
}

/// A kind of protocol as the engine sees it: how to make a running one out of its configuration.
pub trait ProtocolKind: ProtocolSyntax {
    /// A new instance, not started yet.
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance>;

    /// Whether protocols of this kind must be up before any other starts: the one that knows the interfaces.
    fn starts_first(&self) -> bool {
        false
    }

    /// Whether routes can be imported again without a restart ([`Instance::reload`]).
    fn reloads(&self) -> bool {
        true
    }

    /// The channels a protocol has at run time: those of its configuration, unless the kind knows better (a pipe has two, `pri` and `sec`, made
    /// from one).
    fn channels(&self, config: &ProtocolConfig) -> Vec<ChannelConfig> {
        config.channels.clone()
    }
}

/// A running protocol. Every method returns soon; long work is cut into pieces by [`Ports::again`].
pub trait Instance: Send {
    /// Starts. Up at once is the usual answer; `Start` means that [`Ports::up`] follows later.
    fn start(&mut self, ports: &mut Ports<'_>) -> ProtoState;

    /// Which routes of its table the channel is offered; `None`: the protocol takes no routes.
    fn export_mode(&self, _channel: ChannelId) -> Option<ExportMode> {
        None
    }

    /// The channel is up: routes may be imported. Called once after every start, before the feed.
    fn channel_up(&mut self, _ports: &mut Ports<'_>, _channel: ChannelId) {}

    /// Continues work announced by [`Ports::again`], for about a millisecond.
    fn work(&mut self, _ports: &mut Ports<'_>) {}

    /// Routes of the channel's table that passed its export filter. What is left in the list is handed over again in a later turn, before others.
    fn export(&mut self, _ports: &mut Ports<'_>, _channel: ChannelId, routes: &mut Vec<Export>) {
        routes.clear();
    }

    /// Whether more exports are welcome now (back-pressure).
    fn ready(&self, _ports: &Ports<'_>) -> bool {
        true
    }

    /// A feed or refeed of the channel is complete.
    fn fed(&mut self, _ports: &mut Ports<'_>, _channel: ChannelId) {}

    /// The rule asked before the export filter; `None`: every route goes to the filter. Made when the channel comes up and after a reconfiguration;
    /// a rule is plain data behind a closure, so that `show route export` asks the same one from another thread.
    fn export_rule(&self, _look: &Look<'_>, _channel: ChannelId) -> Option<ExportRule> {
        None
    }

    /// Announces all routes of the channel again (`reload in`, a changed import filter), or those in `only`.
    fn reload(&mut self, _ports: &mut Ports<'_>, _channel: ChannelId, _only: Option<&Arc<PrefixSet>>) {}

    /// Announces the channel's routes of one net once more. Asked for by those who want to see a route as it is before the import filter; nothing
    /// comes of it. `false`: cannot.
    fn again(&mut self, _ports: &mut Ports<'_>, _channel: ChannelId, _net: &Net) -> bool {
        false
    }

    /// Why the [export rule](Self::export_rule) refuses a route, in words.
    fn refusal(&self, _look: &Look<'_>, _net: &Net, _route: &Route) -> Option<String> {
        None
    }

    /// A timer armed by [`Ports::arm`] fired.
    fn timer(&mut self, _ports: &mut Ports<'_>, _key: u32) {}

    /// What of interfaces it lives by, for the traces: others hear of them only through their next hops.
    fn hears(&self) -> Hears {
        Hears::Nothing
    }

    /// Interfaces or addresses changed. [`Ports::ifaces`] already shows the new state.
    fn iface(&mut self, _ports: &mut Ports<'_>, _event: &IfaceEvent) {}

    /// Something from the kernel that is this instance's: answers to its tickets, notices of tables it has registered.
    fn kernel(&mut self, _ports: &mut Ports<'_>, _event: KernelEvent) {}

    /// The resolution of gateways watched by [`Ports::watch_table`] may have changed.
    fn table_changed(&mut self, _ports: &mut Ports<'_>, _table: &str) {}

    /// These recursive next hops lead elsewhere than they did. Whoever announces routes through them ([`Recursion::Through`]) announces them
    /// anew, but a million of them takes its time, and who has something for all of them together may act now.
    ///
    /// [`Recursion::Through`]: crate::table::Recursion::Through
    fn rerouted(&mut self, _ports: &mut Ports<'_>, _news: &[Rerouted]) {}

    /// Takes a new configuration of the same name and kind. Only options whose change needs no restart differ ([`ProtocolOptions::changes`]); channels
    /// (filters, limits, preference) and refeeds are the engine's business and come here only as information.
    ///
    /// [`ProtocolOptions::changes`]: crate::config::ProtocolOptions::changes
    fn reconfigure(
        &mut self,
        _ports: &mut Ports<'_>,
        _new: &Arc<ProtocolConfig>,
        _old: &Arc<ProtocolConfig>,
    ) {
    }

    /// Graceful restart recovery is over (or there was none): exports may begin to count.
    fn recovered(&mut self, _ports: &mut Ports<'_>) {}

    /// Stops. The engine withdraws the protocol's routes afterwards by itself.
    fn stop(&mut self, _ports: &mut Ports<'_>, _reason: DownReason) -> Stopped {
        Stopped::Now
    }

    /// The last column of `show protocols`.
    fn status(&self) -> String {
        String::new()
    }

    /// The routes for `show static`, in the order of the configuration, as they are at this moment; of an instance that is down all next hops
    /// are dormant. `None` for protocols that are no static ones.
    fn static_routes(&self, _look: &Look<'_>) -> Option<StaticLines> {
        None
    }

    /// How far it is with the kernel, cheaply. `None` for protocols that write nothing there.
    fn kernel_progress(&self) -> Option<KernelProgress> {
        None
    }

    /// The figures for `show kernel`; `None` as above.
    fn kernel_status(&self) -> Option<KernelStatus> {
        None
    }

    /// What was changed behind our back lately, oldest first.
    fn kernel_drift(&self) -> Vec<DriftReport> {
        Vec::new()
    }
}

/// What of interfaces a protocol lives by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Hears {
    /// Nothing by itself.
    Nothing,
    /// That they come, go and change.
    Links,
    /// Their addresses, too.
    Addresses,
}

/// Routes of a static protocol, one by one: there may be a million.
pub type StaticLines = Box<dyn Iterator<Item = StaticLine> + Send>;

/// One route in `show static`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticLine {
    /// The net.
    pub net: Net,
    /// Where it points, shared by all routes that point there.
    pub target: Arc<StaticTarget>,
}

/// Where a static route points, as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StaticTarget {
    /// Next hops in the order of the configuration.
    Hops(Vec<StaticHopLine>),
    /// The gateway is looked up.
    Recursive(IpAddr),
    /// Dropped silently.
    Blackhole,
    /// Answered with "host unreachable".
    Unreachable,
    /// Answered with "administratively prohibited".
    Prohibit,
    /// A net type without destinations.
    None,
}

/// A next hop in `show static`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaticHopLine {
    /// The gateway; `None` for `dev`.
    pub gateway: Option<IpAddr>,
    /// The interface, where one is configured.
    pub interface: Option<Arc<str>>,
    /// `onlink`
    pub onlink: bool,
    /// It waits for a BFD session.
    pub bfd: bool,
    /// It cannot be used now.
    pub dormant: bool,
}

/// How a recursive next hop resolves.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// What the route becomes.
    pub dest: crate::table::Dest,
    /// The question.
    pub lookup: Arc<Lookup>,
    /// The metric of the resolving route.
    pub igp_metric: u32,
    /// Why a match was no good, for the log: what stands behind `Next hop address 10.0.0.1`.
    pub why: Option<String>,
}

/// A recursive next hop that leads elsewhere now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rerouted {
    /// Which.
    pub lookup: Arc<Lookup>,
    /// What routes through it become.
    pub dest: crate::table::Dest,
}

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
    /// Asks for a call of [`Instance::work`] soon.
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
    /// Asks the kernel; the answer comes to [`Instance::kernel`] with the returned ticket.
    pub fn ask(&mut self, question: Question) -> u64 {
        self.core.ask(self.me, question)
    }
    /// The nexthop objects of the kernel, shared by all who write routes.
    pub fn nexthops(&self) -> Arc<Nexthops> {
        self.core.nexthops()
    }
    /// Makes the object of one set of next hops that of another, a [`Nexthops::target`]; the answer comes to [`Instance::kernel`] with the
    /// returned ticket.
    pub fn replace_nexthop(&mut self, from: Via, to: Via) -> u64 {
        self.core.replace_nexthop(self.me, from, to)
    }
    /// Claims a kernel table; notices of its routes come to [`Instance::kernel`].
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
    /// Feeds the channel again from the start; [`Instance::fed`] tells the end.
    pub fn refeed(&mut self, channel: ChannelId) {
        self.core.refeed(channel, None);
    }
    /// The same with a part of the table: these nets.
    pub fn refeed_some(&mut self, channel: ChannelId, only: Option<Arc<PrefixSet>>) {
        self.core.refeed(channel, only);
    }
    /// Resolves a recursive next hop through a table. An answer that differs from the last one to the same question is told to everybody
    /// ([`Instance::rerouted`]): who asks sees to it that routes follow.
    pub fn resolve(&mut self, table: &str, gateway: IpAddr) -> Resolution {
        self.core.resolve(table, gateway)
    }
    /// Calls [`Instance::table_changed`] after changes of the table.
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
