//! Attributes that users declare: `attribute int mark;`.
//!
//! Routes carry the number of an attribute, and outlive a reconfiguration. So a name keeps its number as long
//! as the daemon runs, together with its type: the same name with another type is another attribute.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use super::id;
use crate::filter::types::Type;
use crate::table::AttrId;

/// A declared attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Custom {
    /// Its number.
    pub id: AttrId,
    /// Its name.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// All attributes ever declared; clones share them.
#[derive(Clone, Debug, Default)]
pub struct CustomAttrs(Arc<RwLock<Declared>>);

#[derive(Debug, Default)]
struct Declared {
    /// Those of users, by number.
    own: Vec<Custom>,
    numbers: FxHashMap<(Arc<str>, Type), AttrId>,
    /// Names of BGP attributes that have none otherwise, by the number in the protocol.
    bgp: BTreeMap<u8, Custom>,
}

impl CustomAttrs {
    /// The number for this name and type, a new one if they were never seen together; `None` when all numbers
    /// are given out.
    pub fn declare(&self, name: &str, ty: Type) -> Option<AttrId> {
        let mut declared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let name: Arc<str> = name.into();
        if let Some(known) = declared.numbers.get(&(name.clone(), ty)) {
            return Some(*known);
        }
        let id = AttrId(u16::try_from(declared.own.len()).ok()?.checked_add(id::CUSTOM)?);
        declared.own.push(Custom { id, name: name.clone(), ty });
        declared.numbers.insert((name, ty), id);
        Some(id)
    }

    /// Names the BGP attribute of a number that has no name otherwise.
    pub fn declare_bgp(&self, number: u8, name: &str) -> AttrId {
        let mut declared = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let id = AttrId(id::BGP + u16::from(number));
        declared.bgp.insert(number, Custom { id, name: name.into(), ty: Type::Bytes });
        id
    }

    /// The attribute of this number.
    pub fn get(&self, id: AttrId) -> Option<Custom> {
        let declared = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match id.0.checked_sub(id::CUSTOM) {
            Some(own) => declared.own.get(usize::from(own)).cloned(),
            None => declared.bgp.get(&u8::try_from(id.0.checked_sub(id::BGP)?).ok()?).cloned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_with_its_type() {
        let attrs = CustomAttrs::default();
        let (a, b) = (attrs.declare("a", Type::Int), attrs.declare("b", Type::Int));
        assert_eq!(a.and_then(|a| attrs.get(a)).map(|a| (&*a.name == "a", a.ty)), Some((true, Type::Int)));
        assert!(a < b && a == attrs.clone().declare("a", Type::Int));
        assert_ne!(a, attrs.declare("a", Type::Str));
        let c = attrs.declare_bgp(99, "c");
        assert_eq!((c, attrs.get(c).map(|c| c.ty)), (AttrId(id::BGP + 99), Some(Type::Bytes)));
    }
    #[test]
    fn numbers_end_before_they_begin_again() {
        let attrs = CustomAttrs::default();
        let most = u16::MAX - id::CUSTOM;
        assert!((0..=most).all(|n| attrs.declare(&n.to_string(), Type::Int) == Some(AttrId(id::CUSTOM + n))));
        assert_eq!(attrs.declare("another", Type::Int), None);
        assert_eq!(attrs.declare("0", Type::Int), Some(AttrId(id::CUSTOM)));
    }
}
