//! The walk behind `show route`: which routes of which tables, in pieces.
//!
//! A show is a machine that can stop after any net: it holds counters and the number of the next net, never a
//! borrowed table. The session gives it a snapshot, lets it fill a buffer, sends the buffer, and goes on; a
//! client that does not read costs neither a thread nor a snapshot.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::code::Code;
use super::render::route::{Mark, RouteWriter};
use super::view::route::{Door, Found, Offer, Preexport, RouteFilter, RouteTable, Verdict};
use super::wire::Reply;
use crate::base::{IpNet, Net, ProtoId};
use crate::table::{Attrs, Counted, NetId, Route, Snapshot};

/// Which question about exports is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the command")]
pub enum ExportQuestion {
    Preexport,
    Export,
    Noexport,
    Exported,
}

/// How much is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Numbers {
    /// Routes.
    #[default]
    None,
    /// Routes, then how many.
    Stats,
    /// How many.
    Count,
}

/// Which routes are shown.
#[derive(Clone, Default)]
pub struct Wanted {
    /// Those the import filter rejected, and only those.
    pub filtered: bool,
    /// At most the best one of each net.
    pub primary: bool,
    /// Routes, numbers, or both.
    pub numbers: Numbers,
    /// What a channel does with them.
    pub export: Option<ExportQuestion>,
    /// Whose they are.
    pub protocol: Option<ProtoId>,
    /// `where`, `filter`
    pub filter: Option<Arc<dyn RouteFilter>>,
    /// `in NET`
    pub within: Option<IpNet>,
    /// A table's heading stands even above nothing.
    pub headings: bool,
}

/// A table to show, with the channel that exports are asked about.
#[derive(Clone)]
pub struct Part {
    /// The table.
    pub table: Arc<dyn RouteTable>,
    /// The channel.
    pub door: Option<Door>,
}

/// Routes shown, routes looked at, nets looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Counts {
    shown: u64,
    routes: u64,
    nets: u64,
}

/// A show under way.
pub struct RouteShow {
    wanted: Wanted,
    parts: Vec<Part>,
    writer: RouteWriter,
    /// The table being shown.
    part: usize,
    /// The net to go on with.
    next: NetId,
    /// Of all tables.
    total: Counts,
    /// Of all tables before this one.
    before: Counts,
    /// The table whose heading stands; `usize::MAX` for none.
    headed: usize,
}

/// How far one step may go.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Bytes waiting to be sent.
    pub bytes: usize,
    /// Nets looked at.
    pub nets: usize,
}

impl RouteShow {
    /// A show of these tables in this order.
    pub fn new(wanted: Wanted, parts: Vec<Part>, writer: RouteWriter) -> RouteShow {
        RouteShow {
            wanted,
            parts,
            writer,
            part: 0,
            next: NetId(0),
            total: Counts::default(),
            before: Counts::default(),
            headed: usize::MAX,
        }
    }

    /// The table to show next; `None` when all are done.
    pub fn table(&self) -> Option<Arc<dyn RouteTable>> {
        self.parts.get(self.part).map(|p| p.table.clone())
    }

    /// Writes of the current table what the budget allows. `true` when the table is done.
    pub fn step(&mut self, snapshot: &Snapshot, budget: Budget, reply: &mut Reply) -> bool {
        if self.next == NetId(0) && self.wanted.headings {
            self.heading(reply);
        }
        for (looked, (id, net, routes)) in snapshot.iter_from(self.next).enumerate() {
            if looked >= budget.nets || reply.pending().len() >= budget.bytes {
                self.next = id;
                return false;
            }
            let inside = match (&self.wanted.within, net) {
                (None, _) => true,
                (Some(IpNet::V4(all)), Net::Ip(IpNet::V4(one))) => all.contains(one),
                (Some(IpNet::V6(all)), Net::Ip(IpNet::V6(one))) => all.contains(one),
                _ => false,
            };
            if inside {
                self.net(id, net, routes, reply);
            }
        }
        self.close(reply);
        true
    }

