//! What changes from one list of routes to another, route by route: (net, ordinal) names a route.
//!
//! A reconfiguration usually changes nothing or little of a million routes, so equal stretches are taken in
//! runs: first from the front and the back, then by looking a little ahead after each difference. Only routes
//! outside the runs, and routes of the same nets inside them (their ordinals may have moved), are matched
//! through a map.

use hashbrown::{HashMap, HashSet};
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;
use std::hash::BuildHasher;

use super::config::{StaticRoute, StaticRoutes};
use crate::base::{IpNet, Net};
use crate::table::Bits;

/// How far ahead equal routes are looked for after a difference.
const AHEAD: usize = 64;

/// One side of a comparison.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub(super) routes: &'a StaticRoutes,
    /// Numbers of destinations that mean the same on both sides, by index into `routes.dests`.
    pub(super) dests: &'a [u32],
    /// Not the first of their net, with their ordinals. Of the new side nothing is known.
    pub(super) later: &'a [(u32, u32)],
}

impl<'a> Side<'a> {
    fn list(&self) -> &'a [StaticRoute] {
        &self.routes.list
    }

    fn dest(&self, route: &StaticRoute) -> u32 {
        self.dests.get(route.dest as usize).copied().unwrap_or(u32::MAX)
    }
}

/// The outcome.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    /// Equal stretches: start in the old list, start in the new list, length.
    pub(super) runs: Vec<(u32, u32, u32)>,
    /// Stretches of the same nets with the same ordinals and other destinations, likewise.
    pub(super) changed: Vec<(u32, u32, u32)>,
    /// Same net and ordinal, another place in the file: old, new, and whether all is equal.
    pub(super) pairs: Vec<(u32, u32, bool)>,
    /// New routes.
    pub(super) added: Vec<u32>,
    /// Old routes with their ordinals.
    pub(super) removed: Vec<(u32, u32)>,
    /// Of the new list: not the first of their net, with their ordinals, ascending.
    pub(super) later: Vec<(u32, u32)>,
}

/// A quick and good hash of a net.
pub(super) fn hash_net(net: &Net) -> u64 {
    match net {
        Net::Ip(IpNet::V4(n)) => {
            let mixed = (u64::from(u32::from(n.addr())) << 6 | u64::from(n.prefix_len()))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^ mixed >> 32
        }
        other => FxBuildHasher.hash_one(other),
    }
}

/// Compares two lists.
pub(super) fn diff(old: Side<'_>, new: Side<'_>) -> Diff {
    let same = |i: usize, j: usize| same_route(old, i, new, j);
    if let Some(out) = in_step(old, new) {
        return out;
    }
    let (mut runs, strays) = runs(old.list().len(), new.list().len(), same);
    let mut out = Diff::default();
    let mut strays = strays;
    if !strays.0.is_empty() || !strays.1.is_empty() {
        pull_relatives(old, new, &mut runs, &mut strays);
    }
    for &(i, j, len) in &runs {
        let from = old.later.partition_point(|(at, _)| *at < i);
        let inside = old.later[from..].iter().take_while(|(at, _)| *at < i + len);
        out.later.extend(inside.map(|(at, ordinal)| (at - i + j, *ordinal)));
    }
    out.runs = runs;
    match_strays(old, new, &strays, &mut out);
    out.later.sort_unstable();
    out
}

/// The same nets in the same order, other destinations at most: no net changes its ordinal, and nothing has
/// to be matched.
fn in_step(old: Side<'_>, new: Side<'_>) -> Option<Diff> {
    if old.list().len() != new.list().len() {
        return None;
    }
    let mut out = Diff { later: old.later.to_vec(), ..Diff::default() };
    for (at, (a, b)) in old.list().iter().zip(new.list()).enumerate() {
        if a.net != b.net {
            return None;
        }
        let number = at as u32;
        let runs = if same_route(old, at, new, at) { &mut out.runs } else { &mut out.changed };
        match runs.last_mut() {
            Some((i, _, len)) if *i + *len == number => *len += 1,
            _ => runs.push((number, number, 1)),
        }
    }
    Some(out)
}

fn same_route(old: Side<'_>, i: usize, new: Side<'_>, j: usize) -> bool {
    let (Some(a), Some(b)) = (old.list().get(i), new.list().get(j)) else { return false };
    a.net == b.net && old.dest(a) == new.dest(b) && same_extra(old.routes, i, new.routes, j)
}

fn same_extra(old: &StaticRoutes, i: usize, new: &StaticRoutes, j: usize) -> bool {
    if old.extra.is_empty() && new.extra.is_empty() {
        return true;
    }
    match (old.extra(i as u32), new.extra(j as u32)) {
        (None, None) => true,
        (Some(a), Some(b)) => a.label == b.label && a.commands == b.commands,
        _ => false,
    }
}

