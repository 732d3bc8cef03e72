//! Floor 0: addresses, prefixes, next hops, ids. No I/O, no async, no clock, no global state.

pub mod bytes;
pub mod community;
pub(crate) mod flags;
pub mod flow;
pub mod ids;
pub mod list;
pub mod log;
pub mod mask;
pub mod net;
pub mod nexthop;
pub mod path;
pub mod prefix_near;
mod prefix_print;
pub mod prefix_set;
pub mod rd;
pub mod set;
pub mod time;
pub mod value;

pub use ids::{ChannelId, ProtoId};
pub use ipnet::{IpNet, Ipv4Net, Ipv6Net};
pub use log::{LogClass, LogMask};
pub use net::{Mac, Net, NetExt, NetType};
pub use nexthop::{Lookup, NextHop};
pub use rd::Rd;
pub use value::{EnumType, Value};
