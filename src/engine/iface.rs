//! Interfaces, their addresses, and which gateways can be reached over them. Pure state, fed by the device protocol's scans and
//! the kernel's notices.
//!
//! Interfaces are keyed by their kernel index, so that two that swap names are told apart at once. A rename is the old one deleted and a
//! new one created; changed flags or master are a down and an up, as protocols know them from BIRD.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::IpNet;
use crate::base::net::{AddressKind, Scope, classify, contains};
use crate::sys::kernel::{Address, Link};

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
    /// Preferred IPv4 address, index into `addrs`.
    pub preferred4: Option<IpAddr>,
    /// Preferred IPv6 address wider than the link.
    pub preferred6: Option<IpAddr>,
    /// Preferred link-local address.
    pub preferred_ll: Option<IpAddr>,
}

impl Iface {
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
    /// Carrier or MTU changed.
    Link,
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
        let index = link.index;
        let up = link.flags.up() && link.master.is_none_or(|m| self.map.contains_key(&m));
        if self.map.get(&index).is_some_and(|old| *old.name != *link.name) {
            self.link_gone(index, out);
        }
        match self.map.get_mut(&index) {
            None => {
                let name = Arc::from(&*link.name);
                let iface = Iface {
                    link,
                    name,
                    up,
                    addrs: Vec::new(),
                    preferred4: None,
                    preferred6: None,
                    preferred_ll: None,
                };
                self.map.insert(index, iface);
                if up {
                    out.push(IfaceEvent { ifindex: index, change: IfaceChange::Up });
                }
            }
            Some(old) => {
                let quiet = 0x40 | 0x1_0000 | 0x2_0000 | 0x4_0000 | 0x100 | 0x200;
                let restart = (old.link.flags.0 ^ link.flags.0) & !quiet != 0
                    || old.link.master != link.master
                    || old.up != up;
                let linkish = old.link.flags.running() != link.flags.running() || old.link.mtu != link.mtu;
                let was_up = old.up;
                old.link = link;
                old.up = up;
                if restart && was_up {
                    out.push(IfaceEvent { ifindex: index, change: IfaceChange::Down });
                }
                if restart && up {
                    out.push(IfaceEvent { ifindex: index, change: IfaceChange::Up });
                }
                if linkish && !(restart && up) {
                    out.push(IfaceEvent { ifindex: index, change: IfaceChange::Link });
                }
            }
        }
        self.masters(out);
    }

    /// Interfaces whose master became known, or is not any more, go up or down.
    fn masters(&mut self, out: &mut Vec<IfaceEvent>) {
        let changed: Vec<(u32, bool)> = self
            .map
            .values()
            .map(|i| (i, i.link.flags.up() && i.link.master.is_none_or(|m| self.map.contains_key(&m))))
            .filter(|(i, up)| i.up != *up)
            .map(|(i, up)| (i.link.index, up))
            .collect();
        for (ifindex, up) in changed {
            if let Some(i) = self.map.get_mut(&ifindex) {
                i.up = up;
                let change = if up { IfaceChange::Up } else { IfaceChange::Down };
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
        if a.flags.tentative() || a.flags.dad_failed() {
            return self.address_gone(a, out);
        }
        let Some(addr) = make_addr(a) else { return };
        let Some(iface) = self.map.get_mut(&a.ifindex) else { return };
        let ifindex = a.ifindex;
        if let Some(old) = iface.addrs.iter_mut().find(|o| o.ip == addr.ip && o.prefix == addr.prefix) {
            if *old == addr {
                return;
            }
            let before = std::mem::replace(old, addr.clone());
            out.push(IfaceEvent { ifindex, change: IfaceChange::AddrDown(before) });
        } else {
            iface.addrs.push(addr.clone());
        }
        choose_preferred(iface, &self.preferred);
        out.push(IfaceEvent { ifindex, change: IfaceChange::AddrUp(addr) });
    }

    /// An address vanished.
    pub fn address_gone(&mut self, a: &Address, out: &mut Vec<IfaceEvent>) {
        let Some(addr) = make_addr(a) else { return };
        let Some(iface) = self.map.get_mut(&a.ifindex) else { return };
        if let Some(at) = iface.addrs.iter().position(|o| o.ip == addr.ip && o.prefix == addr.prefix) {
            let old = iface.addrs.remove(at);
            choose_preferred(iface, &self.preferred);
            out.push(IfaceEvent { ifindex: a.ifindex, change: IfaceChange::AddrDown(old) });
        }
    }

    /// The result of a scan: whatever it does not show is removed.
    pub fn scanned_links(&mut self, links: Vec<Link>, out: &mut Vec<IfaceEvent>) {
        let gone: Vec<u32> =
            self.map.keys().copied().filter(|i| !links.iter().any(|l| l.index == *i)).collect();
        for index in gone {
            self.link_gone(index, out);
        }
        for link in links {
            self.link(link, out);
        }
    }

    /// The result of a scan: whatever it does not show is removed.
    pub fn scanned_addresses(&mut self, addresses: Vec<Address>, out: &mut Vec<IfaceEvent>) {
        let mut gone = Vec::new();
        for iface in self.map.values() {
            for old in &iface.addrs {
                let there = addresses.iter().any(|a| {
                    a.ifindex == iface.link.index
                        && a.local == old.ip
                        && !a.flags.tentative()
                        && make_addr(a).is_some_and(|m| m.prefix == old.prefix)
                });
                if !there {
                    gone.push((iface.link.index, old.clone()));
                }
            }
        }
        for (ifindex, addr) in gone {
            if let Some(iface) = self.map.get_mut(&ifindex) {
                iface.addrs.retain(|a| *a != addr);
                choose_preferred(iface, &self.preferred);
                out.push(IfaceEvent { ifindex, change: IfaceChange::AddrDown(addr) });
            }
        }
        for a in &addresses {
            self.address(a, out);
        }
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

    /// The interface over which `gateway` can be reached: the longest covering prefix of an up interface (limited to `only`), own addresses
    /// first. Network and broadcast addresses of prefixes shorter than /31 cannot, nor can loopback, multicast and invalid ones.
    pub fn neighbor(&self, gateway: IpAddr, only: Option<u32>) -> Option<Neighbor> {
        let AddressKind::Host(scope) = classify(gateway) else { return None };
        if scope == Scope::Host || (scope == Scope::Link && only.is_none()) {
            return None;
        }
        let mut best: Option<(u8, u32)> = None;
        for iface in self.map.values().filter(|i| only.is_none_or(|o| o == i.link.index)) {
            for a in &iface.addrs {
                if a.ip == gateway {
                    return Some(Neighbor { ifindex: iface.link.index, own: true });
                }
                if !iface.up {
                    continue;
                }
                let covers = if a.peer {
                    a.opposite == Some(gateway)
                } else {
                    contains(&a.prefix, gateway) && !is_edge(&a.prefix, gateway)
                };
                if covers && best.is_none_or(|(len, _)| a.prefix.prefix_len() > len) {
                    best = Some((a.prefix.prefix_len(), iface.link.index));
                }
            }
            // Link-local gateways are on every link that is up.
            if scope == Scope::Link && iface.up && best.is_none() {
                best = Some((0, iface.link.index));
            }
        }
        best.map(|(_, ifindex)| Neighbor { ifindex, own: false })
    }

    /// The lowest usable IPv4 address, for the router id: of interfaces that are up, not secondary, scope above link.
    pub fn lowest_ipv4(&self, accept: impl Fn(&Iface, &IfaceAddr) -> bool) -> Option<u32> {
        self.map
            .values()
            .filter(|i| i.up)
            .flat_map(|i| i.addrs.iter().map(move |a| (i, a)))
            .filter(|(i, a)| !a.secondary && a.scope > Scope::Link && accept(i, a))
            .filter_map(|(_, a)| crate::base::net::ipv4_number(a.ip))
            .min()
    }
}

/// A reachable gateway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Neighbor {
    /// Over this interface.
    pub ifindex: u32,
    /// It is one of our own addresses.
    pub own: bool,
}

/// Network or broadcast address of an IPv4 prefix shorter than /31 (IPv6: the subnet-router address).
fn is_edge(net: &IpNet, addr: IpAddr) -> bool {
    match net {
        IpNet::V4(n) => n.prefix_len() < 31 && (addr == n.network() || addr == n.broadcast()),
        IpNet::V6(n) => n.prefix_len() < 127 && addr == n.network(),
    }
}

/// The configured address, else the one it was, else the first that is not secondary; per kind.
fn choose_preferred(iface: &mut Iface, preferred: &Preferred) {
    let configured: &[IpAddr] = preferred
        .iter()
        .find(|(patterns, _)| patterns.matches(&iface.name, None))
        .map_or(&[], |(_, addrs)| addrs.as_slice());
    let addrs = &iface.addrs;
    let choose = |current: Option<IpAddr>, fits: &dyn Fn(&IfaceAddr) -> bool| {
        let there = |ip: &IpAddr| addrs.iter().any(|a| a.ip == *ip && fits(a));
        configured
            .iter()
            .copied()
            .find(|ip| there(ip))
            .or(current.filter(|ip| there(ip)))
            .or_else(|| addrs.iter().find(|a| fits(a) && !a.secondary).map(|a| a.ip))
            .or_else(|| addrs.iter().find(|a| fits(a)).map(|a| a.ip))
    };
    let four = choose(iface.preferred4, &|a| a.ip.is_ipv4());
    let six = choose(iface.preferred6, &|a| a.ip.is_ipv6() && a.scope != Scope::Link);
    let local = choose(iface.preferred_ll, &|a| a.ip.is_ipv6() && a.scope == Scope::Link);
    (iface.preferred4, iface.preferred6, iface.preferred_ll) = (four, six, local);
}
