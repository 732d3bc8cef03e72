//! Flow specifications: building, normalising and printing their NLRI (RFC 8955 section 4, RFC 8956 section 3).
//!
//! The bytes of a net are those on the wire behind the length field: components in ascending order of their
//! type, the last operator of each marked as such. So nets that mean the same compare equal.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::bytes::Bytes;

/// The types of components.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names of the RFC")]
pub enum Part {
    Dst = 1,
    Src = 2,
    Proto = 3,
    Port = 4,
    Dport = 5,
    Sport = 6,
    IcmpType = 7,
    IcmpCode = 8,
    TcpFlags = 9,
    Length = 10,
    Dscp = 11,
    Fragment = 12,
    Label = 13,
}

use Part::*;

impl Part {
    const ALL: [Part; 13] =
        [Dst, Src, Proto, Port, Dport, Sport, IcmpType, IcmpCode, TcpFlags, Length, Dscp, Fragment, Label];

    /// The component that the configuration calls so.
    pub fn by_key(key: &str) -> Option<Part> {
        Some(match key {
            "dst" => Dst,
            "src" => Src,
            "proto" | "next header" => Proto,
            "port" => Port,
            "dport" => Dport,
            "sport" => Sport,
            "icmp type" => IcmpType,
            "icmp code" => IcmpCode,
            "tcp flags" => TcpFlags,
            "length" => Length,
            "dscp" => Dscp,
            "fragment" => Fragment,
            "label" => Label,
            _ => return None,
        })
    }

    fn of(number: u8) -> Option<Part> {
        Part::ALL.get(number.checked_sub(1)? as usize).copied()
    }

    fn name(self, v6: bool) -> &'static str {
        match self {
            Dst => "dst",
            Src => "src",
            Proto if v6 => "next header",
            Proto => "proto",
            Port => "port",
            Dport => "dport",
            Sport => "sport",
            IcmpType => "icmp type",
            IcmpCode => "icmp code",
            TcpFlags => "tcp flags",
            Length => "length",
            Dscp => "dscp",
            Fragment => "fragment",
            Label => "label",
        }
    }

    /// The largest value of a numeric component.
    pub fn max(self) -> u32 {
        match self {
            Proto | IcmpType | IcmpCode => 255,
            Dscp => 63,
            Label => (1 << 20) - 1,
            TcpFlags => 0xfff,
            Fragment => 15,
            _ => 65535,
        }
    }

    /// Whether its operators are bit masks.
    pub fn is_mask(self) -> bool {
        matches!(self, TcpFlags | Fragment)
    }
}

/// Bits of an operator.
const END: u8 = 0x80;
const AND: u8 = 0x40;
/// Numeric operators are combinations of these.
const LT: u8 = 4;
const GT: u8 = 2;
const EQ: u8 = 1;
/// Bit masks: negated, all bits must match.
const NOT: u8 = 2;
const ALL_BITS: u8 = 1;

/// The bits of a numeric operator as it is written.
pub fn operator(word: &str) -> u8 {
    match word {
        "=" => EQ,
        "!=" => LT | GT,
        "<" => LT,
        "<=" => LT | EQ,
        ">" => GT,
        ">=" => GT | EQ,
        "true" => LT | GT | EQ,
        _ => 0,
    }
}

/// Names of the bits of `fragment`.
pub const FRAGMENTS: [(&str, u32); 4] =
    [("dont_fragment", 1), ("is_fragment", 2), ("first_fragment", 4), ("last_fragment", 8)];

/// Puts a flow specification together.
#[derive(Debug, Default)]
pub struct FlowBuilder {
    parts: BTreeMap<Part, Vec<u8>>,
    /// Where the last operator of the component being built stands.
    last: usize,
}

impl FlowBuilder {
    /// An empty one.
    pub fn new() -> FlowBuilder {
        FlowBuilder::default()
    }

