//! Arguments of options: the kinds of section 5 of the language reference.
//!
//! An argument is a literal, the name of a constant, or a term in parentheses. A wrong constant is reported
//! at the last token of the argument, which is where BIRD stands when it looks at the value; a name nobody
//! defined is a syntax error in BIRD's eyes and reads like one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Lowering;
use crate::base::nexthop::Labels;
use crate::base::{IpNet, Net, NetType, Value};
use crate::config::{FilterRef, Host, IfPattern, IfPatterns, TableConfig};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Expr, ExprKind, Ident, Opt, Pattern, Policy, Span, Tok};
use crate::syntax::diag::Diagnostic;

/// Labels must stay below this.
pub const LABEL_LIMIT: u32 = 1 << 20;
/// The deepest stack of labels.
pub const MAX_LABELS: usize = 8;

/// A kind of argument: what BIRD says about a wrong value, and what its parser would have liked instead of an
/// unknown name.
struct Kind {
    wrong: &'static str,
    expecting: &'static [&'static str],
}

const EXPR: Kind = Kind { wrong: "Number expected", expecting: &["NUM", "CF_SYM_KNOWN", "'('"] };
const TEXT: Kind = Kind { wrong: "String expected", expecting: &["CF_SYM_KNOWN", "TEXT", "'('"] };
const IPADDR: Kind = Kind { wrong: "IP address expected", expecting: &["IP4", "IP6", "CF_SYM_KNOWN", "'('"] };
const IDVAL: Kind =
    Kind { wrong: "Number or IPv4 address expected", expecting: &["NUM", "IP4", "CF_SYM_KNOWN", "'('"] };
const SWITCH: Kind = Kind { wrong: "Switch value expected", expecting: &[] };
const TEXT_OR_IP: Kind = Kind { wrong: "String or IP address expected", expecting: &[] };
const PATTERN: Kind = Kind { wrong: "String or IP address/prefix expected", expecting: &[] };
const NETWORK: Kind = Kind { wrong: "Network expected", expecting: &[] };

