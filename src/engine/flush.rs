//! Taking the routes of a channel that goes down out of its table. In pieces, so that a million routes stall nobody.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use super::core::Core;
use super::engine::{Engine, Slice};
use crate::base::{ChannelId, ProtoId};
use crate::table::Source;

/// Pages of 256 nets looked at in one turn.
const PAGES: usize = 8;

/// While there is more to ask, pieces are so far apart, in microseconds: whoever never stops asking delays a
/// flush, but does not stop it.
const PATIENCE: u64 = 20_000;

/// The protocols whose routes are being taken out.
#[derive(Default, Debug)]
pub(super) struct Flushers {
    pub(super) list: VecDeque<ProtoId>,
    /// When the next piece is due although there is more to ask, in microseconds since the start.
    next: u64,
    /// Waiting for that.
    held: bool,
}

impl Flushers {
    /// Whether nothing is to be done now.
    pub(super) fn rest(&self) -> bool {
        self.list.is_empty() || self.held
    }

    /// When there is something to do without being woken.
    pub(super) fn due(&self) -> Option<u64> {
        (self.held && !self.list.is_empty()).then_some(self.next)
    }
}

impl Engine {
    /// One piece of every flush under way, unless somebody has more to ask.
    pub(super) fn flushes(&mut self) {
        if self.flushers.list.is_empty() {
            return;
        }
        let (now, attended) = (self.core.now_us(), self.attention.load(Ordering::Relaxed) > 0);
        self.flushers.held = attended && !self.core.shutting_down && now < self.flushers.next;
        if self.flushers.held {
            return;
        }
        let slice = Slice::new();
        for _ in 0..self.flushers.list.len() {
            let Some(id) = self.flushers.list.pop_front() else { break };
            if self.flush_piece(id) {
                self.flushers.list.push_back(id);
            }
            if slice.is_over() {
                break;
            }
        }
        self.flushers.next = self.core.now_us() + PATIENCE;
    }
}

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
