//! From one configuration to the next, while routes keep flowing.
//!
//! A commit carries out a [`Plan`]: adaptations at once, the rest as protocols get down. What must get down
//! first is an obstacle; the transition is over when none is left and when everybody who announces routes
//! again has finished. One configuration may wait behind the running transition; a later one takes its place.
//! Undo is a commit with the arguments swapped.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::sync::{mpsc, oneshot};

use super::api::{DownReason, LookAt, ProtoState};
use super::engine::Engine;
use super::plan::{Fate, Plan, Planner, Running, Step};
use super::proto::{Goal, Proto};
use crate::base::{LogClass, ProtoId};
use crate::config::{Config, ProtocolConfig, RouterIdConfig};

/// How long, in microseconds, an answer waits for kernel protocols on their way down. BIRD does nothing else
/// meanwhile, so whoever looks behind an answer never finds them half-way; ours wait for the kernel, which on
/// a busy machine takes its time.
const PATIENCE: u64 = 2_000_000;

/// Told about every configuration that is taken.
pub type ConfigHook = Box<dyn FnMut(&Arc<Config>) + Send>;

/// How a request ends, as far as can be said at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the replies of `configure`")]
pub enum CommitOutcome {
    Done,
    InProgress,
    Queued,
    ShuttingDown,
    Unqueued,
    Nothing,
}

/// A configuration to take.
struct Request {
    config: Arc<Config>,
    soft: bool,
    undo: bool,
}

/// Where the daemon stands between configurations.
#[derive(Default)]
pub struct Transition {
    active: bool,
    obstacles: usize,
    /// Protocols that may still be announcing routes again.
    busy: Vec<ProtoId>,
    replies: Vec<oneshot::Sender<CommitOutcome>>,
    /// The answer waits for kernel protocols, until then at most.
    held: Option<u64>,
    queued: Option<Request>,
    previous: Option<Arc<Config>>,
    undo_available: bool,
    timer: Option<(u64, mpsc::Sender<String>)>,
    /// When the running configuration was taken.
    pub reconfigured: u64,
    /// Told about every configuration that is taken: logs, sockets, formats.
    pub hook: Option<ConfigHook>,
}

impl Transition {
    /// Whether a transition is under way, and whether another one waits.
    pub fn progress(&self) -> (bool, bool) {
        (self.active, self.queued.is_some())
    }

    /// When there is something to do without being woken.
    pub(super) fn due(&self) -> Option<u64> {
        let held = self.held.filter(|_| !self.replies.is_empty());
        [self.deadline(), held].into_iter().flatten().min()
    }

    /// When an unconfirmed configuration is undone.
    pub fn deadline(&self) -> Option<u64> {
        self.timer.as_ref().map(|(at, _)| *at)
    }

    fn answer(&mut self, outcome: CommitOutcome) {
        for reply in self.replies.drain(..) {
            let _ = reply.send(outcome);
        }
    }

    pub(super) fn obstacle_gone(&mut self) {
        self.obstacles = self.obstacles.saturating_sub(1);
    }
}

impl Engine {
    /// Takes a configuration: at once, or after the transition under way. `timeout`: seconds until it is
    /// undone, with the session to tell.
    pub fn configure(
        &mut self,
        config: Arc<Config>,
        soft: bool,
        timeout: Option<(u32, mpsc::Sender<String>)>,
        reply: oneshot::Sender<CommitOutcome>,
    ) {
        self.transition.timer = None;
        if self.core.shutting_down {
            let _ = reply.send(CommitOutcome::ShuttingDown);
            return;
        }
        if let Some((seconds, notices)) = timeout {
            let at = self.core.now() + u64::from(seconds) * 1_000_000;
            self.transition.timer = Some((at, notices));
        }
        self.transition.undo_available = true;
        self.request(Request { config, soft, undo: false }, reply);
    }

    /// Goes back to the configuration before.
    pub fn undo(&mut self, reply: oneshot::Sender<CommitOutcome>) {
        self.transition.timer = None;
        if self.core.shutting_down {
            let _ = reply.send(CommitOutcome::ShuttingDown);
            return;
        }
        let previous = self.transition.previous.clone().filter(|_| self.transition.undo_available);
        let Some(config) = previous else {
            let _ = reply.send(CommitOutcome::Nothing);
            return;
        };
        self.transition.undo_available = false;
        if self.transition.active && self.transition.queued.take().is_some() {
            self.core.log_line(LogClass::Info, format_args!("Removing queued configuration"));
            let _ = reply.send(CommitOutcome::Unqueued);
            return;
        }
        self.request(Request { config, soft: false, undo: true }, reply);
    }

