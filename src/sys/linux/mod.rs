//! Netlink, on a thread of its own.
//!
//! Why a thread: the kernel carries a request out inside `send`, some milliseconds for each buffer, and all of it
//! under one lock; an executor's worker must not be held up by that, and a second thread would gain nothing. How: the
//! thread waits for its bell and its sockets, and does a little of everything that is due in each turn: notices first,
//! one datagram of a dump, one buffer of requests. Nothing in here is async.
//!
//! Four sockets: requests ([`writer`]), dumps ([`dump`]) and notices of two classes ([`watch`]).
//!
//! Both directions are bounded. The daemon never waits for the thread: it submits what there is room for. The thread
//! waits when its events are not collected; then notices pile up in the kernel and at worst become an overrun.

mod decode;
mod dump;
mod encode;
mod nexthop;
#[cfg(test)]
mod recorded;
pub(super) mod setup;
mod share;
mod socket;
#[cfg(test)]
mod tests;
mod watch;
mod writer;

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::dump::Dumper;
use self::nexthop::Objects;
use self::socket::Bell;
use self::watch::Watch;
use self::writer::Writer;
use super::kernel::{Kernel, KernelError, KernelEvent, NoticeClass, Question, RouteOp, Ticket};
use super::nexthops::{Nexthops, Via};

/// Operations that may be open at once.
const OPEN_OPERATIONS: usize = 16 * 1024;

/// Operations arranged together.
const WINDOW: usize = 8 * 1024;

/// Answers handed over together while there is more to do: each hand-over wakes somebody.
const ANSWERS: usize = 2048;

/// How often new sockets are tried when one has failed.
const REOPENINGS: u32 = 20;

/// Answers, routes and other events that wait to be collected before the thread stops producing more.
const WAITING_EVENTS: usize = 32 * 1024;

/// Reads bytes as a datagram, and as each kind of message we understand: a door for the fuzzer. What is
/// understood of a nexthop object says the same when it is written.
#[doc(hidden)]
pub fn read_anything(bytes: &[u8]) {
    // Only that it comes back matters.
    let mut routes = decode::RouteReader::default();
    let _ = (decode::link(bytes), decode::address(bytes), routes.route(bytes), nexthop::read(bytes));
    for message in socket::messages_of(bytes) {
        let payload = message.payload;
        let _ = (message.outcome(), decode::link(payload), decode::address(payload), routes.route(payload));
        if let Ok(object) = nexthop::read(payload)
            && let Ok(again) = nexthop::encode(&object)
        {
            assert_eq!(nexthop::read(&again), Ok(object));
        }
    }
}

/// The kernel of the network namespace in which this was started.
pub struct NetlinkKernel {
    shared: Arc<Shared>,
    nexthops: Arc<Nexthops>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Rung for the thread: there is a command, or it is to end.
    bell: Bell,
    /// Signalled for the thread: events were collected.
    collected: Condvar,
    /// Called after events were added to an empty queue.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    commands: VecDeque<Command>,
    /// Operations submitted and not answered.
    open: usize,
    events: Vec<KernelEvent>,
    /// How much `events` holds, in answers and routes.
    waiting: usize,
    closed: bool,
}

enum Command {
    /// The sockets are to fail.
    #[cfg(test)]
    Break,
    Change(VecDeque<RouteOp>),
    Ask(Ticket, Question),
    ReplaceNexthop(Ticket, Via, Via),
}

impl NetlinkKernel {
    /// Opens the sockets and starts the thread. `wake` is called, from that thread, when there is something to
    /// [`poll`](Kernel::poll) after nothing was; it must not wait.
    pub fn start(wake: impl Fn() + Send + Sync + 'static) -> io::Result<NetlinkKernel> {
        let state = Mutex::default();
        let (bell, collected) = (Bell::new()?, Condvar::new());
        let shared = Arc::new(Shared { state, bell, collected, wake: Box::new(wake) });
        let mut writer = Writer::open()?;
        let objects = Objects::open(writer.socket())?;
        let nexthops = Arc::clone(objects.known());
        let mut worker = Worker {
            shared: Arc::clone(&shared),
            dumper: Dumper::open(Arc::clone(&nexthops))?,
            watches: [
                Watch::open(NoticeClass::Interfaces, writer.port(), Arc::clone(&nexthops))?,
                Watch::open(NoticeClass::Routes, writer.port(), Arc::clone(&nexthops))?,
            ],
            writer,
            objects,
            receive_buffer: None,
            commanded: false,
            #[cfg(test)]
            broken: false,
            events: Vec::new(),
        };
        let thread = std::thread::Builder::new().name("netlink".to_owned()).spawn(move || worker.run())?;
        Ok(NetlinkKernel { shared, nexthops, thread: Some(thread) })
    }
}

