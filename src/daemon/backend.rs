//! The engine as the shell sees it: every question is a closure that runs on the engine's thread and returns
//! plain data.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, oneshot};

use crate::base::time::{Now, TimeFormats};
use crate::config::{Config, DebugMask, Failure, MrtdumpMask};
use crate::control::backend::{
    Action, Answer, Backend, ConfigEvent, ConfigOutcome, Configure, DebugTarget, DumpWhat, Gone,
    NoSuchChannel, Outcome, RouteText, Scope, Selection,
};
use crate::control::view::explain::{ExplainView, FilterView, Question};
use crate::control::view::kernel::{DriftsView, KernelView, KernelWait};
use crate::control::view::status::{ConfigStatusView, DaemonState, StatusView};
use crate::control::view::{
    InterfaceView, MemoryView, ProtocolView, StaticView, ThreadView, route::RouteWorld,
};
use crate::engine::report::Agreement;
use crate::engine::transition::CommitOutcome;
use crate::engine::{Engine, EngineGone, Handle};

use super::loader::Loader;
use super::{routes, views};

/// How often those who wait for the kernel look.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The running daemon behind the control socket.
pub struct Daemon {
    handle: Handle,
    started: Instant,
    /// The configuration file of the command line.
    path: PathBuf,
    loader: Loader,
    hostname: Arc<str>,
    /// The configuration taken last, for names and time formats.
    config: Arc<RwLock<Arc<Config>>>,
}

impl Daemon {
    /// A door to the engine behind `handle`. `config` is kept up to date by the engine's configuration hook.
    pub fn new(
        handle: Handle,
        started: Instant,
        path: PathBuf,
        loader: Loader,
        hostname: Arc<str>,
        config: Arc<RwLock<Arc<Config>>>,
    ) -> Daemon {
        Daemon { handle, started, path, loader, hostname, config }
    }

    pub(super) fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn ask<R: Send + 'static>(&self, what: impl FnOnce(&mut Engine) -> R + Send + 'static) -> Answer<'_, R> {
        Box::pin(async move { self.handle.call(what).await.map_err(|EngineGone| Gone) })
    }

    /// Whether tables, exports and kernel agree now.
    pub(super) fn agreement(&self) -> Answer<'_, Agreement> {
        self.ask(|e| e.agreement())
    }

    /// Answers as soon as the engine takes questions.
    pub(super) fn pulse(&self) -> Answer<'_, ()> {
        self.ask(|_| ())
    }

    /// Orders a reconfiguration from the file of the command line, as SIGHUP does; errors go to the log.
    pub fn reload(&self) -> mpsc::Receiver<ConfigEvent> {
        let (notices, _) = mpsc::channel(1);
        self.configure(Configure::Load { file: None, soft: false, timeout: 0 }, notices)
    }
}

fn daemon_state(engine: &Engine) -> DaemonState {
    match engine.transition.progress() {
        _ if engine.is_shutting_down() => DaemonState::ShuttingDown,
        (true, queued) => DaemonState::Reconfiguring { queued },
        (false, _) => DaemonState::Running,
    }
}

impl Backend for Daemon {
    fn attend(&self) -> Box<dyn Send> {
        Box::new(self.handle.attend())
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        Now { moment: self.started.elapsed().as_micros() as u64, wall }
    }

    fn time_formats(&self) -> TimeFormats {
        self.config().time_formats.clone()
    }

    fn scope(&self) -> Arc<dyn Scope> {
        Arc::new(super::scope::ConfigScope::new(
            self.config(),
            self.loader.custom.clone(),
            self.handle.clone(),
        ))
    }

