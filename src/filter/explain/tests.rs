#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
//! What a run looks like to the one who asks.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{End, Trace, explain};
use crate::base::path::AsPath;
use crate::base::{IpNet, Value};
use crate::filter::attributes::{CustomAttrs, id};
use crate::filter::env::Env;
use crate::filter::{Filter, Machine, RouteView, Verdict};
use crate::table::{Attrs, RouteSource};

struct World;

impl Env for World {
    fn covering_roas(&self, _: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        if prefix.prefix_len() >= 16 {
            let _ = each(24, 65000) && each(16, 0);
        }
    }
    fn print(&self, line: &str) {
        panic!("said {line}");
    }
    fn runtime_error(&self, _: u32, message: &str) {
        panic!("complained {message}");
    }
}

/// The filter `f` of a configuration made of files.
fn filter(files: &[(&str, &str)]) -> Arc<Filter> {
    let files: std::collections::BTreeMap<PathBuf, Vec<u8>> =
        files.iter().map(|(name, text)| (PathBuf::from(name), text.as_bytes().to_vec())).collect();
    let config =
        crate::config::load(Path::new("main"), crate::protocols::SYNTAX, &CustomAttrs::default(), &files);
    config.unwrap().filter("f").unwrap().clone()
}

fn run(filter: &Filter, net: &str) -> Trace {
    let mut attrs = Attrs { source: RouteSource::Static, preference: 200, ..Attrs::default() };
    attrs.extra = [(id::BGP_PATH, Value::Path(AsPath::sequence(&[65001, 65000])))].into_iter().collect();
    let proto = "static1".into();
    let mut view = RouteView::new(&net.parse::<IpNet>().unwrap().into(), &attrs, &proto);
    explain(filter, &mut view, &mut Machine::default(), &World, &CustomAttrs::default())
}

/// Each step as a line.
fn lines(trace: &Trace) -> Vec<String> {
    let mut lines = Vec::new();
    for step in &trace.steps {
        let pad = "  ".repeat(step.depth);
        lines.push(format!("{} {pad}{} => {}", step.spot, step.spot.text, step.outcome));
        lines.extend(step.notes.iter().map(|n| format!("- {n}")));
    }
    lines.push(match &trace.end {
        End::Verdict(verdict, spot, said) => format!("{verdict:?} {spot} {} {said:?}", spot.text),
        End::Undecided => "undecided".to_owned(),
        End::Error(error, spot) => format!("error {spot} {}: {}", spot.text, error.message),
    });
    lines
}

