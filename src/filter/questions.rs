//! What a filter can ask that is not in the attributes of the route: about the net, and of the world.
//!
//! Given the attributes, all that a run does is decided by the answers to such questions: is the net in this set, how long is it, what do the
//! ROAs say, who announced it. Their answers are small. [`super::record`] watches a run and takes its questions down, [`super::verdicts`] asks them
//! for other routes instead of running. Nothing is asked from memory: a ROA that is new counts for the next route.
//!
//! Large sets that a program names can be read for many nets at once ([`Sets::warm`]).

use std::net::IpAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::code::{Cmp, Op, Opd, Place};
use super::env::Env;
use super::ops;
use super::program::Unit;
use crate::base::path::AsPath;
use crate::base::prefix_set::PrefixSet;
use crate::base::{Net, Value};

/// More sets are not read in advance: a run reads few.
const MOST: usize = 8;

/// Names are remembered up to so many; who asks for more is not answered.
const TEXTS: usize = 1024;

/// A question.
#[derive(Debug)]
pub(super) enum Question {
    /// Whether the net is in a set.
    Within(Arc<PrefixSet>),
    /// Another comparison of the net: with what, and whether that stands on the left.
    Compare(Cmp, Value, bool),
    /// Its length, which of IP prefixes is quick to tell.
    Length,
    /// How its length compares with a number, and whether that stands on the left.
    LengthIs(Cmp, u32, bool),
    /// Another method that gives a number.
    Method(u16),
    /// Whether an origin may announce it, by a table of ROAs.
    Origin(Arc<str>, u32),
    /// The same of another net.
    OriginOf(Box<(Arc<str>, Net, u32)>),
    /// What a table of ASPAs says of a path, upstream or not.
    Path(Box<(Arc<str>, AsPath, bool)>),
    /// The protocol that made the route.
    Proto,
    /// The name of an interface.
    Interface(u32),
    /// The number of an interface.
    InterfaceNamed(Arc<str>),
    /// The interface of a gateway: [`Env::gateway`].
    Gateway(IpAddr, Option<u32>, bool),
}

/// Who is asked: a route, but for its attributes, and the world.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) net: &'a Net,
    pub(super) proto: &'a Arc<str>,
    pub(super) env: &'a dyn Env,
}

/// Answers that are words are numbered here.
#[derive(Debug, Default)]
pub(super) struct Texts(FxHashMap<Arc<str>, u32>);

impl Texts {
    fn number(&self, text: &str) -> Option<u32> {
        self.0.get(text).copied()
    }

    /// Makes room for the answer to this question.
    pub(super) fn learn(&mut self, question: &Question, asked: &Asked<'_>) {
        let text = match question {
            Question::Proto => asked.proto.clone(),
            Question::Interface(index) => asked.env.interface_name(*index).unwrap_or_default(),
            _ => return,
        };
        let next = self.0.len();
        if next < TEXTS {
            self.0.entry(text).or_insert(next as u32);
        }
    }
}

impl Question {
    /// The answer, if there is one and it is small.
    #[inline]
    pub(super) fn ask(&self, asked: &Asked<'_>, texts: &Texts) -> Option<u32> {
        match self {
            Question::Within(set) => Some(u32::from(set.contains_net(asked.net))),
            Question::Length => match asked.net {
                Net::Ip(prefix) => Some(prefix.prefix_len().into()),
                Net::Ext(_) => self.ask_slowly(asked, texts),
            },
            Question::LengthIs(op, number, left) => {
                let len = asked.net.ip_prefix()?.prefix_len().into();
                let (a, b) = if *left { (*number, len) } else { (len, *number) };
                Some(u32::from(match op {
                    Cmp::Eq => a == b,
                    Cmp::Ne => a != b,
                    Cmp::Lt => a < b,
                    Cmp::Le => a <= b,
                    Cmp::Gt => a > b,
                    Cmp::Ge => a >= b,
                    Cmp::Match | Cmp::NotMatch => return None,
                }))
            }
            Question::Origin(table, asn) => Some(ops::roa_check(asked.env, table, asked.net, *asn) as u32),
            _ => self.ask_slowly(asked, texts),
        }
    }

    fn ask_slowly(&self, asked: &Asked<'_>, texts: &Texts) -> Option<u32> {
        let index = |found: Option<u32>| match found {
            Some(index) => index.checked_add(1),
            None => Some(0),
        };
        let method = |number| match ops::call(number, &Value::Net(asked.net.clone()), None).ok()? {
            Value::Int(n) => Some(n),
            Value::Enum(_, n) => Some(n.into()),
            Value::Bool(b) => Some(b.into()),
            _ => None,
        };
        match self {
            Question::Compare(op, other, left) => {
                let net = Value::Net(asked.net.clone());
                let (a, b) = if *left { (other, &net) } else { (&net, other) };
                Some(ops::compare(*op, a, b).ok()?.into())
            }
            Question::Length => method(ops::LEN),
            Question::Method(number) => method(*number),
            Question::OriginOf(of) => Some(ops::roa_check(asked.env, &of.0, &of.1, of.2) as u32),
            Question::Path(of) => Some(ops::aspa_check(asked.env, &of.0, &of.1, of.2) as u32),
            Question::Proto => texts.number(asked.proto),
            Question::Interface(at) => texts.number(&asked.env.interface_name(*at).unwrap_or_default()),
            Question::InterfaceNamed(name) => index(asked.env.interface_index(name)),
            Question::Gateway(gateway, only, onlink) => index(asked.env.gateway(*gateway, *only, *onlink)),
            Question::Within(_) | Question::LengthIs(..) | Question::Origin(..) => None,
        }
    }
}

/// The sets of prefixes that a program looks for nets in.
#[derive(Debug, Default)]
pub(super) struct Sets(Vec<Arc<PrefixSet>>);

impl Sets {
    /// Those that stand in comparisons, or become values of variables, of all bodies of a program.
    pub(super) fn of(units: &[Unit]) -> Sets {
        let mut sets: Vec<Arc<PrefixSet>> = Vec::new();
        for code in units.iter().map(|unit| &unit.joined) {
            let set = |opd: Opd| match opd.place() {
                Place::Const(c) => match code.consts.get(c as usize) {
                    Some(Value::PrefixSet(set)) => Some(set),
                    _ => None,
                },
                _ => None,
            };
            for op in &code.ops {
                let found = match *op {
                    Op::Compare { b, .. } | Op::CompareBranch { b, .. } => set(b),
                    Op::Move { a, .. } => set(a),
                    _ => None,
                };
                if let Some(found) = found.filter(|_| sets.len() < MOST)
                    && !sets.iter().any(|known| Arc::ptr_eq(known, found))
                {
                    sets.push(found.clone());
                }
            }
        }
        Sets(sets)
    }

    /// Reads what the answers for these nets will have to be read from.
    pub(super) fn warm(&self, nets: &[&Net]) {
        for set in &self.0 {
            set.warm(nets);
        }
    }
}
