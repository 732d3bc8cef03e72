//! The engine's door to the log: formatting once, rate limits, and listeners (`echo` sessions).

use std::fmt;
use std::sync::Arc;

use crate::base::LogClass;

/// Takes finished log lines. Implemented over files, syslog and so on by the daemon, and by a list in tests.
pub trait LogOutput: Send + Sync {
    /// One line, without class tag or time.
    fn write(&self, class: LogClass, line: &str);
}

/// Writes log lines.
pub struct Logger {
    output: Arc<dyn LogOutput>,
    buffer: String,
    /// Rate limit of kernel refusals and filter errors: tokens left and when they were last filled up.
    tokens: u32,
    filled: u64,
    muted: bool,
}

impl Logger {
    /// Lines go to `output`.
    pub fn new(output: Arc<dyn LogOutput>) -> Logger {
        Logger { output, buffer: String::new(), tokens: Logger::BURST, filled: 0, muted: false }
    }

    /// Where lines go, for threads that have no engine.
    pub(super) fn output(&self) -> Arc<dyn LogOutput> {
        self.output.clone()
    }

    /// Messages of one burst, as in BIRD's limiter.
    const BURST: u32 = 5;

    /// One line.
    pub fn log(&mut self, class: LogClass, text: fmt::Arguments<'_>) {
        use fmt::Write;
        self.buffer.clear();
        let _ = self.buffer.write_fmt(text);
        self.output.write(class, &self.buffer);
    }

    /// One line of a kind that can come a million times: a burst of five, then one per second; the first
    /// suppressed one shows as `...`.
    pub fn limited(&mut self, now: u64, class: LogClass, text: fmt::Arguments<'_>) {
        let seconds = (now - self.filled) / 1_000_000;
        if seconds > 0 {
            self.tokens = self.tokens.saturating_add(seconds as u32).min(Logger::BURST);
            self.filled += seconds * 1_000_000;
        }
        if self.tokens > 0 {
            self.tokens -= 1;
            self.muted = false;
            self.log(class, text);
        } else if !std::mem::replace(&mut self.muted, true) {
            self.log(class, format_args!("..."));
        }
    }
}
