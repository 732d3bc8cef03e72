//! Methods: `net.len`, `bgp_path.prepend(5)`, ... in one table.
//!
//! The checker picks a line of [`METHODS`] by the type of the object and of the argument, the machine runs
//! it, the manual's table is printed from it. One line covers one type of object; the alternatives of the
//! argument stand in the order in which BIRD's message lists them.

use super::{Fault, mask_address, nets, wrong_argument};
use crate::base::Value;
use crate::base::community::{self, LargeCommunity};
use crate::base::list::List;
use crate::base::net::ipv4_number;
use crate::base::path::AsPath;
use crate::base::set::{ScalarKind, Set};
use crate::base::value::EnumType;
use crate::filter::types::Type;

/// A method of one type.
#[derive(Debug)]
pub struct MethodInfo {
    /// The type of the object.
    pub object: Type,
    /// Its name.
    pub name: &'static str,
    /// What it may be called with; empty if it takes nothing.
    pub argument: &'static [Type],
    /// What it gives.
    pub result: Type,
    /// For the manual.
    pub doc: &'static str,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Net(fn(&crate::base::Net) -> Result<Value, Fault>),
    Plain(fn(&Value) -> Option<Value>),
    With(fn(&Value, &Value) -> Result<Option<Value>, Fault>),
}

const fn net(
    name: &'static str,
    result: Type,
    run: fn(&crate::base::Net) -> Result<Value, Fault>,
    doc: &'static str,
) -> MethodInfo {
    MethodInfo { object: Type::Prefix, name, argument: &[], result, doc, run: Run::Net(run) }
}

const fn plain(
    object: Type,
    name: &'static str,
    result: Type,
    run: fn(&Value) -> Option<Value>,
    doc: &'static str,
) -> MethodInfo {
    MethodInfo { object, name, argument: &[], result, doc, run: Run::Plain(run) }
}

const fn with(
    object: Type,
    name: &'static str,
    argument: &'static [Type],
    result: Type,
    run: fn(&Value, &Value) -> Result<Option<Value>, Fault>,
    doc: &'static str,
) -> MethodInfo {
    MethodInfo { object, name, argument, result, doc, run: Run::With(run) }
}

