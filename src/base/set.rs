//! Sets of the filter language: sorted ranges of scalars, and prefix sets.

/// A set of scalars as sorted, merged ranges.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Set {}

/// A set of prefix patterns, compiled for lookup in time independent of its size.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PrefixSet {}
