//! A kernel in memory, for tests: it keeps what is written, and refuses, lags, reorders, breaks off and
//! forgets on demand.
//!
//! It follows the real one where the reconciler can tell the difference: what makes two routes the same, which errors
//! they give, priority 0 (IPv4) and 1024 (IPv6) when none is sent, deletions that match only routes of the same
//! protocol, no notices of the caller's own changes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::kernel::{
    Address, Answer, Family, Kernel, KernelError, KernelEvent, KernelRoute, Link, NoticeClass, PROTOCOL_BIRD,
    Question, RouteBody, RouteKey, RouteOp, RouteVerb, Ticket,
};
use super::nexthops::{Nexthops, Object, Via};

/// The fake. Its state is open: tests read and change it directly, or through the methods named `outside_*`, which also
/// give notice as the real kernel would.
pub struct FakeKernel {
    /// What stands in the tables.
    pub routes: BTreeMap<RouteKey, Arc<RouteBody>>,
    /// The interfaces, by index.
    pub links: BTreeMap<u32, Link>,
    /// The addresses.
    pub addresses: Vec<Address>,
    /// Everything that was submitted, in order.
    pub log: Vec<RouteOp>,
    /// Errors for the next operations, whatever they are: `None` lets one pass.
    pub faults: VecDeque<Option<i32>>,
    /// Operations that may be open at once.
    pub capacity: usize,
    /// How many steps an answer waits; a step is one call of [`FakeKernel::poll`].
    pub lag: usize,
    /// Hand out the answers that are due in reverse order.
    pub reverse: bool,
    /// Notices are lost: instead of the first one an overrun is reported.
    pub drop_notices: bool,
    /// So many of the next dumps of routes break off half way.
    pub broken_dumps: usize,
    /// Routes in one part of a dump.
    pub chunk: usize,
    /// The nexthop objects.
    pub objects: BTreeMap<u32, Object>,
    /// Errors for the next objects: `None` lets one pass.
    pub object_faults: VecDeque<Option<i32>>,
    /// What the daemon knows about the objects; it supports none until [`FakeKernel::with_objects`].
    pub nexthops: Arc<Nexthops>,
    /// Something has happened that may have touched objects.
    pub(super) stale: bool,
    step: usize,
    open: usize,
    late: VecDeque<(usize, KernelEvent)>,
    notices: VecDeque<KernelEvent>,
    overrun: Option<NoticeClass>,
}

impl Default for FakeKernel {
    fn default() -> FakeKernel {
        FakeKernel {
            routes: BTreeMap::new(),
            links: BTreeMap::new(),
            addresses: Vec::new(),
            log: Vec::new(),
            faults: VecDeque::new(),
            capacity: 1 << 16,
            lag: 0,
            reverse: false,
            drop_notices: false,
            broken_dumps: 0,
            chunk: 1024,
            objects: BTreeMap::new(),
            object_faults: VecDeque::new(),
            nexthops: Arc::default(),
            stale: false,
            step: 0,
            open: 0,
            late: VecDeque::new(),
            notices: VecDeque::new(),
            overrun: None,
        }
    }
}

impl Kernel for FakeKernel {
    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.open)
    }

    fn submit(&mut self, ops: &mut Vec<RouteOp>) {
        let count = ops.len().min(self.room());
        self.open += count;
        for op in ops.drain(..count) {
            let result = match self.faults.pop_front().flatten() {
                Some(errno) => Err(KernelError::new(errno)),
                None => self.carry_out(&op),
            };
            let answer = Answer { ticket: op.ticket, result };
            self.log.push(op);
            self.answer(KernelEvent::Done(vec![answer]));
        }
    }

    fn ask(&mut self, ticket: Ticket, question: Question) {
        match question {
            Question::Links => {
                self.answer(KernelEvent::Links(ticket, Ok(self.links.values().cloned().collect())))
            }
            Question::Addresses => self.answer(KernelEvent::Addresses(ticket, Ok(self.addresses.clone()))),
            Question::ReceiveBuffer(_) => self.answer(KernelEvent::Finished(ticket, Ok(()))),
            Question::CollectNexthops => {
                let nexthops = Arc::clone(&self.nexthops);
                nexthops.collect(self);
                self.answer(KernelEvent::Finished(ticket, Ok(())));
            }
            Question::Routes { family, table } => {
                self.stale = true;
                self.resync();
                let wanted = |key: &RouteKey| key.table == table && Family::of(&key.dst) == family;
                let mut routes: Vec<KernelRoute> = self
                    .routes
                    .iter()
                    .filter(|(key, _)| wanted(key))
                    .map(|(key, body)| KernelRoute { key: *key, body: self.shown(body) })
                    .collect();
                let broken = self.broken_dumps > 0;
                self.broken_dumps = self.broken_dumps.saturating_sub(1);
                if broken {
                    routes.truncate(routes.len() / 2);
                }
                for part in routes.chunks(self.chunk) {
                    self.answer(KernelEvent::Routes(ticket, part.to_vec()));
                }
                let end = if broken { Err(KernelError::new(libc::EINTR)) } else { Ok(()) };
                self.answer(KernelEvent::Finished(ticket, end));
            }
        }
    }

    fn replace_nexthop(&mut self, ticket: Ticket, from: Via, to: Via) {
        let nexthops = Arc::clone(&self.nexthops);
        let result = nexthops.replace(&from, &to, self);
        self.answer(KernelEvent::Finished(ticket, result));
    }

    fn nexthops(&self) -> &Arc<Nexthops> {
        &self.nexthops
    }

    fn poll(&mut self, out: &mut Vec<KernelEvent>) {
        self.step += 1;
        self.resync();
        out.extend(self.overrun.take().map(KernelEvent::Overrun));
        out.extend(self.notices.drain(..));
        let due = self.late.iter().take_while(|(step, _)| *step < self.step).count();
        let mut due: Vec<KernelEvent> = self.late.drain(..due).map(|(_, event)| event).collect();
        if self.reverse {
            reverse_answers(&mut due);
        }
        self.open -= due.iter().filter(|event| matches!(event, KernelEvent::Done(_))).count();
        out.append(&mut due);
    }
}

