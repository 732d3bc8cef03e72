//! A whole object's worth of routes that goes another way: one message instead of a million.
//!
//! Exports come one net after the other, and nobody says beforehand that all will change alike. So a change that could
//! be part of a move waits a moment (parked) while more of its kind come. When all routes that stand on the object are
//! parked for the same new next hops, the object is given those. When somebody on it goes elsewhere, or nothing more
//! comes for a moment, the parked routes are rewritten one by one as if nothing had been.
//!
//! A parked net is [`STALE`] like any other that waits; whatever else happens to it ends its wait.

use std::sync::Arc;

use crate::base::Lookup;
use crate::sys::kernel::RouteBody;
use crate::sys::nexthops::{Nexthops, Via};
use crate::table::Bits;

use super::super::bodies::Bodies;
use super::super::sync::{BLOCKED, DOUBT, FLYING, KernelSync, PRESENT, QUEUED, REFUSED, STALE, WAIT};
use super::Ahead;

/// Ticks without news before a move that is not complete is given up.
const QUIET_TICKS: u8 = 2;
/// Ticks before it is given up in any case.
const MAX_TICKS: u16 = 300;

/// All of them.
#[derive(Default, Debug)]
pub struct Moves {
    list: Vec<Move>,
    parked: Bits,
    /// Whether the last pair of bodies differs in nothing but next hops: a million nets ask about the same one.
    last: Option<(Arc<RouteBody>, Arc<RouteBody>, bool)>,
}

#[derive(Debug)]
struct Move {
    from: Via,
    to: Via,
    /// Nets that came to be parked here; some may have left.
    ids: Vec<u32>,
    parked: usize,
    quiet: u8,
    age: u16,
    /// Nobody has to be parked: all who stand there, and that is so many, are known to follow.
    ahead: Option<usize>,
    /// The request, and the set that has the object when it is done.
    asked: Option<(u64, Via)>,
}

impl Move {
    fn new(from: Via, to: Via, ahead: Option<usize>) -> Move {
        Move { from, to, ids: Vec::new(), parked: 0, quiet: 0, age: 0, ahead, asked: None }
    }

    fn complete(&self) -> bool {
        let users = self.from.users();
        self.ahead == Some(users) || self.ahead.is_none() && self.parked > 0 && self.parked == users
    }
}

impl Moves {
    /// Whether any net waits.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether this net waits.
    pub fn has(&self, id: u32) -> bool {
        !self.list.is_empty() && self.parked.get(id)
    }

    /// Whether anybody on this object waits.
    pub(super) fn concern(&self, from: &Via) -> bool {
        self.list.iter().any(|m| m.from == *from)
    }

    /// The recursive next hops of objects that are asked to move, or about to be.
    pub(super) fn under_way(&self) -> impl Iterator<Item = &Arc<Lookup>> {
        let asked = self.list.iter().filter(|m| m.asked.is_some() || m.ahead.is_some());
        asked.filter_map(|m| m.from.lookup())
    }

    /// One that nobody has to wait for.
    pub(super) fn push_ahead(&mut self, from: Via, to: Via, users: usize) {
        self.list.push(Move::new(from, to, Some(users)));
    }

    /// Forgets all, for a flush.
    pub fn clear(&mut self) {
        *self = Moves::default();
    }

    fn only_hops_differ(&mut self, old: &Arc<RouteBody>, new: &Arc<RouteBody>) -> bool {
        if let Some((a, b, verdict)) = &self.last
            && Arc::ptr_eq(a, old)
            && Arc::ptr_eq(b, new)
        {
            return *verdict;
        }
        let verdict = old.same_but_hops(new);
        self.last = Some((Arc::clone(old), Arc::clone(new), verdict));
        verdict
    }
}

impl KernelSync {
    /// Its route stands there, and nothing is the matter with it.
    pub(super) fn calm(&self, id: u32) -> bool {
        let others = DOUBT | FLYING | BLOCKED | WAIT | QUEUED | REFUSED;
        self.flags[id as usize] & (PRESENT | others) == PRESENT
    }

    /// The net is to have this body now. Tells whether its route waits for a move.
    pub(in super::super) fn try_move(&mut self, id: u32, new: &Arc<RouteBody>) -> bool {
        let parked = self.unpark(id);
        let (Some(from), Some(to)) = (self.objects.uses.at(id), &new.via) else { return false };
        let Some(old) = &self.wanted[id as usize] else { return false };
        let calm = self.calm(id);
        let fresh = parked || !self.has(id, STALE);
        if !self.synced || self.flush.is_some() || !calm || !fresh || from == to {
            return false;
        }
        if from.is_group() != to.is_group() || !self.objects.moves.only_hops_differ(old, new) {
            return false;
        }
        let moves = &mut self.objects.moves;
        let at = match moves.list.iter().position(|m| m.from == *from) {
            Some(at) if moves.list[at].ahead.is_some() && moves.list[at].to.same_hops(to) => at,
            Some(at) if moves.list[at].asked.is_some() || moves.list[at].ahead.is_some() => return false,
            Some(at) if !moves.list[at].to.same_hops(to) => {
                self.give_up(at);
                return false;
            }
            Some(at) => at,
            None => {
                moves.list.push(Move::new(from.clone(), to.clone(), None));
                moves.list.len() - 1
            }
        };
        let m = &mut moves.list[at];
        m.to.serve_as(to);
        m.ids.push(id);
        m.parked += 1;
        m.quiet = 0;
        moves.parked.set(id, true);
        true
    }

