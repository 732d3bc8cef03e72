//! What others do to the kernel's table while we watch.

use std::sync::Arc;

use super::bodies::Read;
use super::convert::Class;
use super::drift::{Drift, DriftKind};
use super::nets::Dst;
use super::sync::{
    Action, BLOCKED, DOUBT, FLYING, KernelSync, PRESENT, REPAIRS_MAX, SOON, STALE, Taken, WAIT, Warning,
};
use crate::sys::kernel::RouteBody;

impl KernelSync {
    /// Somebody else, or the kernel by itself, added or changed (`gone`: removed) a route.
    #[allow(clippy::too_many_arguments, reason = "the parts of one notice, all of them needed")]
    pub fn notice(
        &mut self,
        dst: &Dst,
        metric: u32,
        body: &Arc<RouteBody>,
        read: &Read,
        gone: bool,
        id: Option<u32>,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        if read.class == Class::Ignored {
            return;
        }
        if let Some(scan) = &mut self.scan {
            scan.touch(*dst);
        }
        let tracked = self.tracked(id, dst);
        let id = tracked.filter(|id| self.metric_of(*id) == metric);
        if let (Some(other), None, false, false) = (tracked, id, gone, read.class == Class::Ours) {
            self.taken_elsewhere(other, dst, metric, body, out);
        }
        match (&read.class, &read.normal) {
            (Class::Ours, Some(normal)) => {
                if let Some(id) = id {
                    self.our_drift(id, dst, Some(normal).filter(|_| !gone), now, out);
                    if self.traces {
                        out.push(Action::Trace(
                            *dst,
                            if gone { "deleted by others" } else { "changed by others" },
                        ));
                    }
                }
                if !gone && self.aliens.remove(dst, metric) {
                    out.push(Action::Learn(*dst));
                }
            }
            _ => {
                if gone {
                    self.taken.remove(&(*dst, metric));
                }
                match id {
                    Some(id) if gone => self.given_back(id),
                    Some(id) => self.taken_over(id, dst, body, now, out),
                    None => {}
                }
                let at = out.len();
                let word = self.learn(dst, metric, read.class, Some(body).filter(|_| !gone), false, out);
                if let (Some(word), true) = (word, self.traces) {
                    out.insert(at, Action::Trace(*dst, asynchronous(word)));
                }
            }
        }
    }

    /// Repairs the net in a moment, when it is known whether its interface went down with it; but not for ever.
    fn enqueue_repair(&mut self, id: u32, dst: &Dst, protocol: u8, out: &mut Vec<Action>) {
        let rounds = self.damping.entry(id).or_insert(0);
        *rounds = rounds.saturating_add(1);
        if *rounds > REPAIRS_MAX {
            if *rounds == REPAIRS_MAX + 1 {
                out.push(Action::Warn(*dst, Warning::Damped { protocol }));
            }
            self.put(id, WAIT);
            return;
        }
        if self.has(id, FLYING) {
            // The answer comes first.
            return;
        }
        if self.repairs.is_empty() {
            out.push(Action::Repair);
        }
        self.repairs.push(id);
    }

    /// An interface went down, and its routes with it: that was nobody's fight.
    pub fn forgive(&mut self) {
        self.damping.clear();
    }

    /// Sends the repairs that were noticed. Those whose next hops cannot be `usable` wait for the next scan or change.
    pub fn repair(&mut self, usable: impl Fn(&RouteBody) -> bool) {
        for id in std::mem::take(&mut self.repairs) {
            if self.wanted[id as usize].as_ref().is_some_and(|body| !usable(body)) {
                self.put(id, WAIT);
            }
            self.enqueue(id);
        }
    }

    /// Notices of routes were lost.
    pub fn overrun(&mut self, out: &mut Vec<Action>) {
        self.unsure = true;
        if let Some(scan) = &mut self.scan {
            scan.outrun = true;
        }
        // Whether they are there no more because their owners removed them, notices would have told.
        self.taken.values_mut().for_each(|taken| taken.raced = false);
        out.push(Action::Scan(1));
    }

