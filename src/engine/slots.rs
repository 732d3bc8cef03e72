//! Protocols, channels and tables by number, where no number is ever given out twice.
//!
//! Why never twice: changes in journals, snapshots that are being shown, answers of the kernel and timers name them, and may outlive them. A
//! number that comes to stand for somebody else would be a mix-up that nobody notices. Why not a plain list: a daemon that is
//! configured anew every minute for a year would keep a place for everything there ever was. How: places stand in pages, and a page that holds
//! nothing any more is given back; half a byte for each number remains.

/// Places in a page.
const PAGE: usize = 16;

/// Values by numbers that grow.
#[derive(Debug)]
pub(super) struct Slots<T> {
    pages: Vec<Option<Box<Page<T>>>>,
    next: usize,
}

#[derive(Debug)]
struct Page<T> {
    slots: [Option<T>; PAGE],
    live: usize,
}

impl<T> Slots<T> {
    /// None yet.
    pub(super) fn new() -> Slots<T> {
        Slots { pages: Vec::new(), next: 0 }
    }

    /// The number of the next one.
    pub(super) fn next(&self) -> usize {
        self.next
    }

    /// Adds one; its number.
    pub(super) fn push(&mut self, value: T) -> usize {
        let at = self.next;
        self.next += 1;
        if at / PAGE == self.pages.len() {
            self.pages.push(None);
        }
        let page = self.pages[at / PAGE]
            .get_or_insert_with(|| Box::new(Page { slots: std::array::from_fn(|_| None), live: 0 }));
        page.slots[at % PAGE] = Some(value);
        page.live += 1;
        at
    }

    #[inline]
    pub(super) fn get(&self, at: usize) -> Option<&T> {
        self.pages.get(at / PAGE)?.as_ref()?.slots[at % PAGE].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pages.get_mut(at / PAGE)?.as_mut()?.slots[at % PAGE].as_mut()
    }

    /// Takes one out, for ever.
    pub(super) fn take(&mut self, at: usize) -> Option<T> {
        let page = self.pages.get_mut(at / PAGE)?;
        let within = page.as_mut()?;
        let value = within.slots[at % PAGE].take()?;
        within.live -= 1;
        if within.live == 0 {
            *page = None;
        }
        Some(value)
    }

    /// All there are, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten().flat_map(|page| page.slots.iter().flatten())
    }

    /// The numbers of all there are.
    pub(super) fn numbers(&self) -> Vec<usize> {
        (0..self.next)
            .step_by(PAGE)
            .zip(&self.pages)
            .filter_map(|(first, page)| Some((first, page.as_ref()?)))
            .flat_map(|(first, page)| (first..).zip(&page.slots).filter(|(_, slot)| slot.is_some()))
            .map(|(at, _)| at)
            .collect()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.pages.iter_mut().flatten().flat_map(|page| page.slots.iter_mut().flatten())
    }

    /// How many places there is memory for.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.pages.iter().flatten().count() * PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_places_come_back() {
        let mut slots = Slots::new();
        let first = slots.push(usize::MAX);
        for round in 1..10_000 {
            assert_eq!(slots.push(round), round);
            assert_eq!(slots.get(round), Some(&round));
            *slots.get_mut(round).into_iter().next().unwrap_or(&mut 0) += 1;
            assert_eq!((slots.take(round), slots.take(round)), (Some(round + 1), None));
            assert!(slots.get_mut(round).is_none() && slots.held() <= 2 * PAGE);
        }
        assert_eq!((slots.next(), slots.get(1 << 40)), (10_000, None));
        assert_eq!((slots.iter().collect::<Vec<_>>(), slots.numbers()), (vec![&usize::MAX], vec![0]));
        assert_eq!((slots.iter_mut().count(), slots.take(first)), (1, Some(usize::MAX)));
        assert_eq!((slots.iter().count(), slots.held()), (0, 0));
    }
}