    /// Whether filters run, which may take long and ask the engine.
    pub fn runs_filters(&self) -> bool {
        self.wanted.filter.is_some() || self.wanted.export.is_some()
    }

    /// Whether nothing has to be known of a route but that it is there.
    pub fn only_counts(&self) -> bool {
        let w = &self.wanted;
        let picks = w.primary
            || w.export.is_some()
            || w.protocol.is_some()
            || w.filter.is_some()
            || w.within.is_some();
        w.numbers == Numbers::Count && !picks
    }

    /// Whether filtered routes are wanted, or usable ones.
    pub fn filtered(&self) -> bool {
        self.wanted.filtered
    }

    /// The numbers of the current table; nothing else of it is wanted ([`only_counts`](Self::only_counts)).
    pub fn counted(&mut self, counted: Counted, reply: &mut Reply) {
        if self.wanted.headings {
            self.heading(reply);
        }
        self.total.routes += counted.routes as u64;
        self.total.shown += counted.routes as u64;
        self.total.nets += counted.nets as u64;
        self.close(reply);
    }

    /// Shows one net of the current table and goes to the next table: for exact nets and longest matches.
    pub fn found(&mut self, found: Option<&Found>, reply: &mut Reply) {
        if let Some(found) = found {
            self.net(found.id, &found.net, &found.routes, reply);
        }
        self.part += 1;
    }

    /// Whether anything was looked at.
    pub fn looked_at_any(&self) -> bool {
        self.total.routes > 0
    }

    /// The last line of a show of whole tables.
    pub fn end(&self, reply: &mut Reply) {
        if self.wanted.numbers == Numbers::None || self.parts.len() < 2 {
            return reply.ok();
        }
        if self.headed != usize::MAX {
            reply.line(Code::Route, "");
        }
        let Counts { shown, routes, nets } = self.total;
        let tables = self.parts.len();
        let text = format!("Total: {shown} of {routes} routes for {nets} networks in {tables} tables");
        reply.end(Code::RouteTotal, text);
    }

    /// Ends the current table.
    fn close(&mut self, reply: &mut Reply) {
        if self.wanted.numbers != Numbers::None {
            self.heading(reply);
            let n = |now: u64, before: u64| now - before;
            let (shown, routes, nets) = (
                n(self.total.shown, self.before.shown),
                n(self.total.routes, self.before.routes),
                n(self.total.nets, self.before.nets),
            );
            if let Some(part) = self.parts.get(self.part) {
                let table = part.table.name();
                let text = format!("{shown} of {routes} routes for {nets} networks in table {table}");
                reply.line(Code::Route, text);
            }
        }
        self.before = self.total;
        self.next = NetId(0);
        self.part += 1;
    }

    fn heading(&mut self, reply: &mut Reply) {
        if self.wanted.numbers == Numbers::Count || self.headed == self.part {
            return;
        }
        if self.headed != usize::MAX {
            reply.line(Code::Route, "");
        }
        if let Some(part) = self.parts.get(self.part) {
            reply.line(Code::Route, format_args!("Table {}:", part.table.name()));
        }
        self.headed = self.part;
    }

    /// One net: each of its routes is counted; those that pass every test are shown.
    fn net(&mut self, id: NetId, net: &Net, routes: &[Route], reply: &mut Reply) {
        let mut counted = false;
        let mut shown_before = false;
        let mut enough = false;
        for (at, route) in routes.iter().enumerate() {
            if route.filtered != self.wanted.filtered {
                continue;
            }
            self.total.routes += 1;
            self.total.nets += u64::from(!counted);
            counted = true;
            if enough {
                continue;
            }
            if let ControlFlow::Continue(attrs) = self.test(id, net, route, routes, &mut enough) {
                if self.wanted.numbers < Numbers::Count {
                    self.heading(reply);
                    let mark = match at {
                        0 if self.refused(id) => Mark::Refused,
                        0 => Mark::Best,
                        _ => Mark::None,
                    };
                    let (shown_net, attrs) =
                        ((!shown_before).then_some(net), attrs.as_ref().unwrap_or(&route.attrs));
                    self.writer.route(shown_net, route, attrs, mark, reply);
                    shown_before = true;
                }
                self.total.shown += 1;
            }
            if self.wanted.primary {
                break;
            }
        }
    }

