//! Whole suites: `TERN_CONFORMANCE=DIR cargo test --lib filter::tests::conformance -- --nocapture` runs those files of
//! `DIR/scenarios` and `DIR/config` that are about filters, and says what differs. Without the variable nothing is run.

use std::fs;
use std::path::{Path, PathBuf};

use super::harness::{Log, load, load_file};

fn folder() -> Option<PathBuf> {
    std::env::var_os("TERN_CONFORMANCE").map(PathBuf::from)
}

fn files(dir: &Path, ending: &str, wanted: &[&str]) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    let mut list: Vec<PathBuf> = entries
        .filter(|p| {
            let name = p.file_name().unwrap_or_default().to_string_lossy().into_owned();
            name.ends_with(ending) && wanted.iter().any(|w| name.starts_with(w))
        })
        .collect();
    list.sort();
    list
}

const KINDS: [&str; 13] = [
    "attr-",
    "case-",
    "constructor-",
    "expr-",
    "filter-",
    "for-",
    "func-",
    "mask-",
    "match-",
    "method-",
    "set-",
    "type-",
    "roa-",
];

#[test]
fn the_configuration_corpus() {
    let Some(dir) = folder() else { return };
    let (mut passed, mut failed) = (0, 0);
    for path in files(&dir.join("config/accept"), ".conf", &KINDS) {
        match load_file(&path).first_error() {
            None => passed += 1,
            Some(error) => {
                failed += 1;
                println!("accept/{}: {error}", path.file_name().unwrap().to_string_lossy());
            }
        }
    }
    for path in files(&dir.join("config/reject"), ".conf", &KINDS) {
        let text = fs::read_to_string(&path).unwrap();
        let wanted = text.lines().find_map(|l| l.strip_prefix("# error: ")).unwrap_or("").to_string();
        let got = load_file(&path).first_error().unwrap_or_else(|| "accepted".into());
        if got == wanted {
            passed += 1;
        } else {
            failed += 1;
            println!(
                "reject/{}:\n  wanted {wanted}\n  got    {got}",
                path.file_name().unwrap().to_string_lossy()
            );
        }
    }
    println!("configurations: {passed} passed, {failed} failed");
}

/// Runs the `eval` steps of a scenario.
fn scenario(path: &Path, passed: &mut usize) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    if text.lines().any(|l| l.starts_with("superseded:") || l.trim() == "oracle: 3.3") {
        return Vec::new();
    }
    let Some((steps, rest)) = text.split_once("-- bird.conf --\n") else { return Vec::new() };
    let config = rest.split("\n-- ").next().unwrap_or(rest);
    let world = load(config);
    let mut wrong = Vec::new();
    if let Some(error) = world.first_error() {
        wrong.push(format!("bird.conf:{error}"));
    }
    let log = Log(Default::default(), Some(&world));
    let lines: Vec<&str> = steps.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let Some((_, term)) = line.split_once("] eval ").filter(|_| line.starts_with('>')) else { continue };
        let answer: Vec<&str> =
            lines[at + 1..].iter().take_while(|l| l.starts_with("  ")).map(|l| &l[2..]).collect();
        let wanted = answer.join("\n");
        let got = world.eval(term, &log);
        let syntax = |s: &str| s.starts_with("9001 syntax error");
        let same = got.trim_end() == wanted.trim_end() || (got.starts_with("9001") && syntax(&wanted));
        if same {
            *passed += 1;
        } else {
            wrong.push(format!("eval {term}\n    wanted {wanted}\n    got    {got}"));
        }
    }
    // What import filters make of static routes, where they leave a text in an attribute for it.
    let shown = lines.iter().position(|l| l.contains("final: //p") || l.contains("seen: //p"));
    let mut kept = Vec::new();
    for route in &world.routes {
        if let Some(attrs) = world.import(route, &log) {
            for (id, value) in &attrs.extra {
                let custom = world.custom.get(*id).is_some_and(|c| matches!(&*c.name, "final" | "seen"));
                kept.extend(custom.then(|| value.to_string()));
            }
        }
    }
    if let Some(at) = shown {
        let mut wanted: Vec<String> = lines[at + 1..]
            .iter()
            .take_while(|l| l.starts_with("  "))
            .map(|l| l.trim().to_string())
            .collect();
        wanted.sort();
        kept.sort();
        for (want, have) in wanted.iter().zip(&kept) {
            match want == have {
                true => *passed += 1,
                false => wrong.push(format!("route\n    wanted {want}\n    got    {have}")),
            }
        }
        if wanted.len() != kept.len() {
            wrong.push(format!("{} routes instead of {}", kept.len(), wanted.len()));
        }
    }
    // Errors of runs, for scenarios that look at all of them.
    let errors: Vec<&str> = lines
        .iter()
        .skip_while(|l| !l.contains("<ERR>"))
        .skip(1)
        .take_while(|l| l.starts_with("  "))
        .map(|l| l.trim())
        .collect();
    if !steps.contains("show route") && errors.iter().all(|e| e.starts_with("filters, line")) {
        let said = log.0.borrow();
        for error in errors {
            if !said.iter().any(|s| s == &format!("ERR {error}")) {
                wrong.push(format!("log lacks: {error}\n    has {said:?}"));
            } else {
                *passed += 1;
            }
        }
    }
    wrong
}

