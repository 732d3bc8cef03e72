//! Statements and options: what begins them, what they take, and in which block they stand.

use tern_grammar::pest::Parser as _;
use tern_grammar::{Grammar, OPTION_KEYS, Rule, k, t};

use super::{BLOCKS, Misfit, Place, advice, suggestion};

/// Import and export, and what else stands in channels.
pub(super) fn policies(m: &Misfit<'_>) -> Option<String> {
    if m.expects(k::WHERE) && m.expects(k::NONE) {
        let way = m.last;
        return match m.found {
            k::ACCEPT | k::YES | k::ON | k::TRUE => advice(format!("write `{way} all`")),
            k::REJECT | k::NO | k::OFF | k::FALSE => advice(format!("write `{way} none`")),
            k::IMPORT | k::EXPORT => {
                advice("each direction has a statement of its own: `import all; export all;`")
            }
            '{' => advice(format!("write `{way} filter {{ ... }}`")),
            _ if m.is_class(t::SYM) && m.known => advice(format!(
                "`{way} filter {}` for a filter, `{way} where {}()` for a function",
                m.raw, m.raw
            )),
            _ if m.is_class(t::SYM) => None,
            _ => advice(format!("a condition stands behind `where`: `{way} where ...`")),
        };
    }
    let policy = matches!(m.before.chars().rev().nth(1), Some(k::IMPORT | k::EXPORT));
    if policy && m.previous() == Some(k::FILTER) && m.found == ';' {
        return advice("the name of the filter is missing, or its commands in braces");
    }
    let call = m.before.chars().rev().take(2).eq([t::SYM as char, k::FILTER]);
    if m.found == '(' && call && m.in_block() {
        return advice(format!("a function is called in a condition: `where {}()`", m.last));
    }
    let channel = matches!(m.previous(), Some(k::IPV4 | k::IPV6));
    if channel && m.is_word() && matches!(m.raw, "unicast" | "multicast" | "labeled") {
        return advice(format!("nothing stands behind the type: `{} {{ ... }};`", m.last));
    }
    if m.place().0 != Place::Channel {
        return None;
    }
    match m.found {
        k::IN => advice("the directions are called `import` and `export`"),
        k::ROUTE if m.rest.chars().nth(1) == Some(k::LIMIT) => {
            advice("BIRD 1: write `import limit`, or `receive limit` to count before the filter")
        }
        k::ROUTE => advice("routes stand beside the channel, not inside it: is its `};` missing above?"),
        k::PROTOCOL | k::TEMPLATE => advice("the channel above is not closed: `};` is missing"),
        _ => None,
    }
}

/// Routes of static protocols.
pub(super) fn routes(m: &Misfit<'_>) -> Option<String> {
    if m.rule != Rule::static_one {
        return None;
    }
    if m.before.is_empty() {
        let prefix = matches!(m.found, '4' | '6' | 'P' | 'Q');
        return prefix.then(|| "the word `route` is missing before the prefix".to_owned());
    }
    if !m.begins_with(k::ROUTE) || m.in_code() && !m.expects('=') {
        return None;
    }
    let behind_net = m.before.chars().count() <= 2;
    match m.found {
        k::DEFAULT => advice("the default route is `0.0.0.0/0`, or `::/0`"),
        _ if m.is_class(t::NUM) && m.before.chars().count() == 1 => {
            advice("a prefix is written in full: `10.0.0.0/8`")
        }
        _ if m.expected == ['/'] => advice("a prefix is ADDRESS/LENGTH: `192.0.2.0/24`, `192.0.2.1/32`"),
        '4' | '6' if m.expected == ['n'] => {
            advice("the length of a prefix is a number of bits: `10.0.0.0/8`")
        }
        _ if m.in_code() && m.expects('=') => advice(format!("an attribute is set by `{} = ...;`", m.last)),
        '4' | '6' if behind_net => advice(format!("the gateway stands behind `via`: `via {}`", m.raw)),
        k::DEV if behind_net => advice("an interface stands behind `via`, too: `via \"eth0\"`"),
        k::METRIC | k::PREFERENCE if !m.in_code() => {
            advice("attributes of a route stand in braces: `{ krt_metric = 10; }`")
        }
        ',' => advice("each gateway has a `via` of its own: `via 192.0.2.1 via 192.0.2.2`"),
        '/' if m.expects(k::VIA) => advice("a gateway is an address, without a length"),
        k::AS if m.expects(k::VIA) || m.expects(k::BLACKHOLE) || behind_net => {
            advice("a ROA has a longest length, too: `route 192.0.2.0/24 max 24 as 65000;`")
        }
        _ if behind_net && m.is_word() && matches!(m.raw, "gateway" | "gw" | "nexthop") => {
            advice("the gateway stands behind `via`: `via 192.0.2.1`")
        }
        _ => None,
    }
}

