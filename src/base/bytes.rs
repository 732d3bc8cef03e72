//! Byte strings as the configuration writes and prints them.

use std::fmt;
use std::sync::Arc;

/// A byte string; prints as lower-case pairs joined by colons.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Bytes(pub Arc<[u8]>);

impl Bytes {
    /// Reads the argument of `from_hex`: pairs of hex digits, a blank, `.`, `:` or `-` allowed between pairs.
    pub fn from_hex(text: &str) -> Option<Bytes> {
        let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
        let mut bytes = Vec::with_capacity(text.len() / 2);
        let mut rest = text.as_bytes();
        loop {
            rest = match rest {
                [] => return Some(Bytes(bytes.into())),
                [b' ' | b'.' | b':' | b'-', rest @ ..] => rest,
                [high, low, rest @ ..] => {
                    bytes.push(digit(*high)? << 4 | digit(*low)?);
                    rest
                }
                [_] => return None,
            }
        }
    }

    /// This one followed by the other.
    pub fn append(&self, other: &Bytes) -> Bytes {
        Bytes(self.0.iter().chain(other.0.iter()).copied().collect())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        Bytes(Arc::from(bytes))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, b) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(":")?;
            }
            write!(f, "{b:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn hex_takes_separators_between_pairs_only() {
        let text = |s| Bytes::from_hex(s).map(|b| b.to_string());
        assert_eq!(text("0aff").as_deref(), Some("0a:ff"));
        assert_eq!(text("0a:ff.01-02 03").as_deref(), Some("0a:ff:01:02:03"));
        assert_eq!(text("").as_deref(), Some(""));
        assert_eq!(text("123"), None);
        assert_eq!(text("1:23"), None);
        assert_eq!(text("xy"), None);
    }
}
