//! What instructions compute, as functions from values to values.
//!
//! The machine and the checker's constant folding call the same functions, so a constant expression cannot differ from the same
//! expression at run time. None of them panics; what cannot be computed is a [`Fault`] with BIRD's words.

use std::borrow::Cow;
use std::net::IpAddr;

use super::code::{Arith, Cmp, EcKind};
use super::types::Type;
use crate::base::community::{self, LargeCommunity};
use crate::base::mask::{MaskItem, PathMask};
use crate::base::net::{UNSPECIFIED, ipv4_number};
use crate::base::{Value, bytes::Bytes};

mod checks;
mod compare;
mod method;
mod nets;

pub use checks::{aspa_check, roa_check};
pub use compare::{bulk, compare, glob, matches, may_be_long, order, quick_compare, same, toil};
pub use method::{LEN, METHODS, MethodInfo, call, find, makes_lists, quick};

/// What went wrong: the text behind `filters, line N: `.
pub type Fault = Cow<'static, str>;

/// `Argument N of OP must be of type T, got type U`.
pub fn wrong_argument(number: u8, op: &str, wanted: Type, got: Type) -> Fault {
    format!("Argument {number} of {op} must be of type {wanted}, got type {got}").into()
}

#[inline]
fn int(value: &Value, number: u8, op: &str) -> Result<u32, Fault> {
    match value {
        Value::Int(n) => Ok(*n),
        other => Err(wrong_argument(number, op, Type::Int, Type::of(other))),
    }
}

/// Checks for a bool.
#[inline]
pub fn bool(value: &Value, number: u8, op: &str) -> Result<bool, Fault> {
    match value {
        Value::Bool(b) => Ok(*b),
        other => Err(wrong_argument(number, op, Type::Bool, Type::of(other))),
    }
}

/// Arithmetic, modulo 2^32.
#[inline]
pub fn arith(op: Arith, a: &Value, b: &Value) -> Result<Value, Fault> {
    let (x, y) = match (a, b) {
        (Value::Int(x), Value::Int(y)) => (*x, *y),
        _ => (int(a, 1, op.name())?, int(b, 2, op.name())?),
    };
    Ok(Value::Int(int_arith(op, x, y)?))
}

/// The same on ints.
#[inline]
pub fn int_arith(op: Arith, x: u32, y: u32) -> Result<u32, &'static str> {
    Ok(match op {
        Arith::Add => x.wrapping_add(y),
        Arith::Sub => x.wrapping_sub(y),
        Arith::Mul => x.wrapping_mul(y),
        Arith::Div => x.checked_div(y).ok_or("Mother told me not to divide by 0")?,
        Arith::And => x & y,
        Arith::Or => x | y,
    })
}

/// Any comparison, of constants: it is not part of a run, so its work is limited by itself.
pub fn comparison(op: Cmp, a: &Value, b: &Value) -> Result<bool, Fault> {
    super::effort::endurable(toil(op, a, b))?;
    compare(op, a, b).map_err(Cow::Borrowed)
}

/// `(A, B)`
#[inline]
pub fn pair(a: &Value, b: &Value) -> Result<Value, Fault> {
    let (x, y) = (int(a, 1, "PAIR_CONSTRUCT")?, int(b, 2, "PAIR_CONSTRUCT")?);
    if x > 0xffff || y > 0xffff {
        return Err("Can't operate with value out of bounds in pair constructor".into());
    }
    Ok(Value::Pair(x << 16 | y))
}

/// `(KIND, KEY, VALUE)`
pub fn ec(kind: EcKind, key: &Value, value: &Value) -> Result<Value, Fault> {
    let number = int(value, 2, "EC_CONSTRUCT")?;
    let address = match key {
        Value::Int(key) => {
            let EcKind::Typed(kind) = kind else { return Ok(Value::Ec(community::ec_generic(*key, number))) };
            return community::ec_number(kind, *key, number).map(Value::Ec).ok_or_else(|| {
                format!("4-byte value {number} can't be used with 4-byte ASN in extended community").into()
            });
        }
        Value::Quad(q) => Some(*q),
        Value::Ip(ip) => ipv4_number(*ip),
        _ => None,
    };
    let Some(address) = address else {
        let got = Type::of(key).number();
        return Err(
            format!("Argument 1 of EC constructor must be integer or IPv4 address, got {got:#04x}").into()
        );
    };
    let EcKind::Typed(kind) = kind else { return Ok(Value::Ec(community::ec_generic(address, number))) };
    community::ec_address(kind, address.into(), number).map(Value::Ec).ok_or_else(|| {
        format!("4-byte value {number} can't be used with IP-address key in extended community").into()
    })
}

/// `(A, B, C)`
pub fn lc(a: &Value, b: &Value, c: &Value) -> Result<Value, Fault> {
    let part = |v, n| int(v, n, "LC_CONSTRUCT");
    Ok(Value::Lc(LargeCommunity { asn: part(a, 1)?, data1: part(b, 2)?, data2: part(c, 3)? }))
}

/// A value as an item of a path mask.
pub fn mask_item(value: &Value) -> Result<MaskItem, Fault> {
    match value {
        Value::Int(n) => Ok(MaskItem::Asn(*n)),
        Value::Set(s) if s.kinds().all(|k| k == crate::base::set::ScalarKind::Int) => {
            Ok(MaskItem::Set(s.clone()))
        }
        Value::Set(_) => Err("Only integer sets allowed in path mask".into()),
        _ => Err("Error resolving path mask template: value not an integer".into()),
    }
}

/// `[= ITEMS =]`
pub fn mask(items: Vec<MaskItem>) -> Result<Value, Fault> {
    let mask = PathMask::new(items).ok_or("Path mask iterator '+' cannot be first")?;
    Ok(Value::Mask(std::sync::Arc::new(mask)))
}

/// `format(X)`
pub fn format(value: &Value) -> Value {
    match value {
        Value::Str(s) => Value::Str(s.clone()),
        other => Value::Str(other.to_string().into()),
    }
}

/// `from_hex(X)`
pub fn from_hex(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Str(text) => Bytes::from_hex(text).map(Value::Bytes).ok_or("Invalid hex string".into()),
        other => Err(wrong_argument(1, "FROM_HEX", Type::Str, Type::of(other))),
    }
}

/// The address with all but the first `len` bits cleared; lengths beyond the family's count as all.
pub(super) fn mask_address(ip: IpAddr, len: u32) -> IpAddr {
    let max = if ip.is_ipv4() { 32 } else { 128 };
    crate::base::net::truncate(ip, len.min(max) as u8).map_or(UNSPECIFIED, |n| n.network())
}
