//! Whatever type-checks runs to a verdict or a runtime error.

use std::fmt::Write;

use proptest::prelude::*;

use super::harness::{Log, load};
use crate::filter::RouteView;
use crate::filter::vm::{MAX_CALLS, Machine, Moment, Watch, World, run};
use crate::table::Attrs;

#[test]
fn recursion_ends_in_an_error() {
    let world = load(
        "function down(int n) -> int { if n = 0 then return 0; return 1 + down(n - 1); }
         function forever(int n) -> int { return forever(n + 1); }
         function fork(int n) -> int { return fork(n + 1) + fork(n + 2); }\n",
    );
    let log = Log::default();
    assert_eq!(world.eval("down(1000)", &log), "0023 1000");
    assert_eq!(world.eval(&format!("down({})", MAX_CALLS - 2), &log), format!("0023 {}", MAX_CALLS - 2));
    assert_eq!(world.eval("forever(0)", &log), "8008 runtime error");
    assert_eq!(world.eval("fork(0)", &log), "8008 runtime error");
    assert_eq!(log.lines()[0], "ERR filters, line 2: Filter execution stack overflow");
}

#[test]
fn endless_work_is_cut_off() {
    // 2^40 calls, never deep.
    let mut text = String::from("function f0(int n) -> int { return n; }\n");
    for i in 1..=40 {
        let _ = writeln!(text, "function f{i}(int n) -> int {{ return f{}(n) + f{}(n); }}", i - 1, i - 1);
    }
    let log = Log::default();
    assert_eq!(load(&text).eval("f40(1)", &log), "8008 runtime error");
    assert!(log.lines()[0].ends_with("Filter execution took too long"));
}

/// Whoever runs filters in a row hears when one took long, and nothing of usual ones.
#[test]
fn patience_ends_with_costly_runs_only() {
    let log = Log::default();
    let world = load("function f(int n) -> int { if n = 0 then return 0; return f(n - 1) + f(n - 1); }\n");
    let patience = crate::filter::Patience::new();
    for _ in 0..10 {
        assert_eq!(world.eval("f(3)", &log), "0023 0");
    }
    assert!(!patience.is_over());
    assert_eq!(world.eval("f(16)", &log), "0023 0");
    assert!(patience.is_over() && !crate::filter::Patience::new().is_over());
}

/// Loops in loops over a path of fifty numbers, with something costly inside.
#[test]
fn constants_do_not_grow_without_end() {
    let doubled = |n: usize| format!("define a{n} = a{0} ++ a{0};\n", n - 1);
    let text: String = (1..64).map(doubled).collect();
    let world = load(&format!("define a0 = \"0123456789abcdef\";\n{text}"));
    let first = world.first_error().unwrap();
    assert!(first.contains("Value is too long"), "{first}");
}

#[test]
fn costly_loops_are_cut_off() {
    let loops = |inner: &str| {
        let each =
            "for int i in p do for int j in p do for int k in p do for int l in p do for int m in p do";
        format!(
            "function f() -> int {{ string s = \"0123456789abcdef\"; clist c = -empty-; bgppath q = +empty+; int n = 0;\n\
             bgppath p = +empty+;\n\
             {}\n{each} {{ {inner} }} return 0; }}\n",
            (0..50).map(|i| format!("p.prepend({i});")).collect::<String>(),
        )
    };
    for (inner, message) in [
        ("n = n + i;", "Filter execution took too long"),
        ("s = s ++ s;", "Value is too long"),
        ("s = s ++ \"x\"; if s ~ \"*y*\" then n = 1;", "Filter execution took too long"),
        ("q.prepend(i);", "Filter execution took too long"),
        ("n = n + 1; c.add((n / 65536, n - n / 65536 * 65536));", "Filter execution took too long"),
        ("printn p;", "Filter execution took too long"),
        ("print p;", "Filter execution took too long"),
    ] {
        let log = Log::default();
        let world = load(&loops(inner));
        assert_eq!(world.first_error(), None, "{inner}");
        assert_eq!(world.eval("f()", &log), "8008 runtime error", "{inner}");
        assert!(log.lines().last().is_some_and(|l| l.ends_with(message)), "{inner}");
    }
}

