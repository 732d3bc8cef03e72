//! From intentions to operations, from answers to knowledge; and the flush at the end.
//!
//! What is known of a million nets is larger than the processor's caches, and nets come in no order. So a few
//! dozen are looked at together before each gets its turn: their memory then arrives at the same time instead
//! of one after the other.

use std::hint::black_box;

use smallvec::SmallVec;

use super::flights::Flight;
use super::nets::Dst;
use super::sync::{Action, BLOCKED, DOUBT, FLYING, KernelSync, PRESENT, QUEUED, REFUSED, SOON, STALE, WAIT};
use crate::sys::kernel::{Answer, Family, KernelError, RouteBody, RouteKind, RouteOp, RouteVerb, Ticket};
use crate::table::Bits;

/// Nets that are looked at together.
const TOGETHER: usize = 32;

impl KernelSync {
    /// Operations to send at this time, at most `room` and a few more.
    pub fn pump(&mut self, now: u64, room: usize, ops: &mut Vec<RouteOp>) {
        if !self.synced {
            return;
        }
        self.backlog.tick(now);
        // Taken from the backlog; all of them get their turn.
        let mut ahead: SmallVec<[u32; TOGETHER]> = SmallVec::new();
        while ops.len() < room || !ahead.is_empty() {
            if ahead.is_empty() && self.orphans.is_empty() && self.restores.is_empty() {
                let flying = self.flights.len();
                let count = TOGETHER.min(room - ops.len());
                ahead.extend(std::iter::from_fn(|| self.backlog.pop(now, flying)).take(count));
                ahead.iter().for_each(|id| self.warm(*id, true));
                ahead.reverse();
            }
            if let Some((dst, metric)) = self.orphans.pop_front() {
                let ticket = self.flights.add(Flight::Orphan(dst, metric));
                ops.push(self.op(ticket, &dst, metric, RouteVerb::Delete));
            } else if let Some((dst, metric, body)) = self.restores.pop_front() {
                let ticket = self.flights.add(Flight::Restore(dst, metric));
                ops.push(self.op(ticket, &dst, metric, RouteVerb::Replace(body)));
            } else if let Some(id) = ahead.pop() {
                // It may stand there twice.
                if self.has(id, QUEUED) {
                    self.drop_flags(id, QUEUED);
                    self.act(id, ops);
                }
            } else if !self.flush_some(room, ops) {
                break;
            }
        }
    }

    /// Reads some of what is known of a net, and does nothing with it.
    fn warm(&self, id: u32, net: bool) {
        let at = id as usize;
        black_box((self.flags.get(at), self.wanted.get(at).is_some_and(Option::is_some)));
        if net {
            black_box(self.nets.get(id).is_some());
        }
    }

    fn op(&self, ticket: Ticket, dst: &Dst, metric: u32, verb: RouteVerb) -> RouteOp {
        RouteOp { ticket, key: dst.key(self.setup.table, metric), verb }
    }

