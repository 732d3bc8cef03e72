//! Tests of the front end as a whole: nesting, recovery, includes, shadowed keywords, and that no input makes it panic.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::ast::*;
use super::diag::Severity;
use super::lexer::MAX_NESTING;
use super::*;

fn files(list: &[(&str, &str)]) -> BTreeMap<PathBuf, Vec<u8>> {
    list.iter().map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec())).collect()
}

fn parsed(text: &str) -> Parsed {
    parse(Path::new("bird.conf"), &files(&[("bird.conf", text)])).unwrap()
}

/// First lines of all diagnostics, without the file's name.
fn complaints(parsed: &Parsed) -> Vec<String> {
    let mut list: Vec<_> = parsed.diagnostics.iter().collect();
    list.sort_by_key(|d| d.at);
    list.iter().map(|d| render::first_line(d, &parsed.sources).replace("bird.conf:", "")).collect()
}

fn errors(text: &str) -> Vec<String> {
    complaints(&parsed(text))
}

#[test]
fn nesting_is_limited_everywhere() {
    let deep = MAX_NESTING as usize - 10;
    for (levels, open, inside, close) in [
        (1, "(", "1", ")"),
        (1, "!", "true", ""),
        (1, "", "net", ".len"),
        (6, "1 || 1 = 1 & 1 + 1 * (", "1", ")"),
    ] {
        let deep = deep / levels;
        let text = |n: usize| format!("define a = {}{inside}{};\n", open.repeat(n), close.repeat(n));
        // Parsing recurses on its own stack, dropping on this one.
        let good = parsed(&text(deep));
        assert_eq!(complaints(&good), Vec::<String>::new(), "{open}");
        drop(good);
        let bad = errors(&text(2 * deep + 100));
        assert!(bad.iter().any(|e| e.contains("Nesting is too deep")), "{open}: {bad:?}");
    }
    for (open, inside, close) in [
        ("{ ", "accept;", "}"),
        ("if true then ", "accept;", ""),
        ("if true then accept; else ", "accept;", ""),
        ("for int i in bgp_path do ", "print i;", ""),
    ] {
        let text = |n: usize| format!("filter f {{ {}{inside}{} }}\n", open.repeat(n), close.repeat(n));
        let good = parsed(&text(deep / 2));
        assert_eq!(complaints(&good), Vec::<String>::new(), "{open}");
        drop(good);
        let bad = errors(&text(2 * deep));
        assert!(bad.iter().any(|e| e.contains("Nesting is too deep")), "{open}: {bad:?}");
    }
}

/// Generated files hold them. Debug builds have the largest frames, and what is dropped here is dropped on a
/// small stack.
#[test]
fn chains_of_operators_have_any_length() {
    for (head, part, tail) in [
        ("define a = ", "1 + ", "1;"),
        ("define a = ", "1 * 2 - ", "1;"),
        ("filter f { if ", "net.len = 5 || !(net ~ [ 10.0.0.0/8+ ]) && ", "true then accept; }"),
    ] {
        let good = parsed(&format!("{head}{}{tail}\n", part.repeat(50_000)));
        assert_eq!(complaints(&good), Vec::<String>::new(), "{part}");
        drop(good);
    }
}

#[test]
fn every_bad_statement_is_reported_and_the_others_are_read() {
    let text = "define a = ;\nprotocol device { scan 5; scan time 7; }\ndefine b = 1\ndefine c = 2;\n\
                filter f { accept }\nprotocol bgp up { local as 5; neighbor { ; } }\nipv4 tabel x;\nrouter id 10.0.0.1;\n";
    let all = parsed(text);
    assert_eq!(
        complaints(&all),
        [
            "1:12 syntax error, unexpected ';'",
            "2:24 syntax error, unexpected NUM, expecting TIME",
            "4:1 syntax error, unexpected DEFINE",
            "5:19 syntax error, unexpected '}'",
            "7:6 syntax error, unexpected CF_SYM_UNDEFINED, expecting TABLE",
        ]
    );
    let kinds: Vec<&str> = all
        .items
        .iter()
        .map(|item| match item {
            Item::Define { name, .. } => all.names.text(name.sym),
            Item::Protocol(p) => all.names.text(p.kind.sym),
            Item::Option(o) => o.key,
            _ => "?",
        })
        .collect();
    // Of the filter the beginning is kept, to be checked.
    assert_eq!(kinds, ["device", "c", "?", "bgp", "router id"]);
    let Item::Protocol(device) = &all.items[0] else { panic!() };
    assert!(matches!(&device.items[..], [ProtoItem::Option(o)] if o.key == "scan time"));
}

