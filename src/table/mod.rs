//! Floor 2: routing tables. Knows no protocol, no configuration, no filter.
//!
//! A net has a dense number ([`NetId`]); numbers index pages of slots; a slot holds the routes of one net, best first. Pages that somebody
//! looks at stand behind `Arc`s and are copied when written, so a [`Snapshot`] of a million routes is a copy of some
//! thousand pointers. Every change is appended to a journal as part of an immutable block; each consumer reads blocks at its
//! own pace. Nothing here locks: one thread owns a table, snapshots and blocks may go anywhere.

pub mod attrs;
pub mod bits;
mod guard;
pub mod journal;
pub mod page;
mod roas;
pub mod route;
#[allow(clippy::module_inception, reason = "the table itself is the noun of this folder")]
pub mod table;
#[cfg(test)]
mod tests;

pub use attrs::{AttrId, Attrs, Dest, Draft, Interner, Recursion, RouteSource};
pub use bits::Bits;
pub use journal::{BestChange, Block, Change, Cursor, Journal, Pulled};
pub use page::{Counted, NetId, Snapshot};
pub use route::{Route, Source};
pub use table::{Replaced, Table};