    /// Sends what the net needs now, if anything.
    fn act(&mut self, id: u32, ops: &mut Vec<RouteOp>) {
        let flags = self.flags[id as usize];
        if flags & FLYING != 0 {
            return;
        }
        self.unpark(id);
        let Some(dst) = self.nets.get(id) else { return };
        let metric = self.metric_of(id);
        let wanted = if self.flush.is_some() { None } else { self.wanted[id as usize].clone() };
        let Some(body) = wanted else {
            self.forget_moved(id, &dst);
            if !self.may_delete(id) {
                self.drop_flags(id, PRESENT | DOUBT | BLOCKED);
            } else if flags & (PRESENT | DOUBT) != 0 {
                self.fly(id, &dst, metric, Flight::Delete { id, metric }, RouteVerb::Delete, ops);
            }
            return;
        };
        if flags & WAIT != 0 {
            return;
        }
        if flags & DOUBT != 0 || flags & PRESENT == 0 {
            let flight = Flight::Add { id, metric, unsure: flags & DOUBT != 0 };
            self.drop_flags(id, PRESENT | DOUBT | STALE);
            self.fly(id, &dst, metric, flight, RouteVerb::Add(body), ops);
        } else if flags & STALE != 0 {
            if self.unsure {
                self.held.push(id);
            } else if self.replaceable(&body) && flags & BLOCKED == 0 {
                self.drop_flags(id, STALE);
                let flight = Flight::Replace { id, metric };
                self.fly(id, &dst, metric, flight, RouteVerb::Replace(body), ops);
            } else {
                // Both are sent together; the kernel keeps their order. Where a foreign route shares our key, a
                // replacement might hit that one, and the addition will be refused.
                let ticket = self.flights.add(Flight::Orphan(dst, metric));
                ops.push(self.op(ticket, &dst, metric, RouteVerb::Delete));
                self.drop_flags(id, PRESENT | STALE);
                let flight = Flight::Add { id, metric, unsure: false };
                self.fly(id, &dst, metric, flight, RouteVerb::Add(body), ops);
            }
        }
    }

    fn replaceable(&self, body: &RouteBody) -> bool {
        self.setup.replace_any || self.setup.family == Family::V4 || has_gateway(body)
    }

    /// The kernel keeps the old route and refuses the new one. Where BIRD would have deleted the old one
    /// first, it goes, so that what is left is the same: an IPv6 route that is to be no gateway route any
    /// more.
    fn not_replaced(&mut self, id: u32, dst: &Dst, metric: u32) {
        let Some(wanted) = self.wanted[id as usize].as_ref() else { return };
        if self.setup.family == Family::V6 && wanted.via.is_none() && !has_gateway(wanted) {
            self.drop_flags(id, PRESENT | STALE);
            self.objects.uses.gone(id);
            self.orphan(*dst, metric);
        } else {
            self.put(id, STALE);
        }
    }

    fn fly(
        &mut self,
        id: u32,
        dst: &Dst,
        metric: u32,
        flight: Flight,
        verb: RouteVerb,
        ops: &mut Vec<RouteOp>,
    ) {
        self.put(id, FLYING);
        if let Some(body) = verb.body() {
            self.objects.uses.sent(id, body.via.as_ref());
        }
        if let Some(scan) = &mut self.scan {
            scan.touched_ids.set(id, true);
        }
        let ticket = self.flights.add(flight);
        ops.push(self.op(ticket, dst, metric, verb));
    }

    /// The keys a net had before its metric changed are to go now.
    pub(super) fn forget_moved(&mut self, id: u32, dst: &Dst) {
        if self.moved.is_empty() {
            return;
        }
        for metric in self.moved.remove(&id).into_iter().flatten() {
            self.orphan(*dst, metric);
        }
    }

    /// A scan has told what stands where; only of nets written meanwhile it does not know.
    pub(super) fn scanned_moved(&mut self, touched: &Bits) {
        let flags = &self.flags;
        self.moved.retain(|id, _| touched.get(*id) || flags[*id as usize] & FLYING != 0);
    }

    /// Whether operations are open or wait to be sent.
    pub fn busy(&self) -> bool {
        !(self.flights.is_empty()
            && self.waiting() == 0
            && self.repairs.is_empty()
            && self.objects.moves.is_empty()
            && (self.flush.is_none() || self.flushed))
    }

    /// How many operations wait for room.
    pub fn waiting(&self) -> usize {
        if self.synced { self.orphans.len() + self.restores.len() + self.backlog.len() } else { 0 }
    }

    /// Operations sent and not answered yet.
    pub fn flying(&self) -> usize {
        self.flights.len()
    }

