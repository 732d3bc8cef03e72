//! `show route`: its arguments, the choice of tables, and the run at the client's speed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::act::channel_name;
use super::args::{Args, Refusal, is_protocol};
use super::lex::Token;
use super::{Command, Parsed, job, look};
use crate::base::{IpNet, Net, NetExt, NetType, Rd};
use crate::control::backend::FilterKind;
use crate::control::context::{CHUNK, Context, Stop};
use crate::control::render::route::RouteWriter;
use crate::control::show::{Budget, ExportQuestion, Numbers, Part, RouteShow, Wanted};
use crate::control::view::SymbolClass;
use crate::control::view::route::{Door, ProtocolDoors, RouteFilter, RouteWorld};
use crate::control::wire::Reply;
use crate::table::Snapshot;

pub(super) const COMMAND: Command = look(
    "show route",
    "[<prefix> | for <prefix> | for <ip> | in <prefix>] [table <t>] [(import|export) table <p>.<c>] \
           [filter <f> | where <cond>] [all] [primary] [filtered] [(export|preexport|noexport|exported) (<p>|<p>.<c>)] \
           [protocol <p>] [stats|count]",
    "Show routes",
    parse,
);

/// How long a snapshot waits for its client, all in all. Then, or as soon as the client takes nothing at all
/// for a moment, it is dropped, and the answer goes on by net number in a new one, which is cheap: old pages
/// of a changing table live no longer than that, whatever the client does.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tables of at most so many nets are shown by the session itself; for larger ones another thread is worth its while.
const AT_ONCE: u32 = 512;
const PIECE: Budget = Budget { bytes: CHUNK, nets: 1 << 16 };

/// Which net was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
enum NetArg {
    Exact(Net),
    For(Net),
    In(IpNet),
}

impl NetArg {
    fn net_type(&self) -> NetType {
        match self {
            NetArg::Exact(net) | NetArg::For(net) => net.net_type(),
            NetArg::In(net) => Net::Ip(*net).net_type(),
        }
    }
}

/// How the tables were chosen; the last of several ways decides, as in BIRD.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Chosen {
    /// By default, or by a protocol: tables that do not fit are left out silently.
    #[default]
    Implied,
    /// `table all`: headings stand above empty tables too.
    All,
    /// By name: a table that does not fit is an error.
    Named,
}

#[derive(Default)]
struct Query {
    net: Option<NetArg>,
    tables: Vec<TableArg>,
    chosen: Chosen,
    filter: Option<Arc<dyn RouteFilter>>,
    verbose: bool,
    primary: bool,
    filtered: bool,
    numbers: Numbers,
    export: Option<(ExportQuestion, Arc<str>, Option<String>)>,
    protocol: Option<Arc<str>>,
}

enum TableArg {
    Named(Arc<str>),
    All,
}

fn parse(args: &mut Args<'_>) -> Parsed {
    let mut query = Query::default();
    while !args.at_end() {
        argument(args, &mut query)?;
    }
    if query.filtered && (query.primary || query.export.is_some()) {
        return Err(Refusal::parse("Incompatible show route options"));
    }
    job(move |ctx| Box::pin(run(ctx, query)))
}

