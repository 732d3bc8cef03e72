//! The machine that runs programs.
//!
//! One loop, one stack of registers, one stack of calls, both kept from run to run: a filter that neither builds lists nor prints
//! allocates nothing. Nothing recurses on the native stack. Running time is bounded: straight code is as long as the program, and what
//! repeats (calls, loops) is counted. What can go wrong is a [`RuntimeError`], never a panic.

use super::attributes::Field;
use super::code::{Blank, Code, MaskPart, Op, Opd, Place, Reg, Verdict};
use super::effort::{self, Effort};
use super::env::{Assertion, Env};
use super::memo::Memo;
use super::ops::{self, Fault};
use super::program::{Program, Unit};
use super::types::Type;
use super::view::RouteView;
use crate::base::community::LargeCommunity;
use crate::base::list::List;
use crate::base::path::AsPath;
use crate::base::{Net, Value};
use crate::table::AttrId;

/// Deepest nesting of calls.
pub const MAX_CALLS: usize = 8192;
/// Registers of all calls together.
const MAX_REGISTERS: usize = 1 << 20;
/// Registers whose memory is kept for the next run.
const KEPT_REGISTERS: usize = 1 << 14;
/// Bytes of one line of output; what goes beyond is left out.
const LONGEST_LINE: usize = 1 << 16;

/// What ended a run early.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuntimeError {
    /// The line BIRD would name.
    pub line: u32,
    /// The text behind `filters, line N: `.
    pub message: Fault,
    /// The body in its program, and the instruction.
    pub at: (u32, u32),
}

/// How a run ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Exit {
    /// A verdict, with the number of its site in the program.
    Verdict(Verdict, u32),
    /// The end of the body, or `return`.
    Value(Value),
}

#[derive(Debug)]
struct Frame {
    unit: u32,
    pc: u32,
    base: u32,
    dst: Reg,
}

/// The stacks of the machine, to be used again and again.
#[derive(Debug, Default)]
pub struct Machine {
    registers: Vec<Value>,
    frames: Vec<Frame>,
    /// The open line of output.
    line: String,
    /// Lists made before.
    memo: Memo,
}

/// What a program works on.
pub struct World<'a, 'r> {
    /// The route, if there is one.
    pub route: Option<&'a mut RouteView<'r>>,
    /// The routes that `for` can walk over in an aggregator.
    pub routes: &'a [RouteView<'a>],
    /// The outside.
    pub env: &'a dyn Env,
}

/// A running program between two instructions.
pub struct Moment<'m> {
    /// The program.
    pub program: &'m Program,
    /// The body that runs.
    pub unit: usize,
    /// Its next instruction.
    pub pc: usize,
    /// The registers from those of the body on.
    pub registers: &'m [Value],
    /// How many registers stand before those.
    pub base: usize,
    /// How many calls are open.
    pub depth: usize,
    /// The route.
    pub route: Option<&'m RouteView<'m>>,
    /// The outside.
    pub env: &'m dyn Env,
    /// The open line of output.
    pub line: &'m str,
}

/// Somebody who watches a program run.
pub trait Watch {
    /// Whether there is anything to watch for; `false` costs nothing.
    const ON: bool = true;

    /// Whether he sees bodies as they were written, or as they run when nobody watches.
    const WRITTEN: bool = Self::ON;

