//! Channels: the door between a protocol and a table, with its policy and limits.

use std::sync::Arc;

use super::FilterRef;
use super::masks::DebugMask;
use crate::base::{Net, NetType};

/// One channel of a protocol.
#[derive(Clone, PartialEq, Debug)]
pub struct ChannelConfig {
    /// `ipv4`, `ipv6`, `ipv6-sadr`, `mpls`, ...
    pub name: &'static str,
    /// What passes through.
    pub net_type: NetType,
    /// The table on the other side.
    pub table: Arc<str>,
    /// From the protocol into the table.
    pub import: FilterRef,
    /// From the table into the protocol.
    pub export: FilterRef,
    /// Routes received from the protocol, filtered ones included.
    pub receive_limit: Option<Limit>,
    /// Routes that passed the import filter.
    pub import_limit: Option<Limit>,
    /// Routes handed to the protocol.
    pub export_limit: Option<Limit>,
    /// The preference of imported routes.
    pub preference: u16,
    /// Routes the import filter rejects stay in the table, marked.
    pub keep_filtered: bool,
    /// Changes of ROA tables that the filters look at reload the channel.
    pub rpki_reload: bool,
    /// What is logged.
    pub debug: DebugMask,
    /// Only routes inside are exported (3.x).
    pub export_in: Option<Net>,
    /// Only routes inside are imported (pipe, 3.x).
    pub import_in: Option<Net>,
    /// Settings of an `mpls` channel.
    pub mpls: Option<MplsChannel>,
    /// Line of the file where the channel stands.
    pub line: u32,
}

/// At most `count` routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// The number of routes that is still fine.
    pub count: u32,
    /// What happens beyond it.
    pub action: LimitAction,
}

/// What happens when a limit is exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the words of the language")]
pub enum LimitAction {
    Warn,
    Block,
    Restart,
    #[default]
    Disable,
}

impl LimitAction {
    /// The action of a word of the language.
    pub fn named(word: &str) -> Option<LimitAction> {
        Some(match word {
            "warn" => LimitAction::Warn,
            "block" => LimitAction::Block,
            "restart" => LimitAction::Restart,
            "disable" => LimitAction::Disable,
            _ => return None,
        })
    }

    /// The word of the language.
    pub fn word(self) -> &'static str {
        match self {
            LimitAction::Warn => "warn",
            LimitAction::Block => "block",
            LimitAction::Restart => "restart",
            LimitAction::Disable => "disable",
        }
    }
}

/// Settings of an `mpls` channel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MplsChannel {
    /// The domain labels come from.
    pub domain: Arc<str>,
    /// The range inside the domain; the one that fits the policy when absent.
    pub range: Option<Arc<str>>,
    /// How labels are given out.
    pub policy: MplsPolicy,
}

/// How labels are given to routes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs, reason = "the words of the language")]
pub enum MplsPolicy {
    Static,
    #[default]
    Prefix,
    Aggregate,
    Vrf,
}

impl MplsPolicy {
    /// The policy of a word of the language.
    pub fn named(word: &str) -> Option<MplsPolicy> {
        Some(match word {
            "static" => MplsPolicy::Static,
            "prefix" => MplsPolicy::Prefix,
            "aggregate" => MplsPolicy::Aggregate,
            "vrf" => MplsPolicy::Vrf,
            _ => return None,
        })
    }
}

/// What differs between two versions of a channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ChannelDiff {
    /// Type, table or MPLS settings: the protocol has to restart.
    pub restart: bool,
    /// The import filter, `import in` or `preference`: routes have to be imported again.
    pub import: bool,
    /// The export filter or `export in`: routes have to be exported again.
    pub export: bool,
    /// A limit.
    pub limits: bool,
    /// `import keep filtered`.
    pub keep_filtered: bool,
    /// `rpki reload` or `debug`: taken over in place.
    pub quiet: bool,
}

impl ChannelDiff {
    /// Whether nothing differs.
    pub fn is_empty(self) -> bool {
        self == ChannelDiff::default()
    }
}

impl ChannelConfig {
    /// A channel with the defaults of the language: import everything, export nothing.
    pub fn new(name: &'static str, net_type: NetType, preference: u16, debug: DebugMask) -> ChannelConfig {
        ChannelConfig {
            name,
            net_type,
            table: Arc::from(""),
            import: FilterRef::accept(),
            export: FilterRef::reject(),
            receive_limit: None,
            import_limit: None,
            export_limit: None,
            preference,
            keep_filtered: false,
            rpki_reload: true,
            debug,
            export_in: None,
            import_in: None,
            mpls: None,
            line: 0,
        }
    }

    /// What changes from `self` to `new`; the line in the file does not count.
    pub fn diff(&self, new: &ChannelConfig) -> ChannelDiff {
        ChannelDiff {
            restart: self.name != new.name
                || self.net_type != new.net_type
                || self.table != new.table
                || self.mpls != new.mpls,
            import: self.import != new.import
                || self.import_in != new.import_in
                || self.preference != new.preference,
            export: self.export != new.export || self.export_in != new.export_in,
            limits: self.receive_limit != new.receive_limit
                || self.import_limit != new.import_limit
                || self.export_limit != new.export_limit,
            keep_filtered: self.keep_filtered != new.keep_filtered,
            quiet: self.rpki_reload != new.rpki_reload || self.debug != new.debug,
        }
    }
}
