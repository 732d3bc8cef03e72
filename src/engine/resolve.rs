//! Recursive next hops: a gateway looked up in an IGP table.

use std::net::IpAddr;

use super::api::Resolution;
use super::core::Core;
use crate::base::NextHop;
use crate::filter::attributes;
use crate::table::{Dest, Route, RouteSource};

/// The metric of a route without one.
const UNKNOWN: u32 = 0x7fff_ffff;

impl Core {
    /// The longest match of `gateway` in `table` decides: a device route makes the gateway the next hop (unless it is our own address there), a
    /// route through gateways lends its next hops, blackholes stay what they are; a recursive one, or none, is unreachable.
    pub(super) fn resolve_gateway(&self, table: &str, gateway: IpAddr) -> Resolution {
        let unreachable = Resolution { dest: Dest::Unreachable, igp_metric: UNKNOWN };
        let Some(table) = self.table_named(table) else { return unreachable };
        let max = if gateway.is_ipv4() { 32 } else { 128 };
        let found = table.longest_match(gateway, max, |routes| routes.first().is_some_and(|r| !r.filtered));
        let Some(best) = found.and_then(|id| table.best(id)) else { return unreachable };
        let own = |hop: &NextHop| {
            hop.gateway.is_none()
                && self.ifaces.get(hop.ifindex).is_some_and(|i| i.addrs.iter().any(|a| a.ip == gateway))
        };
        if is_recursive(best) || best.attrs.next_hops().iter().any(own) {
            return unreachable;
        }
        let igp_metric = best.attrs.get_int(attributes::id::IGP_METRIC).unwrap_or(UNKNOWN);
        let dest = match &best.attrs.dest {
            Dest::Unicast(hops) => {
                let hops: Vec<NextHop> = hops
                    .iter()
                    .map(|hop| match hop.gateway {
                        Some(_) => hop.clone(),
                        None => NextHop { gateway: Some(gateway), ..hop.clone() },
                    })
                    .collect();
                Dest::Unicast(hops.into())
            }
            other => other.clone(),
        };
        Resolution { dest, igp_metric }
    }
}

/// A route whose own next hop came out of a resolution is no base for another one.
fn is_recursive(route: &Route) -> bool {
    route.attrs.recursive
}

/// The rule of kinds for two routes of equal preference: a static route with the lower metric wins; otherwise the older one.
pub(super) fn better(new: &Route, old: &Route) -> bool {
    let metric = |r: &Route| r.attrs.get_int(attributes::id::IGP_METRIC).unwrap_or(0);
    new.attrs.source == RouteSource::Static
        && old.attrs.source == RouteSource::Static
        && metric(new) < metric(old)
}