/// Semicolons before the mistake do not end the statement: what follows them is no mistake of its own, and
/// must not be the first one.
#[test]
fn a_mistake_in_a_function_is_the_only_one() {
    for (text, only) in [
        ("function f(int a;\n\tint b)\n{\n\tprint 5 5;\n}\n", "4:10 syntax error, unexpected NUM"),
        ("function f(int a)\nint b;\nint c;\n{\n\tprint 5 5;\n}\n", "5:10 syntax error, unexpected NUM"),
        (
            "filter f\nint b;\nint c;\n{\n\tprint b c;\n}\ndefine x = 5;\n",
            "5:10 syntax error, unexpected CF_SYM_KNOWN",
        ),
        ("function f(int a;\n\tint 5) { }\ndefine y = 3;\n", "2:6 syntax error, unexpected NUM"),
    ] {
        assert_eq!(errors(text), [only], "{text}");
    }
}

#[test]
fn the_place_of_errors_follows_bird() {
    for (text, first) in [
        ("protocol device {\n  scan time 5;\n", "1:0 syntax error, unexpected END"),
        ("protocol device {\n  scan time 5", "1:13 syntax error, unexpected END, expecting ';'"),
        ("/* open\n  for ever\n", "3:0 Unterminated comment"),
        ("/* open\n /* again */ */", "2:2 Comment nesting not supported"),
        ("define a = \"open\n;", "1:17 Unterminated string"),
        ("define a = 1 = 2 = 3;", "1:18 syntax error, unexpected '='"),
        ("define a = 1;\r\n", "1:14 Unknown character"),
        ("\u{feff}define a = 1;", "1:1 Unknown character"),
        ("define a = [10.0.0.0/8, 2001:db8::/32];", "1:38 Mixed IPv4/IPv6 prefixes in prefix set"),
        ("define a = [10.0.0.0/8, ::/0+\n, ::/1];", "1:29 Mixed IPv4/IPv6 prefixes in prefix set"),
        ("define a = [10.0.0.0/8, ::/0{7,25}\n];", "1:34 Mixed IPv4/IPv6 prefixes in prefix set"),
        ("define a = [(2..3, *)\n..(5,5)];", "2:1 syntax error, unexpected DDOT"),
        ("define a = [10.0.0.0/8{9,8}];", "1:27 Invalid prefix pattern range: {9, 8}"),
        ("define a = [fd00::/129];", "1:20 Invalid prefix length 129"),
        ("define a = [fd00::1/64+];", "1:21 Invalid IPv6 prefix fd00::1/64, maybe you wanted fd00::/64"),
        ("define a = [fd00:: / 129];", "1:22 Invalid prefix length 129"),
        ("define a = fd00::/129;", "1:22 Invalid prefix length 129"),
        ("define a = 10.0.0.0/ 33;", "1:22 Invalid prefix length 33"),
        ("define a = 10.0.0.0/x;", "1:21 syntax error, unexpected CF_SYM_UNDEFINED, expecting NUM"),
        ("define a = 1.2.3.4:70000;", "1:12 Number out of range"),
        ("define a = 300.2.3.4:7;", "1:12 Invalid IPv4 address 300.2.3.4 in Route Distinguisher"),
    ] {
        assert_eq!(errors(text).first().map(String::as_str), Some(first), "{text}");
    }
}

