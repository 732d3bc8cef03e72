//! Scans and notices: what the kernel says stands in its table.
//!
//! A scan is a real dump, begun after all earlier operations were answered. What happens while it runs (operations of
//! ours, notices) is newer than the dump or may be; such nets are `touched` and the dump is not believed about them.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;

use crate::sys::kernel::{Hop, RouteBody};
use crate::table::Bits;

use super::bodies::Read;
use super::config::Learn;
use super::convert::{Class, learnable};
use super::drift::{DriftKind, KernelStatus};
use super::nets::Dst;
use super::sync::{
    Action, BLOCKED, DOUBT, FLYING, KernelSync, PRESENT, Pruned, REFUSED, SOON, STALE, Taken, WAIT, Warning,
};

/// A scan under way.
#[derive(Default, Debug)]
pub(super) struct Scan {
    /// Everything wanted is known, so what is not wanted may go and what is missing may come.
    authoritative: bool,
    /// Notices were lost since it began, so it may have missed what they told.
    pub(super) outrun: bool,
    /// Learned routes are given to the table again even if they did not change.
    relearn: bool,
    /// Nets whose route of ours was there.
    seen: Bits,
    /// Nets at whose key a foreign route was there.
    blocked: Bits,
    /// Nets we have written since the scan began.
    pub(super) touched_ids: Bits,
    /// Nets somebody else has written since, or that we delete without a number.
    touched: HashSet<Dst, FxBuildHasher>,
    /// Of the keys where a foreign route took our place: whether a foreign one and one of ours stand there.
    taken: HashMap<(Dst, u32), (bool, bool), FxBuildHasher>,
    /// Routes of ours that nobody wants.
    doomed: Vec<(Dst, u32)>,
}

impl Scan {
    pub(super) fn touch(&mut self, dst: Dst) {
        self.touched.insert(dst);
    }

    fn was_touched(&self, dst: &Dst) -> bool {
        !self.touched.is_empty() && self.touched.contains(dst)
    }
}

/// Whether both have the same next hops, several. An IPv6 route that somebody appends to ours becomes a next
/// hop of it: the notice shows the whole under their protocol number, the table holds it under ours. That is
/// a change of our route.
fn same_hops(theirs: &RouteBody, ours: &RouteBody) -> bool {
    let has = |hops: &[Hop], hop: &Hop| {
        hops.iter().any(|h| h.next.gateway == hop.next.gateway && h.next.ifindex == hop.next.ifindex)
    };
    ours.hops.len() > 1
        && theirs.hops.len() == ours.hops.len()
        && theirs.hops.iter().all(|hop| has(&ours.hops, hop))
}

/// Attempts to put a foreign route back that was overwritten.
const RESTORES_MAX: u8 = 3;

/// Scans after which a route that reads back differently is written again: 1, 2, 4 ... of them.
const STUBBORN_MAX: u8 = 6;

impl KernelSync {
    /// Whether a scan is under way.
    pub fn scanning(&self) -> bool {
        self.scan.is_some()
    }

    /// Whether a scan may begin: deletions that wait for room must be sent before.
    pub fn may_scan(&self) -> bool {
        self.scan.is_none() && (!self.synced || self.orphans.is_empty())
    }

    /// The dump is being asked for.
    pub fn scan_begin(&mut self, relearn: bool) {
        self.aliens.begin();
        self.listing.begin();
        self.scans = self.scans.wrapping_add(1);
        self.scan = Some(Scan { authoritative: self.fed && !self.hold, relearn, ..Scan::default() });
    }

    /// The number of a net, guessed from the order of the last dump: looking up a million nets in the table costs more
    /// than everything else about a scan.
    pub fn guess(&self, dst: &Dst) -> Option<u32> {
        self.scan.as_ref()?;
        self.listing.next().find(|id| self.entry(Some(*id), dst).is_some())
    }

