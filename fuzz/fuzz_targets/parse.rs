//! Any bytes as a configuration: `cargo +nightly fuzz run parse`. Good seeds are the files of the conformance corpus.
#![no_main]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use tern::syntax::{parse, render};

fuzz_target!(|data: &[u8]| {
    let files = BTreeMap::from([(PathBuf::from("bird.conf"), data.to_vec())]);
    if let Ok(parsed) = parse(Path::new("bird.conf"), &files) {
        for diagnostic in parsed.diagnostics.iter() {
            render::explained(diagnostic, &parsed.sources, false);
        }
    }
});
