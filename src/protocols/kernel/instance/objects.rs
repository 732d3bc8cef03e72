//! What the instance does about nexthop objects: whether routes point to them, moves of whole objects, and the end of those
//! that nobody needs. Which object a route stands on is the matter of [`nexthops`](super::super::nexthops).

use super::{COLLECT, KernelInstance, MOVES, SECOND};
use crate::base::LogClass;
use crate::engine::api::Ports;
use crate::sys::kernel::{Family, Question};

/// Between two looks at moves.
pub(super) const MOVES_EVERY: u64 = SECOND / 100;
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