    /// One route of the dump. `id` is the number of its net in the table, if it has one.
    #[allow(clippy::too_many_arguments, reason = "the parts of one scanned route, all of them needed")]
    pub fn scanned(
        &mut self,
        dst: &Dst,
        metric: u32,
        body: &Arc<RouteBody>,
        read: &Read,
        id: Option<u32>,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        let Some(scan) = self.scan.as_ref() else { return };
        if read.class == Class::Ignored || scan.was_touched(dst) {
            return;
        }
        if !self.taken.is_empty()
            && self.taken.contains_key(&(*dst, metric))
            && let Some(scan) = &mut self.scan
        {
            let found = scan.taken.entry((*dst, metric)).or_default();
            found.0 |= read.class != Class::Ours;
            found.1 |= read.class == Class::Ours;
        }
        match (&read.class, &read.normal) {
            (Class::Ours, Some(normal)) => self.scanned_ours(dst, metric, normal, id, now, out),
            _ => self.scanned_foreign(dst, metric, body, read.class, id, out),
        }
    }

    /// Whether a route of ours at this metric is ours to judge: with one metric for all, those at others belong to
    /// another daemon.
    fn judges(&self, metric: u32) -> bool {
        self.setup.metric == 0 || self.setup.metric == metric
    }

    fn scanned_ours(
        &mut self,
        dst: &Dst,
        metric: u32,
        body: &Arc<RouteBody>,
        id: Option<u32>,
        now: u64,
        out: &mut Vec<Action>,
    ) {
        let traces = self.traces;
        let trace = |out: &mut Vec<Action>, word| {
            if traces {
                out.push(Action::Trace(*dst, word));
            }
        };
        if !self.judges(metric) {
            trace(out, "ignored");
            return;
        }
        let id = self.entry(id, dst).filter(|id| self.metric_of(*id) == metric);
        let Some(scan) = self.scan.as_mut() else { return };
        if !scan.authoritative {
            trace(out, "ignored");
            return;
        }
        let Some(id) = id else {
            scan.doomed.push((*dst, metric));
            trace(out, "deleting");
            return;
        };
        self.listing.push(id);
        if scan.touched_ids.get(id) {
            return;
        }
        if scan.seen.set(id, true) {
            // Two routes with one key: one is too many. Deleting takes either, so look again afterwards.
            self.orphan(*dst, metric);
            self.put(id, DOUBT);
            out.push(Action::Scan(SOON));
            return;
        }
        if self.objects.moves.has(id) {
            // What it stands on is about to change with all that stand there.
            return;
        }
        self.objects.uses.seen(id, body.via.as_ref());
        if !self.taken.is_empty()
            && self.taken.get(&(*dst, metric)).is_some_and(|taken| same_hops(&taken.body, body))
            && !self.agrees(id, body)
        {
            // It did not take our place, it joined us.
            self.taken.remove(&(*dst, metric));
            self.drop_flags(id, BLOCKED);
        }
        // What took our place may stand here, too; that is settled at the end of the scan.
        let contested = !self.taken.is_empty() && self.taken.contains_key(&(*dst, metric));
        let believed = self.flags[id as usize];
        self.drop_flags(id, DOUBT | WAIT);
        self.put(id, PRESENT);
        if self.agrees(id, body) {
            self.drop_flags(id, STALE);
            if !contested {
                self.unrefuse(id, out);
            }
            if !self.stubborn.is_empty() {
                self.stubborn.remove(&id);
            }
            trace(out, "seen");
            return;
        }
        if contested {
            self.put(id, STALE);
            return;
        }
        let Some(wanted) = self.wanted[id as usize].as_ref() else { return };
        let only_attributes = wanted.same_destination(body);
        let expected = believed & PRESENT != 0 && believed & (STALE | DOUBT | FLYING | REFUSED) == 0;
        // Written with its next hops because the object could not be; another try, but nobody's doing.
        let alone = wanted.via.is_some() && body.via.is_none() && wanted.same_but_object(body);
        if only_attributes && expected && self.stubborn_now(id, dst, !alone, out) {
            return;
        }
        if expected && !alone && self.synced {
            self.note_drift(id, dst, DriftKind::Changed, now);
        }
        self.put(id, STALE);
        self.enqueue(id);
        trace(out, "updating");
    }

    /// A route reads back with other attributes than were written. Somebody may have changed it, or the kernel has its
    /// own ways; the second and later writes wait longer and longer. Tells whether to leave it for now.
    fn stubborn_now(&mut self, id: u32, dst: &Dst, tell: bool, out: &mut Vec<Action>) -> bool {
        let scans = self.scans;
        let count = self.stubborn.entry(id).or_insert(0);
        if *count >= 2 && !scans.is_multiple_of(1 << (*count - 1).min(STUBBORN_MAX)) {
            return true;
        }
        *count = (*count + 1).min(STUBBORN_MAX + 1);
        if *count == 3 && tell {
            out.push(Action::Warn(*dst, Warning::Stubborn));
        }
        false
    }

