//! Taking down what a run asks.
//!
//! A recorder stands beside the machine ([`Watch`]) and sees each instruction before it is done. Registers that hold the net are
//! known to it, through variables, arguments and results of functions; every other use of the net, and every look at the world, either is a
//! [`Question`] or makes the run one that cannot be repeated: it printed, it made a value out of the net that a question cannot
//! tell, it looked at the routes of an aggregator.
//!
//! So whether a filter can be answered from memory is decided for each way through it, not for its text: one that prints where it rejects is
//! still quick where it accepts.

use super::attributes::{Field, id};
use super::code::{Cmp, Op, Opd, Place, Reg};
use super::inline::visit;
use super::ops;
use super::questions::{Asked, Question, Texts};
use super::vm::{Moment, Watch};
use crate::base::Value;

/// Registers that are told apart, of all calls together.
const REGISTERS: usize = 4096;

/// So many questions are a long way; longer ones are not remembered.
const LONGEST: usize = 64;

/// What a run has asked so far.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The questions in their order, with their answers.
    pub(super) asked: Vec<(Question, u32)>,
    /// There was something else than questions.
    pub(super) unlike: bool,
    /// Registers that hold the net, a bit for each.
    nets: Vec<u64>,
    /// Registers that hold its length, which nobody has asked for yet: mostly it is only compared.
    lengths: Vec<u64>,
    /// Where the callers want their results.
    calls: Vec<usize>,
}

impl Notes {
    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.unlike = false;
        self.nets.clear();
        self.lengths.clear();
        self.calls.clear();
    }
}

/// What a register holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// What attributes and answers so far decide.
    Settled,
    Net,
    Length,
}

/// Somebody who takes notes of a run.
pub(super) struct Recorder<'a> {
    pub(super) notes: &'a mut Notes,
    pub(super) texts: &'a mut Texts,
    pub(super) asked: Asked<'a>,
}

impl Watch for Recorder<'_> {
    const WRITTEN: bool = false;

    #[inline]
    fn step(&mut self, moment: &Moment<'_>) {
        if !self.notes.unlike && self.note(moment).is_none() {
            self.notes.unlike = true;
        }
    }
}

