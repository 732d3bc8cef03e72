//! The reconciler: what should stand in the kernel's table, what does, and what is being done about the difference.
//!
//! A pure machine: it is told of exports, answers, notices and scans, and gives operations ([`KernelSync::pump`]) and
//! [`Action`]s. It reads no clock, asks nobody, sends nothing.
//!
//! Per net it keeps the body wanted (shared) and one byte of flags; whatever is rare (a metric being changed, a fight
//! with somebody, a foreign route that took our place) lives in small maps beside. At most one operation per net is in
//! flight, so an answer always speaks about the present intention or about one that is known to be over.
//!
//! The rules that keep others' routes safe:
//! - a deletion names our protocol number, so it never hits a route of somebody else and may be sent at any doubt;
//! - a route is added exclusively: if anything stands there, the kernel refuses;
//! - a replacement would overwrite anybody, so it is sent only while our route is known to stand there: confirmed by an
//!   answer or a scan, with no notice to the contrary since, and no notices lost. A foreign route that comes between the
//!   decision and its execution is given away by its notice; the scan that follows tells who won, and if it was us, the
//!   foreign route is put back ([`Warning::Restored`]).

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::sys::kernel::{Answer, Family, KernelError, RouteBody, RouteKind, RouteOp, RouteVerb, Ticket};
use crate::table::Bits;

use super::aliens::Aliens;
use super::config::Learn;
use super::drift::{Drift, DriftKind, DriftLog};
use super::flights::{Flight, Flights};
use super::nets::{Dst, Nets};
use super::scan::Scan;

/// What does not change while the protocol runs.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Address family of the kernel table.
    pub family: Family,
    /// Its number.
    pub table: u32,
    /// The metric of all routes; 0: each has its own.
    pub metric: u32,
    /// Which foreign routes are remembered.
    pub learn: Learn,
    /// Whether IPv6 routes of any kind may be replaced in place. Kernels before 5.6 find the route to be replaced only
    /// among those of the same sort; there everything but a gateway route is deleted and added.
    pub replace_any: bool,
}

/// What the driver is to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Read the kernel's table in so many microseconds: at once for 0, otherwise not right after another scan.
    Scan(u64),
    /// Call [`KernelSync::repair`] in a moment.
    Repair,
    /// The kernel refuses the wanted route of this net, or does not any more.
    Refused(u32, bool),
    /// A request failed.
    Failed {
        /// For these packets.
        dst: Dst,
        /// At this metric.
        metric: u32,
        /// Whether it was a deletion.
        delete: bool,
        /// What the kernel said.
        error: KernelError,
    },
    /// The foreign routes of this net changed.
    Learn(Dst),
    /// A decision worth a trace.
    Trace(Dst, &'static str),
    /// Something the operator should know.
    Warn(Dst, Warning),
    /// Everything is deleted that had to be.
    Flushed,
}

/// What the operator should know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Warning {
    /// A foreign route was overwritten by a replacement that was under way when it came; it is put back.
    Restored {
        /// Its protocol number.
        protocol: u8,
    },
    /// Somebody changes our route again and again; repairs wait for the next scan.
    Damped {
        /// The protocol number of the last change; 0 for a deletion.
        protocol: u8,
    },
    /// The kernel reads back other attributes than were written, again and again.
    Stubborn,
}

/// A foreign route in the place of one of ours.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) body: Arc<RouteBody>,
    /// How often it was put back.
    pub(super) tries: u8,
    /// A replacement of ours was in flight when it came, so either may have overwritten the other.
    pub(super) raced: bool,
}

/// A route of ours stands at our key.
pub(super) const PRESENT: u8 = 1;
/// An operation is in flight.
pub(super) const FLYING: u8 = 1 << 1;
/// The net is in the queue.
pub(super) const QUEUED: u8 = 1 << 2;
/// The last attempt failed (`!`).
pub(super) const REFUSED: u8 = 1 << 3;
/// Whether a route of ours stands there is not certain.
pub(super) const DOUBT: u8 = 1 << 4;
/// A foreign route stands at our key.
pub(super) const BLOCKED: u8 = 1 << 5;
/// The kernel has another body than is wanted.
pub(super) const STALE: u8 = 1 << 6;
/// Nothing is tried until a scan or a change.
pub(super) const WAIT: u8 = 1 << 7;

/// Withdrawn nets whose number may change while their deletion is still queued; beyond so many it does not matter.
const LEAVING_MAX: usize = 1 << 14;

/// Repairs of one net after notices, until the next scan.
pub(super) const REPAIRS_MAX: u8 = 5;

