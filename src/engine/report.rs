//! What a protocol that writes to the kernel tells about its work.
//!
//! Plain data behind two questions: a cheap one that is asked many times a second while somebody waits
//! ([`KernelProgress`]), and a full one that walks over all routes ([`KernelStatus`]). Whether everything
//! agrees is more than the protocols know: routes may be on their way to them. So the engine answers that
//! ([`Engine::agreement`]).

use std::sync::Arc;

use super::api::ProtoState;
use super::engine::Engine;

/// The figures of one kernel protocol, for `show kernel`.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct KernelStatus {
    /// The kernel's table.
    pub table: u32,
    /// Routes that should stand there.
    pub wanted: usize,
    /// Those that do, as far as answers, notices and scans tell.
    pub installed: usize,
    /// Those the kernel refuses.
    pub refused: usize,
    /// Foreign routes that are known.
    pub learned: usize,
    /// Nexthop objects in use.
    pub objects: usize,
    /// Changes behind our back since the start.
    pub drift: u64,
    /// Those of them that were ours to undo: in the place of the others stands somebody else's route.
    pub repaired: u64,
    /// Scans since the start.
    pub scans: u32,
    /// When the last scan began, in microseconds since the daemon's start.
    pub last_scan: Option<u64>,
    /// How long the last complete one took, in microseconds.
    pub scan_took: u64,
    /// Operations that wait for the kernel to take them.
    pub waiting: usize,
    /// Operations sent and not answered yet.
    pub flying: usize,
    /// Table, exports and kernel agree, as far as they ever will: nothing is under way, refused routes count as done.
    pub settled: bool,
}

/// What happened to a route of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DriftKind {
    /// It was deleted.
    Deleted,
    /// It was changed and still carries our protocol number.
    Changed,
    /// A route with this protocol number took its place.
    Taken(u8),
    /// A scan did not find it, without any notice.
    Missing,
}

/// One change behind our back, for `show kernel drift`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DriftReport {
    /// Microseconds since the daemon's start.
    pub at: u64,
    /// The route's packets: `10.0.0.0/8`, or `2001:db8::/32 from 2001:db8:1::/48`.
    pub route: String,
    /// Its metric.
    pub metric: u32,
    /// What happened.
    pub kind: DriftKind,
}

/// How far a kernel protocol is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct KernelProgress {
    /// As in [`KernelStatus`].
    pub settled: bool,
    /// A number that is another one after anything was done.
    pub mark: u64,
}

/// Whether tables, exports and kernel agree.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Agreement {
    /// They do, as far as they ever will.
    pub settled: bool,
    /// The kernel protocols that have something to do.
    pub behind: Vec<Arc<str>>,
    /// A number that is another one after anything was done.
    pub mark: u64,
}

impl Engine {
    /// Whether tables, exports and kernel agree at this moment.
    pub fn agreement(&self) -> Agreement {
        let mut answer = Agreement { settled: self.is_quiet(), ..Agreement::default() };
        for proto in self.core.protos() {
            let Some(progress) = self.instance(proto.id).and_then(|i| i.kernel_progress()) else { continue };
            answer.mark = answer.mark.wrapping_mul(31).wrapping_add(progress.mark);
            if !progress.settled || proto.state == ProtoState::Stop {
                answer.settled = false;
                answer.behind.push(proto.name.clone());
            }
        }
        answer
    }
}
