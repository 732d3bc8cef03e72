//! Values: what filters compute with and what route attributes hold. One type for both, so nothing is converted between them.

use std::net::IpAddr;
use std::sync::Arc;

use super::bytes::Bytes;
use super::community::LargeCommunity;
use super::path::{AsPath, PathMask};
use super::set::{PrefixSet, Set};
use super::{Mac, Net, Rd};

/// A value of the filter language. Cloning never copies more than 24 bytes and one reference count.
#[derive(Clone, PartialEq, Debug, Default)]
#[allow(missing_docs, reason = "one variant per type of the language; see doc/filters.md")]
pub enum Value {
    /// Unset.
    #[default]
    Void,
    Bool(bool),
    Int(u32),
    /// Two 16 bit halves, the first one high.
    Pair(u32),
    Quad(u32),
    Ip(IpAddr),
    Net(Net),
    Rd(Rd),
    Mac(Mac),
    Ec(u64),
    Lc(LargeCommunity),
    Enum(EnumType, u8),
    Str(Arc<str>),
    Bytes(Bytes),
    Path(AsPath),
    Mask(Arc<PathMask>),
    Clist(Arc<[u32]>),
    Eclist(Arc<[u64]>),
    Lclist(Arc<[LargeCommunity]>),
    Set(Arc<Set>),
    PrefixSet(Arc<PrefixSet>),
}

/// The enumerations of the language, with the type numbers that BIRD 2.19 prints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the names of the enumerations")]
pub enum EnumType {
    Rts,
    BgpOrigin,
    Scope,
    Rtd,
    Roa,
    Aspa,
    NetType,
    RaPreference,
    Af,
    MplsPolicy,
    NetEvpnType,
    KbrSource,
}
