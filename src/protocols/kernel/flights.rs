//! Operations in flight: each has its own ticket, 32 bit, used again after its answer.

use super::nets::Dst;

/// What an answer will be about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flight {
    /// The wanted route of a net is added.
    Add {
        /// The net.
        id: u32,
        /// At this metric.
        metric: u32,
        /// It may stand there already.
        unsure: bool,
    },
    /// It is replaced.
    Replace {
        /// The net.
        id: u32,
        /// At this metric.
        metric: u32,
    },
    /// It is deleted.
    Delete {
        /// The net.
        id: u32,
        /// At this metric.
        metric: u32,
    },
    /// A route of ours is deleted that no net stands for.
    Orphan(Dst, u32),
    /// A foreign route is put back.
    Restore(Dst, u32),
    /// Was about a net whose number is another one's now.
    Detached(Dst, u32),
}

/// All of them.
#[derive(Default, Debug)]
pub(super) struct Flights {
    slots: Vec<Option<Flight>>,
    free: Vec<u32>,
}

impl Flights {
    /// A ticket for one more.
    pub(super) fn add(&mut self, flight: Flight) -> u64 {
        let at = match self.free.pop() {
            Some(at) => {
                self.slots[at as usize] = Some(flight);
                at
            }
            None => {
                self.slots.push(Some(flight));
                self.slots.len() as u32 - 1
            }
        };
        at.into()
    }

    /// The one with this ticket has landed.
    pub(super) fn take(&mut self, ticket: u64) -> Option<Flight> {
        let at = (ticket & 0xffff_ffff) as u32;
        let flight = self.slots.get_mut(at as usize)?.take()?;
        self.free.push(at);
        if self.free.len() == self.slots.len() {
            *self = Flights::default();
        }
        Some(flight)
    }

    /// The number of the net that an answer with this ticket will be about.
    pub(super) fn net_of(&self, ticket: u64) -> Option<u32> {
        match self.slots.get((ticket & 0xffff_ffff) as usize)? {
            Some(Flight::Add { id, .. } | Flight::Replace { id, .. } | Flight::Delete { id, .. }) => {
                Some(*id)
            }
            _ => None,
        }
    }

    /// A number is given to another net; what is in flight for the old one is none of its business.
    pub(super) fn detach(&mut self, number: u32, dst: Dst) {
        for slot in self.slots.iter_mut().flatten() {
            match *slot {
                Flight::Add { id, metric, .. } | Flight::Replace { id, metric } if id == number => {
                    *slot = Flight::Detached(dst, metric);
                }
                Flight::Delete { id, metric } if id == number => *slot = Flight::Orphan(dst, metric),
                _ => {}
            }
        }
    }

    /// A net has another number now.
    pub(super) fn renumber(&mut self, old: u32, new: u32) {
        for slot in self.slots.iter_mut().flatten() {
            match slot {
                Flight::Add { id, .. } | Flight::Replace { id, .. } | Flight::Delete { id, .. }
                    if *id == old =>
                {
                    *id = new
                }
                _ => {}
            }
        }
    }

    /// The metric of what is in flight for a net.
    pub(super) fn metric_of(&self, number: u32) -> Option<u32> {
        self.slots.iter().flatten().find_map(|flight| match *flight {
            Flight::Add { id, metric, .. }
            | Flight::Replace { id, metric }
            | Flight::Delete { id, metric } => (id == number).then_some(metric),
            _ => None,
        })
    }

    /// Whether a replacement is in flight for a net.
    pub(super) fn replaces(&self, number: u32) -> bool {
        self.slots.iter().flatten().any(|f| matches!(f, Flight::Replace { id, .. } if *id == number))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
