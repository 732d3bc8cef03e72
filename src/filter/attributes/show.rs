//! Attributes as `show route all` lists them.

use std::fmt;
use std::net::Ipv4Addr;

use super::{BITS, CustomAttrs, Format, by_id, id};
use crate::base::Value;
use crate::base::community::{write_ec, write_pair};
use crate::base::value::{EnumType, write_items};
use crate::table::AttrId;

/// A line of `show route all`, without its indentation: `BGP.med: 5`.
pub struct ShowAttr<'a> {
    id: AttrId,
    value: &'a Value,
    custom: &'a CustomAttrs,
}

/// How `show route all` writes an attribute.
pub fn show<'a>(id: AttrId, value: &'a Value, custom: &'a CustomAttrs) -> ShowAttr<'a> {
    ShowAttr { id, value, custom }
}

impl fmt::Display for ShowAttr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = by_id(self.id);
        match (known, self.custom.get(self.id)) {
            (Some(a), _) => f.write_str(a.shown)?,
            (None, Some(c)) => f.write_str(&c.name)?,
            (None, None) => match self.id.0.checked_sub(id::BGP) {
                Some(n) if n < 256 => write!(f, "BGP.{n:02x}")?,
                _ => write!(f, "unknown.{:04x}", self.id.0)?,
            },
        }
        let format = known.map_or(Format::Plain, |a| a.format);
        // A blank stands there even if nothing follows, but not in front of no bits.
        f.write_str(if format == Format::Bits && *self.value == Value::Int(0) { ":" } else { ": " })?;
        write_value(f, self.id, self.value, format)
    }
}

fn write_value(f: &mut fmt::Formatter<'_>, id: AttrId, value: &Value, format: Format) -> fmt::Result {
    match (format, value) {
        (Format::Empty, _) => Ok(()),
        (Format::Origin, Value::Enum(EnumType::BgpOrigin, n)) => {
            f.write_str(["IGP", "EGP", "Incomplete"].get(*n as usize).unwrap_or(&"?"))
        }
        (Format::BridgeSource, Value::Enum(_, n)) => {
            f.write_str(["bird", "local", "static", "dynamic"].get(*n as usize).unwrap_or(&"?"))
        }
        (Format::RaPreference, Value::Enum(_, n)) => f.write_str(match n {
            0 => "medium",
            8 => "high",
            24 => "low",
            _ => "?",
        }),
        (Format::Signed, Value::Int(n)) => write!(f, "{}", *n as i32),
        (Format::Hex8, Value::Int(n)) => write!(f, "{n:#010x}"),
        (Format::Hex4, Value::Int(n)) => write!(f, "{n:04x}"),
        (Format::Bits, Value::Int(n)) => {
            let set = BITS.iter().filter(|b| b.id == id && n >> b.bit & 1 != 0);
            write_items(f, &set.map(|b| b.shown).collect::<Vec<_>>(), |f, word| f.write_str(word))
        }
        (Format::Addresses, Value::Clist(l)) => write_items(f, l, |f, n| write!(f, "{}", Ipv4Addr::from(*n))),
        (Format::Numbers, Value::Clist(l)) => write_items(f, l, |f, n| write!(f, "{n}")),
        (Format::Aggregator, Value::Bytes(b)) => match *b.0 {
            [a, b, c, d, e, g, h, i] => {
                write!(f, "{} AS{}", Ipv4Addr::new(e, g, h, i), u32::from_be_bytes([a, b, c, d]))
            }
            _ => write_bytes(f, &b.0),
        },
        (_, Value::Path(p)) => p.write_plain(f),
        (_, Value::Clist(l)) => write_items(f, l, |f, n| write_pair(f, *n)),
        (_, Value::Eclist(l)) => write_items(f, l, |f, n| write_ec(f, *n)),
        (_, Value::Lclist(l)) => write_items(f, l, |f, n| write!(f, "{n}")),
        (_, Value::Bytes(b)) => write_bytes(f, &b.0),
        (_, Value::Enum(_, n)) => write!(f, "{n}"),
        (_, value) => write!(f, "{value}"),
    }
}

/// Unlike in filters, bytes stand apart here.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write_items(f, bytes, |f, b| write!(f, "{b:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::bytes::Bytes;
    use crate::base::path::AsPath;
    use crate::filter::types::Type;

    #[test]
    fn lines_are_those_of_bird() {
        let custom = CustomAttrs::default();
        let Some(own) = custom.declare("a_bytes", Type::Bytes) else { panic!("no number left") };
        let line = |id, value: Value| show(id, &value, &custom).to_string();
        assert_eq!(line(id::BGP_ORIGIN, Value::Enum(EnumType::BgpOrigin, 2)), "BGP.origin: Incomplete");
        assert_eq!(line(id::BGP_PATH, Value::Path(AsPath::sequence(&[2, 1]))), "BGP.as_path: 2 1");
        assert_eq!(line(id::BGP_PATH, Value::Path(AsPath::EMPTY)), "BGP.as_path: ");
        assert_eq!(line(id::OSPF_TAG, Value::Int(30)), "OSPF.tag: 0x0000001e");
        assert_eq!(line(id::RIP_METRIC, Value::Int(u32::MAX)), "RIP.metric: -1");
        assert_eq!(line(id::RIP_TAG, Value::Int(77)), "RIP.tag: 004d");
        assert_eq!(line(id::KRT_LOCK, Value::Int(12)), "Kernel.lock: mtu window");
        assert_eq!(line(id::KRT_FEATURES, Value::Int(1)), "Kernel.features: ecn");
        assert_eq!(line(id::MPLS_POLICY, Value::Enum(EnumType::MplsPolicy, 1)), "mpls_policy: 1");
        assert_eq!(line(own, Value::Bytes(Bytes::from(&[10u8, 11][..]))), "a_bytes: 0a 0b");
        let list = [0xc00002c9].into_iter().collect();
        assert_eq!(line(id::BGP_CLUSTER_LIST, Value::Clist(list)), "BGP.cluster_list: 192.0.2.201");
    }
}