#[test]
fn statements_values_and_elements() {
    let f = filter(&[
        (
            "main",
            r#"roa4 table r4;
define BOGONS = [ 10.0.0.0/8+, 192.168.0.0/16{16,24} ];
include "part";
filter f int x; {
  if net ~ BOGONS && net.len < 9 then reject "short";
  if too_long(net, 24) then reject;
  x = net.len * 2;
  preference = 150;
  preference = 150;
  bgp_community.add((65000, x));
  case x { 10..40: bgp_med = 7; else: reject; }
  if bgp_path ~ [= * 65000 =] && bgp_path ~ [65000..65001] then
    if roa_check(r4) = ROA_INVALID then reject "invalid ", net;
  for int i in bgp_path do print i;
  accept "fine";
}
protocol device {}
"#,
        ),
        ("part", "# comment\nfunction too_long(prefix p; int most)\n{\n  return p.len > most;\n}\n"),
    ]);
    assert_eq!(
        lines(&run(&f, "10.1.0.0/16")),
        [
            "main:5 net ~ BOGONS => TRUE: 10.1.0.0/16 is in the set, by 10.0.0.0/8+",
            "main:5 net.len < 9 => FALSE: 16 < 9",
            "main:6 call too_long(10.1.0.0/16, 24) => ",
            "./part:4   p.len > most => FALSE: 16 > 24",
            "./part:4   return p.len > most => FALSE",
            "main:6 too_long(net, 24) => FALSE",
            "main:7 x = net.len * 2 => 32",
            "main:8 preference = 150 => preference: 200 -> 150",
            "main:9 preference = 150 => preference stays 150",
            "main:10 bgp_community.add((65000, x)) => bgp_community: (unset) -> (clist (65000,32))",
            "main:11 case x => 32, goes to 10..40",
            "main:11 bgp_med = 7 => bgp_med: (unset) -> 7",
            "main:12 bgp_path ~ [= * 65000 =] => TRUE: (path 65001 65000) ~ [= * 65000 =]",
            "main:12 bgp_path ~ [65000..65001] => TRUE: 65001 is in the set, by 65000..65001",
            "main:13 roa_check(r4, 10.1.0.0/16, 65000) => ROA_VALID",
            "- ROA 10.1.0.0/16 max 24 as 65000: matches",
            "- ROA 10.1.0.0/16 max 16 as 0: AS 0: nobody may announce it",
            "main:13 roa_check(r4) = ROA_INVALID => FALSE: ROA_VALID = ROA_INVALID",
            "main:14 int i in bgp_path => 65001",
            "main:14 print i => would log \"65001\"",
            "main:14 int i in bgp_path => 65000",
            "main:14 print i => would log \"65000\"",
            "main:14 int i in bgp_path => no more",
            "Accept main:15 accept \"fine\"; Some(\"fine\")",
        ]
    );
    assert_eq!(
        lines(&run(&f, "192.168.1.0/25")),
        [
            "main:5 net ~ BOGONS => FALSE: 192.168.1.0/25 is not in the set; 192.168.0.0/16{16,24} is around it, but takes no /25",
            "main:6 call too_long(192.168.1.0/25, 24) => ",
            "./part:4   p.len > most => TRUE: 25 > 24",
            "./part:4   return p.len > most => TRUE",
            "main:6 too_long(net, 24) => TRUE",
            "Reject main:6 reject; None",
        ]
    );
}

#[test]
fn errors_ends_and_long_runs() {
    let f = filter(&[(
        "main",
        "filter f {\n  print \"a\";\n  if bgp_med > 5 / (net.len - 16) then reject;\n}\n protocol device {}\n",
    )]);
    assert_eq!(
        lines(&run(&f, "10.1.0.0/16")),
        [
            "main:2 print \"a\" => would log \"a\"",
            "error main:3 bgp_med > 5 / (net.len - 16): Mother told me not to divide by 0"
        ]
    );
    assert_eq!(lines(&run(&f, "10.0.0.0/8")).last().unwrap(), "undecided");

    let f = filter(&[("main", "filter f {\n  print \"a\"; accept;\n}\n protocol device {}\n")]);
    assert_eq!(
        lines(&run(&f, "10.0.0.0/8")),
        ["main:2 print \"a\" => would log \"a\"", "Accept main:2 accept; None"],
        "what stands in front of a verdict is not its message"
    );

    let text = "function f2(int n) -> int { if n = 0 then return 0; return f2(n - 1); }\nfilter f { if f2(8000) = 0 then accept; reject; }\n protocol device {}\n";
    let trace = run(&filter(&[("main", text)]), "10.0.0.0/8");
    assert!(trace.end.accepts() && trace.steps.len() == super::STEPS && trace.skipped > 10_000);

    let long = format!(
        "filter f {{ if net ~ [ {}10.0.0.0/8 ] then reject; accept; }}\nprotocol device {{}}\n",
        "11.0.0.0/8, ".repeat(90_000)
    );
    let trace = run(&filter(&[("main", &long)]), "10.0.0.0/8");
    assert_eq!(lines(&trace)[1], "Reject main:1  None", "text that is too long is not kept");
    assert!(matches!(trace.end, End::Verdict(Verdict::Reject, ..)));
}
