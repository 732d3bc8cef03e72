//! The commands: one table that feeds the parser, the listing for shells, and the documentation.
//!
//! A command is a row of the table ([`commands`]): its words, a synopsis of its arguments, a line of help,
//! whether a restricted session may use it, and a parser. The parser judges the whole line and returns a
//! [`Job`], which then runs. So a wrong command is a syntax error even where a right one would be denied, and
//! nothing has happened when a line turns out to be wrong.

pub mod args;
pub mod lex;

mod absent;
mod act;
mod configure;
mod dump;
mod explain;
mod kernel;
mod query;
mod routes;
mod session;
#[cfg(test)]
mod tests;

pub(in crate::control) use dump::reason;

use std::future::Future;
use std::pin::Pin;

use self::args::{Args, Refusal};
use self::lex::Token;
use super::backend::Scope;
use super::context::{Context, Stop};

/// A command ready to run.
pub type Job = Box<dyn for<'a> FnOnce(&'a mut Context) -> Running<'a> + Send>;

/// A running command.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// What a parser makes of a line.
pub type Parsed = Result<Job, Refusal>;

/// The parser of a row.
pub type Parse = fn(&mut Args<'_>) -> Parsed;

/// A row of the table.
pub struct Command {
    /// The words it begins with.
    pub words: &'static str,
    /// What may follow, in BIRD's notation.
    pub args: &'static str,
    /// A line about it.
    pub help: &'static str,
    /// What it is.
    pub kind: Kind,
}

/// What a row of the table is.
pub enum Kind {
    /// A line for lists, nothing that can be said.
    Heading,
    /// A command that shows something.
    Look(Parse),
    /// A command that changes something: denied in restricted sessions, noted in the log.
    Change(Parse),
    /// A command of programs, in no list.
    Hidden(Parse),
}

/// A line, judged.
pub struct Judged {
    /// What to do.
    pub job: Job,
    /// Whether it changes something.
    pub changes: bool,
}

/// Turns closures into jobs.
pub fn job<F>(run: F) -> Parsed
where
    F: for<'a> FnOnce(&'a mut Context) -> Running<'a> + Send + 'static,
{
    Ok(Box::new(run))
}

/// Finds the command that a line is and lets it read its arguments.
pub fn judge(line: &str, scope: &dyn Scope) -> Result<Judged, Refusal> {
    let mut args = Args::new(line, scope);
    let start = args.mark();
    let mut best: Option<(usize, &Command)> = None;
    let mut furthest = 0;
    for command in commands() {
        args.reset(start.clone());
        let matched = command.words.split(' ').take_while(|w| args.word(w)).count();
        furthest = furthest.max(matched);
        let whole = matched == command.words.split(' ').count() && !matches!(command.kind, Kind::Heading);
        if whole && best.is_none_or(|(words, _)| matched > words) {
            best = Some((matched, command));
        }
    }
    args.reset(start);
    let Some((words, command)) = best else {
        args.skip(furthest);
        return Err(unknown(&args, line));
    };
    args.skip(words);
    let (parse, changes) = match command.kind {
        Kind::Heading => return Err(unknown(&args, line)),
        Kind::Look(parse) | Kind::Hidden(parse) => (parse, false),
        Kind::Change(parse) => (parse, true),
    };
    Ok(Judged { job: parse(&mut args)?, changes })
}

/// No command begins like this: says what could stand at the first wrong word.
fn unknown(args: &Args<'_>, line: &str) -> Refusal {
    let behind = line.len() - args.rest().len();
    let said: Vec<&str> = line[..behind].split_whitespace().collect();
    let mut next: Vec<&str> = Vec::new();
    for command in commands() {
        let mut words = command.words.split(' ');
        if said.iter().all(|w| words.next() == Some(w))
            && let Some(word) = words.next()
            && !next.contains(&word)
            && !matches!(command.kind, Kind::Hidden(_))
        {
            next.push(word);
        }
    }
    let hint = match args.peek() {
        Token::Word(word) => next
            .iter()
            .map(|n| (strsim::jaro_winkler(word, n), n))
            .filter(|(like, _)| *like > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, n)| format!(" (did you mean '{n}'?)")),
        _ => None,
    };
    let expected = if said.is_empty() { "a command".to_owned() } else { next.join(" or ") };
    args.unexpected(&(expected + &hint.unwrap_or_default()))
}

/// All rows, in the order of lists.
pub fn commands() -> impl Iterator<Item = &'static Command> {
    [
        query::COMMANDS,
        kernel::COMMANDS,
        explain::COMMANDS,
        absent::COMMANDS,
        dump::COMMANDS,
        act::COMMANDS,
        session::COMMANDS,
        configure::COMMANDS,
    ]
    .into_iter()
    .flatten()
}

const fn look(words: &'static str, args: &'static str, help: &'static str, parse: Parse) -> Command {
    Command { words, args, help, kind: Kind::Look(parse) }
}

const fn change(words: &'static str, args: &'static str, help: &'static str, parse: Parse) -> Command {
    Command { words, args, help, kind: Kind::Change(parse) }
}

const fn heading(words: &'static str, help: &'static str) -> Command {
    Command { words, args: "...", help, kind: Kind::Heading }
}

/// The commands as a page of the manual.
pub fn manual() -> String {
    let mut page = String::from(
        "# Commands of the control socket\n\nWhat `birdc` and other clients may send, one command a line. Made from the daemon's own command table: \
         `BLESS=1 cargo test --lib the_manual` writes this page anew.\n\nCommands marked with a star change something: a restricted session is denied them.\n",
    );
    for command in commands() {
        let star = match command.kind {
            Kind::Heading | Kind::Hidden(_) => continue,
            Kind::Look(_) => "",
            Kind::Change(_) => " *",
        };
        let blank = if command.args.is_empty() { "" } else { " " };
        let Command { words, args, help, .. } = command;
        page.push_str(&format!("\n## {words}{star}\n\n{help}.\n\n```\n{words}{blank}{args}\n```\n"));
    }
    page
}
