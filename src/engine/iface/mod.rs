//! Interfaces, their addresses, and which gateways can be reached over them. Pure state, fed by the device
//! protocol's scans and the kernel's notices.
//!
//! Interfaces are keyed by their kernel index, so that two that swap names are told apart at once. A rename
//! is the old one deleted and a new one created, with the addresses it keeps in the kernel; changed flags or
//! master are a down and an up, as protocols know them from BIRD. Events tell what changed and come when the
//! state already is the new one.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

mod neighbor;
#[cfg(test)]
mod tests;

pub use neighbor::{Near, Neighbor, can_be_gateway};

use crate::base::IpNet;
use crate::base::net::{AddressKind, Scope, classify};
use crate::sys::kernel::{Address, Link, LinkFlags};

/// An address of an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfaceAddr {
    /// Our own address.
    pub ip: IpAddr,
    /// The net on the link; a peer's host prefix; our own host prefix.
    pub prefix: IpNet,
    /// The other end of a point-to-point net (`/31`, `/30`, `/127`, peers).
    pub opposite: Option<IpAddr>,
    /// Its scope.
    pub scope: Scope,
    /// Not the first of its net.
    pub secondary: bool,
    /// The prefix is that of a peer, not of a shared net.
    pub peer: bool,
    /// The prefix is our own address alone.
    pub host: bool,
}

/// An interface.
#[derive(Clone, PartialEq, Debug)]
pub struct Iface {
    /// The kernel's link.
    pub link: Link,
    /// Its name, shared.
    pub name: Arc<str>,
    /// Administratively up, and its master, if any, is known.
    pub up: bool,
    /// Addresses in the order of their arrival, IPv4 and IPv6 mixed.
    pub addrs: Vec<IfaceAddr>,
    /// Preferred IPv4 address.
    pub preferred4: Option<IpAddr>,
    /// Preferred IPv6 address wider than the link.
    pub preferred6: Option<IpAddr>,
    /// Preferred link-local address.
    pub preferred_ll: Option<IpAddr>,
    /// The kernel's order of addresses in the last scan, if some were tentative then: they take their places
    /// when they become usable.
    awaited: Vec<(IpAddr, IpNet)>,
}

impl Iface {
    fn new(link: Link, up: bool) -> Iface {
        let name = Arc::from(&*link.name);
        let (preferred4, preferred6, preferred_ll) = (None, None, None);
        Iface { link, name, up, addrs: Vec::new(), preferred4, preferred6, preferred_ll, awaited: Vec::new() }
    }

    /// Where a new address goes: to the end, unless the last scan has seen it, not usable yet, in front of others.
    fn place(&self, new: &IfaceAddr) -> usize {
        let rank = |a: &IfaceAddr| self.awaited.iter().position(|(ip, net)| *ip == a.ip && *net == a.prefix);
        let Some(mine) = rank(new) else { return self.addrs.len() };
        let behind = self.addrs.iter().position(|a| rank(a).is_some_and(|theirs| theirs > mine));
        behind.unwrap_or(self.addrs.len())
    }

    /// Loopback interfaces carry no protocol.
    pub fn loopback(&self) -> bool {
        self.link.flags.loopback()
    }
    /// Has a carrier.
    pub fn link_up(&self) -> bool {
        self.link.flags.running()
    }
}

/// What happened to an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfaceEvent {
    /// Which.
    pub ifindex: u32,
    /// What.
    pub change: IfaceChange,
}

/// Kinds of changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IfaceChange {
    /// Known and up now (it was unknown or down).
    Up,
    /// Down or gone now; its addresses are not usable any more.
    Down,
    /// The carrier came or went.
    Link,
    /// The MTU is another one.
    Mtu,
    /// Another address is preferred.
    Preferred,
    /// An address appeared.
    AddrUp(IfaceAddr),
    /// An address vanished.
    AddrDown(IfaceAddr),
}

/// Preferred addresses for interfaces whose name matches, as the device protocol configures them.
pub type Preferred = Vec<(crate::config::IfPatterns, Vec<IpAddr>)>;

