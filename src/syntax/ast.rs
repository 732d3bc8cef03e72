//! What the parser hands on: statements and expressions with positions, nothing resolved.
//!
//! A position is an index into the one token stream of all files (includes expanded in place), so that "earlier" means
//! "read earlier by BIRD", and a check can point at the token BIRD would have read last.
//!
//! Options of protocols, channels, tables and the top level share one shape, [`Opt`]: the option's words as a static key and its arguments.
//! A new protocol therefore brings grammar and lowering, never a new AST. The two bodies that can hold a million entries, static
//! routes and prefix sets, have compact forms of their own.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::names::Sym;
use crate::base::{Mac, Net, Rd, bytes::Bytes, community::LargeCommunity};

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
/// The key holds every fixed word of the option in the order of the manual, joined by blanks, words that only introduce an argument
/// included (`"gc period"`, `"import limit"`, `"merge paths"`). Optional parts that were not written are absent from `args` unless
/// `grammar/KEYS.md` says otherwise.
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
    /// A literal, a constant's name or a parenthesised term (all kinds of section 5 of the language reference, `switch` included: `on`/`yes`
    /// arrive as `ExprKind::Bool`).
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

/// A written type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TypeName {
    /// The base word: `int`, `bool`, `prefix`, `enum`, ...
    pub word: &'static str,
    /// `enum NAME`: the NAME.
    pub of: Option<Ident>,
    /// Followed by `set`.
    pub set: bool,
    /// All its tokens.
    pub span: Span,
}

/// A declaration `TYPE NAME`.
#[derive(Clone, Debug)]
pub struct Decl {
    /// The type.
    pub ty: TypeName,
    /// The name.
    pub name: Ident,
    /// `= TERM`
    pub value: Option<Expr>,
    /// Without the semicolon.
    pub span: Span,
}

/// A function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name.
    pub name: Ident,
    /// Its arguments.
    pub args: Vec<Decl>,
    /// `-> TYPE`
    pub returns: Option<TypeName>,
    /// Declarations and commands.
    pub body: Body,
}

/// Declarations before the brace, then commands.
#[derive(Clone, Debug)]
pub struct Body {
    /// The old form: `TYPE NAME;` between head and brace.
    pub locals: Vec<Decl>,
    /// The commands.
    pub commands: Vec<Cmd>,
    /// The `{`.
    pub open: Tok,
    /// The `}`.
    pub close: Tok,
}

/// A command of a filter.
#[derive(Clone, Debug)]
pub struct Cmd {
    /// What it does.
    pub kind: CmdKind,
    /// All its tokens, a closing semicolon included.
    pub span: Span,
}

/// The kinds of commands.
#[derive(Clone, Debug)]
pub enum CmdKind {
    /// `TYPE NAME [= TERM];`
    Declare(Decl),
    /// `{ ... }`
    Block(Vec<Cmd>),
    /// `if TERM then CMD [else CMD]`; an else-if chain is a list, so that nothing recurses over it.
    If {
        /// Conditions and their commands, in order.
        arms: Vec<(Expr, Cmd)>,
        /// The last `else`.
        otherwise: Option<Box<Cmd>>,
    },
    /// `case TERM { ... }`
    Case {
        /// What is looked at.
        value: Expr,
        /// Labels with their commands.
        arms: Vec<CaseArm>,
        /// The `}`.
        close: Tok,
    },
    /// `for TYPE NAME in TERM do CMD`
    For {
        /// The loop variable.
        var: Decl,
        /// What is walked over.
        over: Expr,
        /// What is done.
        body: Box<Cmd>,
    },
    /// `LVALUE = TERM;`
    Assign {
        /// Variable or attribute.
        target: Ident,
        /// The value.
        value: Expr,
    },
    /// `LVALUE.METHOD[(ARGS)];`
    MethodCall {
        /// Variable or attribute.
        target: Ident,
        /// The method.
        method: Ident,
        /// Its arguments; `None` without parentheses.
        args: Option<Vec<Expr>>,
    },
    /// `unset(ATTRIBUTE);`
    Unset(Ident),
    /// `accept|reject|error [LIST];`
    Verdict {
        /// Which.
        verdict: Verdict,
        /// The message.
        message: Vec<Expr>,
    },
    /// `print|printn [LIST];`
    Print {
        /// `print`: with an end of line.
        newline: bool,
        /// What.
        list: Vec<Expr>,
    },
    /// `return TERM;`
    Return(Expr),
    /// A call or any other term whose value is dropped.
    Call(Expr),
    /// `bt_assert(TERM);`
    Assert {
        /// The condition.
        condition: Expr,
        /// Its source text, for the report.
        text: Text,
    },
    /// `bt_check_assign(LVALUE, TERM);`
    CheckAssign {
        /// The attribute.
        target: Ident,
        /// The value.
        value: Expr,
    },
}

