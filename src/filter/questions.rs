//! What a program asks about the net of a route.
//!
//! Most filters see the net only through a few questions with small answers: is it in this set, how long is it. Who knows the questions
//! beforehand can have memory look for the answers of many nets at once ([`Questions::warm`]). And a program that asks nobody else, and says nothing to
//! anybody, is a function of the route's attributes and of these answers, which is what [`super::verdicts`] lives on.

use std::sync::Arc;

use super::attributes::Field;
use super::code::{Cmp, Code, Op, Place};
use super::inline::visit;
use super::ops;
use super::program::Unit;
use super::types::Type;
use crate::base::prefix_set::PrefixSet;
use crate::base::{Net, Value};

/// More are not asked in advance: a run that ends early would not have asked them all.
const MOST: usize = 8;

/// A question about the net.
#[derive(Debug)]
enum Question {
    /// Whether it is in a set.
    Within(Arc<PrefixSet>),
    /// Its length, which of IP prefixes is quick to tell.
    Length,
    /// Another comparison with a constant.
    Compare(Cmp, Value),
    /// Another method that gives a number.
    Method(u16),
}

/// The questions of a program, each once.
#[derive(Debug, Default)]
pub(super) struct Questions {
    asked: Vec<Question>,
    /// Nothing but the answers and the attributes decides how a run ends, and nobody hears of it otherwise.
    whole: bool,
}

impl Questions {
    /// The questions of all bodies of a program.
    pub fn of(units: &[Unit]) -> Questions {
        let mut questions = Questions { asked: Vec::new(), whole: true };
        for code in units.iter().map(|unit| &unit.joined) {
            for op in &code.ops {
                match question(op, code) {
                    Some(question) => questions.add(question),
                    None => questions.whole &= is_settled(op),
                }
            }
        }
        questions
    }

    fn add(&mut self, question: Question) {
        if self.asked.iter().any(|known| known.is(&question)) {
        } else if self.asked.len() < MOST {
            self.asked.push(question);
        } else {
            self.whole = false;
        }
    }

    /// All answers in one word, if they are all there is to know about the net, and small.
    #[inline]
    pub fn answers(&self, net: &Net) -> Option<u64> {
        if !self.whole {
            return None;
        }
        self.asked.iter().try_fold(0, |word, question| match question {
            Question::Within(set) => Some(word << 1 | u64::from(set.contains_net(net))),
            Question::Length => match net {
                Net::Ip(prefix) => Some(word << 8 | u64::from(prefix.prefix_len())),
                Net::Ext(_) => None,
            },
            Question::Compare(op, with) => {
                let holds = ops::compare(*op, &Value::Net(net.clone()), with).ok()?;
                Some(word << 1 | u64::from(holds))
            }
            Question::Method(method) => {
                let number = match ops::call(*method, &Value::Net(net.clone()), None).ok()? {
                    Value::Int(n) => u8::try_from(n).ok()?,
                    Value::Enum(_, n) => n,
                    _ => return None,
                };
                Some(word << 8 | u64::from(number))
            }
        })
    }

    /// Reads what the answers for these nets will have to be read from.
    pub fn warm(&self, nets: &[&Net]) {
        for question in &self.asked {
            if let Question::Within(set) = question {
                set.warm(nets);
            }
        }
    }
}

impl Question {
    fn is(&self, other: &Question) -> bool {
        match (self, other) {
            // Members may be many: a set is known by where it is.
            (Question::Within(a), Question::Within(b)) => Arc::ptr_eq(a, b),
            (Question::Length, Question::Length) => true,
            (Question::Compare(op, a), Question::Compare(other, b)) => op == other && a == b,
            (Question::Method(a), Question::Method(b)) => a == b,
            _ => false,
        }
    }
}

