//! Carries out route operations.
//!
//! Why not one message and one answer per route: the kernel does the work inside `send`, and a system call for each
//! route doubles its price. How: a window of operations is taken, put into an order the kernel likes, and sent in
//! buffers of 64 KB with the ACK flag on the last request only. Refused requests are reported one by one with their
//! sequence number, so every operation gets its own answer; what was not refused was done.
//!
//! The order: routes of one next hop set together, because the kernel searches the sets of a device in a list
//! and finds the one it used last first. Within a set additions ascend: what is added one after the other
//! lies side by side in memory, and everybody who walks the kernel's trie is twice as fast. Deletions are
//! scattered, because in ascending order they make the kernel rebuild its trie all the time. Operations on
//! one destination keep their order: consecutive ones travel as one unit (a delete and the add that follows
//! leave no gap), later ones go in a later round.

use std::hash::{BuildHasher, Hash};
use std::io;
use std::sync::Arc;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::encode::{RouteEncoder, want_ack};
use super::socket::{NLMSG_ERROR, Received, Socket};
use crate::base::{IpNet, Ipv6Net};
use crate::sys::kernel::{Answer, KernelError, KernelEvent, RouteOp, Target};

/// Bytes of requests handed over at once; the kernel is busy with them for some milliseconds.
const PACK_BYTES: usize = 64 * 1024;

/// Requests handed over at once, if there is room for a refusal of each.
const PACK_REQUESTS: usize = 1000;

/// So many at least: refusals that are lost are known to be lost.
const PACK_MIN: usize = 100;

/// Receive buffer of the request socket.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The request socket, and the operations that are waiting for it.
pub(super) struct Writer {
    socket: Socket,
    encoder: RouteEncoder,
    window: Vec<RouteOp>,
    arranger: Arranger,
    order: Vec<u32>,
    done: usize,
    sequence: u32,
    buffer: Vec<u8>,
    refused: Vec<Option<KernelError>>,
}

fn open_socket() -> io::Result<Socket> {
    let socket = Socket::open(&[])?;
    socket.acknowledge()?;
    socket.set_receive_buffer(RECEIVE_BUFFER)?;
    Ok(socket)
}

impl Writer {
    pub(super) fn open() -> io::Result<Writer> {
        Ok(Writer {
            socket: open_socket()?,
            encoder: RouteEncoder::default(),
            window: Vec::new(),
            arranger: Arranger::default(),
            order: Vec::new(),
            done: 0,
            sequence: 0,
            buffer: Vec::with_capacity(PACK_BYTES + 4096),
            refused: Vec::new(),
        })
    }

    /// Answers everything that is open: what became of it is not known.
    pub(super) fn abandon(&mut self, out: &mut Vec<KernelEvent>) {
        let open = self.order.get(self.done..).unwrap_or_default();
        let unknown = || Err(KernelError::new(libc::ENOTCONN));
        let answers =
            open.iter().map(|&i| Answer { ticket: self.window[i as usize].ticket, result: unknown() });
        let answers: Vec<Answer> = answers.collect();
        self.window.clear();
        self.order.clear();
        self.done = 0;
        if !answers.is_empty() {
            out.push(KernelEvent::Done(answers));
        }
    }

    /// Begins again with a new socket.
    pub(super) fn reopen(&mut self) -> io::Result<()> {
        self.socket = open_socket()?;
        Ok(())
    }

    /// The sender's port of the echoes of our requests.
    pub(super) fn port(&self) -> u32 {
        self.socket.port()
    }

    /// For requests that are answered before the next ones are sent.
    pub(super) fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Whether operations are waiting.
    pub(super) fn busy(&self) -> bool {
        self.done < self.window.len()
    }

    /// The window to be filled while the writer is not [`busy`](Self::busy); call [`arrange`](Self::arrange) after it.
    pub(super) fn window(&mut self) -> &mut Vec<RouteOp> {
        if !self.busy() {
            self.window.clear();
            self.done = 0;
        }
        &mut self.window
    }

    /// The operations of the window.
    pub(super) fn operations(&self) -> &[RouteOp] {
        &self.window
    }

