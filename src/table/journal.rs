//! The journal: what changed, in immutable blocks that any number of consumers read at their own pace.
//!
//! A consumer holds a [`Cursor`]. Blocks that every cursor has passed are dropped. A cursor that falls more than [`Journal::HIGH_MARK`]
//! blocks behind is overrun: it is told so once, must take a snapshot and feed again, and hurts nobody else meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use super::guard::whole;
use super::{Attrs, NetId, Route, Source};
use crate::base::Net;

/// How the best route of the net changed.
#[derive(Clone, Debug)]
pub enum BestChange {
    /// It did not.
    Same,
    /// The changed route is the best one now.
    Route,
    /// Another route is; `None`: no usable route is left.
    Other(Option<Route>),
}

/// One change of one net.
#[derive(Clone, Debug)]
pub struct Change {
    /// The net's number.
    pub id: NetId,
    /// The net.
    pub net: Net,
    /// Whose route changed.
    pub source: Source,
    /// The usable route of that source now.
    pub route: Option<Route>,
    /// The attributes of that source's route before, for traces.
    pub old: Option<Arc<Attrs>>,
    /// What that means for the best route.
    pub best: BestChange,
}

impl Change {
    /// The best route after the change; `None` in the outer option when the best route did not change.
    pub fn new_best(&self) -> Option<Option<&Route>> {
        match &self.best {
            BestChange::Same => None,
            BestChange::Route => Some(self.route.as_ref()),
            BestChange::Other(route) => Some(route.as_ref()),
        }
    }
}

/// Changes that happened together, at most [`Journal::BLOCK`].
pub type Block = Arc<[Change]>;

/// A consumer's place in a journal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cursor(u32);

/// What a consumer finds.
#[derive(Clone, Debug)]
pub enum Pulled {
    /// The next block.
    Block(Block),
    /// Nothing new.
    Empty,
    /// Too far behind: blocks were lost. Said until [`Journal::skip_to_end`] is called together with a new snapshot.
    Overrun,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    next: u64,
    /// Overrun, with the place where reading stopped: numbers of nets that vanished since then still rest.
    overrun: Option<u64>,
}

/// The journal of one table.
#[derive(Debug)]
pub struct Journal {
    blocks: VecDeque<Block>,
    /// Sequence number of `blocks[0]`.
    first: u64,
    /// How many cursors that are not overrun stand before each block and, last, behind them all. Thousands of peers read one journal, so
    /// nothing that happens for each block or change may look at all cursors.
    readers: VecDeque<usize>,
    open: Vec<Change>,
    cursors: Vec<Option<Place>>,
    /// Cursors there are.
    live: usize,
    /// Of those, the overrun ones.
    overrun: usize,
}

impl Default for Journal {
    fn default() -> Journal {
        Journal {
            blocks: VecDeque::new(),
            first: 0,
            readers: VecDeque::from([0]),
            open: Vec::new(),
            cursors: Vec::new(),
            live: 0,
            overrun: 0,
        }
    }
}

impl Journal {
    /// Changes in a block.
    pub const BLOCK: usize = 256;
    /// Blocks a cursor may lag behind: a quarter of a million changes.
    pub const HIGH_MARK: usize = 1024;

    /// A new consumer, at the end: it sees what happens from now on.
    pub fn subscribe(&mut self) -> Cursor {
        self.seal();
        self.live += 1;
        let place = Some(self.enter_at_end());
        if let Some(at) = self.cursors.iter().position(Option::is_none) {
            self.cursors[at] = place;
            return Cursor(at as u32);
        }
        self.cursors.push(place);
        Cursor(self.cursors.len() as u32 - 1)
    }

    /// The consumer is gone.
    pub fn unsubscribe(&mut self, cursor: Cursor) {
        let Some(place) = self.cursors.get_mut(cursor.0 as usize).and_then(Option::take) else { return };
        self.leave(place);
        self.live -= 1;
        if self.live == 0 {
            self.open.clear();
        }
        self.trim();
    }

    /// Moves a cursor to the end: its consumer takes a snapshot right now.
    pub fn skip_to_end(&mut self, cursor: Cursor) {
        self.seal();
        let Some(place) = self.cursors.get_mut(cursor.0 as usize).and_then(Option::take) else { return };
        self.leave(place);
        self.cursors[cursor.0 as usize] = Some(self.enter_at_end());
        self.trim();
    }

