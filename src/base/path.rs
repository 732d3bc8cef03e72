//! BGP AS paths and the masks that match them.

use std::sync::Arc;

/// An AS path (RFC 4271, section 4.3; confederations RFC 5065).
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct AsPath(pub Arc<[Segment]>);

/// A segment of an AS path.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names of the RFCs")]
pub enum Segment {
    Sequence(Arc<[u32]>),
    Set(Arc<[u32]>),
    ConfedSequence(Arc<[u32]>),
    ConfedSet(Arc<[u32]>),
}

/// A compiled path mask.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PathMask {
    /// Its items in order.
    pub items: Vec<MaskItem>,
}

/// An item of a path mask.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "the items of the language")]
pub enum MaskItem {
    Asn(u32),
    Range(u32, u32),
    Star,
    One,
    Set(Arc<super::set::Set>),
    /// The item before, once or more.
    Loop,
}