    /// Fixes the order of the window.
    pub(super) fn arrange(&mut self) {
        self.arranger.arrange(&self.window, &mut self.order);
    }

    /// Carries out the next buffer full of operations and adds their answers.
    pub(super) fn step(&mut self, out: &mut Vec<KernelEvent>) -> io::Result<()> {
        let first = self.sequence.wrapping_add(1);
        let (mut count, mut last_start) = (0, 0);
        let pack = self.socket.capacity().clamp(PACK_MIN, PACK_REQUESTS);
        self.buffer.clear();
        for &index in self.order[self.done..].iter().take(pack) {
            last_start = self.buffer.len();
            self.sequence = self.sequence.wrapping_add(1);
            self.encoder.append(&self.window[index as usize], self.sequence, &mut self.buffer);
            count += 1;
            if self.buffer.len() >= PACK_BYTES {
                break;
            }
        }
        want_ack(&mut self.buffer, last_start);
        self.refused.clear();
        self.refused.resize(count, None);
        match self.socket.send(&self.buffer) {
            Ok(()) => self.collect(first)?,
            Err(error) => self.refused.fill(Some(error.into())),
        }
        let batch = &self.order[self.done..self.done + count];
        let answers = batch.iter().zip(&mut self.refused).map(|(&index, refused)| Answer {
            ticket: self.window[index as usize].ticket,
            result: refused.take().map_or(Ok(()), Err),
        });
        match out.last_mut() {
            Some(KernelEvent::Done(earlier)) => earlier.extend(answers),
            _ => out.push(KernelEvent::Done(answers.collect())),
        }
        self.done += count;
        Ok(())
    }

