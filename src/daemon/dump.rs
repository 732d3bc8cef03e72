//! The texts of `dump`: the engine's insides for whoever hunts a fault.

use std::fmt::Write;

use crate::control::backend::DumpWhat;
use crate::engine::Engine;
use crate::engine::api::LookAt;

/// The text of one dump; routes are written by the shell from a snapshot.
pub(super) fn text(engine: &Engine, what: DumpWhat) -> String {
    let mut out = String::new();
    let core = &engine.core;
    // Writing to a string cannot fail.
    let _ = match what {
        DumpWhat::Interfaces => core.ifaces().iter().try_for_each(|i| writeln!(out, "{i:?}")),
        DumpWhat::Neighbors => Ok(()),
        DumpWhat::Protocols => core.protos().try_for_each(|p| {
            let channels: Vec<_> = p.channels.iter().filter_map(|c| core.channel(*c)).collect();
            writeln!(out, "protocol {} {} disabled={}", p.name, p.state_word(), p.disabled)?;
            channels
                .iter()
                .try_for_each(|c| writeln!(out, "\tchannel {} {:?} {:?}", c.config.name, c.state, c.stats))
        }),
        DumpWhat::AttributeStats => {
            let (sets, routes) =
                (core.attribute_sets(), core.tables().map(|t| t.route_count()).sum::<usize>());
            writeln!(out, "{sets} attribute sets for {routes} routes")
        }
        DumpWhat::Attributes | DumpWhat::Resources => {
            let usage = core.memory_usage();
            writeln!(out, "{usage:?}")
        }
        DumpWhat::Routes => core.tables().try_for_each(|t| {
            writeln!(out, "table {} {} nets {} routes", t.name(), t.net_count(), t.route_count())
        }),
        DumpWhat::FilterAll => core.config.filters().try_for_each(|(name, _)| writeln!(out, "filter {name}")),
        DumpWhat::Events => writeln!(out, "next timer {:?}", engine.next_timer()),
        DumpWhat::Sockets | DumpWhat::AoKeys => Ok(()),
    };
    out
}
