//! Classes of log messages, as BIRD names them (manual, section "Global options", `log`).

use super::flags::flags;

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
    /// All classes with the tag in a line and the severity of syslog.
    const ALL: [(LogClass, &str, u8); 9] = [
        (LogClass::Debug, "DBG", 7),
        (LogClass::Trace, "TRACE", 7),
        (LogClass::Info, "INFO", 6),
        (LogClass::Remote, "RMT", 3),
        (LogClass::Warning, "WARN", 4),
        (LogClass::Error, "ERR", 3),
        (LogClass::Auth, "AUTH", 3),
        (LogClass::Fatal, "FATAL", 2),
        (LogClass::Bug, "BUG", 2),
    ];

    /// All classes, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = LogClass> {
        Self::ALL.iter().map(|row| row.0)
    }

    /// Its tag in a line, without the brackets.
    pub fn tag(self) -> &'static str {
        Self::ALL[self as usize - 1].1
    }

    /// `PRI` of RFC 3164, facility "daemon".
    pub fn priority(self) -> u8 {
        3 << 3 | Self::ALL[self as usize - 1].2
    }
}

flags! {
    /// A set of classes, in the order of [`LogClass`].
    LogMask {
        DEBUG = "debug",
        TRACE = "trace",
        INFO = "info",
        REMOTE = "remote",
        WARNING = "warning",
        ERROR = "error",
        AUTH = "auth",
        FATAL = "fatal",
        BUG = "bug",
    }
}

impl LogMask {
    /// Whether the class is in the set.
    pub fn contains(self, class: LogClass) -> bool {
        self.has(class.into())
    }
}

impl From<LogClass> for LogMask {
    fn from(class: LogClass) -> LogMask {
        LogMask(1 << (class as u32 - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_a_mask_stand_in_the_order_of_the_classes() {
        let mask: LogMask = [LogMask::BUG, LogMask::INFO].into_iter().collect();
        assert_eq!(mask.words().collect::<Vec<_>>(), ["info", "bug"]);
        assert!(
            mask.contains(LogClass::Info) && mask.contains(LogClass::Bug) && !mask.contains(LogClass::Auth)
        );
        assert!(LogClass::all().all(|class| LogMask::ALL.contains(class)));
        assert!(LogMask::OFF.is_off());
    }
}
