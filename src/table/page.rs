//! Slots in pages that are copied when written while somebody looks.

use std::sync::Arc;

use super::Route;
use crate::base::Net;

/// The number of a net in its table: dense, given out again only when no cursor can still mean the old one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NetId(pub u32);

pub(super) const PAGE: usize = 256;

/// The routes of one net, best first. One route, the common case, needs no allocation of its own.
#[derive(Clone, Debug, Default)]
pub(super) enum Routes {
    #[default]
    Empty,
    One(Route),
    #[allow(clippy::box_collection, reason = "a Vec would make every slot of the table 8 bytes larger")]
    Many(Box<Vec<Route>>),
}

const _: () = assert!(size_of::<Routes>() <= 32, "every byte here is 1 MB per million routes");

impl Routes {
    #[inline]
    pub(super) fn as_slice(&self) -> &[Route] {
        match self {
            Routes::Empty => &[],
            Routes::One(route) => std::slice::from_ref(route),
            Routes::Many(list) => list,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Route] {
        match self {
            Routes::Empty => &mut [],
            Routes::One(route) => std::slice::from_mut(route),
            Routes::Many(list) => list,
        }
    }

    #[inline]
    pub(super) fn insert(&mut self, at: usize, route: Route) {
        if let Routes::Empty = self {
            *self = Routes::One(route);
            return;
        }
        *self = match std::mem::take(self) {
            Routes::Empty => Routes::One(route),
            Routes::One(other) if at == 0 => Routes::Many(Box::new(vec![route, other])),
            Routes::One(other) => Routes::Many(Box::new(vec![other, route])),
            Routes::Many(mut list) => {
                list.insert(at.min(list.len()), route);
                Routes::Many(list)
            }
        };
    }

    #[inline]
    pub(super) fn remove(&mut self, at: usize) -> Option<Route> {
        match std::mem::take(self) {
            Routes::Empty => None,
            Routes::One(route) if at == 0 => Some(route),
            Routes::Many(mut list) if at < list.len() => {
                let gone = list.remove(at);
                *self = match list.len() {
                    1 => list.pop().map_or(Routes::Empty, Routes::One),
                    _ => Routes::Many(list),
                };
                Some(gone)
            }
            other => {
                *self = other;
                None
            }
        }
    }
}

/// A net and its routes. A net without routes is a free slot.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) net: Net,
    pub(super) routes: Routes,
}

/// Up to [`PAGE`] slots.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) slots: Vec<Slot>,
}

/// A copy has room for all slots: it may be the page that is being filled.
impl Clone for Page {
    fn clone(&self) -> Page {
        let mut slots = Vec::with_capacity(PAGE);
        slots.extend_from_slice(&self.slots);
        Page { slots }
    }
}

/// A page of a table: its own until somebody looks, shared from then to the next write. Two states instead of
/// an `Arc` alone, so that a write does not have to ask a counter whether anybody looks.
#[derive(Debug)]
pub(super) enum Held {
    Own(Page),
    Shared(Arc<Page>),
}

impl Held {
    #[inline]
    pub(super) fn get(&self) -> &Page {
        match self {
            Held::Own(page) => page,
            Held::Shared(page) => page,
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self) -> &mut Page {
        if let Held::Shared(_) = self {
            self.own();
        }
        match self {
            Held::Own(page) => page,
            Held::Shared(page) => Arc::make_mut(page),
        }
    }

    #[cold]
    fn own(&mut self) {
        if let Held::Shared(page) = std::mem::replace(self, Held::Own(Page::default())) {
            *self = Held::Own(Arc::unwrap_or_clone(page));
        }
    }

    pub(super) fn share(&mut self) -> Arc<Page> {
        match self {
            Held::Shared(page) => page.clone(),
            Held::Own(page) => {
                let page = Arc::new(std::mem::take(page));
                *self = Held::Shared(page.clone());
                page
            }
        }
    }
}

/// Routes of one sort, usable or filtered, and the nets that have any.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// Routes.
    pub routes: usize,
    /// Nets with at least one of them.
    pub nets: usize,
}

/// A consistent view of a table at one moment, cheap to take and to keep, good on any thread.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(super) pages: Arc<[Arc<Page>]>,
    pub(super) nets: usize,
    pub(super) routes: usize,
}

impl Snapshot {
    /// Every net from number `from` on with its routes, best first. Ascending numbers.
    pub fn iter_from(&self, from: NetId) -> impl Iterator<Item = (NetId, &Net, &[Route])> {
        let first = from.0 as usize / PAGE;
        self.pages.iter().enumerate().skip(first).flat_map(move |(p, page)| {
            let skip = if p == first { from.0 as usize % PAGE } else { 0 };
            page.slots.iter().enumerate().skip(skip).filter_map(move |(s, slot)| {
                let routes = slot.routes.as_slice();
                (!routes.is_empty()).then_some((NetId((p * PAGE + s) as u32), &slot.net, routes))
            })
        })
    }

    /// Every net with its routes, best first.
    pub fn iter(&self) -> impl Iterator<Item = (NetId, &Net, &[Route])> {
        self.iter_from(NetId(0))
    }

    /// Nets with at least one route.
    pub fn net_count(&self) -> usize {
        self.nets
    }

    /// Routes, filtered ones included.
    pub fn route_count(&self) -> usize {
        self.routes
    }

    /// Counts the usable or the filtered routes, net by net.
    pub fn counted(&self, filtered: bool) -> Counted {
        self.iter().fold(Counted::default(), |sum, (_, _, routes)| {
            let count = routes.iter().filter(|r| r.filtered == filtered).count();
            Counted { routes: sum.routes + count, nets: sum.nets + usize::from(count > 0) }
        })
    }

    /// One past the highest number in use.
    pub fn end(&self) -> NetId {
        NetId(self.pages.last().map_or(0, |last| (self.pages.len() - 1) * PAGE + last.slots.len()) as u32)
    }

    /// The routes of one net.
    pub fn get(&self, id: NetId) -> Option<(&Net, &[Route])> {
        let slot = self.pages.get(id.0 as usize / PAGE)?.slots.get(id.0 as usize % PAGE)?;
        let routes = slot.routes.as_slice();
        (!routes.is_empty()).then_some((&slot.net, routes))
    }
}
