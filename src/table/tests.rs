//! Tables against naive models: whatever happens in whatever order, the best route, the journal and snapshots
//! tell the same story.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::base::{ChannelId, Net, NetType, ProtoId};

fn net(n: u8) -> Net {
    Net::Ip(format!("10.{n}.0.0/16").parse().unwrap())
}

fn source(n: u8) -> Source {
    Source { proto: ProtoId(n.into()), path: 0 }
}

fn route(of: u8, preference: u16, filtered: bool, changed: u64) -> Route {
    Route {
        attrs: Arc::new(Attrs { preference, ..Attrs::default() }),
        changed,
        source: source(of),
        sender: ChannelId(of.into()),
        filtered,
        generation: 0,
        refusal: 0,
    }
}

fn table(sorted: bool) -> Table {
    Table::new("t".into(), NetType::Ip4, sorted, |_, _| false)
}

#[derive(Clone, Debug)]
enum Op {
    Put { net: u8, source: u8, preference: u16, filtered: bool },
    Take { net: u8, source: u8 },
    Pull { consumer: usize, blocks: usize },
    Refeed { consumer: usize },
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..12u8, 0..4u8, 0..3u16, prop::bool::weighted(0.2))
            .prop_map(|(net, source, preference, filtered)| Op::Put { net, source, preference, filtered }),
        3 => (0..12u8, 0..4u8).prop_map(|(net, source)| Op::Take { net, source }),
        2 => (0..2usize, 0..3usize).prop_map(|(consumer, blocks)| Op::Pull { consumer, blocks }),
        1 => (0..2usize).prop_map(|consumer| Op::Refeed { consumer }),
    ]
}

/// A consumer that keeps the best routes it was told of, by net number.
struct Consumer {
    cursor: Cursor,
    best: BTreeMap<NetId, (Net, u64)>,
}

impl Consumer {
    fn take(&mut self, change: &Change) {
        match change.new_best() {
            Some(Some(best)) => drop(self.best.insert(change.id, (change.net.clone(), best.changed))),
            Some(None) => {
                let gone = self.best.remove(&change.id);
                assert_eq!(gone.map(|(net, _)| net), Some(change.net.clone()), "a number meant another net");
            }
            None => {}
        }
    }
}

proptest! {
    #[test]
    fn consumers_snapshots_and_table_agree(sorted: bool, ops in prop::collection::vec(op(), 1..200)) {
        let mut t = table(sorted);
        let mut consumers: Vec<Consumer> = (0..2)
            .map(|_| Consumer { cursor: t.journal.subscribe(), best: BTreeMap::new() })
            .collect();
        // (net, source) -> (preference, filtered, stamp)
        let mut model: BTreeMap<(u8, u8), (u16, bool, u64)> = BTreeMap::new();
        for (stamp, op) in ops.into_iter().enumerate() {
            let stamp = stamp as u64;
            match op {
                Op::Put { net: n, source: s, preference, filtered } => {
                    model.insert((n, s), (preference, filtered, stamp));
                    t.replace(&net(n), source(s), Some(route(s, preference, filtered, stamp)));
                }
                Op::Take { net: n, source: s } => {
                    let had = model.remove(&(n, s)).is_some();
                    prop_assert_eq!(t.replace(&net(n), source(s), None).is_some(), had);
                }
                Op::Pull { consumer, blocks } => {
                    for _ in 0..blocks {
                        let c = &mut consumers[consumer];
                        match t.journal.pull(c.cursor) {
                            Pulled::Block(block) => block.iter().for_each(|change| c.take(change)),
                            Pulled::Empty => break,
                            Pulled::Overrun => unreachable!("far below the mark"),
                        }
                    }
                }
                Op::Refeed { consumer } => {
                    // As channels do: withdraw what vanished while the numbers still rest, then take all from
                    // a snapshot.
                    let c = &mut consumers[consumer];
                    for (id, (net, _)) in &c.best {
                        prop_assert_eq!(t.net_at(*id), Some(net));
                    }
                    c.best.clear();
                    t.journal.skip_to_end(c.cursor);
                    for (id, net, routes) in t.snapshot().iter() {
                        if let Some(best) = routes.first().filter(|r| !r.filtered) {
                            c.best.insert(id, (net.clone(), best.changed));
                        }
                    }
                }
            }
            let snapshot = t.snapshot();
            prop_assert_eq!(snapshot.route_count(), model.len());
            for filtered in [false, true] {
                prop_assert_eq!(t.counted(filtered), snapshot.counted(filtered));
                let routes = model.values().filter(|(_, f, _)| *f == filtered).count();
                prop_assert_eq!(t.counted(filtered).routes, routes);
            }
            for n in 0..12u8 {
                prop_assert_eq!(t.find_next(&net(n)), t.find(&net(n)));
            }
            for n in 0..12u8 {
                let mine: Vec<_> = model.iter().filter(|((m, _), _)| *m == n).map(|(_, v)| *v).collect();
                let found = t.find(&net(n));
                prop_assert_eq!(found.is_some(), !mine.is_empty());
                let top = mine.iter().filter(|(_, filtered, _)| !filtered).map(|(p, _, _)| *p).max();
                let best = found.and_then(|id| t.best(id)).map(|r| r.attrs.preference);
                prop_assert_eq!(best, top);
                if sorted && let Some((_, routes)) = found.and_then(|id| t.get(id)) {
                    let usable: Vec<_> = routes.iter().filter(|r| !r.filtered).map(|r| r.attrs.preference).collect();
                    prop_assert!(usable.is_sorted_by(|a, b| a >= b));
                }
            }
        }
        for c in &mut consumers {
            while let Pulled::Block(block) = t.journal.pull(c.cursor) {
                block.iter().for_each(|change| c.take(change));
            }
            let truth: BTreeMap<NetId, (Net, u64)> = t
                .snapshot()
                .iter()
                .filter_map(|(id, net, rs)| {
                    rs.first().filter(|r| !r.filtered).map(|r| (id, (net.clone(), r.changed)))
                })
                .collect();
            // Stamps tell routes apart; a replaced best route must have been announced.
            prop_assert_eq!(&c.best, &truth);
        }
    }
}