/// The reconciler of one kernel table.
#[derive(Debug)]
pub struct KernelSync {
    pub(super) setup: Setup,
    pub(super) nets: Nets,
    pub(super) wanted: Vec<Option<Arc<RouteBody>>>,
    pub(super) flags: Vec<u8>,
    /// Effective metrics; empty when the protocol has one for all.
    metrics: Vec<u32>,
    pub(super) wanted_count: usize,
    queue: VecDeque<u32>,
    /// Routes of ours to be deleted that belong to no number any more. Sent before anything else, so that an addition
    /// of the same route, decided later, comes later.
    pub(super) orphans: VecDeque<(Dst, u32)>,
    /// Foreign routes to be put back.
    pub(super) restores: VecDeque<(Dst, u32, Arc<RouteBody>)>,
    /// Replacements that wait for a scan because notices were lost.
    pub(super) held: Vec<u32>,
    repairs: Vec<u32>,
    flights: Flights,
    /// Metrics at which a net still stands, to be deleted once it stands at the new one.
    moved: HashMap<u32, SmallVec<[u32; 2]>, FxBuildHasher>,
    leaving: HashMap<Dst, u32, FxBuildHasher>,
    /// Foreign routes that took the place of ours, until a scan confirms them.
    pub(super) taken: HashMap<(Dst, u32), Taken, FxBuildHasher>,
    pub(super) damping: HashMap<u32, u8, FxBuildHasher>,
    pub(super) stubborn: HashMap<u32, u8, FxBuildHasher>,
    pub(super) aliens: Aliens,
    pub(super) drift: DriftLog,
    pub(super) scan: Option<Scan>,
    pub(super) scans: u32,
    pub(super) fed: bool,
    pub(super) hold: bool,
    pub(super) synced: bool,
    /// Notices were lost since the last scan.
    pub(super) unsure: bool,
    /// Where the flush is, in steps; `None` while not flushing.
    flush: Option<usize>,
    flushed: bool,
    /// Whether [`Action::Trace`] is wanted.
    pub traces: bool,
}

impl KernelSync {
    /// Knows nothing, wants nothing. With `hold` nothing is written before [`release`](Self::release).
    pub fn new(setup: Setup, hold: bool) -> KernelSync {
        KernelSync {
            nets: Nets::new(setup.family),
            setup,
            wanted: Vec::new(),
            flags: Vec::new(),
            metrics: Vec::new(),
            wanted_count: 0,
            queue: VecDeque::new(),
            orphans: VecDeque::new(),
            restores: VecDeque::new(),
            held: Vec::new(),
            repairs: Vec::new(),
            flights: Flights::default(),
            moved: HashMap::default(),
            leaving: HashMap::default(),
            taken: HashMap::default(),
            damping: HashMap::default(),
            stubborn: HashMap::default(),
            aliens: Aliens::default(),
            drift: DriftLog::default(),
            scan: None,
            scans: 0,
            fed: false,
            hold,
            synced: false,
            unsure: false,
            flush: None,
            flushed: false,
            traces: false,
        }
    }

    /// What it was made with.
    pub fn setup(&self) -> Setup {
        self.setup
    }

    /// Whether any route is wanted.
    pub fn wants_any(&self) -> bool {
        self.wanted_count > 0
    }

    /// Whether a flush is under way.
    pub fn flushing(&self) -> bool {
        self.flush.is_some_and(|step| step < self.flags.len())
    }

    /// The end of a feed: what is wanted is complete, so the kernel may be compared with it.
    pub fn feed_done(&mut self, out: &mut Vec<Action>) {
        self.fed = true;
        out.push(Action::Scan(0));
    }

    /// A graceful restart is over.
    pub fn release(&mut self, out: &mut Vec<Action>) {
        if std::mem::take(&mut self.hold) && self.fed {
            out.push(Action::Scan(0));
        }
    }

    /// The metric a route of this family really gets.
    pub(super) fn effective(&self, metric: u32) -> u32 {
        match (metric, self.setup.family) {
            (0, Family::V6) => 1024,
            _ => metric,
        }
    }

    /// The metric of a net's route.
    pub(super) fn metric_of(&self, id: u32) -> u32 {
        match self.setup.metric {
            0 => self.metrics.get(id as usize).copied().unwrap_or(0),
            metric => metric,
        }
    }

    /// The number of an exported net, if `id` still stands for it.
    pub(super) fn entry(&self, id: Option<u32>, dst: &Dst) -> Option<u32> {
        id.filter(|id| self.nets.is(*id, dst) && self.wanted[*id as usize].is_some())
    }

    /// The same for a net that is exported or still has something in the kernel, also if the table forgot it.
    pub(super) fn tracked(&self, id: Option<u32>, dst: &Dst) -> Option<u32> {
        let here = |id: &u32| {
            self.nets.is(*id, dst)
                && (self.wanted[*id as usize].is_some() || self.has(*id, PRESENT | DOUBT | FLYING))
        };
        id.filter(here).or_else(|| self.leaving.get(dst).copied().filter(here))
    }

