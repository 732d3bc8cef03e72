//! `show interfaces [summary]`.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::net::Scope;

/// One interface, in the order of the engine's list.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the flags line")]
pub struct InterfaceView {
    pub name: Arc<str>,
    pub index: u32,
    /// Usable as a whole (`up` behind the name).
    pub up: bool,
    /// The master: its name, or its index when it is not known.
    pub master: Option<Result<Arc<str>, u32>>,
    pub multi_access: bool,
    pub broadcast: bool,
    pub multicast: bool,
    pub admin_up: bool,
    pub link_up: bool,
    pub loopback: bool,
    pub ignored: bool,
    pub mtu: u32,
    /// IPv4 before IPv6; within a family the preferred one of the summary is marked.
    pub addresses: Vec<AddressView>,
}

/// One address of an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressView {
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub length: u8,
    /// The first choice of its family (or of link-local addresses).
    pub preferred: bool,
    /// Another address of the same net came first.
    pub secondary: bool,
    /// The other end.
    pub opposite: Option<IpAddr>,
    /// How far it reaches.
    pub scope: Scope,
}
