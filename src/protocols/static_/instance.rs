//! The running static protocol.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::config::{Static, StaticDest, StaticExtra, StaticOptions, StaticRoutes};
use super::dests::{Dests, Terms, hopeless, labelled, target};
use super::diff::{Side, diff};
use super::ordinals::Ordinals;
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Net, NetExt, NetType};
use crate::config::ProtocolConfig;
use crate::engine::api::{
    DownReason, Instance, Look, Ports, ProtoState, ProtocolKind, StaticLine, StaticLines, StaticTarget,
    Stopped,
};
use crate::engine::iface::{IfaceChange, IfaceEvent};
use crate::table::{Attrs, Bits, RouteSource};

/// Routes announced, and routes looked at, in one slice: about a millisecond either way.
const SLICE: usize = 2048;
const LOOKS: usize = 128 * SLICE;
/// Routes that the table is told of before they are announced one by one.
const BATCH: usize = 32;
/// Routes whose path numbers are looked for in one slice.
const WALK: usize = 64 * SLICE;
/// So many changes of a reconfiguration are made at once; the rest follows in slices.
const AT_ONCE: usize = 8 * SLICE;
/// Labels below this one have a meaning of their own.
const FIRST_LABEL: u32 = 16;

impl ProtocolKind for Static {
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        let options: StaticOptions = config.options().cloned().unwrap_or_default();
        Box::new(StaticInstance {
            terms: Terms::new(&options, &config.vrf),
            dests: Dests::new(options.routes.clone()),
            routes: options.routes,
            taken: options.labels,
            main: None,
            labels: None,
            ordinals: Ordinals::default(),
            sent: Bits::default(),
            unseen: Bits::default(),
            dirty: Bits::default(),
            sweep: Sweep::default(),
            jobs: VecDeque::new(),
            ifaces_changed: false,
            igp_changed: false,
        })
    }
}

struct StaticInstance {
    routes: Arc<StaticRoutes>,
    terms: Terms,
    /// The labels routes may take.
    taken: Option<Range<u32>>,
    /// The channel of the routes, once it is up.
    main: Option<ChannelId>,
    /// The channel of labels.
    labels: Option<ChannelId>,
    dests: Dests,
    ordinals: Ordinals,
    /// Routes that are announced.
    sent: Bits,
    /// Recursive destinations that no route was announced with since the channel came up.
    unseen: Bits,
    /// Destinations that changed since the sweep began.
    dirty: Bits,
    sweep: Sweep,
    /// What is left of a big reconfiguration.
    jobs: VecDeque<Job>,
    ifaces_changed: bool,
    igp_changed: bool,
}

/// A round over all routes for those whose destination is dirty. It begins where the last one ended.
#[derive(Default, Clone, Copy)]
struct Sweep {
    at: usize,
    left: usize,
}

enum Job {
    Withdraw {
        net: Net,
        path: u32,
        label: Option<u32>,
    },
    Unlabel {
        path: u32,
        label: u32,
    },
    /// A stretch of routes: when all change there is one job, not a million.
    Announce(Range<u32>),
}

impl StaticInstance {
    fn preference(&self, ports: &Ports<'_>) -> u16 {
        self.main.map_or(0, |channel| ports.preference(channel))
    }

    /// Resolves destinations again; those that come out otherwise are dirty.
    fn resolve(&mut self, ports: &mut Ports<'_>, numbers: impl IntoIterator<Item = u32>) {
        let preference = self.preference(ports);
        for number in self.dests.resolve(numbers, ports, &self.terms, preference) {
            self.mark(number);
        }
    }

    fn mark(&mut self, number: u32) {
        self.dirty.set(number, true);
        self.sweep.left = self.routes.list.len();
    }

    fn watch(&self, ports: &mut Ports<'_>) {
        let gateways = (0..self.dests.len() as u32).filter_map(|n| match self.dests.dest(n) {
            StaticDest::Recursive { gateway, .. } => Some(*gateway),
            _ => None,
        });
        let (mut four, mut six) = (false, false);
        for gateway in gateways {
            four |= gateway.is_ipv4();
            six |= gateway.is_ipv6();
        }
        let tables = [(four, &self.terms.igp4), (six, &self.terms.igp6)];
        let tables: BTreeSet<&Arc<str>> =
            tables.into_iter().filter(|(used, _)| *used).filter_map(|(_, name)| name.as_ref()).collect();
        for table in tables {
            ports.watch_table(table);
        }
    }

