//! What the shows show: plain structs, one module per show.
//!
//! A view is made by the [`Backend`](super::backend::Backend) and holds no reference to the engine;
//! [`render`](super::render) turns it into text. JSON and text are renderings of one view, so they cannot
//! disagree.

pub mod explain;
pub mod interface;
pub mod kernel;
pub mod memory;
pub mod protocol;
pub mod route;
pub mod static_;
pub mod status;
pub mod symbol;

pub use interface::{AddressView, InterfaceView};
pub use memory::MemoryView;
pub use protocol::{ChannelView, PipeView, ProtocolView};
pub use static_::{StaticHopView, StaticRouteView, StaticView};
pub use status::{StatusView, ThreadView};
pub use symbol::SymbolClass;
