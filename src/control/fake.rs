//! A daemon for tests: a few protocols, real tables, and answers that can be set.
#![allow(clippy::unwrap_used, reason = "tests stop where they fail")]

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::backend::*;
use super::view::explain::*;
use super::view::kernel::{DriftsView, KernelView, KernelWait};
use super::view::protocol::{ProtocolDetail, ProtocolState};
use super::view::route::*;
use super::view::status::{ConfigStatusView, DaemonState};
use super::view::*;
use crate::base::prefix_set::PrefixSet;
use crate::base::time::{Now, TimeFormat, TimeFormats};
use crate::base::{ChannelId, Net, NetExt, NetType, ProtoId, Value};
use crate::config::{DebugMask, MrtdumpMask};
use crate::filter::explain::Spot;
use crate::table::route::Source;
use crate::table::{AttrId, Attrs, Counted, Dest, NetId, Route, RouteSource, Snapshot, Table};

/// A table that tests fill.
pub(super) struct FakeTable {
    name: Arc<str>,
    net_type: NetType,
    pub table: Mutex<Table>,
}

/// The daemon.
pub(super) struct Fake {
    pub protocols: Vec<(Arc<str>, &'static str)>,
    pub tables: Vec<Arc<FakeTable>>,
    /// What was asked, changes only.
    pub log: Mutex<Vec<String>>,
    pub status: Mutex<DaemonState>,
    /// What the next `configure` says.
    pub events: Mutex<Vec<ConfigEvent>>,
    /// Where the last `configure` wants its notices.
    pub notices: Mutex<Option<mpsc::Sender<String>>>,
}

fn net(text: &str) -> Net {
    Net::Ip(text.parse().unwrap())
}

impl Fake {
    /// Protocols `device1`, `k`, `one`, `two`, `three`, `four` and the tables of `table-show-route-stats`.
    pub(super) fn new() -> Arc<Fake> {
        let table = |name: &str, net_type| {
            let table = Table::new(name.into(), net_type, false, |_, _| false);
            Arc::new(FakeTable { name: name.into(), net_type, table: Mutex::new(table) })
        };
        let tables =
            vec![table("master4", NetType::Ip4), table("master6", NetType::Ip6), table("t1", NetType::Ip4)];
        let protocols = [
            ("device1", "Device"),
            ("k", "Kernel"),
            ("one", "Static"),
            ("two", "Static"),
            ("three", "Static"),
        ];
        let protocols = protocols.map(|(n, k)| (Arc::from(n), k)).to_vec();
        let fake = Fake {
            protocols,
            tables,
            log: Mutex::default(),
            status: Mutex::new(DaemonState::Running),
            events: Mutex::default(),
            notices: Mutex::default(),
        };
        for (table, proto, prefix, dest) in [
            (0, 2, "10.1.0.0/16", Dest::Blackhole),
            (0, 2, "10.1.5.0/24", Dest::Blackhole),
            (0, 2, "10.3.0.0/16", Dest::Blackhole),
            (0, 3, "10.1.0.0/16", Dest::Prohibit),
            (0, 3, "10.4.0.0/16", Dest::Prohibit),
            (1, 2, "2001:db8::/32", Dest::Prohibit),
            (2, 4, "10.5.0.0/16", Dest::Prohibit),
        ] {
            fake.add(table, proto, &net(prefix), dest, false);
        }
        Arc::new(fake)
    }

    /// Adds a route of protocol number `proto`.
    pub(super) fn add(&self, table: usize, proto: u32, net: &Net, dest: Dest, filtered: bool) {
        let attrs = Attrs { source: RouteSource::Static, preference: 200, dest, ..Attrs::default() };
        let source = Source { proto: ProtoId(proto), path: 0 };
        let route = Route {
            attrs: Arc::new(attrs),
            changed: 0,
            source,
            sender: ChannelId(proto),
            filtered,
            generation: 0,
            refusal: 0,
        };
        self.tables[table].table.lock().unwrap().replace(net, source, Some(route));
    }

    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }
}

fn now<T: Send + 'static>(value: T) -> Answer<'static, T> {
    Box::pin(async { Ok(value) })
}

