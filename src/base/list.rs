//! Shared lists of small things: AS paths and community lists are made of them.
//!
//! BIRD tells "never set" from "became empty": `defined(-empty-)` is false, `defined` of a list that lost its
//! last member is true. `None` is the first, `Some` of an empty slice the second; the two are equal
//! otherwise.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// An immutable list, shared when cloned; the empty constant allocates nothing.
#[derive(Debug)]
pub struct List<T>(Option<Arc<[T]>>);

impl<T> List<T> {
    /// The constant empty list, which `defined` takes for undefined.
    pub const EMPTY: List<T> = List(None);

    /// Whether this is the constant empty list.
    #[inline]
    pub fn is_undefined(&self) -> bool {
        self.0.is_none()
    }

    /// Where the members are: the same for two lists that share them, 0 for the constant. Means something
    /// only while the list lives.
    #[inline]
    pub fn address(&self) -> usize {
        self.0.as_ref().map_or(0, |items| items.as_ptr() as usize)
    }

    /// The same members; an empty list counts as defined from here on.
    pub fn defined(self) -> List<T> {
        List(Some(self.0.unwrap_or_else(|| Arc::from([]))))
    }
}

impl<T> Deref for List<T> {
    type Target = [T];
    #[inline]
    fn deref(&self) -> &[T] {
        self.0.as_deref().unwrap_or(&[])
    }
}

impl<T> Clone for List<T> {
    #[inline]
    fn clone(&self) -> Self {
        List(self.0.clone())
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List(None)
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(a), Some(b)) if Arc::ptr_eq(a, b) => true,
            _ => **self == **other,
        }
    }
}

impl<T: Eq> Eq for List<T> {}

impl<T: Ord> PartialOrd for List<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for List<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl<T: Hash> Hash for List<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: Clone> From<&[T]> for List<T> {
    fn from(items: &[T]) -> Self {
        List(Some(Arc::from(items)))
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(items: Vec<T>) -> Self {
        List(Some(Arc::from(items)))
    }
}

impl<T> FromIterator<T> for List<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        List(Some(iter.into_iter().collect()))
    }
}
