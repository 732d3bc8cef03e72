//! Nexthop objects over netlink: the messages, and when to look.
//!
//! Requests go out of the socket of route operations, between two buffers of those, so that the filter against echoes
//! covers what the kernel says about them, too: when an object is replaced it gives notice of every route that points
//! to it. There are few objects, so they are written and read one at a time, waiting for the answer.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST};
use rustc_hash::FxHashSet;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::decode::{self, Decoded, Malformed, RTA_NH_ID, each_attribute, ip, number};
use super::encode::RTM_NEWROUTE;
use super::socket::{HEADER, Message, NLMSG_DONE, NLMSG_ERROR, Received, Socket, read_u16};
use super::writer::Writer;
use crate::base::NextHop;
use crate::sys::kernel::{Family, KernelError, KernelEvent};
use crate::sys::nexthops::{Nexthops, Object, ObjectKind, Resynced, Store, Via};

/// Multicast group of rtnetlink.
const NEXTHOP: u32 = 32;

const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEXTHOP: u16 = 104;
const RTM_DELNEXTHOP: u16 = 105;
const RTM_GETNEXTHOP: u16 = 106;

const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_GROUP_TYPE: u16 = 3;
const NHA_BLACKHOLE: u16 = 4;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_ENCAP_TYPE: u16 = 7;
const NHA_ENCAP: u16 = 8;
const NHA_FDB: u16 = 11;

const ENCAP_MPLS: u16 = 1;
const MPLS_IPTUNNEL_DST: u16 = 1;
const NESTED: u16 = 0x8000;
const ONLINK: u32 = 4;

/// Length of `struct nhmsg`.
const NEXTHOP_HEADER: usize = 8;

/// The last sequence numbers before those of route operations begin again; only to tell answers apart.
const FIRST_SEQUENCE: u32 = 0xf000_0000;

/// Flag of a dump during which the data changed.
const NLM_F_DUMP_INTR: u16 = 0x10;

/// How often a dump that was disturbed is repeated.
const ATTEMPTS: usize = 5;

/// The objects as the thread sees them.
pub(super) struct Objects {
    known: Arc<Nexthops>,
    watch: Socket,
    dumps: Socket,
    sequence: u32,
    /// Something has happened that may have touched them.
    stale: bool,
}

impl Objects {
    /// Reads what is there. `requests` is the socket that requests will go out of.
    pub(super) fn open(requests: &mut Socket) -> io::Result<Objects> {
        let watch = Socket::open(&[NEXTHOP]).or_else(|_| Socket::open(&[]))?;
        watch.ignore_echoes_of(requests.port())?;
        let (dumps, known) = (Socket::open(&[])?, Arc::default());
        let mut objects = Objects { known, watch, dumps, sequence: FIRST_SEQUENCE, stale: false };
        objects.known.clone().open(&mut objects.store(requests));
        Ok(objects)
    }

    /// Begins again with new sockets.
    pub(super) fn reopen(&mut self, requests: &mut Socket) -> io::Result<()> {
        self.watch = Socket::open(&[NEXTHOP]).or_else(|_| Socket::open(&[]))?;
        self.watch.ignore_echoes_of(requests.port())?;
        self.dumps = Socket::open(&[])?;
        self.stale = true;
        Ok(())
    }

    /// What is known about them.
    pub(super) fn known(&self) -> &Arc<Nexthops> {
        &self.known
    }

    /// The socket with notices.
    pub(super) fn watch(&self) -> &Socket {
        &self.watch
    }

    fn store<'a>(&'a mut self, requests: &'a mut Socket) -> Wire<'a> {
        Wire { requests, dumps: &mut self.dumps, sequence: &mut self.sequence }
    }

    /// There are notices: somebody else has changed an object. Which one does not matter.
    pub(super) fn heard(&mut self) -> io::Result<()> {
        while !matches!(self.watch.receive()?, Received::Nothing) {
            self.stale = true;
        }
        Ok(())
    }

