//! Network literals with terms in them.

use std::net::IpAddr;

use super::Checker;
use super::body::{Loc, Term};
use crate::base::flow::{FlowBuilder, Part, operator};
use crate::base::net::Evpn;
use crate::base::{IpNet, Mac, Net, NetExt, Rd, Value};
use crate::filter::types::Type;
use crate::syntax::ast::{Expr, ExprKind, FlowItem, FlowOp, Span, Tok};

/// What a component says that the other family only can mean.
fn wrong_in_family(v6: bool, items: &[FlowItem]) -> Option<&'static str> {
    const DONT_FRAGMENT: u32 = 1;
    let forbids = |op: &FlowOp| matches!(&op.value, Some(Expr { kind: ExprKind::Int(DONT_FRAGMENT), .. }));
    items.iter().find_map(|item| match item.key {
        "label" if !v6 => Some("Unknown component"),
        "fragment" if v6 && item.ops.iter().any(forbids) => {
            Some("Cannot use Don't fragment flag in IPv6 flow")
        }
        _ => None,
    })
}

impl Checker<'_> {
    /// `10.0.0.0/8 max A as B`, `mpls A`, `evpn ...`, ...: parts as the syntax tree documents them.
    pub(super) fn net_of(&mut self, word: &str, parts: &[Expr], span: Span) -> Term {
        match self.net_value(word, parts, span) {
            Some(net) => Term::constant(Value::Net(net)),
            None => Term { ty: Type::Prefix, loc: Loc::Poison },
        }
    }

    fn net_value(&mut self, word: &str, parts: &[Expr], span: Span) -> Option<Net> {
        let ext = match (word, parts) {
            ("roa", [prefix, max, asn]) => {
                let prefix = self.prefix_part(prefix)?;
                let len = self.number(max)?;
                if len < prefix.prefix_len().into() || len > prefix.max_prefix_len().into() {
                    self.error(asn.span.last, max.span, format!("Invalid max prefix length {len}"));
                    return None;
                }
                NetExt::Roa { prefix, max_len: len as u8, asn: self.number(asn)? }
            }
            ("mpls", [label]) => NetExt::Mpls(self.number(label)?),
            ("aspa", [asn]) => NetExt::Aspa(self.number(asn)?),
            ("neighbor", [addr, index]) => {
                NetExt::Neighbor { addr: self.address_part(addr)?, ifindex: self.number(index)? }
            }
            ("vpn", [rd, prefix]) => NetExt::Vpn { rd: self.rd_part(rd)?, prefix: self.prefix_part(prefix)? },
            ("sadr", [dst, src]) => match (self.prefix_part(dst)?, self.prefix_part(src)?) {
                (IpNet::V6(dst), IpNet::V6(src)) => NetExt::Sadr { dst, src },
                _ => return self.not_a_net(span),
            },
            ("evpn ead", [rd, tag, esi]) => {
                let (rd, tag) = (self.rd_part(rd)?, self.number(tag)?);
                NetExt::Evpn(Evpn::Ead { rd, tag, esi: self.esi_part(esi)? })
            }
            ("evpn mac", [rd, tag, mac, rest @ ..]) => {
                let (rd, tag, mac) = (self.rd_part(rd)?, self.number(tag)?, self.mac_part(mac)?);
                let ip = match rest {
                    [ip] => Some(self.address_part(ip)?),
                    _ => None,
                };
                NetExt::Evpn(Evpn::Mac { rd, tag, mac, ip })
            }
            ("evpn imet", [rd, tag, router]) => {
                let (rd, tag) = (self.rd_part(rd)?, self.number(tag)?);
                NetExt::Evpn(Evpn::Imet { rd, tag, router: self.address_part(router)? })
            }
            ("evpn es", [rd, esi, router]) => {
                let (rd, esi) = (self.rd_part(rd)?, self.esi_part(esi)?);
                NetExt::Evpn(Evpn::Es { rd, esi, router: self.address_part(router)? })
            }
            ("eth", [_, vlan]) => {
                let vid = self.number(vlan)?;
                self.error(vlan.span.last, vlan.span, format!("Value {vid} out of range (0-4095)"));
                return None;
            }
            ("flow4" | "flow6", [flow]) => {
                return match self.constant(flow)? {
                    Value::Net(net) => Some(net),
                    _ => self.not_a_net(span),
                };
            }
            _ => return self.not_a_net(span),
        };
        Some(ext.into())
    }

    fn not_a_net(&mut self, span: Span) -> Option<Net> {
        self.error(span.lookahead(), span, "Network expected");
        None
    }

    fn prefix_part(&mut self, expr: &Expr) -> Option<IpNet> {
        match self.constant(expr)? {
            Value::Net(Net::Ip(prefix)) => Some(prefix),
            _ => {
                self.error(expr.span.lookahead(), expr.span, "IP network expected");
                None
            }
        }
    }

    fn address_part(&mut self, expr: &Expr) -> Option<IpAddr> {
        match self.constant(expr)? {
            Value::Ip(ip) => Some(ip),
            _ => {
                self.error(expr.span.lookahead(), expr.span, "IP address expected");
                None
            }
        }
    }

    fn rd_part(&mut self, expr: &Expr) -> Option<Rd> {
        match self.constant(expr)? {
            Value::Rd(rd) => Some(rd),
            _ => {
                self.error(expr.span.lookahead(), expr.span, "Route distinguisher expected");
                None
            }
        }
    }

    fn mac_part(&mut self, expr: &Expr) -> Option<Mac> {
        match self.constant(expr)? {
            Value::Mac(mac) => Some(mac),
            _ => {
                self.error(expr.span.lookahead(), expr.span, "Ethernet address expected");
                None
            }
        }
    }

    fn esi_part(&mut self, expr: &Expr) -> Option<[u8; 10]> {
        let bytes = match self.constant(expr)? {
            Value::Bytes(bytes) => bytes,
            _ => {
                self.error(expr.span.lookahead(), expr.span, "Bytestring expected");
                return None;
            }
        };
        let esi = <[u8; 10]>::try_from(&*bytes.0).ok();
        if esi.is_none() {
            self.error(expr.span.last, expr.span, format!("Invalid ESI length {}", bytes.0.len()));
        }
        esi
    }

    /// `flow4 { ... }`
    pub(super) fn flow(&mut self, v6: bool, items: &[FlowItem]) -> Term {
        let mut builder = FlowBuilder::new();
        let mut fine = true;
        for item in items {
            fine &= self.flow_item(&mut builder, v6, item).is_some();
        }
        if let (true, Some(problem), Some(last)) = (fine, wrong_in_family(v6, items), items.last()) {
            // BIRD looks at the whole at the closing brace, behind the last semicolon.
            self.error(last.span.lookahead() + 1, last.span, format!("Invalid flow route: {problem}"));
            fine = false;
        }
        if !fine {
            return Term { ty: Type::Prefix, loc: Loc::Poison };
        }
        Term::constant(Value::Net(NetExt::Flow { v6, nlri: builder.finish() }.into()))
    }

    fn flow_item(&mut self, builder: &mut FlowBuilder, v6: bool, item: &FlowItem) -> Option<()> {
        let at = item.span.lookahead();
        let Some(part) = Part::by_key(item.key) else {
            self.error(at, item.span, "Unknown flow component");
            return None;
        };
        if builder.has(part) {
            self.error(at, item.span, format!("Component {} is given twice", item.key));
            return None;
        }
        if let Some((prefix, offset)) = &item.prefix {
            let net = self.prefix_part(prefix)?;
            if net.addr().is_ipv4() == v6 {
                let family = if v6 { "IPv6 network expected" } else { "IPv4 network expected" };
                self.error(prefix.span.lookahead(), prefix.span, family);
                return None;
            }
            let offset = match offset {
                Some(offset) => self.number(offset)?,
                None => 0,
            };
            if offset > net.prefix_len().into() {
                self.error(item.span.last, item.span, "Prefix offset is higher than prefix length");
                return None;
            }
            builder.prefix(part, net, offset as u8);
            return Some(());
        }
        for op in &item.ops {
            if part.is_mask() {
                self.flow_mask(builder, part, op, at)?;
            } else {
                self.flow_number(builder, part, item.key, op, at)?;
            }
        }
        builder.end(part);
        Some(())
    }

    fn flow_number(
        &mut self,
        b: &mut FlowBuilder,
        part: Part,
        key: &str,
        op: &FlowOp,
        at: Tok,
    ) -> Option<()> {
        let value = match &op.value {
            Some(value) => self.flow_value(part, key, value, at)?,
            None => 0,
        };
        match &op.second {
            Some(second) => {
                let to = self.flow_value(part, key, second, at)?;
                b.number(part, op.and, operator(">="), value);
                b.number(part, true, operator("<="), to);
            }
            None => b.number(part, op.and, operator(op.op), value),
        }
        Some(())
    }

    fn flow_value(&mut self, part: Part, key: &str, expr: &Expr, _at: Tok) -> Option<u32> {
        let value = self.number(expr)?;
        if value > part.max() {
            let message = format!("{key} value {value} out of range (0-{})", part.max());
            self.error(expr.span.last, expr.span, message);
            return None;
        }
        Some(value)
    }

    fn flow_mask(&mut self, b: &mut FlowBuilder, part: Part, op: &FlowOp, at: Tok) -> Option<()> {
        let value = match &op.value {
            Some(value) => self.number(value)?,
            None => 0,
        };
        let mask = match &op.second {
            Some(mask) => self.number(mask)?,
            None => value,
        };
        if value & !mask != 0 {
            let span =
                op.second.as_ref().or(op.value.as_ref()).map_or(Span { first: at, last: at }, |e| e.span);
            self.error(span.last, span, format!("Value {value:#x} outside bitmask {mask:#x}"));
            return None;
        }
        let negate = op.op == "!";
        if negate && value != 0 && value != mask {
            let span =
                op.second.as_ref().or(op.value.as_ref()).map_or(Span { first: at, last: at }, |e| e.span);
            self.error(span.lookahead(), span, "For negation, value must be zero or bitmask");
            return None;
        }
        b.mask(part, op.and, negate, value, mask);
        Some(())
    }
}
