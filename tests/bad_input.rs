//! What nobody should feed a daemon, and somebody will: clear errors, bounded memory, a daemon that lives.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use common::*;

/// Checks a file and returns what was said and the peak of memory in MB. Whatever the file holds, the program
/// neither panics nor is killed.
fn check(file: &Path) -> (i32, String, u64) {
    let (out, peak) = watched(Command::new(BIRD).arg("-p").arg("-c").arg(file));
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let code = out.status.code();
    assert!(!said.contains("panicked"), "{said}");
    let code = code.unwrap_or_else(|| panic!("killed: {:?} {said}", out.status));
    (code, said, peak)
}

/// Checks a text; a refusal is one line with a place in the file.
fn check_text(text: &[u8]) -> (i32, String, u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bird.conf");
    fs::write(&file, text).unwrap();
    let (code, said, peak) = check(&file);
    if code != 0 {
        let errors = said.lines().filter(|l| !l.contains(": Symbol ") && !l.is_empty()).count();
        assert!(errors <= 1, "one line off a terminal: {said}");
        assert!(said.starts_with(&format!("bird: {}:", file.display())), "{said}");
    }
    (code, said, peak)
}

/// Reproducible noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[test]
fn random_bytes() {
    let mut noise = Noise(0x5eed);
    for size in [1, 7, 100, 4096, 500_000] {
        let (code, said, peak) = check_text(&noise.bytes(size));
        assert_eq!(code, 1, "{said}");
        assert!(peak < 200, "{peak} MB for {size} random bytes");
    }
    // Words of the language in no order go deeper into the parser.
    let words = "protocol static { } ( ) [ ] ; route via 10.0.0.0/8 if then else case for in filter function define \
                 \"text\" , . ~ = != && 'q' 12 65000:1 [= =] accept reject ipv4 table import export where { } ; ;";
    let words: Vec<&str> = words.split(' ').collect();
    for _ in 0..20 {
        let text: Vec<&str> = (0..500).map(|_| words[noise.next() as usize % words.len()]).collect();
        assert_eq!(check_text(text.join(" ").as_bytes()).0, 1);
    }
}

/// A file that is large on the outside only costs a bounded amount; one whose content is wrong everywhere is
/// refused at its first mistake.
#[test]
fn two_hundred_megabytes() {
    const SIZE: u64 = 200 << 20;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bird.conf");
    let sparse = |head: &[u8], tail: &[u8]| {
        let mut file = fs::File::create(&path).unwrap();
        file.write_all(head).unwrap();
        file.seek(SeekFrom::Start(SIZE - tail.len() as u64)).unwrap();
        file.write_all(tail).unwrap();
    };
    let started = Instant::now();
    for (head, tail, message) in [
        (&b""[..], &b"\0"[..], ":1:1 Unknown character"),
        (b"protocol device { }\ndefine a = \"", b"\n", "Unterminated string"),
        (b"protocol device { }\n/*", b"\n", "Unterminated comment"),
        (b"protocol device { }\n#", b"\nnonsense;", ":3:1 syntax error"),
    ] {
        sparse(head, tail);
        let (code, said, peak) = check(&path);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(message) && said.len() < 2000, "wanted {message}: {said}");
        // The text itself, and little more.
        assert!(peak < 500, "{peak} MB");
    }
    eprintln!("four files of 200 MB: {:?}", started.elapsed());
}

#[test]
fn nesting() {
    let deep = |open: &str, middle: &str, close: &str, count: usize| {
        format!("protocol device {{ }}\n{}{middle}{}", open.repeat(count), close.repeat(count))
    };
    for count in [100, 1000, 10_000, 1_000_000] {
        for (what, text) in [
            (
                "parentheses",
                format!("protocol device {{ }} define a = {}1{};", "(".repeat(count), ")".repeat(count)),
            ),
            ("open only", format!("protocol device {{ }} define a = {}", "(".repeat(count))),
            ("negations", format!("protocol device {{ }} define a = {}true;", "!".repeat(count))),
            ("sums", format!("protocol device {{ }} define a = 1{};", "+1".repeat(count))),
            ("blocks", deep("{", "", "}", count).replacen('\n', "filter f ", 1)),
            ("conditions", deep("if true then ", "accept;", "", count).replacen('\n', "filter f {", 1) + "}"),
            (
                "sets",
                format!("protocol device {{ }} define a = {}1{};", "[".repeat(count), "]".repeat(count)),
            ),
        ] {
            let (code, said, peak) = check_text(text.as_bytes());
            assert!(code == 0 || code == 1, "{count} {what}: {said}");
            if count >= 10_000 && matches!(what, "parentheses" | "blocks" | "negations") {
                assert_eq!(code, 1, "{count} {what} are refused");
            }
            assert!(said.len() < 2000, "{count} {what}: {} bytes of complaint", said.len());
            assert!(peak < 800, "{count} {what}: {peak} MB");
        }
    }
    let (code, said, _) = check_text(deep("", "", "", 0).as_bytes());
    assert_eq!((code, said.as_str()), (0, ""), "the frame of these files is good");
}

