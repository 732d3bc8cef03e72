//! The start order, the signals, and the end.
//!
//! The order matters to supervisors: everything that can be wrong with the configuration or the socket is
//! found before the parent exits, nothing is forked once threads exist, and privileges are dropped before
//! anything is listened to by others.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use super::backend::{Daemon, LOOK_AGAIN};
use super::loader::Loader;
use super::logging::{self, FATAL, Logging, take_events};
use crate::config::Config;
use crate::control::backend::{Backend, ConfigEvent};
use crate::control::server::{Audit, Heard, Options as ServerOptions, Server, Socket, SocketError};
use crate::engine::logger::{LogOutput, Logger};
use crate::engine::{Engine, Handle};
use crate::syntax;
use crate::sys::linux::NetlinkKernel;
use crate::sys::process::{Identity, Launch, PidFile, ServiceManager, ServiceState, hostname, user_name};

/// Threads that walk tables and read files. More would take the processors from the sessions that ask for little.
const BLOCKING: usize = 8;

/// How a daemon is to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// `-c`
    pub config: PathBuf,
    /// `-s`
    pub socket: PathBuf,
    /// `-P`
    pub pid_file: Option<PathBuf>,
    /// `-f`, `-d`: stay in the foreground.
    pub foreground: bool,
    /// `-d`, `-f`: without a `log` in the configuration, log to standard error too.
    pub log_to_stderr: bool,
    /// `-D`: log to this file, whatever the configuration says.
    pub debug_file: Option<PathBuf>,
    /// `-u`
    pub user: Option<String>,
    /// `-g`
    pub group: Option<String>,
    /// `-R`: recover from a graceful restart.
    pub recover: bool,
}

fn no_socket(error: SocketError) -> anyhow::Error {
    // Programs get BIRD's words and nothing else.
    let advice = error.advice().filter(|_| std::io::stderr().is_terminal());
    let advice = advice.map_or_else(String::new, |advice| format!("\nbird: {advice}"));
    match error {
        SocketError::InUse => anyhow!("{error}{advice}"),
        // The second line is BIRD's, and as in BIRD a message of its own.
        SocketError::Failed(..) => anyhow!("{error}\nbird: Won't run without control socket{advice}"),
    }
}

/// Runs until the end. Errors are what stands behind `bird: ` on standard error; an empty one was logged there already.
pub fn run(settings: &Settings, loader: Loader) -> anyhow::Result<()> {
    let identity =
        Identity::find(settings.user.as_deref(), settings.group.as_deref()).map_err(|e| anyhow!(e))?;
    let config = loader.load(&settings.config).map_err(|e| anyhow!(e.at_start()))?;
    let socket = Socket::bind(&settings.socket, identity.owner()).map_err(no_socket)?;
    let launch = match settings.foreground {
        true => Launch::foreground(),
        false => Launch::background().context("cannot go to the background")?,
    };
    let mut pid_file =
        settings.pid_file.as_deref().map(PidFile::create).transpose().map_err(|e| anyhow!(e))?;
    if let Some(file) = &mut pid_file {
        file.write().context("cannot write the PID file")?;
    }
    identity.assume().context("cannot take the user and group asked for")?;
    // Terms of commands and whole configurations are parsed on the blocking threads.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING)
        .thread_stack_size(syntax::STACK)
        .on_thread_start(syntax::stack_is_big)
        .build()?;
    let result = runtime.block_on(serve(settings, loader, config, socket, launch));
    if let Some(file) = pid_file {
        file.remove();
    }
    result
}

async fn serve(
    settings: &Settings,
    loader: Loader,
    config: Arc<Config>,
    socket: Socket,
    launch: Launch,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let manager = ServiceManager::from_environment();
    logging::check(&config).map_err(|why| anyhow!(why))?;
    let log = Arc::new(Logging::new(started, settings.log_to_stderr, settings.debug_file.clone()));
    log.apply(&config);
    take_events(log.clone());
    let shared = Arc::new(RwLock::new(config.clone()));
    let (taken, mut configs) = watch::channel(config.clone());
    let handle = Handle::default();

    let (booted, boot) = oneshot::channel();
    let (ended, end) = oneshot::channel();
    let make = {
        let (log, shared, bell) = (log.clone(), shared.clone(), handle.clone());
        let kernel = NetlinkKernel::start(move || bell.wake()).context("cannot talk to the kernel")?;
        let recover = settings.recover;
        move || {
            let output: Arc<dyn LogOutput> = log.clone();
            let mut engine =
                Engine::new(config, crate::protocols::KINDS, Box::new(kernel), Logger::new(output), started);
            engine.core.set_recovering(recover);
            engine.transition.hook = Some(Box::new(move |config: &Arc<Config>| {
                log.apply(config);
                *shared.write().unwrap_or_else(PoisonError::into_inner) = config.clone();
                taken.send_replace(config.clone());
            }));
            engine
        }
    };
    handle.run(make, |result| drop(booted.send(result)), || _ = ended.send(()))?;
    if let Err(why) = boot.await.unwrap_or_else(|_| Err("the engine failed to start".into())) {
        tracing::error!(class = FATAL, "{why}");
        return Err(anyhow!(if log.is_on_stderr() { String::new() } else { why }));
    }

    let daemon =
        Arc::new(Daemon::new(handle, started, settings.config.clone(), loader, hostname().into(), shared));
    let options = ServerOptions {
        echo: log.echo.clone(),
        audit: Some(audit(log.clone())),
        heard: Some(heard(daemon.clone())),
        user_name: Some(Box::new(user_name)),
    };
    let mut server = Server::new(daemon.clone(), options, None);
    server.main_socket(socket)?;
    take_sockets(&mut server, &configs.borrow_and_update().clone());
    tracing::info!("Started");
    launch.ready()?;

    let mut signals = Signals::new()?;
    let mut end = end;
    let synced = first_sync(&daemon, &manager);
    tokio::pin!(synced);
    let alive = heartbeat(&daemon, &manager);
    tokio::pin!(alive);
    let mut starting = manager.is_there();
    loop {
        tokio::select! {
            _ = &mut end => break,
            status = &mut synced, if starting => {
                starting = false;
                manager.tell(ServiceState::Ready, Some(&status));
            }
            Ok(()) = configs.changed() => {
                let config = configs.borrow_and_update().clone();
                take_sockets(&mut server, &config);
            }
            () = &mut alive => {}
            which = signals.next() => match which {
                Asked::Reload => {
                    tracing::info!("Reconfiguration requested by SIGHUP");
                    log.reopen();
                    tokio::spawn(follow(daemon.reload()));
                }
                Asked::End => {
                    starting = false;
                    manager.tell(ServiceState::Stopping, Some("shutting down"));
                    daemon.shutdown(false);
                }
                Asked::Dump => {
                    tracing::info!("Debug dump requested by SIGUSR1");
                    dump(&daemon).await;
                }
            },
        }
    }
    server.close().await;
    tracing::error!(class = FATAL, "Shutdown completed");
    Ok(())
}

