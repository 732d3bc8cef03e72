//! From statements to [`Config`].
//!
//! Why one pass: BIRD reads a file once, and a name must stand above its use. Lowering follows it statement
//! by statement, so a `define` in the middle, a table redeclared later or a second `debug protocols` mean
//! what they mean there.
//!
//! How: [`State`] is what is known so far; a [`Lowering`] is that state together with the words and places
//! the front end has read, made anew for each statement. A wrong statement is reported and left out, and the
//! names it should have defined are remembered as failed, so that its users are not reported, too. The checks
//! themselves live next to their subject: `args` knows the kinds of arguments, `table`, `channel`,
//! `protocol`, `mpls` and `top` the statements, and each kind of protocol its own options.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    CliSocket, Config, DebugConfig, DebugMask, LogConfig, MplsDomain, MrtdumpConfig, Place, ProtocolConfig,
    ProtocolSyntax, RouterIdConfig, SelfTest, TableConfig, ThreadGroup, TimeFormats, Unbuilt,
};
use crate::base::{NetType, Value};
use crate::filter::{CustomAttrs, Snapshot, Symbol, Symbols};
use crate::syntax::ast::{Ident, Item, Span, Tok};
use crate::syntax::diag::{Diagnostic, Diagnostics};
use crate::syntax::names::{Names, Sym};
use crate::syntax::source::Sources;

pub mod args;
mod channel;
mod code;
pub mod iproute2;
mod mpls;
pub mod names;
pub mod protocol;
mod table;
mod top;

pub use protocol::Block;

/// Defaults of `debug`, as the file sets them on its way.
#[derive(Clone, Copy, Default)]
struct DefaultDebug {
    protocols: DebugMask,
    channels: DebugMask,
    tables: DebugMask,
}

/// What is known so far.
pub struct State {
    kinds: Vec<&'static dyn ProtocolSyntax>,
    custom: CustomAttrs,
    diagnostics: Diagnostics,
    symbols: Symbols,
    /// Names whose definition was refused.
    failed: FxHashSet<Sym>,
    /// Where the parser found something wrong, in order.
    damage: Vec<Tok>,
    claims: BTreeMap<(&'static str, String), Arc<str>>,
    counters: BTreeMap<&'static str, u32>,
    unbuilt: Vec<(Tok, String)>,
    default_debug: DefaultDebug,
    any_protocol: bool,
    /// Protocols that are not built are left out instead of refused.
    pub for_tests: bool,
    /// Tables or protocols were seen: too late for thread groups.
    groups_closed: bool,
    default_group: Option<Arc<str>>,

    router_id: RouterIdConfig,
    hostname: Option<Arc<str>>,
    gr_wait: Duration,
    logs: Vec<LogConfig>,
    debug: DebugConfig,
    mrtdump: MrtdumpConfig,
    time_formats: TimeFormats,
    cli_sockets: Vec<CliSocket>,
    threads: u32,
    thread_groups: Vec<Arc<ThreadGroup>>,
    filter_stacks: Option<(u32, u32)>,
    tables: Vec<Arc<TableConfig>>,
    /// Where tables stand in that list.
    table_names: FxHashMap<Arc<str>, usize>,
    mpls_domains: Vec<Arc<MplsDomain>>,
    protocols: Vec<Arc<ProtocolConfig>>,
    templates: Vec<Arc<ProtocolConfig>>,
    self_tests: Vec<SelfTest>,
    filter_places: BTreeMap<Arc<str>, Place>,
    /// The file of the last place given: places of one file share its name.
    last_file: Arc<PathBuf>,
}

/// The state, and what the front end has read.
pub struct Lowering<'a> {
    state: &'a mut State,
    names: &'a mut Names,
    sources: &'a Sources,
}

impl Deref for Lowering<'_> {
    type Target = State;
    fn deref(&self) -> &State {
        self.state
    }
}

impl DerefMut for Lowering<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state
    }
}

