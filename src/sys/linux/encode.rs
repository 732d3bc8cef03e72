//! Writes requests. The crate's message types define the encoding; a request is built with them once per
//! (verb, table, metric, body) and then patched with sequence number and prefix for each route.

use std::net::IpAddr;
use std::sync::Arc;

use netlink_packet_core::{
    DefaultNla, Emitable, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkExtentMask, LinkMessage};
use netlink_packet_route::route::{
    MplsLabel, RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteLwEnCapType, RouteLwTunnelEncap,
    RouteMessage, RouteMetric, RouteMplsIpTunnel, RouteNextHop, RouteNextHopFlags, RouteRealm,
};

use super::decode::RTA_NH_ID;
use super::socket::HEADER;
use crate::base::{IpNet, NextHop};
use crate::sys::kernel::{
    Family, Hop, Metrics, PROTOCOL_BIRD, RouteBody, RouteKey, RouteKind, RouteOp, RouteVerb, SCOPE_NOWHERE,
    SCOPE_UNIVERSE, Target,
};

/// Message types of rtnetlink.
pub(super) const RTM_NEWLINK: u16 = 16;
pub(super) const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
pub(super) const RTM_NEWADDR: u16 = 20;
pub(super) const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
pub(super) const RTM_NEWROUTE: u16 = 24;
pub(super) const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;

/// Appends one request.
pub(super) fn request(out: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, message: &impl Emitable) {
    let (start, length) = (out.len(), HEADER + message.buffer_len());
    out.resize((start + length).next_multiple_of(4), 0);
    let bytes = &mut out[start..];
    bytes[0..4].copy_from_slice(&(length as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
    bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
    message.emit(&mut bytes[HEADER..length]);
}

/// A request for all links, without their counters.
pub(super) fn dump_links(sequence: u32) -> Vec<u8> {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]));
    dump(RTM_GETLINK, sequence, &message)
}

/// A request for all addresses.
pub(super) fn dump_addresses(sequence: u32) -> Vec<u8> {
    dump(RTM_GETADDR, sequence, &AddressMessage::default())
}

/// A request for the routes of one table. A kernel without strict checking ignores the table.
/// Without a table: of all.
pub(super) fn dump_routes(sequence: u32, family: Family, table: Option<u32>) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = address_family(family);
    message.attributes.extend(table.map(RouteAttribute::Table));
    dump(RTM_GETROUTE, sequence, &message)
}

fn dump(kind: u16, sequence: u32, message: &impl Emitable) -> Vec<u8> {
    let mut out = Vec::new();
    request(&mut out, kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, message);
    out
}

/// Sets the ACK flag of the request that starts at `start`.
pub(super) fn want_ack(buffer: &mut [u8], start: usize) {
    if let Some(flags) = buffer[start + 6..].first_chunk_mut() {
        *flags = (u16::from_ne_bytes(*flags) | NLM_F_ACK).to_ne_bytes();
    }
}

/// What two operations must share to be written from one template.
#[derive(PartialEq, Eq, Clone, Copy)]
struct Shape {
    verb: u8,
    family: Family,
    table: u32,
    metric: u32,
    source_specific: bool,
    /// An object may come or go while the body stays.
    object: u32,
}

impl Shape {
    fn of(op: &RouteOp) -> Shape {
        let verb = match op.verb {
            RouteVerb::Add(_) => 0,
            RouteVerb::Replace(_) => 1,
            RouteVerb::Delete => 2,
        };
        let RouteKey { table, metric, .. } = op.key;
        let (family, source_specific) = (Family::of(&op.key.dst), op.key.src.is_some());
        let object = op.verb.body().map_or(0, |body| body.object());
        Shape { verb, family, table, metric, source_specific, object }
    }
}

/// Writes route operations; neighbours in the queue that differ in nothing but the prefix share the work.
#[derive(Default)]
pub(super) struct RouteEncoder {
    last: Option<(Shape, Option<Arc<RouteBody>>)>,
    template: Vec<u8>,
}