    /// Whether the component is there already.
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains_key(&part)
    }

    /// Adds `dst` or `src`. For IPv6 the first `offset` bits do not count.
    pub fn prefix(&mut self, part: Part, net: IpNet, offset: u8) {
        let mut bytes = vec![net.prefix_len()];
        match net {
            IpNet::V4(n) => bytes.extend(&n.addr().octets()[..n.prefix_len().div_ceil(8) as usize]),
            IpNet::V6(n) => {
                let offset = offset.min(n.prefix_len());
                bytes.push(offset);
                let pattern = u128::from(n.addr()).checked_shl(offset.into()).unwrap_or(0);
                bytes.extend(&pattern.to_be_bytes()[..(n.prefix_len() - offset).div_ceil(8) as usize]);
            }
        }
        self.parts.insert(part, bytes);
    }

    fn operation(&mut self, part: Part, bits: u8, value: u32) {
        let list = self.parts.entry(part).or_default();
        self.last = list.len();
        let all = value.to_be_bytes();
        let (size, from) = match value {
            0..=0xff => (0, 3),
            0x100..=0xffff => (1, 2),
            _ => (2, 0),
        };
        list.push(bits | size << 4);
        list.extend(&all[from..]);
    }

    /// Adds a numeric match.
    pub fn number(&mut self, part: Part, and: bool, operator: u8, value: u32) {
        self.operation(part, operator | if and { AND } else { 0 }, value);
    }

    /// Adds `VALUE/MASK`: the bits of the value must be set, the others of the mask must not. Its negation is
    /// one operator, so it exists only where the value is zero or the whole mask.
    pub fn mask(&mut self, part: Part, and: bool, negate: bool, value: u32, mask: u32) {
        let (set, clear) = (value & mask, !value & mask);
        let not = if negate { NOT } else { 0 };
        let join = if and { AND } else { 0 };
        if set != 0 || clear == 0 {
            self.operation(part, join | not ^ ALL_BITS, set);
        }
        if clear != 0 {
            let join = if set != 0 { AND } else { join };
            self.operation(part, join | not ^ NOT, clear);
        }
    }

    /// Ends a component: its last operator is marked.
    pub fn end(&mut self, part: Part) {
        if let Some(bits) = self.parts.get_mut(&part).and_then(|list| list.get_mut(self.last)) {
            *bits |= END;
        }
    }

    /// The finished NLRI.
    pub fn finish(self) -> Bytes {
        let mut nlri = Vec::new();
        for (part, bytes) in self.parts {
            nlri.push(part as u8);
            nlri.extend(bytes);
        }
        Bytes(nlri.into())
    }
}

/// A component as it is read back.
enum Content<'a> {
    Prefix(IpNet, u8),
    /// Operators with their values.
    Ops(Vec<(u8, u32)>),
    /// Bytes that make no sense.
    Raw(&'a [u8]),
}

/// Reads the components of an NLRI.
struct Parts<'a> {
    v6: bool,
    rest: &'a [u8],
}

impl<'a> Iterator for Parts<'a> {
    type Item = (u8, Content<'a>);
    fn next(&mut self) -> Option<Self::Item> {
        let (&number, rest) = self.rest.split_first()?;
        let parsed = match Part::of(number) {
            Some(Dst | Src) => read_prefix(self.v6, rest),
            Some(_) => read_ops(rest),
            None => None,
        };
        match parsed {
            Some((content, rest)) => {
                self.rest = rest;
                Some((number, content))
            }
            None => {
                self.rest = &[];
                Some((number, Content::Raw(rest)))
            }
        }
    }
}

fn read_prefix(v6: bool, bytes: &[u8]) -> Option<(Content<'_>, &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    if !v6 {
        let (used, rest) = rest.split_at_checked(len.div_ceil(8) as usize)?;
        let mut octets = [0; 4];
        octets.get_mut(..used.len())?.copy_from_slice(used);
        return Some((Content::Prefix(Ipv4Net::new(octets.into(), len).ok()?.into(), 0), rest));
    }
    let (&offset, rest) = rest.split_first()?;
    let (used, rest) = rest.split_at_checked(len.checked_sub(offset)?.div_ceil(8) as usize)?;
    let mut octets = [0; 16];
    octets.get_mut(..used.len())?.copy_from_slice(used);
    let bits = u128::from_be_bytes(octets).checked_shr(offset.into()).unwrap_or(0);
    Some((Content::Prefix(Ipv6Net::new(bits.into(), len).ok()?.into(), offset), rest))
}

