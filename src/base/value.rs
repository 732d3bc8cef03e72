//! Values: what filters compute with and what route attributes hold. One type for both, so nothing is
//! converted between them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::bytes::Bytes;
use super::community::{Clist, Eclist, LargeCommunity, Lclist, write_ec, write_pair};
use super::mask::PathMask;
use super::path::AsPath;
use super::prefix_set::PrefixSet;
use super::set::Set;
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
    Clist(Clist),
    Eclist(Eclist),
    Lclist(Lclist),
    Set(Arc<Set>),
    PrefixSet(Arc<PrefixSet>),
}

const _: () =
    assert!(size_of::<Value>() <= 24, "attributes of a million routes and every filter variable are values");

impl Value {
    /// Whether it holds nothing shared: dropping it does nothing.
    #[inline]
    pub fn is_plain(&self) -> bool {
        use Value::*;
        matches!(
            self,
            Void | Bool(_)
                | Int(_)
                | Pair(_)
                | Quad(_)
                | Ip(_)
                | Rd(_)
                | Mac(_)
                | Ec(_)
                | Lc(_)
                | Enum(..)
                | Net(super::Net::Ip(_))
        )
    }

    /// A clone that is quick for small values.
    #[inline]
    pub fn copy(&self) -> Value {
        match self {
            Value::Int(n) => Value::Int(*n),
            Value::Bool(b) => Value::Bool(*b),
            Value::Net(Net::Ip(prefix)) => Value::Net(Net::Ip(*prefix)),
            Value::Pair(n) => Value::Pair(*n),
            other => other.clone(),
        }
    }

    /// Puts another value in its place.
    #[inline]
    pub fn put(&mut self, value: Value) {
        let old = std::mem::replace(self, value);
        // What has nothing to drop does not have to be asked.
        if old.is_plain() {
            std::mem::forget(old);
        }
    }

    /// Puts a copy of another value in its place. As [`Value::put`] of a copy; but the parts go where they
    /// belong one by one, and are not gathered first: a word that is read whole right after its bytes were
    /// written one by one is what processors are slow at.
    #[inline]
    pub fn assign(&mut self, from: &Value) {
        match from {
            Value::Int(n) => self.put_in_place(Value::Int(*n)),
            Value::Bool(b) => self.put_in_place(Value::Bool(*b)),
            Value::Pair(n) => self.put_in_place(Value::Pair(*n)),
            Value::Net(Net::Ip(prefix)) => self.put_in_place(Value::Net(Net::Ip(*prefix))),
            Value::Lc(l) => self.put_in_place(Value::Lc(*l)),
            Value::Clist(l) => self.put_in_place(Value::Clist(l.clone())),
            Value::Lclist(l) => self.put_in_place(Value::Lclist(l.clone())),
            Value::Path(p) => self.put_in_place(Value::Path(p.clone())),
            Value::Void => self.put_in_place(Value::Void),
            other => self.put(other.clone()),
        }
    }

    /// Puts a value there that is made on the spot.
    #[inline(always)]
    pub fn put_in_place(&mut self, value: Value) {
        if self.is_plain() {
            std::mem::forget(std::mem::replace(self, value));
        } else {
            *self = value;
        }
    }

    /// Whether `defined` says no: unset, or one of the constant empty lists.
    #[inline]
    pub fn is_undefined(&self) -> bool {
        match self {
            Value::Void => true,
            Value::Path(p) => p.is_undefined(),
            Value::Clist(l) => l.is_undefined(),
            Value::Eclist(l) => l.is_undefined(),
            Value::Lclist(l) => l.is_undefined(),
            _ => false,
        }
    }

    /// The same value; an empty list counts as defined from here on.
    pub fn defined(self) -> Value {
        match self {
            Value::Path(p) => Value::Path(p.defined()),
            Value::Clist(l) => Value::Clist(l.defined()),
            Value::Eclist(l) => Value::Eclist(l.defined()),
            Value::Lclist(l) => Value::Lclist(l.defined()),
            other => other,
        }
    }
}