type Runs = Vec<(u32, u32, u32)>;
/// Indices outside runs, ascending: of the old list, of the new list.
type Strays = (Vec<u32>, Vec<u32>);

fn runs(olds: usize, news: usize, same: impl Fn(usize, usize) -> bool) -> (Runs, Strays) {
    let shorter = olds.min(news);
    let front = (0..shorter).take_while(|k| same(*k, *k)).count();
    let back = (0..shorter - front).take_while(|k| same(olds - 1 - k, news - 1 - k)).count();
    let (end_old, end_new) = (olds - back, news - back);
    let mut runs: Runs = Vec::new();
    let mut strays: Strays = (Vec::new(), Vec::new());
    let mut add_run = |i: usize, j: usize, len: usize| match runs.last_mut() {
        Some((a, b, n)) if (*a + *n, *b + *n) == (i as u32, j as u32) => *n += len as u32,
        _ if len > 0 => runs.push((i as u32, j as u32, len as u32)),
        _ => {}
    };
    add_run(0, 0, front);
    let (mut i, mut j) = (front, front);
    while i < end_old && j < end_new {
        if same(i, j) {
            add_run(i, j, 1);
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let fits = |x: usize, y: usize| x < end_old && y < end_new && same(x, y);
        let found = (1..=AHEAD)
            .find_map(|k| [(i + k, j), (i, j + k), (i + k, j + k)].into_iter().find(|(x, y)| fits(*x, *y)));
        let Some((x, y)) = found else { break };
        strays.0.extend(i as u32..x as u32);
        strays.1.extend(j as u32..y as u32);
        (i, j) = (x, y);
    }
    strays.0.extend(i as u32..end_old as u32);
    strays.1.extend(j as u32..end_new as u32);
    add_run(end_old, end_new, back);
    (runs, strays)
}

/// Takes routes out of runs whose nets have strays: their ordinals may differ between the lists.
fn pull_relatives(old: Side<'_>, new: Side<'_>, runs: &mut Runs, strays: &mut Strays) {
    let net_at = |side: Side<'_>, index: u32| side.list().get(index as usize).map(|r| r.net.clone());
    let mut nets: HashSet<Net, FxBuildHasher> = strays.0.iter().filter_map(|i| net_at(old, *i)).collect();
    let before = nets.len();
    nets.extend(strays.1.iter().filter_map(|j| net_at(new, *j)));
    if old.later.is_empty() && nets.len() == before {
        // No net has two routes in the old list, and the strays of the new one bring no other net.
        return;
    }
    // One bit tells nearly all routes apart from relatives without a look at the set.
    let bits = (nets.len() * 16).next_power_of_two().clamp(1 << 12, 1 << 24);
    let place = |net: &Net| (hash_net(net) as usize & (bits - 1)) as u32;
    let mut hint = Bits::default();
    for net in &nets {
        hint.set(place(net), true);
    }
    let mut kept: Runs = Vec::with_capacity(runs.len());
    for &(i, j, len) in runs.iter() {
        let mut from = 0;
        for k in 0..len {
            let Some(route) = new.list().get((j + k) as usize) else { break };
            if hint.get(place(&route.net)) && nets.contains(&route.net) {
                strays.0.push(i + k);
                strays.1.push(j + k);
                if k > from {
                    kept.push((i + from, j + from, k - from));
                }
                from = k + 1;
            }
        }
        if len > from {
            kept.push((i + from, j + from, len - from));
        }
    }
    *runs = kept;
    strays.0.sort_unstable();
    strays.1.sort_unstable();
}

/// The routes of a net outside runs.
#[derive(Default)]
struct Family {
    olds: SmallVec<[u32; 2]>,
    news: u32,
}

fn match_strays(old: Side<'_>, new: Side<'_>, strays: &Strays, out: &mut Diff) {
    let mut families: HashMap<&Net, Family, FxBuildHasher> =
        HashMap::with_capacity_and_hasher(strays.0.len(), FxBuildHasher);
    for &i in &strays.0 {
        if let Some(route) = old.list().get(i as usize) {
            families.entry(&route.net).or_default().olds.push(i);
        }
    }
    for &j in &strays.1 {
        let Some(route) = new.list().get(j as usize) else { continue };
        let family = families.entry(&route.net).or_default();
        let ordinal = family.news;
        family.news += 1;
        if ordinal > 0 {
            out.later.push((j, ordinal));
        }
        match family.olds.get(ordinal as usize) {
            Some(&i) => out.pairs.push((i, j, same_route(old, i as usize, new, j as usize))),
            None => out.added.push(j),
        }
    }
    for family in families.values() {
        let rest = family.olds.iter().enumerate().skip(family.news as usize);
        out.removed.extend(rest.map(|(ordinal, i)| (*i, ordinal as u32)));
    }
    out.removed.sort_unstable();
}
