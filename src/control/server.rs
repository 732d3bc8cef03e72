//! The sockets: made at the start, kept in step with the configuration, removed at the end.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::backend::Backend;
use super::command::reason;
pub use super::options::{Audit, Heard, Options};
use super::session::serve;

/// More sessions than this are turned away at once: each costs a descriptor and some buffers.
const MAX_SESSIONS: usize = 4096;

/// Why there is no socket.
#[derive(Debug)]
pub enum SocketError {
    /// Something answers on it.
    InUse,
    /// It cannot be made.
    Failed(PathBuf, io::Error),
}

impl fmt::Display for SocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketError::InUse => f.write_str("I found another BIRD running."),
            SocketError::Failed(path, error) => {
                write!(f, "Cannot create control socket {}: {}", path.display(), reason(error))
            }
        }
    }
}

impl std::error::Error for SocketError {}

impl SocketError {
    /// What to do, for people: the words above are BIRD's.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            SocketError::InUse => Some("stop it (`birdc down`), or name another socket with -s"),
            SocketError::Failed(_, error) => match error.kind() {
                io::ErrorKind::NotFound => Some("make its directory, or name another socket with -s"),
                io::ErrorKind::PermissionDenied => Some("start it as root, or name another socket with -s"),
                _ => None,
            },
        }
    }
}

/// A socket that listens, with its file. The file goes when this does, if it is still ours.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: StdListener,
    /// Device and inode of the file we made.
    made: Option<(u64, u64)>,
}

impl Socket {
    /// Makes a socket, mode 0660. A socket that is there already is tried: if nobody answers it is replaced.
    /// `owner` is the user and group of the file, where they are not our own.
    pub fn bind(path: &Path, owner: Option<(Option<u32>, Option<u32>)>) -> Result<Socket, SocketError> {
        let failed = |error| SocketError::Failed(path.to_owned(), error);
        if StdStream::connect(path).is_ok() {
            return Err(SocketError::InUse);
        }
        if fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket()) {
            fs::remove_file(path).map_err(failed)?;
        }
        let listener = StdListener::bind(path).map_err(failed)?;
        let made = fs::symlink_metadata(path).ok().map(|m| (m.dev(), m.ino()));
        let socket = Socket { path: path.to_owned(), listener, made };
        if let Some((uid, gid)) = owner {
            chown(path, uid, gid).map_err(failed)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(failed)?;
        socket.listener.set_nonblocking(true).map_err(failed)?;
        Ok(socket)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path).ok().map(|m| (m.dev(), m.ino()));
        if now.is_some() && now == self.made {
            // Nothing can be done about a file that does not go.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// The control sockets of the daemon. Lives on a tokio runtime; sessions run as its tasks.
pub struct Server {
    backend: Arc<dyn Backend>,
    options: Arc<Options>,
    ending: watch::Sender<bool>,
    sessions: Arc<AtomicUsize>,
    open: Vec<Open>,
    owner: Option<(Option<u32>, Option<u32>)>,
}

/// A socket in use.
struct Open {
    path: PathBuf,
    restricted: bool,
    task: JoinHandle<()>,
    /// The main socket, which no configuration removes.
    main: bool,
    _socket: Socket,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.open.iter().map(|o| &o.path).collect();
        f.debug_struct("Server").field("sockets", &paths).finish_non_exhaustive()
    }
}

impl Server {
    /// A server without sockets. `owner` is for sockets made later.
    pub fn new(
        backend: Arc<dyn Backend>,
        options: Options,
        owner: Option<(Option<u32>, Option<u32>)>,
    ) -> Server {
        let (ending, _) = watch::channel(false);
        let options = Arc::new(options);
        Server { backend, options, ending, sessions: Arc::default(), open: Vec::new(), owner }
    }

    /// Serves the socket of the command line.
    pub fn main_socket(&mut self, socket: Socket) -> io::Result<()> {
        self.add(socket, false, true)
    }

    /// Makes the sockets those of the configuration: new ones appear, others go; sessions that exist live on.
    /// Returns what failed.
    pub fn set_sockets<'a>(
        &mut self,
        wanted: impl IntoIterator<Item = (&'a Path, bool)>,
    ) -> Vec<SocketError> {
        let wanted: Vec<_> = wanted.into_iter().collect();
        self.open.retain(|open| {
            open.main
                || wanted
                    .iter()
                    .any(|(path, restricted)| *path == open.path && *restricted == open.restricted)
        });
        let mut failed = Vec::new();
        for (path, restricted) in wanted {
            if self.open.iter().any(|open| open.path == path) {
                continue;
            }
            let added = Socket::bind(path, self.owner).and_then(|socket| {
                self.add(socket, restricted, false).map_err(|e| SocketError::Failed(path.to_owned(), e))
            });
            failed.extend(added.err());
        }
        failed
    }

    /// How many clients are connected.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Removes the sockets and lets the sessions say their last words.
    pub async fn close(mut self) {
        self.open.clear();
        self.ending.send_replace(true);
        for _ in 0..150 {
            if self.sessions() == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn add(&mut self, socket: Socket, restricted: bool, main: bool) -> io::Result<()> {
        let listener = UnixListener::from_std(socket.listener.try_clone()?)?;
        let accept = accept(
            listener,
            restricted,
            self.backend.clone(),
            self.options.clone(),
            self.ending.clone(),
            self.sessions.clone(),
        );
        let path = socket.path.clone();
        let task = tokio::spawn(accept);
        self.open.push(Open { path, restricted, task, main, _socket: socket });
        Ok(())
    }
}

/// Counts a session while it lives.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn accept(
    listener: UnixListener,
    restricted: bool,
    backend: Arc<dyn Backend>,
    options: Arc<Options>,
    ending: watch::Sender<bool>,
    sessions: Arc<AtomicUsize>,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // Out of descriptors, most likely: those who are connected go on, the next one waits.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let before = sessions.fetch_add(1, Ordering::Relaxed);
        let counted = Counted(sessions.clone());
        if before >= MAX_SESSIONS {
            continue;
        }
        let session = serve(stream, restricted, backend.clone(), options.clone(), ending.subscribe());
        tokio::spawn(async move {
            session.await;
            drop(counted);
        });
    }
}
