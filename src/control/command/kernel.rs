//! Commands about the kernel's tables: `show kernel`, `show kernel drift`, `wait kernel`.

use std::time::Duration;

use super::args::{Args, Refusal};
use super::{Command, Parsed, heading, job, look};
use crate::control::render;

/// Seconds `wait kernel` waits unless told otherwise, and at most.
const WAIT: u32 = 60;
const WAIT_MAX: u32 = 86_400;

pub(super) static COMMANDS: &[Command] = &[
    heading("show kernel", "Show how far kernel protocols and the kernel agree"),
    look("show kernel", "", "Show what kernel protocols want, have, were refused and have learned", show),
    look(
        "show kernel drift",
        "",
        "Show what others changed of our routes in the kernel, and who it may have been",
        drift,
    ),
    heading("wait", "Wait for something"),
    look(
        "wait kernel",
        "[<seconds>]",
        "Wait until tables, exports and kernel agree, at most so long (60 s)",
        wait,
    ),
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