    /// Called before every instruction.
    fn step(&mut self, moment: &Moment<'_>);
}

/// Nobody.
struct Unwatched;

impl Watch for Unwatched {
    const ON: bool = false;
    fn step(&mut self, _: &Moment<'_>) {}
}

static VOID: Value = Value::Void;
static NO_PATH: Value = Value::Path(AsPath::EMPTY);
static NO_CLIST: Value = Value::Clist(List::EMPTY);
static NO_ECLIST: Value = Value::Eclist(List::EMPTY);
static NO_LCLIST: Value = Value::Lclist(List::EMPTY);

/// What an unset attribute reads as.
pub(super) fn blank(blank: Blank) -> &'static Value {
    match blank {
        Blank::Void => &VOID,
        Blank::Path => &NO_PATH,
        Blank::Clist => &NO_CLIST,
        Blank::Eclist => &NO_ECLIST,
        Blank::Lclist => &NO_LCLIST,
    }
}

const NO_ROUTE: Fault = Fault::Borrowed("No route to access");
const OVERFLOW: Fault = Fault::Borrowed("Filter execution stack overflow");
const BROKEN: Fault = Fault::Borrowed("Filter code is broken");

impl World<'_, '_> {
    #[inline]
    fn route(&self) -> Result<&RouteView<'_>, Fault> {
        self.route.as_deref().ok_or(NO_ROUTE)
    }

    fn field(&self, field: Field) -> Result<Value, Fault> {
        Ok(self.route()?.field(field, self.env))
    }

    fn bit(route: &RouteView<'_>, id: AttrId, bit: u8) -> Value {
        match route.attr(id) {
            Some(Value::Int(n)) => Value::Bool(n >> bit & 1 != 0),
            _ => Value::Void,
        }
    }

    fn one_of(&self, handle: &Value) -> Result<&RouteView<'_>, Fault> {
        match handle {
            Value::Int(n) => self.routes.get(*n as usize).ok_or(NO_ROUTE),
            _ => Err(NO_ROUTE),
        }
    }
}

/// The value of an operand, without copying it.
#[inline(always)]
fn read<'v>(
    opd: Opd,
    registers: &'v [Value],
    base: usize,
    code: &'v Code,
    world: &'v World<'_, '_>,
) -> Option<&'v Value> {
    match opd.place() {
        Place::Reg(r) => registers.get(base + r as usize),
        Place::Const(c) => code.consts.get(c as usize),
        Place::Net => Some(world.route.as_deref()?.net_value()),
        Place::Attr(id, empty) => attr(world, id, empty),
    }
}

fn attr<'v>(world: &'v World<'_, '_>, id: AttrId, empty: Blank) -> Option<&'v Value> {
    Some(world.route.as_deref()?.attr(id).unwrap_or_else(|| blank(empty)))
}

/// Why an operand has no value.
#[cold]
fn lost(opd: Opd) -> Fault {
    match opd.place() {
        Place::Reg(_) | Place::Const(_) => BROKEN,
        Place::Net | Place::Attr(..) => NO_ROUTE,
    }
}

/// The form of a body that is run under these eyes.
#[inline(always)]
fn form<W: Watch>(unit: &Unit) -> &Code {
    if W::WRITTEN { &unit.code } else { &unit.joined }
}

impl Machine {
    /// Runs a program. Output goes to the world, errors come back.
    pub fn run(&mut self, program: &Program, world: &mut World<'_, '_>) -> Result<Exit, RuntimeError> {
        self.run_watched(program, world, &mut Unwatched)
    }

    /// The same under the eyes of somebody who explains it.
    pub fn run_watched<W: Watch>(
        &mut self,
        program: &Program,
        world: &mut World<'_, '_>,
        watch: &mut W,
    ) -> Result<Exit, RuntimeError> {
        self.frames.clear();
        self.line.clear();
        let mut at = (0, 0);
        let result = self.execute(program, world, &mut at, watch);
        self.registers.clear();
        if self.registers.capacity() > KEPT_REGISTERS {
            self.registers.shrink_to(KEPT_REGISTERS);
        }
        result.map_err(|message| {
            let at = if W::WRITTEN { at } else { program.origin(at.0, at.1) };
            let line = program.units.get(at.0).map_or(0, |u| u.code.source(at.1).line);
            RuntimeError { line, message, at: (at.0 as u32, at.1 as u32) }
        })
    }

    /// Forgets answers given before, and with them everything of an old configuration.
    pub fn forget(&mut self) {
        self.memo = Memo::default();
    }

