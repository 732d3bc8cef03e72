//! The table itself.

use super::{Attribute, Bit, Field, FieldInfo, Format, id};
use crate::base::value::EnumType;
use crate::filter::types::Type;
use crate::table::AttrId;

const fn field(
    field: Field,
    name: &'static str,
    ty: Type,
    writable: bool,
    unsettable: bool,
    doc: &'static str,
) -> FieldInfo {
    FieldInfo { field, name, ty, writable, unsettable, doc }
}

/// The fields of every route.
#[rustfmt::skip]
pub static FIELDS: &[FieldInfo] = &[
    field(Field::Net, "net", Type::Prefix, false, false, "The network of the route."),
    field(Field::Proto, "proto", Type::Str, false, false, "The name of the protocol the route comes from."),
    field(Field::Source, "source", Type::Enum(EnumType::Rts), true, false, "What kind of protocol made the route."),
    field(Field::Dest, "dest", Type::Enum(EnumType::Rtd), true, false,
        "What happens to packets. May be set to `RTD_BLACKHOLE`, `RTD_UNREACHABLE` and `RTD_PROHIBIT`, which drops the next hops."),
    field(Field::From, "from", Type::Ip, true, true, "The router that advertised the route; `::` if there is none."),
    field(Field::Gw, "gw", Type::Ip, true, false,
        "The gateway of the first next hop; `::` if there is none. Must be a neighbour when set, and makes the route unicast with one next hop."),
    field(Field::Ifname, "ifname", Type::Str, true, false,
        "The interface of the first next hop; empty if there is none. Must exist when set, and makes the route a device route."),
    field(Field::Ifindex, "ifindex", Type::Int, false, false, "The number of that interface; 0 if there is none."),
    field(Field::Weight, "weight", Type::Int, true, false,
        "The weight of the first next hop, 1 to 256. Setting it sets it for all next hops."),
    field(Field::Preference, "preference", Type::Int, true, true, "The preference of the route, 0 to 65535."),
    field(Field::Onlink, "onlink", Type::Bool, true, false,
        "Whether the gateway is taken as reachable on the interface whatever its address. To be set before `gw`, after `ifname`."),
    field(Field::GwMpls, "gw_mpls", Type::Int, true, false, "The outermost MPLS label of the first next hop; 3 means none."),
    field(Field::GwMplsStack, "gw_mpls_stack", Type::Clist, true, false, "All MPLS labels of the first next hop, as numbers. A 3 ends the stack."),
    field(Field::Scope, "scope", Type::Enum(EnumType::Scope), true, false, "The scope of the route, `SCOPE_UNIVERSE` unless set."),
];

const fn attr(
    id: AttrId,
    name: &'static str,
    shown: &'static str,
    ty: Type,
    format: Format,
    doc: &'static str,
) -> Attribute {
    Attribute { id, name, aliases: &[], shown, ty, format, doc }
}

const fn int(id: AttrId, name: &'static str, shown: &'static str, doc: &'static str) -> Attribute {
    attr(id, name, shown, Type::Int, Format::Plain, doc)
}

