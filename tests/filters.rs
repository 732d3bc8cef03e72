//! `bird --test`: the project's own tests of the filter language, written in it, and what a failing one looks like.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `bird --test` and returns exit status, standard output and standard error.
fn run(file: &Path) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_bird")).arg("--test").arg("-c").arg(file).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/filters")
}

#[test]
fn the_suite_of_the_project() {
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "conf"));
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let (code, said, errors) = run(&file);
        let last = said.lines().last().unwrap_or_default();
        let passed: usize = last.split(' ').next().unwrap().parse().unwrap_or(0);
        assert_eq!((code, last), (Some(0), &*format!("{passed} passed, 0 failed")), "{said}{errors}");
        assert!(passed > 5, "{}: {said}", file.display());
    }
}

/// Failures have their place and the compared values; a rejecting or broken suite counts as one.
#[test]
fn failures_are_told() {
    let file = folder().join("failing/failing.conf");
    let (code, said, errors) = run(&file);
    let said = said.replace(&*file.to_string_lossy(), "F");
    let want = "\
filters of protocols: FAILED (1 passed, 2 failed)
F:32: assertion failed: net.len = 24 (left is 25, right is 24)
F:32: assertion failed: no runtime error (Invalid gw address)
F:14: wrong: FAILED (1 passed, 3 failed)
F:9: assertion failed: i = 3 + 3 (left is 5, right is 6)
F:10: assertion failed: !(i ~ [ 1..9 ]) (left is 5, right is [1..9])
F:11: assertion failed: false || i > 6
F:21: error: FAILED (1 passed, 1 failed)
F:19: t_error ended with an error: No route to access
F:24: reject: FAILED (0 passed, 1 failed)
F:24: t_reject was rejected
F:27: good: ok (1 passed, 0 failed)
F:29: t_wrong and t_good are same: FAILED (0 passed, 1 failed)
F:29: assertion failed: t_wrong and t_good differ
4 passed, 8 failed
";
    assert_eq!(said, want, "{errors}");
    assert_eq!(code, Some(1));
}

/// Policies are tested where they stand, beside protocols that need not run for that.
#[test]
fn protocols_that_are_not_built_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bird.conf");
    let text = "template bgp peers { local as 65000; }\nfunction t() { bt_assert(1 < 2); }\nbt_test_suite(t, \"numbers\");\n\
                protocol bgp up from peers { neighbor 192.0.2.1 as 65001; ipv4 { import all; }; }\n";
    fs::write(&file, text).unwrap();
    let (code, said, errors) = run(&file);
    assert_eq!((code, said.lines().last()), (Some(0), Some("1 passed, 0 failed")), "{said}{errors}");
    let place = format!("{}:4:10: protocol bgp is not supported yet, and left out", file.display());
    assert!(errors.contains(&place), "{errors}");
}

/// A file that tests nothing is a mistake in the command line more often than not.
#[test]
fn nothing_to_test() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bird.conf");
    fs::write(&file, "protocol device { }\n").unwrap();
    let (code, said, errors) = run(&file);
    assert_eq!((code, &*said), (Some(1), "0 passed, 0 failed\n"));
    assert!(errors.contains("No self-tests in"), "{errors}");

    fs::write(&file, "protocol device { }\nfunction f(int i) { }\nbt_test_suite(f, \"f\");\n").unwrap();
    let (code, said, errors) = run(&file);
    assert_eq!((code, &*said), (Some(1), ""));
    assert!(errors.contains("bird.conf:3:15 Function f of a test suite must take no arguments"), "{errors}");
}
