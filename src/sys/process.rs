//! The daemon as a process: going to the background, privileges, the PID file, the service manager.
//!
//! Everything here that forks or changes who we are happens before the first thread exists; a fork copies only the
//! calling thread, and ids and capabilities belong to a thread each.
#![allow(
    unsafe_code,
    reason = "fork, and the C library's user database, which knows more sources than a file"
)]

use std::ffi::CString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Gid, Pid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::strerror;

/// A start that somebody may be waiting for.
pub struct Launch {
    report: Option<File>,
}

impl Launch {
    /// A start in the foreground: nobody is waiting.
    pub fn foreground() -> Launch {
        Launch { report: None }
    }

    /// Goes to the background: returns in a child in a session of its own, while the parent waits for its report and
    /// then exits. Until [`ready`](Self::ready) standard error is still the caller's, so that errors can be seen.
    ///
    /// Fails if other threads exist.
    pub fn background() -> io::Result<Launch> {
        // A thread that was waited for is listed for a moment longer, on a busy machine for quite a few.
        let alone = || fs::read_dir("/proc/self/task").map_or(true, |tasks| tasks.count() <= 1);
        let patience = Instant::now() + Duration::from_secs(2);
        while !alone() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
        if !alone() {
            return Err(io::Error::other("cannot go to the background: threads are running"));
        }
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        // SAFETY: there is no other thread, so the child is a complete copy of this process.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                drop(reader);
                rustix::process::setsid()?;
                Ok(Launch { report: Some(writer.into()) })
            }
            child => {
                drop(writer);
                await_report(reader, child)
            }
        }
    }

    /// The daemon works: detaches from the terminal and lets the parent exit with success.
    pub fn ready(mut self) -> io::Result<()> {
        let Some(mut report) = self.report.take() else { return Ok(()) };
        let null = File::options().read(true).write(true).open("/dev/null")?;
        rustix::stdio::dup2_stdin(&null)?;
        rustix::stdio::dup2_stdout(&null)?;
        rustix::stdio::dup2_stderr(&null)?;
        report.write_all(&[0])
    }
}

/// Waits until the child says that it works, or dies; exits with its success or its exit code.
fn await_report(reader: OwnedFd, child: libc::pid_t) -> ! {
    let mut report = Vec::new();
    if File::from(reader).read_to_end(&mut report).is_ok() && report == [0] {
        std::process::exit(0);
    }
    let status = Pid::from_raw(child).and_then(|child| {
        rustix::process::waitpid(Some(child), rustix::process::WaitOptions::empty()).ok().flatten()
    });
    let code = status.and_then(|(_, status)| status.exit_status()).filter(|&code| code != 0);
    std::process::exit(code.unwrap_or(1));
}

/// The PID file: made early, when we still may; removed at a regular end.
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Makes the file. The error is the line to show.
    pub fn create(path: &Path) -> Result<PidFile, String> {
        let file =
            File::options().write(true).create(true).truncate(false).open(path).map_err(|error| {
                format!("Cannot create PID file {}: {}", path.display(), strerror(&error))
            })?;
        Ok(PidFile { path: path.to_owned(), file })
    }

    /// Writes the number of this process.
    pub fn write(&mut self) -> io::Result<()> {
        let text = format!("{}\n", std::process::id());
        self.file.set_len(0)?;
        self.file.write_all(text.as_bytes())
    }

    /// Removes the file.
    pub fn remove(self) {
        // It may be in a directory we may no longer write to.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whom to become. Plain data, looked up before anything changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    user: Option<Uid>,
    group: Option<Gid>,
}

impl Identity {
    /// Looks up the arguments of `-u` and `-g`: names or numbers. The error is the line to show.
    pub fn find(user: Option<&str>, group: Option<&str>) -> Result<Identity, String> {
        let user = user.map(|name| find_user(name).ok_or(format!("Cannot find user '{name}'")));
        let group = group.map(|name| find_group(name).ok_or(format!("Cannot find group '{name}'")));
        Ok(Identity { user: user.transpose()?, group: group.transpose()? })
    }

    /// Whom files made for that user and group should belong to; `None`: to whoever we are.
    pub fn owner(self) -> Option<(Option<u32>, Option<u32>)> {
        let (user, group) = (self.user.map(Uid::as_raw), self.group.map(Gid::as_raw));
        (user.is_some() || group.is_some()).then_some((user, group))
    }

