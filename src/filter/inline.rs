//! Small functions are part of those who call them.
//!
//! Why: in policies made of helpers (`if is_bogon(net) then reject;`) calls are most of the work. A call
//! costs several times what an instruction does, and what a function gives back goes through registers that
//! nobody else looks at.
//!
//! How: a body that calls functions which call nobody, decide nothing and do not loop gets a second form,
//! with those functions in it and what is left over from joining them taken out. Only the machine runs that
//! form, and only when nobody watches: explanations, comparisons of configurations and numbers of sites know
//! the body as it was written. Where each instruction comes from is kept, so an error names the same line.
//! Functions are compiled before their callers, so each body is looked at once.

use super::code::{Code, Op, Opd, Place, Reg, Switch};
use super::symbols::FnId;
use crate::base::Value;
use std::sync::Arc;

/// Longest function that becomes part of its callers.
const LONGEST: usize = 32;
/// Bodies with more registers are left as they are: sets of registers are one word.
const REGISTERS: u16 = 128;

/// The instruction of a body, or of a function it calls (its number among them).
pub(super) type Origin = (Option<u32>, u32);

/// The second form of a body; `None` if there is nothing to be gained.
pub(super) fn inline<'a>(code: &Code, known: impl Fn(FnId) -> Option<&'a Arc<Code>>) -> Option<Code> {
    let callee = |function: u32| {
        let callee = known(*code.calls.get(function as usize)?)?;
        fits(callee).then_some(&**callee)
    };
    let mut out = Joined {
        ops: Vec::with_capacity(code.ops.len() * 2),
        origins: Vec::with_capacity(code.ops.len() * 2),
        consts: code.consts.to_vec(),
        switches: code.switches.to_vec(),
        registers: code.registers,
        arguments: code.calls.iter().map(|id| known(*id).map(|callee| callee.args)).collect(),
    };
    let mut places = Vec::with_capacity(code.ops.len() + 1);
    let mut gained = false;
    for (pc, op) in code.ops.iter().enumerate() {
        places.push(out.ops.len() as u32);
        if let Op::Call { function, dst, args } = *op
            && let Some(callee) = callee(function)
            && callee.registers <= REGISTERS.saturating_sub(args)
        {
            out.join(callee, function, dst, args)?;
            gained = true;
        } else {
            // Targets of the caller are told apart from those that are right already, and put right below.
            out.ops.push(*op);
            out.origins.push((None, pc as u32));
        }
    }
    if !gained || out.registers > REGISTERS {
        return None;
    }
    let moved = |to: &mut u32| *to = places.get(*to as usize).copied().unwrap_or(*to);
    for (op, _) in out.ops.iter_mut().zip(&out.origins).filter(|(_, origin)| origin.0.is_none()) {
        if let Some(to) = target(op) {
            moved(to);
        }
    }
    for switch in out.switches.iter_mut().take(code.switches.len()) {
        switch.arms.iter_mut().chain([&mut switch.otherwise]).for_each(moved);
    }
    for _ in 0..4 {
        if !out.tidy() {
            break;
        }
    }
    Some(Code {
        name: code.name.clone(),
        ops: out.ops.into(),
        consts: out.consts.into(),
        switches: out.switches.into(),
        masks: code.masks.clone(),
        calls: code.calls.clone(),
        sites: code.sites.clone(),
        notes: code.notes.clone(),
        registers: out.registers,
        args: code.args,
        origins: out.origins.into(),
        ..Code::default()
    })
}

/// Whether a function can become part of another body.
fn fits(code: &Code) -> bool {
    let simple =
        |op: &Op| visit(&mut op.clone(), |_| {}, |_| {}) || leaves(op) || matches!(op, Op::Jump { .. });
    code.ops.len() <= LONGEST && code.calls.is_empty() && code.sites.is_empty() && code.ops.iter().all(simple)
}

fn leaves(op: &Op) -> bool {
    matches!(op, Op::Return { .. } | Op::End)
}

