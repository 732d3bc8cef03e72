//! Sets of flags that the configuration writes as `{ word, word }`, `all` or `off`.

/// Defines a bit set with the words of the language, lowest bit first.
macro_rules! mask {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $konst:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub struct $name(pub u32);

        #[allow(missing_docs, reason = "the words of the language")]
        impl $name {
            mask!(@consts 0u32; $($konst,)+);
            /// The word of every flag, lowest bit first.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
        }

        impl $name {
            /// No flag.
            pub const OFF: $name = $name(0);
            /// Every flag.
            pub const ALL: $name = $name((1 << Self::WORDS.len()) - 1);

            /// The flag of a word.
            pub fn named(word: &str) -> Option<$name> {
                Self::WORDS.iter().position(|w| *w == word).map(|bit| $name(1 << bit))
            }

            /// The flags that `word`, or `all` or `off`, stands for.
            pub fn of_word(word: &str) -> Option<$name> {
                match word {
                    "all" => Some(Self::ALL),
                    "off" => Some(Self::OFF),
                    _ => Self::named(word),
                }
            }

            /// Whether all flags of `other` are set.
            pub fn has(self, other: $name) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether no flag is set.
            pub fn is_off(self) -> bool {
                self.0 == 0
            }

            /// The words of the flags that are set.
            pub fn words(self) -> impl Iterator<Item = &'static str> {
                Self::WORDS.iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, w)| *w)
            }
        }

        impl std::ops::BitOr for $name {
            type Output = $name;
            fn bitor(self, other: $name) -> $name {
                $name(self.0 | other.0)
            }
        }

        impl FromIterator<$name> for $name {
            fn from_iter<I: IntoIterator<Item = $name>>(list: I) -> $name {
                list.into_iter().fold(Self::OFF, |a, b| a | b)
            }
        }
    };
    (@consts $bit:expr; $head:ident, $($tail:ident,)*) => {
        pub const $head: Self = Self(1 << ($bit));
        mask!(@consts $bit + 1; $($tail,)*);
    };
    (@consts $bit:expr;) => {};
}

mask! {
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

mask! {
    /// What is written to the MRT dump file.
    MrtdumpMask { STATES = "states", MESSAGES = "messages" }
}

mask! {
    /// Classes of log messages; their order is that of BIRD's levels.
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

mask! {
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
        let mask: LogMask = [LogMask::BUG, LogMask::INFO].into_iter().collect();
        assert_eq!(mask.words().collect::<Vec<_>>(), ["info", "bug"]);
        assert!(LogMask::ALL.has(mask) && !mask.has(LogMask::AUTH));
        assert!(LogMask::OFF.is_off());
    }
}
