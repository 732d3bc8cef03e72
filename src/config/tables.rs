//! Routing tables as configured.

use std::sync::Arc;
use std::time::Duration;

use super::masks::DebugMask;
use crate::base::NetType;

/// One routing table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableConfig {
    /// Its name.
    pub name: Arc<str>,
    /// What it holds.
    pub net_type: NetType,
    /// Routes of a net are kept in order of preference, not only the best one first.
    pub sorted: bool,
    /// A longest-prefix index is kept.
    pub trie: bool,
    /// What is logged.
    pub debug: DebugMask,
    /// After how many removed nets garbage is collected.
    pub gc_threshold: u32,
    /// At most how often; `None` is derived from the number of tables.
    pub gc_period: Option<Duration>,
    /// `min settle time`, `max settle time` (2.x).
    pub settle: Settle,
    /// `export settle time` (3.x).
    pub export_settle: Settle,
    /// `route refresh export settle time` (3.x).
    pub refresh_settle: Settle,
    /// `digest settle time` (3.x).
    pub digest_settle: Settle,
    /// `cork threshold LOW HIGH` (3.x).
    pub cork: (u32, u32),
    /// `thread group` (3.x).
    pub thread_group: Option<Arc<str>>,
    /// Line of the definition, 0 for the predefined tables.
    pub line: u32,
}

/// How long changes are gathered: `min` after the last one, at most `max` after the first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settle {
    /// Quiet time.
    pub min: Duration,
    /// Longest wait.
    pub max: Duration,
}

impl Settle {
    /// From milliseconds.
    pub const fn millis(min: u64, max: u64) -> Settle {
        Settle { min: Duration::from_millis(min), max: Duration::from_millis(max) }
    }
}

impl TableConfig {
    /// A table with the defaults of the language.
    pub fn new(name: Arc<str>, net_type: NetType, debug: DebugMask) -> TableConfig {
        TableConfig {
            name,
            net_type,
            sorted: false,
            trie: false,
            debug,
            gc_threshold: 1000,
            gc_period: None,
            settle: Settle::millis(1_000, 20_000),
            export_settle: Settle::millis(1, 100),
            refresh_settle: Settle::millis(100, 3_000),
            digest_settle: Settle::millis(1_000, 20_000),
            cork: (32_768, 98_304),
            thread_group: None,
            line: 0,
        }
    }

    /// The period of garbage collection; without a setting 400 ms for every table of the daemon, within 10 to 600 s.
    pub fn gc_period(&self, tables: usize) -> Duration {
        self.gc_period.unwrap_or_else(|| {
            (Duration::from_millis(400) * tables as u32)
                .clamp(Duration::from_secs(10), Duration::from_secs(600))
        })
    }

    /// Whether only the place in the file differs.
    pub fn same(&self, other: &TableConfig) -> bool {
        self == &TableConfig { line: self.line, ..other.clone() }
    }
}

/// Whether a table of this type can have a longest-prefix index.
pub fn can_trie(net_type: NetType) -> bool {
    use NetType::*;
    matches!(net_type, Ip4 | Ip6 | Vpn4 | Vpn6 | Roa4 | Roa6 | Ip6Sadr)
}
