//! The watcher that turns instructions into steps.
//!
//! It sees the machine before each instruction. What an instruction will find is computed by the same
//! functions that the machine calls (comparing changes nothing); what it will have written is looked at one
//! instruction later ([`Pending`]).

use super::reason::{of_aspa, of_match, of_roa};
use super::words::{cut, short};
use super::{STEPS, Spot, Step};
use crate::base::set::scalar;
use crate::base::{Net, Value};
use crate::filter::attributes::{BITS, CustomAttrs, FIELDS, Field, by_id, id};
use crate::filter::code::{Cmp, Code, Op, Opd, Place, Reg, Stretch};
use crate::filter::ops;
use crate::filter::vm::{Moment, Watch, blank};
use crate::table::AttrId;

/// Collects steps.
pub(super) struct Tracer<'a> {
    custom: &'a CustomAttrs,
    pub steps: Vec<Step>,
    pub skipped: u64,
    /// The message of the verdict.
    pub said: Option<String>,
    /// Body and instruction that each open call has come to.
    seen: Vec<(usize, usize)>,
    pending: Option<(Pending, Spot)>,
}

/// What an instruction is about to change.
enum Pending {
    Attr(AttrId, Value),
    Field(Field, Value),
    Bit(AttrId, u8, bool),
    /// The variable of a loop; the instruction behind comes next if there is one more item.
    Item {
        reg: Reg,
        next: usize,
    },
}

/// What a moment is about.
struct Look<'m> {
    moment: &'m Moment<'m>,
    code: &'m Code,
}

impl<'m> Look<'m> {
    fn value(&self, opd: Opd) -> Option<&'m Value> {
        match opd.place() {
            Place::Reg(r) => self.moment.registers.get(r as usize),
            Place::Const(c) => self.code.consts.get(c as usize),
            Place::Net => Some(self.moment.route?.net_value()),
            Place::Attr(id, empty) => Some(self.moment.route?.attr(id).unwrap_or_else(|| blank(empty))),
        }
    }

    fn attr(&self, id: AttrId) -> Value {
        self.moment.route.and_then(|r| r.attr(id)).cloned().unwrap_or_default()
    }

    fn field(&self, field: Field) -> Value {
        self.moment.route.map_or(Value::Void, |r| r.glance(field, self.moment.env))
    }

    fn bit(&self, id: AttrId, bit: u8) -> bool {
        matches!(self.attr(id), Value::Int(n) if n >> bit & 1 != 0)
    }

    fn table(&self, number: u16) -> &'m str {
        match self.code.consts.get(number as usize) {
            Some(Value::Str(name)) => name,
            _ => "?",
        }
    }
}

fn sign(op: Cmp) -> &'static str {
    match op {
        Cmp::Eq => "=",
        Cmp::Ne => "!=",
        Cmp::Lt => "<",
        Cmp::Le => "<=",
        Cmp::Gt => ">",
        Cmp::Ge => ">=",
        Cmp::Match => "~",
        Cmp::NotMatch => "!~",
    }
}

fn truth(holds: bool) -> &'static str {
    if holds { "TRUE" } else { "FALSE" }
}

