//! Where log lines go: the destinations of the `log` statement.
//!
//! Each destination has a mask of classes. Files and stderr get the caller's time stamp and a tag
//! (`2026-11-21 12:00:00.123 <INFO> text`); syslog has both in its own envelope. A destination that fails loses the
//! line and nothing else: logging must never stop the daemon.

use std::fmt::{self, Display, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use crate::base::{LogClass, LogMask};

/// One `log` statement: plain data.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LogTarget {
    /// Where to.
    pub place: LogPlace,
    /// What.
    pub mask: LogMask,
}

/// Where log lines can go.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum LogPlace {
    /// Standard error.
    Stderr,
    /// The system's log daemon, under this program name.
    Syslog(Box<str>),
    /// A log daemon on the network, a name or an address.
    Udp {
        /// Who.
        host: Box<str>,
        /// Usually 514.
        port: u16,
    },
    /// A file to which lines are appended.
    File {
        /// Its name.
        path: PathBuf,
        /// The size it must not exceed, and the name it is given then.
        limit: Option<(u64, PathBuf)>,
    },
    /// A file of fixed size in which new lines overwrite the oldest.
    Ring {
        /// Its name.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
    },
}

/// Why a destination cannot be used.
#[derive(Debug)]
pub struct LogError {
    place: String,
    error: io::Error,
}

impl Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unable to open log {}: {}", self.place, super::strerror(&self.error))
    }
}

impl std::error::Error for LogError {}

/// Open destinations.
pub struct LogSinks {
    sinks: Vec<(LogTarget, Sink)>,
    hostname: String,
    line: String,
}

enum Sink {
    Stderr,
    Syslog(UnixDatagram),
    Udp(UdpSocket),
    File { file: File, size: u64 },
    Ring { file: File, at: u64 },
}

impl LogSinks {
    /// Opens all destinations, or none.
    pub fn open(targets: &[LogTarget]) -> Result<LogSinks, LogError> {
        let sinks = targets.iter().map(|target| Ok((target.clone(), Sink::open(&target.place)?)));
        let sinks = sinks.collect::<Result<_, LogError>>()?;
        Ok(LogSinks { sinks, hostname: super::process::hostname(), line: String::new() })
    }

    /// Writes one line to every destination that wants its class. `time` is written only where a line carries it.
    pub fn write(&mut self, class: LogClass, time: impl Display, text: &str) {
        self.write_to(|_| true, class, time, text);
    }

    /// The same, to chosen destinations only.
    pub fn write_to(
        &mut self,
        chosen: impl Fn(&LogPlace) -> bool,
        class: LogClass,
        time: impl Display,
        text: &str,
    ) {
        let wanting = |target: &LogTarget| target.mask.contains(class) && chosen(&target.place);
        for (target, sink) in self.sinks.iter_mut().filter(|(target, _)| wanting(target)) {
            self.line.clear();
            let pri = class.priority();
            let now = || jiff::Zoned::now();
            // Formatting into a string does not fail.
            let _ = match &target.place {
                LogPlace::Syslog(name) => {
                    write!(self.line, "<{pri}>{} {name}: {text}", now().strftime("%b %e %T"))
                }
                LogPlace::Udp { .. } => {
                    write!(
                        self.line,
                        "<{pri}>{} {} bird: {text}",
                        now().strftime("%b %e %T%.6f"),
                        self.hostname
                    )
                }
                _ => writeln!(self.line, "{time} <{}> {text}", class.tag()),
            };
            // Nobody could be told.
            let _ = sink.write(&target.place, self.line.as_bytes());
        }
    }

    /// Opens all files anew, after somebody moved them away. What cannot be opened stays as it is.
    pub fn reopen(&mut self) -> Result<(), LogError> {
        let mut result = Ok(());
        for (target, sink) in &mut self.sinks {
            match Sink::open(&target.place) {
                Ok(opened) => *sink = opened,
                Err(error) => result = Err(error),
            }
        }
        result
    }
}

impl Sink {
    fn open(place: &LogPlace) -> Result<Sink, LogError> {
        let opened = match place {
            LogPlace::Stderr => Ok(Sink::Stderr),
            LogPlace::Syslog(_) => UnixDatagram::unbound().map(|socket| {
                // The log daemon may start later, or again: `write` connects when it has to.
                let _ = socket.set_nonblocking(true);
                Sink::Syslog(socket)
            }),
            LogPlace::Udp { host, port } => open_udp(host, *port).map(Sink::Udp),
            LogPlace::File { path, .. } => open_file(path).map(|(file, size)| Sink::File { file, size }),
            LogPlace::Ring { path, size } => open_ring(path, *size).map(|(file, at)| Sink::Ring { file, at }),
        };
        opened.map_err(|error| LogError { place: place.to_string(), error })
    }

    fn write(&mut self, place: &LogPlace, line: &[u8]) -> io::Result<()> {
        match (self, place) {
            (Sink::Stderr, _) => io::stderr().write_all(line),
            (Sink::Syslog(socket), _) => socket.send_to(line, "/dev/log").map(drop),
            (Sink::Udp(socket), _) => socket.send(line).map(drop),
            (Sink::File { file, size }, LogPlace::File { path, limit }) => {
                if let Some((limit, backup)) = limit
                    && *size + line.len() as u64 > *limit
                {
                    // A backup that cannot be made is no reason to lose lines: the file grows, and the next
                    // line tries again.
                    if fs::rename(path, backup).is_ok() {
                        (*file, *size) = open_file(path)?;
                    }
                }
                *size += line.len() as u64;
                file.write_all(line)
            }
            (Sink::Ring { file, at }, LogPlace::Ring { size, .. }) => write_ring(file, at, *size, line),
            _ => Ok(()),
        }
    }
}

