//! Constants from the name tables of iproute2: `ipp_*`, `ipr_*`, `ips_*`, `ipt_*`.
//!
//! The tables belong to the machine and may be absent; a configuration then simply lacks the names. Files under `/etc` win over those
//! the distribution keeps under `/usr/share`.

use std::path::Path;

/// The tables with the prefix of their constants.
const TABLES: [(&str, &str); 4] =
    [("rt_protos", "ipp_"), ("rt_realms", "ipr_"), ("rt_scopes", "ips_"), ("rt_tables", "ipt_")];

/// Where the tables are looked for, the first found counts.
pub const DIRECTORIES: [&str; 3] = ["/etc/iproute2", "/usr/share/iproute2", "/usr/lib/iproute2"];

/// All constants of this machine. `read` gives the text of a file that exists.
pub fn constants(read: impl Fn(&Path) -> Option<Vec<u8>>) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    for (table, prefix) in TABLES {
        let text = DIRECTORIES.iter().find_map(|dir| read(&Path::new(dir).join(table)));
        for line in String::from_utf8_lossy(&text.unwrap_or_default()).lines() {
            found.extend(entry(line, prefix));
        }
    }
    found
}

/// `NUMBER NAME`, where the number is decimal or hexadecimal.
fn entry(line: &str, prefix: &str) -> Option<(String, u32)> {
    let mut words = line.split('#').next()?.split_ascii_whitespace();
    let (number, name) = (words.next()?, words.next()?);
    let value = match number.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    Some((prefix.chars().chain(name.chars().map(plain)).collect(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read() {
        let text = b"# reserved\n255\tlocal\n0xfe main # here\n  7  vrf-red.1\nbad line\n".to_vec();
        let got = constants(|p| p.ends_with("rt_tables").then(|| text.clone()));
        let want = [("ipt_local", 255), ("ipt_main", 254), ("ipt_vrf_red_1", 7)];
        assert_eq!(got, want.map(|(n, v)| (n.to_owned(), v)));
        assert!(constants(|_| None).is_empty());
    }
}