/// Answers to operations between two questions may come in any order; the parts of a dump may not.
fn reverse_answers(events: &mut [KernelEvent]) {
    events
        .chunk_by_mut(|a, b| matches!((a, b), (KernelEvent::Done(_), KernelEvent::Done(_))))
        .for_each(<[KernelEvent]>::reverse);
}

impl FakeKernel {
    /// The connection breaks and is made anew: what was not answered yet fails, whatever became of it,
    /// notices are lost, and dumps break off.
    pub fn lose(&mut self) {
        for (_, event) in &mut self.late {
            let gone = || KernelError::new(libc::EPIPE);
            match event {
                KernelEvent::Done(answers) => answers.iter_mut().for_each(|a| a.result = Err(gone())),
                KernelEvent::Finished(_, result) => *result = Err(gone()),
                KernelEvent::Links(_, result) => *result = Err(gone()),
                KernelEvent::Addresses(_, result) => *result = Err(gone()),
                _ => {}
            }
        }
        self.late.retain(|(_, event)| !matches!(event, KernelEvent::Routes(..)));
        self.notices.clear();
        self.overrun = Some(NoticeClass::Routes);
    }

    /// Whether everything that was asked has been answered.
    pub fn idle(&self) -> bool {
        self.late.is_empty() && self.notices.is_empty() && self.overrun.is_none()
    }

    /// Somebody else adds or replaces a route.
    pub fn outside_add(&mut self, key: RouteKey, body: RouteBody) {
        let body = Arc::new(body);
        let key = stored(key);
        self.routes.insert(key, Arc::clone(&body));
        self.notice(NoticeClass::Routes, KernelEvent::Route(KernelRoute { key, body }));
    }

    /// Somebody else deletes a route.
    pub fn outside_delete(&mut self, key: &RouteKey) {
        let key = stored(*key);
        if let Some(body) = self.routes.remove(&key) {
            self.notice(NoticeClass::Routes, KernelEvent::RouteGone(KernelRoute { key, body }));
        }
    }

    /// An interface appears or changes. IPv4 routes over one that goes down vanish without a notice.
    pub fn outside_link(&mut self, link: Link) {
        if !link.flags.up() {
            self.drop_objects_over(link.index);
            let over = |body: &RouteBody| body.hops.iter().any(|hop| hop.next.ifindex == link.index);
            self.routes.retain(|key, body| Family::of(&key.dst) == Family::V6 || !over(body));
        }
        self.links.insert(link.index, link.clone());
        self.notice(NoticeClass::Interfaces, KernelEvent::Link(link));
    }

    /// An interface vanishes, with its addresses and routes.
    pub fn outside_unlink(&mut self, index: u32) {
        self.drop_objects_over(index);
        self.routes.retain(|_, body| body.hops.iter().all(|hop| hop.next.ifindex != index));
        for address in self.addresses.extract_if(.., |address| address.ifindex == index).collect::<Vec<_>>() {
            self.notice(NoticeClass::Interfaces, KernelEvent::AddressGone(address));
        }
        if self.links.remove(&index).is_some() {
            self.notice(NoticeClass::Interfaces, KernelEvent::LinkGone(index));
        }
    }

    /// An interface gets an address.
    pub fn outside_address(&mut self, address: Address) {
        self.addresses.retain(|known| (known.ifindex, known.local) != (address.ifindex, address.local));
        self.addresses.push(address.clone());
        self.notice(NoticeClass::Interfaces, KernelEvent::Address(address));
    }

