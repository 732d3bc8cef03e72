//! Lists made before: `bgp_community.add((64500, 7))` gives the same list for a thousand routes, and makes it once.
//!
//! Lists are immutable and shared, so a list is known by where its members are. An entry keeps object,
//! argument and result alive; as long as it stands, those addresses mean nothing else. A hit costs a
//! comparison of a few words and a reference count; and routes that came to one list in one way share it, so
//! that comparing their attributes compares pointers.
//!
//! Memory is bounded: [`SLOTS`] entries of lists with at most [`LONGEST`] words each. Which slot an entry
//! stands in is decided by its key alone, a newer one takes the place of an older one. Where hardly anything
//! repeats (full tables with communities of their own), entries would be written only to be thrown away:
//! after a run of misses most of them are not written. Arguments may be sets of the configuration, so a new
//! configuration empties the memo.

use super::ops::{self, Fault};
use crate::base::Value;

/// How many answers are kept.
const SLOTS: usize = 512;
/// Words in the longest list that is kept.
const LONGEST: usize = 64;
/// So many misses without a hit, and only one answer of so many is kept.
const PATIENCE: u32 = 256;
const SAMPLE: u32 = 16;

/// What a value is known by: its type and its bits, or where it is.
type Key = (u8, u128);

/// Who was asked what, and the answer.
#[derive(Debug)]
struct Entry {
    method: u16,
    object_key: Key,
    argument_key: Key,
    result: Value,
    /// Object and argument, kept alive.
    _asked: (Value, Value),
}

/// Answers of methods that make lists.
#[derive(Debug, Default)]
pub(super) struct Memo {
    /// [`SLOTS`] of them, or none before the first is needed.
    slots: Vec<Option<Entry>>,
    /// Misses since the last hit.
    misses: u32,
}

impl Memo {
    /// What a method with one argument said before, if that is still known.
    #[inline]
    pub(super) fn recall(&mut self, method: u16, object: &Value, argument: &Value) -> Option<&Value> {
        let (object_key, argument_key) = (key(object)?, key(argument)?);
        let entry = self.slots.get(slot(method, object_key, argument_key))?.as_ref()?;
        let known =
            entry.method == method && entry.object_key == object_key && entry.argument_key == argument_key;
        if known {
            self.misses = 0;
        }
        known.then_some(&entry.result)
    }

    /// Runs a method with one argument, and remembers what it said. For questions that [`Memo::recall`] has
    /// no answer to.
    pub(super) fn call(&mut self, method: u16, object: &Value, argument: &Value) -> Result<Value, Fault> {
        if !ops::makes_lists(method) {
            return ops::call(method, object, Some(argument));
        }
        let (Some(object_key), Some(argument_key)) = (key(object), key(argument)) else {
            return ops::call(method, object, Some(argument));
        };
        let slot = slot(method, object_key, argument_key);
        let result = ops::call(method, object, Some(argument))?;
        self.misses = self.misses.wrapping_add(1);
        if self.misses < PATIENCE || self.misses.is_multiple_of(SAMPLE) {
            self.keep(slot, method, (object_key, object), (argument_key, argument), &result);
        }
        Ok(result)
    }

    fn keep(
        &mut self,
        slot: usize,
        method: u16,
        object: (Key, &Value),
        argument: (Key, &Value),
        result: &Value,
    ) {
        if [object.1, argument.1, result].iter().any(|v| words(v) > LONGEST) {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(Entry {
                method,
                object_key: object.0,
                argument_key: argument.0,
                result: result.clone(),
                _asked: (object.1.clone(), argument.1.clone()),
            });
        }
    }
}

/// `None` for values that are compared by what they hold.
#[inline]
fn key(value: &Value) -> Option<Key> {
    Some(match value {
        Value::Int(n) => (1, u128::from(*n)),
        Value::Pair(n) => (2, u128::from(*n)),
        Value::Quad(n) => (3, u128::from(*n)),
        Value::Ec(n) => (4, u128::from(*n)),
        Value::Lc(l) => (5, l.bits()),
        Value::Clist(l) => (6, l.address() as u128),
        Value::Eclist(l) => (7, l.address() as u128),
        Value::Lclist(l) => (8, l.address() as u128),
        Value::Path(p) => (9, p.place().0 as u128),
        Value::Set(s) => (10, std::sync::Arc::as_ptr(s) as usize as u128),
        _ => return None,
    })
}

/// The length of a list in words.
fn words(value: &Value) -> usize {
    match value {
        Value::Clist(l) => l.len(),
        Value::Eclist(l) => l.len() * 2,
        Value::Lclist(l) => l.len() * 3,
        Value::Path(p) => p.place().1,
        _ => 0,
    }
}

#[inline]
fn slot(method: u16, object: Key, argument: Key) -> usize {
    let mix = |sum: u64, word: u128| {
        (sum ^ word as u64 ^ (word >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
    };
    let sum = mix(mix(u64::from(method) << 8 | u64::from(argument.0), object.1), argument.1);
    (sum >> 40) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::base::community::Clist;
    use crate::filter::types::Type;
    use proptest::prelude::*;

    fn method(object: &Value, name: &str) -> u16 {
        ops::find(Type::of(object), name).unwrap().0
    }

    /// What the machine does.
    fn ask(memo: &mut Memo, method: u16, object: &Value, argument: &Value) -> Result<Value, Fault> {
        match memo.recall(method, object, argument) {
            Some(known) => Ok(known.clone()),
            None => memo.call(method, object, argument),
        }
    }

    #[test]
    fn the_same_question_gives_the_same_list() {
        let mut memo = Memo::default();
        let list = Value::Clist([1, 2].into_iter().collect());
        let add = method(&list, "add");
        let mut ask =
            |list: &Value, n| match super::tests::ask(&mut memo, add, list, &Value::Pair(n)).unwrap() {
                Value::Clist(l) => (l.address(), l.to_vec()),
                other => panic!("{other}"),
            };
        let first = ask(&list, 7);
        assert_eq!((first.1.as_slice(), ask(&list, 7) == first), (&[1, 2, 7][..], true));
        assert_eq!(ask(&list, 8).1, [1, 2, 8]);
        assert_eq!(ask(&Value::Clist(Clist::EMPTY), 7).1, [7]);
    }

    #[test]
    fn errors_and_long_lists_are_not_kept() {
        let mut memo = Memo::default();
        let list = Value::Clist((0..100).collect());
        let add = method(&list, "add");
        assert!(memo.call(add, &list, &Value::Ec(1)).is_err());
        assert!(memo.call(add, &list, &Value::Pair(1000)).is_ok());
        assert!(memo.slots.iter().all(Option::is_none));
    }

    proptest! {
        #[test]
        fn answers_are_those_of_the_method(
            asked in prop::collection::vec((0usize..3, 0usize..4, 0u32..6, any::<bool>()), 1..2000),
        ) {
            let mut memo = Memo::default();
            let mut lists: Vec<Value> = vec![Value::Clist(Clist::EMPTY); 4];
            for (name, at, member, other) in asked {
                let name = ["add", "delete", "filter"][name];
                let argument = match (name, other) {
                    ("filter", _) | (_, true) => lists[member as usize % 4].clone(),
                    _ => Value::Pair(member),
                };
                let number = method(&lists[at], name);
                let right = ops::call(number, &lists[at], Some(&argument)).unwrap();
                let said = ask(&mut memo, number, &lists[at], &argument).unwrap();
                prop_assert_eq!(&said, &right);
                prop_assert_eq!(said.is_undefined(), right.is_undefined());
                lists[at] = said;
            }
        }
    }
}
