//! What decided a `~`: the element of a set, the community, the length that does not fit.

use super::words::short;
use crate::base::net::ipv4;
use crate::base::prefix_set::PrefixSet;
use crate::base::set::{Set, scalar};
use crate::base::{IpNet, Net, NetExt, Value};
use crate::filter::env::Env;

/// A line about `a ~ b`, where there is more to say than the two values.
pub(super) fn of_match(a: &Value, b: &Value, holds: bool) -> Option<String> {
    match (a, b) {
        (Value::Net(net), Value::PrefixSet(set)) => of_prefix(ip_part(net)?, set, holds),
        (_, Value::Set(set)) if holds => {
            let found = members(a).into_iter().find_map(|member| {
                let (from, to) = range_of(set, &member)?;
                Some((member, from, to))
            });
            let (member, from, to) = found?;
            let range = if from == to { short(&from) } else { format!("{}..{}", short(&from), short(&to)) };
            let is_list = !matches!(a, Value::Int(_) | Value::Pair(_) | Value::Ec(_) | Value::Lc(_));
            match (is_list, from == to) {
                (true, true) => Some(format!("{} is in the set", short(&member))),
                (true, false) => Some(format!("{} is in the set, by {range}", short(&member))),
                (false, true) => None,
                (false, false) => Some(format!("by {range}")),
            }
        }
        _ => None,
    }
}

/// The IP part of a net, which is what prefix sets look at.
fn ip_part(net: &Net) -> Option<IpNet> {
    match net {
        Net::Ip(prefix) => Some(*prefix),
        Net::Ext(ext) => match &**ext {
            NetExt::Vpn { prefix, .. } | NetExt::Roa { prefix, .. } => Some(*prefix),
            _ => None,
        },
    }
}

fn of_prefix(net: IpNet, set: &PrefixSet, holds: bool) -> Option<String> {
    let element = set.nearest(&net);
    match (holds, element) {
        (true, Some(element)) => Some(format!("{net} is in the set, by {element}")),
        (false, Some(element)) if element.around(&net) && !element.is_default() => {
            let len = net.prefix_len();
            Some(format!("{net} is not in the set; {element} is around it, but takes no /{len}"))
        }
        (false, _) => Some(format!("{net} is not in the set")),
        (true, None) => None,
    }
}

/// What is looked up in a set for a value: itself, or its members.
fn members(value: &Value) -> Vec<Value> {
    match value {
        Value::Path(path) => path.numbers().map(Value::Int).collect(),
        Value::Clist(list) => {
            let kinds = |n: &u32| [Value::Pair(*n), Value::Int(*n), Value::Ip(ipv4(*n))];
            list.iter().flat_map(kinds).collect()
        }
        Value::Eclist(list) => list.iter().map(|n| Value::Ec(*n)).collect(),
        Value::Lclist(list) => list.iter().map(|n| Value::Lc(*n)).collect(),
        other => vec![other.clone()],
    }
}

/// The range of the set that holds a scalar.
pub(super) fn range_of(set: &Set, value: &Value) -> Option<(Value, Value)> {
    let (kind, key) = scalar(value)?;
    let mut found = None;
    set.each(|from, to| {
        if let (Some((a, low)), Some((b, high))) = (scalar(&from), scalar(&to))
            && (a, b) == (kind, kind)
            && (low..=high).contains(&key)
        {
            found = Some((from, to));
        }
    });
    found
}

/// The ROAs that cover a prefix, each with what it says of the origin.
pub(super) fn of_roa(env: &dyn Env, table: &str, net: &Net, asn: u32) -> Vec<String> {
    let Net::Ip(prefix) = net else { return vec![format!("{net} is no IP prefix")] };
    let mut lines = Vec::new();
    let mut known = 0;
    // A covering entry is as long as the shortest prefix of ours that it covers.
    for len in 0..=prefix.prefix_len() {
        let Some(shorter) = crate::base::net::truncate(prefix.addr(), len) else { continue };
        let mut entries = Vec::new();
        env.covering_roas(table, &shorter, &mut |max, origin| {
            entries.push((max, origin));
            true
        });
        for (max, origin) in entries.iter().skip(known) {
            lines.push(roa_line(&shorter, *max, *origin, prefix.prefix_len(), asn));
        }
        known = known.max(entries.len());
        if lines.len() > 16 {
            lines.push("...".to_owned());
            break;
        }
    }
    if lines.is_empty() {
        lines.push(format!("no ROA in {table} covers {prefix}"));
    }
    lines
}

fn roa_line(roa: &IpNet, max: u8, origin: u32, len: u8, asn: u32) -> String {
    let why = match () {
        () if origin == 0 => "AS 0: nobody may announce it",
        () if origin != asn && max < len => "another AS, and too short",
        () if origin != asn => "another AS",
        () if max < len => "the right AS, but not for that length",
        () if asn == 0 => "no origin AS to compare",
        () => "matches",
    };
    format!("ROA {roa} max {max} as {origin}: {why}")
}

/// The providers of each AS of a path, as far as an ASPA table knows them.
pub(super) fn of_aspa(env: &dyn Env, table: &str, path: &crate::base::path::AsPath) -> Vec<String> {
    let mut numbers: Vec<u32> = path.numbers().collect();
    numbers.dedup();
    let tell = |customer: &u32| {
        let mut providers = Vec::new();
        let mut any = false;
        env.aspa_entries(table, *customer, &mut |list| {
            any = true;
            providers.extend_from_slice(list);
        });
        match any {
            true => {
                format!("AS {customer}: providers {}", short(&Value::Str(format!("{providers:?}").into())))
            }
            false => format!("AS {customer}: no ASPA"),
        }
    };
    numbers.iter().take(32).map(tell).collect()
}
