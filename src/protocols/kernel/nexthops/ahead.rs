//! Whole objects that go another way before anybody has said so of their routes.
//!
//! Why: when a gateway fails, a million routes through one recursive next hop change alike, and all of them
//! are announced, elected, filtered and exported anew, which takes longer than the kernel takes for the one
//! message that moves them. But that they will is known beforehand: the recursive next hop leads elsewhere
//! now.
//!
//! When it is exact: routes through a recursive next hop have objects of their own ([`Via::lookup`]), and of
//! a route that a filter or anybody else may have made dependent on its next hops it is not known that it
//! goes through one ([`Recursion`](crate::table::Recursion)). So whoever is counted on such an object, with a
//! body that names the same recursive next hop, and in the kernel as he should be, will be exported with what
//! it leads to now, and with nothing else changed. Only if these are all who are counted on the object, in
//! all protocols together, it is moved. One route that is being written, is refused, or waits for anything is
//! enough to wait for the exports as in any other case ([`moves`](super::moves)).
//!
//! What if not: nothing depends on it. It is known of each net what it stands on and what it is said to want.
//! Nets that are *behind* their object are left alone while their exports arrive, which then find the kernel
//! right already. If those stop coming, or the recursive next hop leads on to where no object can follow, the
//! nets that are still behind are treated like any that stand on something else than they want.

use rustc_hash::FxHashMap;

use std::sync::Arc;

use crate::base::Lookup;
use crate::sys::nexthops::{Nexthops, Via};

use super::super::sync::{KernelSync, STALE};

/// Objects with fewer routes are not worth a look at all nets: their exports are there in a moment.
const WORTH: usize = if cfg!(test) { 1 } else { 4096 };

/// An object that went ahead.
#[derive(Debug)]
pub struct Ahead {
    via: Via,
    /// Nets that were behind at the last look.
    behind: usize,
}

impl Ahead {
    pub(super) fn new(via: Via) -> Ahead {
        Ahead { via, behind: usize::MAX }
    }

    pub(super) fn is(&self, via: &Via) -> bool {
        self.via == *via
    }
}

impl KernelSync {
    /// These recursive next hops lead elsewhere now; `None`: where no object leads. Those in the answer are
    /// to be told again when a move under way is done.
    pub fn rerouted(&mut self, news: &[(Arc<Lookup>, Option<Via>)], nexthops: &Nexthops) -> Vec<Arc<Lookup>> {
        if !self.synced || self.flush.is_some() {
            return Vec::new();
        }
        let mut ways: FxHashMap<&Arc<Lookup>, &Option<Via>> =
            news.iter().map(|(lookup, to)| (lookup, to)).collect();
        // Whether these are carried out already is not known.
        let later: Vec<Arc<Lookup>> = self.objects.moves.under_way().cloned().collect();
        for lookup in &later {
            ways.remove(lookup);
        }
        let (mut moves, mut stay): (Vec<(Via, Via)>, Vec<Via>) = Default::default();
        for from in nexthops.through(|lookup| ways.contains_key(lookup)) {
            let Some(to) = from.lookup().and_then(|lookup| ways.get(lookup)) else { continue };
            match to {
                Some(to) if from.same_hops(to) => {}
                Some(to)
                    if !self.objects.moves.concern(&from)
                        && from.users() >= WORTH
                        && !from.mixed()
                        && from.is_group() == to.is_group()
                        && from.has_gateways() == to.has_gateways() =>
                {
                    moves.push((from, to.clone()));
                }
                _ => stay.push(from),
            }
        }
        let follow = match moves.is_empty() {
            true => Vec::new(),
            false => self.count_on(moves.iter().map(|(from, _)| from), |sync, id, via| sync.follows(id, via)),
        };
        for ((from, to), count) in moves.into_iter().zip(follow) {
            if count == from.users() {
                self.objects.moves.push_ahead(from, to, count);
            } else {
                stay.push(from);
            }
        }
        stay.into_iter().for_each(|via| self.fall_back(&via));
        later
    }