/// All interfaces.
#[derive(Default, Debug, Clone)]
pub struct Ifaces {
    map: BTreeMap<u32, Iface>,
    preferred: Arc<Preferred>,
}

/// Flags that make an interface another kind of interface when they change: down and up again.
const KIND_FLAGS: u32 = LinkFlags::UP
    | LinkFlags::BROADCAST
    | LinkFlags::LOOPBACK
    | LinkFlags::POINT_TO_POINT
    | LinkFlags::NO_ARP
    | LinkFlags::MULTICAST;

/// Tentative addresses do not exist yet, duplicate ones never will.
fn usable_address(a: &Address) -> bool {
    !a.flags.tentative() && !a.flags.dad_failed()
}

fn make_addr(a: &Address) -> Option<IfaceAddr> {
    let max = if a.local.is_ipv4() { 32 } else { 128 };
    let AddressKind::Host(scope) = classify(a.local) else { return None };
    let far = a.peer.filter(|p| *p != a.local);
    if a.prefix_len > max {
        return None;
    }
    let base = far.unwrap_or(a.local);
    let prefix = IpNet::new(base, a.prefix_len).ok()?.trunc();
    let (peer, host) = (a.prefix_len == max && far.is_some(), a.prefix_len == max && far.is_none());
    let opposite = if peer {
        far
    } else if a.prefix_len == max - 1 {
        Some(flip(a.local, 1))
    } else if a.prefix_len == max - 2 && a.local.is_ipv4() {
        match low_bits(a.local) & 3 {
            1 | 2 => Some(flip(a.local, 3)),
            _ => None,
        }
    } else {
        None
    };
    Some(IfaceAddr { ip: a.local, prefix, opposite, scope, secondary: a.flags.secondary(), peer, host })
}

fn low_bits(addr: IpAddr) -> u8 {
    match addr {
        IpAddr::V4(a) => a.octets()[3],
        IpAddr::V6(a) => a.octets()[15],
    }
}

fn flip(addr: IpAddr, mask: u8) -> IpAddr {
    match addr {
        IpAddr::V4(a) => IpAddr::V4((u32::from(a) ^ u32::from(mask)).into()),
        IpAddr::V6(a) => IpAddr::V6((u128::from(a) ^ u128::from(mask)).into()),
    }
}

