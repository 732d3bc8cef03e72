//! Arguments of options: a literal, a constant's name or a term in parentheses, of the kind the option wants.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Checker;
use crate::base::bytes::Bytes;
use crate::base::net::ipv4_number;
use crate::base::{IpNet, Net, Value};
use crate::syntax::ast::{Expr, ExprKind, Tok};

/// Allowed values of a number and what to say about others.
#[derive(Clone, Debug)]
pub struct Bound<'a> {
    /// The values allowed.
    pub range: RangeInclusive<u32>,
    /// The message; `None` is `Value N out of range (A-B)`.
    pub message: Option<&'a str>,
}

/// A text or an address.
#[derive(Clone, PartialEq, Debug)]
pub enum Host {
    /// A name.
    Text(Arc<str>),
    /// An address.
    Ip(IpAddr),
}

impl Checker<'_> {
    /// The value of an argument. A constant's name and a term in parentheses are complete when they are read; so are literals.
    fn argument(&mut self, expr: &Expr) -> Option<Value> {
        self.constant_at(expr, expr.span.last)
    }

    /// The token BIRD has read when it refuses an argument. It needs no look at what follows: a literal is shifted, a name or
    /// a closing parenthesis reduced at once.
    fn refused_at(expr: &Expr) -> Tok {
        expr.span.last
    }

    fn refuse<T>(&mut self, expr: &Expr, message: &str) -> Option<T> {
        self.error(Self::refused_at(expr), expr.span, message);
        None
    }

    /// `expr`: a number.
    pub fn int(&mut self, expr: &Expr) -> Option<u32> {
        match self.argument(expr)? {
            Value::Int(n) => Some(n),
            _ => self.refuse(expr, "Number expected"),
        }
    }

    /// `expr` within bounds; a value outside is told at `at`.
    pub fn int_within(&mut self, expr: &Expr, bound: &Bound<'_>, at: Tok) -> Option<u32> {
        let n = self.int(expr)?;
        if bound.range.contains(&n) {
            return Some(n);
        }
        let (low, high) = (bound.range.start(), bound.range.end());
        let message =
            bound.message.map_or_else(|| format!("Value {n} out of range ({low}-{high})"), str::to_string);
        self.error(at, expr.span, message);
        None
    }

    /// `switch`: on or off. Numbers are taken with a warning.
    pub fn switch(&mut self, expr: &Expr) -> Option<bool> {
        match self.argument(expr)? {
            Value::Bool(b) => Some(b),
            Value::Int(n) => {
                let at = expr.span.lookahead();
                self.warning(at, expr.span, "Number argument for switch option deprecated");
                Some(n != 0)
            }
            _ => self.refuse(expr, "Switch value expected"),
        }
    }

    /// `text`
    pub fn text_arg(&mut self, expr: &Expr) -> Option<Arc<str>> {
        match self.argument(expr)? {
            Value::Str(s) => Some(s),
            _ => self.refuse(expr, "String expected"),
        }
    }

    /// `ipaddr`
    pub fn ip_arg(&mut self, expr: &Expr) -> Option<IpAddr> {
        match self.argument(expr)? {
            Value::Ip(ip) => Some(ip),
            _ => self.refuse(expr, "IP address expected"),
        }
    }

    /// `idval`: a router id.
    pub fn id_arg(&mut self, expr: &Expr) -> Option<u32> {
        let value = match self.argument(expr)? {
            Value::Int(n) | Value::Quad(n) => Some(n),
            Value::Ip(ip) => ipv4_number(ip),
            _ => None,
        };
        match value {
            Some(n) => Some(n),
            None => self.refuse(expr, "Number or IPv4 address expected"),
        }
    }

    /// `netip`, `net4`, `net6`: an IP prefix. `None` for both families.
    pub fn net_arg(&mut self, expr: &Expr, v4: Option<bool>) -> Option<IpNet> {
        let prefix = match self.argument(expr)? {
            Value::Net(Net::Ip(prefix)) if v4.is_none_or(|four| four == prefix.addr().is_ipv4()) => {
                Some(prefix)
            }
            _ => None,
        };
        let message = match v4 {
            None => "IP network expected",
            Some(true) => "IPv4 network expected",
            Some(false) => "IPv6 network expected",
        };
        match prefix {
            Some(prefix) => Some(prefix),
            None => self.refuse(expr, message),
        }
    }

    /// `network`: any net.
    pub fn network_arg(&mut self, expr: &Expr) -> Option<Net> {
        match self.argument(expr)? {
            Value::Net(net) => Some(net),
            _ => self.refuse(expr, "Network expected"),
        }
    }

    /// `text-or-ip`
    pub fn host_arg(&mut self, expr: &Expr) -> Option<Host> {
        match self.argument(expr)? {
            Value::Str(s) => Some(Host::Text(s)),
            Value::Ip(ip) => Some(Host::Ip(ip)),
            _ => self.refuse(expr, "String or IP address expected"),
        }
    }

    /// `bytes`
    pub fn bytes_arg(&mut self, expr: &Expr) -> Option<Bytes> {
        match self.argument(expr)? {
            Value::Bytes(b) => Some(b),
            _ => self.refuse(expr, "Bytestring expected"),
        }
    }

    /// `bytes-or-text`, as bytes.
    pub fn bytes_or_text_arg(&mut self, expr: &Expr) -> Option<Bytes> {
        match self.argument(expr)? {
            Value::Bytes(b) => Some(b),
            Value::Str(s) => Some(Bytes::from(s.as_bytes())),
            _ => self.refuse(expr, "Bytestring or string expected"),
        }
    }

    /// A value of any type: interface patterns take texts, addresses and prefixes.
    pub fn value_arg(&mut self, expr: &Expr) -> Option<Value> {
        self.argument(expr)
    }

    /// Whether the argument is a bare name, which some options treat apart.
    pub fn is_name(expr: &Expr) -> bool {
        matches!(expr.kind, ExprKind::Name(_))
    }
}
