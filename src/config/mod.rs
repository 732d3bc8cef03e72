//! Floor 3: the configuration as typed, immutable data.
//!
//! Why: everything above (engine, protocols, shell) works on a [`Config`] that was checked as a whole and
//! never changes. Two of them can be compared, one can be thrown away, and nothing has happened yet when a
//! file turns out to be wrong. The same type serves the start, `configure`, `configure check` and undo.
//!
//! How: [`load()`] runs a file through the front end and hands each statement, in the order of the file, to
//! [`lower::Lowering`], which knows the names defined so far (all must stand above their use) and collects
//! errors instead of stopping at the first. Kinds of protocols are handed in as a list of [`ProtocolSyntax`];
//! this floor runs nothing and names no protocol.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::filter::{Filter, Snapshot, Symbol};

pub mod channel;
pub mod global;
pub mod load;
pub mod lower;
pub mod masks;
pub mod pattern;
pub mod protocol;
pub mod selftest;
pub mod tables;
#[cfg(test)]
mod tests;

pub use crate::filter::FilterRef;
pub use channel::{ChannelConfig, ChannelDiff, Limit, LimitAction, MplsChannel, MplsPolicy};
pub use global::{
    CliSocket, DebugConfig, Fraction, Host, LogConfig, LogTarget, MplsDomain, MplsRange, MrtdumpConfig,
    RouterIdConfig, ThreadGroup, TimeFormat, TimeFormats,
};
pub use load::{Failure, Refusal, load, load_for_tests};
pub use masks::{DebugMask, LatencyMask, LogMask, MrtdumpMask};
pub use pattern::{IfPattern, IfPatterns};
pub use protocol::{Draft, Effect, Marks, Place, ProtocolConfig, ProtocolOptions, ProtocolSyntax, Vrf};
pub use selftest::{SelfTest, SelfTestKind};
pub use tables::{Settle, TableConfig};

/// A whole configuration.
#[derive(Debug)]
pub struct Config {
    /// The file as it was named.
    pub path: PathBuf,
    /// `router id`
    pub router_id: RouterIdConfig,
    /// `hostname`
    pub hostname: Option<Arc<str>>,
    /// `graceful restart wait`
    pub gr_wait: Duration,
    /// Every `log`, in order.
    pub logs: Vec<LogConfig>,
    /// `debug latency`, `watchdog`, ...
    pub debug: DebugConfig,
    /// `mrtdump`
    pub mrtdump: MrtdumpConfig,
    /// `timeformat`
    pub time_formats: TimeFormats,
    /// Every `cli`, in order.
    pub cli_sockets: Vec<CliSocket>,
    /// `threads`
    pub threads: u32,
    /// Every `thread group`.
    pub thread_groups: Vec<Arc<ThreadGroup>>,
    /// `filter stacks` (3.x)
    pub filter_stacks: Option<(u32, u32)>,
    /// All tables: `master4`, `master6`, then the others in the order of definition.
    pub tables: Vec<Arc<TableConfig>>,
    /// MPLS domains.
    pub mpls_domains: Vec<Arc<MplsDomain>>,
    /// Protocols in the order of the file.
    pub protocols: Vec<Arc<ProtocolConfig>>,
    /// Templates in the order of the file.
    pub templates: Vec<Arc<ProtocolConfig>>,
    /// Where filters of the file are defined.
    pub filter_places: BTreeMap<Arc<str>, Place>,
    /// Every name of the file scope: what terms of the control socket may use, and what `show symbols` lists.
    pub symbols: Arc<Snapshot>,
    /// Self-tests of filters, in the order of the file.
    pub self_tests: Vec<SelfTest>,
    /// Warnings, as lines in BIRD's form.
    pub warnings: Vec<String>,
    /// What is odd, though right for BIRD: explained, for people.
    pub notes: Vec<String>,
    /// Options that were understood but have no effect yet, named at start and at `configure`.
    pub unbuilt: Vec<Unbuilt>,
}

/// What has a name in a configuration.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    /// The tables.
    pub tables: FxHashMap<&'a str, &'a Arc<TableConfig>>,
    /// The protocols.
    pub protocols: FxHashMap<&'a str, &'a Arc<ProtocolConfig>>,
}

/// An option whose effect is not built yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unbuilt {
    /// Where it stands: `FILE:LINE:COL`.
    pub place: String,
    /// Its words.
    pub option: String,
}

impl Config {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<&Arc<TableConfig>> {
        self.tables.iter().find(|t| &*t.name == name)
    }

    /// The protocol of this name.
    pub fn protocol(&self, name: &str) -> Option<&Arc<ProtocolConfig>> {
        self.protocols.iter().find(|p| &*p.name == name)
    }

    /// Tables and protocols by name, for those who look up many.
    pub fn names(&self) -> Names<'_> {
        Names {
            tables: self.tables.iter().map(|t| (&*t.name, t)).collect(),
            protocols: self.protocols.iter().map(|p| (&*p.name, p)).collect(),
        }
    }

    /// The named filters in the order of the file.
    pub fn filters(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<Filter>)> {
        self.symbols.iter().filter_map(|(name, entry)| match &entry.symbol {
            Symbol::Filter(filter) => Some((name, filter)),
            _ => None,
        })
    }

    /// The named filter.
    pub fn filter(&self, name: &str) -> Option<&Arc<Filter>> {
        match &self.symbols.get(name)?.symbol {
            Symbol::Filter(filter) => Some(filter),
            _ => None,
        }
    }
}