impl RouteTable for FakeTable {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
    fn net_type(&self) -> NetType {
        self.net_type
    }
    fn snapshot(&self) -> Answer<'_, Snapshot> {
        now(self.table.lock().unwrap().snapshot())
    }
    fn counted(&self, filtered: bool) -> Answer<'_, Counted> {
        let mut table = self.table.lock().unwrap();
        let counted = table.counted(filtered);
        assert_eq!(counted, table.snapshot().counted(filtered), "both ways give the same numbers");
        now(counted)
    }
    fn find(&self, nets: Vec<Net>, usable: bool) -> Answer<'_, Option<Found>> {
        let table = self.table.lock().unwrap();
        now(nets.into_iter().find_map(|net| {
            let id = table.find(&net)?;
            let (net, routes) = table.get(id)?;
            let fits = !usable || routes.first().is_some_and(|r| !r.filtered);
            fits.then(|| Found { id, net: net.clone(), routes: routes.to_vec() })
        }))
    }
    fn kernel_refused(&self, net: NetId) -> bool {
        &*self.name == "t1" && net == NetId(0)
    }
}

/// A kernel protocol that exports all but 10.3.0.0/16.
struct FakeExport;

impl ExportView for FakeExport {
    fn offer(&self) -> Offer {
        Offer::Optimal
    }
    fn preexport(&self, _: &Net, _: &Route) -> Preexport {
        Preexport::AskFilter
    }
    fn filter(&self, n: &Net, _: &Route) -> Verdict {
        if *n == net("10.3.0.0/16") { Verdict::Reject } else { Verdict::Accept }
    }
    fn merged(&self, _: &Net, routes: &[Route]) -> Option<Route> {
        routes.first().cloned()
    }
    fn exported(&self, _: NetId, route: &Route) -> bool {
        route.attrs.dest == Dest::Blackhole
    }
}

impl Backend for Fake {
    fn attend(&self) -> Box<dyn Send> {
        Box::new(())
    }

