//! The registry of route attributes: one table for every attribute of every protocol, whether the protocol is
//! built or not.
//!
//! Filters, `show route all` and the manual all read this table, so that an attribute exists everywhere or
//! nowhere. Adding one is a line in [`table`]. Three kinds of names lead to an attribute: those of the list
//! that every route has as fields ([`Field`]), those of the list kept per route ([`Attribute`], numbered in
//! the order BIRD prints them), and single bits of an integer attribute. What users declare themselves lives
//! in [`CustomAttrs`].

mod custom;
mod show;
mod table;

pub use custom::{Custom, CustomAttrs};
pub use show::{ShowAttr, show};
pub use table::{ATTRIBUTES, BITS, FIELDS};

use super::types::Type;
use crate::table::AttrId;

/// Attributes that are fields of every route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "documented in the table of fields")]
pub enum Field {
    Net,
    Proto,
    Source,
    Dest,
    From,
    Gw,
    Ifname,
    Ifindex,
    Weight,
    Preference,
    Onlink,
    GwMpls,
    GwMplsStack,
    Scope,
}

impl Field {
    /// The type of its values.
    pub fn ty(self) -> Type {
        FIELDS.get(self as usize).filter(|f| f.field == self).map_or(Type::Unknown, |f| f.ty)
    }
}

/// A field of every route, as filters see it.
#[derive(Debug)]
pub struct FieldInfo {
    /// Which.
    pub field: Field,
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub ty: Type,
    /// Whether `=` may stand behind it.
    pub writable: bool,
    /// Whether `unset` takes it.
    pub unsettable: bool,
    /// For the manual.
    pub doc: &'static str,
}

/// How `show route all` writes the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// As its type suggests.
    Plain,
    /// `IGP`, `EGP`, `Incomplete`.
    Origin,
    /// With a sign.
    Signed,
    /// Eight hex digits with `0x`.
    Hex8,
    /// Four hex digits.
    Hex4,
    /// Members as IPv4 addresses.
    Addresses,
    /// Members as numbers.
    Numbers,
    /// The names of the bits that are set, from [`BITS`].
    Bits,
    /// `bird`, `local`, `static`, `dynamic`.
    BridgeSource,
    /// `low`, `medium`, `high`.
    RaPreference,
    /// `ADDRESS ASn` from the attribute's bytes.
    Aggregator,
    /// Nothing behind the colon.
    Empty,
}

/// An attribute of the list.
#[derive(Debug)]
pub struct Attribute {
    /// Its number; their order is the order of printing.
    pub id: AttrId,
    /// Its name in filters.
    pub name: &'static str,
    /// Other names it answers to.
    pub aliases: &'static [&'static str],
    /// Its name in `show route all`.
    pub shown: &'static str,
    /// Its type; [`Type::Opaque`] cannot be written.
    pub ty: Type,
    /// How it is shown.
    pub format: Format,
    /// For the manual.
    pub doc: &'static str,
}

/// A single bit of an integer attribute.
#[derive(Debug)]
pub struct Bit {
    /// The attribute.
    pub id: AttrId,
    /// The bit, from 0.
    pub bit: u8,
    /// Its name in filters.
    pub name: &'static str,
    /// Its word in `show route all`.
    pub shown: &'static str,
}

