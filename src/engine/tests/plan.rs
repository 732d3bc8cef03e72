//! What `configure plan` promises is compared with what a commit then does, change by change.

use super::*;
use crate::base::ProtoId;
use crate::engine::api::ProtoState;
use crate::engine::plan::Fate;

/// The protocols and tables all changes start from; protocols log their states, so that a stop cannot hide.
const BASE: &str = "
debug protocols { states };
ipv4 table t4;
ipv4 table s4 sorted;
define METRIC = 32;
function low() { return net ~ [ 10.0.0.0/9+ ]; }
filter f { if low() then accept; reject; }
template static common { ipv4; check link no; }
protocol direct d {
  ipv4;
  interface \"*\";
}
protocol kernel k {
  metric METRIC;
  merge paths on limit 8;
  ipv4 { export filter f; };
}
protocol static s from common {
  ipv4 { preference 200; };
  route 10.1.0.0/16 blackhole;
}
protocol static down {
  disabled;
  ipv6;
}
protocol pipe p {
  table master4;
  peer table t4;
  import none;
  export filter f;
}
protocol static u { ipv4 { table s4; import filter f; export none; }; }
";

/// Replacements in [`BASE`], the protocol looked at, and the plan's line for it.
type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str);

const CHANGES: &[Case] = &[
    (&[], "s", "stays"),
    (&[("METRIC = 32", "METRIC = 33")], "k", "restarts: metric (bird.conf:16)"),
    (&[("  metric METRIC;\n", "")], "k", "stays"),
    (&[("  metric METRIC;", "  metric 7;")], "k", "restarts: metric (bird.conf:16)"),
    (&[("METRIC;", "METRIC; learn;")], "k", "restarts: learn (bird.conf:16)"),
    (&[("METRIC;", "METRIC; scan time 7;")], "k", "restarts: scan time (bird.conf:16)"),
    (&[("METRIC;", "METRIC; persist;")], "k", "stays; takes over: persist (bird.conf:16)"),
    (&[("METRIC;", "METRIC; persist; kernel table 7;")], "k", "restarts: kernel table (bird.conf:16)"),
    (&[("limit 8", "limit 4")], "k", "refeeds: merge paths (bird.conf:17)"),
    (&[("merge paths on limit 8;", "")], "k", "restarts: merge paths (no more; was at bird.conf:17)"),
    (&[("10.0.0.0/9+", "10.0.0.0/8+")], "k", "refeeds: ipv4 export, filter f (bird.conf:9)"),
    (&[("10.0.0.0/9+", "10.0.0.0/8+")], "p", "refeeds: export, filter f (bird.conf:9)"),
    (&[("10.0.0.0/9+", "10.0.0.0/8+")], "u", "reloads: ipv4 import, filter f (bird.conf:9)"),
    (&[("import none;", "import all;")], "p", "reloads: import (bird.conf:31)"),
    (
        &[("import none;", "import limit 9;")],
        "p",
        "reloads: import (no more; was at bird.conf:31); takes over: import limit (bird.conf:31)",
    ),
    (&[("peer table t4", "max generation 3; peer table t4")], "p", "restarts: max generation (bird.conf:30)"),
    (
        &[("{ export filter f; }", "{ export all; import limit 5; }")],
        "k",
        "refeeds: ipv4 export (bird.conf:18); takes over: ipv4 import limit (bird.conf:18)",
    ),
    (&[("preference 200", "preference 201")], "s", "reloads: ipv4 preference (bird.conf:21)"),
    (&[("preference 200", "table t4")], "s", "restarts: ipv4 table (bird.conf:21)"),
    (
        &[("ipv4 { table s4; import filter f; export none; }", "ipv6")],
        "u",
        "restarts: ipv6 (bird.conf:34), ipv4 (no more; was at bird.conf:34)",
    ),
    (&[("10.1.0.0/16 blackhole", "10.1.0.0/16 unreachable")], "s", "stays; takes over: route (bird.conf:20)"),
    (&[("check link no", "check link yes")], "s", "stays; takes over: check link (bird.conf:10)"),
    (
        &[("static s from common {", "static s from common { disabled;")],
        "s",
        "stops: disabled (bird.conf:20)",
    ),
    (
        &[("static s from common {", "static s from common { description \"x\"; vrf \"red\";")],
        "s",
        "restarts: vrf (bird.conf:20)",
    ),
    (&[("  disabled;\n", "")], "down", "starts: disabled (no more; was at bird.conf:25)"),
    (&[("  disabled;\n", "  disabled; description \"x\";\n")], "down", "stays down"),
    (&[("\"*\"", "\"v*\"")], "d", "restarts: interface (bird.conf:13)"),
    (
        &[("  ipv4;\n  interface", "  ipv4 { import none; };\n  interface")],
        "d",
        "restarts: ipv4 import (bird.conf:12)",
    ),
    (&[("s4 sorted", "s4")], "u", "restarts: table s4 (bird.conf:6)"),
    (
        &[("protocol direct d {\n  ipv4;\n  interface \"*\";", "protocol static d { ipv4;")],
        "d",
        "restarts: protocol static (bird.conf:11)",
    ),
    (&[("protocol direct d", "protocol direct e")], "d", "vanishes"),
    (&[("protocol direct d", "protocol direct e")], "e", "appears (bird.conf:11)"),
    (
        &[("debug protocols { states };", "debug protocols { states, routes };")],
        "u",
        "stays; takes over: debug (bird.conf:34)",
    ),
];

