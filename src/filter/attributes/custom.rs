//! Attributes that users declare: `attribute int mark;`.
//!
//! Routes carry the number of an attribute, and outlive a reconfiguration. So a name keeps its number as long as the daemon runs,
//! together with its type: the same name with another type is another attribute.

use std::sync::{Arc, PoisonError, RwLock};

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

/// All attributes ever declared; clones share one list.
#[derive(Clone, Debug, Default)]
pub struct CustomAttrs(Arc<RwLock<Vec<Custom>>>);

impl CustomAttrs {
    /// The number for this name and type, a new one if they were never seen together.
    pub fn declare(&self, name: &str, ty: Type) -> AttrId {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = list.iter().find(|c| &*c.name == name && c.ty == ty && c.id.0 >= id::CUSTOM) {
            return known.id;
        }
        let next = list.iter().filter(|c| c.id.0 >= id::CUSTOM).count() as u16;
        let new = Custom { id: AttrId(id::CUSTOM + next), name: name.into(), ty };
        list.push(new.clone());
        new.id
    }

    /// Names the BGP attribute of a number that has no name otherwise.
    pub fn declare_bgp(&self, number: u8, name: &str) -> AttrId {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let new = Custom { id: AttrId(id::BGP + number as u16), name: name.into(), ty: Type::Bytes };
        list.retain(|c| c.id != new.id);
        list.push(new.clone());
        new.id
    }

    /// The attribute of this number.
    pub fn get(&self, id: AttrId) -> Option<Custom> {
        let list = self.0.read().unwrap_or_else(PoisonError::into_inner);
        list.iter().find(|c| c.id == id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_with_its_type() {
        let attrs = CustomAttrs::default();
        let (a, b) = (attrs.declare("a", Type::Int), attrs.declare("b", Type::Int));
        assert!(a < b && a == attrs.clone().declare("a", Type::Int));
        assert_ne!(a, attrs.declare("a", Type::Str));
        let c = attrs.declare_bgp(99, "c");
        assert_eq!((c, attrs.get(c).map(|c| c.ty)), (AttrId(id::BGP + 99), Some(Type::Bytes)));
    }
}