impl Recorder<'_> {
    /// Takes down what the next instruction asks; `None` if that can be nobody's question.
    fn note(&mut self, moment: &Moment<'_>) -> Option<()> {
        let code = &moment.program.units.get(moment.unit)?.joined;
        let op = *code.ops.get(moment.pc)?;
        let value = |opd: Opd| -> Option<&Value> {
            match opd.place() {
                Place::Reg(r) => moment.registers.get(r as usize),
                Place::Const(c) => code.consts.get(c as usize),
                Place::Net => None,
                Place::Attr(id, empty) => {
                    Some(moment.route?.attr(id).unwrap_or_else(|| super::vm::blank(empty)))
                }
            }
        };
        let table = |number: u16| match code.consts.get(number as usize) {
            Some(Value::Str(name)) => Some(name.clone()),
            _ => None,
        };
        match op {
            Op::Move { dst, a } => {
                let holds = self.holds(moment, a);
                self.mark(moment, dst, holds)?;
            }
            Op::Compare { op: cmp, a, b, .. } | Op::CompareBranch { op: cmp, a, b, .. } => {
                use Holds::*;
                match (self.holds(moment, a), self.holds(moment, b)) {
                    (Settled, Settled) => {}
                    (Net, Settled) => self.put(match value(b)? {
                        // The answer tells its opposite, too.
                        Value::PrefixSet(set) if matches!(cmp, Cmp::Match | Cmp::NotMatch) => {
                            Question::Within(set.clone())
                        }
                        other => Question::Compare(cmp, other.clone(), false),
                    })?,
                    (Settled, Net) => self.put(Question::Compare(cmp, value(a)?.clone(), true))?,
                    (Length, Settled) => self.put_length(cmp, value(b)?, false)?,
                    (Settled, Length) => self.put_length(cmp, value(a)?, true)?,
                    (Length, Length) => self.put(Question::Length)?,
                    _ => return None,
                }
                if let Op::Compare { dst, .. } = op {
                    self.mark(moment, dst, Settled)?;
                }
            }
            Op::Method { method, dst, a } if self.holds(moment, a) == Holds::Net => {
                let lazy = method == ops::LEN && self.asked.net.ip_prefix().is_some();
                if !lazy {
                    self.put(if method == ops::LEN { Question::Length } else { Question::Method(method) })?;
                }
                self.mark(moment, dst, if lazy { Holds::Length } else { Holds::Settled })?;
            }
            Op::Field { dst, field } => {
                match field {
                    Field::Proto => self.put(Question::Proto)?,
                    Field::Ifname => {
                        if let Some(index) = moment.route?.first_hop_interface() {
                            self.put(Question::Interface(index))?;
                        }
                    }
                    _ => {}
                }
                let net = field == Field::Net;
                self.mark(moment, dst, if net { Holds::Net } else { Holds::Settled })?;
            }
            Op::SetField { field, a } => {
                self.settle(moment, a)?;
                match (field, value(a)?) {
                    (Field::Gw, Value::Ip(gateway)) => {
                        let (only, onlink) = moment.route?.way_to(*gateway);
                        self.put(Question::Gateway(*gateway, only, onlink))?;
                    }
                    (Field::Ifname, Value::Str(name)) => self.put(Question::InterfaceNamed(name.clone()))?,
                    _ => {}
                }
            }
            Op::RoaCheck { dst, table: number, a, b } => {
                self.settle(moment, b)?;
                if let Value::Int(asn) = value(b)? {
                    if self.holds(moment, a) == Holds::Net {
                        self.put(Question::Origin(table(number)?, *asn))?;
                    } else if let Value::Net(net) = value(a)? {
                        self.put(Question::OriginOf(Box::new((table(number)?, net.clone(), *asn))))?;
                    }
                }
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::RoaCheckRoute { dst, table: number } => {
                if let Some(Value::Path(path)) = moment.route?.attr(id::BGP_PATH) {
                    self.put(Question::Origin(table(number)?, path.last().unwrap_or(0)))?;
                }
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::AspaCheck { dst, table: number, a, b } => {
                if let (Value::Path(path), Value::Bool(upstream)) = (value(a)?, value(b)?) {
                    self.put(Question::Path(Box::new((table(number)?, path.clone(), *upstream))))?;
                }
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::AspaCheckRoute { dst, table: number, upstream } => {
                if let Some(Value::Path(path)) = moment.route?.attr(id::BGP_PATH) {
                    self.put(Question::Path(Box::new((table(number)?, path.clone(), upstream))))?;
                }
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::Call { dst, .. } => self.notes.calls.push(moment.base + dst as usize),
            Op::Return { a } => {
                let holds = self.holds(moment, a);
                let dst = self.notes.calls.pop()?;
                self.mark_at(dst, holds)?;
            }
            Op::End => {
                let dst = self.notes.calls.pop()?;
                self.mark_at(dst, Holds::Settled)?;
            }
            Op::Walk { state, a } => {
                self.settle(moment, a)?;
                self.mark(moment, state, Holds::Settled)?;
                self.mark(moment, state + 1, Holds::Settled)?;
            }
            Op::Next { dst, .. } => {
                // At the end of the list it stays what it was.
                self.settle(moment, Place::Reg(dst).into())?;
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::Jump { .. } | Op::Fail { .. } | Op::Verdict { .. } => {}
            Op::Mask { dst, .. } => {
                if self.notes.lengths.iter().any(|word| *word != 0) {
                    self.put(Question::Length)?;
                }
                self.mark(moment, dst, Holds::Settled)?;
            }
            Op::Given { .. } => {}
            Op::Print { .. } | Op::Line | Op::Assert { .. } => return None,
            Op::RouteField { .. } | Op::RouteAttr { .. } | Op::RouteBit { .. } | Op::Routes { .. } => {
                return None;
            }
            mut other => {
                let (mut looks, mut result) = (Some(()), None);
                let mut look = |opd: Opd| looks = looks.and_then(|()| self.settle(moment, opd));
                let plain = visit(&mut other, |dst| result = Some(*dst), |opd| look(*opd));
                if let Op::Lc { dst, .. } = other {
                    look(Place::Reg(dst).into());
                }
                looks.filter(|()| plain)?;
                if let Some(dst) = result {
                    self.mark(moment, dst, Holds::Settled)?;
                }
            }
        }
        Some(())
    }

    fn put(&mut self, question: Question) -> Option<()> {
        self.texts.learn(&question, &self.asked);
        let answer = question.ask(&self.asked, self.texts)?;
        if self.notes.asked.len() >= LONGEST {
            return None;
        }
        self.notes.asked.push((question, answer));
        Some(())
    }

    fn put_length(&mut self, cmp: Cmp, with: &Value, left: bool) -> Option<()> {
        match (cmp, with) {
            (Cmp::Match | Cmp::NotMatch, _) => self.put(Question::Length),
            (_, Value::Int(number)) => self.put(Question::LengthIs(cmp, *number, left)),
            _ => self.put(Question::Length),
        }
    }

    /// Asks what has to be known for this operand to be settled; the net itself never is.
    fn settle(&mut self, moment: &Moment<'_>, opd: Opd) -> Option<()> {
        match self.holds(moment, opd) {
            Holds::Settled => Some(()),
            Holds::Length => self.put(Question::Length),
            Holds::Net => None,
        }
    }

    /// What an operand holds. A register that held the net may hold something else by now, but then no net at all.
    fn holds(&self, moment: &Moment<'_>, opd: Opd) -> Holds {
        match opd.place() {
            Place::Net => Holds::Net,
            Place::Reg(r) => {
                let (at, bit) = spot(moment.base + r as usize);
                let has = |set: &[u64]| set.get(at).is_some_and(|word| word & bit != 0);
                if has(&self.notes.lengths) {
                    Holds::Length
                } else if has(&self.notes.nets) && is_a_net(moment, r) {
                    Holds::Net
                } else {
                    Holds::Settled
                }
            }
            Place::Const(_) | Place::Attr(..) => Holds::Settled,
        }
    }

    fn mark(&mut self, moment: &Moment<'_>, register: Reg, holds: Holds) -> Option<()> {
        self.mark_at(moment.base + register as usize, holds)
    }

    fn mark_at(&mut self, register: usize, holds: Holds) -> Option<()> {
        let (at, bit) = spot(register);
        let sets = [(&mut self.notes.nets, Holds::Net), (&mut self.notes.lengths, Holds::Length)];
        for (set, what) in sets {
            match set.get_mut(at) {
                Some(word) if what == holds => *word |= bit,
                Some(word) => *word &= !bit,
                None if what != holds => {}
                None if register >= REGISTERS => return None,
                None => {
                    set.resize(at + 1, 0);
                    set[at] = bit;
                }
            }
        }
        Some(())
    }
}

/// Word and bit of a register in a set of them.
fn spot(register: usize) -> (usize, u64) {
    (register / 64, 1 << (register % 64))
}

fn is_a_net(moment: &Moment<'_>, register: Reg) -> bool {
    matches!(moment.registers.get(register as usize), Some(Value::Net(_)))
}
