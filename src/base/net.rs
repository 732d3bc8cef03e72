//! Networks of every type a routing table can hold.
//!
//! A table has one [`NetType`]; the type of a net is data, so that nothing above is written twice for IPv4 and IPv6.
//! Plain IP prefixes stand inline in 24 bytes; the rare types carry their fields behind an `Arc`.

use std::cmp::Ordering;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv6Net};

use super::{bytes::Bytes, rd::Rd};

/// The type of a network, numbered as BIRD's `NET_*` constants.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the documentation; BIRD's manual, section 'Routing tables'")]
pub enum NetType {
    Ip4 = 1,
    Ip6 = 2,
    Vpn4 = 3,
    Vpn6 = 4,
    Roa4 = 5,
    Roa6 = 6,
    Flow4 = 7,
    Flow6 = 8,
    Ip6Sadr = 9,
    Eth = 10,
    Mpls = 11,
    Aspa = 12,
    Evpn = 13,
    Neighbor = 14,
}

impl NetType {
    /// Every type, in BIRD's order.
    pub const ALL: [NetType; 14] = [
        NetType::Ip4,
        NetType::Ip6,
        NetType::Vpn4,
        NetType::Vpn6,
        NetType::Roa4,
        NetType::Roa6,
        NetType::Flow4,
        NetType::Flow6,
        NetType::Ip6Sadr,
        NetType::Eth,
        NetType::Mpls,
        NetType::Aspa,
        NetType::Evpn,
        NetType::Neighbor,
    ];

    /// The word the configuration and the shell use (`ipv6-sadr` is BIRD's spelling of a channel's name).
    pub fn name(self) -> &'static str {
        match self {
            NetType::Ip4 => "ipv4",
            NetType::Ip6 => "ipv6",
            NetType::Vpn4 => "vpn4",
            NetType::Vpn6 => "vpn6",
            NetType::Roa4 => "roa4",
            NetType::Roa6 => "roa6",
            NetType::Flow4 => "flow4",
            NetType::Flow6 => "flow6",
            NetType::Ip6Sadr => "ipv6-sadr",
            NetType::Eth => "eth",
            NetType::Mpls => "mpls",
            NetType::Aspa => "aspa",
            NetType::Evpn => "evpn",
            NetType::Neighbor => "neighbor",
        }
    }

    /// Whether routes of this type have a destination (ROA, flow, ASPA and neighbour entries have none).
    pub fn has_destination(self) -> bool {
        !matches!(
            self,
            NetType::Roa4
                | NetType::Roa6
                | NetType::Flow4
                | NetType::Flow6
                | NetType::Aspa
                | NetType::Neighbor
        )
    }

    /// Types whose nets start with an IP prefix that longest-prefix lookups can use.
    pub fn is_ip(self) -> bool {
        matches!(self, NetType::Ip4 | NetType::Ip6)
    }
}

/// A 48 bit Ethernet address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// A network. Equality and order are exact; order follows BIRD: type, then address, then length, then the rest.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Net {
    /// A plain IPv4 or IPv6 prefix, host bits zero.
    Ip(IpNet),
    /// Everything else.
    Ext(Arc<NetExt>),
}

const _: () = assert!(size_of::<Net>() <= 24, "every byte here is 1 MB per million routes");

/// The fields of the rarer network types.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "fields carry the names of the RFCs and of BIRD's manual")]
pub enum NetExt {
    Vpn {
        rd: Rd,
        prefix: IpNet,
    },
    Roa {
        prefix: IpNet,
        max_len: u8,
        asn: u32,
    },
    /// Flow specification (RFC 8955, 8956): normalised NLRI bytes after the length field.
    Flow {
        v6: bool,
        nlri: Bytes,
    },
    Sadr {
        dst: Ipv6Net,
        src: Ipv6Net,
    },
    Eth {
        mac: Mac,
        vlan: Option<u16>,
    },
    Mpls(u32),
    Aspa(u32),
    Evpn(Evpn),
    Neighbor {
        addr: IpAddr,
        ifindex: u32,
    },
}

