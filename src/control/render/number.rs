//! Numbers and addresses by hand: a table of a million routes is mostly these.

use std::io::Write;
use std::net::IpAddr;

use crate::base::{IpNet, Net};

/// Appends a decimal number.
#[inline]
pub fn push_u32(out: &mut Vec<u8>, mut n: u32) {
    let mut digits = [0u8; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[inline]
fn push_octets(out: &mut Vec<u8>, octets: [u8; 4]) {
    for (i, octet) in octets.into_iter().enumerate() {
        if i > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            out.push(b'0' + octet / 10 % 10);
        }
        out.push(b'0' + octet % 10);
    }
}

/// Appends an address.
#[inline]
pub fn push_ip(out: &mut Vec<u8>, addr: IpAddr) {
    match addr {
        IpAddr::V4(a) => push_octets(out, a.octets()),
        // A vector takes all that is written to it.
        IpAddr::V6(a) => drop(write!(out, "{a}")),
    }
}

/// Appends a network.
#[inline]
pub fn push_net(out: &mut Vec<u8>, net: &Net) {
    match net {
        Net::Ip(IpNet::V4(p)) => {
            push_octets(out, p.addr().octets());
            out.push(b'/');
            push_u32(out, p.prefix_len() as u32);
        }
        other => drop(write!(out, "{other}")),
    }
}

/// Appends blanks until the text that began at `from` is `width` bytes long.
#[inline]
pub fn pad(out: &mut Vec<u8>, from: usize, width: usize) {
    let len = out.len() - from;
    if len < width {
        out.resize(from + width, b' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_display_does() {
        for n in [0, 9, 10, 99, 100, 4_294_967_295] {
            let mut out = Vec::new();
            push_u32(&mut out, n);
            assert_eq!(String::from_utf8_lossy(&out), n.to_string());
        }
        for text in ["0.0.0.0/0", "10.20.30.40/32", "100.200.255.0/24", "2001:db8::/32", "::/0"] {
            let net = Net::Ip(text.parse().unwrap_or_default());
            let mut out = Vec::new();
            push_net(&mut out, &net);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
