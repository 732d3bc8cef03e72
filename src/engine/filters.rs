//! Running filters on the engine's behalf, and telling what happened to a route (`debug routes`, `debug filters`).

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::sync::Arc;

use super::accounting::Direction;
use super::api::{LookAt, TraceFlag};
use super::core::{Core, Tools};
use crate::base::{ChannelId, IpNet, LogClass, Net};
use crate::config::FilterRef;
use crate::filter::{
    self, Assertion, Case, Env, Machine, Outcome, Program, RoaState, RouteView, RuntimeError, Verdict,
    attributes, for_log,
};
use crate::table::{Attrs, Dest, NetId, Route, Source};

impl Core {
    /// Asks a filter: whether the route is accepted, how the run ended, and the attributes afterwards (the same `Arc` when nothing changed).
    pub(super) fn run_filter(
        &mut self,
        policy: Policy,
        net: &Net,
        source: Source,
        attrs: Arc<Attrs>,
    ) -> (bool, Option<Outcome>, Arc<Attrs>) {
        let mut tools = self.tools.take().unwrap_or_default();
        let Some(filter) = policy.of(self).filter() else {
            let all = matches!(policy.of(self), FilterRef::All);
            self.tools = Some(tools);
            return (all, None, attrs);
        };
        let nobody;
        let proto = match self.proto(source.proto) {
            Some(proto) => &proto.name,
            None => {
                nobody = self.name_of(source.proto);
                &nobody
            }
        };
        let world = World::new(self);
        let case = Case { filter, net, attrs: &attrs, proto, env: &world };
        let Tools { machine, interner, verdicts } = &mut *tools;
        let (outcome, after) = verdicts.judge(&case, machine, interner);
        let (said, asserted) = (world.said.into_inner(), world.asserted.into_inner());
        if let (Some(error), true) = (&outcome.error, self.assertions.is_some()) {
            let filter = filter.clone();
            self.witness_error(&filter.program, Some(error));
        }
        self.tools = Some(tools);
        self.hear(said, asserted);
        (outcome.verdict == Verdict::Accept, Some(outcome), after)
    }

    /// Runs the commands behind a static route; however they end, what they set stays.
    pub(super) fn run_route_commands(
        &mut self,
        commands: &FilterRef,
        net: &Net,
        source: Source,
        attrs: Arc<Attrs>,
    ) -> Arc<Attrs> {
        if let Some(hearing) = &mut self.hearing {
            hearing.commands = Some((commands.clone(), attrs.clone()));
        }
        let Some(commands) = commands.filter() else { return attrs };
        let (result, attrs) = self.with_view(net, source, attrs, |view, machine, world| {
            filter::run_commands(&commands.program, view, machine, world)
        });
        self.witness_error(&commands.program, result.as_ref().err());
        attrs
    }

    /// Runs a body without a route: a suite of self-tests.
    pub fn run_alone(&mut self, program: &Program) -> Result<Option<Verdict>, RuntimeError> {
        let mut tools = self.tools.take().unwrap_or_default();
        let world = World::new(self);
        let result = filter::run_alone(program, &mut tools.machine, &world);
        let (said, asserted) = (world.said.into_inner(), world.asserted.into_inner());
        self.tools = Some(tools);
        self.tell(said);
        self.witness(asserted);
        result
    }

    /// Keeps assertions of self-tests from now on, instead of logging those that fail.
    pub fn keep_assertions(&mut self) {
        self.assertions = Some(Assertions::default());
    }