fn argument(args: &mut Args<'_>, query: &mut Query) -> Result<(), Refusal> {
    let Token::Word(word) = *args.peek() else { return net_argument(args, query, NetArg::Exact) };
    let once = |free: bool, what: &str| {
        if free { Ok(()) } else { Err(Refusal::parse(format!("{what} specified twice"))) }
    };
    if matches!(word, "mpls" | "aspa" | "eth" | "evpn" | "flow4" | "flow6") {
        return net_argument(args, query, NetArg::Exact);
    }
    let question = match word {
        "preexport" => Some(ExportQuestion::Preexport),
        "export" => Some(ExportQuestion::Export),
        "noexport" => Some(ExportQuestion::Noexport),
        "exported" => Some(ExportQuestion::Exported),
        _ => None,
    };
    const OPTIONS: &str = "a network, for, in, table, filter, where, all, primary, filtered, export, preexport, \
                           noexport, exported, protocol, stats or count";
    let known =
        ["for", "in", "table", "filter", "where", "all", "primary", "filtered", "protocol", "stats", "count"];
    if question.is_none() && word != "import" && !known.contains(&word) {
        let like = |option: &&str| strsim::jaro_winkler(word, option);
        let near = OPTIONS.split([',', ' ']).filter(|option| like(option) > 0.8);
        let hint = match near.max_by(|a, b| like(a).total_cmp(&like(b))) {
            Some(option) => format!(" (did you mean '{option}'?)"),
            None => String::new(),
        };
        return Err(args.unexpected(&format!("{OPTIONS}{hint}")));
    }
    args.take();
    if matches!(word, "import" | "export") && args.word("table") {
        let (protocol, channel) = channel(args)?;
        let channel = channel.ok_or_else(|| args.unexpected("'.' and a channel's name"))?;
        return Err(Refusal::parse(format!("No {word} table in channel {protocol}.{channel}")));
    }
    match word {
        "for" => net_argument(args, query, NetArg::For)?,
        "in" => net_argument(args, query, |net| match net {
            Net::Ip(prefix) => NetArg::In(prefix),
            other => NetArg::Exact(other),
        })?,
        "table" if args.word("all") => {
            query.tables.push(TableArg::All);
            query.chosen = Chosen::All;
        }
        "table" => {
            match args.name("a table's name, or all", |class| matches!(class, SymbolClass::Table(_)))? {
                (name, SymbolClass::Table(_)) => query.tables.push(TableArg::Named(name.into())),
                _ => return Err(Refusal::parse("Table name required")),
            }
            query.chosen = Chosen::Named;
        }
        "where" => {
            once(query.filter.is_none(), "Filter")?;
            query.filter = Some(args.filter(FilterKind::Where)?);
        }
        "filter" => {
            once(query.filter.is_none(), "Filter")?;
            let named = matches!(args.peek(), Token::Word(_) | Token::Quoted(_));
            if named {
                let mark = args.mark();
                let is_filter = |class: &SymbolClass| *class == SymbolClass::Filter;
                if args.name("a filter's name, or { ... }", is_filter)?.1 != SymbolClass::Filter {
                    return Err(Refusal::parse("Filter name required"));
                }
                args.reset(mark);
            }
            let kind = if named { FilterKind::Named } else { FilterKind::Inline };
            query.filter = Some(args.filter(kind)?);
        }
        "all" => query.verbose = true,
        "primary" => query.primary = true,
        "filtered" => query.filtered = true,
        "stats" => query.numbers = Numbers::Stats,
        "count" => query.numbers = Numbers::Count,
        "protocol" => {
            let name = args.protocol()?.0;
            once(query.protocol.is_none(), "Protocol")?;
            query.protocol = Some(name);
            query.chosen = Chosen::Implied;
        }
        _ => {
            let (protocol, channel) = channel(args)?;
            once(query.export.is_none(), "Export")?;
            let Some(question) = question else { return Err(args.unexpected("table")) };
            query.export = Some((question, protocol, channel));
            query.chosen = Chosen::Implied;
        }
    }
    Ok(())
}

/// `P` or `P.C`.
fn channel(args: &mut Args<'_>) -> Result<(Arc<str>, Option<String>), Refusal> {
    let (name, class) = args.name("a protocol's name", is_protocol)?;
    if !matches!(class, SymbolClass::Protocol(_)) {
        return Err(Refusal::parse(format!("{name} is not a protocol")));
    }
    let channel = if args.punct('.') { Some(channel_name(args)?) } else { None };
    Ok((name.into(), channel))
}

fn net_argument(args: &mut Args<'_>, query: &mut Query, make: fn(Net) -> NetArg) -> Result<(), Refusal> {
    let looks_for = matches!(make(Net::Ip(IpNet::default())), NetArg::For(_));
    let net = network(args, looks_for)?;
    if query.net.is_some() {
        return Err(Refusal::parse("Only one prefix expected"));
    }
    let arg = make(net);
    if matches!(arg, NetArg::Exact(_)) && matches!(make(Net::Ip(IpNet::default())), NetArg::In(_)) {
        return Err(Refusal::parse("Only IP networks accepted for 'in' argument"));
    }
    query.net = Some(arg);
    Ok(())
}

