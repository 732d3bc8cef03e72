//! Taking the routes of a channel that goes down out of its table. In pieces, so that a million routes stall nobody.

use super::core::Core;
use crate::base::ChannelId;
use crate::table::Source;

/// Pages of 256 nets looked at in one turn.
const PAGES: usize = 8;

impl Core {
    /// One piece of flushing a channel; where to go on, or `None` when nothing of it is left.
    pub(super) fn flush_turn(&mut self, id: ChannelId, from: usize) -> Option<usize> {
        let table = self.channel(id)?.table;
        let mut list = Vec::new();
        let next = self.table_of(table).collect(from, PAGES, |r| r.sender == id, &mut list);
        for (net, source) in list {
            self.withdraw(id, table, &net, source);
        }
        next
    }

    /// Takes one route away without counting it as an update of the protocol.
    fn withdraw(&mut self, id: ChannelId, table: usize, net: &crate::base::Net, source: Source) {
        let Some((net_id, old)) = self.table_of(table).route_of(net, source) else { return };
        let filtered = old.filtered;
        if let Some(ch) = self.channel_mut(id) {
            let count = if filtered { &mut ch.stats.filtered } else { &mut ch.stats.imported };
            *count = count.saturating_sub(1);
        }
        self.put(id, table, Some(net_id), net, source, None);
    }
}
