//! Values for people: enumerations by name, long ones cut.

use std::fmt::{self, Write};

use crate::base::Value;

/// Characters of a value that are shown.
const LONGEST: usize = 160;

/// Text that stops growing at a limit. The writer is told by an error, so that a set of a million prefixes is
/// not written to its end.
struct Cut {
    text: String,
    limit: usize,
}

impl Write for Cut {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = self.limit.saturating_sub(self.text.len());
        if s.len() <= room {
            self.text.push_str(s);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| s.is_char_boundary(*end)).unwrap_or(0);
        self.text.push_str(&s[..end]);
        self.text.push_str("...");
        self.limit = 0;
        Err(fmt::Error)
    }
}

/// A value in at most some 160 characters.
pub fn short(value: &Value) -> String {
    if let Value::Enum(kind, n) = value
        && let Some(name) = kind.constant_name(*n)
    {
        return name.to_owned();
    }
    if let Value::PrefixSet(set) = value
        && set.len() > 8
    {
        return format!("a set of {} prefixes", set.len());
    }
    let mut out = Cut { text: String::new(), limit: LONGEST };
    let whole = match value {
        Value::Void => out.write_str("(unset)"),
        Value::Str(s) => write!(out, "\"{s}\""),
        value => write!(out, "{value}"),
    };
    // Being cut is no failure.
    let _ = whole;
    out.text
}

/// Text of the configuration, cut.
pub(super) fn cut(text: &str) -> String {
    let mut out = Cut { text: String::new(), limit: LONGEST };
    let _ = out.write_str(text);
    out.text
}