    /// Warns of next hops that can never work, once per destination with the first route that has it.
    fn warn(&self, ports: &mut Ports<'_>, mut numbers: BTreeSet<u32>) {
        numbers.retain(|n| hopeless(self.dests.dest(*n)).is_some());
        for route in &self.routes.list {
            if numbers.is_empty() {
                return;
            }
            let number = self.dests.number(route.dest);
            if numbers.remove(&number)
                && let Some(gateway) = hopeless(self.dests.dest(number))
            {
                let net = &route.net;
                ports
                    .log(LogClass::Warning, format_args!("Invalid next hop {gateway} of static route {net}"));
            }
        }
    }

    /// Announces a route as its destination is now, or withdraws it if it was announced and cannot be used.
    fn announce(&mut self, ports: &mut Ports<'_>, index: u32) {
        let Some(main) = self.main else { return };
        let Some(route) = self.routes.list.get(index as usize) else { return };
        let extra = match self.routes.extra.is_empty() {
            true => None,
            false => self.routes.extra(index),
        };
        let path = self.ordinals.path(index);
        let number = self.dests.number(route.dest);
        if self.unseen.set(number, false) {
            // A route above may be the one to its gateway: BIRD, too, looks when it comes to this one.
            let preference = self.preference(ports);
            self.dests.resolve([number], ports, &self.terms, preference);
        }
        let attrs = self.dests.attrs(number);
        let label = extra.and_then(|e| e.label);
        let refused = label.filter(|label| !self.may_take(*label));
        if let (Some(label), Some(_)) = (refused, attrs) {
            let (name, net) = (ports.config().name.clone(), &route.net);
            ports.log(LogClass::Warning, format_args!("Static label {label} failed for {net} from {name}"));
        }
        match attrs.filter(|_| refused.is_none()) {
            Some(attrs) => {
                self.sent.set(index, true);
                let attrs = match extra {
                    Some(extra) => self.dress(ports, extra, &route.net, path, attrs),
                    None => attrs.clone(),
                };
                ports.import(main, &route.net, path, Some(attrs));
            }
            None => {
                if self.sent.set(index, false) {
                    ports.import(main, &route.net, path, None);
                    self.unlabel(ports, path, label);
                }
            }
        }
    }

    /// Whether a label may be given to a route. Those below 16 mean something of their own, and are only noted.
    fn may_take(&self, label: u32) -> bool {
        label < FIRST_LABEL || self.taken.as_ref().is_none_or(|range| range.contains(&label))
    }

    /// What few routes have besides: a label, which is a route of its own in the label channel, and commands.
    fn dress(
        &self,
        ports: &mut Ports<'_>,
        extra: &StaticExtra,
        net: &Net,
        path: u32,
        attrs: &Arc<Attrs>,
    ) -> Arc<Attrs> {
        let mut attrs = attrs.clone();
        if let Some(label) = extra.label {
            if let Some(channel) = self.labels.filter(|_| label >= FIRST_LABEL) {
                let preference = ports.preference(channel);
                let of_label = Attrs {
                    source: RouteSource::Static,
                    preference,
                    dest: attrs.dest.clone(),
                    recursive: attrs.recursive.clone(),
                    ..Attrs::default()
                };
                let of_label = ports.intern(of_label);
                ports.import(channel, &NetExt::Mpls(label).into(), path, Some(of_label));
            }
            attrs = ports.intern(labelled(&attrs, label));
        }
        match &extra.commands {
            Some(commands) => ports.run_commands(commands, net, path, attrs),
            None => attrs,
        }
    }

    fn unlabel(&self, ports: &mut Ports<'_>, path: u32, label: Option<u32>) {
        if let (Some(channel), Some(label)) = (self.labels, label.filter(|label| *label >= FIRST_LABEL)) {
            ports.import(channel, &NetExt::Mpls(label).into(), path, None);
        }
    }

    /// Has routes announced when it is their turn.
    fn announce_later(&mut self, routes: Range<u32>) {
        match self.jobs.back_mut() {
            Some(Job::Announce(before)) if before.end == routes.start => before.end = routes.end,
            _ => self.jobs.push_back(Job::Announce(routes)),
        }
    }

    fn withdraw(&mut self, ports: &mut Ports<'_>, net: &Net, path: u32, label: Option<u32>) {
        if let Some(main) = self.main {
            ports.import(main, net, path, None);
        }
        self.unlabel(ports, path, label);
    }

