//! The running pipe.
//!
//! The configuration knows one channel, seen from the primary table: `export` leads to the peer table, `import` comes back. At run time there
//! are two, as in BIRD: `pri` in the primary table and `sec` in the peer table. Each passes the filter of its direction on the way out of its
//! table; on the way in everything is welcome, but the limits count there.

use std::sync::Arc;

use super::config::{Pipe, PipeOptions};
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass};
use crate::config::{ChannelConfig, FilterRef, ProtocolConfig};
use crate::engine::api::{
    Export, ExportMode, ExportRule, Instance, Look, Ports, PreExport, ProtoState, ProtocolKind,
};
use crate::table::{Attrs, Recursion};

impl ProtocolKind for Pipe {
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        Box::new(PipeInstance {
            status: status(config),
            max_generation: config.options::<PipeOptions>().map_or(0, |o| o.max_generation),
            channels: None,
            overpiped: false,
        })
    }

    fn channels(&self, config: &ProtocolConfig) -> Vec<ChannelConfig> {
        let (Some(main), Some(options)) = (config.channels.first(), config.options::<PipeOptions>()) else {
            return Vec::new();
        };
        let half = ChannelConfig {
            import: FilterRef::accept(),
            import_in: None,
            receive_limit: None,
            export_limit: None,
            keep_filtered: false,
            ..main.clone()
        };
        let sec = ChannelConfig {
            name: "sec",
            table: options.peer_table.clone(),
            export: main.import.clone(),
            export_in: main.import_in.clone(),
            import_limit: main.export_limit,
            ..half.clone()
        };
        vec![ChannelConfig { name: "pri", ..half }, sec]
    }
}

struct PipeInstance {
    status: String,
    max_generation: u8,
    /// Primary and secondary.
    channels: Option<(ChannelId, ChannelId)>,
    /// Said once that a route has passed too many pipes.
    overpiped: bool,
}

fn status(config: &ProtocolConfig) -> String {
    let primary = config.channels.first().map_or("", |c| &c.table);
    let peer = config.options::<PipeOptions>().map_or("", |o| &o.peer_table);
    format!("{primary} <=> {peer}")
}

impl PipeInstance {
    fn other(&self, channel: ChannelId) -> Option<ChannelId> {
        let (primary, secondary) = self.channels?;
        Some(if channel == primary { secondary } else { primary })
    }

    /// The attributes on the other side: there the destination is as good as any other.
    fn carried(ports: &mut Ports<'_>, attrs: Arc<Attrs>) -> Arc<Attrs> {
        if !attrs.recursive.is_there() {
            return attrs;
        }
        ports.intern(Attrs { recursive: Recursion::No, ..Attrs::clone(&attrs) })
    }
}

impl Instance for PipeInstance {
    fn start(&mut self, ports: &mut Ports<'_>) -> ProtoState {
        self.channels = match ports.channels()[..] {
            [(primary, _), (secondary, _)] => Some((primary, secondary)),
            _ => None,
        };
        ProtoState::Up
    }

    fn export_mode(&self, _channel: ChannelId) -> Option<ExportMode> {
        Some(ExportMode::Any)
    }

    fn export(&mut self, ports: &mut Ports<'_>, channel: ChannelId, routes: &mut Vec<Export>) {
        let Some(other) = self.other(channel) else { return routes.clear() };
        let mut done = 0;
        for route in routes.iter_mut() {
            let fresh = route.generation < self.max_generation;
            if !fresh && route.attrs.is_some() && !std::mem::replace(&mut self.overpiped, true) {
                let (net, passed) = (&route.net, route.generation);
                ports.log(LogClass::Error, format_args!("Route {net} has passed {passed} pipes, which is as many as `max generation` allows; it goes no further"));
            }
            let attrs = route.attrs.take().filter(|_| fresh).map(|a| Self::carried(ports, a));
            let generation = route.generation.saturating_add(1);
            ports.relay(other, &route.net, route.source, generation, attrs);
            done += 1;
            if ports.is_tired() {
                break;
            }
        }
        routes.drain(..done);
    }

    fn export_rule(&self, _look: &Look<'_>, _channel: ChannelId) -> Option<ExportRule> {
        let (primary, secondary) = self.channels?;
        Some(Arc::new(move |_, route| match route.sender == primary || route.sender == secondary {
            true => PreExport::Reject,
            false => PreExport::Ask,
        }))
    }

    /// What comes in here comes out of the other table.
    fn reload(&mut self, ports: &mut Ports<'_>, channel: ChannelId, only: Option<&Arc<PrefixSet>>) {
        if let Some(other) = self.other(channel) {
            ports.refeed_some(other, only.cloned());
        }
    }

