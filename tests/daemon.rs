//! The daemon as a process: what supervisors, scripts and operators rely on. Each test has a network of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use common::*;
use rustix::process::Signal;

/// A kernel protocol and static routes through `eth0`.
fn config(routes: &str) -> String {
    format!(
        "log stderr all;\nrouter id 192.0.2.10;\nprotocol device {{ }}\nprotocol kernel {{ ipv4 {{ export all; }}; }}\n\
         protocol static routes1 {{\n\tipv4;\n{routes}\n}}\n"
    )
}

const ONE: &str = "\troute 10.1.0.0/16 via 192.0.2.1;";
const TWO: &str = "\troute 10.1.0.0/16 via 192.0.2.1;\n\troute 10.2.0.0/16 blackhole;";

#[test]
fn parse_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bird.conf");
    let run = |text: &str| {
        fs::write(&file, text).unwrap();
        let out = Command::new(BIRD).arg("-p").arg("-c").arg(&file).output().unwrap();
        (
            out.status.code(),
            String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout),
        )
    };
    assert_eq!(run(&config(ONE)), (Some(0), String::new()), "a good file is answered with silence");
    let place = file.display();
    let two_mistakes = "router id 192.0.2.1;\nprotocol device { scan tim 5; }\nprotocol nonsense { }\n";
    let (code, said) = run(two_mistakes);
    assert_eq!(code, Some(1));
    assert_eq!(said.lines().count(), 1, "off a terminal exactly one line: {said}");
    assert!(said.starts_with(&format!("bird: {place}:2:24 ")), "{said}");
    let explained = Command::new(BIRD).args(["-p", "--explain", "-c"]).arg(&file).output().unwrap();
    let explained = String::from_utf8_lossy(&explained.stderr).into_owned();
    assert!(explained.starts_with(&said), "the first line is the same: {explained}");
    assert!(explained.contains(&format!("{place}:3:")), "the second mistake is told too: {explained}");
    assert_eq!(
        run("router id 192.0.2.1;\n"),
        (
            Some(1),
            "bird: ".to_owned() + &place.to_string() + ":1:0 No protocol is specified in the config file\n"
        )
    );
    fs::remove_file(&file).unwrap();
    let out = Command::new(BIRD).arg("-p").arg("-c").arg(&file).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("No such file or directory"), "{said}");
}

#[test]
fn wrong_arguments() {
    for arguments in [&["--nonsense"][..], &["-x"], &["-c"], &["stray"]] {
        let out = Command::new(BIRD).args(arguments).stdin(Stdio::null()).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{arguments:?}");
        assert!(!out.stderr.is_empty(), "{arguments:?}");
    }
    let out = Command::new(BIRD).arg("--version").output().unwrap();
    assert_eq!(
        (out.status.code(), String::from_utf8_lossy(&out.stderr).trim_end()),
        (Some(0), "BIRD version 2.19.0")
    );
}

#[test]
fn signals() {
    in_network("signals", || {
        link("eth0", &["192.0.2.10/24"]);
        for end in [Signal::TERM, Signal::INT] {
            let mut daemon = Daemon::start(&config(ONE));
            until_routes("main", &["10.1.0.0/16 via 192.0.2.1 dev eth0 metric 32"]);
            assert_eq!(fs::read_to_string(daemon.file("bird.pid")).unwrap(), format!("{}\n", daemon.pid()));

            daemon.rewrite(&config(TWO));
            daemon.signal(Signal::HUP);
            until_routes("main", &["10.1.0.0/16 via 192.0.2.1", "blackhole 10.2.0.0/16"]);

            daemon.rewrite(
                "protocol static routes1 { ipv4; route 10.3.0.0/16 blackhole; }\nprotocol nonsense { }\n",
            );
            daemon.signal(Signal::HUP);
            until("the mistake is logged", || daemon.log().contains("bird.conf:2:10 "));
            assert_eq!(kernel_routes("main").len(), 2, "a bad file changes nothing");
            assert_eq!(code(&daemon.ask("configure")), "8002");
            assert_eq!(code(&daemon.ask("show status")), "0013");

            daemon.signal(Signal::USR1);
            until("the dump is logged", || daemon.log().contains("Debug dump requested by SIGUSR1"));

            daemon.signal(end);
            assert_eq!(daemon.ended().code(), Some(0), "{}", daemon.log());
            until_routes("main", &[]);
            assert!(!daemon.socket().exists() && !daemon.file("bird.pid").exists());
        }
    });
}

