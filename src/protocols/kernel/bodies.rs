//! Shared bodies: a million routes are written with a few hundred of them.
//!
//! Attribute sets differ in much that the kernel never sees (paths, communities), so what is written is kept once per
//! distinct body. Equality of interned bodies is equality of pointers, which is what makes comparing a scan cheap.

use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

use hashbrown::{HashMap, HashTable};
use rustc_hash::FxBuildHasher;

use crate::base::Lookup;
use crate::sys::kernel::{Family, Hop, RouteBody, RouteKind};
use crate::sys::nexthops::{Nexthops, Via};
use crate::table::{Attrs, Dest};

use super::attributes;
use super::convert::{Class, body_of, classify_route, normal};

/// What is written for an attribute set.
#[derive(Clone, Debug)]
pub struct Written {
    /// The body, interned.
    pub body: Arc<RouteBody>,
    /// `krt_metric`, 0 if it is not set.
    pub metric: u32,
}

/// What a body read from the kernel is.
#[derive(Clone, Debug)]
pub struct Read {
    /// Its class.
    pub class: Class,
    /// Its normal form, interned; only for our own ones.
    pub normal: Option<Arc<RouteBody>>,
}

/// One copy of every body, and shortcuts to it.
#[derive(Debug)]
pub struct Bodies {
    family: Family,
    /// What is written points to objects.
    objects: bool,
    nexthops: Arc<Nexthops>,
    interned: HashTable<(u64, Weak<RouteBody>)>,
    until_sweep: usize,
    /// By address of the attribute set; the weak pointer keeps the address from being used again.
    of_attrs: HashMap<usize, (Weak<Attrs>, Option<Written>), FxBuildHasher>,
    until_forget: usize,
    /// By address of a body read; the strong pointer keeps the address.
    of_read: HashMap<usize, (Arc<RouteBody>, Read), FxBuildHasher>,
}

impl Bodies {
    /// None yet.
    pub fn new(family: Family) -> Bodies {
        Bodies {
            family,
            objects: false,
            nexthops: Arc::default(),
            interned: HashTable::new(),
            until_sweep: 1024,
            of_attrs: HashMap::default(),
            until_forget: 1024,
            of_read: HashMap::default(),
        }
    }

    /// Tells of the kernel's objects, and whether what is written is to point to them.
    pub fn set_objects(&mut self, nexthops: Arc<Nexthops>, on: bool) {
        (self.nexthops, self.objects) = (nexthops, on);
        self.of_attrs.clear();
        self.of_read.clear();
    }

    /// The same with another object, or none.
    pub fn with_object(&mut self, body: &RouteBody, via: impl Into<Option<Via>>) -> Arc<RouteBody> {
        self.intern(RouteBody { via: via.into(), ..body.clone() })
    }

    /// The object for what is written. IPv4 realms belong to next hops, not to objects; and of two IPv4 routes to one
    /// object that differ in their TCP metrics Linux (6.18 still) gives both those of the first.
    fn give_object(&self, body: &mut RouteBody, lookup: Option<&Arc<Lookup>>) {
        let plain = body.realm != 0 || self.family == Family::V4 && !body.metrics.is_empty();
        if self.objects && body.kind == RouteKind::Unicast && !plain {
            body.via = self.nexthops.get(self.family, &body.hops, lookup);
        }
    }

    /// The object for routes through a recursive next hop that leads there; `None`: there is no object for that.
    pub fn way(&self, lookup: &Arc<Lookup>, dest: &Dest) -> Option<Via> {
        let mut body = body_of(&Attrs { dest: dest.clone(), ..Attrs::default() }, self.family)?;
        self.give_object(&mut body, Some(lookup));
        body.via
    }

    /// The object of ours that a body read points to. Its next hops are taken as they should be: those of the object
    /// are put right elsewhere, once for all its routes.
    fn find_object(&self, nexthop_id: u32, body: &mut RouteBody) {
        if nexthop_id != 0 && body.kind == RouteKind::Unicast {
            body.via = self.nexthops.by_id(nexthop_id);
            if let Some(via) = &body.via {
                body.hops = via.hops().into_iter().map(Hop::from).collect();
            }
        }
    }

