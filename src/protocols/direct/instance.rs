//! The running direct protocol: wanted minus announced, per interface.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::config::{Direct, DirectOptions};
use crate::base::net::Scope;
use crate::base::{ChannelId, IpNet, Ipv6Net, Net, NetExt, NetType, NextHop};
use crate::config::{ProtocolConfig, Vrf};
use crate::engine::api::{Hears, Instance, Ports, ProtoState, ProtocolKind};
use crate::engine::iface::{Iface, IfaceAddr, IfaceChange, IfaceEvent, Ifaces};
use crate::table::{Attrs, Dest, RouteSource};

impl ProtocolKind for Direct {
    fn reloads(&self) -> bool {
        false
    }

    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        Box::new(DirectInstance {
            options: config.options().cloned().unwrap_or_default(),
            vrf: config.vrf.clone(),
            channels: Vec::new(),
            announced: BTreeMap::new(),
        })
    }
}

struct DirectInstance {
    options: DirectOptions,
    vrf: Vrf,
    /// Those that are up.
    channels: Vec<(ChannelId, NetType)>,
    /// By interface. Two addresses of one net on one interface are one route.
    announced: BTreeMap<u32, BTreeSet<(ChannelId, Net)>>,
}

impl DirectInstance {
    /// The interface, if its addresses make routes now.
    fn usable<'a>(&self, ifaces: &'a Ifaces, ifindex: u32) -> Option<&'a Iface> {
        let carrier = |i: &&Iface| i.link_up() || !self.options.check_link;
        ifaces.get(ifindex).filter(|i| i.up && ifaces.in_vrf(i, &self.vrf)).filter(carrier)
    }

    /// Whether an address makes a route: not secondary, wider than the link, and covered by the patterns.
    fn makes_route(&self, iface: &Iface, a: &IfaceAddr) -> bool {
        let peer = a.opposite.filter(|_| a.peer);
        !a.secondary && a.scope > Scope::Link && self.options.covers(&iface.name, a.ip, peer)
    }

    fn nets(&self, prefix: &IpNet) -> impl Iterator<Item = (ChannelId, Net)> {
        self.channels.iter().filter_map(|(channel, net_type)| Some((*channel, net_of(prefix, *net_type)?)))
    }

    fn refresh(&mut self, ports: &mut Ports<'_>, ifindex: u32) {
        let wanted: BTreeSet<(ChannelId, Net)> = match self.usable(ports.ifaces(), ifindex) {
            Some(iface) => {
                let good = iface.addrs.iter().filter(|a| self.makes_route(iface, a));
                good.flat_map(|a| self.nets(&a.prefix)).collect()
            }
            None => BTreeSet::new(),
        };
        let before = self.announced.get(&ifindex).cloned().unwrap_or_default();
        for route in before.difference(&wanted) {
            self.withdraw(ports, ifindex, route);
        }
        for route in wanted.difference(&before) {
            self.announce(ports, ifindex, route.clone());
        }
    }

    /// One address appeared or vanished: with thousands of them on an interface the others are better left alone.
    fn refresh_address(&mut self, ports: &mut Ports<'_>, ifindex: u32, a: &IfaceAddr) {
        let wanted = self.usable(ports.ifaces(), ifindex).is_some_and(|iface| {
            iface.addrs.iter().any(|other| other.prefix == a.prefix && self.makes_route(iface, other))
        });
        let routes: Vec<(ChannelId, Net)> = self.nets(&a.prefix).collect();
        for route in routes {
            let announced = self.announced.get(&ifindex).is_some_and(|all| all.contains(&route));
            match (wanted, announced) {
                (true, false) => self.announce(ports, ifindex, route),
                (false, true) => self.withdraw(ports, ifindex, &route),
                _ => {}
            }
        }
    }

    fn announce(&mut self, ports: &mut Ports<'_>, ifindex: u32, route: (ChannelId, Net)) {
        let (channel, net) = &route;
        let attrs = Attrs {
            source: RouteSource::Device,
            preference: ports.preference(*channel),
            dest: Dest::Unicast([NextHop::new(None, ifindex)].into()),
            ..Attrs::default()
        };
        let attrs = ports.intern(attrs);
        ports.import(*channel, net, ifindex, Some(attrs));
        self.announced.entry(ifindex).or_default().insert(route);
    }

    fn withdraw(&mut self, ports: &mut Ports<'_>, ifindex: u32, route: &(ChannelId, Net)) {
        ports.import(route.0, &route.1, ifindex, None);
        if let Some(all) = self.announced.get_mut(&ifindex) {
            all.remove(route);
        }
    }
}

