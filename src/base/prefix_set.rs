//! Prefix sets: which nets agree with a pattern and have a length it accepts.
//!
//! A pattern is a prefix and a range of lengths. Lengths below the pattern's own mean its supernets; those
//! become entries of their own, so every entry asks the same: "is the net inside, and is its length
//! accepted?". Entries stand sorted by address and length, each knows the entry that encloses it, and carries
//! the lengths accepted by itself and everything around it. A lookup is then one binary search among the few
//! entries that begin near the net, and a short climb.
//!
//! Most nets are in no entry at all, and a large set does not fit the nearest caches. So the first question
//! goes to a map of one bit per cell of the address space, some ten cells per entry: whether anything reaches
//! into the net's cell. It answers four of five lookups that find nothing, at the cost of one small access.
//! Beside every 32 cells stands the number of the first entry that begins there, so where the answer is
//! "perhaps", the search knows its three or four entries already, and only those are a second access to
//! memory. Building is a sort: a million patterns take about a tenth of a second. How a set prints is in
//! [`super::prefix_print`].

use std::fmt::Debug;
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

use super::{Net, NetExt};

/// A prefix and the lengths it accepts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Pattern {
    /// The prefix.
    pub net: IpNet,
    /// Shortest accepted length.
    pub low: u8,
    /// Longest accepted length.
    pub high: u8,
}

/// An address as a number; a bit per length from 1 on fits the same width.
pub(super) trait Bits: Copy + Ord + Debug + Default + 'static {
    const WIDTH: u8;
    fn wide(self) -> u128;
    fn narrow(bits: u128) -> Self;

    /// The lengths `low..=high`, each as a bit; length 0 has none.
    fn lengths(low: u8, high: u8) -> Self {
        if high < low {
            return Self::narrow(0);
        }
        Self::narrow(Self::mask(high).wide() & !Self::mask(low.saturating_sub(1)).wide())
    }
    /// The first `len` bits set.
    fn mask(len: u8) -> Self;
    /// The first `len` bits, the others cleared.
    #[inline]
    fn cut(self, len: u8) -> Self {
        self.and(Self::mask(len))
    }
    /// Whether the length is in a set of lengths.
    fn accepts(self, len: u8) -> bool;
    fn or(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn is_zero(self) -> bool {
        self == Self::default()
    }
    #[inline]
    fn inside(self, of: Self, len: u8) -> bool {
        self.cut(len) == of
    }
    /// `width` bits, at most 32, behind the first `skip` ones.
    fn leading(self, skip: u8, width: u8) -> u32;
    /// The address of these bits.
    fn address(self) -> IpAddr;
}

macro_rules! native {
    () => {
        #[inline]
        fn wide(self) -> u128 {
            self as u128
        }
        #[inline]
        fn narrow(bits: u128) -> Self {
            bits as Self
        }
        #[inline]
        fn mask(len: u8) -> Self {
            if len == 0 { 0 } else { Self::MAX << (Self::WIDTH - len) }
        }
        #[inline]
        fn accepts(self, len: u8) -> bool {
            len > 0 && self >> (Self::WIDTH - len) & 1 != 0
        }
        #[inline]
        fn or(self, other: Self) -> Self {
            self | other
        }
        #[inline]
        fn and(self, other: Self) -> Self {
            self & other
        }
        #[inline]
        fn leading(self, skip: u8, width: u8) -> u32 {
            if width == 0 { 0 } else { (self << skip >> (Self::WIDTH - width)) as u32 }
        }
    };
}

impl Bits for u32 {
    const WIDTH: u8 = 32;
    native!();
    fn address(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(self))
    }
}

impl Bits for u128 {
    const WIDTH: u8 = 128;
    native!();
    fn address(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from(self))
    }
}

/// A pattern with its lengths as a bit set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Item<B> {
    pub bits: B,
    pub len: u8,
    pub lengths: B,
}

const NONE: u32 = u32::MAX;
/// Sets with fewer entries are in the cache anyway.
const COLD: usize = 1024;

/// What a lookup needs of an entry, together so that it costs one cache line.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Entry<B> {
    bits: B,
    /// Lengths accepted by the entry and those around it.
    all: B,
    /// The innermost enclosing entry.
    parent: u32,
    len: u8,
}

/// Cells that are neighbours, together with where their entries are: one access answers both.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Stretch {
    /// A bit for each cell: whether some entry reaches into it.
    cells: u32,
    /// The first entry that begins in one of these cells or behind them.
    first: u32,
}

/// The entries of one family.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries<B> {
    /// Sorted by address, then length.
    sorted: Box<[Entry<B>]>,
    /// Lengths accepted by the entry itself.
    own: Box<[B]>,
    /// Leading bits that all addresses share and no entry is shorter than.
    common: u8,
    /// Those bits.
    shared: B,
    /// What there is in the parts of the address space told apart by the next `cell_width` bits, 32 at a
    /// time, and an end.
    stretches: Box<[Stretch]>,
    cell_width: u8,
    /// The patterns as written, kept only if one reaches above its own prefix: entries cannot give them back then.
    written: Box<[Item<B>]>,
}

