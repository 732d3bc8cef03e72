//! Which ROAs cover a prefix.
//!
//! A route server asks for every route, and a prefix has up to thirty prefixes above it of which ROAs know one or two. So most of what is looked up is
//! not there, and finding that out must not touch the large map: a bit per prefix, chosen by a hash, says whether one may be. 500,000 ROAs
//! have a megabyte of bits, which the second cache holds. Bits of vanished ROAs stay until the map grows; they cost a lookup, no mistake.

use std::net::IpAddr;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::page::NetId;
use crate::base::IpNet;
use crate::base::net::truncate;

/// Bits per prefix, at least, while the map grows to twice its size.
const DENSITY: usize = 16;

/// A ROA of a prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Roa {
    pub(super) max_len: u8,
    pub(super) asn: u32,
    pub(super) id: NetId,
}

/// The ROAs of a table by their prefixes.
#[derive(Debug)]
pub(super) struct Roas {
    by_prefix: FxHashMap<IpNet, SmallVec<[Roa; 1]>>,
    /// How many prefixes have each length: only lengths that occur are looked at.
    lengths: [u32; 129],
    /// Whether a prefix with this hash may be there; a power of two of bits, or none.
    bits: Vec<u64>,
}

impl Default for Roas {
    fn default() -> Roas {
        Roas { by_prefix: FxHashMap::default(), lengths: [0; 129], bits: Vec::new() }
    }
}

impl Roas {
    /// A ROA is there now.
    pub(super) fn add(&mut self, prefix: IpNet, roa: Roa) {
        let list = self.by_prefix.entry(prefix).or_default();
        let new = list.is_empty();
        list.push(roa);
        if new {
            self.lengths[prefix.prefix_len() as usize] += 1;
            if self.by_prefix.len() * DENSITY > self.bits.len() * 64 {
                self.grow();
            }
            self.mark(&prefix);
        }
    }

    /// A ROA is gone.
    pub(super) fn remove(&mut self, prefix: &IpNet, id: NetId) {
        let Some(list) = self.by_prefix.get_mut(prefix) else { return };
        list.retain(|roa| roa.id != id);
        if list.is_empty() {
            self.by_prefix.remove(prefix);
            self.lengths[prefix.prefix_len() as usize] -= 1;
        }
    }

    /// Those that cover a prefix, short ones first, until `each` says stop (`false`).
    pub(super) fn covering(&self, prefix: &IpNet, each: &mut dyn FnMut(&Roa) -> bool) {
        let len = prefix.prefix_len();
        let (family, width, number) = match prefix.addr() {
            IpAddr::V4(a) => (0, 32, u128::from(u32::from(a))),
            IpAddr::V6(a) => (1, 128, u128::from(a)),
        };
        for len in (0..=len).filter(|l| self.lengths[*l as usize] > 0) {
            let rest = width - u32::from(len);
            let start = number.checked_shr(rest).unwrap_or(0).checked_shl(rest).unwrap_or(0);
            if !self.may_have(hash(family, start, len)) {
                continue;
            }
            let found = truncate(prefix.addr(), len).and_then(|p| self.by_prefix.get(&p));
            if !found.into_iter().flatten().all(&mut *each) {
                return;
            }
        }
    }

    #[inline]
    fn may_have(&self, hash: u64) -> bool {
        let at = hash as usize & (self.bits.len() * 64).wrapping_sub(1);
        self.bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 != 0)
    }

    fn mark(&mut self, prefix: &IpNet) {
        let hash = match prefix.addr() {
            IpAddr::V4(a) => hash(0, u32::from(a).into(), prefix.prefix_len()),
            IpAddr::V6(a) => hash(1, a.into(), prefix.prefix_len()),
        };
        let at = hash as usize & (self.bits.len() * 64).wrapping_sub(1);
        if let Some(word) = self.bits.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// More bits, and only those of prefixes that are there.
    fn grow(&mut self) {
        let bits = (2 * self.by_prefix.len() * DENSITY).next_power_of_two().max(1024);
        self.bits = vec![0; bits / 64];
        let prefixes: Vec<IpNet> = self.by_prefix.keys().copied().collect();
        prefixes.iter().for_each(|prefix| self.mark(prefix));
    }
}

#[inline]
fn hash(family: u64, start: u128, len: u8) -> u64 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = mix(mix(family << 8 | u64::from(len), start as u64), (start >> 64) as u64);
    sum ^ sum >> 32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Prefixes close to each other, of both families.
    fn prefix() -> impl Strategy<Value = IpNet> {
        let v4 = (0u32..8, 0u8..=32)
            .prop_map(|(n, len)| IpNet::new(std::net::Ipv4Addr::from(n << 29 | n).into(), len));
        let v6 = (0u128..8, 0u8..=128)
            .prop_map(|(n, len)| IpNet::new(std::net::Ipv6Addr::from(n << 125 | n).into(), len));
        prop_oneof![v4, v6].prop_map(|net| net.unwrap().trunc())
    }

    proptest! {
        #[test]
        fn covering_roas_are_those_that_cover(
            changes in prop::collection::vec((prefix(), 0u32..3, any::<bool>()), 0..400),
            asked in prop::collection::vec(prefix(), 1..40),
        ) {
            let (mut roas, mut model) = (Roas::default(), BTreeSet::new());
            for (prefix, id, there) in changes {
                let roa = Roa { max_len: prefix.prefix_len(), asn: id, id: NetId(id) };
                if there && model.insert((prefix, id)) {
                    roas.add(prefix, roa);
                } else if !there && model.remove(&(prefix, id)) {
                    roas.remove(&prefix, NetId(id));
                }
            }
            for prefix in asked {
                let mut found = BTreeSet::new();
                let mut last = 0;
                roas.covering(&prefix, &mut |roa| {
                    assert!(roa.max_len >= last, "short ones first");
                    last = roa.max_len;
                    found.insert((roa.max_len, roa.asn))
                });
                let right: BTreeSet<(u8, u32)> = model
                    .iter()
                    .filter(|(p, _)| p.addr().is_ipv4() == prefix.addr().is_ipv4() && p.contains(&prefix))
                    .map(|(p, id)| (p.prefix_len(), *id))
                    .collect();
                prop_assert_eq!(found, right);
            }
        }
    }
}