impl State {
    /// The state before the first statement: predefined tables and the constants of the machine. `lost` are
    /// names whose definition may have been dropped with a syntax error: that they mean nothing is not the
    /// fault of their users.
    pub fn new(
        kinds: &[&'static dyn ProtocolSyntax],
        custom: CustomAttrs,
        names: &mut Names,
        constants: &[(String, u32)],
        lost: &[Sym],
    ) -> State {
        let mut base = Snapshot::default();
        for sym in lost {
            base.predefine(names.text(*sym), Symbol::Constant(Value::Void));
        }
        // Token 0 with an empty place: labels that say "first defined here" leave these out.
        let mut symbols = Symbols::on(Arc::new(base));
        let mut predefine = |name: &str, symbol| {
            symbols.define_again(Ident { sym: names.intern(name), tok: 0 }, symbol);
        };
        let mut tables = Vec::new();
        for (name, net_type) in [("master4", NetType::Ip4), ("master6", NetType::Ip6)] {
            predefine(name, Symbol::Table(net_type));
            tables.push(Arc::new(TableConfig::new(name.into(), net_type, DebugMask::OFF)));
        }
        for (name, value) in constants {
            predefine(name, Symbol::Constant(Value::Int(*value)));
        }
        State {
            kinds: kinds.to_vec(),
            custom,
            diagnostics: Diagnostics::default(),
            symbols,
            failed: lost.iter().copied().collect(),
            damage: Vec::new(),
            claims: BTreeMap::new(),
            counters: BTreeMap::new(),
            filter_places: BTreeMap::new(),
            last_file: Arc::default(),
            unbuilt: Vec::new(),
            default_debug: DefaultDebug::default(),
            any_protocol: false,
            for_tests: false,
            groups_closed: false,
            default_group: Some("worker".into()),
            router_id: RouterIdConfig::Auto,
            hostname: None,
            gr_wait: Duration::from_secs(240),
            logs: Vec::new(),
            debug: DebugConfig::default(),
            mrtdump: MrtdumpConfig::default(),
            time_formats: TimeFormats::default(),
            cli_sockets: Vec::new(),
            threads: 1,
            thread_groups: Vec::new(),
            filter_stacks: None,
            table_names: tables
                .iter()
                .enumerate()
                .map(|(at, t): (_, &Arc<TableConfig>)| (t.name.clone(), at))
                .collect(),
            tables,
            mpls_domains: Vec::new(),
            protocols: Vec::new(),
            templates: Vec::new(),
            self_tests: Vec::new(),
        }
    }

    /// Reports an error at a token.
    pub fn error(&mut self, at: Tok, message: impl Into<String>) {
        self.push(Diagnostic::error(at, message));
    }

    fn error_count(&self) -> usize {
        self.diagnostics.error_count()
    }

    /// Names the file defines at its top level, wherever.
    pub fn declare(&mut self, names: Vec<Sym>) {
        self.symbols.declare(names);
    }

    /// Tells where the parser found something wrong: what is missing around there may have been written.
    pub fn set_damage(&mut self, mut at: Vec<Tok>) {
        at.sort_unstable();
        self.damage = at;
    }

    /// Whether the parser found something wrong in here.
    fn is_damaged(&self, span: Span) -> bool {
        let first = self.damage.partition_point(|tok| *tok < span.first);
        self.damage.get(first).is_some_and(|tok| *tok <= span.last)
    }

    /// Claims something only one protocol may have. Gives back who claimed it before.
    pub fn claim(&mut self, what: &'static str, key: &str, by: &str) -> Option<Arc<str>> {
        let slot = (what, key.to_owned());
        let before = self.claims.get(&slot).cloned();
        if before.is_none() {
            self.claims.insert(slot, by.into());
        }
        before
    }
}

impl<'a> Lowering<'a> {
    /// The state, ready for the next statement.
    pub fn new(state: &'a mut State, names: &'a mut Names, sources: &'a Sources) -> Lowering<'a> {
        Lowering { state, names, sources }
    }

    /// Takes one statement.
    pub fn item(&mut self, item: Item) {
        match item {
            Item::Define { name, value, span } => self.define_constant(name, &value, span),
            Item::Attribute { ty, bgp, name, span } => self.attribute(ty, bgp.as_ref(), name, span),
            Item::Filter { name, body } => self.filter_item(name, &body),
            Item::Function(function) => self.function(&function),
            Item::Eval(term) => self.eval_item(&term),
            Item::Protocol(protocol) => self.protocol(protocol),
            Item::Table(table) => self.table_item(table),
            Item::MplsDomain { name, ranges, span } => self.mpls_domain(name, &ranges, span),
            Item::ThreadGroup { name, options, span } => self.thread_group(name, &options, span),
            Item::SelfTest(opt) => self.self_test(&opt),
            Item::Option(opt) => self.top_option(&opt),
        }
    }

    /// The line of a token.
    pub fn line(&self, tok: Tok) -> u32 {
        self.sources.line(tok)
    }

    /// File and line of a token.
    pub fn place(&mut self, tok: Tok) -> Place {
        let at = self.sources.locate(tok);
        if **self.state.last_file != *at.path {
            self.state.last_file = Arc::new(at.path.to_path_buf());
        }
        Place { file: self.state.last_file.clone(), line: at.line }
    }

    /// What is checked when all statements were read. `clean` says that the parser found nothing wrong.
    pub fn end(&mut self, clean: bool) {
        let eof = self.sources.end();
        if !clean || self.error_count() > 0 {
            return;
        }
        if self.default_group.is_none() {
            self.error(eof, "No default thread group configured");
        }
        if !self.any_protocol {
            self.push(
                Diagnostic::error(eof, "No protocol is specified in the config file")
                    .help("at least `protocol device { }` is needed; templates do not count"),
            );
        }
    }
}

impl State {
    /// What was found wrong or worth a warning.
    pub fn take_diagnostics(&mut self) -> Diagnostics {
        std::mem::take(&mut self.diagnostics)
    }

    /// The finished configuration; the caller has seen that there are no errors.
    pub fn into_config(
        self,
        path: PathBuf,
        names: &Names,
        sources: &Sources,
        warnings: Vec<String>,
    ) -> Config {
        let unbuilt = self.unbuilt.into_iter().map(|(tok, option)| {
            let at = sources.locate(tok);
            Unbuilt { place: format!("{}:{}:{}", at.path.display(), at.line, at.col), option }
        });
        Config {
            path,
            router_id: self.router_id,
            hostname: self.hostname,
            gr_wait: self.gr_wait,
            logs: self.logs,
            debug: self.debug,
            mrtdump: self.mrtdump,
            time_formats: self.time_formats,
            cli_sockets: self.cli_sockets,
            threads: self.threads,
            thread_groups: self.thread_groups,
            filter_stacks: self.filter_stacks,
            tables: self.tables,
            mpls_domains: self.mpls_domains,
            protocols: self.protocols,
            templates: self.templates,
            self_tests: self.self_tests,
            filter_places: self.filter_places,
            symbols: self.symbols.snapshot(names),
            warnings,
            notes: Vec::new(),
            unbuilt: unbuilt.collect(),
        }
    }
}
