//! Sets of flags that the configuration writes as `{ word, word }`, `all` or `off`.

pub use crate::base::log::LogMask;

use crate::base::flags::flags;

flags! {
    /// What a protocol, channel or table writes to the log when it is debugged.
    DebugMask {
        STATES = "states",
        ROUTES = "routes",
        FILTERS = "filters",
        INTERFACES = "interfaces",
        EVENTS = "events",
        PACKETS = "packets",
    }
}

flags! {
    /// What is written to the MRT dump file.
    MrtdumpMask { STATES = "states", MESSAGES = "messages" }
}

flags! {
    /// What `debug latency` reports (3.x).
    LatencyMask {
        PING = "ping",
        WAKEUP = "wakeup",
        SOCKETS = "sockets",
        SCHEDULING = "scheduling",
        EVENTS = "events",
        TIMERS = "timers",
        ALLOCATOR = "allocator",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_bits() {
        assert_eq!(DebugMask::named("events"), Some(DebugMask::EVENTS));
        assert_eq!(DebugMask::named("nothing"), None);
        assert_eq!(DebugMask::of_word("all"), Some(DebugMask(0x3f)));
    }
}
