//! Self-tests of filters, as the file asks for them: `bt_test_suite` and `bt_test_same`. A daemon carries
//! them along and never runs them.

use std::sync::Arc;

use super::Place;
use crate::filter::Filter;

/// A self-test.
#[derive(Clone, Debug)]
pub struct SelfTest {
    /// Where it stands.
    pub place: Place,
    /// What is to be done.
    pub kind: SelfTestKind,
}

/// The kinds of self-tests.
#[derive(Clone, Debug)]
pub enum SelfTestKind {
    /// `bt_test_suite(FUNCTION, TEXT);`: runs a function for the sake of its assertions.
    Suite {
        /// The function, linked as if it were a filter.
        body: Arc<Filter>,
        /// What it is about.
        title: Arc<str>,
    },
    /// `bt_test_same(F, F, N);`: compares two functions or filters as reconfiguration does.
    Same {
        /// The two.
        bodies: [Arc<Filter>; 2],
        /// Whether they should be the same.
        expected: bool,
    },
}
