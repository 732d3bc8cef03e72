//! Instructions: what a filter or function is compiled to.
//!
//! A body becomes one flat list of instructions over registers (arguments, variables, temporaries). Operands name registers, constants
//! or attributes in place, so that `bgp_path ~ MASK` copies nothing. Instructions are 16 bytes and comparable: two bodies with
//! equal instructions and constants do the same, which is how a reconfiguration knows that a filter did not change. Lines and
//! tokens stand in a table beside them and do not take part in the comparison.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::attributes::Field;
use super::symbols::FnId;
use super::types::Type;
use crate::base::Value;
use crate::base::mask::MaskItem;
use crate::base::set::Branches;
use crate::syntax::Excerpt;
use crate::syntax::ast::{Span, Tok};
use crate::table::AttrId;

/// A register of the current call.
pub type Reg = u16;

/// Where an operand is: the kind in the upper three bits, the rest below.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opd(u32);

/// An operand, spelled out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A register.
    Reg(Reg),
    /// A constant of the body.
    Const(u32),
    /// The net of the route.
    Net,
    /// An attribute; what it reads as when unset is decided by its type.
    Attr(AttrId, Blank),
}

/// What an attribute reads as when the route does not have it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the types that have an empty value, and all others")]
pub enum Blank {
    Void,
    Path,
    Clist,
    Eclist,
    Lclist,
}

impl From<Type> for Blank {
    fn from(ty: Type) -> Blank {
        match ty {
            Type::Path => Blank::Path,
            Type::Clist => Blank::Clist,
            Type::Eclist => Blank::Eclist,
            Type::Lclist => Blank::Lclist,
            _ => Blank::Void,
        }
    }
}

impl From<Place> for Opd {
    fn from(place: Place) -> Opd {
        let (kind, rest) = match place {
            Place::Reg(r) => (0, r as u32),
            Place::Const(c) => (1, c),
            Place::Net => (2, 0),
            Place::Attr(id, blank) => (3 + blank as u32, id.0 as u32),
        };
        Opd(kind << 29 | rest)
    }
}

impl Opd {
    /// Spells the operand out.
    #[inline]
    pub fn place(self) -> Place {
        let rest = self.0 & ((1 << 29) - 1);
        let attr = |blank| Place::Attr(AttrId(rest as u16), blank);
        match self.0 >> 29 {
            0 => Place::Reg(rest as u16),
            1 => Place::Const(rest),
            2 => Place::Net,
            3 => attr(Blank::Void),
            4 => attr(Blank::Path),
            5 => attr(Blank::Clist),
            6 => attr(Blank::Eclist),
            _ => attr(Blank::Lclist),
        }
    }
}

/// Arithmetic on ints.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the operators of the language")]
pub enum Arith {
    Add,
    Sub,
    Mul,
    Div,
    And,
    Or,
}

impl Arith {
    /// BIRD's name of the instruction, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Arith::Add => "ADD",
            Arith::Sub => "SUBTRACT",
            Arith::Mul => "MULTIPLY",
            Arith::Div => "DIVIDE",
            Arith::And => "BITAND",
            Arith::Or => "BITOR",
        }
    }
}

/// Comparisons.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the operators of the language")]
pub enum Cmp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Match,
    NotMatch,
}

impl Cmp {
    /// BIRD's name of the instruction, for messages.
    pub fn name(self) -> &'static str {
        match self {
            Cmp::Eq => "EQ",
            Cmp::Ne => "NEQ",
            Cmp::Lt | Cmp::Gt => "LT",
            Cmp::Le | Cmp::Ge => "LTE",
            Cmp::Match => "MATCH",
            Cmp::NotMatch => "NOT_MATCH",
        }
    }
}

/// Who asks for a bool; decides the words of the error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the constructs of the language")]
pub enum Asker {
    If,
    Not,
    And1,
    And2,
    Or1,
    Or2,
}

impl Asker {
    /// Argument number and instruction.
    pub fn words(self) -> (u8, &'static str) {
        match self {
            Asker::If => (1, "CONDITION"),
            Asker::Not => (1, "NOT"),
            Asker::And1 => (1, "AND"),
            Asker::And2 => (2, "AND"),
            Asker::Or1 => (1, "OR"),
            Asker::Or2 => (2, "OR"),
        }
    }
}

/// How a filter ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// The route passes.
    Accept,
    /// The route is refused.
    Reject,
    /// The route is refused because something went wrong.
    Error,
}