    pub(super) fn has(&self, id: u32, flags: u8) -> bool {
        self.flags[id as usize] & flags != 0
    }

    pub(super) fn put(&mut self, id: u32, flags: u8) {
        self.flags[id as usize] |= flags;
    }

    pub(super) fn drop_flags(&mut self, id: u32, flags: u8) {
        self.flags[id as usize] &= !flags;
    }

    pub(super) fn set_flags(&mut self, id: u32, flags: u8, on: bool) {
        if on { self.put(id, flags) } else { self.drop_flags(id, flags) }
    }

    /// A net's route is wanted so, or not any more.
    pub fn export(&mut self, id: u32, dst: &Dst, new: Option<(Arc<RouteBody>, u32)>, out: &mut Vec<Action>) {
        let at = id as usize;
        if at >= self.flags.len() {
            let end = (at + 1).next_multiple_of(256);
            self.nets.grow(end);
            self.flags.resize(end, 0);
            self.wanted.resize(end, None);
            if self.setup.metric == 0 {
                self.metrics.resize(end, 0);
            }
        }
        if !self.nets.is(id, dst) {
            self.evict(id);
            self.nets.set(id, dst);
        }
        match new {
            None => self.withdraw(id, dst, out),
            Some((body, metric)) => self.want(id, dst, body, self.effective(metric)),
        }
    }

    fn withdraw(&mut self, id: u32, dst: &Dst, out: &mut Vec<Action>) {
        if self.wanted[id as usize].take().is_none() {
            return;
        }
        self.wanted_count -= 1;
        self.unrefuse(id, out);
        self.drop_flags(id, WAIT | STALE);
        if self.has(id, PRESENT | DOUBT | FLYING) && self.leaving.len() < LEAVING_MAX {
            self.leaving.insert(*dst, id);
        }
        self.enqueue(id);
    }

    fn want(&mut self, id: u32, dst: &Dst, body: Arc<RouteBody>, metric: u32) {
        let at = id as usize;
        if self.wanted[at].is_none() {
            self.wanted_count += 1;
            if let Some(old) = self.leaving.remove(dst).filter(|old| *old != id) {
                self.inherit(old, id, dst);
            }
        }
        if self.setup.metric == 0 {
            self.change_metric(id, metric);
        }
        let same = self.wanted[at].as_ref().is_some_and(|known| Arc::ptr_eq(known, &body));
        if !same {
            self.wanted[at] = Some(body);
            if self.has(id, PRESENT | DOUBT | FLYING) {
                self.put(id, STALE);
            }
        }
        // Also an unchanged route: a reload tries again what was refused.
        self.drop_flags(id, WAIT);
        if same && self.has(id, REFUSED) && self.has(id, PRESENT) {
            self.put(id, STALE);
        }
        if !same || self.flags[id as usize] & (PRESENT | DOUBT | STALE) != PRESENT {
            self.enqueue(id);
        }
    }

    /// With `metric 0`: the key of the route changes. The old one goes when the new one stands.
    fn change_metric(&mut self, id: u32, metric: u32) {
        let old = std::mem::replace(&mut self.metrics[id as usize], metric);
        if old == metric {
            return;
        }
        let flying = || self.has(id, FLYING) && self.flights.metric_of(id) == Some(old);
        if self.has(id, PRESENT | DOUBT) || flying() {
            self.moved.entry(id).or_default().push(old);
        }
        self.drop_flags(id, PRESENT | DOUBT | STALE | BLOCKED);
        if let Some(list) = self.moved.get_mut(&id)
            && let Some(at) = list.iter().position(|m| *m == metric)
        {
            // The old key is wanted again before it was deleted.
            list.remove(at);
            self.put(id, DOUBT);
        }
    }

    /// The net that was number `old` is back as number `id` before its deletion was done: it takes everything over.
    fn inherit(&mut self, old: u32, id: u32, dst: &Dst) {
        if !self.nets.is(old, dst)
            || self.wanted[old as usize].is_some()
            || self.has(id, PRESENT | DOUBT | FLYING)
        {
            return;
        }
        let flags = self.flags[old as usize];
        self.flags[old as usize] = flags & QUEUED;
        self.put(id, flags & (PRESENT | DOUBT | BLOCKED | FLYING) | STALE);
        if flags & FLYING != 0 {
            self.flights.renumber(old, id);
        }
        if self.setup.metric == 0 {
            self.metrics[id as usize] = self.metrics[old as usize];
            if let Some(list) = self.moved.remove(&old) {
                self.moved.insert(id, list);
            }
        }
    }

