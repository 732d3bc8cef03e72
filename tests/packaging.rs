//! What is installed beside the programs is made from their tables, and works: manual pages, completions, the
//! systemd unit.
//!
//! `BLESS=1 cargo test --test packaging` writes `packaging/man` and `packaging/completions` anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

#[path = "packaging/completions.rs"]
mod completions;
#[path = "packaging/man.rs"]
mod man;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging")
}

#[test]
fn manual_pages_and_completions_say_what_the_tables_say() {
    let files = [
        ("man/bird.8", man::bird()),
        ("man/birdc.8", man::birdc()),
        ("man/bird.conf.5", man::conf()),
        ("completions/bird.bash", completions::bird_bash()),
        ("completions/birdc.bash", completions::birdc_bash()),
        ("completions/bird.zsh", completions::bird_zsh()),
        ("completions/birdc.zsh", completions::birdc_zsh()),
        ("completions/bird.fish", completions::bird_fish()),
        ("completions/birdc.fish", completions::birdc_fish()),
    ];
    for (name, text) in files {
        let path = packaging().join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "packaging/{name} is stale: run with BLESS=1");
    }
}

/// Whether a program is there; what cannot be checked without it is checked where it is.
fn there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn manual_pages_render_without_warnings() {
    for page in ["bird.8", "birdc.8", "bird.conf.5"] {
        let page = packaging().join("man").join(page);
        for tool in [&["groff", "-man", "-ww", "-Tutf8", "-z"][..], &["mandoc", "-Tlint", "-Wwarning"]] {
            if !there(tool[0]) {
                continue;
            }
            let run = Command::new(tool[0]).args(&tool[1..]).arg(&page).output().unwrap();
            let said =
                format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
            // A page in a tree has no date; that mandoc misses it is all it may say.
            let said: Vec<&str> = said.lines().filter(|line| !line.contains("missing date")).collect();
            assert!(said.is_empty(), "{tool:?} {}:\n{}", page.display(), said.join("\n"));
        }
    }
}

/// What bash offers for the last of these words. `birdc` is a script that answers `show symbols` like a
/// daemon with one name of each class.
fn offered(script: &str, words: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join(script.trim_end_matches(".bash"));
    std::fs::write(&program, "#!/bin/sh\nfor last; do :; done\necho 'BIRD 2.19.0 ready.'\nprintf 'some_%s \\t%s\\n' \"$last\" \"$last\"\n").unwrap();
    let mut permissions = std::fs::metadata(&program).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&program, permissions).unwrap();
    let function = format!("_{}", script.trim_end_matches(".bash"));
    let run = Command::new("bash")
        .args(["--norc", "-c", "source \"$1\"; f=$2; shift 2; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); $f; printf '%s\\n' \"${COMPREPLY[@]}\"", "-"])
        .arg(packaging().join("completions").join(script))
        .arg(function)
        .arg(&program)
        .args(words)
        .output()
        .unwrap();
    assert!(run.stderr.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().lines().filter(|l| !l.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes() {
    let birdc = |words: &[&str]| offered("birdc.bash", words);
    assert_eq!(birdc(&["sho"]), ["show"]);
    assert_eq!(birdc(&["show", "pro"]), ["protocols"]);
    assert_eq!(birdc(&["-s", "x.ctl", "sh", "int"]), ["interfaces"]);
    assert_eq!(birdc(&["show", "protocols", ""]), ["all", "some_protocol"]);
    assert_eq!(birdc(&["show", "protocols", "all", "so"]), ["some_protocol"]);
    assert_eq!(birdc(&["sh", "pr", "al"]), ["all"]);
    assert_eq!(birdc(&["show", "route", "table", "some_t"]), ["some_table"]);
    assert_eq!(birdc(&["show", "route", "filter", "some_f"]), ["some_filter"]);
    assert_eq!(birdc(&["show", "route", "prim"]), ["primary"]);
    assert_eq!(birdc(&["disable", "some"]), ["some_protocol"]);
    assert!(birdc(&["configure", ""]).contains(&"check".to_owned()));
    assert_eq!(birdc(&["-"]), ["-l", "-r", "-s", "-v"]);
    assert!(birdc(&["nonsense", ""]).is_empty());
    let bird = |words: &[&str]| offered("bird.bash", words);
    assert!(bird(&["-"]).contains(&"-c".to_owned()));
    assert_eq!(bird(&["--expl"]), ["--explain"]);
    assert!(bird(&["-u", "roo"]).contains(&"root".to_owned()));
}

#[test]
fn other_shells_read_their_scripts() {
    for (shell, end) in [("zsh", "zsh"), ("fish", "fish")] {
        for program in ["bird", "birdc"].iter().filter(|_| there(shell)) {
            let script = packaging().join(format!("completions/{program}.{end}"));
            let run = Command::new(shell).arg("-n").arg(&script).output().unwrap();
            assert!(run.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&run.stderr));
        }
    }
    if there("fish") {
        let script = packaging().join("completions/birdc.fish");
        let run = Command::new("fish")
            .args([
                "--no-config",
                "-c",
                "source $argv[1]; complete -C'birdc show proto'; complete -C'birdc sh int'",
                "--",
            ])
            .arg(&script)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        assert!(
            said.contains("protocols") && said.contains("interfaces"),
            "{said}{}",
            String::from_utf8_lossy(&run.stderr)
        );
    }
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    if !there("systemd-analyze") {
        return;
    }
    // The programs stand elsewhere before they are installed.
    let dir = tempfile::tempdir().unwrap();
    let unit = std::fs::read_to_string(packaging().join("tern.service")).unwrap();
    let bird = env!("CARGO_BIN_EXE_bird");
    let unit = unit.replace("/usr/sbin/birdc", bird).replace("/usr/sbin/bird ", &format!("{bird} "));
    let path = dir.path().join("tern.service");
    std::fs::write(&path, unit).unwrap();
    let run = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .env("SYSTEMD_LOG_LEVEL", "warning")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("tern.service")).collect();
    assert!(ours.is_empty(), "{}", ours.join("\n"));
}
