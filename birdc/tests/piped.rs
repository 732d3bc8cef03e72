//! The shell with its input from a pipe, on a daemon that knows nothing of ours.
#![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};

/// What the shell prints for this input; the daemon answers every command with its text.
fn printed(input: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bird.ctl");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for session in listener.incoming() {
            let mut session = session.unwrap();
            session.write_all(b"0001 BIRD 2.0.12 ready.\n").unwrap();
            for line in BufReader::new(session.try_clone().unwrap()).lines() {
                let Ok(line) = line else { break };
                let reply = match line.as_str() {
                    "commands" => "9001 syntax error\n".to_owned(),
                    other => format!("0013 {other}\n"),
                };
                if session.write_all(reply.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    let mut shell = Command::new(env!("CARGO_BIN_EXE_birdc"))
        .arg("-s")
        .arg(&socket)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_question_mark_asks_for_help() {
    let all = printed("configure ?\nsho mem\nnonsense\n");
    let (help, rest) = all.split_once("show memory\n").unwrap();
    assert!(help.contains("configure confirm") && !help.contains("No such command"), "{all}");
    assert!(rest.contains("No such command"), "{all}");
}