    fn now(&self) -> Now {
        Now { moment: 1_000_000, wall: 1_000_000 }
    }
    fn time_formats(&self) -> TimeFormats {
        let format = |text: &str| TimeFormat { recent: text.into(), limit: None, older: None };
        TimeFormats {
            route: format("<time>"),
            protocol: format("<time>"),
            base: format("<datetime>"),
            log: format(""),
        }
    }
    fn threads(&self) -> Answer<'_, Vec<ThreadView>> {
        let cpu = std::time::Duration::from_millis(1500);
        let view = ThreadView { id: 7, name: "engine".into(), cpu, state: "waiting" };
        Box::pin(async { Ok(vec![view]) })
    }

    fn route_text(&self) -> Arc<dyn RouteText> {
        Arc::new(FakeScope(Vec::new()))
    }

    fn scope(&self) -> Arc<dyn Scope> {
        let mut names: Vec<(Arc<str>, SymbolClass)> = Vec::new();
        names.extend(self.tables.iter().map(|t| (t.name.clone(), SymbolClass::Table(t.net_type))));
        names.extend(self.protocols.iter().map(|(n, k)| (n.clone(), SymbolClass::Protocol(k))));
        names.push(("f1".into(), SymbolClass::Filter));
        names.push(("tmpl".into(), SymbolClass::Template));
        names.push(("c1".into(), SymbolClass::Constant));
        Arc::new(FakeScope(names))
    }
    fn status(&self) -> Answer<'_, StatusView> {
        now(StatusView {
            router_id: Ipv4Addr::new(10, 0, 0, 1),
            hostname: "host".into(),
            booted: 0,
            reconfigured: 0,
            recovery: None,
            state: *self.status.lock().unwrap(),
        })
    }
    fn protocols(&self, which: Selection, detail: bool) -> Answer<'_, Vec<ProtocolView>> {
        let view = |(name, kind): &(Arc<str>, &'static str)| ProtocolView {
            name: name.clone(),
            kind,
            table: (*kind != "Device").then(|| "master4".into()),
            state: ProtocolState::Up,
            since: 0,
            info: String::new(),
            detail: detail.then(ProtocolDetail::default),
        };
        now(self.protocols.iter().filter(|(n, _)| which.matches(n)).map(view).collect())
    }
    fn interfaces(&self) -> Answer<'_, Vec<InterfaceView>> {
        now(Vec::new())
    }
    fn statics(&self, name: Option<Arc<str>>) -> Answer<'_, Vec<StaticView>> {
        let route = |name: &Arc<str>| StaticView {
            name: name.clone(),
            routes: Box::new(
                [StaticRouteView { net: net("10.1.0.0/16"), dest: StaticDestViewOf::Blackhole }].into_iter(),
            ),
        };
        let statics = self.protocols.iter().filter(|(_, k)| *k == "Static");
        now(statics.filter(|(n, _)| name.as_ref().is_none_or(|w| w == n)).map(|(n, _)| route(n)).collect())
    }
    fn memory(&self) -> Answer<'_, MemoryView> {
        now(MemoryView::default())
    }
    fn kernel(&self) -> Answer<'_, Vec<KernelView>> {
        let one = KernelView { name: "k".into(), table: 254, settled: true, ..KernelView::default() };
        now(vec![one])
    }
    fn kernel_drift(&self) -> Answer<'_, DriftsView> {
        now(DriftsView::default())
    }
    /// A minute is enough.
    fn wait_kernel(&self, limit: Duration) -> Answer<'_, KernelWait> {
        let behind = || KernelWait::TimedOut(vec!["k".into()]);
        now(if limit < Duration::from_secs(60) { behind() } else { KernelWait::Settled })
    }
    fn filters(&self, _: Option<Arc<str>>, _: bool) -> Answer<'_, Vec<FilterView>> {
        let place = Spot { file: Some(Path::new("bird.conf").into()), line: 7, text: "reject;".into() };
        let rows = vec![FilterRow { kind: RowKind::Rejected, count: 3, place: place.clone() }];
        let users = vec![FilterUser {
            channel: "one.ipv4".into(),
            direction: Direction::Import,
            since: 0,
            rows,
            silent: 2,
        }];
        now(vec![FilterView { name: "f".into(), place, users }])
    }
    fn explain(&self, question: Question) -> Answer<'_, Result<ExplainView, String>> {
        let case = CaseView {
            title: format!(
                "Import of {}{}",
                if question.around { "the net around " } else { "" },
                question.net
            ),
            remarks: Vec::new(),
            commands: None,
            trace: None,
            result: vec!["not in master4".into()],
        };
        now(Ok(ExplainView { cases: vec![case], ..ExplainView::default() }))
    }
    fn routes(&self, protocols: Vec<Arc<str>>) -> Answer<'_, RouteWorld> {
        let named = |((name, kind), at): (&(Arc<str>, &'static str), u32)| {
            let info = if *kind == "Static" { RouteInfo::IgpMetric } else { RouteInfo::Preference };
            (ProtoId(at), ProtocolName { name: name.clone(), info })
        };
        let naming =
            Naming { protocols: self.protocols.iter().zip(0..).map(named).collect(), ..Naming::default() };
        let doors = |name: &Arc<str>| {
            let at = self.protocols.iter().position(|(n, _)| n == name).unwrap();
            let door = Door {
                name: "ipv4".into(),
                table: "master4".into(),
                exporting: self.protocols[at].1 == "Kernel",
                export: Arc::new(FakeExport),
            };
            ProtocolDoors { name: name.clone(), id: ProtoId(at as u32), channels: vec![door] }
        };
        now(RouteWorld {
            tables: self.tables.iter().map(|t| t.clone() as Arc<dyn RouteTable>).collect(),
            defaults: vec!["master4".into(), "master6".into()],
            protocols: protocols.iter().map(doors).collect(),
            naming: Arc::new(naming),
        })
    }
    fn act(&self, action: Action, which: Selection) -> Answer<'_, Vec<(Arc<str>, Outcome)>> {
        self.note(format!("{action:?} {which:?}"));
        let outcome = match action {
            Action::Disable(_) => Outcome::Disabled,
            Action::Enable(_) => Outcome::AlreadyEnabled,
            Action::Restart(_) => Outcome::Restarted,
            Action::Reload { .. } => Outcome::Reloading,
        };
        let chosen = self.protocols.iter().filter(|(n, _)| which.matches(n));
        now(chosen.map(|(n, _)| (n.clone(), outcome)).collect())
    }
    fn debug(&self, target: DebugTarget, mask: DebugMask) -> Answer<'_, Result<usize, NoSuchChannel>> {
        self.note(format!("debug {:#x}", mask.0));
        now(match target {
            DebugTarget::Channel { channel, .. } if channel != "ipv4" => Err(NoSuchChannel),
            DebugTarget::Channel { .. } => Ok(1),
            DebugTarget::Protocols(which) => {
                Ok(self.protocols.iter().filter(|(n, _)| which.matches(n)).count())
            }
        })
    }
    fn mrtdump(&self, _: Selection, _: MrtdumpMask) -> Answer<'_, usize> {
        now(1)
    }
    fn dump(&self, what: DumpWhat) -> Answer<'_, String> {
        now(format!("{what:?}\n"))
    }
    fn configure(&self, _: Configure, notices: mpsc::Sender<String>) -> mpsc::Receiver<ConfigEvent> {
        let (sender, receiver) = mpsc::channel(16);
        for event in self.events.lock().unwrap().drain(..) {
            sender.try_send(event).unwrap();
        }
        *self.notices.lock().unwrap() = Some(notices);
        receiver
    }
    fn configure_status(&self) -> Answer<'_, ConfigStatusView> {
        now(ConfigStatusView { state: *self.status.lock().unwrap(), undo_in: Some(2_500_000) })
    }
    fn shutdown(&self, graceful: bool) {
        self.note(format!("shutdown {graceful}"));
        *self.status.lock().unwrap() = DaemonState::ShuttingDown;
    }
}

