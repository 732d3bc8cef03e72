//! What happens when the code of a table itself panics.
//!
//! A panic in an instance of a protocol is caught at the call and takes that instance down. It must not be
//! caught when it comes from the middle of a change: index, slots and journal would contradict each other,
//! and everybody would go on with them.

/// Runs a change of a table as a whole or not at all: a panic in it ends the daemon.
#[inline]
pub(super) fn whole<T>(change: impl FnOnce() -> T) -> T {
    let guard = AbortOnUnwind;
    let done = change();
    std::mem::forget(guard);
    done
}

/// Only dropped while a panic unwinds.
struct AbortOnUnwind;

impl Drop for AbortOnUnwind {
    #[cold]
    fn drop(&mut self) {
        // The panic has told its own place and reason already.
        eprintln!("bird: a change of a routing table failed halfway, its state cannot be trusted: aborting");
        std::process::abort();
    }
}
