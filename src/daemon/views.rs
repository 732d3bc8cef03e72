//! From the engine's state to the plain views of the shell.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::config::{FilterRef, Vrf};
use crate::control::view as v;
use crate::control::view::kernel::{DriftView, DriftWhat, DriftsView, KernelView};
use crate::control::view::protocol::{
    ChannelState, ChannelStats, Flow, LimitView, ProtocolDetail, ProtocolState, RouteCounts,
};
use crate::engine::api::{DriftKind, DriftReport, LookAt, ProtoState, StaticTarget};
use crate::engine::channel::{self, Channel, LimitKind, Stats, Updates};
use crate::engine::proto::Proto;
use crate::engine::{Core, Engine};

/// A row of `show protocols`, with everything below it if asked for.
pub(super) fn protocol(engine: &Engine, proto: &Proto, detail: bool) -> v::ProtocolView {
    let core = &engine.core;
    let channels: Vec<&Channel> = proto.channels.iter().filter_map(|id| core.channel(*id)).collect();
    let piped = is_pipe(proto);
    let main = proto.config.channels.iter().find(|_| !piped && proto.config.kind.keyword() != "direct");
    v::ProtocolView {
        name: proto.name.clone(),
        kind: proto.config.kind.display(),
        table: main.map(|c| c.table.clone()),
        state: match (proto.state, proto.flushing) {
            (ProtoState::Down, _) => ProtocolState::Down,
            (ProtoState::Start, _) => ProtocolState::Start,
            (ProtoState::Up, _) => ProtocolState::Up,
            (ProtoState::Stop, true) => ProtocolState::Flush,
            (ProtoState::Stop, false) => ProtocolState::Stop,
        },
        since: proto.since,
        info: match &channels[..] {
            [pri, sec] if piped => format!("{} <=> {}", pri.config.table, sec.config.table),
            _ => engine.instance(proto.id).map_or_else(String::new, |i| i.status()),
        },
        detail: detail.then(|| details(proto, &channels, piped)),
    }
}

/// A pipe's two channels show as one; the second one's name tells them apart from a protocol with two families.
fn is_pipe(proto: &Proto) -> bool {
    proto.config.kind.keyword() == "pipe"
}

fn details(proto: &Proto, channels: &[&Channel], piped: bool) -> ProtocolDetail {
    let config = &proto.config;
    ProtocolDetail {
        description: config.description.clone(),
        message: proto.message.clone(),
        router_id: config.router_id.map(Ipv4Addr::from),
        vrf: match &config.vrf {
            Vrf::Any => None,
            Vrf::Default => Some("default".into()),
            Vrf::Named(name) => Some(name.clone()),
        },
        extra: Vec::new(),
        channels: if piped { Vec::new() } else { channels.iter().map(|ch| channel_view(ch)).collect() },
        pipe: match channels {
            [pri, sec] if piped => Some(pipe(proto, pri, sec)),
            _ => None,
        },
    }
}

/// A row of `show kernel`; nothing for protocols that are down or write nothing to the kernel.
pub(super) fn kernel(engine: &Engine, proto: &Proto) -> Option<KernelView> {
    let status = engine.instance(proto.id)?.kernel_status()?;
    Some(KernelView {
        name: proto.name.clone(),
        table: status.table,
        not_up: (proto.state != ProtoState::Up).then(|| proto.state_word()),
        settled: status.settled,
        wanted: status.wanted,
        installed: status.installed,
        refused: status.refused,
        learned: status.learned,
        objects: status.objects,
        drift: status.drift,
        repaired: status.repaired,
        scan: status.last_scan.map(|at| (at, status.scan_took)),
        waiting: status.waiting,
        sent: status.flying,
    })
}