/// What takes long without loops that are long, or lists that are.
#[test]
fn costly_commands_are_cut_off() {
    let doubled = |name: &str, from: &str| {
        let lines: String =
            (1..17).map(|n| format!("define {name}{n} = {name}{0} ++ {name}{0};\n", n - 1)).collect();
        format!("define {name}0 = \"{from}\";\n{lines}")
    };
    let text = format!(
        "{}{}
         define ROWS = [(0..65535, 5)];
         define OTHER = [(0..65535, 5), (0, 6)];
         define NETS = [{}];
         function path() -> bgppath {{ bgppath p = +empty+; {} return p; }}\n",
        doubled("text", "aaaa"),
        doubled("same", "aaaa"),
        (0..5000).map(|n| format!("10.{}.{}.0/24", n / 250, n % 250)).collect::<Vec<_>>().join(", "),
        (0..50).map(|i| format!("p.prepend({i});")).collect::<String>(),
    );
    for (declare, command) in [
        ("pair set a = ROWS; pair set b = OTHER;", "if a = b then n = 1;"),
        (
            "prefix set a = NETS; prefix set b = [10.0.0.0/24, 10.0.1.0/24];",
            "if a = b then n = 1; printn a; print 1;",
        ),
        ("pair set a = ROWS;", "printn a; print 1;"),
        ("", "if text16 = same16 then n = 1; string t = text16; string u = same16; if t = u then n = 1;"),
        ("string a = \"*\" ++ same10 ++ \"b\"; string b = text10;", "if b ~ a then n = 1;"),
        ("", "bt_assert(n = 1);"),
    ] {
        let world = load(&format!(
            "{text}function f() -> int {{ int n = 0; bgppath p = path(); {declare}
             for int i in p do for int j in p do for int k in p do for int l in p do {{ {command} }} return 0; }}\n"
        ));
        assert_eq!(world.first_error(), None, "{command}");
        let log = Log::default();
        assert_eq!(world.eval("f()", &log), "8008 runtime error", "{command}");
        assert!(
            log.lines().last().is_some_and(|l| l.ends_with("Filter execution took too long")),
            "{command}"
        );
        // What was said is not too much to be kept.
        assert!(log.lines().iter().map(String::len).sum::<usize>() < 10_000_000, "{command}");
    }
    // Once is enough, and while the configuration is read, too.
    let pattern = "(\"*\" ++ same16 ++ \"b\")";
    let world = load(&format!("{text}function f() -> bool {{ string s = text16; return s ~ {pattern}; }}\n"));
    assert_eq!(world.eval("f()", &Log::default()), "8008 runtime error");
    let first = load(&format!("{text}define long = text16 ~ {pattern};\n")).first_error().unwrap();
    assert!(first.contains("took too long"), "{first}");
}

#[test]
fn long_chains_and_many_functions_do_not_recurse() {
    let sum: Vec<String> = (0..100_000).map(|i| i.to_string()).collect();
    let any: Vec<String> = (0..100_000).map(|i| format!("n = {i}")).collect();
    let mut text = format!(
        "define total = {};\nfunction one_of(int n) -> bool {{ return {}; }}\nfunction is_one(int n) -> bool {{ if {} then return true; return false; }}\n",
        sum.join(" + "),
        any.join(" || "),
        any.join(" || "),
    );
    text.push_str("function f0(int n) -> int { return n; }\n");
    for i in 1..3000 {
        let _ = writeln!(text, "function f{i}(int n) -> int {{ return f{}(n); }}", i - 1);
    }
    let world = load(&text);
    assert_eq!(world.first_error(), None);
    assert_eq!(world.eval("total", &Log::default()), format!("0023 {}", (100_000u64 * 99_999 / 2) as u32));
    assert_eq!(world.eval("one_of(99999) && is_one(99999) && !is_one(100000)", &Log::default()), "0023 TRUE");
    assert_eq!(world.eval("f2999(7)", &Log::default()), "0023 7");
}

