//! The shapes of literals and operators: how far each could match at a place. The lexer takes the longest; on
//! a tie the earlier shape wins.

use std::net::Ipv6Addr;

use tern_grammar::t;

/// How many bytes from `at` satisfy `test`.
#[inline]
pub(super) fn run(text: &[u8], at: usize, test: impl Fn(u8) -> bool) -> usize {
    text.get(at..).unwrap_or_default().iter().take_while(|b| test(**b)).count()
}

pub(super) fn is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

pub(super) fn is_hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

pub(super) fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}

/// `D.D.D.D`
pub(super) fn ipv4(text: &[u8], at: usize) -> usize {
    let mut end = at;
    for group in 0..4 {
        if group > 0 {
            if text.get(end) != Some(&b'.') {
                return 0;
            }
            end += 1;
        }
        match run(text, end, is_digit) {
            0 => return 0,
            n => end += n,
        }
    }
    end - at
}

/// `D:D`, `0:D:D`, `2:D:D`, `IPv4:D`
pub(super) fn rd(text: &[u8], at: usize) -> usize {
    let colon_digits = |from: usize| {
        if text.get(from) == Some(&b':') { run(text, from + 1, is_digit) } else { 0 }
    };
    let four = ipv4(text, at);
    if four > 0 {
        return match colon_digits(at + four) {
            0 => 0,
            n => four + 1 + n,
        };
    }
    let first = run(text, at, is_digit);
    let second = if first > 0 { colon_digits(at + first) } else { 0 };
    if second == 0 {
        return 0;
    }
    let two = first + 1 + second;
    if first == 1 && matches!(text.get(at), Some(b'0' | b'2')) {
        let third = colon_digits(at + two);
        if third > 0 {
            return two + 1 + third;
        }
    }
    two
}

fn pair(text: &[u8], at: usize) -> bool {
    run(text, at, is_hex) >= 2
}

/// Pairs of hex digits joined by colons: how many.
fn colon_pairs(text: &[u8], at: usize) -> usize {
    if !pair(text, at) {
        return 0;
    }
    let mut n = 1;
    while text.get(at + 3 * n - 1) == Some(&b':') && pair(text, at + 3 * n) {
        n += 1;
    }
    n
}

/// Six pairs with colons.
pub(super) fn mac(text: &[u8], at: usize) -> usize {
    if colon_pairs(text, at) >= 6 { 17 } else { 0 }
}

/// Ten or more pairs, with or without colons; or `hex:` and any number of them.
pub(super) fn bytestring(text: &[u8], at: usize) -> usize {
    if text.get(at..at + 4) == Some(b"hex:") {
        let glued = run(text, at + 4, is_hex) & !1;
        let apart = (3 * colon_pairs(text, at + 4)).saturating_sub(1);
        return 4 + glued.max(apart);
    }
    let glued = run(text, at, is_hex) & !1;
    let apart = colon_pairs(text, at);
    let glued = if glued >= 20 { glued } else { 0 };
    let apart = if apart >= 10 { 3 * apart - 1 } else { 0 };
    glued.max(apart)
}

/// Hex groups and colons with `::` at the start or at least three colons, and perhaps an IPv4 address as its tail.
pub(super) fn ipv6(text: &[u8], at: usize) -> usize {
    let mut end = at;
    let (mut colons, mut double) = (0, false);
    loop {
        let group = run(text, end, is_hex);
        if text.get(end + group) != Some(&b':') {
            break;
        }
        double |= colons == 0 && text.get(end + group + 1) == Some(&b':');
        end += group + 1;
        colons += 1;
    }
    if colons < 2 || (colons < 3 && !double) {
        return 0;
    }
    end + ipv4(text, end).max(run(text, end, is_hex)) - at
}

/// `0x` and hex digits, or decimal digits.
pub(super) fn number(text: &[u8], at: usize) -> usize {
    if text.get(at) == Some(&b'0') && text.get(at + 1) == Some(&b'x') {
        let hex = run(text, at + 2, is_hex);
        if hex > 0 {
            return 2 + hex;
        }
    }
    run(text, at, is_digit)
}

