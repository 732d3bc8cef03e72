//! Whether tables that are to be read at the same time are read with one dump of all tables.
//!
//! Each dump costs a little by itself, however small the table, and one dump of all costs as much as the
//! tables nobody asked for. So it is worth it while the latter are small. How large they are is only known
//! after such a dump: the first one is an experiment, and when it turns out dear, the next experiment comes
//! later and later.

use crate::sys::kernel::{Family, KernelRoute, Ticket};

/// Fewer tables save too little to be worth an experiment.
const TABLES_MIN: usize = 4;

/// A dump of one more table costs as much as so many routes of a dump: 6 µs against 0.4 µs (decision 016).
const ROUTES_PER_DUMP: usize = 16;

/// Opportunities passed over after a dear experiment: at first, and at most.
const PAUSE: (u32, u32) = (8, 1024);

/// What is known about the tables of one family that nobody asks for.
#[derive(Clone, Copy, Default, Debug)]
struct Others {
    routes: usize,
    /// Opportunities to pass over before the next experiment, and how many it were last time.
    pause: u32,
    last: u32,
}

/// What is known of both families.
#[derive(Default, Debug)]
pub(super) struct Sharing([Others; 2]);

impl Sharing {
    fn of(&mut self, family: Family) -> &mut Others {
        &mut self.0[usize::from(family == Family::V6)]
    }

    /// Whether so many tables are to be read together.
    pub(super) fn worth(&mut self, family: Family, tables: usize) -> bool {
        let others = self.of(family);
        if tables < TABLES_MIN {
            return false;
        }
        if others.routes <= ROUTES_PER_DUMP * (tables - 1) {
            return true;
        }
        others.pause = others.pause.saturating_sub(1);
        others.pause == 0
    }

    /// So many tables were read together, and so many routes of others came along.
    pub(super) fn read(&mut self, family: Family, tables: usize, routes: usize) {
        let others = self.of(family);
        others.routes = routes;
        others.last = match routes <= ROUTES_PER_DUMP * tables.saturating_sub(1) {
            true => 0,
            false => (others.last * 2).clamp(PAUSE.0, PAUSE.1),
        };
        others.pause = others.last;
    }
}

/// One of the tables a dump is read for.
pub(super) struct Part {
    pub ticket: Ticket,
    pub table: u32,
    /// Those read and not handed over yet.
    pub routes: Vec<KernelRoute>,
}

/// The parts of a dump, and which of them the last route belonged to: routes of one table come together.
pub(super) struct Parts {
    list: Vec<Part>,
    last: usize,
    /// Routes of tables nobody asked for.
    pub others: usize,
}

impl Parts {
    /// Each table once.
    pub(super) fn new(tables: impl IntoIterator<Item = (Ticket, u32)>) -> Parts {
        let part = |(ticket, table)| Part { ticket, table, routes: Vec::new() };
        let mut list: Vec<Part> = tables.into_iter().map(part).collect();
        list.sort_by_key(|part| part.table);
        Parts { list, last: 0, others: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// The part a table belongs to.
    pub(super) fn of(&mut self, table: u32) -> Option<&mut Part> {
        if self.list.get(self.last).is_none_or(|part| part.table != table) {
            match self.list.binary_search_by_key(&table, |part| part.table) {
                Ok(at) => self.last = at,
                Err(_) => {
                    self.others += 1;
                    return None;
                }
            }
        }
        self.list.get_mut(self.last)
    }

    /// All of them, at the end.
    pub(super) fn into_iter(self) -> impl Iterator<Item = Part> {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_tables_of_others_are_read_less_and_less_often() {
        let mut sharing = Sharing::default();
        assert!(!sharing.worth(Family::V4, 3) && sharing.worth(Family::V4, 4));
        sharing.read(Family::V4, 4, 1_000_000);
        let mut experiments = Vec::new();
        for round in 1..=100 {
            if sharing.worth(Family::V4, 4) {
                experiments.push(round);
                sharing.read(Family::V4, 4, 1_000_000);
            }
        }
        assert_eq!(experiments, [8, 24, 56]);
        assert!(sharing.worth(Family::V6, 4), "families are judged apart");
        // They have become small.
        sharing.read(Family::V4, 4, 10);
        assert!(sharing.worth(Family::V4, 4) && sharing.worth(Family::V4, 50));
    }

    #[test]
    fn routes_find_their_part() {
        let mut parts = Parts::new([(1, 254), (2, 7), (3, 1000)]);
        let found = [254, 254, 7, 9, 1000].map(|table| parts.of(table).map(|part| part.ticket));
        assert_eq!(found, [Some(1), Some(1), Some(2), None, Some(3)]);
        assert_eq!((parts.len(), parts.others), (3, 1));
    }
}
