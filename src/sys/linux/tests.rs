//! Netlink against a real kernel, in a namespace of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::Write;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use super::*;
use crate::base::{IpNet, NextHop};
use crate::sys::kernel::*;
use crate::sys::namespace::{self, Setup, index_of};

/// Runs `test` on a thread in a new network with loopback and a veth pair `v0`-`v1`, `v0` being 192.0.2.1/24 and
/// 2001:db8::1/64. Says so and passes where that is forbidden.
fn in_network(test: impl FnOnce() + Send) {
    let run = || {
        if let Err(error) = namespace::enter() {
            // Past the test harness, which would swallow it.
            let _ = writeln!(std::io::stderr(), "SKIPPED: {error}");
            return;
        }
        let mut setup = Setup::open().unwrap();
        setup.set_up("lo", true).unwrap();
        setup.add_veth("v0", "v1").unwrap();
        setup.set_up("v0", true).unwrap();
        setup.set_up("v1", true).unwrap();
        setup.add_address("v0", "192.0.2.1/24".parse().unwrap()).unwrap();
        setup.add_address("v0", "2001:db8::1/64".parse().unwrap()).unwrap();
        test();
    };
    std::thread::scope(|scope| scope.spawn(run).join().unwrap());
}

struct Client {
    kernel: NetlinkKernel,
    bell: Receiver<()>,
    seen: Vec<KernelEvent>,
    ticket: Ticket,
}

impl Client {
    fn start() -> Client {
        let (ring, bell) = sync_channel(1);
        let kernel = NetlinkKernel::start(move || ring.try_send(()).unwrap_or_default()).unwrap();
        Client { kernel, bell, seen: Vec::new(), ticket: 0 }
    }

    /// Collects events until `found` picks one of them, which is removed.
    fn wait<T>(&mut self, found: impl Fn(&KernelEvent) -> Option<T>) -> T {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(90) {
            self.kernel.poll(&mut self.seen);
            if let Some((at, value)) = self.seen.iter().enumerate().find_map(|(at, e)| Some((at, found(e)?)))
            {
                self.seen.remove(at);
                return value;
            }
            let _ = self.bell.recv_timeout(Duration::from_millis(100));
        }
        panic!("nothing of the kind came; seen: {:?}", &self.seen[..self.seen.len().min(10)])
    }

    fn submit(
        &mut self,
        ops: impl IntoIterator<Item = (RouteKey, RouteVerb)>,
    ) -> Vec<Result<(), KernelError>> {
        let first = self.ticket + 1;
        let mut ops: Vec<RouteOp> = ops
            .into_iter()
            .map(|(key, verb)| {
                self.ticket += 1;
                RouteOp { ticket: self.ticket, key, verb }
            })
            .collect();
        let mut results: Vec<Option<Result<(), KernelError>>> = vec![None; ops.len()];
        while !ops.is_empty() || results.iter().any(Option::is_none) {
            self.kernel.submit(&mut ops);
            let answers = self.wait(|event| match event {
                KernelEvent::Done(answers) => Some(answers.clone()),
                _ => None,
            });
            for answer in answers {
                let slot = &mut results[(answer.ticket - first) as usize];
                assert!(slot.is_none(), "one answer for each operation");
                *slot = Some(answer.result);
            }
        }
        results.into_iter().map(Option::unwrap).collect()
    }

    /// Whether a notice about one of our routes came; our own changes make none.
    fn heard_of_our_routes(&self) -> bool {
        let ours = |route: &KernelRoute| route.body.protocol == PROTOCOL_BIRD;
        self.seen.iter().any(|event| match event {
            KernelEvent::Route(route) | KernelEvent::RouteGone(route) => ours(route),
            _ => false,
        })
    }

    fn ask(&mut self, question: Question) -> Ticket {
        self.ticket += 1;
        self.kernel.ask(self.ticket, question);
        self.ticket
    }

