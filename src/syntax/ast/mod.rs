//! What the parser hands on: statements and expressions with positions, nothing resolved.
//!
//! A position is an index into the one token stream of all files (includes expanded in place), so that "earlier" means
//! "read earlier by BIRD", and a check can point at the token BIRD would have read last.
//!
//! Options of protocols, channels, tables and the top level share one shape, [`Opt`]: the option's words as a
//! static key and its arguments. A new protocol therefore brings grammar and lowering, never a new AST. The
//! two bodies that can hold a million entries, static routes and prefix sets, have compact forms of their
//! own.

mod code;
mod sets;

use std::sync::Arc;

use super::names::Sym;
use crate::base::Net;

pub use code::{
    BinOp, Body, CaseArm, Cmd, CmdKind, Decl, EmptyKind, Expr, ExprKind, Function, TypeName, Verdict,
};
pub use sets::{FlowItem, FlowOp, MaskItem, PatPart, PrefixPattern, SetItem};

/// Index of a token in the stream of all files.
pub type Tok = u32;

/// Tokens `first..=last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// The first token.
    pub first: Tok,
    /// The last token, inclusive.
    pub last: Tok,
}

impl Span {
    /// From the first token of `self` to the last of `other`.
    pub fn to(self, other: Span) -> Span {
        Span { first: self.first, last: other.last }
    }
    /// The token after this span: the lookahead BIRD's parser has read when it acts on the span.
    pub fn lookahead(self) -> Tok {
        self.last + 1
    }
}

/// A word at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ident {
    /// The word.
    pub sym: Sym,
    /// Where it stands.
    pub tok: Tok,
}

/// A string literal or any other text of the configuration: bytes, because BIRD keeps any byte.
pub type Text = Arc<str>;

/// A top-level statement.
#[derive(Clone, Debug)]
pub enum Item {
    /// `define NAME = TERM;`
    Define {
        /// The new constant.
        name: Ident,
        /// Its value.
        value: Expr,
        /// The whole statement, with the semicolon.
        span: Span,
    },
    /// `attribute TYPE NAME;` or `attribute bgp N bytestring NAME;`
    Attribute {
        /// The written type.
        ty: TypeName,
        /// `bgp N`: the number of an otherwise unknown BGP attribute.
        bgp: Option<Expr>,
        /// The new attribute.
        name: Ident,
        /// The whole statement.
        span: Span,
    },
    /// `filter NAME ... { }`
    Filter {
        /// Its name.
        name: Ident,
        /// Declarations and commands.
        body: Body,
    },
    /// `function NAME (ARGS) [-> TYPE] ... { }`
    Function(Function),
    /// `eval TERM`, evaluated and dropped.
    Eval(Expr),
    /// `protocol KIND ... { }` or `template KIND ... { }`
    Protocol(Protocol),
    /// `NETTYPE table NAME [sorted] [{ options }]`
    Table(Table),
    /// `mpls domain NAME [{ label range ... }]`
    MplsDomain {
        /// Its name.
        name: Ident,
        /// One `label range` each: args are `Arg::Word`/`Arg::Name` and, if written, `Arg::Block`.
        ranges: Vec<Opt>,
        /// The whole statement.
        span: Span,
    },
    /// `thread group NAME [{ options }]` (3.x)
    ThreadGroup {
        /// Its name.
        name: Ident,
        /// Its options.
        options: Vec<Opt>,
        /// The whole statement.
        span: Span,
    },
    /// `bt_test_suite(FUNCTION, TEXT);` and `bt_test_same(F, F, N);`
    SelfTest(Opt),
    /// Every other statement: `router id`, `log`, `debug protocols`, `timeformat`, ...
    Option(Opt),
}

/// A protocol or template block.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// `template` instead of `protocol`.
    pub template: bool,
    /// The kind: `static`, `kernel`, ...
    pub kind: Ident,
    /// The name, if one was given.
    pub name: Option<Ident>,
    /// `from NAME`.
    pub from: Option<Ident>,
    /// Options and channels in the order of the file.
    pub items: Vec<ProtoItem>,
    /// The `{`.
    pub open: Tok,
    /// The `}`: checks of a finished block point there.
    pub close: Tok,
    /// The whole block.
    pub span: Span,
}

/// One item of a protocol block.
#[derive(Clone, Debug)]
pub enum ProtoItem {
    /// An option.
    Option(Opt),
    /// A channel.
    Channel(Channel),
    /// Routes of a static protocol, those between two other items together.
    Routes(Routes),
}

/// A channel of a protocol.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `ipv4`, `ipv6`, `ipv6 sadr`, `vpn4 mpls`, `mpls`, ... as written, words joined by one blank.
    pub kind: &'static str,
    /// Its first word.
    pub tok: Tok,
    /// Its options.
    pub options: Vec<Opt>,
    /// The whole channel, with the closing brace if there is one.
    pub span: Span,
}

/// A routing table.
#[derive(Clone, Debug)]
pub struct Table {
    /// As in [`Channel::kind`].
    pub kind: &'static str,
    /// Its name.
    pub name: Ident,
    /// The bare word `sorted` before the block.
    pub sorted: bool,
    /// Its options.
    pub options: Vec<Opt>,
    /// The whole statement.
    pub span: Span,
}

