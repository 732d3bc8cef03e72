//! Floor 1: everything that talks to the operating system.
//!
//! Above this floor the kernel is a trait ([`kernel::Kernel`]) and plain data; below it is netlink on a thread of its
//! own ([`linux`]) or a fake that fails and lags on demand ([`fake`]). Nothing here knows a routing table, a
//! configuration or an async runtime, and all `unsafe` of the daemon lives here, each block with its reason.

pub mod fake;
mod fake_nexthops;
pub mod kernel;
pub mod linux;
pub mod logsink;
pub mod memory;
pub mod namespace;
pub mod nexthops;
pub mod process;

/// The text of an error number without the number, as people and logs want it (`File exists`).
pub fn strerror(error: &std::io::Error) -> String {
    let full = error.to_string();
    full.split(" (os error").next().unwrap_or_default().to_owned()
}
