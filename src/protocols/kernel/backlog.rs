//! Nets that wait for room in the kernel, by what is to be written.
//!
//! Why not one queue: the kernel keeps one copy of each body (gateway, attributes) and looks for it in a list per
//! device, the newest first. So routes in mixed order cost it a walk over half of all gateways each, a quarter of the
//! whole work with a hundred of them; and routes that follow the first one of their body cost none.
//!
//! How: a group of nets per body. A group is *opened* by its first route, and from then on drained as it fills; another
//! one is opened when those open are empty. While routes come in quickly, openings are spread over time, so that the
//! first routes of a large table do not open all groups at once; when no more come, the groups left are drained one
//! after the other. Few routes are never held: what comes slowly goes out at once.
//!
//! Within a group nets are taken at random. Tables are often in ascending order, which the kernel's trie is slowest at,
//! for deletions pathologically so.
//!
//! Deletions go before everything else: an addition of the same route under another number must come after them.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;

use crate::sys::kernel::RouteBody;

/// Microseconds between two openings while routes come in quickly, and over which it is counted how quickly they do.
const SLOT: u64 = 10_000;

/// So many routes in a slot are quick.
const QUICK: usize = 256;

/// With so many operations in flight the kernel is busy, and no reason to open another group.
const BUSY: usize = 2048;

/// Another group is opened after so many routes, whatever those open hold: nobody waits for ever.
const PATIENCE: usize = 64 * 1024;

/// Routes taken from a group before the next one has its turn.
const TURN: usize = 1024;

/// More different bodies than this are not worth the memory.
const GROUPS_MAX: usize = 4096;

/// So few nets are taken in the order they came.
const FEW: usize = 64;

/// Numbers of nets, each once or more; what a number means is looked up when it is taken.
#[derive(Debug)]
pub(super) struct Backlog {
    grouped: bool,
    deletions: Vec<u32>,
    /// Those without a group.
    others: Vec<u32>,
    groups: Vec<Group>,
    /// By address of the body, which the group keeps alive.
    by_body: HashMap<usize, u32, FxBuildHasher>,
    /// Groups that are open and not empty.
    open: VecDeque<u32>,
    /// Groups that are to be opened, the oldest first.
    closed: VecDeque<u32>,
    len: usize,
    /// Taken from the first open group since it came first, and from all since the last opening.
    turn: usize,
    taken: usize,
    opened_at: u64,
    slot_end: u64,
    pushed: usize,
    quick: bool,
    chance: u32,
}

#[derive(Debug)]
struct Group {
    _body: Arc<RouteBody>,
    ids: Vec<u32>,
    opened: bool,
}

impl Backlog {
    /// An empty one. Without `grouped` additions are taken in any order.
    pub(super) fn new(grouped: bool) -> Backlog {
        Backlog {
            grouped,
            deletions: Vec::new(),
            others: Vec::new(),
            groups: Vec::new(),
            by_body: HashMap::default(),
            open: VecDeque::new(),
            closed: VecDeque::new(),
            len: 0,
            turn: 0,
            taken: 0,
            opened_at: 0,
            slot_end: 0,
            pushed: 0,
            quick: false,
            chance: 0x9e37_79b9,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Backlog::new(self.grouped);
    }

    /// A net is to be written with this body, or deleted.
    pub(super) fn push(&mut self, id: u32, body: Option<&Arc<RouteBody>>) {
        self.len += 1;
        match body {
            None => self.deletions.push(id),
            Some(body) if self.grouped => self.push_grouped(id, body),
            Some(_) => self.others.push(id),
        }
    }

    fn push_grouped(&mut self, id: u32, body: &Arc<RouteBody>) {
        let address = Arc::as_ptr(body).addr();
        let number = match self.by_body.get(&address) {
            Some(number) => *number,
            None if self.groups.len() == GROUPS_MAX => return self.others.push(id),
            None => {
                let number = self.groups.len() as u32;
                self.groups.push(Group { _body: Arc::clone(body), ids: Vec::new(), opened: false });
                self.by_body.insert(address, number);
                number
            }
        };
        self.pushed += 1;
        let group = &mut self.groups[number as usize];
        if group.ids.is_empty() {
            if group.opened { self.open.push_back(number) } else { self.closed.push_back(number) }
        }
        group.ids.push(id);
    }

    /// Call before the first [`pop`](Self::pop) of a round: it is so late now, in microseconds.
    pub(super) fn tick(&mut self, now: u64) {
        if now >= self.slot_end {
            self.quick = self.pushed >= QUICK;
            self.pushed = 0;
            self.slot_end = now + SLOT;
        }
        if self.len == 0 && !self.quick && !self.groups.is_empty() {
            self.clear();
        }
    }

    /// The next one, with so many operations in flight. `None`: there is none, or those left are held for a moment.
    pub(super) fn pop(&mut self, now: u64, flying: usize) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        self.chance = self.chance.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        let chance = self.chance;
        let first = take(&mut self.deletions, chance).or_else(|| take(&mut self.others, chance));
        let id = first.or_else(|| self.pop_grouped(now, flying, chance))?;
        self.len -= 1;
        Some(id)
    }

