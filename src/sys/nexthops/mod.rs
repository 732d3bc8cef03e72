//! Nexthop objects: next hops with a number of their own in the kernel, which routes point to.
//!
//! Why: a million routes through one gateway are a million copies of that gateway, unless they point to one
//! object; then a change of the object changes them all, with one message. Everybody who writes routes shares
//! the objects, so this is a place of its own between the instances and whatever talks to the kernel.
//!
//! How: a [`Via`] is a set of next hops that may have an object; equal sets are one `Via`. A route's body that carries
//! one is written as a pointer to the object, which is made at that moment if it does not exist
//! ([`Nexthops::ensure`]). An object that the kernel refuses (the carrier is lost, say) is no reason not to write the
//! route: then it is written with its next hops, as without objects. Whoever has a route stand on an object
//! [holds](Via::hold) it; what nobody holds is deleted by [`Nexthops::collect`].
//!
//! The kernel removes objects together with their links, without a word, and all routes that point to them; others may
//! delete or change them. So after everything that may have touched them all objects are read again and compared
//! ([`Nexthops::resync`]): what is lost is told, what is changed is put right. The same table tells the next hops of
//! routes that point to objects, ours or foreign, where the kernel does not spell them out.
//!
//! Routes through a recursive next hop have objects of their own ([`Via::lookup`]), also where other routes
//! go the same way at the moment: when it leads elsewhere, all routes on its objects are to follow, and only
//! those.
//!
//! Whoever calls with a [`Store`] is alone in doing so (the thread that talks to the kernel); everything else may be
//! called from anywhere, and nobody waits for the kernel with the lock held.

mod registry;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

pub use self::registry::{Nexthops, Resynced};
use super::kernel::{Family, KernelError, PROTOCOL_BIRD};
use crate::base::{Lookup, NextHop};

/// An object as it stands in the kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Object {
    /// Its number, never 0.
    pub id: u32,
    /// Who made it.
    pub protocol: u8,
    /// What it is.
    pub kind: ObjectKind,
}

/// What an object is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// One next hop, of this family (that of its gateway, if it has one).
    Hop(Family, NextHop),
    /// Several of them, by number, with weights.
    Group(Vec<(u32, u16)>),
    /// Of a kind that we never make.
    Other,
}

/// The kernel's table of objects.
pub trait Store {
    /// Makes an object (`EEXIST` if the number is taken), or puts another content into it.
    fn put(&mut self, object: &Object, replace: bool) -> Result<(), KernelError>;
    /// Deletes an object, and with it everything that points to it.
    fn delete(&mut self, id: u32) -> Result<(), KernelError>;
    /// All objects.
    fn all(&mut self) -> Result<Vec<Object>, KernelError>;
    /// The numbers that any route of any table points to.
    fn used(&mut self) -> Result<HashSet<u32>, KernelError>;
}

/// A set of next hops that has or may have an object. Copies are the same set; equality is identity.
#[derive(Clone)]
pub struct Via(Arc<Slot>);

struct Slot {
    content: Content,
    /// The recursive next hop that its routes have in common, if they have one. Of an object that was there
    /// before us it is not known before the first of its routes is.
    lookup: OnceLock<Option<Arc<Lookup>>>,
    /// Routes stand on it that go by another one, or by none.
    mixed: AtomicBool,
    /// The object's number; 0 while there is none.
    id: AtomicU32,
    /// Routes that stand on it or are about to, and groups it is in.
    users: AtomicUsize,
    /// The last attempt to make the object failed; routes are written with their next hops.
    plain: AtomicBool,
    /// Somebody may use it without holding it: it was there before us, or was left to routes that stay.
    borrowed: AtomicBool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Content {
    Hop(Family, NextHop),
    Group(Vec<(Via, u16)>),
}

impl Via {
    fn new(content: Content, lookup: Option<Arc<Lookup>>) -> Via {
        let via = Via::found(content);
        via.serve(lookup.as_ref());
        via
    }

    /// One whose routes are not known yet.
    fn found(content: Content) -> Via {
        Via(Arc::new(Slot {
            content,
            lookup: OnceLock::new(),
            mixed: AtomicBool::new(false),
            id: AtomicU32::new(0),
            users: AtomicUsize::new(0),
            plain: AtomicBool::new(false),
            borrowed: AtomicBool::new(false),
        }))
    }