/// Terms of any shape: most do not type-check, those that do must run.
fn term() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "5",
        "0",
        "\"x\"",
        "true",
        "10.0.0.1",
        "2001:db8::1",
        "10.0.0.0/8",
        "::/0",
        "(1, 2)",
        "(1, 2, 3)",
        "(rt, 1, 2)",
        "1:2",
        "hex:0aff",
        "+empty+",
        "-empty-",
        "--empty--",
        "---empty---",
        "[1, 5..9]",
        "[]",
        "[10.0.0.0/8+]",
        "[(1, *)]",
        "[= 1 * ? =]",
        "RTS_BGP",
        "net",
        "gw",
        "bgp_path",
        "bgp_med",
        "bgp_community",
        "preference",
        "dest",
        "ifname",
        "krt_lock_mtu",
        "i",
        "s",
        "p",
        "q",
        "c",
        "b",
        "x",
        "mark",
        "from",
        "weight",
        "gw_mpls_stack",
        "void()",
        "twice(i)",
    ]);
    leaf.prop_map(str::to_string).prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        let op = prop::sample::select(vec![
            "+", "-", "*", "/", "++", "=", "!=", "<", "<=", ">", ">=", "~", "!~", "&&", "||", "&", "|",
        ]);
        let method = prop::sample::select(vec![
            "len",
            "first",
            "last",
            "empty",
            "type",
            "ip",
            "maxlen",
            "src",
            "asn",
            "data",
            "min",
            "is_v4",
            "rd",
            "mac",
            "evpn_type",
        ]);
        let with = prop::sample::select(vec!["prepend", "add", "delete", "filter", "append", "mask"]);
        let call = prop::sample::select(vec!["defined", "format", "from_hex", "twice"]);
        prop_oneof![
            (two.clone(), op).prop_map(|((a, b), op)| format!("({a} {op} {b})")),
            (inner.clone(), method).prop_map(|(a, m)| format!("({a}).{m}")),
            (two.clone(), with).prop_map(|((a, b), m)| format!("({a}).{m}({b})")),
            (inner.clone(), call).prop_map(|(a, f)| format!("{f}({a})")),
            two.clone().prop_map(|(a, b)| format!("({a}, {b})")),
            (two, inner.clone()).prop_map(|((a, b), c)| format!("({a}, {b}, {c})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            inner.prop_map(|a| format!("[= ({a}) * =]")),
        ]
    })
}

fn command() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (
            prop::sample::select(vec![
                "i",
                "s",
                "b",
                "p",
                "q",
                "c",
                "x",
                "mark",
                "bgp_med",
                "bgp_path",
                "gw",
                "dest",
                "ifname",
                "weight",
                "preference",
                "krt_lock_mtu",
                "from",
                "scope",
                "source"
            ]),
            term()
        )
            .prop_map(|(v, t)| format!("{v} = {t};")),
        term().prop_map(|t| format!("print {t};")),
        term().prop_map(|t| format!("accept {t};")),
        prop::sample::select(vec![
            "unset(bgp_med);",
            "unset(mark);",
            "q.prepend(1);",
            "c.add((1, 2));",
            "reject;"
        ])
        .prop_map(str::to_string),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (term(), inner.clone(), inner.clone()).prop_map(|(t, a, b)| format!("if {t} then {a} else {b}")),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("{{ {} }}", list.join(" "))),
            (term(), inner.clone()).prop_map(|(t, a)| format!("for int n in {t} do {a}")),
            (term(), inner.clone(), inner)
                .prop_map(|(t, a, b)| format!("case {t} {{ 1..5: {a} (1, *): {b} else: {a} }}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn what_checks_runs(commands in prop::collection::vec(command(), 1..5)) {
        let text = format!(
            "attribute int mark;
             function void() -> int {{ }}
             function twice(int n) -> int {{ return n * 2; }}
             filter f {{ int i = 5; string s = \"y\"; bool b; prefix p = net; bgppath q; clist c; int set x = [1, 2]; {} }}
             protocol static {{ ipv4 {{ import filter f; }}; }}\n",
            commands.join("\n")
        );
        let world = load(&text);
        let Some(filter) = world.inline.first().filter(|_| world.first_error().is_none()) else { return Ok(()) };
        let (attrs, proto, log) = (Attrs::default(), "p".into(), Log(Default::default(), Some(&world)));
        let net = "10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into();
        let mut view = RouteView::new(&net, &attrs, &proto);
        let _ = run(filter, &mut view, &mut Machine::default(), &log);
        let told = log.lines();
        prop_assert!(!told.iter().any(|l| l.contains("code is broken")), "{text}\n{told:?}");
    }
}

/// Somebody who looks at nothing; but what he looks at runs as it was written.
struct Idle;
impl Watch for Idle {
    fn step(&mut self, _: &Moment<'_>) {}
}

/// Ints and conditions that always type-check, with many calls of small functions.
pub(super) fn int() -> impl Strategy<Value = String> {
    let leaf = vec!["i", "j", "0", "1", "3", "7", "net.len", "preference", "bgp_med", "m()", "plen(net)"];
    prop::sample::select(leaf).prop_map(str::to_string).prop_recursive(4, 16, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (prop::sample::select(vec!["grade", "div", "put", "same", "swap", "late", "outer"]), inner)
                .prop_map(|(f, a)| format!("{f}({a})")),
            two.clone().prop_map(|(a, b)| format!("pick({a}, {b})")),
            (prop::sample::select(vec!["+", "-", "*"]), two)
                .prop_map(|(op, (a, b))| format!("({a} {op} {b})")),
        ]
    })
}

pub(super) fn condition() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (int(), prop::sample::select(vec!["<", "=", "!=", ">="]), int())
            .prop_map(|(a, op, b)| format!("{a} {op} {b}")),
        int().prop_map(|a| format!("odd({a}, net)")),
        prop::sample::select(vec!["b", "ours(net)", "ours(p)", "yes(b)"]).prop_map(str::to_string),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["&&", "||"]), inner.clone())
                .prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

