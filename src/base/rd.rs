//! Route distinguishers (RFC 4364, section 4.2).

use std::fmt;
use std::net::Ipv4Addr;

/// A route distinguisher, kept as its eight bytes on the wire, so that order and equality are BIRD's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Rd(pub u64);

impl Rd {
    /// Type 0: 16 bit AS number, 32 bit value.
    pub fn as2(asn: u16, value: u32) -> Rd {
        Rd((asn as u64) << 32 | value as u64)
    }
    /// Type 1: IPv4 address, 16 bit value.
    pub fn ip(addr: Ipv4Addr, value: u16) -> Rd {
        Rd(1 << 48 | (u32::from(addr) as u64) << 16 | value as u64)
    }
    /// Type 2: 32 bit AS number, 16 bit value.
    pub fn as4(asn: u32, value: u16) -> Rd {
        Rd(2 << 48 | (asn as u64) << 16 | value as u64)
    }
}

impl fmt::Display for Rd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = ((self.0 >> 16) as u32, self.0 as u16);
        match self.0 >> 48 {
            0 => write!(f, "{}:{}", (self.0 >> 32) as u16, self.0 as u32),
            1 => write!(f, "{}:{}", Ipv4Addr::from(high), low),
            // A small AS number needs the type in front, or it would read back as type 0.
            2 if high < 65536 => write!(f, "2:{high}:{low}"),
            2 => write!(f, "{high}:{low}"),
            kind => write!(f, "{}:{}:{}", kind, (self.0 >> 32) as u16, self.0 as u32),
        }
    }
}
