//! Killed at any moment and started again, the daemon leaves no gap and no leftovers. The kernel's own
//! notices are the proof.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::*;

/// Routes that stay wanted, in every configuration.
const STAY: usize = 40;
/// Routes each of the two configurations has for itself.
const GO: usize = 40;

/// `ip monitor`, writing to a file.
struct Monitor(Child);

impl Monitor {
    fn start(file: &std::path::Path) -> Monitor {
        let out = fs::File::create(file).unwrap();
        let mut command = Command::new("ip");
        command.args(["-o", "monitor", "route"]).stdout(out).stderr(Stdio::null());
        let monitor = Monitor(command.spawn().unwrap());
        // Until it hears.
        until("the monitor listens", || {
            ip("route add blackhole 198.51.100.0/24 proto static");
            ip("route del blackhole 198.51.100.0/24 proto static");
            fs::read_to_string(file).unwrap().contains("198.51.100.0/24")
        });
        monitor
    }
}

/// Waits until the monitor has written down all that happened so far; `round` tells the calls apart.
fn caught_up(heard: &std::path::Path, round: usize) {
    let net = format!("198.51.{round}.0/24");
    ip(&format!("route add blackhole {net} proto static"));
    ip(&format!("route del blackhole {net} proto static"));
    until("the monitor has heard it", || {
        fs::read_to_string(heard).unwrap().contains(&format!("Deleted blackhole {net} "))
    });
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn config(which: usize) -> String {
    let mut routes = String::new();
    for i in 0..STAY {
        routes += &format!("route 10.1.{i}.0/24 via 192.0.2.2; ");
    }
    for i in 0..GO {
        routes += &format!("route 10.{}.{i}.0/24 via 192.0.2.{}; ", 2 + which, 3 + which);
    }
    format!(
        "router id 192.0.2.1; protocol device {{}} protocol static {{ ipv4; {routes} }} \
         protocol kernel {{ ipv4 {{ import none; export all; }}; }}"
    )
}

#[test]
fn killed_at_any_moment() {
    in_network("killed_at_any_moment", || {
        link("eth0", &["192.0.2.1/24"]);
        let folder = tempfile::tempdir().unwrap();
        let (file, heard) = (folder.path().join("bird.conf"), folder.path().join("heard"));
        let monitor = Monitor::start(&heard);
        // Somebody else's route in the place of one of ours must survive all this.
        ip("route add 10.2.7.0/24 via 192.0.2.9 metric 32 proto static");
        let mut random = 12345u64;
        for round in 0..25 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            fs::write(&file, config(round % 2)).unwrap();
            let mut child = bird(folder.path(), &file).arg("-f").stderr(Stdio::null()).spawn().unwrap();
            // Now and then it comes so far that all stands, and is told of the other configuration.
            if round % 5 == 4 {
                let has =
                    |net: &str| kernel_routes("main").iter().filter(|line| line.starts_with(net)).count();
                let (own, other) = (2 + round % 2, 3 - round % 2);
                until("its own routes stand, and no others", || {
                    // In the place of one of them is somebody else's.
                    has(&format!("10.{own}.")) >= GO - 1 && has(&format!("10.{other}.")) == 0
                });
                fs::write(&file, config((round + 1) % 2)).unwrap();
                let pid = rustix::process::Pid::from_child(&child);
                rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
            }
            std::thread::sleep(Duration::from_micros((random >> 33) % 120_000));
            child.kill().unwrap();
            child.wait().unwrap();
            // It hears no more than its socket holds.
            caught_up(&heard, round);
        }
        fs::write(&file, config(1)).unwrap();
        let _daemon = Daemon::start_on(folder, &file, &[]);
        let expected: Vec<String> = (0..STAY)
            .map(|i| format!("10.1.{i}.0/24 via 192.0.2.2 dev eth0"))
            .chain((0..GO).map(|i| format!("10.3.{i}.0/24 via 192.0.2.4 dev eth0")))
            .collect();
        until_routes("main", &expected.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ip("route show 10.2.7.0/24").contains("via 192.0.2.9 dev eth0 proto static metric 32"));
        caught_up(&heard, 99);
        drop(monitor);
        let heard = fs::read_to_string(&heard).unwrap();
        let about = |net: &str| heard.lines().filter(|line| line.contains(net)).count();
        for i in 0..STAY {
            let net = format!(" 10.1.{i}.0/24 ");
            let line = |line: &&str| format!(" {line}").contains(&net);
            let told: Vec<&str> = heard.lines().filter(line).collect();
            assert_eq!(told.len(), 1, "written once and never touched again: {told:#?}");
        }
        assert!(about("Deleted 10.2.") > 0 && about("Deleted 10.3.") > 0, "the others did come and go");
    });
}