impl<'a> Tracer<'a> {
    pub(super) fn new(custom: &'a CustomAttrs) -> Tracer<'a> {
        let (steps, seen) = (Vec::new(), Vec::new());
        Tracer { custom, steps, skipped: 0, said: None, seen, pending: None }
    }

    fn push(&mut self, depth: usize, spot: Spot, outcome: String, notes: Vec<String>) {
        if self.steps.len() >= STEPS {
            self.skipped += 1;
            return;
        }
        self.steps.push(Step {
            depth,
            spot: Spot { text: cut(spot.text.trim_end_matches(';')), ..spot },
            outcome,
            notes,
        });
    }

    fn name(&self, id: AttrId) -> String {
        match (by_id(id), self.custom.get(id)) {
            (Some(known), _) => known.name.to_owned(),
            (None, Some(own)) => own.name.to_string(),
            (None, None) => format!("attribute {}", id.0),
        }
    }

    /// What the instruction before has written.
    fn finish(&mut self, look: &Look<'_>) {
        let Some((pending, mut spot)) = self.pending.take() else { return };
        let changed = |name: &str, before: &Value, after: &Value| match before == after {
            true => format!("{name} stays {}", short(after)),
            false => format!("{name}: {} -> {}", short(before), short(after)),
        };
        let outcome = match pending {
            Pending::Attr(id, before) => changed(&self.name(id), &before, &look.attr(id)),
            Pending::Field(field, before) => {
                let name = FIELDS.iter().find(|f| f.field == field).map_or("?", |f| f.name);
                changed(name, &before, &look.field(field))
            }
            Pending::Bit(id, bit, before) => {
                let known = BITS.iter().find(|b| (b.id, b.bit) == (id, bit));
                let after = Value::Bool(look.bit(id, bit));
                changed(known.map_or("?", |b| b.name), &Value::Bool(before), &after)
            }
            Pending::Item { reg, next } => match look.moment.registers.get(reg as usize) {
                Some(item) if look.moment.pc == next => short(item),
                _ => "no more".to_owned(),
            },
        };
        if spot.text.is_empty() {
            spot.text = "...".to_owned();
        }
        self.push(look.moment.depth, spot, outcome, Vec::new());
    }

    /// Variables that were given a value by the instructions just run.
    fn variables(&mut self, look: &Look<'_>) {
        let (unit, pc, depth) = (look.moment.unit, look.moment.pc, look.moment.depth);
        self.seen.truncate(depth + 1);
        if let Some((_, last)) = self.seen.get(depth).copied().filter(|(u, _)| *u == unit) {
            for mark in look.code.marks.iter().filter(|m| m.to as usize == pc) {
                if let Stretch::Variable(reg) = mark.what
                    && (mark.from as usize..pc).contains(&last)
                    && let Some(value) = look.moment.registers.get(reg as usize)
                {
                    let spot = look.code.spot_of(mark.span, 0);
                    let outcome = short(value);
                    self.push(depth, spot, outcome, Vec::new());
                }
            }
        }
        self.seen.resize(depth + 1, (usize::MAX, 0));
        self.seen[depth] = (unit, pc);
    }

    fn compare(&mut self, look: &Look<'_>, op: Cmp, a: Opd, b: Opd) {
        let (Some(a), Some(b)) = (look.value(a), look.value(b)) else { return };
        let Ok(holds) = ops::compare(op, a, b) else { return };
        let why = match op {
            Cmp::Match => of_match(a, b, holds),
            Cmp::NotMatch => of_match(a, b, !holds),
            _ => None,
        };
        let why = why.unwrap_or_else(|| format!("{} {} {}", short(a), sign(op), short(b)));
        let spot = self.test_spot(look);
        let same = spot.text == why;
        let outcome = if same { truth(holds).to_owned() } else { format!("{}: {why}", truth(holds)) };
        self.push(look.moment.depth, spot, outcome, Vec::new());
    }

    fn test_spot(&self, look: &Look<'_>) -> Spot {
        let pc = look.moment.pc;
        match look.code.mark(pc, |what| what == Stretch::Test) {
            Some(mark) => look.code.spot_of(mark.span, look.code.source(pc).line),
            None => look.code.spot_at(pc),
        }
    }

    fn call(&mut self, look: &Look<'_>, function: u32, args: Reg) {
        let units = &look.moment.program.units;
        let callee = units.get(look.moment.unit).and_then(|u| u.calls.get(function as usize));
        let Some(callee) = callee.and_then(|n| units.get(*n as usize)) else { return };
        let from = args as usize;
        let values = look.moment.registers.get(from..from + callee.code.args as usize).unwrap_or_default();
        let values: Vec<String> = values.iter().map(short).collect();
        let mut spot = look.code.spot_at(look.moment.pc);
        spot.text = format!("call {}({})", callee.code.name, values.join(", "));
        self.push(look.moment.depth, spot, String::new(), Vec::new());
    }

    fn roa(&mut self, look: &Look<'_>, table: u16, net: Option<&Net>, asn: u32) {
        let Some(net) = net else { return };
        let table = look.table(table);
        let state = Value::from(ops::roa_check(look.moment.env, table, net, asn));
        let mut spot = look.code.spot_at(look.moment.pc);
        spot.text = format!("roa_check({table}, {net}, {asn})");
        let notes = of_roa(look.moment.env, table, net, asn);
        self.push(look.moment.depth, spot, short(&state), notes);
    }

    fn aspa(&mut self, look: &Look<'_>, table: u16, path: Option<&Value>, upstream: bool) {
        let Some(Value::Path(path)) = path else { return };
        let table = look.table(table);
        let state = Value::from(ops::aspa_check(look.moment.env, table, path, upstream));
        let mut spot = look.code.spot_at(look.moment.pc);
        let word = if upstream { "upstream" } else { "downstream" };
        spot.text = cut(&format!("aspa_check_{word}({table}, {path})"));
        let notes = of_aspa(look.moment.env, table, path);
        self.push(look.moment.depth, spot, short(&state), notes);
    }

    fn switch(&mut self, look: &Look<'_>, a: Opd, table: u32) {
        let Some(value) = look.value(a) else { return };
        let label = look.code.switches.get(table as usize).zip(scalar(value));
        let label = label.and_then(|(t, scalar)| t.branches.label(scalar));
        let arm = match label {
            Some((from, to)) if from == to => format!("goes to {}", short(&from)),
            Some((from, to)) => format!("goes to {}..{}", short(&from), short(&to)),
            None => "no label fits".to_owned(),
        };
        let pc = look.moment.pc;
        let mark = look.code.mark(pc, |what| what == Stretch::Case);
        let mut spot = match mark {
            Some(mark) => look.code.spot_of(mark.span, look.code.source(pc).line),
            None => look.code.spot_at(pc),
        };
        spot.text = format!("case {}", spot.text);
        self.push(look.moment.depth, spot, format!("{}, {arm}", short(value)), Vec::new());
    }

    /// A finished line of output: the message of the verdict that follows, or what `print` would log.
    fn line(&mut self, look: &Look<'_>) {
        let (pc, text) = (look.moment.pc, look.moment.line);
        // A `print` in front of a verdict is a command of its own.
        let one_command = look.code.source(pc) == look.code.source(pc + 1);
        if one_command && matches!(look.code.ops.get(pc + 1), Some(Op::Verdict { .. })) {
            self.said = Some(cut(text));
            return;
        }
        let spot = look.code.spot_at(pc);
        self.push(look.moment.depth, spot, format!("would log \"{}\"", cut(text)), Vec::new());
    }
}

impl Watch for Tracer<'_> {
    fn step(&mut self, moment: &Moment<'_>) {
        let Some(unit) = moment.program.units.get(moment.unit) else { return };
        let look = Look { moment, code: &unit.code };
        let Some(op) = unit.code.ops.get(moment.pc) else { return };
        if self.steps.len() >= STEPS {
            self.pending = None;
            self.skipped += u64::from(!matches!(op, Op::Move { .. } | Op::Jump { .. }));
            if matches!(op, Op::Line) {
                self.line(&look);
            }
            return;
        }
        self.finish(&look);
        self.variables(&look);
        let pc = moment.pc;
        let pending = match *op {
            Op::Compare { op, a, b, .. } | Op::CompareBranch { op, a, b, .. } => {
                return self.compare(&look, op, a, b);
            }
            Op::Branch { a, .. } => {
                let mark = look.code.mark(pc, |what| what == Stretch::Test);
                // Other branches are parts of an expression whose value is told later.
                if let (Some(mark), Some(value)) = (mark.filter(|m| m.to as usize == pc + 1), look.value(a)) {
                    let spot = look.code.spot_of(mark.span, look.code.source(pc).line);
                    self.push(moment.depth, spot, short(value), Vec::new());
                }
                return;
            }
            Op::Switch { a, table } => return self.switch(&look, a, table),
            Op::Call { function, args, .. } => return self.call(&look, function, args),
            Op::Return { a } if moment.depth > 0 => {
                if let Some(value) = look.value(a) {
                    self.push(moment.depth, look.code.spot_at(pc), short(value), Vec::new());
                }
                return;
            }
            Op::RoaCheck { table, a, b, .. } => {
                let net = match look.value(a) {
                    Some(Value::Net(net)) => Some(net),
                    _ => None,
                };
                let asn = match look.value(b) {
                    Some(Value::Int(asn)) => *asn,
                    _ => return,
                };
                return self.roa(&look, table, net, asn);
            }
            Op::RoaCheckRoute { table, .. } => {
                let Some(Value::Path(path)) = moment.route.and_then(|r| r.attr(id::BGP_PATH)) else { return };
                let asn = path.last().unwrap_or(0);
                return self.roa(&look, table, moment.route.and_then(|r| r.net()), asn);
            }
            Op::AspaCheck { table, a, b, .. } => {
                let upstream = matches!(look.value(b), Some(Value::Bool(true)));
                return self.aspa(&look, table, look.value(a), upstream);
            }
            Op::AspaCheckRoute { table, upstream, .. } => {
                let path = moment.route.and_then(|r| r.attr(id::BGP_PATH));
                return self.aspa(&look, table, path, upstream);
            }
            Op::Line => return self.line(&look),
            Op::SetAttr { id, .. } | Op::UnsetAttr { id } => Pending::Attr(id, look.attr(id)),
            Op::SetField { field, .. } | Op::UnsetField { field } => Pending::Field(field, look.field(field)),
            Op::SetBit { id, bit, .. } => Pending::Bit(id, bit, look.bit(id, bit)),
            Op::Next { dst, .. } => Pending::Item { reg: dst, next: pc + 1 },
            _ => return,
        };
        self.pending = Some((pending, look.code.spot_at(pc)));
    }
}