/// The question an instruction asks, if it looks at the net in no other way.
fn question(op: &Op, code: &Code) -> Option<Question> {
    match *op {
        Op::Compare { op, a, b, .. } | Op::CompareBranch { op, a, b, .. } => match (a.place(), b.place()) {
            (Place::Net, Place::Const(c)) => Some(match (op, code.consts.get(c as usize)?) {
                (Cmp::Match | Cmp::NotMatch, Value::PrefixSet(set)) => Question::Within(set.clone()),
                (_, constant) => Question::Compare(op, constant.clone()),
            }),
            _ => None,
        },
        Op::Method { method, a, .. } if a.place() == Place::Net => {
            let info = ops::METHODS.get(method as usize)?;
            match (info.name, info.result) {
                ("len", _) => Some(Question::Length),
                (_, Type::Int | Type::Enum(_)) => Some(Question::Method(method)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether what an instruction does is settled by registers, constants and attributes alone, and changes nothing else. Instructions
/// that do more than compute from their operands are not among those that `visit` shows, but for fields.
fn is_settled(op: &Op) -> bool {
    let mut looks = false;
    let plain = visit(&mut op.clone(), |_| {}, |opd| looks |= opd.place() == Place::Net);
    match op {
        Op::Field { field, .. } => !matches!(field, Field::Net | Field::Proto | Field::Ifname),
        // What a gateway or an interface means is for the system to say.
        Op::SetField { field, .. } | Op::UnsetField { field } => {
            !looks && !matches!(field, Field::Gw | Field::Ifname)
        }
        Op::Return { a } | Op::Walk { a, .. } => a.place() != Place::Net,
        Op::Jump { .. } | Op::Call { .. } | Op::End | Op::Verdict { .. } | Op::Next { .. } => true,
        Op::Mask { .. } | Op::Fail { .. } => true,
        _ => plain && !looks,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::filter::tests::harness::load;

    #[test]
    fn questions_are_found_and_what_asks_others_is_told() {
        let world = load(
            "define OURS = [10.0.0.0/8+];
             roa4 table r;
             function ours(prefix p) -> bool { return p ~ OURS; }
             function deep(prefix p) -> bool { return ours(p); }
             function grade(int n) -> int { if n > 8 then return 1; return 0; }
             function medium() -> int { return grade(net.len) + grade(net.len); }",
        );
        let asks = |body: &str| {
            let filter = world.filter(body);
            let questions = Questions::of(&filter.program.units);
            (questions.asked.len(), questions.whole)
        };
        assert_eq!(asks("{ accept; }"), (0, true));
        assert_eq!(
            asks("{ if ours(net) && net.len < 9 || net ~ OURS then bgp_med = net.len; accept; }"),
            (2, true)
        );
        assert_eq!(asks("{ if net = 0.0.0.0/0 || net.type = NET_IP6 then reject; accept; }"), (2, true));
        assert_eq!(
            asks("{ for int n in bgp_path do if n = 5 then reject; preference = 7; accept; }"),
            (0, true)
        );
        // Functions that are called count like those that became part of their callers.
        let policy = "int score = 0; if ours(net) then score = 7; bgp_community.add((64500, score)); \
                      if (64500, 7) ~ bgp_community then bgp_large_community.add((64500, score, net.len)); \
                      krt_metric = 100 + medium() * score;";
        assert_eq!(asks(&format!("{{ {policy} accept; }}")), (2, true));
        assert_eq!(asks("{ if net ~ OURS then print \"ours\"; accept; }"), (1, false));
        assert!(!asks("{ if deep(net) then reject; accept; }").1);
        assert_eq!(asks("{ if net.ip = 10.0.0.0 then reject; accept; }"), (0, false));
        assert!(!asks("{ prefix p = net; if p.len = 5 then reject; accept; }").1);
        assert!(!asks("{ if proto = \"a\" || ifname = \"b\" then reject; accept; }").1);
        assert_eq!(asks("{ if net.len > 5 then gw = 192.0.2.7; accept; }"), (1, false));
        assert!(!asks("{ if roa_check(r, net, 5) = ROA_VALID then reject; accept; }").1);
        let many = (0..9).map(|n| format!("if net = 10.{n}.0.0/16 then reject; ")).collect::<String>();
        assert_eq!(asks(&format!("{{ {many} accept; }}")), (8, false));
    }

    #[test]
    fn answers_tell_nets_apart() {
        let world = load("define OURS = [10.0.0.0/8+];");
        let filter = world.filter("{ if net ~ OURS || net.len > 24 then reject; accept; }");
        let questions = Questions::of(&filter.program.units);
        let answers = |net: &str| questions.answers(&net.parse::<ipnet::IpNet>().unwrap().into()).unwrap();
        assert_eq!(answers("10.1.0.0/16"), answers("10.2.0.0/16"));
        assert_ne!(answers("10.1.0.0/16"), answers("10.1.0.0/17"));
        assert_ne!(answers("10.1.0.0/16"), answers("11.1.0.0/16"));
    }
}
