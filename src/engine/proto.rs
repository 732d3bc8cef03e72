//! A protocol at run time, around its instance.

use std::sync::Arc;

use super::api::{DownReason, ProtoState};
use crate::base::{ChannelId, ProtoId};
use crate::config::ProtocolConfig;

/// What is to become of a protocol once it is down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Goal {
    /// Stay down.
    Down,
    /// Be up.
    #[default]
    Up,
    /// Vanish.
    Gone,
}

/// A protocol.
#[derive(Debug)]
pub struct Proto {
    /// Its number.
    pub id: ProtoId,
    /// Its name.
    pub name: Arc<str>,
    /// As configured. Of a protocol that is being restarted by a reconfiguration, already the new one.
    pub config: Arc<ProtocolConfig>,
    /// Its state.
    pub state: ProtoState,
    /// Stopped by itself already; its routes are still being taken out of the tables.
    pub flushing: bool,
    /// Disabled by the operator, a limit or the configuration.
    pub disabled: bool,
    /// Microseconds since the daemon's start when `state` last changed.
    pub since: u64,
    /// The operator's message of the last disable, enable or restart.
    pub message: Option<Arc<str>>,
    /// Its channels in the order of the configuration.
    pub channels: Vec<ChannelId>,
    /// Flags of `debug`, as configured or as set by the shell.
    pub debug: crate::config::DebugMask,
    /// Flags of `mrtdump`.
    pub mrtdump: crate::config::MrtdumpMask,
    pub(super) goal: Goal,
    /// Has its place in the order of the configuration.
    pub(super) listed: bool,
    /// In the queue of those that have work to do.
    pub(super) working: bool,
    /// Why it is stopping.
    pub(super) reason: DownReason,
    /// The instance has said that it is done.
    pub(super) stopped: bool,
    /// Flushing: the channel under work and the page to go on with.
    pub(super) flush: (usize, usize),
    /// A reconfiguration waits until this one is down.
    pub(super) obstacle: bool,
    /// A new configuration to start with, once down.
    pub(super) next: Option<Arc<ProtocolConfig>>,
}

impl Proto {
    pub(super) fn new(id: ProtoId, config: Arc<ProtocolConfig>, now: u64) -> Proto {
        Proto {
            id,
            name: config.name.clone(),
            state: ProtoState::Down,
            flushing: false,
            disabled: config.disabled,
            since: now,
            message: None,
            channels: Vec::new(),
            debug: config.debug,
            mrtdump: config.mrtdump,
            goal: if config.disabled { Goal::Down } else { Goal::Up },
            listed: false,
            working: false,
            reason: DownReason::Disable,
            stopped: false,
            flush: (0, 0),
            obstacle: false,
            next: None,
            config,
        }
    }

    /// The word of `show protocols`.
    pub fn state_word(&self) -> &'static str {
        match self.state {
            ProtoState::Down => "down",
            ProtoState::Start => "start",
            ProtoState::Up => "up",
            ProtoState::Stop if self.flushing => "flush",
            ProtoState::Stop => "stop",
        }
    }
}
