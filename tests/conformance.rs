//! The conformance suite (`tests/conformance/`): each case was recorded from real BIRD, and every
//! BIRD-compatible binary can be put to it: `SUBJECT=/usr/sbin/bird SUBJECT_BIRDC=/usr/sbin/birdc cargo test
//! --test conformance`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The daemon under test.
fn bird() -> PathBuf {
    std::env::var_os("SUBJECT").map_or_else(|| env!("CARGO_BIN_EXE_bird").into(), PathBuf::from)
}

/// The shell under test: built here, because cargo hands over binaries of this package only.
fn birdc() -> PathBuf {
    if let Some(path) = std::env::var_os("SUBJECT_BIRDC") {
        return path.into();
    }
    let bird = PathBuf::from(env!("CARGO_BIN_EXE_bird"));
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--package", "birdc"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if bird.parent().is_some_and(|d| d.ends_with("release")) {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs").success(), "birdc does not build");
    bird.with_file_name("birdc")
}

/// Runs the checker; namespaces that are forbidden make a visible skip.
fn check(what: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (tool, package) in [("python3", "python3"), ("ip", "iproute2"), ("unshare", "util-linux")] {
        let found = Command::new(tool).arg("-V").output();
        assert!(found.is_ok(), "the conformance suite needs `{tool}`: install {package}");
    }
    if what == "--scenarios" {
        let flags: &[&str] = if rustix::process::geteuid().is_root() { &["-n"] } else { &["-Urn"] };
        let allowed = Command::new("unshare").args(flags).arg("true").status().is_ok_and(|s| s.success());
        if !allowed {
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "SKIPPED: network namespaces are forbidden here");
            return;
        }
    }
    let status = Command::new(root.join("tests/conformance/check"))
        .arg("--bird")
        .arg(bird())
        .arg("--birdc")
        .arg(birdc())
        .arg(what)
        .status()
        .expect("the checker runs");
    assert!(status.success(), "see above");
}

#[test]
fn config_corpus() {
    check("--config");
}

#[test]
fn scenarios() {
    check("--scenarios");
}
