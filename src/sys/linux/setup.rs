//! Makes links and addresses, one acknowledged request at a time. For sandboxes and tests only: a routing daemon leaves
//! the links of a real network alone.

use std::io;
use std::net::IpAddr;

use netlink_packet_core::{Emitable, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, InfoVrf, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily as SocketFamily, SocketType, netdevice::name_to_index};

use super::encode::{RTM_DELLINK, RTM_NEWADDR, RTM_NEWLINK, request};
use super::socket::{NLMSG_ERROR, Received, Socket};
use crate::base::IpNet;
use crate::sys::kernel::KernelError;

const RTM_SETLINK: u16 = 19;

/// A socket for setting up a network namespace.
pub struct Setup {
    socket: Socket,
    sequence: u32,
}

impl Setup {
    /// Opens it in the namespace of the calling thread.
    pub fn open() -> Result<Setup, KernelError> {
        let socket = Socket::open(&[])?;
        socket.acknowledge()?;
        Ok(Setup { socket, sequence: 0 })
    }

    /// Makes a pair of connected Ethernet interfaces.
    pub fn add_veth(&mut self, name: &str, peer: &str) -> Result<(), KernelError> {
        let peer = InfoData::Veth(InfoVeth::Peer(named(peer)));
        self.add_link(name, InfoKind::Veth, Some(peer))
    }

    /// Makes an interface that takes every packet and drops it.
    pub fn add_dummy(&mut self, name: &str) -> Result<(), KernelError> {
        self.add_link(name, InfoKind::Dummy, None)
    }

    /// Makes a VRF whose routes live in `table`.
    pub fn add_vrf(&mut self, name: &str, table: u32) -> Result<(), KernelError> {
        self.add_link(name, InfoKind::Vrf, Some(InfoData::Vrf(vec![InfoVrf::TableId(table)])))
    }

    fn add_link(&mut self, name: &str, kind: InfoKind, data: Option<InfoData>) -> Result<(), KernelError> {
        let mut message = named(name);
        let info = std::iter::once(LinkInfo::Kind(kind)).chain(data.map(LinkInfo::Data)).collect();
        message.attributes.push(LinkAttribute::LinkInfo(info));
        self.request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &message)
    }

    /// Removes an interface.
    pub fn remove_link(&mut self, name: &str) -> Result<(), KernelError> {
        self.request(RTM_DELLINK, 0, &named(name))
    }

    /// Sets an interface up or down.
    pub fn set_up(&mut self, name: &str, up: bool) -> Result<(), KernelError> {
        let mut message = named(name);
        message.header.flags.set(LinkFlags::Up, up);
        message.header.change_mask = LinkFlags::Up;
        self.request(RTM_SETLINK, 0, &message)
    }

    /// Makes an interface part of another.
    pub fn set_master(&mut self, name: &str, master: &str) -> Result<(), KernelError> {
        let mut message = named(name);
        message.attributes.push(LinkAttribute::Controller(index_of(master)?));
        self.request(RTM_SETLINK, 0, &message)
    }

    /// Gives an interface an address; without duplicate detection, so that it can be used at once.
    pub fn add_address(&mut self, name: &str, address: IpNet) -> Result<(), KernelError> {
        let mut message = AddressMessage::default();
        message.header.index = index_of(name)?;
        message.header.prefix_len = address.prefix_len();
        message.header.family = match address {
            IpNet::V4(_) => AddressFamily::Inet,
            IpNet::V6(_) => AddressFamily::Inet6,
        };
        message.attributes.push(AddressAttribute::Local(address.addr()));
        message.attributes.push(AddressAttribute::Address(address.addr()));
        if let (IpNet::V4(net), IpAddr::V4(broadcast)) = (address, address.broadcast())
            && net.prefix_len() < 31
        {
            message.attributes.push(AddressAttribute::Broadcast(broadcast));
        }
        if let IpNet::V6(_) = address {
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
        self.request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &message)
    }

    fn request(&mut self, kind: u16, flags: u16, message: &impl Emitable) -> Result<(), KernelError> {
        self.sequence += 1;
        let mut buffer = Vec::new();
        request(&mut buffer, kind, NLM_F_REQUEST | NLM_F_ACK | flags, self.sequence, message);
        self.socket.send(&buffer)?;
        loop {
            match self.socket.receive()? {
                Received::Data => {}
                Received::Nothing => {
                    poll(&mut [PollFd::new(&self.socket, PollFlags::IN)], None).map_err(io::Error::from)?;
                    continue;
                }
                Received::Foreign => continue,
                Received::Overrun => return Err(KernelError::new(libc::ENOBUFS)),
            }
            let ours = |m: &super::socket::Message<'_>| m.sequence == self.sequence && m.kind == NLMSG_ERROR;
            if let Some(answer) = self.socket.messages().find(ours) {
                return answer.outcome();
            }
        }
    }
}

/// The kernel's number of an interface.
pub fn index_of(name: &str) -> Result<u32, KernelError> {
    let socket = rustix::net::socket(SocketFamily::INET, SocketType::DGRAM, None).map_err(io::Error::from)?;
    Ok(name_to_index(&socket, name).map_err(io::Error::from)?)
}

fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.to_owned()));
    message
}
