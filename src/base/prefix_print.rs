//! How a prefix set prints: as the nodes of BIRD's trie, address and length with a bit mask of accepted lengths.
//!
//! That trie takes four bits per level. A node says which lengths it accepts (a mask); prefixes of the three
//! lengths between two levels are kept inside the node as "local" ones. Prefixes in the node's subtree leave
//! their shorter accepted lengths on the nodes they pass. Nothing but printing needs that shape, so it is
//! rebuilt here when asked for. Checked against BIRD with the cases below.

use std::collections::BTreeMap;
use std::fmt;

use super::net::BirdIp;
use super::prefix_set::{Bits, Entries, Family, Item, PrefixSet};

/// One node: lengths it accepts, and its local prefixes as `(length, address)`.
#[derive(Default)]
struct Node<B> {
    accept: B,
    local: Vec<(u8, B)>,
}

struct Tree<B>(BTreeMap<(B, u8), Node<B>>);

impl<B: Bits> Tree<B> {
    fn node(&mut self, bits: B, len: u8) -> &mut Node<B> {
        self.0.entry((bits.cut(len), len)).or_default()
    }

    /// Puts the nodes of an item where it ends.
    fn end(&mut self, item: &Item<B>) {
        let base = item.len & !3;
        if base == item.len {
            let node = self.node(item.bits, base);
            node.accept = node.accept.or(item.lengths);
            return;
        }
        let node = self.node(item.bits, base);
        node.accept = node.accept.or(item.lengths.and(B::lengths(0, base)));
        for len in base + 1..base + 4 {
            if item.lengths.accepts(len) {
                node.local.extend(parts(item, len).map(|bits| (len, bits)));
            }
        }
        let deeper = item.lengths.and(B::lengths(base + 4, B::WIDTH));
        if !deeper.is_zero() {
            for bits in parts(item, base + 4) {
                let node = self.node(bits, base + 4);
                node.accept = node.accept.or(deeper);
            }
        }
    }

    /// Adds the nodes where two others part.
    fn fork(&mut self) {
        let keys: Vec<(B, u8)> = self.0.keys().copied().collect();
        for pair in keys.windows(2) {
            let differ = (pair[0].0.wide() ^ pair[1].0.wide()) << (128 - B::WIDTH as u32);
            let shared = (differ.leading_zeros() as u8).min(pair[0].1).min(pair[1].1) & !3;
            self.node(pair[0].0, shared);
        }
    }

    /// Leaves the shorter lengths of an item on the nodes above it.
    fn pass(&mut self, item: &Item<B>) {
        for level in (0..item.len & !3).step_by(4) {
            if let Some(node) = self.0.get_mut(&(item.bits.cut(level), level)) {
                node.accept = node.accept.or(item.lengths.and(B::lengths(0, level)));
                let local = (level + 1..level + 4).filter(|len| item.lengths.accepts(*len));
                node.local.extend(local.map(|len| (len, item.bits.cut(len))));
            }
        }
    }
}

/// The prefixes of length `len` inside an item, or the one around it.
fn parts<B: Bits>(item: &Item<B>, len: u8) -> impl Iterator<Item = B> + use<B> {
    let (bits, extra) = (item.bits.cut(len), len.saturating_sub(item.len));
    (0..1u128 << extra).map(move |i| B::narrow(bits.wide() | i << (B::WIDTH - len)))
}

impl<B: Bits> Node<B> {
    /// Writes the local prefixes level by level; one whose halves are all there as well swallows them.
    fn write_local(&mut self, out: &mut Out<'_, '_>) -> fmt::Result {
        self.local.retain(|(len, _)| !self.accept.accepts(*len));
        self.local.sort_unstable();
        self.local.dedup();
        let mut list = std::mem::take(&mut self.local);
        while !list.is_empty() {
            let (len, bits) = list.remove(0);
            let item = Item { bits, len, lengths: B::lengths(len, len) };
            let mut last = len;
            while last & 3 != 3 && parts(&item, last + 1).all(|p| list.contains(&(last + 1, p))) {
                last += 1;
                list.retain(|(l, p)| *l != last || !p.inside(bits, len));
            }
            out.entry(bits, len, B::lengths(len, last))?;
        }
        Ok(())
    }
}

/// Writes entries with commas between them.
struct Out<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    first: bool,
}

impl Out<'_, '_> {
    fn gap(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.first) { Ok(()) } else { self.f.write_str(", ") }
    }

    fn entry<B: Bits>(&mut self, bits: B, len: u8, lengths: B) -> fmt::Result {
        self.gap()?;
        write!(self.f, "{}/{len}{{{}}}", BirdIp(bits.address()), BirdIp(lengths.address()))
    }

    fn tree<B: Bits>(&mut self, entries: &Entries<B>) -> fmt::Result {
        let items = entries.items();
        let mut tree = Tree(BTreeMap::new());
        tree.node(B::default(), 0);
        items.iter().for_each(|i| tree.end(i));
        tree.fork();
        items.iter().for_each(|i| tree.pass(i));
        for ((bits, len), node) in &mut tree.0 {
            if !node.accept.is_zero() {
                self.entry(*bits, *len, node.accept)?;
            }
            node.write_local(self)?;
        }
        Ok(())
    }
}