    /// The routes of a table that we made, by key.
    fn routes(&mut self, family: Family, table: u32) -> Vec<KernelRoute> {
        let ticket = self.ask(Question::Routes { family, table });
        self.wait(|event| match event {
            KernelEvent::Finished(t, result) if *t == ticket => Some(result.clone()),
            _ => None,
        })
        .unwrap();
        let mut routes = Vec::new();
        self.seen.retain_mut(|event| match event {
            KernelEvent::Routes(t, part) if *t == ticket => {
                assert!(part.len() <= 1024);
                routes.append(part);
                false
            }
            _ => true,
        });
        routes.retain(|route| route.body.protocol == PROTOCOL_BIRD);
        routes.sort_by_key(|route| route.key);
        routes
    }
}

fn key(dst: &str, table: u32, metric: u32) -> RouteKey {
    RouteKey { table, dst: dst.parse().unwrap(), src: None, metric }
}

fn via(gateway: &str, dev: &str) -> NextHop {
    NextHop::new(Some(gateway.parse().unwrap()), index_of(dev).unwrap())
}

fn unicast(hops: impl IntoIterator<Item = NextHop>) -> RouteBody {
    RouteBody::new(RouteKind::Unicast, hops)
}

fn errno(result: &Result<(), KernelError>) -> i32 {
    result.as_ref().map_or_else(|error| error.errno, |()| 0)
}

#[test]
fn links_and_addresses_are_listed_and_watched() {
    in_network(|| {
        let mut client = Client::start();
        let ticket = client.ask(Question::Links);
        let links = client.wait(|event| match event {
            KernelEvent::Links(t, links) if *t == ticket => Some(links.clone().unwrap()),
            _ => None,
        });
        let names: Vec<&str> = links.iter().map(|link| &*link.name).collect();
        assert_eq!(names, ["lo", "v1", "v0"]);
        assert!(links[0].flags.loopback() && links[0].flags.up());
        assert_eq!((links[2].kind.as_deref(), links[2].mtu, links[2].master), (Some("veth"), 1500, None));

        let ticket = client.ask(Question::Addresses);
        let addresses = client.wait(|event| match event {
            KernelEvent::Addresses(t, addresses) if *t == ticket => Some(addresses.clone().unwrap()),
            _ => None,
        });
        let v0 = index_of("v0").unwrap();
        let has = |local: &str| {
            addresses.iter().find(|a| a.ifindex == v0 && a.local == local.parse::<IpAddr>().unwrap())
        };
        assert_eq!(has("192.0.2.1").unwrap().prefix_len, 24);
        assert_eq!(has("192.0.2.1").unwrap().peer, None);
        assert_eq!(has("2001:db8::1").unwrap().prefix_len, 64);

        let mut setup = Setup::open().unwrap();
        match setup.add_vrf("red", 1000) {
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "not tested here: no VRF in this kernel: {error}");
            }
            Ok(()) => {
                setup.set_master("v0", "red").unwrap();
                let red = client.wait(|event| match event {
                    KernelEvent::Link(link) if &*link.name == "red" => Some(link.clone()),
                    _ => None,
                });
                assert_eq!(red.kind.as_deref(), Some("vrf"));
                let member = |link: &Link| link.index == v0 && link.master == Some(red.index);
                client.wait(|e| matches!(e, KernelEvent::Link(link) if member(link)).then_some(()));
            }
        }
        setup.add_address("v1", "198.51.100.1/32".parse().unwrap()).unwrap();
        client.wait(|e| matches!(e, KernelEvent::Address(a) if a.prefix_len == 32).then_some(()));
        setup.remove_link("v1").unwrap();
        client.wait(|e| matches!(e, KernelEvent::AddressGone(a) if a.prefix_len == 32).then_some(()));
        client.wait(|e| matches!(e, KernelEvent::LinkGone(index) if *index == v0).then_some(()));
    });
}