impl Ifaces {
    /// By kernel index.
    pub fn get(&self, index: u32) -> Option<&Iface> {
        self.map.get(&index)
    }
    /// By name.
    pub fn by_name(&self, name: &str) -> Option<&Iface> {
        self.map.values().find(|i| &*i.name == name)
    }
    /// All, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Iface> {
        self.map.values()
    }
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// A link appeared or changed.
    pub fn link(&mut self, link: Link, out: &mut Vec<IfaceEvent>) {
        self.take_link(link, out);
        self.masters(out);
    }

    fn take_link(&mut self, link: Link, out: &mut Vec<IfaceEvent>) {
        let index = link.index;
        let up = self.usable(&link);
        let mut event = |change| out.push(IfaceEvent { ifindex: index, change });
        match self.map.get_mut(&index) {
            Some(old) if *old.name != *link.name => {
                for addr in &old.addrs {
                    event(IfaceChange::AddrDown(addr.clone()));
                }
                if old.up {
                    event(IfaceChange::Down);
                }
                let mut new = Iface { addrs: std::mem::take(&mut old.addrs), ..Iface::new(link, up) };
                choose_preferred(&mut new, &self.preferred);
                if up {
                    event(IfaceChange::Up);
                }
                for addr in &new.addrs {
                    event(IfaceChange::AddrUp(addr.clone()));
                }
                *old = new;
            }
            Some(old) => {
                let restart = (old.link.flags.0 ^ link.flags.0) & KIND_FLAGS != 0
                    || old.link.master != link.master
                    || old.up != up;
                let carrier = old.link.flags.running() != link.flags.running();
                let mtu = old.link.mtu != link.mtu;
                let was_up = std::mem::replace(&mut old.up, up);
                old.link = link;
                if restart && was_up {
                    event(IfaceChange::Down);
                }
                if restart && up {
                    event(IfaceChange::Up);
                }
                if mtu && !(restart && up) {
                    event(IfaceChange::Mtu);
                }
                if carrier && !(restart && up) {
                    event(IfaceChange::Link);
                }
            }
            None => {
                self.map.insert(index, Iface::new(link, up));
                if up {
                    event(IfaceChange::Up);
                }
            }
        }
    }

    /// Administratively up, and of no master or of one that is known.
    fn usable(&self, link: &Link) -> bool {
        link.flags.up() && link.master.is_none_or(|m| self.map.contains_key(&m))
    }

    /// Interfaces whose master became known, or is not any more, go up or down.
    fn masters(&mut self, out: &mut Vec<IfaceEvent>) {
        let ports = self.map.values().filter(|i| i.link.master.is_some());
        let changed: Vec<u32> =
            ports.filter(|i| i.up != self.usable(&i.link)).map(|i| i.link.index).collect();
        for ifindex in changed {
            if let Some(i) = self.map.get_mut(&ifindex) {
                i.up = !i.up;
                let change = if i.up { IfaceChange::Up } else { IfaceChange::Down };
                out.push(IfaceEvent { ifindex, change });
            }
        }
    }

    /// A link vanished.
    pub fn link_gone(&mut self, index: u32, out: &mut Vec<IfaceEvent>) {
        if let Some(old) = self.map.remove(&index) {
            for addr in old.addrs {
                out.push(IfaceEvent { ifindex: index, change: IfaceChange::AddrDown(addr) });
            }
            if old.up {
                out.push(IfaceEvent { ifindex: index, change: IfaceChange::Down });
            }
            self.masters(out);
        }
    }

    /// An address appeared or changed. Tentative ones do not exist yet.
    pub fn address(&mut self, a: &Address, out: &mut Vec<IfaceEvent>) {
        if self.take_address(a, out)
            && let Some(iface) = self.map.get_mut(&a.ifindex)
            && choose_preferred(iface, &self.preferred)
        {
            out.push(IfaceEvent { ifindex: a.ifindex, change: IfaceChange::Preferred });
        }
    }

    /// An address vanished.
    pub fn address_gone(&mut self, a: &Address, out: &mut Vec<IfaceEvent>) {
        let Some(addr) = make_addr(a) else { return };
        let Some(iface) = self.map.get_mut(&a.ifindex) else { return };
        if let Some(at) = iface.addrs.iter().position(|o| o.ip == addr.ip && o.prefix == addr.prefix) {
            let old = iface.addrs.remove(at);
            out.push(IfaceEvent { ifindex: a.ifindex, change: IfaceChange::AddrDown(old) });
            if choose_preferred(iface, &self.preferred) {
                out.push(IfaceEvent { ifindex: a.ifindex, change: IfaceChange::Preferred });
            }
        }
    }

    /// Whether the address is new or another one now; preferred addresses have to be chosen again then.
    fn take_address(&mut self, a: &Address, out: &mut Vec<IfaceEvent>) -> bool {
        if !usable_address(a) {
            self.address_gone(a, out);
            return false;
        }
        let Some(addr) = make_addr(a) else { return false };
        let Some(iface) = self.map.get_mut(&a.ifindex) else { return false };
        let ifindex = a.ifindex;
        match iface.addrs.iter_mut().find(|o| o.ip == addr.ip && o.prefix == addr.prefix) {
            Some(old) if *old == addr => return false,
            Some(old) => {
                let before = std::mem::replace(old, addr.clone());
                out.push(IfaceEvent { ifindex, change: IfaceChange::AddrDown(before) });
            }
            None => iface.addrs.insert(iface.place(&addr), addr.clone()),
        }
        out.push(IfaceEvent { ifindex, change: IfaceChange::AddrUp(addr) });
        true
    }

    fn choose(&mut self, ifaces: impl IntoIterator<Item = u32>) {
        for index in ifaces {
            if let Some(iface) = self.map.get_mut(&index) {
                choose_preferred(iface, &self.preferred);
            }
        }
    }

    /// The result of a scan: whatever it does not show is removed.
    pub fn scanned_links(&mut self, links: Vec<Link>, out: &mut Vec<IfaceEvent>) {
        let there: HashSet<u32> = links.iter().map(|l| l.index).collect();
        let gone: Vec<u32> = self.map.keys().copied().filter(|i| !there.contains(i)).collect();
        for index in gone {
            self.link_gone(index, out);
        }
        for link in links {
            self.take_link(link, out);
        }
        self.masters(out);
    }

    /// The result of a scan: whatever it does not show is removed.
    pub fn scanned_addresses(&mut self, addresses: Vec<Address>, out: &mut Vec<IfaceEvent>) {
        let there: HashSet<(u32, IpAddr, IpNet)> = addresses
            .iter()
            .filter(|a| usable_address(a))
            .filter_map(|a| Some((a.ifindex, a.local, make_addr(a)?.prefix)))
            .collect();
        let waiting: HashSet<u32> =
            addresses.iter().filter(|a| !usable_address(a)).map(|a| a.ifindex).collect();
        let mut touched = BTreeSet::new();
        for (ifindex, iface) in &mut self.map {
            iface.awaited.clear();
            if waiting.contains(ifindex) {
                let here = addresses.iter().filter(|a| a.ifindex == *ifindex);
                iface.awaited.extend(here.filter_map(|a| Some((a.local, make_addr(a)?.prefix))));
            }
            iface.addrs.retain(|a| {
                let stays = there.contains(&(*ifindex, a.ip, a.prefix));
                if !stays {
                    touched.insert(*ifindex);
                    out.push(IfaceEvent { ifindex: *ifindex, change: IfaceChange::AddrDown(a.clone()) });
                }
                stays
            });
        }
        for a in &addresses {
            if self.take_address(a, out) {
                touched.insert(a.ifindex);
            }
        }
        self.choose(touched);
    }

    /// No device protocol any more: nothing is known.
    pub fn clear(&mut self, out: &mut Vec<IfaceEvent>) {
        let all: Vec<u32> = self.map.keys().copied().collect();
        for index in all {
            self.link_gone(index, out);
        }
    }

    /// New `preferred` options. Where an option vanished the current choice stays.
    pub fn set_preferred(&mut self, preferred: Preferred) {
        self.preferred = Arc::new(preferred);
        for iface in self.map.values_mut() {
            choose_preferred(iface, &self.preferred);
        }
    }
}

