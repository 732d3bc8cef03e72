//! The order in which the kernel lists the nets.
//!
//! A scan must find the number of each net, and looking up a million of them in the table costs more than everything
//! else about it. But the kernel lists them in the same order every time, so the order of the last scan is kept and the
//! next one only compares.

/// So far ahead a net is looked for in the known order. After misses further, but not each time.
const AHEAD: usize = 16;

/// The order of the last scan, and that of the one under way.
#[derive(Default, Debug)]
pub(super) struct Listing {
    /// Empty: by number.
    known: Vec<u32>,
    at: usize,
    /// Nets in a row that were not found.
    missed: usize,
    listed: Vec<u32>,
}

impl Listing {
    /// A scan begins.
    pub(super) fn begin(&mut self) {
        (self.at, self.missed) = (0, 0);
        self.listed.clear();
    }

    /// The nets that probably come next, the most probable one first.
    pub(super) fn next(&self) -> impl Iterator<Item = u32> + '_ {
        let following = self.listed.last().filter(|_| self.known.is_empty()).map(|last| last + 1);
        let rest = self.known.get(self.at..).unwrap_or_default();
        rest.iter().copied().take(3).chain(following)
    }

    /// This one came.
    pub(super) fn push(&mut self, id: u32) {
        self.listed.push(id);
        let rest = self.known.get(self.at..).unwrap_or_default();
        let window = if self.missed.is_power_of_two() { AHEAD * self.missed } else { AHEAD };
        match rest.iter().take(window).position(|known| *known == id) {
            Some(skipped) => {
                self.at += skipped + 1;
                self.missed = 0;
            }
            None => self.missed += 1,
        }
    }

    /// The scan is over. What was listed by number need not be kept.
    pub(super) fn end(&mut self, complete: bool) {
        let mut listed = std::mem::take(&mut self.listed);
        if complete {
            if listed.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) {
                listed = Vec::new();
            }
            listed.shrink_to_fit();
            self.known = listed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists these nets; tells how many of them were not expected.
    fn scan(listing: &mut Listing, nets: &[u32]) -> usize {
        listing.begin();
        let mut surprises = 0;
        for id in nets {
            surprises += usize::from(!listing.next().any(|next| next == *id));
            listing.push(*id);
        }
        listing.end(true);
        surprises
    }

    #[test]
    fn what_is_listed_again_is_expected() {
        let mut listing = Listing::default();
        let nets: Vec<u32> = (0..10_000).map(|i| i * 7919 % 10_007).collect();
        assert!(scan(&mut listing, &nets) > 9_000);
        assert_eq!(scan(&mut listing, &nets), 0);
        // Many are gone, at one place and here and there; others have come.
        let stays = |at: usize| !(2000..5000).contains(&at) && !at.is_multiple_of(10);
        let left = nets.iter().enumerate().filter(|(at, _)| stays(*at));
        let mut changed: Vec<u32> = left.map(|(_, id)| *id).collect();
        changed.splice(100..100, 20_000..22_000);
        let surprises = scan(&mut listing, &changed);
        assert!((2_000..2_700).contains(&surprises), "{surprises}");
        assert_eq!(scan(&mut listing, &changed), 0);
    }

    #[test]
    fn order_by_number_takes_no_memory() {
        let mut listing = Listing::default();
        let nets: Vec<u32> = (5..500).collect();
        assert_eq!(scan(&mut listing, &nets), 1);
        assert!(listing.known.is_empty());
        assert_eq!(scan(&mut listing, &nets), 1);
    }
}
