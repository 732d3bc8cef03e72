//! Reads whole tables: one dump at a time, one datagram per step, so that a long dump never holds up the
//! rest. Tables of routes that wait together are read together where that is cheaper
//! ([`share`](super::share)).

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::decode::{self, Malformed, RouteReader};
use super::encode::{self, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE};
use super::share::{Parts, Sharing};
use super::socket::{Message, NLMSG_DONE, NLMSG_ERROR, Received, Socket};
use crate::sys::kernel::{Address, Family, KernelError, KernelEvent, Link, Question, Ticket};
use crate::sys::nexthops::Nexthops;

/// Routes in one event.
const CHUNK: usize = 1024;

/// Flag of a dump during which the data changed.
const NLM_F_DUMP_INTR: u16 = 0x10;

/// How often links or addresses that changed meanwhile are asked for again.
const ATTEMPTS: u32 = 5;

/// The socket for dumps, and the questions that wait for it.
pub(super) struct Dumper {
    socket: Socket,
    waiting: VecDeque<(Ticket, Question)>,
    running: Option<Running>,
    reader: RouteReader,
    sharing: Sharing,
    sequence: u32,
}

struct Running {
    ticket: Ticket,
    question: Question,
    attempt: u32,
    links: Vec<Link>,
    addresses: Vec<Address>,
    /// The tables of routes this is read for.
    parts: Parts,
    /// The answer has holes.
    failure: Option<KernelError>,
}

fn open_socket() -> io::Result<Socket> {
    let socket = Socket::open(&[])?;
    socket.acknowledge()?;
    // Without strict checking each dump brings all tables; the others are dropped in `take`.
    socket.strict();
    Ok(socket)
}

impl Dumper {
    pub(super) fn open(nexthops: Arc<Nexthops>) -> io::Result<Dumper> {
        let socket = open_socket()?;
        let (waiting, reader) = (VecDeque::new(), RouteReader::new(nexthops));
        Ok(Dumper { socket, waiting, running: None, reader, sharing: Sharing::default(), sequence: 0 })
    }

    /// The dump under way breaks off; what waits stays.
    pub(super) fn abandon(&mut self, out: &mut Vec<KernelEvent>) {
        if let Some(running) = self.running.take() {
            Running { failure: Some(KernelError::new(libc::ENOTCONN)), ..running }.finish(out);
        }
    }

    /// Begins again with a new socket, and what waits.
    pub(super) fn reopen(&mut self, out: &mut Vec<KernelEvent>) -> io::Result<()> {
        self.socket = open_socket()?;
        self.next(out);
        Ok(())
    }

    /// The descriptor to wait for.
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Queues a question; call [`next`](Self::next) after the last one.
    pub(super) fn ask(&mut self, ticket: Ticket, question: Question) {
        self.waiting.push_back((ticket, question));
    }

    /// Puts the next question if no other is open.
    pub(super) fn next(&mut self, out: &mut Vec<KernelEvent>) {
        while self.running.is_none()
            && let Some((ticket, question)) = self.waiting.pop_front()
        {
            self.start(ticket, question, 1, out);
        }
    }

    fn start(&mut self, ticket: Ticket, question: Question, attempt: u32, out: &mut Vec<KernelEvent>) {
        self.sequence = self.sequence.wrapping_add(1);
        let parts = self.parts(ticket, question);
        let request = match question {
            Question::Links => encode::dump_links(self.sequence),
            Question::Addresses => encode::dump_addresses(self.sequence),
            Question::Routes { family, table } => {
                encode::dump_routes(self.sequence, family, Some(table).filter(|_| parts.len() == 1))
            }
            Question::ReceiveBuffer(_) | Question::CollectNexthops => return,
        };
        let mut running = Running {
            ticket,
            question,
            attempt,
            links: Vec::new(),
            addresses: Vec::new(),
            parts,
            failure: None,
        };
        if matches!(question, Question::Routes { family: Family::Mpls, .. }) && !knows_mpls() {
            return running.finish(out);
        }
        match self.socket.send(&request) {
            Ok(()) => self.running = Some(running),
            Err(error) => {
                running.failure = Some(error.into());
                running.finish(out);
            }
        }
    }

    /// The tables to be read for a question, which are more than one if others wait and reading all tables is cheaper.
    fn parts(&mut self, ticket: Ticket, question: Question) -> Parts {
        let Question::Routes { family, table } = question else { return Parts::new([]) };
        let mut tables = BTreeMap::from([(table, ticket)]);
        for (ticket, question) in &self.waiting {
            if let Question::Routes { family: other, table } = *question
                && other == family
            {
                tables.entry(table).or_insert(*ticket);
            }
        }
        if tables.len() == 1 || !self.sharing.worth(family, tables.len()) {
            return Parts::new([(ticket, table)]);
        }
        self.waiting.retain(|(ticket, _)| !tables.values().any(|shared| shared == ticket));
        Parts::new(tables.into_iter().map(|(table, ticket)| (ticket, table)))
    }

