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

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::nexthops::{Nexthops, Via};
use crate::base::{IpNet, Ipv6Net, NextHop};

/// The caller's own number of an operation or a question; comes back with the answer.
pub type Ticket = u64;

/// `proto bird`: the protocol number of the routes we make.
pub const PROTOCOL_BIRD: u8 = 12;

/// Scope of routes through a gateway, and the default.
pub const SCOPE_UNIVERSE: u8 = 0;
/// Scope of IPv4 routes to a directly attached network.
pub const SCOPE_LINK: u8 = 253;
/// Scope of a deletion: matches every scope.
pub const SCOPE_NOWHERE: u8 = 255;

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

/// Address family of a kernel table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
    /// MPLS: one table only (254), no metrics, no attributes, and a deletion hits a label's route whoever made it.
    Mpls,
}

impl Family {
    /// The family of a route.
    pub fn of(target: &Target) -> Family {
        match target {
            Target::Net(IpNet::V4(_)) => Family::V4,
            Target::Net(IpNet::V6(_)) => Family::V6,
            Target::Label(_) => Family::Mpls,
        }
    }
}

/// Where packets want to go: a prefix, or the MPLS label on top of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Addresses.
    Net(IpNet),
    /// A label.
    Label(u32),
}

impl Target {
    /// The prefix, if it is one.
    pub fn net(&self) -> Option<&IpNet> {
        match self {
            Target::Net(net) => Some(net),
            Target::Label(_) => None,
        }
    }
}

impl From<IpNet> for Target {
    fn from(net: IpNet) -> Target {
        Target::Net(net)
    }
}

/// A prefix, or a plain number for a label.
impl std::str::FromStr for Target {
    type Err = <IpNet as std::str::FromStr>::Err;

    fn from_str(text: &str) -> Result<Target, Self::Err> {
        match text.parse() {
            Ok(label) => Ok(Target::Label(label)),
            Err(_) => text.parse().map(Target::Net),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Net(net) => write!(f, "{net}"),
            Target::Label(label) => write!(f, "{label}"),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
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

/// A network interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// The kernel's number, never 0.
    pub index: u32,
    /// The name, unique at any one time.
    pub name: Box<str>,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// The kernel's flags (`IFF_*`).
    pub flags: LinkFlags,
    /// The bridge, bond or VRF this one is part of.
    pub master: Option<u32>,
    /// The driver's kind: `veth`, `dummy`, `vrf`, `bridge` ...; none for hardware.
    pub kind: Option<Box<str>>,
}

/// Flags of a link, in the kernel's numbering.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkFlags(pub u32);

#[allow(missing_docs, reason = "the names of netdevice(7)")]
impl LinkFlags {
    pub const UP: u32 = 1;
    pub const BROADCAST: u32 = 2;
    pub const LOOPBACK: u32 = 8;
    pub const POINT_TO_POINT: u32 = 0x10;
    pub const RUNNING: u32 = 0x40;
    pub const NO_ARP: u32 = 0x80;
    pub const MULTICAST: u32 = 0x1000;
    pub const LOWER_UP: u32 = 0x1_0000;

    /// Administratively up.
    pub fn up(self) -> bool {
        self.0 & Self::UP != 0
    }
    /// Has a carrier (operational).
    pub fn running(self) -> bool {
        self.0 & Self::RUNNING != 0
    }
    pub fn loopback(self) -> bool {
        self.0 & Self::LOOPBACK != 0
    }
    pub fn broadcast(self) -> bool {
        self.0 & Self::BROADCAST != 0
    }
    pub fn multicast(self) -> bool {
        self.0 & Self::MULTICAST != 0
    }
    pub fn point_to_point(self) -> bool {
        self.0 & Self::POINT_TO_POINT != 0
    }
}

impl fmt::Debug for LinkFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// An address of an interface.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Address {
    /// The interface.
    pub ifindex: u32,
    /// Our own address.
    pub local: IpAddr,
    /// Length of the on-link prefix.
    pub prefix_len: u8,
    /// The other end, where it differs from `local`; `prefix_len` then counts from it.
    pub peer: Option<IpAddr>,
    /// The kernel's flags.
    pub flags: AddressFlags,
    /// The kernel's scope (0 universe, 253 link, 254 host).
    pub scope: u8,
}

/// Flags of an address, in the kernel's numbering (`IFA_F_*`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AddressFlags(pub u32);

impl AddressFlags {
    /// Not the first address of its net on the interface (IPv6: a temporary address).
    pub fn secondary(self) -> bool {
        self.0 & 0x01 != 0
    }
    /// Duplicate detection found another owner.
    pub fn dad_failed(self) -> bool {
        self.0 & 0x08 != 0
    }
    /// Duplicate detection is still running, so the address cannot be used.
    pub fn tentative(self) -> bool {
        self.0 & 0x40 != 0
    }
}

impl fmt::Debug for AddressFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// A route in a kernel table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KernelRoute {
    /// What the kernel tells routes apart by.
    pub key: RouteKey,
    /// Everything else.
    pub body: Arc<RouteBody>,
}