impl fmt::Display for PrefixSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        let mut out = Out { f, first: true };
        if self.zero {
            out.gap()?;
            out.f.write_str(if matches!(self.family, Family::V6(_)) { "::/0" } else { "0.0.0.0/0" })?;
        }
        match &self.family {
            Family::Empty => {}
            Family::V4(entries) => out.tree(entries)?,
            Family::V6(entries) => out.tree(entries)?,
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::super::prefix_set::{Pattern, PrefixSet};

    /// `P`, `P+`, `P-` or `P{lo,hi}`, several with commas and blanks.
    fn set(text: &str) -> String {
        let patterns = text.split(' ').map(|word| {
            let (net, rest) = word.split_at(word.find(['+', '-', '{']).unwrap_or(word.len()));
            let net: ipnet::IpNet = net.parse().unwrap();
            let (len, max) = (net.prefix_len(), net.max_prefix_len());
            let (low, high) = match rest {
                "" => (len, len),
                "+" => (len, max),
                "-" => (0, len),
                range => {
                    let (a, b) = range.trim_matches(['{', '}']).split_once(',').unwrap();
                    (a.parse().unwrap(), b.parse().unwrap())
                }
            };
            Pattern { net, low, high }
        });
        PrefixSet::new(patterns).to_string()
    }

    #[test]
    fn sets_print_as_birds_trie_does() {
        for (input, printed) in [
            ("10.0.0.0/8", "[10.0.0.0/8{1.0.0.0}]"),
            ("10.0.0.0/8+", "[10.0.0.0/8{1.255.255.255}]"),
            (
                "10.0.0.0/8-",
                "[0.0.0.0/0, 0.0.0.0/1{128.0.0.0}, 0.0.0.0/2{64.0.0.0}, 0.0.0.0/3{32.0.0.0}, 10.0.0.0/8{255.0.0.0}]",
            ),
            ("0.0.0.0/0+", "[0.0.0.0/0, 0.0.0.0/0{255.255.255.255}]"),
            ("10.0.0.0/8+ 10.1.0.0/16", "[10.0.0.0/8{1.255.255.255}, 10.1.0.0/16{0.1.0.0}]"),
            ("2001:db8::/32{48,64} 2001:db9::/32", "[2001:db8::/32{0:0:1:ffff::}, 2001:db9::/32{0:1::}]"),
            (
                "10.192.0.0/11+",
                "[10.192.0.0/11{0.32.0.0}, 10.192.0.0/12{0.31.255.255}, 10.208.0.0/12{0.31.255.255}]",
            ),
            (
                "10.0.0.0/12{5,12} 10.128.0.0/9",
                "[10.0.0.0/8{15.0.0.0}, 10.0.0.0/9{0.128.0.0}, 10.128.0.0/9{0.128.0.0}, 10.0.0.0/10{0.64.0.0}, \
                 10.0.0.0/11{0.32.0.0}, 10.0.0.0/12{15.240.0.0}]",
            ),
            (
                "10.0.0.0/9 10.0.0.0/10 10.64.0.0/10 10.0.0.0/11 10.64.0.0/11 10.32.0.0/11",
                "[10.0.0.0/9{0.192.0.0}, 10.0.0.0/11{0.32.0.0}, 10.32.0.0/11{0.32.0.0}, 10.64.0.0/11{0.32.0.0}]",
            ),
            (
                "192.168.0.0/16{8,16} 192.0.0.0/8{10,10}",
                "[192.0.0.0/8{1.64.0.0}, 192.128.0.0/9{0.128.0.0}, 192.160.0.0/11{0.32.0.0}, 192.168.0.0/16{1.255.0.0}]",
            ),
            (
                "255.255.255.254/31{30,32}",
                "[255.255.255.252/30{0.0.0.4}, 255.255.255.254/31{0.0.0.2}, 255.255.255.254/32{0.0.0.1}, \
                 255.255.255.255/32{0.0.0.1}]",
            ),
            ("10.0.0.0/9 10.0.0.0/8+", "[10.0.0.0/8{1.255.255.255}]"),
            ("10.0.0.0/14{5,12}", "[10.0.0.0/12{15.240.0.0}]"),
            ("192.0.2.0/23{23,24}", "[192.0.2.0/23{0.0.2.0}, 192.0.2.0/24{0.0.1.0}, 192.0.3.0/24{0.0.1.0}]"),
        ] {
            assert_eq!(set(input), printed, "{input}");
        }
    }
}
