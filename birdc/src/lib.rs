//! The shell of Tern: `birdc` as a library, so that the daemon's sandbox can open it on a socket of its own.
//!
//! It knows the wire protocol of the control socket and nothing of the daemon: whatever speaks that protocol will do,
//! real BIRD included. Floors, from below:
//!
//! ```text
//! repl  batch        the two ways of use: a terminal with line editing; one command, or commands from a pipe
//! link  pager names  what only a terminal needs: a connection that comes back, pages, names for completion
//! client render      a connection that answers one command after the other; what a reply looks like on the screen
//! complete help expand synopsis      questions to the command table; pure functions of text
//! table builtin wire                 the command table as a tree; lines and reply codes
//! ```
//!
//! The command table (words, arguments, one line of help) is asked of the daemon when the connection opens, so
//! completion, help and abbreviations always fit the daemon at the other end. BIRD has no such question and answers
//! with a syntax error; then the table of BIRD's own commands in [`builtin`] is used.

mod batch;
pub mod builtin;
mod client;
pub mod complete;
pub mod expand;
pub mod help;
mod link;
mod names;
pub mod options;
mod pager;
mod render;
mod repl;
pub mod synopsis;
pub mod table;
pub mod wire;

pub use options::{Invocation, Options};

use std::io::IsTerminal;

/// Runs the shell and returns its exit status.
///
/// With a command in `options` that one is run; otherwise commands come from standard input: with line editing if
/// both standard input and output are terminals, line by line if not. An error is to be shown on standard error and
/// means exit status 1.
pub fn run(options: &Options) -> anyhow::Result<u8> {
    let status = match &options.command {
        Some(command) => batch::one_shot(options, command),
        None if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() => repl::run(options),
        None => batch::piped(options),
    };
    match status {
        // Whoever read our output has seen enough.
        Err(client::Failure::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(match error.advice().filter(|_| std::io::stderr().is_terminal()) {
            Some(advice) => anyhow::anyhow!("{error}\n{advice}"),
            None => error.into(),
        }),
        Ok(status) => Ok(status),
    }
}
