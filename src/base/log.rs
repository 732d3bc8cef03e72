//! Classes of log messages, as BIRD names them (manual, section "Global options", `log`).

/// How important a message is, and for whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
#[allow(missing_docs, reason = "the words of the option")]
pub enum LogClass {
    Debug,
    Trace,
    Info,
    Remote,
    Warning,
    Error,
    Auth,
    Fatal,
    Bug,
}

impl LogClass {
    /// The tag in front of a line: `<INFO>`.
    pub fn tag(self) -> &'static str {
        match self {
            LogClass::Debug => "<DBG>",
            LogClass::Trace => "<TRACE>",
            LogClass::Info => "<INFO>",
            LogClass::Remote => "<RMT>",
            LogClass::Warning => "<WARN>",
            LogClass::Error => "<ERR>",
            LogClass::Auth => "<AUTH>",
            LogClass::Fatal => "<FATAL>",
            LogClass::Bug => "<BUG>",
        }
    }

    /// The bit of this class in masks of the configuration.
    pub fn bit(self) -> u32 {
        1 << self as u8
    }
}
