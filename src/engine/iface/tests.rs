#![allow(clippy::unwrap_used, clippy::expect_used, reason = "literals of the tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::config::{IfPattern, IfPatterns, Vrf};
use crate::sys::kernel::AddressFlags;

const UP: u32 = LinkFlags::UP | LinkFlags::RUNNING | LinkFlags::BROADCAST | LinkFlags::MULTICAST;

fn link(index: u32, name: &str, flags: u32) -> Link {
    Link { index, name: name.into(), mtu: 1500, flags: LinkFlags(flags), master: None, kind: None }
}

fn addr(ifindex: u32, text: &str) -> Address {
    let (local, len) = text.split_once('/').unwrap();
    let (len, peer) = match len.split_once(" peer ") {
        Some((len, peer)) => (len, Some(peer.parse().unwrap())),
        None => (len, None),
    };
    Address {
        ifindex,
        local: local.parse().unwrap(),
        prefix_len: len.parse().unwrap(),
        peer,
        flags: AddressFlags(0),
        scope: 0,
    }
}

fn secondary(ifindex: u32, text: &str) -> Address {
    Address { flags: AddressFlags(1), ..addr(ifindex, text) }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn ifaces(links: &[Link], addrs: &[Address]) -> Ifaces {
    let mut state = Ifaces::default();
    let mut out = Vec::new();
    state.scanned_links(links.to_vec(), &mut out);
    state.scanned_addresses(addrs.to_vec(), &mut out);
    state
}

fn changes(out: &[IfaceEvent]) -> Vec<String> {
    out.iter()
        .map(|e| match &e.change {
            IfaceChange::Up => format!("{} up", e.ifindex),
            IfaceChange::Down => format!("{} down", e.ifindex),
            IfaceChange::Link => format!("{} link", e.ifindex),
            IfaceChange::Mtu => format!("{} mtu", e.ifindex),
            IfaceChange::Preferred => String::new(),
            IfaceChange::AddrUp(a) => format!("{} +{}", e.ifindex, a.ip),
            IfaceChange::AddrDown(a) => format!("{} -{}", e.ifindex, a.ip),
        })
        .filter(|text: &String| !text.is_empty())
        .collect()
}

#[test]
fn addresses_know_their_other_end() {
    for (text, prefix, opposite, peer, host) in [
        ("192.0.2.1/24", "192.0.2.0/24", None, false, false),
        ("192.0.2.1/31", "192.0.2.0/31", Some("192.0.2.0"), false, false),
        ("192.0.2.1/30", "192.0.2.0/30", Some("192.0.2.2"), false, false),
        ("192.0.2.3/30", "192.0.2.0/30", None, false, false),
        ("192.0.2.1/32", "192.0.2.1/32", None, false, true),
        ("192.0.2.1/32 peer 192.0.2.9", "192.0.2.9/32", Some("192.0.2.9"), true, false),
        ("192.0.2.1/24 peer 10.0.0.9", "10.0.0.0/24", None, false, false),
        ("2001:db8::1/127", "2001:db8::/127", Some("2001:db8::"), false, false),
        ("2001:db8::1/126", "2001:db8::/126", None, false, false),
        ("2001:db8::1/128 peer 2001:db8::2", "2001:db8::2/128", Some("2001:db8::2"), true, false),
    ] {
        let made = make_addr(&addr(1, text)).expect(text);
        assert_eq!(made.prefix.to_string(), prefix, "{text}");
        assert_eq!(made.opposite, opposite.map(ip), "{text}");
        assert_eq!((made.peer, made.host), (peer, host), "{text}");
    }
    assert!(make_addr(&addr(1, "224.0.0.1/24")).is_none());
}

#[test]
fn gateways() {
    let state = ifaces(
        &[link(1, "lo", 9), link(10, "v0", UP), link(11, "v1", UP), link(20, "w0", 0)],
        &[
            addr(1, "198.51.100.1/24"),
            addr(10, "192.0.2.1/24"),
            addr(11, "192.0.2.129/25"),
            addr(11, "203.0.113.1/32 peer 203.0.113.9"),
            addr(10, "172.16.0.0/31"),
            addr(10, "2001:db8::1/64"),
            addr(20, "10.0.0.1/8"),
            addr(11, "fe80::b/64"),
        ],
    );
    for (gateway, only, at) in [
        ("192.0.2.2", None, Some(10)),
        ("192.0.2.130", None, Some(11)),
        ("192.0.2.130", Some(10), Some(10)),
        ("192.0.2.0", None, None),
        ("192.0.2.255", None, None),
        ("192.0.2.2", Some(11), None),
        ("203.0.113.9", None, Some(11)),
        ("203.0.113.4", None, None),
        ("172.16.0.1", None, Some(10)),
        ("198.51.100.7", None, Some(1)),
        ("2001:db8::", None, Some(10)),
        ("2001:db8::2", Some(11), None),
        ("fe80::1", None, None),
        ("fe80::1", Some(11), Some(11)),
        ("fe80::1", Some(10), None),
        ("127.0.0.1", Some(1), None),
        ("224.0.0.5", Some(10), None),
        // Own addresses count even where the interface is down; their nets do not.
        ("10.0.0.1", None, Some(20)),
        ("10.0.0.2", None, None),
    ] {
        assert_eq!(state.neighbor(ip(gateway), only).map(|n| n.ifindex), at, "{gateway} {only:?}");
    }
    assert!(state.neighbor(ip("172.16.0.0"), None).unwrap().own);
    assert_eq!(state.lowest_ipv4(|_, _| true), Some(u32::from_be_bytes([172, 16, 0, 0])));
    assert_eq!(state.lowest_ipv4(|i, _| &*i.name == "v1"), Some(u32::from_be_bytes([192, 0, 2, 129])));
}

#[test]
fn vrfs_bound_gateways() {
    let red = Link { kind: Some("vrf".into()), ..link(5, "red", UP) };
    let bridge = Link { master: Some(5), ..link(6, "br0", UP) };
    let port = Link { master: Some(6), ..link(10, "v0", UP) };
    let state = ifaces(
        &[red, bridge, port, link(11, "v1", UP)],
        &[addr(10, "192.0.2.1/24"), addr(11, "192.0.2.2/25")],
    );
    let at = |vrf| state.neighbor_in(ip("192.0.2.7"), None, &vrf).map(|n| n.ifindex);
    assert_eq!(at(Vrf::Any), Some(11));
    assert_eq!(at(Vrf::Default), Some(11));
    assert_eq!(at(Vrf::Named("red".into())), Some(10));
    assert_eq!(at(Vrf::Named("blue".into())), None);
    let named = state.neighbor_in(ip("192.0.2.7"), Some(11), &Vrf::Named("red".into()));
    assert_eq!(named.map(|n| n.ifindex), Some(11), "who names an interface may leave the VRF");
}

#[test]
fn rename_keeps_addresses_and_swaps_are_seen() {
    let mut state = ifaces(&[link(10, "v0", UP), link(20, "w0", UP)], &[addr(10, "192.0.2.1/24")]);
    let mut out = Vec::new();
    state.link(link(10, "tmp", UP), &mut out);
    assert_eq!(changes(&out), ["10 -192.0.2.1", "10 down", "10 up", "10 +192.0.2.1"]);
    state.link(link(20, "v0", UP), &mut out);
    state.link(link(10, "w0", UP), &mut out);
    assert_eq!(state.by_name("w0").unwrap().addrs.len(), 1);
    assert_eq!(state.by_name("w0").unwrap().preferred4, Some(ip("192.0.2.1")));
    assert!(state.by_name("v0").unwrap().addrs.is_empty());
    assert!(state.by_name("tmp").is_none());
}

#[test]
fn ports_wait_for_their_master() {
    let mut state = Ifaces::default();
    let mut out = Vec::new();
    let port = Link { master: Some(30), ..link(11, "v1", UP) };
    state.link(port.clone(), &mut out);
    assert!(!state.get(11).unwrap().up);
    state.link(link(30, "br0", 0), &mut out);
    assert!(state.get(11).unwrap().up, "the master is known, whatever its own state");
    state.link_gone(30, &mut out);
    assert_eq!(changes(&out), ["11 up", "11 down"]);
    out.clear();
    state.scanned_links(vec![port, link(30, "br0", UP)], &mut out);
    assert_eq!(changes(&out), ["30 up", "11 up"]);
}

#[test]
fn what_counts_as_a_change() {
    let mut state = ifaces(&[link(10, "v0", UP)], &[]);
    let mut out = Vec::new();
    state.link(link(10, "v0", UP | 0x100), &mut out);
    assert_eq!(changes(&out), [""; 0], "promiscuous mode is nobody's business");
    state.link(link(10, "v0", UP & !LinkFlags::RUNNING), &mut out);
    state.link(Link { mtu: 1400, ..link(10, "v0", UP & !LinkFlags::RUNNING) }, &mut out);
    state.link(Link { mtu: 1400, ..link(10, "v0", UP & !LinkFlags::MULTICAST) }, &mut out);
    assert_eq!(changes(&out), ["10 link", "10 mtu", "10 down", "10 up"]);
}

#[test]
fn preferred_addresses() {
    let mut state = ifaces(&[link(10, "v0", UP)], &[secondary(10, "192.0.2.3/24")]);
    let mut out = Vec::new();
    let now = |s: &Ifaces| s.get(10).unwrap().preferred4;
    assert_eq!(now(&state), None, "secondary ones never");
    state.address(&addr(10, "192.0.2.1/24"), &mut out);
    state.address(&addr(10, "198.51.100.1/24"), &mut out);
    state.address(&addr(10, "fe80::1/64"), &mut out);
    assert_eq!(now(&state), Some(ip("192.0.2.1")));
    assert_eq!(state.get(10).unwrap().preferred6, None);
    assert_eq!(state.get(10).unwrap().preferred_ll, Some(ip("fe80::1")));
    let all = IfPatterns(vec![IfPattern::new(false, Some("v*"), None)]);
    state.set_preferred(vec![(all, vec![ip("203.0.113.1"), ip("198.51.100.1")])]);
    assert_eq!(now(&state), Some(ip("198.51.100.1")));
    state.address(&addr(10, "203.0.113.1/24"), &mut out);
    assert_eq!(now(&state), Some(ip("203.0.113.1")));
    state.address_gone(&addr(10, "203.0.113.1/24"), &mut out);
    assert_eq!(now(&state), Some(ip("198.51.100.1")));
    state.set_preferred(Vec::new());
    assert_eq!(now(&state), Some(ip("198.51.100.1")), "without the option the choice stays");
    state.address_gone(&addr(10, "198.51.100.1/24"), &mut out);
    assert_eq!(now(&state), Some(ip("192.0.2.1")));
}

#[test]
fn tentative_addresses_do_not_exist() {
    let mut state = ifaces(&[link(10, "v0", UP)], &[]);
    let mut out = Vec::new();
    let tentative = Address { flags: AddressFlags(0x40), ..addr(10, "2001:db8::1/64") };
    state.address(&tentative, &mut out);
    state.scanned_addresses(vec![tentative.clone()], &mut out);
    assert!(out.is_empty());
    state.address(&addr(10, "2001:db8::1/64"), &mut out);
    state.address(&addr(10, "2001:db8::1/64"), &mut out);
    state.scanned_addresses(vec![tentative], &mut out);
    assert_eq!(changes(&out), ["10 +2001:db8::1", "10 -2001:db8::1"]);
}

#[test]
fn awaited_addresses_take_their_places() {
    let mut state = ifaces(&[link(10, "v0", UP)], &[]);
    let texts = ["192.0.2.1/24", "2001:db8::2/64", "2001:db8::1/64", "fe80::1/64"];
    let tentative = |text: &str| Address { flags: AddressFlags(0x40), ..addr(10, text) };
    let mut out = Vec::new();
    state.scanned_addresses(
        vec![addr(10, texts[0]), tentative(texts[1]), tentative(texts[2]), addr(10, texts[3])],
        &mut out,
    );
    for text in [texts[2], texts[1], "2001:db8::9/64"] {
        state.address(&addr(10, text), &mut out);
    }
    let order: Vec<String> = state.get(10).unwrap().addrs.iter().map(|a| a.ip.to_string()).collect();
    assert_eq!(order, ["192.0.2.1", "2001:db8::2", "2001:db8::1", "fe80::1", "2001:db8::9"]);
}

/// What a listener that only believes events knows.
#[derive(Default, PartialEq, Debug)]
struct Shadow {
    up: BTreeSet<u32>,
    addrs: BTreeMap<u32, BTreeSet<(IpAddr, IpNet)>>,
}

impl Shadow {
    fn hear(&mut self, out: &mut Vec<IfaceEvent>) {
        for event in out.drain(..) {
            let addrs = self.addrs.entry(event.ifindex).or_default();
            match event.change {
                IfaceChange::Up => assert!(self.up.insert(event.ifindex), "up twice"),
                IfaceChange::Down => assert!(self.up.remove(&event.ifindex), "down twice"),
                IfaceChange::Link | IfaceChange::Mtu | IfaceChange::Preferred => {}
                IfaceChange::AddrUp(a) => assert!(addrs.insert((a.ip, a.prefix)), "address twice"),
                IfaceChange::AddrDown(a) => assert!(addrs.remove(&(a.ip, a.prefix)), "no such address"),
            }
        }
        self.addrs.retain(|_, list| !list.is_empty());
    }

    fn of(state: &Ifaces) -> Shadow {
        let up = state.iter().filter(|i| i.up).map(|i| i.link.index).collect();
        let list = |i: &Iface| i.addrs.iter().map(|a| (a.ip, a.prefix)).collect::<BTreeSet<_>>();
        let all = state.iter().map(|i| (i.link.index, list(i)));
        Shadow { up, addrs: all.filter(|(_, list)| !list.is_empty()).collect() }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Link(u32, u8, bool, Option<u32>),
    Gone(u32),
    Addr(u32, u8, u32),
    AddrGone(u32, u8),
    Scan,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1u32..5, 0u8..4, any::<bool>(), prop::option::of(1u32..5))
            .prop_map(|(i, name, up, master)| Step::Link(i, name, up, master)),
        (1u32..5).prop_map(Step::Gone),
        (1u32..5, 0u8..4, prop::sample::select(vec![0u32, 1, 0x40]))
            .prop_map(|(i, a, f)| Step::Addr(i, a, f)),
        (1u32..5, 0u8..4).prop_map(|(i, a)| Step::AddrGone(i, a)),
        Just(Step::Scan),
    ];
    prop::collection::vec(step, 1..60)
}

