//! What a route costs on its way through `sys::linux`, in a network namespace of its own.
//!
//! `cargo bench --bench kernel_routes [ROUTES [GATEWAYS]]`. Prints wall time and CPU (user + system of the process, the
//! kernel's work in `send` included) per route for: adding in mixed order, deleting, adding grouped by next hop,
//! replacing with one gateway, deleting in ascending order, waiting for each answer, and reading the table.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a measurement may panic")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use tern::base::{IpNet, Ipv4Net, NextHop};
use tern::sys::kernel::*;
use tern::sys::linux::NetlinkKernel;
use tern::sys::namespace::{self, Setup, index_of};

fn main() {
    let mut args = std::env::args().skip(1).filter_map(|arg| arg.parse().ok());
    let routes: usize = args.next().unwrap_or(1_000_000);
    let gateways = args.next().unwrap_or(200) as u32;
    if let Err(error) = namespace::enter() {
        eprintln!("SKIPPED: {error}");
        return;
    }
    let mut setup = Setup::open().unwrap();
    setup.add_veth("v0", "v1").unwrap();
    setup.set_up("v0", true).unwrap();
    setup.set_up("v1", true).unwrap();
    setup.add_address("v0", "10.255.0.1/16".parse().unwrap()).unwrap();

    let v0 = index_of("v0").unwrap();
    let bodies: Vec<Arc<RouteBody>> = (0..gateways)
        .map(|i| Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 255, 1, 0)) + i))
        .map(|gateway| Arc::new(RouteBody::new(RouteKind::Unicast, [NextHop::new(Some(gateway.into()), v0)])))
        .collect();
    let keys: Vec<RouteKey> = prefixes(routes);
    let (ring, bell) = sync_channel(1);
    let mut kernel = NetlinkKernel::start(move || ring.try_send(()).unwrap_or_default()).unwrap();
    let mut carry = |name: &str, verbs: &mut dyn Iterator<Item = (RouteKey, RouteVerb)>| {
        let (mut batch, mut events, mut open, mut failed) = (Vec::new(), Vec::new(), 0usize, 0usize);
        let (start, cpu) = (Instant::now(), cpu_time());
        let mut verbs = verbs.enumerate().peekable();
        loop {
            while batch.len() < 1024
                && let Some((ticket, (key, verb))) = verbs.next()
            {
                batch.push(RouteOp { ticket: ticket as u64, key, verb });
                open += 1;
            }
            kernel.submit(&mut batch);
            if open == 0 {
                break;
            }
            if !batch.is_empty() || verbs.peek().is_none() {
                bell.recv_timeout(Duration::from_secs(5)).unwrap();
            }
            kernel.poll(&mut events);
            for event in events.drain(..) {
                if let KernelEvent::Done(answers) = event {
                    open -= answers.len();
                    failed += answers.iter().filter(|answer| answer.result.is_err()).count();
                }
            }
        }
        report(name, routes, start, cpu);
        assert_eq!(failed, 0);
    };
    let gateway = |i: usize| Arc::clone(&bodies[i % bodies.len()]);
    let grouped = || {
        let mut order: Vec<usize> = (0..routes).collect();
        order.sort_by_key(|i| i % bodies.len());
        order
    };
    carry("add, mixed", &mut keys.iter().enumerate().map(|(i, k)| (*k, RouteVerb::Add(gateway(i)))));
    carry("delete", &mut keys.iter().map(|k| (*k, RouteVerb::Delete)));
    carry("add, grouped", &mut grouped().into_iter().map(|i| (keys[i], RouteVerb::Add(gateway(i)))));
    carry("replace, one gateway", &mut keys.iter().map(|k| (*k, RouteVerb::Replace(gateway(0)))));
    let mut sorted = keys.clone();
    sorted.sort();
    carry("delete, ascending", &mut sorted.iter().map(|k| (*k, RouteVerb::Delete)));
    carry("add, one gateway", &mut keys.iter().map(|k| (*k, RouteVerb::Add(gateway(0)))));

    let (start, cpu, single) = (Instant::now(), cpu_time(), 20_000);
    for i in 0..single {
        let verb = RouteVerb::Replace(gateway(i));
        kernel.submit(&mut vec![RouteOp { ticket: 0, key: keys[i % routes], verb }]);
        bell.recv_timeout(Duration::from_secs(5)).unwrap();
        kernel.poll(&mut Vec::new());
    }
    report("replace, one by one", single, start, cpu);

    let (start, cpu) = (Instant::now(), cpu_time());
    kernel.ask(1, Question::Routes { family: Family::V4, table: 254 });
    let (mut events, mut seen) = (Vec::new(), 0);
    'dump: loop {
        bell.recv_timeout(Duration::from_secs(5)).unwrap();
        kernel.poll(&mut events);
        for event in events.drain(..) {
            match event {
                KernelEvent::Routes(_, part) => seen += part.len(),
                KernelEvent::Finished(..) => break 'dump,
                _ => {}
            }
        }
    }
    report("dump", routes, start, cpu);
    assert!(seen >= routes);
}

/// Distinct prefixes with the lengths of a real table, in random order.
fn prefixes(count: usize) -> Vec<RouteKey> {
    let (mut state, mut seen) = (1u64, std::collections::HashSet::new());
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    let mut out = Vec::with_capacity(count);
    while out.len() < count {
        let length = [16, 19, 20, 20, 21, 22, 22, 23, 23, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24, 24]
            [random() as usize % 20];
        let address = (11 << 24) + random() % (160 << 24);
        let net = Ipv4Net::new(Ipv4Addr::from(address), length).unwrap().trunc();
        if net.addr().is_loopback() || !seen.insert(net) {
            continue;
        }
        out.push(RouteKey { table: 254, dst: IpNet::V4(net).into(), src: None, metric: 32 });
    }
    out
}

fn cpu_time() -> Duration {
    let clock = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(clock.tv_sec as u64, clock.tv_nsec as u32)
}

fn report(name: &str, routes: usize, start: Instant, cpu: Duration) {
    let (wall, cpu) = (start.elapsed(), cpu_time() - cpu);
    let each = |time: Duration| time.as_secs_f64() * 1e6 / routes as f64;
    println!(
        "{name:22} {:7.2} s   {:5.2} µs wall   {:5.2} µs CPU each",
        wall.as_secs_f64(),
        each(wall),
        each(cpu)
    );
}