#[test]
fn down_ends_the_daemon() {
    in_network("down_ends_the_daemon", || {
        link("eth0", &["192.0.2.10/24"]);
        let mut daemon = Daemon::start(&config(TWO));
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        assert_eq!(daemon.ask("down"), ["0007 Shutdown requested"]);
        assert_eq!(daemon.ended().code(), Some(0));
        until_routes("main", &[]);
    });
}

#[test]
fn killed_and_started_again() {
    in_network("killed_and_started_again", || {
        link("eth0", &["192.0.2.10/24"]);
        let mut daemon = Daemon::start(&config(TWO));
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        daemon.signal(Signal::KILL);
        daemon.ended();
        assert_eq!(kernel_routes("main").len(), 2, "nobody was there to remove them");
        assert!(daemon.socket().exists());

        // The socket of a dead daemon is in nobody's way; what is wanted no more goes.
        let folder = std::mem::replace(&mut daemon.folder, tempfile::tempdir().unwrap());
        drop(daemon);
        fs::write(folder.path().join("bird.conf"), config(ONE)).unwrap();
        let daemon = Daemon::start_in(folder, &[]);
        until_routes("main", &["10.1.0.0/16 via 192.0.2.1"]);
        assert_eq!(code(&daemon.ask("show status")), "0013");
    });
}

/// Not at the next scan, which is a minute away: BIRD leaves the gap until then.
#[test]
fn deleted_behind_our_back() {
    in_network("deleted_behind_our_back", || {
        link("eth0", &["192.0.2.10/24"]);
        let daemon = Daemon::start(&config(TWO));
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        ip("route del 10.1.0.0/16 proto bird");
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        ip("route replace 10.1.0.0/16 via 192.0.2.1 metric 32 mtu 1000 proto bird");
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        until("the attribute is gone", || !kernel_routes("main").concat().contains("mtu 1000"));
        // Somebody else's route with the same key is theirs.
        ip("route replace 10.2.0.0/16 via 192.0.2.7 metric 32 proto static");
        until("it is noticed", || daemon.ask("show route 10.2.0.0/16")[1].contains(" ! "));
        assert_eq!(code(&daemon.ask("wait kernel 60")), "1905");
        assert!(ip("route show 10.2.0.0/16").contains("192.0.2.7"));
    });
}