#[test]
fn the_scenarios() {
    let Some(dir) = folder() else { return };
    let (mut passed, mut failed) = (0, 0);
    for path in files(&dir.join("scenarios"), ".scn", &["filter-"]) {
        let wrong = scenario(&path, &mut passed);
        if !wrong.is_empty() {
            failed += wrong.len();
            println!("{}:", path.file_name().unwrap().to_string_lossy());
            wrong.iter().for_each(|w| println!("  {w}"));
        }
    }
    println!("steps: {passed} passed, {failed} failed");
}

/// Scenarios that feed one configuration per line to `bird -p`.
#[test]
fn the_small_configurations() {
    let Some(dir) = folder() else { return };
    let (mut passed, mut failed) = (0, 0);
    for name in
        ["filter-parse-ok", "filter-parse-union", "filter-errors-config-lines", "filter-errors-config"]
    {
        let text = fs::read_to_string(dir.join(format!("scenarios/{name}.scn"))).unwrap();
        let mut lines = text.lines().skip_while(|l| !l.starts_with("$ sh check.sh")).skip(1).peekable();
        while let Some(line) = lines.next().filter(|l| l.starts_with("  ")) {
            let (wanted, case) = match line.trim_start() {
                l if l.starts_with("ok ") => (Some("ok"), l[3..].trim()),
                l if l.starts_with("refused ") => (Some("refused"), l[8..].trim()),
                l => (None, l),
            };
            let place = lines.next_if(|l| l.starts_with("      line")).map(str::trim);
            let config = format!("router id 10.0.0.1;\nprotocol device {{ }}\nipv4 table t4;\n{case}\n");
            let error = load(&config).first_error();
            let line_of = error.as_ref().and_then(|e| e.split(':').next()).map(|l| format!("line {l}"));
            let same = match wanted {
                Some(word) => (word == "ok") == error.is_none(),
                None => place.map(str::to_string) == line_of,
            };
            if same {
                passed += 1;
            } else {
                failed += 1;
                println!("{name}: {case}\n  wanted {:?}, got {error:?}", wanted.or(place));
            }
        }
    }
    println!("small configurations: {passed} passed, {failed} failed");
}

/// Words of a text, with what separates them.
fn words(text: &str) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || "_.:\"".contains(c) => 0,
        c if c.is_whitespace() => 1,
        _ => 2,
    };
    for c in text.chars() {
        match list.last_mut() {
            Some(last) if kind(c) < 2 && last.chars().last().map(kind) == Some(kind(c)) => last.push(c),
            _ => list.push(c.to_string()),
        }
    }
    list
}

/// No file makes the checker or the machine panic, however its words are mixed up.
#[test]
fn mixed_up_configurations() {
    let Some(dir) = folder() else { return };
    let mut random = 88172645463325252u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % below.max(1)
    };
    let mut texts: Vec<String> = Vec::new();
    for sort in ["accept", "reject"] {
        for path in files(&dir.join("config").join(sort), ".conf", &KINDS) {
            texts.extend(fs::read_to_string(path));
        }
    }
    for path in files(&dir.join("scenarios"), ".scn", &["filter-"]) {
        let text = fs::read_to_string(path).unwrap();
        texts.extend(text.split_once("-- bird.conf --\n").map(|(_, c)| c.to_string()));
    }
    let pool: Vec<String> = texts.iter().flat_map(|t| words(t)).filter(|w| !w.trim().is_empty()).collect();
    let rounds: usize = std::env::var("TERN_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let (mut checked, mut ran) = (0, 0);
    for text in &texts {
        for _ in 0..rounds {
            let mut list = words(text);
            for _ in 0..1 + next(2) {
                let (at, other) = (next(list.len()), next(list.len()));
                match next(5) {
                    0 => drop(list.remove(at)),
                    1 => list.swap(at, other),
                    2 => list[at] = pool[next(pool.len())].clone(),
                    3 => list.insert(at, pool[next(pool.len())].clone()),
                    _ => list[at] = list[other].clone(),
                }
                if list.is_empty() {
                    break;
                }
            }
            let mixed = list.concat();
            let world = load(&mixed);
            checked += 1;
            if world.first_error().is_some() {
                continue;
            }
            let log = Log(Default::default(), Some(&world));
            for route in &world.routes {
                world.import(route, &log);
                ran += 1;
            }
            let broken = log.0.borrow().iter().find(|l| l.contains("code is broken")).cloned();
            assert_eq!(broken, None, "{mixed}");
        }
    }
    println!("{checked} mixed, {ran} routes filtered");
}
