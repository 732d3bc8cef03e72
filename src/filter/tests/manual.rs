//! The tables of `doc/filters.md` are printed from the registries. `BLESS=1 cargo test --lib
//! filter::tests::manual` rewrites them.

use std::fmt::Write;
use std::fs;

use crate::base::value::{CONSTANTS, EnumType};
use crate::filter::attributes::{ATTRIBUTES, BITS, DEPRECATED, FIELDS};
use crate::filter::ops::METHODS;
use crate::filter::types::Type;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/doc/filters.md");

fn ty(ty: Type) -> String {
    match ty {
        Type::Opaque => "-".into(),
        Type::PrefixSet => "prefix set".into(),
        other => other.to_string(),
    }
}

fn fields() -> String {
    let mut out = String::from("| name | type | write | unset | meaning |\n|---|---|---|---|---|\n");
    let yes = |b: bool| if b { "yes" } else { "no" };
    for f in FIELDS {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            f.name,
            ty(f.ty),
            yes(f.writable),
            yes(f.unsettable),
            f.doc
        );
    }
    out
}

fn attributes() -> String {
    let mut out = String::from("| name | type | in `show route all` | meaning |\n|---|---|---|---|\n");
    for a in ATTRIBUTES {
        let old = DEPRECATED.iter().filter(|(_, new)| *new == a.name).map(|(old, _)| *old);
        let names: Vec<String> = [a.name]
            .into_iter()
            .chain(a.aliases.iter().copied())
            .chain(old)
            .map(|n| format!("`{n}`"))
            .collect();
        let _ = writeln!(out, "| {} | {} | `{}` | {} |", names.join(" "), ty(a.ty), a.shown, a.doc);
    }
    let bits: Vec<String> = BITS.iter().map(|b| format!("`{}`", b.name)).collect();
    let _ = writeln!(out, "\nBits, of type bool: {}.", bits.join(" "));
    out
}

fn methods() -> String {
    let mut out = String::from("| object | method | argument | result | meaning |\n|---|---|---|---|---|\n");
    for m in METHODS {
        let argument: Vec<String> = m.argument.iter().map(|t| ty(*t)).collect();
        let _ = writeln!(
            out,
            "| {} | `.{}` | {} | {} | {} |",
            ty(m.object),
            m.name,
            argument.join(", "),
            ty(m.result),
            m.doc
        );
    }
    out
}

fn enums() -> String {
    let mut out = String::from("| type | constants |\n|---|---|\n");
    for (kind, name) in EnumType::ALL {
        let names: Vec<String> =
            CONSTANTS.iter().filter(|(_, t, _)| *t == kind).map(|(n, ..)| format!("`{n}`")).collect();
        let _ = writeln!(out, "| `enum {name}` | {} |", names.join(" "));
    }
    out
}

#[test]
fn the_tables_of_the_manual_are_those_of_the_code() {
    let old = fs::read_to_string(PATH).unwrap();
    let mut new = old.clone();
    for (name, table) in
        [("fields", fields()), ("attributes", attributes()), ("methods", methods()), ("enums", enums())]
    {
        let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->"));
        let start = new.find(&open).unwrap_or_else(|| panic!("no table {name}")) + open.len();
        let end = start + new[start..].find(&close).unwrap_or_else(|| panic!("no end of {name}"));
        new.replace_range(start..end, &table);
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(PATH, &new).unwrap();
    }
    assert!(
        new == old || std::env::var_os("BLESS").is_some(),
        "doc/filters.md is out of date: run with BLESS=1"
    );
}