    /// What is written for an attribute set; `None` when the kernel has no form for it.
    pub fn of(&mut self, attrs: &Arc<Attrs>) -> Option<Written> {
        let address = Arc::as_ptr(attrs) as usize;
        if let Some((_, written)) = self.of_attrs.get(&address) {
            return written.clone();
        }
        if self.until_forget == 0 {
            self.of_attrs.retain(|_, (attrs, _)| attrs.strong_count() > 0);
            self.until_forget = self.of_attrs.len().max(1024);
        }
        self.until_forget -= 1;
        let written = body_of(attrs, self.family).map(|mut body| {
            self.give_object(&mut body, attrs.recursive.through());
            body
        });
        let written = written.map(|body| Written {
            body: self.intern(body),
            metric: match self.family {
                Family::Mpls => 0,
                _ => attrs.get_int(attributes::METRIC).unwrap_or(0),
            },
        });
        self.of_attrs.insert(address, (Arc::downgrade(attrs), written.clone()));
        written
    }

    /// What a body read from the kernel is.
    pub fn read(&mut self, body: &Arc<RouteBody>) -> Read {
        let address = Arc::as_ptr(body) as usize;
        if let Some((_, read)) = self.of_read.get(&address) {
            return read.clone();
        }
        if self.of_read.len() >= 4096 {
            self.of_read.clear();
        }
        let class = classify_route(body);
        let normal = (class == Class::Ours).then(|| {
            let mut normal = normal(body, self.family);
            self.find_object(body.nexthop_id, &mut normal);
            self.intern(normal)
        });
        let read = Read { class, normal };
        self.of_read.insert(address, (Arc::clone(body), read.clone()));
        read
    }

    /// Forgets the bodies that were read: a scan is over.
    pub fn forget_read(&mut self) {
        self.of_read = HashMap::default();
    }

    fn intern(&mut self, body: RouteBody) -> Arc<RouteBody> {
        let hash = FxBuildHasher.hash_one(&body);
        let mut found = None;
        self.interned.find(hash, |(h, weak)| {
            *h == hash && {
                found = weak.upgrade().filter(|known| **known == body);
                found.is_some()
            }
        });
        if let Some(shared) = found {
            return shared;
        }
        if self.until_sweep == 0 {
            self.interned.retain(|(_, weak)| weak.strong_count() > 0);
            self.until_sweep = self.interned.len().max(1024);
        }
        self.until_sweep -= 1;
        let shared = Arc::new(body);
        self.interned.insert_unique(hash, (hash, Arc::downgrade(&shared)), |(h, _)| *h);
        shared
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::base::Value;
    use crate::sys::kernel::{PROTOCOL_BIRD, RouteKind};
    use crate::table::Dest;

    #[test]
    fn equal_bodies_are_one() {
        let mut bodies = Bodies::new(Family::V4);
        let mut attrs = Attrs { dest: Dest::Blackhole, ..Attrs::default() };
        let plain = Arc::new(attrs.clone());
        attrs.preference = 7;
        attrs.set(attributes::METRIC, Value::Int(5));
        let other = Arc::new(attrs);
        let (a, b) = (bodies.of(&plain).unwrap(), bodies.of(&other).unwrap());
        assert!(Arc::ptr_eq(&a.body, &b.body));
        assert_eq!((a.metric, b.metric), (0, 5));
        let read = Arc::new(RouteBody::new(RouteKind::Blackhole, []));
        assert_eq!(read.protocol, PROTOCOL_BIRD);
        assert!(Arc::ptr_eq(&bodies.read(&read).normal.unwrap(), &a.body));
        assert!(bodies.of(&Arc::new(Attrs::default())).is_none());
    }

    #[test]
    fn what_died_is_forgotten() {
        let mut bodies = Bodies::new(Family::V4);
        for preference in 0..10_000 {
            bodies.of(&Arc::new(Attrs { dest: Dest::Blackhole, preference, ..Attrs::default() }));
        }
        assert!(bodies.of_attrs.len() <= 1025);
    }
}
