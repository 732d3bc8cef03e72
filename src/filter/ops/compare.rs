//! `=`, `<`, `~` and their relatives.

use std::cmp::Ordering;
use std::sync::Arc;

use super::nets;
use crate::base::Value;
use crate::base::net::{ipv4_number, to_bits};
use crate::base::set::{ScalarKind, rd_key, scalar};
use crate::filter::code::Cmp;

/// Evaluates a comparison; the error is the text of a runtime error.
pub fn compare(op: Cmp, a: &Value, b: &Value) -> Result<bool, &'static str> {
    match quick_compare(op, a, b) {
        Some(holds) => Ok(holds),
        None => other(op, a, b),
    }
}

/// What nearly every filter asks.
#[inline]
pub fn quick_compare(op: Cmp, a: &Value, b: &Value) -> Option<bool> {
    if let (Value::Int(x), Value::Int(y)) = (a, b) {
        match op {
            Cmp::Eq => return Some(x == y),
            Cmp::Ne => return Some(x != y),
            Cmp::Lt => return Some(x < y),
            Cmp::Le => return Some(x <= y),
            Cmp::Gt => return Some(x > y),
            Cmp::Ge => return Some(x >= y),
            Cmp::Match | Cmp::NotMatch => {}
        }
    }
    if let (Value::Net(crate::base::Net::Ip(net)), Value::PrefixSet(set)) = (a, b)
        && matches!(op, Cmp::Match | Cmp::NotMatch)
    {
        return Some(set.contains(net) == (op == Cmp::Match));
    }
    None
}

/// Whether looking at a value may take longer than at a number.
#[inline]
pub fn may_be_long(value: &Value) -> bool {
    use Value::*;
    matches!(
        value,
        Str(_) | Bytes(_) | Path(_) | Mask(_) | Clist(_) | Eclist(_) | Lclist(_) | Set(_) | PrefixSet(_)
    )
}

/// How many steps a comparison may take, where that is more than looking through a list or a text.
pub fn toil(op: Cmp, a: &Value, b: &Value) -> u64 {
    use Value::*;
    let product = |x: usize, y: usize| x as u64 * y as u64;
    match (a, b) {
        (Str(text), Str(pattern)) if matches!(op, Cmp::Match | Cmp::NotMatch) => {
            product(text.len(), pattern.len()) / 4
        }
        (Path(path), Mask(mask)) => product(path.words(), mask.len()),
        (Set(x), Set(y)) if !Arc::ptr_eq(x, y) => x.len().min(y.len()) as u64,
        (PrefixSet(x), PrefixSet(y)) => x.len().min(y.len()) as u64,
        (Mask(x), Mask(y)) if !Arc::ptr_eq(x, y) => x.weight().min(y.weight()) as u64,
        _ => 0,
    }
}

/// How many steps it takes to write a value out, where that is not told by its size.
#[inline]
pub fn bulk(value: &Value) -> u64 {
    match value {
        Value::Set(set) => set.len() as u64 * MEMBER,
        Value::PrefixSet(set) => set.len() as u64 * MEMBER,
        Value::Mask(mask) => mask.weight() as u64 * MEMBER,
        _ => 0,
    }
}

/// What writing a member of a set costs.
const MEMBER: u64 = 16;

fn other(op: Cmp, a: &Value, b: &Value) -> Result<bool, &'static str> {
    match op {
        Cmp::Eq => Ok(same(a, b)),
        Cmp::Ne => Ok(!same(a, b)),
        Cmp::Lt => Ok(order(a, b)? == Ordering::Less),
        Cmp::Le => Ok(order(a, b)? != Ordering::Greater),
        Cmp::Gt => Ok(order(a, b)? == Ordering::Greater),
        Cmp::Ge => Ok(order(a, b)? != Ordering::Less),
        Cmp::Match => matches(a, b).ok_or("~ applied on unknown type pair"),
        Cmp::NotMatch => matches(a, b).map(|m| !m).ok_or("!~ applied on unknown type pair"),
    }
}

/// Equality, which any two values have. A quad equals the IPv4 address it is written as.
pub fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => x == y,
        (Value::Quad(q), Value::Ip(ip)) | (Value::Ip(ip), Value::Quad(q)) => ipv4_number(*ip) == Some(*q),
        _ => a == b,
    }
}

/// Order: unset comes before everything; otherwise the types must agree and have an order.
pub fn order(a: &Value, b: &Value) -> Result<Ordering, &'static str> {
    use Value::*;
    Ok(match (a, b) {
        (Int(x), Int(y)) | (Pair(x), Pair(y)) | (Quad(x), Quad(y)) => x.cmp(y),
        (Void, Void) => Ordering::Equal,
        (Void, _) => Ordering::Less,
        (_, Void) => Ordering::Greater,
        (Bool(x), Bool(y)) => x.cmp(y),
        (Enum(t, x), Enum(u, y)) if t == u => x.cmp(y),
        (Ec(x), Ec(y)) => x.cmp(y),
        (Rd(x), Rd(y)) => rd_key(*x).cmp(&rd_key(*y)),
        (Lc(x), Lc(y)) => x.cmp(y),
        (Ip(x), Ip(y)) => to_bits(*x).cmp(&to_bits(*y)),
        (Mac(x), Mac(y)) => x.cmp(y),
        (Net(x), Net(y)) => x.cmp(y),
        (Str(x), Str(y)) => x.as_bytes().cmp(y.as_bytes()),
        (Path(x), Path(y)) => x.cmp(y),
        (Quad(q), Ip(ip)) => q.cmp(&ipv4_number(*ip).ok_or(NO_ORDER)?),
        (Ip(ip), Quad(q)) => ipv4_number(*ip).ok_or(NO_ORDER)?.cmp(q),
        _ => return Err(NO_ORDER),
    })
}