pub(super) fn statement() -> impl Strategy<Value = String> {
    let target = prop::sample::select(vec!["i", "j", "bgp_med", "krt_metric"]);
    let leaf = prop_oneof![
        (target, int()).prop_map(|(v, t)| format!("{v} = {t};")),
        condition().prop_map(|t| format!("b = {t};")),
        int().prop_map(|t| format!("print \"-\", {t};")),
        int().prop_map(|t| format!("bgp_community.add(({t}, 1));")),
        condition().prop_map(|t| format!("if {t} then accept;")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (condition(), inner.clone(), inner.clone())
                .prop_map(|(t, a, b)| format!("if {t} then {{ {a} }} else {{ {b} }}")),
            (int(), inner.clone(), inner.clone())
                .prop_map(|(t, a, b)| format!("case {t} {{ 1..5: {a} 8: {b} else: {a} }}")),
            (inner.clone(), inner)
                .prop_map(|(a, b)| format!("for int n in path do {{ i = i + same(n); {a} {b} }}")),
        ]
    })
}

/// A configuration with these commands in a filter, and the functions they call.
pub(super) fn program(commands: &[String]) -> String {
    format!(
        "define OURS = [10.0.0.0/8+];
         function m() -> int {{ return bgp_med; }}
         function same(int n) -> int {{ return n; }}
         function plen(prefix p) -> int {{ return p.len; }}
         function grade(int n) -> int {{ case n {{ 1..5: return 10;
           6: return 20; else: return n; }} return 0; }}
         function div(int n) -> int {{ if n < 3 then return 9;
           return 100 / (n - 3); }}
         function put(int n) -> int {{ bgp_med = n; n = n + 1; return n; }}
         function swap(int n) -> int {{ int a = n; int c = a + 1; a = c; c = n; return a - c + n; }}
         function pick(int x; int y) -> int {{ if x > y then {{ x = y; return x; }} return y; }}
         function late(int n) -> int {{ bool z = n > 2; if z then n = 2; if z then return n; return n + 1; }}
         function odd(int n; prefix p) -> bool {{ if n > 3 && p ~ OURS then return true; return n = 1; }}
         function ours(prefix p) -> bool {{ return p ~ OURS; }}
         function yes(bool b) -> bool {{ return !b; }}
         function outer(int n) -> int {{ return grade(n) + same(late(n)); }}
         filter f {{ int i = 5; int j = 2; bool b = false; prefix p = 11.0.0.0/8; bgppath path = +empty+; path.prepend(7); path.prepend(3);
           bgp_med = 4;
         {}
         reject; }}
         protocol static {{ ipv4 {{ import filter f; }}; }}\n",
        commands.join("\n")
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    /// Functions that became part of their callers do what they did: verdict, attributes, output and the line of an error.
    #[test]
    fn joined_functions_do_the_same(commands in prop::collection::vec(statement(), 1..6)) {
        let text = program(&commands);
        let world = load(&text);
        // Constant parts may be found out to be impossible already.
        let Some(filter) = world.inline.first().filter(|_| world.first_error().is_none()) else { return Ok(()) };
        let (attrs, proto) = (Attrs::default(), "p".into());
        let net = "10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into();
        let run = |watched: bool| {
            let log = Log(Default::default(), Some(&world));
            let mut view = RouteView::new(&net, &attrs, &proto);
            let mut all = World { route: Some(&mut view), routes: &[], env: &log };
            let mut machine = Machine::default();
            let exit = match watched {
                true => machine.run_watched(&filter.program, &mut all, &mut Idle),
                false => machine.run(&filter.program, &mut all),
            };
            (exit, log.lines(), view.finish())
        };
        prop_assert_eq!(run(true), run(false), "{}", text);
    }
}