#[test]
fn the_kernel_and_its_drift() {
    in_network("the_kernel_and_its_drift", || {
        link("eth0", &["192.0.2.10/24"]);
        let daemon = Daemon::start(&config(TWO));
        assert_eq!(daemon.ask("wait kernel 60"), ["1905 Tables, exports and kernel agree"]);
        assert_eq!(kernel_routes("main").len(), 2, "not before they stand there");
        assert_eq!(daemon.ask("show kernel drift"), ["1904 Nothing was changed behind our back"]);
        // Name, table, state (two words), wanted, installed, refused, learned, objects, drift, repaired, waiting, sent.
        let figures = || {
            let row = daemon.ask("show kernel").swap_remove(1);
            row.split_whitespace().take(13).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(figures(), "kernel1 254 in step 2 2 0 0 0 0 0 0 0");

        ip("route del 10.1.0.0/16 proto bird");
        assert_eq!(code(&daemon.ask("wait kernel 60")), "1905");
        until("the deletion is noticed", || figures() == "kernel1 254 in step 2 2 0 0 0 1 1 0 0");
        assert_eq!(kernel_routes("main").len(), 2);
        ip("route replace 10.2.0.0/16 via 192.0.2.7 metric 32 proto dhcp");
        until("theirs is noticed", || figures().ends_with("2 1 1 0 0 2 1 0 0"));
        let drift = daemon.ask("show kernel drift");
        let words: Vec<String> =
            drift.iter().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let told = |what: &str, how: &str| words.iter().any(|l| l.contains(what) && l.ends_with(how));
        assert!(words[0].contains("kernel1: 1 route is refused"), "{drift:?}");
        assert!(told("kernel1 10.1.0.0/16 32 ", " deleted"), "{drift:?}");
        assert!(
            told("10.2.0.0/16", "replaced by a route of protocol 16 (a DHCP client), which stays"),
            "{drift:?}"
        );
        assert!(drift.concat().contains("ManageForeignRoutes=no"), "{drift:?}");
        assert_eq!(code(&daemon.ask("wait kernel 60")), "1905", "what is refused is not waited for");

        // What is configured is waited for, however many there are; no time at all is not enough.
        let many: String =
            (0..20_000).map(|i| format!("\troute 20.{}.{}.0/24 via 192.0.2.1;\n", i >> 8, i & 255)).collect();
        daemon.rewrite(&config(&many));
        let mut session = daemon.session();
        assert_eq!(code(&session.ask("configure")), "0003");
        let at_once = session.ask("wait kernel 0");
        assert!(["1905", "8900"].contains(&code(&at_once)), "{at_once:?}");
        assert_eq!(code(&session.ask("wait kernel 60")), "1905");
        assert_eq!(kernel_routes("main").len(), 20_000);
    });
}

#[test]
fn what_takes_long_is_told() {
    in_network("what_takes_long_is_told", || {
        link("eth0", &["192.0.2.10/24"]);
        let daemon = Daemon::start(&config(ONE));
        until_routes("main", &["10.1.0.0/16"]);
        daemon.ask("show status");
        assert!(
            !daemon.log().contains("CLI connect") && !daemon.log().contains(" took "),
            "{}",
            daemon.log()
        );
        let debug = "debug commands 2;\ndebug latency on;\ndebug latency limit 1 us;\nwatchdog warning 1 us;\nwatchdog timeout 5 s;\n";
        daemon.rewrite(&(config(TWO) + debug));
        daemon.ask("configure");
        until_routes("main", &["10.1.0.0/16", "blackhole 10.2.0.0/16"]);
        daemon.ask("show status");
        for line in ["<INFO> CLI connect\n", "<TRACE> CLI: show status\n", "<INFO> CLI connection closed\n"] {
            until(line, || daemon.log().contains(line));
        }
        let told =
            |part: &str| daemon.log().lines().any(|line| line.contains(part) && line.contains(" took "));
        for part in ["Event exports (kernel1)", "Event kernel (kernel1)", "Event commands", "I/O loop cycle"]
        {
            until(part, || {
                daemon.ask("show protocols all");
                told(part)
            });
        }
        // Rests longer than the watchdog allows a cycle to last.
        std::thread::sleep(Duration::from_millis(5500));
        assert_eq!(code(&daemon.ask("show status")), "0013");
    });
}

#[test]
fn second_daemon_refuses() {
    in_network("second_daemon_refuses", || {
        let daemon = Daemon::start(&config(""));
        let second = bird(daemon.folder.path(), &daemon.file("bird.conf")).arg("-f").output().unwrap();
        assert_eq!(second.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&second.stderr), "bird: I found another BIRD running.\n");
        assert_eq!(code(&daemon.ask("show status")), "0013", "the first one did not notice");
        assert_eq!(fs::read_to_string(daemon.file("bird.pid")).unwrap(), format!("{}\n", daemon.pid()));
    });
}