/// A mistake in a body is said once, where it is: neither are the declarations in front of the brace read
/// again as statements, nor the rest of a body whose braces do not match. What follows is read.
#[test]
fn a_broken_body_is_one_mistake() {
    let old = |body: &str| format!("function f(int a; int b)\nint c;\nip set d;\n{{\n{body}\n}}\n");
    for (text, place) in [
        (old("c = 1; print \"a\" \"b\";"), "5:20 "),
        (old("if a = b { c = 1; } return c;"), "5:10 "),
        (old("c = 1;; d = []; return c;"), "5:7 "),
        (old("if a = 1 then { c = 1; } } else c = 2; return c; "), "5:28 "),
        (old("c = 1; }\nreturn c;\nif c = 2 then return 5;\nc = 7;"), "6:1 "),
        ("function f(int a b; int c) { return a; }".to_owned(), "1:18 "),
        ("filter f int a; int b; a = 1; if a = b then accept; reject; }\n".to_owned(), "1:24 "),
    ] {
        let found = errors(&format!("{text}\nfunction g() {{ return 1 }}\nfilter h {{ accept; }}\n"));
        assert_eq!(found.len(), 2, "{text}: {found:?}");
        assert!(found[0].starts_with(place), "{text}: {found:?}");
        assert!(found[1].contains("'}'"), "{text}: {found:?}");
    }
}

#[test]
fn names_hide_keywords_in_their_scope() {
    let fine = |text: &str| {
        let list = errors(text);
        assert!(list.iter().all(|e| e.contains("overrides existing keyword")), "{text}: {list:?}");
        list.len()
    };
    // `filter stacks` is an option, unless a filter is called so.
    assert_eq!(fine("filter stacks 64 64; filter stacks (60 + 4) 64;"), 0);
    assert_eq!(fine("filter stacks int a; { a = 1; accept; }"), 1);
    assert_eq!(fine("define n = 64; filter stacks n n; filter stacks { accept; }"), 1);
    // One warning for every keyword taken.
    assert_eq!(fine("filter f { int table; table = 3; accept; } ipv4 table later;"), 1);
    assert_eq!(fine("define cost = 15; define metric = cost * 2; define x = metric;"), 2);
    assert_eq!(
        fine("function f(int table; bool scan) -> int { return table; } protocol device { scan time 5; }"),
        2
    );
    assert_eq!(
        fine("protocol static { ipv4 { import filter int table; { table = 1; accept; }; table t; }; }"),
        1
    );
    assert_eq!(
        fine(
            "filter f { for int route in bgp_path do print route; accept; } protocol static { route 10.0.0.0/8 via 10.0.0.1; }"
        ),
        1
    );
    assert_eq!(fine("filter f { { int net; net = 1; } if net.len > 8 then accept; }"), 1);
    assert_eq!(fine("filter f { print net.prefix, net.table, (net.int); accept; }"), 0);
    assert_eq!(fine("protocol static from { ipv4; } define a = from;"), 1);
    // From the definition on, and only there.
    assert!(!errors("define table = 5; ipv4 table x;").is_empty());
    assert!(!errors("protocol static route { route 10.0.0.0/8 blackhole; }").is_empty());
    assert!(!errors("define in = 5;").is_empty());
    assert!(!errors("define RTS_BGP = 5;").is_empty());
}

#[test]
fn statements_that_need_no_semicolon() {
    let text = "debug protocols { states } debug channels off debug tables all\nwatchdog warning 2 s watchdog timeout 60 s\n\
                eval 5 eval 6\nipv4 table a\nipv4 table b { trie off; }\nipv6 table c sorted\nmpls domain one\nmpls domain two { }\n\
                threads 2\nprotocol device { }";
    let all = parsed(text);
    assert_eq!(complaints(&all), Vec::<String>::new());
    assert_eq!(all.items.len(), 14);
}

#[test]
fn includes_expand_in_place_and_keep_their_places() {
    let list = files(&[
        (
            "conf/bird.conf",
            "define a =\n include \"deep/half.inc\" ;\n;\ninclude \"deep/*.x\";\nrouter id b b;\n",
        ),
        ("conf/deep/half.inc", "1 +\ninclude \"../one.inc\";\n"),
        ("conf/one.inc", "1"),
        ("conf/deep/2.x", "define c = 2;"),
        ("conf/deep/1.x", "define b = 1;"),
        ("conf/deep/.hidden.x", "nonsense"),
    ]);
    let all = parse(Path::new("conf/bird.conf"), &list).unwrap();
    let lines: Vec<String> = all.diagnostics.iter().map(|d| render::first_line(d, &all.sources)).collect();
    assert_eq!(lines, ["conf/bird.conf:5:13 syntax error, unexpected CF_SYM_KNOWN, expecting ';'"]);
    let names: Vec<&str> = all
        .items
        .iter()
        .filter_map(|i| if let Item::Define { name, .. } = i { Some(all.names.text(name.sym)) } else { None })
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    let Item::Define { span, .. } = &all.items[0] else { panic!() };
    assert_eq!((all.sources.locate(span.first).line, all.sources.locate(span.last).line), (1, 3));
}

