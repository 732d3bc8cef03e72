//! Linked programs and filters.
//!
//! Functions are compiled once and shared by all who call them. A [`Program`] is a body with every function
//! it can reach, in one flat list; calls are numbers into that list. So a running filter follows no chain of
//! pointers, comparing two programs is a walk over two lists, and dropping one does not recurse.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;

use super::code::{Code, Note, Site};
use super::questions::Sets;
use super::symbols::{FnId, Symbols};
use crate::base::{Net, Value};

/// A body in its program.
#[derive(Debug)]
pub(super) struct Unit {
    pub code: Arc<Code>,
    /// The form of it that runs when nobody watches.
    pub joined: Arc<Code>,
    /// The unit of each function the body calls.
    pub calls: Box<[u32]>,
    /// Number of the body's first site in the program.
    pub first_site: u32,
}

/// A body with all functions it needs.
#[derive(Debug, Default)]
pub struct Program {
    pub(super) units: Box<[Unit]>,
    /// The sets it looks for nets in, themselves looked for when the first route comes.
    sets: OnceLock<Sets>,
}

impl Program {
    /// Links a body. `None` if a function was declared but has no code, which an error about its body explains.
    pub fn link(main: Arc<Code>, symbols: &Symbols) -> Option<Program> {
        Program::link_with(main, |id| symbols.code(id).cloned())
    }

    fn link_with(main: Arc<Code>, code: impl Fn(FnId) -> Option<Arc<Code>>) -> Option<Program> {
        let mut bodies = vec![main];
        let mut numbers: FxHashMap<FnId, u32> = FxHashMap::default();
        let mut units = Vec::new();
        let mut first_site = 0;
        while let Some(body) = bodies.get(units.len()).cloned() {
            let mut calls = Vec::with_capacity(body.calls.len());
            for id in &body.calls {
                let number = match numbers.get(id) {
                    Some(number) => *number,
                    None => {
                        bodies.push(code(*id)?);
                        numbers.insert(*id, bodies.len() as u32 - 1);
                        bodies.len() as u32 - 1
                    }
                };
                calls.push(number);
            }
            let sites = body.sites.len() as u32;
            let joined = body.joined.clone().unwrap_or_else(|| body.clone());
            units.push(Unit { code: body, joined, calls: calls.into(), first_site });
            first_site += sites;
        }
        Some(Program { units: units.into(), sets: OnceLock::new() })
    }

    /// The constants of all its bodies.
    pub(super) fn constants(&self) -> impl Iterator<Item = &Value> {
        self.units.iter().flat_map(|unit| &unit.code.consts)
    }

    /// Whether two programs do the same.
    pub fn same(&self, other: &Program) -> bool {
        self.units.len() == other.units.len()
            && self
                .units
                .iter()
                .zip(&other.units)
                .all(|(a, b)| a.calls == b.calls && (Arc::ptr_eq(&a.code, &b.code) || a.code.same(&b.code)))
    }

    /// The body and the instruction as they were written, for an instruction of the form that ran.
    pub(super) fn origin(&self, unit: usize, pc: usize) -> (usize, usize) {
        let Some(body) = self.units.get(unit) else { return (unit, pc) };
        match body.joined.origins.get(pc) {
            Some((None, pc)) => (unit, *pc as usize),
            Some((Some(function), pc)) => {
                let callee = body.calls.get(*function as usize).map_or(unit, |n| *n as usize);
                (callee, *pc as usize)
            }
            None => (unit, pc),
        }
    }

    /// How many sites end this program, in all its functions.
    pub fn site_count(&self) -> usize {
        self.units.iter().map(|u| u.code.sites.len()).sum()
    }

    /// An assertion of a self-test in this program, if it has any.
    pub fn first_assertion(&self) -> Option<&Note> {
        self.units.iter().find_map(|u| u.code.notes.first())
    }

    /// A site by its number, with the name of the body it stands in.
    pub fn site(&self, number: u32) -> Option<(&Arc<str>, &Site)> {
        let unit = self.units.iter().rev().find(|u| u.first_site <= number)?;
        Some((&unit.code.name, unit.code.sites.get((number - unit.first_site) as usize)?))
    }
}

/// A filter, ready to run.
#[derive(Debug)]
pub struct Filter {
    /// Its name; `(unnamed)` for inline ones.
    pub name: Arc<str>,
    /// What it does.
    pub program: Program,
}

impl Filter {
    /// Reads what runs over routes of these nets, a few dozen at most, will have to read.
    pub fn warm(&self, nets: &[&Net]) {
        self.program.sets.get_or_init(|| Sets::of(&self.program.units)).warm(nets);
    }

    /// Whether two filters do the same; decides whether a channel reloads its routes.
    pub fn same(&self, other: &Filter) -> bool {
        std::ptr::eq(self, other) || self.program.same(&other.program)
    }
}

/// The filter side of `import` and `export`.
#[derive(Clone, Debug, Default)]
pub enum FilterRef {
    /// `all`
    #[default]
    All,
    /// `none`
    None,
    /// `filter NAME`
    Named(Arc<str>, Arc<Filter>),
    /// `filter { ... }` and `where TERM`
    Inline(Arc<Filter>),
}

impl FilterRef {
    /// `all`
    pub fn accept() -> FilterRef {
        FilterRef::All
    }

    /// `none`
    pub fn reject() -> FilterRef {
        FilterRef::None
    }

    /// The filter to run, unless the answer is always the same.
    pub fn filter(&self) -> Option<&Arc<Filter>> {
        match self {
            FilterRef::All | FilterRef::None => None,
            FilterRef::Named(_, f) | FilterRef::Inline(f) => Some(f),
        }
    }

    /// Whether two policies do the same.
    pub fn same(&self, other: &FilterRef) -> bool {
        match (self, other) {
            (FilterRef::All, FilterRef::All) | (FilterRef::None, FilterRef::None) => true,
            _ => matches!((self.filter(), other.filter()), (Some(a), Some(b)) if a.same(b)),
        }
    }
}

impl PartialEq for FilterRef {
    fn eq(&self, other: &FilterRef) -> bool {
        self.same(other)
    }
}

/// As `show protocols all` names it.
impl fmt::Display for FilterRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FilterRef::All => "ACCEPT",
            FilterRef::None => "REJECT",
            FilterRef::Named(name, _) => name,
            FilterRef::Inline(_) => "(unnamed)",
        })
    }
}
