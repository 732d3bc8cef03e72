//! From statements to [`Config`](super::Config).

use std::net::IpAddr;
use std::sync::Arc;

use super::{ChannelConfig, IfPatterns, TableConfig};
use crate::base::NetType;
use crate::syntax::ast::{Opt, Tok};
use crate::syntax::diag::{Diagnostic, Diagnostics};

/// What is known while a file is lowered.
pub struct Lowering<'a> {
    diagnostics: Diagnostics,
    _kinds: &'a [&'static dyn super::ProtocolSyntax],
}

/// What all protocols share, while a block is read.
pub struct Block {
    /// The protocol's name.
    pub name: Arc<str>,
    /// Channels so far, inherited ones included.
    pub channels: Vec<ChannelConfig>,
    /// The closing brace.
    pub close: Tok,
}

#[allow(missing_docs, unused_variables, reason = "signatures for the drafts of the protocols, bodies follow")]
impl Lowering<'_> {
    pub fn error(&mut self, at: Tok, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic::error(at, message));
    }
    pub fn claim(&mut self, what: &'static str, key: &str, by: &str) -> Option<Arc<str>> {
        None
    }
    pub fn expr(&mut self, opt: &Opt, arg: usize) -> Option<u32> {
        None
    }
    pub fn ip(&mut self, opt: &Opt, arg: usize) -> Option<IpAddr> {
        None
    }
    pub fn set_expr(&mut self, opt: &Opt, to: &mut u32) {}
    pub fn set_switch(&mut self, opt: &Opt, to: &mut bool) {}
    pub fn patterns(&mut self, opt: &Opt, names_only: bool) -> IfPatterns {
        IfPatterns::default()
    }
    pub fn table_name(&mut self, opt: &Opt, arg: usize) -> Option<Arc<TableConfig>> {
        None
    }
    pub fn table(&self, name: &str) -> Option<Arc<TableConfig>> {
        None
    }
}

#[allow(missing_docs, unused_variables, reason = "signatures for the drafts of the protocols, bodies follow")]
impl Block {
    pub fn has_channel(&self, net: NetType) -> bool {
        self.channels.iter().any(|c| c.net_type == net)
    }
    pub fn implied_channel(&mut self, opt: &Opt, net: NetType, lw: &mut Lowering<'_>) -> bool {
        false
    }
    pub fn pipe_channel(&mut self, opt: &Opt, lw: &mut Lowering<'_>) -> bool {
        false
    }
}
