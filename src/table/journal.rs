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
#[derive(Default, Debug)]
pub struct Journal {
    blocks: VecDeque<Block>,
    /// Sequence number of `blocks[0]`.
    first: u64,
    open: Vec<Change>,
    cursors: Vec<Option<Place>>,
}

impl Journal {
    /// Changes in a block.
    pub const BLOCK: usize = 256;
    /// Blocks a cursor may lag behind: a quarter of a million changes.
    pub const HIGH_MARK: usize = 1024;

    /// A new consumer, at the end: it sees what happens from now on.
    pub fn subscribe(&mut self) -> Cursor {
        self.seal();
        let place = Some(Place { next: self.end(), overrun: None });
        if let Some(at) = self.cursors.iter().position(Option::is_none) {
            self.cursors[at] = place;
            return Cursor(at as u32);
        }
        self.cursors.push(place);
        Cursor(self.cursors.len() as u32 - 1)
    }

    /// The consumer is gone.
    pub fn unsubscribe(&mut self, cursor: Cursor) {
        if let Some(place) = self.cursors.get_mut(cursor.0 as usize) {
            *place = None;
        }
        self.trim();
    }

    /// Moves a cursor to the end: its consumer takes a snapshot right now.
    pub fn skip_to_end(&mut self, cursor: Cursor) {
        self.seal();
        let end = self.end();
        if let Some(Some(place)) = self.cursors.get_mut(cursor.0 as usize) {
            *place = Place { next: end, overrun: None };
        }
        self.trim();
    }

    /// Appends a change, if anybody is there to read it.
    pub fn push(&mut self, change: impl FnOnce() -> Change) {
        if self.cursors.iter().all(Option::is_none) {
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
        if self.blocks.len() > Journal::HIGH_MARK {
            let (end, keep) = (self.end(), self.end() - Journal::HIGH_MARK as u64);
            for place in self.cursors.iter_mut().flatten().filter(|p| p.next < keep) {
                *place = Place { next: end, overrun: Some(place.overrun.unwrap_or(place.next)) };
            }
            self.trim();
        }
    }

    /// The next block for a consumer.
    pub fn pull(&mut self, cursor: Cursor) -> Pulled {
        whole(|| self.take(cursor))
    }

    fn take(&mut self, cursor: Cursor) -> Pulled {
        self.seal();
        let Some(Some(place)) = self.cursors.get_mut(cursor.0 as usize) else { return Pulled::Empty };
        if place.overrun.is_some() {
            return Pulled::Overrun;
        }
        match self.blocks.get((place.next - self.first) as usize) {
            None => Pulled::Empty,
            Some(block) => {
                let block = block.clone();
                place.next += 1;
                self.trim();
                Pulled::Block(block)
            }
        }
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
        self.cursors.iter().flatten().all(|place| place.overrun.unwrap_or(place.next) >= mark)
    }

    fn end(&self) -> u64 {
        self.first + self.blocks.len() as u64
    }

    fn trim(&mut self) {
        let low = self.cursors.iter().flatten().map(|p| p.next).min().unwrap_or(self.end());
        while self.first < low && self.blocks.pop_front().is_some() {
            self.first += 1;
        }
    }
}