    fn grow(&mut self, to: usize) -> Result<(), Fault> {
        if to > self.registers.len() {
            if to > MAX_REGISTERS {
                return Err(OVERFLOW);
            }
            self.registers.resize_with(to, || Value::Void);
        }
        Ok(())
    }

    /// `at` follows unit and instruction, for the line of an error.
    fn execute<W: Watch>(
        &mut self,
        program: &Program,
        world: &mut World<'_, '_>,
        at: &mut (usize, usize),
        watch: &mut W,
    ) -> Result<Exit, Fault> {
        let mut number = 0;
        let mut unit = program.units.first().ok_or(BROKEN)?;
        let mut code: &Code = form::<W>(unit);
        let (mut pc, mut base) = (0usize, 0usize);
        let mut effort = Effort::new(program, world.route.is_some());
        self.grow(code.registers as usize)?;
        // Every instruction that can fail is inside `try_`, so that `at` is written only when it does.
        macro_rules! try_ {
            ($e:expr) => {
                match $e {
                    Ok(value) => value,
                    Err(fault) => {
                        *at = (number, pc);
                        return Err(fault.into());
                    }
                }
            };
        }
        macro_rules! get {
            ($opd:expr) => {
                match read($opd, &self.registers, base, code, world) {
                    Some(value) => value,
                    None => try_!(Err(lost($opd))),
                }
            };
        }
        macro_rules! set {
            ($dst:expr, $value:expr) => {{
                let value = $value;
                match self.registers.get_mut(base + $dst as usize) {
                    Some(slot) => slot.put(value),
                    None => try_!(Err(BROKEN)),
                }
            }};
        }
        // Where a result goes. Small results are made there at once: gathering them elsewhere first costs more than making them.
        macro_rules! slot {
            ($dst:expr) => {
                match self.registers.get_mut(base + $dst as usize) {
                    Some(slot) => slot,
                    None => try_!(Err(BROKEN)),
                }
            };
        }
        macro_rules! compare {
            ($op:expr, $a:expr, $b:expr) => {{
                let (a, b) = (get!($a), get!($b));
                match ops::quick_compare($op, a, b) {
                    Some(holds) => holds,
                    None => {
                        if ops::may_be_long(a) || ops::may_be_long(b) {
                            try_!(effort.made(a));
                            try_!(effort.made(b));
                            try_!(effort.pay(ops::toil($op, a, b), world.route.as_deref()));
                        }
                        try_!(ops::compare($op, a, b))
                    }
                }
            }};
        }
        loop {
            let Some(op) = code.ops.get(pc) else { try_!(Err(BROKEN)) };
            if W::ON {
                watch.step(&Moment {
                    program,
                    unit: number,
                    pc,
                    registers: self.registers.get(base..).unwrap_or_default(),
                    base,
                    depth: self.frames.len(),
                    route: world.route.as_deref(),
                    env: world.env,
                    line: &self.line,
                });
            }
            match *op {
                Op::Move { dst, a } => match *get!(a) {
                    Value::Int(n) => slot!(dst).put_in_place(Value::Int(n)),
                    Value::Bool(b) => slot!(dst).put_in_place(Value::Bool(b)),
                    Value::Net(Net::Ip(prefix)) => slot!(dst).put_in_place(Value::Net(Net::Ip(prefix))),
                    ref other => set!(dst, other.clone()),
                },
                Op::Given { a, ty, fresh } => {
                    if matches!(get!(a), Value::Void) {
                        let name = if fresh { "VAR_INIT" } else { "VAR_SET" };
                        try_!(Err(ops::wrong_argument(1, name, ty, Type::of(&Value::Void))));
                    }
                }
                Op::Arith { op, dst, a, b } => match (get!(a), get!(b)) {
                    (Value::Int(x), Value::Int(y)) => {
                        let n = try_!(ops::int_arith(op, *x, *y));
                        slot!(dst).put_in_place(Value::Int(n))
                    }
                    (a, b) => set!(dst, try_!(ops::arith(op, a, b))),
                },
                Op::Compare { op, dst, a, b } => {
                    let holds = compare!(op, a, b);
                    slot!(dst).put_in_place(Value::Bool(holds))
                }
                Op::CompareBranch { op, when, a, b, to } => {
                    if compare!(op, a, b) == when {
                        pc = to as usize;
                        continue;
                    }
                }
                Op::Not { dst, a } => set!(dst, Value::Bool(!try_!(ops::bool(get!(a), 1, "NOT")))),
                Op::Bool { asker, dst, a } => {
                    let (n, name) = asker.words();
                    set!(dst, Value::Bool(try_!(ops::bool(get!(a), n, name))))
                }
                Op::Jump { to } => {
                    pc = to as usize;
                    continue;
                }
                Op::Branch { asker, when, a, to } => {
                    let holds = match get!(a) {
                        Value::Bool(holds) => *holds,
                        other => {
                            let (n, name) = asker.words();
                            try_!(ops::bool(other, n, name))
                        }
                    };
                    if holds == when {
                        pc = to as usize;
                        continue;
                    }
                }
                Op::Switch { a, table } => {
                    let Some(table) = code.switches.get(table as usize) else { try_!(Err(BROKEN)) };
                    let arm = table.branches.find_value(get!(a));
                    pc = arm.and_then(|n| table.arms.get(n as usize)).copied().unwrap_or(table.otherwise)
                        as usize;
                    continue;
                }
                Op::Field { dst, field } => set!(dst, try_!(world.field(field))),
                Op::SetField { field, a } => {
                    let value = get!(a).copy();
                    let (wanted, got) = (field.ty(), Type::of(&value));
                    if wanted != got {
                        try_!(Err(ops::wrong_argument(1, "RTA_SET", wanted, got)));
                    }
                    let env = world.env;
                    let route = try_!(world.route.as_deref_mut().ok_or(NO_ROUTE));
                    try_!(route.set_field(field, value, env));
                }
                Op::UnsetField { field } => {
                    let env = world.env;
                    let route = try_!(world.route.as_deref_mut().ok_or(NO_ROUTE));
                    try_!(route.set_field(field, Value::Void, env));
                }
                Op::SetAttr { id, ty, a } => {
                    // What stands in a register goes from there to the route.
                    let elsewhere;
                    let value = match a.place() {
                        Place::Reg(r) => match self.registers.get(base + r as usize) {
                            Some(value) => value,
                            None => try_!(Err(BROKEN)),
                        },
                        _ => {
                            elsewhere = get!(a).copy();
                            &elsewhere
                        }
                    };
                    let got = Type::of(value);
                    if got != ty {
                        try_!(Err(ops::wrong_argument(1, "EA_SET", ty, got)));
                    }
                    try_!(world.route.as_deref_mut().ok_or(NO_ROUTE)).copy_attr(id, value);
                }
                Op::UnsetAttr { id } => {
                    try_!(world.route.as_deref_mut().ok_or(NO_ROUTE)).set_attr(id, Value::Void);
                }
                Op::Bit { dst, id, bit } => set!(dst, World::bit(try_!(world.route()), id, bit)),
                Op::SetBit { id, bit, a } => {
                    let on = try_!(ops::bool(get!(a), 1, "EA_SET"));
                    try_!(set_bit(world, id, bit, on));
                }
                Op::Method { method, dst, a } => {
                    let a = get!(a);
                    match ops::quick(method, a) {
                        Some(n) => slot!(dst).put_in_place(Value::Int(n)),
                        None => {
                            try_!(effort.made(a));
                            set!(dst, try_!(ops::call(method, a, None)))
                        }
                    }
                }
                Op::Method1 { method, dst, a, b } => {
                    let (a, b) = (get!(a), get!(b));
                    // Answers that are kept are short.
                    match self.memo.recall(method, a, b) {
                        Some(known) => slot!(dst).assign(known),
                        None => {
                            try_!(effort.made(a));
                            try_!(effort.pay(effort::MADE, world.route.as_deref()));
                            let value = try_!(self.memo.call(method, a, b));
                            try_!(effort.made(&value));
                            set!(dst, value)
                        }
                    }
                }
                Op::Pair { dst, a, b } => match (get!(a), get!(b)) {
                    (Value::Int(x), Value::Int(y)) if *x <= 0xffff && *y <= 0xffff => {
                        let n = x << 16 | y;
                        slot!(dst).put_in_place(Value::Pair(n))
                    }
                    (a, b) => set!(dst, try_!(ops::pair(a, b))),
                },
                Op::Ec { kind, dst, a, b } => set!(dst, try_!(ops::ec(kind, get!(a), get!(b)))),
                Op::Lc { dst, a, b } => {
                    let c = get!(Opd::from(Place::Reg(dst)));
                    if let (Value::Int(asn), Value::Int(data1), Value::Int(data2)) = (get!(a), get!(b), c) {
                        let (asn, data1, data2) = (*asn, *data1, *data2);
                        slot!(dst).put_in_place(Value::Lc(LargeCommunity { asn, data1, data2 }));
                    } else {
                        set!(dst, try_!(ops::lc(get!(a), get!(b), get!(Opd::from(Place::Reg(dst))))))
                    }
                }
                Op::Mask { dst, template, first } => {
                    set!(dst, try_!(build_mask(code, template, &self.registers, base + first as usize)))
                }
                Op::Defined { dst, a } => set!(dst, Value::Bool(!get!(a).is_undefined())),
                Op::Format { dst, a } => {
                    let a = get!(a);
                    try_!(effort.pay(ops::bulk(a), world.route.as_deref()));
                    let value = ops::format(a);
                    try_!(effort.pay(effort::MADE, world.route.as_deref()));
                    try_!(effort.made(&value));
                    set!(dst, value)
                }
                Op::FromHex { dst, a } => set!(dst, try_!(ops::from_hex(get!(a)))),
                Op::RoaCheck { dst, table, a, b } => {
                    try_!(effort.spend(effort::LOOKUP, || 0, world.route.as_deref()));
                    set!(dst, try_!(roa(world.env, table_name(code, table), get!(a), get!(b))))
                }
                Op::RoaCheckRoute { dst, table } => {
                    try_!(effort.spend(effort::LOOKUP, || 0, world.route.as_deref()));
                    set!(dst, try_!(roa_route(world, table_name(code, table))))
                }
                Op::AspaCheck { dst, table, a, b } => {
                    try_!(effort.spend(effort::LOOKUP, || effort::LOOKUP, world.route.as_deref()));
                    set!(dst, try_!(aspa(world.env, table_name(code, table), get!(a), get!(b))))
                }
                Op::AspaCheckRoute { dst, table, upstream } => {
                    try_!(effort.spend(effort::LOOKUP, || effort::LOOKUP, world.route.as_deref()));
                    set!(dst, try_!(aspa_route(world, table_name(code, table), upstream)))
                }
                Op::Call { function, dst, args } => {
                    if self.frames.len() >= MAX_CALLS {
                        try_!(Err(OVERFLOW));
                    }
                    let Some(callee) = unit.calls.get(function as usize) else { try_!(Err(BROKEN)) };
                    let Some(next) = program.units.get(*callee as usize) else { try_!(Err(BROKEN)) };
                    let body = form::<W>(next);
                    let weighty = || body.weighty(0..body.ops.len());
                    try_!(effort.spend(body.ops.len(), weighty, world.route.as_deref()));
                    let inner = base + args as usize;
                    try_!(self.grow(inner + form::<W>(next).registers as usize));
                    self.frames.push(Frame {
                        unit: number as u32,
                        pc: pc as u32 + 1,
                        base: base as u32,
                        dst,
                    });
                    (number, unit, code, base, pc) = (*callee as usize, next, form::<W>(next), inner, 0);
                    continue;
                }
                Op::Return { .. } | Op::End => {
                    let value = match *op {
                        Op::Return { a } => get!(a),
                        _ => &VOID,
                    };
                    let Some(frame) = self.frames.pop() else { return Ok(Exit::Value(value.clone())) };
                    let Some(caller) = program.units.get(frame.unit as usize) else { try_!(Err(BROKEN)) };
                    base = frame.base as usize;
                    match *value {
                        Value::Int(n) => slot!(frame.dst).put_in_place(Value::Int(n)),
                        Value::Bool(b) => slot!(frame.dst).put_in_place(Value::Bool(b)),
                        ref other => {
                            let value = other.clone();
                            set!(frame.dst, value)
                        }
                    }
                    (number, unit, code) = (frame.unit as usize, caller, form::<W>(caller));
                    pc = frame.pc as usize;
                    continue;
                }
                Op::Print { a } => {
                    use std::fmt::Write;
                    let value = get!(a);
                    try_!(effort.made(value));
                    try_!(effort.pay(ops::bulk(value), world.route.as_deref()));
                    // Writing to a string cannot fail.
                    if self.line.len() < LONGEST_LINE {
                        let _ = write!(self.line, "{value}");
                    }
                }
                Op::Line => {
                    try_!(effort.spend(effort::LINE, || 1, world.route.as_deref()));
                    // Lines are kept until the end of the run.
                    try_!(effort.pay(self.line.len() as u64 * 4, world.route.as_deref()));
                    world.env.print(&self.line);
                    self.line.clear();
                }
                Op::Verdict { verdict, site } => {
                    effort.ended(pc);
                    return Ok(Exit::Verdict(verdict, unit.first_site + site));
                }
                Op::Walk { state, a } => {
                    let list = get!(a).clone();
                    set!(state, list);
                    set!(state + 1, Value::Ec(0));
                }
                Op::Next { state, dst, end } => {
                    let weighty = || code.weighty(pc..end as usize);
                    try_!(effort.spend((end as usize).saturating_sub(pc), weighty, world.route.as_deref()));
                    let here = base + state as usize;
                    let Some([list, position]) = self.registers.get(here..here + 2) else {
                        try_!(Err(BROKEN))
                    };
                    match try_!(next_item(list, position)) {
                        Some((item, position)) => {
                            set!(state + 1, Value::Ec(position));
                            set!(dst, item);
                        }
                        None => {
                            set!(state, Value::Void);
                            pc = end as usize;
                            continue;
                        }
                    }
                }
                Op::RouteField { dst, route, field } => {
                    let handle = get!(Opd::from(Place::Reg(route)));
                    set!(dst, try_!(world.one_of(handle)).field(field, world.env))
                }
                Op::RouteAttr { dst, route, id, blank: empty } => {
                    let handle = get!(Opd::from(Place::Reg(route)));
                    set!(dst, try_!(world.one_of(handle)).attr(id).unwrap_or_else(|| blank(empty)).clone())
                }
                Op::RouteBit { dst, route, id, bit } => {
                    let handle = get!(Opd::from(Place::Reg(route)));
                    set!(dst, World::bit(try_!(world.one_of(handle)), id, bit))
                }
                Op::Routes { dst } => set!(dst, Value::Int(world.routes.len() as u32)),
                Op::Fail { message } => {
                    let words = match code.consts.get(message as usize) {
                        Some(Value::Str(s)) => s,
                        _ => "",
                    };
                    try_!(Err(Fault::Owned(words.to_string())));
                }
                Op::Assert { a, note } => {
                    let passed = try_!(ops::bool(get!(a), 1, "ASSERT"));
                    let Some(note) = code.notes.get(note as usize) else { try_!(Err(BROKEN)) };
                    try_!(effort.spend(effort::LINE, || 0, world.route.as_deref()));
                    let compared = match note.compared {
                        Some((a, b)) if !passed => {
                            let (a, b) = (get!(a), get!(b));
                            try_!(effort.pay(ops::bulk(a) + ops::bulk(b), world.route.as_deref()));
                            Some((a.to_string(), b.to_string()))
                        }
                        _ => None,
                    };
                    let words = compared.as_ref().map_or(0, |(a, b)| a.len() + b.len());
                    try_!(effort.pay(words as u64 * 4, world.route.as_deref()));
                    world.env.assertion(Assertion {
                        file: note.file.clone(),
                        line: note.line,
                        text: note.text.clone(),
                        passed,
                        compared,
                    });
                }
            }
            pc += 1;
        }
    }
}

