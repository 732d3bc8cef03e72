//! Reads links, addresses and routes from netlink messages.
//!
//! Attributes are walked, never parsed as a whole, so that an attribute of a newer kernel cannot hide the message it
//! stands in. For routes the part that differs from route to route (prefix, metric, table) is read each time; the rest
//! is compared as bytes with what was seen before, and understood only when it is new. That makes a dump of a million
//! routes cheap, and routes with equal bodies share one `Arc`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use netlink_packet_core::{NlaBuffer, NlasIterator};
use rustc_hash::FxHashMap;

use super::socket::{Attributes, read_u16, read_u32, text};
use crate::base::{IpNet, Ipv4Net, Ipv6Net, NextHop};
use crate::sys::kernel::{
    Address, AddressFlags, Hop, KernelRoute, Link, LinkFlags, Metrics, PROTOCOL_BIRD, RouteBody, RouteKey,
    RouteKind, Target,
};
use crate::sys::nexthops::Nexthops;

/// Why a message was skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Malformed(pub &'static str);

pub(super) type Decoded<T> = Result<T, Malformed>;

const AF_INET: u8 = libc::AF_INET as u8;
const AF_INET6: u8 = libc::AF_INET6 as u8;
const AF_MPLS: u8 = libc::AF_MPLS as u8;

/// Calls `take` with number and value of each attribute.
pub(super) fn each_attribute(bytes: &[u8], mut take: impl FnMut(u16, &[u8]) -> Decoded<()>) -> Decoded<()> {
    for attribute in NlasIterator::new(bytes) {
        let attribute: NlaBuffer<&[u8]> =
            attribute.map_err(|_| Malformed("attribute of impossible length"))?;
        take(attribute.kind(), attribute.value())?;
    }
    Ok(())
}

pub(super) fn number(value: &[u8]) -> Decoded<u32> {
    read_u32(value, 0).ok_or(Malformed("number too short"))
}

/// An address, whose length tells the family.
pub(super) fn ip(value: &[u8]) -> Decoded<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(value) {
        Ok(Ipv4Addr::from(octets).into())
    } else if let Ok(octets) = <[u8; 16]>::try_from(value) {
        Ok(Ipv6Addr::from(octets).into())
    } else {
        Err(Malformed("address of impossible length"))
    }
}

