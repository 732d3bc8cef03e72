//! Interface patterns: which interfaces and addresses a protocol works on.
//!
//! A pattern names interfaces by shell-like wildcards, addresses by prefix, or both; the first pattern of a
//! list that matches decides, and a negated one decides "no". All of it is a pure function of names and
//! addresses, so that protocols and tests ask the same question.

use std::net::IpAddr;
use std::sync::Arc;

use crate::base::IpNet;

/// One pattern: `[-] ["NAME"] [PREFIX]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfPattern {
    /// A match means "not this one".
    pub negate: bool,
    /// Wildcards `*` and `?`; every name when absent.
    pub name: Option<Arc<str>>,
    /// The address, or the peer of a point-to-point address, lies in here; every address when absent.
    pub prefix: Option<IpNet>,
}

impl IfPattern {
    /// A pattern as written. A minus at the start of the string itself negates too: the manual of BIRD 1 wrote it so.
    pub fn new(negate: bool, name: Option<&str>, prefix: Option<IpNet>) -> IfPattern {
        match name.and_then(|n| n.strip_prefix('-')) {
            Some(rest) => IfPattern { negate: !negate, name: Some(rest.into()), prefix },
            None => IfPattern { negate, name: name.map(Arc::from), prefix },
        }
    }

    fn covers(&self, name: &str, address: Option<(IpAddr, Option<IpAddr>)>) -> bool {
        if self.name.as_ref().is_some_and(|p| !wildcard(p, name)) {
            return false;
        }
        let Some(prefix) = &self.prefix else { return true };
        let inside = |addr| crate::base::net::contains(prefix, addr);
        address.is_some_and(|(own, peer)| inside(own) || peer.is_some_and(inside))
    }
}

/// A list of patterns, as one `interface` option writes it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IfPatterns(pub Vec<IfPattern>);

impl IfPatterns {
    /// Whether an interface belongs to the list, looking at one of its addresses (with its peer, if it has
    /// one) or at its name alone.
    pub fn matches(&self, name: &str, address: Option<(IpAddr, Option<IpAddr>)>) -> bool {
        self.0.iter().find(|p| p.covers(name, address)).is_some_and(|p| !p.negate)
    }

    /// Whether only names are asked for, so that one answer holds for all addresses of an interface.
    pub fn names_only(&self) -> bool {
        self.0.iter().all(|p| p.prefix.is_none())
    }
}

/// Whether `text` fits `pattern`: `*` stands for any run of bytes, `?` for one.
pub fn wildcard(pattern: &str, text: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), text.as_bytes());
    let (mut i, mut j) = (0, 0);
    // Where to resume when the rest does not fit: behind the last star, one byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    while j < t.len() {
        match p.get(i) {
            Some(b'*') => {
                retry = Some((i + 1, j));
                i += 1;
            }
            Some(&c) if c == b'?' || c == t[j] => {
                i += 1;
                j += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    i = star;
                    j = from + 1;
                }
                None => return false,
            },
        }
    }
    p[i..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals of the test")]
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text, fits) in [
            ("eth0", "eth0", true),
            ("eth0", "eth01", false),
            ("eth*", "eth", true),
            ("*", "", true),
            ("*.10", "eth0.10", true),
            ("*.10", "eth0.100", false),
            ("e?h*0*", "eth100", true),
            ("?", "", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZd", false),
        ] {
            assert_eq!(wildcard(pattern, text), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn first_match_decides() {
        let list = IfPatterns(vec![
            IfPattern::new(false, Some("-dum*"), None),
            IfPattern::new(true, Some("wg0"), Some("10.0.0.0/8".parse().unwrap())),
            IfPattern::new(false, Some("*"), None),
        ]);
        let at = |s: &str| Some((s.parse().unwrap(), None));
        assert!(!list.matches("dum3", None));
        assert!(list.matches("eth0", None));
        assert!(!list.matches("wg0", at("10.1.1.1")));
        assert!(list.matches("wg0", at("192.0.2.1")));
        assert!(!list.names_only());
        assert!(!IfPatterns::default().matches("eth0", None));
    }

    #[test]
    fn prefixes_match_address_or_peer() {
        let list = IfPatterns(vec![IfPattern::new(false, None, Some("192.0.2.0/24".parse().unwrap()))]);
        let own = "10.0.0.1".parse().unwrap();
        assert!(!list.matches("ppp0", None));
        assert!(!list.matches("ppp0", Some((own, None))));
        assert!(list.matches("ppp0", Some((own, Some("192.0.2.7".parse().unwrap())))));
        assert!(!list.matches("ppp0", Some(("2001:db8::1".parse().unwrap(), None))));
    }
}
