//! `bird --sandbox`: the daemon in a network of its own, made on the spot and without root, and the shell on it.
//!
//! A user and a network namespace with two virtual links; in it an alien route, the daemon on the given file,
//! what the kernel then holds, and `birdc`. Nothing outside the namespace is touched, and nothing of it is
//! left at the end.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};

use super::loader::Loader;
use super::run::{Settings, run};
use crate::base::{IpNet, NextHop};
use crate::sys::kernel::{
    Family, Kernel, KernelEvent, KernelRoute, Link, PROTOCOL_BIRD, Question, RouteBody, RouteKey, RouteKind,
    RouteOp, RouteVerb, Target,
};
use crate::sys::linux::NetlinkKernel;
use crate::sys::namespace;

/// The configuration when none is given.
const EXAMPLE: &str = include_str!("../../examples/sandbox.conf");

/// The alien route of the sandbox: `proto static`, as an administrator's would be.
const ALIEN: (&str, &str, u8) = ("203.0.113.0/24", "192.0.2.9", 4);

/// Runs the sandbox and returns the shell's exit status.
pub fn sandbox(file: Option<PathBuf>, loader: Loader) -> anyhow::Result<u8> {
    let folder = Folder::make()?;
    let example = file.is_none();
    let config = match file {
        Some(file) => file,
        None => {
            let path = folder.0.join("sandbox.conf");
            std::fs::write(&path, EXAMPLE).context("cannot write the example configuration")?;
            path
        }
    };
    // Before any thread exists: the namespace is the thread's, and threads inherit it.
    namespace::sandbox()?;
    let mut eye = NetlinkKernel::start(|| {}).context("cannot talk to the kernel")?;
    let links = ask(&mut eye, Question::Links)?.links;
    add_alien(&mut eye, &links)?;

    let socket = folder.0.join("bird.ctl");
    let settings = Settings {
        config: config.clone(),
        socket: socket.clone(),
        pid_file: None,
        foreground: true,
        log_to_stderr: true,
        debug_file: None,
        user: None,
        group: None,
        recover: false,
    };
    let daemon = std::thread::Builder::new().name("daemon".into()).spawn(move || run(&settings, loader))?;
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        if daemon.is_finished() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    // Nobody is there to answer if the start fails after all.
    let _ = tell(&socket, &format!("wait kernel {}", STANDING.as_secs()), STANDING * 2);
    if daemon.is_finished() {
        return match daemon.join() {
            Ok(result) => result.and(Err(anyhow!("the daemon ended at once"))),
            Err(_) => Err(anyhow!("the daemon failed internally")),
        };
    }
    show_kernel(&mut eye, &links, &config)?;
    let nets = if example { ", `show route 10.3.0.0/16 all`" } else { "" };
    println!("Try `show route`, `show protocols all`{nets}; `quit` ends the sandbox.\n");
    let status = birdc::run(&birdc::Options::for_socket(&socket))?;
    // An operator may have said `down` already: then there is nobody left to ask.
    let _ = tell(&socket, "down", Duration::from_secs(5));
    // The namespace goes with the process; a daemon that hangs must not keep it.
    let patience = Instant::now() + Duration::from_secs(10);
    while !daemon.is_finished() && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(status)
}

/// How long the routes of the file may take to stand in the kernel before it is shown as it is.
const STANDING: Duration = Duration::from_secs(30);

/// Tells the daemon something and waits until it has done it, without showing its answer.
fn tell(socket: &Path, command: &str, patience: Duration) -> std::io::Result<()> {
    use std::io::{Read, Write};
    let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(patience))?;
    writeln!(stream, "{command}")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> anyhow::Result<Folder> {
        let path = std::env::temp_dir().join(format!("tern-sandbox-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[derive(Default)]
struct Answers {
    links: Vec<Link>,
    routes: Vec<KernelRoute>,
}

/// Asks the kernel and waits for the whole answer.
fn ask(kernel: &mut NetlinkKernel, question: Question) -> anyhow::Result<Answers> {
    kernel.ask(1, question);
    let mut answers = Answers::default();
    let patience = Instant::now() + Duration::from_secs(30);
    let mut events = Vec::new();
    while Instant::now() < patience {
        kernel.poll(&mut events);
        for event in events.drain(..) {
            match event {
                KernelEvent::Links(1, result) => {
                    answers.links = result?;
                    return Ok(answers);
                }
                KernelEvent::Routes(1, mut routes) => answers.routes.append(&mut routes),
                KernelEvent::Finished(1, result) => {
                    result?;
                    return Ok(answers);
                }
                _ => {}
            }
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Err(anyhow!(
        "the kernel has not listed its interfaces and routes within 30 seconds: is the machine very busy?"
    ))
}

fn add_alien(kernel: &mut NetlinkKernel, links: &[Link]) -> anyhow::Result<()> {
    let (net, gateway, protocol) = ALIEN;
    let Some(link) = links.iter().find(|l| &*l.name == "veth0") else { return Ok(()) };
    let gateway: IpAddr = gateway.parse()?;
    let hop = NextHop::new(Some(gateway), link.index);
    let body = RouteBody { protocol, ..RouteBody::new(RouteKind::Unicast, [hop]) };
    let key = RouteKey { table: 254, dst: net.parse()?, src: None, metric: 100 };
    kernel.submit(&mut vec![RouteOp { ticket: 2, key, verb: RouteVerb::Add(body.into()) }]);
    Ok(())
}

/// Shows the kernel's main table.
fn show_kernel(kernel: &mut NetlinkKernel, links: &[Link], config: &Path) -> anyhow::Result<()> {
    let mut routes = Vec::new();
    for family in [Family::V4, Family::V6] {
        routes.extend(ask(kernel, Question::Routes { family, table: 254 })?.routes);
    }
    println!("Tern runs on {} in a network of its own. The kernel's main table now:", config.display());
    for route in &routes {
        if route.body.kind != RouteKind::Unicast || !is_boring(&route.key.dst) {
            println!("  {}", line(route, links));
        }
    }
    Ok(())
}

/// Link-local and multicast nets that every link has.
fn is_boring(target: &Target) -> bool {
    matches!(target, Target::Net(IpNet::V6(n)) if n.addr().segments()[0] >= 0xfe80)
}

/// A route as iproute2 writes it, as far as the sandbox needs it.
fn line(route: &KernelRoute, links: &[Link]) -> String {
    let name = |index: u32| links.iter().find(|l| l.index == index).map_or("?", |l| &l.name);
    let kind = match route.body.kind {
        RouteKind::Blackhole => "blackhole ",
        RouteKind::Unreachable => "unreachable ",
        RouteKind::Prohibit => "prohibit ",
        _ => "",
    };
    let hops: Vec<String> = route
        .body
        .hops
        .iter()
        .map(|hop| {
            let via = hop.next.gateway.map_or(String::new(), |g| format!(" via {g}"));
            let weight = match route.body.hops.len() {
                1 => String::new(),
                _ => format!(" weight {}", hop.next.weight),
            };
            format!("{via} dev {}{weight}", name(hop.next.ifindex))
        })
        .collect();
    let protocol = match route.body.protocol {
        2 => "kernel".to_owned(),
        4 => "static".to_owned(),
        PROTOCOL_BIRD => "bird".to_owned(),
        other => other.to_string(),
    };
    let many = if hops.len() > 1 { " nexthop" } else { "" };
    let hops: String = hops.iter().map(|hop| format!("{many}{hop}")).collect();
    format!("{kind}{}{hops} proto {protocol} metric {}", route.key.dst, route.key.metric)
}
