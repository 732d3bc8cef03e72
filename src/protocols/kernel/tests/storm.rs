//! Whatever the interleaving, after the storm the kernel is as wanted.

use super::bench::*;
use proptest::prelude::*;
/// One event of a storm.
#[derive(Clone, Debug)]
enum Event {
    Export(u8, Option<(u8, u8)>),
    Renumber(u8),
    Alien(u8, u8, u8),
    AlienGone(u8, u8),
    Deleted(u8, u8),
    Changed(u8, u8, u8),
    Lossy(bool),
    Fault(i32),
    Lag(u8),
    Reverse(bool),
    Capacity(u8),
    Scan,
    BrokenDumps(u8),
    Lost,
    Crash,
    Steps(u8),
}

const METRICS: [u32; 3] = [0, 32, 50];

fn event() -> impl Strategy<Value = Event> {
    let net = 0..6u8;
    prop_oneof![
        8 => (net.clone(), prop::option::weighted(0.7, (2..6u8, 0..3u8))).prop_map(|(n, a)| Event::Export(n, a)),
        1 => net.clone().prop_map(Event::Renumber),
        3 => (net.clone(), 0..3u8, 2..6u8).prop_map(|(n, m, v)| Event::Alien(n, m, v)),
        2 => (net.clone(), 0..3u8).prop_map(|(n, m)| Event::AlienGone(n, m)),
        2 => (net.clone(), 0..3u8).prop_map(|(n, m)| Event::Deleted(n, m)),
        2 => (net, 0..3u8, 2..6u8).prop_map(|(n, m, v)| Event::Changed(n, m, v)),
        1 => any::<bool>().prop_map(Event::Lossy),
        1 => prop_oneof![Just(libc::EINVAL), Just(libc::ENOMEM)].prop_map(Event::Fault),
        1 => (0..4u8).prop_map(Event::Lag),
        1 => any::<bool>().prop_map(Event::Reverse),
        1 => (1..5u8).prop_map(Event::Capacity),
        1 => Just(Event::Scan),
        1 => (1..3u8).prop_map(Event::BrokenDumps),
        1 => Just(Event::Lost),
        1 => Just(Event::Crash),
        6 => (1..4u8).prop_map(Event::Steps),
    ]
}

/// Notices are lost. Of foreign routes overwritten in a race just before we may have heard, or never will.
fn doubt(bench: &Bench, foreign: &mut BTreeMap<RouteKey, RouteBody>, doubtful: &mut BTreeSet<RouteKey>) {
    let there = |key: &RouteKey| bench.kernel.routes.get(key).is_some_and(|b| b.protocol == 100);
    doubtful.extend(foreign.extract_if(.., |key, _| !there(key)).map(|(key, _)| key));
}

