//! A route of `show route`: its line, its next hops, and with `all` its type and attributes.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use super::attribute;
use super::number::{pad, push_ip, push_net, push_u32};
use crate::base::time::TimeWriter;
use crate::base::{Net, NextHop};
use crate::control::backend::RouteText;
use crate::control::code::Code;
use crate::control::view::route::{Naming, RouteInfo};
use crate::control::wire::Reply;
use crate::filter::attributes::is_hidden;
use crate::table::{Attrs, Dest, Route, RouteSource};

/// What stands behind the bracket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark {
    /// Nothing.
    None,
    /// The first route of its net.
    Best,
    /// The first one, which the kernel refused.
    Refused,
}

/// Writes the routes of one answer.
pub struct RouteWriter {
    /// Names of protocols and interfaces.
    pub naming: Arc<Naming>,
    /// Names and formats of attributes.
    pub text: Arc<dyn RouteText>,
    /// How times look.
    pub times: TimeWriter,
    /// `all`
    pub verbose: bool,
}

impl RouteWriter {
    /// Writes one route. `attrs` are those to show, which a filter may have changed; the network stands only
    /// on the first route of a net.
    pub fn route(&mut self, net: Option<&Net>, route: &Route, attrs: &Attrs, mark: Mark, reply: &mut Reply) {
        reply.raw(Code::Route, |out| {
            let from = out.len();
            if let Some(net) = net {
                push_net(out, net);
                if !attrs.extra.is_empty()
                    && let Some(label) = self.text.mpls_label(attrs)
                {
                    out.extend_from_slice(b" mpls ");
                    push_u32(out, label);
                }
            }
            pad(out, from, 20);
            out.push(b' ');
            out.extend_from_slice(dest_word(&attrs.dest).as_bytes());
            out.extend_from_slice(b" [");
            out.extend_from_slice(self.naming.protocol(route.source.proto).as_bytes());
            out.push(b' ');
            self.times.write(route.changed, out);
            if let Some(neighbour) = attrs.from
                && neighbour != IpAddr::V6(Ipv6Addr::UNSPECIFIED)
                && attrs.next_hops().first().and_then(|hop| hop.gateway) != Some(neighbour)
            {
                out.extend_from_slice(b" from ");
                push_ip(out, neighbour);
            }
            out.extend_from_slice(match mark {
                Mark::None => b"] (",
                Mark::Best => b"] * (",
                Mark::Refused => b"] ! (",
            });
            push_u32(out, attrs.preference.into());
            if !attrs.extra.is_empty()
                && self.naming.info(route.source.proto) == RouteInfo::IgpMetric
                && let Some(metric) = self.text.igp_metric(attrs)
            {
                out.push(b'/');
                push_u32(out, metric);
            }
            out.push(b')');
        });
        let hops = attrs.next_hops();
        for hop in hops {
            reply.raw(Code::Route, |out| self.next_hop(hop, hops.len() > 1, out));
        }
        if self.verbose {
            let scope = attrs.scope.short();
            reply.line(Code::RouteType, format_args!("\tType: {} {scope}", source_word(attrs.source)));
            for (id, value) in attrs.extra.iter().filter(|(id, _)| !is_hidden(*id)) {
                let mut more = Vec::new();
                reply.raw(Code::Attribute, |out| {
                    out.push(b'\t');
                    let from = out.len();
                    self.text.attribute(*id, value, out);
                    if out.len() - from > attribute::SHORT {
                        let text = String::from_utf8_lossy(&out[from..]).into_owned();
                        let mut lines = attribute::lines(&text, value).into_iter();
                        out.truncate(from);
                        out.extend_from_slice(lines.next().unwrap_or_default().as_bytes());
                        more = lines.collect();
                    }
                });
                for line in more {
                    reply.line(Code::Attribute, format_args!("\t\t{line}"));
                }
            }
        }
    }

    fn next_hop(&self, hop: &NextHop, several: bool, out: &mut Vec<u8>) {
        match hop.gateway {
            Some(gateway) => {
                out.extend_from_slice(b"\tvia ");
                push_ip(out, gateway);
                out.extend_from_slice(b" on ");
            }
            None => out.extend_from_slice(b"\tdev "),
        }
        match self.naming.interface(hop.ifindex) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => out.extend_from_slice(b"???"),
        }
        for (i, label) in hop.labels.iter().enumerate() {
            out.extend_from_slice(if i == 0 { b" mpls " } else { b"/" });
            push_u32(out, *label);
        }
        if hop.onlink {
            out.extend_from_slice(b" onlink");
        }
        // BIRD 2.19 says nothing of weights here when there is no gateway.
        if several && hop.gateway.is_some() {
            out.extend_from_slice(b" weight ");
            push_u32(out, hop.weight.into());
        }
    }
}

fn dest_word(dest: &Dest) -> &'static str {
    match dest {
        Dest::None => "",
        Dest::Unicast(_) => "unicast",
        Dest::Blackhole => "blackhole",
        Dest::Unreachable => "unreachable",
        Dest::Prohibit => "prohibited",
    }
}

fn source_word(source: RouteSource) -> &'static str {
    match source {
        RouteSource::Dummy => "dummy",
        RouteSource::Static => "static",
        RouteSource::Inherit => "inherit",
        RouteSource::Device => "device",
        RouteSource::StaticDevice => "static-device",
        RouteSource::Redirect => "redirect",
        RouteSource::Rip => "RIP",
        RouteSource::Ospf => "OSPF",
        RouteSource::OspfIa => "OSPF-IA",
        RouteSource::OspfExt1 => "OSPF-E1",
        RouteSource::OspfExt2 => "OSPF-E2",
        RouteSource::Bgp => "BGP",
        RouteSource::Pipe => "pipe",
        RouteSource::Babel => "Babel",
        RouteSource::Rpki => "RPKI",
        RouteSource::Perf => "Perf",
        RouteSource::L3vpn => "L3VPN",
        RouteSource::Aggregated => "aggregated",
    }
}
