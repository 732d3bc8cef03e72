//! Questions about interfaces: which gateway is reachable where, which interface belongs to which VRF, which
//! address may be a router id.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rustc_hash::FxHashMap;

use super::{Iface, IfaceAddr, Ifaces};
use crate::base::IpNet;
use crate::base::net::{AddressKind, Scope, classify, contains, ipv4_number, truncate};
use crate::config::Vrf;

/// A reachable gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Neighbor {
    /// Over this interface.
    pub ifindex: u32,
    /// It is one of our own addresses.
    pub own: bool,
}

/// Masters of masters: a port of a bridge in a VRF. Deeper nesting than this does not occur.
const MASTER_DEPTH: usize = 8;

impl Ifaces {
    /// The interface over which `gateway` can be reached: the longest covering prefix of an up interface
    /// (limited to `only`), own addresses first. Network and broadcast addresses of IPv4 prefixes shorter
    /// than /31 cannot, nor can loopback, multicast and invalid ones; link-local ones only over a given
    /// interface.
    pub fn neighbor(&self, gateway: IpAddr, only: Option<u32>) -> Option<Neighbor> {
        self.neighbor_in(gateway, only, &Vrf::Any)
    }

    /// The same within the interfaces of a VRF.
    pub fn neighbor_in(&self, gateway: IpAddr, only: Option<u32>, vrf: &Vrf) -> Option<Neighbor> {
        if !can_be_gateway(gateway, only.is_some()) {
            return None;
        }
        let (mut best, mut own): (Option<(u8, u32)>, Option<u32>) = (None, None);
        let mut look = |iface: &Iface| {
            let index = iface.link.index;
            if own.is_none() && iface.addrs.iter().any(|a| a.ip == gateway) {
                own = Some(index);
            }
            if !iface.up {
                return;
            }
            for a in iface.addrs.iter().filter(|a| covers(a, gateway)) {
                if best.is_none_or(|(len, _)| a.prefix.prefix_len() > len) {
                    best = Some((a.prefix.prefix_len(), index));
                }
            }
        };
        match only {
            Some(index) => self.get(index).into_iter().for_each(&mut look),
            None => self.iter().filter(|i| self.in_vrf(i, vrf)).for_each(&mut look),
        }
        match (own, best) {
            (Some(ifindex), _) => Some(Neighbor { ifindex, own: true }),
            (None, Some((_, ifindex))) => Some(Neighbor { ifindex, own: false }),
            (None, None) => None,
        }
    }

    /// The same questions for many gateways at once, where looking at every address for each of them would
    /// take too long.
    pub fn near<'a>(&'a self, vrf: &'a Vrf) -> Near<'a> {
        let mut near = Near::empty(self, vrf);
        for iface in self.iter() {
            near.names.entry(&iface.name).or_insert(iface);
            if !self.in_vrf(iface, vrf) {
                continue;
            }
            let index = iface.link.index;
            for a in &iface.addrs {
                near.own.entry(a.ip).or_insert(index);
                if iface.up {
                    near.nets.entry(a.prefix).or_insert(index);
                    near.lengths.insert((a.ip.is_ipv4(), a.prefix.prefix_len()));
                }
            }
        }
        near
    }

    /// Whether an interface belongs to a VRF: its device, or one whose master is, directly or through a bridge.
    pub fn in_vrf(&self, iface: &Iface, vrf: &Vrf) -> bool {
        match vrf {
            Vrf::Any => true,
            Vrf::Default => self.vrf_of(iface).is_none(),
            Vrf::Named(name) => self.vrf_of(iface).is_some_and(|v| v.name == *name),
        }
    }

    /// The VRF device above an interface, or the interface itself if it is one.
    pub fn vrf_of<'a>(&'a self, iface: &'a Iface) -> Option<&'a Iface> {
        std::iter::successors(Some(iface), |i| self.get(i.link.master?))
            .take(MASTER_DEPTH)
            .find(|i| i.link.kind.as_deref() == Some("vrf"))
    }