/// An option: the words that name it and its arguments, for instance `("scan time", [Expr])`.
///
/// The key holds every fixed word of the option in the order of the manual, joined by blanks, words that only
/// introduce an argument included (`"gc period"`, `"import limit"`, `"merge paths"`). Optional parts that
/// were not written are absent from `args` unless `grammar/KEYS.md` says otherwise.
#[derive(Clone, Debug)]
pub struct Opt {
    /// The option's words.
    pub key: &'static str,
    /// Its arguments in the order of the file.
    pub args: Vec<Arg>,
    /// From the first word to the last token before the semicolon.
    pub span: Span,
}

/// An argument of an option.
#[derive(Clone, Debug)]
pub enum Arg {
    /// A literal, a constant's name or a parenthesised term (all kinds of section 5 of the language
    /// reference, `switch` included: `on`/`yes` arrive as `ExprKind::Bool`).
    Expr(Expr),
    /// A switch that was not written (`disabled;`): on.
    Present,
    /// A number with its unit, as it stands.
    Time {
        /// The number.
        value: Expr,
        /// `s`, `ms` or `us`.
        unit: &'static str,
    },
    /// A fixed word among alternatives: `all`, `off`, `none`, `block`, `iso`, `short`, ...
    Word(&'static str, Tok),
    /// A name that must be declared: table, protocol, filter, domain, range, group.
    Name(Ident),
    /// A mask: the words inside `{ }`, or the single word `all` or `off`.
    Mask(Vec<(&'static str, Tok)>),
    /// An import or export policy.
    Policy(Policy),
    /// Interface patterns.
    Patterns(Vec<Pattern>),
    /// A nested block.
    Block(Vec<Opt>),
    /// A prefix literal where only an expression would be too wide (`export in NET`).
    Net(Expr),
}

/// The right side of `import` and `export`.
#[derive(Clone, Debug)]
pub enum Policy {
    /// `all`
    All,
    /// `none`
    None,
    /// `filter NAME`
    Named(Ident),
    /// `filter [locals] { ... }`
    Inline(Body),
    /// `where TERM`
    Where(Expr),
}

/// One interface pattern: `[-] ["NAME"] [PREFIX]`.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// Preceded by `-`.
    pub negate: bool,
    /// The first part: text, prefix, address, constant or term.
    pub first: Expr,
    /// The prefix behind a text.
    pub second: Option<Expr>,
    /// The whole pattern.
    pub span: Span,
}

/// Routes of a static protocol in compact form: each is a net and a number into `dests`; equal simple destinations
/// (`via ADDRESS`, `blackhole`, ...) share one entry.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// The routes in the order of the file.
    pub list: Vec<StaticRoute>,
    /// Destinations, shared by number.
    pub dests: Vec<RouteDest>,
    /// Routes whose network is a constant's name: `list[i].net` is a placeholder then.
    pub named: Vec<(u32, Ident)>,
    /// Routes whose network literal holds terms (`roa max EXPR`, `mpls EXPR`, ...): placeholder likewise.
    pub computed: Vec<(u32, Expr)>,
    /// Ordered by route number: commands in braces, MPLS label of the net.
    pub extra: Vec<RouteExtra>,
}

/// One static route.
#[derive(Clone, Debug)]
pub struct StaticRoute {
    /// The network.
    pub net: Net,
    /// Index into [`Routes::dests`].
    pub dest: u32,
    /// The word `route`.
    pub tok: Tok,
}

const _: () = assert!(size_of::<StaticRoute>() <= 32, "a million of them make a big configuration");

/// What few routes have besides net and destination.
#[derive(Clone, Debug)]
pub struct RouteExtra {
    /// Index into [`Routes::list`].
    pub route: u32,
    /// `route NET mpls EXPR`.
    pub label: Option<Expr>,
    /// `{ commands }`.
    pub commands: Vec<Cmd>,
    /// From the word `route` to the token before the semicolon.
    pub span: Span,
}

/// Where a static route points.
#[derive(Clone, Debug)]
pub enum RouteDest {
    /// One or more `via`.
    Via(Vec<Via>),
    /// `recursive ADDRESS [mpls LABELS]`
    Recursive {
        /// The gateway to look up.
        gateway: Expr,
        /// Its labels.
        labels: Vec<Expr>,
        /// The whole destination.
        span: Span,
    },
    /// `blackhole`, `drop`
    Blackhole,
    /// `unreachable`, `reject`
    Unreachable,
    /// `prohibit`
    Prohibit,
    /// Nothing was written.
    Empty,
    /// `providers A, B` (ASPA)
    Providers(Vec<Expr>),
    /// `transit` (ASPA)
    Transit,
}

/// One next hop of a static route.
#[derive(Clone, Debug)]
pub struct Via {
    /// The address or interface name: literal, constant or term of type ip or string.
    pub target: Expr,
    /// `% NAME`
    pub scope: Option<Ident>,
    /// Options in the order of the file: `dev`, `mpls`, `onlink`, `weight`, `bfd`.
    pub options: Vec<Opt>,
    /// From `via` on.
    pub span: Span,
}
