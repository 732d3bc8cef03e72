//! Between routes of a table and routes of the kernel, both ways.
//!
//! Everything that is written goes through [`normal`], and so does everything that is read back: the kernel clamps
//! some numbers, forgets others, and adds states of links. Two bodies in normal form are equal exactly when the kernel
//! need not be told anything.

use std::net::IpAddr;

use crate::base::net::routable;
use crate::base::{NextHop, Value};
use crate::engine::iface::Ifaces;
use crate::sys::kernel::{
    Family, Hop, Metrics, PROTOCOL_BIRD, RouteBody, RouteKind, SCOPE_LINK, SCOPE_NOWHERE, SCOPE_UNIVERSE,
    Target,
};
use crate::table::{AttrId, Attrs, Dest, RouteSource};

use super::attributes;
use super::nets::Dst;

/// Routes that the kernel made because of a redirect.
const PROTOCOL_REDIRECT: u8 = 1;
/// Routes that the kernel made by itself.
const PROTOCOL_KERNEL: u8 = 2;

/// What a route of the kernel is to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Nothing: it is about other packets (TOS, incoming interface) or a cache entry.
    Ignored,
    /// It is in the way of a route of ours with the same net and metric, but never learned.
    Other,
    /// Made by the kernel itself.
    Kernel,
    /// Made by anybody else.
    Alien,
    /// With our protocol number.
    Ours,
}

/// The class of a route.
pub fn classify_route(body: &RouteBody) -> Class {
    if body.cloned() || body.tos != 0 || body.iif != 0 {
        return Class::Ignored;
    }
    if matches!(body.kind, RouteKind::Other(_)) || body.foreign_encap {
        return Class::Other;
    }
    match body.protocol {
        0 | PROTOCOL_REDIRECT => Class::Other,
        PROTOCOL_KERNEL => Class::Kernel,
        PROTOCOL_BIRD => Class::Ours,
        _ => Class::Alien,
    }
}

/// Whether routes for these packets are learned: neither loopback nor link-local nor multicast nor no addresses at all.
pub fn learnable(dst: &Dst) -> bool {
    match dst.dst {
        Target::Net(net) => routable(&net),
        Target::Label(_) => true,
    }
}

/// Whether the kernel has a form for routes with these attributes.
pub fn writable(attrs: &Attrs) -> bool {
    match &attrs.dest {
        Dest::Unicast(hops) => !hops.is_empty() && hops.iter().all(|hop| hop.ifindex != 0),
        Dest::Blackhole | Dest::Unreachable | Dest::Prohibit => true,
        Dest::None => false,
    }
}

/// What is written for these attributes, in normal form; `None` when the kernel has no form for it.
pub fn body_of(attrs: &Attrs, family: Family) -> Option<RouteBody> {
    if !writable(attrs) {
        return None;
    }
    let kind = match &attrs.dest {
        Dest::Unicast(_) => RouteKind::Unicast,
        Dest::Blackhole => RouteKind::Blackhole,
        Dest::Unreachable => RouteKind::Unreachable,
        Dest::Prohibit => RouteKind::Prohibit,
        Dest::None => return None,
    };
    let mut body = RouteBody::new(kind, attrs.next_hops().iter().cloned());
    if let Some(scope) = attrs.get_int(attributes::SCOPE) {
        // 255 is the scope of a deletion and cannot be that of a route.
        body.scope = u8::try_from(scope).unwrap_or(SCOPE_NOWHERE).min(SCOPE_NOWHERE - 1);
    } else if kind == RouteKind::Unicast && attrs.next_hops().iter().all(|hop| hop.gateway.is_none()) {
        body.scope = SCOPE_LINK;
    }
    if let Some(Value::Ip(address)) = attrs.get(attributes::PREFSRC) {
        body.prefsrc = Some(*address);
    }
    body.realm = attrs.get_int(attributes::REALM).unwrap_or(0);
    for (attribute, number) in attributes::numeric_metrics() {
        body.metrics.set(number, attrs.get_int(attribute));
    }
    if let Some(Value::Str(name)) = attrs.get(attributes::CONGCTL) {
        body.metrics.congctl = (!name.is_empty()).then(|| Box::from(&**name));
    }
    Some(normal(&body, family))
}

