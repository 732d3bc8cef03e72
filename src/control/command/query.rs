//! Commands that look: `show ...` (but `show route`) and `eval`.

use super::args::{Args, Refusal};
use super::lex::Token;
use super::{Command, Parsed, heading, job, look};
use crate::control::backend::{Selection, TermError};
use crate::control::code::Code;
use crate::control::render;
use crate::control::view::{SymbolClass, ThreadView};

const PROTOCOL: &str = "[<protocol> | \"<pattern>\"]";

pub(super) static COMMANDS: &[Command] = &[
    heading("show", "Show the state of the daemon"),
    look("show status", "", "Show router id, times and what the daemon is doing", status),
    look("show memory", "", "Show what the memory is used for", memory),
    look("show protocols", PROTOCOL, "Show protocols, a line for each", |args| protocols(args, false)),
    look("show protocols all", PROTOCOL, "Show protocols with channels and counters", |args| {
        protocols(args, true)
    }),
    look("show interfaces", "", "Show network interfaces and their addresses", interfaces),
    look("show interfaces summary", "", "Show network interfaces, a line for each", summary),
    heading("show route", "Show routes"),
    super::routes::COMMAND,
    heading("show symbols", "Show names and what they stand for"),
    look(
        "show symbols",
        "[table|filter|function|protocol|template|<symbol>]",
        "Show names and what they stand for",
        symbols,
    ),
    look("show static", "[<name>]", "Show the routes of static protocols and which of them sleep", statics),
    look("show version", "", "Show which daemon this really is", version),
    look("show threads", "[all]", "Show the threads of the daemon and the time they have used", threads),
    look("eval", "<expr>", "Compute an expression", eval),
];

fn threads(args: &mut Args<'_>) -> Parsed {
    // BIRD 3 shows more about each with `all`; here there is nothing more to show.
    args.word("all");
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let threads = ctx.ask(|b| b.threads()).await?;
            ctx.reply.line(
                Code::Threads,
                format_args!("{:<10} {:<16} {:>10}  State", "Thread", "Name", "CPU time"),
            );
            for thread in threads {
                let ThreadView { id, name, cpu, state } = thread;
                let seconds = cpu.as_secs_f64();
                ctx.reply.line(Code::Threads, format_args!("{id:<10} {name:<16} {seconds:>8.3} s  {state}"));
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn status(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let view = ctx.ask(|b| b.status()).await?;
            render::status::status(&view, &ctx.times(), &mut ctx.reply);
            Ok(())
        })
    })
}

fn version(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| Box::pin(async { ctx.end(Code::Identity, crate::control::IDENTITY) }))
}

fn memory(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let view = ctx.ask(|b| b.memory()).await?;
            render::memory::memory(&view, &mut ctx.reply);
            Ok(())
        })
    })
}

fn protocols(args: &mut Args<'_>, detail: bool) -> Parsed {
    let which = if args.at_end() {
        Selection::All
    } else if let Some(pattern) = args.text()? {
        Selection::Pattern(pattern.to_owned())
    } else {
        Selection::Name(args.protocol()?.0)
    };
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            let views = ctx.ask(|b| b.protocols(which, detail)).await?;
            if views.is_empty() {
                return ctx.end(Code::NoMatch, "No protocols match");
            }
            let mut since = ctx.times().protocol();
            render::protocol::heading(&mut ctx.reply);
            for view in &views {
                render::protocol::protocol(view, &mut since, &mut ctx.reply);
                ctx.pace().await?;
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn interfaces(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            for view in ctx.ask(|b| b.interfaces()).await? {
                render::interface::interface(&view, &mut ctx.reply);
                ctx.pace().await?;
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn summary(args: &mut Args<'_>) -> Parsed {
    args.end()?;
    job(|ctx| {
        Box::pin(async {
            let views = ctx.ask(|b| b.interfaces()).await?;
            render::interface::summary_heading(&mut ctx.reply);
            for view in views {
                render::interface::summary(&view, &mut ctx.reply);
                ctx.pace().await?;
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn statics(args: &mut Args<'_>) -> Parsed {
    let name = args.protocol_of("Static")?;
    args.end()?;
    job(move |ctx| {
        Box::pin(async move {
            let views = ctx.ask(|b| b.statics(name)).await?;
            if views.is_empty() {
                return ctx.end(Code::Parse, "There is no Static protocol running");
            }
            for view in views {
                ctx.reply.separator();
                for route in view.routes {
                    render::static_::route(&route, &mut ctx.reply);
                    ctx.pace().await?;
                }
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

/// Which kinds `show symbols` was asked for, as the class without its data.
fn symbols(args: &mut Args<'_>) -> Parsed {
    let mut kind: Option<&'static str> = None;
    let mut one: Option<(String, SymbolClass)> = None;
    while !args.at_end() {
        let words = ["table", "filter", "function", "protocol", "template"];
        match args.peek() {
            Token::Word(w) if words.contains(w) && args.scope().find(w).is_none() => {
                kind = words.into_iter().find(|k| k == w);
                args.take();
            }
            _ => {
                let (name, class) =
                    args.name("table, filter, function, protocol, template or a name", |_| true)?;
                one = Some((name.to_owned(), class));
            }
        }
    }
    job(move |ctx| {
        Box::pin(async move {
            if let Some((name, class)) = one {
                return ctx.end(Code::Symbol, format_args!("{name:<8}\t{}", class.words()));
            }
            for (name, class) in ctx.scope().list() {
                let wanted = kind.is_none_or(|kind| match class {
                    SymbolClass::Table(_) => kind == "table",
                    SymbolClass::Filter => kind == "filter",
                    SymbolClass::Function => kind == "function",
                    SymbolClass::Protocol(_) => kind == "protocol",
                    SymbolClass::Template => kind == "template",
                    _ => false,
                });
                if wanted {
                    ctx.reply.line(Code::Symbol, format_args!("{name:<8}\t{}", class.words()));
                    ctx.pace().await?;
                }
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn eval(args: &mut Args<'_>) -> Parsed {
    if args.at_end() {
        return Err(args.unexpected("a term"));
    }
    let (code, text) = match args.scope().eval(args.tail()) {
        Ok(value) => (Code::Evaluated, value),
        Err(TermError::Runtime) => (Code::EvalFailed, "runtime error".to_owned()),
        Err(TermError::Parse(text)) => return Err(Refusal::parse(text)),
    };
    job(move |ctx| Box::pin(async move { ctx.end(code, text) }))
}
