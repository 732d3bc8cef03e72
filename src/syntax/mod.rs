//! Floor 1: the language front end. Text becomes tokens, tokens become statements with positions; nothing is evaluated.
//!
//! pest's types do not leave this module. What leaves is [`ast`] and [`diag`].

pub mod ast;
pub mod diag;
pub mod names;