/// Shows the operands of an instruction and where its result goes. `false` for those that do more than that.
pub(super) fn visit(op: &mut Op, mut dst: impl FnMut(&mut Reg), mut opd: impl FnMut(&mut Opd)) -> bool {
    match op {
        Op::Move { dst: d, a }
        | Op::Not { dst: d, a }
        | Op::Bool { dst: d, a, .. }
        | Op::Method { dst: d, a, .. }
        | Op::Defined { dst: d, a }
        | Op::Format { dst: d, a }
        | Op::FromHex { dst: d, a } => {
            dst(d);
            opd(a);
        }
        Op::Arith { dst: d, a, b, .. }
        | Op::Compare { dst: d, a, b, .. }
        | Op::Method1 { dst: d, a, b, .. }
        | Op::Pair { dst: d, a, b }
        | Op::Ec { dst: d, a, b, .. }
        | Op::Lc { dst: d, a, b } => {
            dst(d);
            opd(a);
            opd(b);
        }
        Op::Field { dst: d, .. } | Op::Bit { dst: d, .. } => dst(d),
        Op::SetField { a, .. } | Op::SetAttr { a, .. } | Op::SetBit { a, .. } | Op::Given { a, .. } => opd(a),
        Op::Branch { a, .. } | Op::Switch { a, .. } => opd(a),
        Op::CompareBranch { a, b, .. } => {
            opd(a);
            opd(b);
        }
        Op::UnsetField { .. } | Op::UnsetAttr { .. } => {}
        _ => return false,
    }
    true
}

/// Where an instruction jumps to.
fn target(op: &mut Op) -> Option<&mut u32> {
    match op {
        Op::Jump { to } | Op::Branch { to, .. } | Op::CompareBranch { to, .. } | Op::Next { end: to, .. } => {
            Some(to)
        }
        _ => None,
    }
}

fn bit(register: Reg) -> u128 {
    1u128.checked_shl(register.into()).unwrap_or(0)
}

/// The registers from this one on.
fn from(register: Reg) -> u128 {
    u128::MAX.checked_shl(register.into()).unwrap_or(0)
}

/// The register an operand names, as a set.
fn register(opd: Opd) -> u128 {
    match opd.place() {
        Place::Reg(r) => bit(r),
        _ => 0,
    }
}

struct Joined {
    ops: Vec<Op>,
    origins: Vec<Origin>,
    consts: Vec<Value>,
    switches: Vec<Switch>,
    registers: u16,
    /// How many arguments each function called takes, where that is known.
    arguments: Vec<Option<u16>>,
}

impl Joined {
    /// Appends a function in place of a call. What it gives back goes where the call wants it.
    fn join(&mut self, callee: &Code, function: u32, result: Reg, args: Reg) -> Option<()> {
        let first_const = self.consts.len() as u32;
        self.consts.extend(callee.consts.iter().cloned());
        self.registers = self.registers.max(args + callee.registers);
        let moved = |opd: &mut Opd| {
            *opd = match opd.place() {
                Place::Reg(r) => Place::Reg(r + args).into(),
                Place::Const(c) => Place::Const(c + first_const).into(),
                _ => *opd,
            }
        };
        let reached = reached(callee);
        let (start, mut places, mut ends) = (self.ops.len(), Vec::new(), Vec::new());
        let mut switches = Vec::new();
        for (pc, op) in callee.ops.iter().enumerate() {
            places.push(self.ops.len() as u32);
            if !reached.get(pc).copied().unwrap_or(false) {
                continue;
            }
            let mut op = *op;
            let mut push = |op| {
                self.ops.push(op);
                self.origins.push((Some(function), pc as u32));
            };
            match op {
                Op::Return { mut a } => {
                    moved(&mut a);
                    push(Op::Move { dst: result, a });
                    push(Op::Jump { to: 0 });
                    ends.push(self.ops.len() - 1);
                }
                Op::End => {
                    let void = Place::Const(self.consts.len() as u32).into();
                    self.consts.push(Value::Void);
                    push(Op::Move { dst: result, a: void });
                    push(Op::Jump { to: 0 });
                    ends.push(self.ops.len() - 1);
                }
                _ => {
                    visit(&mut op, |d| *d += args, moved);
                    if let Op::Switch { table, .. } = &mut op {
                        let switch = callee.switches.get(*table as usize)?.clone();
                        *table = self.switches.len() as u32;
                        switches.push(self.switches.len());
                        self.switches.push(switch);
                    }
                    push(op);
                }
            }
        }
        let place = |to: &mut u32| *to = places.get(*to as usize).copied().unwrap_or(*to);
        let end = self.ops.len() as u32;
        for (at, op) in self.ops.iter_mut().enumerate().skip(start) {
            if let Some(to) = target(op) {
                if ends.binary_search(&at).is_ok() { *to = end } else { place(to) }
            }
        }
        for at in switches {
            if let Some(switch) = self.switches.get_mut(at) {
                switch.arms.iter_mut().chain([&mut switch.otherwise]).for_each(place);
            }
        }
        Some(())
    }

