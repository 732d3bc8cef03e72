//! Doors that take a piece of bytes and give an answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tern::base::prefix_set::PrefixSet;
use tern::base::{IpNet, Net, NetType, NextHop};
use tern::config::{self, Failure};
use tern::control::backend::{FilterKind, Scope, TermError};
use tern::control::command::judge;
use tern::control::view::SymbolClass;
use tern::control::view::route::{Naming, RouteFilter, Verdict};
use tern::filter::{CustomAttrs, Machine, RouteView, run};
use tern::syntax::{fresh_names, on_big_stack, parse_filter_body, parse_term, render};
use tern::table::{Attrs, Dest, Route};

use super::world::World;

fn file(data: &[u8]) -> BTreeMap<PathBuf, Vec<u8>> {
    BTreeMap::from([(PathBuf::from("bird.conf"), data.to_vec())])
}

/// Any bytes as a configuration, to the parser and to messages.
pub fn parse(data: &[u8]) {
    if let Ok(parsed) = tern::syntax::parse(Path::new("bird.conf"), &file(data)) {
        for diagnostic in parsed.diagnostics.iter() {
            render::explained(diagnostic, &parsed.sources, false);
        }
    }
}

/// Any bytes as a configuration with everything behind the parser: names, types, compiled filters. What is accepted is run: every filter of it on a
/// few routes. It is the same to itself, too.
pub fn config(data: &[u8]) {
    let custom = CustomAttrs::default();
    let load = || config::load(Path::new("bird.conf"), tern::protocols::SYNTAX, &custom, &file(data));
    let config = match load() {
        Ok(config) => config,
        Err(Failure::Refused(refusal)) => return drop(refusal.explain("", false)),
        Err(_) => return,
    };
    let proto: Arc<str> = "fuzz".into();
    let hop = NextHop::new("192.0.2.1".parse().ok(), 2);
    let attrs = Attrs { preference: 100, dest: Dest::Unicast([hop].into()), ..Attrs::default() };
    let world = World::default();
    let mut machine = Machine::default();
    let mut costly = 0;
    for (_, filter) in config.filters() {
        for net in ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0"] {
            let Ok(net) = net.parse::<IpNet>() else { continue };
            if costly > 1 {
                return;
            }
            let net = Net::from(net);
            let mut route = RouteView::new(&net, &attrs, &proto);
            let outcome = run(filter, &mut route, &mut machine, &world);
            costly += u32::from(outcome.error.is_some_and(|e| e.message.contains("too long")));
            world.take();
        }
    }
    let again = load().expect("the same text is accepted again");
    for (name, filter) in config.filters() {
        assert!(again.filter(name).is_some_and(|other| filter.same(other)), "{name} is another one");
    }
}

/// Any bytes as the names of iproute2 (`/etc/iproute2/rt_tables` and its like), which every configuration reads.
pub fn names(data: &[u8]) {
    let text = b"ipv4 table t;\nprotocol kernel { ipv4 { table t; }; kernel table ipt_main; }\nprotocol device { }\n";
    let mut files = file(text);
    for name in ["rt_protos", "rt_realms", "rt_scopes", "rt_tables", "rt_dsfield"] {
        files.insert(PathBuf::from("/etc/iproute2").join(name), data.to_vec());
    }
    let custom = CustomAttrs::default();
    drop(config::load(Path::new("bird.conf"), tern::protocols::SYNTAX, &custom, &files));
}

/// Any bytes as what the kernel may send: datagrams of messages, and the body of each kind of message.
pub fn netlink(data: &[u8]) {
    tern::sys::linux::read_anything(data);
}

