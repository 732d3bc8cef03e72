//! Destinations of static routes, each kept and resolved once however many routes share it.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHasher};

use super::config::{StaticDest, StaticHop, StaticOptions, StaticRoutes};
use crate::base::nexthop::Labels;
use crate::base::{EnumType, LogClass, NextHop, Value};
use crate::config::Vrf;
use crate::engine::api::{Ports, Resolution, StaticHopLine, StaticTarget};
use crate::engine::iface::{Near, can_be_gateway};
use crate::filter::attributes::id;
use crate::table::{Attrs, Dest, Recursion, RouteSource};

/// `MPLS_POLICY_STATIC`
const POLICY_STATIC: u8 = 1;
/// Labels on one packet.
const MAX_LABELS: usize = 8;

/// What destinations are resolved by, besides interfaces and tables.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Terms {
    pub(super) check_link: bool,
    pub(super) vrf: Vrf,
    pub(super) igp4: Option<Arc<str>>,
    pub(super) igp6: Option<Arc<str>>,
}

impl Terms {
    pub(super) fn new(options: &StaticOptions, vrf: &Vrf) -> Terms {
        Terms {
            check_link: options.check_link,
            vrf: vrf.clone(),
            igp4: options.igp_table4.clone(),
            igp6: options.igp_table6.clone(),
        }
    }

    fn igp(&self, gateway: IpAddr) -> Option<&Arc<str>> {
        if gateway.is_ipv4() { self.igp4.as_ref() } else { self.igp6.as_ref() }
    }
}

/// A destination and what it has been resolved to.
#[derive(Debug)]
struct State {
    /// The first of its equals in the configuration's list.
    first: u32,
    attrs: Option<Arc<Attrs>>,
    /// Why the match of a recursive gateway is no good, as the log was told.
    why: Option<String>,
}

/// All destinations of a list of routes, equal ones once.
#[derive(Debug)]
pub(super) struct Dests {
    routes: Arc<StaticRoutes>,
    states: Vec<State>,
    index: HashTable<u32>,
    /// The state of each destination of the configuration.
    map: Vec<u32>,
}

impl Dests {
    /// Nothing is resolved yet.
    pub(super) fn new(routes: Arc<StaticRoutes>) -> Dests {
        let list = &routes.dests;
        let mut firsts: Vec<u32> = Vec::new();
        let mut index = HashTable::with_capacity(list.len());
        let mut map = Vec::with_capacity(list.len());
        for (at, dest) in list.iter().enumerate() {
            let hash = hash_dest(dest);
            let of = |n: &u32| firsts.get(*n as usize).and_then(|f| list.get(*f as usize));
            let number = match index.find(hash, |n| of(n) == Some(dest)).copied() {
                Some(number) => number,
                None => {
                    let number = firsts.len() as u32;
                    index.insert_unique(hash, number, |n| of(n).map_or(0, hash_dest));
                    firsts.push(at as u32);
                    number
                }
            };
            map.push(number);
        }
        let states = firsts.into_iter().map(|first| State { first, attrs: None, why: None }).collect();
        Dests { states, index, map, routes }
    }

    /// How many different ones there are.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The state of each destination of the configuration.
    pub(super) fn map(&self) -> &[u32] {
        &self.map
    }

    /// The number of a configured destination.
    pub(super) fn number(&self, dest: u32) -> u32 {
        self.map.get(dest as usize).copied().unwrap_or(u32::MAX)
    }

    pub(super) fn dest(&self, number: u32) -> &StaticDest {
        self.routes.dests.get(self.first(number)).unwrap_or(&StaticDest::None)
    }

    fn first(&self, number: u32) -> usize {
        self.states.get(number as usize).map_or(usize::MAX, |s| s.first as usize)
    }

    /// What a destination has been resolved to; `None`: not usable now.
    pub(super) fn attrs(&self, number: u32) -> Option<&Arc<Attrs>> {
        self.states.get(number as usize)?.attrs.as_ref()
    }

    /// Sets it; whether it is news.
    pub(super) fn set(&mut self, number: u32, attrs: Option<Arc<Attrs>>) -> bool {
        match self.states.get_mut(number as usize) {
            Some(state) if state.attrs != attrs => {
                state.attrs = attrs;
                true
            }
            _ => false,
        }
    }