fn prefix(addr: IpAddr, len: u32) -> Result<IpNet, Refusal> {
    let family = if addr.is_ipv4() { "IPv4" } else { "IPv6" };
    let net = u8::try_from(len).ok().and_then(|len| IpNet::new(addr, len).ok());
    let net = net.ok_or_else(|| Refusal::parse(format!("Invalid prefix length {len}")))?;
    match net.trunc() {
        exact if exact == net => Ok(net),
        exact => Err(Refusal::parse(format!("Invalid {family} prefix {net}, maybe you wanted {exact}"))),
    }
}

/// A network of any type; behind `for` also an address or a constant.
pub(super) fn network(args: &mut Args<'_>, addresses: bool) -> Result<Net, Refusal> {
    const EXPECTED: &str = "a network";
    let number = |args: &mut Args<'_>, what: &str| args.number()?.ok_or_else(|| args.unexpected(what));
    match *args.peek() {
        Token::Prefix(addr, len) => {
            args.take();
            let prefix = prefix(addr, len)?;
            if args.word("max") {
                let max_len = u8::try_from(number(args, "a prefix length")?).unwrap_or(u8::MAX);
                if max_len < prefix.prefix_len() || max_len > prefix.max_prefix_len() {
                    return Err(Refusal::parse(format!("Invalid max prefix length {max_len}")));
                }
                if !args.word("as") {
                    return Err(args.unexpected("as"));
                }
                let asn = number(args, "an AS number")?;
                return Ok(NetExt::Roa { prefix, max_len, asn }.into());
            }
            if let IpNet::V6(dst) = prefix
                && args.word("from")
            {
                let Token::Prefix(addr, len) = args.take() else {
                    return Err(args.unexpected("an IPv6 prefix"));
                };
                return match self::prefix(addr, len)? {
                    IpNet::V6(src) => Ok(NetExt::Sadr { dst, src }.into()),
                    IpNet::V4(_) => Err(Refusal::parse("Source prefix of the wrong family")),
                };
            }
            Ok(Net::Ip(prefix))
        }
        Token::Ip(addr) if addresses => {
            args.take();
            Ok(Net::Ip(addr.into()))
        }
        Token::Rd(text) => {
            let rd = parse_rd(text)
                .ok_or_else(|| Refusal::parse(format!("Invalid route distinguisher {text}")))?;
            args.take();
            vpn(args, rd, addresses)
        }
        Token::Word("mpls") => {
            args.take();
            Ok(NetExt::Mpls(number(args, "a label")?).into())
        }
        Token::Word("aspa") => {
            args.take();
            Ok(NetExt::Aspa(number(args, "an AS number")?).into())
        }
        Token::Word("flow4" | "flow6" | "eth" | "evpn") => {
            Err(Refusal::parse("Networks of this type cannot be looked up by name; use where net = ..."))
        }
        Token::Word(_) | Token::Quoted(_) if addresses => constant(args),
        _ => Err(args.unexpected(EXPECTED)),
    }
}

fn vpn(args: &mut Args<'_>, rd: Rd, addresses: bool) -> Result<Net, Refusal> {
    let prefix = match args.take() {
        Token::Prefix(addr, len) => prefix(addr, len)?,
        Token::Ip(addr) if addresses => addr.into(),
        _ => return Err(args.unexpected("an IP prefix")),
    };
    Ok(NetExt::Vpn { rd, prefix }.into())
}

/// `A:N`, `IP:N`, `2:A:N`.
fn parse_rd(text: &str) -> Option<Rd> {
    let parts: Vec<&str> = text.split(':').collect();
    match parts[..] {
        [asn, value] => match asn.parse::<std::net::Ipv4Addr>() {
            Ok(ip) => Some(Rd::ip(ip, value.parse().ok()?)),
            Err(_) => match asn.parse::<u32>().ok()? {
                small @ 0..=0xffff => Some(Rd::as2(small as u16, value.parse().ok()?)),
                large => Some(Rd::as4(large, value.parse().ok()?)),
            },
        },
        ["0", asn, value] => Some(Rd::as2(asn.parse().ok()?, value.parse().ok()?)),
        ["1", ip, value] => Some(Rd::ip(ip.parse().ok()?, value.parse().ok()?)),
        ["2", asn, value] => Some(Rd::as4(asn.parse().ok()?, value.parse().ok()?)),
        _ => None,
    }
}

