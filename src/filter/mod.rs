//! Floor 2: the filter language. Checked once, compiled to a compact program, run without recursion.
