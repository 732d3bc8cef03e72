//! Reply codes: what programs read.
//!
//! BIRD's numbers keep BIRD's meanings. Below 1000: success or state; 1000–2999: tables; from 8000 on the
//! command failed; 9000: it was not understood. Ours are 1900–1999 and 8900–8999, outside BIRD's list.

/// The four digits in front of a reply line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
#[allow(missing_docs, reason = "the names are the documentation; `doc` of the wire protocol lists the texts")]
pub enum Code {
    Ok = 0,
    Welcome = 1,
    ReadingConfig = 2,
    Reconfigured = 3,
    ReconfigInProgress = 4,
    ReconfigQueued = 5,
    ReconfigIgnored = 6,
    ShutdownOrdered = 7,
    AlreadyDisabled = 8,
    Disabled = 9,
    AlreadyEnabled = 10,
    Enabled = 11,
    Restarted = 12,
    Status = 13,
    RouteTotal = 14,
    Reloading = 15,
    Restricted = 16,
    QueueRemoved = 17,
    Confirmed = 18,
    NothingToDo = 19,
    ConfigOk = 20,
    UndoRequested = 21,
    UndoScheduled = 22,
    Evaluated = 23,
    GracefulStatus = 24,
    GracefulOrdered = 25,
    Version = 1000,
    Interface = 1001,
    Protocol = 1002,
    Address = 1003,
    InterfaceFlags = 1004,
    InterfaceSummary = 1005,
    ProtocolDetail = 1006,
    Route = 1007,
    RouteType = 1008,
    StaticRoute = 1009,
    Symbol = 1010,
    StatusLine = 1011,
    Attribute = 1012,
    Memory = 1018,
    Threads = 1027,
    ProtocolHeading = 2002,
    InterfaceHeading = 2005,
    TooLong = 8000,
    NotFound = 8001,
    ConfigError = 8002,
    NoMatch = 8003,
    ReloadFailed = 8006,
    AccessDenied = 8007,
    EvalFailed = 8008,
    FileFailed = 8009,
    CommandTooLong = 9000,
    Parse = 9001,
    ArgumentTooLong = 9003,
    /// Ours: a line of the command listing.
    Command = 1900,
    /// Ours: who this daemon really is.
    Identity = 1901,
    /// Ours: a line of `configure plan`.
    Plan = 1902,
    /// Ours: `show kernel`.
    Kernel = 1903,
    /// Ours: `show kernel drift`.
    KernelDrift = 1904,
    /// Ours: `wait kernel` saw tables, exports and kernel agree.
    KernelSettled = 1905,
    /// Ours: `explain route`.
    Explain = 1906,
    /// Ours: `show filters`.
    Filters = 1907,
    /// Ours: a line about a mistake in a configuration.
    Mistake = 1908,
    /// Ours: it did not in time.
    KernelBehind = 8900,
    /// Ours: how many mistakes a configuration has.
    Mistakes = 8901,
}

impl Code {
    /// The number on the wire.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Whether a client counts the command as failed.
    pub fn is_failure(self) -> bool {
        self.number() >= 8000
    }
}
