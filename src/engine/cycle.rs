//! How long the engine is busy: `debug latency`, `watchdog warning` and `watchdog timeout` (BIRD's manual,
//! global options).
//!
//! Why: what is late is late because something else was being done. A cycle is what happens between two looks
//! at the mailbox. When `debug latency` is on, each part of it is timed, and the protocol named that took
//! most of it. A cycle that does not end at all ends the daemon, so that somebody starts it anew; its routes
//! stay in the kernel, and the next daemon finds them there.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::logger::LogOutput;
use crate::base::{LogClass, ProtoId};
use crate::config::LatencyMask;

/// A part of a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    Commands,
    Kernel,
    Timers,
    Work,
    Exports,
    Flushes,
    Reconfiguration,
}

impl Part {
    fn class(self) -> LatencyMask {
        match self {
            Part::Commands | Part::Kernel => LatencyMask::SOCKETS,
            Part::Timers => LatencyMask::TIMERS,
            Part::Work | Part::Exports | Part::Flushes | Part::Reconfiguration => LatencyMask::EVENTS,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Part::Commands => "commands",
            Part::Kernel => "kernel",
            Part::Timers => "timers",
            Part::Work => "work",
            Part::Exports => "exports",
            Part::Flushes => "flushes",
            Part::Reconfiguration => "reconfiguration",
        }
    }
}

/// What a cycle consists of so far.
#[derive(Default, Debug)]
pub(super) struct Cycle {
    /// Messages, and calls of protocols.
    pub(super) events: u32,
    /// The longest call of the part under way.
    longest: Option<(ProtoId, Duration)>,
}

impl Cycle {
    /// A protocol was called and has returned.
    pub(super) fn called(&mut self, id: ProtoId, took: Duration) {
        if self.longest.is_none_or(|(_, longest)| took > longest) {
            self.longest = Some((id, took));
        }
    }
}

/// Milliseconds as BIRD prints them.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}.{:03} ms", micros / 1000, micros % 1000)
    }
}

impl Engine {
    /// Does a part of a cycle, timed when `debug latency` asks for it.
    pub(super) fn timed<R>(&mut self, part: Part, what: impl FnOnce(&mut Engine) -> R) -> R {
        let debug = &self.core.config.debug;
        if !debug.latency.has(part.class()) {
            return what(self);
        }
        let (limit, start) = (debug.latency_limit, Instant::now());
        self.cycle.longest = None;
        let result = what(self);
        let took = start.elapsed();
        if took > limit {
            let of =
                self.cycle.longest.map(|(id, _)| format!(" ({})", self.core.name_of(id))).unwrap_or_default();
            let text = format_args!("Event {}{of} took {}", part.name(), Millis(took));
            self.core.log_line(LogClass::Warning, text);
        }
        result
    }

    /// A cycle is over that began then.
    pub(super) fn end_cycle(&mut self, start: Instant) {
        let events = std::mem::take(&mut self.cycle.events);
        let took = start.elapsed();
        if took > self.core.config.debug.watchdog_warning {
            let text = format_args!("I/O loop cycle took {} for {events} events", Millis(took));
            self.core.log_line(LogClass::Warning, text);
        }
    }
}

/// How often the watchdog looks; its limits are whole seconds.
const LOOK: Duration = Duration::from_millis(250);

/// Ends a daemon whose engine hangs (`watchdog timeout`). Looks from a thread of its own, which there is once
/// a limit is set.
pub(super) struct Watchdog {
    base: Instant,
    /// When the cycle under way has to be over, in microseconds since `base`; 0 while the engine rests or may
    /// take its time.
    due: Arc<AtomicU64>,
    watched: bool,
    output: Arc<dyn LogOutput>,
    bite: fn(),
}

impl Watchdog {
    /// Tells `output` why, then calls `bite`.
    pub(super) fn new(output: Arc<dyn LogOutput>, bite: fn()) -> Watchdog {
        Watchdog { base: Instant::now(), due: Arc::default(), watched: false, output, bite }
    }

    /// A cycle begins that may take so long.
    pub(super) fn begin(&mut self, limit: Option<Duration>) {
        let Some(limit) = limit else { return };
        if !self.watched {
            self.watched = self.watch();
        }
        let due = self.base.elapsed() + limit;
        self.due.store(due.as_micros() as u64, Ordering::Relaxed);
    }

    /// The cycle is over.
    pub(super) fn rest(&self) {
        if self.watched {
            self.due.store(0, Ordering::Relaxed);
        }
    }

    fn watch(&self) -> bool {
        let (due, base) = (Arc::downgrade(&self.due), self.base);
        let (output, bite) = (self.output.clone(), self.bite);
        let look = move || {
            while let Some(due) = Weak::upgrade(&due).map(|due| due.load(Ordering::Relaxed)) {
                if due != 0 && base.elapsed().as_micros() as u64 > due {
                    output.write(LogClass::Bug, "Watchdog timer timed out");
                    return bite();
                }
                std::thread::sleep(LOOK);
            }
        };
        match std::thread::Builder::new().name("watchdog".into()).spawn(look) {
            Ok(_) => true,
            Err(error) => {
                self.output.write(LogClass::Error, &format!("No watchdog: {error}"));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    use super::*;

    static BITTEN: AtomicBool = AtomicBool::new(false);

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogOutput for Lines {
        fn write(&self, _: LogClass, line: &str) {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line.to_owned());
        }
    }

    #[test]
    fn the_watchdog_bites_who_hangs_and_nobody_else() {
        let lines = Arc::new(Lines::default());
        let mut watchdog = Watchdog::new(lines.clone(), || BITTEN.store(true, Ordering::SeqCst));
        let limit = Some(Duration::from_millis(1));
        watchdog.begin(limit);
        watchdog.rest();
        std::thread::sleep(LOOK * 2);
        assert!(!BITTEN.load(Ordering::SeqCst), "at rest");
        watchdog.begin(limit);
        let patience = Instant::now() + Duration::from_secs(10);
        while !BITTEN.load(Ordering::SeqCst) && Instant::now() < patience {
            std::thread::sleep(LOOK);
        }
        assert!(BITTEN.load(Ordering::SeqCst));
        assert_eq!(
            *lines.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
            ["Watchdog timer timed out"]
        );
    }

    #[test]
    fn milliseconds() {
        assert_eq!(Millis(Duration::from_micros(12_034)).to_string(), "12.034 ms");
    }
}
