//! Sets of scalars: sorted ranges, looked up by binary search.
//!
//! Every scalar type of the language maps to an unsigned key that keeps its order, so one implementation
//! serves all. Keys are stored as wide as the type needs. A literal may mix types (BIRD does not mind), hence
//! a part per type; nearly always there is one.

use std::fmt;
use std::sync::Arc;

use super::community::LargeCommunity;
use super::net::{from_bits, ipv4, to_bits};
use super::value::{EnumType, Value};
use super::{Mac, Rd};

/// The types a set can hold. A quad counts as the IPv4 address it is written as.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "the types of the language")]
pub enum ScalarKind {
    Int,
    Pair,
    Ip,
    Ec,
    Lc,
    Rd,
    Mac,
    Enum(EnumType),
}

/// A scalar as its type and its key.
pub type Scalar = (ScalarKind, u128);

/// Type and key of a value, if sets can hold it.
pub fn scalar(value: &Value) -> Option<Scalar> {
    Some(match value {
        Value::Int(n) => (ScalarKind::Int, *n as u128),
        Value::Pair(n) => (ScalarKind::Pair, *n as u128),
        Value::Quad(n) => (ScalarKind::Ip, to_bits(ipv4(*n))),
        Value::Ip(a) => (ScalarKind::Ip, to_bits(*a)),
        Value::Ec(n) => (ScalarKind::Ec, *n as u128),
        Value::Lc(l) => (ScalarKind::Lc, l.bits()),
        Value::Rd(r) => (ScalarKind::Rd, rd_key(*r) as u128),
        Value::Mac(m) => (ScalarKind::Mac, mac_key(*m) as u128),
        Value::Enum(t, n) => (ScalarKind::Enum(*t), *n as u128),
        _ => return None,
    })
}

/// The value of a key.
pub fn value_of((kind, key): Scalar) -> Value {
    match kind {
        ScalarKind::Int => Value::Int(key as u32),
        ScalarKind::Pair => Value::Pair(key as u32),
        ScalarKind::Ip => Value::Ip(from_bits(key)),
        ScalarKind::Ec => Value::Ec(key as u64),
        ScalarKind::Lc => Value::Lc(LargeCommunity::from_bits(key)),
        ScalarKind::Rd => Value::Rd(Rd((key as u64).rotate_left(32))),
        ScalarKind::Mac => {
            let [_, _, a, b, c, d, e, f] = (key as u64).to_be_bytes();
            Value::Mac(Mac([a, b, c, d, e, f]))
        }
        ScalarKind::Enum(t) => Value::Enum(t, key as u8),
    }
}

/// Filters order distinguishers by their low half first, as BIRD does.
pub fn rd_key(rd: Rd) -> u64 {
    rd.0.rotate_left(32)
}

fn mac_key(mac: Mac) -> u64 {
    let [a, b, c, d, e, f] = mac.0;
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// Sorted ranges that do not overlap. A reversed range stays where it is and holds nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Ranges {
    Narrow(Box<[(u32, u32)]>),
    Middle(Box<[(u64, u64)]>),
    Wide(Box<[(u128, u128)]>),
}

fn holds<K: Ord + Copy>(ranges: &[(K, K)], key: K) -> bool {
    let after = ranges.partition_point(|(from, _)| *from <= key);
    after > 0 && key <= ranges[after - 1].1
}

/// Sorts and joins what overlaps; ranges that merely touch stay apart, as BIRD prints and compares them.
fn tidy<K: Ord + Copy>(mut ranges: Vec<(K, K)>) -> Box<[(K, K)]> {
    if ranges.iter().any(|(from, to)| from > to) {
        // Reversed ones join what begins where they do and stands before them, or stay: the order of writing decides.
        ranges.sort_by_key(|(from, _)| *from);
    } else {
        ranges.sort_unstable();
    }
    let mut kept = 0;
    for i in 1..ranges.len() {
        let next = ranges[i];
        let last = &mut ranges[kept];
        if next.0 <= last.1 {
            last.1 = last.1.max(next.1);
        } else {
            kept += 1;
            ranges[kept] = next;
        }
    }
    ranges.truncate(kept + 1);
    ranges.into_boxed_slice()
}

impl Ranges {
    fn holds(&self, key: u128) -> bool {
        match self {
            Ranges::Narrow(r) => holds(r, key as u32),
            Ranges::Middle(r) => holds(r, key as u64),
            Ranges::Wide(r) => holds(r, key),
        }
    }

