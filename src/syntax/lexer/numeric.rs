//! Tokens made of digits: numbers, addresses, prefixes, distinguishers, byte strings.

use std::net::Ipv6Addr;
use std::sync::Arc;

use tern_grammar::{k, t};

use super::super::ast::Tok;
use super::super::literal::{self, is_digit, is_hex, is_word, run};
use super::super::tokens::Token;
use super::{Lexer, MAX_SYMBOL};
use crate::base::bytes::Bytes;
use crate::base::{Rd, net};

impl Lexer<'_> {
    /// `ADDRESS / NUMBER` is one token, whatever stands between the three.
    pub(super) fn joins_prefix(&mut self, number: Token) -> bool {
        let end = self.tokens.len();
        let four = match self.tokens.text.as_bytes().get(end.wrapping_sub(2)..end) {
            Some([t::IP4, b'/']) => true,
            Some([t::IP6, b'/']) => false,
            _ => return false,
        };
        let value = self.tokens.value_at(end - 2);
        self.tokens.truncate(end - 2);
        let joined = if four {
            self.net4(value as u32, number.value, number.tok, number.tok)
        } else {
            let bits = self.tokens.wide.get(value as usize).map_or(0, |w| w.0);
            self.net6(bits, number.value, number.tok, number.tok + u32::from(!self.is_member()))
        };
        self.tokens.push(joined);
        true
    }

    pub(super) fn net4(&mut self, bits: u32, len: u64, tok: Tok, at: Tok) -> Token {
        let len = self.prefix_length(len, 32, at);
        let mask = u32::MAX.checked_shl(32 - len as u32).unwrap_or(0);
        if bits & !mask != 0 {
            let (have, want) = (net::ipv4(bits), net::ipv4(bits & mask));
            self.error_at(at, format!("Invalid IPv4 prefix {have}/{len}, maybe you wanted {want}/{len}"));
        }
        Token { c: t::NET4 as char, value: len << 32 | u64::from(bits & mask), tok }
    }

    pub(super) fn net6(&mut self, bits: u128, len: u64, tok: Tok, at: Tok) -> Token {
        let len = self.prefix_length(len, 128, at);
        let mask = u128::MAX.checked_shl(128 - len as u32).unwrap_or(0);
        if bits & !mask != 0 {
            let (have, want) = (Ipv6Addr::from(bits), Ipv6Addr::from(bits & mask));
            let text = match self.behind_from() {
                Some(dst) => format!(
                    "Invalid SADR IPv6 prefix {dst} from {have}/{len}, maybe you wanted {dst} from {want}/{len}"
                ),
                None => format!("Invalid IPv6 prefix {have}/{len}, maybe you wanted {want}/{len}"),
            };
            self.error_at(at, text);
        }
        let value = self.tokens.wide.len() as u64;
        self.tokens.wide.push((bits & mask, len as u8));
        Token { c: t::NET6 as char, value, tok }
    }

    /// The prefix before the word `from`, if that was read last: what comes is the source of a source-specific network.
    fn behind_from(&self) -> Option<ipnet::IpNet> {
        let before = self.tokens.text.strip_suffix(k::FROM)?;
        before.ends_with(char::from(t::NET6)).then(|| self.tokens.net_at(before.len() - 1))?
    }

    /// Whether a member of a set begins here that is no term.
    fn is_member(&self) -> bool {
        self.sets.last().is_some_and(|set| set.parens == self.parens)
    }

    pub(super) fn prefix_length(&mut self, len: u64, most: u64, at: Tok) -> u64 {
        if len > most {
            self.error_at(at, format!("Invalid prefix length {len}"));
        }
        len.min(most)
    }

    /// Numbers, addresses, distinguishers and byte strings where more than one shape is possible.
    pub(super) fn literal(&mut self, pos: usize) -> Token {
        let data = self.current();
        let text: &[u8] = &data;
        let shapes = [
            (literal::rd(text, pos), t::RD),
            (literal::ipv4(text, pos), t::IP4),
            (literal::mac(text, pos), t::MAC),
            (literal::bytestring(text, pos), t::BYTES),
            (literal::ipv6(text, pos), t::IP6),
            (literal::number(text, pos), t::NUM),
            (if is_digit(text[pos]) { 0 } else { run(text, pos, is_word) }, t::SYM),
        ];
        // The last of equals is taken by `max_by_key`, so from behind.
        let (len, class) = shapes.into_iter().rev().max_by_key(|s| s.0).unwrap_or((0, t::BAD));
        let shown = &text[pos..pos + len];
        self.advance(pos + len.max(1));
        let tok = self.place(pos);
        let value = match class {
            t::RD => match rd_value(shown) {
                Ok(rd) => rd,
                Err(message) => {
                    self.error_at(tok, message);
                    0
                }
            },
            t::IP4 | t::IP6 => return self.address(text, pos, len, class == t::IP4, tok),
            t::MAC => literal::hex_bytes(shown).iter().fold(0, |n, b| n << 8 | u64::from(*b)),
            t::BYTES => {
                let bytes = literal::hex_bytes(shown.strip_prefix(b"hex:").unwrap_or(shown));
                self.tokens.bytes.push(Bytes(Arc::from(bytes)));
                self.tokens.bytes.len() as u64 - 1
            }
            t::NUM => match literal::number_value(shown) {
                Some(n) => u64::from(n),
                None => {
                    self.error_at(tok, "Number out of range");
                    0
                }
            },
            _ => {
                let sym = self.names.intern(&String::from_utf8_lossy(shown));
                if len > MAX_SYMBOL {
                    self.error_at(tok, "Symbol too long");
                }
                return self.word(sym, tok);
            }
        };
        Token { c: class as char, value, tok }
    }

    /// An address, with a length glued to it if there is one.
    pub(super) fn address(&mut self, text: &[u8], pos: usize, len: usize, four: bool, tok: Tok) -> Token {
        let shown = &text[pos..pos + len];
        let end = pos + len;
        let digits = if text.get(end) == Some(&b'/') { run(text, end + 1, is_digit) } else { 0 };
        let bits = if four { literal::ipv4_value(shown).map(u128::from) } else { literal::ipv6_value(shown) };
        let bits = bits.unwrap_or_else(|| {
            let shown = String::from_utf8_lossy(shown);
            self.error_at(tok, format!("Invalid IPv{} address {shown}", if four { 4 } else { 6 }));
            0
        });
        let length =
            literal::decimal(&text[end + usize::from(digits > 0)..end + usize::from(digits > 0) + digits]);
        match length.filter(|n| digits > 0 && *n <= u64::from(u32::MAX)) {
            Some(length)
                if !text
                    .get(end + 1 + digits)
                    .is_some_and(|b| matches!(b, b'.' | b':' | b'x') || is_hex(*b)) =>
            {
                let most = if four { 32 } else { 128 };
                self.advance(end + 1 + digits);
                // BIRD complains at the length of a prefix, but behind an IPv6 prefix where `from` may follow.
                let whole = self.behind_from().is_some() || self.is_member();
                let at = match four {
                    false if whole && (length > most || has_host_bits(bits, length, most)) => {
                        self.place(end + 1)
                    }
                    true if length > most || has_host_bits(bits, length, most) => self.place(end + 1),
                    true => tok,
                    false => tok + 1,
                };
                if four { self.net4(bits as u32, length, tok, at) } else { self.net6(bits, length, tok, at) }
            }
            _ if four => Token { c: t::IP4 as char, value: bits as u64, tok },
            _ => {
                self.tokens.wide.push((bits, 0));
                Token { c: t::IP6 as char, value: self.tokens.wide.len() as u64 - 1, tok }
            }
        }
    }
}

