//! What the instance does about nexthop objects: whether routes point to them, moves of whole objects, and
//! the end of those that nobody needs. Which object a route stands on is the matter of
//! [`nexthops`](super::super::nexthops).

use super::{AHEAD, COLLECT, KernelInstance, MOVES, SECOND};
use crate::base::LogClass;
use crate::engine::api::Ports;
use crate::sys::kernel::{Family, Question};

/// Between two looks at moves.
pub(super) const MOVES_EVERY: u64 = SECOND / 100;
/// Between two looks at objects that went ahead of their routes.
pub(super) const AHEAD_EVERY: u64 = SECOND;
/// Between two looks for nexthop objects that nobody needs.
const COLLECT_EVERY: u64 = 5 * SECOND;

impl KernelInstance {
    /// Tells what is written whether to point to nexthop objects.
    pub(super) fn choose_objects(&mut self, ports: &mut Ports<'_>) {
        let nexthops = ports.nexthops();
        let on = self.options.nexthop_objects && self.sync.setup().family != Family::Mpls;
        if on && !nexthops.supported() {
            let name = self.name.clone();
            ports.log(
                LogClass::Warning,
                format_args!(
                    "{name}: This kernel has no nexthop objects, routes are written with their next hops"
                ),
            );
        }
        self.bodies.set_objects(nexthops, on);
    }

    /// Asks for moves of objects that are complete, and sees to it that the others do not wait for ever.
    pub(super) fn move_objects(&mut self, ports: &mut Ports<'_>) {
        if !self.sync.moving() {
            return;
        }
        let nexthops = ports.nexthops();
        self.sync.ask_moves(&nexthops, |from, to| ports.replace_nexthop(from, to));
        if !std::mem::replace(&mut self.moving, true) {
            ports.arm(MOVES, MOVES_EVERY);
        }
    }

    /// Moves what goes by recursive next hops that lead elsewhere now, before its exports come.
    pub(super) fn reroute(&mut self, ports: &mut Ports<'_>) {
        let news = std::mem::take(&mut self.rerouted);
        let ways: Vec<_> =
            news.iter().map(|(lookup, dest)| (lookup.clone(), self.bodies.way(lookup, dest))).collect();
        let later = self.sync.rerouted(&ways, &ports.nexthops());
        self.rerouted = news.into_iter().filter(|(lookup, _)| later.contains(lookup)).collect();
    }

    /// A move is over.
    pub(super) fn after_move(&mut self, ports: &mut Ports<'_>) {
        if !self.rerouted.is_empty() {
            self.reroute(ports);
        }
        if self.sync.went_ahead() {
            ports.arm(AHEAD, AHEAD_EVERY);
        }
    }

    /// Deletes objects that nobody needs.
    pub(super) fn collect(&mut self, ports: &mut Ports<'_>) {
        let nexthops = ports.nexthops();
        if nexthops.collectable() {
            ports.ask(Question::CollectNexthops);
        }
        if self.options.nexthop_objects || nexthops.count() > 0 {
            ports.arm(COLLECT, COLLECT_EVERY);
        }
    }
}