    /// The next [`keep`](Self::keep) is to look.
    pub(super) fn stale(&mut self) {
        self.stale = true;
    }

    /// Looks for signs in other news: a link that loses its carrier takes its objects with it silently, and a refused
    /// route may point to an object that is no more.
    pub(super) fn notice(&mut self, events: &[KernelEvent]) {
        let missing = |error: &KernelError| {
            error.errno == libc::EINVAL
                && error.text.as_deref().is_some_and(|text| text.contains("exthop id"))
        };
        self.stale |= events.iter().any(|event| match event {
            KernelEvent::Link(_) | KernelEvent::LinkGone(_) | KernelEvent::Overrun(_) => true,
            KernelEvent::Done(answers) => answers.iter().any(|a| a.result.as_ref().is_err_and(missing)),
            _ => false,
        });
    }

    /// Compares with the kernel if that may be needed.
    pub(super) fn keep(&mut self, requests: &mut Socket, out: &mut Vec<KernelEvent>) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let known = Arc::clone(&self.known);
        match known.resync(&mut self.store(requests)) {
            Ok(Resynced { lost, changed }) => {
                if !lost.is_empty() {
                    out.push(KernelEvent::NexthopsLost(lost));
                }
                if changed {
                    out.push(KernelEvent::NexthopsChanged);
                }
            }
            Err(error) => out.push(KernelEvent::Skipped(format!("reading nexthop objects failed: {error}"))),
        }
    }

    /// Makes the objects that the operations of the window point to.
    #[allow(clippy::mutable_key_type, reason = "its identity is hashed")]
    pub(super) fn prepare(&mut self, writer: &mut Writer) {
        let mut missing: FxHashSet<Via> = FxHashSet::default();
        for op in writer.operations() {
            if let Some(via) = op.verb.body().and_then(|body| body.via.as_ref())
                && via.id() == 0
            {
                missing.insert(via.clone());
            }
        }
        let known = Arc::clone(&self.known);
        for via in missing {
            known.ensure(&via, &mut self.store(writer.socket()));
        }
    }

    /// See [`Nexthops::replace`].
    pub(super) fn replace(&mut self, requests: &mut Socket, from: &Via, to: &Via) -> Result<(), KernelError> {
        let known = Arc::clone(&self.known);
        known.replace(from, to, &mut self.store(requests))
    }

    /// See [`Nexthops::collect`].
    pub(super) fn collect(&mut self, requests: &mut Socket) {
        let known = Arc::clone(&self.known);
        known.collect(&mut self.store(requests));
    }
}

struct Wire<'a> {
    requests: &'a mut Socket,
    dumps: &'a mut Socket,
    sequence: &'a mut u32,
}

impl Store for Wire<'_> {
    fn put(&mut self, object: &Object, replace: bool) -> Result<(), KernelError> {
        let how = if replace { NLM_F_REPLACE } else { NLM_F_CREATE | NLM_F_EXCL };
        self.request(RTM_NEWNEXTHOP, how, &encode(object)?)
    }

    fn delete(&mut self, id: u32) -> Result<(), KernelError> {
        let mut payload = vec![0; NEXTHOP_HEADER];
        attribute(&mut payload, NHA_ID, &id.to_ne_bytes());
        self.request(RTM_DELNEXTHOP, 0, &payload)
    }

    fn all(&mut self) -> Result<Vec<Object>, KernelError> {
        let mut list = Vec::new();
        self.dump(RTM_GETNEXTHOP, &[0; NEXTHOP_HEADER], |first, message| {
            if first {
                list.clear();
            }
            if message.kind == RTM_NEWNEXTHOP
                && let Ok(object) = read(message.payload)
            {
                list.push(object);
            }
        })?;
        Ok(list)
    }

    fn used(&mut self) -> Result<HashSet<u32>, KernelError> {
        let mut used = HashSet::new();
        for family in [libc::AF_INET, libc::AF_INET6] {
            let mut header = [0; 12];
            header[0] = family as u8;
            self.dump(RTM_GETROUTE, &header, |_, message| {
                if message.kind != RTM_NEWROUTE {
                    return;
                }
                // What cannot be read points to nothing of ours.
                let _ = each_attribute(message.payload.get(12..).unwrap_or_default(), |kind, value| {
                    if kind == RTA_NH_ID {
                        used.insert(number(value)?);
                    }
                    Ok(())
                });
            })?;
        }
        Ok(used)
    }
}