    /// The assertions evaluated since the last call.
    pub fn take_assertions(&mut self) -> Assertions {
        self.assertions.as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn witness(&mut self, asserted: Vec<Assertion>) {
        for assertion in asserted {
            match &mut self.assertions {
                Some(kept) if assertion.passed => kept.passed += 1,
                Some(kept) => kept.failed.push(assertion),
                None if assertion.passed => {}
                None => self.say(LogClass::Error, &assertion.to_string()),
            }
        }
    }

    /// An error in a filter with assertions keeps some of them from being evaluated, which must not go unnoticed.
    fn witness_error(&mut self, program: &Program, error: Option<&RuntimeError>) {
        let (Some(kept), Some(error)) = (&mut self.assertions, error) else { return };
        if let Some(note) = program.first_assertion() {
            let spot = program.spot(error.at.0, error.at.1);
            kept.failed.push(Assertion {
                file: spot.file.map_or_else(|| note.file.clone(), |f| f.display().to_string().into()),
                line: if spot.line > 0 { spot.line } else { error.line },
                text: format!("no runtime error ({})", error.message).into(),
                passed: false,
                compared: None,
            });
        }
    }

    fn with_view<R>(
        &mut self,
        net: &Net,
        source: Source,
        attrs: Arc<Attrs>,
        run: impl FnOnce(&mut RouteView<'_>, &mut Machine, &World<'_>) -> R,
    ) -> (R, Arc<Attrs>) {
        let mut tools = self.tools.take().unwrap_or_default();
        let nobody;
        let proto = match self.proto(source.proto) {
            Some(proto) => &proto.name,
            None => {
                nobody = self.name_of(source.proto);
                &nobody
            }
        };
        let world = World::new(self);
        let mut view = RouteView::new(net, &attrs, proto);
        let result = run(&mut view, &mut tools.machine, &world);
        let edited = view.finish_shared(&mut tools.interner);
        let (said, asserted) = (world.said.into_inner(), world.asserted.into_inner());
        self.tools = Some(tools);
        self.hear(said, asserted);
        (result, edited.unwrap_or(attrs))
    }

    /// Passes on what a filter said, unless somebody only wanted to know what it would do.
    #[inline]
    fn hear(&mut self, said: Vec<(LogClass, String)>, asserted: Vec<Assertion>) {
        if self.hearing.is_none() && (!said.is_empty() || !asserted.is_empty()) {
            self.tell(said);
            self.witness(asserted);
        }
    }

    /// Writes down what filters said; errors are limited in rate.
    fn tell(&mut self, said: Vec<(LogClass, String)>) {
        for (class, text) in said {
            self.say(class, &text);
        }
    }

    pub(super) fn trace_route_in(
        &mut self,
        flag: TraceFlag,
        channel: ChannelId,
        word: &str,
        net: &Net,
        route: &Route,
    ) {
        self.trace_route(flag, channel, '>', word, net, route);
    }

    pub(super) fn trace_route_out(
        &mut self,
        flag: TraceFlag,
        channel: ChannelId,
        word: &str,
        net: &Net,
        route: &Route,
    ) {
        self.trace_route(flag, channel, '<', word, net, route);
    }

    /// A withdraw, with the attributes of the route that went, where they are known.
    pub(super) fn trace_gone_out(
        &mut self,
        channel: ChannelId,
        word: &str,
        net: &Net,
        source: Source,
        old: Option<&Arc<Attrs>>,
    ) {
        if let Some(name) = self.channel_name(channel) {
            let (local, global) = source_numbers(source);
            let dest = old.map_or("", |a| describe_dest(&a.dest));
            self.log_line(LogClass::Trace, format_args!("{name} < {word} {net} {local}L {global}G{dest}"));
        }
    }

    /// What an import did to its net: `added [best]`, `replaced [sole]`, `removed`.
    pub(super) fn trace_change(
        &mut self,
        channel: ChannelId,
        table: usize,
        id: NetId,
        net: &Net,
        new: Option<&Route>,
        old: Option<&Route>,
    ) {
        let routes = self.table_of(table).get(id).map_or(&[][..], |(_, routes)| routes);
        let best = |r: &Route| routes.first().is_some_and(|b| b.source == r.source);
        let (word, route) = match (new, old) {
            (Some(new), _) => (if best(new) { "added [best]" } else { "added" }, new),
            (None, Some(old)) if routes.is_empty() => ("removed [sole]", old),
            (None, Some(old)) => ("removed", old),
            (None, None) => return,
        };
        self.trace_route(TraceFlag::Routes, channel, '>', word, net, &route.clone());
    }

    fn trace_route(
        &mut self,
        flag: TraceFlag,
        channel: ChannelId,
        direction: char,
        word: &str,
        net: &Net,
        route: &Route,
    ) {
        if !self.traces(channel, flag) {
            return;
        }
        let Some(name) = self.channel_name(channel) else { return };
        let (local, global) = source_numbers(route.source);
        let dest = describe_dest(&route.attrs.dest);
        self.log_line(
            LogClass::Trace,
            format_args!("{name} {direction} {word} {net} {local}L {global}G{dest}"),
        );
    }

    /// `PROTO.CHANNEL`, as logs and commands name it.
    pub(super) fn channel_name(&self, channel: ChannelId) -> Option<String> {
        let ch = self.channel(channel)?;
        Some(format!("{}.{}", self.name_of(ch.proto), ch.config.name))
    }
}

/// A filter where it stands.
#[derive(Clone, Copy)]
pub(super) struct Policy(pub ChannelId, pub Direction);

impl Policy {
    fn of(self, core: &Core) -> &FilterRef {
        match (core.channel(self.0), self.1) {
            (Some(channel), Direction::Import) => &channel.config.import,
            (Some(channel), Direction::Export) => &channel.config.export,
            (None, _) => &FilterRef::None,
        }
    }
}

/// The numbers that traces print behind a net: the protocol's own for the route, and the protocol's in this daemon.
fn source_numbers(source: Source) -> (u32, u32) {
    (source.path, source.proto.0 + 1)
}

/// What a trace says of where a route leads.
fn describe_dest(dest: &Dest) -> &'static str {
    match dest {
        Dest::None => "",
        Dest::Unicast(_) => " unicast",
        Dest::Blackhole => " blackhole",
        Dest::Unreachable => " unreachable",
        Dest::Prohibit => " prohibited",
    }
}