fn table_name(code: &Code, number: u16) -> &str {
    match code.consts.get(number as usize) {
        Some(Value::Str(name)) => name,
        _ => "",
    }
}

fn set_bit(world: &mut World<'_, '_>, id: AttrId, bit: u8, on: bool) -> Result<(), Fault> {
    let route = world.route.as_deref_mut().ok_or(NO_ROUTE)?;
    let old = match route.attr(id) {
        Some(Value::Int(n)) => *n,
        _ => 0,
    };
    let new = if on { old | 1 << bit } else { old & !(1 << bit) };
    route.set_attr(id, Value::Int(new));
    Ok(())
}

fn build_mask(code: &Code, template: u32, registers: &[Value], first: usize) -> Result<Value, Fault> {
    let parts = code.masks.get(template as usize).ok_or(BROKEN)?;
    let mut holes = registers.get(first..).unwrap_or(&[]).iter();
    let mut items = Vec::with_capacity(parts.len());
    for part in parts {
        items.push(match part {
            MaskPart::Known(item) => item.clone(),
            MaskPart::Hole => ops::mask_item(holes.next().ok_or(BROKEN)?)?,
        });
    }
    ops::mask(items)
}

fn roa(env: &dyn Env, table: &str, net: &Value, asn: &Value) -> Result<Value, Fault> {
    let wrong = |n, wanted, got| ops::wrong_argument(n, "ROA_CHECK_EXPLICIT", wanted, Type::of(got));
    let Value::Net(net) = net else { return Err(wrong(1, Type::Prefix, net)) };
    let Value::Int(asn) = asn else { return Err(wrong(2, Type::Int, asn)) };
    Ok(ops::roa_check(env, table, net, *asn).into())
}

