//! What a floor must not know (`doc/ARCHITECTURE.md`), held against the sources: `use` points downwards only.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// Folders of `src` from the bottom up. Those of one floor do not know each other, but for filters, which
/// read attributes of routes.
const FLOORS: &[&[&str]] = &[
    &["base"],
    &["syntax", "sys"],
    &["table", "filter"],
    &["config"],
    &["engine"],
    &["protocols"],
    &["control"],
    &["daemon", "options"],
];

/// Names across floors that are meant to be: file, what it names, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("filter/", "table", "attributes of routes, and nothing else"),
    ("options.rs", "daemon", "the program begins here"),
];

/// Words that the lower floors must not contain: async, clocks, sockets.
const WORLDLY: &[&str] = &[
    "tokio::",
    "async fn",
    ".await",
    "Instant::now",
    "SystemTime::now",
    "std::net::UdpSocket",
    "UnixStream",
];

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All sources with their paths below `src`.
fn sources(folder: &Path, out: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let name = path.strip_prefix(src()).unwrap().display().to_string();
            out.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

fn all() -> Vec<(String, String)> {
    let mut out = Vec::new();
    sources(&src(), &mut out);
    out
}

/// The folder a file stands in.
fn place(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor(place: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&place))
}

/// Lines of code with the names that stand behind `crate::` in them.
fn named(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(at, line)| {
        let names = line.match_indices("crate::").map(move |(start, found)| &line[start + found.len()..]);
        names
            .map(move |rest| (at + 1, rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap()))
    })
}

#[test]
fn use_points_downwards_only() {
    let mut wrong = Vec::new();
    for (file, text) in all() {
        let (own, Some(height)) = (place(&file), floor(place(&file))) else { continue };
        // Tests take what they need: a configuration has kinds of protocols.
        if file.contains("tests") {
            continue;
        }
        for (line, name) in named(&text) {
            let Some(other) = floor(name) else { continue };
            let meant = EXCEPTIONS.iter().any(|(f, n, _)| file.starts_with(f) && *n == name);
            if name != own && other >= height && !meant {
                wrong.push(format!("src/{file}:{line}: {own} must not know {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn protocols_do_not_know_each_other_and_control_does_not_know_them() {
    let kinds = ["device", "direct", "kernel", "pipe", "static_"];
    let mut wrong = Vec::new();
    for (file, text) in all() {
        let own = file.strip_prefix("protocols/").and_then(|rest| rest.split('/').next());
        if !own.is_some_and(|own| kinds.contains(&own)) && !file.starts_with("control/") {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            // `control` passes on four plain types of the engine under names of its own, and asks a `Backend`
            // for the rest.
            if line.contains("crate::engine") && own.is_none() && !line.starts_with("pub use ") {
                wrong.push(format!("src/{file}:{}: must not know the engine", at + 1));
            }
            let others = kinds.iter().filter(|kind| own != Some(kind));
            let mut others = others.filter(|kind| line.contains(&format!("protocols::{kind}")));
            if let Some(kind) = others.next() {
                wrong.push(format!("src/{file}:{}: must not know protocols::{kind}", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_lower_floors_hold_no_async_no_clock_and_no_socket() {
    let mut wrong = Vec::new();
    for (file, text) in all() {
        let pure = ["base", "table", "filter", "syntax"].contains(&place(&file));
        if !pure || file.contains("tests") {
            continue;
        }
        for (at, line) in text.lines().enumerate() {
            if let Some(word) = WORLDLY.iter().find(|word| line.contains(**word)) {
                wrong.push(format!("src/{file}:{}: `{word}`", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