    /// Whether any object went ahead of its routes lately.
    pub fn went_ahead(&self) -> bool {
        !self.objects.ahead.is_empty()
    }

    /// Some time has passed since an object went ahead. Tells whether to come again.
    pub fn check_ahead(&mut self) -> bool {
        let list = std::mem::take(&mut self.objects.ahead);
        let counts =
            self.count_on(list.iter().map(|ahead| &ahead.via), |sync, id, via| sync.is_behind(id, via));
        for (ahead, behind) in list.into_iter().zip(counts) {
            let stuck = behind >= ahead.behind;
            if behind > 0 {
                self.objects.ahead.push(Ahead { via: ahead.via.clone(), behind });
            }
            if behind > 0 && stuck {
                self.fall_back(&ahead.via);
            }
        }
        !self.objects.ahead.is_empty()
    }

    /// Whether the net that wants the one stands rightly on the other, which went ahead.
    pub(super) fn is_ahead(&self, wanted: &Via, on: &Via) -> bool {
        wanted.lookup().is_some()
            && wanted.lookup() == on.lookup()
            && self.objects.ahead.iter().any(|ahead| ahead.via == *on)
    }

    /// Whether the route stands already as it is to be from now on, because its object went ahead.
    pub(in super::super) fn stands(&self, id: u32, new: &crate::sys::kernel::RouteBody) -> bool {
        let (Some(on), Some(via)) = (self.objects.uses.at(id), &new.via) else { return false };
        let Some(old) = &self.wanted[id as usize] else { return false };
        let there = !self.objects.ahead.is_empty()
            && self.synced
            && self.flush.is_none()
            && self.calm(id)
            && !self.has(id, STALE)
            && on.id() != 0
            && on.same_hops(via)
            && old.same_but_hops(new);
        if there {
            on.serve(via.lookup());
        }
        there
    }

    /// Whether the net will go wherever the recursive next hop of its object leads.
    fn follows(&self, id: u32, on: &Via) -> bool {
        self.calm(id)
            && !self.has(id, STALE)
            && self.wanted[id as usize]
                .as_ref()
                .and_then(|body| body.via.as_ref())
                .is_some_and(|via| via.lookup() == on.lookup() && (via == on || !via.mixed()))
    }

    /// Whether the net stands on an object that went ahead, and nobody has said so far that it should.
    fn is_behind(&self, id: u32, on: &Via) -> bool {
        let wanted = self.wanted[id as usize].as_ref().and_then(|body| body.via.as_ref());
        self.calm(id) && !self.has(id, STALE) && wanted.is_some_and(|via| !via.same_hops(on))
    }

    /// Nets that are behind their object do not wait any longer for it to be said that they should go there.
    fn fall_back(&mut self, on: &Via) {
        let Some(at) = self.objects.ahead.iter().position(|ahead| ahead.via == *on) else { return };
        self.objects.ahead.swap_remove(at);
        let all = self.objects.uses.all().filter(|(id, via)| *via == on && self.is_behind(*id, via));
        let behind: Vec<u32> = all.map(|(id, _)| id).collect();
        for id in behind {
            let Some(wanted) = self.wanted[id as usize].clone() else { continue };
            let waits = self.try_move(id, &wanted);
            self.put(id, STALE);
            if !waits {
                self.enqueue(id);
            }
        }
    }

    /// How many of the nets on each of these objects pass a test.
    #[allow(clippy::mutable_key_type, reason = "its identity is hashed")]
    fn count_on<'a>(
        &self,
        objects: impl Iterator<Item = &'a Via>,
        test: impl Fn(&KernelSync, u32, &Via) -> bool,
    ) -> Vec<usize> {
        let index: FxHashMap<&Via, usize> = objects.zip(0..).collect();
        let mut counts = vec![0; index.len()];
        let mut last: (Option<&Via>, Option<usize>) = (None, None);
        for (id, via) in self.objects.uses.all() {
            if last.0 != Some(via) {
                last = (Some(via), index.get(via).copied());
            }
            if let Some(at) = last.1
                && test(self, id, via)
            {
                counts[at] += 1;
            }
        }
        counts
    }
}