    fn run_jobs(&mut self, ports: &mut Ports<'_>, mut count: usize) {
        while count > 0 && !ports.is_tired() {
            count -= match self.jobs.pop_front() {
                Some(Job::Announce(range)) => {
                    let most = count.min(BATCH).min(range.len()) as u32;
                    let next = self.announce_batch(ports, range.start..range.start + most);
                    if next < range.end {
                        self.jobs.push_front(Job::Announce(next..range.end));
                    }
                    most.max(1) as usize
                }
                Some(Job::Unlabel { path, label }) => {
                    self.unlabel(ports, path, Some(label));
                    1
                }
                Some(Job::Withdraw { net, path, label }) => {
                    self.withdraw(ports, &net, path, label);
                    1
                }
                None => return,
            }
        }
    }

    /// Announces routes as long as filters do not try the patience of others; tells which one is next.
    fn announce_batch(&mut self, ports: &mut Ports<'_>, batch: Range<u32>) -> u32 {
        let routes = self.routes.clone();
        if let (Some(main), Some(list)) =
            (self.main, routes.list.get(batch.start as usize..batch.end as usize))
        {
            ports.warm(main, list.iter().map(|route| &route.net));
        }
        for index in batch.clone() {
            self.announce(ports, index);
            if ports.is_tired() {
                return index + 1;
            }
        }
        batch.end
    }

    fn run_sweep(&mut self, ports: &mut Ports<'_>) {
        let routes = self.routes.clone();
        let list = &routes.list;
        let (mut announced, mut looked) = (0, 0);
        let mut tired = ports.is_tired();
        while self.sweep.left > 0 && announced < SLICE && looked < LOOKS && !tired {
            let at = self.sweep.at % list.len().max(1);
            // The rest of the list, as far as this slice may go.
            let end = list.len().min(at + self.sweep.left).min(at + LOOKS - looked);
            let mut next = at;
            while next < end && announced < SLICE && !tired {
                let mut batch = SmallVec::<[u32; BATCH]>::new();
                while next < end && batch.len() < BATCH {
                    if self.dirty.get(self.dests.number(list[next].dest)) {
                        batch.push(next as u32);
                    }
                    next += 1;
                }
                if let Some(main) = self.main {
                    ports.warm(main, batch.iter().map(|index| &list[*index as usize].net));
                }
                announced += batch.len();
                for index in batch {
                    self.announce(ports, index);
                    if ports.is_tired() {
                        next = index as usize + 1;
                        tired = true;
                        break;
                    }
                }
            }
            looked += next - at;
            self.sweep = Sweep { at: next, left: self.sweep.left - (next - at) };
        }
        if self.sweep.left == 0 {
            self.dirty.clear();
        }
    }

    /// Everything again: a new preference may stand in all attributes.
    fn all_again(&mut self, ports: &mut Ports<'_>) {
        let all = 0..self.dests.len() as u32;
        self.resolve(ports, all.clone());
        all.for_each(|number| self.mark(number));
        ports.again();
    }

