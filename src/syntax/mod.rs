//! Floor 1: the language front end. Text becomes tokens, tokens become statements with positions; nothing is evaluated.
//!
//! pest's types do not leave this module. What leaves is [`ast`] and [`diag`].

pub mod ast;
pub mod diag;
mod lexer;
mod literal;
pub mod names;
mod scope;
pub mod source;
mod tokens;

pub use source::{Disk, Files, Located, ReadError, Sources};
