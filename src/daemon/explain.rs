//! `explain route` and `show filters`: what the engine knows, made into views.
//!
//! Filters run here, on a thread that may be slow, with routes that the engine has given away.

use std::sync::Arc;

use super::filters::OffEngine;
use crate::base::Net;
use crate::config::FilterRef;
use crate::control::view::explain::{
    CaseView, ExplainTable, ExplainView, FilterRow, FilterUser, FilterView, Question, RowKind,
};
use crate::control::view::route::Naming;
use crate::engine::accounting::{Direction, Refusal, Tally};
use crate::engine::channel::Channel;
use crate::engine::explain::{ExportCase, Findings, ImportCase};
use crate::engine::proto::Proto;
use crate::engine::{Core, Engine};
use crate::filter::attributes::CustomAttrs;
use crate::filter::explain::{End, Spot, Trace, explain};
use crate::filter::{Filter, Machine, RouteView, Verdict};
use crate::table::{Attrs, Source};

/// What filters need to run again.
pub(super) struct Explainer {
    pub engine: OffEngine,
    pub custom: CustomAttrs,
    pub naming: Arc<Naming>,
}

impl Explainer {
    /// Runs the filters and says it all.
    pub(super) fn view(self, question: &Question, found: Findings) -> ExplainView {
        let net = found.net.as_ref().unwrap_or(&question.net);
        let mut cases: Vec<CaseView> = found.imports.iter().map(|case| self.import(net, case)).collect();
        cases.extend(found.exports.iter().map(|case| self.export(net, case)));
        let tables = found.tables.into_iter();
        ExplainView {
            net: found.net,
            tables: tables
                .map(|t| ExplainTable { name: t.name, routes: t.routes, refused: t.refused })
                .collect(),
            around: found.around,
            cases,
            naming: self.naming,
        }
    }

    fn run(&self, filter: &Filter, net: &Net, source: Source, attrs: &Attrs) -> Trace {
        let proto: Arc<str> = self.naming.protocol(source.proto).into();
        let mut view = RouteView::new(net, attrs, &proto);
        explain(filter, &mut view, &mut Machine::default(), &self.engine, &self.custom)
    }

    fn import(&self, net: &Net, case: &ImportCase) -> CaseView {
        let mut remarks = Vec::new();
        let mut result = Vec::new();
        let title = format!("Import by {} into {}: {}", case.channel, case.table, policy(&case.filter));
        if let Some(why) = &case.closed {
            result.push(format!("not asked: {why}"));
        }
        let filter = case.filter.filter().filter(|_| case.closed.is_none());
        if filter.is_some() && case.after_filter {
            let maker = self.naming.protocol(case.source.proto);
            remarks.push(format!(
                "{maker} cannot show the route as it was: this is the one in {}, with what the filter wrote into it",
                case.table
            ));
        }
        let commands = case.commands.as_ref().and_then(|(commands, before)| {
            let commands = commands.filter()?;
            let place = place(commands);
            Some((format!("commands of the route{place}"), self.run(commands, net, case.source, before)))
        });
        let trace = filter.map(|filter| self.run(filter, net, case.source, &case.attrs));
        // The run says it already, unless it ends elsewhere now.
        let here = |site| match trace.as_ref().map(|t: &Trace| &t.end) {
            Some(End::Verdict(_, spot, _)) => {
                case.filter.filter().and_then(|f| f.program.site_spot(site)).as_ref() == Some(spot)
            }
            _ => false,
        };
        match case.refusal {
            Some(Refusal::Site(site)) if here(site) => {}
            Some(refusal) => result.push(refused(refusal, &case.filter)),
            None => {}
        }
        result.push(case.now.clone());
        CaseView { title, remarks, commands, trace, result }
    }

    fn export(&self, net: &Net, case: &ExportCase) -> CaseView {
        let maker = self.naming.protocol(case.route.source.proto);
        let way = match &case.peer {
            Some(peer) => format!("Through {} from {} to {peer}", case.channel, case.table),
            None => format!("Export to {} from {}", case.channel, case.table),
        };
        let title = format!("{way}, route of {maker}: {}", policy(&case.filter));
        let (mut result, mut trace) = (Vec::new(), None);
        match (&case.closed, &case.filter) {
            (Some(why), _) => {
                result.push(format!("not exported: {why}"));
                if case.exported {
                    result.push(case.rejected.clone());
                }
            }
            (None, FilterRef::All) => result.push(case.accepted.clone()),
            (None, FilterRef::None) => result.push(case.rejected.clone()),
            (None, filter) => {
                let run = filter.filter().map(|f| self.run(f, net, case.route.source, &case.route.attrs));
                let accepts = run.as_ref().is_some_and(|t| t.end.accepts());
                result.push(if accepts { case.accepted.clone() } else { case.rejected.clone() });
                trace = run;
            }
        }
        CaseView { title, remarks: Vec::new(), commands: None, trace, result }
    }
}

/// Where a filter stands, if that is known.
fn place(filter: &Filter) -> String {
    match filter.program.home() {
        Spot { file: None, .. } => String::new(),
        home => format!(" ({home})"),
    }
}