    /// Takes other routes; unchanged ones are not touched.
    fn take_routes(&mut self, ports: &mut Ports<'_>, routes: Arc<StaticRoutes>) {
        // What was still to be announced is so in the new list, too; the rest is cheap.
        let mut pending = Bits::default();
        for job in std::mem::take(&mut self.jobs) {
            match job {
                Job::Announce(range) => {
                    for index in range {
                        pending.set(index, true);
                    }
                }
                Job::Unlabel { path, label } => self.unlabel(ports, path, Some(label)),
                Job::Withdraw { net, path, label } => self.withdraw(ports, &net, path, label),
            }
        }
        self.ordinals.walk(&self.routes.list, usize::MAX);
        let old_dests = std::mem::replace(&mut self.dests, Dests::new(routes.clone()));
        let old_routes = std::mem::replace(&mut self.routes, routes.clone());
        let (old_dirty, old_sent) = (std::mem::take(&mut self.dirty), std::mem::take(&mut self.sent));
        // Their numbers are the old ones'; what is announced from here on is resolved already.
        self.unseen.clear();
        if std::mem::take(&mut self.sweep).left > 0 {
            self.sweep.left = routes.list.len();
        }
        // Known destinations keep what they are resolved to.
        let mut renumbered = vec![u32::MAX; old_dests.len()];
        let mut fresh = BTreeSet::new();
        for number in 0..self.dests.len() as u32 {
            match old_dests.find(self.dests.dest(number)) {
                Some(old) => {
                    renumbered[old as usize] = number;
                    self.dests.adopt(number, &old_dests, old);
                    self.dirty.set(number, old_dirty.get(old));
                }
                None => drop(fresh.insert(number)),
            }
        }
        let preference = self.preference(ports);
        self.dests.resolve(fresh.iter().copied(), ports, &self.terms, preference);
        self.warn(ports, fresh);
        self.watch(ports);

        let translated: Vec<u32> = old_dests.map().iter().map(|n| renumbered[*n as usize]).collect();
        let old = Side { routes: &old_routes, dests: &translated, later: self.ordinals.later() };
        let new = Side { routes: &routes, dests: self.dests.map(), later: &[] };
        let diff = diff(old, new);
        for &(i, j, len) in diff.runs.iter().chain(&diff.changed) {
            for k in 0..len {
                if old_sent.get(i + k) {
                    self.sent.set(j + k, true);
                }
            }
        }
        for &(i, j, _) in &diff.pairs {
            self.sent.set(j, old_sent.get(i));
        }
        let label = |routes: &StaticRoutes, index| routes.extra(index).and_then(|e| e.label);
        for &(i, path) in diff.removed.iter().filter(|(i, _)| old_sent.get(*i)) {
            let Some(route) = old_routes.list.get(i as usize) else { continue };
            let label = label(&old_routes, i);
            self.jobs.push_back(Job::Withdraw { net: route.net.clone(), path, label });
        }
        self.ordinals = Ordinals::known(diff.later);
        if !pending.is_empty() {
            let stretches = diff.runs.iter().flat_map(|&(i, j, len)| (0..len).map(move |k| (i + k, j + k)));
            let moved = diff.pairs.iter().filter(|(_, _, same)| *same).map(|&(i, j, _)| (i, j));
            stretches
                .chain(moved)
                .filter(|(i, _)| pending.get(*i))
                .for_each(|(_, j)| self.announce_later(j..j + 1));
        }
        let has_labels = !old_routes.extra.is_empty() || !routes.extra.is_empty();
        for &(i, j, len) in &diff.changed {
            for k in (0..len).filter(|_| has_labels) {
                let (before, after) = (label(&old_routes, i + k), label(&routes, j + k));
                if let Some(label) = before.filter(|_| before != after && old_sent.get(i + k)) {
                    self.jobs.push_back(Job::Unlabel { path: self.ordinals.path(j + k), label });
                }
            }
            self.announce_later(j..j + len);
        }
        for &(i, j, _) in diff.pairs.iter().filter(|(_, _, same)| !same) {
            let (before, after) = (label(&old_routes, i), label(&routes, j));
            if let Some(label) = before.filter(|_| before != after && old_sent.get(i)) {
                self.jobs.push_back(Job::Unlabel { path: self.ordinals.path(j), label });
            }
            self.announce_later(j..j + 1);
        }
        diff.added.into_iter().for_each(|j| self.announce_later(j..j + 1));
        self.run_jobs(ports, AT_ONCE);
        if !self.jobs.is_empty() || self.sweep.left > 0 {
            ports.again();
        }
    }
}

impl Instance for StaticInstance {
    fn start(&mut self, _ports: &mut Ports<'_>) -> ProtoState {
        ProtoState::Up
    }

    fn channel_up(&mut self, ports: &mut Ports<'_>, channel: ChannelId) {
        let config = ports.config();
        // Alone, a channel of labels is the main one.
        let is_main = |net: NetType| net != NetType::Mpls || config.channels.len() == 1;
        let here = ports.channels().into_iter().zip(&config.channels).find(|((id, _), _)| *id == channel);
        match here {
            Some((_, c)) if is_main(c.net_type) => self.main = Some(channel),
            Some(_) => self.labels = Some(channel),
            None => return,
        }
        if self.main == Some(channel) {
            self.ordinals = Ordinals::new(&self.routes.list);
            ports.expect(channel, self.routes.list.len());
            self.watch(ports);
            self.warn(ports, (0..self.dests.len() as u32).collect());
            let recursive = self.dests.numbers(|d| matches!(d, StaticDest::Recursive { .. }));
            for number in recursive {
                self.unseen.set(number, true);
            }
            self.all_again(ports);
            // A list of usual length is there before protocols that start later look at the table, as in BIRD: they get each route once.
            if config.channels.len() == 1 && self.routes.list.len() <= SLICE {
                self.ordinals.walk(&self.routes.list, usize::MAX);
                self.run_sweep(ports);
            }
        }
    }

