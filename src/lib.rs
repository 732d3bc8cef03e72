//! Tern.