    /// Stops the undo timer; whether there was one.
    pub fn confirm(&mut self) -> bool {
        self.transition.timer.take().is_some()
    }

    fn request(&mut self, request: Request, reply: oneshot::Sender<CommitOutcome>) {
        if self.transition.active {
            let what = if request.undo { "undo" } else { "new" };
            let replaced = self.transition.queued.replace(request).is_some();
            let rest = if replaced { ", ignoring the one already queued" } else { "" };
            self.core.log_line(LogClass::Info, format_args!("Queueing {what} configuration{rest}"));
            let _ = reply.send(CommitOutcome::Queued);
            return;
        }
        self.transition.replies.push(reply);
        self.commit(request);
        self.advance_transition();
    }

    fn commit(&mut self, request: Request) {
        let Request { config, soft, undo } = request;
        let word = if undo { "Undoing configuration" } else { "Reconfiguring" };
        self.core.log_line(LogClass::Info, format_args!("{word}"));
        let old = std::mem::replace(&mut self.core.config, config.clone());
        let steps = self.plan_from(&old, &config, soft).steps;
        self.transition.previous = Some(old);
        self.transition.active = true;
        self.transition.reconfigured = self.core.now();
        if !matches!(config.router_id, RouterIdConfig::Auto)
            && let Some(id) = self.core.find_router_id(&config)
        {
            self.core.router_id = id;
        }
        if let Some(hook) = &mut self.transition.hook {
            hook(&config);
        }
        self.core.warn_unbuilt();
        self.core.tools().forget();
        for table in &config.tables {
            self.core.take_table(table);
        }
        for step in steps {
            self.carry_out(&step, soft);
        }
        self.core.list(self.order_for(&config));
        self.core.drop_tables();
        self.settle();
    }

    /// Those who are there already keep their places, as in BIRD; a new one comes behind the one above it in the file.
    fn order_for(&self, config: &Config) -> Vec<ProtoId> {
        let mut behind: FxHashMap<Option<ProtoId>, Vec<ProtoId>> = FxHashMap::default();
        let mut above = None;
        for proto in config.protocols.iter().filter_map(|p| self.core.proto_named(&p.name)) {
            if proto.listed {
                above = Some(proto.id);
            }
            behind.entry(above).or_default().push(proto.id);
        }
        let stay = self.core.order.iter().copied().map(Some);
        std::iter::once(None).chain(stay).filter_map(|id| behind.remove(&id)).flatten().collect()
    }

    /// What `configure` would do with this configuration now.
    pub fn plan(&self, config: &Config) -> Plan {
        self.plan_from(&self.core.config, config, false)
    }

    fn plan_from(&self, old: &Config, new: &Config, soft: bool) -> Plan {
        let now = |name: &str| {
            let proto = self.core.proto_named(name)?;
            let running = matches!(proto.state, ProtoState::Up | ProtoState::Start);
            Some(Running { running, disabled: proto.disabled })
        };
        Planner { kinds: self.kinds, old, new, soft, now: &now }.plan()
    }

    fn carry_out(&mut self, step: &Step, soft: bool) {
        let Some(config) = &step.config else { return self.remove(&step.name) };
        let Some(proto) = self.core.proto_named(&step.name) else {
            self.core.log_line(LogClass::Info, format_args!("Adding protocol {}", step.name));
            let id = self.add_proto(config);
            self.start(id);
            return self.settle();
        };
        let (id, down) = (proto.id, proto.state == ProtoState::Down);
        match step.fate {
            Fate::Stay => {
                self.adapt(id, step, soft);
                self.transition.busy.push(id);
            }
            Fate::Idle if down => self.take_config(id, config.clone(), true),
            _ => self.restart_with(config),
        }
    }

