//! Protocols as configured, and what a kind of protocol brings along to be configured.
//!
//! This floor names no protocol. A kind hands in a [`ProtocolSyntax`]: its words, its channel types, and a
//! [`Draft`] that takes the options of one block after the other. Everything all protocols share (names,
//! templates, channels, common options) is done once, in [`lower`](super::lower).

use std::any::Any;
use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::channel::ChannelConfig;
use super::lower::{Block, Lowering};
use super::masks::{DebugMask, MrtdumpMask};
use crate::base::NetType;
use crate::syntax::ast::{Opt, Routes, Tok};

/// One protocol instance, or a template.
#[derive(Clone, Debug)]
pub struct ProtocolConfig {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: &'static dyn ProtocolSyntax,
    /// `description`
    pub description: Option<Arc<str>>,
    /// `router id` of this protocol alone.
    pub router_id: Option<u32>,
    /// `hostname` of this protocol alone.
    pub hostname: Option<Arc<str>>,
    /// `disabled`
    pub disabled: bool,
    /// `debug`
    pub debug: DebugMask,
    /// `mrtdump`
    pub mrtdump: MrtdumpMask,
    /// `vrf`
    pub vrf: Vrf,
    /// `restart time` (3.x)
    pub restart_time: Option<Duration>,
    /// `thread group` (3.x)
    pub thread_group: Option<Arc<str>>,
    /// Its channels in the order of the file.
    pub channels: Vec<ChannelConfig>,
    /// What only this kind has.
    pub options: Arc<dyn ProtocolOptions>,
    /// Where it stands.
    pub place: Place,
    /// Where its options stand, inherited ones included.
    pub marks: Marks,
}

/// Where the options of a protocol stand: what a plan of changes points at.
#[derive(Clone, Debug, Default)]
pub struct Marks(Vec<Mark>);

#[derive(Clone, Debug)]
struct Mark {
    /// The channel; empty for options of the protocol itself.
    channel: &'static str,
    option: &'static str,
    place: Place,
}

impl Marks {
    /// Notes an option; of two places the later one counts.
    pub fn note(&mut self, channel: &'static str, option: &'static str, place: Place) {
        match self.0.iter_mut().find(|m| (m.channel, m.option) == (channel, option)) {
            Some(mark) => mark.place = place,
            None => self.0.push(Mark { channel, option, place }),
        }
    }

    /// Whether a channel has a block of its own; options of others stand in the protocol.
    pub fn has_block(&self, channel: &str) -> bool {
        self.find_in(channel, "").is_some()
    }

    fn find_in(&self, channel: &str, option: &str) -> Option<&Place> {
        self.0.iter().find(|m| m.channel == channel && m.option == option).map(|m| &m.place)
    }

    /// Where an option of a channel (or, with an empty name, of the protocol) stands. Options of an implied
    /// channel stand in the protocol.
    pub fn find(&self, channel: &str, option: &str) -> Option<&Place> {
        self.find_in(channel, option).or_else(|| self.find_in("", option))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// What a changed option asks of a running protocol. The order is that of the harm done.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Effect {
    /// Taken over in place.
    Quiet,
    /// Routes are imported again.
    Reload,
    /// Routes are exported again.
    Refeed,
    /// The protocol must stop and start.
    Restart,
}

/// A line of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// The file as opened.
    pub file: Arc<PathBuf>,
    /// The line, from 1.
    pub line: u32,
}

/// The routing domain a protocol is bound to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Vrf {
    /// Not bound.
    #[default]
    Any,
    /// `vrf default`: interfaces of no VRF.
    Default,
    /// The VRF device of this name.
    Named(Arc<str>),
}