/// Sets are equal when they hold the same, in whatever order they were written.
impl<B: PartialEq> PartialEq for Entries<B> {
    fn eq(&self, other: &Self) -> bool {
        self.sorted == other.sorted && self.own == other.own
    }
}

impl<B: Bits> Entries<B> {
    fn new(items: Vec<Item<B>>) -> Entries<B> {
        let above = |i: &Item<B>| !i.lengths.and(B::lengths(0, i.len.saturating_sub(1))).is_zero();
        let written: Box<[Item<B>]> =
            if items.iter().any(above) { items.clone().into() } else { Box::default() };
        let mut list = items;
        if !written.is_empty() {
            for i in &written {
                let supernets = (1..i.len).filter(|len| i.lengths.accepts(*len));
                list.extend(supernets.map(|len| Item {
                    bits: i.bits.cut(len),
                    len,
                    lengths: B::lengths(len, len),
                }));
            }
            list.iter_mut().for_each(|i| i.lengths = i.lengths.and(B::lengths(i.len, B::WIDTH)));
            list.retain(|i| !i.lengths.is_zero());
        }
        let ordered = |a: &Item<B>, b: &Item<B>| (a.bits, a.len) <= (b.bits, b.len);
        if !list.is_sorted_by(ordered) {
            list.sort_unstable_by_key(|i| (i.bits, i.len));
        }
        list.dedup_by(|next, kept| {
            let same = (next.bits, next.len) == (kept.bits, kept.len);
            if same {
                kept.lengths = kept.lengths.or(next.lengths);
            }
            same
        });
        Entries::index(&list, written)
    }

    fn index(list: &[Item<B>], written: Box<[Item<B>]>) -> Entries<B> {
        let mut sorted: Vec<Entry<B>> = Vec::with_capacity(list.len());
        let mut around: Vec<u32> = Vec::new();
        for (at, item) in list.iter().enumerate() {
            while let Some(&top) = around.last() {
                let outer = &list[top as usize];
                if outer.len <= item.len && item.bits.inside(outer.bits, outer.len) {
                    break;
                }
                around.pop();
            }
            let outer = around.last().copied();
            let all = outer.map_or(item.lengths, |o| item.lengths.or(sorted[o as usize].all));
            sorted.push(Entry { bits: item.bits, all, parent: outer.unwrap_or(NONE), len: item.len });
            around.push(at as u32);
        }
        let (mut common, mut shared, mut stretches, mut cell_width) = (0, B::default(), Vec::new(), 0);
        if let ([first, ..], [.., last]) = (list, list) {
            let spread = (first.bits.wide() ^ last.bits.wide()) << (128 - B::WIDTH as u32);
            let shortest = list.iter().map(|i| i.len).min().unwrap_or(0);
            common = (spread.leading_zeros() as u8).min(shortest).min(B::WIDTH - 1);
            shared = first.bits.cut(common);
            // Cells cost next to nothing where there are few entries.
            cell_width = (list.len().ilog2() as u8 + 4).clamp(10, 24).min(B::WIDTH - common);
            let cell = |entry: &Entry<B>| entry.bits.leading(common, cell_width);
            stretches = vec![Stretch { cells: 0, first: 0 }; (1 << cell_width.saturating_sub(5)) + 1];
            for entry in sorted.iter().filter(|entry| entry.parent == NONE) {
                let first = cell(entry);
                let last = first + ((1u32 << (common + cell_width).saturating_sub(entry.len).min(24)) - 1);
                mark(&mut stretches, first, last);
            }
            let mut at = 0;
            for (number, stretch) in stretches.iter_mut().enumerate() {
                while sorted.get(at).is_some_and(|entry| (cell(entry) as usize) < number * 32) {
                    at += 1;
                }
                stretch.first = at as u32;
            }
        }
        Entries {
            sorted: sorted.into(),
            own: list.iter().map(|i| i.lengths).collect(),
            common,
            shared,
            stretches: stretches.into(),
            cell_width,
            written,
        }
    }

    #[inline]
    fn contains(&self, bits: B, len: u8) -> bool {
        if !bits.inside(self.shared, self.common) {
            return false;
        }
        match self.near(bits) {
            Some((from, to)) => self.search(bits, len, from, to),
            None => false,
        }
    }

    /// The entries that begin around an address which shares the leading bits of all, if any entry reaches there.
    #[inline]
    fn near(&self, bits: B) -> Option<(usize, usize)> {
        let cell = bits.leading(self.common, self.cell_width) as usize;
        match self.stretches.get(cell / 32..cell / 32 + 2) {
            Some([here, next]) if here.cells >> (cell % 32) & 1 != 0 => {
                Some((here.first as usize, next.first as usize))
            }
            _ => None,
        }
    }

