//! The kernel as the daemon sees it: questions, route operations, answers and notices, all plain data.
//!
//! Why a trait: the reconciler decides, something else carries it out, and tests must be able to put something there
//! that refuses, lags and forgets. How: operations and questions go in without waiting ([`Kernel::submit`],
//! [`Kernel::ask`]), everything comes back through [`Kernel::poll`]; each carries a ticket and each ticket is answered
//! exactly once. Nothing is fire and forget.
//!
//! Order that callers may rely on:
//! - operations with one [`RouteKey`] are carried out in the order of submission; others may overtake each other;
//! - a question is put to the kernel only after every operation submitted before it has been answered;
//! - operations submitted after a question may or may not be visible in its answer.
//!
//! A million routes share few next hop sets and attributes, so these live in a shared [`RouteBody`]; routes read in one
//! dump with equal bodies share one `Arc`, and operations that share one are packed together.

mod link;
mod route;

use std::fmt;
use std::sync::Arc;

use super::nexthops::{Nexthops, Via};

pub use link::{Address, AddressFlags, Link, LinkFlags};
pub use route::{
    Family, Hop, KernelRoute, Metrics, PROTOCOL_BIRD, RouteBody, RouteKey, RouteKind, RouteOp, RouteVerb,
    SCOPE_LINK, SCOPE_NOWHERE, SCOPE_UNIVERSE, Target,
};

/// The caller's own number of an operation or a question; comes back with the answer.
pub type Ticket = u64;

/// What the daemon needs from a kernel.
pub trait Kernel: Send {
    /// How many operations [`submit`](Self::submit) would take now. When it is 0, answers are on their way, and each
    /// of them makes room.
    fn room(&self) -> usize;

    /// Takes as many operations from the front of `ops` as there is room for and leaves the rest. Never waits.
    fn submit(&mut self, ops: &mut Vec<RouteOp>);

    /// Puts a question; never waits. Callers are expected to have few of them open.
    fn ask(&mut self, ticket: Ticket, question: Question);

    /// Makes the object of one set of next hops that of another ([`Nexthops::replace`]), in order like a question;
    /// answered by [`KernelEvent::Finished`]. `to` is a [`Nexthops::target`].
    fn replace_nexthop(&mut self, ticket: Ticket, from: Via, to: Via);

    /// The nexthop objects of this kernel.
    fn nexthops(&self) -> &Arc<Nexthops>;

    /// Appends what has happened since the last call. Never waits; who waits is woken by other means.
    fn poll(&mut self, out: &mut Vec<KernelEvent>);
}

/// What can be asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Question {
    /// All interfaces; answered by [`KernelEvent::Links`].
    Links,
    /// All addresses of both families; answered by [`KernelEvent::Addresses`].
    Addresses,
    /// The routes of one table; answered by any number of [`KernelEvent::Routes`] and one [`KernelEvent::Finished`].
    Routes {
        /// Which of the tables with that number.
        family: Family,
        /// The table's number.
        table: u32,
    },
    /// Sets the receive buffer (in bytes) of the sockets that listen for notices; answered by
    /// [`KernelEvent::Finished`].
    ReceiveBuffer(usize),
    /// Deletes nexthop objects of ours that nobody holds; answered by [`KernelEvent::Finished`].
    CollectNexthops,
}

/// What comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KernelEvent {
    /// Operations were carried out or refused.
    Done(Vec<Answer>),
    /// Answer to [`Question::Links`]. An error means that nothing is known.
    Links(Ticket, Result<Vec<Link>, KernelError>),
    /// Answer to [`Question::Addresses`].
    Addresses(Ticket, Result<Vec<Address>, KernelError>),
    /// A part of the answer to [`Question::Routes`].
    Routes(Ticket, Vec<KernelRoute>),
    /// The end of the answer. After an error the parts seen so far are not the whole table.
    Finished(Ticket, Result<(), KernelError>),
    /// An interface appeared or changed.
    Link(Link),
    /// An interface vanished.
    LinkGone(u32),
    /// An address appeared or changed.
    Address(Address),
    /// An address vanished.
    AddressGone(Address),
    /// Somebody else added or changed a route (of theirs or of ours).
    Route(KernelRoute),
    /// Somebody else, or the kernel by itself, removed a route.
    RouteGone(KernelRoute),
    /// Nexthop objects of ours are gone, and all routes that pointed to them.
    NexthopsLost(Vec<Via>),
    /// Others changed their nexthop objects, perhaps without a notice for the routes that point to them.
    NexthopsChanged,
    /// Notices of this class were lost: ask again.
    Overrun(NoticeClass),
    /// A message could not be understood and was skipped; the text says why. Good for a log line.
    Skipped(String),
    /// The connection is gone for good; no ticket that is still open will be answered.
    Lost(KernelError),
}

/// Notices that are lost together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NoticeClass {
    /// Links and addresses.
    Interfaces,
    /// Routes.
    Routes,
}

/// The fate of one operation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The operation's ticket.
    pub ticket: Ticket,
    /// What the kernel said.
    pub result: Result<(), KernelError>,
}

/// A refusal: the number, and the kernel's own explanation if it gave one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelError {
    /// The positive error number.
    pub errno: i32,
    /// Text of the extended acknowledgement.
    pub text: Option<Box<str>>,
}

impl KernelError {
    /// An error without an explanation.
    pub fn new(errno: i32) -> KernelError {
        KernelError { errno, text: None }
    }

    /// The error number's text, as BIRD logs it (`File exists`).
    pub fn strerror(&self) -> String {
        super::strerror(&std::io::Error::from_raw_os_error(self.errno))
    }
}

impl From<std::io::Error> for KernelError {
    fn from(error: std::io::Error) -> KernelError {
        match error.raw_os_error() {
            Some(errno) => KernelError::new(errno),
            None => KernelError { errno: libc::EIO, text: Some(error.to_string().into()) },
        }
    }
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.strerror())?;
        match &self.text {
            Some(text) => write!(f, " ({text})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for KernelError {}
