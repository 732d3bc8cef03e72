//! What was changed behind our back.

use std::collections::VecDeque;

use super::nets::Dst;
pub use crate::engine::report::{DriftKind, KernelStatus};

/// A change behind our back.
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
    taken: u64,
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
        self.taken += u64::from(matches!(drift.kind, DriftKind::Taken(_)));
    }

    /// The last ones, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Drift> {
        self.last.iter()
    }

    /// How many there were since the start.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many of them were ours to undo.
    pub fn repaired(&self) -> u64 {
        self.total - self.taken
    }
}
