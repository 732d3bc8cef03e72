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
    /// The longest match of `gateway` in `table` decides: a device route makes the gateway the next hop (unless it is our own address there; on
    /// links that know no neighbours it stays a device route), a route through gateways lends its next hops, blackholes stay what they are; a
    /// recursive one, or none, is unreachable.
    pub(super) fn resolve_gateway(&self, table: &str, gateway: IpAddr) -> Resolution {
        let unreachable = |why| Resolution { dest: Dest::Unreachable, igp_metric: UNKNOWN, why };
        let Some(table) = self.table_named(table) else { return unreachable(None) };
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
        Resolution { dest, igp_metric: igp_metric(best), why: None }
    }
}

/// The metric of a route inside the network; one without a metric is worse than any other.
pub(super) fn igp_metric(route: &Route) -> u32 {
    route.attrs.get_int(attributes::id::IGP_METRIC).unwrap_or(UNKNOWN)
}

/// A route whose own next hop came out of a resolution is no base for another one.
fn is_recursive(route: &Route) -> bool {
    route.attrs.recursive
}

/// The rule of kinds for two routes of equal preference: a static route with the lower metric wins, and of the routes a protocol has
/// learned from the kernel the one with the lower kernel metric; otherwise the older one.
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
