//! What fuzzers have found (`fuzz/run`) stays mended: every file of `fuzz/regressions/TARGET` goes through
//! the target once more.
#![allow(clippy::unwrap_used, reason = "tests")]

#[allow(unreachable_pub, reason = "a library of its own where the fuzzers are built")]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

#[test]
fn what_was_found_stays_mended() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions");
    for (target, feed) in fuzz::TARGETS {
        let Ok(files) = fs::read_dir(folder.join(target)) else { continue };
        for file in files {
            let path = file.unwrap().path();
            // Seen when the feed panics.
            eprintln!("{}", path.display());
            feed(&fs::read(&path).unwrap());
        }
    }
    for target in fs::read_dir(folder).unwrap() {
        let name = target.unwrap().file_name();
        assert!(fuzz::TARGETS.iter().any(|(known, _)| **known == *name), "{name:?} is no target");
    }
}

/// Target `program` looks at what runs, so what it makes has to type-check, mostly. And whatever it makes,
/// runs alike in all ways.
#[test]
fn programs_mostly_type_check() {
    let mut state = 0x5eed_u64;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    let mut accepted = 0;
    for round in 0..100 {
        let data: Vec<u8> = (0..20 + round * 3).map(|_| noise()).collect();
        accepted += usize::from(fuzz::is_accepted(&data));
        fuzz::feed("program", &data);
    }
    assert!(accepted >= 60, "{accepted} of 100 programs are accepted");
}