    /// Answers of the kernel.
    pub fn answers(&mut self, mut answers: Vec<Answer>, out: &mut Vec<Action>) {
        for some in answers.chunks_mut(TOGETHER) {
            let nets = some.iter().filter_map(|answer| self.flights.net_of(answer.ticket));
            nets.for_each(|id| self.warm(id, false));
            for answer in some {
                let Some(flight) = self.flights.take(answer.ticket) else { continue };
                let result = std::mem::replace(&mut answer.result, Ok(()));
                if result.is_err() || !self.done_as_expected(&flight) {
                    self.answer(flight, result, out);
                }
            }
        }
        self.check_flushed(out);
    }

    /// What nearly all answers come to, without a look at the net itself: an operation was carried out, and
    /// there is nothing unusual about it or any other net. Otherwise `false`, and nothing is changed.
    fn done_as_expected(&mut self, flight: &Flight) -> bool {
        if !(self.taken.is_empty() && self.leaving.is_empty() && self.moved.is_empty()) {
            return false;
        }
        let id = match *flight {
            Flight::Add { id, metric, .. } | Flight::Replace { id, metric } => {
                if metric != self.metric_of(id) || self.has(id, BLOCKED | DOUBT | REFUSED) {
                    return false;
                }
                self.objects.uses.landed(id, true, false);
                self.put(id, PRESENT);
                id
            }
            Flight::Delete { id, .. } => {
                self.objects.uses.gone(id);
                self.drop_flags(id, PRESENT | DOUBT | BLOCKED);
                id
            }
            _ => return false,
        };
        self.drop_flags(id, FLYING);
        self.enqueue(id);
        true
    }

    fn answer(&mut self, flight: Flight, result: Result<(), KernelError>, out: &mut Vec<Action>) {
        let missing = matches!(&result, Err(error) if error.errno == libc::ESRCH);
        let (id, metric, delete) = match flight {
            Flight::Add { id, metric, .. } | Flight::Replace { id, metric } => (id, metric, false),
            Flight::Delete { id, metric } => (id, metric, true),
            Flight::Orphan(dst, metric) => {
                if let (Err(error), false) = (result, missing) {
                    out.push(Action::Failed { dst, metric, delete: true, error });
                }
                return;
            }
            Flight::Restore(dst, metric) | Flight::Detached(dst, metric) => {
                if let (Err(error), false) = (result, missing) {
                    out.push(Action::Failed { dst, metric, delete: false, error });
                }
                return;
            }
        };
        self.drop_flags(id, FLYING);
        match (delete, &result) {
            (true, Ok(())) => self.objects.uses.gone(id),
            (true, Err(_)) if missing => self.objects.uses.gone(id),
            (true, Err(_)) => self.objects.uses.left(id),
            (false, Ok(())) => self.objects.uses.landed(id, true, false),
            (false, Err(error)) => {
                self.objects.uses.landed(id, false, error.errno == libc::ENOBUFS);
                // An addition is sent only where nothing is known to stand; but if something does, it may be
                // what is counted.
                let there = matches!(flight, Flight::Add { unsure: true, .. }) && error.errno == libc::EEXIST;
                if matches!(flight, Flight::Add { .. }) && !there {
                    self.objects.uses.left(id);
                }
            }
        }
        let current = metric == self.metric_of(id);
        let Some(dst) = self.nets.get(id) else { return };
        match (&flight, result) {
            (Flight::Delete { .. }, Ok(())) => self.drop_flags(id, PRESENT | DOUBT | BLOCKED),
            (Flight::Delete { .. }, Err(_)) if missing => self.drop_flags(id, PRESENT | DOUBT | BLOCKED),
            (_, Ok(())) if current => {
                if !self.has(id, BLOCKED) {
                    self.unrefuse(id, out);
                }
                if !self.has(id, DOUBT) {
                    self.put(id, PRESENT);
                }
                if matches!(flight, Flight::Add { .. }) && !self.has(id, DOUBT) {
                    // The kernel would have refused, so nobody else stands there.
                    self.drop_flags(id, BLOCKED);
                    if self.taken.get(&(dst, metric)).is_some_and(|taken| !taken.raced) {
                        self.taken.remove(&(dst, metric));
                    }
                }
            }
            (_, Ok(())) => {}
            (Flight::Add { unsure: true, .. }, Err(error)) if error.errno == libc::EEXIST && current => {
                // Ours or somebody else's: only a scan can tell.
                self.put(id, DOUBT | WAIT);
                out.push(Action::Scan(SOON));
            }
            (Flight::Add { unsure: false, .. }, Err(_)) if !current => {
                // It never came to stand there, so nothing is to be deleted there.
                if let Some(list) = self.moved.get_mut(&id) {
                    list.retain(|moved| *moved != metric);
                }
            }
            (_, Err(error)) => {
                // Was it changed meanwhile, the new one deserves a try.
                let last = current && !delete && !self.has(id, STALE);
                if last && self.wanted[id as usize].is_some() {
                    self.put(id, WAIT);
                    if matches!(flight, Flight::Replace { .. }) {
                        self.not_replaced(id, &dst, metric);
                    }
                    if error.errno == libc::EEXIST && !self.has(id, BLOCKED | REFUSED) {
                        // By whom, no scan has told. One that missed what stands there is not the last word.
                        out.push(Action::Scan(SOON));
                    }
                    self.refuse(id, out);
                }
                out.push(Action::Failed { dst, metric, delete, error });
                if delete {
                    // Another try only when the next scan still finds it.
                    self.drop_flags(id, PRESENT | DOUBT);
                }
            }
        }
        if !self.leaving.is_empty() && !self.has(id, PRESENT | DOUBT) {
            self.leaving.remove(&dst);
        }
        if current && !delete && !self.has(id, DOUBT) {
            self.forget_moved(id, &dst);
        }
        self.enqueue(id);
    }

