//! What tests of the whole daemon share: a network of the test's own, daemons in it, and a client for the
//! control socket.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The daemon under test.
pub(crate) const BIRD: &str = env!("CARGO_BIN_EXE_bird");

/// How long anything may take before the test gives up. Debug builds on busy machines are slow, and whoever
/// waits for what comes does not wait longer for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Set for the test inside its namespace.
const INSIDE: &str = "TERN_TEST_NETWORK";

/// Runs the test of this name in a network of its own: the test program is started again in a new namespace,
/// for this one test. Where namespaces are forbidden, the test is skipped and says so.
pub(crate) fn in_network(test: &str, body: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        return body();
    }
    for (tool, package) in [("unshare", "util-linux"), ("ip", "iproute2")] {
        assert!(Command::new(tool).arg("-V").output().is_ok(), "this test needs `{tool}`: install {package}");
    }
    let flags = if is_root() { "-n" } else { "-Urn" };
    let allowed = Command::new("unshare").args([flags, "true"]).output().is_ok_and(|o| o.status.success());
    if !allowed {
        skipped(test, "network namespaces are forbidden here");
        return;
    }
    let again = Command::new("unshare")
        .args([flags, "--"])
        .arg(std::env::current_exe().expect("the test program has a path"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(again.status.success(), "{}\n{}", text(&again.stdout), text(&again.stderr));
    assert!(text(&again.stdout).contains("1 passed"), "no test is called {test}");
}

/// Says that a test did not run, past the test harness, which would swallow it.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {test}: {why}");
}

