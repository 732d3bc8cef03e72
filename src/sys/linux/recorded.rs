//! Messages recorded from Linux 6.1 (`ip route save` in the machine of `tests/vm`), for what not every kernel
//! has: MPLS. Each is a payload of `RTM_NEWROUTE`: the header and the attributes, in the byte order of x86.
#![cfg(target_endian = "little")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;
use std::sync::Arc;

use super::*;
use crate::sys::kernel::*;

/// Bytes, and the route they are.
const MESSAGES: [(&str, &str); 10] = [
    (
        "1c140000fe0c00010000000008000100000641000c001300000c80000012c1000a0012000200c000020200000800040004000000",
        "100 table 254 proto 12 scope 0; via 192.0.2.2 dev 4 labels [200, 300]",
    ),
    (
        "1c140000fe0c00010000000008000100000651000a0012000200c000020200000800040004000000",
        "101 table 254 proto 12 scope 0; via 192.0.2.2 dev 4",
    ),
    (
        "1c140000fe0c00010000000008000100000661000800130000010100160012000a0020010db80000000000000000000000020000\
         0800040004000000",
        "102 table 254 proto 12 scope 0; via 2001:db8::2 dev 4 labels [16]",
    ),
    (
        "1c140000fe0c00010000000008000100000671003c0009001c0000000400000008001300000111000a0012000200c00002020000\
         1c0000000400000008001300000121000a0012000200c00002030000",
        "103 table 254 proto 12 scope 0; via 192.0.2.2 dev 4 labels [17]; via 192.0.2.3 dev 4 labels [18]",
    ),
    // Somebody else's, the second one with `ttl-propagate disabled`.
    (
        "1c140000fe04000100000000080001000006a1000c00130000258000002591000a0012000200c000020300000800040004000000",
        "106 table 254 proto 4 scope 0; via 192.0.2.3 dev 4 labels [600, 601]",
    ),
    (
        "1c140000fe04000100000000080001000006f10005001a0000000000080013000002b100160012000a0020010db8000000000000\
         0000000000020000\
         0800040004000000",
        "111 table 254 proto 4 scope 0; via 2001:db8::2 dev 4 labels [43]",
    ),
    // IP routes that push labels: the encapsulation's content stands before its type.
    (
        "02100000fe0c00010000000008000f00fe000000080001000a010000080006002000000008000500c00002020800040004000000\
         100016000c00010000010000000111000600150001000000",
        "10.1.0.0/16 table 254 proto 12 scope 0; via 192.0.2.2 dev 4 labels [16, 17]",
    ),
    (
        "02100000fe0c00010000000008000f00fe000000080001000a020000080006002000000038000900240000010400000008000500\
         c00002020c00160008000100000121000600150001000000100000000400000008000500c0000203",
        "10.2.0.0/16 table 254 proto 12 scope 0; via 192.0.2.2 dev 4 weight 2 labels [18]; via 192.0.2.3 dev 4",
    ),
    (
        "02180000fe0c00010000000008000f00fe000000080001000a090000080006002000000008000500c000020208000400040000000c00\
         160008000100001f41000600150001000000",
        "10.9.0.0/24 table 254 proto 12 scope 0; via 192.0.2.2 dev 4 labels [500]",
    ),
    (
        "0a300000fe0c00010000000008000f00fe0000001400010020010db800010000000000000000000008000600200000001400050020\
         010db800000000000000000000000208000400040000000c001600080001000001410006001500010000002400\
         0c000000000000000000000000000000000000000000000000000000000000000000050014\
         0000000000",
        "2001:db8:1::/48 table 254 proto 12 scope 0; via 2001:db8::2 dev 4 labels [20]",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.as_chunks::<2>().0.iter().map(|&[high, low]| (high << 4 | low) as u8).collect()
}

fn text(route: &KernelRoute) -> String {
    let KernelRoute { key, body } = route;
    let mut out = format!("{} table {} proto {} scope {}", key.dst, key.table, body.protocol, body.scope);
    for hop in &body.hops {
        let next = &hop.next;
        let _ = match next.gateway {
            Some(gateway) => write!(out, "; via {gateway} dev {}", next.ifindex),
            None => write!(out, "; dev {}", next.ifindex),
        };
        if next.weight != 1 {
            let _ = write!(out, " weight {}", next.weight);
        }
        if !next.labels.is_empty() {
            let _ = write!(out, " labels {:?}", next.labels);
        }
    }
    out
}

#[test]
fn routes_with_labels_are_read() {
    let mut reader = decode::RouteReader::default();
    for (hex, wanted) in MESSAGES {
        let route = reader.route(&bytes(hex)).unwrap().unwrap();
        assert_eq!(text(&route), wanted);
        assert!(!route.body.foreign_encap);
    }
}

/// What the kernel has been told is what it says: attribute by attribute, whatever their order.
#[test]
fn routes_with_labels_are_written_as_the_kernel_keeps_them() {
    let attributes = |payload: &[u8]| {
        let mut list: Vec<(u16, Vec<u8>)> = netlink_packet_core::NlasIterator::new(&payload[12..])
            .map(|attribute| attribute.map(|a| (a.kind(), a.value().to_vec())).unwrap())
            // The kernel's own: the table where it fits into the header, states and preference of IPv6.
            .filter(|(kind, _)| ![15, 12, 20, 26].contains(kind))
            .collect();
        // Attributes of a hop have their own order; what they say is compared elsewhere.
        list.iter_mut().filter(|(kind, _)| *kind == 9).for_each(|(_, hops)| hops.sort());
        list.sort();
        list
    };
    let mut encoder = encode::RouteEncoder::default();
    for (hex, name) in MESSAGES {
        let recorded = bytes(hex);
        let KernelRoute { key, body } = decode::RouteReader::default().route(&recorded).unwrap().unwrap();
        let mut request = Vec::new();
        encoder.append(&RouteOp { ticket: 1, key, verb: RouteVerb::Add(Arc::clone(&body)) }, 1, &mut request);
        let written = &request[socket::HEADER..];
        assert_eq!(written[..8], recorded[..8], "{name}");
        assert_eq!(attributes(written), attributes(&recorded), "{name}");
    }
}