/// Reads the payload of `RTM_NEWLINK` or `RTM_DELLINK`. `None`: about a bridge's port, not about a link.
pub(super) fn link(payload: &[u8]) -> Decoded<Option<Link>> {
    const IFLA_IFNAME: u16 = 3;
    const IFLA_MTU: u16 = 4;
    const IFLA_MASTER: u16 = 10;
    const IFLA_LINKINFO: u16 = 18;
    const IFLA_INFO_KIND: u16 = 1;

    let (header, attributes) = payload.split_at_checked(16).ok_or(Malformed("link header too short"))?;
    if header[0] == libc::AF_BRIDGE as u8 {
        return Ok(None);
    }
    let mut link = Link {
        index: number(&header[4..])?,
        name: Box::default(),
        mtu: 0,
        flags: LinkFlags(number(&header[8..])?),
        master: None,
        kind: None,
    };
    each_attribute(attributes, |kind, value| {
        match kind {
            IFLA_IFNAME => link.name = text(value),
            IFLA_MTU => link.mtu = number(value)?,
            IFLA_MASTER => link.master = Some(number(value)?).filter(|&index| index != 0),
            IFLA_LINKINFO => each_attribute(value, |kind, value| {
                if kind == IFLA_INFO_KIND {
                    link.kind = Some(text(value));
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    if link.index == 0 || link.name.is_empty() {
        return Err(Malformed("link without index or name"));
    }
    Ok(Some(link))
}

/// Reads the payload of `RTM_NEWADDR` or `RTM_DELADDR`. `None`: of a family we do not know.
pub(super) fn address(payload: &[u8]) -> Decoded<Option<Address>> {
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    const IFA_FLAGS: u16 = 8;

    let (header, attributes) = payload.split_at_checked(8).ok_or(Malformed("address header too short"))?;
    let bits = match header[0] {
        AF_INET => 32,
        AF_INET6 => 128,
        _ => return Ok(None),
    };
    let (mut ours, mut theirs, mut flags) = (None, None, u32::from(header[2]));
    each_attribute(attributes, |kind, value| {
        match kind {
            IFA_ADDRESS => theirs = Some(ip(value)?),
            IFA_LOCAL => ours = Some(ip(value)?),
            IFA_FLAGS => flags = number(value)?,
            _ => {}
        }
        Ok(())
    })?;
    // Without a peer IPv4 sends both attributes, equal; IPv6 only the first.
    let local = ours.or(theirs).ok_or(Malformed("address message without address"))?;
    if header[1] > bits || [ours, theirs].iter().flatten().any(|address| address.is_ipv4() != local.is_ipv4())
    {
        return Err(Malformed("address with impossible prefix"));
    }
    Ok(Some(Address {
        ifindex: number(&header[4..])?,
        local,
        prefix_len: header[1],
        peer: theirs.filter(|&theirs| theirs != local),
        flags: AddressFlags(flags),
        scope: header[3],
    }))
}

const RTA_DST: u16 = 1;
const RTA_SRC: u16 = 2;
const RTA_IIF: u16 = 3;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_MULTIPATH: u16 = 9;
const RTA_FLOW: u16 = 11;
const RTA_CACHEINFO: u16 = 12;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTA_NEWDST: u16 = 19;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_EXPIRES: u16 = 23;
pub(super) const RTA_NH_ID: u16 = 30;

/// Length of `struct rtmsg`.
const ROUTE_HEADER: usize = 12;

/// Reads routes and remembers the bodies it has seen.
#[derive(Default)]
pub(super) struct RouteReader {
    seen: FxHashMap<Box<[u8]>, Arc<RouteBody>>,
    last: Option<(Vec<u8>, Arc<RouteBody>)>,
    scratch: Vec<u8>,
    /// Tells the next hops of objects that the kernel does not spell out.
    nexthops: Arc<Nexthops>,
    /// Of the objects, when the bodies above were understood.
    generation: u64,
}

impl RouteReader {
    /// More different bodies than this are forgotten and learned again.
    const MEMORY: usize = 8192;

    /// Nothing seen yet.
    pub(super) fn new(nexthops: Arc<Nexthops>) -> RouteReader {
        RouteReader { nexthops, ..RouteReader::default() }
    }

    /// Understands a body, with the next hops of the object it points to.
    fn understand(&self) -> Decoded<RouteBody> {
        let mut body = route_body(&self.scratch)?;
        if body.nexthop_id != 0 {
            if body.hops.is_empty() && body.kind == RouteKind::Unicast {
                body.hops = self.nexthops.hops(body.nexthop_id).unwrap_or_default();
            }
            if body.protocol != PROTOCOL_BIRD {
                self.nexthops.lend(body.nexthop_id);
            }
        }
        Ok(body)
    }

    /// Reads the payload of `RTM_NEWROUTE` or `RTM_DELROUTE`. `None`: of a family we do not know.
    pub(super) fn route(&mut self, payload: &[u8]) -> Decoded<Option<KernelRoute>> {
        let (header, attributes) =
            payload.split_at_checked(ROUTE_HEADER).ok_or(Malformed("route header too short"))?;
        let &[family, dst_len, src_len, _, table, ..] = header else { return Ok(None) };
        if ![AF_INET, AF_INET6, AF_MPLS].contains(&family) {
            return Ok(None);
        }
        let (mut dst, mut src, mut label) = (None, None, None);
        let (mut table, mut metric) = (u32::from(table), 0);
        self.scratch.clear();
        self.scratch.extend_from_slice(header);
        self.scratch[1..3].fill(0);
        self.scratch[4] = 0;
        let mut list = Attributes { rest: attributes };
        for (kind, value, all) in &mut list {
            match kind {
                RTA_DST if family == AF_MPLS => label = Some(label_stack(value)),
                RTA_DST => dst = Some(ip(value)?),
                RTA_SRC => src = Some(ip(value)?),
                RTA_PRIORITY => metric = number(value)?,
                RTA_TABLE => table = number(value)?,
                RTA_CACHEINFO | RTA_EXPIRES => {}
                _ => self.scratch.extend_from_slice(all),
            }
        }
        if !list.rest.is_empty() {
            return Err(Malformed("attribute of impossible length"));
        }
        let body = self.body()?;
        let key = RouteKey {
            table,
            dst: match label.as_deref() {
                Some(&[label]) => Target::Label(label),
                Some(_) => return Err(Malformed("destination is not one label")),
                None if family == AF_MPLS => return Err(Malformed("label missing")),
                None => Target::Net(prefix(family, dst, dst_len)?),
            },
            src: source(family, src, src_len)?,
            metric,
        };
        Ok(Some(KernelRoute { key, body }))
    }

    /// The body for the bytes in `scratch`.
    fn body(&mut self) -> Decoded<Arc<RouteBody>> {
        let generation = self.nexthops.generation();
        if std::mem::replace(&mut self.generation, generation) != generation {
            self.last = None;
            self.seen.retain(|_, body| body.nexthop_id == 0);
        }
        if let Some((bytes, body)) = &self.last
            && *bytes == self.scratch
        {
            return Ok(Arc::clone(body));
        }
        let body = match self.seen.get(self.scratch.as_slice()) {
            Some(body) => Arc::clone(body),
            None => {
                let body = Arc::new(self.understand()?);
                if self.seen.len() >= Self::MEMORY {
                    self.seen.clear();
                }
                self.seen.insert(self.scratch.as_slice().into(), Arc::clone(&body));
                body
            }
        };
        let mut bytes = self.last.take().map_or_else(Vec::new, |(bytes, _)| bytes);
        std::mem::swap(&mut bytes, &mut self.scratch);
        self.last = Some((bytes, Arc::clone(&body)));
        Ok(body)
    }
}

/// A prefix of the route's family; the address is missing when the length is 0.
fn prefix(family: u8, address: Option<IpAddr>, length: u8) -> Decoded<IpNet> {
    let net = match (family, address) {
        (AF_INET, None) if length == 0 => Ok(Ipv4Net::default().into()),
        (_, None) if length == 0 => Ok(Ipv6Net::default().into()),
        (AF_INET, Some(IpAddr::V4(address))) => Ipv4Net::new(address, length).map(IpNet::V4),
        (AF_INET6, Some(IpAddr::V6(address))) => Ipv6Net::new(address, length).map(IpNet::V6),
        _ => return Err(Malformed("prefix of another family")),
    };
    net.map(|net| net.trunc()).map_err(|_| Malformed("prefix of impossible length"))
}

/// The source prefix of an IPv6 route; `::/0` is none.
fn source(family: u8, address: Option<IpAddr>, length: u8) -> Decoded<Option<Ipv6Net>> {
    if family == AF_MPLS {
        return Ok(None);
    }
    match prefix(family, address, length)? {
        IpNet::V6(net) if length != 0 => Ok(Some(net)),
        _ => Ok(None),
    }
}

/// Attributes that stand on a route or on one hop of a multipath route.
#[derive(Default)]
struct HopAttributes {
    gateway: Option<IpAddr>,
    realm: u32,
    encap_type: u16,
    labels: crate::base::nexthop::Labels,
}

impl HopAttributes {
    /// Takes the attribute if it is one of a hop. The encapsulation's type may stand behind its content, so the content
    /// is read as MPLS first and thrown away if it turns out to be something else.
    fn take(&mut self, kind: u16, value: &[u8]) -> Decoded<()> {
        match kind {
            RTA_GATEWAY => self.gateway = Some(ip(value)?),
            RTA_VIA => self.gateway = via(value)?,
            RTA_FLOW => self.realm = number(value)?,
            RTA_ENCAP_TYPE => {
                self.encap_type = read_u16(value, 0).ok_or(Malformed("encapsulation type too short"))?
            }
            RTA_ENCAP => self.labels = mpls_labels(value),
            // On a hop of an MPLS route. Such a hop has no encapsulation.
            RTA_NEWDST => (self.labels, self.encap_type) = (label_stack(value), Self::MPLS),
            _ => {}
        }
        Ok(())
    }

    const MPLS: u16 = 1;

    fn foreign_encap(&self) -> bool {
        self.encap_type != 0 && self.encap_type != Self::MPLS
    }

    fn into_hop(self, ifindex: u32, weight: u16, flags: u8) -> Hop {
        const ONLINK: u8 = 4;
        let labels = if self.encap_type == Self::MPLS { self.labels } else { Default::default() };
        let next = NextHop { gateway: self.gateway, ifindex, weight, onlink: flags & ONLINK != 0, labels };
        Hop { next, state: flags & !ONLINK }
    }
}

/// The label stack in an MPLS encapsulation; empty if it is not one.
pub(super) fn mpls_labels(encapsulation: &[u8]) -> crate::base::nexthop::Labels {
    const MPLS_IPTUNNEL_DST: u16 = 1;
    NlasIterator::new(encapsulation)
        .map_while(Result::ok)
        .filter(|attribute| attribute.kind() == MPLS_IPTUNNEL_DST)
        .flat_map(|attribute| label_stack(attribute.value()))
        .collect()
}

/// The labels of a stack.
fn label_stack(bytes: &[u8]) -> crate::base::nexthop::Labels {
    bytes.as_chunks::<4>().0.iter().map(|&entry| u32::from_be_bytes(entry) >> 12).collect()
}

/// The gateway of a family that is named; none for one of the link (MPLS over Ethernet addresses).
fn via(value: &[u8]) -> Decoded<Option<IpAddr>> {
    let family = read_u16(value, 0).ok_or(Malformed("gateway too short"))?;
    match u8::try_from(family) {
        Ok(AF_INET | AF_INET6) => ip(value.get(2..).unwrap_or_default()).map(Some),
        _ => Ok(None),
    }
}

/// Understands a body: the header (without the key's fields) and the attributes that are not part of the key.
fn route_body(bytes: &[u8]) -> Decoded<RouteBody> {
    let (header, attributes) =
        bytes.split_at_checked(ROUTE_HEADER).ok_or(Malformed("route header too short"))?;
    let flags = number(&header[8..])?;
    let mut body = RouteBody::new(RouteKind::from_number(header[7]), []);
    (body.tos, body.protocol, body.scope, body.flags) = (header[3], header[5], header[6], flags);
    let (mut single, mut oif) = (HopAttributes::default(), 0);
    each_attribute(attributes, |kind, value| {
        match kind {
            RTA_OIF => oif = number(value)?,
            RTA_IIF => body.iif = number(value)?,
            RTA_PREFSRC => body.prefsrc = Some(ip(value)?),
            RTA_NH_ID => body.nexthop_id = number(value)?,
            RTA_METRICS => body.metrics = metrics(value)?,
            RTA_MULTIPATH => multipath(value, &mut body)?,
            _ => single.take(kind, value)?,
        }
        Ok(())
    })?;
    if single.realm != 0 {
        body.realm = single.realm;
    }
    body.foreign_encap |= single.foreign_encap();
    if body.kind == RouteKind::Unicast && body.hops.is_empty() && (oif != 0 || single.gateway.is_some()) {
        body.hops.push(single.into_hop(oif, 1, flags as u8));
    }
    Ok(body)
}

/// Reads `RTA_MULTIPATH` into the body's hops; realm and foreign encapsulation go to the body.
fn multipath(mut bytes: &[u8], body: &mut RouteBody) -> Decoded<()> {
    const RTNEXTHOP: usize = 8;
    while !bytes.is_empty() {
        let length = usize::from(read_u16(bytes, 0).ok_or(Malformed("next hop too short"))?);
        let attributes = bytes.get(RTNEXTHOP..length).ok_or(Malformed("next hop of impossible length"))?;
        let (flags, hops, ifindex) = (bytes[2], bytes[3], number(&bytes[4..])?);
        let mut hop = HopAttributes::default();
        each_attribute(attributes, |kind, value| hop.take(kind, value))?;
        if hop.realm != 0 {
            body.realm = hop.realm;
        }
        body.foreign_encap |= hop.foreign_encap();
        body.hops.push(hop.into_hop(ifindex, u16::from(hops) + 1, flags));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(())
}

/// Reads `RTA_METRICS`; numbers we do not know are left out.
fn metrics(bytes: &[u8]) -> Decoded<Metrics> {
    let mut metrics = Metrics::default();
    each_attribute(bytes, |kind, value| {
        match usize::from(kind) {
            Metrics::CONGCTL => metrics.congctl = Some(text(value)),
            kind => metrics.set(kind, Some(number(value)?)),
        }
        Ok(())
    })?;
    Ok(metrics)
}