/// What a built-in name means.
#[derive(Clone, Copy, Debug)]
pub enum Builtin {
    /// A field of every route.
    Field(&'static FieldInfo),
    /// An attribute of the list.
    Listed(&'static Attribute),
    /// A bit of one.
    Bit(&'static Bit),
}

/// Names that only version 3 has. The control socket answers as 2.19 does and does not know them.
pub const ONLY_IN_3: &[&str] = &[
    "radv_preference",
    "radv_lifetime",
    "local_metric",
    "krt_lock",
    "krt_features",
    "babel_router_id",
    "bgp_mpls_label_stack",
];

/// What filters may look at but not change.
pub const READ_ONLY: &[AttrId] = &[id::BABEL_ROUTER_ID];

/// Spellings that are accepted with a warning: old word, right word.
pub const DEPRECATED: &[(&str, &str)] =
    &[("krt_sstresh", "krt_ssthresh"), ("krt_lock_sstresh", "krt_lock_ssthresh")];

/// The attribute of this name.
pub fn lookup(name: &str) -> Option<Builtin> {
    let name = DEPRECATED.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new);
    let field = || FIELDS.iter().find(|f| f.name == name).map(Builtin::Field);
    let listed = || {
        let mut all = ATTRIBUTES.iter();
        all.find(|a| a.name == name || a.aliases.contains(&name)).map(Builtin::Listed)
    };
    let bit = || BITS.iter().find(|b| b.name == name).map(Builtin::Bit);
    field().or_else(listed).or_else(bit)
}

/// Whether an attribute is bookkeeping that no list shows.
pub fn is_hidden(id: AttrId) -> bool {
    id == id::LOST_WEIGHT
}

/// The attribute of this number, if it is not a user's own.
pub fn by_id(id: AttrId) -> Option<&'static Attribute> {
    ATTRIBUTES.binary_search_by_key(&id, |a| a.id).ok().map(|at| &ATTRIBUTES[at])
}

/// All names, for suggestions.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    let fields = FIELDS.iter().map(|f| f.name);
    fields.chain(ATTRIBUTES.iter().map(|a| a.name)).chain(BITS.iter().map(|b| b.name))
}

/// Numbers that protocols use to set and read their attributes.
#[allow(missing_docs, reason = "the names are those of the table")]
pub mod id {
    use crate::table::AttrId;