/// `show kernel drift`: of all protocols, by time.
pub(super) fn drifts(engine: &Engine) -> DriftsView {
    // Made when it starts, and kept when it stops.
    let networkd = std::path::Path::new("/run/systemd/netif/state").exists();
    let mut view = DriftsView { networkd, ..DriftsView::default() };
    let mut total = 0;
    for proto in engine.core.protos() {
        let Some(instance) = engine.instance(proto.id) else { continue };
        if let Some(status) = instance.kernel_status() {
            total += status.drift;
            if status.refused > 0 {
                view.refused.push((proto.name.clone(), status.refused));
            }
        }
        view.last.extend(instance.kernel_drift().into_iter().map(|drift| {
            let DriftReport { at, route, metric, kind } = drift;
            let what = match kind {
                DriftKind::Deleted => DriftWhat::Deleted,
                DriftKind::Changed => DriftWhat::Changed,
                DriftKind::Taken(protocol) => DriftWhat::Taken(protocol),
                DriftKind::Missing => DriftWhat::Missing,
            };
            DriftView { at, protocol: proto.name.clone(), route, metric, what }
        }));
    }
    view.last.sort_by_key(|drift| drift.at);
    view.earlier = u64::saturating_sub(total, view.last.len() as u64);
    view
}

fn filter_name(filter: &FilterRef) -> Arc<str> {
    filter.to_string().into()
}

fn limit(ch: &Channel, kind: LimitKind) -> Option<LimitView> {
    kind.of(&ch.config).map(|l| LimitView {
        count: l.count,
        hit: ch.limits[kind as usize].hit,
        action: l.action.word(),
    })
}

fn channel_view(ch: &Channel) -> v::ChannelView {
    v::ChannelView {
        name: ch.config.name.into(),
        state: match ch.state {
            channel::ChannelState::Down => ChannelState::Down,
            channel::ChannelState::Start => ChannelState::Start,
            channel::ChannelState::Up => ChannelState::Up,
            channel::ChannelState::Flushing => ChannelState::Flushing,
        },
        table: ch.config.table.clone(),
        preference: ch.config.preference.into(),
        input_filter: filter_name(&ch.config.import),
        output_filter: filter_name(&ch.config.export),
        recovery: None,
        receive_limit: limit(ch, LimitKind::Receive),
        import_limit: limit(ch, LimitKind::Import),
        export_limit: limit(ch, LimitKind::Export),
        counts: RouteCounts {
            imported: ch.stats.imported.into(),
            filtered: ch.config.keep_filtered.then_some(ch.stats.filtered.into()),
            exported: ch.stats.exported.into(),
            preferred: ch.stats.preferred.into(),
        },
        stats: stats(&ch.stats),
    }
}

fn flow(u: &Updates) -> Flow {
    Flow {
        received: u.received.into(),
        rejected: u.rejected.into(),
        filtered: u.filtered.into(),
        ignored: u.ignored.into(),
        accepted: u.accepted.into(),
    }
}

fn stats(s: &Stats) -> ChannelStats {
    ChannelStats {
        import_updates: flow(&s.import_updates),
        import_withdraws: flow(&s.import_withdraws),
        export_updates: flow(&s.export_updates),
        export_withdraws: flow(&s.export_withdraws),
    }
}

/// A pipe as its user sees it: what the secondary channel takes out of the peer table is imported, what the primary one takes
/// out of the first table is exported.
fn pipe(proto: &Proto, pri: &Channel, sec: &Channel) -> v::PipeView {
    let state = |ch: &Channel| match () {
        () if ch.is_feeding() => "feed",
        () if ch.is_exporting() => "up",
        () => "down",
    };
    let (a, b) = (&pri.stats, &sec.stats);
    let combine = |out: &Updates, into: &Updates| Flow {
        received: out.received.into(),
        rejected: u64::from(out.rejected) + u64::from(into.rejected),
        filtered: out.filtered.into(),
        ignored: into.ignored.into(),
        accepted: into.accepted.into(),
    };
    let config = proto.config.channels.first();
    v::PipeView {
        table: pri.config.table.clone(),
        peer_table: sec.config.table.clone(),
        import_state: state(sec),
        export_state: state(pri),
        import_filter: config.map_or_else(|| "".into(), |c| filter_name(&c.import)),
        export_filter: config.map_or_else(|| "".into(), |c| filter_name(&c.export)),
        import_limit: limit(pri, LimitKind::Import),
        export_limit: limit(sec, LimitKind::Import),
        imported: a.imported.into(),
        exported: b.imported.into(),
        stats: ChannelStats {
            import_updates: combine(&b.export_updates, &a.import_updates),
            import_withdraws: combine(&b.export_withdraws, &a.import_withdraws),
            export_updates: combine(&a.export_updates, &b.import_updates),
            export_withdraws: combine(&a.export_withdraws, &b.import_withdraws),
        },
    }
}

