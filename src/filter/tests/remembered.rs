//! Answers from memory are those of the machine: verdict, site, attributes, output, whatever the filter asks
//! and however the world changes.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::harness::load;
use super::robust::{condition, int, program, statement};
use crate::base::path::AsPath;
use crate::base::{IpNet, Net, NextHop, Value};
use crate::filter::attributes::id;
use crate::filter::vm::{Machine, run};
use crate::filter::{Assertion, Case, Env, Filter, RouteView, Verdicts};
use crate::table::{Attrs, Dest, Interner};

/// A world that changes.
#[derive(Default)]
struct World {
    roas: RefCell<Vec<(IpNet, u8, u32)>>,
    aspas: RefCell<Vec<(u32, Vec<u32>)>>,
    /// Interfaces are called after their number and this.
    letter: RefCell<u8>,
    lines: RefCell<Vec<String>>,
}

impl Env for World {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        let roas = self.roas.borrow();
        for (_, max, asn) in roas.iter().filter(|(net, ..)| table == "r" && net.contains(prefix)) {
            if !each(*max, *asn) {
                return;
            }
        }
    }
    fn aspa_entries(&self, _: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        for (_, providers) in self.aspas.borrow().iter().filter(|(of, _)| *of == customer) {
            each(providers);
        }
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        Some(format!("v{index}{}", self.letter.borrow()).into())
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        name.strip_prefix('v')?.strip_suffix(&self.letter.borrow().to_string())?.parse().ok()
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, _: bool) -> Option<u32> {
        let IpAddr::V4(v4) = gateway else { return only };
        let last = u32::from(v4.octets()[3]);
        (last != u32::from(*self.letter.borrow())).then_some(last)
    }
    fn print(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
    fn runtime_error(&self, line: u32, message: &str) {
        self.lines.borrow_mut().push(format!("{line}: {message}"));
    }
    fn undecided(&self, filter: &str) {
        self.lines.borrow_mut().push(format!("{filter} is undecided"));
    }
    fn assertion(&self, assertion: Assertion) {
        self.lines.borrow_mut().push(assertion.text.to_string());
    }
}

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    Route { net: usize, attrs: usize, proto: usize },
    Roa { net: usize, max: u8, asn: u32 },
    NoRoa(usize),
    Aspa(u32, u32),
    Rename(u8),
}

const NETS: &[&str] =
    &["10.0.0.0/8", "10.1.0.0/16", "11.1.0.0/16", "11.0.0.0/8", "10.2.3.0/24", "0.0.0.0/0", "2001:db8::/32"];

fn event() -> impl Strategy<Value = Event> {
    let net = 0..NETS.len();
    prop_oneof![
        16 => (net.clone(), 0usize..4, 0usize..3).prop_map(|(net, attrs, proto)| Event::Route { net, attrs, proto }),
        2 => (net.clone(), 8u8..33, 1u32..5).prop_map(|(net, max, asn)| Event::Roa { net, max, asn }),
        1 => (0usize..4).prop_map(Event::NoRoa),
        1 => (1u32..5, 1u32..5).prop_map(|(customer, provider)| Event::Aspa(customer, provider)),
        1 => (0u8..3).prop_map(Event::Rename),
    ]
}

/// Commands about the net and the world.
fn worldly() -> impl Strategy<Value = String> {
    let sample = |list: &'static [&'static str]| prop::sample::select(list.to_vec());
    let told = sample(&[
        "roa_check(r) = ROA_INVALID",
        "roa_check(r, net, bgp_path.last) = ROA_VALID",
        "roa_check(r, p, 2) != ROA_UNKNOWN",
        "roa_check(r, net, i) = ROA_UNKNOWN",
        "aspa_check(at, bgp_path, true) = ASPA_INVALID",
        "aspa_check_downstream(at) = ASPA_VALID",
        "deep(net)",
        "deep(p)",
        "net ~ mine",
        "p !~ mine",
        "net ~ [10.0.0.0/8{9,20}]",
        "net = p",
        "p = 10.1.0.0/16",
        "net.type = NET_IP6",
        "proto = \"two\"",
        "proto ~ \"t*\"",
        "ifname = \"v30\"",
        "from = 192.0.2.9",
        "source = RTS_BGP",
        "bgp_path ~ [= * 2 =]",
        "(1, 1) ~ bgp_community",
        "net.ip = 10.1.0.0",
        "where_from(net).len = 8",
        "dest = RTD_BLACKHOLE",
    ]);
    let done = sample(&[
        "gw = 192.0.2.2;",
        "gw = from;",
        "ifname = \"v51\";",
        "p = net;",
        "p = 10.1.0.0/16;",
        "mine = [11.0.0.0/8+];",
        "mine = [10.0.0.0/8{16,24}];",
        "bgp_community.add((net.len, 2));",
        "bgp_path.prepend(net.len);",
        "dest = RTD_BLACKHOLE;",
        "preference = net.len;",
        "print net, \" \", proto;",
        "accept \"a \", p;",
        "reject;",
        "mark = p;",
        "case roa_check(r) { ROA_VALID: bgp_med = 1; ROA_INVALID: reject; else: bgp_med = 3; }",
        "i = i + aspa_sum();",
        "if deep(net) then p = where_from(p);",
        "for int n in path do if roa_check(r, net, n) = ROA_VALID then bgp_med = n;",
    ])
    .prop_map(str::to_owned);
    let any = prop_oneof![3 => told.prop_map(str::to_owned), 1 => condition()];
    let leaf = prop_oneof![4 => done, 2 => statement(), 1 => int().prop_map(|n| format!("i = {n};"))];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4).prop_map(|list| list.join(" "));
        (any.clone(), list.clone(), list)
            .prop_map(|(test, a, b)| format!("if {test} then {{ {a} }} else {{ {b} }}"))
    })
}