    /// The net waits no longer. Tells whether it did.
    pub(in super::super) fn unpark(&mut self, id: u32) -> bool {
        if !self.objects.moves.has(id) {
            return false;
        }
        let moves = &mut self.objects.moves;
        moves.parked.set(id, false);
        let from = self.objects.uses.at(id);
        if let Some(m) = moves.list.iter_mut().find(|m| Some(&m.from) == from) {
            m.parked = m.parked.saturating_sub(1);
        }
        true
    }

    /// The parked nets are rewritten instead.
    fn give_up(&mut self, at: usize) {
        let m = self.objects.moves.list.swap_remove(at);
        for id in m.ids {
            if self.objects.moves.parked.set(id, false) {
                self.enqueue(id);
            }
        }
    }

    /// Asks for the moves that are complete: `ask` gives the ticket.
    pub fn ask_moves(&mut self, nexthops: &Nexthops, mut ask: impl FnMut(Via, Via) -> u64) {
        for m in &mut self.objects.moves.list {
            if m.asked.is_some() {
                continue;
            }
            if !m.complete() {
                // Somebody came after all: as with any other move, all are waited for.
                m.ahead = None;
                continue;
            }
            let target = nexthops.target(&m.to);
            target.serve_as(&m.to);
            if let Some(scan) = &mut self.scan {
                for id in &m.ids {
                    scan.touched_ids.set(*id, true);
                }
                if m.ahead.is_some() {
                    let all = self.objects.uses.all().filter(|(_, via)| **via == m.from);
                    for (id, _) in all {
                        scan.touched_ids.set(id, true);
                    }
                }
            }
            m.asked = Some((ask(m.from.clone(), target.clone()), target));
        }
    }

    /// A move was carried out, or refused. Tells whether it was one of ours.
    pub fn moved(&mut self, ticket: u64, done: bool, bodies: &mut Bodies) -> bool {
        let asked = |m: &Move| m.asked.as_ref().is_some_and(|(t, _)| *t == ticket);
        let Some(at) = self.objects.moves.list.iter().position(asked) else { return false };
        if !done {
            self.give_up(at);
            return true;
        }
        let Move { from, ids, asked, ahead, .. } = self.objects.moves.list.swap_remove(at);
        let Some((_, to)) = asked else { return true };
        let ids = match ahead {
            None => ids,
            Some(_) => self.objects.uses.all().filter(|(_, via)| **via == from).map(|(id, _)| id).collect(),
        };
        self.objects.uses.moved(&ids, &from, &to);
        let mut last: Option<(Arc<RouteBody>, Arc<RouteBody>)> = None;
        for id in ids {
            let parked = self.objects.moves.parked.set(id, false);
            if !parked && (ahead.is_none() || !self.calm(id) || self.has(id, STALE)) {
                continue;
            }
            let Some(wanted) = &mut self.wanted[id as usize] else { continue };
            if let Some((old, new)) = last.as_ref().filter(|(old, _)| Arc::ptr_eq(old, wanted)) {
                if !Arc::ptr_eq(old, new) {
                    *wanted = Arc::clone(new);
                }
            } else {
                let old = Arc::clone(wanted);
                // Who is not said to go there so far will be.
                let told = wanted.via.as_ref().is_some_and(|via| *via != to && via.same_hops(&to));
                if told {
                    // The set has an object already, so this is a second one with the same content.
                    *wanted = bodies.with_object(wanted, to.clone());
                }
                last = Some((old, Arc::clone(wanted)));
            }
            if parked {
                self.drop_flags(id, STALE);
            }
        }
        self.objects.ahead.retain(|ahead| !ahead.is(&from) && !ahead.is(&to));
        if ahead.is_some() {
            self.objects.ahead.push(Ahead::new(to));
        }
        true
    }

    /// Some time has passed. Tells whether to come again.
    pub fn tick_moves(&mut self) -> bool {
        for at in (0..self.objects.moves.list.len()).rev() {
            let m = &mut self.objects.moves.list[at];
            (m.quiet, m.age) = (m.quiet.saturating_add(1), m.age.saturating_add(1));
            if m.asked.is_none() && (m.parked == 0 || m.quiet > QUIET_TICKS || m.age > MAX_TICKS) {
                self.give_up(at);
            }
        }
        !self.objects.moves.is_empty()
    }
}
