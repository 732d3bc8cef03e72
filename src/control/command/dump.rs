//! `dump WHAT "FILE"`: the daemon's state in a file, for people who debug it.
//!
//! The file must be new: whoever may talk to the socket shall not overwrite what the daemon may write.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::time::Instant;

use super::args::Args;
use super::{Command, Kind, Parsed, heading, job};
use crate::control::backend::DumpWhat;
use crate::control::code::Code;
use crate::control::context::{CHUNK, Context, Stop};
use crate::control::render::route::RouteWriter;
use crate::control::show::{Budget, Part, RouteShow, Wanted};
use crate::control::wire::Reply;

const FILE: &str = "\"<file>\"";

const fn dump(words: &'static str, help: &'static str, parse: fn(&mut Args<'_>) -> Parsed) -> Command {
    Command { words, args: FILE, help, kind: Kind::Change(parse) }
}

pub(super) static COMMANDS: &[Command] = &[
    heading("dump", "Write the daemon's state to a file"),
    dump("dump resources", "Write all resources to a file", |a| parse(a, DumpWhat::Resources, "resources")),
    dump("dump sockets", "Write open sockets to a file", |a| parse(a, DumpWhat::Sockets, "sockets")),
    dump("dump ao keys", "Write TCP-AO keys to a file", |a| parse(a, DumpWhat::AoKeys, "TCP-AO keys")),
    dump("dump events", "Write queued events to a file", |a| parse(a, DumpWhat::Events, "event log")),
    dump("dump interfaces", "Write interfaces to a file", |a| parse(a, DumpWhat::Interfaces, "interfaces")),
    dump("dump neighbors", "Write neighbours to a file", |a| parse(a, DumpWhat::Neighbors, "neighbor cache")),
    dump("dump attributes", "Write attribute sets to a file", |a| {
        parse(a, DumpWhat::Attributes, "attribute cache")
    }),
    dump("dump attribute stats", "Write figures about attribute sets to a file", |a| {
        parse(a, DumpWhat::AttributeStats, "attribute statistics")
    }),
    dump("dump routes", "Write routes to a file", |a| parse(a, DumpWhat::Routes, "routing tables")),
    dump("dump tables", "Write routes to a file; the words of BIRD 3", |a| {
        parse(a, DumpWhat::Routes, "routing tables")
    }),
    dump("dump protocols", "Write protocols to a file", |a| parse(a, DumpWhat::Protocols, "protocols")),
    dump("dump filter all", "Write compiled filters to a file", |a| {
        parse(a, DumpWhat::FilterAll, "filter bytecode")
    }),
];

fn parse(args: &mut Args<'_>, what: DumpWhat, title: &'static str) -> Parsed {
    let Some(path) = args.text()? else { return Err(args.unexpected("a file's name in quotes")) };
    let path = path.to_owned();
    args.end()?;
    job(move |ctx| Box::pin(run(ctx, what, title, path)))
}

/// The system's reason without its number.
pub(in crate::control) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The file being written.
struct Output {
    file: File,
    bytes: usize,
    since: Instant,
}

impl Output {
    async fn write(&mut self, text: Vec<u8>) -> io::Result<()> {
        self.bytes += text.len();
        let mut file = self.file.try_clone()?;
        tokio::task::spawn_blocking(move || file.write_all(&text)).await.map_err(io::Error::other)?
    }

    fn progress(&self) -> String {
        let seconds = self.since.elapsed().as_secs_f64();
        format!("umped {} bytes in {seconds:.3} s", self.bytes)
    }
}

async fn run(ctx: &mut Context, what: DumpWhat, title: &'static str, path: String) -> Result<(), Stop> {
    let name = path.clone();
    let opened = tokio::task::spawn_blocking(move || {
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(name)
    });
    let file = match opened.await.map_err(io::Error::other).and_then(|opened| opened) {
        Ok(file) => file,
        Err(error) => {
            return ctx.end(Code::FileFailed, format_args!("Failed to open file {path}: {}", reason(&error)));
        }
    };
    ctx.reply.line(Code::Status, format_args!("Dumping {title} to {path}"));
    ctx.send().await?;
    let mut out = Output { file, bytes: 0, since: Instant::now() };
    let text = ctx.ask(|b| b.dump(what)).await?;
    let mut written = out.write(text.into_bytes()).await;
    if what == DumpWhat::Routes && written.is_ok() {
        written = routes(ctx, &mut out).await?;
    }
    match written {
        Ok(()) => ctx.end(Code::Status, format_args!("D{}", out.progress())),
        Err(error) => {
            ctx.end(Code::FileFailed, format_args!("Failed to write file {path}: {}", reason(&error)))
        }
    }
}

/// All tables with all they hold, filtered routes after the others.
async fn routes(ctx: &mut Context, out: &mut Output) -> Result<io::Result<()>, Stop> {
    let world = ctx.ask(|b| b.routes(Vec::new())).await?;
    let (text, times) = (ctx.backend.route_text(), ctx.times());
    let budget = Budget { bytes: CHUNK, nets: usize::MAX };
    let mut told = Instant::now();
    for filtered in [false, true] {
        let parts = world.tables.iter().map(|table| Part { table: table.clone(), door: None }).collect();
        let writer = RouteWriter {
            naming: Arc::clone(&world.naming),
            text: text.clone(),
            times: times.route(),
            verbose: true,
        };
        let wanted = Wanted { filtered, headings: !filtered, ..Wanted::default() };
        let mut show = RouteShow::new(wanted, parts, writer);
        while let Some(table) = show.table() {
            let snapshot = ctx.wait(table.snapshot()).await?;
            let mut done = false;
            while !done {
                let mut lines = Reply::default();
                done = show.step(&snapshot, budget, &mut lines);
                if let Err(error) = out.write(without_codes(lines.pending())).await {
                    return Ok(Err(error));
                }
                if told.elapsed().as_secs() >= 1 {
                    told = Instant::now();
                    ctx.reply.line(Code::Status, format_args!("... d{}", out.progress()));
                    ctx.send().await?;
                }
            }
        }
    }
    Ok(Ok(()))
}

fn without_codes(lines: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(lines.len());
    for line in lines.split_inclusive(|b| *b == b'\n') {
        let code = if line.first() == Some(&b' ') { 1 } else { 5 };
        text.extend_from_slice(line.get(code..).unwrap_or_default());
    }
    text
}