    fn work(&mut self, ports: &mut Ports<'_>) {
        if std::mem::take(&mut self.ifaces_changed) {
            let numbers = self.dests.numbers(|d| matches!(d, StaticDest::Via(_)));
            self.resolve(ports, numbers);
        }
        // The first sweep fills the very table that may be watched: looking once at its end is enough.
        if self.igp_changed && self.sweep.left == 0 {
            self.igp_changed = false;
            let numbers = self.dests.numbers(|d| matches!(d, StaticDest::Recursive { .. }));
            self.resolve(ports, numbers);
        }
        if !self.ordinals.complete() {
            self.ordinals.walk(&self.routes.list, WALK);
        } else if self.jobs.is_empty() {
            self.run_sweep(ports);
        } else {
            self.run_jobs(ports, SLICE);
        }
        if !self.jobs.is_empty() || self.sweep.left > 0 || self.igp_changed {
            ports.again();
        }
    }

    fn iface(&mut self, ports: &mut Ports<'_>, event: &IfaceEvent) {
        if self.main.is_none() {
            return;
        }
        if event.change == IfaceChange::Down {
            // It may be up again under another name: then the same route passes the filters again.
            let over = |attrs: &Arc<Attrs>| attrs.next_hops().iter().any(|h| h.ifindex == event.ifindex);
            let numbers: Vec<u32> =
                (0..self.dests.len() as u32).filter(|n| self.dests.attrs(*n).is_some_and(over)).collect();
            numbers.into_iter().for_each(|number| self.mark(number));
        }
        self.ifaces_changed = true;
        ports.again();
    }

    fn table_changed(&mut self, ports: &mut Ports<'_>, _table: &str) {
        if self.main.is_some() {
            self.igp_changed = true;
            ports.again();
        }
    }

    fn again(&mut self, ports: &mut Ports<'_>, channel: ChannelId, net: &Net) -> bool {
        if self.main != Some(channel) {
            return false;
        }
        let routes = self.routes.clone();
        for (index, route) in routes.list.iter().enumerate().filter(|(_, r)| r.net == *net) {
            let (index, number) = (index as u32, self.dests.number(route.dest));
            // One that cannot be used now is not announced.
            let Some(attrs) = self.dests.attrs(number) else { continue };
            let path = self.ordinals.path(index);
            let attrs = match self.routes.extra(index) {
                Some(extra) => self.dress(ports, extra, net, path, attrs),
                None => attrs.clone(),
            };
            ports.import(channel, net, path, Some(attrs));
        }
        true
    }

    fn reload(&mut self, ports: &mut Ports<'_>, _channel: ChannelId, only: Option<&Arc<PrefixSet>>) {
        let Some(only) = only else { return self.all_again(ports) };
        let list = self.routes.list.iter().zip(0..);
        let chosen = list.filter(|(route, index)| self.sent.get(*index) && only.contains_net(&route.net));
        let chosen: Vec<u32> = chosen.map(|(_, index)| index).collect();
        chosen.into_iter().for_each(|index| self.announce_later(index..index + 1));
        ports.again();
    }

    fn reconfigure(&mut self, ports: &mut Ports<'_>, new: &Arc<ProtocolConfig>, _old: &Arc<ProtocolConfig>) {
        let Some(options) = new.options::<StaticOptions>() else { return };
        let terms = Terms::new(options, &new.vrf);
        if terms != self.terms {
            self.terms = terms;
            self.ifaces_changed = true;
            ports.again();
        }
        if !Arc::ptr_eq(&options.routes, &self.routes) {
            self.take_routes(ports, options.routes.clone());
        }
    }

    fn stop(&mut self, _ports: &mut Ports<'_>, _reason: DownReason) -> Stopped {
        (self.main, self.labels) = (None, None);
        self.jobs.clear();
        self.unseen.clear();
        self.sweep = Sweep::default();
        Stopped::Now
    }

    fn static_routes(&self, look: &Look<'_>) -> Option<StaticLines> {
        let near = self.main.map(|_| look.ifaces().near(&self.terms.vrf));
        let targets: Vec<Arc<StaticTarget>> = (0..self.dests.len() as u32)
            .map(|n| Arc::new(target(self.dests.dest(n), near.as_ref(), &self.terms)))
            .collect();
        let (routes, map) = (self.routes.clone(), self.dests.map().to_vec());
        Some(Box::new((0..routes.list.len()).filter_map(move |at| {
            let route = routes.list.get(at)?;
            let target = targets.get(*map.get(route.dest as usize)? as usize)?;
            Some(StaticLine { net: route.net.clone(), target: target.clone() })
        })))
    }
}