/// How a filter ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the language")]
pub enum Verdict {
    Accept,
    Reject,
    Error,
}

/// `LABELS: COMMANDS` or `else: COMMANDS`.
#[derive(Clone, Debug)]
pub struct CaseArm {
    /// Empty for `else:`.
    pub labels: Vec<SetItem>,
    /// `else:`
    pub is_else: bool,
    /// The commands.
    pub commands: Vec<Cmd>,
    /// From the first label to the last command.
    pub span: Span,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// All its tokens.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `true`, `false` (and `on`, `off`, `yes`, `no` in switch options).
    Bool(bool),
    /// A number.
    Int(u32),
    /// An address.
    Ip(IpAddr),
    /// A network literal without terms in it.
    Net(Net),
    /// A network literal with terms: type word and parts in the order of the file (`roa`: prefix, max, asn; `mpls`; `aspa`; `neighbor`: address,
    /// index; `vpn`: rd, prefix; `sadr`: prefix, source; `evpn ...`; `flow4`/`flow6`: one `Flow` part).
    NetOf(&'static str, Vec<Expr>),
    /// `flow4 { ... }`: components as options (`key` = `dst`, `proto`, `tcp flags`, ...).
    Flow {
        /// `flow6`
        v6: bool,
        /// Its components.
        items: Vec<FlowItem>,
    },
    /// A route distinguisher.
    Rd(Rd),
    /// An Ethernet address.
    Mac(Mac),
    /// A byte string.
    Bytes(Bytes),
    /// A string.
    Text(Text),
    /// A constant name in upper case: `RTS_BGP`.
    Enum(Ident),
    /// A name: constant, variable, attribute (built-in ones too).
    Name(Ident),
    /// `(TERM)`
    Paren(Box<Expr>),
    /// `!TERM`
    Not(Box<Expr>),
    /// `A OP B OP C`: operators of one precedence, applied from left to right. Flat, because generated files hold chains of any length.
    Chain(Box<Expr>, Vec<(BinOp, Expr)>),
    /// `TERM.NAME` or `TERM.NAME(ARGS)`
    Method {
        /// The object.
        object: Box<Expr>,
        /// The method or attribute.
        method: Ident,
        /// `None` without parentheses.
        args: Option<Vec<Expr>>,
    },
    /// `NAME(ARGS)`: a function of the user, or a built-in (`defined`, `format`, `from_hex`, `prepend`, `append`, `add`, `delete`, `filter`,
    /// `roa_check`, `aspa_check`, `aspa_check_upstream`, `aspa_check_downstream`).
    Call {
        /// The function.
        function: Ident,
        /// Its arguments; a table's name arrives as `Name`.
        args: Vec<Expr>,
    },
    /// `(A, B)`
    Pair(Box<Expr>, Box<Expr>),
    /// `(KIND, KEY, VALUE)`: an extended community; KIND is `rt`, `ro`, `generic` or `unknown`.
    Ec(&'static str, Option<u32>, Box<Expr>, Box<Expr>),
    /// `(A, B, C)`: a large community.
    Lc(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A large community known while parsing.
    LcConst(LargeCommunity),
    /// `[ ... ]` with no prefix pattern in it.
    Set(Vec<SetItem>),
    /// `[ ... ]` of prefix patterns only.
    PrefixSet(Vec<PrefixPattern>),
    /// `[= ... =]`
    PathMask(Vec<MaskItem>),
    /// `+empty+`, `-empty-`, `--empty--`, `---empty---`
    Empty(EmptyKind),
}

/// Which empty list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the types of the language")]
pub enum EmptyKind {
    Path,
    Clist,
    Eclist,
    Lclist,
}

/// Binary operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the operators of the language")]
pub enum BinOp {
    Add,
    Sub,
    Mul,
    Div,
    BitAnd,
    BitOr,
    Append,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Match,
    NotMatch,
    And,
    Or,
}

/// A member of a set, or a label of a `case`.
#[derive(Clone, Debug)]
pub enum SetItem {
    /// One value: a literal, a constant's name, `(TERM)`, or a pair/ec/lc constructor.
    One(Expr),
    /// `A..B`
    Range(Box<(Expr, Expr)>),
    /// `(P, P)` where a part is a range or `*`.
    PairPattern(Box<(PatPart, PatPart)>, Span),
    /// `(KIND, KEY, P)` where P is a range or `*`.
    EcPattern(&'static str, Option<u32>, Box<(Expr, PatPart)>, Span),
    /// `(A, B, C)` where a part is a range or `*`.
    LcPattern(Box<(PatPart, PatPart, PatPart)>, Span),
}

// Most members are single numbers, and there may be very many.
const _: () = assert!(size_of::<SetItem>() <= 64);

/// A part of a pattern.
#[derive(Clone, Debug)]
pub enum PatPart {
    /// A value.
    One(Expr),
    /// `A..B`
    Range(Expr, Expr),
    /// `*`
    Any,
}

/// `P`, `P+`, `P-`, `P{lo,hi}`: lengths from `low` to `high` are accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixPattern {
    /// The prefix.
    pub net: IpNet,
    /// Shortest accepted length.
    pub low: u8,
    /// Longest accepted length.
    pub high: u8,
}

/// An item of a path mask.
#[derive(Clone, Debug)]
pub enum MaskItem {
    /// `NUM`
    Asn(u32),
    /// `NUM..NUM`
    Range(u32, u32),
    /// `*`
    Star,
    /// `?`
    One,
    /// `+`: the item before, once or more.
    Loop(Tok),
    /// `[ ... ]`
    Set(Vec<SetItem>, Span),
    /// A name or `(TERM)` of type int or int set.
    Expr(Expr),
}

/// A component of a flow specification.
#[derive(Clone, Debug)]
pub struct FlowItem {
    /// `dst`, `src`, `proto`, `next header`, `port`, `dport`, `sport`, `icmp type`, `icmp code`, `tcp flags`, `length`, `dscp`, `fragment`, `label`.
    pub key: &'static str,
    /// `dst`, `src`: the prefix and, for flow6, its offset.
    pub prefix: Option<(Expr, Option<Expr>)>,
    /// Numeric and bit mask matches.
    pub ops: Vec<FlowOp>,
    /// The whole component.
    pub span: Span,
}

/// One match of a flow component.
#[derive(Clone, Debug)]
pub struct FlowOp {
    /// Joined to the one before by `&&`, of bit masks also by a comma (else `||`, of numbers also a comma).
    pub and: bool,
    /// Numeric: `=`, `!=`, `<`, `<=`, `>`, `>=`, `true`, `false`, `..`; bit masks: `""` or `!`.
    pub op: &'static str,
    /// The value; absent for `true`, `false`; for `fragment` the flag's bit as a number.
    pub value: Option<Expr>,
    /// End of a range, or the mask behind the slash.
    pub second: Option<Expr>,
}