    /// The object's number; 0 while there is none.
    pub fn id(&self) -> u32 {
        self.0.id.load(Relaxed)
    }

    /// Whether the kernel refuses the object, so that routes are written with their next hops.
    pub fn plain(&self) -> bool {
        self.0.plain.load(Relaxed)
    }

    /// Routes that stand on it or are about to, and groups it is in.
    pub fn users(&self) -> usize {
        self.0.users.load(Relaxed)
    }

    /// So many more routes stand on it.
    pub fn hold(&self, routes: usize) {
        self.0.users.fetch_add(routes, Relaxed);
    }

    /// So many routes less stand on it.
    pub fn release(&self, routes: usize) {
        self.0.users.fetch_sub(routes, Relaxed);
    }

    /// Somebody uses it who does not hold it: it is deleted only after a look at all routes.
    pub fn lend(&self) {
        self.0.borrowed.store(true, Relaxed);
    }

    /// The recursive next hop of the routes that stand on it, or are to.
    pub fn lookup(&self) -> Option<&Arc<Lookup>> {
        self.0.lookup.get()?.as_ref()
    }

    /// A route that goes by this stands on it.
    pub fn serve(&self, lookup: Option<&Arc<Lookup>>) {
        if self.0.lookup.get_or_init(|| lookup.cloned()).as_ref() != lookup {
            self.0.mixed.store(true, Relaxed);
        }
    }

    /// A route stands on it that was meant for another one.
    pub fn serve_as(&self, other: &Via) {
        self.serve(other.lookup());
        if other.mixed() {
            self.0.mixed.store(true, Relaxed);
        }
    }

    /// Whether routes stand on it that go by something else than its [`lookup`](Self::lookup).
    pub fn mixed(&self) -> bool {
        self.0.mixed.load(Relaxed)
    }

    /// Whether it is a group.
    pub fn is_group(&self) -> bool {
        matches!(self.0.content, Content::Group(_))
    }

    /// Whether the next hops have gateways, at least one of them.
    pub fn has_gateways(&self) -> bool {
        self.hops().iter().any(|hop| hop.gateway.is_some())
    }

    /// Whether packets go the same way through both.
    pub fn same_hops(&self, other: &Via) -> bool {
        self == other || self.0.content == other.0.content
    }

    /// The next hops, with weights.
    pub fn hops(&self) -> Vec<NextHop> {
        match &self.0.content {
            Content::Hop(_, hop) => vec![hop.clone()],
            Content::Group(members) => members
                .iter()
                .filter_map(|(member, weight)| match &member.0.content {
                    Content::Hop(_, hop) => Some(NextHop { weight: *weight, ..hop.clone() }),
                    Content::Group(_) => None,
                })
                .collect(),
        }
    }

    /// The sets a group is made of.
    pub fn parts(&self) -> impl Iterator<Item = &Via> {
        self.members().iter().map(|(member, _)| member)
    }

    fn members(&self) -> &[(Via, u16)] {
        match &self.0.content {
            Content::Hop(..) => &[],
            Content::Group(members) => members,
        }
    }

    /// What stands in the kernel, or should.
    fn object(&self, id: u32) -> Object {
        let kind = match &self.0.content {
            Content::Hop(family, hop) => ObjectKind::Hop(*family, hop.clone()),
            Content::Group(members) => {
                ObjectKind::Group(members.iter().map(|(via, weight)| (via.id(), *weight)).collect())
            }
        };
        Object { id, protocol: PROTOCOL_BIRD, kind }
    }

    fn set_id(&self, id: u32) {
        self.0.id.store(id, Relaxed);
    }

    fn set_plain(&self, plain: bool) {
        self.0.plain.store(plain, Relaxed);
    }

    fn borrowed(&self) -> bool {
        self.0.borrowed.load(Relaxed)
    }

    /// Whether nobody but the registry (which has `copies` of it) knows it.
    fn forgotten(&self, copies: usize) -> bool {
        Arc::strong_count(&self.0) <= copies
    }
}

impl PartialEq for Via {
    fn eq(&self, other: &Via) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Via {}

impl Hash for Via {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).addr().hash(state);
    }
}

impl fmt::Debug for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "object {} ({} users)", self.id(), self.users())
    }
}
