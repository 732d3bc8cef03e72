//! The engine on a kernel in memory, from configurations as text.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::sync::oneshot;

use super::actions::{Action, Outcome};
use super::api::ProtoState;
use super::driver::Handle;
use super::engine::Engine;
use super::logger::{LogOutput, Logger};
use super::transition::CommitOutcome;
use crate::base::LogClass;
use crate::config::{Config, load};
use crate::filter::CustomAttrs;
use crate::sys::fake::FakeKernel;
use crate::table::Table;

mod plan;

fn config(text: &str) -> Arc<Config> {
    let text = format!("router id 10.0.0.1;\nprotocol device {{ }}\n{text}");
    let files: BTreeMap<PathBuf, Vec<u8>> = [("bird.conf".into(), text.into_bytes())].into();
    load(Path::new("bird.conf"), crate::protocols::SYNTAX, &CustomAttrs::default(), &files).unwrap()
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogOutput for Lines {
    fn write(&self, _class: LogClass, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

struct Daemon {
    engine: Engine,
    lines: Arc<Lines>,
}

impl Daemon {
    fn boot(text: &str) -> Daemon {
        let lines = Arc::new(Lines::default());
        let output: Arc<dyn LogOutput> = lines.clone();
        let kernel = Box::new(FakeKernel::default());
        let mut engine =
            Engine::new(config(text), crate::protocols::KINDS, kernel, Logger::new(output), Instant::now());
        engine.boot_first();
        engine.turn();
        engine.boot_rest().unwrap();
        let mut daemon = Daemon { engine, lines };
        daemon.rest();
        daemon
    }

    /// Gives turns until nothing is left to do.
    fn rest(&mut self) {
        for _ in 0..1000 {
            if !self.engine.turn() {
                return;
            }
        }
        panic!("the engine does not come to rest");
    }

    fn configure(&mut self, text: &str) -> CommitOutcome {
        let (reply, mut answer) = oneshot::channel();
        self.engine.configure(config(text), false, None, reply);
        self.rest();
        answer.try_recv().unwrap()
    }

    fn undo(&mut self) -> CommitOutcome {
        let (reply, mut answer) = oneshot::channel();
        self.engine.undo(reply);
        self.rest();
        answer.try_recv().unwrap()
    }

    fn routes(&mut self, table: &str) -> Vec<String> {
        let snapshot = self.engine.core.snapshot(table).unwrap();
        let mut nets: Vec<String> = snapshot.iter().map(|(_, net, _)| net.to_string()).collect();
        nets.sort();
        nets
    }

    fn said(&self, what: &str) -> bool {
        self.lines.0.lock().unwrap().iter().any(|line| line.contains(what))
    }
}

const TWO: &str = "protocol static s { ipv4; route 10.1.0.0/16 blackhole; route 10.2.0.0/16 blackhole; }";

#[test]
fn configure_and_undo() {
    let mut daemon = Daemon::boot(TWO);
    assert_eq!(daemon.routes("master4"), ["10.1.0.0/16", "10.2.0.0/16"]);
    let filtered = TWO.replace("ipv4;", "ipv4 { import where net != 10.2.0.0/16; };");
    assert_eq!(daemon.configure(&filtered), CommitOutcome::Done);
    assert_eq!(daemon.routes("master4"), ["10.1.0.0/16"]);
    assert!(daemon.said("Reloading channel s.ipv4 for import"));
    assert_eq!(daemon.undo(), CommitOutcome::Done);
    assert_eq!(daemon.routes("master4"), ["10.1.0.0/16", "10.2.0.0/16"]);
    assert_eq!(daemon.undo(), CommitOutcome::Nothing);
}

#[test]
fn what_must_be_flushed_is_in_progress() {
    let mut daemon = Daemon::boot(TWO);
    assert_eq!(daemon.configure(""), CommitOutcome::InProgress);
    assert!(daemon.routes("master4").is_empty());
    assert!(daemon.engine.core.proto_named("s").is_none());
    assert_eq!(daemon.configure(TWO), CommitOutcome::Done);
    assert_eq!(daemon.routes("master4").len(), 2);
}

/// `configure`, `configure`, `configure undo` in one go: all three have to find the first one under way.
#[test]
fn flushes_wait_for_who_has_more_to_ask() {
    let routes: String =
        (0..10_000).map(|i| format!("route 10.0.{}.{}/32 blackhole; ", i / 256, i % 256)).collect();
    let mut daemon = Daemon::boot(&format!("protocol static s {{ ipv4; {routes} }}"));
    let handle = Handle::default();
    let attention = handle.attend();
    daemon.engine.attention = handle.attention();
    let (reply, _) = oneshot::channel();
    daemon.engine.configure(config(""), false, None, reply);
    // A machine so slow that a piece is due in every turn is patient enough, too.
    for _ in 0..3 {
        daemon.engine.turn();
    }
    assert!(daemon.routes("master4").len() > 1000);
    assert!(daemon.engine.next_timer().is_some() && !daemon.engine.is_quiet());
    drop(attention);
    daemon.rest();
    assert!(daemon.routes("master4").is_empty());
}

/// BIRD's kernel protocol goes down within the command, so tools find it restarted when they are answered.
#[test]
fn no_answer_finds_a_kernel_protocol_half_way() {
    let text = |metric| {
        format!(
            "protocol kernel k {{ metric {metric}; ipv4 {{ export all; }}; }} protocol static s {{ ipv4; route 10.1.0.0/16 blackhole; }}"
        )
    };
    let mut daemon = Daemon::boot(&text(32));
    let (reply, mut answer) = oneshot::channel();
    daemon.engine.configure(config(&text(99)), false, None, reply);
    let mut turns = 0;
    let outcome = loop {
        match answer.try_recv() {
            Ok(outcome) => break outcome,
            Err(_) => daemon.engine.turn(),
        };
        turns += 1;
        assert!(turns < 1000, "no answer");
    };
    assert_eq!(outcome, CommitOutcome::InProgress);
    assert!(turns > 0, "the kernel was waited for");
    assert_eq!(daemon.engine.core.proto_named("k").unwrap().state, ProtoState::Up);
}

#[test]
fn limits_act() {
    let mut daemon = Daemon::boot(&TWO.replace("ipv4;", "ipv4 { import limit 1 action disable; };"));
    daemon.rest();
    assert!(daemon.said("Protocol s hits route import limit (1), action: disable"));
    assert_eq!(daemon.engine.core.proto_named("s").unwrap().state_word(), "down");
    assert!(daemon.routes("master4").is_empty());
    let mut block = Daemon::boot(&TWO.replace("ipv4;", "ipv4 { import limit 1 action block; };"));
    assert_eq!(block.routes("master4").len(), 1);
}

#[test]
fn bogus_routes_stay_out() {
    let routes = "0.0.0.0/0 0.0.0.0/8 0.1.0.0/16 10.0.0.0/8 127.0.0.0/8 127.1.2.3/32 224.0.0.0/4 239.1.0.0/16 240.0.0.0/4 255.255.255.255/32";
    let routes6 = "::/0 ::/64 ::1/128 ::7f00:0/104 ::ffff:192.0.2.0/120 0:0:1::/48 64:ff9b::/96 0:0:0:0:1::/80 fe80::/10 fec0::/10 fc00::/7 ff00::/8";
    let each = |nets: &str| nets.split(' ').map(|n| format!("route {n} blackhole; ")).collect::<String>();
    let mut daemon = Daemon::boot(&format!(
        "roa4 table r4; protocol static a {{ ipv4; {} }} protocol static b {{ ipv6; {} }} protocol static c {{ roa4; route 127.0.0.0/8 max 8 as 1; }}",
        each(routes),
        each(routes6),
    ));
    assert_eq!(daemon.routes("master4"), ["0.0.0.0/0", "0.0.0.0/8", "10.0.0.0/8", "240.0.0.0/4"]);
    assert_eq!(
        daemon.routes("master6"),
        ["0:0:1::/48", "64:ff9b::/96", "::/0", "::/64", "::ffff:192.0.2.0/120", "fc00::/7", "fec0::/10"]
    );
    assert!(daemon.routes("r4").is_empty());
    for net in ["0.1.0.0/16", "127.1.2.3/32", "255.255.255.255/32"] {
        assert!(daemon.said(&format!("Ignoring bogus route {net} received via a")), "{net}");
    }
    assert!(daemon.said("Ignoring bogus route fe80::/10 received via b"));
    let channel = daemon.engine.core.proto_named("a").unwrap().channels[0];
    assert_eq!(daemon.engine.core.channel(channel).unwrap().stats.import_updates.rejected, 6);
}

#[test]
fn protocols_keep_their_places() {
    let all = |names: &str| {
        names.split(' ').map(|n| format!("protocol static {n} {{ ipv4; }} ")).collect::<String>()
    };
    let mut daemon = Daemon::boot(&all("a b c"));
    daemon.configure(&all("x c n a m l"));
    let names: Vec<String> = daemon.engine.core.protos().map(|p| p.name.to_string()).collect();
    assert_eq!(names, ["device1", "x", "a", "m", "l", "c", "n"]);
}

#[test]
fn what_is_gone_keeps_no_place() {
    let mut daemon = Daemon::boot(TWO);
    let mut places = Vec::new();
    for round in 0..200 {
        daemon.configure(&format!(
            "{TWO} ipv4 table t{round}; protocol static n{round} {{ ipv4 {{ table t{round}; }}; route 10.9.0.0/16 unreachable; }}
             protocol pipe p{round} {{ table master4; peer table t{round}; import all; export all; }}"
        ));
        assert_eq!(daemon.routes(&format!("t{round}")).len(), 3);
        let core = &daemon.engine.core;
        places.push(
            core.protos.held() + core.channels.held() + core.tables.held() + daemon.engine.instances.held(),
        );
    }
    let most = |part: &[usize]| part.iter().max().copied();
    assert!(most(&places[100..]) <= most(&places[..50]), "{places:?}");
}

#[test]
fn pipes_follow_and_do_not_loop() {
    let text = format!(
        "ipv4 table t1; {TWO} protocol pipe p {{ table master4; peer table t1; import all; export all; }}"
    );
    let mut daemon = Daemon::boot(&text);
    assert_eq!(daemon.routes("t1"), ["10.1.0.0/16", "10.2.0.0/16"]);
    let acted = daemon.engine.act(&Action::Disable(None), |name| name == "s");
    assert_eq!(acted, [("s".into(), Outcome::Disabled)]);
    daemon.rest();
    assert!(daemon.routes("t1").is_empty() && daemon.routes("master4").is_empty());
    daemon.engine.act(&Action::Enable(None), |name| name == "s");
    daemon.rest();
    assert_eq!(daemon.routes("t1").len(), 2);
}

/// A table whose nature changes is made anew when its last channel has left; one that is not configured any more vanishes.
#[test]
fn tables_change_with_the_configuration() {
    let text = |table: &str| {
        format!(
            "{table} protocol static s {{ ipv4 {{ table t; }}; route 10.1.0.0/16 blackhole; }} protocol static u {{ ipv4 {{ table t; }}; }}"
        )
    };
    let mut daemon = Daemon::boot(&text("ipv4 table t;"));
    let sorted = |daemon: &Daemon| daemon.engine.core.table_named("t").map(Table::is_sorted);
    assert_eq!(sorted(&daemon), Some(false));
    daemon.configure(&text("ipv4 table t sorted;"));
    assert_eq!((sorted(&daemon), daemon.routes("t")), (Some(true), vec!["10.1.0.0/16".to_owned()]));
    daemon.undo();
    assert_eq!((sorted(&daemon), daemon.routes("t").len()), (Some(false), 1));
    daemon.configure(TWO);
    assert_eq!((sorted(&daemon), daemon.routes("master4").len()), (None, 2));
    daemon.undo();
    assert_eq!((sorted(&daemon), daemon.routes("t").len()), (Some(false), 1));
}

/// Where nothing can be exported, routes are counted without being offered; the counters are those of a filter that rejects.
#[test]
fn export_none_counts_what_passes_by() {
    let mut stats = Vec::new();
    for nothing in ["import none", "import where false"] {
        let pipe = format!("protocol pipe p {{ table t1; peer table master4; {nothing}; export all; }}");
        let mut daemon = Daemon::boot(&format!(
            "ipv4 table t1; {TWO} {pipe} protocol static o {{ ipv4 {{ table t1; }}; route 10.3.0.0/16 blackhole; }}"
        ));
        for action in [Action::Disable(None), Action::Enable(None)] {
            daemon.engine.act(&action, |name| name == "s");
            daemon.rest();
        }
        let channels = daemon.engine.core.proto_named("p").unwrap().channels.clone();
        stats.push(
            channels.iter().map(|id| daemon.engine.core.channel(*id).unwrap().stats).collect::<Vec<_>>(),
        );
        assert_eq!(daemon.routes("t1"), ["10.3.0.0/16"]);
    }
    assert_eq!(stats[0], stats[1]);
    assert!(stats[0].iter().any(|s| s.export_updates.filtered >= 4), "{stats:?}");
}

#[test]
fn shutdown_ends() {
    let mut daemon = Daemon::boot(TWO);
    daemon.engine.shutdown(false);
    daemon.rest();
    assert!(daemon.engine.is_finished());
}

#[test]
fn one_configuration_waits() {
    let mut daemon = Daemon::boot(TWO);
    let mut answers = Vec::new();
    for text in ["", TWO, "protocol static t { ipv4; }"] {
        let (reply, answer) = oneshot::channel();
        daemon.engine.configure(config(text), false, None, reply);
        answers.push(answer);
    }
    daemon.rest();
    let outcomes: Vec<_> = answers.iter_mut().map(|a| a.try_recv().unwrap()).collect();
    assert_eq!(outcomes, [CommitOutcome::InProgress, CommitOutcome::Queued, CommitOutcome::Queued]);
    for line in [
        "Queueing new configuration",
        "Queueing new configuration, ignoring the one already queued",
        "Reconfiguring to queued configuration",
        "Adding protocol t",
    ] {
        assert!(daemon.said(line), "{line}");
    }
    assert!(daemon.engine.core.proto_named("s").is_none() && !daemon.said("Adding protocol s"));
}

#[test]
fn channels_trace_their_states() {
    let mut daemon = Daemon::boot(&TWO.replace("ipv4;", "ipv4 { debug { states }; };"));
    daemon.engine.act(&Action::Restart(None), |name| name == "s");
    daemon.rest();
    let lines = daemon.lines.0.lock().unwrap();
    let states: Vec<&str> =
        lines.iter().filter_map(|l| l.strip_prefix("s.ipv4: State changed to ")).collect();
    assert_eq!(states, ["UP", "FLUSHING", "DOWN", "UP"]);
}

/// After a soft change of filters, `reload ... partial` lets only the nets of the set pass the new ones.
#[test]
fn a_part_is_reloaded() {
    use crate::base::prefix_set::{Pattern, PrefixSet};
    let soft = |daemon: &mut Daemon, text: &str| {
        let (reply, _answer) = oneshot::channel();
        daemon.engine.configure(config(text), true, None, reply);
        daemon.rest();
    };
    let one = || {
        let net: crate::base::IpNet = "10.1.0.0/16".parse().unwrap();
        Some(PrefixSet::new([Pattern { net, low: 16, high: 16 }]))
    };
    let pipe = "protocol pipe p { table master4; peer table t1; import none; export all; }";
    let text = format!("ipv4 table t1; {TWO} {pipe}");
    let mut daemon = Daemon::boot(&text);
    soft(&mut daemon, &text.replace("export all", "export none"));
    assert_eq!(daemon.routes("t1").len(), 2);
    let out = Action::Reload { import: false, export: true, only: one() };
    assert_eq!(daemon.engine.act(&out, |name| name == "p"), [("p".into(), Outcome::Reloading)]);
    daemon.rest();
    assert_eq!(daemon.routes("t1"), ["10.2.0.0/16"]);

    soft(&mut daemon, &text.replace("ipv4;", "ipv4 { import none; };"));
    assert_eq!(daemon.routes("master4").len(), 2);
    let import = Action::Reload { import: true, export: false, only: one() };
    daemon.engine.act(&import, |name| name == "s");
    daemon.rest();
    assert_eq!(daemon.routes("master4"), ["10.2.0.0/16"]);
    let all = Action::Reload { import: true, export: true, only: None };
    daemon.engine.act(&all, |_| true);
    daemon.rest();
    assert!(daemon.routes("master4").is_empty() && daemon.routes("t1").is_empty());
}