fn read_ops(mut bytes: &[u8]) -> Option<(Content<'_>, &[u8])> {
    let mut ops = Vec::new();
    loop {
        let (&bits, rest) = bytes.split_first()?;
        let (value, rest) = rest.split_at_checked(1 << (bits >> 4 & 3))?;
        ops.push((bits, value.iter().fold(0u32, |n, b| n << 8 | *b as u32)));
        bytes = rest;
        if bits & END != 0 {
            return Some((Content::Ops(ops), rest));
        }
    }
}

fn find_prefix(v6: bool, nlri: &[u8], part: Part) -> IpNet {
    let found = Parts { v6, rest: nlri }.find_map(|(number, content)| match content {
        Content::Prefix(net, _) if number == part as u8 => Some(net),
        _ => None,
    });
    let any: IpAddr = if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() };
    found.unwrap_or_else(|| any_net(any))
}

fn any_net(any: IpAddr) -> IpNet {
    match any {
        IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
        IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
    }
}

/// The destination prefix; `/0` if there is none.
pub fn destination(v6: bool, nlri: &[u8]) -> IpNet {
    find_prefix(v6, nlri, Dst)
}

/// The source prefix; `/0` if there is none.
pub fn source(v6: bool, nlri: &[u8]) -> IpNet {
    find_prefix(v6, nlri, Src)
}

/// Writes a flow specification as BIRD prints it: components in the order of the RFC.
pub fn write_flow(f: &mut fmt::Formatter<'_>, v6: bool, nlri: &[u8]) -> fmt::Result {
    write!(f, "flow{} {{ ", if v6 { 6 } else { 4 })?;
    for (number, content) in (Parts { v6, rest: nlri }) {
        match Part::of(number) {
            Some(part) => write!(f, "{} ", part.name(v6))?,
            None => write!(f, "{number} ")?,
        }
        match content {
            Content::Prefix(net, 0) => write!(f, "{}", super::Net::Ip(net))?,
            Content::Prefix(net, offset) => write!(f, "{} offset {offset}", super::Net::Ip(net))?,
            Content::Ops(ops) if number == TcpFlags as u8 => write_masks(f, &ops, false)?,
            Content::Ops(ops) if number == Fragment as u8 => write_masks(f, &ops, true)?,
            Content::Ops(ops) => write_numbers(f, &ops)?,
            Content::Raw(bytes) => write!(f, "{}", Bytes::from(bytes))?,
        }
        f.write_str("; ")?;
    }
    f.write_str("}")
}

fn write_numbers(f: &mut fmt::Formatter<'_>, ops: &[(u8, u32)]) -> fmt::Result {
    let (and, kind) = (|bits: u8| bits & AND != 0, |bits: u8| bits & 7);
    let mut last: Option<u8> = None;
    let mut rest = ops;
    while let [(bits, value), more @ ..] = rest {
        let starts = matches!(kind(*bits), EQ | 3);
        match last.map(kind) {
            None => {}
            Some(EQ | 5) if !and(*bits) && starts => f.write_str(",")?,
            Some(_) => f.write_str(if and(*bits) { " && " } else { " || " })?,
        }
        last = Some(*bits);
        rest = more;
        match (kind(*bits), more) {
            (3, [(upper, high), more @ ..]) if !and(*bits) && and(*upper) && kind(*upper) == (LT | EQ) => {
                write!(f, "{value}..{high}")?;
                (last, rest) = (Some(*upper), more);
            }
            (EQ, _) => write!(f, "{value}")?,
            (0, _) => write!(f, "false {value}")?,
            (7, _) => write!(f, "true {value}")?,
            (kind, _) => {
                let sign = ["", "", ">", ">=", "<", "<=", "!="][kind as usize];
                write!(f, "{sign} {value}")?;
            }
        }
    }
    Ok(())
}