/// The options that only one kind of protocol has.
pub trait ProtocolOptions: Any + Debug + Send + Sync {
    /// The options that differ in `new`, by their words, and what each asks of a running instance. This is
    /// where it is decided; the instance is only given what it can take. The places in the file do not count.
    fn changes(&self, new: &dyn ProtocolOptions) -> Vec<(&'static str, Effect)>;
    /// For the kind to get its own type back.
    fn as_any(&self) -> &dyn Any;

    /// Bytes beyond the options' own size, estimated: what `show memory` counts for long lists.
    fn memory(&self) -> usize {
        0
    }
}

/// Implements [`ProtocolOptions`] for a struct: a row for each field with the words of the option and the
/// [`Effect`] of its change, `or Restart if f` where `f(&old, &new)` makes it worse. A field without a row
/// does not compile.
#[macro_export]
macro_rules! protocol_options {
    ($type:ident { $($option:literal $field:ident: $effect:ident $(or $worse:ident if $when:expr)?;)* }) => {
        impl $crate::config::ProtocolOptions for $type {
            fn changes(
                &self,
                new: &dyn $crate::config::ProtocolOptions,
            ) -> Vec<(&'static str, $crate::config::Effect)> {
                let Some(new) = new.as_any().downcast_ref::<Self>() else {
                    return vec![("protocol", $crate::config::Effect::Restart)];
                };
                let Self { $($field),* } = self;
                let mut changes = Vec::new();
                $(if *$field != new.$field {
                    let effect = $crate::config::Effect::$effect;
                    $(let effect = if ($when)($field, &new.$field) { $crate::config::Effect::$worse } else { effect };)?
                    changes.push(($option, effect));
                })*
                changes
            }
            fn as_any(&self) -> &dyn ::std::any::Any {
                self
            }
        }
    };
}

impl ProtocolConfig {
    /// The options of this protocol's kind, if `T` is their type.
    pub fn options<T: 'static>(&self) -> Option<&T> {
        self.options.as_any().downcast_ref()
    }

    /// The channel of this name.
    pub fn channel(&self, name: &str) -> Option<&ChannelConfig> {
        self.channels.iter().find(|c| c.name == name)
    }
}

/// A kind of protocol, as far as the configuration is concerned.
pub trait ProtocolSyntax: Debug + Send + Sync {
    /// The word of the configuration, `static`; names made up for nameless protocols start with it.
    fn keyword(&self) -> &'static str;

    /// The name in `show protocols`, `Static`.
    fn display(&self) -> &'static str;

    /// The preference of routes imported through a channel of this type.
    fn preference(&self, net: NetType) -> u16;

    /// The types of channels the kind takes.
    fn channel_types(&self) -> &'static [NetType];

    /// Whether only one channel (besides `mpls`) is possible: a second type is then `Different channel type`.
    fn one_channel(&self) -> bool {
        false
    }

    /// Whether an `mpls` channel may stand beside the main one, for the labels of its routes.
    fn takes_labels(&self) -> bool {
        false
    }

    /// Whether labels are written into the configuration, so that `label policy static` is the default.
    fn static_labels(&self) -> bool {
        false
    }

    /// Whether `from NAME` is possible.
    fn inheritable(&self) -> bool {
        true
    }

    /// Whether a `template` is checked at its end like a protocol.
    fn checks_templates(&self) -> bool {
        true
    }

    /// What may be wrong with another protocol of this kind as soon as the kind's word is read.
    fn open(&self, _lw: &mut Lowering<'_>, _at: Tok) {}

    /// A draft for one block, starting with the options of the protocol or template it inherits from.
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft>;
}

/// The options of one block while it is read.
pub trait Draft {
    /// Looks at the empty block: name, inherited channels and common options are there.
    fn begin(&mut self, _block: &mut Block, _lw: &mut Lowering<'_>) {}

    /// Takes an option that is not common to all protocols. Gives `false` back for one it does not know.
    fn option(&mut self, opt: &Opt, block: &mut Block, lw: &mut Lowering<'_>) -> bool;

    /// Takes routes.
    fn routes(&mut self, _routes: Routes, _block: &mut Block, _lw: &mut Lowering<'_>) {}

    /// The checks of the finished block. `full` is false for a template that is not checked.
    fn finish(
        self: Box<Self>,
        full: bool,
        block: &mut Block,
        lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions>;
}