#[test]
fn every_kind_of_route_comes_back_as_it_was_written() {
    in_network(|| {
        let mut client = Client::start();
        let mut metrics = Metrics::default();
        for (number, value) in [(1, 4), (2, 1400), (4, 80), (8, 1360), (10, 33), (12, 1), (15, 1), (17, 1)] {
            metrics.set(number, Some(value));
        }
        metrics.congctl = Some("reno".into());
        let rich = RouteBody {
            prefsrc: Some("192.0.2.1".parse().unwrap()),
            realm: 0x0001_0002,
            metrics,
            ..unicast([via("192.0.2.2", "v0")])
        };
        let heavy = NextHop { weight: 10, ..via("192.0.2.3", "v0") };
        let onlink = NextHop { onlink: true, ..via("203.0.113.9", "v0") };
        let multi =
            RouteBody { realm: 7, ..unicast([heavy.clone(), via("192.0.2.4", "v0"), onlink.clone()]) };
        let dev = unicast([NextHop::new(None, index_of("v0").unwrap())]);
        let lo = index_of("lo").unwrap();
        let mut blackhole6 = RouteBody::new(RouteKind::Blackhole, []);
        let cases = [
            (key("10.0.1.0/24", 254, 32), rich),
            (key("10.0.2.0/24", 254, 32), multi),
            (key("10.0.3.0/24", 254, 0), dev),
            (key("10.0.4.0/24", 70000, 5), unicast([onlink])),
            (key("10.0.5.0/24", 254, 32), unicast([via("2001:db8::2", "v0")])),
            (key("10.0.6.0/24", 254, 32), unicast([via("2001:db8::2", "v0"), via("192.0.2.2", "v0")])),
            (key("10.0.7.1/32", 254, 32), RouteBody::new(RouteKind::Blackhole, [])),
            (key("10.0.8.0/24", 254, 32), RouteBody::new(RouteKind::Unreachable, [])),
            (key("0.0.0.0/0", 100, 32), RouteBody::new(RouteKind::Prohibit, [])),
            (key("2001:db8:1::/48", 254, 32), unicast([via("2001:db8::2", "v0")])),
            (key("2001:db8:2::/48", 254, 32), unicast([via("2001:db8::2", "v0"), via("fe80::2", "v0")])),
            (key("::/0", 254, 32), unicast([via("2001:db8::3", "v0")])),
            (key("2001:db8:3::/48", 254, 1024), blackhole6.clone()),
        ];
        let results = client.submit(cases.iter().map(|(k, b)| (*k, RouteVerb::Add(Arc::new(b.clone())))));
        for ((key, _), result) in cases.iter().zip(&results) {
            assert_eq!(result, &Ok(()), "{key:?}");
        }
        // The kernel adds a device by itself.
        blackhole6.hops = vec![NextHop::new(None, lo).into()];
        let mut found = Vec::new();
        for (family, table) in [(Family::V4, 254), (Family::V4, 70000), (Family::V4, 100), (Family::V6, 254)]
        {
            found.extend(client.routes(family, table));
        }
        assert_eq!(found.len(), cases.len());
        for (key, body) in &cases {
            let read =
                found.iter().find(|route| route.key == *key).unwrap_or_else(|| panic!("{key:?} is missing"));
            assert!(read.body.same_destination(body), "{key:?}: {:?}", read.body);
            assert_eq!(read.body.metrics, body.metrics);
            assert_eq!((read.body.prefsrc, read.body.realm), (body.prefsrc, body.realm), "{key:?}");
            if Family::of(&key.dst) == Family::V4 {
                assert_eq!(read.body.scope, body.scope, "{key:?}");
            }
        }
        assert!(client.routes(Family::V6, 4711).is_empty(), "a table that does not exist is empty");

        let results = client.submit(cases.iter().map(|(k, _)| (*k, RouteVerb::Delete)));
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert!(client.routes(Family::V4, 254).is_empty() && client.routes(Family::V6, 254).is_empty());
    });
}