/// The attributes of the list, sorted by number.
#[rustfmt::skip]
pub static ATTRIBUTES: &[Attribute] = &[
    int(id::IGP_METRIC, "igp_metric", "igp_metric", "The distance to the route's next hop inside the network."),
    int(id::LOCAL_METRIC, "local_metric", "local_metric", "The distance a protocol itself gives to the route."),
    int(id::MPLS_LABEL, "mpls_label", "mpls_label", "The MPLS label of the route itself."),
    attr(id::MPLS_POLICY, "mpls_policy", "mpls_policy", Type::Enum(EnumType::MplsPolicy), Format::Plain, "How that label is chosen."),
    int(id::MPLS_CLASS, "mpls_class", "mpls_class", "Routes of one class share a label under the aggregate policy."),
    attr(id::ASPA_PROVIDERS, "aspa_providers", "aspa_providers", Type::Clist, Format::Numbers, "The providers of an ASPA entry."),
    attr(id::BABEL_METRIC, "babel_metric", "Babel.metric", Type::Int, Format::Signed, "The metric of a Babel route."),
    attr(id::BABEL_ROUTER_ID, "babel_router_id", "Babel.router_id", Type::Opaque, Format::Plain, "The router a Babel route began at. Read only."),
    attr(id::BGP_ORIGIN, "bgp_origin", "BGP.origin", Type::Enum(EnumType::BgpOrigin), Format::Origin, "How the route came into BGP."),
    attr(id::BGP_PATH, "bgp_path", "BGP.as_path", Type::Path, Format::Plain, "The AS path."),
    attr(id::BGP_NEXT_HOP, "bgp_next_hop", "BGP.next_hop", Type::Ip, Format::Plain, "The next hop as announced in BGP."),
    int(id::BGP_MED, "bgp_med", "BGP.med", "The multi-exit discriminator."),
    int(id::BGP_LOCAL_PREF, "bgp_local_pref", "BGP.local_pref", "The local preference."),
    attr(id::BGP_ATOMIC_AGGR, "bgp_atomic_aggr", "BGP.atomic_aggr", Type::Opaque, Format::Empty, "Present if the path lost detail by aggregation."),
    attr(id::BGP_AGGREGATOR, "bgp_aggregator", "BGP.aggregator", Type::Opaque, Format::Aggregator, "Who aggregated the route."),
    attr(id::BGP_COMMUNITY, "bgp_community", "BGP.community", Type::Clist, Format::Plain, "Communities."),
    attr(id::BGP_ORIGINATOR_ID, "bgp_originator_id", "BGP.originator_id", Type::Quad, Format::Plain, "The router that brought the route into the network, set by reflectors."),
    attr(id::BGP_CLUSTER_LIST, "bgp_cluster_list", "BGP.cluster_list", Type::Clist, Format::Addresses, "The reflectors passed."),
    attr(id::BGP_EXT_COMMUNITY, "bgp_ext_community", "BGP.ext_community", Type::Eclist, Format::Plain, "Extended communities."),
    attr(id::BGP_PMSI_TUNNEL, "bgp_pmsi_tunnel", "BGP.pmsi_tunnel", Type::Opaque, Format::Plain, "The multicast tunnel of an EVPN route."),
    attr(id::BGP_AIGP, "bgp_aigp", "BGP.aigp", Type::Opaque, Format::Plain, "The accumulated IGP metric."),
    attr(id::BGP_LARGE_COMMUNITY, "bgp_large_community", "BGP.large_community", Type::Lclist, Format::Plain, "Large communities."),
    int(id::BGP_OTC, "bgp_otc", "BGP.otc", "Only to customer: the AS that marked the route (RFC 9234)."),
    attr(id::KBR_SOURCE, "kbr_source", "Bridge.source", Type::Enum(EnumType::KbrSource), Format::BridgeSource, "Who made an entry of a bridge."),
    attr(id::BGP_MPLS_LABEL_STACK, "bgp_mpls_label_stack", "BGP.mpls_label_stack", Type::Clist, Format::Numbers, "The labels of a route of an MPLS family."),
    int(id::KRT_SOURCE, "krt_source", "Kernel.source", "The kernel's number of the daemon that made the route."),
    int(id::KRT_METRIC, "krt_metric", "Kernel.metric", "The kernel metric (priority) of the route."),
    attr(id::KRT_PREFSRC, "krt_prefsrc", "Kernel.prefsrc", Type::Ip, Format::Plain, "The preferred source address for packets of this machine."),
    int(id::KRT_REALM, "krt_realm", "Kernel.realm", "The realm of the route."),
    int(id::KRT_SCOPE, "krt_scope", "Kernel.scope", "The kernel's scope of the route."),
    attr(id::KRT_LOCK, "krt_lock", "Kernel.lock", Type::Int, Format::Bits, "Which of the following the kernel must not adapt; each has a bit of its own name, `krt_lock_mtu` and so on."),
    int(id::KRT_MTU, "krt_mtu", "Kernel.mtu", "The MTU of the path."),
    int(id::KRT_WINDOW, "krt_window", "Kernel.window", "The largest TCP window to offer."),
    int(id::KRT_RTT, "krt_rtt", "Kernel.rtt", "The first estimate of the round-trip time."),
    int(id::KRT_RTTVAR, "krt_rttvar", "Kernel.rttvar", "The first estimate of its variance."),
    int(id::KRT_SSTHRESH, "krt_ssthresh", "Kernel.ssthresh", "The first estimate of the slow start threshold."),
    int(id::KRT_CWND, "krt_cwnd", "Kernel.cwnd", "The clamp for the congestion window."),
    int(id::KRT_ADVMSS, "krt_advmss", "Kernel.advmss", "The maximum segment size to advertise."),
    int(id::KRT_REORDERING, "krt_reordering", "Kernel.reordering", "The first estimate of reordering."),
    int(id::KRT_HOPLIMIT, "krt_hoplimit", "Kernel.hoplimit", "The hop limit of packets sent."),
    int(id::KRT_INITCWND, "krt_initcwnd", "Kernel.initcwnd", "The first congestion window."),
    attr(id::KRT_FEATURES, "krt_features", "Kernel.features", Type::Int, Format::Bits, "Features, each with a bit of its own name: `krt_feature_ecn`, `krt_feature_allfrag`."),
    int(id::KRT_RTO_MIN, "krt_rto_min", "Kernel.rto_min", "The shortest retransmission timeout."),
    int(id::KRT_INITRWND, "krt_initrwnd", "Kernel.initrwnd", "The first receive window."),
    int(id::KRT_QUICKACK, "krt_quickack", "Kernel.quickack", "Whether to acknowledge quickly."),
    attr(id::KRT_CONGCTL, "krt_congctl", "Kernel.congctl", Type::Str, Format::Plain, "The congestion control algorithm."),
    int(id::KRT_FASTOPEN_NO_COOKIE, "krt_fastopen_no_cookie", "Kernel.fastopen_no_cookie", "Whether fast open does without a cookie."),
    int(id::OSPF_METRIC1, "ospf_metric1", "OSPF.metric1", "The metric of a type 1 route."),
    int(id::OSPF_METRIC2, "ospf_metric2", "OSPF.metric2", "The metric of a type 2 route."),
    attr(id::OSPF_TAG, "ospf_tag", "OSPF.tag", Type::Int, Format::Hex8, "The tag of an external route."),
    attr(id::OSPF_ROUTER_ID, "ospf_router_id", "OSPF.router_id", Type::Quad, Format::Plain, "The router that advertises the route."),
    Attribute { id: id::RA_PREFERENCE, name: "ra_preference", aliases: &["radv_preference"], shown: "RAdv.preference",
        ty: Type::Enum(EnumType::RaPreference), format: Format::RaPreference, doc: "The preference of a route in router advertisements." },
    Attribute { id: id::RA_LIFETIME, name: "ra_lifetime", aliases: &["radv_lifetime"], shown: "RAdv.lifetime",
        ty: Type::Int, format: Format::Plain, doc: "The lifetime of a route in router advertisements." },
    attr(id::RIP_METRIC, "rip_metric", "RIP.metric", Type::Int, Format::Signed, "The metric of a RIP route."),
    attr(id::RIP_TAG, "rip_tag", "RIP.tag", Type::Int, Format::Hex4, "The tag of a RIP route."),
];

