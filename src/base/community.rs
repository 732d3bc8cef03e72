//! BGP communities as values: plain 32 bit, extended 64 bit (RFC 4360), large 96 bit (RFC 8092), and lists of them.

use std::fmt;
use std::net::Ipv4Addr;

use super::list::List;

/// Plain communities: two 16 bit halves each, or the number of an IPv4 address (`bgp_cluster_list`).
pub type Clist = List<u32>;
/// Extended communities.
pub type Eclist = List<u64>;
/// Large communities.
pub type Lclist = List<LargeCommunity>;

/// A large community (RFC 8092): administrator and two data words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LargeCommunity {
    /// Global administrator, usually an AS number.
    pub asn: u32,
    /// First local part.
    pub data1: u32,
    /// Second local part.
    pub data2: u32,
}

impl LargeCommunity {
    /// The three words as one number, in order.
    #[inline]
    pub fn bits(self) -> u128 {
        (self.asn as u128) << 64 | (self.data1 as u128) << 32 | self.data2 as u128
    }

    /// The inverse of [`LargeCommunity::bits`].
    pub fn from_bits(bits: u128) -> LargeCommunity {
        LargeCommunity { asn: (bits >> 64) as u32, data1: (bits >> 32) as u32, data2: bits as u32 }
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}, {})", self.asn, self.data1, self.data2)
    }
}

/// Type and subtype of route targets with a two-byte AS number.
pub const EC_RT: u16 = 0x0002;
/// Type and subtype of route origins with a two-byte AS number.
pub const EC_RO: u16 = 0x0003;

/// A community with a number as key: below 65536 the value has 32 bits, else 16. `None` if the value does not fit.
pub fn ec_number(kind: u16, key: u32, value: u32) -> Option<u64> {
    match (u16::try_from(key), u16::try_from(value)) {
        (Ok(key), _) => Some((kind as u64) << 48 | (key as u64) << 32 | value as u64),
        (Err(_), Ok(value)) => Some(((kind | 0x0200) as u64) << 48 | (key as u64) << 16 | value as u64),
        (Err(_), Err(_)) => None,
    }
}

/// A community with an IPv4 address as key; the value has 16 bits.
pub fn ec_address(kind: u16, key: Ipv4Addr, value: u32) -> Option<u64> {
    let value = u16::try_from(value).ok()?;
    Some(((kind | 0x0100) as u64) << 48 | (u32::from(key) as u64) << 16 | value as u64)
}

/// A community given as its two halves.
pub fn ec_generic(high: u32, low: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

/// Writes an extended community as BIRD does: kind, key and value as the type bits say.
pub fn write_ec(f: &mut fmt::Formatter<'_>, ec: u64) -> fmt::Result {
    let kind = (ec >> 48) as u16;
    let (as2, as4) = ((ec >> 32) as u16, (ec >> 16) as u32);
    let high = (ec >> 56) as u8;
    if !matches!(high, 0x00 | 0x40 | 0x01 | 0x41 | 0x02 | 0x42) {
        return write!(f, "(generic, {:#x}, {:#x})", (ec >> 32) as u32, ec as u32);
    }
    match kind & 0xf0ff {
        EC_RT => f.write_str("(rt, ")?,
        EC_RO => f.write_str("(ro, ")?,
        _ => write!(f, "(unknown {kind:#x}, ")?,
    }
    match high & 0x0f {
        0 => write!(f, "{as2}, {})", ec as u32),
        1 => write!(f, "{}, {})", Ipv4Addr::from(as4), ec as u16),
        _ => write!(f, "{as4}, {})", ec as u16),
    }
}

/// Writes a pair: `(1,2)`.
pub fn write_pair(f: &mut fmt::Formatter<'_>, pair: u32) -> fmt::Result {
    write!(f, "({},{})", pair >> 16, pair & 0xffff)
}

/// Adds a member at the end unless it is there.
pub fn add<T: Copy + PartialEq>(list: &List<T>, member: T) -> List<T> {
    if list.contains(&member) {
        return list.clone();
    }
    list.iter().copied().chain([member]).collect()
}

/// Lists longer than this are searched in order.
const LONG: usize = 64;

/// Tells which members a list has, to somebody who asks so many times.
pub fn members<T: Copy + Ord>(list: &List<T>, times: usize) -> impl Fn(&T) -> bool + '_ {
    // Looking through all of a long list for all of another one would take minutes.
    let sorted = (list.len() > LONG && times > LONG).then(|| {
        let mut sorted = list.to_vec();
        sorted.sort_unstable();
        sorted
    });
    move |member| match &sorted {
        Some(sorted) => sorted.binary_search(member).is_ok(),
        None => list.contains(member),
    }
}

/// Adds the members of `other` that are not there.
pub fn union<T: Copy + Ord>(list: &List<T>, other: &List<T>) -> List<T> {
    let known = members(list, other.len());
    if other.iter().all(&known) {
        return list.clone();
    }
    list.iter().chain(other.iter().filter(|m| !known(m))).copied().collect()
}

/// Keeps the members that `keep` wants, in order; a list that loses nothing stays shared.
pub fn retain<T: Copy>(list: &List<T>, mut keep: impl FnMut(&T) -> bool) -> List<T> {
    let Some(first) = list.iter().position(|m| !keep(m)) else { return list.clone() };
    list[..first].iter().chain(list[first + 1..].iter().filter(|m| keep(m))).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ec(u64);
    impl fmt::Display for Ec {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write_ec(f, self.0)
        }
    }

    #[test]
    fn extended_communities_print_by_their_type_bits() {
        let text = |ec| Ec(ec).to_string();
        assert_eq!(text(ec_generic(0, 0)), "(unknown 0x0, 0, 0)");
        assert_eq!(text(ec_generic(0x4300_0000, 1)), "(generic, 0x43000000, 0x1)");
        assert_eq!(text(ec_generic(0x2000a, 20)), "(rt, 10, 20)");
        assert_eq!(text(ec_generic(0x0102_0a00, 0x0001_0014)), "(rt, 10.0.0.1, 20)");
        assert_eq!(ec_number(0x0309, 10, 20).map(text).as_deref(), Some("(generic, 0x309000a, 0x14)"));
        assert_eq!(ec_number(0x4002, 10, 20).map(text).as_deref(), Some("(unknown 0x4002, 10, 20)"));
        assert_eq!(ec_number(0x00ff, 70000, 20).map(text).as_deref(), Some("(unknown 0x2ff, 70000, 20)"));
        assert_eq!(ec_number(EC_RT, 70000, 65536), None);
    }

    #[test]
    fn lists_keep_order_and_share_when_nothing_changes() {
        let one: Clist = [1, 2].into_iter().collect();
        assert_eq!(&add(&one, 2)[..], &[1, 2]);
        assert_eq!(&add(&one, 3)[..], &[1, 2, 3]);
        assert_eq!(&retain(&one, |m| *m != 1)[..], &[2]);
        assert_eq!(&union(&one, &[2, 9].into_iter().collect())[..], &[1, 2, 9]);
        // Long ones are searched in another way.
        let (low, high): (Clist, Clist) = ((0..300).rev().collect(), (200..500).collect());
        assert!(union(&low, &high).iter().copied().eq((0..300).rev().chain(300..500)));
        assert!(!retain(&one, |_| false).is_undefined());
        assert!(retain(&Clist::EMPTY, |_| false).is_undefined());
    }
}