use super::view::static_::StaticDestView as StaticDestViewOf;

struct FakeScope(Vec<(Arc<str>, SymbolClass)>);

/// `proto = "x"` and `net.len = N`.
enum FakeFilter {
    Proto(String),
    Length(u8),
}

impl RouteFilter for FakeFilter {
    fn run(&self, net: &Net, route: &Route, naming: &Naming) -> Verdict {
        let yes = match self {
            FakeFilter::Proto(name) => naming.protocol(route.source.proto) == name,
            FakeFilter::Length(len) => net.ip_prefix().is_some_and(|p| p.prefix_len() == *len),
        };
        if yes { Verdict::Accept } else { Verdict::Reject }
    }
}

impl RouteText for FakeScope {
    fn attribute(&self, id: AttrId, value: &Value, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("attribute_{}: {value:?}", id.0).as_bytes());
    }
    fn igp_metric(&self, attrs: &Attrs) -> Option<u32> {
        attrs.get_int(AttrId(1))
    }
    fn mpls_label(&self, attrs: &Attrs) -> Option<u32> {
        attrs.get_int(AttrId(2))
    }
}

impl Scope for FakeScope {
    fn find(&self, name: &str) -> Option<SymbolClass> {
        self.0.iter().find(|(n, _)| **n == *name).map(|(_, class)| *class)
    }
    fn list(&self) -> Vec<(Arc<str>, SymbolClass)> {
        self.0.clone()
    }
    fn attributes(&self) -> Vec<&'static str> {
        vec!["net", "bgp_path"]
    }

    fn nets(&self, _text: &str) -> Result<(Arc<PrefixSet>, usize), TermError> {
        Err(TermError::Parse("Prefix set expected".into()))
    }

    fn eval(&self, term: &str) -> Result<String, TermError> {
        let term = term.trim();
        if term == "net" {
            return Err(TermError::Runtime);
        }
        if term == "'c1'" {
            return Ok("10.1.5.7".into());
        }
        if let Some(text) = term.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            return Ok(text.to_owned());
        }
        let sum: Option<u32> = term.split('+').map(|n| n.trim().parse::<u32>().ok()).sum();
        sum.map(|n| n.to_string()).ok_or_else(|| TermError::Parse("syntax error, unexpected things".into()))
    }
    fn filter(&self, _: FilterKind, text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError> {
        if let Some(rest) = text.strip_prefix("proto = \"") {
            let end = rest.find('"').unwrap();
            return Ok((
                Arc::new(FakeFilter::Proto(rest[..end].to_owned())),
                text.len() - rest.len() + end + 1,
            ));
        }
        if let Some(rest) = text.strip_prefix("net.len = ") {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let filter = FakeFilter::Length(rest[..end].parse().unwrap());
            return Ok((Arc::new(filter), text.len() - rest.len() + end));
        }
        Err(TermError::Parse("syntax error, unexpected things".into()))
    }
}

/// A ROA of some length, for the width of columns.
pub(super) fn roa(text: &str, max_len: u8, asn: u32) -> Net {
    NetExt::Roa { prefix: text.parse().unwrap(), max_len, asn }.into()
}