/// What identifies a route in the kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouteKey {
    /// Table number.
    pub table: u32,
    /// Destination; its family is the route's.
    pub dst: Target,
    /// Source prefix of an IPv6 source-specific route.
    pub src: Option<Ipv6Net>,
    /// Priority, lower is better. 0 means that none is sent: the kernel then takes 0 (IPv4) or 1024 (IPv6) for a new
    /// route, and any for a deletion.
    pub metric: u32,
}

const _: () = assert!(size_of::<RouteOp>() <= 72, "a backlog holds a hundred thousand of these");

/// The part of a route that many routes share.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RouteBody {
    /// Who made it; ours is [`PROTOCOL_BIRD`].
    pub protocol: u8,
    /// What happens to packets.
    pub kind: RouteKind,
    /// [`SCOPE_UNIVERSE`], [`SCOPE_LINK`] ...; IPv6 kernels ignore it.
    pub scope: u8,
    /// Type of service; we make none but 0.
    pub tos: u8,
    /// Preferred source address.
    pub prefsrc: Option<IpAddr>,
    /// Realm, of the route or of any of its next hops; 0 is none.
    pub realm: u32,
    /// TCP metrics.
    pub metrics: Metrics,
    /// Next hops of a unicast route.
    pub hops: Vec<Hop>,
    /// The nexthop object that a route read from the kernel points to; 0 is none. Written as it is, if `via` is none.
    pub nexthop_id: u32,
    /// The same next hops as an object of ours to be written as a pointer to it, if the kernel allows.
    pub via: Option<Via>,
    /// Incoming interface the route is limited to; 0 is none. Read only.
    pub iif: u32,
    /// The kernel's flags (`RTM_F_*`). Read only.
    pub flags: u32,
    /// Has an encapsulation other than MPLS. Read only.
    pub foreign_encap: bool,
}

impl RouteBody {
    /// A body of ours without attributes; the scope follows the rule for IPv4 (LINK without a gateway).
    pub fn new(kind: RouteKind, hops: impl IntoIterator<Item = NextHop>) -> RouteBody {
        let hops: Vec<Hop> = hops.into_iter().map(Hop::from).collect();
        let direct = kind == RouteKind::Unicast && hops.iter().all(|hop| hop.next.gateway.is_none());
        RouteBody {
            protocol: PROTOCOL_BIRD,
            kind,
            scope: if direct { SCOPE_LINK } else { SCOPE_UNIVERSE },
            tos: 0,
            prefsrc: None,
            realm: 0,
            metrics: Metrics::default(),
            hops,
            nexthop_id: 0,
            via: None,
            iif: 0,
            flags: 0,
            foreign_encap: false,
        }
    }

    /// Whether nothing but the object differs, if even that.
    pub fn same_but_object(&self, other: &RouteBody) -> bool {
        self.hops == other.hops && self.same_but_hops(other)
    }

    /// Whether nothing but next hops and object differs, if even that.
    pub fn same_but_hops(&self, other: &RouteBody) -> bool {
        let parts = |body: &RouteBody| {
            let RouteBody { protocol, kind, scope, tos, prefsrc, realm, iif, flags, foreign_encap, .. } =
                *body;
            (protocol, kind, scope, tos, prefsrc, realm, iif, flags, foreign_encap)
        };
        parts(self) == parts(other) && self.metrics == other.metrics
    }

    /// The nexthop object it is written with; 0: its next hops are written.
    pub fn object(&self) -> u32 {
        match &self.via {
            Some(via) => via.id(),
            None => self.nexthop_id,
        }
    }

    /// Created by the kernel from another route (a cache entry).
    pub fn cloned(&self) -> bool {
        self.flags & 0x200 != 0
    }

    /// A plain unicast route over a dead link.
    pub fn dead(&self) -> bool {
        self.flags & u32::from(Hop::DEAD) != 0
    }