#[test]
fn refusals_reach_the_operation_they_belong_to() {
    in_network(|| {
        let mut client = Client::start();
        let good = Arc::new(unicast([via("192.0.2.2", "v0")]));
        let bad = Arc::new(unicast([via("203.0.113.1", "v0")]));
        let ops = (0..3000u32).map(|i| {
            let key = RouteKey {
                dst: IpNet::new([10, (i >> 8) as u8, i as u8, 0].into(), 24).unwrap().into(),
                ..key("10.0.0.0/24", 254, 32)
            };
            (key, RouteVerb::Add(Arc::clone(if i % 3 == 0 { &bad } else { &good })))
        });
        let ops: Vec<_> = ops.collect();
        let results = client.submit(ops.clone());
        for (i, result) in results.iter().enumerate() {
            assert_eq!(errno(result), if i % 3 == 0 { libc::ENETUNREACH } else { 0 }, "{i}");
        }
        assert_eq!(client.routes(Family::V4, 254).len(), 2000);
        assert_eq!(
            results[0].as_ref().unwrap_err().to_string(),
            "Network is unreachable (Nexthop has invalid gateway)"
        );
        let again = client.submit(ops.iter().map(|(k, _)| (*k, RouteVerb::Add(Arc::clone(&good)))));
        let gone = client.submit(ops.iter().map(|(k, _)| (RouteKey { metric: 5, ..*k }, RouteVerb::Delete)));
        assert!(again.iter().enumerate().all(|(i, r)| errno(r) == if i % 3 == 0 { 0 } else { libc::EEXIST }));
        assert!(gone.iter().all(|r| errno(r) == libc::ESRCH));
        assert!(!client.heard_of_our_routes());
    });
}

#[test]
fn operations_on_one_route_keep_their_order() {
    in_network(|| {
        let mut client = Client::start();
        let bodies = [2, 3].map(|last| Arc::new(unicast([via(&format!("192.0.2.{last}"), "v0")])));
        let mut ops = Vec::new();
        for round in 0..6usize {
            for i in 0..200u8 {
                let key = key(&format!("10.0.{i}.0/24"), 254, 32);
                let body = Arc::clone(&bodies[round % 2]);
                match round {
                    0 => ops.push((key, RouteVerb::Add(body))),
                    3 => ops.push((key, RouteVerb::Delete)),
                    4 => ops.extend([(key, RouteVerb::Add(body)), (key, RouteVerb::Delete)]),
                    5 => ops.push((key, RouteVerb::Add(body))),
                    _ => ops.push((key, RouteVerb::Replace(body))),
                }
            }
        }
        let results = client.submit(ops);
        assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|r| r.is_err()));
        let routes = client.routes(Family::V4, 254);
        assert_eq!(routes.len(), 200);
        assert!(routes.iter().all(|route| route.body.same_destination(&bodies[1])));
        assert!(
            routes.iter().all(|route| Arc::ptr_eq(&route.body, &routes[0].body)),
            "equal bodies are shared"
        );
    });
}

#[test]
fn foreign_edits_of_our_routes_are_reported() {
    in_network(|| {
        let (mut ours, mut theirs) = (Client::start(), Client::start());
        let body = Arc::new(unicast([via("192.0.2.2", "v0")]));
        let key = key("10.0.0.0/24", 254, 32);
        assert_eq!(ours.submit([(key, RouteVerb::Add(Arc::clone(&body)))]), [Ok(())]);
        assert_eq!(theirs.submit([(key, RouteVerb::Delete)]), [Ok(())]);
        let gone =
            ours.wait(|e| if let KernelEvent::RouteGone(route) = e { Some(route.clone()) } else { None });
        assert_eq!(gone.key, key);
        assert!(gone.body.same_destination(&body));
        assert!(!ours.heard_of_our_routes());
    });
}

#[test]
fn lost_notices_become_an_overrun() {
    in_network(|| {
        let mut watch = Watch::open(NoticeClass::Routes, 0, Arc::default()).unwrap();
        watch.socket().set_receive_buffer(4096).unwrap();
        let mut client = Client::start();
        let ticket = client.ask(Question::ReceiveBuffer(1 << 20));
        client.wait(|e| matches!(e, KernelEvent::Finished(t, Ok(())) if *t == ticket).then_some(()));
        let body = Arc::new(RouteBody::new(RouteKind::Blackhole, []));
        let keys = (0..5000u32).map(|i| key(&format!("11.0.{}.{}/32", i >> 8, i & 255), 99, 1));
        client.submit(keys.map(|key| (key, RouteVerb::Add(Arc::clone(&body)))));
        let mut events = Vec::new();
        watch.step(&mut events).unwrap();
        assert!(events.contains(&KernelEvent::Overrun(NoticeClass::Routes)));
        assert_eq!(client.routes(Family::V4, 99).len(), 5000);
    });
}