    /// Somebody else changed our route at our key, or (`body` is `None`) deleted it.
    pub(super) fn our_drift(
        &mut self,
        id: u32,
        dst: &Dst,
        body: Option<&Arc<RouteBody>>,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        let wanted = self.wanted[id as usize].as_ref();
        if wanted.is_none() {
            // Its deletion is under way, or will be.
            self.put(id, DOUBT);
            return;
        }
        let kind = match body {
            Some(body) if self.agrees(id, body) => None,
            Some(_) => Some(DriftKind::Changed),
            None => Some(DriftKind::Deleted),
        };
        let taken = self.taken.remove(&(*dst, self.metric_of(id))).is_some();
        let Some(kind) = kind else {
            if taken || self.has(id, BLOCKED) {
                // Whoever had our place gave it back by writing our route.
                self.put(id, DOUBT);
                self.given_back(id);
            }
            return;
        };
        match kind {
            DriftKind::Deleted => self.put(id, DOUBT),
            _ => self.put(id, STALE | PRESENT),
        }
        self.note_drift(id, dst, kind, now);
        if self.synced {
            let protocol = body.map_or(0, |body| body.protocol);
            self.enqueue_repair(id, dst, protocol, out);
        }
    }

    /// A foreign route appeared at our key.
    pub(super) fn taken_over(
        &mut self,
        id: u32,
        dst: &Dst,
        body: &Arc<RouteBody>,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        if self.has(id, PRESENT | DOUBT | FLYING) && self.synced {
            if !self.has(id, BLOCKED) {
                self.note_drift(id, dst, DriftKind::Taken(body.protocol), now);
            }
            // An addition of ours overwrites nobody.
            let replacing = self.has(id, FLYING) && self.flights.replaces(id);
            if replacing || self.has(id, PRESENT | DOUBT) {
                let key = (*dst, self.metric_of(id));
                let raced = replacing || self.taken.get(&key).is_some_and(|taken| taken.raced);
                self.taken.insert(key, Taken { body: Arc::clone(body), tries: 0, raced });
                out.push(Action::Scan(SOON));
            }
            self.put(id, DOUBT);
        }
        self.drop_flags(id, PRESENT);
        self.put(id, BLOCKED);
        if self.wanted[id as usize].is_some() {
            self.put(id, WAIT);
            self.refuse(id, out);
        }
    }

    /// A foreign route appeared where ours stood before its metric changed, perhaps under a replacement in flight.
    pub(super) fn taken_elsewhere(
        &mut self,
        id: u32,
        dst: &Dst,
        metric: u32,
        body: &Arc<RouteBody>,
        out: &mut Vec<Action>,
    ) {
        let here = self.has(id, FLYING) && self.flights.metric_of(id) == Some(metric);
        if here && self.flights.replaces(id) {
            self.taken.insert((*dst, metric), Taken { body: Arc::clone(body), tries: 0, raced: true });
            out.push(Action::Scan(SOON));
        }
    }

    /// The foreign route at our key went away.
    pub(super) fn given_back(&mut self, id: u32) {
        self.drop_flags(id, BLOCKED | WAIT);
        if !self.has(id, PRESENT) || self.has(id, DOUBT) {
            self.enqueue(id);
        }
    }

    pub(super) fn note_drift(&mut self, id: u32, dst: &Dst, kind: DriftKind, now: u64) {
        let metric = self.metric_of(id);
        self.drift.note(Drift { at: now, dst: *dst, metric, kind });
    }
}

fn asynchronous(word: &'static str) -> &'static str {
    match word {
        "[alien] created" => "[alien async] created",
        "[alien] updated" => "[alien async] updated",
        "[alien] removed" => "[alien async] removed",
        "[alien] ignored" => "[alien async] ignored",
        other => other,
    }
}