fn varied(changes: &[(&str, &str)]) -> String {
    let mut text = BASE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    text
}

/// Of all protocols: name, number, since when, and state.
fn lives(daemon: &Daemon) -> BTreeMap<String, (ProtoId, u64, ProtoState)> {
    daemon.engine.core.protos().map(|p| (p.name.to_string(), (p.id, p.since, p.state))).collect()
}

#[test]
fn plans_tell_the_truth() {
    for (changes, protocol, line) in CHANGES {
        let mut daemon = Daemon::boot(BASE);
        let new = varied(changes);
        let plan = daemon.engine.plan(&config(&new));
        let told = plan.steps.iter().find(|s| &*s.name == *protocol).unwrap();
        assert_eq!(told.to_string(), format!("{protocol}: {line}"), "{changes:?}");

        let before = lives(&daemon);
        daemon.lines.0.lock().unwrap().clear();
        std::thread::sleep(std::time::Duration::from_millis(2));
        daemon.configure(&new);
        let after = lives(&daemon);
        assert_eq!(
            plan.steps.len(),
            before.keys().chain(after.keys()).collect::<std::collections::BTreeSet<_>>().len()
        );
        for step in &plan.steps {
            let (was, is) = (before.get(&*step.name), after.get(&*step.name));
            let done = match (was, is) {
                (None, Some(_)) => Fate::Appear,
                (Some(_), None) => Fate::Vanish,
                (Some((_, _, ProtoState::Down)), Some((_, _, ProtoState::Down))) => Fate::Idle,
                (Some((_, _, ProtoState::Down)), Some(_)) => Fate::Start,
                (Some(_), Some((_, _, ProtoState::Down))) => Fate::Stop,
                (Some((_, since, _)), Some((_, now, _))) if since == now => Fate::Stay,
                _ => Fate::Restart,
            };
            assert_eq!(step.fate, done, "{changes:?}: {step}");
            let stopped = daemon.said(&format!("{}: State changed to flush", step.name));
            assert_eq!(
                stopped,
                matches!(done, Fate::Restart | Fate::Stop | Fate::Vanish) && daemon_had_channels(&step.name),
                "{changes:?}: {step}"
            );
            for (word, direction) in [("reloads", "import"), ("refeeds", "export")] {
                let promised = step.to_string().contains(word);
                let lines = daemon.lines.0.lock().unwrap();
                let kept = lines.iter().any(|l| {
                    l.starts_with(&format!("Reloading channel {}.", step.name)) && l.ends_with(direction)
                });
                // The two channels of a pipe run the other way round: what is imported by one is exported by the other.
                let pipe = &*step.name == "p" && step.fate == Fate::Stay;
                assert!(pipe || promised == kept, "{changes:?}: {step}: {lines:?}");
            }
        }
    }
}

/// Only the device protocol has nothing to flush.
fn daemon_had_channels(name: &str) -> bool {
    name != "device1"
}

#[test]
fn what_was_done_by_hand_is_set_back() {
    let line = |daemon: &Daemon| {
        let plan = daemon.engine.plan(&config(TWO));
        plan.steps.iter().map(|s| s.to_string()).collect::<Vec<_>>()
    };
    let mut daemon = Daemon::boot(TWO);
    assert_eq!(line(&daemon), ["device1: stays", "s: stays"]);
    daemon.engine.act(&Action::Disable(None), |name| name == "s");
    daemon.rest();
    assert_eq!(line(&daemon), ["device1: stays", "s: starts: had been disabled"]);
    daemon.configure(TWO);
    assert_eq!(daemon.routes("master4").len(), 2);
    // Enabled by hand and by the next configuration: there is nothing to do.
    let disabled = TWO.replace("ipv4;", "disabled; ipv4;");
    daemon.configure(&disabled);
    daemon.engine.act(&Action::Enable(None), |name| name == "s");
    daemon.rest();
    assert_eq!(line(&daemon), ["device1: stays", "s: stays"]);
    let back = daemon.engine.plan(&config(&disabled));
    assert_eq!(back.steps[1].to_string(), "s: stops: had been enabled");
}
