//! `merge paths`: the best route with the next hops of its equals.

use std::sync::Arc;

use super::resolve::igp_metric;
use crate::base::NextHop;
use crate::table::{Attrs, Dest, Route, RouteSource};

/// The attributes of the merged route; `pass` asks the export side about one route. The best route must pass;
/// every other route that is its equal, passes and points somewhere adds its next hops. They are sorted,
/// duplicates vanish, and the list is cut at `limit`.
pub fn merge(
    routes: &[Route],
    limit: u16,
    mut pass: impl FnMut(&Route) -> Option<Arc<Attrs>>,
) -> Option<Arc<Attrs>> {
    let best = routes.first().filter(|r| !r.filtered)?;
    let attrs = pass(best)?;
    if !matches!(attrs.dest, Dest::Unicast(_)) {
        return Some(attrs);
    }
    let mut hops: Vec<NextHop> = attrs.next_hops().to_vec();
    for other in routes[1..].iter().filter(|other| !other.filtered && mergable(best, other)) {
        if let Some(more) = pass(other) {
            hops.extend_from_slice(more.next_hops());
        }
    }
    hops.sort();
    hops.dedup_by(|a, b| {
        (a.weight, &a.gateway, &a.labels, a.ifindex) == (b.weight, &b.gateway, &b.labels, b.ifindex)
    });
    hops.truncate(usize::from(limit));
    if hops.len() < 2 || hops == attrs.next_hops() {
        // A list of one is no merge, so with a limit of 1 the best route keeps what it has.
        return Some(attrs);
    }
    let mut merged = Attrs { dest: Dest::Unicast(hops.into()), ..(*attrs).clone() };
    merged.recursive.blur();
    Some(Arc::new(merged))
}

/// Same preference, same kind of protocol, and mergable by that protocol's rule (static: equal metrics).
fn mergable(best: &Route, other: &Route) -> bool {
    let (a, b) = (&best.attrs, &other.attrs);
    a.preference == b.preference
        && a.source == b.source
        && a.source == RouteSource::Static
        && igp_metric(best) == igp_metric(other)
}
