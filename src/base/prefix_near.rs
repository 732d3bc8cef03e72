//! Which element of a prefix set decides about a net: for people who ask why.
//!
//! Lookups know only whether; this walks over all elements, once per question.

use std::fmt;

use ipnet::IpNet;

use super::prefix_set::{Bits, Entries, Family, PrefixSet};

/// An element of a prefix set, as it may have been written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Element {
    net: IpNet,
    /// Accepted lengths, sorted.
    lengths: Vec<u8>,
    widest: u8,
}

impl Element {
    /// Whether the net lies inside, whatever its length.
    pub fn around(&self, net: &IpNet) -> bool {
        self.net.contains(net)
    }

    /// Whether it is the prefix around everything.
    pub fn is_default(&self) -> bool {
        self.net.prefix_len() == 0
    }

    fn accepts(&self, len: u8) -> bool {
        self.lengths.contains(&len)
    }
}

/// In the notation of the language, as far as it has one.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (net, len) = (self.net, self.net.prefix_len());
        let (Some(low), Some(high)) = (self.lengths.first(), self.lengths.last()) else {
            return write!(f, "{net}");
        };
        let whole = usize::from(high - low) + 1 == self.lengths.len();
        match (*low, *high) {
            (low, high) if whole && (low, high) == (len, len) => write!(f, "{net}"),
            (low, high) if whole && (low, high) == (len, self.widest) => write!(f, "{net}+"),
            (low, high) if whole && low <= 1 && high == len => write!(f, "{net}-"),
            (low, high) if whole => write!(f, "{net}{{{low},{high}}}"),
            _ => {
                let list: Vec<String> = self.lengths.iter().map(u8::to_string).collect();
                write!(f, "{net} with lengths {}", list.join(", "))
            }
        }
    }
}

impl PrefixSet {
    /// The element that makes the net a member; without one the innermost element around the net.
    pub fn nearest(&self, net: &IpNet) -> Option<Element> {
        if net.prefix_len() == 0 {
            return self.zero.then(|| Element { net: *net, lengths: vec![0], widest: net.max_prefix_len() });
        }
        match &self.family {
            Family::Empty => None,
            Family::V4(entries) => nearest(entries, net),
            Family::V6(entries) => nearest(entries, net),
        }
    }
}

fn nearest<B: Bits>(entries: &Entries<B>, net: &IpNet) -> Option<Element> {
    let mut best: Option<(bool, u8, Element)> = None;
    for item in entries.items() {
        let Ok(prefix) = IpNet::new(item.bits.address(), item.len) else { continue };
        // Lengths below the element's own mean its supernets.
        if !prefix.contains(net) && !net.contains(&prefix) {
            continue;
        }
        let lengths = (1..=B::WIDTH).filter(|len| item.lengths.accepts(*len)).collect();
        let element = Element { net: prefix, lengths, widest: B::WIDTH };
        let accepts = element.accepts(net.prefix_len());
        if !accepts && !element.around(net) {
            continue;
        }
        if best.as_ref().is_none_or(|(b, len, _)| (accepts, item.len) > (*b, *len)) {
            best = Some((accepts, item.len, element));
        }
    }
    best.map(|(.., element)| element)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::super::prefix_set::Pattern;
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn pattern(net: &str, low: u8, high: u8) -> Pattern {
        Pattern { net: net.parse().unwrap(), low, high }
    }

    #[test]
    fn elements_as_written() {
        let set = PrefixSet::new([
            pattern("10.0.0.0/8", 8, 32),
            pattern("10.1.0.0/16", 16, 24),
            pattern("192.0.2.0/24", 24, 24),
            pattern("198.51.100.0/24", 1, 24),
        ]);
        let near = |net: &str| set.nearest(&net.parse().unwrap()).map(|e| e.to_string());
        assert_eq!(near("10.1.2.0/24").as_deref(), Some("10.1.0.0/16{16,24}"));
        assert_eq!(near("10.1.2.0/25").as_deref(), Some("10.0.0.0/8+"));
        assert_eq!(near("192.0.2.0/24").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(near("192.0.2.0/25").as_deref(), Some("192.0.2.0/24"));
        assert_eq!(near("198.51.0.0/16").as_deref(), Some("198.51.100.0/24-"));
        assert_eq!(near("172.16.0.0/12"), None);
    }

    proptest! {
        #[test]
        fn it_decides_as_lookups_do(
            list in prop::collection::vec((0u32..64, 1u8..=8, 0u8..=8, 0u8..=8), 1..6), bits in 0u32..64, len in 1u8..=8
        ) {
            let net = |bits: u32, len| IpNet::new(Ipv4Addr::from(bits << 26).into(), len).unwrap().trunc();
            let list = list.into_iter().map(|(bits, len, a, b)| {
                Pattern { net: net(bits, len), low: a.min(b), high: a.max(b) }
            });
            let set = PrefixSet::new(list);
            let net = net(bits, len);
            let element = set.nearest(&net);
            prop_assert_eq!(set.contains(&net), element.is_some_and(|e| e.accepts(len)));
        }
    }
}