/// The bits of an IPv4 address, unless a group is above 255.
pub(super) fn ipv4_value(text: &[u8]) -> Option<u32> {
    let mut bits = 0u32;
    for group in text.split(|b| *b == b'.') {
        let value = decimal(group).filter(|v| *v < 256)?;
        bits = bits << 8 | value as u32;
    }
    Some(bits)
}

/// The bits of an IPv6 address, if it is one.
pub(super) fn ipv6_value(text: &[u8]) -> Option<u128> {
    let text = std::str::from_utf8(text).ok()?;
    if let Some(bits) = text.parse::<Ipv6Addr>().ok().map(u128::from) {
        return Some(bits);
    }
    // A `::` beside all eight groups stands for none; BIRD takes that.
    if let Some((head, tail)) = text.split_once("::") {
        let gap = if head.is_empty() || tail.is_empty() { "" } else { ":" };
        let whole = format!("{head}{gap}{tail}");
        if !whole.contains("::")
            && let Ok(address) = whole.parse::<Ipv6Addr>()
        {
            return Some(address.into());
        }
    }
    // An IPv4 tail may have leading zeros here.
    let (head, tail) = text.rsplit_once(':')?;
    let bits = ipv4_value(tail.as_bytes()).filter(|_| tail.contains('.'))?;
    format!("{head}:{:x}:{:x}", bits >> 16, bits & 0xffff).parse::<Ipv6Addr>().ok().map(u128::from)
}

/// A decimal number of any length, saturating.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |n, b| {
        b.is_ascii_digit().then(|| n.saturating_mul(10).saturating_add(u64::from(b - b'0')))
    })
}

/// A number token: decimal, or hex with `0x`; `None` when it does not fit 32 bits.
pub(super) fn number_value(text: &[u8]) -> Option<u32> {
    match text.strip_prefix(b"0x") {
        Some(hex) if hex.len() > 16 => None,
        Some(hex) => {
            let value =
                hex.iter().fold(0u64, |n, b| n << 4 | u64::from(char::from(*b).to_digit(16).unwrap_or(0)));
            u32::try_from(value).ok()
        }
        None => decimal(text).and_then(|v| u32::try_from(v).ok()),
    }
}

/// The pairs of hex digits of a token, whatever stands between them.
pub(super) fn hex_bytes(text: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = text.iter().filter_map(|b| char::from(*b).to_digit(16).map(|d| d as u8)).collect();
    digits.chunks_exact(2).map(|p| p[0] << 4 | p[1]).collect()
}

/// Operators of two bytes.
#[inline]
pub(super) fn double(first: u8, second: Option<u8>) -> Option<u8> {
    Some(match (first, second?) {
        (b'.', b'.') => t::DDOT,
        (b'!', b'=') => t::NE,
        (b'!', b'~') => t::NMATCH,
        (b'<', b'=') => t::LE,
        (b'>', b'=') => t::GE,
        (b'&', b'&') => t::AND,
        (b'|', b'|') => t::OR,
        (b'-', b'>') => t::ARROW,
        (b'+', b'+') => t::PP,
        (b'[', b'=') => t::PO,
        (b'=', b']') => t::PC,
        _ => return None,
    })
}

/// How long the token at a byte is, as far as underlining it needs.
pub(super) fn token_length(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        None => 0,
        Some(b'"') => {
            let rest = &text[at + 1..];
            memchr::memchr2(b'"', b'\n', rest).map_or(rest.len(), |n| n + usize::from(rest[n] == b'"')) + 1
        }
        Some(b'\'') => run(text, at + 1, |b| b != b'\'' && b != b'\n') + 2,
        Some(b) if is_word(*b) => {
            let word = run(text, at, |b| is_word(b) || matches!(b, b'.' | b':' | b'/'));
            let trimmed =
                text[at..at + word].iter().rev().take_while(|b| matches!(b, b'.' | b':' | b'/')).count();
            let plain = run(text, at, is_word);
            if is_digit(*b) || text[at..at + word].contains(&b':') { word - trimmed } else { plain }
        }
        Some(b) => 1 + usize::from(double(*b, text.get(at + 1).copied()).is_some()),
    }
    .min(text.len().saturating_sub(at))
}
