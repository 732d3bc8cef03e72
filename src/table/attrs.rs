//! Attributes of a route, shared: a million routes have thousands of attribute sets.
//!
//! What every route has is a field; the rest is a slice sorted by attribute number. Sets are interned by
//! [`Interner`], so that equality is mostly a pointer comparison. Attribute numbers come from one registry
//! (`filter::attributes`) that exists whichever protocols are built.

use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::base::net::Scope;
use crate::base::{Lookup, NextHop, Value};

/// The number of a route attribute; the order of numbers is the order of printing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttrId(pub u16);

/// Where a route came from (BIRD's `RTS_*`; the numbers are the enum's ordinals).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum RouteSource {
    #[default]
    Dummy = 0,
    Static = 1,
    Inherit = 2,
    Device = 3,
    StaticDevice = 4,
    Redirect = 5,
    Rip = 6,
    Ospf = 7,
    OspfIa = 8,
    OspfExt1 = 9,
    OspfExt2 = 10,
    Bgp = 11,
    Pipe = 12,
    Babel = 13,
    Rpki = 14,
    Perf = 15,
    L3vpn = 16,
    Aggregated = 17,
}

/// Where packets go.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub enum Dest {
    /// Nowhere: net types without destinations.
    #[default]
    None,
    /// To next hops, sorted by their order, never empty.
    Unicast(Arc<[NextHop]>),
    /// Dropped silently.
    Blackhole,
    /// Answered with "host unreachable".
    Unreachable,
    /// Answered with "administratively prohibited".
    Prohibit,
}

/// Whether a destination came out of a recursive next hop.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Recursion {
    /// It did not.
    #[default]
    No,
    /// It did, but how the route looks depends on more than what the recursive next hop leads to: labels were
    /// added, next hops merged, or a filter looked at them.
    Somehow,
    /// It is what this one leads to, and nobody has looked at it: should that change, the route changes to it
    /// and in nothing else.
    Through(Arc<Lookup>),
}

impl Recursion {
    /// Whether there is a recursive next hop.
    pub fn is_there(&self) -> bool {
        *self != Recursion::No
    }

    /// The recursive next hop, if the destination is exactly what that leads to.
    pub fn through(&self) -> Option<&Arc<Lookup>> {
        match self {
            Recursion::Through(lookup) => Some(lookup),
            Recursion::No | Recursion::Somehow => None,
        }
    }

    /// The destination depends on more than the recursive next hop from now on.
    pub fn blur(&mut self) {
        if let Recursion::Through(_) = self {
            *self = Recursion::Somehow;
        }
    }
}

/// Everything about a route but its net, its source and its time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Attrs {
    /// What kind of protocol made it.
    pub source: RouteSource,
    /// Its scope (`scope` in filters).
    pub scope: Scope,
    /// Its preference, 0 to 65535.
    pub preference: u16,
    /// Where it points.
    pub dest: Dest,
    /// Whether the destination came out of a recursive next hop: no other one may resolve through this route.
    pub recursive: Recursion,
    /// The router that advertised it (`from` in filters).
    pub from: Option<IpAddr>,
    /// All other attributes, sorted by number, each once, none `Void`.
    pub extra: Box<[(AttrId, Value)]>,
}

impl Attrs {
    /// The value of an attribute.
    pub fn get(&self, id: AttrId) -> Option<&Value> {
        self.extra.binary_search_by_key(&id, |(i, _)| *i).ok().map(|at| &self.extra[at].1)
    }

    /// An integer attribute.
    pub fn get_int(&self, id: AttrId) -> Option<u32> {
        match self.get(id) {
            Some(Value::Int(n)) => Some(*n),
            _ => None,
        }
    }

    /// Sets or, with `Void`, removes an attribute.
    pub fn set(&mut self, id: AttrId, value: Value) {
        let mut list = std::mem::take(&mut self.extra).into_vec();
        match (list.binary_search_by_key(&id, |(i, _)| *i), value) {
            (Ok(at), Value::Void) => {
                list.remove(at);
            }
            (Ok(at), value) => list[at].1 = value,
            (Err(_), Value::Void) => {}
            (Err(at), value) => list.insert(at, (id, value)),
        }
        self.extra = list.into_boxed_slice();
    }

    /// The next hops; empty unless unicast.
    pub fn next_hops(&self) -> &[NextHop] {
        match &self.dest {
            Dest::Unicast(hops) => hops,
            _ => &[],
        }
    }
}

impl Attrs {
    /// The same, borrowed in parts.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            source: self.source,
            scope: self.scope,
            preference: self.preference,
            dest: &self.dest,
            recursive: &self.recursive,
            from: self.from,
            extra: &self.extra,
        }
    }
}

impl Hash for Attrs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.draft().digest());
    }
}

/// Attributes that nobody has put together yet: of most of them there is a shared copy, and then nobody has to.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields of `Attrs`")]
pub struct Draft<'a> {
    pub source: RouteSource,
    pub scope: Scope,
    pub preference: u16,
    pub dest: &'a Dest,
    pub recursive: &'a Recursion,
    pub from: Option<IpAddr>,
    pub extra: &'a [(AttrId, Value)],
}

