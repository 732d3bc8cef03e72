//! Filters and functions, and the sets they compare with.

use tern_grammar::{k, t};

use super::{Misfit, advice};

/// Commands of filters and functions, and their heads.
pub(super) fn code(m: &Misfit<'_>) -> Option<String> {
    let head = m.begins_with(k::FUNCTION) || m.begins_with(k::FILTER);
    if head && !m.before.contains('{') {
        let filter = m.begins_with(k::FILTER);
        let open = m.before.contains('(') && !m.before.contains(')');
        return match m.found {
            '(' if filter => {
                advice("a filter takes no arguments; write a function, and call it from a filter")
            }
            '{' if filter => advice("a filter has a name: `filter NAME { ... }`"),
            '{' => advice("a function has brackets, even without arguments: `function NAME() { ... }`"),
            ',' if open => advice(
                "where a function is defined its arguments are parted by `;`, where it is called by `,`",
            ),
            ':' if open => advice("the type stands before the name: `prefix p`"),
            _ if open && m.is_class(t::SYM) && matches!(m.previous(), Some('(' | ';')) => {
                advice(format!("an argument has a type: `prefix {}`", m.raw))
            }
            _ => None,
        };
    }
    let (_, brackets) = m.place();
    if !m.in_code() {
        return None;
    }
    let previous = m.previous();
    match m.found {
        k::THEN => None,
        _ if m.expects(k::THEN) && (m.is_word() || m.found == '{') => {
            advice("`then` is missing: `if CONDITION then COMMAND`")
        }
        k::ELSE if m.expects_class(t::ELSECOL) => {
            advice("what fits no case stands behind `else:`, with a colon")
        }
        ';' if brackets > 0 => advice("values are parted by `,`"),
        ';' if previous == Some('}') => advice("no `;` stands behind a block of commands"),
        ',' if matches!(previous, Some('P' | 'Q')) => {
            advice("several prefixes are a set, in brackets: `[ 10.0.0.0/8, ... ]`")
        }
        '(' if previous == Some(k::FOR) => advice("the only loop is `for TYPE NAME in LIST do ...`"),
        k::ADD | k::DELETE => advice(format!(
            "as a command it is written behind the attribute: `bgp_community.{}(...);`",
            m.raw
        )),
        k::FILTER | k::FUNCTION => advice(
            "filters and functions are defined at the top of the file, not inside another one: is a `}` missing above?",
        ),
        k::PROTOCOL | k::TEMPLATE | k::DEFINE => {
            advice("a filter or function above is not closed: a `}` is missing")
        }
        k::BGPPATH => advice("`bgppath` is a type; the attribute is called `bgp_path`"),
        k::IGP => advice("the constants are called `ORIGIN_IGP`, `ORIGIN_EGP` and `ORIGIN_INCOMPLETE`"),
        k::BLACKHOLE | k::UNREACHABLE | k::PROHIBIT if previous == Some('=') => {
            advice(format!("the constant is called `RTD_{}`", m.raw.to_uppercase()))
        }
        _ if matches!(previous, Some(k::ACCEPT | k::REJECT)) && m.expects(';') && m.found == k::ALL => {
            advice(format!("`{};` is all of the command", m.last))
        }
        _ if previous == Some(k::PRINT) || m.last.starts_with('"') && m.expects(',') && m.is_word() => {
            advice("a `,` is missing: what is printed is parted by commas")
        }
        _ => None,
    }
}

/// Sets.
pub(super) fn sets(m: &Misfit<'_>) -> Option<String> {
    if m.found == '{' && m.begins_with(k::DEFINE) {
        return advice("a set stands in brackets: `[ 10.0.0.0/8, 192.168.0.0/16 ]`");
    }
    if !m.in_set() {
        return None;
    }
    match m.found {
        '*' => advice("a mask of paths stands in `[= ... =]`: `bgp_path ~ [= * 65000 * =]`"),
        ']' if m.previous() == Some(',') || m.last == "," => advice("no `,` stands behind the last member"),
        ']' if m.expects('/') => advice("an address is no prefix: write its length, `192.0.2.1/32`"),
        ';' => advice("members of a set are parted by `,`, and the set ends with `]`"),
        '}' | '-' | 'D' if m.expects(',') && !m.expects(']') => advice(
            "lengths are a pair: `10.0.0.0/8{16,24}`; `+` stands for all longer ones, `-` for all shorter ones",
        ),
        '-' if m.expects_class(t::DDOT) => advice("a range is written with two dots: `64512..65534`"),
        '.' => advice("a range is written with two dots: `64512..65534`"),
        '+' if m.expects_class(t::DDOT) => advice("`+` stands behind the length: `10.0.0.0/8+`"),
        ')' if m.previous() == Some(t::DDOT as char) => {
            advice("a range has two ends, `1..65535`, and `*` stands for all")
        }
        '(' | ')' => None,
        _ if m.is_word() && matches!(m.raw, "le" | "ge") => advice(
            "lengths stand in braces: `10.0.0.0/8{8,24}` for those up to 24, `10.0.0.0/8{24,32}` from 24 on",
        ),
        _ if m.is_class(t::TEXT) => {
            advice("sets hold no texts; compare them one by one, or with a pattern: `ifname ~ \"eth*\"`")
        }
        _ if m.expects(',') && (m.line_above.is_some() || !m.is_word()) => match m.line_above {
            Some(line) => advice(format!("a `,` is missing at the end of line {line}")),
            None => advice("a `,` is missing before this"),
        },
        _ => None,
    }
}
