//! How things are written: punctuation, quotes, numbers, and bytes that are none of the language.

use tern_grammar::{OPTION_KEYS, k, t};

use super::{Misfit, advice};

/// Punctuation of other languages.
pub(super) fn characters(m: &Misfit<'_>) -> Option<String> {
    let fresh = m.before.is_empty() || m.line_above.is_some();
    match m.found {
        '/' if m.ahead.starts_with("//") => advice("comments begin with `#`, or stand between `/*` and `*/`"),
        '!' | '%' if fresh => advice("comments begin with `#`, or stand between `/*` and `*/`"),
        '*' if m.ahead.starts_with("*/") => advice("the comment has ended already: comments do not nest"),
        '-' if m.glued && m.is_after_word() => {
            let next: String =
                m.ahead.chars().skip(1).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let spaced = format!("{} {next}", m.last);
            if OPTION_KEYS.contains(&spaced.as_str()) {
                return advice(format!("these are two words: `{spaced}`"));
            }
            let last = m.last;
            advice(format!("names hold no `-`: write `{last}_{next}`, or `'{last}-{next}'` in single quotes"))
        }
        '=' if m.previous() == Some('=') => advice("equality is a single `=`"),
        ':' | '+' | '-' | '*' | '/'
            if m.ahead.get(1..).is_some_and(|a| a.starts_with('=')) && m.expects('=') =>
        {
            match m.found {
                ':' => advice("a value is assigned by a single `=`"),
                sign => advice(format!("write it out: `{} = {} {sign} ...`", m.last, m.last)),
            }
        }
        '=' | ':' if !m.in_code() && !m.expects(m.found) && !m.in_set() && m.is_after_word() => {
            advice(format!("options have no `{}`: the value follows the words", m.found))
        }
        ':' if m.expects('=') => advice("a value is assigned by a single `=`"),
        _ => None,
    }
}

/// Texts without quotes, and what has quotes but is none.
pub(super) fn quotes(m: &Misfit<'_>) -> Option<String> {
    if m.raw.starts_with('\'') && (m.expects_class(t::TEXT) || m.in_code()) {
        return advice("single quotes are for names; a text stands in double quotes");
    }
    if m.is_class(t::TEXT) && !m.expects_class(t::TEXT) && !m.in_code() && !m.in_set() {
        let inside = m.raw.trim_matches('"');
        if m.expects_class(t::NUM) && inside.parse::<u32>().is_ok() {
            return advice(format!("a number has no quotes: `{inside}`"));
        }
        if m.expects_class(t::IP4) && inside.parse::<std::net::IpAddr>().is_ok() {
            return advice(format!("an address has no quotes: `{inside}`"));
        }
        if m.expects(',') && m.last.starts_with('"') {
            return advice("a `,` is missing before this");
        }
        if m.expects_class(t::NUM) && m.expects_class(t::SYM) && m.expected.len() < 6 {
            return advice("numbers and names of constants have no quotes");
        }
        if m.expects_class(t::SYM) && m.expected.len() < 4 {
            return advice("a name has no quotes");
        }
        return None;
    }
    let unquoted = m.is_word() && !(m.is_class(t::SYM) && m.known);
    if m.begins_with(k::LOG) && m.found == k::ALL {
        return advice("a log has a place: `log syslog all;`, `log \"/var/log/bird.log\" all;`");
    }
    if unquoted && m.expects_class(t::TEXT) && !m.expects('\0') && m.expected.len() < 12 && !m.in_code() {
        return advice(format!("a text stands in double quotes: `\"{}\"`", m.raw));
    }
    if m.found == '/' && m.expects_class(t::TEXT) && !m.in_code() {
        return advice("a file name stands in double quotes");
    }
    let compared: Vec<char> = m.before.chars().rev().take(2).collect();
    if unquoted && m.in_code() && matches!(compared[..], ['=' | '~' | 'N', k::IFNAME | k::PROTO]) {
        return advice(format!("a text stands in double quotes: `\"{}\"`", m.raw));
    }
    None
}

/// Numbers, times and addresses.
pub(super) fn numbers(m: &Misfit<'_>) -> Option<String> {
    let after_number = m.previous() == Some(t::NUM as char);
    match m.found {
        k::S | k::MS | k::US if after_number && m.expects(';') => {
            advice("no unit stands here: the number is of seconds")
        }
        ';' | '}' if m.expects(k::MS) => advice(format!("the unit is missing: `{} s`", m.last)),
        '+' | '-' | '*' | '/' if m.expects(';') && !m.in_code() && after_number => {
            advice("a calculation stands in brackets: `(5 + 5)`")
        }
        '.' if m.begins_with(k::ROUTER) => advice("an IPv4 address has four parts: `192.0.2.1`"),
        '.' if after_number => advice("only whole numbers are taken"),
        '-' if m.expects_class(t::NUM) && !m.in_code() => advice("only numbers from 0 on are taken"),
        '6' if m.expects_class(t::IP4) && m.begins_with(k::ROUTER) => {
            advice("a router id is an IPv4 address or a number, also where only IPv6 is routed")
        }
        _ => None,
    }
}

/// Advice about a byte that is none of the language.
pub(in super::super) fn unknown_character(text: &str) -> Option<&'static str> {
    Some(match text.chars().next()? {
        '\r' => "the file has the line ends of another system; only newlines are taken (`tr -d '\\r'`)",
        '\u{feff}' => "the file begins with a byte order mark: save it as UTF-8 without one",
        '\0' => "this is no text, or one in UTF-16: save it as UTF-8",
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{3000}' => {
            "this looks like a blank but is another character, perhaps from a web page: write a plain blank"
        }
        '\u{2018}'..='\u{201f}' | '«' | '»' | '`' => "quotes are plain `\"`",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => {
            "this is a dash of typography: write a plain `-`, in pairs of lengths a `,`"
        }
        '$' | '@' => "constants and variables are called by their bare names",
        '\\' => "the backslash has no meaning: a text cannot hold a `\"`",
        '\u{fffd}' => "this is no UTF-8; outside of texts and comments only ASCII is taken",
        c if !c.is_ascii() => "only ASCII is taken outside of texts and comments",
        _ => return None,
    })
}