    /// Where to go on behind an instruction, other than right behind it.
    fn jumps(&self, op: &Op, mut to: impl FnMut(usize)) {
        jumps(op, &self.switches, &mut to);
    }

    /// Which registers somebody still reads behind each instruction.
    fn live(&self) -> Vec<u128> {
        let mut before = vec![0u128; self.ops.len() + 1];
        let mut after = vec![0u128; self.ops.len()];
        loop {
            let mut changed = false;
            for (pc, op) in self.ops.iter().enumerate().rev() {
                let mut live = if falls_through(op) { before[pc + 1] } else { 0 };
                self.jumps(op, |to| live |= before.get(to).copied().unwrap_or(u128::MAX));
                after[pc] = live;
                let (mut written, mut read) = (0, 0);
                let known = visit(&mut op.clone(), |d| written = bit(*d), |o| read |= register(*o));
                live = match op {
                    Op::Lc { dst, .. } => live | read | bit(*dst),
                    Op::Jump { .. } | Op::Verdict { .. } | Op::End => live,
                    Op::Return { a } => register(*a),
                    _ if known => live & !written | read,
                    Op::Call { function, dst, args } => {
                        let count = self.arguments.get(*function as usize).copied().flatten();
                        live & !bit(*dst) | from(*args) & count.map_or(u128::MAX, |n| !from(args + n))
                    }
                    Op::Print { a } => live | register(*a),
                    Op::Line => live,
                    Op::Walk { state, a } => live & !(bit(*state) | bit(state + 1)) | register(*a),
                    Op::Next { state, .. } => live | bit(*state) | bit(state + 1),
                    Op::Mask { dst, first, .. } => live & !bit(*dst) | from(*first),
                    Op::RoaCheckRoute { dst, .. } | Op::AspaCheckRoute { dst, .. } => live & !bit(*dst),
                    // What is rare: nothing is taken from it.
                    _ => u128::MAX,
                };
                changed |= before[pc] != live;
                before[pc] = live;
            }
            if !changed {
                return after;
            }
        }
    }

    /// Takes out copies that nobody needs, and lets comparisons jump themselves. Whether anything was done.
    fn tidy(&mut self) -> bool {
        let live = self.live();
        let mut targets = vec![false; self.ops.len() + 1];
        for op in &self.ops {
            jumps(op, &self.switches, &mut |to| {
                if let Some(slot) = targets.get_mut(to) {
                    *slot = true;
                }
            });
        }
        let mut gone = vec![false; self.ops.len()];
        for at in 0..self.ops.len() {
            if matches!(self.ops[at], Op::Jump { to } if to as usize == at + 1) {
                gone[at] = true;
            }
            if at + 1 >= self.ops.len() || targets[at + 1] || gone[at] {
                continue;
            }
            let (first, second, live) = (self.ops[at], self.ops[at + 1], live[at + 1]);
            match join_two(first, second, live) {
                Some(Left::First(one)) => {
                    self.ops[at] = one;
                    gone[at + 1] = true;
                }
                Some(Left::Second(two)) => {
                    self.ops[at + 1] = two;
                    gone[at] = true;
                }
                None => {}
            }
        }
        if !gone.contains(&true) {
            return false;
        }
        let mut places = Vec::with_capacity(gone.len());
        let mut kept = 0;
        for gone in &gone {
            places.push(kept);
            kept += u32::from(!gone);
        }
        let place = |to: &mut u32| *to = places.get(*to as usize).copied().unwrap_or(kept);
        self.ops.iter_mut().filter_map(target).for_each(place);
        for switch in &mut self.switches {
            switch.arms.iter_mut().chain([&mut switch.otherwise]).for_each(place);
        }
        let mut gone_ops = gone.iter();
        self.ops.retain(|_| !gone_ops.next().copied().unwrap_or(false));
        let mut gone_origins = gone.iter();
        self.origins.retain(|_| !gone_origins.next().copied().unwrap_or(false));
        true
    }
}

