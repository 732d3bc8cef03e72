//! Verdicts given before.
//!
//! A filter that looks at the net through a few questions only ([`super::questions`]) says the same to two routes whose attributes and answers
//! are the same. Attributes are shared by many routes, and there are few lengths and sets: a full table is a few thousand
//! different cases. So a verdict is looked up first, with what the filter made of the attributes, and the machine runs only for what is new.
//! Nothing is lost by that: such a filter has no say but its verdict, and runs that end in an error are never remembered.
//!
//! Attributes are known by where they are. An entry keeps them and the filter alive, so no address comes to mean something else while it
//! stands. Memory is bounded: when [`MOST`] cases are known, all are forgotten. Where nothing repeats, most routes are not even
//! looked up. A new configuration empties everything, so no filter outlives its configuration here.

use std::sync::Arc;

use hashbrown::HashTable;

use super::code::Verdict;
use super::program::Filter;
use super::vm::Outcome;
use crate::base::Net;
use crate::table::Attrs;

/// So many cases are known at most: what a table of 4096 places holds.
const MOST: usize = 3584;
/// So many misses without a hit, and only one route of so many is looked up.
const PATIENCE: u32 = 256;
const SAMPLE: u32 = 16;

/// A case, and what came of it.
#[derive(Debug)]
struct Known {
    filter: Arc<Filter>,
    before: Arc<Attrs>,
    answers: u64,
    after: Arc<Attrs>,
    verdict: Verdict,
    site: u32,
}

/// A case that was not there yet.
#[derive(Debug)]
pub struct Case {
    hash: u64,
    answers: u64,
    before: Arc<Attrs>,
}

/// What is known about a route.
#[derive(Debug)]
pub enum Recalled {
    /// The verdict, and the attributes afterwards.
    Known(Outcome, Arc<Attrs>),
    /// Nothing; but what the filter says is worth remembering as this case.
    New(Case),
    /// Nothing.
    Unknown,
}

/// Verdicts of all filters.
#[derive(Debug, Default)]
pub struct Verdicts {
    known: HashTable<Known>,
    /// Misses since the last hit.
    misses: u32,
}

impl Verdicts {
    /// What a filter said about such a route, if that is known.
    #[inline]
    pub fn recall(&mut self, filter: &Arc<Filter>, net: &Net, attrs: &Arc<Attrs>) -> Recalled {
        if self.misses > PATIENCE {
            self.misses = self.misses.wrapping_add(1);
            if !self.misses.is_multiple_of(SAMPLE) {
                return Recalled::Unknown;
            }
        }
        let Some(answers) = filter.program.questions().answers(net) else { return Recalled::Unknown };
        let hash = hash(filter, attrs, answers);
        let same = |k: &Known| {
            Arc::ptr_eq(&k.before, attrs) && k.answers == answers && Arc::ptr_eq(&k.filter, filter)
        };
        match self.known.find(hash, same) {
            Some(known) => {
                self.misses = 0;
                let outcome = Outcome { verdict: known.verdict, site: Some(known.site), error: None };
                Recalled::Known(outcome, known.after.clone())
            }
            None => {
                self.misses = self.misses.wrapping_add(1);
                Recalled::New(Case { hash, answers, before: attrs.clone() })
            }
        }
    }

    /// Remembers a verdict, and the attributes afterwards.
    pub fn keep(&mut self, case: Case, filter: &Arc<Filter>, outcome: &Outcome, after: &Arc<Attrs>) {
        let Some(site) = outcome.site else { return };
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let Case { hash: place, answers, before } = case;
        let (filter, after, verdict) = (filter.clone(), after.clone(), outcome.verdict);
        let known = Known { filter, before, answers, after, verdict, site };
        self.known.insert_unique(place, known, |k| hash(&k.filter, &k.before, k.answers));
    }
}

#[inline]
fn hash(filter: &Arc<Filter>, attrs: &Arc<Attrs>, answers: u64) -> u64 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = mix(mix(Arc::as_ptr(filter) as usize as u64, Arc::as_ptr(attrs) as usize as u64), answers);
    sum ^ sum >> 32
}