    fn refused(&self, id: NetId) -> bool {
        self.parts.get(self.part).is_some_and(|p| p.table.kernel_refused(id))
    }

    /// Whether a route is wanted, and with which attributes. `enough`: no further route of this net can be.
    fn test(
        &self,
        id: NetId,
        net: &Net,
        route: &Route,
        all: &[Route],
        enough: &mut bool,
    ) -> ControlFlow<(), Option<Arc<Attrs>>> {
        let mut changed: Option<Arc<Attrs>> = None;
        if let (Some(question), Some(part)) = (self.wanted.export, self.parts.get(self.part)) {
            let Some(door) = part.door.as_ref().filter(|d| d.exporting) else {
                return ControlFlow::Break(());
            };
            changed = export_test(question, door, id, net, route, all, enough)?;
        }
        if self.wanted.protocol.is_some_and(|p| p != route.source.proto) {
            return ControlFlow::Break(());
        }
        if let Some(filter) = &self.wanted.filter {
            let edited = changed.as_ref().map(|attrs| Route { attrs: attrs.clone(), ..route.clone() });
            match filter.run(net, edited.as_ref().unwrap_or(route), &self.writer.naming) {
                Verdict::Reject => return ControlFlow::Break(()),
                Verdict::Accept => {}
                Verdict::Change(attrs) => changed = Some(attrs),
            }
        }
        ControlFlow::Continue(changed)
    }
}

/// Whether a channel's answer to the question is yes, and what the route becomes on its way out.
fn export_test(
    question: ExportQuestion,
    door: &Door,
    id: NetId,
    net: &Net,
    route: &Route,
    all: &[Route],
    enough: &mut bool,
) -> ControlFlow<(), Option<Arc<Attrs>>> {
    let yes_if = |yes: bool| if yes { ControlFlow::Continue(None) } else { ControlFlow::Break(()) };
    let (export, offer) = (&door.export, door.export.offer());
    match question {
        ExportQuestion::Exported => {
            // What was exported is known per net; only one route of it can have been, unless all are.
            *enough = match offer {
                Offer::Any => false,
                Offer::Accepted => matches!(export.filter(net, route), Verdict::Accept | Verdict::Change(_)),
                Offer::Optimal | Offer::Merged => true,
            };
            return yes_if(export.exported(id, route) && (*enough || offer == Offer::Any));
        }
        ExportQuestion::Export if offer == Offer::Merged => {
            *enough = true;
            return match export.merged(net, all) {
                Some(merged) => ControlFlow::Continue(Some(merged.attrs)),
                None => ControlFlow::Break(()),
            };
        }
        _ => {}
    }
    if matches!(offer, Offer::Optimal | Offer::Merged) {
        *enough = true;
    }
    let verdict = match export.preexport(net, route) {
        Preexport::Reject => return ControlFlow::Break(()),
        _ if question == ExportQuestion::Preexport => return ControlFlow::Continue(None),
        Preexport::AskFilter => export.filter(net, route),
    };
    let passes = !matches!(verdict, Verdict::Reject);
    if passes != (question == ExportQuestion::Export) {
        return ControlFlow::Break(());
    }
    if passes && offer == Offer::Accepted {
        *enough = true;
    }
    match verdict {
        Verdict::Change(attrs) => ControlFlow::Continue(Some(attrs)),
        _ => ControlFlow::Continue(None),
    }
}