    fn threads(&self) -> Answer<'_, Vec<ThreadView>> {
        Box::pin(async {
            let threads = crate::sys::process::threads();
            let view = |t: crate::sys::process::Thread| ThreadView {
                id: t.id,
                name: t.name,
                cpu: t.cpu,
                state: if t.running { "running" } else { "waiting" },
            };
            Ok(threads.into_iter().map(view).collect())
        })
    }

    fn route_text(&self) -> Arc<dyn RouteText> {
        Arc::new(super::scope::AttributeText(self.loader.custom.clone()))
    }

    fn status(&self) -> Answer<'_, StatusView> {
        let system = self.hostname.clone();
        self.ask(move |e| StatusView {
            router_id: e.core.router_id.into(),
            hostname: e.core.config.hostname.clone().unwrap_or(system),
            booted: 0,
            reconfigured: e.transition.reconfigured,
            recovery: None,
            state: daemon_state(e),
        })
    }

    fn protocols(&self, which: Selection, detail: bool) -> Answer<'_, Vec<ProtocolView>> {
        self.ask(move |e| {
            let chosen = e.core.protos().filter(|p| which.matches(&p.name));
            chosen.map(|p| views::protocol(e, p, detail)).collect()
        })
    }

    fn interfaces(&self) -> Answer<'_, Vec<InterfaceView>> {
        self.ask(|e| views::interfaces(&e.core))
    }

    fn statics(&self, name: Option<Arc<str>>) -> Answer<'_, Vec<StaticView>> {
        self.ask(move |e| {
            let chosen = e.core.protos().filter(|p| match &name {
                Some(name) => p.name == *name,
                None => p.state != crate::engine::api::ProtoState::Down,
            });
            chosen.filter_map(|p| views::statics(e, p)).collect()
        })
    }

    fn kernel(&self) -> Answer<'_, Vec<KernelView>> {
        self.ask(|e| e.core.protos().filter_map(|p| views::kernel(e, p)).collect())
    }

    fn kernel_drift(&self) -> Answer<'_, DriftsView> {
        self.ask(|e| views::drifts(e))
    }

    fn wait_kernel(&self, limit: Duration) -> Answer<'_, KernelWait> {
        let until = Instant::now() + limit;
        Box::pin(async move {
            // What others have just done in the kernel is on its way to us: twice the same answer, with no
            // work in between, counts.
            let mut before = None;
            loop {
                let now = self.agreement().await?;
                if now.settled && before == Some(now.mark) {
                    return Ok(KernelWait::Settled);
                }
                if Instant::now() >= until && (!now.settled || before.is_some()) {
                    return Ok(KernelWait::TimedOut(now.behind));
                }
                before = now.settled.then_some(now.mark);
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        })
    }

    fn memory(&self) -> Answer<'_, MemoryView> {
        self.ask(|e| views::memory(&e.core))
    }

    fn routes(&self, protocols: Vec<Arc<str>>) -> Answer<'_, RouteWorld> {
        let handle = self.handle.clone();
        self.ask(move |e| routes::world(e, &handle, &protocols))
    }

    fn filters(&self, name: Option<Arc<str>>, stats: bool) -> Answer<'_, Vec<FilterView>> {
        self.ask(move |e| super::explain::filters(e, name.as_deref(), stats))
    }

    fn explain(&self, question: Question) -> Answer<'_, Result<ExplainView, String>> {
        let (handle, custom) = (self.handle.clone(), self.loader.custom.clone());
        Box::pin(async move {
            let asked = question.clone();
            let known = handle.call(move |e| {
                if let Some((_, name, Some(channel))) = &asked.through
                    && !e.has_channel(name, channel)
                {
                    return Err(format!("Channel {name}.{channel} not found"));
                }
                Ok((e.explain(&asked), super::routes::naming(&e.core)))
            });
            let (found, naming) = match known.await.map_err(|EngineGone| Gone)? {
                Ok(known) => known,
                Err(why) => return Ok(Err(why)),
            };
            let engine = super::filters::OffEngine::new(handle.clone());
            let explainer = super::explain::Explainer { engine, custom, naming: Arc::new(naming) };
            let view = tokio::task::spawn_blocking(move || explainer.view(&question, found));
            // A filter that breaks the explainer must not break the session.
            Ok(view.await.map_err(|e| format!("explaining failed internally: {e}")))
        })
    }

    fn act(&self, action: Action, which: Selection) -> Answer<'_, Vec<(Arc<str>, Outcome)>> {
        self.ask(move |e| e.act(&action, |name| which.matches(name)))
    }

    fn debug(&self, target: DebugTarget, mask: DebugMask) -> Answer<'_, Result<usize, NoSuchChannel>> {
        self.ask(move |e| match target {
            DebugTarget::Protocols(which) => Ok(e.set_debug(mask, |name| which.matches(name))),
            DebugTarget::Channel { protocol, channel } => {
                e.set_channel_debug(&protocol, &channel, mask).then_some(1).ok_or(NoSuchChannel)
            }
        })
    }

    fn mrtdump(&self, which: Selection, mask: MrtdumpMask) -> Answer<'_, usize> {
        self.ask(move |e| e.set_mrtdump(mask, |name| which.matches(name)))
    }

    fn dump(&self, what: DumpWhat) -> Answer<'_, String> {
        self.ask(move |e| super::dump::text(e, what))
    }

    fn configure(&self, request: Configure, notices: mpsc::Sender<String>) -> mpsc::Receiver<ConfigEvent> {
        let (events, receiver) = mpsc::channel(16);
        let job =
            Job { handle: self.handle.clone(), loader: self.loader.clone(), path: self.path.clone(), events };
        tokio::spawn(job.run(request, notices));
        receiver
    }

    fn configure_status(&self) -> Answer<'_, ConfigStatusView> {
        self.ask(|e| {
            let now = crate::engine::api::LookAt::now(&e.core);
            let undo_in = e.transition.deadline().map(|at| at.saturating_sub(now));
            ConfigStatusView { state: daemon_state(e), undo_in }
        })
    }

    fn shutdown(&self, graceful: bool) {
        let _ = self.handle.send(move |e| e.shutdown(graceful));
    }
}