/// What is left of two instructions, in the place of one of them.
enum Left {
    First(Op),
    Second(Op),
}

/// Two instructions of which the second one follows only the first one, with less to do. `live` is read behind them.
fn join_two(first: Op, second: Op, live: u128) -> Option<Left> {
    // A result that is only carried on goes there at once.
    if let Op::Move { dst: to, a } = second
        && let Place::Reg(from) = a.place()
        && from != to
        && live & bit(from) == 0
        && !matches!(first, Op::Lc { .. })
    {
        let mut op = first;
        let mut fits = false;
        visit(
            &mut op,
            |d| {
                if *d == from {
                    (*d, fits) = (to, true)
                }
            },
            |_| {},
        );
        if fits {
            return Some(Left::First(op));
        }
    }
    match (first, second) {
        (Op::Compare { op, dst, a, b }, Op::Branch { when, a: asked, to, .. })
            if asked.place() == Place::Reg(dst) && live & bit(dst) == 0 =>
        {
            Some(Left::First(Op::CompareBranch { op, when, a, b, to }))
        }
        // What was copied for one reader is read where it is.
        (Op::Move { dst, a }, mut second)
            if live & bit(dst) == 0
                && matches!(a.place(), Place::Net | Place::Const(_) | Place::Reg(_))
                && !matches!(second, Op::Lc { dst: d, .. } if d == dst) =>
        {
            let mut used = false;
            let known = visit(
                &mut second,
                |_| {},
                |o| {
                    if o.place() == Place::Reg(dst) {
                        (*o, used) = (a, true)
                    }
                },
            );
            (known && used).then_some(Left::Second(second))
        }
        _ => None,
    }
}

fn falls_through(op: &Op) -> bool {
    !leaves(op) && !matches!(op, Op::Jump { .. } | Op::Verdict { .. } | Op::Switch { .. } | Op::Fail { .. })
}

fn jumps(op: &Op, switches: &[Switch], to: &mut impl FnMut(usize)) {
    if let Some(target) = target(&mut op.clone()) {
        to(*target as usize);
    }
    if let Op::Switch { table, .. } = op
        && let Some(switch) = switches.get(*table as usize)
    {
        switch.arms.iter().chain([&switch.otherwise]).for_each(|arm| to(*arm as usize));
    }
}

/// Which instructions of a body are ever run.
fn reached(code: &Code) -> Vec<bool> {
    let mut reached = vec![false; code.ops.len()];
    let mut open = vec![0];
    while let Some(pc) = open.pop() {
        let (Some(op), Some(seen)) = (code.ops.get(pc), reached.get_mut(pc)) else { continue };
        if std::mem::replace(seen, true) {
            continue;
        }
        if falls_through(op) {
            open.push(pc + 1);
        }
        jumps(op, &code.switches, &mut |to| open.push(to));
    }
    reached
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::filter::tests::harness::load;

    /// That the second form does the same is tested with random programs (`filter::tests::robust`).
    #[test]
    fn helpers_disappear() {
        let world = load(
            "define BOGONS = [10.0.0.0/8+];
             function is_bogon(prefix p) -> bool { return p ~ BOGONS; }
             function grade(int bits) -> int { case bits { 8..15: return 10; else: return 40; } return 0; }
             function around(int bits) -> int { return grade(bits); }",
        );
        let filter = world.filter("{ if is_bogon(net) then reject; krt_metric = around(net.len); accept; }");
        let unit = filter.program.units.first().unwrap();
        let calls = |code: &Code| code.ops.iter().filter(|op| matches!(op, Op::Call { .. })).count();
        // `around` calls somebody itself.
        assert_eq!((calls(&unit.code), calls(&unit.joined)), (2, 1));
        let first = unit.joined.ops.first().unwrap();
        assert!(matches!(first, Op::CompareBranch { a, .. } if a.place() == Place::Net), "{first:?}");
        assert_eq!(unit.joined.ops.len(), unit.joined.origins.len());
        assert!(unit.joined.ops.len() < unit.code.ops.len());
        assert_eq!(filter.program.origin(0, 0), (1, 0));
    }
}