#[test]
fn background() {
    in_network("background", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bird.conf");
        fs::write(&file, "protocol device { } nonsense\n").unwrap();
        let out = bird(folder.path(), &file).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "the parent tells that the child could not");
        assert!(String::from_utf8_lossy(&out.stderr).contains("bird.conf:1:21 "));
        assert!(!folder.path().join("bird.ctl").exists());

        fs::write(&file, config("").replace("log stderr", "log \"/dev/null\"")).unwrap();
        let mut parent = bird(folder.path(), &file);
        let parent = parent.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert_eq!(parent.code(), Some(0));
        // Without waiting: the parent's end is the promise.
        let mut session = Session::open(&folder.path().join("bird.ctl"));
        let pid: i32 = fs::read_to_string(folder.path().join("bird.pid")).unwrap().trim().parse().unwrap();
        assert_eq!(code(&session.ask("show status")), "0013");
        let process = rustix::process::Pid::from_raw(pid).unwrap();
        let session_of_its_own = rustix::process::getsid(Some(process)).unwrap();
        assert_eq!(session_of_its_own, process, "it does not die with the terminal");
        assert_eq!(code(&session.ask("down")), "0007");
        until("the daemon is gone", || !folder.path().join("bird.pid").exists());
    });
}

#[test]
fn socket_that_cannot_be_made() {
    in_network("socket_that_cannot_be_made", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bird.conf");
        fs::write(&file, config("")).unwrap();
        let mut command = Command::new(BIRD);
        let out = command.arg("-f").arg("-c").arg(&file).args(["-s", "/nowhere/bird.ctl"]).output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(said.starts_with("bird: ") && said.contains("/nowhere/bird.ctl"), "{said}");
        // A file that is no socket is not ours to replace.
        let precious = folder.path().join("bird.ctl");
        fs::write(&precious, "precious").unwrap();
        let out = bird(folder.path(), &file).arg("-f").output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    });
}

#[test]
fn service_manager_is_told() {
    in_network("service_manager_is_told", || {
        let folder = tempfile::tempdir().unwrap();
        link("eth0", &["192.0.2.10/24"]);
        fs::write(folder.path().join("bird.conf"), config(ONE)).unwrap();
        let address = folder.path().join("notify");
        let manager = UnixDatagram::bind(&address).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut child = bird(folder.path(), &folder.path().join("bird.conf"));
        let mut child = child
            .arg("-f")
            .env("NOTIFY_SOCKET", &address)
            .env("WATCHDOG_USEC", "400000")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let heard = |word: &str| {
            let mut buffer = [0; 4096];
            for _ in 0..50 {
                let count = manager.recv(&mut buffer).unwrap();
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                if text.lines().any(|l| l == word) {
                    return;
                }
            }
            panic!("{word} was not told");
        };
        heard("READY=1");
        assert_eq!(kernel_routes("main").len(), 1, "ready means that the routes are there");
        assert!(UnixStream::connect(folder.path().join("bird.ctl")).is_ok(), "ready means that it answers");
        heard("WATCHDOG=1");
        heard("WATCHDOG=1");
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
        heard("STOPPING=1");
        assert_eq!(child.wait().unwrap().code(), Some(0));
    });
}

#[test]
fn privileges_are_dropped() {
    if !is_root() {
        return; // Who is not root has none to drop; root's container runs this.
    }
    in_network("privileges_are_dropped", || {
        link("eth0", &["192.0.2.10/24"]);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bird.conf"), config(ONE)).unwrap();
        let daemon = Daemon::start_in(folder, &["-u", "65534", "-g", "65534"]);
        until_routes("main", &["10.1.0.0/16 via 192.0.2.1"]);
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
        let line = |name: &str| status.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
        assert_eq!(line("Uid:").split_whitespace().nth(1), Some("65534"));
        assert_eq!(line("Gid:").split_whitespace().nth(1), Some("65534"));
        // NET_BIND_SERVICE, NET_ADMIN, NET_RAW and nothing else.
        let capabilities =
            u64::from_str_radix(line("CapEff:").split_whitespace().nth(1).unwrap(), 16).unwrap();
        assert_eq!(capabilities, 1 << 10 | 1 << 12 | 1 << 13);
    });
}

