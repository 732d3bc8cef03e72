//! A whole daemon with a kernel in memory, and sessions that send any lines.
//!
//! Everything is as in the real one from the socket to the engine and back. Left out are commands that write files or end the daemon. Each whole line
//! must be answered, in the form of the protocol, and within some seconds.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, Instant};

use tern::base::LogClass;
use tern::control::server::{Options, Server, Socket};
use tern::daemon::Daemon;
use tern::daemon::loader::Loader;
use tern::engine::logger::{LogOutput, Logger};
use tern::engine::{Engine, Handle};
use tern::sys::fake::FakeKernel;

const CONFIG: &str = r#"
router id 192.0.2.1;
define LIMIT = 24;
define OURS = [ 10.0.0.0/8+, 192.168.0.0/16{16,24} ];
attribute int colour;
attribute clist marks;
roa4 table r4;
aspa table at;
flow4 table fl4;
ipv4 table t2;
function twice(int n) -> int { return n * 2; }
function deep(int n) -> int { if n = 0 then return 0; return 1 + deep(n - 1); }
function wide(int n) -> int { if n = 0 then return 0; return wide(n - 1) + wide(n - 1); }
filter policy {
	if net ~ OURS then { bgp_community.add((1, 2)); colour = twice(net.len); accept "ours"; }
	if roa_check(r4, net, 65000) = ROA_INVALID then reject "invalid";
	bgp_path.prepend(65000);
	accept;
}
protocol device { }
protocol static one {
	ipv4 { import filter policy; import keep filtered; };
	route 10.0.0.0/8 blackhole;
	route 10.1.0.0/16 unreachable { bgp_med = 5; };
	route 192.168.1.0/24 prohibit;
	route 203.0.113.0/24 via 192.0.2.9;
}
protocol static two { ipv6; route 2001:db8::/32 blackhole; route ::/0 unreachable; }
protocol static three { roa4; route 10.0.0.0/8 max 16 as 65000; }
protocol static four { flow4; route flow4 { dst 10.0.0.0/8; proto = 6; }; }
protocol static five { aspa; route aspa 65000 providers 1, 2; }
protocol pipe p { table master4; peer table t2; import all; export where net.len > 8; }
protocol kernel k { ipv4 { export where source = RTS_STATIC; import all; }; learn; }
"#;

/// Lines with these words are not sent.
const NOT_SENT: [&str; 6] = ["dump", "configure", "down", "graceful", "wait", "quit"];

struct Silent;

impl LogOutput for Silent {
    fn write(&self, _: LogClass, _: &str) {}
}

/// Starts the daemon and tells where its socket is.
fn start() -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tern-fuzz-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (file, path) = (folder.join("bird.conf"), folder.join("ctl"));
    std::fs::write(&file, CONFIG).expect("a file");
    let loader = Loader::default();
    let config = loader.load(&file).unwrap_or_else(|why| panic!("{why}"));
    let shared = Arc::new(RwLock::new(config.clone()));
    let handle = Handle::default();
    let started = Instant::now();
    let (booted, boot) = std::sync::mpsc::channel();
    let make = move || {
        let kernel = Box::new(FakeKernel::default());
        Engine::new(config, tern::protocols::KINDS, kernel, Logger::new(Arc::new(Silent)), started)
    };
    handle.run(make, move |up| booted.send(up).unwrap(), || ()).expect("a thread");
    boot.recv().unwrap().expect("it starts");
    let daemon = Daemon::new(handle.clone(), started, file, loader, "host".into(), shared);
    let socket = Socket::bind(&path, None).expect("a socket");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let mut server = Server::new(Arc::new(daemon), Options::default(), None);
            server.main_socket(socket).expect("it listens");
            std::future::pending::<()>().await;
        });
    });
    // A kernel in memory rings no bell.
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(20));
            handle.wake();
        }
    });
    path
}

/// Reads to the end of a reply.
fn reply(stream: &mut UnixStream, rest: &mut Vec<u8>) {
    let mut code = None;
    loop {
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let line = &line[..end];
            match line {
                [b'+', ..] => {}
                [b' ', ..] if code.is_some() => {}
                [a, b, c, d, mark @ (b'-' | b' '), ..] if [a, b, c, d].iter().all(|d| d.is_ascii_digit()) => {
                    code = Some((*a, *b, *c, *d));
                    if *mark == b' ' {
                        return;
                    }
                }
                _ => panic!("not a line of the protocol: {:?}", String::from_utf8_lossy(line)),
            }
        }
        let mut chunk = [0; 16 * 1024];
        let count = match stream.read(&mut chunk) {
            // The fuzzer's clock.
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.expect("an answer in time"),
        };
        assert!(count > 0, "the session was closed");
        rest.extend_from_slice(&chunk[..count]);
    }
}

/// Target `session`.
pub fn session(data: &[u8]) {
    static SOCKET: OnceLock<PathBuf> = OnceLock::new();
    let socket = SOCKET.get_or_init(start);
    let mut stream = UnixStream::connect(socket).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a limit");
    let mut rest = Vec::new();
    reply(&mut stream, &mut rest);
    for line in data.split(|b| *b == b'\n').take(20) {
        let text = String::from_utf8_lossy(line);
        if NOT_SENT.iter().any(|word| text.contains(word)) {
            continue;
        }
        stream.write_all(&[line, b"\n"].concat()).expect("it takes a line");
        reply(&mut stream, &mut rest);
    }
}