/// More functions and variables than [`program`] has.
fn worldly_program(commands: &[String]) -> String {
    program(&[format!("prefix set mine = [10.1.0.0/16+, 11.0.0.0/8]; p = net;\n{}", commands.join("\n"))]).replacen(
        "filter f",
        "roa4 table r; aspa table at; attribute prefix mark;
         function depth(prefix a) -> int { return a.len; }
         function deep(prefix a) -> bool { if depth(a) > 12 then return a ~ OURS; return a ~ [11.0.0.0/8+]; }
         function where_from(prefix a) -> prefix { if deep(a) then return a; return 10.9.0.0/16; }
         function roa_weight(prefix a) -> int { if roa_check(r, a, bgp_path.last_nonaggregated) = ROA_VALID then return 10; return 20; }
         function aspa_sum() -> int { if aspa_check_upstream(at) = ASPA_INVALID then return 1; return roa_weight(net); }
         filter f",
        1,
    )
}

fn given() -> [Arc<Attrs>; 4] {
    [(100, vec![3, 2]), (200, vec![1, 2, 3]), (100, vec![4]), (100, vec![])].map(
        |(preference, path): (u16, Vec<u32>)| {
            let hop = NextHop::new(Some([192, 0, 2, 2].into()), 3);
            let mut attrs = Attrs { preference, dest: Dest::Unicast([hop].into()), ..Attrs::default() };
            if !path.is_empty() {
                attrs.set(id::BGP_PATH, Value::Path(AsPath::sequence(&path)));
                attrs.from = Some([192, 0, 2, path.len() as u8].into());
            }
            Arc::new(attrs)
        },
    )
}

/// One filter, all events; both must agree. Tells how many routes there were, and how many the machine has not seen.
fn compare(filter: &Arc<Filter>, events: &[Event], text: &str) -> Result<(), TestCaseError> {
    let (world, given) = (World::default(), given());
    let (mut verdicts, mut machine, mut interner) =
        (Verdicts::default(), Machine::default(), Interner::default());
    let protos: [Arc<str>; 3] = ["one".into(), "two".into(), "three".into()];
    for event in events {
        match event {
            Event::Roa { net, max, asn } => {
                if let Ok(net) = NETS[*net].parse() {
                    world.roas.borrow_mut().push((net, *max, *asn));
                }
            }
            Event::NoRoa(at) => {
                let mut roas = world.roas.borrow_mut();
                if *at < roas.len() {
                    roas.remove(*at);
                }
            }
            Event::Aspa(customer, provider) => world.aspas.borrow_mut().push((*customer, vec![*provider])),
            Event::Rename(letter) => *world.letter.borrow_mut() = *letter,
            Event::Route { net, attrs, proto } => {
                let net: Net = NETS[*net].parse::<IpNet>().unwrap().into();
                let (attrs, proto) = (&given[*attrs], &protos[*proto]);
                let case = Case { filter, net: &net, attrs, proto, env: &world };
                let said = verdicts.judge(&case, &mut machine, &mut interner);
                let told = std::mem::take(&mut *world.lines.borrow_mut());
                let mut view = RouteView::new(&net, attrs, proto);
                let outcome = run(filter, &mut view, &mut Machine::default(), &world);
                let after = view.finish_shared(&mut interner).unwrap_or_else(|| attrs.clone());
                let right = std::mem::take(&mut *world.lines.borrow_mut());
                prop_assert_eq!(
                    (&said.0, &said.1, told),
                    (&outcome, &after, right),
                    "{} {}\n{}",
                    net,
                    proto,
                    text
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn memory_says_what_the_machine_says(
        commands in prop::collection::vec(worldly(), 1..6),
        events in prop::collection::vec(event(), 1..120),
    ) {
        let text = worldly_program(&commands);
        let world = load(&text);
        // Constant parts may be found out to be impossible already.
        let Some(filter) = world.inline.first().filter(|_| world.first_error().is_none()) else { return Ok(()) };
        compare(filter, &events, &text)?;
    }
}

/// The programs above are real ones, for all commands that they may have.
#[test]
fn what_is_compared_compiles() {
    let world = load(&worldly_program(&["if deep(net) && roa_check(r) = ROA_VALID then gw = from;".into()]));
    assert_eq!(world.first_error(), None);
}