fn roa_route(world: &World<'_, '_>, table: &str) -> Result<Value, Fault> {
    let route = world.route()?;
    let Some(Value::Path(path)) = route.attr(super::attributes::id::BGP_PATH) else {
        return Err("Missing AS_PATH attribute".into());
    };
    let net = route.net().ok_or(NO_ROUTE)?;
    Ok(ops::roa_check(world.env, table, net, path.last().unwrap_or(0)).into())
}

fn aspa(env: &dyn Env, table: &str, path: &Value, upstream: &Value) -> Result<Value, Fault> {
    let wrong = |n, wanted, got| ops::wrong_argument(n, "ASPA_CHECK_EXPLICIT", wanted, Type::of(got));
    let Value::Path(path) = path else { return Err(wrong(1, Type::Path, path)) };
    let Value::Bool(upstream) = upstream else { return Err(wrong(2, Type::Bool, upstream)) };
    Ok(ops::aspa_check(env, table, path, *upstream).into())
}

fn aspa_route(world: &World<'_, '_>, table: &str, upstream: bool) -> Result<Value, Fault> {
    // Unlike for ROAs, a route without a path counts as one whose path is empty.
    let empty = AsPath::EMPTY;
    let path = match world.route()?.attr(super::attributes::id::BGP_PATH) {
        Some(Value::Path(path)) => path,
        _ => &empty,
    };
    Ok(ops::aspa_check(world.env, table, path, upstream).into())
}

