//! The control socket as operators and their programs use it. Each test has a network of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use common::*;

/// A kernel protocol and a static one, logging to a file.
fn config(kernel: &str, routes: &str) -> String {
    format!(
        "log \"all.log\" all;\nlog stderr all;\nrouter id 192.0.2.10;\nprotocol device {{ }}\n\
         protocol kernel {{ {kernel}\n\tipv4 {{ export all; }}; }}\nprotocol static routes1 {{\n\tipv4;\n{routes}\n}}\n"
    )
}

const ONE: &str = "\troute 10.1.0.0/16 blackhole;";

/// A daemon whose relative paths lead into its folder.
fn daemon_on(text: &str) -> Daemon {
    let folder = tempfile::tempdir().unwrap();
    let text = text.replace("all.log", &folder.path().join("all.log").display().to_string());
    fs::write(folder.path().join("bird.conf"), text).unwrap();
    Daemon::start_in(folder, &[])
}

fn rewrite(daemon: &Daemon, text: &str) {
    daemon.rewrite(&text.replace("all.log", &daemon.file("all.log").display().to_string()));
}

#[test]
fn the_log_says_who_changed_what() {
    in_network("the_log_says_who_changed_what", || {
        let daemon = daemon_on(&config("", ONE));
        let mut session = daemon.session();
        for command in
            ["show status", "disable routes1 \"for a test\"", "enable nosuch", "configure", "eval 1"]
        {
            session.ask(command);
        }
        let log = fs::read_to_string(daemon.file("all.log")).unwrap();
        let audited: Vec<&str> = log.lines().filter_map(|l| l.split("<AUTH> CLI: ").nth(1)).collect();
        let pid = std::process::id();
        assert_eq!(audited.len(), 2, "what only looks, or is wrong, changes nothing: {log}");
        for (line, command) in audited.iter().zip(["disable routes1 \"for a test\"", "configure"]) {
            assert!(line.ends_with(&format!("(uid 0, pid {pid}): {command}")), "{line}");
        }
        assert!(!daemon.log().contains("<AUTH>"), "who gives orders on the terminal knows: {}", daemon.log());
    });
}