    /// Whether packets go the same way: kind and next hops, whatever the state of their links.
    pub fn same_destination(&self, other: &RouteBody) -> bool {
        self.kind == other.kind
            && self.hops.len() == other.hops.len()
            && self.hops.iter().zip(&other.hops).all(|(a, b)| a.next == b.next)
    }
}

/// What happens to packets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RouteKind {
    /// Forwarded to a next hop.
    Unicast,
    /// Dropped silently.
    Blackhole,
    /// Answered with "unreachable".
    Unreachable,
    /// Answered with "prohibited".
    Prohibit,
    /// Any other kind, by the kernel's number.
    Other(u8),
}

impl RouteKind {
    /// From the kernel's number (`RTN_*`).
    pub fn from_number(number: u8) -> RouteKind {
        match number {
            1 => RouteKind::Unicast,
            6 => RouteKind::Blackhole,
            7 => RouteKind::Unreachable,
            8 => RouteKind::Prohibit,
            other => RouteKind::Other(other),
        }
    }

    /// The kernel's number.
    pub fn number(self) -> u8 {
        match self {
            RouteKind::Unicast => 1,
            RouteKind::Blackhole => 6,
            RouteKind::Unreachable => 7,
            RouteKind::Prohibit => 8,
            RouteKind::Other(other) => other,
        }
    }
}

/// A next hop with the state the kernel sees it in.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Hop {
    /// Where to.
    pub next: NextHop,
    /// The kernel's flags (`RTNH_F_*`) except onlink. Read only.
    pub state: u8,
}

impl Hop {
    const DEAD: u8 = 1;
    const LINK_DOWN: u8 = 16;

    /// The interface is down.
    pub fn dead(&self) -> bool {
        self.state & Self::DEAD != 0
    }

    /// The interface has no carrier.
    pub fn link_down(&self) -> bool {
        self.state & Self::LINK_DOWN != 0
    }
}

impl From<NextHop> for Hop {
    fn from(next: NextHop) -> Hop {
        Hop { next, state: 0 }
    }
}

/// The TCP metrics of a route, by the kernel's numbers (`RTAX_*`): 1 lock ... 17 fastopen_no_cookie.
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct Metrics {
    values: [Option<u32>; Metrics::LAST + 1],
    /// Number 16, the only one with a text: the congestion control algorithm.
    pub congctl: Option<Box<str>>,
}

impl Metrics {
    /// Bit mask of the metrics that the TCP stack must not change; bit number = metric number.
    pub const LOCK: usize = 1;
    /// Bit mask of features (bit 0 ECN, bit 3 allfrag).
    pub const FEATURES: usize = 12;
    /// The number of [`Metrics::congctl`]; it has no numeric value.
    pub const CONGCTL: usize = 16;
    /// The last number known.
    pub const LAST: usize = 17;

    /// The value of a metric, if it is set.
    pub fn get(&self, number: usize) -> Option<u32> {
        self.values.get(number).copied().flatten()
    }

    /// Sets or clears a numeric metric; numbers outside 1..=17 and that of the text are ignored.
    pub fn set(&mut self, number: usize, value: Option<u32>) {
        if let (1..=Self::LAST, true) = (number, number != Self::CONGCTL) {
            self.values[number] = value;
        }
    }

    /// The numeric metrics that are set, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.values.iter().enumerate().filter_map(|(number, value)| value.map(|value| (number, value)))
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.congctl.is_none() && self.values.iter().all(Option::is_none)
    }
}

/// A change of a kernel table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteOp {
    /// The caller's number.
    pub ticket: Ticket,
    /// Which route.
    pub key: RouteKey,
    /// What to do.
    pub verb: RouteVerb,
}

/// What to do with a route.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RouteVerb {
    /// Add it; refused with `EEXIST` if there is one with this key, whoever made it.
    Add(Arc<RouteBody>),
    /// Replace the one with this key, or add it.
    Replace(Arc<RouteBody>),
    /// Delete the one of ours with this key; `ESRCH` if there is none. Of MPLS: whoever made it, and never refused.
    Delete,
}

impl RouteVerb {
    /// What is to be written; nothing for a deletion.
    pub fn body(&self) -> Option<&Arc<RouteBody>> {
        match self {
            RouteVerb::Add(body) | RouteVerb::Replace(body) => Some(body),
            RouteVerb::Delete => None,
        }
    }
}
