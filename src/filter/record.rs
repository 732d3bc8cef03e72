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
    pub asked: Vec<(Question, u32)>,
    /// There was something else than questions.
    pub unlike: bool,
    /// Registers that hold the net, a bit for each.
    nets: Vec<u64>,
    /// Where the callers want their results.
    calls: Vec<usize>,
}

impl Notes {
    /// Begins anew.
    pub(super) fn clear(&mut self) {
        self.asked.clear();
        self.unlike = false;
        self.nets.clear();
        self.calls.clear();
    }
}

/// Somebody who takes notes of a run.
pub(super) struct Recorder<'a> {
    pub notes: &'a mut Notes,
    pub texts: &'a mut Texts,
    pub asked: Asked<'a>,
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
                let net = self.is_net(moment, a);
                self.mark(moment.base + dst as usize, net)?;
            }
            Op::Compare { op: cmp, a, b, .. } | Op::CompareBranch { op: cmp, a, b, .. } => {
                match (self.is_net(moment, a), self.is_net(moment, b)) {
                    (false, false) => {}
                    (true, true) => return None,
                    (true, false) => self.put(match value(b)? {
                        // The answer tells its opposite, too.
                        Value::PrefixSet(set) if matches!(cmp, Cmp::Match | Cmp::NotMatch) => {
                            Question::Within(set.clone())
                        }
                        other => Question::Compare(cmp, other.clone(), false),
                    })?,
                    (false, true) => self.put(Question::Compare(cmp, value(a)?.clone(), true))?,
                }
                if let Op::Compare { dst, .. } = op {
                    self.mark(moment.base + dst as usize, false)?;
                }
            }
            Op::Method { method, dst, a } => {
                if self.is_net(moment, a) {
                    let quick = method == ops::LEN;
                    self.put(if quick { Question::Length } else { Question::Method(method) })?;
                }
                self.mark(moment.base + dst as usize, false)?;
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
                self.mark(moment.base + dst as usize, field == Field::Net)?;
            }
            Op::SetField { field, a } => {
                if self.is_net(moment, a) {
                    return None;
                }
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
                if let Value::Int(asn) = value(b)? {
                    if self.is_net(moment, a) {
                        self.put(Question::Origin(table(number)?, *asn))?;
                    } else if let Value::Net(net) = value(a)? {
                        self.put(Question::OriginOf(Box::new((table(number)?, net.clone(), *asn))))?;
                    }
                }
                self.mark(moment.base + dst as usize, false)?;
            }
            Op::RoaCheckRoute { dst, table: number } => {
                if let Some(Value::Path(path)) = moment.route?.attr(id::BGP_PATH) {
                    self.put(Question::Origin(table(number)?, path.last().unwrap_or(0)))?;
                }
                self.mark(moment.base + dst as usize, false)?;
            }
            Op::AspaCheck { dst, table: number, a, b } => {
                if let (Value::Path(path), Value::Bool(upstream)) = (value(a)?, value(b)?) {
                    self.put(Question::Path(Box::new((table(number)?, path.clone(), *upstream))))?;
                }
                self.mark(moment.base + dst as usize, false)?;
            }
            Op::AspaCheckRoute { dst, table: number, upstream } => {
                if let Some(Value::Path(path)) = moment.route?.attr(id::BGP_PATH) {
                    self.put(Question::Path(Box::new((table(number)?, path.clone(), upstream))))?;
                }
                self.mark(moment.base + dst as usize, false)?;
            }
            Op::Call { dst, .. } => self.notes.calls.push(moment.base + dst as usize),
            Op::Return { a } => {
                let net = self.is_net(moment, a);
                let dst = self.notes.calls.pop()?;
                self.mark(dst, net)?;
            }
            Op::End => {
                let dst = self.notes.calls.pop()?;
                self.mark(dst, false)?;
            }
            // What a loop puts into a variable is no net, which the values tell.
            Op::Walk { a, .. } if self.is_net(moment, a) => return None,
            Op::Walk { .. } | Op::Next { .. } | Op::Jump { .. } | Op::Fail { .. } | Op::Verdict { .. } => {}
            Op::Mask { dst, .. } => self.mark(moment.base + dst as usize, false)?,
            Op::Given { .. } => {}
            Op::Print { .. } | Op::Line | Op::Assert { .. } => return None,
            Op::RouteField { .. } | Op::RouteAttr { .. } | Op::RouteBit { .. } | Op::Routes { .. } => {
                return None;
            }
            mut other => {
                let (mut looks, mut result) = (false, None);
                let plain =
                    visit(&mut other, |dst| result = Some(*dst), |opd| looks |= self.is_net(moment, *opd));
                if !plain || looks {
                    return None;
                }
                if let Some(dst) = result {
                    self.mark(moment.base + dst as usize, false)?;
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

    /// Whether an operand is the net. A register that held it may hold something else by now, but then no net at all.
    fn is_net(&self, moment: &Moment<'_>, opd: Opd) -> bool {
        match opd.place() {
            Place::Net => true,
            Place::Reg(r) => self.holds_net(moment.base + r as usize) && is_a_net(moment, r),
            Place::Const(_) | Place::Attr(..) => false,
        }
    }

    fn holds_net(&self, register: usize) -> bool {
        self.notes.nets.get(register / 64).is_some_and(|word| word >> (register % 64) & 1 != 0)
    }

    fn mark(&mut self, register: usize, net: bool) -> Option<()> {
        let (at, bit) = (register / 64, 1 << (register % 64));
        if at >= self.notes.nets.len() {
            if !net {
                return Some(());
            }
            if register >= REGISTERS {
                return None;
            }
            self.notes.nets.resize(at + 1, 0);
        }
        if net {
            self.notes.nets[at] |= bit
        } else {
            self.notes.nets[at] &= !bit
        }
        Some(())
    }
}

fn is_a_net(moment: &Moment<'_>, register: Reg) -> bool {
    matches!(moment.registers.get(register as usize), Some(Value::Net(_)))
}