/// One instruction. Jumps hold absolute positions.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "operands are named for what they are: a, b read, dst written")]
pub enum Op {
    Move {
        dst: Reg,
        a: Opd,
    },
    /// Ends the run if there is no value to put into a variable of this type; `fresh`: a new one.
    Given {
        a: Opd,
        ty: Type,
        fresh: bool,
    },
    Arith {
        op: Arith,
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    Compare {
        op: Cmp,
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    Not {
        dst: Reg,
        a: Opd,
    },
    /// Checks that the operand is a bool and keeps it.
    Bool {
        asker: Asker,
        dst: Reg,
        a: Opd,
    },
    Jump {
        to: u32,
    },
    /// Jumps when the operand, which must be a bool, equals `when`.
    Branch {
        asker: Asker,
        when: bool,
        a: Opd,
        to: u32,
    },
    /// Jumps when the comparison gives `when`.
    CompareBranch {
        op: Cmp,
        when: bool,
        a: Opd,
        b: Opd,
        to: u32,
    },
    /// Jumps to the arm of a `case`.
    Switch {
        a: Opd,
        table: u32,
    },
    Field {
        dst: Reg,
        field: Field,
    },
    SetField {
        field: Field,
        a: Opd,
    },
    UnsetField {
        field: Field,
    },
    SetAttr {
        id: AttrId,
        ty: Type,
        a: Opd,
    },
    UnsetAttr {
        id: AttrId,
    },
    Bit {
        dst: Reg,
        id: AttrId,
        bit: u8,
    },
    SetBit {
        id: AttrId,
        bit: u8,
        a: Opd,
    },
    /// A method without argument: index into the table of methods.
    Method {
        method: u16,
        dst: Reg,
        a: Opd,
    },
    /// A method with one argument.
    Method1 {
        method: u16,
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    Pair {
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    Ec {
        kind: EcKind,
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    /// Three operands are too many for one instruction: the third one follows in register `dst`.
    Lc {
        dst: Reg,
        a: Opd,
        b: Opd,
    },
    Mask {
        dst: Reg,
        template: u32,
        first: Reg,
    },
    Defined {
        dst: Reg,
        a: Opd,
    },
    Format {
        dst: Reg,
        a: Opd,
    },
    FromHex {
        dst: Reg,
        a: Opd,
    },
    /// The table's name is a constant.
    RoaCheck {
        dst: Reg,
        table: u16,
        a: Opd,
        b: Opd,
    },
    RoaCheckRoute {
        dst: Reg,
        table: u16,
    },
    AspaCheck {
        dst: Reg,
        table: u16,
        a: Opd,
        b: Opd,
    },
    AspaCheckRoute {
        dst: Reg,
        table: u16,
        upstream: bool,
    },
    /// Calls a function whose arguments stand in registers from `args` on.
    Call {
        function: u32,
        dst: Reg,
        args: Reg,
    },
    Return {
        a: Opd,
    },
    /// The end of a body.
    End,
    /// Adds to the open line of output.
    Print {
        a: Opd,
    },
    /// Finishes the line.
    Line,
    Verdict {
        verdict: Verdict,
        site: u32,
    },
    /// Starts to walk over a list: its state is in `state` and `state + 1`.
    Walk {
        state: Reg,
        a: Opd,
    },
    /// Puts the next item into `dst`, or jumps.
    Next {
        state: Reg,
        dst: Reg,
        end: u32,
    },
    /// An attribute of one of the routes of a block.
    RouteField {
        dst: Reg,
        route: Reg,
        field: Field,
    },
    RouteAttr {
        dst: Reg,
        route: Reg,
        id: AttrId,
        blank: Blank,
    },
    RouteBit {
        dst: Reg,
        route: Reg,
        id: AttrId,
        bit: u8,
    },
    /// `routes` of an aggregator.
    Routes {
        dst: Reg,
    },
    /// Reports an assertion of a self-test.
    Assert {
        a: Opd,
        note: u32,
    },
    /// Ends with an error whose text is a constant: known to go wrong, but only if it is reached.
    Fail {
        message: u32,
    },
}

impl Op {
    /// Whether it may look at all of a list, path or text.
    fn is_weighty(&self) -> bool {
        matches!(
            self,
            Op::Compare { .. }
                | Op::CompareBranch { .. }
                | Op::Method { .. }
                | Op::Method1 { .. }
                | Op::Mask { .. }
                | Op::Format { .. }
                | Op::FromHex { .. }
                | Op::Print { .. }
                | Op::AspaCheck { .. }
                | Op::AspaCheckRoute { .. }
        )
    }
}

const _: () = assert!(size_of::<Op>() <= 16, "programs are walked all day");

/// The kind of an extended community under construction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EcKind {
    /// Two halves.
    Generic,
    /// Type and subtype; the key decides about the rest.
    Typed(u16),
}

/// Where an instruction comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Source {
    /// The token BIRD had read last when it made the instruction.
    pub tok: Tok,
    /// That token's line.
    pub line: u32,
}

/// A place where a filter ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    /// How.
    pub verdict: Verdict,
    /// Where.
    pub source: Source,
}

/// The labels of a `case`.
#[derive(Clone, PartialEq, Debug)]
pub struct Switch {
    /// Which arm a value belongs to.
    pub branches: Branches,
    /// Where the arms start.
    pub arms: Box<[u32]>,
    /// Where to go without a match.
    pub otherwise: u32,
}

/// An item of a path mask with values known only when running.
#[derive(Clone, PartialEq, Debug)]
pub enum MaskPart {
    /// Known.
    Known(MaskItem),
    /// In the next register of the instruction.
    Hole,
}

/// What there is to say about an assertion.
#[derive(Clone, PartialEq, Debug)]
pub struct Note {
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// As it is written.
    pub text: Arc<str>,
    /// The two sides of a comparison, to be shown when it fails.
    pub compared: Option<(Opd, Opd)>,
}

/// What a stretch of instructions is in the text; only those who explain a run look at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The first instruction.
    pub from: u32,
    /// The one behind the last.
    pub to: u32,
    /// What it is.
    pub what: Stretch,
    /// Its text.
    pub span: Span,
}

/// Kinds of stretches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stretch {
    /// A command; of one with commands inside, nothing is marked but those.
    Command,
    /// A command that leaves something in a variable.
    Variable(Reg),
    /// A condition that holds or not: a part of what stands between `if` and `then`, or a comparison.
    Test,
    /// The value that a `case` looks at.
    Case,
    /// Variable and list of a loop.
    Loop,
}

