//! Pieces of the language inside commands of the control socket: `eval TERM`, `show route where TERM`, `show
//! route filter { ... }`.
//!
//! The piece is the beginning of the text; what follows it belongs to the command.

use std::path::Path;

use tern_grammar::pest::iterators::Pair;
use tern_grammar::{Rule, t};

use super::ast::{Body, Expr};
use super::convert::Convert;
use super::diag::{Diagnostic, Severity};
use super::lexer::Lexer;
use super::names::{Names, Sym};
use super::parser::{Driver, on_big_stack};
use super::source::Files;

/// A piece that was parsed.
#[derive(Debug)]
pub struct Part<T> {
    /// The piece.
    pub value: T,
    /// The byte of the text where the rest begins; its length when nothing is left.
    pub rest: usize,
    /// The words: those given, and new ones behind them.
    pub names: Names,
}

/// Parses a term. `names` and `taken` are the words of the running configuration and those of them that are
/// names there and so hide keywords.
pub fn parse_term(text: &str, names: &Names, taken: &[Sym]) -> Result<Part<Expr>, Diagnostic> {
    piece(Rule::where_term, text, names, taken, |c, pair| pair.into_inner().next().map(|p| c.term(p)))
}

/// Parses what follows the word `filter`: declarations and commands in braces.
pub fn parse_filter_body(text: &str, names: &Names, taken: &[Sym]) -> Result<Part<Body>, Diagnostic> {
    piece(Rule::filter_body, text, names, taken, |c, pair| pair.into_inner().next().map(|p| c.body(p)))
}

/// Nothing can be included in a command.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> Result<Vec<u8>, super::ReadError> {
        Err(super::ReadError::Read)
    }
    fn list(&self, _: &Path) -> Vec<std::path::PathBuf> {
        Vec::new()
    }
    fn is_dir(&self, _: &Path) -> bool {
        false
    }
}

fn piece<T: Send>(
    rule: Rule,
    text: &str,
    names: &Names,
    taken: &[Sym],
    convert: impl FnOnce(&mut Convert<'_>, Pair<'_, Rule>) -> Option<T> + Send,
) -> Result<Part<T>, Diagnostic> {
    on_big_stack(|| {
        let mut lexer = Lexer::new(&NoFiles, names.clone());
        for sym in taken {
            lexer.scopes.predefine(*sym);
        }
        if rule == Rule::filter_body {
            lexer.scopes.enter_filter();
        }
        lexer.open_text(Path::new(""), text.as_bytes());
        let mut driver = Driver::new(lexer);
        driver.collect();
        let found = driver.matched(rule, 0, convert);
        let end = driver.lexer.sources.end();
        let behind = match &found {
            Some((_, at)) if *at < driver.lexer.tokens.len() => driver.lexer.tokens.tok_at(*at),
            _ => end,
        };
        // What goes on with a word is the command; anything else is a mistake in the piece.
        let next = found.as_ref().and_then(|(_, at)| driver.lexer.tokens.char_at(*at));
        let wrong = found.is_none() || next.is_some_and(|c| c.is_ascii() && c != t::SYM as char);
        if wrong {
            driver.fail(if rule == Rule::where_term { Rule::where_wrong } else { Rule::body_wrong }, 0, None);
        }
        let lexer = driver.lexer;
        let errors = lexer.diags.sorted().into_iter().filter(|d| d.severity == Severity::Error);
        // What is wrong behind the piece is the command's affair.
        if let Some(error) = errors.into_iter().find(|d| d.at <= behind || wrong) {
            return Err(error);
        }
        let Some((Some(value), _)) = found else {
            return Err(Diagnostic::error(end, "syntax error, unexpected END"));
        };
        let rest = lexer.sources.place(behind).map_or(text.len(), |p| p.offset as usize);
        Ok(Part { value, rest, names: lexer.names })
    })
    .unwrap_or_else(|e| Err(Diagnostic::error(0, e.to_string())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::super::lexer::fresh_names;
    use super::*;
    use crate::syntax::ast::{BinOp, CmdKind, ExprKind};

    #[test]
    fn a_term_ends_where_the_command_goes_on() {
        let text = "net.len > 8 && net ~ [10.0.0.0/8+, 11.0.0.0/8] protocol static1 count";
        let part = parse_term(text, &fresh_names(), &[]).unwrap();
        assert_eq!(&text[part.rest..], "protocol static1 count");
        assert!(matches!(part.value.kind, ExprKind::Chain(_, ref rest) if rest[0].0 == BinOp::And));
    }

    #[test]
    fn a_body_with_declarations() {
        let text = "int table; { table = net.len; if table > 5 then accept; } all";
        let part = parse_filter_body(text, &fresh_names(), &[]).unwrap();
        assert_eq!(&text[part.rest..], "all");
        assert_eq!((part.value.locals.len(), part.value.commands.len()), (1, 2));
        assert!(matches!(part.value.commands[0].kind, CmdKind::Assign { .. }));
    }

    #[test]
    fn names_of_the_configuration_hide_keywords() {
        let mut names = fresh_names();
        let table = names.intern("table");
        assert!(parse_term("table + 1", &names, &[]).is_err());
        let part = parse_term("table + 1", &names, &[table]).unwrap();
        assert_eq!(part.rest, 9);
    }

    #[test]
    fn errors_name_the_token() {
        let error = |text| parse_term(text, &fresh_names(), &[]).unwrap_err().message;
        assert_eq!(error("1 +"), "syntax error, unexpected END");
        assert_eq!(error("(1, 2"), "syntax error, unexpected END");
        assert_eq!(error("10.0.0.1/8"), "Invalid IPv4 prefix 10.0.0.1/8, maybe you wanted 10.0.0.0/8");
        assert_eq!(error("[1, ]"), "syntax error, unexpected ']'");
    }
}
