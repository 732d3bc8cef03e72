//! A body under construction: instructions, registers, local variables.
//!
//! Registers are a stack: arguments and variables below, temporaries of the expression at hand above. A temporary lives until the
//! instruction that consumes it, which may put its result into the same register.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::Checker;
use crate::base::Value;
use crate::filter::code::{
    Blank, Code, Mark, MaskPart, Note, Op, Opd, Place, Reg, Site, Source, Stretch, Switch, Verdict,
};
use crate::filter::inline;
use crate::filter::symbols::{FnId, Symbols};
use crate::filter::types::Type;
use crate::syntax::Excerpt;
use crate::syntax::ast::{Span, Tok};
use crate::syntax::names::Sym;

/// What kind of body it is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Filter,
    /// A filter that has `routes`.
    Merge,
    /// Commands of a static route.
    Commands,
    Term,
    Function {
        name: Arc<str>,
        symbol: Sym,
        id: FnId,
        returns: Option<Type>,
    },
}

/// A local variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub sym: Sym,
    pub reg: Reg,
    pub ty: Type,
    pub at: Span,
    /// It has had a value from the start: only arguments and variables declared without one may be void.
    pub given: bool,
}

/// Where the value of an expression is.
#[derive(Clone, Debug)]
pub(super) enum Loc {
    /// Known already.
    Const(Value),
    /// In a place that an operand can name.
    At(Place),
    /// Nowhere: an error was told.
    Poison,
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub ty: Type,
    pub loc: Loc,
}

impl Term {
    pub(super) fn poison() -> Term {
        Term { ty: Type::Unknown, loc: Loc::Poison }
    }

    pub(super) fn constant(value: Value) -> Term {
        Term { ty: Type::of(&value), loc: Loc::Const(value) }
    }

    pub(super) fn at(ty: Type, place: Place) -> Term {
        Term { ty, loc: Loc::At(place) }
    }

    pub(super) fn value(&self) -> Option<&Value> {
        match &self.loc {
            Loc::Const(value) => Some(value),
            _ => None,
        }
    }
}

/// A jump whose target is not known yet.
pub(super) type Patch = usize;

/// The most variables alive at one time.
pub(super) const MAX_VARIABLES: usize = 255;

#[derive(Debug)]
pub(super) struct Body {
    pub kind: Kind,
    ops: Vec<Op>,
    sources: Vec<Source>,
    consts: Vec<Value>,
    ints: FxHashMap<u32, u32>,
    switches: Vec<Switch>,
    masks: Vec<Box<[MaskPart]>>,
    calls: Vec<FnId>,
    sites: Vec<Site>,
    notes: Vec<Note>,
    marks: Vec<Mark>,
    /// The text of the body.
    pub text: Option<Arc<Excerpt>>,
    pub locals: Vec<Local>,
    /// Where each open block starts in `locals`.
    pub blocks: Vec<usize>,
    /// The next free register.
    pub next: Reg,
    most: Reg,
    /// More registers were wanted than there are.
    pub too_many: bool,
    /// A `case` whose labels overlap, which BIRD notices when the body is whole.
    pub overlap: Option<Span>,
    /// Something in here was complained about where it was defined: the body cannot run, and nobody is told again.
    pub poisoned: bool,
}

impl Body {
    pub(super) fn new(kind: Kind) -> Body {
        Body {
            kind,
            ops: Vec::new(),
            sources: Vec::new(),
            consts: Vec::new(),
            ints: FxHashMap::default(),
            switches: Vec::new(),
            masks: Vec::new(),
            calls: Vec::new(),
            sites: Vec::new(),
            notes: Vec::new(),
            marks: Vec::new(),
            text: None,
            locals: Vec::new(),
            blocks: vec![0],
            next: 0,
            most: 0,
            too_many: false,
            overlap: None,
            poisoned: false,
        }
    }

    pub(super) fn emit(&mut self, op: Op, source: Source) -> Patch {
        self.ops.push(op);
        self.sources.push(source);
        self.ops.len() - 1
    }

    /// The position of the next instruction.
    pub(super) fn here(&self) -> u32 {
        self.ops.len() as u32
    }

    /// Notes what the instructions since `from` are.
    pub(super) fn mark(&mut self, from: u32, what: Stretch, span: Span) {
        let to = self.here();
        if from < to {
            self.marks.push(Mark { from, to, what, span });
        }
    }

    /// Lets jumps go to the next instruction.
    pub(super) fn patch(&mut self, jumps: &[Patch]) {
        let here = self.here();
        for at in jumps {
            match self.ops.get_mut(*at) {
                Some(
                    Op::Jump { to }
                    | Op::Branch { to, .. }
                    | Op::CompareBranch { to, .. }
                    | Op::Next { end: to, .. },
                ) => *to = here,
                _ => debug_assert!(false, "not a jump"),
            }
        }
    }