#[test]
fn protocols_that_are_not_built_are_skipped_whole() {
    let all = parsed(
        "protocol bgp b from t { anything goes { [ } here; };\ntemplate ospf v3 { }\nprotocol rip ng r { }\n",
    );
    let Item::Protocol(bgp) = &all.items[0] else { panic!("{all:?}") };
    assert_eq!((all.names.text(bgp.kind.sym), bgp.items.len(), bgp.from.is_some()), ("bgp", 0, true));
}

mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::convert::{Convert, RoutesBuilder, SetBuilder};
    use crate::syntax::lexer::{Event, Lexer, fresh_names};
    use tern_grammar::pest::Parser as _;
    use tern_grammar::{Grammar, Rule};

    /// Text that looks like a configuration from afar.
    fn jumble() -> impl Strategy<Value = String> {
        let words = prop::sample::select(vec![
            "protocol",
            "static",
            "{",
            "}",
            ";",
            "route",
            "via",
            "10.0.0.0/8",
            "192.0.2.1",
            "[",
            "]",
            "(",
            ")",
            ",",
            "..",
            "filter",
            "f",
            "if",
            "then",
            "else",
            "else:",
            "case",
            "int",
            "x",
            "=",
            "~",
            "!",
            "&&",
            "net",
            ".",
            "len",
            "define",
            "1",
            "65000:1",
            "\"text\"",
            "'q'",
            "#c\n",
            "/*",
            "*/",
            "ipv4",
            "table",
            "import",
            "where",
            "[=",
            "=]",
            "*",
            "?",
            "+",
            "-empty-",
            "::1",
            "2001:db8::/32",
            "0x1f",
            "hex:00ff",
            "02:00:00:00:00:01",
            "for",
            "in",
            "do",
            "function",
            "->",
            "return",
            "\"",
            "'",
            "\n",
            "include \"a\";",
            "log",
            "stderr",
            "all",
            "@",
            "flow4",
            "dst",
            "4294967296",
            "accept",
            "print",
            "bgp",
            "on",
            "off",
        ]);
        prop::collection::vec((words, prop::sample::select(vec!["", " ", "\n"])), 0..80)
            .prop_map(|list| list.into_iter().map(|(w, s)| format!("{w}{s}")).collect())
    }

    fn check(text: &[u8]) {
        let files = BTreeMap::from([(PathBuf::from("f"), text.to_vec())]);
        let all = parse(Path::new("f"), &files).unwrap();
        for d in all.diagnostics.iter() {
            let at = all.sources.locate(d.at);
            let lines = text.iter().filter(|b| **b == b'\n').count() as u32 + 1;
            assert!((1..=lines).contains(&at.line), "{d:?}");
            render::explained(d, &all.sources, true);
        }
        let _ = all.diagnostics.iter().any(|d| d.severity == Severity::Warning);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_bytes_are_refused_in_peace(text in prop::collection::vec(any::<u8>(), 0..300)) {
            check(&text);
        }

        #[test]
        fn jumbled_configurations_are_refused_in_peace(text in jumble()) {
            check(text.as_bytes());
        }

        /// Tokens stand in order, start where no blank is, and everything between them is blanks or comments.
        #[test]
        fn tokens_cover_the_text(text in jumble()) {
            let text = text.replace("include", "inclode");
            let list = BTreeMap::<PathBuf, Vec<u8>>::new();
            let mut lexer = Lexer::new(&list, fresh_names());
            lexer.open_text(Path::new("f"), text.as_bytes());
            let mut sets = Vec::new();
            loop {
                match lexer.next_event() {
                    Event::End => break,
                    Event::SetEnd(start, close) => lexer.close_set(start, close, ExprKind::Set(Vec::new())),
                    Event::SetBroken(start) => { let last = lexer.tokens.last_of(lexer.tokens.len()); lexer.close_set(start, last, ExprKind::Set(Vec::new())) }
                    Event::SetPart(start) => sets.push(start),
                    Event::Statement | Event::Items => lexer.tokens.clear(),
                }
            }
            if lexer.diags.has_errors() {
                return Ok(());
            }
            let mut last = None;
            for tok in 0..lexer.sources.end() {
                let place = lexer.sources.place(tok).unwrap();
                prop_assert!(last < Some(place.offset), "token {tok} of {text:?}");
                prop_assert!(!text.as_bytes()[place.offset as usize].is_ascii_whitespace());
                let lines = text[..place.offset as usize].matches('\n').count() as u32 + 1;
                prop_assert_eq!(place.line, lines);
                last = Some(place.offset);
            }
        }

        /// The short cuts of the parser see what the grammar sees.
        #[test]
        fn routes_read_quickly_equal_routes_read_by_the_grammar(
            list in prop::collection::vec((any::<u32>(), 0u8..=32, any::<u8>(), any::<bool>(), 0u8..8), 1..40)
        ) {
            let mut text = String::new();
            for (addr, len, gw, six, shape) in &list {
                let addr = addr & u32::MAX.checked_shl(32 - u32::from(*len)).unwrap_or(0);
                let (net, gateway) = match six {
                    false => (format!("{}/{len}", std::net::Ipv4Addr::from(addr)), format!("192.0.2.{gw}")),
                    true => (format!("{:x}:{:x}::/32", addr >> 16, addr & 0xffff), format!("fe80::{gw:x}")),
                };
                let words = ["blackhole", "drop", "unreachable", "reject", "prohibit"];
                text += &match words.get(usize::from(*shape)) {
                    Some(word) => format!("route {net} {word};\n"),
                    None if *shape == 5 => format!("route {net} recursive {gateway};\n"),
                    None => format!("route {net} via {gateway};\n"),
                };
            }
            // Without a block around them the routes are one statement each for the lexer, so all tokens stay.
            let none = BTreeMap::<PathBuf, Vec<u8>>::new();
            let mut lexer = Lexer::new(&none, fresh_names());
            lexer.open_text(Path::new("f"), text.as_bytes());
            while lexer.next_event() != Event::End {}
            prop_assert!(!lexer.diags.has_errors());
            let mut quick = RoutesBuilder::default();
            prop_assert_eq!(quick.quick(&lexer.tokens, 0), lexer.tokens.len());
            let mut slow = RoutesBuilder::default();
            let pair = Grammar::parse(Rule::static_items, &lexer.tokens.text).unwrap().next().unwrap();
            prop_assert_eq!(pair.as_span().end(), lexer.tokens.len());
            let (mut sets, mut errors) = (Vec::new(), Vec::new());
            let mut convert = Convert { tokens: &lexer.tokens, sets: &mut sets, sources: &lexer.sources, base: 0, errors: &mut errors };
            for route in pair.into_inner() {
                convert.route(route, &mut slow);
            }
            prop_assert_eq!(format!("{:?}", quick.take()), format!("{:?}", slow.take()));
        }

        #[test]
        fn sets_read_quickly_equal_sets_read_by_the_grammar(
            list in prop::collection::vec((any::<u32>(), 0u8..=32, 0u8..6, any::<bool>()), 1..40), numbers in any::<bool>()
        ) {
            let members: Vec<String> = list.iter().map(|(addr, len, form, six)| {
                let addr = addr & u32::MAX.checked_shl(32 - u32::from(*len)).unwrap_or(0);
                let tail = match form { 0 => "+".to_owned(), 1 => "-".to_owned(), 2 => format!("{{{len},32}}"), 3 => "{30,20}".to_owned(), _ => String::new() };
                match (numbers, six) {
                    (true, _) => addr.to_string(),
                    (false, false) => format!("{}/{len}{tail}", std::net::Ipv4Addr::from(addr)),
                    (false, true) => format!("{:x}:{:x}::/32{tail}", addr >> 16, addr & 0xffff),
                }
            }).collect();
            let none = BTreeMap::<PathBuf, Vec<u8>>::new();
            let mut lexer = Lexer::new(&none, fresh_names());
            lexer.open_text(Path::new("f"), members.join(",\n").as_bytes());
            while lexer.next_event() != Event::End {}
            let (mut quick, mut slow) = (SetBuilder::default(), SetBuilder::default());
            let (mut errors, mut others) = (Vec::new(), Vec::new());
            let end = match numbers {
                true => quick.quick_numbers(&lexer.tokens, 0),
                false => quick.quick_prefixes(&lexer.tokens, 0, &mut errors),
            };
            prop_assert_eq!(end, lexer.tokens.len());
            let rule = if numbers { Rule::set_items } else { Rule::prefix_items };
            let pair = Grammar::parse(rule, &lexer.tokens.text).unwrap().next().unwrap();
            prop_assert_eq!(pair.as_span().end(), lexer.tokens.len());
            let mut sets = Vec::new();
            let mut convert = Convert { tokens: &lexer.tokens, sets: &mut sets, sources: &lexer.sources, base: 0, errors: &mut others };
            match numbers {
                true => convert.set_items(pair, &mut slow),
                false => convert.prefix_items(pair, &mut slow),
            }
            prop_assert_eq!(format!("{errors:?}"), format!("{others:?}"));
            prop_assert_eq!(format!("{:?}", quick.finish()), format!("{:?}", slow.finish()));
        }
    }
}