    fn each(&self, mut with: impl FnMut(u128, u128)) {
        match self {
            Ranges::Narrow(r) => r.iter().for_each(|(a, b)| with(*a as u128, *b as u128)),
            Ranges::Middle(r) => r.iter().for_each(|(a, b)| with(*a as u128, *b as u128)),
            Ranges::Wide(r) => r.iter().for_each(|(a, b)| with(*a, *b)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Ranges::Narrow(r) => r.len(),
            Ranges::Middle(r) => r.len(),
            Ranges::Wide(r) => r.len(),
        }
    }
}

/// A set of scalars.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Set {
    parts: Box<[(ScalarKind, Ranges)]>,
}

impl Set {
    /// Whether nothing was written between the brackets.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The number of ranges.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|(_, r)| r.len()).sum()
    }

    /// Whether members of this type can be in the set.
    pub fn has_kind(&self, kind: ScalarKind) -> bool {
        self.parts.iter().any(|(k, _)| *k == kind)
    }

    /// The types of the members.
    pub fn kinds(&self) -> impl Iterator<Item = ScalarKind> + '_ {
        self.parts.iter().map(|(k, _)| *k)
    }

    /// Whether the scalar is a member.
    pub fn contains(&self, (kind, key): Scalar) -> bool {
        self.parts.iter().any(|(k, ranges)| *k == kind && ranges.holds(key))
    }

    /// Whether the number is a member as an int.
    pub fn contains_int(&self, number: u32) -> bool {
        self.contains((ScalarKind::Int, number as u128))
    }

    /// Whether a member of a clist is in the set, as the type the set is written in.
    pub fn contains_community(&self, community: u32) -> bool {
        self.parts.iter().any(|(kind, ranges)| match kind {
            ScalarKind::Int | ScalarKind::Pair => ranges.holds(community as u128),
            ScalarKind::Ip => ranges.holds(to_bits(ipv4(community))),
            _ => false,
        })
    }

    /// Every range in order.
    pub fn each(&self, mut with: impl FnMut(Value, Value)) {
        for (kind, ranges) in &self.parts {
            ranges.each(|from, to| with(value_of((*kind, from)), value_of((*kind, to))));
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        let (mut result, mut first) = (Ok(()), true);
        self.each(|from, to| {
            if result.is_err() {
                return;
            }
            let gap = if std::mem::take(&mut first) { "" } else { ", " };
            result = if from == to { write!(f, "{gap}{from}") } else { write!(f, "{gap}{from}..{to}") };
        });
        result?;
        f.write_str("]")
    }
}

/// Collects the members of a set.
#[derive(Default, Debug)]
pub struct SetBuilder {
    parts: Vec<(ScalarKind, Growing)>,
}

#[derive(Debug)]
enum Growing {
    Narrow(Vec<(u32, u32)>),
    Middle(Vec<(u64, u64)>),
    Wide(Vec<(u128, u128)>),
}

impl SetBuilder {
    /// Adds all keys of a type between two, both included.
    pub fn add(&mut self, kind: ScalarKind, from: u128, to: u128) {
        let at = match self.parts.iter().position(|(k, _)| *k == kind) {
            Some(at) => at,
            None => {
                let empty = match kind {
                    ScalarKind::Int | ScalarKind::Pair | ScalarKind::Enum(_) => Growing::Narrow(Vec::new()),
                    ScalarKind::Ec | ScalarKind::Rd | ScalarKind::Mac => Growing::Middle(Vec::new()),
                    ScalarKind::Ip | ScalarKind::Lc => Growing::Wide(Vec::new()),
                };
                self.parts.push((kind, empty));
                self.parts.len() - 1
            }
        };
        match &mut self.parts[at].1 {
            Growing::Narrow(list) => list.push((from as u32, to as u32)),
            Growing::Middle(list) => list.push((from as u64, to as u64)),
            Growing::Wide(list) => list.push((from, to)),
        }
    }

    /// The finished set.
    pub fn finish(mut self) -> Arc<Set> {
        self.parts.sort_by_key(|(kind, _)| *kind);
        let parts = self.parts.into_iter().map(|(kind, list)| {
            let ranges = match list {
                Growing::Narrow(list) => Ranges::Narrow(tidy(list)),
                Growing::Middle(list) => Ranges::Middle(tidy(list)),
                Growing::Wide(list) => Ranges::Wide(tidy(list)),
            };
            (kind, ranges)
        });
        Arc::new(Set { parts: parts.collect() })
    }
}

/// Finds the branch of a `case`: sorted ranges with a number each. Small ints, which most labels are, have a
/// table besides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Branches {
    ranges: Box<[(ScalarKind, u128, u128, u32)]>,
    /// The branch of each int from 0 on, [`NO_BRANCH`] for none; empty unless all labels are small ints.
    ints: Box<[u32]>,
}

