//! `show route`: snapshots of tables and the export side of channels, readable on any thread.

use std::sync::Arc;

use crate::base::{Net, NetType};
use crate::config::FilterRef;
use crate::control::backend::{Answer, Gone};
use crate::control::view::route::{
    Door, ExportView, Found, Naming, Offer, Preexport, ProtocolDoors, ProtocolName, RouteInfo, RouteTable,
    RouteWorld, Verdict,
};
use crate::engine::api::{ExportMode, ExportRule, LookAt, PreExport};
use crate::engine::channel::Channel;
use crate::engine::{Core, Engine, Handle};
use crate::table::{Bits, Counted, NetId, Route, Snapshot, Source};

use super::filters::FilterRunner;

/// One table behind the engine's door.
struct LiveTable {
    handle: Handle,
    name: Arc<str>,
    net_type: NetType,
    refused: Bits,
}

impl RouteTable for LiveTable {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
    fn net_type(&self) -> NetType {
        self.net_type
    }
    fn snapshot(&self) -> Answer<'_, Snapshot> {
        let name = self.name.clone();
        Box::pin(async move {
            let call = self.handle.call(move |e| e.core.snapshot(&name).unwrap_or_default());
            call.await.map_err(|_| Gone)
        })
    }
    fn counted(&self, filtered: bool) -> Answer<'_, Counted> {
        let name = self.name.clone();
        Box::pin(async move {
            let count = move |e: &mut Engine| e.core.table_named(&name).map(|t| t.counted(filtered));
            self.handle.call(count).await.map(Option::unwrap_or_default).map_err(|_| Gone)
        })
    }
    fn find(&self, nets: Vec<Net>, usable: bool) -> Answer<'_, Option<Found>> {
        let name = self.name.clone();
        Box::pin(async move {
            let call = self.handle.call(move |e| {
                let table = e.core.table_named(&name)?;
                nets.into_iter().find_map(|net| {
                    let id = table.find(&net)?;
                    let (_, routes) = table.get(id)?;
                    let fits = !usable || routes.first().is_some_and(|r| !r.filtered);
                    fits.then(|| Found { id, net, routes: routes.to_vec() })
                })
            });
            call.await.map_err(|_| Gone)
        })
    }
    fn kernel_refused(&self, net: NetId) -> bool {
        self.refused.get(net.0)
    }
}

/// The export side of one channel at one moment.
struct Gate {
    mode: ExportMode,
    rule: Option<ExportRule>,
    export_in: Option<Net>,
    filter: FilterRef,
    runner: FilterRunner,
    exported: Bits,
    exported_any: rustc_hash::FxHashSet<(NetId, Source)>,
}

impl Gate {
    fn new(handle: &Handle, naming: &Arc<Naming>, ch: &Channel) -> Gate {
        Gate {
            mode: ch.mode,
            rule: ch.rule.clone(),
            export_in: ch.config.export_in.clone(),
            filter: ch.config.export.clone(),
            runner: FilterRunner::silent(handle.clone(), naming.clone()),
            exported: ch.exported.clone(),
            exported_any: ch.exported_any.clone(),
        }
    }
}

impl ExportView for Gate {
    fn offer(&self) -> Offer {
        match self.mode {
            ExportMode::Best => Offer::Optimal,
            ExportMode::Any => Offer::Any,
            ExportMode::Merged { .. } => Offer::Merged,
        }
    }
    fn preexport(&self, net: &Net, route: &Route) -> Preexport {
        match crate::engine::channel::judge(self.export_in.as_ref(), self.rule.as_ref(), net, route) {
            PreExport::Ask => Preexport::AskFilter,
            PreExport::Reject | PreExport::Ignore => Preexport::Reject,
        }
    }
    fn filter(&self, net: &Net, route: &Route) -> Verdict {
        self.runner.run_silent(&self.filter, net, route)
    }
    fn merged(&self, net: &Net, routes: &[Route]) -> Option<Route> {
        let ExportMode::Merged { limit } = self.mode else { return None };
        crate::engine::merge::merge(routes, limit, |route| {
            if self.preexport(net, route) != Preexport::AskFilter {
                return None;
            }
            match self.filter(net, route) {
                Verdict::Reject => None,
                Verdict::Accept => Some(route.attrs.clone()),
                Verdict::Change(attrs) => Some(attrs),
            }
        })
        .map(|attrs| Route { attrs, ..routes[0].clone() })
    }
    fn exported(&self, net: NetId, route: &Route) -> bool {
        match self.mode {
            ExportMode::Any => self.exported_any.contains(&(net, route.source)),
            _ => self.exported.get(net.0),
        }
    }
}

/// Collects what `show route` needs.
pub(super) fn world(engine: &Engine, handle: &Handle, protocols: &[Arc<str>]) -> RouteWorld {
    let core = &engine.core;
    let tables: Vec<Arc<dyn RouteTable>> = core
        .config
        .tables
        .iter()
        .filter_map(|t| core.table_named(&t.name))
        .map(|t| -> Arc<dyn RouteTable> {
            Arc::new(LiveTable {
                handle: handle.clone(),
                name: t.name().clone(),
                net_type: t.net_type(),
                refused: core.refused_in(t.name()),
            })
        })
        .collect();
    let defaults = NetType::ALL
        .iter()
        .filter_map(|kind| core.config.tables.iter().find(|t| t.net_type == *kind))
        .map(|t| t.name.clone())
        .collect();
    let naming = Arc::new(naming(core));
    let doors = protocols.iter().filter_map(|name| core.proto_named(name)).map(|proto| ProtocolDoors {
        name: proto.name.clone(),
        id: proto.id,
        channels: proto
            .channels
            .iter()
            .filter_map(|id| core.channel(*id))
            .map(|ch| Door {
                name: ch.config.name.into(),
                table: ch.config.table.clone(),
                exporting: ch.is_exporting(),
                export: Arc::new(Gate::new(handle, &naming, ch)),
            })
            .collect(),
    });
    RouteWorld { tables, defaults, protocols: doors.collect(), naming }
}

pub(super) fn naming(core: &Core) -> Naming {
    let protocols = core.protos().map(|proto| {
        let info = match proto.config.kind.keyword() {
            "static" => RouteInfo::IgpMetric,
            _ => RouteInfo::Preference,
        };
        (proto.id, ProtocolName { name: proto.name.clone(), info })
    });
    let interfaces = core.ifaces().iter().map(|i| (i.link.index, i.name.clone())).collect();
    Naming { protocols: protocols.collect(), interfaces }
}
