//! BGP AS paths.
//!
//! A path is one flat slice: a header word per segment (kind and length), then its numbers. One allocation holds the
//! usual path, equality is a comparison of slices, and matching walks memory in order. Masks are in [`super::mask`].

use std::fmt;

use super::list::List;

/// An AS path (RFC 4271, section 4.3; confederations RFC 5065).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct AsPath(List<u32>);

/// The kinds of segments, numbered as on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names of the RFCs")]
pub enum SegmentKind {
    Set = 1,
    Sequence = 2,
    ConfedSequence = 3,
    ConfedSet = 4,
}

impl SegmentKind {
    /// The kind of a number on the wire.
    pub fn from_wire(number: u8) -> Option<SegmentKind> {
        Some(match number {
            1 => SegmentKind::Set,
            2 => SegmentKind::Sequence,
            3 => SegmentKind::ConfedSequence,
            4 => SegmentKind::ConfedSet,
            _ => return None,
        })
    }

    fn of(header: u32) -> SegmentKind {
        match header >> 28 {
            1 => SegmentKind::Set,
            3 => SegmentKind::ConfedSequence,
            4 => SegmentKind::ConfedSet,
            _ => SegmentKind::Sequence,
        }
    }

    fn header(self, len: usize) -> u32 {
        (self as u32) << 28 | len as u32 & LEN
    }

    /// Whether the numbers have no order.
    pub fn is_set(self) -> bool {
        matches!(self, SegmentKind::Set | SegmentKind::ConfedSet)
    }

    /// Whether the segment belongs to a confederation.
    pub fn is_confed(self) -> bool {
        matches!(self, SegmentKind::ConfedSequence | SegmentKind::ConfedSet)
    }
}

const LEN: u32 = (1 << 28) - 1;

/// Iterates over the segments of a path.
#[derive(Clone)]
pub struct Segments<'a>(&'a [u32]);

impl<'a> Iterator for Segments<'a> {
    type Item = (SegmentKind, &'a [u32]);
    fn next(&mut self) -> Option<Self::Item> {
        let (&header, rest) = self.0.split_first()?;
        let (numbers, rest) = rest.split_at_checked((header & LEN) as usize)?;
        self.0 = rest;
        Some((SegmentKind::of(header), numbers))
    }
}

impl AsPath {
    /// The constant empty path, which `defined` takes for undefined.
    pub const EMPTY: AsPath = AsPath(List::EMPTY);

    /// A path of the given segments; empty ones are left out, neighbouring sequences joined.
    pub fn new<'a>(segments: impl IntoIterator<Item = (SegmentKind, &'a [u32])>) -> AsPath {
        let mut builder = Builder::default();
        for (kind, numbers) in segments {
            builder.open(kind);
            numbers.iter().for_each(|n| builder.push(*n));
        }
        builder.finish()
    }

    /// A path of one sequence.
    pub fn sequence(numbers: &[u32]) -> AsPath {
        AsPath::new([(SegmentKind::Sequence, numbers)])
    }

    /// The segments in order.
    pub fn segments(&self) -> Segments<'_> {
        Segments(&self.0)
    }

    /// All numbers in order, those of sets included.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.segments().flat_map(|(_, numbers)| numbers.iter().copied())
    }

    /// Walks over the numbers without borrowing: the number at a position (0 is the first) and the position behind it.
    pub fn step(&self, position: u64) -> Option<(u32, u64)> {
        let (mut at, mut left) = ((position >> 32) as usize, position as u32);
        while left == 0 {
            left = self.0.get(at)? & LEN;
            at += 1;
        }
        let number = *self.0.get(at)?;
        Some((number, (at as u64 + 1) << 32 | (left as u64 - 1)))
    }

    /// Where the words are ([`List::address`]), and how many there are.
    pub fn place(&self) -> (usize, usize) {
        (self.0.address(), self.0.len())
    }

    /// Whether this is the constant empty path.
    pub fn is_undefined(&self) -> bool {
        self.0.is_undefined()
    }

    /// The same path; an empty one counts as defined from here on.
    pub fn defined(self) -> AsPath {
        AsPath(self.0.defined())
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The length BGP counts: a set is one, confederations are none.
    pub fn len(&self) -> u32 {
        self.segments()
            .map(|(kind, numbers)| match kind {
                SegmentKind::Sequence => numbers.len() as u32,
                SegmentKind::Set => 1,
                _ => 0,
            })
            .sum()
    }

    /// The neighbouring AS; `None` if the path is empty or starts with a set.
    pub fn first(&self) -> Option<u32> {
        match self.segments().next()? {
            (kind, numbers) if !kind.is_set() => numbers.first().copied(),
            _ => None,
        }
    }

    /// The origin AS; `None` if the path is empty or ends in a set.
    pub fn last(&self) -> Option<u32> {
        match self.segments().last()? {
            (SegmentKind::Sequence | SegmentKind::ConfedSequence, numbers) => numbers.last().copied(),
            _ => None,
        }
    }

    /// The last AS before the first set.
    pub fn last_nonaggregated(&self) -> Option<u32> {
        let ordered = self.segments().take_while(|(kind, _)| !kind.is_set());
        ordered.flat_map(|(_, numbers)| numbers.last()).last().copied()
    }

    /// Whether the number occurs, in sets too.
    pub fn contains(&self, number: u32) -> bool {
        self.segments().any(|(_, numbers)| numbers.contains(&number))
    }

    /// The path with one more AS in front.
    pub fn prepend(&self, number: u32) -> AsPath {
        let words: &[u32] = &self.0;
        let (len, tail) = match words.split_first() {
            Some((&header, tail)) if SegmentKind::of(header) == SegmentKind::Sequence => {
                ((header & LEN) as usize + 1, tail)
            }
            _ => (1, words),
        };
        let head = [SegmentKind::Sequence.header(len), number];
        AsPath(head.iter().chain(tail).copied().collect())
    }

    /// The words it takes in memory.
    pub fn words(&self) -> usize {
        self.0.len()
    }

    /// Keeps the numbers that `keep` wants, also inside sets; emptied segments vanish.
    pub fn retain(&self, mut keep: impl FnMut(u32) -> bool) -> AsPath {
        if self.numbers().all(&mut keep) {
            return self.clone();
        }
        let mut builder = Builder::default();
        for (kind, numbers) in self.segments() {
            builder.open(kind);
            numbers.iter().filter(|n| keep(**n)).for_each(|n| builder.push(*n));
        }
        builder.finish()
    }

    /// The numbers as `show route all` lists them: no word in front.
    pub fn write_plain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (kind, numbers) in self.segments() {
            let (open, close) = match kind {
                SegmentKind::Set => ("{", "}"),
                SegmentKind::Sequence => ("", ""),
                SegmentKind::ConfedSequence => ("(", ")"),
                SegmentKind::ConfedSet => ("({", "})"),
            };
            for (i, number) in numbers.iter().enumerate() {
                let gap = if first { "" } else { " " };
                write!(f, "{gap}{}{number}", if i == 0 { open } else { "" })?;
                first = false;
            }
            f.write_str(close)?;
        }
        Ok(())
    }
}

