//! Classes of log messages, as BIRD names them (manual, section "Global options", `log`).

/// How important a message is, and for whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum LogClass {
    /// Debugging of the daemon itself.
    Debug = 1,
    /// What the `debug` options ask for.
    Trace,
    /// Good to know.
    Info,
    /// Something is wrong on the other end.
    Remote,
    /// Something is odd here.
    Warning,
    /// Something is wrong here.
    Error,
    /// Somebody is not who they should be.
    Auth,
    /// The daemon cannot go on.
    Fatal,
    /// A fault of the program.
    Bug,
}

impl LogClass {
    /// All classes with the word of the configuration, the tag in a line, and the severity of syslog.
    const ALL: [(LogClass, &str, &str, u8); 9] = [
        (LogClass::Debug, "debug", "DBG", 7),
        (LogClass::Trace, "trace", "TRACE", 7),
        (LogClass::Info, "info", "INFO", 6),
        (LogClass::Remote, "remote", "RMT", 3),
        (LogClass::Warning, "warning", "WARN", 4),
        (LogClass::Error, "error", "ERR", 3),
        (LogClass::Auth, "auth", "AUTH", 3),
        (LogClass::Fatal, "fatal", "FATAL", 2),
        (LogClass::Bug, "bug", "BUG", 2),
    ];

    /// The class with this name in the configuration.
    pub fn from_name(name: &str) -> Option<LogClass> {
        Self::ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// All classes, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = LogClass> {
        Self::ALL.iter().map(|row| row.0)
    }

    /// Its tag in a line, without the brackets.
    pub fn tag(self) -> &'static str {
        Self::ALL[self as usize - 1].2
    }

    /// Its bit in masks of the configuration.
    pub fn bit(self) -> u32 {
        1 << (self as u32 - 1)
    }

    /// `PRI` of RFC 3164, facility "daemon".
    pub fn priority(self) -> u8 {
        3 << 3 | Self::ALL[self as usize - 1].3
    }
}
