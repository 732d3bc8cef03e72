//! The nets that are exported, by their dense numbers: 5 bytes each for IPv4, 17 for IPv6.
//!
//! The engine names a net by its number once it is known, but a deletion that waits for room in the kernel needs the
//! prefix again, and a number may be given to another net meanwhile; so the prefixes are kept here.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::base::Net;
use crate::base::net::NetExt;
use crate::sys::kernel::{Family, RouteKey, Target};

/// Which packets a route of the kernel is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Dst {
    /// Where they go.
    pub dst: Target,
    /// Where they come from, for source-specific IPv6 routes.
    pub src: Option<Ipv6Net>,
}

impl Dst {
    /// That of a net; `None` for types the kernel has no routes of.
    pub fn of(net: &Net) -> Option<Dst> {
        match net {
            Net::Ip(dst) => Some(Dst { dst: Target::Net(*dst), src: None }),
            Net::Ext(ext) => match &**ext {
                NetExt::Sadr { dst, src } => {
                    let src = Some(*src).filter(|s| s.prefix_len() > 0);
                    Some(Dst { dst: Target::Net(IpNet::V6(*dst)), src })
                }
                NetExt::Mpls(label) => Some(Dst { dst: Target::Label(*label), src: None }),
                _ => None,
            },
        }
    }

    /// That of a route of the kernel.
    pub fn of_key(key: &RouteKey) -> Dst {
        Dst { dst: key.dst, src: key.src.filter(|s| s.prefix_len() > 0) }
    }

    /// The net in a table of plain (or source-specific) nets.
    pub fn net(&self, sadr: bool) -> Net {
        match self.dst {
            Target::Net(IpNet::V6(dst)) if sadr => {
                Net::from(NetExt::Sadr { dst, src: self.src.unwrap_or_default() })
            }
            Target::Net(dst) => Net::Ip(dst),
            Target::Label(label) => Net::from(NetExt::Mpls(label)),
        }
    }

    /// The key of a route for these packets.
    pub fn key(&self, table: u32, metric: u32) -> RouteKey {
        RouteKey { table, dst: self.dst, src: self.src, metric }
    }
}

impl fmt::Display for Dst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.src {
            Some(src) => write!(f, "{} from {src}", self.dst),
            None => write!(f, "{}", self.dst),
        }
    }
}

/// Prefixes by number. A number never used reads as the default route with length 255, which equals nothing.
#[derive(Debug)]
pub struct Nets {
    addrs: Addrs,
    lens: Vec<u8>,
    sources: Vec<Option<Ipv6Net>>,
}

#[derive(Debug)]
enum Addrs {
    V4(Vec<u32>),
    V6(Vec<u128>),
    Labels(Vec<u32>),
}

const UNUSED: u8 = 255;
/// What a label has for a length.
const LABEL: u8 = 20;

impl Nets {
    /// None yet.
    pub fn new(family: Family) -> Nets {
        let addrs = match family {
            Family::V4 => Addrs::V4(Vec::new()),
            Family::V6 => Addrs::V6(Vec::new()),
            Family::Mpls => Addrs::Labels(Vec::new()),
        };
        Nets { addrs, lens: Vec::new(), sources: Vec::new() }
    }

    /// Makes numbers below `end` usable.
    pub fn grow(&mut self, end: usize) {
        if end > self.lens.len() {
            self.lens.resize(end, UNUSED);
            match &mut self.addrs {
                Addrs::V4(list) => list.resize(end, 0),
                Addrs::V6(list) => list.resize(end, 0),
                Addrs::Labels(list) => list.resize(end, 0),
            }
        }
    }

