//! One client: reads lines, carries out commands one after the other, sends the answers.
//!
//! While a command runs nothing is read, so a client that sends without reading is slowed down by the kernel
//! and costs a bounded amount of memory. A line that is too long is refused and skipped; what follows it is
//! as good as ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::watch;

use super::code::Code;
use super::command;
use super::context::{Context, Stop};
use super::options::{Audit, Heard, Options};
use super::{BIRD_VERSION, backend::Backend};

/// The longest command; BIRD's buffer has this size too.
pub const MAX_COMMAND: usize = 4096;

/// How long the last answers may take once the daemon is ending.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves one client until it leaves or the daemon ends.
pub async fn serve(
    stream: UnixStream,
    restricted: bool,
    backend: Arc<dyn Backend>,
    options: Arc<Options>,
    mut ending: watch::Receiver<bool>,
) {
    let peer = stream.peer_cred().ok().map(|c| (c.uid(), c.pid()));
    let (reader, writer) = stream.into_split();
    let ctx = Context::new(backend, options.echo.clone(), restricted, writer);
    let mut session = Session { ctx, reader, input: Input::default(), options, peer };
    let mut end = ending.clone();
    let late = async {
        ended(&mut end).await;
        tokio::time::sleep(FAREWELL).await;
    };
    let stop = tokio::select! {
        stop = session.work(&mut ending) => stop,
        () = late => return,
    };
    if !matches!(stop, Err(Stop::Lost(_))) {
        // Nobody waits for a client that does not take its last lines.
        drop(tokio::time::timeout(FAREWELL, session.ctx.send()).await);
        session.ctx.close().await;
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // A sender that is gone has ended too.
    drop(ending.wait_for(|end| *end).await);
}

struct Session {
    ctx: Context,
    reader: OwnedReadHalf,
    input: Input,
    options: Arc<Options>,
    /// User and process at the other end.
    peer: Option<(u32, Option<i32>)>,
}

impl Session {
    async fn work(&mut self, ending: &mut watch::Receiver<bool>) -> Result<(), Stop> {
        self.options.hear(Heard::Connect);
        self.ctx.reply.end(Code::Welcome, format_args!("BIRD {BIRD_VERSION} ready."));
        self.ctx.send().await?;
        let mut chunk = [0; MAX_COMMAND];
        loop {
            let mut attention = None;
            while let Some(line) = self.input.line() {
                attention = match self.input.has_line() {
                    true => attention.or_else(|| Some(self.ctx.backend.attend())),
                    false => None,
                };
                self.command(line).await?;
                // Answers to pipelined commands go out together, within reason.
                self.ctx.pace().await?;
            }
            self.ctx.send().await?;
            self.ctx.reply.shrink();
            let read = tokio::select! {
                biased;
                read = self.reader.read(&mut chunk) => read?,
                () = self.ctx.asynchronous() => continue,
                () = ended(ending) => 0,
            };
            if read == 0 {
                self.options.hear(Heard::Close);
                return Ok(());
            }
            self.input.add(&chunk[..read]);
        }
    }

    async fn command(&mut self, line: Line) -> Result<(), Stop> {
        let Line::Whole(line) = line else {
            self.ctx.reply.end(Code::CommandTooLong, "Command too long");
            return Ok(());
        };
        let line = String::from_utf8_lossy(&line);
        self.options.hear(Heard::Command(&line));
        let scope = self.ctx.scope();
        // Terms may compute for a while, and ask the engine: not on the thread of all sessions.
        let line: Arc<str> = line.into();
        let judged = if ["eval", "where", "filter", "partial"].iter().any(|word| line.contains(word)) {
            let (line, scope) = (line.clone(), scope.clone());
            let work = tokio::task::spawn_blocking(move || command::judge(&line, &*scope));
            work.await.map_err(std::io::Error::other)?
        } else {
            command::judge(&line, &*scope)
        };
        // From here on names are resolved; whatever takes long shall not keep this configuration alive.
        drop(scope);
        let judged = match judged {
            Ok(judged) => judged,
            Err(refusal) => {
                self.ctx.refuse(refusal);
                return Ok(());
            }
        };
        if judged.changes && self.ctx.restricted {
            self.ctx.reply.end(Code::AccessDenied, "Access denied");
            return Ok(());
        }
        if judged.changes
            && let Some(audit) = &self.options.audit
        {
            let uid = self.peer.map(|(uid, _)| uid);
            let user = uid.and_then(|uid| self.options.user_name.as_ref().and_then(|name| name(uid)));
            let pid = self.peer.and_then(|(_, pid)| pid);
            audit(&Audit { uid, pid, user, command: line.trim() });
        }
        (judged.job)(&mut self.ctx).await
    }
}

/// A line of input.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// One that did not fit.
    TooLong,
}

/// Bytes on their way to become lines.
#[derive(Default, Debug)]
struct Input {
    /// Received and not yet taken; behind [`Input::at`] only.
    bytes: Vec<u8>,
    at: usize,
    /// Inside a line that is too long already.
    skipping: bool,
}

impl Input {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.at);
        self.at = 0;
        // Carriage returns mean nothing, wherever they are.
        self.bytes.extend(bytes.iter().filter(|b| **b != b'\r'));
    }

    /// Whether there is a whole line.
    fn has_line(&self) -> bool {
        memchr::memchr(b'\n', self.bytes.get(self.at..).unwrap_or_default()).is_some()
    }

    /// The next whole line, if there is one.
    fn line(&mut self) -> Option<Line> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match memchr::memchr(b'\n', rest) {
            Some(end) => {
                let line = match rest.get(..end) {
                    Some(line) if !self.skipping && line.len() <= MAX_COMMAND => Line::Whole(line.to_vec()),
                    _ => Line::TooLong,
                };
                self.at += end + 1;
                self.skipping = false;
                Some(line)
            }
            None => {
                if rest.len() > MAX_COMMAND {
                    self.skipping = true;
                    self.bytes.clear();
                    self.at = 0;
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut input = Input::default();
        let mut lines = Vec::new();
        for piece in pieces {
            input.add(piece);
            while let Some(line) = input.line() {
                lines.push(line);
            }
            assert!(input.bytes.len() <= 2 * MAX_COMMAND);
        }
        lines
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn pieces_and_pipelines() {
        assert_eq!(
            lines(&[b"show rou", b"te\r\n", b"a\nb\n\nc"]),
            [whole("show route"), whole("a"), whole("b"), whole("")]
        );
    }

    #[test]
    fn long_lines_are_skipped_in_bounded_memory() {
        let chunk = [b'x'; MAX_COMMAND];
        let mut pieces: Vec<&[u8]> = vec![&chunk; 2500];
        pieces.push(b"tail\nnext\n");
        assert_eq!(lines(&pieces), [Line::TooLong, whole("next")]);
        assert_eq!(lines(&[&chunk, b"\n"]).len(), 1);
        assert_eq!(lines(&[&chunk, b"x\n"]), [Line::TooLong]);
    }
}
