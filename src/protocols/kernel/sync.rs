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
//! - a deletion names our protocol number, so it never hits a route of somebody else and may be sent at any doubt
//!   (not so of MPLS routes: there only what is certainly ours is deleted);
//! - a route is added exclusively: if anything stands there, the kernel refuses;
//! - a replacement would overwrite anybody, so it is sent only while our route is known to stand there:
//!   confirmed by an answer or a scan, with no notice to the contrary since, and no notices lost. A foreign
//!   route that comes between the decision and its execution is given away by its notice; the scan that
//!   follows tells who won, and if it was us, the foreign route is put back ([`Warning::Restored`]).

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::sys::kernel::{Family, KernelError, RouteBody};

use super::aliens::Aliens;
use super::backlog::Backlog;
use super::config::Learn;
use super::drift::DriftLog;
use super::flights::Flights;
use super::listing::Listing;
use super::nets::{Dst, Nets};
use super::nexthops::Objects;
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
    /// A scan is being concluded: what follows is about these routes.
    Pruning(Pruned),
    /// A decision worth a trace.
    Trace(Dst, &'static str),
    /// Something the operator should know.
    Warn(Dst, Warning),
    /// Everything is deleted that had to be.
    Flushed,
}

/// What is compared with a scan at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pruned {
    /// The routes of the table.
    Wanted,
    /// Those learned.
    Learned,
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

/// Delay of a scan that is to settle a doubt, in microseconds.
pub(super) const SOON: u64 = 50_000;

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
    pub(super) backlog: Backlog,
    /// Routes of ours to be deleted that belong to no number any more. Sent before anything else, so that an addition
    /// of the same route, decided later, comes later.
    pub(super) orphans: VecDeque<(Dst, u32)>,
    /// Foreign routes to be put back.
    pub(super) restores: VecDeque<(Dst, u32, Arc<RouteBody>)>,
    /// Replacements that wait for a scan because notices were lost.
    pub(super) held: Vec<u32>,
    pub(super) repairs: Vec<u32>,
    pub(super) flights: Flights,
    /// Metrics at which a net still stands, to be deleted once it stands at the new one.
    pub(super) moved: HashMap<u32, SmallVec<[u32; 2]>, FxBuildHasher>,
    pub(super) leaving: HashMap<Dst, u32, FxBuildHasher>,
    /// Foreign routes that took the place of ours, until a scan confirms them.
    pub(super) taken: HashMap<(Dst, u32), Taken, FxBuildHasher>,
    pub(super) damping: HashMap<u32, u8, FxBuildHasher>,
    pub(super) stubborn: HashMap<u32, u8, FxBuildHasher>,
    pub(super) aliens: Aliens,
    pub(super) drift: DriftLog,
    pub(super) objects: Objects,
    pub(super) listing: Listing,
    pub(super) scan: Option<Scan>,
    pub(super) scans: u32,
    pub(super) fed: bool,
    pub(super) hold: bool,
    pub(super) synced: bool,
    /// Notices were lost since the last scan.
    pub(super) unsure: bool,
    /// Where the flush is, in steps; `None` while not flushing.
    pub(super) flush: Option<usize>,
    pub(super) flushed: bool,
    /// Whether [`Action::Trace`] is wanted.
    pub traces: bool,
}

impl KernelSync {
    /// Knows nothing, wants nothing. With `hold` nothing is written before [`release`](Self::release).
    pub fn new(setup: Setup, hold: bool) -> KernelSync {
        KernelSync {
            nets: Nets::new(setup.family),
            backlog: Backlog::new(setup.family == Family::V4),
            setup,
            wanted: Vec::new(),
            flags: Vec::new(),
            metrics: Vec::new(),
            wanted_count: 0,
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
            objects: Objects::default(),
            listing: Listing::default(),
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

    /// Whether a deletion is harmless: it names our protocol number, but of MPLS routes the kernel does not
    /// look at that. There only a route is deleted that certainly is ours; in doubt the next scan tells, and
    /// deletes.
    pub(super) fn may_delete(&self, id: u32) -> bool {
        self.setup.family != Family::Mpls || self.flags[id as usize] & (PRESENT | DOUBT | BLOCKED) == PRESENT
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
        let body = self.kept(id, body);
        let same = self.wanted[at].as_ref().is_some_and(|known| Arc::ptr_eq(known, &body));
        let there = !same && self.stands(id, &body);
        let waits = match same || there {
            true => self.objects.moves.has(id),
            false => self.try_move(id, &body),
        };
        if !same {
            self.wanted[at] = Some(body);
            if !there && self.has(id, PRESENT | DOUBT | FLYING) {
                self.put(id, STALE);
            }
        }
        // Also an unchanged route: a reload tries again what was refused.
        self.drop_flags(id, WAIT);
        if same && self.has(id, REFUSED) && self.has(id, PRESENT) {
            self.put(id, STALE);
        }
        if !waits && (!same && !there || self.flags[id as usize] & (PRESENT | DOUBT | STALE) != PRESENT) {
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
        self.unpark(old);
        self.objects.uses.renumber(old, id);
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
        self.unpark(id);
        self.objects.uses.evict(id);
        if self.wanted[id as usize].take().is_some() {
            self.wanted_count -= 1;
        }
        if self.has(id, FLYING) {
            self.flights.detach(id, dst);
        }
        if self.has(id, PRESENT | DOUBT | FLYING) && self.may_delete(id) {
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

    /// Looks at the net when there is room, if there is anything to do about it.
    pub(super) fn enqueue(&mut self, id: u32) {
        let flags = self.flags[id as usize];
        if !self.synced || flags & FLYING != 0 {
            return;
        }
        let wanted = self.wanted[id as usize].as_ref().filter(|_| self.flush.is_none());
        let (due, queued) = match wanted {
            Some(_) => {
                let missing = flags & (PRESENT | DOUBT | STALE) != PRESENT;
                (missing && flags & WAIT == 0, flags & QUEUED != 0)
            }
            // A deletion does not wait among additions.
            None => (flags & (PRESENT | DOUBT | BLOCKED) != 0 || !self.moved.is_empty(), false),
        };
        if due && !queued {
            self.backlog.push(id, wanted);
            self.put(id, QUEUED);
        }
    }
}
