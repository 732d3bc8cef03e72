//! Options of `protocol kernel`.

use std::sync::Arc;
use std::time::Duration;

use crate::base::NetType;
use crate::config::lower::{Block, Lowering};
use crate::config::{Draft, ProtocolConfig, ProtocolOptions, ProtocolSyntax};
use crate::syntax::ast::{Arg, Opt};

/// `kernel`: exactly one channel.
#[derive(Debug)]
pub struct Kernel;

/// What a kernel protocol is told.
#[derive(Clone, PartialEq, Debug)]
pub struct KernelOptions {
    /// Which foreign routes are taken in.
    pub learn: Learn,
    /// Foreign routes of one net with different metrics are routes of their own; otherwise the lowest metric is taken.
    pub learn_metrics: bool,
    /// Routes stay in the kernel when the protocol stops.
    pub persist: bool,
    /// How often the kernel's table is read; `None`: only at the start.
    pub scan_time: Option<Duration>,
    /// Routes found at the start are kept until graceful restart ends.
    pub graceful_restart: bool,
    /// Equal routes are merged into one with at most this many next hops.
    pub merge_paths: Option<u8>,
    /// The kernel's table.
    pub table: u32,
    /// The metric routes are installed with; 0 is the kernel's choice.
    pub metric: u32,
    /// Routes point to nexthop objects that share their next hops.
    pub nexthop_objects: bool,
    /// Receive buffer of the netlink socket in bytes.
    pub rx_buffer: Option<u32>,
}

/// Which routes of the kernel are taken in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Learn {
    /// None.
    #[default]
    Off,
    /// Those of other daemons and administrators.
    On,
    /// Those the kernel made, too.
    All,
}

crate::protocol_options!(KernelOptions {
    "learn" learn: Restart;
    "learn metrics" learn_metrics: Restart;
    "persist" persist: Quiet;
    "scan time" scan_time: Restart;
    "graceful restart" graceful_restart: Quiet;
    // Another limit is a matter of the feed; merging or not, of what the channel is offered.
    "merge paths" merge_paths: Refeed or Restart if |old: &Option<u8>, new: &Option<u8>| old.is_some() != new.is_some();
    "kernel table" table: Restart;
    "metric" metric: Restart;
    // What is fed again is written with objects, or without.
    "kernel nexthop objects" nexthop_objects: Refeed;
    "netlink rx buffer" rx_buffer: Quiet;
});

impl Default for KernelOptions {
    fn default() -> KernelOptions {
        KernelOptions {
            learn: Learn::Off,
            learn_metrics: false,
            persist: false,
            scan_time: Some(Duration::from_secs(60)),
            graceful_restart: false,
            merge_paths: None,
            table: 254,
            metric: 32,
            nexthop_objects: false,
            rx_buffer: None,
        }
    }
}

impl ProtocolSyntax for Kernel {
    fn keyword(&self) -> &'static str {
        "kernel"
    }
    fn display(&self) -> &'static str {
        "Kernel"
    }
    fn preference(&self, _net: NetType) -> u16 {
        10
    }
    fn channel_types(&self) -> &'static [NetType] {
        &[NetType::Ip4, NetType::Ip6, NetType::Ip6Sadr, NetType::Mpls]
    }
    fn one_channel(&self) -> bool {
        true
    }
    fn checks_templates(&self) -> bool {
        false
    }
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft> {
        Box::new(parent.and_then(ProtocolConfig::options::<KernelOptions>).cloned().unwrap_or_default())
    }
}

impl Draft for KernelOptions {
    fn option(&mut self, opt: &Opt, block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "learn" => match opt.args.first() {
                Some(Arg::Word("all", _)) => self.learn = Learn::All,
                _ => {
                    let mut on = false;
                    lw.set_switch(opt, &mut on);
                    self.learn = if on { Learn::On } else { Learn::Off };
                }
            },
            "learn metrics" => lw.set_switch(opt, &mut self.learn_metrics),
            "persist" => lw.set_switch(opt, &mut self.persist),
            "scan time" => {
                if let Some(seconds) = lw.expr(opt, 0) {
                    self.scan_time = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                }
            }
            "graceful restart" => lw.set_switch(opt, &mut self.graceful_restart),
            "merge paths" => self.merge_paths(opt, lw),
            "kernel table" => lw.set_expr(opt, &mut self.table),
            "metric" => lw.set_expr(opt, &mut self.metric),
            "kernel nexthop objects" => lw.set_switch(opt, &mut self.nexthop_objects),
            "netlink rx buffer" => self.rx_buffer = lw.expr(opt, 0),
            // The manual's shortest example writes channel options straight into the protocol.
            _ => return block.implied_channel(opt, NetType::Ip4, lw),
        }
        true
    }

    fn finish(
        self: Box<Self>,
        full: bool,
        block: &mut Block,
        lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        if full {
            match block.channels.first().map(|c| c.table.clone()) {
                None => lw.block_error(
                    block,
                    "Channel not specified",
                    "say which routes go to the kernel: `ipv4 { export all; };`",
                ),
                Some(table) => {
                    if let Some(other) = lw.claim("kernel", &table, &block.name) {
                        lw.block_error(
                            block,
                            format!("Kernel syncer ({other}) already attached to table {table}"),
                            "another kernel table needs a routing table of its own, fed by a pipe",
                        );
                    }
                }
            }
        }
        Arc::new(*self)
    }
}

impl KernelOptions {
    /// `merge paths [switch] [limit N]`: a limit alone switches it on.
    fn merge_paths(&mut self, opt: &Opt, lw: &mut Lowering<'_>) {
        let (mut on, mut limit, mut behind) = (true, 16, false);
        for arg in &opt.args {
            match arg {
                Arg::Word("limit", _) => behind = true,
                Arg::Expr(e) if behind => limit = lw.number(e).unwrap_or(limit),
                Arg::Expr(e) => on = lw.switch(e).unwrap_or(on),
                _ => {}
            }
        }
        match u8::try_from(limit) {
            Ok(limit @ 1..) => self.merge_paths = on.then_some(limit),
            _ => lw.error(opt.span.last, "Merge paths limit must be in range 1-255"),
        }
    }
}