/// A body as the kernel keeps it, without what may change by itself.
pub fn normal(body: &RouteBody, family: Family) -> RouteBody {
    let mut body = body.clone();
    if body.kind == RouteKind::Unicast {
        body.hops.sort_by(|a, b| a.next.cmp(&b.next));
        if let [only] = &mut body.hops[..] {
            only.next.weight = 1;
        }
        body.hops.iter_mut().for_each(|hop| hop.state = 0);
    } else {
        // IPv6 kernels put `dev lo` there.
        body.hops.clear();
    }
    if family == Family::V6 {
        // IPv6 kernels read neither.
        body.scope = SCOPE_UNIVERSE;
        body.realm = 0;
    }
    if family == Family::Mpls {
        // The kernel takes nothing but next hops, all of one weight.
        body.hops.iter_mut().for_each(|hop| (hop.next.weight, hop.next.onlink) = (1, false));
        body.hops.sort_by(|a, b| a.next.cmp(&b.next));
        (body.scope, body.prefsrc, body.realm) = (SCOPE_UNIVERSE, None, 0);
        body.metrics = Metrics::default();
    }
    let limits = [(MTU, 65535 - 15), (ADVMSS, 65535 - 40), (HOPLIMIT, 255)];
    for number in Metrics::LOCK..=Metrics::LAST {
        let most = limits.iter().find(|(n, _)| *n == number).map_or(u32::MAX, |(_, most)| *most);
        let value = body.metrics.get(number).filter(|value| *value != 0);
        body.metrics.set(number, value.map(|value| value.min(most)));
    }
    body.nexthop_id = 0;
    body.via = None;
    body.flags = 0;
    body
}

const MTU: usize = 2;
const ADVMSS: usize = 8;
const HOPLIMIT: usize = 10;

/// Why a foreign route is not taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// Not worth a word: dead, or of a kind that is left out.
    Silent,
    /// Its interface is not known (yet).
    Interface(u32),
    /// Its gateway is no neighbour on that interface (yet).
    Gateway(IpAddr),
}

/// The attributes of a foreign route that is taken in.
pub fn attrs_of(
    body: &RouteBody,
    family: Family,
    metric: u32,
    preference: u16,
    ifaces: &Ifaces,
) -> Result<Attrs, Trouble> {
    let dest = match body.kind {
        RouteKind::Unicast => Dest::Unicast(live_hops(body, ifaces)?.into()),
        RouteKind::Blackhole => Dest::Blackhole,
        RouteKind::Unreachable => Dest::Unreachable,
        RouteKind::Prohibit => Dest::Prohibit,
        RouteKind::Other(_) => return Err(Trouble::Silent),
    };
    let mut extra = vec![
        (attributes::SOURCE, Value::Int(body.protocol.into())),
        (attributes::METRIC, Value::Int(metric)),
    ];
    let mut put = |id: AttrId, value: Value| extra.push((id, value));
    if let Some(address) = body.prefsrc {
        put(attributes::PREFSRC, Value::Ip(address));
    }
    if body.realm != 0 {
        put(attributes::REALM, Value::Int(body.realm));
    }
    if family == Family::V4 && body.scope != SCOPE_UNIVERSE {
        put(attributes::SCOPE, Value::Int(body.scope.into()));
    }
    for (number, value) in body.metrics.iter() {
        put(attributes::metric(number), Value::Int(value));
    }
    if let Some(name) = &body.metrics.congctl {
        put(attributes::CONGCTL, Value::Str(name[..].into()));
    }
    extra.sort_by_key(|(id, _)| *id);
    Ok(Attrs {
        source: RouteSource::Inherit,
        scope: crate::base::net::Scope::Universe,
        preference,
        dest,
        extra: extra.into(),
        ..Attrs::default()
    })
}