/// A policy in a title.
fn policy(filter: &FilterRef) -> String {
    match filter {
        FilterRef::All => "no filter".to_owned(),
        FilterRef::None => "none".to_owned(),
        FilterRef::Named(name, f) => format!("filter {name}{}", place(f)),
        FilterRef::Inline(f) => format!("unnamed filter{}", place(f)),
    }
}

/// What a kept route remembers.
fn refused(refusal: Refusal, filter: &FilterRef) -> String {
    let place = |site| {
        let spot = filter.filter().and_then(|f| f.program.site_spot(site));
        spot.map_or_else(
            || "by a filter that is gone".to_owned(),
            |s| format!("at {s} by: {}", s.text.trim_end_matches(';')),
        )
    };
    match refusal {
        Refusal::Unknown => "filtered before the last change of the filter".to_owned(),
        Refusal::Limit => "filtered because the import limit was reached".to_owned(),
        Refusal::Outside => "filtered because it is outside of `import in`".to_owned(),
        Refusal::None => "filtered by `import none`".to_owned(),
        Refusal::Error => "filtered because of a runtime error".to_owned(),
        Refusal::Undecided => "filtered because the filter came to no verdict".to_owned(),
        Refusal::Site(site) => format!("filtered {}", place(site)),
    }
}

/// All filters, or the one of this name; with `stats` the numbers of all who use them.
pub(super) fn filters(engine: &Engine, name: Option<&str>, stats: bool) -> Vec<FilterView> {
    let core = &engine.core;
    let mut list: Vec<(Arc<Filter>, FilterView)> = Vec::new();
    for (filter_name, filter) in core.config.filters() {
        if name.is_none_or(|n| *n == **filter_name) {
            list.push((filter.clone(), view(filter_name, filter)));
        }
    }
    for proto in core.protos() {
        for (at, ch) in proto.channels.iter().filter_map(|id| core.channel(*id)).enumerate() {
            for direction in [Direction::Import, Direction::Export] {
                add_user(core, proto, at, ch, direction, (name, stats), &mut list);
            }
        }
    }
    // In the order of the configuration, as far as places tell.
    list.sort_by_key(|(_, v)| (v.place.file.clone(), v.place.line));
    list.into_iter().map(|(_, view)| view).collect()
}

fn view(name: &Arc<str>, filter: &Filter) -> FilterView {
    FilterView { name: name.clone(), place: filter.program.home(), users: Vec::new() }
}

fn add_user(
    core: &Core,
    proto: &Proto,
    at: usize,
    ch: &Channel,
    direction: Direction,
    (name, stats): (Option<&str>, bool),
    list: &mut Vec<(Arc<Filter>, FilterView)>,
) {
    let policy = match direction {
        Direction::Import => &ch.config.import,
        Direction::Export => &ch.config.export,
    };
    let Some(filter) = policy.filter() else { return };
    let tally = ch.tally(direction);
    // Both filters of a pipe stand on ways out of tables; the second table's is what the pipe imports.
    let (channel, direction) = match proto.config.kind.keyword() {
        "pipe" => (proto.name.to_string(), if at == 1 { Direction::Import } else { Direction::Export }),
        _ => (core.full_name(ch), direction),
    };
    let whole = name.is_some();
    let (rows, silent) = if stats { rows(filter, tally, whole) } else { (Vec::new(), 0) };
    let user = FilterUser { channel, direction, since: tally.since, rows, silent };
    // After a soft reconfiguration, or for a protocol on its way out, it may be an older filter of that name.
    match list.iter_mut().find(|(known, _)| Arc::ptr_eq(known, filter)) {
        Some((_, view)) => view.users.push(user),
        None if name.is_none_or(|n| *n == *filter.name) => {
            let mut view = view(&filter.name, filter);
            view.users.push(user);
            list.push((filter.clone(), view));
        }
        None => {}
    }
}

fn rows(filter: &Filter, tally: &Tally, whole: bool) -> (Vec<FilterRow>, usize) {
    let program = &filter.program;
    let (mut rows, mut silent) = (Vec::new(), 0);
    for number in 0..program.site_count() {
        let count = tally.site(number);
        if count == 0 && !whole {
            silent += 1;
            continue;
        }
        let kind = match program.site(number as u32).map(|(_, site)| site.verdict) {
            Some(Verdict::Accept) => RowKind::Accepted,
            Some(Verdict::Error) => RowKind::Error,
            _ => RowKind::Rejected,
        };
        let place = program.site_spot(number as u32).unwrap_or_default();
        rows.push(FilterRow { kind, count, place });
    }
    rows.sort_by(|a, b| (&a.place.file, a.place.line).cmp(&(&b.place.file, b.place.line)));
    if tally.undecided > 0 {
        let place = Spot { text: "the end, without accept or reject".to_owned(), ..program.home() };
        rows.push(FilterRow { kind: RowKind::Rejected, count: tally.undecided, place });
    }
    for (error, count) in &tally.errors {
        let spot = program.spot(error.at.0, error.at.1);
        let text = format!("{}: {}", error.message, spot.text);
        rows.push(FilterRow { kind: RowKind::Error, count: *count, place: Spot { text, ..spot } });
    }
    if tally.more_errors > 0 {
        let place = Spot { text: "other runtime errors".to_owned(), ..program.home() };
        rows.push(FilterRow { kind: RowKind::Error, count: tally.more_errors, place });
    }
    (rows, silent)
}