/// The item at a position of a list, and the position behind it.
fn next_item(list: &Value, position: &Value) -> Result<Option<(Value, u64)>, Fault> {
    let Value::Ec(at) = position else { return Err(BROKEN) };
    let index = *at as usize;
    let item = match list {
        Value::Path(path) => return Ok(path.step(*at).map(|(n, next)| (Value::Int(n), next))),
        Value::Clist(l) => l.get(index).map(|n| Value::Pair(*n)),
        Value::Eclist(l) => l.get(index).map(|n| Value::Ec(*n)),
        Value::Lclist(l) => l.get(index).map(|n| Value::Lc(*n)),
        Value::Int(count) => (*at < *count as u64).then_some(Value::Int(*at as u32)),
        other => return Err(format!("Type {} is not iterable, can't be used in FOR", Type::of(other)).into()),
    };
    Ok(item.map(|i| (i, at + 1)))
}

/// What a filter did with a route.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// Accepted or not.
    pub verdict: Verdict,
    /// The number of the site in the filter's program; `None` if it ended otherwise.
    pub site: Option<u32>,
    /// The error that ended it, already reported to the outside.
    pub error: Option<RuntimeError>,
}

/// Runs a filter on a route. Errors and messages go to `env`; what was written stays in `route`.
pub fn run(
    filter: &super::Filter,
    route: &mut RouteView<'_>,
    machine: &mut Machine,
    env: &dyn Env,
) -> Outcome {
    run_merge(filter, route, &[], machine, env)
}

