//! Foreign routes, as far as they are learned: per net all metrics, of which the lowest one is in the table.

use std::sync::Arc;

use hashbrown::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;

use crate::sys::kernel::RouteBody;

use super::nets::Dst;

/// One foreign route.
#[derive(Clone, Debug)]
pub struct Alien {
    /// Its priority.
    pub metric: u32,
    /// The scan that saw it last.
    round: u32,
    /// Everything else.
    pub body: Arc<RouteBody>,
}

/// All of them.
#[derive(Default, Debug)]
pub struct Aliens {
    nets: HashMap<Dst, SmallVec<[Alien; 1]>, FxBuildHasher>,
    round: u32,
    count: usize,
}

impl Aliens {
    /// The routes of a net, lowest metric first.
    pub fn of(&self, dst: &Dst) -> &[Alien] {
        self.nets.get(dst).map_or(&[], |list| list)
    }

    /// Whether any of them points to a nexthop object.
    pub fn on_objects(&self) -> bool {
        self.nets.values().flatten().any(|alien| alien.body.nexthop_id != 0)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A scan begins: what it does not see is to go.
    pub fn begin(&mut self) {
        self.round = self.round.wrapping_add(1);
    }

    /// A scan has seen a route. Of two with one metric the first one counts, as it does to the kernel. Tells
    /// whether that is news.
    pub fn seen(&mut self, dst: &Dst, metric: u32, body: &Arc<RouteBody>) -> bool {
        let round = self.round;
        let twice = self.of(dst).iter().any(|alien| alien.metric == metric && alien.round == round);
        !twice && self.put(dst, metric, body)
    }

    /// A route appeared or changed. Tells whether that is news.
    pub fn put(&mut self, dst: &Dst, metric: u32, body: &Arc<RouteBody>) -> bool {
        let list = self.nets.entry(*dst).or_default();
        match list.binary_search_by_key(&metric, |alien| alien.metric) {
            Ok(at) => {
                let known = &mut list[at];
                known.round = self.round;
                let same = Arc::ptr_eq(&known.body, body) || *known.body == **body;
                if !same {
                    known.body = Arc::clone(body);
                }
                !same
            }
            Err(at) => {
                list.insert(at, Alien { metric, round: self.round, body: Arc::clone(body) });
                self.count += 1;
                true
            }
        }
    }

    /// A route went away. Tells whether it was known.
    pub fn remove(&mut self, dst: &Dst, metric: u32) -> bool {
        let Some(list) = self.nets.get_mut(dst) else { return false };
        let Ok(at) = list.binary_search_by_key(&metric, |alien| alien.metric) else { return false };
        list.remove(at);
        self.count -= 1;
        if list.is_empty() {
            self.nets.remove(dst);
        }
        true
    }

    /// A scan is over: removes what it has not seen, except for nets that `keep` names. Gives the nets that changed.
    pub fn sweep(&mut self, keep: impl Fn(&Dst) -> bool) -> Vec<Dst> {
        let (round, count) = (self.round, &mut self.count);
        let mut changed = Vec::new();
        self.nets.retain(|dst, list| {
            if keep(dst) {
                list.iter_mut().for_each(|alien| alien.round = round);
                return true;
            }
            let before = list.len();
            list.retain(|alien| alien.round == round);
            if list.len() < before {
                *count -= before - list.len();
                changed.push(*dst);
            }
            !list.is_empty()
        });
        changed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::sys::kernel::RouteKind;

    #[test]
    fn the_lowest_metric_is_first_and_scans_sweep() {
        let mut aliens = Aliens::default();
        let dst = Dst { dst: "10.0.0.0/8".parse().unwrap(), src: None };
        let body = Arc::new(RouteBody::new(RouteKind::Blackhole, []));
        assert!(aliens.put(&dst, 50, &body) && aliens.put(&dst, 40, &body) && !aliens.put(&dst, 50, &body));
        assert_eq!(aliens.of(&dst).iter().map(|a| a.metric).collect::<Vec<_>>(), [40, 50]);
        aliens.begin();
        aliens.put(&dst, 50, &Arc::new((*body).clone()));
        assert_eq!(aliens.sweep(|_| false), [dst]);
        assert_eq!((aliens.len(), aliens.of(&dst)[0].metric), (1, 50));
        aliens.begin();
        assert!(aliens.sweep(|_| true).is_empty() && aliens.sweep(|_| false).is_empty());
        assert!(aliens.remove(&dst, 50) && !aliens.remove(&dst, 50) && aliens.is_empty());
        // Two of one metric do not take turns.
        let other = Arc::new(RouteBody::new(RouteKind::Prohibit, []));
        for news in [true, false, false] {
            aliens.begin();
            assert_eq!(aliens.seen(&dst, 50, &body), news);
            assert!(!aliens.seen(&dst, 50, &other));
        }
    }
}