/// A compiled body.
#[derive(Debug, Default)]
pub struct Code {
    /// Name of the filter or function, empty for others.
    pub name: Arc<str>,
    /// The instructions; the last one never falls through.
    pub ops: Box<[Op]>,
    /// Constants, by number.
    pub consts: Box<[Value]>,
    /// Tables of `case`.
    pub switches: Box<[Switch]>,
    /// Path masks to be filled in.
    pub masks: Box<[Box<[MaskPart]>]>,
    /// Functions called, by the number in [`Op::Call`].
    pub calls: Box<[FnId]>,
    /// Where the body ends the filter.
    pub sites: Box<[Site]>,
    /// Assertions, by the number in [`Op::Assert`].
    pub notes: Box<[Note]>,
    /// Registers needed; arguments come first.
    pub registers: u16,
    /// How many of them are arguments.
    pub args: u16,
    /// Where each instruction comes from.
    pub sources: Box<[Source]>,
    /// What stretches of them are.
    pub marks: Box<[Mark]>,
    /// The text of the body, where there is one.
    pub text: Option<Arc<Excerpt>>,
    /// The form that the machine runs when nobody watches, if it is another one.
    pub(super) joined: Option<Arc<Code>>,
    /// How many instructions before each one look at whole values; counted when that matters for the first time.
    pub(super) weights: OnceLock<Box<[u32]>>,
    /// In that form: where each instruction comes from.
    pub(super) origins: Box<[super::inline::Origin]>,
}

impl Code {
    /// Whether two bodies do the same as far as they themselves go: positions and functions called are not looked at.
    pub fn same(&self, other: &Code) -> bool {
        self.ops == other.ops
            && self.registers == other.registers
            && self.args == other.args
            && self.switches == other.switches
            && self.masks == other.masks
            && self.consts == other.consts
            && self.notes.iter().map(|n| &n.text).eq(other.notes.iter().map(|n| &n.text))
    }

    /// How many instructions of these look at whole values, which may be long.
    #[cold]
    pub(super) fn weighty(&self, range: Range<usize>) -> usize {
        let weights = self.weights.get_or_init(|| {
            let mut count = 0;
            let before = self.ops.iter().map(|op| {
                let before = count;
                count += u32::from(op.is_weighty());
                before
            });
            let mut all: Vec<u32> = before.collect();
            all.push(count);
            all.into()
        });
        let at = |pc: usize| weights.get(pc.min(self.ops.len())).copied().unwrap_or(0);
        at(range.end).saturating_sub(at(range.start)) as usize
    }

    /// The innermost stretch around an instruction that is of a wanted kind.
    pub fn mark(&self, pc: usize, wanted: impl Fn(Stretch) -> bool) -> Option<&Mark> {
        let around = |m: &&Mark| (m.from as usize..m.to as usize).contains(&pc) && wanted(m.what);
        self.marks.iter().filter(around).min_by_key(|m| m.to - m.from)
    }

    /// Where the instruction at `pc` comes from.
    pub fn source(&self, pc: usize) -> Source {
        self.sources.get(pc).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_come_back_as_they_went_in() {
        for place in [
            Place::Reg(65535),
            Place::Const(12345),
            Place::Net,
            Place::Attr(AttrId(0x8001), Blank::Void),
            Place::Attr(AttrId(7), Blank::Lclist),
        ] {
            assert_eq!(Opd::from(place).place(), place);
        }
    }
}