/// Whether we are root of the machine (inside [`in_network`] everybody is root of something).
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs `ip` with these words and returns what it prints.
pub(crate) fn ip(words: &str) -> String {
    let output = Command::new("ip").args(words.split(' ')).output().expect("ip runs");
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Makes a link that is up and has these addresses; its other end is `NAMEp`.
pub(crate) fn link(name: &str, addresses: &[&str]) {
    ip(&format!("link add {name} type veth peer name {name}p"));
    ip(&format!("link set {name} up"));
    ip(&format!("link set {name}p up"));
    for address in addresses {
        let no_check = if address.contains(':') { " nodad" } else { "" };
        ip(&format!("addr add {address} dev {name}{no_check}"));
    }
}

/// The routes of a kernel table that carry our protocol number, sorted, one line each: `10.1.0.0/16 via
/// 192.0.2.2 dev veth0 metric 32`.
pub(crate) fn kernel_routes(table: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["-4", "-6"] {
        let words = format!("-o {family} route show table {table} proto bird");
        let output = Command::new("ip").args(words.split(' ')).output().expect("ip runs");
        // A table without any route does not exist: that is an error to `ip`, not to us.
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        lines.extend(text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    lines.sort();
    lines
}

/// Waits until something holds; `what` says what did not.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "still not after {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the kernel's table holds exactly these routes; each is the beginning of a line.
pub(crate) fn until_routes(table: &str, expected: &[&str]) {
    let matches = |lines: &[String]| {
        lines.len() == expected.len() && expected.iter().all(|e| lines.iter().any(|l| l.starts_with(e)))
    };
    let start = Instant::now();
    loop {
        let lines = kernel_routes(table);
        if matches(&lines) {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "table {table}: expected {expected:#?}, found {lines:#?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A running daemon with a folder of its own; killed when it goes out of scope.
pub(crate) struct Daemon {
    child: Child,
    /// Holds `bird.conf`, `bird.ctl`, `bird.pid`, `bird.log`.
    pub folder: TempDir,
}

impl Daemon {
    /// Starts a daemon on this configuration in the foreground and waits for its socket.
    pub(crate) fn start(config: &str) -> Daemon {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("bird.conf"), config).expect("a file can be written");
        Daemon::start_in(folder, &[])
    }

    /// Starts a daemon in a folder that holds `bird.conf`, with further arguments.
    pub(crate) fn start_in(folder: TempDir, more: &[&str]) -> Daemon {
        let config = folder.path().join("bird.conf");
        Daemon::start_on(folder, &config, more)
    }

    /// Starts a daemon with a file that is somewhere else.
    pub(crate) fn start_on(folder: TempDir, config: &Path, more: &[&str]) -> Daemon {
        let log = fs::File::create(folder.path().join("bird.log")).expect("a file can be made");
        let mut command = bird(folder.path(), config);
        let child = command.arg("-f").args(more).stderr(log).spawn().expect("the daemon starts");
        let mut daemon = Daemon { child, folder };
        let start = Instant::now();
        while !greets(&daemon.socket()) {
            let ended = daemon.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the daemon ended: {}", daemon.log());
            assert!(start.elapsed() < PATIENCE, "no socket: {}", daemon.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        daemon
    }

    /// The path of a file in its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.file("bird.ctl")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote to standard error.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.file("bird.log")).unwrap_or_default()
    }

    /// Another configuration for the next `configure`.
    pub(crate) fn rewrite(&self, config: &str) {
        fs::write(self.file("bird.conf"), config).expect("a file can be written");
    }

    /// A session.
    pub(crate) fn session(&self) -> Session {
        Session::open(&self.socket())
    }

    /// One command on a session of its own: the lines of the reply, with their codes.
    pub(crate) fn ask(&self, command: &str) -> Vec<String> {
        self.session().ask(command)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("our child can be signalled");
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "the daemon does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its resident memory now, in MB.
    pub(crate) fn memory(&self) -> u64 {
        memory_of(self.pid(), "VmRSS:").unwrap_or(0)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the daemon is ready: it listens early, but greets only when everything stands.
fn greets(socket: &Path) -> bool {
    let Ok(mut stream) = UnixStream::connect(socket) else { return false };
    // The greeting may take as long as the start; a daemon that dies closes the connection.
    stream.set_read_timeout(Some(PATIENCE)).is_ok() && stream.read(&mut [0; 4]).is_ok_and(|count| count == 4)
}

/// The daemon's program with socket and PID file in `folder`.
pub(crate) fn bird(folder: &Path, config: &Path) -> Command {
    let mut command = Command::new(BIRD);
    command
        .arg("-c")
        .arg(config)
        .arg("-s")
        .arg(folder.join("bird.ctl"))
        .arg("-P")
        .arg(folder.join("bird.pid"));
    command.stdin(Stdio::null());
    command
}

/// A line of `/proc/PID/status` in MB.
pub(crate) fn memory_of(pid: u32, line: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let rest = status.lines().find_map(|l| l.strip_prefix(line))?;
    Some(rest.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}

/// Runs a program to its end and watches its memory: the output and the largest resident size seen, in MB.
pub(crate) fn watched(command: &mut Command) -> (Output, u64) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let pid = child.id();
    let mut stderr = child.stderr.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| text)
    });
    let mut peak = 0;
    let start = Instant::now();
    let status = loop {
        peak = peak.max(memory_of(pid, "VmHWM:").unwrap_or(0));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let stderr = reader.join().expect("the reader ends").expect("a pipe can be read");
    (Output { status, stdout: Vec::new(), stderr }, peak)
}

/// A client of the control socket.
pub(crate) struct Session {
    stream: BufReader<UnixStream>,
}

impl Session {
    /// Connects and reads the greeting.
    pub(crate) fn open(socket: &Path) -> Session {
        let stream = UnixStream::connect(socket).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
        let mut session = Session { stream: BufReader::new(stream) };
        assert_eq!(session.reply(), ["0001 BIRD 2.19.0 ready."]);
        session
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).expect("the daemon reads");
    }

    /// Waits until nothing more comes although nothing is read: the daemon waits for us.
    pub(crate) fn until_full(&self) {
        let waiting = || rustix::io::ioctl_fionread(self.stream.get_ref()).expect("a socket can be asked");
        let (mut last, mut since) = (waiting(), Instant::now());
        until("an answer has begun", || {
            let now = waiting();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            last > 0 && since.elapsed() > Duration::from_secs(1)
        });
    }

    /// The next whole reply.
    pub(crate) fn reply(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            let count = self.stream.read_until(b'\n', &mut line).expect("the daemon answers in time");
            assert!(count > 0, "the daemon closed the session after {lines:?}");
            let line = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
            let last =
                line.len() > 4 && line.as_bytes()[4] == b' ' && line[..4].bytes().all(|b| b.is_ascii_digit());
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// A command and its reply.
    pub(crate) fn ask(&mut self, command: &str) -> Vec<String> {
        self.send(command.as_bytes());
        self.send(b"\n");
        self.reply()
    }
}

/// The code of a reply's last line.
pub(crate) fn code(reply: &[String]) -> &str {
    reply.last().map_or("", |line| &line[..4])
}