    /// Appends a change, if anybody is there to read it.
    pub fn push(&mut self, change: impl FnOnce() -> Change) {
        if self.live == 0 {
            return;
        }
        self.open.push(change());
        if self.open.len() == Journal::BLOCK {
            self.seal();
        }
    }

    /// Closes the open block, so that consumers see it.
    pub fn seal(&mut self) {
        if self.open.is_empty() {
            return;
        }
        self.blocks.push_back(std::mem::take(&mut self.open).into());
        self.readers.push_back(0);
        if self.blocks.len() > Journal::HIGH_MARK {
            let keep = self.end() - Journal::HIGH_MARK as u64;
            for place in self.cursors.iter_mut().flatten() {
                if place.overrun.is_none() && place.next < keep {
                    self.readers[(place.next - self.first) as usize] -= 1;
                    place.overrun = Some(place.next);
                    self.overrun += 1;
                }
            }
        }
        self.trim();
    }

    /// The next block for a consumer, which is behind it then.
    pub fn pull(&mut self, cursor: Cursor) -> Pulled {
        let pulled = self.peek(cursor);
        if let Pulled::Block(_) = pulled {
            self.advance(cursor);
        }
        pulled
    }

    /// The next block for a consumer that will tell when it has done with it ([`Journal::advance`]).
    pub fn peek(&mut self, cursor: Cursor) -> Pulled {
        whole(|| self.look(cursor))
    }

    fn look(&mut self, cursor: Cursor) -> Pulled {
        self.seal();
        let Some(Some(place)) = self.cursors.get_mut(cursor.0 as usize) else { return Pulled::Empty };
        if place.overrun.is_some() {
            return Pulled::Overrun;
        }
        let at = (place.next - self.first) as usize;
        self.blocks.get(at).cloned().map_or(Pulled::Empty, Pulled::Block)
    }

    /// The consumer has done with the block it saw. Until then the numbers of nets that vanished in it rest.
    pub fn advance(&mut self, cursor: Cursor) {
        let end = self.end();
        let Some(Some(place)) = self.cursors.get_mut(cursor.0 as usize) else { return };
        if place.overrun.is_some() || place.next >= end {
            return;
        }
        let at = (place.next - self.first) as usize;
        place.next += 1;
        self.readers[at] -= 1;
        self.readers[at + 1] += 1;
        self.trim();
    }

    /// How many blocks a consumer has to read.
    pub fn lag(&self, cursor: Cursor) -> usize {
        match self.cursors.get(cursor.0 as usize) {
            Some(Some(place)) => (self.end() - place.next) as usize,
            _ => 0,
        }
    }

    /// Whether a consumer has something to read.
    pub fn pending(&self, cursor: Cursor) -> bool {
        match self.cursors.get(cursor.0 as usize) {
            Some(Some(place)) => place.overrun.is_some() || !self.open.is_empty() || place.next < self.end(),
            _ => false,
        }
    }

    /// The sequence number of the next block to be closed: a mark for [`passed`](Self::passed).
    pub fn mark(&self) -> u64 {
        self.end() + u64::from(!self.open.is_empty())
    }

    /// Whether every consumer has read everything before a mark.
    pub fn passed(&self, mark: u64) -> bool {
        let overrun = || self.cursors.iter().flatten().filter_map(|place| place.overrun);
        self.live == 0 || (self.first >= mark && (self.overrun == 0 || overrun().all(|at| at >= mark)))
    }

    fn end(&self) -> u64 {
        self.first + self.blocks.len() as u64
    }

    fn enter_at_end(&mut self) -> Place {
        self.readers[self.blocks.len()] += 1;
        Place { next: self.end(), overrun: None }
    }

    fn leave(&mut self, place: Place) {
        match place.overrun {
            Some(_) => self.overrun -= 1,
            None => self.readers[(place.next - self.first) as usize] -= 1,
        }
    }

    /// Drops the blocks that everybody has read.
    fn trim(&mut self) {
        while self.readers[0] == 0 && self.blocks.pop_front().is_some() {
            self.readers.pop_front();
            self.first += 1;
        }
    }
}