impl Display for LogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogPlace::Stderr => f.write_str("stderr"),
            LogPlace::Syslog(_) => f.write_str("syslog"),
            LogPlace::Udp { host, port } => write!(f, "host {host} port {port}"),
            LogPlace::File { path, .. } | LogPlace::Ring { path, .. } => {
                write!(f, "file '{}'", path.display())
            }
        }
    }
}

fn open_udp(host: &str, port: u16) -> io::Result<UdpSocket> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "no such host");
    let to = (host, port).to_socket_addrs()?.next().ok_or_else(no_address)?;
    let from: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(from)?;
    socket.connect(to)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn open_file(path: &Path) -> io::Result<(File, u64)> {
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

/// Stands behind the newest line of a ring file; what follows is older.
const SEAM: &str = "======== the newest line is above, the oldest below ========\n";

/// Opens a ring file and finds where it was left.
fn open_ring(path: &Path, size: u64) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    let mut content = Vec::new();
    Read::by_ref(&mut file).take(size).read_to_end(&mut content)?;
    let seam = memchr::memmem::find(&content, SEAM.as_bytes());
    if seam.is_none() || content.len() as u64 != size {
        file.set_len(0)?;
        file.write_all(&vec![b'\n'; usize::try_from(size).unwrap_or(usize::MAX)])?;
        return Ok((file, 0));
    }
    Ok((file, seam.unwrap_or(0) as u64))
}

/// Writes a line and the seam over the oldest lines; of one half overwritten the rest stays behind the seam.
fn write_ring(file: &File, at: &mut u64, size: u64, line: &[u8]) -> io::Result<()> {
    let needed = (line.len() + SEAM.len()) as u64;
    if needed > size {
        return Ok(()); // longer than the whole ring
    }
    if *at + needed > size {
        file.write_all_at(&vec![b'\n'; (size - *at) as usize], *at)?;
        *at = 0;
    }
    file.write_all_at(&[line, SEAM.as_bytes()].concat(), *at)?;
    *at += line.len() as u64;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn sinks(place: LogPlace) -> LogSinks {
        LogSinks::open(&[LogTarget { place, mask: LogMask::ALL }]).unwrap()
    }

    #[test]
    fn a_file_gets_tagged_lines_of_its_classes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mask = LogMask::INFO | LogMask::REMOTE;
        let target = LogTarget { place: LogPlace::File { path: path.clone(), limit: None }, mask };
        let mut sinks = LogSinks::open(&[target]).unwrap();
        sinks.write(LogClass::Info, "2026-11-21 12:00:00.123", "Started");
        sinks.write(LogClass::Debug, "T", "not wanted");
        fs::rename(&path, dir.path().join("moved")).unwrap();
        sinks.reopen().unwrap();
        sinks.write(LogClass::Remote, "T", "second");
        let moved = fs::read_to_string(dir.path().join("moved")).unwrap();
        assert_eq!(moved, "2026-11-21 12:00:00.123 <INFO> Started\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "T <RMT> second\n");
    }

    #[test]
    fn a_full_file_becomes_the_backup() {
        let dir = tempfile::tempdir().unwrap();
        let (path, backup) = (dir.path().join("log"), dir.path().join("backup"));
        let mut sinks = sinks(LogPlace::File { path: path.clone(), limit: Some((100, backup.clone())) });
        for i in 0..12 {
            sinks.write(LogClass::Warning, "T", &format!("line {i:02} {}", "x".repeat(20)));
        }
        let (new, old) = (fs::read_to_string(path).unwrap(), fs::read_to_string(backup).unwrap());
        assert!(new.len() <= 100 && old.len() <= 100);
        assert!(
            old.lines().last().unwrap().contains("line 09") || new.lines().next().unwrap().contains("line 1")
        );
        assert!(new.ends_with(&format!("line 11 {}\n", "x".repeat(20))));
    }

    #[test]
    fn a_ring_keeps_its_size_and_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let place = LogPlace::Ring { path: dir.path().join("ring"), size: 400 };
        let mut last = String::new();
        for i in 0..50 {
            // Opened anew each time, it must go on where it was.
            last = format!("T <INFO> line {i}");
            sinks(place.clone()).write(LogClass::Info, "T", &format!("line {i}"));
        }
        let text = fs::read_to_string(dir.path().join("ring")).unwrap();
        assert_eq!(text.len(), 400);
        assert!(text.contains(&format!("{last}\n{SEAM}")), "{text}");
        assert_eq!(text.matches(SEAM).count(), 1, "{text}");
        let (before, after) = text.split_once(SEAM).unwrap();
        assert!(
            before.lines().count() + after.lines().filter(|line| line.starts_with("T <")).count() > 12,
            "{text}"
        );
    }

    #[test]
    fn udp_lines_have_the_envelope_of_rfc_3164() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        sinks(LogPlace::Udp { host: "127.0.0.1".into(), port }).write(LogClass::Error, "T", "broken");
        let mut buffer = [0; 200];
        let length = listener.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(text.starts_with("<27>") && text.ends_with(" bird: broken"), "{text}");
    }

    #[test]
    fn an_impossible_file_is_an_error_with_its_name() {
        let place = LogPlace::File { path: "/nonexistent/log".into(), limit: None };
        let error = LogSinks::open(&[LogTarget { place, mask: LogMask::ALL }]).err().unwrap();
        assert_eq!(
            error.to_string(),
            "Unable to open log file '/nonexistent/log': No such file or directory"
        );
    }
}
