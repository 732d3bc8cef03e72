//! A routing table: nets, their routes in order of preference, and the journal of what changed.
//!
//! The one way to change a table is [`Table::replace`]: the route of (net, source) becomes another one or none. Which route is best is decided there,
//! as BIRD decides: preference, then the rule of the protocol kind, then the older one.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::hint::black_box;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::attrs::AttrId;
use super::guard::whole;
use super::journal::{BestChange, Change, Journal};
use super::page::{Counted, Held, NetId, PAGE, Page, Slot, Snapshot};
use super::roas::{Roa, Roas};
use super::route::{Better, Route, Source};
use crate::base::net::truncate;
use crate::base::{ChannelId, IpNet, Net, NetExt, NetType, Value};

/// What [`Table::replace`] found and did.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// The net's number; of a net that is gone, the number it had.
    pub id: NetId,
    /// The route that was there before.
    pub old: Option<Route>,
    /// The net has no route left and its number is free once all consumers know.
    pub gone: bool,
    /// Which channel brought the best route before, and which one did now.
    pub best: (Option<ChannelId>, Option<ChannelId>),
}

/// A routing table.
pub struct Table {
    name: Arc<str>,
    net_type: NetType,
    sorted: bool,
    pages: Vec<Held>,
    index: HashTable<NetId>,
    /// The number after the one found last: whoever walks over his nets in the order in which he announced them needs no index.
    guess: NetId,
    /// Numbers of vanished nets with the journal mark at which they may be used again.
    resting: VecDeque<(u64, NetId)>,
    free: Vec<NetId>,
    /// ROA tables: the nets of each prefix.
    roas: Roas,
    /// How many nets have each prefix length: lookups try only lengths that occur.
    lengths: Box<[u32; 129]>,
    nets: usize,
    routes: usize,
    /// Usable routes, filtered routes.
    counts: [Counted; 2],
    better: Better,
    /// What changed, for consumers.
    pub journal: Journal,
    version: u64,
}

#[inline]
fn hash_net(net: &Net) -> u64 {
    let mix = |word: u64| {
        let word = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word ^ word >> 32
    };
    match net {
        Net::Ip(IpNet::V4(n)) => mix(u64::from(u32::from(n.addr())) << 8 | u64::from(n.prefix_len())),
        Net::Ip(IpNet::V6(n)) => {
            let bits = u128::from(n.addr());
            mix(mix((bits >> 64) as u64) ^ (bits as u64).rotate_left(8) ^ u64::from(n.prefix_len()))
        }
        Net::Ext(_) => FxBuildHasher.hash_one(net),
    }
}

#[inline]
fn slot_in(pages: &mut [Held], id: NetId) -> &mut Slot {
    &mut pages[id.0 as usize / PAGE].get_mut().slots[id.0 as usize % PAGE]
}

/// How many of these routes are usable, how many filtered.
#[inline]
fn census(routes: &[Route]) -> [usize; 2] {
    if let [one] = routes {
        return [usize::from(!one.filtered), usize::from(one.filtered)];
    }
    let filtered = routes.iter().filter(|r| r.filtered).count();
    [routes.len() - filtered, filtered]
}

