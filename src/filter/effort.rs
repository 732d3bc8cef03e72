//! How much work a run may take, so that no filter can hang the daemon.
//!
//! Straight code is as long as the program. What repeats (turns of loops, calls) is paid for beforehand with the number of instructions that may
//! follow, which needs no counting per instruction; and since one instruction may look at a whole list, those that do cost the more the longer the
//! longest list or text is that has come up. What takes longer than looking through one of those (patterns of texts, comparing and printing sets) is
//! paid for by itself, before it is done. The unit is roughly one instruction on short values.
//!
//! The limit is counted in work and not in time, so that a filter says the same on every machine. For a route it is reached in some ten milliseconds,
//! a thousand times what the largest policies of route servers do: an endless filter must not make commands wait. Where nobody waits (a term in the
//! shell, a suite of tests) it is a hundred times as much.

use std::cell::Cell;

use super::ops::Fault;
use super::program::Program;
use super::view::RouteView;
use crate::base::Value;

/// Work of a run over a route: others wait meanwhile.
const MAX_OF_ROUTE: u64 = 2_000_000;

/// Work of a run without a route, in the shell or a suite of tests. Tests of our own run without optimisation, and need no second to see the end of it.
const MAX_ALONE: u64 = if cfg!(test) { 4_000_000 } else { 200_000_000 };

/// Work before anybody looks how long the lists of the route are: most runs end long before.
const UNWEIGHED: u64 = 20_000;

/// Straight code of so many instructions is worth counting.
const STRAIGHT: usize = 256;

/// Values of at most this size (in numbers, or 4 bytes of text) count as short.
const SHORT: usize = 256;

/// The longest value that can be made.
const LONGEST: usize = 1 << 18;

/// What a line of output, and a look into a table of ROAs or ASPAs, costs.
pub(super) const LINE: usize = 1000;
/// See there.
pub(super) const LOOKUP: usize = 200;
/// What a list or text costs that nobody has made before, however short it is.
pub(super) const MADE: u64 = 16;

const TOO_LONG: Fault = Fault::Borrowed("Filter execution took too long");
const TOO_BIG: Fault = Fault::Borrowed("Value is too long");

/// Whether something that is done all at once takes less than a whole run may.
pub(super) fn endurable(work: u64) -> Result<(), Fault> {
    if work > MAX_ALONE { Err(TOO_LONG) } else { Ok(()) }
}

/// So much work of filters is a good part of a turn (some two milliseconds): whoever runs many filters in a row lets others have a turn after it.
const TURN: u64 = MAX_OF_ROUTE / 5;

thread_local! {
    /// Work of all runs on this thread.
    static TOTAL: Cell<u64> = const { Cell::new(0) };
}

/// Tells those who run filters for many routes in a row when it is time to stop for a while. Filters without loops and calls cost next to
/// nothing and are not counted, so this says nothing of the usual work, which is bounded by its number of routes.
#[derive(Clone, Copy, Debug)]
pub struct Patience(u64);

impl Patience {
    /// Counts from here.
    pub fn new() -> Patience {
        Patience(TOTAL.get())
    }

    /// Whether filters have taken long since.
    pub fn is_over(&self) -> bool {
        TOTAL.get() - self.0 > TURN
    }
}

impl Default for Patience {
    fn default() -> Patience {
        Patience::new()
    }
}

impl Drop for Effort<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.spent > 0 {
            TOTAL.set(TOTAL.get() + self.spent);
        }
    }
}

/// The account of one run.
#[derive(Debug)]
pub(super) struct Effort<'a> {
    program: &'a Program,
    spent: u64,
    limit: u64,
    most: u64,
    /// What everything costs, by the longest value so far.
    factor: u64,
}

impl<'a> Effort<'a> {
    /// Of a run over a route, or of one without.
    pub(super) fn new(program: &'a Program, of_route: bool) -> Effort<'a> {
        let most = if of_route { MAX_OF_ROUTE } else { MAX_ALONE };
        Effort { program, spent: 0, limit: UNWEIGHED, most, factor: 1 }
    }

    /// Pays for so many instructions, and for the weight of those among them that look at whole values.
    #[inline]
    pub(super) fn spend(
        &mut self,
        steps: usize,
        weighty: impl FnOnce() -> usize,
        route: Option<&RouteView<'_>>,
    ) -> Result<(), Fault> {
        self.spent += steps as u64;
        if self.factor > 1 {
            self.spent += weighty() as u64 * (self.factor - 1);
        }
        if self.spent > self.limit { self.beyond(route) } else { Ok(()) }
    }

    /// The run ended here: everything before may have been done, once.
    #[inline]
    pub(super) fn ended(&mut self, pc: usize) {
        if pc >= STRAIGHT {
            self.spent += pc as u64;
        }
    }

    /// Pays for work that has nothing to do with how long other values are.
    #[inline]
    pub(super) fn pay(&mut self, work: u64, route: Option<&RouteView<'_>>) -> Result<(), Fault> {
        self.spent = self.spent.saturating_add(work);
        if self.spent > self.limit { self.beyond(route) } else { Ok(()) }
    }

    #[cold]
    fn beyond(&mut self, route: Option<&RouteView<'_>>) -> Result<(), Fault> {
        if self.limit == self.most {
            return Err(TOO_LONG);
        }
        self.limit = self.most;
        let longest = route.map_or(0, |r| r.attrs().map(|(_, value)| size(value)).max().unwrap_or(0));
        self.weigh(longest.max(self.program.constants().map(size).max().unwrap_or(0)));
        if self.spent > self.limit { Err(TOO_LONG) } else { Ok(()) }
    }

    fn weigh(&mut self, size: usize) {
        self.factor = self.factor.max(1 + (size / 4) as u64);
    }

    /// Pays for a value that was made or is looked through, and for whatever will be done with it.
    #[inline]
    pub(super) fn made(&mut self, value: &Value) -> Result<(), Fault> {
        let size = size(value);
        if size > SHORT { self.grown(size) } else { Ok(()) }
    }

    #[cold]
    fn grown(&mut self, size: usize) -> Result<(), Fault> {
        if size > LONGEST {
            return Err(TOO_BIG);
        }
        self.weigh(size);
        self.spent += size as u64;
        Ok(())
    }
}

/// The same limit for what is computed while the configuration is read.
pub(super) fn bounded(value: Value) -> Result<Value, Fault> {
    if size(&value) > LONGEST { Err(TOO_BIG) } else { Ok(value) }
}

/// How many numbers a value holds.
#[inline]
fn size(value: &Value) -> usize {
    match value {
        Value::Str(s) => s.len() / 4,
        Value::Bytes(b) => b.0.len() / 4,
        Value::Path(p) => p.words(),
        Value::Clist(l) => l.len(),
        Value::Eclist(l) => l.len() * 2,
        Value::Lclist(l) => l.len() * 3,
        _ => 0,
    }
}
