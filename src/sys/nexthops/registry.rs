//! The table of all objects, and which of them are ours.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::{Content, Object, ObjectKind, Store, Via};
use crate::base::{Lookup, NextHop};
use crate::sys::kernel::{Family, Hop, KernelError, PROTOCOL_BIRD};

/// Our numbers begin here: far away from those the kernel and other daemons give, and easy to recognise.
const FIRST_ID: u32 = 1_200_000_000;

/// Numbers tried for one object when others have taken them.
const ATTEMPTS: usize = 64;

/// Time between two looks at all routes for the sake of objects that may be borrowed.
const LOOK_APART: Duration = Duration::from_secs(300);

/// All objects of the kernel, and the sets of next hops that have or may have one of ours.
#[derive(Default, Debug)]
pub struct Nexthops {
    state: Mutex<State>,
    /// Grows with every change of what [`Nexthops::hops`] tells.
    generation: AtomicU64,
    supported: AtomicBool,
}

/// What goes the same way, by the same recursive next hop, shares an object.
type Key = (Content, Option<Arc<Lookup>>);

#[derive(Default, Debug)]
struct State {
    sets: FxHashMap<Key, Via>,
    /// Objects that were there before us, whose routes are not known yet.
    unclaimed: Vec<Via>,
    /// Our objects that exist.
    ours: BTreeMap<u32, Via>,
    /// Everybody's.
    objects: FxHashMap<u32, Object>,
    next: u32,
    /// Sets without an object because the kernel refused it.
    refused: Vec<Via>,
    looked: Option<Instant>,
}

/// What a comparison with the kernel has found.
#[derive(Default, Debug)]
pub struct Resynced {
    /// Objects of ours that are gone, and all routes on them.
    pub lost: Vec<Via>,
    /// Whether others added, changed or removed objects of theirs.
    pub changed: bool,
}

impl State {
    fn found(&mut self, id: u32, via: &Via) {
        via.set_id(id);
        via.set_plain(false);
        via.members().iter().for_each(|(member, _)| member.hold(1));
        self.objects.insert(id, via.object(id));
        self.ours.insert(id, via.clone());
    }

    fn gone(&mut self, id: u32) -> Option<Via> {
        let via = self.ours.remove(&id)?;
        self.unclaimed.retain(|found| *found != via);
        self.objects.remove(&id);
        via.set_id(0);
        via.members().iter().for_each(|(member, _)| member.release(1));
        Some(via)
    }

    fn single(family: Family, hop: &NextHop) -> Content {
        let family =
            hop.gateway.map_or(family, |gateway| if gateway.is_ipv4() { Family::V4 } else { Family::V6 });
        let hop = NextHop { weight: 1, ..hop.clone() };
        Content::Hop(family, hop)
    }

    /// The set with this content. An object that was there before us goes to the first who could have made it.
    fn set(&mut self, content: Content, lookup: Option<&Arc<Lookup>>) -> Via {
        let key = (content, lookup.cloned());
        if let Some(known) = self.sets.get(&key) {
            return known.clone();
        }
        let fits = |via: &Via| via.0.content == key.0 && via.0.lookup.get().is_none();
        let via = match self.unclaimed.iter().position(fits) {
            Some(at) => self.unclaimed.remove(at),
            None => Via::found(key.0.clone()),
        };
        via.serve(lookup);
        self.sets.insert(key, via.clone());
        via
    }

    fn free_id(&mut self) -> u32 {
        loop {
            let id = FIRST_ID + self.next;
            self.next = (self.next + 1) % (u32::MAX - FIRST_ID);
            if !self.objects.contains_key(&id) {
                return id;
            }
        }
    }

    /// The set an object that was there before us stands for; groups after their members (`inside`).
    fn adopt(&mut self, object: &Object, inside: bool) {
        let content = match &object.kind {
            ObjectKind::Hop(family, hop) => Content::Hop(*family, hop.clone()),
            ObjectKind::Group(members) => {
                let member = |(id, weight): &(u32, u16)| Some((self.ours.get(id)?.clone(), *weight));
                let known: Vec<(Via, u16)> = members.iter().filter_map(member).collect();
                if known.len() < members.len() {
                    // Nothing we would make; whatever stands on it is to leave it.
                    let via = Via::new(Content::Group(known), None);
                    via.lend();
                    self.found(object.id, &via);
                    return;
                }
                Content::Group(known)
            }
            ObjectKind::Other => return,
        };
        let known = inside.then(|| {
            let entry = self.sets.entry((content.clone(), None));
            entry.or_insert_with(|| Via::new(content.clone(), None)).clone()
        });
        // A second one with the same content keeps its routes until they are gone.
        let via = known.filter(|via| via.id() == 0).unwrap_or_else(|| Via::found(content));
        if via.0.lookup.get().is_none() {
            self.unclaimed.push(via.clone());
        }
        via.lend();
        self.found(object.id, &via);
    }
}

