//! Which of several routes of one net a route is: its path number in the table.
//!
//! Nearly all routes are the only ones of their net, so only the others are remembered. They are found while the routes are first walked over,
//! with a table of nets that is given up at the end; a list in strictly ascending order, as generators write it, needs not even that.

use hashbrown::{HashMap, HashTable};

use super::config::StaticRoute;
use super::diff::hash_net;
use crate::base::{IpNet, Net};

/// The path numbers of a list of routes.
#[derive(Default, Debug)]
pub(super) struct Ordinals {
    /// Routes that are not the first of their net, ascending, with their number.
    later: Vec<(u32, u32)>,
    /// Routes from here on have not been looked at.
    known: usize,
    /// First routes of the nets seen so far, and how many routes those nets have that have several.
    seen: Option<(HashTable<u32>, HashMap<u32, u32>)>,
}

impl Ordinals {
    /// For a list that was not walked over yet.
    pub(super) fn new(list: &[StaticRoute]) -> Ordinals {
        if list.windows(2).all(|w| ascending(&w[0].net, &w[1].net)) {
            return Ordinals { later: Vec::new(), known: list.len(), seen: None };
        }
        let seen = Some((HashTable::with_capacity(list.len()), HashMap::new()));
        Ordinals { later: Vec::new(), known: 0, seen }
    }

    /// For a list whose later routes of a net are known.
    pub(super) fn known(list: &[StaticRoute], later: Vec<(u32, u32)>) -> Ordinals {
        Ordinals { later, known: list.len(), seen: None }
    }

    /// Looks at all routes before `end`.
    pub(super) fn walk(&mut self, list: &[StaticRoute], end: usize) {
        let Some((firsts, counts)) = &mut self.seen else { return };
        for (index, route) in list.iter().enumerate().take(end).skip(self.known) {
            let index = index as u32;
            let hash = |i: &u32| list.get(*i as usize).map_or(0, |r| hash_net(&r.net));
            let same = |i: &u32| list.get(*i as usize).is_some_and(|r| r.net == route.net);
            match firsts.find(hash_net(&route.net), same) {
                None => drop(firsts.insert_unique(hash_net(&route.net), index, hash)),
                Some(first) => {
                    let count = counts.entry(*first).or_insert(0);
                    *count += 1;
                    self.later.push((index, *count));
                }
            }
        }
        self.known = self.known.max(end.min(list.len()));
        if self.known == list.len() {
            self.seen = None;
        }
    }

    /// The number of a route that was looked at.
    pub(super) fn path(&self, index: u32) -> u32 {
        match self.later.binary_search_by_key(&index, |(i, _)| *i) {
            Ok(at) => self.later[at].1,
            Err(_) => 0,
        }
    }

    /// Routes that are not the first of their net, ascending, with their number.
    pub(super) fn later(&self) -> &[(u32, u32)] {
        &self.later
    }
}

fn ascending(a: &Net, b: &Net) -> bool {
    match (a, b) {
        (Net::Ip(IpNet::V4(a)), Net::Ip(IpNet::V4(b))) => {
            (a.addr(), a.prefix_len()) < (b.addr(), b.prefix_len())
        }
        _ => a < b,
    }
}
