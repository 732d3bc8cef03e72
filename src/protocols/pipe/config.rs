//! Options of `protocol pipe`.

use std::sync::Arc;

use crate::base::NetType;
use crate::config::lower::{Block, Lowering};
use crate::config::{ChannelConfig, Draft, FilterRef, ProtocolConfig, ProtocolOptions, ProtocolSyntax};
use crate::syntax::ast::Opt;

/// `pipe`: its channel options stand directly in the block.
#[derive(Debug)]
pub struct Pipe;

/// What a pipe is told. Its one channel ([`ProtocolConfig::channels`]) leads into the primary table: `export`
/// is what goes from there to the peer table, `import` what comes back.
#[derive(Clone, PartialEq, Debug)]
pub struct PipeOptions {
    /// The other table.
    pub peer_table: Arc<str>,
    /// How many pipes a route may have passed (3.x).
    pub max_generation: u8,
}

crate::protocol_options!(PipeOptions {
    "peer table" peer_table: Restart;
    "max generation" max_generation: Restart;
});

impl ProtocolSyntax for Pipe {
    fn keyword(&self) -> &'static str {
        "pipe"
    }
    fn display(&self) -> &'static str {
        "Pipe"
    }
    fn preference(&self, _net: NetType) -> u16 {
        70
    }
    fn channel_types(&self) -> &'static [NetType] {
        &[]
    }
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft> {
        Box::new(
            parent
                .and_then(ProtocolConfig::options::<PipeOptions>)
                .cloned()
                .unwrap_or(PipeOptions { peer_table: "".into(), max_generation: 16 }),
        )
    }
}

impl Draft for PipeOptions {
    fn begin(&mut self, block: &mut Block, _lw: &mut Lowering<'_>) {
        if block.channels.is_empty() {
            // The type follows the table.
            let mut channel = ChannelConfig::new(NetType::Ip4.name(), NetType::Ip4, 0, block.debug());
            channel.export = FilterRef::accept();
            block.channels.push(channel);
        }
    }

    fn option(&mut self, opt: &Opt, block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "peer table" => {
                if let Some(table) = lw.table_name(opt, 0) {
                    self.peer_table = table.name.clone();
                }
            }
            "max generation" => {
                if let Some(n) = lw.expr(opt, 0) {
                    match u8::try_from(n) {
                        Ok(n @ 1..=254) => self.max_generation = n,
                        _ => lw.error(
                            opt.span.last,
                            "Max generation must be in range 1..254, got ".to_owned() + &n.to_string(),
                        ),
                    }
                }
            }
            _ => return block.pipe_channel(opt, lw),
        }
        true
    }

    fn finish(
        self: Box<Self>,
        full: bool,
        block: &mut Block,
        lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        let table = block.channels.first().and_then(|c| lw.table(&c.table));
        match (table, lw.table(&self.peer_table)) {
            // Something inside was wrong already.
            _ if !full => {}
            (None, _) => lw.block_error(block, "Primary routing table not specified", ""),
            (_, None) => lw.block_error(block, "Secondary routing table not specified", ""),
            (Some(a), Some(b)) if a.name == b.name => {
                lw.block_error(block, "Primary table and peer table must be different", "");
            }
            (Some(a), Some(b)) if a.net_type != b.net_type => {
                lw.block_error(block, "Primary table and peer table must have the same type", "");
            }
            _ => {}
        }
        if full && block.channels.iter().any(|c| c.receive_limit.is_some()) {
            lw.block_error(block, "Pipe protocol does not support receive limits", "");
        }
        if full && block.channels.iter().any(|c| c.keep_filtered) {
            lw.block_error(block, "Pipe protocol prohibits keeping filtered routes", "");
        }
        let debug = block.debug();
        block.channels.iter_mut().for_each(|c| c.debug = debug);
        Arc::new(*self)
    }
}