    /// Reads what lookups will read. First all cells, then entries: a processor that has to guess which
    /// entries are asked for, because the cell is not there yet, does not go ahead to the next address.
    fn warm(&self, addresses: impl Iterator<Item = B> + Clone) {
        if self.sorted.len() < COLD {
            return;
        }
        let stretch = |bits: B| bits.leading(self.common, self.cell_width) as usize / 32;
        let cells = addresses.clone().filter_map(|bits| self.stretches.get(stretch(bits)));
        black_box(cells.fold(0, |all, stretch| all | stretch.cells));
        let length = |at: usize| self.sorted.get(at).map_or(0, |entry| entry.len);
        let around = addresses.filter_map(|bits| self.near(bits));
        black_box(around.fold(0, |all, (from, to)| all | length(from.saturating_sub(1)) | length(to)));
    }

    /// Looks for the last entry not after the net, which is one of `from..to` or the one before them, and
    /// climbs from there.
    fn search(&self, bits: B, len: u8, from: usize, to: usize) -> bool {
        let near = self.sorted.get(from..to).unwrap_or_default();
        let rank = from + near.partition_point(|e| e.bits < bits || (e.bits == bits && e.len <= len));
        let Some(at) = rank.checked_sub(1) else { return false };
        let mut at = at as u32;
        while at != NONE {
            let entry = &self.sorted[at as usize];
            if entry.len <= len && bits.inside(entry.bits, entry.len) {
                return entry.all.accepts(len);
            }
            at = entry.parent;
        }
        false
    }

    /// The patterns, joined where the prefix is the same.
    pub(super) fn items(&self) -> Vec<Item<B>> {
        if !self.written.is_empty() {
            return self.written.to_vec();
        }
        let items = self.sorted.iter().zip(&self.own);
        items.map(|(e, lengths)| Item { bits: e.bits, len: e.len, lengths: *lengths }).collect()
    }
}

/// Sets the bits of the cells `first..=last`.
fn mark(stretches: &mut [Stretch], first: u32, last: u32) {
    let (from, to) = (first as usize / 32, last as usize / 32);
    for at in from..=to {
        let low = if at == from { first % 32 } else { 0 };
        let high = if at == to { last % 32 } else { 31 };
        if let Some(stretch) = stretches.get_mut(at) {
            stretch.cells |= u32::MAX << low & u32::MAX >> (31 - high);
        }
    }
}

/// The family of a set, which all its patterns share.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) enum Family {
    /// Nothing was written between the brackets.
    #[default]
    Empty,
    V4(Entries<u32>),
    V6(Entries<u128>),
}

/// A set of prefix patterns.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PrefixSet {
    /// Whether the net of length 0 is in the set.
    pub(super) zero: bool,
    pub(super) family: Family,
}

impl PrefixSet {
    /// The set of these patterns; those of another family than the first one are left out (the checker refuses them).
    pub fn new(patterns: impl IntoIterator<Item = Pattern>) -> Arc<PrefixSet> {
        let (mut four, mut six, mut zero) = (Vec::new(), Vec::new(), false);
        for p in patterns {
            zero |= p.low == 0;
            let len = p.net.prefix_len().min(p.high);
            match p.net {
                IpNet::V4(n) if six.is_empty() => {
                    let bits = u32::from(n.addr()).cut(len);
                    four.push(Item { bits, len, lengths: u32::lengths(p.low, p.high) });
                }
                IpNet::V6(n) if four.is_empty() => {
                    let bits = u128::from(n.addr()).cut(len);
                    six.push(Item { bits, len, lengths: u128::lengths(p.low, p.high) });
                }
                _ => {}
            }
        }
        let family = match (four.is_empty(), six.is_empty()) {
            (true, true) => Family::Empty,
            (false, _) => Family::V4(Entries::new(four)),
            (true, false) => Family::V6(Entries::new(six)),
        };
        Arc::new(PrefixSet { zero, family })
    }

    /// Whether nothing was written between the brackets.
    pub fn is_empty(&self) -> bool {
        matches!(self.family, Family::Empty)
    }

    /// The number of entries, supernets included.
    pub fn len(&self) -> usize {
        match &self.family {
            Family::Empty => 0,
            Family::V4(e) => e.sorted.len(),
            Family::V6(e) => e.sorted.len(),
        }
    }

    /// Whether an IP prefix is in the set.
    #[inline]
    pub fn contains(&self, prefix: &IpNet) -> bool {
        match (&self.family, prefix) {
            (Family::V4(e), IpNet::V4(n)) => match n.prefix_len() {
                0 => self.zero,
                len => e.contains(u32::from(n.addr()), len),
            },
            (Family::V6(e), IpNet::V6(n)) => match n.prefix_len() {
                0 => self.zero,
                len => e.contains(u128::from(n.addr()), len),
            },
            _ => false,
        }
    }

