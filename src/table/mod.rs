//! Floor 2: routing tables. Knows no protocol, no configuration, no filter.

pub mod attrs;
pub mod route;

pub use attrs::{AttrId, Attrs, Dest, RouteSource};
pub use route::Route;
