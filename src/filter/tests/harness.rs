//! A configuration with nothing but its filters.

use std::cell::RefCell;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{IpNet, Net, NetExt, NetType, NextHop, Value};
use crate::filter::RouteView;
use crate::filter::code::Verdict;
use crate::filter::compile::{Checker, OneLine};
use crate::filter::env::Env;
use crate::filter::symbols::{Snapshot, Symbol, Symbols};
use crate::filter::vm::{Machine, evaluate, run, run_commands};
use crate::filter::{CustomAttrs, Filter, Program};
use crate::syntax::ast::{Arg, Body, Expr, Item, Opt, Policy, ProtoItem, RouteDest};
use crate::syntax::diag::{Diagnostic, Diagnostics, Severity};
use crate::syntax::names::{Names, Sym};
use crate::syntax::{Disk, Files, ReadError, Sources, on_big_stack, parse, parse_filter_body, parse_term};
use crate::table::{Attrs, Dest, RouteSource};

/// What a file holds for filters.
pub(crate) struct World {
    pub symbols: Symbols,
    pub names: Names,
    pub sources: Sources,
    pub custom: CustomAttrs,
    pub diagnostics: Vec<Diagnostic>,
    /// Inline filters and `where` terms, in order.
    pub inline: Vec<Arc<Filter>>,
    pub commands: Vec<Arc<Program>>,
    /// Static routes with the import filter of their protocol and their own commands.
    pub routes: Vec<StaticRoute>,
    /// Nets of ROA and ASPA tables with the table's name; of ASPA also the providers.
    pub entries: Vec<(Arc<str>, Net, Vec<u32>)>,
}

/// A static route as far as filters can see it.
pub(crate) struct StaticRoute {
    pub proto: Arc<str>,
    pub net: Net,
    pub attrs: Attrs,
    pub commands: Option<Arc<Program>>,
    pub import: Option<Arc<Filter>>,
}

/// One file in memory.
struct Memory(String);