impl Nexthops {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.generation.fetch_add(1, Relaxed);
    }

    /// Whether the kernel has objects at all.
    pub fn supported(&self) -> bool {
        self.supported.load(Relaxed)
    }

    /// Another number after anything about the next hops of any object changed.
    pub fn generation(&self) -> u64 {
        self.generation.load(Relaxed)
    }

    /// The set of these next hops, for routes of this family that go by this recursive next hop.
    pub fn get(&self, family: Family, hops: &[Hop], lookup: Option<&Arc<Lookup>>) -> Option<Via> {
        if !self.supported() || family == Family::Mpls {
            return None;
        }
        let mut state = self.lock();
        match hops {
            [] => None,
            [only] => Some(state.set(State::single(family, &only.next), lookup)),
            hops => {
                let mut member =
                    |hop: &Hop| (state.set(State::single(family, &hop.next), None), hop.next.weight);
                let members = hops.iter().map(&mut member).collect();
                Some(state.set(Content::Group(members), lookup))
            }
        }
    }

    /// Our object with this number.
    pub fn by_id(&self, id: u32) -> Option<Via> {
        self.lock().ours.get(&id).cloned()
    }

    /// Our objects of routes through some recursive next hops.
    pub fn through(&self, which: impl Fn(&Arc<Lookup>) -> bool) -> Vec<Via> {
        self.lock().ours.values().filter(|via| via.lookup().is_some_and(&which)).cloned().collect()
    }

    /// Where routes on another object are to be moved that shall go this way: the set itself while it has no object,
    /// otherwise one of its own, so that what was moved can be moved on.
    pub fn target(&self, via: &Via) -> Via {
        if via.id() == 0 { via.clone() } else { Via::new(via.0.content.clone(), via.lookup().cloned()) }
    }

    /// The next hops of an object, whoever made it.
    pub fn hops(&self, id: u32) -> Option<Vec<Hop>> {
        let state = self.lock();
        let single = |id: &u32| match &state.objects.get(id)?.kind {
            ObjectKind::Hop(_, hop) => Some(hop.clone()),
            _ => None,
        };
        match &state.objects.get(&id)?.kind {
            ObjectKind::Hop(_, hop) => Some(vec![hop.clone().into()]),
            ObjectKind::Group(members) => members
                .iter()
                .map(|(id, weight)| Some(NextHop { weight: *weight, ..single(id)? }.into()))
                .collect(),
            ObjectKind::Other => None,
        }
    }

    /// A route of somebody else points to this object.
    pub fn lend(&self, id: u32) {
        if let Some(via) = self.lock().ours.get(&id) {
            via.lend();
        }
    }

    /// How many objects of ours there are.
    pub fn count(&self) -> usize {
        self.lock().ours.len()
    }

    /// Whether [`collect`](Self::collect) might find something to delete.
    pub fn collectable(&self) -> bool {
        let state = self.lock();
        let tired = state.looked.is_some_and(|at| at.elapsed() < LOOK_APART);
        state.ours.values().any(|via| via.users() == 0 && !(via.borrowed() && tired))
    }

    /// Reads what is there and takes over what an earlier run has left. Call once, before anything else.
    pub fn open(&self, store: &mut dyn Store) {
        let Ok(list) = store.all() else { return };
        self.supported.store(true, Relaxed);
        let mut state = self.lock();
        state.objects = list.iter().map(|object| (object.id, object.clone())).collect();
        let (groups, mut singles): (Vec<&Object>, Vec<&Object>) = list
            .iter()
            .filter(|object| object.protocol == PROTOCOL_BIRD)
            .partition(|object| matches!(object.kind, ObjectKind::Group(_)));
        // Of equal ones the one that groups are made of is what new groups are made of.
        let members = |object: &ObjectKind| match object {
            ObjectKind::Group(members) => members.iter().map(|(id, _)| *id).collect(),
            _ => Vec::new(),
        };
        let inside: HashSet<u32> = groups.iter().flat_map(|group| members(&group.kind)).collect();
        singles.sort_by_key(|object| !inside.contains(&object.id));
        singles.into_iter().chain(groups).for_each(|object| state.adopt(object, inside.contains(&object.id)));
        self.changed();
    }

    /// Sees to it that the set has an object. If that is refused, [`Via::plain`] tells.
    pub fn ensure(&self, via: &Via, store: &mut dyn Store) -> bool {
        if via.id() != 0 {
            return true;
        }
        let members = via.members().iter().all(|(member, _)| self.ensure(member, store));
        for _ in 0..ATTEMPTS {
            if !members {
                break;
            }
            let id = self.lock().free_id();
            match store.put(&via.object(id), false) {
                Ok(()) => {
                    self.lock().found(id, via);
                    self.changed();
                    return true;
                }
                // Somebody else's, and the news has not come yet.
                Err(error) if error.errno == libc::EEXIST => {}
                Err(_) => break,
            }
        }
        if !via.plain() {
            via.set_plain(true);
            self.lock().refused.push(via.clone());
        }
        false
    }

    /// Compares with the kernel, and puts right what others changed.
    pub fn resync(&self, store: &mut dyn Store) -> Result<Resynced, KernelError> {
        if !self.supported() {
            return Ok(Resynced::default());
        }
        let now: FxHashMap<u32, Object> =
            store.all()?.into_iter().map(|object| (object.id, object)).collect();
        let mut state = self.lock();
        // What was refused may be possible now.
        state.refused.drain(..).for_each(|via| via.set_plain(false));
        let old = std::mem::take(&mut state.objects);
        let ours: Vec<(u32, Via)> = state.ours.iter().map(|(id, via)| (*id, via.clone())).collect();
        let foreign = |id: &u32| !state.ours.contains_key(id);
        let changed = now.iter().any(|(id, object)| foreign(id) && old.get(id) != Some(object))
            || old.keys().any(|id| foreign(id) && !now.contains_key(id));
        let any = old != now;
        state.objects = now;
        let mut lost = Vec::new();
        for (id, _) in &ours {
            if state.objects.get(id).is_some_and(|object| object.protocol == PROTOCOL_BIRD) {
                continue;
            }
            let theirs = state.objects.remove(id);
            lost.extend(state.gone(*id));
            state.objects.extend(theirs.map(|object| (*id, object)));
        }
        let damaged: Vec<(u32, Via)> = ours
            .into_iter()
            .filter(|(id, via)| via.id() == *id && state.objects.get(id) != Some(&via.object(*id)))
            .collect();
        drop(state);
        for (id, via) in &damaged {
            let members = via.members().iter().all(|(member, _)| self.ensure(member, store));
            if members && store.put(&via.object(*id), true).is_ok() {
                self.lock().objects.insert(*id, via.object(*id));
            }
        }
        if any || !damaged.is_empty() {
            self.changed();
        }
        Ok(Resynced { lost, changed })
    }

    /// Makes the object of one set that of another: all routes on it go the other way from now on. `to` must be a
    /// [`target`](Self::target).
    pub fn replace(&self, from: &Via, to: &Via, store: &mut dyn Store) -> Result<(), KernelError> {
        let id = from.id();
        if id == 0 || from.is_group() != to.is_group() {
            return Err(KernelError::new(libc::ENOENT));
        }
        if to.id() != 0 {
            return Err(KernelError::new(libc::EEXIST));
        }
        if !to.members().iter().all(|(member, _)| self.ensure(member, store)) {
            return Err(KernelError::new(libc::ENETUNREACH));
        }
        store.put(&to.object(id), true)?;
        let mut state = self.lock();
        state.gone(id);
        state.found(id, to);
        if from.borrowed() {
            to.lend();
        }
        drop(state);
        self.changed();
        Ok(())
    }

    /// The next collection may look at all routes again.
    pub fn rest(&self) {
        self.lock().looked = None;
    }

    /// Deletes the objects that nobody needs.
    pub fn collect(&self, store: &mut dyn Store) {
        let mut used: Option<HashSet<u32>> = None;
        loop {
            let mut state = self.lock();
            let free: Vec<(u32, Via)> = state
                .ours
                .iter()
                .filter(|(id, via)| via.users() == 0 && !used.as_ref().is_some_and(|used| used.contains(id)))
                .map(|(id, via)| (*id, via.clone()))
                .collect();
            if used.is_none() && free.iter().any(|(_, via)| via.borrowed()) {
                let tired = state.looked.is_some_and(|at| at.elapsed() < LOOK_APART);
                let groups: Vec<u32> = state.members_elsewhere();
                state.looked = Some(Instant::now());
                drop(state);
                let mut found = HashSet::new();
                match if tired { Err(KernelError::new(libc::EAGAIN)) } else { store.used() } {
                    Ok(list) => found.extend(list),
                    // Not known, so all that may be borrowed stay.
                    Err(_) => found.extend(free.iter().filter(|(_, via)| via.borrowed()).map(|(id, _)| *id)),
                }
                found.extend(groups);
                used = Some(found);
                continue;
            }
            let mut deleted = false;
            for (id, via) in free {
                // Held meanwhile: whoever does so has an operation behind us in the queue.
                if via.users() > 0 {
                    continue;
                }
                state.gone(id);
                deleted = true;
                drop(state);
                let result = store.delete(id);
                state = self.lock();
                if result.is_err_and(|error| error.errno != libc::ENOENT) {
                    state.found(id, &via);
                    deleted = false;
                }
            }
            state.sets.retain(|_, via| via.id() != 0 || !via.forgotten(1));
            drop(state);
            self.changed();
            // The members of groups that went may go, too.
            if !deleted {
                return;
            }
        }
    }
}

impl State {
    /// Our objects that are in groups of others.
    fn members_elsewhere(&self) -> Vec<u32> {
        let foreign = self.objects.iter().filter(|(id, _)| !self.ours.contains_key(id));
        let members = foreign.filter_map(|(_, object)| match &object.kind {
            ObjectKind::Group(members) => Some(members),
            _ => None,
        });
        members.flatten().map(|(id, _)| *id).collect()
    }
}
