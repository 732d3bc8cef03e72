//! Commands about the kernel's tables: `show kernel`, `show kernel drift`, `wait kernel`.

use std::time::Duration;

use super::args::{Args, Refusal};
use super::{Command, Kind, Parsed, heading, job};
use crate::control::render;

/// Seconds `wait kernel` waits unless told otherwise, and at most.
const WAIT: u32 = 60;
const WAIT_MAX: u32 = 86_400;

pub(super) static COMMANDS: &[Command] = &[
    heading("show kernel", "Show how far kernel protocols and the kernel agree"),
    Command {
        words: "show kernel",
        args: "",
        help: "Show what kernel protocols want, have, were refused and have learned",
        kind: Kind::Look(show),
    },
    Command {
        words: "show kernel drift",
        args: "",
        help: "Show what others changed of our routes in the kernel, and who it may have been",
        kind: Kind::Look(drift),
    },
    heading("wait", "Wait for something"),
    Command {
        words: "wait kernel",
        args: "[<seconds>]",
        help: "Wait until tables, exports and kernel agree, at most so long (60 s)",
        kind: Kind::Look(wait),
    },
];

fn show(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let views = ctx.ask(|b| b.kernel()).await?;
            render::kernel::kernel(&views, &ctx.times(), &mut ctx.reply);
            Ok(())
        })
    })
}

fn drift(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let view = ctx.ask(|b| b.kernel_drift()).await?;
            render::kernel::drift(&view, &ctx.times(), &mut ctx.reply);
            Ok(())
        })
    })
}

fn wait(args: &mut Args<'_>) -> Parsed {
    let limit = args.number()?.unwrap_or(WAIT);
    args.end()?;
    if limit > WAIT_MAX {
        return Err(Refusal::parse(format!("At most {WAIT_MAX} seconds can be waited")));
    }
    job(move |ctx| {
        Box::pin(async move {
            let outcome = ctx.ask(|b| b.wait_kernel(Duration::from_secs(limit.into()))).await?;
            render::kernel::wait(&outcome, limit, &mut ctx.reply);
            Ok(())
        })
    })
}