impl Kernel for NetlinkKernel {
    fn room(&self) -> usize {
        OPEN_OPERATIONS.saturating_sub(self.shared.lock().open)
    }

    fn submit(&mut self, ops: &mut Vec<RouteOp>) {
        let mut state = self.shared.lock();
        let count = ops.len().min(OPEN_OPERATIONS.saturating_sub(state.open));
        if count == 0 {
            return;
        }
        state.open += count;
        state.commands.push_back(Command::Change(ops.drain(..count).collect()));
        drop(state);
        self.shared.bell.ring();
    }

    fn ask(&mut self, ticket: Ticket, question: Question) {
        self.shared.lock().commands.push_back(Command::Ask(ticket, question));
        self.shared.bell.ring();
    }

    fn replace_nexthop(&mut self, ticket: Ticket, from: Via, to: Via) {
        self.shared.lock().commands.push_back(Command::ReplaceNexthop(ticket, from, to));
        self.shared.bell.ring();
    }

    fn nexthops(&self) -> &Arc<Nexthops> {
        &self.nexthops
    }

    fn poll(&mut self, out: &mut Vec<KernelEvent>) {
        let mut state = self.shared.lock();
        out.append(&mut state.events);
        state.waiting = 0;
        drop(state);
        self.shared.collected.notify_one();
    }
}

