//! What a user reads after a typical mistake.
//!
//! `tests/messages/GROUP.txt` holds mistakes, `tests/snapshots/messages__GROUP.snap` what `bird -p --explain`
//! says of each. After a change: `INSTA_UPDATE=always cargo test --test messages`; the difference is then
//! read like any other. One process reads them all from memory.
//!
//! A group is a text: `==== NAME` begins a mistake, what follows is its `bird.conf`; `---- FILE` begins a
//! file it includes, `FILE/` is a directory, `FILE!` a file that may not be read. Behind a name `[escapes]`
//! says that `\r`, `\xHH` and the like stand for bytes; then every line ends in a newline only because the
//! text does.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tern::config::{Failure, load};
use tern::filter::CustomAttrs;
use tern::protocols::SYNTAX;
use tern::syntax::{Files, ReadError};

/// What stands at a path.
enum Entry {
    Text(Vec<u8>),
    Directory,
    Forbidden,
}

/// The files of one mistake.
#[derive(Default)]
struct Memory(BTreeMap<PathBuf, Entry>);

fn plain(path: &Path) -> &Path {
    path.strip_prefix(".").unwrap_or(path)
}

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ReadError> {
        match self.0.get(plain(path)) {
            Some(Entry::Text(text)) => Ok(text.clone()),
            Some(Entry::Directory) => Err(ReadError::Read),
            Some(Entry::Forbidden) => Err(ReadError::Open("Permission denied".to_owned())),
            None => Err(ReadError::Open("No such file or directory".to_owned())),
        }
    }

    fn list(&self, _dir: &Path) -> Vec<PathBuf> {
        self.0.keys().cloned().collect()
    }

    fn is_dir(&self, path: &Path) -> bool {
        matches!(self.0.get(plain(path)), Some(Entry::Directory))
    }
}

/// What `bird -p --explain -c bird.conf` prints.
fn said(files: &Memory) -> String {
    match load(Path::new("bird.conf"), SYNTAX, &CustomAttrs::default(), files) {
        Ok(config) => {
            let lines = config.warnings.iter().chain(&config.notes).map(|line| format!("bird: {line}\n"));
            lines.collect::<Vec<_>>().join("\n") + "(taken)"
        }
        Err(Failure::Refused(refusal)) => refusal.explain("bird: ", false),
        Err(failure) => format!("bird: {}", failure.at_start()),
    }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let code = &rest[at + 1..];
        match code.as_bytes()[0] {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b'x' => bytes.push(u8::from_str_radix(&code[1..3], 16).unwrap()),
            other => panic!("escape {other}"),
        }
        rest = if code.starts_with('x') { &code[3..] } else { &code[1..] };
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The mistakes of a group: name and files.
fn mistakes(text: &str) -> Vec<(String, Memory)> {
    let mut found: Vec<(String, Memory)> = Vec::new();
    for part in text.split("==== ").skip(1) {
        let (name, body) = part.split_once('\n').unwrap();
        let (name, escapes) = match name.strip_suffix(" [escapes]") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let mut files = Memory::default();
        for (at, file) in body.split("---- ").enumerate() {
            let (path, text) = match at {
                0 => ("bird.conf", file),
                _ => file.split_once('\n').unwrap(),
            };
            let entry = match path {
                _ if path.ends_with('/') => Entry::Directory,
                _ if path.ends_with('!') => Entry::Forbidden,
                _ if escapes => Entry::Text(unescape(text)),
                _ => Entry::Text(text.as_bytes().to_vec()),
            };
            files.0.insert(path.trim_end_matches(['/', '!']).into(), entry);
        }
        assert!(found.iter().all(|(other, _)| other != name), "{name} twice");
        found.push((name.to_owned(), files));
    }
    found
}

#[test]
fn mistakes_that_people_make() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let mut groups: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    groups.sort();
    let mut count = 0;
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(true);
    settings.set_omit_expression(true);
    for group in groups {
        let text = std::fs::read_to_string(&group).unwrap();
        let mistakes = mistakes(&text);
        count += mistakes.len();
        let blocks: Vec<String> =
            mistakes.iter().map(|(name, files)| format!("==== {name}\n{}\n", said(files))).collect();
        let name = group.file_stem().unwrap().to_str().unwrap();
        settings.bind(|| insta::assert_snapshot!(name, blocks.join("\n")));
    }
    assert!(count >= 300, "the folder of mistakes was not found");
}

#[test]
fn the_configuration_itself_cannot_be_read() {
    let mut files = Memory::default();
    assert_eq!(said(&files), "bird: Unable to open configuration file bird.conf: No such file or directory");
    files.0.insert("bird.conf".into(), Entry::Forbidden);
    assert_eq!(said(&files), "bird: Unable to open configuration file bird.conf: Permission denied");
    files.0.insert("bird.conf".into(), Entry::Directory);
    let text = said(&files);
    assert!(
        text.starts_with("bird: bird.conf:1:1 Read error\n") && text.contains("help: perhaps a directory?")
    );
}