    fn pop_grouped(&mut self, now: u64, flying: usize, chance: u32) -> Option<u32> {
        let hungry = || !self.quick || flying < BUSY && now >= self.opened_at + SLOT;
        if (self.open.is_empty() && hungry() || self.taken >= PATIENCE)
            && let Some(number) = self.closed.pop_front()
        {
            self.groups[number as usize].opened = true;
            self.open.push_back(number);
            (self.opened_at, self.taken) = (now, 0);
        }
        let number = *self.open.front()?;
        let ids = &mut self.groups[number as usize].ids;
        let id = take(ids, chance);
        self.turn += 1;
        self.taken += 1;
        if ids.is_empty() {
            self.open.pop_front();
            self.turn = 0;
        } else if self.turn == TURN {
            self.open.rotate_left(1);
            self.turn = 0;
        }
        id
    }
}

/// Takes any of many, the first of few. An empty list gives its memory back.
fn take(ids: &mut Vec<u32>, chance: u32) -> Option<u32> {
    match ids.len() {
        0 => None,
        1 => std::mem::take(ids).pop(),
        len if len <= FEW => Some(ids.remove(0)),
        // The upper bits of the product are those that are random.
        len => Some(ids.swap_remove(((u64::from(chance) * len as u64) >> 32) as usize)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::base::NextHop;
    use crate::sys::kernel::RouteKind;

    fn bodies(count: u8) -> Vec<Arc<RouteBody>> {
        let hop = |gateway: u8| NextHop::new(Some([192, 0, 2, gateway].into()), 1);
        (0..count).map(|i| Arc::new(RouteBody::new(RouteKind::Unicast, [hop(i)]))).collect()
    }

    /// How often the body changes from one route to the next, and how many bodies stand in what was taken.
    fn changes(ids: &[u32], bodies: usize) -> usize {
        ids.windows(2).filter(|pair| pair[0] as usize % bodies != pair[1] as usize % bodies).count()
    }

    fn drain(backlog: &mut Backlog, now: u64) -> Vec<u32> {
        backlog.tick(now);
        std::iter::from_fn(|| backlog.pop(now, 0)).collect()
    }

    #[test]
    fn few_routes_go_out_at_once_in_their_order() {
        let (mut backlog, bodies) = (Backlog::new(true), bodies(3));
        for id in 0..9 {
            backlog.push(id, bodies.get(id as usize % 4));
        }
        assert_eq!(drain(&mut backlog, 5), [3, 7, 0, 4, 8, 1, 5, 2, 6], "deletions first");
        assert_eq!(backlog.len(), 0);
    }

    #[test]
    fn a_large_table_that_comes_quickly_goes_group_by_group() {
        let (mut backlog, bodies) = (Backlog::new(true), bodies(50));
        let (mut taken, mut now) = (Vec::new(), 0);
        for id in 0..20_000u32 {
            backlog.push(id, Some(&bodies[id as usize % 50]));
            if id % 1000 == 999 {
                now += 1000;
                taken.extend(drain(&mut backlog, now));
            }
        }
        // 20 ms: two groups were opened, and sent as they came.
        assert!(taken.len() < 2_000 && !taken.is_empty(), "{}", taken.len());
        assert!(drain(&mut backlog, now + SLOT).len() > 300, "still counted as quick");
        now += 2 * SLOT;
        let rest = drain(&mut backlog, now);
        assert_eq!(changes(&rest, 50), 46, "each of the other groups once");
        assert_eq!(backlog.len(), 0);
        taken.extend(&rest);
        backlog.tick(now + 2 * SLOT);
        assert!(backlog.groups.is_empty());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (mut backlog, bodies) = (Backlog::new(true), bodies(2));
        backlog.push(0, Some(&bodies[0]));
        assert_eq!(drain(&mut backlog, 0), [0]);
        backlog.push(1, Some(&bodies[1]));
        let mut rounds = 0;
        loop {
            for _ in 0..QUICK {
                backlog.push(2, Some(&bodies[0]));
            }
            backlog.tick(0);
            let popped: Vec<u32> = (0..QUICK).filter_map(|_| backlog.pop(0, BUSY)).collect();
            if popped.contains(&1) {
                break;
            }
            rounds += 1;
        }
        assert!(rounds <= PATIENCE / QUICK + 2 * TURN / QUICK, "{rounds}");
    }

    #[test]
    fn many_are_taken_in_no_order_and_each_once() {
        let (mut backlog, bodies) = (Backlog::new(false), bodies(1));
        for id in 0..10_000 {
            backlog.push(id, bodies.first().filter(|_| id % 2 == 0));
        }
        let mut ids = drain(&mut backlog, 0);
        let ascents = ids.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((4_000..6_000).contains(&ascents), "{ascents}");
        assert!(ids[..5_000].iter().all(|id| id % 2 == 1));
        ids.sort_unstable();
        assert!(ids.into_iter().eq(0..10_000));
    }

    #[test]
    fn more_bodies_than_groups() {
        let mut backlog = Backlog::new(true);
        for id in 0..GROUPS_MAX as u32 + 100 {
            let body = RouteBody { realm: id, ..RouteBody::new(RouteKind::Blackhole, []) };
            backlog.push(id, Some(&Arc::new(body)));
        }
        backlog.tick(0);
        backlog.tick(SLOT);
        assert_eq!(std::iter::from_fn(|| backlog.pop(SLOT, 0)).count(), GROUPS_MAX + 100);
    }
}
