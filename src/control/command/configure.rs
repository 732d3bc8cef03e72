//! `configure` in all its forms.

use super::args::Args;
use super::{Command, Parsed, change, heading, job, look};
use crate::control::backend::{ConfigEvent, ConfigOutcome, Configure};
use crate::control::code::Code;
use crate::control::context::{Context, Stop};
use crate::control::render;

/// Seconds until an unconfirmed configuration is undone when none are said.
const DEFAULT_TIMEOUT: u32 = 300;

const FILE: &str = "[\"<file>\"]";
const FILE_TIMEOUT: &str = "[\"<file>\"] [timeout [<seconds>]]";
const SECONDS: &str = "[<seconds>]";

pub(super) static COMMANDS: &[Command] = &[
    heading("configure", "Read the configuration"),
    change("configure", FILE_TIMEOUT, "Read the configuration and carry out what changed", |a| {
        load(a, false)
    }),
    change("configure soft", FILE_TIMEOUT, "The same, without reloading for changed filters", |a| {
        load(a, true)
    }),
    change("configure timeout", SECONDS, "The same, to be undone unless confirmed in time", |a| {
        timed(a, false)
    }),
    change("configure soft timeout", SECONDS, "Soft, to be undone unless confirmed in time", |a| {
        timed(a, true)
    }),
    change("configure confirm", "", "Keep the last change, do not undo it", |a| plain(a, Configure::Confirm)),
    change("configure undo", "", "Go back to the configuration before the last change", |a| {
        plain(a, Configure::Undo)
    }),
    look("configure status", "", "Show whether a change is in progress or unconfirmed", status),
    change("configure check", FILE, "Read the configuration, but change nothing", |a| {
        let file = file(a)?;
        plain(a, Configure::Check { file })
    }),
    change("configure plan", FILE, "Read the configuration and say what it would change", |a| {
        let file = file(a)?;
        plain(a, Configure::Plan { file })
    }),
    change(
        "configure explain",
        FILE,
        "Show every mistake of the configuration and what to do about it",
        |a| {
            let file = file(a)?;
            plain(a, Configure::Explain { file })
        },
    ),
];

fn file(args: &mut Args<'_>) -> Result<Option<String>, super::args::Refusal> {
    Ok(args.text()?.map(str::to_owned))
}

fn load(args: &mut Args<'_>, soft: bool) -> Parsed {
    let file = file(args)?;
    let timeout = match args.word("timeout") {
        true => args.number()?.unwrap_or(DEFAULT_TIMEOUT),
        false => 0,
    };
    plain(args, Configure::Load { file, soft, timeout })
}

fn timed(args: &mut Args<'_>, soft: bool) -> Parsed {
    let timeout = args.number()?.unwrap_or(DEFAULT_TIMEOUT);
    plain(args, Configure::Load { file: None, soft, timeout })
}

fn plain(args: &mut Args<'_>, request: Configure) -> Parsed {
    args.end()?;
    job(move |ctx| Box::pin(run(ctx, request)))
}

fn status(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let view = ctx.ask(|b| b.configure_status()).await?;
            render::status::config_status(&view, &mut ctx.reply);
            Ok(())
        })
    })
}

/// Tells what happens as it happens.
async fn run(ctx: &mut Context, request: Configure) -> Result<(), Stop> {
    let mut events = ctx.backend.configure(request, ctx.notices.clone());
    loop {
        // A client that waits for minutes sees at once that its file is being read.
        let next = match events.try_recv() {
            Ok(event) => Some(event),
            Err(_) => {
                ctx.send().await?;
                ctx.wait(Box::pin(async { Ok(events.recv().await) })).await?
            }
        };
        match next {
            // An engine that is gone was told to end.
            None => return ctx.end(Code::ReconfigIgnored, "Reconfiguration ignored, shutting down"),
            Some(ConfigEvent::Reading(file)) => {
                ctx.reply.line(Code::ReadingConfig, format_args!("Reading configuration from {file}"));
            }
            Some(ConfigEvent::Refused(line)) => return ctx.end(Code::ConfigError, line),
            Some(ConfigEvent::Fine) => return ctx.end(Code::ConfigOk, "Configuration OK"),
            Some(ConfigEvent::Mistake(line)) => ctx.reply.line(Code::Mistake, line),
            Some(ConfigEvent::Mistakes(1)) => return ctx.end(Code::Mistakes, "1 mistake"),
            Some(ConfigEvent::Mistakes(count)) => {
                return ctx.end(Code::Mistakes, format_args!("{count} mistakes"));
            }
            Some(ConfigEvent::Plan(line)) => ctx.reply.line(Code::Plan, line),
            Some(ConfigEvent::UndoRequested) => ctx.reply.line(Code::UndoRequested, "Undo requested"),
            Some(ConfigEvent::UndoScheduled(seconds)) => {
                ctx.reply.line(Code::UndoScheduled, format_args!("Undo scheduled in {seconds} s"));
            }
            Some(ConfigEvent::Done(outcome)) => {
                let (code, text) = match outcome {
                    ConfigOutcome::Reconfigured => (Code::Reconfigured, "Reconfigured"),
                    ConfigOutcome::InProgress => (Code::ReconfigInProgress, "Reconfiguration in progress"),
                    ConfigOutcome::Queued => {
                        (Code::ReconfigQueued, "Reconfiguration already in progress, queueing new config")
                    }
                    ConfigOutcome::ShuttingDown => {
                        (Code::ReconfigIgnored, "Reconfiguration ignored, shutting down")
                    }
                    ConfigOutcome::QueueRemoved => {
                        (Code::QueueRemoved, "Reconfiguration already in progress, removing queued config")
                    }
                    ConfigOutcome::Confirmed => (Code::Confirmed, "Reconfiguration confirmed"),
                    ConfigOutcome::NothingToDo => (Code::NothingToDo, "Nothing to do"),
                };
                return ctx.end(code, text);
            }
        }
    }
}