/// The common literals that can be nothing else: decimal numbers, IPv4 addresses and prefixes without
/// mistakes. Class, value, end.
#[inline]
pub(super) fn quick_number(text: &[u8], pos: usize) -> Option<(u8, u64, usize)> {
    let mut end = pos;
    let number = |end: &mut usize| {
        let start = *end;
        let mut n = 0u64;
        while let Some(d) = text.get(*end).map(|b| b.wrapping_sub(b'0')).filter(|d| *d < 10) {
            n = n * 10 + u64::from(d);
            *end += 1;
            if *end - start > 10 {
                return None;
            }
        }
        (*end > start).then_some(n)
    };
    let single = |end: usize| !matches!(text.get(end), Some(b':' | b'x' | b'a'..=b'f' | b'A'..=b'F'));
    let first = number(&mut end)?;
    if text.get(end) != Some(&b'.') || !text.get(end + 1).is_some_and(|b| b.is_ascii_digit()) {
        return (single(end) && first <= u64::from(u32::MAX)).then_some((t::NUM, first, end));
    }
    let mut bits = first;
    let mut valid = first < 256;
    for _ in 0..3 {
        if text.get(end) != Some(&b'.') {
            return None;
        }
        end += 1;
        let group = number(&mut end)?;
        valid &= group < 256;
        bits = bits << 8 | group;
    }
    if !valid || !single(end) {
        return None;
    }
    if text.get(end) != Some(&b'/') || !text.get(end + 1).is_some_and(|b| b.is_ascii_digit()) {
        return Some((t::IP4, bits, end));
    }
    end += 1;
    let len = number(&mut end)?;
    let host = u32::MAX.checked_shr(len as u32).unwrap_or(0);
    let clean = len <= 32 && bits as u32 & host == 0 && single(end) && text.get(end) != Some(&b'.');
    clean.then_some((t::NET4, len << 32 | bits, end))
}

pub(super) fn has_host_bits(bits: u128, len: u64, most: u64) -> bool {
    len < most && bits & (1u128.checked_shl((most - len) as u32).map_or(u128::MAX, |b| b - 1)) != 0
}

/// The value of a route distinguisher's text.
pub(super) fn rd_value(text: &[u8]) -> Result<u64, String> {
    let parts: Vec<&[u8]> = text.split(|b| *b == b':').collect();
    let number = |part: &[u8], most: u64, message: &str| match literal::decimal(part) {
        Some(n) if n <= most => Ok(n),
        _ => Err(message.to_owned()),
    };
    const NUMBER: &str = "Number out of range";
    const ASN: &str = "ASN out of range";
    Ok(match parts[..] {
        [kind, asn, value] if kind == b"0" => {
            Rd::as2(number(asn, 0xffff, ASN)? as u16, number(value, u64::from(u32::MAX), NUMBER)? as u32).0
        }
        [_, asn, value] => {
            Rd::as4(number(asn, u64::from(u32::MAX), ASN)? as u32, number(value, 0xffff, NUMBER)? as u16).0
        }
        [ip, value] if ip.contains(&b'.') => {
            let bits = literal::ipv4_value(ip).ok_or_else(|| {
                format!("Invalid IPv4 address {} in Route Distinguisher", String::from_utf8_lossy(ip))
            })?;
            Rd::ip(bits.into(), number(value, 0xffff, NUMBER)? as u16).0
        }
        [asn, value] => match number(asn, u64::from(u32::MAX), ASN)? {
            small @ 0..=0xffff => Rd::as2(small as u16, number(value, u64::from(u32::MAX), NUMBER)? as u32).0,
            large => Rd::as4(large as u32, number(value, 0xffff, NUMBER)? as u16).0,
        },
        _ => return Err(NUMBER.to_owned()),
    })
}
