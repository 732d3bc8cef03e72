//! The running direct protocol: wanted minus announced, per interface.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::config::{Direct, DirectOptions};
use crate::base::net::Scope;
use crate::base::{ChannelId, IpNet, Ipv6Net, Net, NetExt, NetType, NextHop};
use crate::config::{ProtocolConfig, Vrf};
use crate::engine::api::{Instance, Ports, ProtoState, ProtocolKind};
use crate::engine::iface::{IfaceChange, IfaceEvent, Ifaces};
use crate::table::{Attrs, Dest, RouteSource};

impl ProtocolKind for Direct {
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        Box::new(DirectInstance {
            options: config.options().cloned().unwrap_or_default(),
            vrf: config.vrf.clone(),
            channels: Vec::new(),
            announced: BTreeSet::new(),
        })
    }
}

struct DirectInstance {
    options: DirectOptions,
    vrf: Vrf,
    /// Those that are up.
    channels: Vec<(ChannelId, NetType)>,
    /// By interface, then channel. Two addresses of one net on one interface are one route.
    announced: BTreeSet<(u32, ChannelId, Net)>,
}

impl DirectInstance {
    /// Addresses that make routes: not secondary, wider than the link, of usable interfaces that the patterns cover.
    fn wanted(&self, ifaces: &Ifaces, ifindex: u32) -> BTreeSet<(u32, ChannelId, Net)> {
        let mut wanted = BTreeSet::new();
        let Some(iface) = ifaces.get(ifindex) else { return wanted };
        let usable = iface.up && (iface.link_up() || !self.options.check_link);
        if !usable || !ifaces.in_vrf(iface, &self.vrf) {
            return wanted;
        }
        for a in &iface.addrs {
            let peer = a.opposite.filter(|_| a.peer);
            if a.secondary || a.scope <= Scope::Link || !self.options.covers(&iface.name, a.ip, peer) {
                continue;
            }
            for (channel, net_type) in &self.channels {
                if let Some(net) = net_of(&a.prefix, *net_type) {
                    wanted.insert((ifindex, *channel, net));
                }
            }
        }
        wanted
    }

    fn announced_on(&self, ifindex: u32) -> BTreeSet<(u32, ChannelId, Net)> {
        self.announced.iter().filter(|(i, _, _)| *i == ifindex).cloned().collect()
    }

    fn refresh(&mut self, ports: &mut Ports<'_>, ifindex: u32) {
        let wanted = self.wanted(ports.ifaces(), ifindex);
        let announced = self.announced_on(ifindex);
        self.withdraw(ports, announced.difference(&wanted));
        for route in wanted.difference(&announced) {
            let (_, channel, net) = route;
            let attrs = Attrs {
                source: RouteSource::Device,
                preference: ports.preference(*channel),
                dest: Dest::Unicast([NextHop::new(None, ifindex)].into()),
                ..Attrs::default()
            };
            let attrs = ports.intern(attrs);
            ports.import(*channel, net, ifindex, Some(attrs));
            self.announced.insert(route.clone());
        }
    }

    fn withdraw<'a>(
        &mut self,
        ports: &mut Ports<'_>,
        routes: impl Iterator<Item = &'a (u32, ChannelId, Net)>,
    ) {
        for route in routes {
            let (ifindex, channel, net) = route;
            ports.import(*channel, net, *ifindex, None);
            self.announced.remove(route);
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

    fn iface(&mut self, ports: &mut Ports<'_>, event: &IfaceEvent) {
        // Down may be followed by up, for a renamed interface: its routes pass the filters again.
        if event.change == IfaceChange::Down {
            let announced = self.announced_on(event.ifindex);
            self.withdraw(ports, announced.iter());
        } else {
            self.refresh(ports, event.ifindex);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals of the tests")]
    use super::*;
    use crate::config::{IfPattern, IfPatterns};
    use crate::engine::api::Adapt;
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
        assert_eq!(bench.reconfigure(names(&[&["x*"]])), Adapt::Restart);
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
}
