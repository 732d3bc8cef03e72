//! Settings of the daemon as a whole: identity, logs, sockets, times.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::masks::{DebugMask, LatencyMask, LogMask, MrtdumpMask};
use super::pattern::IfPatterns;
pub use crate::base::time::{Fraction, TimeFormat, TimeFormats};

/// Where the router id comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum RouterIdConfig {
    /// `router id 0` or nothing: the lowest address of the interfaces.
    #[default]
    Auto,
    /// A number or an IPv4 address.
    Fixed(u32),
    /// `router id from ...`: the lowest address that matches.
    From(IfPatterns),
}

/// One `log` statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// Where to.
    pub target: LogTarget,
    /// Which classes.
    pub mask: LogMask,
    /// Where it stands: `FILE:LINE:COL`.
    pub place: String,
}

/// Where log messages go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LogTarget {
    /// A file, appended to.
    File {
        /// Its path.
        path: PathBuf,
        /// Beyond this many bytes the file is renamed to the second path and started anew.
        rotate: Option<(u32, PathBuf)>,
    },
    /// A file of fixed size, written as a ring (3.x).
    Ring {
        /// Its path.
        path: PathBuf,
        /// Its size in bytes.
        size: u32,
    },
    /// Standard error.
    Stderr,
    /// The local syslog, under this name if one is given.
    Syslog(Option<Arc<str>>),
    /// A remote syslog.
    Udp {
        /// Name or address.
        host: Host,
        /// Port, 514 unless written.
        port: u16,
    },
}

/// A host given by name or by address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Host {
    /// To be resolved.
    Name(Arc<str>),
    /// As it is.
    Ip(IpAddr),
}

/// An extra control socket (`cli "PATH" { ... }`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CliSocket {
    /// Its path.
    pub path: PathBuf,
    /// Sessions start restricted.
    pub restricted: bool,
    /// Attributes under their names of BIRD 2 (3.x).
    pub v2_attributes: bool,
}

/// `debug latency`, `debug commands`, watchdog and the like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DebugConfig {
    /// `debug commands N`: log commands of the shell.
    pub commands: u32,
    /// `debug latency`
    pub latency: LatencyMask,
    /// `debug latency limit`
    pub latency_limit: Duration,
    /// `debug show route` (3.x)
    pub show_route: DebugMask,
    /// `watchdog warning`
    pub watchdog_warning: Duration,
    /// `watchdog timeout`, whole seconds
    pub watchdog_timeout: Option<Duration>,
}

impl Default for DebugConfig {
    fn default() -> DebugConfig {
        DebugConfig {
            commands: 0,
            latency: LatencyMask::OFF,
            latency_limit: Duration::from_secs(1),
            show_route: DebugMask::OFF,
            watchdog_warning: Duration::from_secs(5),
            watchdog_timeout: None,
        }
    }
}

/// `mrtdump`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MrtdumpConfig {
    /// The file.
    pub file: Option<PathBuf>,
    /// The default of protocols.
    pub protocols: MrtdumpMask,
}

/// A group of worker threads (3.x).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadGroup {
    /// Its name.
    pub name: Arc<str>,
    /// How many threads.
    pub threads: u32,
    /// The longest a task may run.
    pub max_time: Duration,
    /// The shortest slice of a task.
    pub min_time: Duration,
    /// The longest a task may wait.
    pub max_latency: Duration,
    /// How long an idle thread sleeps at most.
    pub wakeup: Duration,
}

/// An MPLS domain with its label ranges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MplsDomain {
    /// Its name.
    pub name: Arc<str>,
    /// `static`, `dynamic` and the others, in the order of definition.
    pub ranges: Vec<MplsRange>,
}

/// A range of MPLS labels: `start .. start + length`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MplsRange {
    /// Its name.
    pub name: Arc<str>,
    /// The first label.
    pub start: u32,
    /// How many.
    pub length: u32,
}