impl Files for Memory {
    fn read(&self, _: &Path) -> Result<Vec<u8>, ReadError> {
        Ok(self.0.clone().into_bytes())
    }
    fn list(&self, _: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
    fn is_dir(&self, _: &Path) -> bool {
        false
    }
}

fn net_type(kind: &str) -> NetType {
    let wanted = kind.replace(' ', "-");
    NetType::ALL.into_iter().find(|t| t.name() == wanted).unwrap_or(NetType::Ip4)
}

pub(crate) fn load(text: &str) -> World {
    read(Path::new("t.conf"), &Memory(text.to_string()))
}

pub(crate) fn load_file(path: &Path) -> World {
    read(path, &Disk)
}

fn read(path: &Path, files: &(dyn Files + Sync)) -> World {
    let parsed = parse(path, files).unwrap_or_else(|e| panic!("{}: {e:?}", path.display()));
    on_big_stack(move || {
        let mut base = Snapshot::default();
        base.predefine("master4", Symbol::Table(NetType::Ip4));
        base.predefine("master6", Symbol::Table(NetType::Ip6));
        let mut world = World {
            symbols: Symbols::on(Arc::new(base)),
            names: parsed.names,
            sources: parsed.sources,
            custom: CustomAttrs::default(),
            diagnostics: Vec::new(),
            inline: Vec::new(),
            commands: Vec::new(),
            routes: Vec::new(),
            entries: Vec::new(),
        };
        let mut diagnostics = parsed.diagnostics;
        for item in &parsed.items {
            world.item(item, &mut diagnostics);
        }
        world.diagnostics = diagnostics.sorted();
        world
    })
    .unwrap()
}

impl World {
    fn item(&mut self, item: &Item, diagnostics: &mut Diagnostics) {
        let (inline, commands) = (&mut self.inline, &mut self.commands);
        let (list, entries) = (&mut self.routes, &mut self.entries);
        let mut c = Checker::new(&mut self.symbols, &self.names, &self.custom, &self.sources, diagnostics);
        let policy = |c: &mut Checker<'_>, opt: &Opt, inline: &mut Vec<Arc<Filter>>| {
            for arg in &opt.args {
                let filter = match arg {
                    Arg::Policy(Policy::Inline(body)) => c.inline_filter(body),
                    Arg::Policy(Policy::Where(term)) => c.where_filter(term),
                    Arg::Policy(Policy::Named(name)) => match c.symbols.filter(c.names, *name) {
                        Ok(filter) => Some(filter.clone()),
                        Err(diagnostic) => {
                            c.diagnostics.push(diagnostic);
                            None
                        }
                    },
                    _ => None,
                };
                inline.extend(filter);
            }
        };
        match item {
            Item::Define { name, value, .. } => c.define(*name, value),
            Item::Attribute { ty, bgp: None, name, .. } => c.attribute(ty, *name),
            Item::Attribute { ty, bgp: Some(number), name, .. } => c.bgp_attribute(number, ty, *name),
            Item::Filter { name, body } => c.filter(*name, body),
            Item::Function(function) => c.function(function),
            Item::Eval(term) => {
                c.constant(term);
            }
            Item::Table(table) => {
                let symbol = Symbol::Table(net_type(table.kind));
                if let Err(d) = c.symbols.define(c.names, table.name, symbol) {
                    c.diagnostics.push(d);
                }
            }
            Item::Protocol(protocol) => {
                if let Some(name) = protocol.name
                    && let Err(d) = c.symbols.define(c.names, name, Symbol::Protocol("Static"))
                {
                    c.diagnostics.push(d);
                }
                let name = protocol.name.map_or("static1".into(), |n| c.names.shared(n.sym));
                let (mut import, mut table, mut preference) = (None, Arc::from(""), 200);
                for item in &protocol.items {
                    match item {
                        ProtoItem::Option(opt) => policy(&mut c, opt, inline),
                        ProtoItem::Channel(channel) => {
                            for opt in &channel.options {
                                let before = inline.len();
                                let mut more = Vec::new();
                                policy(&mut c, opt, &mut more);
                                inline.append(&mut more);
                                match (opt.key, &opt.args[..]) {
                                    ("import", _) => import = inline.get(before).cloned(),
                                    ("table", [Arg::Name(name)]) => table = c.names.shared(name.sym),
                                    ("preference", [Arg::Expr(e)]) => {
                                        preference = int(&mut c, e).unwrap_or(0) as u16
                                    }
                                    _ => {}
                                }
                            }
                        }
                        ProtoItem::Routes(routes) => {
                            for (at, route) in routes.list.iter().enumerate() {
                                let at = at as u32;
                                let computed = routes.computed.iter().find(|(n, _)| *n == at);
                                let net = match computed.map(|(_, e)| c.constant(e)) {
                                    Some(Some(Value::Net(net))) => net,
                                    _ => route.net.clone(),
                                };
                                let extra = routes.extra.iter().find(|e| e.route == at);
                                let own = extra.and_then(|e| c.route_commands(&e.commands, e.span.last));
                                commands.extend(own.clone());
                                let (dest, providers) =
                                    destination(&mut c, &routes.dests[route.dest as usize]);
                                if !net.net_type().has_destination() {
                                    entries.push((table.clone(), net, providers));
                                    continue;
                                }
                                let attrs = Attrs {
                                    source: RouteSource::Static,
                                    preference,
                                    dest,
                                    ..Attrs::default()
                                };
                                list.push(StaticRoute {
                                    proto: name.clone(),
                                    net,
                                    attrs,
                                    commands: own,
                                    import: import.clone(),
                                });
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Runs a static route through its own commands and the import filter: the attributes if it is accepted.
    pub(crate) fn import(&self, route: &StaticRoute, log: &Log<'_>) -> Option<Attrs> {
        let mut machine = Machine::default();
        let mut attrs = route.attrs.clone();
        if let Some(commands) = &route.commands {
            let mut view = RouteView::new(&route.net, &attrs, &route.proto);
            let _ = run_commands(commands, &mut view, &mut machine, log);
            if let Some(new) = view.finish() {
                attrs = new;
            }
        }
        let Some(filter) = &route.import else { return Some(attrs) };
        let mut view = RouteView::new(&route.net, &attrs, &route.proto);
        let verdict = run(filter, &mut view, &mut machine, log).verdict;
        let changed = view.finish();
        (verdict == Verdict::Accept).then(|| changed.unwrap_or(attrs))
    }

    /// The first error as `LINE:COL MESSAGE`.
    pub(crate) fn first_error(&self) -> Option<String> {
        let first = self.diagnostics.iter().find(|d| d.severity == Severity::Error)?;
        let place = self.sources.locate(first.at);
        Some(format!("{}:{} {}", place.line, place.col, first.message))
    }

    /// Warnings as `LINE:COL MESSAGE`.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let list = self.diagnostics.iter().filter(|d| d.severity == Severity::Warning);
        list.map(|d| {
            let place = self.sources.locate(d.at);
            format!("{}:{} {}", place.line, place.col, d.message)
        })
        .collect()
    }

    fn taken(&self) -> Vec<Sym> {
        let kept = self.symbols.snapshot(&self.names);
        kept.iter().filter_map(|(word, _)| self.names.find(word)).collect()
    }

    /// What `eval TEXT` replies, code included, and what it logs.
    pub(crate) fn eval(&self, text: &str, env: &dyn Env) -> String {
        let part = match parse_term(text, &self.names, &self.taken()) {
            Ok(part) => part,
            Err(d) => return format!("9001 {}", d.message),
        };
        if part.rest < text.len() {
            return "9001 syntax error, unexpected something".into();
        }
        let mut symbols = Symbols::on(self.symbols.snapshot(&self.names));
        let mut diagnostics = Diagnostics::default();
        let mut checker = Checker::new(&mut symbols, &part.names, &self.custom, &OneLine, &mut diagnostics);
        let program = checker.term(&part.value);
        match program {
            Some(program) => match evaluate(&program, &mut Machine::default(), env) {
                Ok(Some(value)) => format!("0023 {value}"),
                Ok(None) => "8008 runtime error".into(),
                Err(error) => {
                    env.runtime_error(error.line, &error.message);
                    "8008 runtime error".into()
                }
            },
            None => {
                let first = diagnostics.sorted().into_iter().find(|d| d.severity == Severity::Error);
                format!("9001 {}", first.map_or_else(|| "no program".into(), |d| d.message))
            }
        }
    }

    /// An inline filter of a command.
    pub(crate) fn filter(&self, text: &str) -> Arc<Filter> {
        self.compiled(text, &self.taken(), |checker, body| checker.inline_filter(body))
    }

    /// Commands that see all routes of a group. `routes` is a name there, which hides the keyword.
    pub(crate) fn merge_filter(&self, text: &str) -> Arc<Filter> {
        let mut taken = self.taken();
        taken.extend(self.names.find("routes"));
        self.compiled(text, &taken, |checker, body| checker.merge_filter(body))
    }

    fn compiled(
        &self,
        text: &str,
        taken: &[Sym],
        compile: impl FnOnce(&mut Checker<'_>, &Body) -> Option<Arc<Filter>>,
    ) -> Arc<Filter> {
        let part = parse_filter_body(text, &self.names, taken).unwrap_or_else(|d| panic!("{}", d.message));
        let mut symbols = Symbols::on(self.symbols.snapshot(&self.names));
        let mut diagnostics = Diagnostics::default();
        let mut checker = Checker::new(&mut symbols, &part.names, &self.custom, &OneLine, &mut diagnostics);
        let filter = compile(&mut checker, &part.value);
        filter.unwrap_or_else(|| panic!("{text}: {:?}", diagnostics.sorted()))
    }
}

fn int(c: &mut Checker<'_>, term: &Expr) -> Option<u32> {
    match c.constant(term)? {
        Value::Int(n) => Some(n),
        _ => None,
    }
}

/// Where a static route points, with interfaces numbered 2 (`v0`, 192.0.2.0/24) and 7 (`v1`, 198.51.100.0/24).
fn destination(c: &mut Checker<'_>, dest: &RouteDest) -> (Dest, Vec<u32>) {
    let dest = match dest {
        RouteDest::Via(list) => {
            let hops = list.iter().map(|via| {
                let (gateway, ifindex) = match c.constant(&via.target) {
                    Some(Value::Ip(ip)) => (Some(ip), link_of(ip).unwrap_or(2)),
                    _ => (None, 2),
                };
                let mut hop = NextHop::new(gateway, ifindex);
                for opt in &via.options {
                    match (opt.key, &opt.args[..]) {
                        ("weight", [Arg::Expr(e)]) => hop.weight = int(c, e).unwrap_or(1) as u16,
                        ("onlink", _) => hop.onlink = true,
                        ("mpls", [Arg::Expr(e)]) => hop.labels.extend(int(c, e)),
                        _ => {}
                    }
                }
                hop
            });
            let mut hops: Vec<NextHop> = hops.collect();
            hops.sort();
            Dest::Unicast(hops.into())
        }
        RouteDest::Unreachable => Dest::Unreachable,
        RouteDest::Prohibit => Dest::Prohibit,
        RouteDest::Providers(list) => return (Dest::None, list.iter().filter_map(|e| int(c, e)).collect()),
        RouteDest::Transit => return (Dest::None, vec![0]),
        _ => Dest::Blackhole,
    };
    (dest, Vec::new())
}

fn link_of(ip: IpAddr) -> Option<u32> {
    match ip {
        IpAddr::V4(a) if a.octets()[..3] == [192, 0, 2] => Some(2),
        IpAddr::V4(a) if a.octets()[..3] == [198, 51, 100] => Some(7),
        IpAddr::V6(_) => Some(2),
        IpAddr::V4(_) => None,
    }
}

/// Keeps what filters say, and knows the tables of a world.
#[derive(Default)]
pub(crate) struct Log<'a>(pub RefCell<Vec<String>>, pub Option<&'a World>);

impl Log<'_> {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.borrow().clone()
    }
}

impl Env for Log<'_> {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        for (name, net, _) in self.1.iter().flat_map(|w| &w.entries) {
            if let (Net::Ext(ext), true) = (net, &**name == table)
                && let NetExt::Roa { prefix: covers, max_len, asn } = &**ext
                && covers.contains(prefix)
                && !each(*max_len, *asn)
            {
                return;
            }
        }
    }
    fn aspa_entries(&self, table: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        for (name, net, providers) in self.1.iter().flat_map(|w| &w.entries) {
            if &**name == table && *net == NetExt::Aspa(customer).into() {
                each(providers);
            }
        }
    }
    fn print(&self, line: &str) {
        self.0.borrow_mut().push(format!("INFO {line}"));
    }
    fn runtime_error(&self, line: u32, message: &str) {
        self.0.borrow_mut().push(format!("ERR filters, line {line}: {message}"));
    }
    fn undecided(&self, filter: &str) {
        let text = format!("ERR Filter {filter} did not return accept nor reject. Make up your mind");
        self.0.borrow_mut().push(text);
    }
    fn assertion(&self, a: crate::filter::Assertion) {
        let (word, sides) = (if a.passed { "ok" } else { "failed" }, a.compared);
        let sides = sides.map(|(left, right)| format!(": {left}, {right}")).unwrap_or_default();
        self.0.borrow_mut().push(format!("{word} {}: {}{sides}", a.line, a.text));
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        match index {
            2 => Some("v0".into()),
            7 => Some("v1".into()),
            _ => None,
        }
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        match name {
            "v0" => Some(2),
            "v1" => Some(7),
            _ => None,
        }
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, _onlink: bool) -> Option<u32> {
        let own = gateway == IpAddr::from([192, 0, 2, 1]);
        only.or_else(|| link_of(gateway).filter(|_| !own))
    }
}