impl Table {
    /// An empty table. In a `sorted` one all routes of a net are kept in order, not only the best one in front.
    pub fn new(name: Arc<str>, net_type: NetType, sorted: bool, better: Better) -> Table {
        Table {
            name,
            net_type,
            sorted,
            pages: Vec::new(),
            index: HashTable::new(),
            guess: NetId(0),
            resting: VecDeque::new(),
            free: Vec::new(),
            roas: Roas::default(),
            lengths: Box::new([0; 129]),
            nets: 0,
            routes: 0,
            counts: Default::default(),
            better,
            journal: Journal::default(),
            version: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }
    /// Whether all routes of a net are kept in order.
    pub fn is_sorted(&self) -> bool {
        self.sorted
    }

    /// The type of its nets.
    pub fn net_type(&self) -> NetType {
        self.net_type
    }
    /// Nets with at least one route.
    pub fn net_count(&self) -> usize {
        self.nets
    }
    /// Routes, filtered ones included.
    pub fn route_count(&self) -> usize {
        self.routes
    }
    /// Usable or filtered routes, and the nets that have any. The same as [`Snapshot::counted`], at no cost.
    pub fn counted(&self, filtered: bool) -> Counted {
        self.counts[usize::from(filtered)]
    }
    /// Bytes in use, estimated from the sizes of slots and index.
    pub fn memory(&self) -> usize {
        let extra = self.routes.saturating_sub(self.nets) * size_of::<Route>();
        self.pages.len() * PAGE * size_of::<Slot>() + self.index.capacity() * 5 + extra
    }
    /// Grows with every change: equal versions mean equal contents.
    pub fn version(&self) -> u64 {
        self.version
    }

    #[inline]
    fn slot(&self, id: NetId) -> Option<&Slot> {
        self.pages.get(id.0 as usize / PAGE)?.get().slots.get(id.0 as usize % PAGE)
    }

    fn slot_mut(&mut self, id: NetId) -> &mut Slot {
        slot_in(&mut self.pages, id)
    }

    /// The number of a net that has routes.
    pub fn find(&self, net: &Net) -> Option<NetId> {
        self.index.find(hash_net(net), |id| self.slot(*id).is_some_and(|s| s.net == *net)).copied()
    }

    /// The same for somebody who goes over many nets: quick if it is the one behind the net found last.
    #[inline]
    pub fn find_next(&mut self, net: &Net) -> Option<NetId> {
        let guess = self.guess;
        let hit = self.slot(guess).is_some_and(|s| s.net == *net && !s.routes.as_slice().is_empty());
        let found = if hit { guess } else { self.find(net)? };
        self.guess = NetId(found.0 + 1);
        Some(found)
    }

    /// Room for so many nets in all: filling a large table would otherwise stop, now and then, to make its index larger.
    pub fn expect(&mut self, nets: usize) {
        let Table { index, pages, .. } = self;
        let more = nets.saturating_sub(index.len());
        index
            .reserve(more, |id| hash_net(&pages[id.0 as usize / PAGE].get().slots[id.0 as usize % PAGE].net));
    }

    /// Reads what lookups of these nets will have to read. Memory answers the questions of many at once in the time of one.
    pub fn warm(&self, nets: &[&Net]) {
        for net in nets {
            black_box(self.index.find(hash_net(net), |_| false));
        }
    }

    /// The net and routes of a number; `None` when nothing stands there.
    pub fn get(&self, id: NetId) -> Option<(&Net, &[Route])> {
        let slot = self.slot(id)?;
        let routes = slot.routes.as_slice();
        (!routes.is_empty()).then_some((&slot.net, routes))
    }

    /// The net a number stands for, or stood for while some cursor has not passed its end.
    pub fn net_at(&self, id: NetId) -> Option<&Net> {
        self.slot(id).map(|slot| &slot.net)
    }

    /// The best usable route of a net.
    pub fn best(&self, id: NetId) -> Option<&Route> {
        self.get(id).and_then(|(_, routes)| usable_first(routes))
    }

    /// The longest net that covers `addr/len` and that `accept` takes. Only for plain IP tables.
    pub fn longest_match(&self, addr: IpAddr, len: u8, accept: impl Fn(&[Route]) -> bool) -> Option<NetId> {
        (0..=len).rev().filter(|l| self.lengths[*l as usize] > 0).find_map(|l| {
            let id = self.find(&Net::Ip(truncate(addr, l)?))?;
            self.get(id).filter(|(_, routes)| accept(routes)).map(|_| id)
        })
    }

    /// Maximum length and AS number of every usable ROA whose prefix covers `prefix`, until `each` says stop (`false`).
    pub fn covering_roas(&self, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        self.roas.covering(prefix, &mut |roa| self.best(roa.id).is_none() || each(roa.max_len, roa.asn));
    }

    /// The provider lists (attribute `providers`) of every usable ASPA of a customer.
    pub fn aspa_providers(&self, customer: u32, providers: AttrId, each: &mut dyn FnMut(&[u32])) {
        let routes = self.find(&NetExt::Aspa(customer).into()).and_then(|id| self.get(id));
        for route in routes.map_or(&[][..], |(_, routes)| routes).iter().filter(|r| !r.filtered) {
            if let Some(Value::Clist(list)) = route.attrs.get(providers) {
                each(list);
            }
        }
    }

    /// A consistent view at this moment.
    pub fn snapshot(&mut self) -> Snapshot {
        let pages = self.pages.iter_mut().map(Held::share).collect();
        Snapshot { pages, nets: self.nets, routes: self.routes }
    }

    /// One past the highest number ever used.
    pub fn end(&self) -> NetId {
        let last = |last: &Held| (self.pages.len() - 1) * PAGE + last.get().slots.len();
        NetId(self.pages.last().map_or(0, last) as u32)
    }

    fn new_id(&mut self, net: &Net) -> NetId {
        while let Some((mark, id)) = self.resting.front().copied() {
            if !self.journal.passed(mark) {
                break;
            }
            self.resting.pop_front();
            self.free.push(id);
        }
        let slot = Slot { net: net.clone(), routes: Default::default() };
        let id = match self.free.pop() {
            Some(id) => {
                *self.slot_mut(id) = slot;
                id
            }
            None => {
                let id = self.end();
                if (id.0 as usize).is_multiple_of(PAGE) {
                    self.pages.push(Held::Own(Page { slots: Vec::with_capacity(PAGE) }));
                }
                let last = self.pages.len() - 1;
                self.pages[last].get_mut().slots.push(slot);
                id
            }
        };
        let Table { index, pages, .. } = self;
        index.insert_unique(hash_net(net), id, |id| {
            hash_net(&pages[id.0 as usize / PAGE].get().slots[id.0 as usize % PAGE].net)
        });
        if let Some(prefix) = indexed(net) {
            self.lengths[prefix.prefix_len() as usize] += 1;
        }
        if let Some((prefix, max_len, asn)) = roa(net) {
            self.roas.add(prefix, Roa { max_len, asn, id });
        }
        self.nets += 1;
        id
    }

    fn drop_id(&mut self, id: NetId, net: &Net) {
        if let Ok(entry) = self.index.find_entry(hash_net(net), |i| *i == id) {
            entry.remove();
        }
        if let Some(prefix) = indexed(net) {
            self.lengths[prefix.prefix_len() as usize] -= 1;
        }
        if let Some((prefix, ..)) = roa(net) {
            self.roas.remove(&prefix, id);
        }
        self.nets -= 1;
        self.resting.push_back((self.journal.mark(), id));
    }

    /// The route of `source` for `net` as it stands.
    pub fn route_of(&self, net: &Net, source: Source) -> Option<(NetId, &Route)> {
        let id = self.find(net)?;
        self.get(id)?.1.iter().find(|r| r.source == source).map(|r| (id, r))
    }

    /// Puts `route` in the place of what `source` had for `net`; without a route takes that away. Elects the best route and records the
    /// change. A route equal to the old one should not come here (see [`same_route`]).
    pub fn replace(&mut self, net: &Net, source: Source, route: Option<Route>) -> Option<Replaced> {
        self.replace_at(self.find(net), net, source, route)
    }

    /// [`replace`](Self::replace) for a caller that has just looked the net up.
    pub fn replace_at(
        &mut self,
        found: Option<NetId>,
        net: &Net,
        source: Source,
        route: Option<Route>,
    ) -> Option<Replaced> {
        whole(|| self.change(found, net, source, route))
    }

    /// Notes another reason for which a filtered route is one. That is no change: nobody is told.
    pub fn set_refusal(&mut self, id: NetId, source: Source, refusal: u16) {
        if self.slot(id).is_some() {
            let routes = self.slot_mut(id).routes.as_mut_slice();
            if let Some(route) = routes.iter_mut().find(|r| r.source == source) {
                route.refusal = refusal;
            }
        }
    }

    fn change(
        &mut self,
        found: Option<NetId>,
        net: &Net,
        source: Source,
        route: Option<Route>,
    ) -> Option<Replaced> {
        let id = match (found, &route) {
            (Some(id), _) => id,
            (None, Some(_)) => self.new_id(net),
            (None, None) => return None,
        };
        let (better, sorted) = (self.better, self.sorted);
        let routes = &mut slot_in(&mut self.pages, id).routes;
        let best_was = usable_first(routes.as_slice()).map(|r| (r.source, r.sender));
        let census_was = census(routes.as_slice());
        let at = routes.as_slice().iter().position(|r| r.source == source);
        if at.is_none() && route.is_none() {
            return None;
        }
        let was_first = at == Some(0);
        let old = at.and_then(|at| routes.remove(at));
        let place = at.unwrap_or(routes.as_slice().len());
        let (inserted, usable) = (route.is_some(), route.as_ref().is_some_and(|r| !r.filtered));
        if let Some(new) = route {
            if sorted {
                let place =
                    routes.as_slice().iter().position(|r| beats(better, &new, r)).unwrap_or(usize::MAX);
                routes.insert(place.min(routes.as_slice().len()), new);
            } else if routes.as_slice().first().is_none_or(|first| beats(better, &new, first)) && !was_first {
                routes.insert(0, new);
            } else {
                routes.insert(place, new);
            }
        }
        if was_first && !sorted {
            elect(better, routes.as_mut_slice());
        }
        let routes = routes.as_slice();
        let best = usable_first(routes);
        let best_is = best.map(|r| (r.source, r.sender));
        for (counted, (was, is)) in self.counts.iter_mut().zip(census_was.into_iter().zip(census(routes))) {
            counted.routes = counted.routes + is - was;
            counted.nets = counted.nets + usize::from(is > 0) - usize::from(was > 0);
        }
        self.routes = self.routes + usize::from(inserted) - usize::from(old.is_some());
        self.version += 1;
        if usable || old.as_ref().is_some_and(|r| !r.filtered) {
            self.journal.push(|| Change {
                id,
                net: net.clone(),
                source,
                route: routes.iter().find(|r| usable && r.source == source).cloned(),
                old: old.as_ref().map(|r| r.attrs.clone()),
                best: match (best, best_was) {
                    (Some(new), _) if new.source == source => BestChange::Route,
                    (Some(new), Some((old, _))) if new.source == old => BestChange::Same,
                    (None, None) => BestChange::Same,
                    (new, _) => BestChange::Other(new.cloned()),
                },
            });
        }
        let gone = routes.is_empty();
        if gone {
            self.drop_id(id, net);
        }
        let sender = |best: Option<(Source, ChannelId)>| best.map(|(_, sender)| sender);
        Some(Replaced { id, old, gone, best: (sender(best_was), sender(best_is)) })
    }

    /// Routes that `which` picks, in at most `pages` pages from page `from` on; the number of the page to go on with, if any.
    pub fn collect(
        &self,
        from: usize,
        pages: usize,
        which: impl Fn(&Route) -> bool,
        out: &mut Vec<(Net, Source)>,
    ) -> Option<usize> {
        let until = (from + pages).min(self.pages.len());
        for page in self.pages.get(from..until).unwrap_or_default() {
            for slot in &page.get().slots {
                for route in slot.routes.as_slice().iter().filter(|r| which(r)) {
                    out.push((slot.net.clone(), route.source));
                }
            }
        }
        (until < self.pages.len()).then_some(until)
    }
}

/// The prefix by whose length a net is found in longest-match lookups.
fn indexed(net: &Net) -> Option<IpNet> {
    match net {
        Net::Ip(prefix) => Some(*prefix),
        Net::Ext(_) => roa(net).map(|(prefix, ..)| prefix),
    }
}

fn roa(net: &Net) -> Option<(IpNet, u8, u32)> {
    match net {
        Net::Ext(ext) => match **ext {
            NetExt::Roa { prefix, max_len, asn } => Some((prefix, max_len, asn)),
            _ => None,
        },
        Net::Ip(_) => None,
    }
}

/// The first route that is not filtered: the best one, if it stands in front.
fn usable_first(routes: &[Route]) -> Option<&Route> {
    routes.first().filter(|r| !r.filtered)
}

/// BIRD's order of two routes: usable before filtered, preference, then the kind's own rule.
fn beats(better: Better, new: &Route, old: &Route) -> bool {
    match (new.filtered, old.filtered) {
        (true, _) => false,
        (false, true) => true,
        (false, false) => {
            let (n, o) = (new.attrs.preference, old.attrs.preference);
            n > o || (n == o && better(new, old))
        }
    }
}

/// Brings the best route to the front; the others keep their order.
fn elect(better: Better, routes: &mut [Route]) {
    let mut best = 0;
    for at in 1..routes.len() {
        if beats(better, &routes[at], &routes[best]) {
            best = at;
        }
    }
    if best > 0 {
        routes[..=best].rotate_right(1);
    }
}

/// Whether a newly announced route says nothing new.
pub fn same_route(old: &Route, new: &Route) -> bool {
    old.filtered == new.filtered
        && old.sender == new.sender
        && (Arc::ptr_eq(&old.attrs, &new.attrs) || *old.attrs == *new.attrs)
}
