//! What a running command works with: the daemon, the reply, the client, and the settings of the session.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::backend::{Answer, Backend, Gone, Scope};
use super::code::Code;
use super::echo::{EchoBuffer, EchoHub};
use super::render::Times;
use super::wire::Reply;
use crate::base::time::TimeFormat;

/// Why a session ends in the middle of a command.
#[derive(Debug)]
pub enum Stop {
    /// The engine is gone.
    Gone,
    /// The client is.
    Lost(io::Error),
}

impl From<Gone> for Stop {
    fn from(_: Gone) -> Stop {
        Stop::Gone
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Lost(error)
    }
}

/// What waits to be sent before a command goes on computing.
pub const CHUNK: usize = 64 * 1024;

/// A client that takes nothing for so long has nothing kept for it.
const IDLE: Duration = Duration::from_millis(100);

/// Notices that wait for a session; more are dropped.
const NOTICES: usize = 8;

/// One session as its commands see it.
pub struct Context {
    /// The daemon.
    pub backend: Arc<dyn Backend>,
    /// The lines being made.
    pub reply: Reply,
    /// Whether only looking is allowed.
    pub restricted: bool,
    /// `timeformat`
    pub time_format: Option<TimeFormat>,
    /// Where log messages come from.
    pub hub: Arc<EchoHub>,
    /// `echo`
    pub echo: Option<Arc<EchoBuffer>>,
    /// For what the engine tells this session later.
    pub notices: mpsc::Sender<String>,
    inbox: mpsc::Receiver<String>,
    writer: OwnedWriteHalf,
}

impl Context {
    /// A new session.
    pub fn new(
        backend: Arc<dyn Backend>,
        hub: Arc<EchoHub>,
        restricted: bool,
        writer: OwnedWriteHalf,
    ) -> Context {
        let (notices, inbox) = mpsc::channel(NOTICES);
        Context {
            backend,
            reply: Reply::default(),
            restricted,
            time_format: None,
            hub,
            echo: None,
            notices,
            inbox,
            writer,
        }
    }

    /// The names and the language of the running configuration.
    pub fn scope(&self) -> Arc<dyn Scope> {
        self.backend.scope()
    }

    /// How this session writes times now.
    pub fn times(&self) -> Times {
        Times {
            now: self.backend.now(),
            formats: self.backend.time_formats(),
            own: self.time_format.clone(),
            zone: TimeZone::system(),
        }
    }

    /// Asks the daemon and waits for its answer; asynchronous lines go out meanwhile.
    pub async fn ask<T, Q>(&mut self, question: Q) -> Result<T, Stop>
    where
        Q: for<'b> FnOnce(&'b dyn Backend) -> Answer<'b, T>,
    {
        let backend = self.backend.clone();
        self.wait(question(&*backend)).await
    }

    /// Waits for an answer; asynchronous lines go out meanwhile.
    pub async fn wait<T>(&mut self, mut answer: Answer<'_, T>) -> Result<T, Stop> {
        loop {
            tokio::select! {
                biased;
                done = &mut answer => return Ok(done?),
                () = asynchronous(&mut self.inbox, &self.echo, &mut self.reply) => {}
            }
            self.send().await?;
        }
    }

    /// Waits until something asynchronous has been added to the reply.
    pub async fn asynchronous(&mut self) {
        asynchronous(&mut self.inbox, &self.echo, &mut self.reply).await;
    }

    /// Sends everything, at the client's speed.
    pub async fn send(&mut self) -> io::Result<()> {
        self.add_asynchronous();
        let sent = self.writer.write_all(self.reply.pending()).await;
        self.reply.sent();
        sent
    }

    /// Sends what is waiting if that is much.
    pub async fn pace(&mut self) -> io::Result<()> {
        if self.reply.pending().len() >= CHUNK { self.send().await } else { Ok(()) }
    }

    /// Sends everything. What is kept for the client is given up, by `idle`, when it takes nothing for a
    /// while, or when `patience` is used up: all the time spent waiting for it, over several calls.
    pub async fn send_or(&mut self, patience: &mut Duration, idle: impl FnOnce()) -> io::Result<()> {
        self.add_asynchronous();
        let mut at = 0;
        let mut idle = Some(idle);
        while at < self.reply.pending().len() {
            let write = self.writer.write(&self.reply.pending()[at..]);
            let since = Instant::now();
            let written = match &idle {
                Some(_) => tokio::time::timeout(IDLE.min(*patience), write).await,
                None => Ok(write.await),
            };
            *patience = patience.saturating_sub(since.elapsed());
            match written {
                Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(Ok(count)) => at += count,
                Ok(Err(error)) => return Err(error),
                Err(_) => {
                    if let Some(call) = idle.take() {
                        call();
                    }
                }
            }
        }
        self.reply.sent();
        Ok(())
    }

    /// Ends the client's reading side: everything was said.
    pub async fn close(&mut self) {
        // The client may be gone already; then there is nobody to tell.
        drop(self.writer.shutdown().await);
    }

    fn add_asynchronous(&mut self) {
        while let Ok(notice) = self.inbox.try_recv() {
            self.reply.asynchronous(&notice);
        }
        if let Some(echo) = &self.echo {
            echo.drain(&mut self.reply);
        }
    }

    /// Ends the reply with a refusal.
    pub fn refuse(&mut self, refusal: super::command::args::Refusal) {
        self.reply.end(refusal.code, refusal.text);
    }

    /// Ends the reply with a line of its own.
    pub fn end(&mut self, code: Code, text: impl std::fmt::Display) -> Result<(), Stop> {
        self.reply.end(code, text);
        Ok(())
    }
}

async fn asynchronous(inbox: &mut mpsc::Receiver<String>, echo: &Option<Arc<EchoBuffer>>, reply: &mut Reply) {
    let logged = async {
        match echo {
            Some(echo) => echo.filled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        Some(notice) = inbox.recv() => reply.asynchronous(&notice),
        () = logged => {
            if let Some(echo) = echo {
                echo.drain(reply);
            }
        }
    }
}