/// All interfaces.
pub(super) fn interfaces(core: &Core) -> Vec<v::InterfaceView> {
    let ifaces = core.ifaces();
    ifaces
        .iter()
        .map(|i| {
            let flags = i.link.flags;
            let address = |a: &crate::engine::iface::IfaceAddr| v::AddressView {
                address: a.ip,
                length: if a.peer { if a.ip.is_ipv4() { 32 } else { 128 } } else { a.prefix.prefix_len() },
                preferred: [i.preferred4, i.preferred6, i.preferred_ll].contains(&Some(a.ip)),
                secondary: a.secondary,
                opposite: a.opposite,
                scope: a.scope,
            };
            let (four, six): (Vec<_>, Vec<_>) = i.addrs.iter().partition(|a| a.ip.is_ipv4());
            v::InterfaceView {
                name: i.name.clone(),
                index: i.link.index,
                up: i.up,
                master: i.link.master.map(|m| ifaces.get(m).map(|i| i.name.clone()).ok_or(m)),
                multi_access: flags.broadcast() || flags.loopback() || !flags.point_to_point(),
                broadcast: flags.broadcast(),
                multicast: flags.multicast() || flags.broadcast(),
                admin_up: flags.up(),
                link_up: flags.running(),
                loopback: flags.loopback(),
                ignored: flags.loopback(),
                mtu: i.link.mtu,
                addresses: four.into_iter().chain(six).map(address).collect(),
            }
        })
        .collect()
}

/// The configured routes of one static protocol; `None` for any other.
pub(super) fn statics(engine: &Engine, proto: &Proto) -> Option<v::StaticView> {
    let look = crate::engine::api::Look { core: &engine.core, me: proto.id };
    let idle;
    let instance = match engine.instance(proto.id) {
        Some(instance) => instance,
        None => {
            idle = engine.idle_instance(proto)?;
            &*idle
        }
    };
    let lines = instance.static_routes(&look)?;
    let routes = lines.map(|line| v::StaticRouteView { net: line.net, dest: static_dest(&line.target) });
    Some(v::StaticView { name: proto.name.clone(), routes: Box::new(routes) })
}

fn static_dest(target: &StaticTarget) -> v::static_::StaticDestView {
    use v::static_::StaticDestView as D;
    match target {
        StaticTarget::Hops(hops) => D::Unicast(
            hops.iter()
                .map(|h| v::StaticHopView {
                    gateway: h.gateway,
                    interface: h.interface.clone(),
                    onlink: h.onlink,
                    bfd: h.bfd,
                    dormant: h.dormant,
                })
                .collect(),
        ),
        StaticTarget::Recursive(gateway) => D::Recursive(*gateway),
        StaticTarget::Blackhole => D::Blackhole,
        StaticTarget::Unreachable => D::Unreachable,
        StaticTarget::Prohibit => D::Prohibit,
        StaticTarget::None => D::None,
    }
}

/// Where the memory is: what the engine counts, and what the process has.
pub(super) fn memory(core: &Core) -> v::MemoryView {
    use v::memory::Amount;
    let of = |bytes: usize| Amount { effective: bytes as u64, overhead: 0 };
    let usage = core.memory_usage();
    let resident = crate::sys::process::resident_bytes();
    let parts = usage.tables + usage.attributes + usage.protocols + usage.config;
    let standby = resident.saturating_sub(parts as u64);
    v::MemoryView {
        tables: of(usage.tables),
        attributes: of(usage.attributes),
        protocols: of(usage.protocols),
        config: of(usage.config),
        standby: Amount { effective: standby, overhead: 0 },
        total: Amount { effective: resident, overhead: 0 },
        active_pages: resident / 4096,
        kept_pages: 0,
        cold_pages: 0,
    }
}
