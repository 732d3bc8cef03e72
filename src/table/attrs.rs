//! Attributes of a route, shared: a million routes have thousands of attribute sets.
//!
//! What every route has is a field; the rest is a slice sorted by attribute number. Sets are interned by [`Interner`], so that
//! equality is mostly a pointer comparison. Attribute numbers come from one registry (`filter::attributes`) that exists whichever
//! protocols are built.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::base::net::Scope;
use crate::base::{NextHop, Value};

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
    /// The destination came out of a recursive next hop: no other one may resolve through this route.
    pub recursive: bool,
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

impl Hash for Attrs {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.source, self.scope, self.preference, &self.dest, self.recursive, self.from, self.extra.len())
            .hash(state);
        for (id, value) in &self.extra {
            id.hash(state);
            hash_value(value, state);
        }
    }
}

/// Sets are compared but not hashed: they are rare in attributes, and a collision costs one comparison.
fn hash_value<H: Hasher>(value: &Value, state: &mut H) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Bool(b) => b.hash(state),
        Value::Int(n) | Value::Pair(n) | Value::Quad(n) => n.hash(state),
        Value::Ip(a) => a.hash(state),
        Value::Net(n) => n.hash(state),
        Value::Rd(r) => r.hash(state),
        Value::Mac(m) => m.hash(state),
        Value::Ec(n) => n.hash(state),
        Value::Lc(l) => l.hash(state),
        Value::Enum(t, n) => (t, n).hash(state),
        Value::Str(s) => s.hash(state),
        Value::Bytes(b) => b.hash(state),
        Value::Path(p) => p.hash(state),
        Value::Clist(l) => l.hash(state),
        Value::Eclist(l) => l.hash(state),
        Value::Lclist(l) => l.hash(state),
        Value::Void | Value::Mask(_) | Value::Set(_) | Value::PrefixSet(_) => {}
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
        let hash = FxBuildHasher.hash_one(&attrs);
        let mut found = None;
        let same = self.sets.find(hash, |(h, weak)| {
            *h == hash
                && weak.upgrade().is_some_and(|a| {
                    let equal = *a == attrs;
                    if equal {
                        found = Some(a);
                    }
                    equal
                })
        });
        if let (Some(_), Some(shared)) = (same, found) {
            return shared;
        }
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