impl RouteEncoder {
    /// Appends the request for one operation.
    pub(super) fn append(&mut self, op: &RouteOp, sequence: u32, out: &mut Vec<u8>) {
        let (shape, body) = (Shape::of(op), op.verb.body());
        let same = |(last, with): &(Shape, Option<Arc<RouteBody>>)| {
            *last == shape && with.as_ref().map(Arc::as_ptr) == body.map(Arc::as_ptr)
        };
        if !self.last.as_ref().is_some_and(same) {
            self.template.clear();
            let (kind, flags) = match op.verb {
                RouteVerb::Add(_) => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL),
                RouteVerb::Replace(_) => (RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE),
                RouteVerb::Delete => (RTM_DELROUTE, 0),
            };
            request(&mut self.template, kind, NLM_F_REQUEST | flags, 0, &route_message(&op.key, body));
            // Holding the body keeps its address from being used for another one.
            self.last = Some((shape, body.cloned()));
        }
        let start = out.len();
        out.extend_from_slice(&self.template);
        patch(&mut out[start..], &op.key, sequence);
    }
}

/// Offset of the destination's length in a route request, and of the first attribute's value.
const DST_LEN: usize = HEADER + 1;
const FIRST_VALUE: usize = HEADER + 12 + 4;

/// Makes a copy of a template the request for another prefix. The template has the destination as its first attribute
/// and the source prefix, if any, as its second.
fn patch(request: &mut [u8], key: &RouteKey, sequence: u32) {
    request[8..12].copy_from_slice(&sequence.to_ne_bytes());
    match key.dst {
        Target::Net(net) => {
            request[DST_LEN] = net.prefix_len();
            match net {
                IpNet::V4(net) => request[FIRST_VALUE..][..4].copy_from_slice(&net.addr().octets()),
                IpNet::V6(net) => request[FIRST_VALUE..][..16].copy_from_slice(&net.addr().octets()),
            }
        }
        // The length of a label is always the same.
        Target::Label(label) => {
            let entry = u32::from(stack_entry(label, true));
            request[FIRST_VALUE..][..4].copy_from_slice(&entry.to_be_bytes());
        }
    }
    if let Some(src) = key.src {
        request[DST_LEN + 1] = src.prefix_len();
        request[FIRST_VALUE + 16 + 4..][..16].copy_from_slice(&src.addr().octets());
    }
}

fn address_family(family: Family) -> AddressFamily {
    match family {
        Family::V4 => AddressFamily::Inet,
        Family::V6 => AddressFamily::Inet6,
        Family::Mpls => AddressFamily::Mpls,
    }
}

/// The complete request for one route; without a body it is a deletion, which names nothing but the key.
fn route_message(key: &RouteKey, body: Option<&Arc<RouteBody>>) -> RouteMessage {
    let mut message = RouteMessage::default();
    let header = &mut message.header;
    let family = Family::of(&key.dst);
    header.address_family = address_family(family);
    header.protocol = body.map_or(PROTOCOL_BIRD, |body| body.protocol).into();
    header.scope = body.map_or(SCOPE_NOWHERE, |body| body.scope).into();

    let attributes = &mut message.attributes;
    match key.dst {
        Target::Net(net) => {
            header.destination_prefix_length = net.prefix_len();
            attributes.push(RouteAttribute::Destination(net.addr().into()));
        }
        Target::Label(label) => {
            header.destination_prefix_length = LABEL_BITS;
            attributes.push(RouteAttribute::Destination(stack_entry(label, true).into()));
            // Even a deletion names scope and type, or is refused.
            header.scope = SCOPE_UNIVERSE.into();
            header.kind = RouteKind::Unicast.number().into();
        }
    }
    if let Some(src) = key.src {
        header.source_prefix_length = src.prefix_len();
        attributes.push(RouteAttribute::Source(src.addr().into()));
    }
    match u8::try_from(key.table) {
        Ok(table) => header.table = table,
        Err(_) => {
            header.table = RouteHeader::RT_TABLE_UNSPEC;
            attributes.push(RouteAttribute::Table(key.table));
        }
    }
    if key.metric != 0 {
        attributes.push(RouteAttribute::Priority(key.metric));
    }
    if let Some(body) = body {
        header.kind = body.kind.number().into();
        header.tos = body.tos;
        write_body(family, header, attributes, body);
    }
    message
}

