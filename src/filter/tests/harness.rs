//! A configuration with nothing but its filters.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{NetType, Value};
use crate::filter::compile::{Checker, OneLine};
use crate::filter::env::Env;
use crate::filter::symbols::{Snapshot, Symbol, Symbols};
use crate::filter::vm::{Machine, RuntimeError, evaluate};
use crate::filter::{CustomAttrs, Filter, Program};
use crate::syntax::ast::{Arg, Item, Opt, Policy, ProtoItem};
use crate::syntax::diag::{Diagnostic, Diagnostics, Severity};
use crate::syntax::names::{Names, Sym};
use crate::syntax::{Disk, Files, ReadError, Sources, on_big_stack, parse, parse_filter_body, parse_term};

/// What a file holds for filters.
pub struct World {
    pub symbols: Symbols,
    pub names: Names,
    pub sources: Sources,
    pub custom: CustomAttrs,
    pub diagnostics: Vec<Diagnostic>,
    /// Inline filters and `where` terms, in order.
    pub inline: Vec<Arc<Filter>>,
    pub commands: Vec<Arc<Program>>,
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

pub fn load(text: &str) -> World {
    read(Path::new("t.conf"), &Memory(text.to_string()))
}

pub fn load_file(path: &Path) -> World {
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
        let mut c = Checker::new(&mut self.symbols, &self.names, &self.custom, &self.sources, diagnostics);
        let mut policy = |c: &mut Checker<'_>, opt: &Opt| {
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
                if let Some(name) = protocol.name {
                    if let Err(d) = c.symbols.define(c.names, name, Symbol::Protocol("Static")) {
                        c.diagnostics.push(d);
                    }
                }
                for item in &protocol.items {
                    match item {
                        ProtoItem::Option(opt) => policy(&mut c, opt),
                        ProtoItem::Channel(channel) => channel.options.iter().for_each(|o| policy(&mut c, o)),
                        ProtoItem::Routes(routes) => {
                            for extra in &routes.extra {
                                commands.extend(c.route_commands(&extra.commands, extra.span.last));
                            }
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// The first error as `LINE:COL MESSAGE`.
    pub fn first_error(&self) -> Option<String> {
        let first = self.diagnostics.iter().find(|d| d.severity == Severity::Error)?;
        let place = self.sources.locate(first.at);
        Some(format!("{}:{} {}", place.line, place.col, first.message))
    }

    /// Warnings as `LINE:COL MESSAGE`.
    pub fn warnings(&self) -> Vec<String> {
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
    pub fn eval(&self, text: &str, env: &dyn Env) -> String {
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
                Ok(value) => format!("0023 {value}"),
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

    /// The value of a term.
    pub fn value(&self, text: &str) -> Result<Value, RuntimeError> {
        let part = parse_term(text, &self.names, &self.taken()).unwrap_or_else(|d| panic!("{}", d.message));
        let mut symbols = Symbols::on(self.symbols.snapshot(&self.names));
        let mut diagnostics = Diagnostics::default();
        let mut checker = Checker::new(&mut symbols, &part.names, &self.custom, &OneLine, &mut diagnostics);
        let program = checker.term(&part.value);
        let program = program.unwrap_or_else(|| panic!("{text}: {:?}", diagnostics.sorted()));
        evaluate(&program, &mut Machine::default(), &Log::default())
    }

    /// An inline filter of a command.
    pub fn filter(&self, text: &str) -> Arc<Filter> {
        let part =
            parse_filter_body(text, &self.names, &self.taken()).unwrap_or_else(|d| panic!("{}", d.message));
        let mut symbols = Symbols::on(self.symbols.snapshot(&self.names));
        let mut diagnostics = Diagnostics::default();
        let mut checker = Checker::new(&mut symbols, &part.names, &self.custom, &OneLine, &mut diagnostics);
        let filter = checker.inline_filter(&part.value);
        filter.unwrap_or_else(|| panic!("{text}: {:?}", diagnostics.sorted()))
    }
}

/// Keeps what filters say.
#[derive(Default)]
pub struct Log(pub RefCell<Vec<String>>);

impl Env for Log {
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
    fn assertion(&self, line: u32, text: &str, passed: bool) {
        self.0.borrow_mut().push(format!("{} {line}: {text}", if passed { "ok" } else { "failed" }));
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        (index == 7).then(|| "v1".into())
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        (name == "v1").then_some(7)
    }
}