/// As `print`, `format()` and `eval` show it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Void => f.write_str("(void)"),
            Value::Bool(b) => f.write_str(if *b { "TRUE" } else { "FALSE" }),
            Value::Int(n) => write!(f, "{n}"),
            Value::Pair(n) => write_pair(f, *n),
            Value::Quad(n) => write!(f, "{}", Ipv4Addr::from(*n)),
            Value::Ip(a) => write!(f, "{}", super::net::BirdIp(*a)),
            Value::Net(n) => write!(f, "{n}"),
            Value::Rd(r) => write!(f, "{r}"),
            Value::Mac(m) => write!(f, "{m}"),
            Value::Ec(n) => write_ec(f, *n),
            Value::Lc(l) => write!(f, "{l}"),
            Value::Enum(t, n) => write!(f, "(enum {:x}){n}", t.number()),
            Value::Str(s) => f.write_str(s),
            Value::Bytes(b) => write!(f, "{b}"),
            Value::Path(p) => write!(f, "{p}"),
            Value::Mask(m) => write!(f, "{m}"),
            Value::Clist(l) => write_list(f, "(clist ", l, |f, n| write_pair(f, *n)),
            Value::Eclist(l) => write_list(f, "(eclist ", l, |f, n| write_ec(f, *n)),
            Value::Lclist(l) => write_list(f, "(lclist ", l, |f, n| write!(f, "{n}")),
            Value::Set(s) => write!(f, "{s}"),
            Value::PrefixSet(s) => write!(f, "{s}"),
        }
    }
}

/// Writes the members of a list with single blanks between them.
pub fn write_items<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut each: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(" ")?;
        }
        each(f, item)?;
    }
    Ok(())
}

fn write_list<T>(
    f: &mut fmt::Formatter<'_>,
    open: &str,
    items: &[T],
    each: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    f.write_str(open)?;
    write_items(f, items, each)?;
    f.write_str(")")
}

/// The enumerations of the language, in the order of the type numbers that BIRD 2.19 prints.
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

impl EnumType {
    /// Every enumeration with its word after `enum`, in order.
    pub const ALL: [(EnumType, &'static str); 12] = [
        (EnumType::Rts, "rts"),
        (EnumType::BgpOrigin, "bgp_origin"),
        (EnumType::Scope, "scope"),
        (EnumType::Rtd, "rtd"),
        (EnumType::Roa, "roa"),
        (EnumType::Aspa, "aspa"),
        (EnumType::NetType, "net_type"),
        (EnumType::RaPreference, "ra_preference"),
        (EnumType::Af, "af"),
        (EnumType::MplsPolicy, "mpls_policy"),
        (EnumType::NetEvpnType, "net_evpn_type"),
        (EnumType::KbrSource, "kbr_source"),
    ];

    /// The word after `enum`.
    pub fn name(self) -> &'static str {
        EnumType::ALL[self as usize].1
    }

    /// The number BIRD 2.19 prints in front of a value, in hex there.
    pub fn number(self) -> u8 {
        0x30 + self as u8
    }

    /// The enumeration of a word.
    pub fn by_name(word: &str) -> Option<EnumType> {
        EnumType::ALL.iter().find(|(_, w)| *w == word).map(|(t, _)| *t)
    }

    /// The constant of this name, with its ordinal.
    pub fn constant(name: &str) -> Option<Value> {
        CONSTANTS.iter().find(|(n, ..)| *n == name).map(|(_, t, n)| Value::Enum(*t, *n))
    }

    /// The name of an ordinal.
    pub fn constant_name(self, ordinal: u8) -> Option<&'static str> {
        CONSTANTS.iter().find(|(_, t, n)| *t == self && *n == ordinal).map(|(name, ..)| *name)
    }
}

