//! Turns the `.pest` files and the table of keywords into one parser.
//!
//! A grammar rule says `K_route` where it means the keyword `route`; here that becomes the literal of the
//! keyword's character, so no rule is spent on it (a pest rule is a function) and pest's report of what it
//! expected names the character.
//!
//! Rule names carry meaning for the converter: `o_scan_time` is the option "scan time" (a suffix `__x` only
//! tells rules apart), `w_action` a fixed word that is an argument.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The first keyword's character; two bytes in UTF-8 up to U+07FF.
const FIRST: u32 = 0xC0;

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=keywords.txt");
    println!("cargo::rerun-if-changed=pest");
    let mut out = String::new();
    let codes = keywords(&root, &mut out);
    let mut files = Vec::new();
    collect(&root.join("pest"), &mut files);
    files.sort();
    let mut grammar = String::new();
    for file in &files {
        expand(file, &codes, &mut grammar);
    }
    let (mut keys, mut words, mut list) = (String::new(), String::new(), Vec::new());
    for line in grammar.lines() {
        let Some((name, _)) = line.split_once(" =") else { continue };
        let name = name.trim();
        if let Some(key) = name.strip_prefix("o_") {
            let key = key.split("__").next().unwrap_or(key).replace('_', " ");
            let _ = writeln!(keys, "Rule::{name} => {key:?},");
            list.push(key);
        } else if name.starts_with("w_") {
            let _ = write!(words, "{}Rule::{name}", if words.is_empty() { "" } else { " | " });
        }
    }
    list.sort();
    list.dedup();
    let _ = writeln!(out, "/// The keys of all options.\npub static OPTION_KEYS: &[&str] = &{list:?};");
    let _ = writeln!(
        out,
        "/// The parser pest made of the grammar.\n#[derive(pest_derive::Parser)]\n#[grammar_inline = {grammar:?}]\npub struct Grammar;\n\
         /// The key of an option's rule: its words, joined by blanks.\n\
         pub fn option_key(rule: Rule) -> Option<&'static str> {{ Some(match rule {{ {keys} _ => return None }}) }}\n\
         /// Whether a rule stands for a fixed word among alternatives.\n\
         pub fn is_word(rule: Rule) -> bool {{ matches!(rule, {words}) }}"
    );
    let target = PathBuf::from(env::var("OUT_DIR").unwrap_or_default()).join("parser.rs");
    if let Err(e) = fs::write(&target, out) {
        panic!("{}: {e}", target.display());
    }
}

fn read(path: &Path) -> String {
    match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) => panic!("{}: {e}", path.display()),
    }
}

/// Writes the tables of words and returns each keyword's character.
fn keywords(root: &Path, out: &mut String) -> BTreeMap<String, char> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut group = String::new();
    for line in read(&root.join("keywords.txt")).lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(name) = line.strip_prefix('[') {
            group = name.trim_end_matches(']').to_owned();
        } else {
            groups.entry(group.clone()).or_default().extend(line.split_whitespace().map(str::to_owned));
        }
    }
    let (mut words, mut ends) = (Vec::new(), Vec::new());
    for group in ["attributes", "words", "reserved"] {
        let list = groups.remove(group).unwrap_or_default();
        let first = words.len();
        words.extend(list);
        ends.push((format!("{group}_first"), first));
        ends.push((format!("{group}_last"), words.len() - 1));
        let _ = writeln!(
            out,
            "/// Positions of the group in [`KEYWORDS`].\npub const {}: core::ops::Range<usize> = {first}..{};",
            group.to_uppercase(),
            words.len()
        );
    }
    let enums = groups.remove("enums").unwrap_or_default();
    let _ = writeln!(
        out,
        "/// Every keyword; its character is `FIRST_KEYWORD` plus its position.\npub static KEYWORDS: &[&str] = &{words:?};\n\
         /// The constants of enumerations.\npub static ENUMS: &[&str] = &{enums:?};\n\
         /// The character of the first keyword.\npub const FIRST_KEYWORD: char = {:?};",
        char::from_u32(FIRST).unwrap_or_default()
    );
    let _ = writeln!(
        out,
        "/// The characters of keywords by name.\n#[allow(missing_docs, reason = \"the names are the words\")]\npub mod k {{"
    );
    let mut codes = BTreeMap::new();
    for (i, word) in words.iter().enumerate() {
        let Some(c) = char::from_u32(FIRST + i as u32).filter(|c| c.len_utf8() == 2) else {
            panic!("too many keywords")
        };
        let _ = writeln!(out, "pub const {}: char = {c:?};", word.to_uppercase());
        assert!(codes.insert(word.clone(), c).is_none(), "keyword {word} twice");
    }
    let _ = writeln!(out, "}}");
    // The ends of the groups, for ranges: `'K_words_first'..'K_words_last'`.
    for (name, at) in ends {
        codes.insert(name, char::from_u32(FIRST + at as u32).unwrap_or_default());
    }
    codes
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "pest") {
            files.push(path);
        }
    }
}

/// Copies a grammar file, replacing `K_word` by the literal of its character.
fn expand(file: &Path, codes: &BTreeMap<String, char>, out: &mut String) {
    for (number, line) in read(file).lines().enumerate() {
        let line = line.split("//").next().unwrap_or("");
        let mut rest = line;
        while let Some(at) = rest.find("K_") {
            out.push_str(&rest[..at]);
            let word = &rest[at + 2..];
            let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
            let Some(c) = codes.get(&word[..end]) else {
                panic!("{}:{}: no keyword {}", file.display(), number + 1, &word[..end])
            };
            // Between apostrophes it is the end of a range, which pest writes as a character.
            if rest[..at].ends_with('\'') {
                let _ = write!(out, "\\u{{{:x}}}", *c as u32);
            } else {
                let _ = write!(out, "\"\\u{{{:x}}}\"", *c as u32);
            }
            rest = &word[end..];
        }
        out.push_str(rest.trim_end());
        out.push('\n');
    }
}
