//! Memory that is free goes back to the system.
//!
//! Why: the allocator keeps what was freed, in heaps per thread, and gives back only what happens to lie at their ends.
//! After a table of a million routes was loaded and written that is a third of all memory, for ever.
#![allow(unsafe_code, reason = "the C library's allocator is told something")]

/// Gives all free pages back; takes some milliseconds for each hundred megabytes.
pub fn give_back() {
    // SAFETY: takes no pointer, touches no memory in use, and locks what it walks; any thread may call it.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
