//! What the C library's allocator is told: when to give memory back, and how much to take at once.
//!
//! Why give back: the allocator keeps what was freed, in heaps per thread, and gives back only what happens
//! to lie at their ends. After a table of a million routes was loaded and written that is a third of all
//! memory, for ever.
#![allow(unsafe_code, reason = "the C library's allocator is told something")]

/// Gives all free pages back; takes some milliseconds for each hundred megabytes.
pub fn give_back() {
    // SAFETY: takes no pointer, touches no memory in use, and locks what it walks; any thread may call it.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// For a process that only builds something large, on one thread at a time, and ends: one heap that grows by
/// 16 MB at once. The heaps of threads grow by a page, each time with a call of the system.
pub fn grow_boldly() {
    // SAFETY: takes no pointer; called before there is a second thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
        libc::mallopt(libc::M_TOP_PAD, 16 << 20);
    }
}