const NO_BRANCH: u32 = u32::MAX;
/// Ints up to this one have a table.
const SMALL: u128 = 255;

impl Branches {
    /// Sorts the labels; `None` if two of them overlap.
    pub fn new(mut labels: Vec<(ScalarKind, u128, u128, u32)>) -> Option<Branches> {
        labels.sort_unstable();
        let overlap = labels.windows(2).any(|w| w[0].0 == w[1].0 && w[1].1 <= w[0].2);
        let small = labels.iter().all(|(kind, _, to, _)| *kind == ScalarKind::Int && *to <= SMALL);
        let mut ints = Vec::new();
        if let (Some((_, _, last, _)), true) = (labels.last(), small && !overlap) {
            ints.resize(*last as usize + 1, NO_BRANCH);
            for (_, from, to, branch) in &labels {
                ints.iter_mut().take(*to as usize + 1).skip(*from as usize).for_each(|b| *b = *branch);
            }
        }
        (!overlap).then(|| Branches { ranges: labels.into(), ints: ints.into() })
    }

    /// The number of the label that holds the value.
    #[inline]
    pub fn find_value(&self, value: &Value) -> Option<u32> {
        match value {
            Value::Int(n) if !self.ints.is_empty() => {
                self.ints.get(*n as usize).copied().filter(|branch| *branch != NO_BRANCH)
            }
            _ => scalar(value).and_then(|s| self.find(s)),
        }
    }

    /// The label that holds the scalar, as a range.
    pub fn label(&self, scalar: Scalar) -> Option<(Value, Value)> {
        let (kind, key) = scalar;
        let (k, from, to, _) =
            self.ranges.iter().find(|(k, from, to, _)| *k == kind && (*from..=*to).contains(&key))?;
        Some((value_of((*k, *from)), value_of((*k, *to))))
    }

    /// The number of the label that holds the scalar.
    pub fn find(&self, (kind, key): Scalar) -> Option<u32> {
        let after = self.ranges.partition_point(|(k, from, ..)| (*k, *from) <= (kind, key));
        let (k, _, to, branch) = self.ranges.get(after.checked_sub(1)?)?;
        (*k == kind && key <= *to).then_some(*branch)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use proptest::prelude::*;

    fn ints(list: &[(u32, u32)]) -> Arc<Set> {
        let mut b = SetBuilder::default();
        list.iter().for_each(|(x, y)| b.add(ScalarKind::Int, *x as u128, *y as u128));
        b.finish()
    }

    #[test]
    fn overlapping_ranges_join_and_touching_ones_do_not() {
        assert_eq!(ints(&[(1, 5), (4, 9)]).to_string(), "[1..9]");
        assert_eq!(ints(&[(1, 5), (5, 9)]).to_string(), "[1..9]");
        assert_eq!(ints(&[(1, 5), (6, 9)]).to_string(), "[1..5, 6..9]");
        assert_eq!(ints(&[(3, 3), (1, 1), (2, 2), (1, 1)]).to_string(), "[1, 2, 3]");
        assert_eq!(ints(&[(9, 5)]).to_string(), "[9..5]");
        assert_eq!(ints(&[]).to_string(), "[]");
    }

    #[test]
    fn branches_refuse_overlap() {
        let label = |a, b, n| (ScalarKind::Int, a, b, n);
        assert!(Branches::new(vec![label(1, 10, 0), label(8, 8, 1)]).is_none());
        let b = Branches::new(vec![label(5, 9, 1), label(1, 4, 0)]).unwrap();
        let find = |n| b.find((ScalarKind::Int, n));
        assert_eq!((find(0), find(1), find(4), find(5), find(10)), (None, Some(0), Some(0), Some(1), None));
        for n in 0..300 {
            assert_eq!(b.find_value(&Value::Int(n)), find(n.into()));
        }
        let mixed =
            Branches::new(vec![label(5, 9, 1), (ScalarKind::Pair, 7, 7, 2), label(300, 400, 3)]).unwrap();
        let find = |v| mixed.find_value(&v);
        assert_eq!((find(Value::Int(7)), find(Value::Pair(7))), (Some(1), Some(2)));
        assert_eq!((find(Value::Int(301)), find(Value::Void)), (Some(3), None));
    }

    proptest! {
        #[test]
        fn a_set_holds_what_its_ranges_hold(list in prop::collection::vec((0u32..60, 0u32..60), 0..12), probe in 0u32..70) {
            let set = ints(&list);
            let naive = list.iter().any(|(a, b)| *a <= probe && probe <= *b);
            prop_assert_eq!(set.contains_int(probe), naive);
        }
    }
}