    /// Deletes everything of ours; [`Action::Flushed`] tells the end. Without `delete`, or if nothing was ever written,
    /// `false`: there is nothing to wait for.
    pub fn stop(&mut self, delete: bool) -> bool {
        if !self.synced || !delete {
            return false;
        }
        self.backlog.clear();
        self.held.clear();
        self.repairs.clear();
        self.objects.moves.clear();
        self.objects.ahead.clear();
        self.restores.clear();
        self.flags.iter_mut().for_each(|flags| *flags &= !QUEUED);
        self.scan = None;
        self.flush = Some(0);
        true
    }

    /// Puts a piece of the flush into the queue; `false`: there is nothing left to put.
    fn flush_some(&mut self, room: usize, ops: &mut Vec<RouteOp>) -> bool {
        let Some(mut step) = self.flush else { return false };
        let end = self.flags.len();
        // Deleting in ascending order is what the kernel is slowest at; a stride visits every number once, in none.
        let stride = stride(end);
        while step < end && ops.len() < room {
            let id = (step as u64 * stride as u64 % end as u64) as u32;
            step += 1;
            if !self.has(id, FLYING | QUEUED) {
                self.act(id, ops);
            }
        }
        self.flush = Some(step);
        !self.orphans.is_empty()
    }

    /// Call after [`pump`](Self::pump): tells once when a flush is complete.
    pub fn check_flushed(&mut self, out: &mut Vec<Action>) {
        let done = self.flush.is_some_and(|step| step >= self.flags.len());
        if done && !self.flushed && self.flights.is_empty() && self.waiting() == 0 {
            self.flushed = true;
            out.push(Action::Flushed);
        }
    }
}

/// Whether its first next hop is a gateway.
fn has_gateway(body: &RouteBody) -> bool {
    body.kind == RouteKind::Unicast && body.hops.first().is_some_and(|hop| hop.next.gateway.is_some())
}

/// A number without a common divisor with `end`, about 0.618 of it.
fn stride(end: usize) -> usize {
    let gcd = |mut a: usize, mut b: usize| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let start = (end as f64 * 0.618) as usize;
    (start.max(1)..=end).find(|n| gcd(*n, end) == 1).unwrap_or(1)
}
