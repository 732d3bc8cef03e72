//! Small dense numbers that stand for protocols and channels: indices instead of maps.

/// A protocol instance, dense per daemon run, never reused while a route of it stands in a table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProtoId(pub u32);

/// A channel (the door between one protocol and one table), dense per daemon run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChannelId(pub u32);
