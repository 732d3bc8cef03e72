//! `echo`: log messages on their way to sessions.
//!
//! The log must never wait for a shell. Each listening session has a buffer of a size it chose; what does not
//! fit is counted, and the session is told how many messages it has missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::Notify;

use super::wire::Reply;
use crate::base::{LogClass, LogMask};

/// Hands log messages to the sessions that want them.
#[derive(Default, Debug)]
pub struct EchoHub {
    listeners: Mutex<Vec<Weak<EchoBuffer>>>,
}

/// The messages waiting for one session.
#[derive(Debug)]
pub struct EchoBuffer {
    mask: LogMask,
    size: usize,
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default, Debug)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    lost: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be left half done by a panic elsewhere.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl EchoHub {
    /// A new listener; it ends when it is dropped.
    pub fn listen(&self, mask: LogMask, size: usize) -> Arc<EchoBuffer> {
        let buffer = EchoBuffer { mask, size, waiting: Mutex::default(), filled: Notify::new() };
        let buffer = Arc::new(buffer);
        lock(&self.listeners).push(Arc::downgrade(&buffer));
        buffer
    }

    /// Called by the log for every message, without its time and class.
    pub fn publish(&self, class: LogClass, text: &str) {
        let mut listeners = lock(&self.listeners);
        if listeners.is_empty() {
            return;
        }
        listeners.retain(|listener| {
            let Some(buffer) = listener.upgrade() else { return false };
            if buffer.mask.contains(class) {
                buffer.add(text);
            }
            true
        });
    }
}

impl EchoBuffer {
    fn add(&self, text: &str) {
        let mut waiting = lock(&self.waiting);
        if waiting.bytes + text.len() + 2 > self.size {
            waiting.lost += 1;
        } else {
            waiting.bytes += text.len() + 2;
            waiting.lines.push_back(text.to_owned());
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Waits until there is something to tell.
    pub async fn filled(&self) {
        loop {
            let some = {
                let waiting = lock(&self.waiting);
                !waiting.lines.is_empty() || waiting.lost > 0
            };
            if some {
                return;
            }
            self.filled.notified().await;
        }
    }

    /// Tells everything.
    pub fn drain(&self, reply: &mut Reply) {
        let mut waiting = lock(&self.waiting);
        for line in waiting.lines.drain(..) {
            reply.asynchronous(&line);
        }
        waiting.bytes = 0;
        let lost = std::mem::take(&mut waiting.lost);
        if lost > 0 {
            reply.asynchronous(&format!("<{lost} messages lost>"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_overflow() {
        let hub = EchoHub::default();
        let buffer = hub.listen(LogMask::INFO, 256);
        hub.publish(LogClass::Trace, "not for us");
        hub.publish(LogClass::Info, "one");
        hub.publish(LogClass::Info, &"x".repeat(300));
        hub.publish(LogClass::Info, "two");
        let mut reply = Reply::default();
        buffer.drain(&mut reply);
        assert_eq!(String::from_utf8_lossy(reply.pending()), "+one\n+two\n+<1 messages lost>\n");
        drop(buffer);
        hub.publish(LogClass::Info, "nobody listens");
        assert!(lock(&hub.listeners).is_empty());
    }
}