/// As [`run`], under the eyes of somebody.
pub(super) fn run_under<W: Watch>(
    filter: &super::Filter,
    route: &mut RouteView<'_>,
    machine: &mut Machine,
    env: &dyn Env,
    watch: &mut W,
) -> Outcome {
    let mut world = World { route: Some(route), routes: &[], env };
    let result = machine.run_watched(&filter.program, &mut world, watch);
    outcome(filter, result, env)
}

/// As [`run`], with routes that `for` can walk over.
pub fn run_merge<'a>(
    filter: &super::Filter,
    route: &'a mut RouteView<'_>,
    routes: &'a [RouteView<'a>],
    machine: &mut Machine,
    env: &'a dyn Env,
) -> Outcome {
    let mut world = World { route: Some(route), routes, env };
    let result = machine.run(&filter.program, &mut world);
    outcome(filter, result, env)
}

#[inline]
fn outcome(filter: &super::Filter, result: Result<Exit, RuntimeError>, env: &dyn Env) -> Outcome {
    match result {
        Ok(Exit::Verdict(verdict, site)) => Outcome { verdict, site: Some(site), error: None },
        Ok(Exit::Value(_)) => {
            env.undecided(&filter.name);
            Outcome { verdict: Verdict::Error, site: None, error: None }
        }
        Err(error) => {
            env.runtime_error(error.line, &error.message);
            Outcome { verdict: Verdict::Error, site: None, error: Some(error) }
        }
    }
}

