//! Sets of named flags: what the configuration writes as `{ word, word }`, `all` or `off`.

/// Defines a bit set with the words of the language, lowest bit first.
macro_rules! flags {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $konst:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
        pub struct $name(pub u32);

        #[allow(missing_docs, reason = "the words of the language")]
        impl $name {
            flags!(@consts 0u32; $($konst,)+);
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
        flags!(@consts $bit + 1; $($tail,)*);
    };
    (@consts $bit:expr;) => {};
}

pub(crate) use flags;