    /// Becomes that user and group; threads started later inherit it. Another user than root keeps the capabilities to
    /// change routes, to open raw sockets and to bind to low ports.
    pub fn assume(self) -> io::Result<()> {
        if let Some(group) = self.group {
            rustix::thread::set_thread_groups(&[])?;
            rustix::thread::set_thread_gid(group)?;
        }
        if let Some(user) = self.user {
            rustix::thread::set_keep_capabilities(true)?;
            rustix::thread::set_thread_uid(user)?;
            rustix::thread::set_keep_capabilities(false)?;
            if !user.is_root() {
                // What was not there before cannot be kept.
                let keep =
                    CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW | CapabilitySet::NET_BIND_SERVICE;
                let permitted = rustix::thread::capabilities(None)?.permitted & keep;
                let inheritable = CapabilitySet::empty();
                let sets = CapabilitySets { effective: permitted, permitted, inheritable };
                rustix::thread::set_capabilities(None, sets)?;
            }
        }
        Ok(())
    }
}

/// Buffer for the strings of an entry of the user database.
const ENTRY: usize = 16 * 1024;

fn find_user(name: &str) -> Option<Uid> {
    let text = CString::new(name).ok()?;
    let mut buffer = [0; ENTRY];
    let mut found = std::ptr::null_mut();
    // SAFETY: all-zero is a valid `passwd` (null pointers and numbers), to be filled in.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    // SAFETY: every pointer is to a live local object; the length is that of the buffer.
    unsafe { libc::getpwnam_r(text.as_ptr(), &mut entry, buffer.as_mut_ptr(), ENTRY, &mut found) };
    if found.is_null() { name.parse().ok().map(Uid::from_raw) } else { Some(Uid::from_raw(entry.pw_uid)) }
}

fn find_group(name: &str) -> Option<Gid> {
    let text = CString::new(name).ok()?;
    let mut buffer = [0; ENTRY];
    let mut found = std::ptr::null_mut();
    // SAFETY: all-zero is a valid `group` (null pointers and numbers), to be filled in.
    let mut entry: libc::group = unsafe { std::mem::zeroed() };
    // SAFETY: every pointer is to a live local object; the length is that of the buffer.
    unsafe { libc::getgrnam_r(text.as_ptr(), &mut entry, buffer.as_mut_ptr(), ENTRY, &mut found) };
    if found.is_null() { name.parse().ok().map(Gid::from_raw) } else { Some(Gid::from_raw(entry.gr_gid)) }
}

/// The name of a user, if the user database has one.
pub fn user_name(uid: u32) -> Option<String> {
    let mut buffer = [0; ENTRY];
    let mut found = std::ptr::null_mut();
    // SAFETY: all-zero is a valid `passwd` (null pointers and numbers), to be filled in.
    let mut entry: libc::passwd = unsafe { std::mem::zeroed() };
    // SAFETY: every pointer is to a live local object; the length is that of the buffer.
    unsafe { libc::getpwuid_r(uid, &mut entry, buffer.as_mut_ptr(), ENTRY, &mut found) };
    if found.is_null() || entry.pw_name.is_null() {
        return None;
    }
    // SAFETY: a found entry's name is a NUL-terminated string inside `buffer`.
    let name = unsafe { std::ffi::CStr::from_ptr(entry.pw_name) };
    Some(name.to_string_lossy().into_owned())
}

/// Bytes of memory this process has resident.
pub fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split(' ').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// The kernel's idea of our name.
pub fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A thread of this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Thread {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// The processor time it has used.
    pub cpu: Duration,
    /// On a processor, or waiting for one.
    pub running: bool,
}

/// All threads of this process, by number. What ends meanwhile is left out.
pub fn threads() -> Vec<Thread> {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let mut threads: Vec<Thread> = tasks.flatten().filter_map(|task| thread(&task.path())).collect();
    threads.sort_by_key(|thread| thread.id);
    threads
}

fn thread(task: &Path) -> Option<Thread> {
    let id = task.file_name()?.to_str()?.parse().ok()?;
    let name = fs::read_to_string(task.join("comm")).ok()?.trim_end().to_owned();
    let stat = fs::read_to_string(task.join("stat")).ok()?;
    // The state is the first field behind the name, which may hold anything.
    let running = stat.rsplit_once(") ")?.1.starts_with('R');
    let nanoseconds = fs::read_to_string(task.join("schedstat")).ok();
    let nanoseconds = nanoseconds.and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
    Some(Thread { id, name, cpu: Duration::from_nanos(nanoseconds), running })
}

/// The service manager that started us, if there is one that wants to be told (`sd_notify(3)`).
#[derive(Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

