//! What operators do to protocols: disable, enable, restart, reload, debug.

use std::sync::Arc;

use super::api::{DownReason, Instance, ProtoState};
use super::channel::ChannelState;
use super::engine::Engine;
use super::proto::{Goal, Proto};
use crate::base::prefix_set::PrefixSet;
use crate::base::{LogClass, ProtoId};
use crate::config::{DebugMask, MrtdumpMask};

/// An order.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// `disable`; the message replaces the old one, also when there is none.
    Disable(Option<Arc<str>>),
    /// `enable`
    Enable(Option<Arc<str>>),
    /// `restart`
    Restart(Option<Arc<str>>),
    /// `reload`
    Reload {
        /// Import filters run again.
        import: bool,
        /// Export filters run again.
        export: bool,
        /// Only on routes of these nets.
        only: Option<Arc<PrefixSet>>,
    },
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the replies of the shell")]
pub enum Outcome {
    Disabled,
    AlreadyDisabled,
    Enabled,
    AlreadyEnabled,
    Restarted,
    Reloading,
    NotUp,
    ReloadFailed,
}

impl Engine {
    /// Carries an order out on every protocol whose name fits.
    pub fn act(&mut self, act: &Action, fits: impl Fn(&str) -> bool) -> Vec<(Arc<str>, Outcome)> {
        let chosen: Vec<(ProtoId, Arc<str>)> =
            self.core.protos().filter(|p| fits(&p.name)).map(|p| (p.id, p.name.clone())).collect();
        let mut done = Vec::with_capacity(chosen.len());
        for (id, name) in chosen {
            self.announce(id, &name, act);
            done.push((name, self.act_on(id, act)));
        }
        self.settle();
        done
    }

    /// Says in the log what is about to be done, if anything is.
    fn announce(&mut self, id: ProtoId, name: &str, act: &Action) {
        let Some(proto) = self.core.proto(id) else { return };
        let verb = match act {
            Action::Disable(_) if !proto.disabled => "Disabling",
            Action::Enable(_) if proto.disabled => "Enabling",
            Action::Restart(_) if !proto.disabled => "Restarting",
            Action::Reload { .. } if !proto.disabled && proto.state == ProtoState::Up => "Reloading",
            _ => return,
        };
        self.core.log_line(LogClass::Info, format_args!("{verb} protocol {name}"));
    }

    fn act_on(&mut self, id: ProtoId, act: &Action) -> Outcome {
        let Some(proto) = self.core.proto_mut(id) else { return Outcome::NotUp };
        match act {
            Action::Disable(_) | Action::Restart(_) if proto.disabled => Outcome::AlreadyDisabled,
            Action::Enable(_) if !proto.disabled => Outcome::AlreadyEnabled,
            Action::Disable(text) => {
                proto.disabled = true;
                proto.message = text.clone();
                self.stop(id, DownReason::Disable);
                Outcome::Disabled
            }
            Action::Enable(text) => {
                proto.disabled = false;
                proto.message = text.clone();
                proto.goal = Goal::Up;
                self.start(id);
                Outcome::Enabled
            }
            Action::Restart(text) => {
                proto.message = text.clone();
                self.stop(id, DownReason::Restart);
                Outcome::Restarted
            }
            Action::Reload { .. } if proto.disabled => Outcome::AlreadyDisabled,
            Action::Reload { .. } if proto.state != ProtoState::Up => Outcome::NotUp,
            Action::Reload { import, export, only } => self.reload(id, *import, *export, only.as_ref()),
        }
    }

    fn reload(&mut self, id: ProtoId, import: bool, export: bool, only: Option<&Arc<PrefixSet>>) -> Outcome {
        let channels = self.core.proto(id).map_or_else(Vec::new, |p| p.channels.clone());
        let up: Vec<_> = channels
            .into_iter()
            .filter(|ch| self.core.channel(*ch).is_some_and(|ch| ch.state == ChannelState::Up))
            .collect();
        if import && !up.iter().all(|ch| self.reload_in(*ch, only)) {
            return Outcome::ReloadFailed;
        }
        if export {
            for channel in up {
                self.reload_out(channel, only);
            }
        }
        Outcome::Reloading
    }

    /// `debug PATTERN MASK`; how many protocols fit. Channels keep masks of their own, which add to it.
    pub fn set_debug(&mut self, mask: DebugMask, fits: impl Fn(&str) -> bool) -> usize {
        let chosen: Vec<ProtoId> = self.core.protos().filter(|p| fits(&p.name)).map(|p| p.id).collect();
        for id in &chosen {
            let Some(proto) = self.core.proto_mut(*id) else { continue };
            proto.debug = mask;
        }
        chosen.len()
    }

    /// `debug PROTOCOL.CHANNEL MASK`; whether there is such a channel.
    pub fn set_channel_debug(&mut self, proto: &str, channel: &str, mask: DebugMask) -> bool {
        let Some(ids) = self.core.proto_named(proto).map(|p| p.channels.clone()) else { return false };
        for id in ids {
            if let Some(ch) = self.core.channel_mut(id).filter(|ch| ch.config.name == channel) {
                ch.config.debug = mask;
                return true;
            }
        }
        false
    }

    /// Whether a protocol has a channel of this name. Those of a pipe have names of their own, and any will do.
    pub fn has_channel(&self, proto: &str, channel: &str) -> bool {
        let Some(proto) = self.core.proto_named(proto) else { return false };
        let mut channels = proto.channels.iter().filter_map(|id| self.core.channel(*id));
        proto.config.kind.keyword() == "pipe" || channels.any(|ch| ch.config.name == channel)
    }

    /// `mrtdump PATTERN MASK`; how many protocols fit.
    pub fn set_mrtdump(&mut self, mask: MrtdumpMask, fits: impl Fn(&str) -> bool) -> usize {
        let chosen: Vec<ProtoId> = self.core.protos().filter(|p| fits(&p.name)).map(|p| p.id).collect();
        for id in &chosen {
            if let Some(proto) = self.core.proto_mut(*id) {
                proto.mrtdump = mask;
            }
        }
        chosen.len()
    }

    /// A fresh instance of a protocol that is down, to ask what its configuration says.
    pub fn idle_instance(&self, proto: &Proto) -> Option<Box<dyn Instance>> {
        self.kind(&proto.config).map(|kind| kind.spawn(&proto.config))
    }

    /// Whether the end of the daemon was ordered.
    pub fn is_shutting_down(&self) -> bool {
        self.core.shutting_down
    }
}
