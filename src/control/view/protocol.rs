//! `show protocols [all]`.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::base::time::Moment;

/// One protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtocolView {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind with a capital: `Static`, `BGP`.
    pub kind: &'static str,
    /// The table of its main channel; `None` (`---`) for device, direct and pipe.
    pub table: Option<Arc<str>>,
    /// Where it is in its life.
    pub state: ProtocolState,
    /// Since when.
    pub since: Moment,
    /// The last column: `t1 <=> t2` for a pipe, the state of the session for others.
    pub info: String,
    /// What `all` adds.
    pub detail: Option<ProtocolDetail>,
}

/// Where a protocol is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the State column")]
pub enum ProtocolState {
    Down,
    Start,
    Up,
    Stop,
    Flush,
}

impl ProtocolState {
    /// The word of the State column.
    pub fn word(self) -> &'static str {
        match self {
            ProtocolState::Down => "down",
            ProtocolState::Start => "start",
            ProtocolState::Up => "up",
            ProtocolState::Stop => "stop",
            ProtocolState::Flush => "flush",
        }
    }
}

/// What `show protocols all` adds to a row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProtocolDetail {
    /// `description`.
    pub description: Option<Arc<str>>,
    /// The message of the last disable, enable or restart, or of a limit.
    pub message: Option<Arc<str>>,
    /// The protocol's own router id.
    pub router_id: Option<Ipv4Addr>,
    /// The configured VRF; `default` for the main one.
    pub vrf: Option<Arc<str>>,
    /// Lines of the protocol kind itself, ready to print (`BGP state: ...`).
    pub extra: Vec<String>,
    /// Its channels in the order of the configuration.
    pub channels: Vec<ChannelView>,
    /// Instead of channels: a pipe.
    pub pipe: Option<PipeView>,
}

/// One channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelView {
    /// `ipv4`, `ipv6`, ...
    pub name: Arc<str>,
    /// Where it is in its life.
    pub state: ChannelState,
    /// The table on the other side.
    pub table: Arc<str>,
    /// The preference of imported routes.
    pub preference: u32,
    /// `ACCEPT`, `REJECT`, a name or `(unnamed)`.
    pub input_filter: Arc<str>,
    /// Likewise for exports.
    pub output_filter: Arc<str>,
    /// Its part in a graceful restart.
    pub recovery: Option<RecoveryState>,
    /// `receive limit`
    pub receive_limit: Option<LimitView>,
    /// `import limit`
    pub import_limit: Option<LimitView>,
    /// `export limit`
    pub export_limit: Option<LimitView>,
    /// Numbers of routes; shown unless the channel is down.
    pub counts: RouteCounts,
    /// What passed so far; shown unless the channel is down.
    pub stats: ChannelStats,
}

/// Where a channel is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the State line")]
pub enum ChannelState {
    Down,
    Start,
    Up,
    Flushing,
}

impl ChannelState {
    /// The word of the State line.
    pub fn word(self) -> &'static str {
        match self {
            ChannelState::Down => "DOWN",
            ChannelState::Start => "START",
            ChannelState::Up => "UP",
            ChannelState::Flushing => "FLUSHING",
        }
    }
}

/// A channel's part in a graceful restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecoveryState {
    /// Its recovery is not done.
    pub pending: bool,
    /// Others wait for it.
    pub waiting: bool,
}

/// A limit in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitView {
    /// The number of routes that is still fine.
    pub count: u32,
    /// Whether it was exceeded.
    pub hit: bool,
    /// `warn`, `block`, `restart` or `disable`.
    pub action: &'static str,
}

/// How many routes a channel holds now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RouteCounts {
    /// In the table.
    pub imported: u64,
    /// Kept although rejected; `Some` only with `import keep filtered`.
    pub filtered: Option<u64>,
    /// Handed to the protocol.
    pub exported: u64,
    /// Best of their nets.
    pub preferred: u64,
}

/// What passed a channel so far. Four directions, five counters; those that make no sense are not shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ChannelStats {
    /// From the protocol.
    pub import_updates: Flow,
    /// From the protocol; nothing is filtered here.
    pub import_withdraws: Flow,
    /// To the protocol; nothing is ignored here.
    pub export_updates: Flow,
    /// To the protocol; only received and accepted.
    pub export_withdraws: Flow,
}

/// A row of counters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the headings of the table")]
pub struct Flow {
    pub received: u64,
    pub rejected: u64,
    pub filtered: u64,
    pub ignored: u64,
    pub accepted: u64,
}

/// A pipe: its two sides seen as one channel from the primary to the peer table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PipeView {
    /// The primary table.
    pub table: Arc<str>,
    /// The other one.
    pub peer_table: Arc<str>,
    /// Reading the peer table: `down`, `feed`, `up`.
    pub import_state: &'static str,
    /// Reading the primary table.
    pub export_state: &'static str,
    /// `ACCEPT`, `REJECT`, a name or `(unnamed)`.
    pub import_filter: Arc<str>,
    /// Likewise.
    pub export_filter: Arc<str>,
    /// `import limit`
    pub import_limit: Option<LimitView>,
    /// `export limit`
    pub export_limit: Option<LimitView>,
    /// Routes in the primary table that came through the pipe.
    pub imported: u64,
    /// Routes in the peer table that came through the pipe.
    pub exported: u64,
    /// Seen from the primary table; all five counters of updates count, withdraws have no filtered.
    pub stats: ChannelStats,
}
