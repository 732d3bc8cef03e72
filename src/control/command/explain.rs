//! `explain route` and `show filters`.

use std::sync::Arc;

use super::act::channel_name;
use super::args::{Args, Refusal};
use super::{Command, Parsed, heading, job, look};
use crate::control::code::Code;
use crate::control::context::{Context, Stop};
use crate::control::render;
use crate::control::render::route::RouteWriter;
use crate::control::view::SymbolClass;
use crate::control::view::explain::{Direction, Question};

pub(super) static COMMANDS: &[Command] = &[
    look(
        "show filters",
        "[<filter>] [stats]",
        "Show filters, who uses them, and with stats how often each of their places has decided",
        filters,
    ),
    heading("explain", "Say why"),
    look(
        "explain route",
        "<prefix>|<address> [from <protocol>] [(import|export) <p.c>]",
        "Say which lines of filters decide about a route, and what else became of it",
        route,
    ),
];

fn filters(args: &mut Args<'_>) -> Parsed {
    let mut name: Option<Arc<str>> = None;
    let mut stats = false;
    while !args.at_end() {
        if !stats && args.word("stats") {
            stats = true;
            continue;
        }
        match args.name("a filter's name, or stats", |class| *class == SymbolClass::Filter)? {
            (found, SymbolClass::Filter) if name.is_none() => name = Some(found.into()),
            (_, SymbolClass::Filter) => return Err(Refusal::parse("Only one filter expected")),
            _ => return Err(Refusal::parse("Filter name required")),
        }
    }
    job(move |ctx| {
        Box::pin(async move {
            let views = ctx.ask(|b| b.filters(name, stats)).await?;
            let times = ctx.times();
            if !stats {
                render::filters::heading(&mut ctx.reply);
            }
            for view in &views {
                match stats {
                    true => render::filters::stats(view, &times, &mut ctx.reply),
                    false => render::filters::filter(view, &mut ctx.reply),
                }
                ctx.pace().await?;
            }
            ctx.reply.ok();
            Ok(())
        })
    })
}

fn route(args: &mut Args<'_>) -> Parsed {
    let around = matches!(args.peek(), super::lex::Token::Ip(_));
    let net = super::routes::network(args, around)?;
    let (mut from, mut through) = (None, None);
    while !args.at_end() {
        let direction = match args.peek() {
            super::lex::Token::Word("import") => Some(Direction::Import),
            super::lex::Token::Word("export") => Some(Direction::Export),
            super::lex::Token::Word("from") => None,
            _ => return Err(args.unexpected("from, import or export")),
        };
        args.take();
        let twice = |what: &str| Refusal::parse(format!("{what} specified twice"));
        match direction {
            None if from.is_some() => return Err(twice("Protocol")),
            None => from = Some(args.protocol()?.0),
            Some(_) if through.is_some() => return Err(twice("Channel")),
            Some(direction) => {
                let protocol = args.protocol()?.0;
                let channel = if args.punct('.') { Some(channel_name(args)?) } else { None };
                through = Some((direction, protocol, channel));
            }
        }
    }
    let question = Question { net, around, from, through };
    job(move |ctx| Box::pin(run(ctx, question)))
}

async fn run(ctx: &mut Context, question: Question) -> Result<(), Stop> {
    let asked = question.net.clone();
    let through = question.through.clone();
    let view = match ctx.ask(|b| b.explain(question)).await? {
        Ok(view) => view,
        Err(why) => return ctx.end(Code::Parse, why),
    };
    let net = view.net.clone().unwrap_or(asked);
    if through.is_none() {
        let (naming, times) = (view.naming.clone(), ctx.times().route());
        let mut writer = RouteWriter { naming, text: ctx.backend.route_text(), times, verbose: false };
        for table in &view.tables {
            render::explain::table(table, &mut writer, &net, &mut ctx.reply);
        }
    }
    for case in &view.cases {
        render::explain::case(case, &mut ctx.reply);
        ctx.pace().await?;
    }
    if view.cases.is_empty() && view.tables.is_empty() {
        render::explain::around(&view, &net, &mut ctx.reply);
        return ctx.end(Code::NotFound, "Network not found, and no protocol offers it");
    }
    if view.cases.is_empty() {
        return ctx.end(Code::Explain, "No route goes this way");
    }
    ctx.reply.ok();
    Ok(())
}