/// Every method.
#[rustfmt::skip]
pub static METHODS: &[MethodInfo] = {
    use Type::*;
    &[
        net("type", Enum(EnumType::NetType), |n| Ok(nets::net_type(n)), "The type of the net."),
        net("ip", Ip, |n| Ok(nets::ip(n)), "The address."),
        net("len", Int, |n| Ok(nets::len(n)), "The length of the prefix."),
        net("maxlen", Int, nets::max_len, "ROA: the longest length allowed."),
        net("asn", Int, nets::asn, "ROA, ASPA: the AS number."),
        net("rd", Rd, nets::rd, "VPN, EVPN: the route distinguisher."),
        net("src", Prefix, nets::src, "Flow, SADR: the source; a missing one is `/0`."),
        net("dst", Prefix, nets::dst, "Flow, SADR: the destination; a missing one is `/0`."),
        net("mac", Mac, nets::mac, "Ethernet, EVPN MAC: the Ethernet address."),
        net("vlan_id", Int, nets::vlan_id, "Ethernet: the VLAN, 0 if there is none."),
        net("evpn_type", Enum(EnumType::NetEvpnType), nets::evpn_type, "EVPN: the type of the route."),
        net("evpn_tag", Int, nets::evpn_tag, "EVPN EAD, MAC, IMET: the tag."),
        net("evpn_esi", Bytes, nets::evpn_esi, "EVPN EAD, ES: the segment identifier."),
        net("router_ip", Ip, nets::router_ip, "EVPN IMET, ES: the router."),
        plain(Ip, "is_v4", Bool, |v| match v { Value::Ip(a) => Some(Value::Bool(a.is_ipv4())), _ => None }, "Whether it is IPv4."),
        with(Ip, "mask", &[Int], Ip, |v, a| Ok(match (v, a) { (Value::Ip(ip), Value::Int(n)) => Some(Value::Ip(mask_address(*ip, *n))), _ => None }),
            "The address with all but so many leading bits cleared."),
        plain(Pair, "asn", Int, |v| pair_part(v, 16), "The first half."),
        plain(Pair, "data", Int, |v| pair_part(v, 0), "The second half."),
        plain(Lc, "asn", Int, |v| lc_part(v, |l| l.asn), "The administrator."),
        plain(Lc, "data1", Int, |v| lc_part(v, |l| l.data1), "The first local part."),
        plain(Lc, "data2", Int, |v| lc_part(v, |l| l.data2), "The second local part."),
        with(Str, "append", &[Str], Str, append, "Both strings, joined. Also written `++`."),
        with(Bytes, "append", &[Bytes], Bytes, append, "Both byte strings, joined. Also written `++`."),
        plain(Path, "len", Int, |v| path(v, |p| Value::Int(p.len())), "The length; a set counts as one, confederations as nothing."),
        plain(Path, "first", Int, |v| path(v, |p| Value::Int(p.first().unwrap_or(0))), "The neighbouring AS; 0 if there is none or it is a set."),
        plain(Path, "last", Int, |v| path(v, |p| Value::Int(p.last().unwrap_or(0))), "The origin AS; 0 if there is none or it is a set."),
        plain(Path, "last_nonaggregated", Int, |v| path(v, |p| Value::Int(p.last_nonaggregated().unwrap_or(0))), "The last AS before the first set."),
        plain(Path, "empty", Path, |v| path(v, |_| Value::Path(AsPath::EMPTY)), "The empty path."),
        with(Path, "prepend", &[Int], Path, |v, a| Ok(match (v, a) { (Value::Path(p), Value::Int(n)) => Some(Value::Path(p.prepend(*n))), _ => None }),
            "The path with one more AS in front."),
        with(Path, "delete", &[Set, Int], Path, |v, a| path_filter(v, a, false), "The path without this AS, or without the members of the set."),
        with(Path, "filter", &[Set], Path, |v, a| path_filter(v, a, true), "The members of the set only."),
        plain(Clist, "len", Int, list_len, "How many members there are."),
        plain(Clist, "min", Pair, |v| match v { Value::Clist(l) => Some(Value::Pair(l.iter().min().copied().unwrap_or(0))), _ => None }, "The smallest member, `(0,0)` of an empty list."),
        plain(Clist, "max", Pair, |v| match v { Value::Clist(l) => Some(Value::Pair(l.iter().max().copied().unwrap_or(0))), _ => None }, "The greatest member, `(0,0)` of an empty list."),
        plain(Clist, "empty", Clist, list_empty, "The empty list."),
        with(Clist, "add", &[Clist, Quad, Ip, Int, Pair], Clist, add, "The list with the member or members added, each only once."),
        with(Clist, "delete", &[Set, Clist, Quad, Ip, Int, Pair], Clist, delete, "The list without them."),
        with(Clist, "filter", &[Set, Clist], Clist, keep, "Those members only."),
        plain(Eclist, "len", Int, list_len, "How many members there are."),
        plain(Eclist, "min", Ec, |v| match v { Value::Eclist(l) => Some(Value::Ec(l.iter().min().copied().unwrap_or(0))), _ => None }, "The smallest member."),
        plain(Eclist, "max", Ec, |v| match v { Value::Eclist(l) => Some(Value::Ec(l.iter().max().copied().unwrap_or(0))), _ => None }, "The greatest member."),
        plain(Eclist, "empty", Eclist, list_empty, "The empty list."),
        with(Eclist, "add", &[Eclist, Ec], Eclist, add, "The list with the member or members added, each only once."),
        with(Eclist, "delete", &[Set, Eclist, Ec], Eclist, delete, "The list without them."),
        with(Eclist, "filter", &[Set, Eclist], Eclist, keep, "Those members only."),
        plain(Lclist, "len", Int, list_len, "How many members there are."),
        plain(Lclist, "min", Lc, |v| match v { Value::Lclist(l) => Some(Value::Lc(l.iter().min().copied().unwrap_or_default())), _ => None }, "The smallest member."),
        plain(Lclist, "max", Lc, |v| match v { Value::Lclist(l) => Some(Value::Lc(l.iter().max().copied().unwrap_or_default())), _ => None }, "The greatest member."),
        plain(Lclist, "empty", Lclist, list_empty, "The empty list."),
        with(Lclist, "add", &[Lclist, Lc], Lclist, add, "The list with the member or members added, each only once."),
        with(Lclist, "delete", &[Set, Lclist, Lc], Lclist, delete, "The list without them."),
        with(Lclist, "filter", &[Set, Lclist], Lclist, keep, "Those members only."),
    ]
};