/// EVPN routes (RFC 7432, section 7).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "fields carry the names of RFC 7432")]
pub enum Evpn {
    Ead { rd: Rd, tag: u32, esi: [u8; 10] },
    Mac { rd: Rd, tag: u32, mac: Mac, ip: Option<IpAddr> },
    Imet { rd: Rd, tag: u32, router: IpAddr },
    Es { rd: Rd, esi: [u8; 10], router: IpAddr },
}

impl Net {
    /// The type of this net.
    pub fn net_type(&self) -> NetType {
        let by_family = |p: &IpNet, four, six| if matches!(p, IpNet::V4(_)) { four } else { six };
        match self {
            Net::Ip(p) => by_family(p, NetType::Ip4, NetType::Ip6),
            Net::Ext(e) => match &**e {
                NetExt::Vpn { prefix, .. } => by_family(prefix, NetType::Vpn4, NetType::Vpn6),
                NetExt::Roa { prefix, .. } => by_family(prefix, NetType::Roa4, NetType::Roa6),
                NetExt::Flow { v6: false, .. } => NetType::Flow4,
                NetExt::Flow { v6: true, .. } => NetType::Flow6,
                NetExt::Sadr { .. } => NetType::Ip6Sadr,
                NetExt::Eth { .. } => NetType::Eth,
                NetExt::Mpls(_) => NetType::Mpls,
                NetExt::Aspa(_) => NetType::Aspa,
                NetExt::Evpn(_) => NetType::Evpn,
                NetExt::Neighbor { .. } => NetType::Neighbor,
            },
        }
    }

    /// The IP prefix of this net: the prefix itself, that of a VPN or ROA net, the destination of a SADR net.
    pub fn ip_prefix(&self) -> Option<IpNet> {
        match self {
            Net::Ip(p) => Some(*p),
            Net::Ext(e) => match &**e {
                NetExt::Vpn { prefix, .. } | NetExt::Roa { prefix, .. } => Some(*prefix),
                NetExt::Sadr { dst, .. } => Some(IpNet::V6(*dst)),
                _ => None,
            },
        }
    }
}

impl From<IpNet> for Net {
    fn from(p: IpNet) -> Net {
        Net::Ip(p)
    }
}

impl From<NetExt> for Net {
    fn from(e: NetExt) -> Net {
        Net::Ext(Arc::new(e))
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// An address as BIRD writes it: as usual, but an IPv6 address of 96 zero bits and a longer tail than 16 bits
/// ends in dotted form.
#[derive(Clone, Copy, Debug)]
pub struct BirdIp(pub IpAddr);

impl fmt::Display for BirdIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(a) if (0x10000..=u32::MAX as u128).contains(&u128::from(a)) => {
                write!(f, "::{}", Ipv4Addr::from(u128::from(a) as u32))
            }
            other => write!(f, "{other}"),
        }
    }
}

/// A prefix as BIRD writes it.
struct BirdNet<'a>(&'a IpNet);

impl fmt::Display for BirdNet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", BirdIp(self.0.addr()), self.0.prefix_len())
    }
}

fn esi_text(esi: &[u8; 10]) -> Bytes {
    Bytes(Arc::from(&esi[..]))
}