/// The net that an address's prefix is in a channel of this type.
fn net_of(prefix: &IpNet, net_type: NetType) -> Option<Net> {
    match (prefix, net_type) {
        (IpNet::V4(_), NetType::Ip4) | (IpNet::V6(_), NetType::Ip6) => Some(Net::Ip(*prefix)),
        (IpNet::V6(dst), NetType::Ip6Sadr) => {
            Some(NetExt::Sadr { dst: *dst, src: Ipv6Net::default() }.into())
        }
        _ => None,
    }
}

impl Instance for DirectInstance {
    fn start(&mut self, _ports: &mut Ports<'_>) -> ProtoState {
        ProtoState::Up
    }

    fn channel_up(&mut self, ports: &mut Ports<'_>, channel: ChannelId) {
        let this = ports.channels().into_iter().find(|(id, _)| *id == channel);
        self.channels.extend(this);
        let all: Vec<u32> = ports.ifaces().iter().map(|i| i.link.index).collect();
        for ifindex in all {
            self.refresh(ports, ifindex);
        }
    }

    fn hears(&self) -> Hears {
        Hears::Addresses
    }

    fn again(&mut self, ports: &mut Ports<'_>, channel: ChannelId, net: &Net) -> bool {
        let route = (channel, net.clone());
        let here = self.announced.iter().filter(|(_, all)| all.contains(&route));
        let here: Vec<u32> = here.map(|(ifindex, _)| *ifindex).collect();
        for ifindex in here {
            self.announce(ports, ifindex, route.clone());
        }
        true
    }