    /// Reads the refusals of the requests just sent, up to the answer to the last one. All of them are there already,
    /// unless the kernel had no memory for them: then the fate of the silent ones is not known, and they count as
    /// refused, so that somebody looks after them.
    fn collect(&mut self, first: u32) -> io::Result<()> {
        loop {
            match self.socket.receive()? {
                Received::Data => {}
                Received::Foreign => continue,
                Received::Overrun | Received::Nothing => {
                    for silent in self.refused.iter_mut().filter(|refused| refused.is_none()) {
                        *silent = Some(KernelError::new(libc::ENOBUFS));
                    }
                    return Ok(());
                }
            }
            for message in self.socket.messages().filter(|message| message.kind == NLMSG_ERROR) {
                let index = message.sequence.wrapping_sub(first) as usize;
                if let Some(refused) = self.refused.get_mut(index) {
                    *refused = message.outcome().err();
                    if index + 1 == self.refused.len() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// Puts operations into an order; keeps its memory from window to window.
#[derive(Default)]
struct Arranger {
    /// The last round of each destination, by its hash. Two destinations with one hash wait for each other, which harms
    /// nobody.
    rounds: FxHashMap<u32, u32>,
    /// The hash of the next hops of each body, by the body's place in memory.
    groups: FxHashMap<usize, u32>,
    units: Vec<Unit>,
}

/// Operations on one destination that stand side by side.
struct Unit {
    round: u32,
    group: u64,
    place: u32,
    start: u32,
    end: u32,
}

/// What operations must not overtake each other on. Coarser than the kernel's key: a deletion without a metric matches
/// any, and a route that changes its metric should not be gone in between.
fn destination(op: &RouteOp) -> (Target, u32, Option<Ipv6Net>) {
    (op.key.dst, op.key.table, op.key.src)
}

/// A number that grows with the destination; where there is none that is short, none.
fn ascending(op: &RouteOp) -> Option<u32> {
    match op.key.dst {
        Target::Net(IpNet::V4(net)) => Some(net.addr().into()),
        _ => None,
    }
}

fn hash(value: impl Hash) -> u32 {
    // The hasher is made for tables; to be sorted by, its bits need mixing (Fibonacci hashing).
    let hash = FxBuildHasher.hash_one(value);
    ((hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

impl Arranger {
    /// Fills `order` with the positions of `ops` in the order they are to be carried out.
    fn arrange(&mut self, ops: &[RouteOp], order: &mut Vec<u32>) {
        order.clear();
        if ops.len() < 2 {
            order.extend(0..ops.len() as u32);
            return;
        }
        let Arranger { rounds, groups, units } = self;
        rounds.clear();
        groups.clear();
        units.clear();
        let mut start = 0;
        for same in ops.chunk_by(|a, b| destination(a) == destination(b)) {
            let scatter = hash(destination(&same[0]));
            let round = *rounds.entry(scatter).and_modify(|round| *round += 1).or_default();
            // The unit goes with the next hops it ends up with.
            let body = same.last().and_then(|op| op.verb.body());
            let group = body.map_or(0, |body| {
                let address = Arc::as_ptr(body).addr();
                let hops = *groups.entry(address).or_insert_with(|| hash(&body.hops));
                u64::from(hops) << 32 | u64::from(hash(address))
            });
            let end = start + same.len() as u32;
            let place = body.and_then(|_| ascending(&same[0])).unwrap_or(scatter);
            units.push(Unit { round, group, place, start, end });
            start = end;
        }
        units.sort_unstable_by_key(|unit| (unit.round, unit.group, unit.place));
        order.extend(units.iter().flat_map(|unit| unit.start..unit.end));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;
    use crate::base::NextHop;
    use crate::sys::kernel::{RouteBody, RouteKey, RouteKind, RouteVerb};

    proptest! {
        /// Every operation once; those on one destination in the order they came in; next hops together.
        #[test]
        fn an_arrangement_is_a_permutation_that_keeps_order(choices in proptest::collection::vec((0..8u8, 0..3u32, 0..5usize), 0..80)) {
            let hop = |gateway: usize| NextHop::new(Some([192, 0, 2, gateway as u8].into()), 1);
            let bodies: Vec<_> = (0..4).map(|i| Arc::new(RouteBody::new(RouteKind::Unicast, [hop(i)]))).collect();
            let ops: Vec<RouteOp> = choices
                .iter()
                .enumerate()
                .map(|(ticket, &(net, metric, body))| RouteOp {
                    ticket: ticket as u64,
                    key: RouteKey { table: 254, dst: IpNet::new([10, 0, net, 0].into(), 24).unwrap().into(), src: None, metric },
                    verb: bodies.get(body).cloned().map_or(RouteVerb::Delete, RouteVerb::Replace),
                })
                .collect();
            let mut order = Vec::new();
            Arranger::default().arrange(&ops, &mut order);
            let mut sorted = order.clone();
            sorted.sort();
            prop_assert!(sorted.into_iter().eq(0..ops.len() as u32));
            for net in 0..8 {
                let positions = order.iter().filter(|&&i| choices[i as usize].0 == net);
                prop_assert!(positions.is_sorted());
            }
        }
    }

    #[test]
    fn routes_of_one_gateway_stand_together_and_deletions_are_scattered() {
        let hop = |gateway: u8| NextHop::new(Some([192, 0, 2, gateway].into()), 1);
        let key = |i: u32| RouteKey {
            table: 254,
            dst: IpNet::new(std::net::Ipv4Addr::from(0x0a00_0000 + (i << 8)).into(), 24).unwrap().into(),
            src: None,
            metric: 32,
        };
        let bodies = [1, 2].map(|i| Arc::new(RouteBody::new(RouteKind::Unicast, [hop(i)])));
        let mut arranger = Arranger::default();
        let (mut order, op) = (Vec::new(), |i: u32, verb| RouteOp { ticket: i.into(), key: key(i), verb });
        let adds: Vec<_> =
            (0..100).map(|i| op(i, RouteVerb::Add(Arc::clone(&bodies[i as usize % 2])))).collect();
        arranger.arrange(&adds, &mut order);
        assert_eq!(order.windows(2).filter(|pair| pair[0] % 2 != pair[1] % 2).count(), 1);
        let deletes: Vec<_> = (0..100).map(|i| op(i, RouteVerb::Delete)).collect();
        arranger.arrange(&deletes, &mut order);
        let ascents = order.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((25..75).contains(&ascents), "{ascents} of 99 steps go up");
    }
}