/// The method of a type with this name, with its number.
pub fn find(object: Type, name: &str) -> Option<(u16, &'static MethodInfo)> {
    let at = METHODS.iter().position(|m| m.object == object && m.name == name)?;
    Some((at as u16, &METHODS[at]))
}

/// The number of `net.len`.
/// The number of `len` of prefixes.
pub const LEN: u16 = 2;

/// What a method says that is asked for every route and answered by a look.
#[inline]
pub fn quick(number: u16, object: &Value) -> Option<u32> {
    match object {
        Value::Net(crate::base::Net::Ip(prefix)) if number == LEN => Some(prefix.prefix_len().into()),
        _ => None,
    }
}

/// Whether a method makes lists from lists, and its answers are worth remembering.
#[inline]
pub fn makes_lists(number: u16) -> bool {
    let lists = |m: &MethodInfo| {
        matches!(m.run, Run::With(_))
            && matches!(m.object, Type::Path | Type::Clist | Type::Eclist | Type::Lclist)
    };
    METHODS.get(number as usize).is_some_and(lists)
}

/// Runs a method.
pub fn call(number: u16, object: &Value, argument: Option<&Value>) -> Result<Value, Fault> {
    let info = METHODS.get(number as usize).ok_or("No such method")?;
    let result = match (info.run, object, argument) {
        (Run::Net(run), Value::Net(net), _) => Some(run(net)?),
        (Run::Net(_), ..) => None,
        (Run::Plain(run), object, _) => run(object),
        (Run::With(run), object, Some(argument)) => run(object, argument)?,
        (Run::With(_), _, None) => None,
    };
    result.ok_or_else(|| info.misfit(object, argument))
}

impl MethodInfo {
    /// BIRD's name of the instruction.
    fn instruction(&self) -> String {
        let object = match self.object {
            Type::Prefix => "NET",
            Type::Ip => "IP",
            Type::Pair => "PAIR",
            Type::Lc => "LC",
            Type::Str => "STRING",
            Type::Bytes => "BYTESTRING",
            Type::Path => "PATH",
            Type::Clist => "CLIST",
            Type::Eclist => "ECLIST",
            _ => "LCLIST",
        };
        format!("METHOD__T_{object}__{}", self.name)
    }

    fn misfit(&self, object: &Value, argument: Option<&Value>) -> Fault {
        let got = Type::of(object);
        match (argument, self.argument) {
            (Some(a), [wanted, ..]) if got == self.object => {
                wrong_argument(2, &self.instruction(), *wanted, Type::of(a))
            }
            _ => wrong_argument(1, &self.instruction(), self.object, got),
        }
    }
}

fn pair_part(value: &Value, shift: u32) -> Option<Value> {
    match value {
        Value::Pair(n) => Some(Value::Int(n >> shift & 0xffff)),
        _ => None,
    }
}

fn lc_part(value: &Value, part: fn(&LargeCommunity) -> u32) -> Option<Value> {
    match value {
        Value::Lc(l) => Some(Value::Int(part(l))),
        _ => None,
    }
}

