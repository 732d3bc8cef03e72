//! Network interfaces and their addresses, as the kernel tells of them.

use std::fmt;
use std::net::IpAddr;

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The kernel's number, never 0.
    pub index: u32,
    /// The name, unique at any one time.
    pub name: Box<str>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// The kernel's flags (`IFF_*`).
    pub flags: LinkFlags,
    /// The bridge, bond or VRF this one is part of.
    pub master: Option<u32>,
    /// The driver's kind: `veth`, `dummy`, `vrf`, `bridge` ...; none for hardware.
    pub kind: Option<Box<str>>,
}

/// Flags of a link, in the kernel's numbering.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkFlags(pub u32);

#[allow(missing_docs, reason = "the names of netdevice(7)")]
impl LinkFlags {
    pub const UP: u32 = 1;
    pub const BROADCAST: u32 = 2;
    pub const LOOPBACK: u32 = 8;
    pub const POINT_TO_POINT: u32 = 0x10;
    pub const RUNNING: u32 = 0x40;
    pub const NO_ARP: u32 = 0x80;
    pub const MULTICAST: u32 = 0x1000;
    pub const LOWER_UP: u32 = 0x1_0000;

    /// Administratively up.
    pub fn up(self) -> bool {
        self.0 & Self::UP != 0
    }
    /// Has a carrier (operational).
    pub fn running(self) -> bool {
        self.0 & Self::RUNNING != 0
    }
    pub fn loopback(self) -> bool {
        self.0 & Self::LOOPBACK != 0
    }
    pub fn broadcast(self) -> bool {
        self.0 & Self::BROADCAST != 0
    }
    pub fn multicast(self) -> bool {
        self.0 & Self::MULTICAST != 0
    }
    pub fn point_to_point(self) -> bool {
        self.0 & Self::POINT_TO_POINT != 0
    }
}

impl fmt::Debug for LinkFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// An address of an interface.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Address {
    /// The interface.
    pub ifindex: u32,
    /// Our own address.
    pub local: IpAddr,
    /// Length of the on-link prefix.
    pub prefix_len: u8,
    /// The other end, where it differs from `local`; `prefix_len` then counts from it.
    pub peer: Option<IpAddr>,
    /// The kernel's flags.
    pub flags: AddressFlags,
    /// The kernel's scope (0 universe, 253 link, 254 host).
    pub scope: u8,
}

/// Flags of an address, in the kernel's numbering (`IFA_F_*`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AddressFlags(pub u32);

impl AddressFlags {
    /// Not the first address of its net on the interface (IPv6: a temporary address).
    pub fn secondary(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// Duplicate detection found another owner.
    pub fn dad_failed(self) -> bool {
        self.0 & 0x08 != 0
    }
    /// Duplicate detection is still running, so the address cannot be used.
    pub fn tentative(self) -> bool {
        self.0 & 0x40 != 0
    }
}

impl fmt::Debug for AddressFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