    /// Resolves destinations again; those that come out otherwise.
    pub(super) fn resolve(
        &mut self,
        numbers: impl IntoIterator<Item = u32>,
        ports: &mut Ports<'_>,
        terms: &Terms,
        preference: u16,
    ) -> Vec<u32> {
        let near = ports.ifaces().near(&terms.vrf);
        let hops = |number| match self.dest(number) {
            StaticDest::Via(hops) => next_hops(hops, &near, terms),
            _ => None,
        };
        let found: Vec<(u32, Option<Dest>)> = numbers.into_iter().map(|n| (n, hops(n))).collect();
        found
            .into_iter()
            .filter_map(|(n, hops)| self.resolve_one(n, hops, ports, terms, preference).then_some(n))
            .collect()
    }

    fn resolve_one(
        &mut self,
        number: u32,
        hops: Option<Dest>,
        ports: &mut Ports<'_>,
        terms: &Terms,
        preference: u16,
    ) -> bool {
        let (attrs, why) = resolve(self.dest(number), hops, ports, terms, preference);
        let first = self.first(number);
        if let Some(StaticDest::Recursive { gateway, .. }) = self.routes.dests.get(first)
            && let Some(state) = self.states.get_mut(number as usize)
            && state.why != why
        {
            if let Some(why) = &why {
                ports.log(LogClass::Warning, format_args!("Next hop address {gateway} {why}"));
            }
            state.why = why;
        }
        self.set(number, attrs)
    }

    /// Takes over what an equal destination of another list has been resolved to.
    pub(super) fn adopt(&mut self, number: u32, from: &Dests, there: u32) {
        if let (Some(mine), Some(theirs)) =
            (self.states.get_mut(number as usize), from.states.get(there as usize))
        {
            mine.attrs.clone_from(&theirs.attrs);
            mine.why.clone_from(&theirs.why);
        }
    }

    /// The number of an equal destination.
    pub(super) fn find(&self, dest: &StaticDest) -> Option<u32> {
        self.index.find(hash_dest(dest), |s| self.dest(*s) == dest).copied()
    }

    /// Numbers of destinations that a test picks.
    pub(super) fn numbers(&self, which: impl Fn(&StaticDest) -> bool) -> Vec<u32> {
        (0..self.len() as u32).filter(|n| which(self.dest(*n))).collect()
    }
}

fn hash_dest(dest: &StaticDest) -> u64 {
    let mut state = FxHasher::default();
    std::mem::discriminant(dest).hash(&mut state);
    match dest {
        StaticDest::Via(hops) => {
            for hop in hops {
                (hop.gateway, &hop.interface, hop.onlink, hop.weight, &hop.labels[..], hop.bfd)
                    .hash(&mut state);
            }
        }
        StaticDest::Recursive { gateway, labels } => (gateway, &labels[..]).hash(&mut state),
        StaticDest::Providers(list) => list.hash(&mut state),
        StaticDest::Blackhole
        | StaticDest::Unreachable
        | StaticDest::Prohibit
        | StaticDest::None
        | StaticDest::Transit => {}
    }
    // Once more, because tables take their position from the low bits.
    FxBuildHasher.hash_one(state.finish())
}

/// The next hop as it can be used now; `None`: dormant.
fn usable(hop: &StaticHop, near: &Near<'_>, terms: &Terms) -> Option<NextHop> {
    // No session can be up before there is a protocol that keeps sessions.
    if hop.bfd {
        return None;
    }
    let named = match &hop.interface {
        Some(name) => Some(near.by_name(name)?),
        None => None,
    };
    let ifindex = match (hop.gateway, named) {
        (None, iface) => iface.filter(|i| i.up)?.link.index,
        (Some(_), None) if hop.onlink => return None,
        (Some(gateway), Some(iface)) if hop.onlink => {
            can_be_gateway(gateway, true).then_some(iface).filter(|i| i.up)?.link.index
        }
        (Some(gateway), iface) => near.neighbor(gateway, iface.map(|i| i.link.index))?.ifindex,
    };
    if terms.check_link && !near.get(ifindex).is_some_and(|i| i.link_up()) {
        return None;
    }
    Some(NextHop {
        gateway: hop.gateway,
        ifindex,
        weight: hop.weight,
        onlink: hop.onlink,
        labels: hop.labels.clone(),
    })
}

/// The usable ones of some next hops in the order of tables, if there are any.
fn next_hops(hops: &[StaticHop], near: &Near<'_>, terms: &Terms) -> Option<Dest> {
    let mut hops: Vec<NextHop> = hops.iter().filter_map(|hop| usable(hop, near, terms)).collect();
    hops.sort();
    hops.dedup_by(|a, b| NextHop { onlink: b.onlink, ..a.clone() } == *b);
    (!hops.is_empty()).then(|| Dest::Unicast(hops.into()))
}