    /// A fresh register.
    pub(super) fn temp(&mut self) -> Reg {
        let reg = self.next;
        match self.next.checked_add(1) {
            Some(next) => self.next = next,
            None => self.too_many = true,
        }
        self.most = self.most.max(self.next);
        reg
    }

    fn constant(&mut self, value: &Value) -> u32 {
        if let Value::Int(n) = value {
            if let Some(at) = self.ints.get(n) {
                return *at;
            }
            self.ints.insert(*n, self.consts.len() as u32);
        }
        self.consts.push(value.clone());
        self.consts.len() as u32 - 1
    }

    /// The number of a constant string.
    pub(super) fn string(&mut self, text: &str) -> u32 {
        self.constant(&Value::Str(text.into()))
    }

    /// An operand for a checked expression.
    pub(super) fn operand(&mut self, term: &Term) -> Opd {
        match &term.loc {
            Loc::Const(value) => Place::Const(self.constant(value)).into(),
            Loc::At(place) => (*place).into(),
            Loc::Poison => {
                self.poisoned = true;
                Place::Const(self.constant(&Value::Void)).into()
            }
        }
    }

    /// Whether a term may turn out to be void: attributes and variables that were never set, functions that end without `return`. The
    /// instruction that makes a value tells, for it is the last one.
    pub(super) fn may_be_void(&self, term: &Term) -> bool {
        let Loc::At(place) = term.loc else { return false };
        match place {
            Place::Const(_) | Place::Net => false,
            Place::Attr(_, blank) => blank == Blank::Void,
            Place::Reg(r) => match self.locals.iter().find(|l| l.reg == r) {
                Some(local) => !local.given,
                None => matches!(
                    self.ops.last(),
                    Some(
                        Op::Call { .. }
                            | Op::Bit { .. }
                            | Op::RouteAttr { blank: Blank::Void, .. }
                            | Op::RouteBit { .. }
                            | Op::Move { .. }
                    )
                ),
            },
        }
    }

    pub(super) fn switch(&mut self, switch: Switch) -> u32 {
        self.switches.push(switch);
        self.switches.len() as u32 - 1
    }

    /// A switch that was entered before its arms were known.
    pub(super) fn set_switch(&mut self, number: u32, switch: Switch) {
        if let Some(slot) = self.switches.get_mut(number as usize) {
            *slot = switch;
        }
    }

    pub(super) fn mask(&mut self, parts: Vec<MaskPart>) -> u32 {
        self.masks.push(parts.into());
        self.masks.len() as u32 - 1
    }

    pub(super) fn call(&mut self, id: FnId) -> u32 {
        match self.calls.iter().position(|c| *c == id) {
            Some(at) => at as u32,
            None => {
                self.calls.push(id);
                self.calls.len() as u32 - 1
            }
        }
    }

    pub(super) fn site(&mut self, verdict: Verdict, source: Source) -> u32 {
        self.sites.push(Site { verdict, source });
        self.sites.len() as u32 - 1
    }

    /// The number of an assertion's note.
    pub(super) fn note(&mut self, note: Note) -> u32 {
        self.notes.push(note);
        self.notes.len() as u32 - 1
    }

    pub(super) fn local(&self, sym: Sym) -> Option<&Local> {
        self.locals.iter().rev().find(|l| l.sym == sym)
    }

    /// A variable of this name in the innermost block.
    pub(super) fn in_block(&self, sym: Sym) -> Option<&Local> {
        let start = self.blocks.last().copied().unwrap_or(0);
        self.locals[start..].iter().find(|l| l.sym == sym)
    }

    pub(super) fn open_block(&mut self) {
        self.blocks.push(self.locals.len());
    }

    /// Forgets the variables of the innermost block and frees their registers.
    pub(super) fn close_block(&mut self) {
        let start = self.blocks.pop().unwrap_or(0);
        if let Some(first) = self.locals.get(start) {
            self.next = first.reg;
        }
        self.locals.truncate(start);
    }

    pub(super) fn finish(self, name: Arc<str>, symbols: &Symbols) -> Code {
        let code = self.plain(name);
        let joined = inline::inline(&code, |id| symbols.code(id)).map(Arc::new);
        Code { joined, ..code }
    }

    fn plain(self, name: Arc<str>) -> Code {
        Code {
            name,
            ops: self.ops.into(),
            consts: self.consts.into(),
            switches: self.switches.into(),
            masks: self.masks.into(),
            calls: self.calls.into(),
            sites: self.sites.into(),
            notes: self.notes.into(),
            registers: self.most,
            args: 0,
            sources: self.sources.into(),
            marks: self.marks.into(),
            text: self.text,
            joined: None,
            weights: Default::default(),
            origins: Box::default(),
        }
    }
}

impl Checker<'_> {
    /// The source record of a token.
    pub(super) fn source(&self, tok: Tok) -> Source {
        Source { tok, line: self.locate.line(tok) }
    }
}
