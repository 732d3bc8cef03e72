//! Whole programs that nearly always type-check: functions, some of which call themselves, and a filter.

use super::terms::{Kind, Maker, preamble};

/// Deepest nesting of commands.
const BLOCKS: u32 = 4;
/// Deepest nesting of a term.
const TERMS: u32 = 5;

/// Where a command stands.
#[derive(Clone, Copy)]
struct Place {
    depth: u32,
    /// What the function it stands in returns; `None` in the filter.
    returns: Option<Kind>,
}

/// A configuration with one filter, named `f`, its literals between marks.
pub fn program(bytes: &[u8]) -> String {
    let mut maker = Maker::new(bytes);
    let mut text = String::new();
    for number in 0..maker.choices.of(4) {
        let function = function(&mut maker, number);
        text.push_str(&function);
    }
    let mut body = String::new();
    let place = Place { depth: BLOCKS, returns: None };
    let mut count = 0;
    while count < 2 || (count < 14 && !maker.choices.is_over() && maker.left > 0) {
        let command = command(&mut maker, place);
        body.push_str(&command);
        body.push('\n');
        count += 1;
    }
    text.push_str(&format!("filter f {{\n{body}}}\n"));
    format!("roa4 table r4;\naspa table at;\nprotocol device {{ }}\n{}{text}", preamble(&text))
}

fn function(maker: &mut Maker<'_>, number: usize) -> String {
    let name = format!("fun{number}");
    let (returns, count) = (maker.kind(), maker.choices.of(3));
    let recursive = maker.choices.of(3) == 1;
    let mut arguments: Vec<Kind> = (0..count).map(|_| maker.kind()).collect();
    if recursive {
        arguments.insert(0, Kind::Int);
    }
    let outside = std::mem::take(&mut maker.variables);
    for (at, kind) in arguments.iter().enumerate() {
        maker.variables.push((format!("a{at}"), *kind));
    }
    let declared: Vec<String> =
        arguments.iter().enumerate().map(|(at, kind)| format!("{} a{at}", kind.word())).collect();
    let place = Place { depth: 2, returns: Some(returns) };
    let mut body: String = (0..maker.choices.of(5)).map(|_| command(maker, place) + "\n").collect();
    if recursive {
        let rest: Vec<String> = arguments.iter().skip(1).map(|kind| maker.term(*kind, 2)).collect();
        let rest: String = rest.iter().map(|term| format!(", {term}")).collect();
        let end = maker.term(returns, 1);
        body = format!("if a0 = 0 || a0 > 12 then return {end};\n{body}\nreturn {name}(a0 - 1{rest});\n");
    } else if maker.choices.of(8) != 7 {
        let result = maker.term(returns, 3);
        body = format!("{body}\nreturn {result};\n");
    }
    maker.variables = outside;
    let text = format!("function {name}({}) -> {} {{\n{body}}}\n", declared.join("; "), returns.word());
    maker.functions.push((name, arguments, returns));
    text
}

fn block(maker: &mut Maker<'_>, place: Place) -> String {
    let outside = maker.variables.len();
    let inner = Place { depth: place.depth.saturating_sub(1), ..place };
    let commands: String = (0..maker.choices.of(4)).map(|_| command(maker, inner)).collect();
    maker.variables.truncate(outside);
    format!("{{ {commands} }}\n")
}

fn fresh(maker: &mut Maker<'_>, kind: Kind) -> String {
    // Never the name of a variable in sight, and mostly that of one that was.
    let name = format!("x{}", maker.variables.len());
    maker.variables.push((name.clone(), kind));
    name
}