/// The heads of protocols.
pub(super) fn heads(m: &Misfit<'_>) -> Option<String> {
    if m.rule != Rule::proto_head {
        return None;
    }
    let kind = m.previous().is_some_and(|c| matches!(c, k::PROTOCOL | k::TEMPLATE));
    match m.found {
        '{' if kind => advice("which one? `protocol static { ... }`, for example"),
        _ if kind && suggestion(m.raw, m.expected).is_some() => None,
        _ if kind && m.is_class(t::SYM) => advice(format!("there is no protocol of the kind `{}`", m.raw)),
        ';' | '}' => advice("a protocol has a block, if an empty one: `protocol device { }`"),
        '(' => advice("the block of a protocol stands in braces: `{ ... }`"),
        _ if m.line_above.is_some() => advice("the block of the protocol begins with `{`, which is missing"),
        _ if !m.found.is_ascii() => advice("the block of the protocol begins with `{`, which is missing"),
        _ if m.is_word() && m.expects('{') && m.expects(k::FROM) => {
            advice("a protocol has one name; what it is based on stands behind `from`")
        }
        _ => None,
    }
}

/// Options that stand in the wrong block.
pub(super) fn elsewhere(m: &Misfit<'_>) -> Option<String> {
    let fresh = m.before.is_empty();
    if !fresh || !(m.in_block() || m.rule == Rule::statement) || !m.is_word() {
        return None;
    }
    let fits = |rule| Grammar::parse(rule, m.rest).is_ok();
    let own = BLOCKS.iter().find(|(rule, _)| *rule == m.rule).map(|(_, kind)| *kind);
    if m.in_block()
        && (matches!(m.found, k::PROTOCOL | k::TEMPLATE) || fits(Rule::statement) && m.found != k::DEBUG)
    {
        return advice("this stands outside of protocols: is the `}` of the block missing above?");
    }
    if fits(Rule::channel_option) {
        return match own {
            Some("device") => advice("a device protocol has no channels and moves no routes"),
            Some("pipe") => None,
            Some(_) => advice(format!("this stands inside a channel: `ipv4 {{ {} ...; }};`", m.raw)),
            None => advice(
                "this stands inside a channel of a protocol: `protocol static { ipv4 { import all; }; }`",
            ),
        };
    }
    let takers: Vec<String> =
        BLOCKS.iter().filter(|(rule, _)| fits(*rule)).map(|(_, kind)| format!("`protocol {kind}`")).collect();
    let Some((last, others)) = takers.split_last() else {
        return own.filter(|_| m.found == k::NEIGHBOR || m.found == k::LOCAL).map(|kind| {
            format!("this belongs to protocols that talk to others, such as bgp; a {kind} protocol does not")
        });
    };
    let list = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    match own {
        Some("device") if matches!(m.found, k::IPV4 | k::IPV6) => {
            advice("a device protocol has no channels and moves no routes")
        }
        Some("pipe") if matches!(m.found, k::IPV4 | k::IPV6) => advice(
            "a pipe has no channels: `table`, `peer table`, `import` and `export` stand in it directly",
        ),
        Some(kind) => advice(format!("not an option of a {kind} protocol; it stands in {list}")),
        None => advice(format!("this is an option of protocols; it stands in {list}")),
    }
}

/// The beginning of a statement or option.
pub(super) fn start(m: &Misfit<'_>) -> Option<String> {
    let top = m.rule == Rule::statement;
    if !m.before.is_empty() || !(top || m.in_block()) {
        return None;
    }
    let kinds = [
        k::STATIC,
        k::KERNEL,
        k::DEVICE,
        k::DIRECT,
        k::PIPE,
        k::BGP,
        k::OSPF,
        k::RIP,
        k::BABEL,
        k::BFD,
        k::RADV,
        k::RPKI,
        k::MRT,
    ];
    match m.found {
        c if top && kinds.contains(&c) => {
            return advice(format!("the word `protocol` is missing: `protocol {} ...`", m.raw));
        }
        k::TABLE if top => return advice("a table has a type: `ipv4 table customers;`"),
        k::TABLE => return advice("the table is named in the channel: `ipv4 { table customers; };`"),
        k::ROA => {
            return advice(
                "such a table has a family, `roa4 table r;`, and its routes come from a protocol, e.g. static with a roa4 channel",
            );
        }
        k::DEVICE if m.in_block() => {
            return advice("BIRD 1: routes of interfaces come from `protocol direct`");
        }
        k::IMPORT | k::EXPORT if top => {
            return advice(
                "`import` and `export` stand inside a channel: `protocol static { ipv4 { import all; }; }`",
            );
        }
        k::IF | k::ELSE | k::RETURN | k::CASE | k::FOR | k::PRINT | k::ACCEPT | k::REJECT if top => {
            return advice(format!(
                "`{}` stands in filters and functions only: is there a `}}` too many above?",
                m.raw
            ));
        }
        k::MODE => return advice("pipes are always transparent: leave `mode` out"),
        '}' => return advice("this `}` closes nothing: one is too many here or above"),
        _ => {}
    }
    if m.is_word() {
        let plain = |word: &str| word.to_lowercase().replace(['-', '_', ' '], "");
        let word = plain(m.raw);
        if let Some(key) = OPTION_KEYS.iter().find(|key| plain(key) == word && key.contains(' ')) {
            return advice(format!("these are several words: `{key}`"));
        }
        let first = ["protocol", "template", "include", "filter", "function", "define"];
        let near = |w: &str| strsim::damerau_levenshtein(w, &m.raw.to_lowercase()) <= 2;
        if let Some(meant) = first.iter().find(|w| top && near(w)) {
            return advice(format!("did you mean `{meant}`?"));
        }
        return None;
    }
    top.then(|| "a statement begins with a word, such as `protocol`, `filter` or `define`".to_owned())
}