    /// Where a gateway written by a filter leads: with `onlink` over the interface `only` if that is up, else
    /// over the one (`only` this one, if given) that reaches it as a neighbour that is not ourselves.
    pub fn filter_gateway(&self, gateway: IpAddr, only: Option<u32>, onlink: bool) -> Option<u32> {
        match only.filter(|_| onlink) {
            Some(index) => self.get(index).filter(|i| i.up).map(|i| i.link.index),
            None => self.neighbor_in(gateway, only, &Vrf::Any).filter(|n| !n.own).map(|n| n.ifindex),
        }
    }

    /// The lowest usable IPv4 address, for the router id: of interfaces that are up, not secondary, scope above link.
    pub fn lowest_ipv4(&self, accept: impl Fn(&Iface, &IfaceAddr) -> bool) -> Option<u32> {
        self.iter()
            .filter(|i| i.up)
            .flat_map(|i| i.addrs.iter().map(move |a| (i, a)))
            .filter(|(i, a)| !a.secondary && a.scope > Scope::Link && accept(i, a))
            .filter_map(|(_, a)| ipv4_number(a.ip))
            .min()
    }
}

/// Interfaces of a VRF, ordered for many questions.
pub struct Near<'a> {
    ifaces: &'a Ifaces,
    vrf: &'a Vrf,
    names: FxHashMap<&'a str, &'a Iface>,
    own: FxHashMap<IpAddr, u32>,
    nets: FxHashMap<IpNet, u32>,
    lengths: BTreeSet<(bool, u8)>,
}

impl<'a> Near<'a> {
    fn empty(ifaces: &'a Ifaces, vrf: &'a Vrf) -> Near<'a> {
        let (names, own, nets) = Default::default();
        Near { ifaces, vrf, names, own, nets, lengths: BTreeSet::new() }
    }

    /// The interface of this name. Who names one may mean to leave the VRF.
    pub fn by_name(&self, name: &str) -> Option<&'a Iface> {
        self.names.get(name).copied()
    }

    /// [`Ifaces::neighbor_in`].
    pub fn neighbor(&self, gateway: IpAddr, only: Option<u32>) -> Option<Neighbor> {
        if only.is_some() {
            return self.ifaces.neighbor_in(gateway, only, self.vrf);
        }
        if !can_be_gateway(gateway, false) {
            return None;
        }
        if let Some(ifindex) = self.own.get(&gateway) {
            return Some(Neighbor { ifindex: *ifindex, own: true });
        }
        let four = gateway.is_ipv4();
        self.lengths.range((four, 0)..=(four, 128)).rev().find_map(|(_, len)| {
            let net = truncate(gateway, *len)?;
            let ifindex = *self.nets.get(&net).filter(|_| !is_edge(&net, gateway))?;
            Some(Neighbor { ifindex, own: false })
        })
    }

    /// By kernel index.
    pub fn get(&self, index: u32) -> Option<&'a Iface> {
        self.ifaces.get(index)
    }
}

/// Whether an address may be a gateway at all, wherever it might be; link-local ones only on a given interface.
pub fn can_be_gateway(gateway: IpAddr, on_interface: bool) -> bool {
    match classify(gateway) {
        AddressKind::Host(Scope::Host) => false,
        AddressKind::Host(Scope::Link) => on_interface,
        AddressKind::Host(_) => true,
        AddressKind::Multicast(_) | AddressKind::Broadcast | AddressKind::Invalid => false,
    }
}

fn covers(a: &IfaceAddr, gateway: IpAddr) -> bool {
    if a.peer {
        return a.opposite == Some(gateway);
    }
    contains(&a.prefix, gateway) && !is_edge(&a.prefix, gateway)
}

/// Network or broadcast address of an IPv4 prefix shorter than /31.
fn is_edge(net: &IpNet, addr: IpAddr) -> bool {
    match net {
        IpNet::V4(n) => n.prefix_len() < 31 && (addr == n.network() || addr == n.broadcast()),
        IpNet::V6(_) => false,
    }
}
