//! What a user reads after a typical mistake: every `tests/messages/NAME.conf` with its `NAME.out`.
//!
//! `BLESS=1 cargo test --test messages` writes the `.out` files anew; the change is then read like any other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

#[test]
fn typical_mistakes() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/messages");
    let mut files: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "conf"));
    files.sort();
    assert!(files.len() >= 40, "the folder of mistakes was not found");
    let mut wrong = Vec::new();
    for file in files {
        let name = file.file_name().unwrap();
        // Run inside the folder, so that messages do not hold its path.
        let run = Command::new(env!("CARGO_BIN_EXE_bird"))
            .current_dir(&dir)
            .args(["-p", "--explain", "-c"])
            .arg(name)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(1), "{name:?} must be refused");
        let got = String::from_utf8_lossy(&run.stderr).into_owned();
        let expected = file.with_extension("out");
        if env::var_os("BLESS").is_some() {
            fs::write(&expected, &got).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != got {
            wrong.push(format!("--- {}\n{got}", name.display()));
        }
    }
    assert!(wrong.is_empty(), "these messages changed (BLESS=1 takes them over):\n{}", wrong.join("\n"));
}
