//! Floor 1: the language front end. Text becomes tokens, tokens become statements with positions; nothing is evaluated.
//!
//! pest's types do not leave this module. What leaves is [`ast`] and [`diag`].

pub mod ast;
mod command;
mod convert;
pub mod diag;
mod errors;
pub mod excerpt;
mod lexer;
mod literal;
pub mod names;
mod parser;
mod remedy;
pub mod render;
mod scope;
pub mod source;
#[cfg(test)]
mod tests;
mod tokens;

pub use command::{Part, parse_filter_body, parse_term};
pub use excerpt::Excerpt;
pub use lexer::fresh_names;
pub use parser::{Parsed, STACK, on_big_stack, parse, stack_is_big};
pub use remedy::foreign_word;
pub use source::{Disk, Files, Located, ReadError, Sources};
/// The constants of enumerations, `RTS_STATIC` and the like.
pub use tern_grammar::ENUMS;