    /// The net of a number.
    pub fn get(&self, id: u32) -> Option<Dst> {
        let at = id as usize;
        let len = *self.lens.get(at)?;
        let dst = match &self.addrs {
            Addrs::V4(list) => IpNet::V4(Ipv4Net::new(Ipv4Addr::from(*list.get(at)?), len).ok()?).into(),
            Addrs::V6(list) => IpNet::V6(Ipv6Net::new(Ipv6Addr::from(*list.get(at)?), len).ok()?).into(),
            Addrs::Labels(_) if len == UNUSED => return None,
            Addrs::Labels(list) => Target::Label(*list.get(at)?),
        };
        Some(Dst { dst, src: self.sources.get(at).copied().flatten() })
    }

    /// Whether the number stands for this net.
    pub fn is(&self, id: u32, dst: &Dst) -> bool {
        let at = id as usize;
        self.lens.get(at) == Some(&length(&dst.dst))
            && match (&self.addrs, &dst.dst) {
                (Addrs::V4(list), Target::Net(IpNet::V4(net))) => list[at] == u32::from(net.addr()),
                (Addrs::V6(list), Target::Net(IpNet::V6(net))) => list[at] == u128::from(net.addr()),
                (Addrs::Labels(list), Target::Label(label)) => list[at] == *label,
                _ => false,
            }
            && self.sources.get(at).copied().flatten() == dst.src
    }

    /// Gives the number to a net of the right family.
    pub fn set(&mut self, id: u32, dst: &Dst) {
        let at = id as usize;
        self.grow(at + 1);
        match (&mut self.addrs, &dst.dst) {
            (Addrs::V4(list), Target::Net(IpNet::V4(net))) => list[at] = net.addr().into(),
            (Addrs::V6(list), Target::Net(IpNet::V6(net))) => list[at] = net.addr().into(),
            (Addrs::Labels(list), Target::Label(label)) => list[at] = *label,
            _ => return,
        }
        self.lens[at] = length(&dst.dst);
        if dst.src.is_some() && self.sources.len() <= at {
            self.sources.resize(at + 1, None);
        }
        if let Some(source) = self.sources.get_mut(at) {
            *source = dst.src;
        }
    }
}

fn length(target: &Target) -> u8 {
    target.net().map_or(LABEL, IpNet::prefix_len)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn dst(text: &str) -> Dst {
        Dst { dst: text.parse().unwrap(), src: None }
    }

    #[test]
    fn numbers_change_hands() {
        let mut nets = Nets::new(Family::V4);
        assert_eq!(nets.get(3), None);
        nets.set(3, &dst("10.0.0.0/8"));
        assert!(
            nets.is(3, &dst("10.0.0.0/8"))
                && !nets.is(3, &dst("10.0.0.0/9"))
                && !nets.is(0, &dst("0.0.0.0/0"))
        );
        nets.set(3, &dst("0.0.0.0/0"));
        assert_eq!(nets.get(3), Some(dst("0.0.0.0/0")));
        assert_eq!(nets.get(2), None);
    }

    #[test]
    fn labels_are_nets_too() {
        let mut nets = Nets::new(Family::Mpls);
        nets.set(2, &dst("100"));
        nets.set(3, &dst("0"));
        assert_eq!((nets.get(1), nets.get(2), nets.get(3)), (None, Some(dst("100")), Some(dst("0"))));
        assert!(nets.is(2, &dst("100")) && !nets.is(2, &dst("101")) && !nets.is(1, &dst("0")));
        assert_eq!(Dst::of(&dst("100").net(false)), Some(dst("100")));
    }

    #[test]
    fn source_prefixes_are_part_of_the_net() {
        let mut nets = Nets::new(Family::V6);
        let specific = Dst { src: Some("2001:db8::/32".parse().unwrap()), ..dst("2001:db8:1::/48") };
        nets.set(0, &specific);
        nets.set(1, &dst("2001:db8:1::/48"));
        assert!(nets.is(0, &specific) && !nets.is(1, &specific));
        assert_eq!(Dst::of(&specific.net(true)), Some(specific));
        assert_eq!(Dst::of(&dst("::/0").net(true)), Some(dst("::/0")));
        nets.set(0, &dst("::/0"));
        assert_eq!(nets.get(0), Some(dst("::/0")));
    }
}