fn command(maker: &mut Maker<'_>, place: Place) -> String {
    maker.left = maker.left.saturating_sub(1);
    let shapes = if place.depth == 0 || maker.left == 0 { 14 } else { 22 };
    match maker.choices.of(shapes) {
        0 => end(maker, place),
        1..=3 => {
            let kind = maker.kind();
            let term = maker.term(kind, TERMS);
            let name = fresh(maker, kind);
            match maker.choices.of(8) {
                7 => format!("{} {name};\n", kind.word()),
                _ => format!("{} {name} = {term};\n", kind.word()),
            }
        }
        4 | 5 => {
            let at = maker.choices.of(maker.variables.len().max(1));
            let Some((name, kind)) = maker.variables.get(at).cloned() else { return "accept;\n".into() };
            format!("{name} = {};\n", maker.term(kind, TERMS))
        }
        6..=8 => {
            let (kind, name) = maker.writable();
            match maker.choices.of(12) {
                11 if !matches!(
                    name,
                    "gw" | "ifname" | "weight" | "source" | "gw_mpls" | "gw_mpls_stack"
                ) =>
                {
                    format!("unset({name});\n")
                }
                10 => format!("bt_check_assign({name}, {});\n", maker.term(kind, 3)),
                _ => format!("{name} = {};\n", maker.term(kind, TERMS)),
            }
        }
        9 | 10 => {
            let (name, method, kind) = maker.choices.one(&[
                ("bgp_path", "prepend", Kind::Int),
                ("bgp_path", "delete", Kind::IntSet),
                ("bgp_community", "add", Kind::Pair),
                ("bgp_community", "delete", Kind::PairSet),
                ("bgp_community", "filter", Kind::Clist),
                ("bgp_ext_community", "add", Kind::Ec),
                ("bgp_large_community", "add", Kind::Lc),
                ("bgp_large_community", "filter", Kind::LcSet),
                ("own14", "add", Kind::Quad),
            ]);
            format!("{name}.{method}({});\n", maker.term(kind, TERMS))
        }
        11 => format!("bt_assert({});\n", maker.term(Kind::Bool, TERMS)),
        12 | 13 => {
            let (a, b, word) = (maker.kind(), maker.kind(), maker.choices.one(&["print", "print", "printn"]));
            format!("{word} {}, \" \", {};\n", maker.term(a, TERMS), maker.term(b, 2))
        }
        14..=16 => {
            let condition = maker.term(Kind::Bool, TERMS);
            let then = block(maker, place);
            match maker.choices.of(2) {
                0 => format!("if {condition} then {then}"),
                _ => format!("if {condition} then {then} else {}", block(maker, place)),
            }
        }
        17 => {
            let (over, item) = maker.choices.one(&[
                (Kind::Path, Kind::Int),
                (Kind::Clist, Kind::Pair),
                (Kind::Eclist, Kind::Ec),
                (Kind::Lclist, Kind::Lc),
            ]);
            let list = maker.term(over, 3);
            let name = fresh(maker, item);
            let body = block(maker, place);
            maker.variables.pop();
            format!("for {} {name} in {list} do {body}", item.word())
        }
        18 | 19 => case(maker, place),
        20 => {
            // The result of a call as a command is thrown away.
            let known = maker.functions.clone();
            let at = maker.choices.of(known.len().max(1));
            let Some((name, arguments, _)) = known.get(at) else { return "reject;\n".into() };
            let arguments: Vec<String> = arguments.iter().map(|kind| maker.term(*kind, 3)).collect();
            format!("{name}({});\n", arguments.join(", "))
        }
        _ => block(maker, place),
    }
}

/// A verdict or a return.
fn end(maker: &mut Maker<'_>, place: Place) -> String {
    match (place.returns, maker.choices.of(6)) {
        (Some(kind), 0..=4) => format!("return {};\n", maker.term(kind, 3)),
        (_, 0 | 1) => "accept;\n".into(),
        (_, 2) => "reject;\n".into(),
        (_, 3) => format!("reject \"no \", {};\n", maker.term(Kind::Int, 3)),
        (_, 4) => format!("accept {};\n", maker.term(Kind::Str, 3)),
        _ => "error \"wrong\";\n".into(),
    }
}

fn case(maker: &mut Maker<'_>, place: Place) -> String {
    let (kind, labels): (Kind, &[&str]) = maker.choices.one(&[
        (Kind::Int, &["0", "1..3", "5, 7", "8..100", "65000", "65535..4294967295"][..]),
        (Kind::Pair, &["(0, 0)", "(1, *)", "(2..3, 5)", "(10, 1..100)"]),
        (Kind::Ip, &["1.2.3.4", "10.0.0.0..10.255.255.255", "2001:db8::1"]),
        (Kind::Source, &["RTS_STATIC", "RTS_BGP", "RTS_PIPE"]),
        (Kind::Ec, &["(rt, 1, *)", "(ro, 1, 2)", "(rt, 5, 1..10)"]),
        (Kind::Lc, &["(1, *, *)", "(2, 3, 5..10)"]),
    ]);
    let what = maker.term(kind, TERMS);
    let mut arms = String::new();
    let first = maker.choices.of(labels.len());
    for label in labels.iter().skip(first) {
        let body = block(maker, place);
        // With a blank: `2001:db8::1:` is no address.
        arms.push_str(&format!("{label} : {body}"));
    }
    if maker.choices.of(2) == 1 {
        arms.push_str(&format!("else: {}", block(maker, place)));
    }
    format!("case {what} {{ {arms} }}\n")
}