    /// Stops a protocol to start it with another configuration; one that is down takes it at once.
    fn restart_with(&mut self, config: &Arc<ProtocolConfig>) {
        let Some(proto) = self.core.proto_named(&config.name) else { return };
        let (id, state, was, becomes) = (proto.id, proto.state, proto.disabled, config.disabled);
        let word = match (was, becomes) {
            (false, false) => Some("Restarting"),
            (true, false) => Some("Enabling"),
            (false, true) => Some("Disabling"),
            (true, true) => None,
        };
        if let Some(word) = word {
            self.core.log_line(LogClass::Info, format_args!("{word} protocol {}", config.name));
        }
        if state == ProtoState::Down {
            self.take_config(id, config.clone(), true);
            self.start(id);
            return;
        }
        if let Some(proto) = self.core.proto_mut(id) {
            proto.next = Some(config.clone());
            proto.goal = Goal::Up;
            if !std::mem::replace(&mut proto.obstacle, true) {
                self.transition.obstacles += 1;
            }
        }
        self.stop(id, DownReason::Restart);
    }

    fn remove(&mut self, name: &str) {
        let Some(proto) = self.core.proto_named(name) else { return };
        let (id, state) = (proto.id, proto.state);
        self.core.log_line(LogClass::Info, format_args!("Removing protocol {name}"));
        if let Some(proto) = self.core.proto_mut(id) {
            proto.goal = Goal::Gone;
            proto.next = None;
            if state != ProtoState::Down && !std::mem::replace(&mut proto.obstacle, true) {
                self.transition.obstacles += 1;
            }
        }
        if state == ProtoState::Down {
            self.forget(id);
        } else {
            self.stop(id, DownReason::Remove);
        }
    }

    /// Answers who waits, ends a transition that is complete, begins the next one, and watches the undo timer.
    pub(super) fn advance_transition(&mut self) {
        if self.transition.deadline().is_some_and(|at| at <= self.core.now()) {
            self.expire();
        }
        if !self.transition.active {
            return;
        }
        let core = &self.core;
        self.transition.busy.retain(|id| core.proto(*id).is_some_and(|p| p.working));
        if !self.transition.busy.is_empty() {
            return;
        }
        let done = self.transition.obstacles == 0;
        if !done && self.must_hold() {
            return;
        }
        let at_once = done && self.transition.held.is_none();
        let outcome = if at_once { CommitOutcome::Done } else { CommitOutcome::InProgress };
        if done {
            self.transition.active = false;
            self.transition.held = None;
            self.core.drop_tables();
            self.core.log_line(LogClass::Info, format_args!("Reconfigured"));
        }
        self.transition.answer(outcome);
        if done && let Some(next) = self.transition.queued.take() {
            self.core.log_line(LogClass::Info, format_args!("Reconfiguring to queued configuration"));
            self.commit(next);
        }
    }

    /// Whether the answer has to wait for a kernel protocol.
    fn must_hold(&mut self) -> bool {
        let halfway = |p: &Proto| p.obstacle && p.state == ProtoState::Stop && !p.stopped;
        if self.transition.replies.is_empty() || !self.core.protos().any(halfway) {
            return false;
        }
        let now = self.core.now();
        *self.transition.held.get_or_insert(now + PATIENCE) > now
    }

    fn expire(&mut self) {
        let Some((_, notices)) = self.transition.timer.take() else { return };
        const TEXT: &str = "Config timeout expired, starting undo";
        self.core.log_line(LogClass::Info, format_args!("{TEXT}"));
        // A session that is gone, or reads nothing, is not told.
        let _ = notices.try_send(TEXT.to_owned());
        let (reply, _) = oneshot::channel();
        self.undo(reply);
    }

    /// Orders the end of the daemon. Kernel routes go with their protocols, unless this is a graceful restart.
    pub fn shutdown(&mut self, graceful: bool) {
        if self.core.shutting_down {
            return;
        }
        let word = if graceful { "Shutting down for graceful restart" } else { "Shutting down" };
        self.core.log_line(LogClass::Info, format_args!("{word}"));
        self.core.shutting_down = true;
        self.transition.answer(CommitOutcome::InProgress);
        self.transition.queued = None;
        self.transition.timer = None;
        let reason = if graceful { DownReason::GracefulRestart } else { DownReason::Shutdown };
        let ids: Vec<ProtoId> = self.core.protos().map(|p| p.id).collect();
        for id in ids {
            self.stop(id, reason);
        }
        self.settle();
    }
}