/// With `TERN_CORPUS` naming the conformance corpus: nothing of `accept` is refused, and what of `reject` is
/// refused here is refused where BIRD refuses it. (The rest of `reject` is for later stages.)
#[test]
fn corpus() {
    let Some(root) = std::env::var_os("TERN_CORPUS").map(PathBuf::from) else { return };
    let other = [
        "bgp",
        "rpki",
        "bfd",
        "ospf",
        "rip",
        "babel",
        "radv",
        "mrt",
        "bmp",
        "aggregator",
        "l3vpn",
        "evpn",
        "bridge",
        "perf",
    ];
    let mut wrong = Vec::new();
    for kind in ["accept", "reject"] {
        for entry in std::fs::read_dir(root.join(kind)).unwrap().flatten() {
            let path = entry.path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            if path.extension().is_none_or(|e| e != "conf")
                || other.contains(&name.split('-').next().unwrap())
            {
                continue;
            }
            let all = parse(&path, &Disk).unwrap();
            let first = all.diagnostics.iter().filter(|d| d.severity == Severity::Error).min_by_key(|d| d.at);
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            let wanted = text
                .lines()
                .find_map(|l| l.strip_prefix("# error: ")?.split(':').next()?.parse::<u32>().ok());
            match (first, wanted) {
                (None, None) => {}
                (Some(e), Some(line)) if all.sources.locate(e.at).line == line => {}
                (None, Some(_)) if !name.starts_with("inc-") && !text.contains("Unknown character") => {}
                (e, _) => wrong.push(format!("{kind}/{name}: {e:?}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn errors_deep_inside_cost_no_more_than_others() {
    // A grammar that backtracks badly would take 2^60 steps.
    for (open, close) in [
        ("if a then b; else if c then { ", " }"),
        ("case net.len { 5: { ", " } }"),
        ("for int i in bgp_path do if i = (1 + (", ")) then accept;"),
    ] {
        let text = format!("filter f {{ {} ] {} }}", open.repeat(60), close.repeat(60));
        assert!(!errors(&text).is_empty());
    }
    for (open, close) in [
        ("((1), (", "))"),
        ("[(", ")]"),
        ("f(1, g(", "))"),
        ("(rt, 1, (", "))"),
        ("roa_check(t, net, (", "))"),
    ] {
        let text = format!("define a = {} ; {};", open.repeat(60), close.repeat(60));
        assert!(!errors(&text).is_empty());
    }
    let text = format!("protocol static {{ route 10.0.0.0/8 blackhole {} }}", "{ if a then ".repeat(60));
    assert!(!errors(&text).is_empty());
}

#[test]
fn endless_statements_are_refused() {
    let text = "define a = 1 ".to_owned() + &"b ".repeat(5 << 20);
    let list = errors(&text);
    assert!(list.iter().any(|e| e.contains("Statement is too long")), "{list:?}");
}
