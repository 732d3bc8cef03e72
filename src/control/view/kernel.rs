//! `show kernel`, `show kernel drift`, `wait kernel`.

use std::sync::Arc;

/// A kernel protocol.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KernelView {
    /// Its name.
    pub name: Arc<str>,
    /// The kernel's table.
    pub table: u32,
    /// The word of `show protocols`, unless it is up.
    pub not_up: Option<&'static str>,
    /// Nothing is under way.
    pub settled: bool,
    /// Routes that should stand in the kernel.
    pub wanted: usize,
    /// Those that do.
    pub installed: usize,
    /// Those the kernel refuses.
    pub refused: usize,
    /// Foreign routes that are known.
    pub learned: usize,
    /// Nexthop objects in use.
    pub objects: usize,
    /// Changes behind our back.
    pub drift: u64,
    /// Those that were ours to undo.
    pub repaired: u64,
    /// When the last scan began, and how long a scan takes, in microseconds.
    pub scan: Option<(u64, u64)>,
    /// Operations that wait for room.
    pub waiting: usize,
    /// Operations without an answer yet.
    pub sent: usize,
}

/// What somebody did to a route of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DriftWhat {
    /// Deleted it.
    Deleted,
    /// Changed it and left our protocol number.
    Changed,
    /// Put a route with this protocol number in its place.
    Taken(u8),
    /// A scan did not find it.
    Missing,
}

/// A change behind our back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DriftView {
    /// When it was noticed, in microseconds since the start.
    pub at: u64,
    /// The protocol whose route it was.
    pub protocol: Arc<str>,
    /// The route.
    pub route: String,
    /// Its metric.
    pub metric: u32,
    /// What happened.
    pub what: DriftWhat,
}

/// All that is known about changes behind our back.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DriftsView {
    /// The last ones, oldest first.
    pub last: Vec<DriftView>,
    /// How many came before those.
    pub earlier: u64,
    /// Who has routes that the kernel refuses, and how many.
    pub refused: Vec<(Arc<str>, usize)>,
    /// There are traces of systemd-networkd on this machine.
    pub networkd: bool,
}

/// How waiting for the kernel ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KernelWait {
    /// Tables, exports and kernel agree.
    Settled,
    /// Time is up. Which kernel protocols have something to do; when none has, routes are on their way to them.
    TimedOut(Vec<Arc<str>>),
}