#[test]
fn broken_connections_are_made_anew() {
    in_network(|| {
        let (mut client, mut other) = (Client::start(), Client::start());
        client.ask(Question::ReceiveBuffer(1 << 20));
        let body = Arc::new(RouteBody::new(RouteKind::Blackhole, []));
        let keys = (0..5000u32).map(|i| key(&format!("11.0.{}.{}/32", i >> 8, i & 255), 99, 1));
        client.kernel.shared.break_off();
        let questions = [1, 2, 3].map(|table| client.ask(Question::Routes { family: Family::V4, table }));
        let results = client.submit(keys.map(|key| (key, RouteVerb::Add(Arc::clone(&body)))));
        let unknown = results.iter().filter(|result| result.is_err()).count();
        for ticket in questions {
            client.wait(|e| matches!(e, KernelEvent::Finished(t, _) if *t == ticket).then_some(()));
        }
        for class in [NoticeClass::Interfaces, NoticeClass::Routes] {
            client.wait(|e| (*e == KernelEvent::Overrun(class)).then_some(()));
        }
        assert!(client.routes(Family::V4, 99).len() >= 5000 - unknown);
        // Notices come again, and our own changes still make none.
        assert!(!client.heard_of_our_routes());
        other.submit([(key("12.0.0.0/8", 99, 1), RouteVerb::Add(body))]);
        client.wait(|e| matches!(e, KernelEvent::Route(_)).then_some(()));
    });
}

#[test]
fn nobody_waits_for_a_daemon_that_does_not_collect() {
    in_network(|| {
        let mut client = Client::start();
        let body = Arc::new(RouteBody::new(RouteKind::Blackhole, []));
        let key = |i: u32| key(&format!("11.{}.{}.{}/32", i >> 16, i >> 8 & 255, i & 255), 99, 1);
        let total = client.kernel.room() as u32 + 1000;
        let op = |i: u32, verb| RouteOp { ticket: i.into(), key: key(i), verb };
        let mut ops: Vec<RouteOp> = (0..total).map(|i| op(i, RouteVerb::Add(Arc::clone(&body)))).collect();
        client.kernel.submit(&mut ops);
        assert_eq!((ops.len(), client.kernel.room()), (1000, 0));
        // The thread stops when enough answers wait, and goes on as they are collected.
        let mut answered = 0;
        while answered < total as usize {
            std::thread::sleep(Duration::from_millis(20));
            client.kernel.submit(&mut ops);
            client.kernel.poll(&mut client.seen);
            for event in client.seen.drain(..) {
                if let KernelEvent::Done(answers) = event {
                    assert!(answers.iter().all(|answer| answer.result.is_ok()));
                    answered += answers.len();
                }
            }
        }
        let mut ops: Vec<RouteOp> = (0..total).map(|i| op(i, RouteVerb::Delete)).collect();
        client.kernel.submit(&mut ops);
        std::thread::sleep(Duration::from_millis(20));
        drop(client); // ends although nothing was collected
    });
}

#[test]
fn labels_survive_encoding_and_decoding() {
    // Without MPLS in the kernel only the bytes can be compared.
    let labelled = |gateway: &str, labels: &[u32]| NextHop {
        labels: labels.iter().copied().collect(),
        ..NextHop::new(Some(gateway.parse().unwrap()), 7)
    };
    for hops in [
        vec![labelled("192.0.2.1", &[16, 17, 1_048_575])],
        vec![labelled("192.0.2.1", &[100]), labelled("192.0.2.2", &[]), labelled("2001:db8::1", &[3, 4])],
    ] {
        let body = Arc::new(unicast(hops));
        let key = key("10.0.0.0/8", 254, 32);
        let mut bytes = Vec::new();
        let op = RouteOp { ticket: 1, key, verb: RouteVerb::Add(Arc::clone(&body)) };
        encode::RouteEncoder::default().append(&op, 1, &mut bytes);
        let read = decode::RouteReader::default().route(&bytes[socket::HEADER..]).unwrap().unwrap();
        assert_eq!(read.key, key);
        assert!(read.body.same_destination(&body), "{:?}", read.body);
    }
}