/// What a service manager can be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceState {
    /// The start, or a reload, is complete.
    Ready,
    /// The end has begun.
    Stopping,
    /// Still alive.
    Watchdog,
    /// Starting, reloading or stopping takes up to this much longer.
    ExtendTimeout(Duration),
}

impl ServiceManager {
    /// Finds it through the environment.
    pub fn from_environment() -> ServiceManager {
        let number = |name| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
        let for_us = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|&usec| for_us && usec > 0).map(Duration::from_micros);
        let socket = std::env::var("NOTIFY_SOCKET").ok().and_then(|name| connect(&name).ok());
        ServiceManager { socket, watchdog }
    }

    /// Whether there is one that listens.
    pub fn is_there(&self) -> bool {
        self.socket.is_some()
    }

    /// How often at least [`ServiceState::Watchdog`] is expected.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Tells it the state, and a line for people. Never waits; a manager that does not listen misses it.
    pub fn tell(&self, state: ServiceState, status: Option<&str>) {
        let Some((socket, address)) = &self.socket else { return };
        let mut message = state.to_string();
        if let Some(status) = status {
            message.push_str("\nSTATUS=");
            message.extend(status.chars().map(|c| if c == '\n' { ' ' } else { c }));
        }
        let _ = socket.send_to_addr(message.as_bytes(), address);
    }
}

impl fmt::Display for ServiceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceState::Ready => f.write_str("READY=1"),
            ServiceState::Stopping => f.write_str("STOPPING=1"),
            ServiceState::Watchdog => f.write_str("WATCHDOG=1"),
            ServiceState::ExtendTimeout(time) => write!(f, "EXTEND_TIMEOUT_USEC={}", time.as_micros()),
        }
    }
}

/// An `@` stands for the NUL of an abstract socket's name.
fn connect(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn users_are_found_by_name_or_refused_as_bird_does() {
        let root = Identity::find(Some("root"), Some("root")).unwrap();
        assert_eq!(root, Identity { user: Some(Uid::ROOT), group: Some(Gid::ROOT) });
        let error = |user, group| Identity::find(user, group).unwrap_err();
        assert_eq!(error(Some("no such"), None), "Cannot find user 'no such'");
        assert_eq!(error(None, Some("12x")), "Cannot find group '12x'");
    }

    #[test]
    fn another_user_keeps_what_routing_needs() {
        if !rustix::process::geteuid().is_root() {
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "SKIPPED: only root can become somebody else");
            return;
        }
        // Identities belong to a thread, so the other tests do not notice.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let before = rustix::thread::capabilities(None).unwrap().permitted;
                Identity::find(Some("65534"), Some("65534")).unwrap().assume().unwrap();
                assert_eq!(rustix::process::geteuid().as_raw(), 65534);
                let after = rustix::thread::capabilities(None).unwrap();
                let kept =
                    CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW | CapabilitySet::NET_BIND_SERVICE;
                assert_eq!(after.effective, before & kept);
                assert_eq!(after.permitted, before & kept);
                assert!(fs::read("/etc/shadow").is_err());
            });
        });
    }

    #[test]
    fn a_pid_file_is_written_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        fs::write(&path, "123456789 old and longer\n").unwrap();
        let mut file = PidFile::create(&path).unwrap();
        file.write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        file.remove();
        assert!(!path.exists());
        let error = PidFile::create(Path::new("/nonexistent/x")).err().unwrap();
        assert_eq!(error, "Cannot create PID file /nonexistent/x: No such file or directory");
    }

    #[test]
    fn the_service_manager_hears_us() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let abstract_name = format!("tern-test-{}", std::process::id());
        let abstract_address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        for (listener, name) in [
            (UnixDatagram::bind(&path).unwrap(), path.to_str().unwrap().to_owned()),
            (UnixDatagram::bind_addr(&abstract_address).unwrap(), format!("@{abstract_name}")),
        ] {
            let manager = ServiceManager { socket: Some(connect(&name).unwrap()), watchdog: None };
            manager.tell(ServiceState::Ready, Some("up\nand running"));
            manager.tell(ServiceState::ExtendTimeout(Duration::from_secs(2)), None);
            let mut buffer = [0; 100];
            let mut hear = || {
                let length = listener.recv(&mut buffer).unwrap();
                String::from_utf8_lossy(&buffer[..length]).into_owned()
            };
            assert_eq!(hear(), "READY=1\nSTATUS=up and running");
            assert_eq!(hear(), "EXTEND_TIMEOUT_USEC=2000000");
        }
    }
}