#[test]
fn a_socket_of_the_configuration() {
    in_network("a_socket_of_the_configuration", || {
        let folder = tempfile::tempdir().unwrap();
        let extra = folder.path().join("look.ctl");
        let line = format!("cli \"{}\" {{ restrict; }};\n", extra.display());
        fs::write(folder.path().join("bird.conf"), config("") + &line).unwrap();
        let daemon = Daemon::start_in(folder, &[]);
        let mut looking = Session::open(&extra);
        assert_eq!(code(&looking.ask("show status")), "0013");
        assert_eq!(looking.ask("down"), ["8007 Access denied"]);
        daemon.rewrite(&config(""));
        assert_eq!(code(&daemon.ask("configure")), "0003");
        until("the socket is gone", || UnixStream::connect(&extra).is_err());
    });
}

/// The sandbox makes its network by itself; ours only proves that nothing leaks out of it.
#[test]
fn sandbox() {
    in_network("sandbox", || {
        let temporary = tempfile::tempdir().unwrap();
        let mut child = Command::new(BIRD)
            .arg("--sandbox")
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = "show protocols\nshow route 203.0.113.0/24\ndisable static4\nshow route count\n";
        child.stdin.take().unwrap().write_all(commands.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let (said, complaints) = (String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        assert_eq!(out.status.code(), Some(0), "{said}{complaints}");
        for expected in [
            "10.1.0.0/16 via 192.0.2.2 dev veth0 proto bird",
            "203.0.113.0/24 via 192.0.2.9 dev veth0 proto static",
            "2001:db8:a000::/48 via 2001:db8::2",
            "kernel4    Kernel     master4    up",
            "static4: disabled",
        ] {
            assert!(said.contains(expected), "{expected} is missing in:\n{said}\n{complaints}");
        }
        assert!(!ip("link").contains("veth"), "links stay inside");
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "nothing is left behind");
    });
}

#[test]
fn sandbox_without_routes_in_the_kernel() {
    in_network("sandbox_without_routes_in_the_kernel", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("quiet.conf");
        fs::write(&file, "protocol device { }\n").unwrap();
        let mut child = Command::new(BIRD)
            .arg("--sandbox")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(b"commands\n").unwrap();
        let out = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(0), "{said}");
        assert!(!said.contains("10.3.0.0/16"), "a hint for another file:\n{said}");
        assert!(said.contains("\ndown\t\t"), "`commands` lists all:\n{said}");
    });
}

#[test]
fn sandbox_with_a_bad_file() {
    in_network("sandbox_with_a_bad_file", || {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bad.conf");
        fs::write(&file, "protocol device { }\nprotocol nonsense { }\n").unwrap();
        let out = Command::new(BIRD).arg("--sandbox").arg(&file).stdin(Stdio::null()).output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(said.contains("bad.conf:2:10 "), "{said}");
    });
}

/// Supervisors stop what does not stop; a client that hangs must not keep the daemon.
#[test]
fn ends_in_spite_of_hanging_clients() {
    in_network("ends_in_spite_of_hanging_clients", || {
        let mut daemon = Daemon::start(&config(ONE));
        let mut hanging = daemon.session();
        hanging.send("show status\n".repeat(20_000).as_bytes().split_at(4096).0);
        let silent = UnixStream::connect(daemon.socket()).unwrap();
        std::thread::sleep(Duration::from_millis(50));
        daemon.signal(Signal::TERM);
        assert_eq!(daemon.ended().code(), Some(0));
        drop(silent);
        // The next daemon finds the place free.
        assert!(UnixListener::bind(daemon.socket()).is_ok());
    });
}
