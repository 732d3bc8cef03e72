//! Nets of every type: containment and parts.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::Fault;
use crate::base::bytes::Bytes;
use crate::base::flow;
use crate::base::net::{Evpn, UNSPECIFIED, from_bits, to_bits};
use crate::base::value::EnumType;
use crate::base::{Net, NetExt, Value};

/// The prefix that `~` and `.ip`, `.len` look at: of a flow specification its destination.
fn prefix(net: &Net) -> Option<IpNet> {
    match net {
        Net::Ext(ext) => match &**ext {
            NetExt::Flow { v6, nlri } => Some(flow::destination(*v6, &nlri.0)),
            _ => net.ip_prefix(),
        },
        Net::Ip(p) => Some(*p),
    }
}

/// Whether an address is inside a net.
pub(super) fn holds(net: &Net, ip: IpAddr) -> bool {
    prefix(net).is_some_and(|p| p.contains(&ip))
}

/// Whether a net is inside another of its type, address parts only.
pub(super) fn is_inside(inner: &Net, outer: &Net) -> bool {
    if inner.net_type() != outer.net_type() {
        return false;
    }
    matches!((prefix(inner), prefix(outer)), (Some(i), Some(o)) if o.contains(&i))
}

/// `.ip`
pub(super) fn ip(net: &Net) -> Value {
    let special = match net {
        Net::Ext(ext) => match &**ext {
            NetExt::Evpn(Evpn::Mac { ip, .. }) => *ip,
            NetExt::Neighbor { addr, .. } => Some(*addr),
            _ => None,
        },
        Net::Ip(_) => None,
    };
    // An IPv6 prefix may start where IPv4 is mapped to.
    let addr = special.or(prefix(net).map(|p| p.addr())).unwrap_or(UNSPECIFIED);
    Value::Ip(from_bits(to_bits(addr)))
}

/// `.len`
pub(super) fn len(net: &Net) -> Value {
    Value::Int(match (prefix(net), net) {
        (Some(p), _) => p.prefix_len().into(),
        (None, Net::Ext(ext)) => match &**ext {
            NetExt::Aspa(_) => 32,
            NetExt::Eth { .. } => 48,
            NetExt::Mpls(_) => 20,
            // BIRD keeps the kind where others have their length.
            NetExt::Evpn(e) => evpn_kind(e).into(),
            _ => 0,
        },
        (None, Net::Ip(_)) => 0,
    })
}

/// `.type`
pub(super) fn net_type(net: &Net) -> Value {
    Value::Enum(EnumType::NetType, net.net_type() as u8)
}

fn part(
    net: &Net,
    pick: impl FnOnce(&NetExt) -> Option<Value>,
    missing: &'static str,
) -> Result<Value, Fault> {
    let found = match net {
        Net::Ext(ext) => pick(ext),
        Net::Ip(_) => None,
    };
    found.ok_or(missing.into())
}

/// `.maxlen`
pub(super) fn max_len(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Roa { max_len, .. } => Some(Value::Int((*max_len).into())),
        _ => None,
    };
    part(net, pick, "ROA expected")
}

/// `.asn`
pub(super) fn asn(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Roa { asn, .. } | NetExt::Aspa(asn) => Some(Value::Int(*asn)),
        _ => None,
    };
    part(net, pick, "ROA or ASPA expected")
}

/// `.rd`
pub(super) fn rd(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Vpn { rd, .. } => Some(Value::Rd(*rd)),
        NetExt::Evpn(e) => match e {
            Evpn::Ead { rd, .. } | Evpn::Mac { rd, .. } | Evpn::Imet { rd, .. } | Evpn::Es { rd, .. } => {
                Some(Value::Rd(*rd))
            }
        },
        _ => None,
    };
    part(net, pick, "VPN or EVPN address expected")
}

/// `.src`
pub(super) fn src(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Flow { v6, nlri } => Some(Value::Net(flow::source(*v6, &nlri.0).into())),
        NetExt::Sadr { src, .. } => Some(Value::Net(IpNet::V6(*src).into())),
        _ => None,
    };
    part(net, pick, "Flow or SADR expected")
}

/// `.dst`
pub(super) fn dst(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Flow { v6, nlri } => Some(Value::Net(flow::destination(*v6, &nlri.0).into())),
        NetExt::Sadr { dst, .. } => Some(Value::Net(IpNet::V6(*dst).into())),
        _ => None,
    };
    part(net, pick, "Flow or SADR expected")
}

/// `.mac`
pub(super) fn mac(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Eth { mac, .. } | NetExt::Evpn(Evpn::Mac { mac, .. }) => Some(Value::Mac(*mac)),
        _ => None,
    };
    part(net, pick, "Ethernet or EVPN MAC expected")
}

/// `.vlan_id`
pub(super) fn vlan_id(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &NetExt| match e {
        NetExt::Eth { vlan, .. } => Some(Value::Int(vlan.unwrap_or(0).into())),
        _ => None,
    };
    part(net, pick, "Ethernet address expected")
}

fn evpn(net: &Net, pick: impl FnOnce(&Evpn) -> Option<Value>, wrong: &'static str) -> Result<Value, Fault> {
    match net {
        Net::Ext(ext) => match &**ext {
            NetExt::Evpn(e) => pick(e).ok_or(wrong.into()),
            _ => Err("EVPN address expected".into()),
        },
        Net::Ip(_) => Err("EVPN address expected".into()),
    }
}

/// The number of the kind of an EVPN route.
fn evpn_kind(net: &Evpn) -> u8 {
    match net {
        Evpn::Ead { .. } => 1,
        Evpn::Mac { .. } => 2,
        Evpn::Imet { .. } => 3,
        Evpn::Es { .. } => 4,
    }
}

/// `.evpn_type`
pub(super) fn evpn_type(net: &Net) -> Result<Value, Fault> {
    evpn(net, |e| Some(Value::Enum(EnumType::NetEvpnType, evpn_kind(e))), "EVPN address expected")
}

/// `.evpn_tag`
pub(super) fn evpn_tag(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &Evpn| match e {
        Evpn::Ead { tag, .. } | Evpn::Mac { tag, .. } | Evpn::Imet { tag, .. } => Some(Value::Int(*tag)),
        Evpn::Es { .. } => None,
    };
    evpn(net, pick, "EVPN EAD/MAC/IMET address expected")
}

/// `.evpn_esi`
pub(super) fn evpn_esi(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &Evpn| match e {
        Evpn::Ead { esi, .. } | Evpn::Es { esi, .. } => Some(Value::Bytes(Bytes(Arc::from(&esi[..])))),
        _ => None,
    };
    evpn(net, pick, "EVPN EAD/ES address expected")
}

/// `.router_ip`
pub(super) fn router_ip(net: &Net) -> Result<Value, Fault> {
    let pick = |e: &Evpn| match e {
        Evpn::Imet { router, .. } | Evpn::Es { router, .. } => Some(Value::Ip(*router)),
        _ => None,
    };
    evpn(net, pick, "EVPN IMET/ES address expected")
}