fn path(value: &Value, run: impl FnOnce(&AsPath) -> Value) -> Option<Value> {
    match value {
        Value::Path(p) => Some(run(p)),
        _ => None,
    }
}

fn append(a: &Value, b: &Value) -> Result<Option<Value>, Fault> {
    Ok(match (a, b) {
        (Value::Str(a), Value::Str(b)) => Some(Value::Str([&**a, &**b].concat().into())),
        (Value::Bytes(a), Value::Bytes(b)) => Some(Value::Bytes(a.append(b))),
        _ => None,
    })
}

const MISMATCH: Fault = Fault::Borrowed("Mismatched set type");

fn path_filter(value: &Value, argument: &Value, positive: bool) -> Result<Option<Value>, Fault> {
    let Value::Path(path) = value else { return Ok(None) };
    Ok(Some(Value::Path(match argument {
        Value::Int(n) => path.retain(|m| (m == *n) == positive),
        Value::Set(s) if s.is_empty() => path.retain(|_| !positive),
        Value::Set(s) if s.has_kind(ScalarKind::Int) => path.retain(|m| s.contains_int(m) == positive),
        Value::Set(_) => return Err(MISMATCH),
        _ => return Ok(None),
    })))
}

fn list_len(value: &Value) -> Option<Value> {
    Some(Value::Int(match value {
        Value::Clist(l) => l.len(),
        Value::Eclist(l) => l.len(),
        Value::Lclist(l) => l.len(),
        _ => return None,
    } as u32))
}

fn list_empty(value: &Value) -> Option<Value> {
    Some(match value {
        Value::Clist(_) => Value::Clist(List::EMPTY),
        Value::Eclist(_) => Value::Eclist(List::EMPTY),
        Value::Lclist(_) => Value::Lclist(List::EMPTY),
        _ => return None,
    })
}

/// A single member of a clist.
fn community_of(value: &Value) -> Result<Option<u32>, Fault> {
    Ok(match value {
        Value::Pair(n) | Value::Quad(n) | Value::Int(n) => Some(*n),
        Value::Ip(ip) => Some(ipv4_number(*ip).ok_or("Mismatched IP type")?),
        _ => None,
    })
}

fn add(list: &Value, argument: &Value) -> Result<Option<Value>, Fault> {
    Ok(match (list, argument) {
        (Value::Clist(l), Value::Clist(m)) => Some(Value::Clist(community::union(l, m))),
        (Value::Clist(l), member) => community_of(member)?.map(|m| Value::Clist(community::add(l, m))),
        (Value::Eclist(l), Value::Eclist(m)) => Some(Value::Eclist(community::union(l, m))),
        (Value::Eclist(l), Value::Ec(m)) => Some(Value::Eclist(community::add(l, *m))),
        (Value::Lclist(l), Value::Lclist(m)) => Some(Value::Lclist(community::union(l, m))),
        (Value::Lclist(l), Value::Lc(m)) => Some(Value::Lclist(community::add(l, *m))),
        _ => None,
    })
}

fn delete(list: &Value, argument: &Value) -> Result<Option<Value>, Fault> {
    Ok(match (list, argument) {
        (Value::Eclist(l), Value::Ec(m)) => Some(Value::Eclist(community::retain(l, |x| x != m))),
        (Value::Lclist(l), Value::Lc(m)) => Some(Value::Lclist(community::retain(l, |x| x != m))),
        (Value::Clist(l), Value::Pair(_) | Value::Quad(_) | Value::Int(_) | Value::Ip(_)) => {
            community_of(argument)?.map(|m| Value::Clist(community::retain(l, |x| *x != m)))
        }
        _ => return sift(list, argument, false),
    })
}

fn keep(list: &Value, argument: &Value) -> Result<Option<Value>, Fault> {
    sift(list, argument, true)
}