fn nth_addr(ifindex: u32, n: u8, flags: u32) -> Address {
    let text =
        ["192.0.2.1/24", "192.0.2.1/25", "2001:db8::1/64", "10.0.0.1/32 peer 10.0.0.2"][usize::from(n)];
    Address { flags: AddressFlags(flags), ..addr(ifindex, text) }
}

proptest! {
    /// Whatever happens, the events tell the state, and notices lead to the state that a scan of the kernel finds.
    #[test]
    fn events_and_scans_agree(steps in steps()) {
        let (mut state, mut shadow, mut out) = (Ifaces::default(), Shadow::default(), Vec::new());
        let mut links: BTreeMap<u32, Link> = BTreeMap::new();
        let mut addrs: BTreeMap<(u32, u8), Address> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Link(i, name, up, master) => {
                    let flags = if up { UP } else { 0 };
                    let new = Link { master: master.filter(|m| *m != i), ..link(i, &format!("e{name}"), flags) };
                    links.insert(i, new.clone());
                    state.link(new, &mut out);
                }
                Step::Gone(i) => {
                    links.remove(&i);
                    addrs.retain(|(at, _), _| *at != i);
                    state.link_gone(i, &mut out);
                }
                Step::Addr(i, n, flags) => {
                    let new = nth_addr(i, n, flags);
                    if links.contains_key(&i) {
                        addrs.insert((i, n), new.clone());
                    }
                    state.address(&new, &mut out);
                }
                Step::AddrGone(i, n) => {
                    addrs.remove(&(i, n));
                    state.address_gone(&nth_addr(i, n, 0), &mut out);
                }
                Step::Scan => {
                    state.scanned_links(links.values().cloned().collect(), &mut out);
                    state.scanned_addresses(addrs.values().cloned().collect(), &mut out);
                    prop_assert!(out.is_empty(), "a scan finds nothing new: {:?}", out);
                }
            }
            shadow.hear(&mut out);
            prop_assert_eq!(&shadow, &Shadow::of(&state));
        }
        let near = state.near(&Vrf::Any);
        for gateway in ["192.0.2.1", "192.0.2.2", "192.0.2.127", "192.0.2.255", "10.0.0.1", "10.0.0.2", "2001:db8::", "fe80::1"] {
            for only in [None, Some(2)] {
                prop_assert_eq!(near.neighbor(ip(gateway), only), state.neighbor(ip(gateway), only), "{}", gateway);
            }
        }
        let links: Vec<Link> = links.into_values().collect();
        let addrs: Vec<Address> = addrs.into_values().collect();
        prop_assert_eq!(Shadow::of(&ifaces(&links, &addrs)), Shadow::of(&state));
    }
}
