//! Recursive next hops: a gateway looked up in an IGP table.

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::api::{Rerouted, Resolution};
use super::core::Core;
use crate::base::{Lookup, NextHop};
use crate::filter::attributes;
use crate::table::{Dest, Route, RouteSource, Table};

/// The metric of a route without one.
const UNKNOWN: u32 = 0x7fff_ffff;

/// The last answer to every question that somebody may still go by.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    answers: FxHashMap<Arc<Lookup>, Dest>,
    /// Questions that nobody's routes stand for any more are forgotten at this size.
    limit: usize,
}

impl Resolved {
    /// Takes an answer down: the shared question, and whether the answer was another one before.
    fn keep(&mut self, lookup: Lookup, dest: &Dest) -> (Arc<Lookup>, bool) {
        if let Some((known, last)) = self.answers.get_key_value(&lookup) {
            let known = known.clone();
            if last == dest {
                return (known, false);
            }
            self.answers.insert(known.clone(), dest.clone());
            return (known, true);
        }
        if self.answers.len() >= self.limit {
            self.answers.retain(|lookup, _| Arc::strong_count(lookup) > 1);
            self.limit = (2 * self.answers.len()).max(1024);
        }
        let lookup = Arc::new(lookup);
        self.answers.insert(lookup.clone(), dest.clone());
        (lookup, false)
    }
}

impl Core {
    /// The longest match of `gateway` in `table` decides: a device route makes the gateway the next hop
    /// (unless it is our own address there; on links that know no neighbours it stays a device route), a
    /// route through gateways lends its next hops, blackholes stay what they are; a recursive one, or none,
    /// is unreachable.
    pub(super) fn resolve_gateway(&mut self, table: &str, gateway: IpAddr) -> Resolution {
        let found = self.table_named(table);
        let name = found.map_or_else(|| Arc::from(table), |table| table.name().clone());
        let (dest, igp_metric, why) =
            found.map_or((Dest::Unreachable, UNKNOWN, None), |table| self.look_up(table, gateway));
        let (lookup, news) = self.resolved.keep(Lookup { table: name, gateway }, &dest);
        if news {
            self.rerouted.push(Rerouted { lookup: lookup.clone(), dest: dest.clone() });
        }
        Resolution { dest, lookup, igp_metric, why }
    }

    fn look_up(&self, table: &Table, gateway: IpAddr) -> (Dest, u32, Option<String>) {
        let unreachable = |why| (Dest::Unreachable, UNKNOWN, why);
        let max = if gateway.is_ipv4() { 32 } else { 128 };
        let found = table.longest_match(gateway, max, |routes| routes.first().is_some_and(|r| !r.filtered));
        let Some((net, best)) =
            found.and_then(|id| table.get(id)).and_then(|(net, r)| Some((net, r.first()?)))
        else {
            return unreachable(None);
        };
        if is_recursive(best) {
            return unreachable(Some(format!("resolvable through recursive route for {net}")));
        }
        let own = |hop: &NextHop| {
            let iface = self.ifaces.get(hop.ifindex).filter(|_| hop.gateway.is_none())?;
            iface.addrs.iter().any(|a| a.ip == gateway).then(|| iface.name.clone())
        };
        if let Some(iface) = best.attrs.next_hops().iter().find_map(own) {
            return unreachable(Some(format!("is a local address of iface {iface}")));
        }
        let with_gateway = |hop: &NextHop| {
            let flags = self.ifaces.get(hop.ifindex).map(|i| i.link.flags);
            let alone = flags.is_some_and(|f| f.point_to_point() || f.loopback());
            match hop.gateway {
                None if !alone => NextHop { gateway: Some(gateway), ..hop.clone() },
                _ => hop.clone(),
            }
        };
        let dest = match &best.attrs.dest {
            Dest::Unicast(hops) => {
                let mut hops: Vec<NextHop> = hops.iter().map(with_gateway).collect();
                hops.sort();
                Dest::Unicast(hops.into())
            }
            other => other.clone(),
        };
        (dest, igp_metric(best), None)
    }
}

/// The metric of a route inside the network; one without a metric is worse than any other.
pub(super) fn igp_metric(route: &Route) -> u32 {
    route.attrs.get_int(attributes::id::IGP_METRIC).unwrap_or(UNKNOWN)
}

/// A route whose own next hop came out of a resolution is no base for another one.
fn is_recursive(route: &Route) -> bool {
    route.attrs.recursive.is_there()
}

/// The rule of kinds for two routes of equal preference: a static route with the lower metric wins, and of
/// the routes a protocol has learned from the kernel the one with the lower kernel metric; otherwise the
/// older one.
pub(super) fn better(new: &Route, old: &Route) -> bool {
    let kernel_metric = |route: &Route| route.attrs.get_int(attributes::id::KRT_METRIC);
    match (new.attrs.source, old.attrs.source) {
        (RouteSource::Static, RouteSource::Static) => igp_metric(new) < igp_metric(old),
        (RouteSource::Inherit, RouteSource::Inherit) => {
            new.source.proto == old.source.proto && kernel_metric(new) < kernel_metric(old)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_answers_are_news_and_old_questions_are_forgotten() {
        let lookup = |n: u32| Lookup { table: "igp".into(), gateway: IpAddr::V4(n.into()) };
        let mut resolved = Resolved::default();
        let (held, news) = resolved.keep(lookup(0), &Dest::Unreachable);
        assert!(!news);
        assert_eq!(resolved.keep(lookup(0), &Dest::Unreachable), (held.clone(), false));
        assert_eq!(resolved.keep(lookup(0), &Dest::Blackhole), (held.clone(), true));
        assert_eq!(resolved.keep(lookup(0), &Dest::Blackhole), (held.clone(), false));
        for n in 1..10_000 {
            resolved.keep(lookup(n), &Dest::Unreachable);
        }
        assert!(resolved.answers.len() <= 1024);
        assert_eq!(resolved.keep(lookup(0), &Dest::Unreachable), (held, true));
    }
}
