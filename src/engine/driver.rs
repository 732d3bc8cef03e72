//! The engine's thread: takes messages, gives turns, sleeps until something happens.
//!
//! A message is a closure that runs on the engine's thread with the engine in its hands. Whoever sends one waits for its answer, so the mailbox
//! holds at most one message per session and needs no bound of its own.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::api::LookAt;
use super::cycle::{Part, Watchdog};
use super::engine::Engine;

type Message = Box<dyn FnOnce(&mut Engine) + Send>;

#[derive(Default)]
struct Mailbox {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    woken: bool,
    closed: bool,
}

/// So many turns and kernel events are bulk work: much memory was used and freed.
const BULK: u64 = 64;

/// Turns at most between the start of all protocols and the first answer.
const FIRST_TURNS: usize = 16;

/// After so much rest what was freed goes back to the system.
const REST: Duration = Duration::from_millis(200);

/// Knows when memory is to be given back.
#[derive(Default)]
struct Tidy {
    /// Effort when memory was given back last, and when it was last asked for.
    done: u64,
    seen: u64,
    rests_since: Option<Instant>,
}

impl Tidy {
    /// There is nothing to do after so much effort; tells after how long to ask again.
    fn rest(&mut self, effort: u64) -> Option<Duration> {
        if effort - self.done < BULK {
            return None;
        }
        if std::mem::replace(&mut self.seen, effort) != effort {
            self.rests_since = None;
        }
        let left = REST.saturating_sub(self.rests_since.get_or_insert_with(Instant::now).elapsed());
        if left.is_zero() {
            crate::sys::memory::give_back();
            self.done = effort;
            return None;
        }
        Some(left)
    }
}

/// The engine has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EngineGone;

/// A way to reach the engine from any thread or task.
#[derive(Clone, Default)]
pub struct Handle {
    mailbox: Arc<Mailbox>,
    attention: Arc<AtomicUsize>,
}

/// More is to be asked: until this is dropped, flushes are in no hurry.
///
/// What is asked in one go is then answered out of one state, however fast the engine is and however slow whoever asks.
#[must_use = "attention ends when this is dropped"]
pub struct Attention(Handle);

impl Drop for Attention {
    fn drop(&mut self) {
        if self.0.attention.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.wake();
        }
    }
}

impl Handle {
    /// Something happened that a turn will find (kernel events). Never waits.
    pub fn wake(&self) {
        let mut queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.woken = true;
        self.mailbox.arrived.notify_one();
    }

    /// More is to be asked soon.
    pub fn attend(&self) -> Attention {
        self.attention.fetch_add(1, Ordering::Relaxed);
        Attention(self.clone())
    }

    /// How many have more to ask.
    pub(super) fn attention(&self) -> Arc<AtomicUsize> {
        self.attention.clone()
    }

    /// Runs a closure on the engine's thread, without waiting for it.
    pub fn send(&self, what: impl FnOnce(&mut Engine) + Send + 'static) -> Result<(), EngineGone> {
        let mut queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.closed {
            return Err(EngineGone);
        }
        queue.messages.push_back(Box::new(what));
        self.mailbox.arrived.notify_one();
        Ok(())
    }

    /// Runs a closure on the engine's thread and returns its answer.
    pub async fn call<R: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Engine) -> R + Send + 'static,
    ) -> Result<R, EngineGone> {
        let (reply, answer) = oneshot::channel();
        self.send(move |engine| drop(reply.send(what(engine))))?;
        answer.await.map_err(|_| EngineGone)
    }

    /// The same for threads that may block; never call it on the engine's own.
    pub fn call_blocking<R: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Engine) -> R + Send + 'static,
    ) -> Result<R, EngineGone> {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        self.send(move |engine| drop(reply.send(what(engine))))?;
        answer.recv().map_err(|_| EngineGone)
    }

    /// Starts the thread. `make` builds the engine on it; `booted` hears whether it came up. The thread ends when the engine is finished.
    pub fn run(
        &self,
        make: impl FnOnce() -> Engine + Send + 'static,
        booted: impl FnOnce(Result<(), String>) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let handle = self.clone();
        std::thread::Builder::new().name("engine".into()).stack_size(16 << 20).spawn(move || {
            let mut engine = make();
            engine.attention = handle.attention();
            let result = handle.boot(&mut engine);
            let up = result.is_ok();
            booted(result);
            if up {
                handle.serve(&mut engine);
            }
            let mut queue = handle.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.closed = true;
            queue.messages.clear();
            drop(queue);
            ended();
        })
    }

    /// Interfaces first, because static routes and the router id depend on them; then the rest.
    fn boot(&self, engine: &mut Engine) -> Result<(), String> {
        engine.boot_first();
        let patience = Instant::now() + Duration::from_secs(60);
        while engine.is_scanning() && Instant::now() < patience {
            if !engine.turn() {
                self.wait(Some(Duration::from_millis(20)));
            }
        }
        engine.boot_rest().map_err(str::to_owned)?;
        // Nobody is answered before: whoever asks at once finds what few routes there are where they belong.
        for _ in 0..FIRST_TURNS {
            if !engine.turn() {
                break;
            }
        }
        Ok(())
    }

    fn serve(&self, engine: &mut Engine) {
        let (mut more, mut tidy) = (true, Tidy::default());
        let mut watchdog = Watchdog::new(engine.core.logger.output(), || std::process::abort());
        while !engine.is_finished() {
            if !more {
                let now = engine.core.now();
                let timer = engine.next_timer().map(|at| Duration::from_micros(at.saturating_sub(now)));
                self.wait([timer, tidy.rest(engine.effort)].into_iter().flatten().min());
            }
            let start = Instant::now();
            watchdog.begin(engine.core.config.debug.watchdog_timeout);
            while let Some(message) = self.next() {
                engine.cycle.events += 1;
                engine.timed(Part::Commands, message);
            }
            more = engine.turn();
            engine.end_cycle(start);
            watchdog.rest();
        }
    }

    fn next(&self) -> Option<Message> {
        self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner).messages.pop_front()
    }

    fn wait(&self, limit: Option<Duration>) {
        let mut queue = self.mailbox.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.messages.is_empty() && !queue.woken {
            let limit = limit.unwrap_or(Duration::from_secs(3600));
            queue = self
                .mailbox
                .arrived
                .wait_timeout(queue, limit)
                .map_or_else(|e| e.into_inner().0, |(queue, _)| queue);
        }
        queue.woken = false;
    }
}