    /// The number goes to another net; what the old one has left in the kernel becomes an orphan.
    fn evict(&mut self, id: u32) {
        let Some(dst) = self.nets.get(id) else { return };
        if self.wanted[id as usize].take().is_some() {
            self.wanted_count -= 1;
        }
        if self.has(id, FLYING) {
            self.flights.detach(id, dst);
        }
        if self.has(id, PRESENT | DOUBT | FLYING) {
            self.orphan(dst, self.metric_of(id));
        }
        for metric in self.moved.remove(&id).into_iter().flatten() {
            self.orphan(dst, metric);
        }
        self.flags[id as usize] &= QUEUED;
        self.damping.remove(&id);
        self.stubborn.remove(&id);
        if self.leaving.get(&dst) == Some(&id) {
            self.leaving.remove(&dst);
        }
    }

    /// Deletes a route of ours that has no number.
    pub(super) fn orphan(&mut self, dst: Dst, metric: u32) {
        if let Some(scan) = &mut self.scan {
            scan.touch(dst);
        }
        self.orphans.push_back((dst, metric));
    }

    pub(super) fn refuse(&mut self, id: u32, out: &mut Vec<Action>) {
        if !self.has(id, REFUSED) {
            self.put(id, REFUSED);
            out.push(Action::Refused(id, true));
        }
    }

    pub(super) fn unrefuse(&mut self, id: u32, out: &mut Vec<Action>) {
        if self.has(id, REFUSED) {
            self.drop_flags(id, REFUSED);
            out.push(Action::Refused(id, false));
        }
    }

    /// Looks at the net when there is room.
    pub(super) fn enqueue(&mut self, id: u32) {
        if self.synced && !self.has(id, QUEUED | FLYING) {
            self.put(id, QUEUED);
            self.queue.push_back(id);
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

    /// Sends the repairs that were noticed. Those whose next hops cannot be `usable` wait for the next scan or change.
    pub fn repair(&mut self, usable: impl Fn(&RouteBody) -> bool) {
        for id in std::mem::take(&mut self.repairs) {
            if self.wanted[id as usize].as_ref().is_some_and(|body| !usable(body)) {
                self.put(id, WAIT);
            }
            self.enqueue(id);
        }
    }

    /// Operations to send, at most `room`.
    pub fn pump(&mut self, room: usize, ops: &mut Vec<RouteOp>) {
        if !self.synced {
            return;
        }
        while ops.len() < room {
            if let Some((dst, metric)) = self.orphans.pop_front() {
                let ticket = self.flights.add(Flight::Orphan(dst, metric));
                ops.push(self.op(ticket, &dst, metric, RouteVerb::Delete));
            } else if let Some((dst, metric, body)) = self.restores.pop_front() {
                let ticket = self.flights.add(Flight::Restore(dst, metric));
                ops.push(self.op(ticket, &dst, metric, RouteVerb::Replace(body)));
            } else if let Some(id) = self.queue.pop_front() {
                self.drop_flags(id, QUEUED);
                self.act(id, ops);
            } else if !self.flush_some(room, ops) {
                break;
            }
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
        let Some(dst) = self.nets.get(id) else { return };
        let metric = self.metric_of(id);
        let wanted = if self.flush.is_some() { None } else { self.wanted[id as usize].clone() };
        let Some(body) = wanted else {
            self.forget_moved(id, &dst);
            if flags & (PRESENT | DOUBT) != 0 {
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
        self.setup.replace_any
            || self.setup.family == Family::V4
            || body.kind == RouteKind::Unicast
                && body.hops.first().is_some_and(|hop| hop.next.gateway.is_some())
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
            && (self.flush.is_none() || self.flushed))
    }

    /// How many operations wait for room.
    pub fn waiting(&self) -> usize {
        if self.synced { self.orphans.len() + self.restores.len() + self.queue.len() } else { 0 }
    }

    /// Operations sent and not answered yet.
    pub fn flying(&self) -> usize {
        self.flights.len()
    }

    /// Answers of the kernel.
    pub fn answers(&mut self, answers: Vec<Answer>, out: &mut Vec<Action>) {
        for answer in answers {
            if let Some(flight) = self.flights.take(answer.ticket) {
                self.answer(flight, answer.result, out);
            }
        }
        self.check_flushed(out);
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
                        self.put(id, STALE);
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
        self.queue.clear();
        self.held.clear();
        self.repairs.clear();
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
            Some(body) if wanted.is_some_and(|w| Arc::ptr_eq(w, body)) => return,
            Some(_) => DriftKind::Changed,
            None => DriftKind::Deleted,
        };
        self.taken.remove(&(*dst, self.metric_of(id)));
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

/// Delay of a scan that is to settle a doubt, in microseconds.
pub(super) const SOON: u64 = 50_000;

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