    fn scanned_foreign(
        &mut self,
        dst: &Dst,
        metric: u32,
        body: &Arc<RouteBody>,
        class: Class,
        id: Option<u32>,
        out: &mut Vec<Action>,
    ) {
        // Which of them stand at our keys.
        if self.wanted_count > 0
            && let Some(id) = self.entry(id, dst)
            && self.metric_of(id) == metric
            && let Some(scan) = self.scan.as_mut()
            && !scan.touched_ids.get(id)
        {
            scan.blocked.set(id, true);
        }
        let at = out.len();
        if let Some(word) = self.learn(dst, metric, class, Some(body), true, out)
            && self.traces
        {
            out.insert(at, Action::Trace(*dst, word));
        }
    }

    /// Takes a foreign route in, or (`None`) out. Gives the word for the trace.
    pub(super) fn learn(
        &mut self,
        dst: &Dst,
        metric: u32,
        class: Class,
        body: Option<&Arc<RouteBody>>,
        scanned: bool,
        out: &mut Vec<Action>,
    ) -> Option<&'static str> {
        if self.setup.learn == Learn::Off {
            return (class == Class::Alien).then_some("[alien] ignored");
        }
        let qualifies = match class {
            Class::Alien => true,
            Class::Kernel => self.setup.learn == Learn::All,
            _ => false,
        };
        match body.filter(|_| qualifies && learnable(dst)) {
            Some(body) => {
                let known = self.aliens.of(dst).iter().any(|alien| alien.metric == metric);
                let news = match scanned {
                    true => self.aliens.seen(dst, metric, body),
                    false => self.aliens.put(dst, metric, body),
                };
                if news || self.scan.as_ref().is_some_and(|scan| scan.relearn) {
                    out.push(Action::Learn(*dst));
                }
                Some(match (news, known) {
                    (true, true) => "[alien] updated",
                    (true, false) => "[alien] created",
                    (false, _) => "[alien] seen",
                })
            }
            None => {
                if self.aliens.remove(dst, metric) {
                    out.push(Action::Learn(*dst));
                    return Some("[alien] removed");
                }
                (class == Class::Alien).then_some("[alien] ignored")
            }
        }
    }

    /// The dump is over. If it failed, nothing is concluded from it. `number` looks a net up in the table.
    pub fn scan_end(
        &mut self,
        complete: bool,
        now: u64,
        number: impl Fn(&Dst) -> Option<u32>,
        out: &mut Vec<Action>,
    ) {
        let Some(mut scan) = self.scan.take() else { return };
        self.listing.end(complete);
        if !complete {
            return;
        }
        let gone = self.aliens.sweep(|dst| scan.was_touched(dst));
        if scan.authoritative {
            self.prune_all(&mut scan, now, number, out);
        } else {
            out.push(Action::Pruning(Pruned::Wanted));
        }
        if self.setup.learn != Learn::Off {
            out.push(Action::Pruning(Pruned::Learned));
        }
        out.extend(gone.into_iter().map(Action::Learn));
    }

    /// Concludes what is to be written from a complete scan.
    fn prune_all(
        &mut self,
        scan: &mut Scan,
        now: u64,
        number: impl Fn(&Dst) -> Option<u32>,
        out: &mut Vec<Action>,
    ) {
        self.settle_taken(scan, &number, out);
        self.damping.clear();
        self.objects.losses.clear();
        self.unsure = scan.outrun;
        let first = !std::mem::replace(&mut self.synced, true);
        // What stands at an old metric is doomed; what is not, is gone already.
        self.scanned_moved(&scan.touched_ids);
        for (dst, metric) in &scan.doomed {
            let id = self.entry(number(dst), dst).filter(|id| self.metric_of(*id) == *metric);
            if id.is_none() && !scan.was_touched(dst) {
                self.orphans.push_back((*dst, *metric));
            }
        }
        out.push(Action::Pruning(Pruned::Wanted));
        for id in 0..self.flags.len() as u32 {
            self.prune(id, scan, first, now, out);
        }
        for id in std::mem::take(&mut self.held) {
            self.enqueue(id);
        }
    }

    /// What the scan says about one net that is exported, or was.
    fn prune(&mut self, id: u32, scan: &Scan, first: bool, now: u64, out: &mut Vec<Action>) {
        let at = id as usize;
        if self.wanted[at].is_none() {
            if self.has(id, PRESENT | DOUBT) {
                self.enqueue(id);
            }
            return;
        }
        if self.has(id, FLYING) || scan.touched_ids.get(id) {
            return;
        }
        let blocked = scan.blocked.get(id);
        self.set_flags(id, BLOCKED, blocked);
        if scan.seen.get(id) {
            if !self.has(id, STALE) {
                self.unrefuse(id, out);
            }
            // On the first scan nothing was queued before.
            if first || self.has(id, DOUBT) {
                self.enqueue(id);
            }
            return;
        }
        let Some(dst) = self.nets.get(id) else { return };
        self.drop_flags(id, WAIT);
        if scan.was_touched(&dst) {
            self.put(id, DOUBT);
        } else {
            if self.has(id, PRESENT) && !self.has(id, DOUBT) {
                self.note_drift(id, &dst, DriftKind::Missing, now);
            }
            self.drop_flags(id, PRESENT | DOUBT | STALE);
            self.unpark(id);
            self.objects.uses.gone(id);
            if self.traces {
                out.push(Action::Trace(dst, "installing"));
            }
        }
        self.enqueue(id);
    }

    /// Foreign routes took the place of ours since the last scan. One that is gone without a notice was overwritten by
    /// us, in a race: it is put back.
    fn settle_taken(
        &mut self,
        scan: &mut Scan,
        number: &impl Fn(&Dst) -> Option<u32>,
        out: &mut Vec<Action>,
    ) {
        for ((dst, metric), taken) in std::mem::take(&mut self.taken) {
            let id = self.entry(number(&dst), &dst).filter(|id| self.metric_of(*id) == metric);
            if scan.was_touched(&dst) || id.is_some_and(|id| scan.touched_ids.get(id) || self.has(id, FLYING))
            {
                self.taken.insert((dst, metric), taken);
                out.push(Action::Scan(SOON));
                continue;
            }
            match scan.taken.get(&(dst, metric)).copied().unwrap_or_default() {
                (true, true) => {
                    // Side by side at one key. Ours may need a change.
                    if let Some(id) = id {
                        self.enqueue(id);
                    }
                }
                (true, false) => {}
                (false, ours) if (ours || taken.raced) && taken.tries < RESTORES_MAX => {
                    out.push(Action::Warn(dst, Warning::Restored { protocol: taken.body.protocol }));
                    if let Some(id) = id {
                        self.drop_flags(id, PRESENT);
                        self.put(id, DOUBT | BLOCKED | WAIT);
                        self.refuse(id, out);
                        scan.touched_ids.set(id, true);
                    }
                    self.restores.push_back((dst, metric, Arc::clone(&taken.body)));
                    // Whether it came to stand there, a scan will tell.
                    self.taken.insert((dst, metric), Taken { tries: taken.tries + 1, raced: true, ..taken });
                    out.push(Action::Scan(SOON));
                }
                (false, _) => {}
            }
        }
    }

    /// Whether table, exports and kernel agree, as far as they ever will.
    pub fn settled(&self) -> bool {
        self.synced && !self.unsure && self.scan.is_none() && !self.busy()
    }

    /// A number that is another one after anything was done.
    pub fn mark(&self) -> u64 {
        let parts =
            [self.wanted_count, self.waiting(), self.flying(), self.aliens.len(), self.scans as usize];
        let drift = self.drift.total();
        parts.into_iter().fold(drift, |sum, part| sum.wrapping_mul(0x100_0193).wrapping_add(part as u64))
    }

    /// The figures of the moment; the driver adds the times.
    pub fn status(&self) -> KernelStatus {
        let count = |flag: u8| {
            let both = self.wanted.iter().zip(&self.flags);
            both.filter(|(wanted, flags)| wanted.is_some() && **flags & flag != 0).count()
        };
        KernelStatus {
            table: self.setup.table,
            wanted: self.wanted_count,
            installed: count(PRESENT),
            refused: count(REFUSED),
            learned: self.aliens.len(),
            objects: self.objects_used(),
            drift: self.drift.total(),
            repaired: self.drift.repaired(),
            scans: self.scans,
            last_scan: None,
            scan_took: 0,
            waiting: self.waiting(),
            flying: self.flying(),
            settled: self.settled(),
        }
    }
}
