//! The grammar of `bird.conf` over *token strings*: the lexer writes one character per token, pest matches that string.
//!
//! Why: pest on the text itself is several times slower than BIRD and needs three times its memory, and a
//! keyword that a user's name shadows can only be told by a lexer that knows the scopes. A crate of its own,
//! because generated parsers compile slowly.
//!
//! [`t`] names the one-byte characters of token classes and operators, [`k`] the two-byte characters of
//! keywords. Both appear in the `.pest` files: classes as the rules of `tokens.pest`, keywords as `K_word`.
//! The rules have a converter in mind, see `build.rs`.

// pest without its `std` feature: its derive refers to `alloc`.
extern crate alloc;

#[allow(missing_docs, clippy::all, reason = "generated code")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/parser.rs"));
}

pub use generated::{
    ATTRIBUTES, ENUMS, FIRST_KEYWORD, Grammar, KEYWORDS, OPTION_KEYS, RESERVED, Rule, WORDS, is_word, k,
    option_key,
};
pub use pest;

/// The characters of token classes and of operators of two bytes; every other operator stands for itself.
pub mod t {
    /// A number; value: the number.
    pub const NUM: u8 = b'n';
    /// A name; value: its symbol.
    pub const SYM: u8 = b's';
    /// A string; value: index into the texts.
    pub const TEXT: u8 = b't';
    /// An IPv4 address; value: its bits.
    pub const IP4: u8 = b'4';
    /// An IPv6 address; value: index into the wide values.
    pub const IP6: u8 = b'6';
    /// An IPv4 prefix; value: bits in the low half, length above.
    pub const NET4: u8 = b'P';
    /// An IPv6 prefix; value: index into the wide values.
    pub const NET6: u8 = b'Q';
    /// A route distinguisher; value: its eight bytes.
    pub const RD: u8 = b'r';
    /// An Ethernet address; value: its six bytes.
    pub const MAC: u8 = b'm';
    /// A byte string; value: index into the byte strings.
    pub const BYTES: u8 = b'b';
    /// A constant of an enumeration; value: its symbol.
    pub const ENUM: u8 = b'e';
    /// A whole set literal, parsed already; value: index into the sets.
    pub const SET: u8 = b'S';
    /// `else:`
    pub const ELSECOL: u8 = b'l';
    /// `..`
    pub const DDOT: u8 = b'D';
    /// `!=`
    pub const NE: u8 = b'N';
    /// `!~`
    pub const NMATCH: u8 = b'M';
    /// `<=`
    pub const LE: u8 = b'L';
    /// `>=`
    pub const GE: u8 = b'G';
    /// `&&`
    pub const AND: u8 = b'A';
    /// `||`
    pub const OR: u8 = b'O';
    /// `->`
    pub const ARROW: u8 = b'R';
    /// `++`
    pub const PP: u8 = b'C';
    /// `[=`
    pub const PO: u8 = b'B';
    /// `=]`
    pub const PC: u8 = b'Z';
    /// Something the lexer has already complained about.
    pub const BAD: u8 = 1;
}

/// The character of keyword number `index`.
pub fn keyword_char(index: usize) -> char {
    char::from_u32(FIRST_KEYWORD as u32 + index as u32).unwrap_or('\u{1}')
}

/// The number of the keyword a character stands for.
pub fn keyword_index(c: char) -> Option<usize> {
    (c as u32).checked_sub(FIRST_KEYWORD as u32).map(|i| i as usize).filter(|i| *i < KEYWORDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_keys_is_complete() {
        let documented: Vec<&str> = include_str!("../KEYS.md")
            .lines()
            .filter_map(|l| l.strip_prefix("| `")?.split_once('`').map(|(key, _)| key))
            .collect();
        for key in OPTION_KEYS {
            assert!(documented.contains(key), "`{key}` is not in KEYS.md");
        }
        for key in documented {
            assert!(OPTION_KEYS.contains(&key), "`{key}` is not in the grammar");
        }
    }

    #[test]
    fn keywords_have_characters_of_their_own() {
        for (i, word) in KEYWORDS.iter().enumerate() {
            let c = keyword_char(i);
            assert_eq!(c.len_utf8(), 2, "{word}");
            assert_eq!(keyword_index(c), Some(i), "{word}");
        }
        assert_eq!(keyword_char(ATTRIBUTES.start), FIRST_KEYWORD);
        assert_eq!(KEYWORDS.iter().position(|w| *w == "route").map(keyword_char), Some(k::ROUTE));
        assert_eq!((ATTRIBUTES.end, WORDS.end, RESERVED.end), (WORDS.start, RESERVED.start, KEYWORDS.len()));
    }
}