/// Runs the commands of a static route: a verdict or an error only ends them.
pub fn run_commands(
    commands: &Program,
    route: &mut RouteView<'_>,
    machine: &mut Machine,
    env: &dyn Env,
) -> Result<(), RuntimeError> {
    let mut world = World { route: Some(route), routes: &[], env };
    let result = machine.run(commands, &mut world);
    if let Err(error) = &result {
        env.runtime_error(error.line, &error.message);
    }
    result.map(|_| ())
}

/// Runs a body without a route (a test suite); gives back its verdict, if it came to one.
pub fn run_alone(
    program: &Program,
    machine: &mut Machine,
    env: &dyn Env,
) -> Result<Option<Verdict>, RuntimeError> {
    let mut world = World { route: None, routes: &[], env };
    Ok(match machine.run(program, &mut world)? {
        Exit::Value(_) => None,
        Exit::Verdict(verdict, _) => Some(verdict),
    })
}

/// Evaluates a term without a route; `None` if a function in it accepted or rejected, where there is nothing to decide about.
pub fn evaluate(
    program: &Program,
    machine: &mut Machine,
    env: &dyn Env,
) -> Result<Option<Value>, RuntimeError> {
    let mut world = World { route: None, routes: &[], env };
    match machine.run(program, &mut world)? {
        Exit::Value(value) => Ok(Some(value)),
        Exit::Verdict(..) => Ok(None),
    }
}