const NO_ORDER: &str = "Can't compare values of incompatible types";

/// `A ~ B`; `None` if the types do not go together.
pub fn matches(a: &Value, b: &Value) -> Option<bool> {
    use Value::*;
    Some(match (a, b) {
        (Net(net), PrefixSet(set)) => set.contains_net(net),
        (_, Set(set)) if set.is_empty() => false,
        (_, PrefixSet(set)) if set.is_empty() => false,
        (Path(path), Mask(mask)) => mask.matches(path),
        (Path(path), Set(set)) => path.numbers().any(|n| set.contains_int(n)),
        (Clist(list), Set(set)) => {
            let fits = |k| matches!(k, ScalarKind::Int | ScalarKind::Pair | ScalarKind::Ip);
            set.kinds().any(fits).then(|| list.iter().any(|c| set.contains_community(*c)))?
        }
        (Eclist(list), Set(set)) => {
            let member = |c: &u64| set.contains((ScalarKind::Ec, *c as u128));
            set.has_kind(ScalarKind::Ec).then(|| list.iter().any(member))?
        }
        (Lclist(list), Set(set)) => {
            let member =
                |c: &crate::base::community::LargeCommunity| set.contains((ScalarKind::Lc, c.bits()));
            set.has_kind(ScalarKind::Lc).then(|| list.iter().any(member))?
        }
        (_, Set(set)) => {
            let member = scalar(a)?;
            set.has_kind(member.0).then(|| set.contains(member))?
        }
        (Int(n), Path(path)) => path.contains(*n),
        (Pair(n) | Quad(n) | Int(n), Clist(list)) => list.contains(n),
        (Ip(ip), Clist(list)) => list.contains(&ipv4_number(*ip)?),
        (Ec(n), Eclist(list)) => list.contains(n),
        (Lc(n), Lclist(list)) => list.contains(n),
        (Str(text), Str(pattern)) => glob(pattern.as_bytes(), text.as_bytes()),
        (Ip(ip), Net(net)) => nets::holds(net, *ip),
        (Net(inner), Net(outer)) => nets::is_inside(inner, outer),
        _ => return None,
    })
}

/// Whether a pattern with `*`, `?` and `\x` matches the whole text. Only the last star is ever tried again, so the time is bounded by the
/// product of the lengths.
pub fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match (pattern.get(p), text.get(t)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                retry = Some((p + 1, t));
                Some((1, 0))
            }
            (Some(b'?'), Some(_)) => Some((1, 1)),
            (Some(b'\\'), Some(c)) if p + 1 < pattern.len() => (pattern[p + 1] == *c).then_some((2, 1)),
            (Some(x), Some(c)) => (x == c).then_some((1, 1)),
            _ => None,
        };
        match (step, &mut retry) {
            (Some((dp, dt)), _) => (p, t) = (p + dp, t + dt),
            (None, Some((star, from))) if *from < text.len() => {
                *from += 1;
                (p, t) = (*star, *from);
            }
            (None, _) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn void_is_smaller_than_everything() {
        let cmp = |op, a: &Value, b: &Value| compare(op, a, b).unwrap();
        let (void, ten) = (Value::Void, Value::Int(10));
        assert!(cmp(Cmp::Lt, &void, &ten) && !cmp(Cmp::Gt, &void, &ten));
        assert!(!cmp(Cmp::Eq, &void, &Value::Int(0)) && cmp(Cmp::Ne, &void, &Value::Int(0)));
        assert!(cmp(Cmp::Eq, &void, &void) && compare(Cmp::Match, &void, &ten).is_err());
    }

    #[test]
    fn quads_compare_with_addresses() {
        let (quad, ip) = (Value::Quad(0x0a000001), Value::Ip([10, 0, 0, 1].into()));
        assert!(same(&quad, &ip) && order(&quad, &ip) == Ok(Ordering::Equal));
        assert!(order(&quad, &Value::Int(1)).is_err());
    }

    fn naive(pattern: &[u8], text: &[u8]) -> bool {
        match pattern {
            [] => text.is_empty(),
            [b'*', rest @ ..] => (0..=text.len()).any(|n| naive(rest, &text[n..])),
            [b'?', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            [b'\\', c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
            [c, rest @ ..] => text.first() == Some(c) && naive(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn globs_agree_with_backtracking(pattern in "[ab*?\\\\]{0,7}", text in "[ab*\\\\]{0,7}") {
            prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), naive(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