/// Any bytes as what a daemon sends to the shell, and behind a NUL as what somebody types there.
pub fn shell(data: &[u8]) {
    use birdc::{complete, expand, help, synopsis, table, wire};
    let (sent, typed) = match data.iter().position(|b| *b == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &data[data.len() / 2..]),
    };
    let (mut decoder, mut entries) = (wire::Decoder::default(), Vec::new());
    for piece in sent.chunks(7) {
        decoder.push(piece);
        while let Some(line) = decoder.next_line() {
            if let wire::Line::Reply { code, text, .. } = wire::Line::classify(line) {
                entries.extend(table::Table::parse_entry(code, text));
            }
        }
    }
    let _ = decoder.rest().map(wire::Line::classify);
    let table = table::Table::from_entries(entries).unwrap_or_else(table::Table::builtin);
    let typed = String::from_utf8_lossy(typed);
    for text in typed.lines().take(4) {
        // Completing the name of a file looks at the disk.
        if !text.contains('/') {
            let (at, _) = complete::complete(&table, &Nobody, text);
            assert!(text.is_char_boundary(at), "{at} is inside a letter of {text:?}");
        }
        expand::expand(&table, text);
        complete::expected(&table, text);
        help::question(&table, text);
        help::answer(&table, text);
        help::wrapped(help::context(&table, text), 40);
        let synopsis = synopsis::Synopsis::parse(text);
        let tokens: Vec<&str> = synopsis::tokens(text).into_iter().map(|(_, token)| token).collect();
        synopsis.next(&tokens);
    }
}

/// A daemon that knows a name of each kind.
struct Nobody;

impl birdc::complete::Names for Nobody {
    fn symbols(&self, _: Option<&str>) -> Vec<String> {
        vec!["one".into(), "'two words'".into()]
    }
    fn channels(&self) -> Vec<(String, String)> {
        vec![("one".into(), "ipv4".into())]
    }
    fn attributes(&self) -> Vec<String> {
        vec!["bgp_path".into(), "RTS_BGP".into()]
    }
}

struct Names;

const KNOWN: [(&str, SymbolClass); 3] = [
    ("static1", SymbolClass::Protocol("Static")),
    ("master4", SymbolClass::Table(NetType::Ip4)),
    ("f", SymbolClass::Filter),
];

fn deep<T: Send>(work: impl FnOnce() -> Result<T, TermError> + Send) -> Result<T, TermError> {
    on_big_stack(work).unwrap_or(Err(TermError::Runtime))
}

impl Scope for Names {
    fn find(&self, name: &str) -> Option<SymbolClass> {
        KNOWN.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }
    fn attributes(&self) -> Vec<&'static str> {
        vec!["bgp_path", "RTS_BGP"]
    }
    fn list(&self) -> Vec<(Arc<str>, SymbolClass)> {
        KNOWN.iter().map(|(name, class)| (Arc::from(*name), *class)).collect()
    }
    fn eval(&self, term: &str) -> Result<String, TermError> {
        deep(|| match parse_term(term, &fresh_names(), &[]) {
            Ok(_) => Ok(String::new()),
            Err(error) => Err(TermError::Parse(error.message)),
        })
    }
    fn nets(&self, text: &str) -> Result<(Arc<PrefixSet>, usize), TermError> {
        // The real one reads terms until the bracket closes; how long the text is stands for it.
        Ok((Arc::new(PrefixSet::default()), text.find(']').map_or(text.len(), |end| end + 1)))
    }
    fn filter(&self, kind: FilterKind, text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError> {
        let rest = deep(|| match kind {
            FilterKind::Named => Ok(0),
            FilterKind::Where => {
                parse_term(text, &fresh_names(), &[]).map(|p| p.rest).map_err(|e| TermError::Parse(e.message))
            }
            FilterKind::Inline => parse_filter_body(text, &fresh_names(), &[])
                .map(|p| p.rest)
                .map_err(|e| TermError::Parse(e.message)),
        })?;
        Ok((Arc::new(Names), rest))
    }
}

impl RouteFilter for Names {
    fn run(&self, _: &Net, _: &Route, _: &Naming) -> Verdict {
        Verdict::Accept
    }
}

/// Any bytes as a line of the control socket. The line is judged, not carried out; for that there is target `session`.
pub fn command(data: &[u8]) {
    if let Ok(line) = std::str::from_utf8(data) {
        // A job that was not run does nothing.
        drop(judge(line, &Names));
    }
}