    fn iface(&mut self, ports: &mut Ports<'_>, event: &IfaceEvent) {
        match &event.change {
            // Down may be followed by up, for a renamed interface: its routes pass the filters again.
            IfaceChange::Down => {
                for route in self.announced.remove(&event.ifindex).unwrap_or_default() {
                    self.withdraw(ports, event.ifindex, &route);
                }
            }
            IfaceChange::AddrUp(a) | IfaceChange::AddrDown(a) => {
                self.refresh_address(ports, event.ifindex, a);
            }
            IfaceChange::Up | IfaceChange::Link => self.refresh(ports, event.ifindex),
            IfaceChange::Mtu | IfaceChange::Preferred => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals of the tests")]
    use super::*;
    use crate::config::Effect;
    use crate::config::{IfPattern, IfPatterns};
    use crate::protocols::bench::{Bench, link};
    use crate::sys::kernel::{AddressFlags, Link, LinkFlags};

    fn started(options: DirectOptions) -> Bench {
        let mut bench = Bench::new(&Direct, &[NetType::Ip4, NetType::Ip6], options);
        bench.start();
        bench.kernel(|s, out| s.link(link(10, "v0"), out));
        bench.kernel(|s, out| s.link(link(11, "v1"), out));
        bench
    }

    fn names(lists: &[&[&str]]) -> DirectOptions {
        let list = |names: &&[&str]| {
            IfPatterns(names.iter().map(|n| IfPattern::new(false, Some(n), None)).collect())
        };
        DirectOptions { interfaces: lists.iter().map(list).collect(), check_link: false }
    }

    #[test]
    fn one_route_per_address() {
        let mut bench = started(DirectOptions::default());
        for (ifindex, address) in [
            (10, "192.0.2.1/24"),
            (11, "192.0.2.7/24"),
            (11, "203.0.113.1/32 peer 203.0.113.9"),
            (10, "fe80::1/64"),
            (10, "127.0.0.1/8"),
            (10, "2001:db8::1/64"),
            (10, "2001:db8::2/64"),
        ] {
            bench.address(ifindex, address);
        }
        bench.kernel(|s, out| {
            let mut second = crate::protocols::bench::address(10, "198.51.100.3/24");
            second.flags = AddressFlags(1);
            s.address(&second, out);
        });
        let routes = [
            "192.0.2.0/24 10 dev 10",
            "192.0.2.0/24 11 dev 11",
            "203.0.113.9/32 11 dev 11",
            "2001:db8::/64 10 dev 10",
        ];
        assert_eq!(bench.routes(), routes);
        bench.address_gone(10, "2001:db8::2/64");
        assert_eq!(bench.routes(), routes, "the other address still makes it");
        bench.address_gone(10, "2001:db8::1/64");
        bench.kernel(|s, out| s.link_gone(11, out));
        assert_eq!(bench.routes(), ["192.0.2.0/24 10 dev 10"]);
    }

    #[test]
    fn follows_patterns_and_names() {
        let mut bench = started(names(&[&["v0"], &["w*"]]));
        bench.address(10, "192.0.2.1/24");
        bench.address(11, "198.51.100.1/24");
        assert_eq!(bench.routes(), ["192.0.2.0/24 10 dev 10"]);
        bench.kernel(|s, out| s.link(link(11, "w0"), out));
        bench.kernel(|s, out| s.link(link(10, "x0"), out));
        assert_eq!(bench.routes(), ["198.51.100.0/24 11 dev 11"]);
        assert_eq!(bench.reconfigure(names(&[&["x*"]])), Some(Effect::Restart));
    }

    #[test]
    fn a_renamed_interface_passes_filters_again() {
        let mut bench = started(DirectOptions::default());
        bench.address(10, "192.0.2.1/24");
        let before = bench.hands.imports;
        bench.kernel(|s, out| s.link(link(10, "x0"), out));
        assert_eq!(bench.hands.imports - before, 2, "withdrawn and announced");
        assert_eq!(bench.routes(), ["192.0.2.0/24 10 dev 10"]);
    }

    #[test]
    fn checks_the_carrier_if_told() {
        for check_link in [false, true] {
            let mut bench = started(DirectOptions { check_link, ..DirectOptions::default() });
            bench.address(10, "192.0.2.1/24");
            let idle = Link { flags: LinkFlags(LinkFlags::UP), ..link(10, "v0") };
            bench.kernel(|s, out| s.link(idle, out));
            assert_eq!(bench.routes().is_empty(), check_link);
            bench.kernel(|s, out| s.link(link(10, "v0"), out));
            assert_eq!(bench.routes().len(), 1);
        }
    }

    #[test]
    fn sadr_channels_take_any_source() {
        let mut bench = Bench::new(&Direct, &[NetType::Ip6Sadr], DirectOptions::default());
        bench.kernel(|s, out| s.link(link(10, "v0"), out));
        bench.address(10, "2001:db8::1/64");
        bench.address(10, "192.0.2.1/24");
        bench.start();
        assert_eq!(bench.routes(), ["2001:db8::/64 from ::/0 10 dev 10"]);
    }

    use proptest::prelude::*;

    proptest! {
        /// Whatever comes and goes, the routes are those of an instance that starts now.
        #[test]
        fn follows_whatever_happens(
            steps in prop::collection::vec((10u32..13, 0u8..5, 0u8..4, any::<bool>()), 1..40),
            check_link in any::<bool>(),
        ) {
            let texts = ["192.0.2.1/24", "192.0.2.2/24", "2001:db8::1/64", "198.51.100.1/32 peer 192.0.2.9"];
            let options = || DirectOptions { check_link, ..names(&[&["e0", "e1"]]) };
            let mut bench = started(options());
            for (ifindex, what, n, on) in steps {
                let flags = [0, LinkFlags::UP, LinkFlags::UP | LinkFlags::RUNNING][usize::from(n) % 3];
                let new = Link { flags: LinkFlags(flags), ..link(ifindex, ["e0", "e1", "x0"][usize::from(what) % 3]) };
                let mut address = crate::protocols::bench::address(ifindex, texts[usize::from(n)]);
                address.flags = AddressFlags(u32::from(on));
                bench.kernel(|s, out| match what {
                    0 => s.link(new, out),
                    1 if on => s.link_gone(ifindex, out),
                    1 => s.link(new, out),
                    2 => s.address_gone(&address, out),
                    _ => s.address(&address, out),
                });
            }
            let mut fresh = Bench::new(&Direct, &[NetType::Ip4, NetType::Ip6], options());
            fresh.hands.ifaces = bench.hands.ifaces.clone();
            fresh.start();
            prop_assert_eq!(bench.routes(), fresh.routes());
            prop_assert_eq!(bench.hands.idle_withdraws, 0);
        }
    }
}
