//! `show status` and `configure status`.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::time::Moment;

/// The daemon as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusView {
    /// The router id in use.
    pub router_id: Ipv4Addr,
    /// The configured host name, or the system's.
    pub hostname: Arc<str>,
    /// When the daemon started.
    pub booted: Moment,
    /// When the running configuration was taken into use.
    pub reconfigured: Moment,
    /// Recovery after a graceful restart, while it goes on.
    pub recovery: Option<RecoveryView>,
    /// What it is doing.
    pub state: DaemonState,
}

/// A graceful restart's recovery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecoveryView {
    /// Channels that still recover.
    pub waiting: u32,
    /// Microseconds until nobody waits any longer.
    pub remaining: u64,
    /// `graceful restart wait`, in seconds.
    pub limit: u32,
}

/// What the daemon is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DaemonState {
    /// Nothing out of the ordinary.
    Running,
    /// A new configuration is being carried out.
    Reconfiguring {
        /// Another one waits behind it.
        queued: bool,
    },
    /// It is about to end.
    ShuttingDown,
}

/// The answer of `configure status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigStatusView {
    /// What the daemon is doing.
    pub state: DaemonState,
    /// Microseconds until an unconfirmed configuration is undone.
    pub undo_in: Option<u64>,
}

/// A thread of the daemon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreadView {
    /// Its number, as the system's tools show it.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The time it has used.
    pub cpu: Duration,
    /// `running` or `waiting`.
    pub state: &'static str,
}