    /// Reads what [`contains`](Self::contains) will have to read for these nets. Memory answers the questions
    /// of many in the time of one.
    pub fn warm(&self, nets: &[&Net]) {
        let prefixes = nets.iter().filter_map(|net| match net {
            Net::Ip(prefix) => Some(prefix),
            Net::Ext(_) => None,
        });
        match &self.family {
            Family::Empty => {}
            Family::V4(e) => e.warm(prefixes.filter_map(|p| match p {
                IpNet::V4(n) => Some(u32::from(n.addr())),
                IpNet::V6(_) => None,
            })),
            Family::V6(e) => e.warm(prefixes.filter_map(|p| match p {
                IpNet::V6(n) => Some(u128::from(n.addr())),
                IpNet::V4(_) => None,
            })),
        }
    }

    /// Whether a net is in the set: VPN and ROA nets by their IP part, other types never.
    pub fn contains_net(&self, net: &Net) -> bool {
        match net {
            Net::Ip(prefix) => self.contains(prefix),
            Net::Ext(ext) => match &**ext {
                NetExt::Vpn { prefix, .. } | NetExt::Roa { prefix, .. } => self.contains(prefix),
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use proptest::prelude::*;

    fn pattern(net: &str, low: u8, high: u8) -> Pattern {
        Pattern { net: net.parse().unwrap(), low, high }
    }

    /// The definition: agree on the shorter of the two lengths, and have an accepted length.
    fn naive(patterns: &[Pattern], net: &IpNet) -> bool {
        patterns.iter().any(|p| {
            let len = net.prefix_len();
            let shared = len.min(p.net.prefix_len());
            let cut = |n: &IpNet| IpNet::new(n.addr(), shared).unwrap().trunc();
            (p.low..=p.high).contains(&len) && n_family(&p.net) == n_family(net) && cut(&p.net) == cut(net)
        })
    }

    fn n_family(n: &IpNet) -> bool {
        n.addr().is_ipv4()
    }

    #[test]
    fn families_and_length_zero() {
        let set = PrefixSet::new([pattern("0.0.0.0/0", 0, 0)]);
        assert!(set.contains(&"0.0.0.0/0".parse().unwrap()));
        assert!(!set.contains(&"10.0.0.0/8".parse().unwrap()) && !set.contains(&"::/0".parse().unwrap()));
        assert!(!PrefixSet::default().contains(&"::/0".parse().unwrap()));
    }

    #[test]
    fn a_big_set_finds_all_its_members() {
        let nets = (0..100_000u32)
            .map(|i| pattern(&format!("{}/24", Ipv4Addr::from(i.wrapping_mul(2654435761) & !255)), 24, 26));
        let nets: Vec<_> = nets.collect();
        let set = PrefixSet::new(nets.iter().copied());
        assert!(nets.iter().all(|p| set.contains(&p.net)));
        assert!(!set.contains(&"10.0.0.0/8".parse().unwrap()));
    }

    prop_compose! {
        fn four()(bits in prop_oneof![any::<u32>(), 0u32..4096, Just(0x0a000000)], len in 0u8..=32, a in 0u8..=32, b in 0u8..=32)
            -> Pattern {
            let net = IpNet::new(Ipv4Addr::from(bits).into(), len).unwrap().trunc();
            Pattern { net, low: a.min(b), high: a.max(b) }
        }
    }
    prop_compose! {
        fn six()(bits in prop_oneof![any::<u128>(), 0u128..65536], len in 0u8..=128, a in 0u8..=128, b in 0u8..=128) -> Pattern {
            let net = IpNet::new(Ipv6Addr::from(bits).into(), len).unwrap().trunc();
            Pattern { net, low: a.min(b), high: a.max(b) }
        }
    }

    proptest! {
        #[test]
        fn lookups_agree_with_the_definition_v4(patterns in prop::collection::vec(four(), 1..40), probes in prop::collection::vec(four(), 40)) {
            let set = PrefixSet::new(patterns.iter().copied());
            for p in probes.iter().chain(&patterns) {
                prop_assert_eq!(set.contains(&p.net), naive(&patterns, &p.net), "{:?}", p.net);
            }
        }

        #[test]
        fn lookups_agree_with_the_definition_v6(patterns in prop::collection::vec(six(), 1..24), probes in prop::collection::vec(six(), 24)) {
            let set = PrefixSet::new(patterns.iter().copied());
            for p in probes.iter().chain(&patterns) {
                prop_assert_eq!(set.contains(&p.net), naive(&patterns, &p.net), "{:?}", p.net);
            }
        }
    }
}
