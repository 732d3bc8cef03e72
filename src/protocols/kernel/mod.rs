//! A table kept in step with a routing table of the kernel.
//!
//! Why it is the way it is: routes are written by several parties (we, the kernel itself, administrators, other
//! daemons), any of which may act at any moment; what the kernel says arrives late and may be lost; a request may be
//! refused. So this protocol believes little. It knows what it *wants* (the exports), what it has *asked for* (requests
//! that are not answered yet) and what it was last *told* (answers, notices, scans), and it works off the difference.
//! Whatever happens in between, after the last event the kernel holds what is wanted, and what others put there.
//!
//! How it is cut:
//! - [`config`]: the options;
//! - [`sync`]: the reconciler, a pure machine without engine, clock or socket. `sync` holds what is wanted,
//!   `send` turns that into operations and learns from answers, `scan` compares a dump, `notice` follows what
//!   others do in between;
//! - `backlog`: what waits to be sent, in an order the kernel likes; `listing`: in which order it lists;
//! - [`nets`], [`bodies`], [`aliens`], `flights`, [`drift`]: what it remembers, each small and by itself. A route costs
//!   14 bytes here (IPv6: 26) beyond its shared body, and 4 more where the kernel lists routes in another order;
//! - [`nexthops`]: which kernel object each route stands on, and moves of whole objects;
//! - [`convert`]: attributes of a table to bodies of the kernel and back, and the normal form both are compared in;
//! - [`instance`]: the driver that connects all this with the engine; in it `learning` gives foreign routes
//!   to the table, and `objects` looks after nexthop objects.
//!
//! What it must not know: other protocols, filters, how a message to the kernel looks.
//!
//! The life of an instance: it claims its kernel table (one instance per table and family), is fed, and reads
//! the table when the feed ends. Before that nothing is written, so after a crash and a restart only
//! differences are. From the end of the first complete scan on every export is sent as it comes. Periodic
//! scans, lost notices, doubts and interfaces that come and go lead to more scans; each is a real dump that
//! compares destinations and attributes. When the instance stops it deletes what is its own, unless that is
//! to stay.

pub mod aliens;
mod attributes;
mod backlog;
pub mod bodies;
pub mod config;
pub mod convert;
pub mod drift;
mod flights;
pub mod instance;
mod listing;
pub mod nets;
pub mod nexthops;
mod notice;
mod scan;
mod send;
pub mod sync;

#[cfg(test)]
mod tests;