#[test]
fn a_log_that_cannot_be_opened_is_a_mistake() {
    in_network("a_log_that_cannot_be_opened_is_a_mistake", || {
        let daemon = daemon_on(&config("", ONE));
        let bad = config("", ONE).replace("\"all.log\"", "\"/nowhere/bird.log\"");
        rewrite(&daemon, &bad);
        for command in ["configure", "configure check"] {
            let reply = daemon.ask(command);
            let last = reply.last().unwrap();
            assert!(
                last.starts_with("8002 ")
                    && last.ends_with("bird.conf:1:25 Unable to open log file '/nowhere/bird.log': No such file or directory"),
                "{last}"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bird.conf");
        fs::write(&file, bad).unwrap();
        let out = bird(folder.path(), &file).stdout(Stdio::null()).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "the parent knows");
        assert!(String::from_utf8_lossy(&out.stderr).contains("Unable to open log file"), "{out:?}");
        assert!(!folder.path().join("bird.pid").exists() && !folder.path().join("bird.ctl").exists());
    });
}

#[test]
fn a_plan_names_what_it_costs() {
    in_network("a_plan_names_what_it_costs", || {
        let daemon = daemon_on(&config("", ONE));
        rewrite(&daemon, &(config("metric 50;", ONE) + "protocol static routes2 { ipv4; }\n"));
        let mut session = daemon.session();
        let plan = session.ask("configure plan");
        let place = |line: u32| format!("{}:{line}", daemon.file("bird.conf").display());
        assert_eq!(
            plan[1..],
            [
                "1902-device1: stays".to_owned(),
                format!(" kernel1: restarts: metric ({})", place(5)),
                " routes1: stays".to_owned(),
                format!(" routes2: appears ({})", place(11)),
                "0020 Configuration OK".to_owned(),
            ]
        );
        until_routes("main", &["blackhole 10.1.0.0/16 metric 32"]);
        session.ask("configure");
        until_routes("main", &["blackhole 10.1.0.0/16 metric 50"]);
        assert!(session.ask("configure plan")[2].ends_with("kernel1: stays"));
    });
}

#[test]
fn every_mistake_is_told() {
    in_network("every_mistake_is_told", || {
        let daemon = daemon_on(&config("", ONE));
        assert_eq!(daemon.ask("configure explain"), ["0020 Configuration OK"]);
        rewrite(&daemon, &config("metrik 50;", "\troute 10.1.0.0/16 blackhol;"));
        let told = daemon.ask("configure explain");
        assert!(told[0].starts_with("1908-") && told[0].contains("bird.conf:5:"), "{told:#?}");
        assert!(told.iter().any(|line| line.contains("did you mean `metric`?")), "{told:#?}");
        assert!(told.iter().any(|line| line.contains("bird.conf:9:")), "{told:#?}");
        assert_eq!(told.last().unwrap(), "8901 2 mistakes");
        let missing = daemon.ask("configure explain \"nosuch.conf\"");
        assert_eq!(missing, ["8002 nosuch.conf: No such file or directory"]);
    });
}

#[test]
fn words_of_bird_3() {
    in_network("words_of_bird_3", || {
        let daemon = daemon_on(&config("", ONE));
        let mut session = daemon.session();
        let threads = session.ask("show threads all");
        assert!(threads[0].starts_with("1027-Thread") && threads.concat().contains("engine"), "{threads:?}");
        for (what, title) in [("tables", "routing tables"), ("attribute stats", "attribute statistics")] {
            let file = daemon.file(&what.replace(' ', "-"));
            let reply = session.ask(&format!("dump {what} \"{}\"", file.display()));
            assert_eq!(reply[0], format!("0013-Dumping {title} to {}", file.display()));
            assert!(fs::metadata(&file).unwrap().len() > 0);
            assert_eq!(code(&session.ask(&format!("dump {what} \"{}\"", file.display()))), "8009");
        }
        assert_eq!(session.ask("reload filters in routes1"), ["0015-routes1: reloading", "0000 "]);
    });
}

/// A client that begins a long answer and stops reading keeps nothing alive, and finds every net that stayed
/// once when it goes on.
#[test]
fn a_reader_that_sleeps() {
    const NETS: usize = 30_000;
    let routes = |kind: &str| -> String {
        (0..NETS).map(|i| format!("route 20.{}.{}.0/24 {kind};\n", i >> 8, i & 255)).collect()
    };
    in_network("a_reader_that_sleeps", || {
        let quiet = |kind| config("", &routes(kind)).replace("export all", "export none");
        let daemon = daemon_on(&quiet("blackhole"));
        let mut session = daemon.session();
        until("all routes are there", || session.ask("show route count").concat().contains("30000 of 30000"));
        let mut sleeper = daemon.session();
        sleeper.send(b"show route table master4\n");
        sleeper.until_full();
        for kind in ["unreachable", "prohibit", "unreachable"] {
            rewrite(&daemon, &quiet(kind));
            assert_eq!(code(&session.ask("configure")), "0003");
        }
        until("the last change is done", || {
            session.ask("show route where dest = RTD_UNREACHABLE count").concat().contains("30000 of 30000")
        });
        let lines = sleeper.reply();
        let nets: Vec<&str> =
            lines.iter().filter_map(|l| l.split_whitespace().find(|w| w.ends_with("/24"))).collect();
        let different: BTreeSet<&str> = nets.iter().map(|net| net.trim_start_matches("1007-")).collect();
        assert_eq!((nets.len(), different.len()), (NETS, NETS), "every net once");
        assert!(lines.iter().any(|l| l.contains("blackhole")), "what was sent before it slept");
        let late = lines.iter().filter(|l| l.contains("unreachable")).count();
        assert!(late > NETS / 2, "the rest as it is now: {late}");
    });
}

#[test]
fn a_part_is_reloaded() {
    in_network("a_part_is_reloaded", || {
        let two = "\troute 10.1.0.0/16 blackhole;\n\troute 10.2.0.0/16 blackhole;";
        let daemon = daemon_on(&config("", two));
        let mut session = daemon.session();
        rewrite(&daemon, &config("", two).replace("ipv4;", "ipv4 { import none; };"));
        assert_eq!(code(&session.ask("configure soft")), "0003");
        for wrong in [
            "reload routes1 partial",
            "reload routes1 partial 10.1.0.0/16",
            "reload routes1 partial [ 1.2.3.4 ]",
        ] {
            assert_eq!(code(&session.ask(wrong)), "9001", "{wrong}");
        }
        let reply = session.ask("reload filters in routes1 partial [ 10.1.0.0/16+ ]");
        assert_eq!(reply, ["0015-routes1: reloading", "0000 "]);
        until_routes("main", &["blackhole 10.2.0.0/16"]);
    });
}

/// Right behind `restart` a protocol may still be flushing, as in BIRD; once it is up, routes of a list of
/// usual length are there.
#[test]
fn what_is_up_has_its_routes() {
    in_network("what_is_up_has_its_routes", || {
        let routes: String =
            (0..1000).map(|i| format!("route 20.{}.{}.0/24 blackhole;\n", i >> 8, i & 255)).collect();
        let daemon = daemon_on(&config("", &routes));
        let mut session = daemon.session();
        for _ in 0..20 {
            session.send(b"restart routes1\nshow protocols all routes1\n");
            session.reply();
            let mut shown = session.reply().concat();
            until("it is up again", || {
                let up = shown.contains("State:          UP");
                assert!(!up || shown.contains("Routes:         1000 imported"), "{shown}");
                shown = session.ask("show protocols all routes1").concat();
                up
            });
        }
    });
}

#[test]
fn what_programs_read_stays_as_it_is() {
    in_network("what_programs_read_stays_as_it_is", || {
        let daemon = daemon_on(&config("", ONE));
        let mut session = daemon.session();
        assert_eq!(session.ask("show route filtered"), ["0000 "], "hints are for people on terminals");
        assert_eq!(
            session.ask("eval \"a\" + 1"),
            ["9001 Argument 1 of ADD must be of type int, got type string"]
        );
        let wrong = session.ask("show route table nowhere").concat();
        assert!(!wrong.contains("did you mean"), "a constant is no table: {wrong}");
        let names = session.ask("commands attributes");
        assert!(
            names.iter().any(|name| name.ends_with("bgp_path"))
                && names.iter().any(|n| n.ends_with("RTS_STATIC"))
        );
        assert_eq!(names.last().map(String::as_str), Some("0000 "));
    });
}

#[test]
fn a_log_of_limited_size_is_put_aside() {
    in_network("a_log_of_limited_size_is_put_aside", || {
        const LIMIT: u64 = 16_384;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let log = format!("\"{}\" {LIMIT} \"{}\"", path("kept.log"), path("kept.old"));
        let text = config("", ONE).replace("\"all.log\"", &log);
        let daemon = daemon_on(&text.replace("static routes1 {", "static routes1 { debug all;"));
        let mut session = daemon.session();
        until("the log was put aside", || {
            session.ask("restart routes1");
            fs::metadata(path("kept.old")).is_ok()
        });
        session.ask("disable routes1 \"at the end\"");
        assert!(fs::metadata(path("kept.old")).unwrap().len() <= LIMIT);
        assert!(fs::read_to_string(path("kept.log")).unwrap().contains("at the end"));
    });
}

#[test]
fn an_address_and_the_commands_of_a_route_are_explained() {
    let routes = "\troute 10.1.0.0/16 blackhole { preference = 30; bgp_med = 5; reject; };\n\troute 10.0.0.0/8 blackhole;";
    in_network("an_address_and_the_commands_of_a_route_are_explained", || {
        let daemon = daemon_on(&config("", routes));
        until("the routes are there", || daemon.ask("show route count").join("").contains("2 of 2 routes"));
        let told = daemon.ask("explain route 10.1.2.3").join("\n");
        for part in [
            "10.1.0.0/16",
            "  commands of the route (",
            "preference = 30  => preference: 200 -> 30",
            "bgp_med = 5  => bgp_med: (unset) -> 5",
            "reject  => the commands end",
        ] {
            assert!(told.contains(part), "{part} in {told}");
        }
        let told = daemon.ask("explain route 10.200.2.3").join("\n");
        assert!(told.contains("10.0.0.0/8") && !told.contains("commands"), "{told}");
        let told = daemon.ask("explain route 192.0.2.1");
        assert_eq!(told.last().unwrap(), "8001 Network not found, and no protocol offers it");
    });
}
