//! What a protocol is to the engine, and what the engine is to a protocol.
//!
//! A protocol instance is a pure step machine: it is told what happened and answers through [`Ports`]. It never locks a table, never
//! names another protocol, never waits, never reads a clock of its own. The engine takes care of filters, limits, counters, feeds and
//! the order of things. Adding a protocol is an [`Instance`] and one line in `protocols::KINDS`.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, Lookup, Net};
use crate::config::{ChannelConfig, ProtocolConfig, ProtocolSyntax};
use crate::sys::kernel::KernelEvent;
use crate::table::{Attrs, NetId, Route, Source};

use super::iface::IfaceEvent;
pub use super::ports::{Hands, Look, LookAt, Ports, TraceFlag};
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
