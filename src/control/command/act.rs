//! Commands that do something to protocols or to the daemon.

use std::sync::Arc;

use super::args::{Args, Refusal};
use super::lex::Token;
use super::{Command, Parsed, change, heading, job};
use crate::config::{DebugMask, MrtdumpMask};
use crate::control::backend::{Action, DebugTarget, Outcome, Selection};
use crate::control::code::Code;

const MESSAGE: &str = "(<protocol> | \"<pattern>\" | all) [\"<message>\"]";
// Lists of candidates show what BIRD 2 shows; a part may be named there, too.
const PROTOCOLS: &str = "<protocol> | \"<pattern>\" | all";
const RELOAD: &str = "(<protocol> | \"<pattern>\" | all) [partial <expr>]";

pub(super) static COMMANDS: &[Command] = &[
    change("disable", MESSAGE, "Stop a protocol", |a| with_message(a, Action::Disable)),
    change("enable", MESSAGE, "Start a disabled protocol", |a| with_message(a, Action::Enable)),
    change("restart", MESSAGE, "Stop a protocol and start it again", |a| with_message(a, Action::Restart)),
    change("reload", PROTOCOLS, "Let routes pass the filters again", |a| reload(a, true, true)),
    change("reload in", PROTOCOLS, "Let imported routes pass the filters again", |a| reload(a, true, false)),
    change("reload out", PROTOCOLS, "Let exported routes pass the filters again", |a| reload(a, false, true)),
    change("reload filters", RELOAD, "As reload; the words of BIRD 3", |a| reload(a, true, true)),
    change("reload filters in", RELOAD, "As reload in; the words of BIRD 3", |a| reload(a, true, false)),
    change("reload filters out", RELOAD, "As reload out; the words of BIRD 3", |a| reload(a, false, true)),
    heading("debug", "Choose what protocols log"),
    change(
        "debug",
        "(<protocol> | <channel> | \"<pattern>\" | all) \
         (all | off | { states|routes|filters|interfaces|events|packets [, ...] })",
        "Choose what protocols log",
        debug,
    ),
    heading("mrtdump", "Choose what protocols write to the MRT file"),
    change(
        "mrtdump",
        "(<protocol> | \"<pattern>\" | all) (all | off | { states|messages [, ...] })",
        "Choose what protocols write to the MRT file",
        mrtdump,
    ),
    change("down", "", "Shut the daemon down", |a| down(a, false)),
    change("graceful restart", "", "Shut the daemon down, to be restarted without loss of routes", |a| {
        down(a, true)
    }),
];

fn with_message(args: &mut Args<'_>, action: fn(Option<Arc<str>>) -> Action) -> Parsed {
    let which = args.selection()?;
    let message = args.text()?.map(Arc::from);
    args.end()?;
    act(action(message), which)
}

fn reload(args: &mut Args<'_>, import: bool, export: bool) -> Parsed {
    let which = args.selection()?;
    let only = if args.word("partial") { Some(args.nets()?) } else { None };
    args.end()?;
    act(Action::Reload { import, export, only }, which)
}

fn act(action: Action, which: Selection) -> Parsed {
    job(move |ctx| {
        Box::pin(async move {
            let outcomes = ctx.ask(|b| b.act(action, which)).await?;
            if outcomes.is_empty() {
                return ctx.end(Code::NoMatch, "No protocols match");
            }
            for (name, outcome) in outcomes {
                let (code, text) = match outcome {
                    Outcome::Disabled => (Code::Disabled, "disabled"),
                    Outcome::AlreadyDisabled => (Code::AlreadyDisabled, "already disabled"),
                    Outcome::Enabled => (Code::Enabled, "enabled"),
                    Outcome::AlreadyEnabled => (Code::AlreadyEnabled, "already enabled"),
                    Outcome::Restarted => (Code::Restarted, "restarted"),
                    Outcome::Reloading => (Code::Reloading, "reloading"),
                    Outcome::NotUp => (Code::AlreadyDisabled, "is not UP"),
                    Outcome::ReloadFailed => (Code::ReloadFailed, "reload failed"),
                };
                ctx.reply.line(code, format_args!("{name}: {text}"));
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn debug(args: &mut Args<'_>) -> Parsed {
    let which = args.selection()?;
    let target = match which {
        Selection::Name(protocol) if args.punct('.') => {
            let channel = channel_name(args)?;
            DebugTarget::Channel { protocol, channel }
        }
        which => DebugTarget::Protocols(which),
    };
    let mask = args.mask(DebugMask::of_word, DebugMask::WORDS)?;
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            let missing = match &target {
                DebugTarget::Channel { protocol, channel } => {
                    format!("Channel {protocol}.{channel} not found")
                }
                DebugTarget::Protocols(_) => String::new(),
            };
            match ctx.ask(|b| b.debug(target, mask)).await? {
                Ok(0) => ctx.end(Code::NoMatch, "No protocols match"),
                Ok(_) => ctx.end(Code::Ok, ""),
                Err(_) => ctx.end(Code::Parse, missing),
            }
        })
    })
}

/// The name of a channel behind the dot: `ipv4`, `ipv6-sadr`, or in two words `ipv6 sadr`.
pub(super) fn channel_name(args: &mut Args<'_>) -> Result<String, Refusal> {
    let (Token::Word(name) | Token::Quoted(name)) = *args.peek() else {
        return Err(args.unexpected("a channel's name"));
    };
    args.take();
    let mut name = name.to_owned();
    if name == "ipv6" && (args.word("sadr") || (args.punct('-') && args.word("sadr"))) {
        name.push_str("-sadr");
    }
    Ok(name)
}

fn mrtdump(args: &mut Args<'_>) -> Parsed {
    let which = args.selection()?;
    let mask = args.mask(MrtdumpMask::of_word, MrtdumpMask::WORDS)?;
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            match ctx.ask(|b| b.mrtdump(which, mask)).await? {
                0 => ctx.end(Code::NoMatch, "No protocols match"),
                _ => ctx.end(Code::Ok, ""),
            }
        })
    })
}

fn down(args: &mut Args<'_>, graceful: bool) -> Parsed {
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            let (code, text) = match graceful {
                false => (Code::ShutdownOrdered, "Shutdown requested"),
                true => (Code::GracefulOrdered, "Graceful restart requested"),
            };
            ctx.reply.end(code, text);
            ctx.backend.shutdown(graceful);
            Ok(())
        })
    })
}