    /// Reads one datagram of the answer.
    pub(super) fn step(&mut self, out: &mut Vec<KernelEvent>) -> io::Result<()> {
        let Dumper { socket, running, reader, sequence, .. } = self;
        match socket.receive()? {
            Received::Data => {}
            Received::Foreign | Received::Nothing => return Ok(()),
            Received::Overrun => {
                if let Some(running) = running {
                    running.failure = Some(KernelError::new(libc::ENOBUFS));
                }
                return Ok(());
            }
        }
        for message in socket.messages().filter(|message| message.sequence == *sequence) {
            let Some(current) = running else { break };
            if message.flags & NLM_F_DUMP_INTR != 0 {
                current.failure = Some(KernelError::new(libc::EINTR));
            }
            if message.kind != NLMSG_DONE && message.kind != NLMSG_ERROR {
                if let Err(Malformed(why)) = current.take(&message, reader, out) {
                    out.push(KernelEvent::Skipped(format!("Netlink: {why} in a dump")));
                }
                continue;
            }
            if let Err(error) = message.outcome()
                && !current.is_missing_table(&error)
            {
                current.failure = Some(error);
            }
            if let Some(ended) = running.take() {
                if let (Question::Routes { family, .. }, 2..) = (ended.question, ended.parts.len()) {
                    self.sharing.read(family, ended.parts.len(), ended.parts.others);
                }
                if ended.worth_repeating() {
                    self.start(ended.ticket, ended.question, ended.attempt + 1, out);
                } else {
                    ended.finish(out);
                }
            }
            break;
        }
        self.next(out);
        Ok(())
    }
}

/// Whether there can be label routes. A kernel without MPLS answers a question about them with all routes it has.
fn knows_mpls() -> bool {
    let settings = std::path::Path::new("/proc/sys/net");
    !settings.exists() || settings.join("mpls").exists()
}

impl Running {
    fn take(
        &mut self,
        message: &Message<'_>,
        reader: &mut RouteReader,
        out: &mut Vec<KernelEvent>,
    ) -> Result<(), Malformed> {
        match (self.question, message.kind) {
            (Question::Links, RTM_NEWLINK) => self.links.extend(decode::link(message.payload)?),
            (Question::Addresses, RTM_NEWADDR) => self.addresses.extend(decode::address(message.payload)?),
            (Question::Routes { family, .. }, RTM_NEWROUTE) => {
                let Some(route) = reader.route(message.payload)? else { return Ok(()) };
                if Family::of(&route.key.dst) != family || route.body.cloned() {
                    return Ok(());
                }
                let Some(part) = self.parts.of(route.key.table) else { return Ok(()) };
                part.routes.push(route);
                if part.routes.len() >= CHUNK {
                    let next = Vec::with_capacity(CHUNK);
                    out.push(KernelEvent::Routes(part.ticket, std::mem::replace(&mut part.routes, next)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A table without routes need not exist; the kernel calls that an error.
    fn is_missing_table(&self, error: &KernelError) -> bool {
        matches!(self.question, Question::Routes { .. }) && error.errno == libc::ENOENT
    }

    fn worth_repeating(&self) -> bool {
        let small = matches!(self.question, Question::Links | Question::Addresses);
        let interrupted = self.failure.as_ref().is_some_and(|error| error.errno == libc::EINTR);
        small && interrupted && self.attempt < ATTEMPTS
    }

    fn finish(self, out: &mut Vec<KernelEvent>) {
        let Running { ticket, question, links, addresses, parts, failure, .. } = self;
        let outcome = failure.map_or(Ok(()), Err);
        match question {
            Question::Links => out.push(KernelEvent::Links(ticket, outcome.map(|()| links))),
            Question::Addresses => out.push(KernelEvent::Addresses(ticket, outcome.map(|()| addresses))),
            Question::Routes { .. } => {
                for part in parts.into_iter() {
                    if !part.routes.is_empty() {
                        out.push(KernelEvent::Routes(part.ticket, part.routes));
                    }
                    out.push(KernelEvent::Finished(part.ticket, outcome.clone()));
                }
            }
            Question::ReceiveBuffer(_) | Question::CollectNexthops => {
                out.push(KernelEvent::Finished(ticket, outcome))
            }
        }
    }
}