#[test]
fn snapshots_do_not_change() {
    let mut t = table(false);
    t.replace(&net(1), source(0), Some(route(0, 5, false, 1)));
    let before = t.snapshot();
    t.replace(&net(1), source(0), None);
    t.replace(&net(2), source(0), Some(route(0, 5, false, 2)));
    let nets: Vec<_> = before.iter().map(|(_, net, _)| net.clone()).collect();
    assert_eq!(nets, [net(1)]);
    assert_eq!(t.snapshot().net_count(), 1);
}

#[test]
fn numbers_rest_until_every_cursor_has_passed() {
    let mut t = table(false);
    let slow = t.journal.subscribe();
    t.replace(&net(1), source(0), Some(route(0, 5, false, 1)));
    let first = t.find(&net(1)).unwrap();
    t.replace(&net(1), source(0), None);
    t.replace(&net(2), source(0), Some(route(0, 5, false, 2)));
    assert_ne!(t.find(&net(2)), Some(first), "the slow consumer still means net 1 by this number");
    while let Pulled::Block(_) = t.journal.pull(slow) {}
    t.replace(&net(3), source(0), Some(route(0, 5, false, 3)));
    assert_eq!(t.find(&net(3)), Some(first));
}

#[test]
fn a_consumer_far_behind_is_overrun_and_keeps_its_numbers() {
    let mut t = table(false);
    let slow = t.journal.subscribe();
    t.replace(&net(1), source(0), Some(route(0, 5, false, 1)));
    let held = t.find(&net(1)).unwrap();
    t.replace(&net(1), source(0), None);
    for stamp in 0..(Journal::BLOCK * (Journal::HIGH_MARK + 2)) as u64 {
        t.replace(&net(2), source(0), Some(route(0, 5, false, stamp)));
    }
    assert!(matches!(t.journal.pull(slow), Pulled::Overrun));
    t.replace(&net(3), source(0), Some(route(0, 5, false, 3)));
    assert_ne!(t.find(&net(3)), Some(held));
    t.journal.skip_to_end(slow);
    t.replace(&net(4), source(0), Some(route(0, 5, false, 4)));
    assert_eq!(t.find(&net(4)), Some(held));
}

#[test]
fn longest_match_finds_the_most_specific_acceptable_net() {
    let mut t = table(false);
    for text in ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"] {
        let filtered = text.ends_with("/24");
        t.replace(&Net::Ip(text.parse().unwrap()), source(0), Some(route(0, 5, filtered, 0)));
    }
    let find = |addr: &str| {
        let usable = |rs: &[Route]| rs.first().is_some_and(|r| !r.filtered);
        let id = t.longest_match(addr.parse().unwrap(), 32, usable).unwrap();
        t.get(id).unwrap().0.to_string()
    };
    assert_eq!(find("10.1.2.3"), "10.1.0.0/16");
    assert_eq!(find("10.9.9.9"), "10.0.0.0/8");
    assert_eq!(find("192.0.2.1"), "0.0.0.0/0");
}

#[test]
fn equal_routes_keep_their_order_the_older_one_stays_best() {
    let mut t = table(false);
    t.replace(&net(1), source(1), Some(route(1, 5, false, 1)));
    t.replace(&net(1), source(2), Some(route(2, 5, false, 2)));
    t.replace(&net(1), source(3), Some(route(3, 9, false, 3)));
    let order = |t: &Table| -> Vec<u32> {
        t.get(t.find(&net(1)).unwrap()).unwrap().1.iter().map(|r| r.source.proto.0).collect()
    };
    assert_eq!(order(&t), [3, 1, 2]);
    t.replace(&net(1), source(3), None);
    assert_eq!(order(&t), [1, 2]);
    t.replace(&net(1), source(1), Some(route(1, 4, false, 4)));
    assert_eq!(order(&t), [2, 1]);
}

/// The test starts itself again, because what it shows is the end of a process.
#[test]
fn a_panic_halfway_through_a_change_ends_the_daemon() {
    const INSIDE: &str = "TERN_TEST_HALF_A_CHANGE";
    if std::env::var_os(INSIDE).is_some() {
        let mut table = Table::new("t".into(), NetType::Ip4, false, |_, _| panic!("no order"));
        let mut put = |n| table.replace(&net(1), source(n), Some(route(n, 100, false, 0)));
        put(1);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| put(2)));
        return;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["table::tests::a_panic_halfway_through_a_change_ends_the_daemon", "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("no order") && text.contains("aborting"), "{text}");
    assert_eq!(output.status.code(), None, "ended by a signal");
}