/// How long nothing may happen until we believe that nothing will.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the service manager is asked for more time.
const ASK_FOR_TIME: Duration = Duration::from_secs(5);

/// Feeds the watchdog of the service manager, as long as the engine answers: a daemon whose sessions live
/// while its routing hangs is to be started anew.
async fn heartbeat(daemon: &Daemon, manager: &ServiceManager) {
    let Some(limit) = manager.watchdog() else { return std::future::pending().await };
    let mut beat = tokio::time::interval(limit / 2);
    loop {
        beat.tick().await;
        if daemon.pulse().await.is_err() {
            return std::future::pending().await;
        }
        manager.tell(ServiceState::Watchdog, None);
    }
}

/// Waits until kernel and tables agree for the first time, or nothing is left that can progress. Units that
/// are ordered behind this one start with the routes in place; the shell does not wait. Gives a line for
/// people.
async fn first_sync(daemon: &Daemon, manager: &ServiceManager) -> String {
    let (mut mark, mut changed) = (None, Instant::now());
    let mut asked: Option<Instant> = None;
    loop {
        let Ok(now) = daemon.agreement().await else { return std::future::pending().await };
        if now.settled {
            return "running".to_owned();
        }
        // None behind: routes are on their way between other protocols and tables.
        let behind = if now.behind.is_empty() { "none behind".to_owned() } else { now.behind.join(", ") };
        if mark != Some(now.mark) {
            (mark, changed) = (Some(now.mark), Instant::now());
        }
        if changed.elapsed() > PATIENCE {
            return format!("running, not in step with the kernel: {behind}");
        }
        if asked.is_none_or(|at| at.elapsed() > ASK_FOR_TIME) {
            asked = Some(Instant::now());
            let more = ServiceState::ExtendTimeout(PATIENCE + 2 * ASK_FOR_TIME);
            manager.tell(more, Some(&format!("writing routes to the kernel: {behind}")));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn take_sockets(server: &mut Server, config: &Config) {
    let wanted = config.cli_sockets.iter().map(|s| (s.path.as_path(), s.restricted));
    for error in server.set_sockets(wanted) {
        tracing::error!("{error}");
    }
}

/// Says which user changed what, root and the daemon's own included.
fn audit(log: Arc<Logging>) -> Box<dyn Fn(&Audit<'_>) + Send + Sync> {
    let daemon = rustix::process::geteuid().as_raw();
    Box::new(move |audit| {
        let mut who = audit.user.clone().unwrap_or_else(|| "somebody".to_owned());
        let numbers = [audit.uid.map(|n| format!("uid {n}")), audit.pid.map(|n| format!("pid {n}"))];
        let numbers: Vec<String> = numbers.into_iter().flatten().collect();
        if !numbers.is_empty() {
            who = format!("{who} ({})", numbers.join(", "));
        }
        log.audit(audit.uid == Some(daemon), &format!("CLI: {who}: {}", audit.command));
    })
}

/// `debug commands`: from 1 on sessions that come and go are logged, from 2 on their commands too.
fn heard(daemon: Arc<Daemon>) -> Box<dyn Fn(Heard<'_>) + Send + Sync> {
    Box::new(move |what| match (daemon.config().debug.commands, what) {
        (1.., Heard::Connect) => tracing::info!("CLI connect"),
        (1.., Heard::Close) => tracing::info!("CLI connection closed"),
        (2.., Heard::Command(line)) => tracing::trace!("CLI: {line}"),
        _ => {}
    })
}

/// What a reconfiguration that nobody waits for has to say goes to the log.
async fn follow(mut events: mpsc::Receiver<ConfigEvent>) {
    while let Some(event) = events.recv().await {
        if let ConfigEvent::Refused(why) = event {
            tracing::error!("{why}");
        }
    }
}

async fn dump(daemon: &Daemon) {
    use crate::control::backend::DumpWhat;
    for what in [DumpWhat::Interfaces, DumpWhat::Protocols, DumpWhat::Routes] {
        if let Ok(text) = daemon.dump(what).await {
            text.lines().for_each(|line| tracing::debug!("{line}"));
        }
    }
}

enum Asked {
    Reload,
    End,
    Dump,
}

struct Signals {
    hangup: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    user: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.hangup.recv() => Asked::Reload,
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.user.recv() => Asked::Dump,
        }
    }
}