/// Ends the thread at once; what was not answered yet may or may not have been carried out.
impl Drop for NetlinkKernel {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.bell.ring();
        self.shared.collected.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Makes the sockets fail.
    #[cfg(test)]
    fn break_off(&self) {
        self.lock().commands.push_back(Command::Break);
        self.bell.ring();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What runs on the thread.
struct Worker {
    shared: Arc<Shared>,
    writer: Writer,
    objects: Objects,
    dumper: Dumper,
    watches: [Watch; 2],
    /// Of the watches, where one was asked for.
    receive_buffer: Option<usize>,
    /// There are, or may be, commands that were not taken yet.
    commanded: bool,
    #[cfg(test)]
    broken: bool,
    events: Vec<KernelEvent>,
}

impl Worker {
    fn run(&mut self) {
        loop {
            if let Err(error) = self.turn() {
                self.recover(&error);
            }
            if self.may_wait() {
                continue;
            }
            let lost = matches!(self.events.last(), Some(KernelEvent::Lost(_)));
            if !self.publish() || lost {
                return;
            }
        }
    }

    /// A socket has failed. Whatever is open ends with an error, for nobody knows what became of it, new
    /// sockets are made, and everybody is told that notices were lost: then all is read anew.
    fn recover(&mut self, error: &io::Error) {
        self.writer.abandon(&mut self.events);
        self.dumper.abandon(&mut self.events);
        let mut outcome = Ok(());
        for attempt in 0..REOPENINGS {
            std::thread::sleep(Duration::from_millis(50) * attempt);
            outcome = self.reopen();
            if outcome.is_ok() {
                break;
            }
        }
        if let Err(again) = outcome {
            self.events.push(KernelEvent::Lost(again.into()));
            return;
        }
        let text = format!("Netlink: the connection to the kernel was lost ({error}) and made anew");
        self.events.push(KernelEvent::Skipped(text));
        self.events.extend([NoticeClass::Interfaces, NoticeClass::Routes].map(KernelEvent::Overrun));
        self.commanded = true;
    }

    fn reopen(&mut self) -> io::Result<()> {
        self.writer.reopen()?;
        self.objects.reopen(self.writer.socket())?;
        self.dumper.reopen(&mut self.events)?;
        let port = self.writer.port();
        for watch in &mut self.watches {
            watch.reopen(port)?;
            if let Some(bytes) = self.receive_buffer {
                watch.socket().set_receive_buffer(bytes)?;
            }
        }
        Ok(())
    }

    /// Whether what has happened may be told later, together with more of its kind.
    fn may_wait(&self) -> bool {
        let few = match self.events.as_slice() {
            [] => true,
            [KernelEvent::Done(answers)] => answers.len() < ANSWERS,
            _ => false,
        };
        few && self.writer.busy()
    }

    /// Waits if there is nothing to do, then does a little of everything that is due.
    fn turn(&mut self) -> io::Result<()> {
        let (shared, [interfaces, routes]) = (&self.shared, &self.watches);
        let mut waiting = [
            PollFd::from_borrowed_fd(shared.bell.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(interfaces.socket().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(routes.socket().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.dumper.socket().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.objects.watch().as_fd(), PollFlags::IN),
        ];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut waiting, (self.writer.busy() || self.commanded).then_some(&at_once)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        #[cfg(test)]
        if std::mem::take(&mut self.broken) {
            return Err(io::Error::from_raw_os_error(libc::EBADF));
        }
        let [bell, interfaces, routes, dump, objects] = waiting.map(|fd| !fd.revents().is_empty());
        if bell {
            self.shared.bell.quiet();
            self.commanded = true;
        }
        for (watch, _) in self.watches.iter_mut().zip([interfaces, routes]).filter(|(_, due)| *due) {
            watch.step(&mut self.events)?;
        }
        if objects {
            self.objects.heard()?;
        }
        let seen = &self.events[..];
        self.objects.notice(seen);
        self.objects.keep(self.writer.socket(), &mut self.events);
        if dump {
            self.dumper.step(&mut self.events)?;
        }
        if self.commanded && !self.writer.busy() {
            self.take_commands();
        }
        if self.writer.busy() {
            let before = self.events.len();
            self.writer.step(&mut self.events)?;
            self.objects.notice(&self.events[before..]);
        }
        Ok(())
    }

    /// Takes operations up to the next question, or the questions up to the next operation: a question waits until the
    /// operations before it are done.
    fn take_commands(&mut self) {
        let (mut questions, mut replace) = (Vec::new(), None);
        let window = self.writer.window();
        let mut state = self.shared.lock();
        while let Some(command) = state.commands.front_mut() {
            match command {
                Command::Change(_) if !questions.is_empty() => break,
                Command::Change(ops) => {
                    let count = ops.len().min(WINDOW - window.len());
                    window.extend(ops.drain(..count));
                    if !ops.is_empty() {
                        break;
                    }
                }
                #[cfg(test)]
                Command::Break => self.broken = true,
                Command::Ask(..) if !window.is_empty() => break,
                Command::Ask(ticket, question) => questions.push((*ticket, *question)),
                Command::ReplaceNexthop(..) if !window.is_empty() || !questions.is_empty() => break,
                Command::ReplaceNexthop(ticket, from, to) => {
                    replace = Some((*ticket, from.clone(), to.clone()));
                    state.commands.pop_front();
                    break;
                }
            }
            state.commands.pop_front();
        }
        self.commanded = !state.commands.is_empty();
        drop(state);
        self.objects.prepare(&mut self.writer);
        self.writer.arrange();
        if let Some((ticket, from, to)) = replace {
            let result = self.objects.replace(self.writer.socket(), &from, &to);
            self.events.push(KernelEvent::Finished(ticket, result));
        }
        if questions.iter().any(|(_, question)| matches!(question, Question::Routes { .. })) {
            // What the routes point to is to be as fresh as they are.
            self.objects.stale();
            self.objects.keep(self.writer.socket(), &mut self.events);
        }
        for (ticket, question) in questions {
            if let Question::ReceiveBuffer(bytes) = question {
                self.receive_buffer = Some(bytes);
                let set = self.watches.iter().try_for_each(|watch| watch.socket().set_receive_buffer(bytes));
                self.events.push(KernelEvent::Finished(ticket, set.map_err(KernelError::from)));
            } else if question == Question::CollectNexthops {
                self.objects.collect(self.writer.socket());
                self.events.push(KernelEvent::Finished(ticket, Ok(())));
            } else {
                self.dumper.ask(ticket, question);
            }
        }
        self.dumper.next(&mut self.events);
    }

    /// Hands over what has happened; waits while too much is not collected. False when nobody wants it any more.
    fn publish(&mut self) -> bool {
        let answered =
            |event: &KernelEvent| if let KernelEvent::Done(answers) = event { answers.len() } else { 0 };
        let mut state = self.shared.lock();
        while !self.events.is_empty() && state.waiting >= WAITING_EVENTS && !state.closed {
            state = self.shared.collected.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed || self.events.is_empty() {
            return !state.closed;
        }
        state.open = state.open.saturating_sub(self.events.iter().map(answered).sum());
        state.waiting += self.events.iter().map(weight).sum::<usize>();
        let was_empty = state.events.is_empty();
        state.events.append(&mut self.events);
        drop(state);
        if was_empty {
            (self.shared.wake)();
        }
        true
    }
}

/// A panic must not look like silence.
impl Drop for Worker {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.events = vec![KernelEvent::Lost(KernelError::new(libc::EIO))];
            self.publish();
        }
    }
}

/// How much an event counts against the limit of events not collected.
fn weight(event: &KernelEvent) -> usize {
    match event {
        KernelEvent::Done(answers) => answers.len(),
        KernelEvent::Routes(_, routes) => routes.len(),
        _ => 1,
    }
}