fn write_masks(f: &mut fmt::Formatter<'_>, ops: &[(u8, u32)], fragment: bool) -> fmt::Result {
    for (i, (bits, value)) in ops.iter().enumerate() {
        if i > 0 {
            f.write_str(if bits & AND != 0 { " && " } else { " || " })?;
        }
        let (not, all) = (bits & NOT != 0, bits & ALL_BITS != 0);
        if not == all {
            f.write_str("!")?;
        }
        match FRAGMENTS.iter().find(|(_, bit)| fragment && all && bit == value) {
            Some((name, _)) => f.write_str(name)?,
            None => write!(f, "{:#x}/{value:#x}", if all { *value } else { 0 })?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    struct Show(bool, Bytes);
    impl fmt::Display for Show {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_flow(f, self.0, &self.1.0)
        }
    }

    #[test]
    fn numbers_print_as_lists_and_ranges() {
        let mut b = FlowBuilder::new();
        b.number(Dport, false, operator(">"), 24);
        b.number(Dport, true, operator("<"), 30);
        for (low, high) in [(40, 50), (60, 70)] {
            b.number(Dport, false, operator(">="), low);
            b.number(Dport, true, operator("<="), high);
        }
        b.number(Dport, false, operator("="), 80);
        b.end(Dport);
        b.prefix(Dst, "10.0.0.0/8".parse().unwrap(), 0);
        let shown = Show(false, b.finish()).to_string();
        assert_eq!(shown, "flow4 { dst 10.0.0.0/8; dport > 24 && < 30 || 40..50,60..70,80; }");
    }

    #[test]
    fn masks_are_normalised() {
        let mut b = FlowBuilder::new();
        b.mask(TcpFlags, false, false, 0x03, 0x0f);
        b.end(TcpFlags);
        b.mask(Fragment, false, false, 1, 1);
        b.mask(Fragment, false, true, 2, 2);
        b.end(Fragment);
        let shown = Show(false, b.finish()).to_string();
        assert_eq!(shown, "flow4 { tcp flags 0x3/0x3 && 0x0/0xc; fragment dont_fragment || !is_fragment; }");
    }

    #[test]
    fn offsets_drop_leading_bits() {
        let mut b = FlowBuilder::new();
        b.prefix(Dst, "2001:db8::1:0:0:0/128".parse().unwrap(), 64);
        b.prefix(Src, "2001:db8:2::/48".parse().unwrap(), 0);
        let nlri = b.finish();
        assert_eq!(source(true, &nlri.0), "2001:db8:2::/48".parse::<IpNet>().unwrap());
        let shown = Show(true, nlri).to_string();
        assert_eq!(shown, "flow6 { dst ::1:0:0:0/128 offset 64; src 2001:db8:2::/48; }");
        assert_eq!(destination(false, &[]), "0.0.0.0/0".parse::<IpNet>().unwrap());
    }

    #[test]
    fn broken_bytes_do_not_panic() {
        for len in 0..6 {
            for first in [1u8, 2, 3, 9, 13, 14, 255] {
                let bytes: Vec<u8> = std::iter::once(first).chain((0..len).map(|i| 0x7f ^ i)).collect();
                let _ = (
                    Show(true, Bytes::from(&bytes[..])).to_string(),
                    Show(false, Bytes::from(&bytes[..])).to_string(),
                );
                let _ = (destination(true, &bytes), source(false, &bytes));
            }
        }
    }
}
