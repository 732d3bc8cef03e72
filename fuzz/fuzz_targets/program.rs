//! Filters that nearly always type-check, made of the fuzzer's choices: each runs to a verdict or a runtime error, and its explanation ends as it
//! does, with the same attributes.
#![no_main]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tern::base::{IpNet, Net};
use tern::config;
use tern::filter::explain::{End, explain};
use tern::filter::{CustomAttrs, Filter, Machine, NoEnv, RouteView, Verdict, run};
use tern::table::Attrs;

/// Deepest nesting of terms and commands.
const DEEPEST: u32 = 6;

/// The fuzzer's bytes as choices; when they are used up, always the first one.
struct Choices<'a>(std::slice::Iter<'a, u8>);

impl Choices<'_> {
    fn of(&mut self, count: usize) -> usize {
        self.0.next().map_or(0, |b| *b as usize % count)
    }

    fn one(&mut self, list: &[&str]) -> String {
        list[self.of(list.len())].to_owned()
    }

    fn int(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["0", "1", "a", "b", "net.len", "bgp_path.len", "4294967295", "65000"]);
        }
        let d = depth - 1;
        match self.of(9) {
            0 => self.int(0),
            1 => format!("({} + {})", self.int(d), self.int(d)),
            2 => format!("({} * {})", self.int(d), self.int(d)),
            3 => format!("({} / {})", self.int(d), self.int(d)),
            4 => format!("f({}, {})", self.int(d), self.boolean(d)),
            5 => format!("{}.len", self.path(d)),
            6 => format!("{}.first", self.path(d)),
            7 => format!("{}.len", self.list(d)),
            _ => format!("({} - {})", self.int(d), self.int(d)),
        }
    }

    fn boolean(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["true", "false", "t", "defined(bgp_med)", "net ~ [10.0.0.0/8+]"]);
        }
        let d = depth - 1;
        match self.of(9) {
            0 => self.boolean(0),
            1 => format!("({} && {})", self.boolean(d), self.boolean(d)),
            2 => format!("({} || {})", self.boolean(d), self.boolean(d)),
            3 => format!("!({})", self.boolean(d)),
            4 => format!("({} < {})", self.int(d), self.int(d)),
            5 => format!("({} = {})", self.path(d), self.path(d)),
            6 => format!("({} ~ [= * {} * =])", self.path(d), self.int(0)),
            7 => format!("({} ~ [(1, *), (65000, 1..5)])", self.list(d)),
            _ => format!("({} ~ [1, 5..10, 65000])", self.int(d)),
        }
    }

    fn path(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["bgp_path", "+empty+", "p"]);
        }
        match self.of(3) {
            0 => self.path(0),
            1 => format!("prepend({}, {})", self.path(depth - 1), self.int(depth - 1)),
            _ => format!("delete({}, {})", self.path(depth - 1), self.one(&["[1..9]", "65000"])),
        }
    }

    fn list(&mut self, depth: u32) -> String {
        if depth == 0 {
            return self.one(&["bgp_community", "-empty-", "c"]);
        }
        match self.of(3) {
            0 => self.list(0),
            1 => format!("add({}, (1, 2))", self.list(depth - 1)),
            _ => format!("filter({}, [(*, 1..7)])", self.list(depth - 1)),
        }
    }

    fn command(&mut self, depth: u32) -> String {
        let d = depth.saturating_sub(1);
        match self.of(if depth == 0 { 10 } else { 14 }) {
            0 => self.one(&["accept;", "reject;", "accept \"yes\";", "error \"no\";"]),
            1 => format!("a = {};", self.int(3)),
            2 => format!("b = {};", self.int(2)),
            3 => format!("t = {};", self.boolean(3)),
            4 => format!("p = {};", self.path(2)),
            5 => format!("c = {};", self.list(2)),
            6 => format!("preference = {};", self.int(1)),
            7 => format!("bgp_path.prepend({});", self.int(1)),
            8 => format!("bgp_community = {};", self.list(1)),
            9 => format!("print {}, {};", self.int(1), self.path(1)),
            10 => format!("if {} then {}", self.boolean(3), self.block(d)),
            11 => format!("if {} then {} else {}", self.boolean(2), self.block(d), self.block(d)),
            12 => format!("for int i in {} do {}", self.path(1), self.block(d)),
            _ => {
                format!("case {} {{ 0..9: {} 65000: {} else: {} }}", self.int(1), self.block(d), self.block(d), self.block(d))
            }
        }
    }

    fn block(&mut self, depth: u32) -> String {
        let count = self.of(4);
        let commands: Vec<String> = (0..count).map(|_| self.command(depth)).collect();
        format!("{{ {} }}", commands.join(" "))
    }
}

fn both_agree(filter: &Filter, custom: &CustomAttrs) {
    let (proto, attrs): (Arc<str>, Attrs) = ("fuzz".into(), Attrs { preference: 100, ..Attrs::default() });
    let Ok(net) = "10.0.0.0/8".parse::<IpNet>() else { return };
    let net = Net::from(net);
    let mut machine = Machine::default();
    let mut plain = RouteView::new(&net, &attrs, &proto);
    let outcome = run(filter, &mut plain, &mut machine, &NoEnv);
    let mut watched = RouteView::new(&net, &attrs, &proto);
    let trace = explain(filter, &mut watched, &mut machine, &NoEnv, custom);
    match &trace.end {
        End::Verdict(verdict, ..) => assert_eq!((*verdict, outcome.error), (outcome.verdict, None)),
        End::Undecided => assert_eq!((outcome.verdict, outcome.site), (Verdict::Error, None)),
        End::Error(error, _) => assert_eq!(Some(error), outcome.error.as_ref()),
    }
    assert_eq!(plain.finish(), watched.finish());
}

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices(data.iter());
    let function = choices.block(2).replace("accept", "return 1; #").replace("reject", "return 2; #");
    let commands: Vec<String> = (0..8).map(|_| choices.command(DEEPEST)).collect();
    let text = format!(
        "function f(int a; bool t) -> int\nint b; bgppath p; clist c;\n{{\n{}\nreturn 0; }}\n\
         filter fuzz\nint a; int b; bool t; bgppath p; clist c;\n{{\na = 1; b = 2; t = true; p = +empty+; c = -empty-;\n{}\n}}\nprotocol device {{}}\n",
        function.replace(';', ";\n"),
        commands.join("\n")
    );
    let files = BTreeMap::from([(PathBuf::from("bird.conf"), text.into_bytes())]);
    let custom = CustomAttrs::default();
    let loaded = config::load(Path::new("bird.conf"), tern::protocols::SYNTAX, &custom, &files);
    if let Ok(config) = loaded {
        config.filters().for_each(|(_, filter)| both_agree(filter, &custom));
    }
});