/// One `configure` command.
struct Job {
    handle: Handle,
    loader: Loader,
    path: PathBuf,
    events: mpsc::Sender<ConfigEvent>,
}

impl Job {
    async fn say(&self, event: ConfigEvent) {
        let _ = self.events.send(event).await;
    }

    async fn run(self, request: Configure, notices: mpsc::Sender<String>) {
        match request {
            Configure::Load { file, soft, timeout } => {
                let Some(config) = self.read(file, true).await else { return };
                if timeout > 0 {
                    self.say(ConfigEvent::UndoScheduled(timeout)).await;
                }
                let timer = (timeout > 0).then_some((timeout, notices));
                self.commit(move |e, reply| e.configure(config, soft, timer, reply)).await;
            }
            Configure::Check { file } => {
                if self.read(file, true).await.is_some() {
                    self.say(ConfigEvent::Fine).await;
                }
            }
            Configure::Plan { file } => {
                let Some(config) = self.read(file, false).await else { return };
                let plan = self.handle.call(move |e| e.plan(&config)).await;
                for step in plan.map_or_else(|_| Vec::new(), |p| p.steps) {
                    self.say(ConfigEvent::Plan(step.to_string())).await;
                }
                self.say(ConfigEvent::Fine).await;
            }
            Configure::Explain { file } => {
                let path = file.map_or_else(|| self.path.clone(), PathBuf::from);
                let loader = self.loader.clone();
                let result = tokio::task::spawn_blocking(move || match loader.load(&path) {
                    Ok(_) => Ok((String::new(), 0)),
                    Err(Failure::Refused(refusal)) => Ok((refusal.explain("", false), refusal.error_count())),
                    Err(unreadable) => Err(unreadable.to_string()),
                });
                let event = match result.await {
                    Ok(Ok((_, 0))) => ConfigEvent::Fine,
                    Ok(Ok((text, count))) => {
                        for line in text.lines() {
                            self.say(ConfigEvent::Mistake(line.to_owned())).await;
                        }
                        ConfigEvent::Mistakes(count)
                    }
                    Ok(Err(why)) => ConfigEvent::Refused(why),
                    Err(panic) => ConfigEvent::Refused(format!("reading failed internally: {panic}")),
                };
                self.say(event).await;
            }
            Configure::Undo => {
                self.say(ConfigEvent::UndoRequested).await;
                self.commit(|e, reply| e.undo(reply)).await;
            }
            Configure::Confirm => {
                let confirmed = self.handle.call(Engine::confirm).await.unwrap_or(false);
                let outcome = if confirmed { ConfigOutcome::Confirmed } else { ConfigOutcome::NothingToDo };
                self.say(ConfigEvent::Done(outcome)).await;
            }
        }
    }

    /// Reads the file on a thread for blocking work; says why when it is refused. `logs`: its log files must open, too.
    async fn read(&self, file: Option<String>, logs: bool) -> Option<Arc<Config>> {
        let path = file.map_or_else(|| self.path.clone(), PathBuf::from);
        self.say(ConfigEvent::Reading(path.display().to_string())).await;
        let loader = self.loader.clone();
        let result = tokio::task::spawn_blocking(move || {
            let config = loader.load(&path).map_err(|refusal| refusal.to_string())?;
            if logs {
                super::logging::check(&config)?;
            }
            Ok(config)
        });
        let result: Result<Result<_, String>, _> = result.await;
        match result {
            Ok(Ok(config)) => return Some(config),
            Ok(Err(refusal)) => self.say(ConfigEvent::Refused(refusal)).await,
            Err(panic) => self.say(ConfigEvent::Refused(format!("reading failed internally: {panic}"))).await,
        }
        None
    }

    async fn commit(&self, what: impl FnOnce(&mut Engine, oneshot::Sender<CommitOutcome>) + Send + 'static) {
        let (reply, answer) = oneshot::channel();
        let sent = self.handle.send(move |e| what(e, reply));
        let outcome = match sent {
            Ok(()) => answer.await.unwrap_or(CommitOutcome::ShuttingDown),
            Err(EngineGone) => CommitOutcome::ShuttingDown,
        };
        self.say(ConfigEvent::Done(match outcome {
            CommitOutcome::Done => ConfigOutcome::Reconfigured,
            CommitOutcome::InProgress => ConfigOutcome::InProgress,
            CommitOutcome::Queued => ConfigOutcome::Queued,
            CommitOutcome::ShuttingDown => ConfigOutcome::ShuttingDown,
            CommitOutcome::Unqueued => ConfigOutcome::QueueRemoved,
            CommitOutcome::Nothing => ConfigOutcome::NothingToDo,
        }))
        .await;
    }
}