impl fmt::Display for Evpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Evpn::Ead { rd, tag, esi } => write!(f, "evpn ead {rd} {tag} {}", esi_text(esi)),
            Evpn::Mac { rd, tag, mac, ip: None } => write!(f, "evpn mac {rd} {tag} {mac} *"),
            Evpn::Mac { rd, tag, mac, ip: Some(ip) } => {
                write!(f, "evpn mac {rd} {tag} {mac} {}", BirdIp(*ip))
            }
            Evpn::Imet { rd, tag, router } => write!(f, "evpn imet {rd} {tag} {}", BirdIp(*router)),
            Evpn::Es { rd, esi, router } => write!(f, "evpn es {rd} {} {}", esi_text(esi), BirdIp(*router)),
        }
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Net::Ip(p) => write!(f, "{}", BirdNet(p)),
            Net::Ext(e) => match &**e {
                NetExt::Vpn { rd, prefix } => write!(f, "{rd} {}", BirdNet(prefix)),
                NetExt::Roa { prefix, max_len, asn } => write!(f, "{}-{max_len} AS{asn}", BirdNet(prefix)),
                NetExt::Flow { v6, nlri } => super::flow::write_flow(f, *v6, &nlri.0),
                NetExt::Sadr { dst, src } => {
                    write!(f, "{} from {}", BirdNet(&(*dst).into()), BirdNet(&(*src).into()))
                }
                NetExt::Eth { mac, vlan: None } => write!(f, "{mac}"),
                NetExt::Eth { mac, vlan: Some(v) } => write!(f, "{mac} vlan {v}"),
                NetExt::Mpls(label) => write!(f, "{label}"),
                NetExt::Aspa(asn) => write!(f, "{asn}"),
                NetExt::Evpn(e) => write!(f, "{e}"),
                NetExt::Neighbor { addr, ifindex } => write!(f, "{}%{ifindex}", BirdIp(*addr)),
            },
        }
    }
}

impl PartialOrd for Net {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Net {
    fn cmp(&self, other: &Self) -> Ordering {
        self.net_type().cmp(&other.net_type()).then_with(|| match (self, other) {
            (Net::Ip(a), Net::Ip(b)) => cmp_prefix(a, b),
            (Net::Ext(a), Net::Ext(b)) => a.cmp_same_type(b),
            _ => Ordering::Equal,
        })
    }
}

fn cmp_prefix(a: &IpNet, b: &IpNet) -> Ordering {
    a.addr().cmp(&b.addr()).then(a.prefix_len().cmp(&b.prefix_len()))
}

impl NetExt {
    fn cmp_same_type(&self, other: &NetExt) -> Ordering {
        use NetExt::*;
        match (self, other) {
            (Vpn { rd: r, prefix: p }, Vpn { rd: s, prefix: q }) => r.cmp(s).then(cmp_prefix(p, q)),
            (Roa { prefix: p, max_len: m, asn: a }, Roa { prefix: q, max_len: n, asn: b }) => {
                cmp_prefix(p, q).then(m.cmp(n)).then(a.cmp(b))
            }
            (Flow { nlri: a, .. }, Flow { nlri: b, .. }) => a.cmp(b),
            (Sadr { dst: a, src: b }, Sadr { dst: c, src: d }) => {
                cmp_prefix(&(*a).into(), &(*c).into()).then(cmp_prefix(&(*b).into(), &(*d).into()))
            }
            (Eth { mac: a, vlan: v }, Eth { mac: b, vlan: w }) => a.cmp(b).then(v.cmp(w)),
            (Mpls(a), Mpls(b)) | (Aspa(a), Aspa(b)) => a.cmp(b),
            (Evpn(a), Evpn(b)) => a.cmp(b),
            (Neighbor { addr: a, ifindex: i }, Neighbor { addr: b, ifindex: j }) => a.cmp(b).then(i.cmp(j)),
            _ => Ordering::Equal,
        }
    }
}

/// The address as 128 bits, IPv4 mapped into `::ffff:0:0/96` as BIRD stores it.
pub fn to_bits(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(a) => u128::from(a.to_ipv6_mapped()),
        IpAddr::V6(a) => u128::from(a),
    }
}

/// The inverse of [`to_bits`]: mapped addresses come back as IPv4.
pub fn from_bits(bits: u128) -> IpAddr {
    let six = Ipv6Addr::from(bits);
    six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4)
}

/// BIRD's "no address", which prints as `::`.
pub const UNSPECIFIED: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// The scopes of addresses and routes, ordered from narrow to wide (BIRD's `SCOPE_*`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum Scope {
    Host = 0,
    Link = 1,
    Site = 2,
    Organization = 3,
    #[default]
    Universe = 4,
    Undefined = 5,
}

