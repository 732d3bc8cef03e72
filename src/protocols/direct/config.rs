//! Options of `protocol direct`.

use std::sync::Arc;

use crate::base::NetType;
use crate::config::lower::{Block, Lowering};
use crate::config::{Draft, IfPatterns, ProtocolConfig, ProtocolOptions, ProtocolSyntax};
use crate::syntax::ast::Opt;

/// `direct`: a channel per family, none is legal too.
#[derive(Debug)]
pub struct Direct;

/// What a direct protocol is told.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DirectOptions {
    /// Every `interface`; without any, all interfaces count.
    pub interfaces: Vec<IfPatterns>,
    /// Interfaces without a carrier count as down.
    pub check_link: bool,
}

crate::protocol_options!(DirectOptions {
    "interface" interfaces: Restart;
    "check link" check_link: Restart;
});

impl DirectOptions {
    /// Whether an address of an interface makes a route.
    pub fn covers(&self, interface: &str, address: std::net::IpAddr, peer: Option<std::net::IpAddr>) -> bool {
        self.interfaces.is_empty()
            || self.interfaces.iter().any(|list| list.matches(interface, Some((address, peer))))
    }
}

impl ProtocolSyntax for Direct {
    fn keyword(&self) -> &'static str {
        "direct"
    }
    fn display(&self) -> &'static str {
        "Direct"
    }
    fn preference(&self, _net: NetType) -> u16 {
        240
    }
    fn channel_types(&self) -> &'static [NetType] {
        &[NetType::Ip4, NetType::Ip6, NetType::Ip6Sadr]
    }
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft> {
        Box::new(parent.and_then(ProtocolConfig::options::<DirectOptions>).cloned().unwrap_or_default())
    }
}

impl Draft for DirectOptions {
    fn option(&mut self, opt: &Opt, _block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "interface" => {
                let patterns = lw.patterns(opt, false);
                self.interfaces.push(patterns);
            }
            "check link" => lw.set_switch(opt, &mut self.check_link),
            _ => return false,
        }
        true
    }

    fn finish(
        self: Box<Self>,
        _full: bool,
        block: &mut Block,
        lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        if block.has_channel(NetType::Ip6) && block.has_channel(NetType::Ip6Sadr) {
            lw.block_error(block, "Both ipv6 and ipv6-sadr channels", "");
        }
        Arc::new(*self)
    }
}
