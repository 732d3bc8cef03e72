//! Completion: which words, names and files fit where the cursor is.

use std::path::Path;

use crate::expand;
use crate::synopsis::{Expected, Slot, Synopsis, tokens};
use crate::table::Table;

/// Where names come from; asked only when one is needed.
pub trait Names {
    /// Names of a kind, as `show symbols` calls it (`protocol`, `routing table`, …); every name without a kind.
    fn symbols(&self, kind: Option<&str>) -> Vec<String>;
    /// Channels: the names of the protocol and of its channel.
    fn channels(&self) -> Vec<(String, String)>;
    /// Attributes of routes, and the constants that go with them, which are in capitals.
    fn attributes(&self) -> Vec<String>;
}

/// How the constants that every configuration has begin: names from the tables of iproute2.
const EVERYWHERE: [&str; 4] = ["ipp_", "ipr_", "ips_", "ipt_"];

/// Something that may be inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The text that takes the place of what was typed.
    pub text: String,
    /// One line about it, if there is one.
    pub help: String,
}

/// What fits at the end of `text`: the offset from which on it is replaced, and the candidates.
pub fn complete(table: &Table, names: &dyn Names, text: &str) -> (usize, Vec<Candidate>) {
    let typed = tokens(text);
    // The token under the cursor, if the cursor touches it; a closed string is complete.
    let (start, partial) = match typed.last() {
        Some(&(at, token)) if at + token.len() == text.len() && is_open(token) => (at, token),
        _ => (text.len(), ""),
    };
    let before = &text[..start];
    let expand::Path::Node(node, end) = expand::follow(table, before) else {
        return (start, Vec::new());
    };
    let arguments: Vec<&str> = tokens(&before[end..]).into_iter().map(|(_, token)| token).collect();
    let mut found = Vec::new();
    if arguments.is_empty() {
        for (_, child) in table.children(node).filter(|(_, child)| child.word.starts_with(partial)) {
            let about = child.heading.as_ref().or(child.command.as_ref());
            found.push(Candidate {
                text: child.word.clone(),
                help: about.map(|entry| entry.help.clone()).unwrap_or_default(),
            });
        }
    }
    if let Some(command) = &table.node(node).command {
        if command.words == "help" {
            let (start, found) = complete(table, names, &text[end..]);
            return (start + end, found);
        }
        // A word glued to what was typed before (`{a`) is no reason to look elsewhere; a command word is.
        let is_term = |expected: &Expected| matches!(expected, Expected::Slot(Slot::Terms(_)));
        let next = Synopsis::parse(&command.args).next(&arguments);
        let last = arguments.last().copied().unwrap_or("where");
        let operator = last.ends_with(|c: char| "~=<>&|!+-*/(,[.".contains(c)) && next.iter().any(is_term);
        for expected in next {
            // Behind an operator only terms make sense; where one may be complete, options do until a name is begun.
            let unlikely = match is_term(&expected) {
                true => !operator && last != "where" && partial.is_empty(),
                false => operator,
            };
            if unlikely {
                continue;
            }
            found.extend(candidates(&expected, names, partial));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|candidate| seen.insert(candidate.text.clone()));
    (start, found)
}

/// What may stand at the end of a text among the arguments of a command, for people: words, and kinds of
/// values. Nothing where the arguments begin: there the synopsis says it all.
pub fn expected(table: &Table, text: &str) -> Vec<String> {
    let (before, partial) = text.split_at(expand::complete_words(text));
    let expand::Path::Node(node, end) = expand::follow(table, before) else { return Vec::new() };
    let arguments: Vec<&str> = tokens(&before[end..]).into_iter().map(|(_, token)| token).collect();
    let Some(command) = table.node(node).command.as_ref().filter(|_| !arguments.is_empty()) else {
        return Vec::new();
    };
    let describe = |expected| match expected {
        Expected::Word(word) => word,
        Expected::Slot(Slot::Protocol) => "<protocol>".into(),
        Expected::Slot(Slot::Channel) => "<protocol>.<channel>".into(),
        Expected::Slot(Slot::Table) => "<table>".into(),
        Expected::Slot(Slot::Filter) => "<filter>".into(),
        Expected::Slot(Slot::Symbol) => "<name>".into(),
        Expected::Slot(Slot::Pattern) => "\"<pattern>\"".into(),
        Expected::Slot(Slot::File) => "\"<file>\"".into(),
        Expected::Slot(Slot::Text(name)) => format!("\"<{name}>\""),
        Expected::Slot(Slot::Terms(name) | Slot::Value(name)) => format!("<{name}>"),
    };
    let next = Synopsis::parse(&command.args).next(&arguments).into_iter();
    let fits = |expected: &Expected| match expected {
        Expected::Word(word) => word.starts_with(partial),
        Expected::Slot(_) => true,
    };
    next.filter(fits).map(describe).collect()
}

/// Whether the end of a text is inside a string or a quoted name.
pub fn in_string(text: &str) -> bool {
    let Some((_, token)) = tokens(text).pop() else { return false };
    token.starts_with(['"', '\'']) && !token[1..].contains(&token[..1])
}

fn is_open(token: &str) -> bool {
    match token.chars().next() {
        Some(quote @ ('"' | '\'')) => token.len() == 1 || !token.ends_with(quote),
        Some('{' | '}' | '(' | ')' | ',' | ';') | None => false,
        Some(_) => true,
    }
}

fn candidates(expected: &Expected, names: &dyn Names, partial: &str) -> Vec<Candidate> {
    let texts = match expected {
        Expected::Word(word) => vec![word.clone()],
        Expected::Slot(slot) => values(slot, names, partial),
    };
    let fits = texts.into_iter().filter(|text| text.starts_with(partial));
    fits.map(|text| Candidate { text, help: String::new() }).collect()
}

fn values(slot: &Slot, names: &dyn Names, partial: &str) -> Vec<String> {
    let symbols = |kind| names.symbols(kind).iter().map(|name| quoted(name, partial)).collect();
    match slot {
        Slot::Protocol => symbols(Some("protocol")),
        Slot::Table => symbols(Some("routing table")),
        Slot::Filter => symbols(Some("filter")),
        // Hundreds of constants that nobody wrote would bury the names of the configuration.
        Slot::Symbol if !EVERYWHERE.iter().any(|prefix| partial.starts_with(prefix)) => {
            let own = names.symbols(None).into_iter();
            let own = own.filter(|name| !EVERYWHERE.iter().any(|prefix| name.starts_with(prefix)));
            own.map(|name| quoted(&name, partial)).collect()
        }
        Slot::Symbol => symbols(None),
        Slot::Terms(_) => terms(names, partial),
        Slot::Channel => {
            let all = names.channels().into_iter();
            all.map(|(protocol, channel)| format!("{}.{channel}", quoted(&protocol, partial))).collect()
        }
        // A name is a pattern, too; offered once the user has shown that a pattern is wanted.
        Slot::Pattern if partial.starts_with('"') => {
            names.symbols(Some("protocol")).iter().map(|name| format!("\"{name}\"")).collect()
        }
        Slot::File if partial.starts_with('"') => files(&partial[1..]),
        Slot::Pattern | Slot::File | Slot::Text(_) | Slot::Value(_) => Vec::new(),
    }
}

/// What a term may be made of: functions, constants and attributes of the configuration, then attributes that
/// every route may have; their single bits and the constants that go with them once one is begun.
fn terms(names: &dyn Names, partial: &str) -> Vec<String> {
    let constant = partial.starts_with(|c: char| c.is_ascii_uppercase());
    let wanted = |name: &String| match name {
        name if name.starts_with(|c: char| c.is_ascii_uppercase()) => constant,
        name => {
            partial.starts_with("krt_")
                || !["krt_lock_", "krt_feature_"].iter().any(|bits| name.starts_with(bits))
        }
    };
    let mut found = Vec::new();
    for kind in ["function", "constant", "custom attribute"] {
        found.extend(values(&Slot::Symbol, &OfKind(names, kind), partial));
    }
    found.extend(names.attributes().into_iter().filter(wanted));
    found
}

/// Names of one kind.
struct OfKind<'n>(&'n dyn Names, &'n str);

impl Names for OfKind<'_> {
    fn symbols(&self, _: Option<&str>) -> Vec<String> {
        self.0.symbols(Some(self.1))
    }

    fn channels(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn attributes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A name as it must be written: in single quotes if it is no plain one, or if the user began so.
fn quoted(name: &str, partial: &str) -> String {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if plain && !partial.starts_with('\'') { name.to_owned() } else { format!("'{name}'") }
}

/// Files whose path begins so, as strings; directories are left open.
fn files(path: &str) -> Vec<String> {
    let (directory, name) = path.rfind('/').map_or(("", path), |at| path.split_at(at + 1));
    let place = if directory.is_empty() { Path::new(".") } else { Path::new(directory) };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let file = entry.file_name().into_string().ok()?;
            let hidden = file.starts_with('.') && !name.starts_with('.');
            if hidden || !file.starts_with(name) || file.contains(['"', '\n']) {
                return None;
            }
            let end = if entry.path().is_dir() { '/' } else { '"' };
            Some(format!("\"{directory}{file}{end}"))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;

    struct Some7;

    impl Names for Some7 {
        fn symbols(&self, kind: Option<&str>) -> Vec<String> {
            let all = [
                ("s1", "protocol"),
                ("s-2", "protocol"),
                ("master4", "routing table"),
                ("f", "filter"),
                ("is_ours", "function"),
                ("OURS", "constant"),
                ("ips_link", "constant"),
            ];
            all.iter()
                .filter(|(_, is)| kind.is_none_or(|kind| kind == *is))
                .map(|(name, _)| (*name).into())
                .collect()
        }

        fn channels(&self) -> Vec<(String, String)> {
            vec![("s1".into(), "ipv4".into()), ("s-2".into(), "ipv6".into())]
        }

        fn attributes(&self) -> Vec<String> {
            ["net", "bgp_path", "krt_lock_mtu", "RTS_STATIC"].map(String::from).to_vec()
        }
    }

    fn completed(text: &str) -> (usize, Vec<String>) {
        let (start, found) = complete(&Table::builtin(), &Some7, text);
        (start, found.into_iter().map(|candidate| candidate.text).collect())
    }

    #[test]
    fn words_of_commands() {
        assert_eq!(completed("sho"), (0, vec!["show".to_owned()]));
        assert_eq!(completed("show st"), (5, ["status", "static"].map(String::from).to_vec()));
        assert_eq!(completed("sh ro").1, ["route"]);
        assert_eq!(completed("help show st").1, ["status", "static"]);
        assert_eq!(completed("sh st x").1, Vec::<String>::new());
        assert!(completed("").1.contains(&"configure".to_owned()));
    }

    #[test]
    fn names() {
        assert_eq!(completed("show protocols "), (15, ["all", "s1", "'s-2'"].map(String::from).to_vec()));
        assert_eq!(completed("disable s"), (8, vec!["s1".to_owned()]));
        assert_eq!(completed("disable 's-"), (8, vec!["'s-2'".to_owned()]));
        assert_eq!(completed("disable \"s"), (8, ["\"s1\"", "\"s-2\""].map(String::from).to_vec()));
        assert_eq!(completed("show route table m").1, ["master4"]);
        assert_eq!(completed("show route all filter ").1, ["f"]);
        assert_eq!(completed("debug s1.").1, ["s1.ipv4"]);
        assert_eq!(completed("debug 's-2'.i"), (6, vec!["'s-2'.ipv6".to_owned()]));
        assert_eq!(completed("debug s1 {st").1, ["states"]);
    }

    #[test]
    fn names_that_every_configuration_has() {
        let all = completed("show symbols ").1;
        assert!(all.contains(&"is_ours".into()) && !all.contains(&"ips_link".into()), "{all:?}");
        assert_eq!(completed("show symbols ips_").1, ["ips_link"]);
    }

    #[test]
    fn terms_are_made_of_attributes() {
        let offered = ["is_ours", "OURS", "net", "bgp_path"];
        for text in ["show route where ", "show route where net ~ ", "eval "] {
            assert_eq!(completed(text).1[..4], offered, "{text}");
        }
        assert_eq!(completed("show route where krt_").1, ["krt_lock_mtu"]);
        assert_eq!(completed("show route where b"), (17, vec!["bgp_path".to_owned()]));
        assert_eq!(completed("show route where source = RTS").1, ["RTS_STATIC"]);
        let behind = completed("show route where net ~ OURS ").1;
        assert!(behind.contains(&"all".into()) && !behind.contains(&"net".into()), "{behind:?}");
    }

    #[test]
    fn options() {
        let (start, found) = completed("show route p");
        assert_eq!((start, found), (11, ["primary", "preexport", "protocol"].map(String::from).to_vec()));
        assert!(!completed("show route all ").1.contains(&"all".to_owned()));
        assert_eq!(completed("configure t").1, ["timeout"]);
    }

    #[test]
    fn inside_strings() {
        for text in ["show \"", "show \"a b", "show 's", "a \"b\" \"c?"] {
            assert!(in_string(text), "{text}");
        }
        for text in ["", "show", "show \"a\"", "show 'a' ", "show 'a'.b"] {
            assert!(!in_string(text), "{text}");
        }
    }

    #[test]
    fn files_in_strings() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("bird.conf"), "").unwrap();
        std::fs::create_dir(directory.path().join("bird.d")).unwrap();
        let begin = format!("\"{}/bi", directory.path().display());
        let (start, found) = completed(&format!("configure {begin}"));
        assert_eq!(start, 10);
        assert_eq!(found, [format!("{begin}rd.conf\""), format!("{begin}rd.d/")]);
    }

    #[test]
    fn what_may_follow() {
        assert_eq!(expected(&Table::builtin(), "show route table "), ["<table>"]);
        assert_eq!(expected(&Table::builtin(), "debug s1 "), ["all", "off", "{"]);
        assert_eq!(expected(&Table::builtin(), "debug s1 a"), ["all"]);
        assert!(expected(&Table::builtin(), "show route ").is_empty());
    }
}