impl Wire<'_> {
    fn message(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        *self.sequence = self.sequence.wrapping_add(1).max(FIRST_SEQUENCE);
        let length = (HEADER + payload.len()) as u32;
        let mut out = Vec::with_capacity(length as usize);
        out.extend_from_slice(&length.to_ne_bytes());
        out.extend_from_slice(&kind.to_ne_bytes());
        out.extend_from_slice(&(flags | NLM_F_REQUEST).to_ne_bytes());
        out.extend_from_slice(&self.sequence.to_ne_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(payload);
        out
    }

    fn request(&mut self, kind: u16, flags: u16, payload: &[u8]) -> Result<(), KernelError> {
        let buffer = self.message(kind, flags | NLM_F_ACK, payload);
        self.requests.send(&buffer)?;
        loop {
            wait_for_data(self.requests)?;
            let sequence = *self.sequence;
            let ours = |m: &Message<'_>| m.sequence == sequence && m.kind == NLMSG_ERROR;
            if let Some(answer) = self.requests.messages().find(ours) {
                return answer.outcome();
            }
        }
    }

    /// Calls `take` with every message, and whether it is the first of an attempt.
    fn dump(
        &mut self,
        kind: u16,
        payload: &[u8],
        mut take: impl FnMut(bool, &Message<'_>),
    ) -> Result<(), KernelError> {
        for _ in 0..ATTEMPTS {
            let buffer = self.message(kind, NLM_F_DUMP, payload);
            self.dumps.send(&buffer)?;
            let (mut disturbed, mut first, mut ended) = (false, true, None);
            while ended.is_none() {
                wait_for_data(self.dumps)?;
                for message in self.dumps.messages().filter(|message| message.sequence == *self.sequence) {
                    disturbed |= message.flags & NLM_F_DUMP_INTR != 0;
                    if message.kind == NLMSG_DONE || message.kind == NLMSG_ERROR {
                        ended = Some(message.outcome());
                    } else {
                        take(first, &message);
                        first = false;
                    }
                }
            }
            match ended {
                Some(Err(error)) if error.errno != libc::EINTR => return Err(error),
                Some(Ok(())) if !disturbed => return Ok(()),
                _ => {}
            }
        }
        Err(KernelError::new(libc::EINTR))
    }
}

/// Waits for a datagram. The kernel answers within the request, so this is not for long.
fn wait_for_data(socket: &mut Socket) -> Result<(), KernelError> {
    loop {
        match socket.receive()? {
            Received::Data => return Ok(()),
            Received::Foreign => {}
            Received::Overrun => return Err(KernelError::new(libc::ENOBUFS)),
            Received::Nothing => {
                let patience = Timespec { tv_sec: 5, tv_nsec: 0 };
                let ready = poll(&mut [PollFd::new(&*socket, PollFlags::IN)], Some(&patience));
                match ready.map_err(io::Error::from) {
                    Ok(0) => return Err(KernelError::new(libc::ETIMEDOUT)),
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
                    _ => {}
                }
            }
        }
    }
}

fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&((4 + value.len()) as u16).to_ne_bytes());
    out.extend_from_slice(&kind.to_ne_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The payload of a request that makes this object.
pub(super) fn encode(object: &Object) -> Result<Vec<u8>, KernelError> {
    let mut out = vec![0; NEXTHOP_HEADER];
    out[2] = object.protocol;
    attribute(&mut out, NHA_ID, &object.id.to_ne_bytes());
    match &object.kind {
        ObjectKind::Hop(family, hop) => {
            out[0] = match family {
                Family::V4 => libc::AF_INET,
                Family::V6 => libc::AF_INET6,
                // Labels are switched by routes of their own.
                Family::Mpls => return Err(KernelError::new(libc::EOPNOTSUPP)),
            } as u8;
            let flags = if hop.onlink { ONLINK } else { 0 };
            out[4..8].copy_from_slice(&flags.to_ne_bytes());
            attribute(&mut out, NHA_OIF, &hop.ifindex.to_ne_bytes());
            match hop.gateway {
                Some(std::net::IpAddr::V4(gateway)) => attribute(&mut out, NHA_GATEWAY, &gateway.octets()),
                Some(std::net::IpAddr::V6(gateway)) => attribute(&mut out, NHA_GATEWAY, &gateway.octets()),
                None => {}
            }
            if let Some((last, rest)) = hop.labels.split_last() {
                let stack: Vec<u8> = rest
                    .iter()
                    .map(|label| label << 12)
                    .chain([last << 12 | 1 << 8])
                    .flat_map(u32::to_be_bytes)
                    .collect();
                let mut tunnel = Vec::new();
                attribute(&mut tunnel, MPLS_IPTUNNEL_DST, &stack);
                attribute(&mut out, NHA_ENCAP_TYPE, &ENCAP_MPLS.to_ne_bytes());
                attribute(&mut out, NHA_ENCAP | NESTED, &tunnel);
            }
        }
        ObjectKind::Group(members) => {
            let entry = |(id, weight): &(u32, u16)| {
                // The high byte is one that older kernels want to be zero.
                let [low, high] = weight.saturating_sub(1).to_le_bytes();
                let [a, b, c, d] = id.to_ne_bytes();
                [a, b, c, d, low, high, 0, 0]
            };
            let list: Vec<u8> = members.iter().flat_map(entry).collect();
            attribute(&mut out, NHA_GROUP, &list);
        }
        ObjectKind::Other => return Err(KernelError::new(libc::EOPNOTSUPP)),
    }
    Ok(out)
}

/// Reads the payload of `RTM_NEWNEXTHOP`.
pub(super) fn read(payload: &[u8]) -> Decoded<Object> {
    let (header, attributes) =
        payload.split_at_checked(NEXTHOP_HEADER).ok_or(Malformed("nexthop header too short"))?;
    let (mut id, mut group, mut other, mut encap) = (0, None, false, 0);
    let mut hop = NextHop::new(None, 0);
    hop.onlink = number(&header[4..])? & ONLINK != 0;
    each_attribute(attributes, |kind, value| {
        match kind & !NESTED {
            NHA_ID => id = number(value)?,
            NHA_GROUP => {
                let entry = |e: &[u8; 8]| {
                    let id = u32::from_ne_bytes([e[0], e[1], e[2], e[3]]);
                    (id, u16::from_le_bytes([e[4], e[5]]).saturating_add(1))
                };
                group = Some(value.as_chunks::<8>().0.iter().map(entry).collect());
            }
            NHA_GROUP_TYPE => other |= read_u16(value, 0).unwrap_or_default() != 0,
            NHA_BLACKHOLE | NHA_FDB => other = true,
            NHA_OIF => hop.ifindex = number(value)?,
            NHA_GATEWAY => hop.gateway = Some(ip(value)?),
            NHA_ENCAP_TYPE => encap = read_u16(value, 0).unwrap_or_default(),
            NHA_ENCAP => hop.labels = decode::mpls_labels(value),
            _ => {}
        }
        Ok(())
    })?;
    if id == 0 {
        return Err(Malformed("nexthop without number"));
    }
    let family = if i32::from(header[0]) == libc::AF_INET6 { Family::V6 } else { Family::V4 };
    let kind = match group {
        _ if other || encap != 0 && encap != ENCAP_MPLS => ObjectKind::Other,
        Some(members) => ObjectKind::Group(members),
        None => ObjectKind::Hop(family, hop),
    };
    Ok(Object { id, protocol: header[2], kind })
}