/// Plays the storm, then lets everything calm down, and compares.
fn storm(setup: Setup, events: Vec<Event>) {
    let mut bench = Bench::started(setup);
    // What foreigners have put into the kernel and not removed themselves.
    let mut foreign: BTreeMap<RouteKey, RouteBody> = BTreeMap::new();
    let mut doubtful: BTreeSet<RouteKey> = BTreeSet::new();
    let name = |net: u8| format!("10.{net}.0.0/16");
    let mut number: [u32; 6] = [0, 1, 2, 3, 4, 5];
    let mut next = 6;
    for event in events {
        match event {
            Event::Export(net, new) => {
                let attrs = new.map(|(last, m)| with_metric(via(last), METRICS[m as usize]));
                let id = number[net as usize];
                bench.export(id, &name(net), attrs);
            }
            Event::Renumber(net) => {
                // The net vanishes and comes back under a number that is free, perhaps that of another net before.
                let old = number[net as usize];
                bench.export(old, &name(net), None);
                let free = (0..next).find(|id| !number.contains(id));
                number[net as usize] = free.unwrap_or(next);
                next += u32::from(free.is_none());
                bench.export(number[net as usize], &name(net), Some(via(5)));
            }
            Event::Alien(net, m, last) => {
                let key = key(&name(net), METRICS[m as usize]);
                let body = alien(100, last);
                bench.kernel.outside_add(key, body.clone());
                doubtful.remove(&key);
                foreign.insert(key, body);
            }
            Event::AlienGone(net, m) => {
                let key = key(&name(net), METRICS[m as usize]);
                // A foreigner who finds his route gone has lost it to us.
                if bench.kernel.routes.get(&key).is_some_and(|b| b.protocol == 100) {
                    bench.kernel.outside_delete(&key);
                    foreign.remove(&key);
                }
            }
            Event::Deleted(net, m) => {
                let key = key(&name(net), METRICS[m as usize]);
                if !foreign.contains_key(&key) {
                    bench.kernel.outside_delete(&key);
                }
            }
            Event::Changed(net, m, last) => {
                let key = key(&name(net), METRICS[m as usize]);
                if !foreign.contains_key(&key) {
                    bench.kernel.outside_add(key, alien(PROTOCOL_BIRD, last));
                }
            }
            Event::Lossy(on) => bench.kernel.drop_notices = on,
            Event::Fault(errno) => bench.kernel.faults.push_back(Some(errno)),
            Event::Lag(lag) => bench.kernel.lag = lag.into(),
            Event::Reverse(on) => bench.kernel.reverse = on,
            Event::Capacity(n) => bench.kernel.capacity = n.into(),
            Event::Scan => bench.scan_due = true,
            Event::BrokenDumps(n) => bench.kernel.broken_dumps = n.into(),
            Event::Lost => {
                doubt(&bench, &mut foreign, &mut doubtful);
                bench.kernel.lose();
                bench.step();
            }
            Event::Crash => {
                // Who was overwritten in a race just before we died is out of luck.
                foreign.retain(|key, _| bench.kernel.routes.get(key).is_some_and(|b| b.protocol == 100));
                bench.crash();
            }
            Event::Steps(n) => (0..n).for_each(|_| bench.step()),
        }
        if bench.kernel.drop_notices {
            // A lost notice that nobody could know of yet is nobody's fault.
            doubt(&bench, &mut foreign, &mut doubtful);
            bench.step();
        }
    }
    bench.kernel.capacity = 1 << 16;
    bench.kernel.drop_notices = false;
    bench.kernel.faults.clear();
    bench.kernel.lag = 0;
    bench.settle();
    for _ in 0..4 {
        bench.scan();
    }
    for key in doubtful {
        if let Some(body) = bench.kernel.routes.get(&key).filter(|body| body.protocol == 100) {
            foreign.insert(key, (**body).clone());
        }
    }
    let mut expected: BTreeMap<RouteKey, String> =
        foreign.iter().map(|(key, body)| (*key, format!("100 {}", hop_name(body)))).collect();
    for (id, (dst, attrs)) in &bench.wanted {
        let metric = match setup.metric {
            0 => attrs.get_int(crate::protocols::kernel::attributes::METRIC).unwrap_or(0),
            metric => metric,
        };
        let key = dst.key(TABLE, metric);
        let blocked = expected.contains_key(&key);
        assert_eq!(
            bench.refused.contains(id),
            blocked,
            "{dst} is refused exactly when somebody is in the way"
        );
        if let (false, [hop]) = (blocked, attrs.next_hops()) {
            let last =
                hop.gateway.map_or(0, |g| if let std::net::IpAddr::V4(a) = g { a.octets()[3] } else { 0 });
            expected.insert(key, format!("12 {last}"));
        }
    }
    let present: BTreeMap<RouteKey, String> = bench
        .kernel
        .routes
        .iter()
        .filter(|(key, body)| {
            body.protocol != PROTOCOL_BIRD || setup.metric == 0 || key.metric == setup.metric
        })
        .map(|(key, body)| (*key, format!("{} {}", body.protocol, hop_name(body))))
        .collect();
    assert_eq!(present, expected, "the kernel has what is wanted, and what others put there");
    for key in foreign.keys() {
        let known = bench.sync.aliens.of(&Dst::of_key(key));
        assert!(known.iter().any(|alien| alien.metric == key.metric), "{key:?} is learned");
    }
    assert_eq!(bench.sync.aliens.len(), foreign.len());
    assert!(bench.sync.stop(true));
    bench.settle();
    assert!(bench.flushed);
    let judged = |metric| setup.metric == 0 || setup.metric == metric;
    let left = bench.kernel.routes.iter().filter(|(k, b)| b.protocol == PROTOCOL_BIRD && judged(k.metric));
    assert_eq!(left.count(), 0, "a flush leaves nothing of ours");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn after_the_storm_the_kernel_is_as_wanted(events in prop::collection::vec(event(), 1..60)) {
        storm(setup(Family::V4, 32), events);
    }

    #[test]
    fn after_the_storm_with_own_metrics_too(events in prop::collection::vec(event(), 1..60)) {
        storm(setup(Family::V4, 0), events);
    }
}

/// What storms have taught.
#[test]
fn foreign_routes_that_come_while_ours_leaves() {
    use Event::*;
    let comes_back = [
        Export(0, Some((2, 0))),
        Export(0, None),
        Capacity(1),
        Alien(0, 1, 2),
        Export(1, Some((2, 0))),
        Lag(2),
        Steps(1),
        Export(0, Some((2, 0))),
    ];
    storm(setup(Family::V4, 32), comes_back.to_vec());
    let overwritten_and_gone =
        [Export(0, Some((2, 1))), Steps(1), Alien(0, 1, 2), Export(0, Some((3, 1))), Export(0, None)];
    storm(setup(Family::V4, 0), overwritten_and_gone.to_vec());
    let lost_with_the_notice =
        [Export(5, Some((2, 0))), Steps(1), Alien(5, 1, 2), Lost, Export(5, Some((3, 0)))];
    storm(setup(Family::V4, 32), lost_with_the_notice.to_vec());
    let heard_before_the_loss =
        [Export(1, Some((2, 0))), Steps(1), Alien(1, 1, 2), Export(1, Some((3, 0))), Lag(2), Steps(1), Lost];
    storm(setup(Family::V4, 32), heard_before_the_loss.to_vec());
}