    fn status(&self) -> String {
        self.status.clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals of the tests")]
    use super::*;
    use crate::base::{NetType, ProtoId};
    use crate::config::{Effect, Limit, LimitAction};
    use crate::protocols::bench::{Bench, MINE};
    use crate::table::{Dest, NetId, Route, RouteSource, Source};

    fn limit(count: u32) -> Option<Limit> {
        Some(Limit { count, action: LimitAction::Block })
    }

    fn pipe() -> Bench {
        let options = PipeOptions { peer_table: "aux".into(), max_generation: 2 };
        let mut bench = Bench::with(&Pipe, &[NetType::Ip4], options, |config| {
            let main = &mut config.channels[0];
            main.import = FilterRef::accept();
            main.export = FilterRef::reject();
            (main.import_limit, main.export_limit) = (limit(5), limit(10));
        });
        bench.start();
        bench
    }

    fn export(attrs: Option<Attrs>, generation: u8) -> Export {
        Export {
            id: NetId(3),
            net: "10.0.0.0/8".parse::<crate::base::IpNet>().unwrap().into(),
            source: Source { proto: ProtoId(77), path: 4 },
            attrs: attrs.map(Arc::new),
            replaces: false,
            generation,
        }
    }

    fn blackhole(recursive: Recursion) -> Option<Attrs> {
        Some(Attrs { source: RouteSource::Static, dest: Dest::Blackhole, recursive, ..Attrs::default() })
    }

    #[test]
    fn one_configured_channel_makes_two() {
        let bench = pipe();
        let all = Pipe.channels(&bench.hands.config);
        let told: Vec<_> = all.iter().map(|c| (c.name, &*c.table, c.import_limit, c.export_limit)).collect();
        assert_eq!(told, [("pri", "t1", limit(5), None), ("sec", "aux", limit(10), None)]);
        assert!(all.iter().all(|c| c.import == FilterRef::accept()));
        assert_eq!((&all[0].export, &all[1].export), (&FilterRef::reject(), &FilterRef::accept()));
        assert_eq!(bench.instance.status(), "t1 <=> aux");
    }

    #[test]
    fn carries_both_ways_and_keeps_the_maker() {
        let mut bench = pipe();
        let (primary, secondary) = (bench.channel(0), bench.channel(1));
        bench.export(primary, vec![export(blackhole(Recursion::Somehow), 0)]);
        let ((channel, _, source), (attrs, _)) = bench.hands.routes.iter().next().unwrap();
        assert_eq!((*channel, *source), (secondary, Source { proto: ProtoId(77), path: 4 }));
        assert!(!attrs.recursive.is_there());
        assert_eq!(bench.hands.generation, 1);
        bench.export(primary, vec![export(None, 0)]);
        assert!(bench.hands.routes.is_empty());
        bench.export(secondary, vec![export(blackhole(Recursion::No), 1)]);
        assert_eq!(bench.hands.routes.keys().next().unwrap().0, primary);
        bench.export(secondary, vec![export(blackhole(Recursion::No), 2)]);
        assert!(bench.hands.routes.is_empty(), "too many pipes");
        assert_eq!(bench.hands.logs.len(), 1);
    }

    #[test]
    fn never_takes_back_what_it_brought() {
        let bench = pipe();
        let look = Look { core: &bench.hands, me: MINE };
        let rule = bench.instance.export_rule(&look, bench.channel(0)).unwrap();
        let verdict = |sender| {
            let route = Route {
                attrs: Arc::new(Attrs::default()),
                changed: 0,
                source: Source { proto: ProtoId(77), path: 0 },
                sender,
                filtered: false,
                generation: 0,
                refusal: 0,
            };
            rule(&"10.0.0.0/8".parse::<crate::base::IpNet>().unwrap().into(), &route)
        };
        assert_eq!(verdict(bench.channel(0)), PreExport::Reject);
        assert_eq!(verdict(ChannelId(999)), PreExport::Ask);
    }

    #[test]
    fn reload_feeds_the_other_side() {
        let mut bench = pipe();
        let (primary, secondary) = (bench.channel(0), bench.channel(1));
        bench.call(|i, p| i.reload(p, primary, None));
        assert_eq!(bench.hands.refed, [secondary]);
        let other = PipeOptions { peer_table: "other".into(), max_generation: 2 };
        assert_eq!(bench.reconfigure(other), Some(Effect::Restart));
    }
}
