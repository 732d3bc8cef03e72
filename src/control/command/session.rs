//! Commands about the session itself.

use std::time::Duration;

use super::args::{Args, Refusal};
use super::{Command, Kind, Parsed, commands, heading, job, look};
use crate::base::time::{Fraction, TimeFormat};
use crate::config::LogMask;
use crate::control::code::Code;

/// Sizes of an echo buffer.
const ECHO_SIZES: std::ops::RangeInclusive<u32> = 256..=65536;
const ECHO_DEFAULT: u32 = 4096;

pub(super) static COMMANDS: &[Command] = &[
    heading("echo", "Choose the log messages that this session shows"),
    look(
        "echo",
        "(all | off | { debug|trace|info|remote|warning|error|auth|fatal|bug [, ...] }) [<buffer-size>]",
        "Choose the log messages that this session shows",
        echo,
    ),
    look(
        "timeformat",
        "\"<format>\" [<limit> \"<format2>\"] | iso (short | long) [ms | us]",
        "Choose how this session shows times",
        timeformat,
    ),
    look("restrict", "", "Allow this session only what changes nothing", restrict),
    Command {
        words: "commands",
        args: "",
        help: "List all commands: words, arguments and help between tabs",
        kind: Kind::Hidden(list),
    },
    Command {
        words: "commands attributes",
        args: "",
        help: "List the attributes that terms may use",
        kind: Kind::Hidden(attributes),
    },
];

fn echo(args: &mut Args<'_>) -> Parsed {
    let mask = args.mask(LogMask::of_word, LogMask::WORDS)?;
    let size = args.number()?.unwrap_or(ECHO_DEFAULT);
    args.end()?;
    if !ECHO_SIZES.contains(&size) {
        return Err(Refusal::parse("Invalid log buffer size"));
    }
    job(move |ctx| {
        Box::pin(async move {
            ctx.echo = (!mask.is_off()).then(|| ctx.hub.listen(mask, size as usize));
            ctx.end(Code::Ok, "")
        })
    })
}

fn timeformat(args: &mut Args<'_>) -> Parsed {
    let format = if args.word("iso") {
        let short = args.word("short");
        if !short && !args.word("long") {
            return Err(args.unexpected("short or long"));
        }
        let fraction = match (args.word("ms"), args.word("us")) {
            (true, _) => Fraction::Millis,
            (_, true) => Fraction::Micros,
            _ => Fraction::None,
        };
        if short { TimeFormat::iso_short(fraction) } else { TimeFormat::iso_long(fraction) }
    } else {
        let Some(recent) = args.text()? else { return Err(args.unexpected("a format in quotes, or iso")) };
        let limit = args.number()?.map(|seconds| Duration::from_secs(seconds.into()));
        let older = match limit {
            None => None,
            Some(_) => match args.text()? {
                Some(older) => Some(older),
                None => return Err(args.unexpected("the format of older times in quotes")),
            },
        };
        let too_long = |f: &str| f.len() > TimeFormat::MAX_TEXT;
        if too_long(recent) || older.is_some_and(too_long) {
            args.end()?;
            return Err(Refusal { code: Code::ArgumentTooLong, text: "Format string too long".into() });
        }
        TimeFormat { recent: recent.into(), limit, older: older.map(Into::into) }
    };
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            ctx.time_format = Some(format);
            ctx.end(Code::Ok, "")
        })
    })
}

fn restrict(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            ctx.restricted = true;
            ctx.end(Code::Restricted, "Access restricted")
        })
    })
}

fn list(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            for command in commands().filter(|c| !matches!(c.kind, Kind::Hidden(_))) {
                let Command { words, args, help, .. } = command;
                ctx.reply.line(Code::Command, format_args!("{words}\t{args}\t{help}"));
            }
            ctx.end(Code::Ok, "")
        })
    })
}

fn attributes(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            for name in ctx.scope().attributes() {
                ctx.reply.line(Code::Command, format_args!("{name}"));
            }
            ctx.end(Code::Ok, "")
        })
    })
}