/// A constant of type ip or prefix.
fn constant(args: &mut Args<'_>) -> Result<Net, Refusal> {
    let (name, class) = args.name("an address or a network", |class| *class == SymbolClass::Constant)?;
    let value = match class {
        SymbolClass::Constant => args.scope().eval(&format!("'{name}'")).unwrap_or_default(),
        _ => String::new(),
    };
    let addr = value.parse::<IpAddr>().map(IpNet::from);
    let net = addr.or_else(|_| value.parse::<IpNet>());
    net.map(Net::Ip).map_err(|_| Refusal::parse("IP address or network constant expected"))
}

/// The nets that cover `net`, the longest first, `net` itself among them.
fn covering(net: &Net) -> Vec<Net> {
    let shorter = |p: IpNet| {
        (0..=p.prefix_len()).rev().filter_map(move |len| IpNet::new(p.addr(), len).ok().map(|n| n.trunc()))
    };
    match net {
        Net::Ip(prefix) => shorter(*prefix).map(Net::Ip).collect(),
        Net::Ext(ext) => match &**ext {
            NetExt::Vpn { rd, prefix } => {
                shorter(*prefix).map(|prefix| NetExt::Vpn { rd: *rd, prefix }.into()).collect()
            }
            NetExt::Sadr { dst, src } => {
                let mut all = Vec::new();
                for dst in shorter(IpNet::V6(*dst)) {
                    for src in shorter(IpNet::V6(*src)) {
                        if let (IpNet::V6(dst), IpNet::V6(src)) = (dst, src) {
                            all.push(NetExt::Sadr { dst, src }.into());
                        }
                    }
                }
                all
            }
            _ => vec![net.clone()],
        },
    }
}

/// The tables to show, with the channels that exports are asked about.
fn parts(query: &Query, world: &RouteWorld) -> Result<Vec<Part>, Refusal> {
    let doors = |name: &Arc<str>| world.protocols.iter().find(|p| p.name == *name);
    let find = |name: &Arc<str>| world.tables.iter().find(|t| t.name() == name).cloned();
    let part = |name: &Arc<str>, door: Option<Door>| find(name).map(|table| Part { table, door });
    let exporter: Option<&ProtocolDoors> = query.export.as_ref().and_then(|(_, name, _)| doors(name));
    let channel: Option<Door> = match &query.export {
        Some((_, name, Some(channel))) => {
            let found = exporter.and_then(|p| p.channels.iter().find(|d| *d.name == **channel));
            let missing = || Refusal::parse(format!("Channel {name}.{channel} not found"));
            Some(found.cloned().ok_or_else(missing)?)
        }
        _ => None,
    };
    let mut parts: Vec<Part> = Vec::new();
    for arg in &query.tables {
        match arg {
            TableArg::All => parts.extend(world.tables.iter().map(|t| Part { table: t.clone(), door: None })),
            TableArg::Named(name) => parts.extend(part(name, None)),
        }
    }
    if query.tables.is_empty() {
        if let Some(door) = &channel {
            parts.extend(part(&door.table, Some(door.clone())));
        } else if let Some(exporter) = exporter {
            let exporting = exporter.channels.iter().filter(|d| d.exporting);
            parts.extend(exporting.filter_map(|d| part(&d.table, Some(d.clone()))));
        } else if let Some(of) = query.protocol.as_ref().and_then(doors) {
            parts.extend(of.channels.iter().filter_map(|d| part(&d.table, None)));
        } else {
            parts.extend(world.defaults.iter().filter_map(|name| part(name, None)));
        }
    }
    let mut fitting = Vec::new();
    for mut part in parts {
        let name = part.table.name().clone();
        if query.export.is_some() && part.door.is_none() {
            let own = channel.as_ref().filter(|d| d.table == name);
            part.door = own.or_else(|| exporter?.channels.iter().find(|d| d.table == name)).cloned();
            if part.door.is_none() && query.chosen == Chosen::Named {
                return Err(Refusal::parse(format!("No export channel for table {name}")));
            }
            if part.door.is_none() {
                continue;
            }
        }
        if query.net.as_ref().is_some_and(|net| net.net_type() != part.table.net_type()) {
            if query.chosen == Chosen::Named {
                return Err(Refusal::parse(format!("Incompatible type of prefix/ip for table {name}")));
            }
            continue;
        }
        fitting.push(part);
    }
    if fitting.is_empty() {
        return Err(Refusal::parse("No valid tables"));
    }
    Ok(fitting)
}

