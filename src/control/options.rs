//! What the daemon lends to the shell: the log, and who is who.

use std::fmt;
use std::sync::Arc;

use super::echo::EchoHub;

/// A changing command, told to the log before it is carried out.
#[derive(Debug)]
pub struct Audit<'a> {
    /// Whose process asked.
    pub uid: Option<u32>,
    /// Which process it is.
    pub pid: Option<i32>,
    /// The name of that user.
    pub user: Option<String>,
    /// The command as it was given.
    pub command: &'a str,
}

/// Takes note of changing commands.
pub type AuditFn = Box<dyn Fn(&Audit<'_>) + Send + Sync>;

/// What a session does, for `debug commands`.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// Somebody has connected.
    Connect,
    /// Somebody has closed the connection.
    Close,
    /// A line has come.
    Command(&'a str),
}

/// Takes note of what sessions do.
pub type HeardFn = Box<dyn Fn(Heard<'_>) + Send + Sync>;

/// Gives the name of a user.
pub type UserNameFn = Box<dyn Fn(u32) -> Option<String> + Send + Sync>;

/// What the daemon lends to its sessions.
#[derive(Default)]
pub struct Options {
    /// Where log messages for `echo` come from.
    pub echo: Arc<EchoHub>,
    /// Called for every changing command.
    pub audit: Option<AuditFn>,
    /// Called for every line of every session, and when sessions come and go.
    pub heard: Option<HeardFn>,
    /// The name of a user.
    pub user_name: Option<UserNameFn>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

impl Options {
    /// Tells what a session does to whom it concerns.
    pub fn hear(&self, what: Heard<'_>) {
        if let Some(heard) = &self.heard {
            heard(what);
        }
    }
}
