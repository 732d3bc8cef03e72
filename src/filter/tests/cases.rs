//! What the recorded suites do not look at.

use super::harness::{Log, load};
use crate::filter::symbols::Symbol;
use crate::filter::types::Type;
use crate::filter::vm::{Machine, run};
use crate::filter::{RouteView, Verdict};
use crate::syntax::diag::Severity;
use crate::table::Attrs;

fn first_error(text: &str) -> String {
    load(text).first_error().unwrap_or_else(|| "accepted".into())
}

/// Runs an inline filter on a route without attributes: verdict, log, attributes as `number: value`.
fn apply(config: &str, filter: &str) -> (Verdict, Vec<String>, Vec<String>) {
    let world = load(config);
    assert_eq!(world.first_error(), None);
    let log = Log(Default::default(), Some(&world));
    let (attrs, proto) = (Attrs::default(), "p".into());
    let net = "10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into();
    let mut view = RouteView::new(&net, &attrs, &proto);
    let verdict = run(&world.filter(filter), &mut view, &mut Machine::default(), &log).verdict;
    let set = view.finish().map_or_else(Vec::new, |a| {
        a.extra
            .iter()
            .map(|(id, v)| crate::filter::attributes::show(*id, v, &world.custom).to_string())
            .collect()
    });
    (verdict, log.lines(), set)
}

#[test]
fn every_error_is_told_once_and_in_order() {
    let world = load("filter f {\n int a = \"x\";\n a = true;\n if a + \"y\" then accept;\n net = 5;\n}\n");
    let told: Vec<String> = world
        .diagnostics
        .iter()
        .filter(|d| d.severity != Severity::Note)
        .map(|d| d.message.clone())
        .collect();
    assert_eq!(
        told,
        [
            "Argument 1 of VAR_INIT must be of type int, got type string",
            "Argument 1 of VAR_SET must be of type int, got type bool",
            "Argument 2 of ADD must be of type int, got type string",
            "This static attribute is read-only.",
        ]
    );
}

#[test]
fn operands_keep_their_value_while_calls_change_attributes() {
    let config = "function bump(int n) -> int { bgp_med = n; return n; }\n";
    let (_, log, _) = apply(config, "{ bgp_med = 1; print bgp_med + bump(10), \" \", bgp_med; accept; }");
    assert_eq!(log, ["INFO 11 10"]);
    let (_, log, _) =
        apply(config, "{ bgp_med = 1; print (bgp_med, bump(7)); if bgp_med < bump(8) then accept; }");
    assert_eq!(log, ["INFO (1,7)"]);
}

#[test]
fn both_logical_operators_are_one_level() {
    let world = load("function say(bool b; string s) -> bool { print s; return b; }\nfunction t(bool a; bool b; bool c) -> string {
        if a || b && c then return \"yes\"; return \"no\"; }\n");
    let t = |a, b, c| world.eval(&format!("t({a}, {b}, {c})"), &Log::default());
    assert_eq!(t(true, false, false), "0023 no");
    assert_eq!(t(true, false, true), "0023 yes");
    let log = Log::default();
    assert_eq!(
        world.eval("say(true, \"a\") || say(true, \"b\") && say(false, \"c\") || say(true, \"d\")", &log),
        "0023 TRUE"
    );
    assert_eq!(log.lines(), ["INFO a", "INFO c", "INFO d"]);
}

#[test]
fn conditions_and_values_agree() {
    // Every chain of three operators over the truth table, as a value and as a condition.
    let ops = ["&&", "||"];
    let mut text = String::new();
    for (i, x) in ops.iter().enumerate() {
        for (j, y) in ops.iter().enumerate() {
            for (k, z) in ops.iter().enumerate() {
                text.push_str(&format!(
                    "function v{i}{j}{k}(bool a; bool b; bool c; bool d) -> bool {{ return a {x} !b {y} (c {z} d); }}
                     function c{i}{j}{k}(bool a; bool b; bool c; bool d) -> bool {{ if a {x} !b {y} (c {z} d) then return true; else return false; }}
                     function n{i}{j}{k}(bool a; bool b; bool c; bool d) -> bool {{ if !(a {x} !b {y} (c {z} d)) then return false; return true; }}\n"
                ));
            }
        }
    }
    let world = load(&text);
    assert_eq!(world.first_error(), None);
    for bits in 0..16 {
        let args: Vec<String> = (0..4).map(|i| (bits >> i & 1 == 1).to_string()).collect();
        let args = args.join(", ");
        for f in 0..8 {
            let name = format!("{}{}{}", f & 1, f >> 1 & 1, f >> 2);
            let term = format!("v{name}({args}) = c{name}({args}) && v{name}({args}) = n{name}({args})");
            assert_eq!(world.eval(&term, &Log::default()), "0023 TRUE", "{term}");
        }
    }
}