/// Assertions of self-tests that were evaluated.
#[derive(Debug, Default)]
pub struct Assertions {
    /// How many hold.
    pub passed: usize,
    /// Those that do not.
    pub failed: Vec<Assertion>,
}

/// The world as filters on the engine's thread see it. What they say is kept until they are done.
struct World<'a> {
    core: &'a Core,
    /// The last answer about an origin. Policies ask for it again, and so does who takes their questions down; nothing changes meanwhile.
    origin: Cell<Option<(usize, IpNet, u32, RoaState)>>,
    said: RefCell<Vec<(LogClass, String)>>,
    asserted: RefCell<Vec<Assertion>>,
}

impl<'a> World<'a> {
    fn new(core: &'a Core) -> World<'a> {
        World { core, origin: Cell::new(None), said: RefCell::default(), asserted: RefCell::default() }
    }

    fn say(&self, class: LogClass, text: String) {
        self.said.borrow_mut().push((class, text));
    }
}

impl Env for World<'_> {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        if let Some(table) = self.core.table_named(table) {
            table.covering_roas(prefix, each);
        }
    }
    fn roa_state(&self, table: &str, prefix: &IpNet, asn: u32) -> RoaState {
        let Some(at) = self.core.table_at(table) else { return RoaState::Unknown };
        if let Some((known, net, origin, state)) = self.origin.get()
            && (known, origin) == (at, asn)
            && net == *prefix
        {
            return state;
        }
        let state = RoaState::of(prefix, asn, |each| self.covering_roas(table, prefix, each));
        self.origin.set(Some((at, *prefix, asn, state)));
        state
    }
    fn aspa_entries(&self, table: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        if let Some(table) = self.core.table_named(table) {
            table.aspa_providers(customer, attributes::id::ASPA_PROVIDERS, each);
        }
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        self.core.ifaces().get(index).map(|i| i.name.clone())
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        self.core.ifaces().by_name(name).map(|i| i.link.index)
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, onlink: bool) -> Option<u32> {
        self.core.ifaces().filter_gateway(gateway, only, onlink)
    }
    fn print(&self, line: &str) {
        self.say(LogClass::Info, for_log(line));
    }
    fn runtime_error(&self, line: u32, message: &str) {
        self.say(LogClass::Error, format!("filters, line {line}: {message}"));
    }
    fn undecided(&self, filter: &str) {
        self.say(
            LogClass::Error,
            format!("Filter {filter} did not return accept nor reject. Make up your mind"),
        );
    }
    fn assertion(&self, assertion: Assertion) {
        self.asserted.borrow_mut().push(assertion);
    }
}
