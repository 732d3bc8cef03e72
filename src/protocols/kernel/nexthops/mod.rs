//! Nexthop objects as the reconciler sees them.
//!
//! Why it is not just another attribute: an object ties routes together. Whoever changes it changes them all,
//! which is what makes it worth having, and when it vanishes they vanish with it. So for each net it is known
//! which object its route stands on ([`uses`]), exactly: an object is deleted when nobody stands on it any
//! more, and given other next hops when everybody who stands on it is to go the same other way ([`moves`]),
//! or will be, because the recursive next hop that they have in common leads there now ([`ahead`]).
//!
//! Bodies that are wanted carry their set of next hops as a [`Via`]; bodies that were read carry that of the object
//! they point to, if it is ours. So most of the time comparing bodies is all there is to do. The exceptions are here: a
//! set whose object the kernel refuses is written with its next hops ([`Via::plain`]), and several objects may have the
//! same content after moves.

mod ahead;
mod moves;
mod uses;

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

pub use self::ahead::Ahead;
pub use self::moves::Moves;
pub use self::uses::Uses;
use super::drift::DriftKind;
use super::sync::{Action, DOUBT, FLYING, KernelSync, PRESENT, REPAIRS_MAX, WAIT, Warning};
use crate::sys::kernel::RouteBody;
use crate::sys::nexthops::Via;

/// What a reconciler knows about objects.
#[derive(Default, Debug)]
pub struct Objects {
    /// Who stands on what.
    pub(super) uses: Uses,
    /// Whole objects on their way to other next hops.
    pub(super) moves: Moves,
    /// Objects that went other ways before the routes on them were said to.
    pub(super) ahead: Vec<Ahead>,
    /// How often each object was lost since the last scan.
    pub(super) losses: HashMap<Via, u8, FxBuildHasher>,
}

impl KernelSync {
    /// Whether the body that was read is what is wanted. One that goes the same way through another object of ours is
    /// wanted from now on: that is cheaper than to move the route.
    pub(super) fn agrees(&mut self, id: u32, read: &Arc<RouteBody>) -> bool {
        let Some(wanted) = &self.wanted[id as usize] else { return false };
        if Arc::ptr_eq(wanted, read) {
            return true;
        }
        match (&wanted.via, &read.via) {
            (Some(via), None) => via.plain() && wanted.same_but_object(read),
            (Some(a), Some(b)) if a.same_hops(b) && wanted.same_but_object(read) => {
                b.serve_as(a);
                self.wanted[id as usize] = Some(Arc::clone(read));
                true
            }
            (Some(a), Some(b)) => self.is_ahead(a, b) && wanted.same_but_hops(read),
            _ => false,
        }
    }

    /// The body to be wanted from now on: as it was if nothing but the object is another one, with the same next hops.
    pub(super) fn kept(&self, id: u32, new: Arc<RouteBody>) -> Arc<RouteBody> {
        match &self.wanted[id as usize] {
            Some(old) if !Arc::ptr_eq(old, &new) => match (&old.via, &new.via) {
                (Some(a), Some(b)) if a.same_hops(b) && old.same_but_object(&new) => {
                    let on = self.objects.uses.at(id);
                    if a.lookup() != b.lookup() && on.is_some_and(|on| !on.same_hops(a)) {
                        // It stands where only those go that have what it does not have any more in common.
                        return new;
                    }
                    on.into_iter().chain([a]).for_each(|via| via.serve(b.lookup()));
                    Arc::clone(old)
                }
                _ => new,
            },
            _ => new,
        }
    }

    /// Objects are gone, and with them the routes that stood on them: they are put back in a moment, when it is known
    /// whether their interface went, too. Not for ever against the same opponent.
    pub fn objects_lost(&mut self, lost: &[Via], now: u64, out: &mut Vec<Action>) {
        let nets = self.objects.uses.on(lost);
        let Some(first) = nets.first() else { return };
        for via in lost {
            let times = self.objects.losses.entry(via.clone()).or_insert(0);
            *times = times.saturating_add(1);
            if *times == REPAIRS_MAX + 1
                && let Some(dst) = self.nets.get(*first)
            {
                out.push(Action::Warn(dst, Warning::Damped { protocol: 0 }));
            }
        }
        let asked = !self.repairs.is_empty();
        for id in nets {
            let times = self.objects.uses.at(id).and_then(|via| self.objects.losses.get(via));
            let damped = times.is_some_and(|times| *times > REPAIRS_MAX);
            // Who waited for it to be moved does not stand on it any more.
            self.unpark(id);
            self.objects.uses.gone(id);
            let Some(dst) = self.nets.get(id) else { continue };
            if self.wanted[id as usize].is_some() && self.synced && self.has(id, PRESENT) {
                self.note_drift(id, &dst, DriftKind::Deleted, now);
            }
            if let Some(scan) = &mut self.scan {
                scan.touched_ids.set(id, true);
            }
            self.put(id, DOUBT);
            if self.has(id, FLYING) || !self.synced {
                continue;
            }
            self.set_flags(id, WAIT, damped);
            if !damped {
                self.repairs.push(id);
            }
        }
        if !asked && !self.repairs.is_empty() {
            out.push(Action::Repair);
        }
    }

    /// Whether any route waits for a move.
    pub fn moving(&self) -> bool {
        !self.objects.moves.is_empty()
    }

    /// How many objects routes of this table stand on, those that groups are made of included.
    pub fn objects_used(&self) -> usize {
        self.objects.uses.objects()
    }
}