const fn lock(bit: u8, name: &'static str, shown: &'static str) -> Bit {
    Bit { id: id::KRT_LOCK, bit, name, shown }
}

/// Bits with names of their own. Lock bits have the kernel's number of the metric they lock.
pub static BITS: &[Bit] = &[
    lock(2, "krt_lock_mtu", "mtu"),
    lock(3, "krt_lock_window", "window"),
    lock(4, "krt_lock_rtt", "rtt"),
    lock(5, "krt_lock_rttvar", "rttvar"),
    lock(6, "krt_lock_ssthresh", "ssthresh"),
    lock(7, "krt_lock_cwnd", "cwnd"),
    lock(8, "krt_lock_advmss", "advmss"),
    lock(9, "krt_lock_reordering", "reordering"),
    lock(10, "krt_lock_hoplimit", "hoplimit"),
    lock(11, "krt_lock_initcwnd", "initcwnd"),
    lock(13, "krt_lock_rto_min", "rto_min"),
    lock(14, "krt_lock_initrwnd", "initrwnd"),
    lock(15, "krt_lock_quickack", "quickack"),
    lock(16, "krt_lock_congctl", "congctl"),
    lock(17, "krt_lock_fastopen_no_cookie", "fastopen_no_cookie"),
    Bit { id: id::KRT_FEATURES, bit: 0, name: "krt_feature_ecn", shown: "ecn" },
    Bit { id: id::KRT_FEATURES, bit: 3, name: "krt_feature_allfrag", shown: "allfrag" },
];
