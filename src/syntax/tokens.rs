//! The token string: one character per token, with what the tokens mean beside it.

use ipnet::IpNet;
use tern_grammar::t;

use super::ast::{ExprKind, Span, Text, Tok};
use crate::base::bytes::Bytes;
use crate::base::net;

/// A token before it joins the string.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Its character.
    pub c: char,
    /// Its value, see [`t`].
    pub value: u64,
    /// Its number.
    pub tok: Tok,
}

/// Tokens waiting to be parsed. The side arrays are indexed by *byte* of the string (a keyword has two),
/// because bytes are what the parser's positions count.
#[derive(Default, Debug)]
pub(super) struct Tokens {
    pub text: String,
    pub value: Vec<u64>,
    pub tok: Vec<Tok>,
    pub texts: Vec<Text>,
    pub wide: Vec<(u128, u8)>,
    pub bytes: Vec<Bytes>,
    /// Set literals, parsed as they were read, each standing as one token.
    pub sets: Vec<Option<ExprKind>>,
    /// Their closing brackets.
    pub set_ends: Vec<Tok>,
}

/// The flag of a name that is declared above its use.
pub(super) const KNOWN: u64 = 1 << 32;

impl Tokens {
    #[inline]
    pub(super) fn push(&mut self, token: Token) {
        self.text.push(token.c);
        self.value.push(token.value);
        self.tok.push(token.tok);
        if !token.c.is_ascii() {
            self.value.push(token.value);
            self.tok.push(token.tok);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Drops everything from byte `at` on.
    pub(super) fn truncate(&mut self, at: usize) {
        self.text.truncate(at);
        self.value.truncate(at);
        self.tok.truncate(at);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.truncate(0);
        self.texts.clear();
        self.wide.clear();
        self.bytes.clear();
        self.sets.clear();
        self.set_ends.clear();
    }

    /// The character at a byte.
    pub(super) fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }

    /// The number of the token at a byte; for the end of the string, the number after the last.
    pub(super) fn tok_at(&self, at: usize) -> Tok {
        self.tok.get(at).copied().unwrap_or_else(|| self.last_of(self.len()).wrapping_add(1))
    }

    /// The number of the last token before byte `end`; a set ends with its bracket.
    pub(super) fn last_of(&self, end: usize) -> Tok {
        let Some(at) = end.checked_sub(1) else { return 0 };
        match self.text.as_bytes().get(at) {
            Some(&t::SET) => self
                .set_ends
                .get(self.value.get(at).copied().unwrap_or_default() as usize)
                .copied()
                .unwrap_or_default(),
            _ => self.tok.get(at).copied().unwrap_or_default(),
        }
    }

    /// The tokens between two bytes.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span { first: self.tok_at(start), last: self.last_of(end) }
    }

    /// The value at a byte.
    #[inline]
    pub(super) fn value_at(&self, at: usize) -> u64 {
        self.value.get(at).copied().unwrap_or_default()
    }

    /// The prefix of a prefix token.
    #[inline]
    pub(super) fn net_at(&self, at: usize) -> Option<IpNet> {
        let value = self.value_at(at);
        match *self.text.as_bytes().get(at)? {
            t::NET4 => IpNet::new(net::ipv4(value as u32), (value >> 32) as u8).ok(),
            t::NET6 => {
                let (bits, len) = *self.wide.get(value as usize)?;
                IpNet::new(std::net::Ipv6Addr::from(bits).into(), len).ok()
            }
            _ => None,
        }
    }

    /// The address of an address token; IPv4 addresses mapped into IPv6 come out as IPv4, as BIRD keeps them.
    #[inline]
    pub(super) fn ip_at(&self, at: usize) -> Option<std::net::IpAddr> {
        let value = self.value_at(at);
        match *self.text.as_bytes().get(at)? {
            t::IP4 => Some(net::ipv4(value as u32)),
            t::IP6 => self.wide.get(value as usize).map(|(bits, _)| net::from_bits(*bits)),
            _ => None,
        }
    }
}