/// Keeps the members that are (`positive`) or are not in a set or list.
fn sift(list: &Value, argument: &Value, positive: bool) -> Result<Option<Value>, Fault> {
    let fits =
        |set: &Set, kinds: &[ScalarKind]| match set.is_empty() || set.kinds().any(|k| kinds.contains(&k)) {
            true => Ok(()),
            false => Err(MISMATCH),
        };
    Ok(Some(match (list, argument) {
        (Value::Clist(l), Value::Clist(m)) => {
            let inside = community::members(m, l.len());
            Value::Clist(community::retain(l, |x| inside(x) == positive))
        }
        (Value::Eclist(l), Value::Eclist(m)) => {
            let inside = community::members(m, l.len());
            Value::Eclist(community::retain(l, |x| inside(x) == positive))
        }
        (Value::Lclist(l), Value::Lclist(m)) => {
            let inside = community::members(m, l.len());
            Value::Lclist(community::retain(l, |x| inside(x) == positive))
        }
        (Value::Clist(l), Value::Set(s)) => {
            fits(s, &[ScalarKind::Int, ScalarKind::Pair, ScalarKind::Ip])?;
            Value::Clist(community::retain(l, |x| s.contains_community(*x) == positive))
        }
        (Value::Eclist(l), Value::Set(s)) => {
            fits(s, &[ScalarKind::Ec])?;
            let inside = |x: &u64| s.contains((ScalarKind::Ec, *x as u128));
            Value::Eclist(community::retain(l, |x| inside(x) == positive))
        }
        (Value::Lclist(l), Value::Set(s)) => {
            fits(s, &[ScalarKind::Lc])?;
            let inside = |x: &LargeCommunity| s.contains((ScalarKind::Lc, x.bits()));
            Value::Lclist(community::retain(l, |x| inside(x) == positive))
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn run(object: &Value, name: &str, argument: Option<&Value>) -> Result<Value, Fault> {
        call(find(Type::of(object), name).unwrap().0, object, argument)
    }

    #[test]
    fn lists_filter_and_complain() {
        let list = Value::Clist([0x140003, 0xa0001, 0x1e0002, 0xa0002].into_iter().collect());
        let text = |r: Result<Value, Fault>| r.map(|v| v.to_string());
        assert_eq!(text(run(&list, "min", None)).unwrap(), "(10,1)");
        assert_eq!(
            text(run(&list, "delete", Some(&Value::Pair(0xa0001)))).unwrap(),
            "(clist (20,3) (30,2) (10,2))"
        );
        let six = Value::Ip("2001:db8::1".parse().unwrap());
        assert_eq!(run(&list, "add", Some(&six)).unwrap_err(), "Mismatched IP type");
        assert_eq!(
            run(&list, "add", Some(&Value::Void)).unwrap_err(),
            "Argument 2 of METHOD__T_CLIST__add must be of type clist, got type void"
        );
    }

    #[test]
    fn void_objects_name_the_method() {
        let (number, _) = find(Type::Prefix, "len").unwrap();
        assert_eq!(
            call(number, &Value::Void, None).unwrap_err(),
            "Argument 1 of METHOD__T_NET__len must be of type prefix, got type void"
        );
    }

    #[test]
    fn quick_answers_are_those_of_the_method() {
        let net = Value::Net("10.0.0.0/9".parse::<ipnet::IpNet>().unwrap().into());
        for number in 0..METHODS.len() as u16 {
            if let Some(n) = quick(number, &net) {
                assert_eq!(Ok(Value::Int(n)), call(number, &net, None));
            }
        }
        assert_eq!((METHODS[LEN as usize].name, quick(LEN, &net)), ("len", Some(9)));
    }

    #[test]
    fn emptied_paths_stay_defined() {
        let one = Value::Path(AsPath::sequence(&[1]));
        assert!(!run(&one, "delete", Some(&Value::Int(1))).unwrap().is_undefined());
        assert!(run(&one, "empty", None).unwrap().is_undefined());
    }
}
