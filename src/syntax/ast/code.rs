//! Filters and functions: declarations, commands, expressions.

use std::net::IpAddr;

use super::{FlowItem, Ident, MaskItem, PrefixPattern, SetItem, Span, Text, Tok};
use crate::base::{Mac, Net, Rd, bytes::Bytes, community::LargeCommunity};

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
    /// A network literal with terms: type word and parts in the order of the file (`roa`: prefix, max, asn;
    /// `mpls`; `aspa`; `neighbor`: address, index; `vpn`: rd, prefix; `sadr`: prefix, source; `evpn ...`;
    /// `flow4`/`flow6`: one `Flow` part).
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
    /// `A OP B OP C`: operators of one precedence, applied from left to right. Flat, because generated files
    /// hold chains of any length.
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
    /// `NAME(ARGS)`: a function of the user, or a built-in (`defined`, `format`, `from_hex`, `prepend`,
    /// `append`, `add`, `delete`, `filter`, `roa_check`, `aspa_check`, `aspa_check_upstream`,
    /// `aspa_check_downstream`).
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
