//! Taking routes out of tables: all of a channel that goes down, and those that a refresh did not confirm. In pieces, so that a
//! million routes stall nobody.

use super::channel::ChannelState;
use super::core::Core;
use crate::base::ChannelId;
use crate::table::{Route, Source};

/// Pages of 256 nets looked at in one turn.
const PAGES: usize = 8;

impl Core {
    /// From here on routes of the channel count as stale until they are announced again.
    pub(super) fn begin_refresh(&mut self, id: ChannelId) {
        let Some(ch) = self.channel_mut(id).filter(|c| c.state == ChannelState::Up) else { return };
        ch.refreshing = true;
        let table = ch.table;
        self.table_mut_of(table).mark_stale(id);
    }

    /// Withdraws what is still stale.
    pub(super) fn end_refresh(&mut self, id: ChannelId) {
        let Some(ch) = self.channel_mut(id).filter(|c| c.refreshing) else { return };
        ch.refreshing = false;
        let mut page = Some(0);
        while let Some(from) = page {
            page = self.remove_routes(id, from, |r| r.sender == id && r.stale);
        }
    }

    /// One piece of flushing a channel; where to go on, or `None` when nothing of it is left.
    pub(super) fn flush_turn(&mut self, id: ChannelId, from: usize) -> Option<usize> {
        self.remove_routes(id, from, |r| r.sender == id)
    }

    fn remove_routes(&mut self, id: ChannelId, from: usize, which: impl Fn(&Route) -> bool) -> Option<usize> {
        let table = self.channel(id)?.table;
        let mut list = Vec::new();
        let next = self.table_of(table).collect(from, PAGES, &which, &mut list);
        for (net, source) in list {
            self.withdraw(id, table, &net, source);
        }
        next
    }

    /// Takes one route away without counting it as an update of the protocol.
    fn withdraw(&mut self, id: ChannelId, table: usize, net: &crate::base::Net, source: Source) {
        let Some((net_id, old)) = self.table_of(table).route_of(net, source) else { return };
        let old = old.clone();
        if let Some(ch) = self.channel_mut(id) {
            let count = if old.filtered { &mut ch.stats.filtered } else { &mut ch.stats.imported };
            *count = count.saturating_sub(1);
        }
        self.put(id, table, Some(net_id), net, source, None, Some(old));
    }
}