#[test]
fn filters_that_do_the_same_are_the_same() {
    let config = |limit: u32, extra: &str| {
        format!("define limit = {limit};\ndefine nets = [10.0.0.0/8+];\n{extra}\nfunction big(prefix p) -> bool {{ return p.len > limit; }}
        filter f {{ if big(net) || net ~ nets then reject; accept; }}\n")
    };
    let filter = |text: &str| {
        let world = load(text);
        assert_eq!(world.first_error(), None);
        let name = world.names.find("f").unwrap();
        match world.symbols.get(&world.names, name).map(|e| e.symbol.clone()) {
            Some(Symbol::Filter(filter)) => filter,
            other => panic!("{other:?}"),
        }
    };
    let one = filter(&config(24, ""));
    assert!(one.same(&filter(&config(24, "\n\n# lines move\nfunction unused() { print 1; }"))));
    assert!(!one.same(&filter(&config(25, ""))));
    assert!(!one.same(&filter(&config(24, "").replace("10.0.0.0/8+", "10.0.0.0/9+"))));
    assert!(!one.same(&filter(&config(24, "").replace("accept", "reject"))));
    assert_eq!(one.program.site_count(), 2);
}

#[test]
fn loops_and_blocks_free_their_variables() {
    let (verdict, log, _) = apply(
        "",
        "{ int n = 0; bgp_path.prepend(3); bgp_path.prepend(2); bgp_path.prepend(1);
           for int a in bgp_path do { int twice = a * 2; for int b in bgp_path do { int c = twice + b; n = n + c; } }
           { string s = \"x\"; { int t = 5; n = n + t; } print s, n; } int last; if defined(last) then reject; accept; }",
    );
    assert_eq!((verdict, log), (Verdict::Accept, vec!["INFO x59".to_string()]));
}

#[test]
fn attributes_print_in_the_order_of_bird() {
    let (_, _, set) = apply(
        "attribute bool b; attribute prefix set nets;",
        "{ krt_mtu = 1400; nets = [10.0.0.0/8]; b = true; bgp_med = 5; igp_metric = 7; krt_lock_mtu = true; rip_tag = 1; accept; }",
    );
    assert_eq!(
        set,
        [
            "igp_metric: 7",
            "BGP.med: 5",
            "Kernel.lock: mtu",
            "Kernel.mtu: 1400",
            "RIP.tag: 0001",
            "b: TRUE",
            "nets: [10.0.0.0/8{1.0.0.0}]"
        ]
    );
}

#[test]
fn results_are_inferred_with_a_warning() {
    let world = load("function f() { return 5; }\nfunction g() { return f(); }\ndefine a = g() + 1;\n");
    assert_eq!(world.first_error(), None);
    assert_eq!(
        world.warnings(),
        [
            "1:24 Inferring function f return type from its return value: int",
            "2:26 Inferring function g return type from its return value: int"
        ]
    );
    let name = world.names.find("g").unwrap();
    let Some(Symbol::Function(signature)) = world.symbols.get(&world.names, name).map(|e| &e.symbol) else {
        panic!()
    };
    assert_eq!(signature.returns, Type::Int);
}

#[test]
fn words_of_the_language_can_be_names() {
    let world = load("define add = 5;\nfunction filter(int x) -> int { int net = x; return net + add; }\n");
    assert_eq!(world.first_error(), None);
    assert_eq!(world.eval("filter(1) + add", &Log::default()), "0023 11");
}

#[test]
fn self_tests_report() {
    let (_, log, _) =
        apply("", "{ bt_assert(1 + 1 = 2); bt_assert(net.len = 9); bt_check_assign(bgp_med, 5); accept; }");
    assert_eq!(
        log,
        ["ok 1: 1 + 1 = 2", "failed 1: net.len = 9: 8, 9", "ok 1: bgp_med holds what was assigned"]
    );
}

#[test]
fn wrong_names_get_help() {
    let world = load("define colour = 5;\nfilter f { if color = 5 then accept; reject; }\n");
    let first = &world.diagnostics[0];
    assert_eq!(world.first_error().as_deref(), Some("2:15 syntax error, unexpected CF_SYM_UNDEFINED"));
    assert!(first.help.as_deref().is_some_and(|h| h.contains("colour")), "{:?}", first.help);
    assert_eq!(first_error("filter f { if net.lenn = 5 then accept; }"), "1:19 Unknown symbol lenn");
}

#[test]
fn bits_are_parts_of_one_attribute() {
    let (_, log, set) = apply("", "{ krt_lock_mtu = false; print krt_lock_mtu, krt_lock_rtt; accept; }");
    assert_eq!(log, ["INFO FALSEFALSE"]);
    assert!(set.len() == 1 && set[0].trim_end() == "Kernel.lock:", "{set:?}");
    let filter =
        "{ krt_lock_mtu = true; krt_lock_rtt = true; unset(krt_lock_mtu); print krt_lock_rtt; accept; }";
    let (_, log, set) = apply("", filter);
    assert_eq!((log, set), (vec!["INFO (void)".to_owned()], vec![]));
}

#[test]
fn mapped_addresses_are_ipv4_wherever_they_come_from() {
    let filter = "{ print ::ffff:0:0/96.ip, \" \", ::ffff:10.0.0.0/104.ip.is_v4, \" \", 1:2 ::ffff:0:0/96.ip; accept; }";
    assert_eq!(apply("", filter).1, ["INFO 0.0.0.0 TRUE 0.0.0.0"]);
}

#[test]
fn a_star_joins_the_rows_of_a_pair_pattern() {
    let filter = "{ print [(1..2, *)], [(1..2, 0..65535)]; accept; }";
    assert_eq!(apply("", filter).1, ["INFO [(1,0)..(2,65535)][(1,0)..(1,65535), (2,0)..(2,65535)]"]);
}

#[test]
fn variables_are_not_given_nothing() {
    let config = "function none() -> int { }\nfunction pass(int a) -> int { return a; }\n";
    for (commands, operation) in [
        ("int a = bgp_med;", "VAR_INIT"),
        ("int a = none();", "VAR_INIT"),
        ("int a = pass(bgp_med);", "VAR_INIT"),
        ("int a; int b = a;", "VAR_INIT"),
        ("int a = 5; a = none();", "VAR_SET"),
        ("int a = 5; a = bgp_med;", "VAR_SET"),
        ("int a; a = a;", "VAR_SET"),
    ] {
        let (_, log, _) = apply(config, &format!("{{ {commands} accept; }}"));
        assert_eq!(log.len(), 1, "{commands}: {log:?}");
        let message = format!("Argument 1 of {operation} must be of type int, got type void");
        assert!(log[0].ends_with(&message), "{commands}: {log:?}");
    }
    let fine = "{ int a; print a; a = 5; int b = a; bgppath p; bgppath q = p; q = bgp_path; clist c = bgp_community;\
                bool d = defined(bgp_med) && bgp_med < 5; print pass(bgp_med), b, q, c, d; accept; }";
    assert_eq!(apply(config, fine).1, ["INFO (void)", "INFO (void)5(path )(clist )FALSE"]);
}

#[test]
fn what_stands_right_of_and_and_or_becomes_the_result() {
    let text = |filter| apply("", filter).1.join("; ");
    assert_eq!(
        text("{ print true && krt_lock_mtu, \" \", defined(false || krt_lock_mtu); accept; }"),
        "INFO (void) FALSE"
    );
    for (filter, message) in [
        ("{ if net.len = 8 && krt_lock_mtu then accept; }", "Argument 1 of CONDITION"),
        ("{ if krt_lock_mtu || true then accept; }", "Argument 1 of OR"),
        ("{ if net.len = 8 && krt_lock_mtu || true then accept; }", "Argument 1 of OR"),
        ("{ if !(net.len = 8 && krt_lock_mtu) then accept; }", "Argument 1 of NOT"),
        ("{ bool b = net.len = 8 && krt_lock_mtu; accept; }", "Argument 1 of VAR_INIT"),
        ("{ bool b = net.len = 8 && krt_lock_mtu && true; accept; }", "Argument 1 of AND"),
    ] {
        let said = text(filter);
        assert!(said.contains(&format!("{message} must be of type bool, got type void")), "{filter}: {said}");
    }
}
