//! Constants from the name tables of iproute2: `ipp_*`, `ipr_*`, `ips_*`, `ipt_*`.
//!
//! The tables belong to the machine and may be absent; a configuration then simply lacks the names. Files
//! under `/etc` win over those the distribution keeps under `/usr/share`.

use std::path::Path;

use crate::syntax::Files;

/// The tables with the prefix of their constants.
const TABLES: [(&str, &str); 4] =
    [("rt_protos", "ipp_"), ("rt_realms", "ipr_"), ("rt_scopes", "ips_"), ("rt_tables", "ipt_")];

/// Where the tables are looked for, the first found counts.
pub const DIRECTORIES: [&str; 3] = ["/etc/iproute2", "/usr/share/iproute2", "/usr/lib/iproute2"];

/// All constants of this machine. The table itself comes first, then the pieces beside it
/// (`rt_tables.d/*.conf`), which BIRD does not read; what came first stays.
pub fn constants(files: &dyn Files) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = Vec::new();
    for (table, prefix) in TABLES {
        let main = DIRECTORIES.iter().find_map(|dir| files.read(&Path::new(dir).join(table)).ok());
        let pieces = DIRECTORIES.iter().flat_map(|dir| {
            let dir = Path::new(dir).join(format!("{table}.d"));
            let mut names = files.list(&dir);
            names.retain(|name| name.extension().is_some_and(|e| e == "conf"));
            names.sort();
            names.into_iter().filter_map(move |name| files.read(&dir.join(name)).ok())
        });
        for text in main.into_iter().chain(pieces) {
            for (name, value) in String::from_utf8_lossy(&text).lines().filter_map(|line| entry(line, prefix))
            {
                if found.iter().all(|(known, _)| *known != name) {
                    found.push((name, value));
                }
            }
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
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn tables_are_read() {
        let text = b"# reserved\n255\tlocal\n0xfe main # here\n  7  vrf-red.1\nbad line\n".to_vec();
        let at = |path: &str, text: &[u8]| (PathBuf::from(path), text.to_vec());
        let files = BTreeMap::from([
            at("/etc/iproute2/rt_tables", &text),
            at("/etc/iproute2/rt_tables.d/b.conf", b"12 later\n99 main\n"),
            at("/etc/iproute2/rt_tables.d/a.conf", b"11 first\n"),
            at("/etc/iproute2/rt_tables.d/README", b"13 no\n"),
        ]);
        let want = [
            ("ipt_local", 255),
            ("ipt_main", 254),
            ("ipt_vrf_red_1", 7),
            ("ipt_first", 11),
            ("ipt_later", 12),
        ];
        assert_eq!(constants(&files), want.map(|(n, v)| (n.to_owned(), v)));
        assert!(constants(&BTreeMap::new()).is_empty());
    }
}
