//! BGP communities as values: plain 32 bit, extended 64 bit (RFC 4360), large 96 bit (RFC 8092).

/// A large community (RFC 8092): administrator and two data words.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct LargeCommunity {
    /// Global administrator, usually an AS number.
    pub asn: u32,
    /// First local part.
    pub data1: u32,
    /// Second local part.
    pub data2: u32,
}
