//! Network literals. One whose parts are all literals becomes a [`Net`] here; one with terms in it is left to
//! whoever can evaluate them, and so is one whose literal parts are out of range, because that is reported
//! where ranges are checked.

use ipnet::IpNet;
use tern_grammar::Rule;
use tern_grammar::pest::iterators::Pair;

use super::super::ast::*;
use super::{Convert, NO_NET, mac};
use crate::base::net::{Evpn, NetExt};
use crate::base::{Net, Rd};

impl Convert<'_> {
    /// A network literal, or (alone) a route distinguisher.
    pub(super) fn network(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let at = self.start(&pair);
        let kind = match pair.as_rule() {
            Rule::a_net => self.prefix(pair, at),
            Rule::a_rd | Rule::a_vpn => {
                let rd = Rd(self.tokens.value_at(at));
                match self.tokens.net_at(at + 1).filter(|_| pair.as_str().len() > 1) {
                    Some(prefix) => ExprKind::Net(NetExt::Vpn { rd, prefix }.into()),
                    None => ExprKind::Rd(rd),
                }
            }
            Rule::a_eth => {
                // eth MAC vlan NUM: two bytes for each keyword.
                let vlan = (pair.as_str().len() > 3).then(|| self.tokens.value_at(at + 5) as u32);
                let mac = mac(self.tokens.value_at(at + 2));
                match vlan.map(u16::try_from) {
                    None => ExprKind::Net(NetExt::Eth { mac, vlan: None }.into()),
                    // Without a VLAN and VLAN 0 are the same net.
                    Some(Ok(0)) => ExprKind::Net(NetExt::Eth { mac, vlan: None }.into()),
                    Some(Ok(vlan)) if vlan < 4096 => {
                        ExprKind::Net(NetExt::Eth { mac, vlan: Some(vlan) }.into())
                    }
                    Some(_) => {
                        let part = |at| Span { first: self.tokens.tok_at(at), last: self.tokens.tok_at(at) };
                        let mac = Expr { kind: ExprKind::Mac(mac), span: part(at + 2) };
                        let vlan = Expr { kind: ExprKind::Int(vlan.unwrap_or(0)), span: part(at + 5) };
                        ExprKind::NetOf("eth", vec![mac, vlan])
                    }
                }
            }
            Rule::a_mpls => self.of("mpls", pair),
            Rule::a_aspa => self.of("aspa", pair),
            Rule::a_neighbor => self.of("neighbor", pair),
            Rule::a_evpn => self.evpn(pair),
            Rule::a_flow4 => ExprKind::Flow { v6: false, items: self.flow(pair) },
            Rule::a_flow6 => ExprKind::Flow { v6: true, items: self.flow(pair) },
            _ => return self.nothing(&pair),
        };
        Expr { kind, span }
    }

    /// The network of a route or of `export in`: a literal or a constant's name.
    pub(super) fn network_argument(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let name = Expr { kind: ExprKind::Name(self.ident(&pair)), span: self.span(&pair) };
        pair.into_inner().next().map_or(name, |p| self.network(p))
    }

    fn prefix(&mut self, pair: Pair<'_, Rule>, at: usize) -> ExprKind {
        let prefix = self.tokens.net_at(at).unwrap_or(NO_NET);
        let len = pair.as_str().len();
        let mut inner = pair.into_inner();
        match (inner.next(), inner.next()) {
            (Some(max), Some(asn)) => {
                let (max, asn) = (self.value(max), self.value(asn));
                if let (ExprKind::Int(m), ExprKind::Int(asn)) = (&max.kind, &asn.kind)
                    && (u32::from(prefix.prefix_len())..=u32::from(prefix.max_prefix_len())).contains(m)
                {
                    return ExprKind::Net(NetExt::Roa { prefix, max_len: *m as u8, asn: *asn }.into());
                }
                let net = Expr { kind: ExprKind::Net(Net::Ip(prefix)), span: self.tokens.span(at, at + 1) };
                ExprKind::NetOf("roa", vec![net, max, asn])
            }
            _ if len > 1 => match (prefix, self.tokens.net_at(at + len - 1)) {
                (IpNet::V6(dst), Some(IpNet::V6(src))) => ExprKind::Net(NetExt::Sadr { dst, src }.into()),
                _ => {
                    // An IPv4 destination with a source: no such type.
                    let part = |a: usize| Expr {
                        kind: ExprKind::Net(Net::Ip(self.tokens.net_at(a).unwrap_or(NO_NET))),
                        span: self.tokens.span(a, a + 1),
                    };
                    ExprKind::NetOf("sadr", vec![part(at), part(at + len - 1)])
                }
            },
            _ => ExprKind::Net(Net::Ip(prefix)),
        }
    }

    /// `WORD PARTS`: a net if the parts are literals in range.
    fn of(&mut self, word: &'static str, pair: Pair<'_, Rule>) -> ExprKind {
        let parts: Vec<Expr> = pair.into_inner().map(|p| self.value(p)).collect();
        let net = match (word, parts.iter().map(|p| &p.kind).collect::<Vec<_>>().as_slice()) {
            ("mpls", [ExprKind::Int(label)]) if *label < 1 << 20 => NetExt::Mpls(*label),
            ("aspa", [ExprKind::Int(asn)]) => NetExt::Aspa(*asn),
            ("neighbor", [ExprKind::Ip(addr), ExprKind::Int(ifindex)]) => {
                NetExt::Neighbor { addr: *addr, ifindex: *ifindex }
            }
            _ => return ExprKind::NetOf(word, parts),
        };
        ExprKind::Net(net.into())
    }

    /// `evpn TYPE PARTS`; the key of the general form is `evpn TYPE`, a `*` for an address is left out.
    fn evpn(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut inner = pair.into_inner();
        let word = inner.next().map(|w| self.word(&w)).unwrap_or_default();
        let parts: Vec<Expr> = inner.filter(|p| p.as_rule() != Rule::star).map(|p| self.value(p)).collect();
        let esi = |b: &crate::base::bytes::Bytes| <[u8; 10]>::try_from(&b.0[..]).ok();
        use ExprKind::{Bytes, Int, Ip, Mac, Rd};
        let net = match (word, parts.iter().map(|p| &p.kind).collect::<Vec<_>>().as_slice()) {
            ("ead", [Rd(rd), Int(tag), Bytes(b)]) => esi(b).map(|esi| Evpn::Ead { rd: *rd, tag: *tag, esi }),
            ("mac", [Rd(rd), Int(tag), Mac(mac)]) => {
                Some(Evpn::Mac { rd: *rd, tag: *tag, mac: *mac, ip: None })
            }
            ("mac", [Rd(rd), Int(tag), Mac(mac), Ip(ip)]) => {
                Some(Evpn::Mac { rd: *rd, tag: *tag, mac: *mac, ip: Some(*ip) })
            }
            ("imet", [Rd(rd), Int(tag), Ip(router)]) => {
                Some(Evpn::Imet { rd: *rd, tag: *tag, router: *router })
            }
            ("es", [Rd(rd), Bytes(b), Ip(router)]) => {
                esi(b).map(|esi| Evpn::Es { rd: *rd, esi, router: *router })
            }
            _ => None,
        };
        match net {
            Some(net) => ExprKind::Net(NetExt::Evpn(net).into()),
            None => {
                let word = match word {
                    "ead" => "evpn ead",
                    "mac" => "evpn mac",
                    "imet" => "evpn imet",
                    _ => "evpn es",
                };
                ExprKind::NetOf(word, parts)
            }
        }
    }

    fn flow(&mut self, pair: Pair<'_, Rule>) -> Vec<FlowItem> {
        pair.into_inner().map(|p| self.flow_item(p)).collect()
    }

    fn flow_item(&mut self, pair: Pair<'_, Rule>) -> FlowItem {
        let span = self.span(&pair);
        let key = match pair.as_rule() {
            Rule::f_dst__4 | Rule::f_dst__6 => "dst",
            Rule::f_src__4 | Rule::f_src__6 => "src",
            Rule::f_proto => "proto",
            Rule::f_next_header => "next header",
            Rule::f_port => "port",
            Rule::f_dport => "dport",
            Rule::f_sport => "sport",
            Rule::f_icmp_type => "icmp type",
            Rule::f_icmp_code => "icmp code",
            Rule::f_tcp_flags => "tcp flags",
            Rule::f_length => "length",
            Rule::f_dscp => "dscp",
            Rule::f_label => "label",
            _ => "fragment",
        };
        let mut item = FlowItem { key, prefix: None, ops: Vec::new(), span };
        if matches!(key, "dst" | "src") {
            let mut parts = pair.into_inner().map(|p| self.value(p));
            item.prefix = parts.next().map(|net| (net, parts.next()));
            return item;
        }
        let mut and = false;
        for inner in pair.into_inner() {
            if inner.as_rule() == Rule::flow_join {
                // Between bit masks a comma is an "and", between numbers an "or".
                let masks = matches!(key, "tcp flags" | "fragment");
                and = self.char(&inner) == 'A' || masks && self.char(&inner) == ',';
                continue;
            }
            let mut op = FlowOp { and: std::mem::take(&mut and), op: "", value: None, second: None };
            let plain = inner.as_rule() == Rule::flow_value;
            for part in inner.into_inner() {
                match part.as_rule() {
                    Rule::not => op.op = "!",
                    Rule::flow_op => op.op = flow_operator(self.char(&part), self.word(&part)),
                    Rule::w_fragment => {
                        let bit = match self.word(&part) {
                            "dont_fragment" => 1,
                            "is_fragment" => 2,
                            "first_fragment" => 4,
                            _ => 8,
                        };
                        op.value = Some(Expr { kind: ExprKind::Int(bit), span: self.span(&part) });
                    }
                    _ if op.value.is_none() => op.value = Some(self.value(part)),
                    _ => op.second = Some(self.value(part)),
                }
            }
            if plain && op.op.is_empty() {
                op.op = if op.second.is_some() { ".." } else { "=" };
            }
            item.ops.push(op);
        }
        item
    }
}

fn flow_operator(c: char, word: &'static str) -> &'static str {
    match c {
        '=' => "=",
        'N' => "!=",
        '<' => "<",
        'L' => "<=",
        '>' => ">",
        'G' => ">=",
        _ => word,
    }
}
