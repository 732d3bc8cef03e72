//! What was changed behind our back, and the figures of an instance.

use std::collections::VecDeque;

use super::nets::Dst;

/// What happened to a route of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DriftKind {
    /// It was deleted.
    Deleted,
    /// It was changed and still carries our protocol number.
    Changed,
    /// A route with this protocol number took its place.
    Taken(u8),
    /// A scan did not find it, without any notice.
    Missing,
}

/// One such event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drift {
    /// Microseconds since the daemon's start.
    pub at: u64,
    /// The route's packets.
    pub dst: Dst,
    /// Its metric.
    pub metric: u32,
    /// What happened.
    pub kind: DriftKind,
}

/// The last events, and how many there were.
#[derive(Default, Debug)]
pub struct DriftLog {
    last: VecDeque<Drift>,
    total: u64,
}

impl DriftLog {
    const KEPT: usize = 64;

    /// One more.
    pub fn note(&mut self, drift: Drift) {
        if self.last.len() == Self::KEPT {
            self.last.pop_front();
        }
        self.last.push_back(drift);
        self.total += 1;
    }

    /// The last ones, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Drift> {
        self.last.iter()
    }

    /// How many there were since the start.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// The state of one kernel protocol, for `show kernel` and `wait kernel`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct KernelStatus {
    /// The kernel's table.
    pub table: u32,
    /// Routes that should stand there.
    pub wanted: usize,
    /// Those that do, as far as answers, notices and scans tell.
    pub installed: usize,
    /// Those the kernel refuses.
    pub refused: usize,
    /// Foreign routes that are known.
    pub learned: usize,
    /// Changes behind our back since the start.
    pub drift: u64,
    /// Scans since the start.
    pub scans: u32,
    /// When the last scan began, in microseconds since the daemon's start.
    pub last_scan: Option<u64>,
    /// How long it took, in microseconds.
    pub scan_took: u64,
    /// Operations that wait for the kernel to take them.
    pub waiting: usize,
    /// Operations sent and not answered yet.
    pub flying: usize,
    /// Table, exports and kernel agree, as far as they ever will: nothing is under way, refused routes count as done.
    pub settled: bool,
}