impl Draft<'_> {
    /// Whether this is what `attrs` says.
    pub fn is(&self, attrs: &Attrs) -> bool {
        self.preference == attrs.preference
            && self.source == attrs.source
            && self.scope == attrs.scope
            && *self.recursive == attrs.recursive
            && self.from == attrs.from
            && self.dest == &attrs.dest
            && self.extra == &*attrs.extra
    }

    /// Puts them together.
    pub fn build(&self) -> Attrs {
        Attrs {
            source: self.source,
            scope: self.scope,
            preference: self.preference,
            dest: self.dest.clone(),
            recursive: self.recursive.clone(),
            from: self.from,
            extra: self.extra.into(),
        }
    }

    /// A hash over the words in which sets of attributes differ. One multiplication per word: this is done
    /// for every route that a filter changes.
    fn digest(&self) -> u64 {
        let mut state = FxHasher::default();
        let kind = match self.dest {
            Dest::None => 0,
            Dest::Unicast(_) => 1,
            Dest::Blackhole => 2,
            Dest::Unreachable => 3,
            Dest::Prohibit => 4u64,
        };
        let small = u64::from(self.recursive.is_there()) << 3 | u64::from(self.from.is_some()) << 4 | kind;
        state.write_u64(
            (self.source as u64) << 8
                | (self.scope as u64) << 16
                | u64::from(self.preference) << 24
                | (self.extra.len() as u64) << 40
                | small,
        );
        if let Some(from) = self.from {
            hash_address(from, &mut state);
        }
        if let Dest::Unicast(hops) = self.dest {
            for hop in hops.iter() {
                let flags = u64::from(hop.onlink) | (hop.labels.len() as u64) << 1;
                state.write_u64(u64::from(hop.ifindex) | u64::from(hop.weight) << 32 | flags << 48);
                if let Some(gateway) = hop.gateway {
                    hash_address(gateway, &mut state);
                }
                hop.labels.iter().for_each(|label| state.write_u32(*label));
            }
        }
        for (id, value) in self.extra {
            hash_value(*id, value, &mut state);
        }
        state.finish()
    }
}

fn hash_address(address: IpAddr, state: &mut FxHasher) {
    match address {
        IpAddr::V4(a) => state.write_u32(a.into()),
        IpAddr::V6(a) => state.write_u128(a.into()),
    }
}

/// Sets are compared but not hashed: they are rare in attributes, and a collision costs one comparison.
fn hash_value(id: AttrId, value: &Value, state: &mut FxHasher) {
    let mut head = |kind: u64, rest: u64| state.write_u64(u64::from(id.0) << 48 | kind << 40 | rest);
    let words = |list: &[u32], state: &mut FxHasher| {
        for pair in list.chunks(2) {
            state.write_u64(pair.iter().fold(0, |word, n| word << 32 | u64::from(*n)));
        }
    };
    match value {
        Value::Int(n) => head(1, u64::from(*n)),
        Value::Pair(n) => head(2, u64::from(*n)),
        Value::Quad(n) => head(3, u64::from(*n)),
        Value::Bool(b) => head(4, u64::from(*b)),
        Value::Enum(t, n) => head(5, u64::from(*n) | (*t as u64) << 8),
        Value::Clist(l) => {
            head(6, l.len() as u64);
            words(l, state);
        }
        Value::Path(p) => {
            head(7, 0);
            p.hash(state);
        }
        Value::Eclist(l) => {
            head(8, l.len() as u64);
            l.iter().for_each(|n| state.write_u64(*n));
        }
        Value::Lclist(l) => {
            head(9, l.len() as u64);
            for c in l.iter() {
                state.write_u64(u64::from(c.asn) << 32 | u64::from(c.data1));
                state.write_u32(c.data2);
            }
        }
        other => {
            head(10, 0);
            match other {
                Value::Ip(a) => hash_address(*a, state),
                Value::Net(n) => n.hash(state),
                Value::Rd(r) => r.hash(state),
                Value::Mac(m) => m.hash(state),
                Value::Ec(n) => n.hash(state),
                Value::Lc(l) => l.hash(state),
                Value::Str(s) => s.hash(state),
                Value::Bytes(b) => b.hash(state),
                _ => {}
            }
        }
    }
}

/// Keeps one copy of every attribute set that lives.
#[derive(Default, Debug)]
pub struct Interner {
    sets: HashTable<(u64, Weak<Attrs>)>,
    /// Insertions until dead entries are swept.
    until_sweep: usize,
}

impl Interner {
    /// The shared copy of `attrs`.
    pub fn intern(&mut self, attrs: Attrs) -> Arc<Attrs> {
        let draft = attrs.draft();
        let hash = draft.digest();
        match self.find(hash, &draft) {
            Some(shared) => shared,
            None => self.keep(hash, attrs),
        }
    }

    /// The shared copy of attributes that are put together only if there is none.
    pub fn intern_draft(&mut self, draft: &Draft<'_>) -> Arc<Attrs> {
        let hash = draft.digest();
        match self.find(hash, draft) {
            Some(shared) => shared,
            None => self.keep(hash, draft.build()),
        }
    }

    fn find(&self, hash: u64, draft: &Draft<'_>) -> Option<Arc<Attrs>> {
        let mut found = None;
        self.sets.find(hash, |(h, weak)| {
            if *h == hash {
                found = weak.upgrade().filter(|a| draft.is(a));
            }
            found.is_some()
        });
        found
    }

    fn keep(&mut self, hash: u64, attrs: Attrs) -> Arc<Attrs> {
        if self.until_sweep == 0 {
            self.sets.retain(|(_, weak)| weak.strong_count() > 0);
            self.until_sweep = self.sets.len().max(1024);
        }
        self.until_sweep -= 1;
        let shared = Arc::new(attrs);
        self.sets.insert_unique(hash, (hash, Arc::downgrade(&shared)), |(h, _)| *h);
        shared
    }

    /// How many sets are remembered, dead ones since the last sweep included.
    pub fn len(&self) -> usize {
        self.sets.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }
}