async fn run(ctx: &mut Context, query: Query) -> Result<(), Stop> {
    let exporter = query.export.as_ref().map(|(_, name, _)| name.clone());
    let named: Vec<Arc<str>> = exporter.into_iter().chain(query.protocol.clone()).collect();
    let world = ctx.ask(|b| b.routes(named)).await?;
    let parts = match parts(&query, &world) {
        Ok(parts) => parts,
        Err(refusal) => {
            ctx.refuse(refusal);
            return Ok(());
        }
    };
    let protocol = query.protocol.as_ref().and_then(|name| world.protocols.iter().find(|p| p.name == *name));
    let wanted = Wanted {
        filtered: query.filtered,
        primary: query.primary,
        numbers: query.numbers,
        export: query.export.as_ref().map(|(question, ..)| *question),
        protocol: protocol.map(|p| p.id),
        filter: query.filter.clone(),
        within: match query.net {
            Some(NetArg::In(net)) => Some(net),
            _ => None,
        },
        headings: query.chosen != Chosen::Implied,
    };
    let times = ctx.times().route();
    let writer =
        RouteWriter { naming: world.naming, text: ctx.backend.route_text(), times, verbose: query.verbose };
    match query.net {
        Some(NetArg::Exact(net)) => {
            single(ctx, RouteShow::new(wanted, parts, writer), vec![net], false).await
        }
        Some(NetArg::For(net)) => {
            single(ctx, RouteShow::new(wanted, parts, writer), covering(&net), true).await
        }
        _ => whole(ctx, RouteShow::new(wanted, parts, writer)).await,
    }
}

/// Does a part of a show on a thread where it disturbs nobody.
async fn apart<R: Send + 'static>(
    ctx: &mut Context,
    mut show: RouteShow,
    work: impl FnOnce(&mut RouteShow, &mut Reply) -> R + Send + 'static,
) -> Result<(RouteShow, R), Stop> {
    let mut reply = std::mem::take(&mut ctx.reply);
    let work = tokio::task::spawn_blocking(move || {
        let result = work(&mut show, &mut reply);
        (show, reply, result)
    });
    let (show, reply, result) = work.await.map_err(std::io::Error::other)?;
    ctx.reply = reply;
    Ok((show, result))
}

/// One net of each table.
async fn single(ctx: &mut Context, mut show: RouteShow, nets: Vec<Net>, usable: bool) -> Result<(), Stop> {
    while let Some(table) = show.table() {
        let found = ctx.wait(table.find(nets.clone(), usable)).await?;
        if show.runs_filters() && found.is_some() {
            (show, ()) = apart(ctx, show, move |show, reply| show.found(found.as_ref(), reply)).await?;
        } else {
            show.found(found.as_ref(), &mut ctx.reply);
        }
        ctx.pace().await?;
    }
    if show.looked_at_any() {
        ctx.reply.ok();
        return Ok(());
    }
    ctx.end(crate::control::Code::NotFound, "Network not found")
}

/// Whole tables, piece by piece. Large ones are walked on another thread, so that no other session waits.
async fn whole(ctx: &mut Context, mut show: RouteShow) -> Result<(), Stop> {
    while let Some(table) = show.table() {
        if show.only_counts() {
            let counted = ctx.wait(table.counted(show.filtered())).await?;
            show.counted(counted, &mut ctx.reply);
            continue;
        }
        let mut snapshot: Option<Snapshot> = None;
        let mut patience = PATIENCE;
        let mut done = false;
        while !done {
            let current = match snapshot.take() {
                Some(current) => current,
                None => {
                    patience = PATIENCE;
                    ctx.wait(table.snapshot()).await?
                }
            };
            if current.end().0 <= AT_ONCE && !show.runs_filters() {
                done = show.step(&current, PIECE, &mut ctx.reply);
                snapshot = Some(current);
            } else {
                let step = move |show: &mut RouteShow, reply: &mut Reply| {
                    (show.step(&current, PIECE, reply), current)
                };
                let (walked, (finished, back)) = apart(ctx, show, step).await?;
                (show, done, snapshot) = (walked, finished, Some(back));
            }
            if ctx.reply.pending().len() >= CHUNK || !done {
                ctx.send_or(&mut patience, || snapshot = None).await?;
            }
        }
    }
    show.end(&mut ctx.reply);
    Ok(())
}