/// The next hops that work, sorted; those of dead links are left out.
fn live_hops(body: &RouteBody, ifaces: &Ifaces) -> Result<Vec<NextHop>, Trouble> {
    if body.dead() {
        return Err(Trouble::Silent);
    }
    let mut hops = Vec::with_capacity(body.hops.len());
    for Hop { next, .. } in body.hops.iter().filter(|hop| !hop.dead()) {
        if ifaces.get(next.ifindex).is_none() {
            return Err(Trouble::Interface(next.ifindex));
        }
        if let Some(gateway) = next.gateway {
            if matches!(gateway, IpAddr::V6(a) if a.segments()[..6] == [0; 6]) {
                return Err(Trouble::Silent);
            }
            let reachable = || ifaces.neighbor(gateway, Some(next.ifindex)).is_some_and(|n| !n.own);
            if !next.onlink && !reachable() {
                return Err(Trouble::Gateway(gateway));
            }
        }
        hops.push(next.clone());
    }
    hops.sort();
    if let [only] = &mut hops[..] {
        only.weight = 1;
    }
    if hops.is_empty() { Err(Trouble::Silent) } else { Ok(hops) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::sys::kernel::{Address, Link, LinkFlags};

    fn ifaces() -> Ifaces {
        let mut ifaces = Ifaces::default();
        let mut events = Vec::new();
        ifaces.link(
            Link {
                index: 10,
                name: "v0".into(),
                mtu: 1500,
                flags: LinkFlags(LinkFlags::UP | LinkFlags::RUNNING | LinkFlags::BROADCAST),
                master: None,
                kind: None,
            },
            &mut events,
        );
        let local = "192.0.2.1".parse().unwrap();
        let address =
            Address { ifindex: 10, local, prefix_len: 24, peer: None, flags: Default::default(), scope: 0 };
        ifaces.address(&address, &mut events);
        ifaces
    }

    fn hop(gateway: &str) -> NextHop {
        NextHop::new(Some(gateway.parse().unwrap()), 10)
    }

    fn dst(text: &str) -> Dst {
        Dst { dst: text.parse().unwrap(), src: None }
    }

    #[test]
    fn what_is_learned_is_written_as_it_was() {
        let mut body = RouteBody::new(RouteKind::Unicast, [hop("192.0.2.3"), hop("192.0.2.2")]);
        body.protocol = 77;
        body.prefsrc = Some("192.0.2.1".parse().unwrap());
        body.realm = 42;
        for number in 1..=17 {
            body.metrics.set(number, Some(number as u32));
        }
        body.metrics.congctl = Some("reno".into());
        let attrs = attrs_of(&body, Family::V4, 5, 10, &ifaces()).unwrap();
        assert_eq!(attrs.get_int(attributes::SOURCE), Some(77));
        assert_eq!(attrs.get_int(attributes::METRIC), Some(5));
        assert_eq!(attrs.get(attributes::SCOPE), None);
        assert!(attrs.extra.is_sorted_by_key(|(id, _)| *id));
        let ours = body_of(&attrs, Family::V4).unwrap();
        assert_eq!(ours, RouteBody { protocol: PROTOCOL_BIRD, ..normal(&body, Family::V4) });
    }

    #[test]
    fn normal_form_is_what_the_kernel_keeps() {
        let mut body = RouteBody::new(RouteKind::Unicast, [NextHop { weight: 7, ..hop("192.0.2.2") }]);
        body.metrics.set(MTU, Some(70_000));
        body.metrics.set(5, Some(0));
        let normal4 = normal(&body, Family::V4);
        assert_eq!((normal4.hops[0].next.weight, normal4.metrics.get(MTU)), (1, Some(65520)));
        assert_eq!(normal4.metrics.get(5), None);
        body.realm = 3;
        body.scope = 200;
        let normal6 = normal(&body, Family::V6);
        assert_eq!((normal6.realm, normal6.scope), (0, 0));
    }

    #[test]
    fn gateways_must_be_neighbours() {
        let learn =
            |body: &RouteBody| attrs_of(body, Family::V4, 0, 10, &ifaces()).map(|a| a.next_hops().len());
        let via = |gateway| RouteBody::new(RouteKind::Unicast, [hop(gateway)]);
        assert_eq!(learn(&via("192.0.2.9")), Ok(1));
        assert_eq!(learn(&via("10.8.0.1")), Err(Trouble::Gateway("10.8.0.1".parse().unwrap())));
        assert_eq!(learn(&via("192.0.2.1")), Err(Trouble::Gateway("192.0.2.1".parse().unwrap())));
        let onlink = NextHop { onlink: true, ..hop("10.8.0.1") };
        assert_eq!(learn(&RouteBody::new(RouteKind::Unicast, [onlink])), Ok(1));
        let elsewhere = NextHop { ifindex: 9, ..hop("192.0.2.9") };
        assert_eq!(learn(&RouteBody::new(RouteKind::Unicast, [elsewhere])), Err(Trouble::Interface(9)));
        let mut two = RouteBody::new(RouteKind::Unicast, [hop("192.0.2.2"), hop("192.0.2.3")]);
        two.hops[0].state = 1;
        assert_eq!(learn(&two), Ok(1));
        two.hops[1].state = 1;
        assert_eq!(learn(&two), Err(Trouble::Silent));
    }

    #[test]
    fn some_nets_are_never_learned() {
        for net in
            ["127.5.0.0/16", "224.9.0.0/16", "0.1.0.0/16", "::1:0:0/96", "fe80::/64", "ff00::/8", "::1/128"]
        {
            assert!(!learnable(&dst(net)), "{net}");
        }
        for net in [
            "0.0.0.0/0",
            "0.0.0.0/8",
            "169.254.0.0/16",
            "240.0.0.0/8",
            "10.0.0.0/8",
            "::/0",
            "fc00::/7",
            "2001:db8::/32",
        ] {
            assert!(learnable(&dst(net)), "{net}");
        }
    }

    #[test]
    fn protocol_numbers_make_classes() {
        let class =
            |protocol| classify_route(&RouteBody { protocol, ..RouteBody::new(RouteKind::Blackhole, []) });
        assert_eq!([0, 1, 2, 3, 12, 200].map(class), {
            use Class::*;
            [Other, Other, Kernel, Alien, Ours, Alien]
        });
        let tos = RouteBody { tos: 16, ..RouteBody::new(RouteKind::Blackhole, []) };
        assert_eq!(classify_route(&tos), Class::Ignored);
    }
}