/// A next hop that can never work, wherever interfaces come from: worth a warning.
pub(super) fn hopeless(dest: &StaticDest) -> Option<IpAddr> {
    let StaticDest::Via(hops) = dest else { return None };
    let bad = |hop: &&StaticHop| {
        let interface = hop.interface.is_some();
        hop.gateway.is_some_and(|g| !can_be_gateway(g, interface)) || (hop.onlink && !interface)
    };
    hops.iter().find(bad).and_then(|hop| hop.gateway)
}

/// The attributes of routes with this destination, `None` while none of its next hops can be used; and what
/// the log should know.
fn resolve(
    dest: &StaticDest,
    hops: Option<Dest>,
    ports: &mut Ports<'_>,
    terms: &Terms,
    preference: u16,
) -> (Option<Arc<Attrs>>, Option<String>) {
    let mut why = None;
    let mut attrs = Attrs { source: RouteSource::Static, preference, ..Attrs::default() };
    attrs.dest = match dest {
        StaticDest::Via(_) => match hops {
            Some(dest) => dest,
            None => return (None, None),
        },
        StaticDest::Recursive { gateway, labels } => {
            attrs.recursive = Recursion::Somehow;
            match terms.igp(*gateway) {
                Some(table) => {
                    let resolution = ports.resolve(table, *gateway);
                    why.clone_from(&resolution.why);
                    if labels.is_empty() {
                        attrs.recursive = Recursion::Through(resolution.lookup.clone());
                    }
                    resolved(resolution, labels)
                }
                None => Dest::Unreachable,
            }
        }
        StaticDest::Blackhole => Dest::Blackhole,
        StaticDest::Unreachable => Dest::Unreachable,
        StaticDest::Prohibit => Dest::Prohibit,
        StaticDest::None => Dest::None,
        StaticDest::Providers(list) => {
            attrs.set(id::ASPA_PROVIDERS, Value::Clist(list.as_slice().into()));
            Dest::None
        }
        StaticDest::Transit => {
            attrs.set(id::ASPA_PROVIDERS, Value::Clist(vec![0].into()));
            Dest::None
        }
    };
    (Some(ports.intern(attrs)), why)
}

/// The route's own labels go below those of the way to the gateway.
fn resolved(resolution: Resolution, labels: &Labels) -> Dest {
    match resolution.dest {
        Dest::None => Dest::Unreachable,
        Dest::Unicast(hops) if !labels.is_empty() => {
            let push = |hop: &NextHop| {
                let all: Labels = hop.labels.iter().chain(labels).copied().collect();
                (all.len() <= MAX_LABELS).then(|| NextHop { labels: all, ..hop.clone() })
            };
            let mut hops: Vec<NextHop> = hops.iter().filter_map(push).collect();
            hops.sort();
            if hops.is_empty() { Dest::Unreachable } else { Dest::Unicast(hops.into()) }
        }
        dest => dest,
    }
}

/// The attributes of a route with a label of its own.
pub(super) fn labelled(attrs: &Attrs, label: u32) -> Attrs {
    let mut attrs = attrs.clone();
    attrs.set(id::MPLS_LABEL, Value::Int(label));
    attrs.set(id::MPLS_POLICY, Value::Enum(EnumType::MplsPolicy, POLICY_STATIC));
    attrs
}

/// A destination for `show static`; `near` is there for a running protocol.
pub(super) fn target(dest: &StaticDest, near: Option<&Near<'_>>, terms: &Terms) -> StaticTarget {
    match dest {
        StaticDest::Via(hops) => {
            let line = |hop: &StaticHop| StaticHopLine {
                gateway: hop.gateway,
                interface: hop.interface.clone(),
                onlink: hop.onlink,
                bfd: hop.bfd,
                dormant: near.is_none_or(|near| usable(hop, near, terms).is_none()),
            };
            StaticTarget::Hops(hops.iter().map(line).collect())
        }
        StaticDest::Recursive { gateway, .. } => StaticTarget::Recursive(*gateway),
        StaticDest::Blackhole => StaticTarget::Blackhole,
        StaticDest::Unreachable => StaticTarget::Unreachable,
        StaticDest::Prohibit => StaticTarget::Prohibit,
        StaticDest::None | StaticDest::Providers(_) | StaticDest::Transit => StaticTarget::None,
    }
}