/// Every constant of every enumeration.
#[rustfmt::skip]
pub static CONSTANTS: &[(&str, EnumType, u8)] = {
    use EnumType::*;
    &[
        ("RTS_STATIC", Rts, 1), ("RTS_INHERIT", Rts, 2), ("RTS_DEVICE", Rts, 3), ("RTS_STATIC_DEVICE", Rts, 4),
        ("RTS_REDIRECT", Rts, 5), ("RTS_RIP", Rts, 6), ("RTS_OSPF", Rts, 7), ("RTS_OSPF_IA", Rts, 8),
        ("RTS_OSPF_EXT1", Rts, 9), ("RTS_OSPF_EXT2", Rts, 10), ("RTS_BGP", Rts, 11), ("RTS_PIPE", Rts, 12),
        ("RTS_BABEL", Rts, 13), ("RTS_RPKI", Rts, 14), ("RTS_L3VPN", Rts, 16),
        ("RTS_AGGREGATED", Rts, 17),
        ("ORIGIN_IGP", BgpOrigin, 0), ("ORIGIN_EGP", BgpOrigin, 1), ("ORIGIN_INCOMPLETE", BgpOrigin, 2),
        ("SCOPE_HOST", Scope, 0), ("SCOPE_LINK", Scope, 1), ("SCOPE_SITE", Scope, 2), ("SCOPE_ORGANIZATION", Scope, 3),
        ("SCOPE_UNIVERSE", Scope, 4), ("SCOPE_UNDEFINED", Scope, 5),
        ("RTD_UNICAST", Rtd, 1), ("RTD_BLACKHOLE", Rtd, 2), ("RTD_UNREACHABLE", Rtd, 3), ("RTD_PROHIBIT", Rtd, 4),
        ("ROA_UNKNOWN", Roa, 0), ("ROA_VALID", Roa, 1), ("ROA_INVALID", Roa, 2),
        ("ASPA_UNKNOWN", Aspa, 0), ("ASPA_VALID", Aspa, 1), ("ASPA_INVALID", Aspa, 2),
        ("NET_IP4", NetType, 1), ("NET_IP6", NetType, 2), ("NET_VPN4", NetType, 3), ("NET_VPN6", NetType, 4),
        ("NET_ROA4", NetType, 5), ("NET_ROA6", NetType, 6), ("NET_FLOW4", NetType, 7), ("NET_FLOW6", NetType, 8),
        ("NET_IP6_SADR", NetType, 9), ("NET_ETH", NetType, 10), ("NET_MPLS", NetType, 11), ("NET_ASPA", NetType, 12),
        ("NET_EVPN", NetType, 13), ("NET_NEIGHBOR", NetType, 14),
        ("RA_PREF_LOW", RaPreference, 24), ("RA_PREF_MEDIUM", RaPreference, 0), ("RA_PREF_HIGH", RaPreference, 8),
        ("AF_IPV4", Af, 1), ("AF_IPV6", Af, 2),
        ("MPLS_POLICY_NONE", MplsPolicy, 0), ("MPLS_POLICY_STATIC", MplsPolicy, 1), ("MPLS_POLICY_PREFIX", MplsPolicy, 2),
        ("MPLS_POLICY_AGGREGATE", MplsPolicy, 3), ("MPLS_POLICY_VRF", MplsPolicy, 4),
        ("NET_EVPN_EAD", NetEvpnType, 1), ("NET_EVPN_MAC", NetEvpnType, 2), ("NET_EVPN_IMET", NetEvpnType, 3),
        ("NET_EVPN_ES", NetEvpnType, 4),
        ("KBR_SRC_BIRD", KbrSource, 0), ("KBR_SRC_LOCAL", KbrSource, 1), ("KBR_SRC_STATIC", KbrSource, 2),
        ("KBR_SRC_DYNAMIC", KbrSource, 3),
    ]
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_bird_prints_them() {
        let text = |v: Value| v.to_string();
        assert_eq!(text(Value::Pair(65536 + 2)), "(1,2)");
        assert_eq!(text(Value::Lclist(Lclist::EMPTY)), "(lclist )");
        assert_eq!(text(Value::Clist([65537, 131074].into_iter().collect())), "(clist (1,1) (2,2))");
        assert_eq!(text(Value::Quad(0x01020304)), "1.2.3.4");
        assert_eq!(EnumType::constant("NET_EVPN_ES").map(text).as_deref(), Some("(enum 3a)4"));
        assert_eq!(EnumType::Rts.constant_name(11), Some("RTS_BGP"));
    }

    #[test]
    fn enumerations_are_in_the_order_of_their_numbers() {
        for (i, (t, word)) in EnumType::ALL.iter().enumerate() {
            assert_eq!((*t as usize, EnumType::by_name(word)), (i, Some(*t)));
        }
    }
}