#[test]
fn source_specific_routes_keep_their_source() {
    let body = Arc::new(unicast([NextHop::new(Some("2001:db8::1".parse().unwrap()), 7)]));
    let mut encoder = encode::RouteEncoder::default();
    for (dst, src) in [("2001:db8:1::/48", "2001:db8:a::/48"), ("::/0", "2001:db8:b::/64")] {
        let key = RouteKey { src: Some(src.parse().unwrap()), ..key(dst, 254, 32) };
        let mut bytes = Vec::new();
        encoder.append(&RouteOp { ticket: 1, key, verb: RouteVerb::Add(Arc::clone(&body)) }, 1, &mut bytes);
        let read = decode::RouteReader::default().route(&bytes[socket::HEADER..]).unwrap().unwrap();
        assert_eq!(read.key, key);
    }
}

/// Written and read back, alone and from a template that was made for another label.
#[test]
fn label_routes_are_read_as_they_were_written() {
    let hop = |gateway: Option<&str>, labels: &[u32]| NextHop {
        labels: labels.iter().copied().collect(),
        ..NextHop::new(gateway.map(|g| g.parse().unwrap()), 7)
    };
    let mut encoder = encode::RouteEncoder::default();
    for hops in [
        vec![hop(Some("192.0.2.1"), &[200, 300])],
        vec![hop(Some("2001:db8::1"), &[])],
        vec![hop(None, &[])],
        vec![hop(Some("192.0.2.1"), &[]), hop(Some("2001:db8::2"), &[1_048_575, 16, 17])],
    ] {
        let body = Arc::new(RouteBody { scope: SCOPE_UNIVERSE, ..unicast(hops) });
        for label in ["16", "100", "1048575"] {
            let key = key(label, 254, 0);
            let mut bytes = Vec::new();
            encoder.append(
                &RouteOp { ticket: 1, key, verb: RouteVerb::Add(Arc::clone(&body)) },
                1,
                &mut bytes,
            );
            let read = decode::RouteReader::default().route(&bytes[socket::HEADER..]).unwrap().unwrap();
            assert_eq!((read.key, &*read.body), (key, &*body));
        }
    }
    let mut bytes = Vec::new();
    let op = RouteOp { ticket: 1, key: key("100", 254, 0), verb: RouteVerb::Delete };
    encoder.append(&op, 1, &mut bytes);
    // Family 28, 20 bits, table 254, protocol 12, universe, unicast; label 100 at the bottom of the stack.
    let wanted = [28, 20, 0, 0, 254, 12, 0, 1, 0, 0, 0, 0, 8, 0, 1, 0, 0x00, 0x06, 0x41, 0x00];
    assert_eq!(bytes[socket::HEADER..], wanted);
}

proptest::proptest! {
    /// Whatever the bytes: a result, never a panic.
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), family in 0..4usize) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = [libc::AF_INET, libc::AF_INET6, libc::AF_BRIDGE, libc::AF_MPLS][family] as u8;
        }
        let _ = decode::link(&bytes);
        let _ = decode::address(&bytes);
        let _ = decode::RouteReader::default().route(&bytes);
    }

    /// A message with one byte changed: a result, never a panic.
    #[test]
    fn damage_is_survived(at in 16..120usize, value in proptest::num::u8::ANY) {
        let hop = |gateway: &str| NextHop { labels: [5, 6].into_iter().collect(), ..NextHop::new(Some(gateway.parse().unwrap()), 7) };
        let body = Arc::new(RouteBody { realm: 5, ..unicast([hop("192.0.2.1"), hop("2001:db8::1")]) });
        let mut bytes = Vec::new();
        let op = RouteOp { ticket: 1, key: key("10.0.0.0/8", 70_000, 32), verb: RouteVerb::Add(body) };
        encode::RouteEncoder::default().append(&op, 1, &mut bytes);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        let _ = decode::RouteReader::default().route(&bytes[socket::HEADER..]);
    }
}
