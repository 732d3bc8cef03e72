//! Which object each route stands on. 8 bytes a net, where objects are used at all.

use hashbrown::{HashMap, HashSet};
use rustc_hash::{FxBuildHasher, FxHashSet};

use crate::sys::nexthops::Via;

/// By number of the net; every entry [holds](Via::hold) its object.
#[derive(Default, Debug)]
pub struct Uses {
    /// What the route stands on, as far as is known.
    at: Vec<Option<Via>>,
    /// What it will stand on if the operation in flight is carried out.
    next: HashMap<u32, Option<Via>, FxBuildHasher>,
}

impl Uses {
    /// What the route of a net stands on.
    pub fn at(&self, id: u32) -> Option<&Via> {
        self.at.get(id as usize)?.as_ref()
    }

    /// A route is being written, to stand on this.
    pub fn sent(&mut self, id: u32, via: Option<&Via>) {
        if via.is_none() && self.at(id).is_none() && self.next.is_empty() {
            return;
        }
        if let Some(via) = via {
            via.hold(1);
        }
        if let Some(old) = self.next.insert(id, via.cloned()).flatten() {
            old.release(1);
        }
    }

    /// What was written was carried out, or refused. `unknown`: perhaps neither.
    pub fn landed(&mut self, id: u32, done: bool, unknown: bool) {
        if self.next.is_empty() {
            return;
        }
        match self.next.remove(&id) {
            Some(via) if done => self.set(id, via),
            Some(Some(via)) => {
                if unknown {
                    via.lend();
                }
                via.release(1);
            }
            _ => {}
        }
    }

    /// A scan has seen the route on this.
    pub fn seen(&mut self, id: u32, via: Option<&Via>) {
        if self.at(id) == via {
            return;
        }
        if let Some(via) = via {
            via.hold(1);
        }
        self.set(id, via.cloned());
    }

    /// The route is not there any more.
    pub fn gone(&mut self, id: u32) {
        if self.at(id).is_some() {
            self.set(id, None);
        }
    }

    /// The route is nobody's any more, and perhaps still there.
    pub fn left(&mut self, id: u32) {
        if let Some(via) = self.at(id) {
            via.lend();
            self.set(id, None);
        }
    }

    /// The number goes to another net.
    pub fn evict(&mut self, id: u32) {
        self.gone(id);
        self.landed(id, false, false);
    }

    /// The net has another number now.
    pub fn renumber(&mut self, old: u32, new: u32) {
        let at = self.at.get_mut(old as usize).and_then(Option::take);
        if at.is_some() || self.at(new).is_some() {
            self.set(new, at);
        }
        if let Some(next) = self.next.remove(&old)
            && let Some(Some(lost)) = self.next.insert(new, next)
        {
            lost.release(1);
        }
    }

    /// The object of one set became that of another.
    pub fn moved(&mut self, ids: &[u32], from: &Via, to: &Via) {
        let mut count = 0;
        for id in ids {
            if let Some(Some(at)) = self.at.get_mut(*id as usize)
                && at == from
            {
                *at = to.clone();
                count += 1;
            }
        }
        to.hold(count);
        from.release(count);
    }

    /// All nets whose routes stand on an object.
    pub fn all(&self) -> impl Iterator<Item = (u32, &Via)> {
        self.at.iter().zip(0..).filter_map(|(via, id)| Some((id, via.as_ref()?)))
    }

    /// The nets that stand on any of these, or may.
    #[allow(clippy::mutable_key_type, reason = "its identity is hashed")]
    pub fn on(&self, list: &[Via]) -> Vec<u32> {
        let list: FxHashSet<&Via> = list.iter().collect();
        let mut found: Vec<u32> = self
            .at
            .iter()
            .enumerate()
            .filter(|(_, via)| via.as_ref().is_some_and(|via| list.contains(via)))
            .map(|(id, _)| id as u32)
            .collect();
        let flying = self.next.iter().filter(|(_, via)| via.as_ref().is_some_and(|via| list.contains(via)));
        found.extend(flying.map(|(id, _)| *id));
        found
    }

    /// How many objects there are in use, and members of groups.
    pub fn objects(&self) -> usize {
        let mut seen: HashSet<&Via, FxBuildHasher> = HashSet::default();
        let mut last = None;
        for via in self.at.iter().flatten() {
            if last != Some(via) {
                seen.insert(via);
                last = Some(via);
            }
        }
        let members: Vec<&Via> = seen.iter().flat_map(|via| via.parts()).collect();
        seen.extend(members);
        seen.len()
    }

    fn set(&mut self, id: u32, via: Option<Via>) {
        let at = id as usize;
        if at >= self.at.len() {
            self.at.resize(at + 1, None);
        }
        if let Some(old) = std::mem::replace(&mut self.at[at], via) {
            old.release(1);
        }
    }
}

/// Routes that stay in the kernel stay on their objects, though nobody holds them.
impl Drop for Uses {
    fn drop(&mut self) {
        let next = self.next.values().flatten();
        for via in self.at.iter().flatten().chain(next) {
            via.lend();
            via.release(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::base::NextHop;
    use crate::sys::fake::FakeKernel;
    use crate::sys::kernel::Family;

    #[test]
    fn every_use_is_counted_once() {
        let kernel = FakeKernel::with_objects();
        let via = |last| {
            let hop = NextHop::new(Some([192, 0, 2, last].into()), 10);
            kernel.nexthops.get(Family::V4, &[hop.into()], None).unwrap()
        };
        let (a, b) = (via(1), via(2));
        let users = || (a.users(), b.users());
        let mut uses = Uses::default();
        uses.sent(5, Some(&a));
        assert_eq!((users(), uses.on(std::slice::from_ref(&a))), ((1, 0), vec![5]));
        uses.landed(5, true, false);
        uses.sent(5, Some(&b));
        assert_eq!(users(), (1, 1));
        uses.landed(5, false, false);
        uses.seen(5, Some(&a));
        assert_eq!(users(), (1, 0));
        uses.renumber(5, 7);
        assert_eq!((uses.at(5), uses.at(7)), (None, Some(&a)));
        uses.moved(&[3, 7], &a, &b);
        assert_eq!(users(), (0, 1));
        uses.sent(7, None);
        uses.landed(7, true, false);
        assert_eq!(users(), (0, 0));
        uses.sent(1, Some(&a));
        uses.evict(1);
        uses.seen(2, Some(&b));
        drop(uses);
        assert_eq!(users(), (0, 0));
    }
}