impl Scope {
    /// The short word of `show route all` and `show interfaces`.
    pub fn short(self) -> &'static str {
        match self {
            Scope::Host => "host",
            Scope::Link => "link",
            Scope::Site => "site",
            Scope::Organization => "org",
            Scope::Universe => "univ",
            Scope::Undefined => "undef",
        }
    }
}

/// What kind of address this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressKind {
    /// Usable as the address of a host, with its scope.
    Host(Scope),
    /// Multicast, with its scope.
    Multicast(Scope),
    /// Limited broadcast.
    Broadcast,
    /// Not an address at all.
    Invalid,
}

/// Classifies an address by BIRD's table (`spec: kernel-sync`, sections 3 and 8).
pub fn classify(addr: IpAddr) -> AddressKind {
    use AddressKind::*;
    match addr {
        IpAddr::V4(a) => match (u32::from(a), a.octets()) {
            (0, _) => Invalid,
            (u32::MAX, _) => Broadcast,
            (_, [0, ..]) => Invalid,
            (_, [127, ..]) => Host(Scope::Host),
            (_, [10, ..] | [192, 168, ..]) => Host(Scope::Site),
            (_, [172, b, ..]) if b & 0xf0 == 16 => Host(Scope::Site),
            (_, [224, 0, 0, _]) => Multicast(Scope::Link),
            (_, [239, ..]) => Multicast(Scope::Site),
            (_, [a, ..]) if a < 0xe0 => Host(Scope::Universe),
            (_, [a, ..]) if a < 0xf0 => Multicast(Scope::Universe),
            _ => Host(Scope::Site),
        },
        IpAddr::V6(a) => {
            if let Some(four) = a.to_ipv4_mapped() {
                return classify(IpAddr::V4(four));
            }
            let s = a.segments();
            match s[0] {
                _ if u128::from(a) == 0 => Invalid,
                _ if u128::from(a) == 1 => Host(Scope::Host),
                x if x & 0xe000 == 0x2000 => Host(Scope::Universe),
                x if x & 0xffc0 == 0xfe80 => Host(Scope::Link),
                x if x & 0xffc0 == 0xfec0 || x & 0xfe00 == 0xfc00 => Host(Scope::Site),
                x if x & 0xff00 == 0xff00 => Multicast(match x & 0xf {
                    1 => Scope::Host,
                    2 => Scope::Link,
                    5 => Scope::Site,
                    8 => Scope::Organization,
                    14 => Scope::Universe,
                    _ => Scope::Undefined,
                }),
                0 if s[..6].iter().all(|x| *x == 0) => {
                    classify(IpAddr::V4(Ipv4Addr::from(u128::from(a) as u32)))
                }
                0 if s[..4].iter().all(|x| *x == 0) => Invalid,
                _ => Host(Scope::Universe),
            }
        }
    }
}

/// Whether packets for `net` are routed at all: nothing of loopback, link-local or multicast, and no
/// addresses that are none. Whatever begins at address 0 is taken, not only the default route.
pub fn routable(net: &IpNet) -> bool {
    net.addr().is_unspecified()
        || matches!(classify(net.addr()), AddressKind::Host(scope) if scope > Scope::Link)
}

/// Whether `addr` lies inside `net`; different families never do.
pub fn contains(net: &IpNet, addr: IpAddr) -> bool {
    match (net, addr) {
        (IpNet::V4(n), IpAddr::V4(a)) => n.contains(&a),
        (IpNet::V6(n), IpAddr::V6(a)) => n.contains(&a),
        _ => false,
    }
}

/// The widest address of a prefix's family cut to `len` bits: `addr/len` with host bits cleared.
pub fn truncate(addr: IpAddr, len: u8) -> Option<IpNet> {
    IpNet::new(addr, len).ok().map(|n| n.trunc())
}

/// The IPv4 address as its number, if it is one.
pub fn ipv4_number(addr: IpAddr) -> Option<u32> {
    match addr {
        IpAddr::V4(a) => Some(u32::from(a)),
        IpAddr::V6(_) => None,
    }
}

/// The IPv4 address of a number.
pub fn ipv4(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(number))
}
