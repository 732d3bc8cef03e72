//! What a filter asks of the world: everything that is not in the route or in the program.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::value::EnumType;
use crate::base::{IpNet, Value};

/// The result of `roa_check`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of RFC 6811")]
pub enum RoaState {
    Unknown = 0,
    Valid = 1,
    Invalid = 2,
}

/// The result of `aspa_check`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the ASPA drafts")]
pub enum AspaState {
    Unknown = 0,
    Valid = 1,
    Invalid = 2,
}

impl RoaState {
    /// What the covering entries say of a prefix and its origin; `each_of` walks over them as [`Env::covering_roas`] does.
    pub fn of(prefix: &IpNet, asn: u32, each_of: impl FnOnce(&mut dyn FnMut(u8, u32) -> bool)) -> RoaState {
        let mut state = RoaState::Unknown;
        each_of(&mut |max_len, origin| {
            state = RoaState::Invalid;
            if origin == asn && asn != 0 && max_len >= prefix.prefix_len() {
                state = RoaState::Valid;
            }
            state != RoaState::Valid
        });
        state
    }
}

impl From<RoaState> for Value {
    fn from(state: RoaState) -> Value {
        Value::Enum(EnumType::Roa, state as u8)
    }
}

impl From<AspaState> for Value {
    fn from(state: AspaState) -> Value {
        Value::Enum(EnumType::Aspa, state as u8)
    }
}

/// An assertion of a self-test (`bt_assert`, `bt_check_assign`) that was evaluated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assertion {
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line.
    pub line: u32,
    /// What was asserted, as written.
    pub text: Arc<str>,
    /// Whether it holds.
    pub passed: bool,
    /// The two sides of a comparison that does not hold.
    pub compared: Option<(String, String)>,
}

/// What a failed one looks like.
impl fmt::Display for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: assertion failed: {}", self.file, self.line, self.text)?;
        match &self.compared {
            Some((left, right)) => write!(f, " (left is {left}, right is {right})"),
            None => Ok(()),
        }
    }
}

/// The outside of a filter. Methods have defaults that know nothing, so that a test implements what it needs.
pub trait Env {
    /// Calls `each` with maximum length and AS number of every entry of a ROA table that covers the prefix, until it says stop (`false`).
    fn covering_roas(&self, _table: &str, _prefix: &IpNet, _each: &mut dyn FnMut(u8, u32) -> bool) {}

    /// Whether an origin may announce a prefix (RFC 6811). Entries for AS 0 cover but never match.
    fn roa_state(&self, table: &str, prefix: &IpNet, asn: u32) -> RoaState {
        RoaState::of(prefix, asn, |each| self.covering_roas(table, prefix, each))
    }

    /// Calls `each` with the providers of every ASPA entry of a customer. AS 0 as the only provider stands for `transit`.
    fn aspa_entries(&self, _table: &str, _customer: u32, _each: &mut dyn FnMut(&[u32])) {}

    /// The name of an interface.
    fn interface_name(&self, _index: u32) -> Option<Arc<str>> {
        None
    }

    /// The number of an interface.
    fn interface_index(&self, _name: &str) -> Option<u32> {
        None
    }

    /// The interface through which a gateway is reached, as the route's protocol sees it. `only` is the interface of the next hop as it was,
    /// where that matters: for link-local gateways, and with `onlink`, which takes everything on it for a neighbour.
    /// `None`: no such neighbour, or an address of our own.
    fn gateway(&self, _gateway: IpAddr, _only: Option<u32>, _onlink: bool) -> Option<u32> {
        None
    }

    /// A finished line of `print`, `accept`, `reject` or `error`, for the log (class INFO).
    fn print(&self, _line: &str) {}

    /// A runtime error: the text behind `filters, line N: ` (class ERR, limited in rate by the receiver).
    fn runtime_error(&self, _line: u32, _message: &str) {}

    /// A filter came to its end without a verdict (class ERR).
    fn undecided(&self, _filter: &str) {}

    /// A self-test assertion was evaluated.
    fn assertion(&self, _assertion: Assertion) {}
}

/// The longest message of a filter in the log; what a route prints may be a thousand times that.
const LONGEST_MESSAGE: usize = 16 * 1024;

/// A line of [`Env::print`] for the log.
pub fn for_log(line: &str) -> String {
    if line.len() <= LONGEST_MESSAGE {
        return line.to_owned();
    }
    let end = (0..=LONGEST_MESSAGE).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    format!("{} ... <too long>", &line[..end])
}

/// An outside without anything.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoEnv;

impl Env for NoEnv {}