    pub(super) fn notice(&mut self, class: NoticeClass, event: KernelEvent) {
        if self.drop_notices {
            self.overrun = Some(class);
        } else {
            self.notices.push_back(event);
        }
    }

    pub(super) fn answer(&mut self, event: KernelEvent) {
        // An answer never overtakes the one before it, also when the lag was shortened meanwhile.
        let due = self.late.back().map_or(0, |(step, _)| *step).max(self.step + self.lag);
        self.late.push_back((due, event));
    }

    fn carry_out(&mut self, op: &RouteOp) -> Result<(), KernelError> {
        let key = stored(op.key);
        match &op.verb {
            RouteVerb::Add(_) if self.routes.contains_key(&key) => Err(KernelError::new(libc::EEXIST)),
            RouteVerb::Add(body) | RouteVerb::Replace(body) => {
                let body = self.written(body)?;
                self.routes.insert(key, body);
                Ok(())
            }
            RouteVerb::Delete => {
                let matches = |(have, body): (&RouteKey, &Arc<RouteBody>)| {
                    let any = Family::of(&have.dst) == Family::Mpls;
                    let same = RouteKey { metric: op.key.metric, ..*have } == op.key
                        && (op.key.metric == 0 || have.metric == op.key.metric);
                    (same && (any || body.protocol == PROTOCOL_BIRD)).then_some(*have)
                };
                // Keys of one destination are sorted by metric: without one the lowest goes.
                match self.routes.iter().find_map(matches) {
                    Some(found) => drop(self.routes.remove(&found)),
                    None if Family::of(&key.dst) == Family::Mpls => {}
                    None => return Err(KernelError::new(libc::ESRCH)),
                }
                Ok(())
            }
        }
    }
}

/// The key under which the kernel stores a route.
fn stored(key: RouteKey) -> RouteKey {
    match (key.metric, Family::of(&key.dst)) {
        (0, Family::V6) => RouteKey { metric: 1024, ..key },
        (_, Family::Mpls) => RouteKey { metric: 0, ..key },
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::sys::kernel::RouteKind;

    fn op(ticket: Ticket, dst: &str, metric: u32, verb: RouteVerb) -> RouteOp {
        RouteOp { ticket, key: RouteKey { table: 254, dst: dst.parse().unwrap(), src: None, metric }, verb }
    }

    fn body(protocol: u8) -> RouteBody {
        RouteBody { protocol, ..RouteBody::new(RouteKind::Blackhole, []) }
    }

    fn answers(kernel: &mut FakeKernel) -> Vec<(Ticket, i32)> {
        let mut out = Vec::new();
        kernel.poll(&mut out);
        out.into_iter()
            .filter_map(|event| match event {
                KernelEvent::Done(answers) => Some(answers),
                _ => None,
            })
            .flatten()
            .map(|a| (a.ticket, a.result.map_or_else(|error| error.errno, |()| 0)))
            .collect()
    }

    #[test]
    fn it_behaves_like_the_real_one() {
        let mut kernel = FakeKernel::default();
        let ours = || RouteVerb::Add(Arc::new(body(PROTOCOL_BIRD)));
        kernel.outside_add(op(0, "10.0.1.0/24", 0, RouteVerb::Delete).key, body(4));
        kernel.submit(&mut vec![
            op(1, "10.0.0.0/24", 32, ours()),
            op(2, "10.0.0.0/24", 32, ours()),
            op(3, "10.0.0.0/24", 33, ours()),
            op(4, "10.0.0.0/24", 0, RouteVerb::Delete),
            op(5, "10.0.0.0/24", 32, RouteVerb::Delete),
            op(6, "10.0.1.0/24", 0, RouteVerb::Delete),
            op(7, "2001:db8::/32", 0, ours()),
        ]);
        let (exist, missing) = (libc::EEXIST, libc::ESRCH);
        assert_eq!(
            answers(&mut kernel),
            [(1, 0), (2, exist), (3, 0), (4, 0), (5, missing), (6, missing), (7, 0)]
        );
        let metrics: Vec<u32> = kernel.routes.keys().map(|key| key.metric).collect();
        assert_eq!(metrics, [33, 0, 1024]);
    }

    #[test]
    fn it_refuses_lags_and_reorders() {
        let mut kernel = FakeKernel { lag: 2, reverse: true, capacity: 2, ..FakeKernel::default() };
        kernel.faults = [None, Some(libc::ENOMEM)].into();
        let mut ops: Vec<RouteOp> =
            (1..=3).map(|t| op(t, "10.0.0.0/24", t as u32, RouteVerb::Delete)).collect();
        kernel.submit(&mut ops);
        assert_eq!((ops.len(), kernel.room()), (1, 0));
        assert!(answers(&mut kernel).is_empty() && answers(&mut kernel).is_empty());
        assert_eq!(answers(&mut kernel), [(2, libc::ENOMEM), (1, libc::ESRCH)]);
        assert_eq!(kernel.room(), 2);
    }
}