impl fmt::Display for AsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(path ")?;
        self.write_plain(f)?;
        f.write_str(")")
    }
}

/// Number by number, a path that is the beginning of another is the smaller one.
impl Ord for AsPath {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.numbers().cmp(other.numbers()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for AsPath {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Builds a path number by number.
#[derive(Default)]
struct Builder {
    words: Vec<u32>,
    /// Where the header of the open segment stands.
    open: Option<usize>,
    kind: Option<SegmentKind>,
}

impl Builder {
    fn open(&mut self, kind: SegmentKind) {
        if self.kind != Some(kind) || kind.is_set() {
            (self.kind, self.open) = (Some(kind), None);
        }
    }

    fn push(&mut self, number: u32) {
        let kind = self.kind.unwrap_or(SegmentKind::Sequence);
        let at = *self.open.get_or_insert_with(|| {
            self.words.push(kind.header(0));
            self.words.len() - 1
        });
        self.words[at] += 1;
        self.words.push(number);
    }

    fn finish(self) -> AsPath {
        AsPath(self.words.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{AsPath, SegmentKind::*};

    #[test]
    fn prepend_joins_the_first_sequence() {
        let p = AsPath::EMPTY.prepend(3).prepend(2).prepend(1);
        assert_eq!(p, AsPath::sequence(&[1, 2, 3]));
        assert_eq!(p.to_string(), "(path 1 2 3)");
        assert_eq!((p.len(), p.first(), p.last()), (3, Some(1), Some(3)));
        assert_eq!(AsPath::EMPTY.to_string(), "(path )");
    }

    #[test]
    fn sets_and_confederations_count_as_bgp_wants() {
        let p = AsPath::new([(ConfedSequence, &[9][..]), (Sequence, &[1, 2]), (Set, &[3, 4])]);
        assert_eq!(p.to_string(), "(path (9) 1 2 {3 4})");
        assert_eq!((p.len(), p.first(), p.last()), (3, Some(9), None));
        assert_eq!(p.last_nonaggregated(), Some(2));
        assert_eq!(p.retain(|n| n < 3).to_string(), "(path 1 2)");
        assert_eq!(p.prepend(7).to_string(), "(path 7 (9) 1 2 {3 4})");
    }

    #[test]
    fn only_the_constant_is_undefined() {
        let one = AsPath::sequence(&[1]);
        assert!(AsPath::EMPTY.is_undefined());
        assert!(!one.retain(|_| false).is_undefined());
        assert_eq!(one.retain(|_| false), AsPath::EMPTY);
        assert!(AsPath::EMPTY < one && AsPath::sequence(&[5]) < AsPath::sequence(&[5, 9]));
    }
}