    pub const IGP_METRIC: AttrId = AttrId(0x0000);
    pub const LOCAL_METRIC: AttrId = AttrId(0x0001);
    pub const MPLS_LABEL: AttrId = AttrId(0x0010);
    pub const MPLS_POLICY: AttrId = AttrId(0x0011);
    pub const MPLS_CLASS: AttrId = AttrId(0x0012);
    pub const ASPA_PROVIDERS: AttrId = AttrId(0x0020);
    pub const BABEL_METRIC: AttrId = AttrId(0x0100);
    pub const BABEL_ROUTER_ID: AttrId = AttrId(0x0101);
    /// BGP attributes are this plus their number on the wire.
    pub const BGP: u16 = 0x0200;
    pub const BGP_ORIGIN: AttrId = AttrId(BGP + 1);
    pub const BGP_PATH: AttrId = AttrId(BGP + 2);
    pub const BGP_NEXT_HOP: AttrId = AttrId(BGP + 3);
    pub const BGP_MED: AttrId = AttrId(BGP + 4);
    pub const BGP_LOCAL_PREF: AttrId = AttrId(BGP + 5);
    pub const BGP_ATOMIC_AGGR: AttrId = AttrId(BGP + 6);
    pub const BGP_AGGREGATOR: AttrId = AttrId(BGP + 7);
    pub const BGP_COMMUNITY: AttrId = AttrId(BGP + 8);
    pub const BGP_ORIGINATOR_ID: AttrId = AttrId(BGP + 9);
    pub const BGP_CLUSTER_LIST: AttrId = AttrId(BGP + 10);
    pub const BGP_EXT_COMMUNITY: AttrId = AttrId(BGP + 16);
    pub const BGP_PMSI_TUNNEL: AttrId = AttrId(BGP + 22);
    pub const BGP_AIGP: AttrId = AttrId(BGP + 26);
    pub const BGP_LARGE_COMMUNITY: AttrId = AttrId(BGP + 32);
    pub const BGP_OTC: AttrId = AttrId(BGP + 35);
    /// Not on the wire: the labels of the MPLS families, which stand in the network there.
    pub const BGP_MPLS_LABEL_STACK: AttrId = AttrId(0x0310);
    pub const KBR_SOURCE: AttrId = AttrId(0x0300);
    pub const KRT_SOURCE: AttrId = AttrId(0x0400);
    pub const KRT_METRIC: AttrId = AttrId(0x0401);
    pub const KRT_PREFSRC: AttrId = AttrId(0x0402);
    pub const KRT_REALM: AttrId = AttrId(0x0403);
    pub const KRT_SCOPE: AttrId = AttrId(0x0404);
    /// Kernel metrics are this plus their `RTAX_*` number.
    pub const KRT_METRICS: u16 = 0x0420;
    pub const KRT_LOCK: AttrId = AttrId(KRT_METRICS + 1);
    pub const KRT_MTU: AttrId = AttrId(KRT_METRICS + 2);
    pub const KRT_WINDOW: AttrId = AttrId(KRT_METRICS + 3);
    pub const KRT_RTT: AttrId = AttrId(KRT_METRICS + 4);
    pub const KRT_RTTVAR: AttrId = AttrId(KRT_METRICS + 5);
    pub const KRT_SSTHRESH: AttrId = AttrId(KRT_METRICS + 6);
    pub const KRT_CWND: AttrId = AttrId(KRT_METRICS + 7);
    pub const KRT_ADVMSS: AttrId = AttrId(KRT_METRICS + 8);
    pub const KRT_REORDERING: AttrId = AttrId(KRT_METRICS + 9);
    pub const KRT_HOPLIMIT: AttrId = AttrId(KRT_METRICS + 10);
    pub const KRT_INITCWND: AttrId = AttrId(KRT_METRICS + 11);
    pub const KRT_FEATURES: AttrId = AttrId(KRT_METRICS + 12);
    pub const KRT_RTO_MIN: AttrId = AttrId(KRT_METRICS + 13);
    pub const KRT_INITRWND: AttrId = AttrId(KRT_METRICS + 14);
    pub const KRT_QUICKACK: AttrId = AttrId(KRT_METRICS + 15);
    pub const KRT_CONGCTL: AttrId = AttrId(KRT_METRICS + 16);
    pub const KRT_FASTOPEN_NO_COOKIE: AttrId = AttrId(KRT_METRICS + 17);
    pub const OSPF_METRIC1: AttrId = AttrId(0x0500);
    pub const OSPF_METRIC2: AttrId = AttrId(0x0501);
    pub const OSPF_TAG: AttrId = AttrId(0x0502);
    pub const OSPF_ROUTER_ID: AttrId = AttrId(0x0503);
    pub const RA_PREFERENCE: AttrId = AttrId(0x0600);
    pub const RA_LIFETIME: AttrId = AttrId(0x0601);
    pub const RIP_METRIC: AttrId = AttrId(0x0700);
    pub const RIP_TAG: AttrId = AttrId(0x0701);
    /// The first number for attributes that users declare.
    pub const CUSTOM: u16 = 0x8000;
    /// The weight of a next hop that a filter took away, which `weight` goes on to show. Never listed.
    pub const LOST_WEIGHT: AttrId = AttrId(0xffff);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_are_unique() {
        assert!(ATTRIBUTES.is_sorted_by(|a, b| a.id < b.id));
        let mut names: Vec<_> =
            all_names().chain(ATTRIBUTES.iter().flat_map(|a| a.aliases.iter().copied())).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for bit in BITS {
            assert!(by_id(bit.id).is_some_and(|a| a.ty == Type::Int), "{}", bit.name);
        }
    }

    #[test]
    fn names_old_and_new_are_found() {
        assert!(matches!(lookup("gw"), Some(Builtin::Field(f)) if f.field == Field::Gw));
        assert!(matches!(lookup("radv_lifetime"), Some(Builtin::Listed(a)) if a.id == id::RA_LIFETIME));
        assert!(
            matches!(lookup("krt_lock_sstresh"), Some(Builtin::Bit(b)) if b.id == id::KRT_LOCK && b.bit == 6)
        );
        assert!(lookup("krt_colour").is_none());
    }
}