#[test]
fn includes_that_never_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bird.conf");
    fs::write(&file, "include \"bird.conf\";\nprotocol device { }\n").unwrap();
    let (code, said, _) = check(&file);
    assert_eq!(code, 1);
    assert!(said.contains("Max include depth reached"), "{said}");
    // Each of forty files includes all forty: 40^7 files if nobody stops at the first mistake.
    for n in 0..40 {
        fs::write(folder.path().join(format!("{n}.conf")), "include \"*.conf\";\n").unwrap();
    }
    let (code, said, peak) = check(&file);
    assert_eq!(code, 1);
    assert!(said.contains("Max include depth reached"), "{said}");
    assert!(peak < 200, "{peak} MB");
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let secret = folder.path().join("secret.conf");
    fs::write(&secret, "protocol device { }\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = match is_root() {
        // Root may read everything, so somebody else tries.
        true => {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--", BIRD]);
            command
        }
        false => Command::new(BIRD),
    };
    let out = command.arg("-p").arg("-c").arg(&secret).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    // The program itself may lie where nobody else may go; that is no matter of ours.
    if !said.contains("setpriv:") {
        assert_eq!(out.status.code(), Some(1));
        assert!(said.contains("secret.conf: Permission denied"), "{said}");
    }
    let (code, said, _) = check(folder.path());
    assert_eq!(code, 1);
    assert!(said.starts_with("bird: "), "{said}");
    let (code, said, _) = check_text(b"include \"no-such-file.conf\";\nprotocol device { }\n");
    assert_eq!(code, 1);
    assert!(said.contains(":1:") && said.contains("no-such-file.conf"), "{said}");
}

const QUIET: &str = "log stderr { warning, error, fatal, bug };\nrouter id 192.0.2.10;\nprotocol device { }\n\
                     protocol static routes1 { ipv4; route 10.0.0.0/8 blackhole; }\n";

#[test]
fn a_command_of_ten_megabytes() {
    in_network("a_command_of_ten_megabytes", || {
        let daemon = Daemon::start(QUIET);
        let before = daemon.memory();
        let mut session = daemon.session();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..10 {
            session.send(&piece);
        }
        assert!(daemon.memory() < before + 8, "{} MB, {before} before", daemon.memory());
        session.send(b"\nshow status\n");
        assert_eq!(session.reply(), ["9000 Command too long"]);
        assert_eq!(code(&session.reply()), "0013", "the session goes on");
        // Long, but a command.
        let long = format!("eval {}1", "1 + ".repeat(900));
        assert_eq!(session.ask(&long), ["0023 901"]);
    });
}

#[test]
fn half_a_command() {
    in_network("half_a_command", || {
        let daemon = Daemon::start(QUIET);
        let mut waiting = daemon.session();
        waiting.send(b"show sta");
        for _ in 0..50 {
            let mut leaving = daemon.session();
            leaving.send(b"show ro");
        }
        assert_eq!(code(&daemon.ask("show status")), "0013", "others are answered");
        waiting.send(b"tus\n");
        assert_eq!(code(&waiting.reply()), "0013", "the other half may come late");
    });
}

#[test]
fn noise_on_the_socket() {
    in_network("noise_on_the_socket", || {
        let daemon = Daemon::start(QUIET);
        let mut noise = Noise(0xbad);
        let mut session = daemon.session();
        for _ in 0..500 {
            let size = noise.next() as usize % 200;
            let mut line = noise.bytes(size);
            line.retain(|b| !matches!(b, b'\n' | b'\r'));
            line.push(b'\n');
            session.send(&line);
            assert_eq!(code(&session.reply()), "9001", "{line:?}");
        }
        // Deep nesting in a command must not take the daemon's stack.
        for open in ["(", "{", "[", "!", "if true then "] {
            let line = format!("eval {}", open.repeat(4000 / open.len()));
            assert!(code(&session.ask(&line)) >= "9000", "{open}");
        }
        assert_eq!(code(&session.ask("show status")), "0013");
    });
}

#[test]
fn five_hundred_sessions() {
    in_network("five_hundred_sessions", || {
        let daemon = Daemon::start(QUIET);
        let before = daemon.memory();
        let mut sessions: Vec<Session> = (0..500).map(|_| daemon.session()).collect();
        for session in &mut sessions {
            session.send(b"show protocols all\nshow route all\nshow status\n");
        }
        for session in &mut sessions {
            assert_eq!(code(&session.reply()), "0000");
            assert_eq!(code(&session.reply()), "0000");
            assert_eq!(code(&session.reply()), "0013");
        }
        let during = daemon.memory();
        assert!(during < before + 50, "{before} MB before, {during} MB with 500 sessions");
        drop(sessions);
        assert_eq!(code(&daemon.ask("show status")), "0013");
    });
}

/// A client that asks without ever reading is slowed down, not remembered.
#[test]
fn clients_that_never_read() {
    in_network("clients_that_never_read", || {
        let daemon = Daemon::start(QUIET);
        let before = daemon.memory();
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let stream = std::os::unix::net::UnixStream::connect(daemon.socket()).unwrap();
                stream.set_nonblocking(true).unwrap();
                let lines = "show protocols all\n".repeat(1000);
                // As much as the daemon takes.
                while (&stream).write(lines.as_bytes()).is_ok() {}
                stream
            })
            .collect();
        assert_eq!(code(&daemon.ask("show status")), "0013");
        assert!(daemon.memory() < before + 50, "{} MB, {before} before", daemon.memory());
        drop(clients);
    });
}

/// A bad file on `configure` is refused and changes nothing, however bad.
#[test]
fn configure_with_rubbish() {
    in_network("configure_with_rubbish", || {
        let daemon = Daemon::start(QUIET);
        let mut noise = Noise(0xc0de);
        for text in [noise.bytes(10_000), "(".repeat(100_000).into_bytes(), Vec::new()] {
            fs::write(daemon.file("bird.conf"), text).unwrap();
            assert_eq!(code(&daemon.ask("configure")), "8002");
            assert_eq!(code(&daemon.ask("configure check")), "8002");
        }
        fs::remove_file(daemon.file("bird.conf")).unwrap();
        let reply = daemon.ask("configure");
        assert!(reply[1].ends_with("bird.conf: No such file or directory"), "{reply:?}");
        assert_eq!(daemon.ask("show route count")[0], "1007-1 of 1 routes for 1 networks in table master4");
    });
}
