//! Which of several routes of one net a route is: its path number in the table.
//!
//! Nearly all routes are the only ones of their net, so only the others are remembered. They are found in two
//! walks over the list. The first sets one bit per net in a map of bits, chosen by hash, and marks the places
//! that are met twice; the second counts for real, but only the nets at marked places: the true ones and a
//! few per cent by chance. That is quick, where a table of all nets would miss the cache at every route, and
//! costs four bytes per route while it lasts. Walks may be cut into slices.

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use super::config::StaticRoute;
use super::diff::hash_net;
use crate::base::Net;
use crate::table::Bits;

/// Bits of the map per route.
const SPARSE: usize = 16;

/// The path numbers of a list of routes.
#[derive(Default, Debug)]
pub(super) struct Ordinals {
    /// Routes that are not the first of their net, ascending, with their number.
    later: Vec<(u32, u32)>,
    /// While they are being looked for.
    walk: Option<Box<Walk>>,
}

#[derive(Debug)]
struct Walk {
    mask: usize,
    met: Bits,
    met_twice: Bits,
    counts: HashMap<Net, u32, FxBuildHasher>,
    /// In the second walk.
    counting: bool,
    at: usize,
}

impl Ordinals {
    /// For a list that was not walked over yet.
    pub(super) fn new(list: &[StaticRoute]) -> Ordinals {
        let walk = Walk {
            mask: (list.len() * SPARSE).next_power_of_two().clamp(64, 1 << 31) - 1,
            met: Bits::default(),
            met_twice: Bits::default(),
            counts: HashMap::default(),
            counting: false,
            at: 0,
        };
        Ordinals { later: Vec::new(), walk: Some(Box::new(walk)) }
    }

    /// For a list whose later routes of a net are known.
    pub(super) fn known(later: Vec<(u32, u32)>) -> Ordinals {
        Ordinals { later, walk: None }
    }

    /// Whether nothing is left to look at.
    pub(super) fn complete(&self) -> bool {
        self.walk.is_none()
    }

    /// Goes on over at most so many routes of the list.
    pub(super) fn walk(&mut self, list: &[StaticRoute], mut routes: usize) {
        while let Some(walk) = &mut self.walk {
            let end = list.len().min(walk.at.saturating_add(routes));
            let place = |net: &Net| (hash_net(net) as usize & walk.mask) as u32;
            for (index, route) in list.iter().enumerate().take(end).skip(walk.at) {
                let place = place(&route.net);
                if !walk.counting {
                    if walk.met.set(place, true) {
                        walk.met_twice.set(place, true);
                    }
                } else if walk.met_twice.get(place) {
                    let count = walk.counts.entry(route.net.clone()).or_insert(0);
                    if *count > 0 {
                        self.later.push((index as u32, *count));
                    }
                    *count += 1;
                }
            }
            routes -= end - walk.at;
            walk.at = end;
            if end < list.len() {
                return;
            }
            if walk.counting || walk.met_twice.is_empty() {
                self.walk = None;
            } else {
                (walk.counting, walk.at) = (true, 0);
                walk.met.clear();
            }
        }
    }

    /// The number of a route, once the walks are over.
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
