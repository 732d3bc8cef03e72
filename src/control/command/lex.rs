//! Words of a command line.
//!
//! Only what commands are made of: words, names in quotes, texts, numbers, addresses, punctuation. Terms and
//! filters are not cut into tokens here: their text goes to the language's own front end, which says where
//! they end. Mistakes are tokens too, so that a line is judged from left to right: a wrong word before a
//! wrong character is what is reported.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A piece of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token<'a> {
    /// A bare word.
    Word(&'a str),
    /// A name in single quotes.
    Quoted(&'a str),
    /// A text in double quotes.
    Text(&'a str),
    /// A number.
    Number(u32),
    /// An address.
    Ip(IpAddr),
    /// An address with a prefix length, host bits and length as written.
    Prefix(IpAddr, u32),
    /// Numbers joined by colons: a route distinguisher.
    Rd(&'a str),
    /// Anything else that is one character.
    Punct(char),
    /// No token at all; what is wrong.
    Bad(&'static str),
    /// The end of the line.
    End,
}

/// A token and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spot<'a> {
    /// The token.
    pub token: Token<'a>,
    /// Its first byte.
    pub from: usize,
    /// The byte behind it.
    pub to: usize,
}

/// The token at or behind `at`.
pub fn token(line: &str, at: usize) -> Spot<'_> {
    let from = match skip(line, at) {
        Ok(from) => from,
        Err(bad) => return Spot { token: Token::Bad(bad), from: line.len(), to: line.len() },
    };
    let rest = &line[from..];
    let Some(first) = rest.chars().next() else { return Spot { token: Token::End, from, to: from } };
    let spot = |token, len| Spot { token, from, to: from + len };
    let quoted = |quote: char| rest[1..].find(quote).map(|end| (&rest[1..=end], end + 2));
    match first {
        '"' => match quoted('"') {
            Some((text, len)) => spot(Token::Text(text), len),
            None => spot(Token::Bad("Unterminated string"), rest.len()),
        },
        '\'' => match quoted('\'') {
            Some((name, len)) if is_name(name) => spot(Token::Quoted(name), len),
            Some((_, len)) => spot(Token::Bad("Unknown character"), len),
            None => spot(Token::Bad("Unterminated string"), rest.len()),
        },
        c if c.is_ascii_alphanumeric() || c == '_' || c == ':' => {
            let (token, len) = word_or_number(rest);
            spot(token, len)
        }
        c if "{}()[].,;=<>!&|~+-*/%?^".contains(c) => spot(Token::Punct(c), 1),
        c => spot(Token::Bad("Unknown character"), c.len_utf8()),
    }
}

/// Where the next token begins: behind blanks and comments.
fn skip(line: &str, mut at: usize) -> Result<usize, &'static str> {
    loop {
        let rest = &line[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let rest = &rest[blank..];
        at += blank;
        if rest.starts_with('#') {
            return Ok(line.len());
        } else if let Some(comment) = rest.strip_prefix("/*") {
            at += comment.find("*/").ok_or("Unterminated comment")? + 4;
        } else {
            return Ok(at);
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}

/// A word, a number, or one of the things made of digits, dots and colons; whichever is the longest.
fn word_or_number(rest: &str) -> (Token<'_>, usize) {
    let run = |keep: fn(char) -> bool| &rest[..rest.find(|c: char| !keep(c)).unwrap_or(rest.len())];
    let word = run(|c| c.is_ascii_alphanumeric() || c == '_');
    let address = run(|c| c.is_ascii_hexdigit() || c == '.' || c == ':');
    let decimal = run(|c| c.is_ascii_digit());
    let parsed = || {
        address.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| address.parse::<Ipv6Addr>().map(IpAddr::V6))
    };
    if address.len() > word.len()
        && let Ok(ip) = parsed()
    {
        let behind = rest[address.len()..].strip_prefix('/').unwrap_or("");
        let digits = &behind[..behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len())];
        return match digits.parse() {
            Ok(len) => (Token::Prefix(ip, len), address.len() + 1 + digits.len()),
            Err(_) => (Token::Ip(ip), address.len()),
        };
    }
    if address.contains(':') && !decimal.is_empty() && address.split(':').all(|p| !p.is_empty()) {
        return (Token::Rd(address), address.len());
    }
    if decimal.is_empty() {
        return match word {
            "" => (Token::Punct(':'), 1),
            _ => (Token::Word(word), word.len()),
        };
    }
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            (number(u32::from_str_radix(digits, 16).ok()), word.len())
        }
        _ => (number(decimal.parse().ok()), decimal.len()),
    }
}

fn number(value: Option<u32>) -> Token<'static> {
    value.map_or(Token::Bad("Number out of range"), Token::Number)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "literals parse")]
mod tests {
    use super::*;

    fn all(line: &str) -> Vec<Token<'_>> {
        let mut at = 0;
        let mut found = Vec::new();
        loop {
            let spot = token(line, at);
            at = spot.to;
            let last = matches!(spot.token, Token::End | Token::Bad(_));
            found.push(spot.token);
            if last {
                return found;
            }
        }
    }

    #[test]
    fn kinds_of_tokens() {
        use Token::*;
        let ip = |t: &str| -> IpAddr { t.parse().unwrap() };
        assert_eq!(all("show 'a.b-c:d' \"x y\""), [Word("show"), Quoted("a.b-c:d"), Text("x y"), End]);
        assert_eq!(all("10.0.0.1/8 10.1.2.3"), [Prefix(ip("10.0.0.1"), 8), Ip(ip("10.1.2.3")), End]);
        assert_eq!(
            all("fe80::1/64 ::/0 ::"),
            [Prefix(ip("fe80::1"), 64), Prefix(ip("::"), 0), Ip(ip("::")), End]
        );
        assert_eq!(all("fade add 10:20"), [Word("fade"), Word("add"), Rd("10:20"), End]);
        assert_eq!(all("0x10 17"), [Number(16), Number(17), End]);
        assert_eq!(
            all("s1.ipv4{a}"),
            [Word("s1"), Punct('.'), Word("ipv4"), Punct('{'), Word("a"), Punct('}'), End]
        );
        assert_eq!(all("1.2.3"), [Number(1), Punct('.'), Number(2), Punct('.'), Number(3), End]);
    }

    #[test]
    fn comments_and_blanks() {
        assert_eq!(all(" a/* b */ c # d"), [Token::Word("a"), Token::Word("c"), Token::End]);
        assert_eq!(all("\t"), [Token::End]);
    }

    #[test]
    fn mistakes() {
        for (line, bad) in [
            ("\"x", "Unterminated string"),
            ("/* x", "Unterminated comment"),
            ("@", "Unknown character"),
            ("é", "Unknown character"),
            ("4294967296", "Number out of range"),
            ("0x100000000", "Number out of range"),
        ] {
            assert_eq!(all(line), [Token::Bad(bad)], "{line}");
        }
    }
}
