//! What stands between brackets: members of sets, masks of paths, and the parts of flow specifications.

use ipnet::IpNet;

use super::{Expr, Span, Tok};

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
    /// `dst`, `src`, `proto`, `next header`, `port`, `dport`, `sport`, `icmp type`, `icmp code`, `tcp flags`,
    /// `length`, `dscp`, `fragment`, `label`.
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
