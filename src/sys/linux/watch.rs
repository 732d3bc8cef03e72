//! Listens for notices of one class.

use std::io;
use std::sync::Arc;

use super::decode::{self, Malformed, RouteReader};
use super::encode::{RTM_DELADDR, RTM_DELLINK, RTM_DELROUTE, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE};
use super::socket::{Message, Received, Socket};
use crate::sys::kernel::{KernelEvent, NoticeClass};
use crate::sys::nexthops::Nexthops;

/// Multicast groups of rtnetlink.
const LINK: u32 = 1;
const IPV4_ADDRESS: u32 = 5;
const IPV4_ROUTE: u32 = 7;
const IPV6_ADDRESS: u32 = 9;
const IPV6_ROUTE: u32 = 11;
const MPLS_ROUTE: u32 = 27;

/// Receive buffer until somebody asks for another: about 8,000 notices.
const RECEIVE_BUFFER: usize = 4 << 20;

/// Datagrams read in one step.
const STEP: usize = 64;

/// The socket of one class of notices. Each class has its own, so that a storm of routes cannot push out the news that
/// a link went down.
pub(super) struct Watch {
    socket: Socket,
    class: NoticeClass,
    reader: RouteReader,
}

fn open_socket(class: NoticeClass, own: u32) -> io::Result<Socket> {
    let groups: &[u32] = match class {
        NoticeClass::Interfaces => &[LINK, IPV4_ADDRESS, IPV6_ADDRESS],
        NoticeClass::Routes => &[IPV4_ROUTE, IPV6_ROUTE, MPLS_ROUTE],
    };
    let socket = Socket::open(groups)?;
    socket.set_receive_buffer(RECEIVE_BUFFER)?;
    if class == NoticeClass::Routes {
        socket.ignore_echoes_of(own)?;
    }
    Ok(socket)
}

impl Watch {
    /// Listens from now on. What happens because of requests of the port `own` is not reported for routes: those are
    /// answered one by one already.
    pub(super) fn open(class: NoticeClass, own: u32, nexthops: Arc<Nexthops>) -> io::Result<Watch> {
        Ok(Watch { socket: open_socket(class, own)?, class, reader: RouteReader::new(nexthops) })
    }

    /// Begins again with a new socket.
    pub(super) fn reopen(&mut self, own: u32) -> io::Result<()> {
        self.socket = open_socket(self.class, own)?;
        Ok(())
    }

    /// The descriptor to wait for.
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Reads what is there, up to a limit.
    pub(super) fn step(&mut self, out: &mut Vec<KernelEvent>) -> io::Result<()> {
        for _ in 0..STEP {
            match self.socket.receive()? {
                Received::Nothing => break,
                Received::Foreign => {}
                Received::Overrun => out.push(KernelEvent::Overrun(self.class)),
                Received::Data => {
                    for message in self.socket.messages() {
                        match notice(&message, &mut self.reader) {
                            Ok(event) => out.extend(event),
                            Err(Malformed(why)) => {
                                out.push(KernelEvent::Skipped(format!("Netlink: {why} in a notice")));
                            }
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn notice(message: &Message<'_>, reader: &mut RouteReader) -> Result<Option<KernelEvent>, Malformed> {
    let payload = message.payload;
    Ok(match message.kind {
        RTM_NEWLINK => decode::link(payload)?.map(KernelEvent::Link),
        RTM_DELLINK => decode::link(payload)?.map(|link| KernelEvent::LinkGone(link.index)),
        RTM_NEWADDR => decode::address(payload)?.map(KernelEvent::Address),
        RTM_DELADDR => decode::address(payload)?.map(KernelEvent::AddressGone),
        RTM_NEWROUTE => reader.route(payload)?.map(KernelEvent::Route),
        RTM_DELROUTE => reader.route(payload)?.map(KernelEvent::RouteGone),
        _ => None,
    })
}