/// The configured address, else the one it was, else the first; per kind, and secondary ones never. Tells
/// whether the choice is another one now.
fn choose_preferred(iface: &mut Iface, preferred: &Preferred) -> bool {
    let configured: &[IpAddr] = preferred
        .iter()
        .find(|(patterns, _)| patterns.matches(&iface.name, None))
        .map_or(&[], |(_, addrs)| addrs.as_slice());
    let choose = |current: Option<IpAddr>, kind: &dyn Fn(&IfaceAddr) -> bool| {
        let fits = |a: &&IfaceAddr| !a.secondary && kind(a);
        let there = |ip: &IpAddr| iface.addrs.iter().filter(fits).any(|a| a.ip == *ip);
        let wanted = configured.iter().copied().find(|ip| there(ip));
        wanted.or(current.filter(there)).or_else(|| iface.addrs.iter().find(fits).map(|a| a.ip))
    };
    let four = choose(iface.preferred4, &|a| a.ip.is_ipv4());
    let six = choose(iface.preferred6, &|a| a.ip.is_ipv6() && a.scope != Scope::Link);
    let local = choose(iface.preferred_ll, &|a| a.ip.is_ipv6() && a.scope == Scope::Link);
    let before = (iface.preferred4, iface.preferred6, iface.preferred_ll);
    (iface.preferred4, iface.preferred6, iface.preferred_ll) = (four, six, local);
    before != (four, six, local)
}