fn write_body(
    family: Family,
    header: &mut RouteHeader,
    attributes: &mut Vec<RouteAttribute>,
    body: &RouteBody,
) {
    attributes.extend(body.prefsrc.map(|address| RouteAttribute::PrefSource(address.into())));
    if !body.metrics.is_empty() {
        attributes.push(RouteAttribute::Metrics(metrics(&body.metrics)));
    }
    let object = body.object();
    match body.hops.as_slice() {
        _ if body.kind != RouteKind::Unicast => attributes.extend(realm(body)),
        // The kernel has no source-specific routes to objects.
        _ if object != 0 && header.source_prefix_length == 0 => {
            attributes.push(RouteAttribute::Other(DefaultNla::new(RTA_NH_ID, object.to_ne_bytes().to_vec())));
        }
        [] => attributes.extend(realm(body)),
        [only] => {
            header.flags.set(RouteFlags::Onlink, only.next.onlink);
            attributes.extend(realm(body));
            if only.next.ifindex != 0 {
                attributes.push(RouteAttribute::Oif(only.next.ifindex));
            }
            hop_attributes(&only.next, family, attributes);
        }
        // The kernel keeps realms per next hop.
        hops => attributes.push(RouteAttribute::MultiPath(
            hops.iter().map(|hop| multipath_hop(hop, family, realm(body))).collect(),
        )),
    }
}

fn realm(body: &RouteBody) -> Option<RouteAttribute> {
    let (source, destination) = ((body.realm >> 16) as u16, body.realm as u16);
    (body.realm != 0).then_some(RouteAttribute::Realm(RouteRealm { source, destination }))
}

fn multipath_hop(hop: &Hop, family: Family, realm: Option<RouteAttribute>) -> RouteNextHop {
    let mut out = RouteNextHop::default();
    out.flags.set(RouteNextHopFlags::Onlink, hop.next.onlink);
    out.hops = u8::try_from(hop.next.weight.saturating_sub(1)).unwrap_or(u8::MAX);
    out.interface_index = hop.next.ifindex;
    hop_attributes(&hop.next, family, &mut out.attributes);
    out.attributes.extend(realm);
    out
}

/// Gateway (in the attribute that its family needs) and labels: those of an IP route wrap the packet, those of an MPLS
/// route take the place of its label.
fn hop_attributes(hop: &NextHop, family: Family, attributes: &mut Vec<RouteAttribute>) {
    match (hop.gateway, family) {
        (Some(IpAddr::V4(gateway)), Family::V4) => {
            attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        }
        (Some(IpAddr::V6(gateway)), Family::V6) => {
            attributes.push(RouteAttribute::Gateway(RouteAddress::Inet6(gateway)));
        }
        (Some(IpAddr::V4(gateway)), _) => attributes.push(RouteAttribute::Via(gateway.into())),
        (Some(IpAddr::V6(gateway)), _) => attributes.push(RouteAttribute::Via(gateway.into())),
        (None, _) => {}
    }
    let Some(last) = hop.labels.len().checked_sub(1) else { return };
    let stack = hop.labels.iter().enumerate().map(|(at, label)| stack_entry(*label, at == last)).collect();
    if family == Family::Mpls {
        attributes.push(RouteAttribute::NewDestination(stack));
    } else {
        let stack = RouteMplsIpTunnel::Destination(stack);
        attributes.push(RouteAttribute::EncapType(RouteLwEnCapType::Mpls));
        attributes.push(RouteAttribute::Encap(vec![RouteLwTunnelEncap::Mpls(stack)]));
    }
}

/// Bits of a label, which an MPLS route gives as the length of its destination.
const LABEL_BITS: u8 = 20;

/// A label as it stands in a stack.
fn stack_entry(label: u32, bottom_of_stack: bool) -> MplsLabel {
    MplsLabel { label, traffic_class: 0, bottom_of_stack, ttl: 0 }
}

fn metrics(metrics: &Metrics) -> Vec<RouteMetric> {
    let number = |(number, value): (usize, u32)| {
        RouteMetric::Other(DefaultNla::new(number as u16, value.to_ne_bytes().to_vec()))
    };
    let congctl = metrics.congctl.as_deref().map(|name| RouteMetric::CcAlgo(name.to_owned()));
    metrics.iter().map(number).chain(congctl).collect()
}
