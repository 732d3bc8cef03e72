//! Path masks: `[= 1 * [2, 3] ? 4..5 7 + =]` against a whole AS path.
//!
//! A mask is a small automaton. State `i` means "everything before step `i` is matched"; the set of reachable
//! states is carried over the path number by number, so a match costs path length times mask length whatever
//! stars there are, and never recurses.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use super::path::AsPath;
use super::set::Set;

/// An item of a path mask as it is written.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the items of the language")]
pub enum MaskItem {
    Asn(u32),
    Range(u32, u32),
    Star,
    One,
    Set(Arc<Set>),
    /// The item before, once or more.
    Loop,
}

#[derive(Clone, PartialEq, Debug)]
struct Step {
    item: MaskItem,
    repeat: bool,
}

/// A path mask.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PathMask {
    steps: Box<[Step]>,
}

impl Step {
    fn takes(&self, number: u32) -> bool {
        match &self.item {
            MaskItem::Asn(n) => *n == number,
            MaskItem::Range(from, to) => *from <= number && number <= *to,
            MaskItem::One => true,
            MaskItem::Set(set) => set.contains_int(number),
            MaskItem::Star | MaskItem::Loop => false,
        }
    }
}

/// A set of states; masks of fewer than 128 items stay off the heap.
type States = SmallVec<[u64; 2]>;

fn put(states: &mut States, i: usize) {
    states[i / 64] |= 1 << (i % 64);
}

fn has(states: &States, i: usize) -> bool {
    states[i / 64] >> (i % 64) & 1 != 0
}

impl PathMask {
    /// A mask of the given items; `None` if `+` comes first.
    pub fn new(items: impl IntoIterator<Item = MaskItem>) -> Option<PathMask> {
        let mut steps: Vec<Step> = Vec::new();
        for item in items {
            match item {
                MaskItem::Loop => steps.last_mut()?.repeat = true,
                item => steps.push(Step { item, repeat: false }),
            }
        }
        Some(PathMask { steps: steps.into() })
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether only the empty path matches.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many items there are, those of sets counted, too.
    pub fn weight(&self) -> usize {
        let each = |step: &Step| match &step.item {
            MaskItem::Set(set) => 1 + set.len(),
            _ => 1,
        };
        self.steps.iter().map(each).sum()
    }

    /// Adds a state and those reachable from it without reading a number.
    fn enter(&self, states: &mut States, mut i: usize) {
        put(states, i);
        while self.steps.get(i).is_some_and(|s| s.item == MaskItem::Star) {
            i += 1;
            put(states, i);
        }
    }

    /// Reads one number.
    fn advance(&self, from: &States, number: u32, to: &mut States) {
        for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| has(from, *i)) {
            if step.item == MaskItem::Star {
                self.enter(to, i);
            } else if step.takes(number) {
                self.enter(to, i + 1);
                if step.repeat {
                    put(to, i);
                }
            }
        }
    }

    /// Whether the whole path matches. A set in the path stands for any sequence of its members that is not empty.
    pub fn matches(&self, path: &AsPath) -> bool {
        let none: States = SmallVec::from_elem(0, self.steps.len() / 64 + 1);
        let mut states = none.clone();
        self.enter(&mut states, 0);
        for (kind, numbers) in path.segments() {
            if kind.is_set() {
                let mut reached = none.clone();
                loop {
                    let mut next = none.clone();
                    numbers.iter().for_each(|n| self.advance(&states, *n, &mut next));
                    if next.iter().zip(&reached).all(|(n, r)| n & !r == 0) {
                        break;
                    }
                    next.iter().zip(reached.iter_mut()).for_each(|(n, r)| *r |= n);
                    states = next;
                }
                states = reached;
            } else {
                for number in numbers {
                    let mut next = none.clone();
                    self.advance(&states, *number, &mut next);
                    states = next;
                }
            }
            if states == none {
                return false;
            }
        }
        has(&states, self.steps.len())
    }
}

impl fmt::Display for PathMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[= ")?;
        for step in &self.steps {
            match &step.item {
                MaskItem::Asn(n) => write!(f, "{n} ")?,
                MaskItem::Range(from, to) => write!(f, "{from}..{to} ")?,
                MaskItem::Star => f.write_str("* ")?,
                MaskItem::One => f.write_str("? ")?,
                MaskItem::Set(set) => write!(f, "{set} ")?,
                MaskItem::Loop => {}
            }
            if step.repeat {
                f.write_str("+ ")?;
            }
        }
        f.write_str("=]")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use proptest::prelude::*;

    fn item() -> impl Strategy<Value = MaskItem> {
        prop_oneof![
            (0u32..4).prop_map(MaskItem::Asn),
            (0u32..4, 0u32..4).prop_map(|(a, b)| MaskItem::Range(a, b)),
            Just(MaskItem::Star),
            Just(MaskItem::One),
            Just(MaskItem::Loop),
        ]
    }

    /// The plain definition, by backtracking.
    fn naive(steps: &[Step], path: &[u32]) -> bool {
        let Some((step, rest)) = steps.split_first() else { return path.is_empty() };
        if step.item == MaskItem::Star {
            return (0..=path.len()).any(|n| naive(rest, &path[n..]));
        }
        let Some((first, tail)) = path.split_first() else { return false };
        step.takes(*first) && (naive(rest, tail) || step.repeat && naive(steps, tail))
    }

    proptest! {
        #[test]
        fn matching_agrees_with_backtracking(
            items in prop::collection::vec(item(), 0..7), path in prop::collection::vec(0u32..4, 0..7)
        ) {
            if let Some(mask) = PathMask::new(items) {
                prop_assert_eq!(mask.matches(&AsPath::sequence(&path)), naive(&mask.steps, &path), "{}", mask);
            }
        }
    }

    #[test]
    fn a_set_stands_for_any_sequence_of_its_members() {
        use super::super::path::SegmentKind::*;
        let set = AsPath::new([(Sequence, &[9][..]), (Set, &[1, 2])]);
        let mask = |numbers: &[u32]| PathMask::new(numbers.iter().map(|n| MaskItem::Asn(*n))).unwrap();
        assert!(mask(&[9, 1]).matches(&set) && mask(&[9, 1, 2, 1]).matches(&set));
        assert!(!mask(&[9]).matches(&set) && !mask(&[9, 1, 3]).matches(&set));
        assert!(PathMask::new([MaskItem::Loop]).is_none());
        let long = PathMask::new((0..300).map(|_| MaskItem::One)).unwrap();
        assert!(
            long.matches(&AsPath::sequence(&vec![5; 300])) && !long.matches(&AsPath::sequence(&[5; 299]))
        );
    }

    #[test]
    fn printing_keeps_single_blanks() {
        let mask =
            PathMask::new([MaskItem::Asn(7), MaskItem::Loop, MaskItem::Star, MaskItem::Range(2, 5)]).unwrap();
        assert_eq!(mask.to_string(), "[= 7 + * 2..5 =]");
        assert_eq!(PathMask::default().to_string(), "[= =]");
    }
}