impl Lowering<'_> {
    /// The value of an argument, or `None` after an error was reported.
    fn value(&mut self, expr: &Expr, kind: &Kind) -> Option<Value> {
        Some(match &expr.kind {
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Int(n) => Value::Int(*n),
            ExprKind::Ip(a) => Value::Ip(*a),
            ExprKind::Net(n) => Value::Net(n.clone()),
            ExprKind::Text(t) => Value::Str(t.clone()),
            ExprKind::Name(name) => return self.constant(*name, kind),
            _ => return self.eval(expr),
        })
    }

    fn constant(&mut self, name: Ident, kind: &Kind) -> Option<Value> {
        let value = self.lookup(name, kind.wrong, kind.expecting, |symbol| match symbol {
            Symbol::Constant(value) => Some(value.clone()),
            _ => None,
        })?;
        // A constant whose own definition was refused.
        (value != Value::Void).then_some(value)
    }

    fn wrong<T>(&mut self, expr: &Expr, kind: &Kind, got: &Value) -> Option<T> {
        let help = format!("this is {}", describe(got));
        self.push(Diagnostic::error(expr.span.last, kind.wrong).over(expr.span).help(help));
        None
    }

    /// The argument of this number, if it is an expression.
    fn arg<'o>(&self, opt: &'o Opt, index: usize) -> Option<&'o Expr> {
        match opt.args.get(index) {
            Some(Arg::Expr(e) | Arg::Net(e)) => Some(e),
            _ => None,
        }
    }

    /// A number.
    pub fn number(&mut self, expr: &Expr) -> Option<u32> {
        match self.value(expr, &EXPR)? {
            Value::Int(n) => Some(n),
            other => self.wrong(expr, &EXPR, &other),
        }
    }

    /// The number that is argument `index` of an option.
    pub fn expr(&mut self, opt: &Opt, index: usize) -> Option<u32> {
        self.arg(opt, index).and_then(|e| self.number(e))
    }

    /// Sets a number from the first argument.
    pub fn set_expr(&mut self, opt: &Opt, to: &mut u32) {
        if let Some(n) = self.expr(opt, 0) {
            *to = n;
        }
    }

    /// A number of at most 16 bits.
    pub fn expr16(&mut self, opt: &Opt, index: usize) -> Option<u16> {
        self.arg(opt, index).and_then(|e| self.number16(e))
    }

    /// A number of at most 16 bits.
    pub fn number16(&mut self, expr: &Expr) -> Option<u16> {
        let n = self.number(expr)?;
        match u16::try_from(n) {
            Ok(n) => Some(n),
            Err(_) => {
                self.push(
                    Diagnostic::error(expr.span.last, format!("Value {n} out of range (0-65535)"))
                        .over(expr.span),
                );
                None
            }
        }
    }

    /// A switch: `on`, `off` and their like, a constant, or nothing at all.
    pub fn set_switch(&mut self, opt: &Opt, to: &mut bool) {
        match opt.args.first() {
            None | Some(Arg::Present) => *to = true,
            Some(Arg::Expr(e)) => {
                if let Some(on) = self.switch(e) {
                    *to = on;
                }
            }
            Some(Arg::Word(word, _)) => *to = matches!(*word, "on" | "yes" | "true"),
            Some(_) => {}
        }
    }

    /// The value of a switch that was written.
    pub fn switch(&mut self, expr: &Expr) -> Option<bool> {
        match self.value(expr, &SWITCH)? {
            Value::Bool(on) => Some(on),
            Value::Int(n) => {
                self.push(
                    Diagnostic::warning(expr.span.last, "Number argument for switch option deprecated")
                        .over(expr.span),
                );
                Some(n != 0)
            }
            other => self.wrong(expr, &SWITCH, &other),
        }
    }

    /// A time with its unit.
    pub fn time(&mut self, opt: &Opt, index: usize) -> Option<Duration> {
        let Some(Arg::Time { value, unit }) = opt.args.get(index) else { return None };
        let n = u64::from(self.number(value)?);
        Some(match *unit {
            "us" => Duration::from_micros(n),
            "ms" => Duration::from_millis(n),
            _ => Duration::from_secs(n),
        })
    }

    /// Sets a time from the first argument.
    pub fn set_time(&mut self, opt: &Opt, to: &mut Duration) {
        if let Some(time) = self.time(opt, 0) {
            *to = time;
        }
    }

    /// A text.
    pub fn string(&mut self, expr: &Expr) -> Option<Arc<str>> {
        match self.value(expr, &TEXT)? {
            Value::Str(text) => Some(text),
            other => self.wrong(expr, &TEXT, &other),
        }
    }

    /// The text that is argument `index` of an option.
    pub fn text(&mut self, opt: &Opt, index: usize) -> Option<Arc<str>> {
        self.arg(opt, index).and_then(|e| self.string(e))
    }

    /// An address.
    pub fn address(&mut self, expr: &Expr) -> Option<IpAddr> {
        match self.value(expr, &IPADDR)? {
            Value::Ip(address) => Some(address),
            other => self.wrong(expr, &IPADDR, &other),
        }
    }

    /// The address that is argument `index` of an option.
    pub fn ip(&mut self, opt: &Opt, index: usize) -> Option<IpAddr> {
        self.arg(opt, index).and_then(|e| self.address(e))
    }

    /// A router id: a number or an IPv4 address.
    pub fn idval(&mut self, opt: &Opt, index: usize) -> Option<u32> {
        let expr = self.arg(opt, index)?;
        match self.value(expr, &IDVAL)? {
            Value::Int(n) | Value::Quad(n) => Some(n),
            Value::Ip(IpAddr::V4(a)) => Some(a.into()),
            other => self.wrong(expr, &IDVAL, &other),
        }
    }

    /// A name or an address.
    pub fn host(&mut self, expr: &Expr) -> Option<Host> {
        match self.value(expr, &TEXT_OR_IP)? {
            Value::Str(name) => Some(Host::Name(name)),
            Value::Ip(address) => Some(Host::Ip(address)),
            other => self.wrong(expr, &TEXT_OR_IP, &other),
        }
    }

    /// A network constant by its bare name.
    pub fn network_name(&mut self, name: Ident) -> Option<Net> {
        match self.constant(name, &NETWORK)? {
            Value::Net(net) => Some(net),
            _ => {
                self.error(name.tok, NETWORK.wrong);
                None
            }
        }
    }

    /// A network of any kind.
    pub fn network(&mut self, expr: &Expr) -> Option<Net> {
        match self.value(expr, &NETWORK)? {
            Value::Net(net) => Some(net),
            other => self.wrong(expr, &NETWORK, &other),
        }
    }

    /// A stack of MPLS labels, outermost first.
    pub fn labels(&mut self, list: &[Expr]) -> Option<Labels> {
        let mut labels = Labels::new();
        for (i, expr) in list.iter().enumerate() {
            if i == MAX_LABELS {
                self.error(expr.span.last, "Too many labels in stack");
                return None;
            }
            labels.push(self.number(expr)?);
        }
        Some(labels)
    }

    /// A mask of flags; `parse` knows the words, `all` and `off` included.
    pub fn mask<M: FromIterator<M>>(&mut self, opt: &Opt, parse: impl Fn(&str) -> Option<M>) -> Option<M> {
        opt.args.iter().find_map(|arg| match arg {
            Arg::Mask(words) => Some(words.iter().filter_map(|(word, _)| parse(word)).collect()),
            Arg::Word(word, _) => parse(word).map(|m| std::iter::once(m).collect()),
            _ => None,
        })
    }

    /// Interface patterns; `names_only` where addresses make no sense.
    pub fn patterns(&mut self, opt: &Opt, names_only: bool) -> IfPatterns {
        let written = opt.args.iter().find_map(|arg| match arg {
            Arg::Patterns(list) => Some(list.as_slice()),
            _ => None,
        });
        let written = written.unwrap_or_default();
        let (mut list, mut addressed) = (Vec::new(), None);
        for pattern in written {
            if let Some(p) = self.pattern(pattern) {
                if p.prefix.is_some() {
                    addressed = addressed.or(Some(pattern.span));
                }
                list.push(p);
            }
        }
        if let (true, Some(span), Some(last)) = (names_only, addressed, written.last()) {
            // BIRD looks at the list when it ends, which the next token shows.
            let at = last.span.lookahead();
            self.push(Diagnostic::error(at, "Interface name/mask expected, not IP prefix").over(span));
        }
        IfPatterns(list)
    }

    fn pattern(&mut self, pattern: &Pattern) -> Option<IfPattern> {
        let (mut name, mut prefix) = (None, None);
        for expr in std::iter::once(&pattern.first).chain(&pattern.second) {
            match self.value(expr, &PATTERN)? {
                Value::Str(text) if name.is_none() && prefix.is_none() => name = Some(text),
                Value::Ip(address) if prefix.is_none() => prefix = Some(IpNet::from(address)),
                Value::Net(Net::Ip(net)) if prefix.is_none() => prefix = Some(net),
                other => {
                    // A lone name may go on as name and prefix, so BIRD has read the next token.
                    let lone = matches!(expr.kind, ExprKind::Name(_));
                    let at = if lone { expr.span.lookahead() } else { expr.span.last };
                    let help = format!("this is {}", describe(&other));
                    self.push(Diagnostic::error(at, PATTERN.wrong).over(expr.span).help(help));
                    return None;
                }
            }
        }
        Some(IfPattern::new(pattern.negate, name.as_deref(), prefix))
    }

    /// The name that is argument `index` of an option.
    pub fn name_arg(&self, opt: &Opt, index: usize) -> Option<Ident> {
        match opt.args.get(index) {
            Some(Arg::Name(ident)) => Some(*ident),
            Some(Arg::Expr(Expr { kind: ExprKind::Name(ident), .. })) => Some(*ident),
            _ => None,
        }
    }

    /// A table by its name.
    pub fn table_name(&mut self, opt: &Opt, index: usize) -> Option<Arc<TableConfig>> {
        let name = self.name_arg(opt, index)?;
        let is_table = |symbol: &Symbol| matches!(symbol, Symbol::Table(_)).then_some(());
        self.lookup(name, "Table name required", &["CF_SYM_KNOWN"], is_table)?;
        self.table(&self.name(name))
    }

    /// An import or export policy.
    pub fn policy(&mut self, policy: &Policy) -> Option<FilterRef> {
        match policy {
            Policy::All => Some(FilterRef::accept()),
            Policy::None => Some(FilterRef::reject()),
            Policy::Named(name) => self.lookup(*name, "Filter name required", &[], |symbol| match symbol {
                Symbol::Filter(filter) => Some(FilterRef::Named(filter.name.clone(), filter.clone())),
                _ => None,
            }),
            Policy::Inline(body) => self.inline_filter(body),
            Policy::Where(term) => self.where_filter(term),
        }
    }

    /// An option that cannot stand here. The parser refuses these; this is the net below it.
    pub fn unknown_option(&mut self, opt: &Opt) {
        self.push(
            Diagnostic::error(opt.span.first, format!("Option `{}` is not known here", opt.key))
                .over(opt.span),
        );
    }

    /// The type of table a channel or table word stands for.
    pub fn net_type(&mut self, kind: &str, at: Tok) -> Option<NetType> {
        let found = net_type_of(kind);
        if found.is_none() {
            self.error(at, format!("Tables of type {kind} are not supported"));
        }
        found
    }

    /// Notes an option that is understood but has no effect yet.
    pub fn not_built(&mut self, span: Span, option: &str) {
        self.unbuilt.push((span.first, option.to_owned()));
    }
}

/// The net type behind the words of a channel or table.
pub fn net_type_of(kind: &str) -> Option<NetType> {
    match kind {
        "ipv6 sadr" | "ipv6-sadr" => Some(NetType::Ip6Sadr),
        "neighbors" => Some(NetType::Neighbor),
        _ => NetType::ALL.into_iter().find(|t| t.name() == kind),
    }
}

fn describe(value: &Value) -> &'static str {
    match value {
        Value::Void => "nothing",
        Value::Bool(_) => "a bool",
        Value::Int(_) => "a number",
        Value::Pair(_) => "a pair",
        Value::Quad(_) => "a quad",
        Value::Ip(IpAddr::V4(_)) => "an IPv4 address",
        Value::Ip(IpAddr::V6(_)) => "an IPv6 address",
        Value::Net(_) => "a prefix",
        Value::Str(_) => "a string",
        Value::Bytes(_) => "a byte string",
        Value::Set(_) | Value::PrefixSet(_) => "a set",
        _ => "a value of another type",
    }
}
