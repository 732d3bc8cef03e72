//! A driver for the reconciler without an engine.

pub(super) use std::collections::{BTreeMap, BTreeSet};
pub(super) use std::sync::Arc;

use std::collections::HashMap;

pub(super) use crate::base::{Lookup, NextHop, Value};
use crate::protocols::kernel::bodies::Bodies;
use crate::protocols::kernel::config::Learn;
pub(super) use crate::protocols::kernel::drift::DriftKind;
pub(super) use crate::protocols::kernel::nets::Dst;
use crate::protocols::kernel::sync::{Action, KernelSync};
pub(super) use crate::protocols::kernel::sync::{Setup, Warning};
use crate::sys::fake::FakeKernel;
pub(super) use crate::sys::kernel::{Family, PROTOCOL_BIRD, RouteBody, RouteKey, RouteKind};
use crate::sys::kernel::{Kernel, KernelEvent, Question, RouteOp, RouteVerb};
pub(super) use crate::table::{Attrs, Dest, Recursion};

pub(super) const TABLE: u32 = 254;

/// A driver without an engine: a table of its own, a fake kernel, and everything that was reported.
pub(super) struct Bench {
    pub setup: Setup,
    pub sync: KernelSync,
    pub bodies: Bodies,
    pub kernel: FakeKernel,
    /// The table: number and wanted attributes of each net.
    pub numbers: HashMap<Dst, u32>,
    pub wanted: BTreeMap<u32, (Dst, Arc<Attrs>)>,
    pub ticket: u64,
    /// Not sent for want of room.
    pub ops: Vec<RouteOp>,
    pub scan_due: bool,
    pub again: bool,
    pub repair_due: bool,
    pub refused: BTreeSet<u32>,
    pub failures: Vec<(Dst, i32)>,
    pub warnings: Vec<Warning>,
    pub learned: BTreeSet<Dst>,
    pub flushed: bool,
    pub scans: usize,
    pub clock: u64,
    /// What is written points to nexthop objects.
    pub objects: bool,
    pub last_move: u64,
    /// What is to be told again after a move.
    pub rerouted: BTreeMap<u8, Dest>,
}

pub(super) fn setup(family: Family, metric: u32) -> Setup {
    Setup { family, table: TABLE, metric, learn: Learn::On, replace_any: true }
}

pub(super) fn dst(text: &str) -> Dst {
    Dst { dst: text.parse().unwrap(), src: None }
}

pub(super) fn via(last: u8) -> Attrs {
    let hop = NextHop::new(Some([192, 0, 2, last].into()), 10);
    Attrs { dest: Dest::Unicast([hop].into()), ..Attrs::default() }
}

/// A recursive next hop.
pub(super) fn lookup(host: u8) -> Arc<Lookup> {
    Arc::new(Lookup { table: "igp".into(), gateway: [203, 0, 113, host].into() })
}

/// The same attributes of a route whose recursive next hop leads there.
pub(super) fn by(host: u8, attrs: Attrs) -> Attrs {
    Attrs { recursive: Recursion::Through(lookup(host)), ..attrs }
}

pub(super) fn with_metric(mut attrs: Attrs, metric: u32) -> Attrs {
    attrs.set(crate::protocols::kernel::attributes::METRIC, Value::Int(metric));
    attrs
}

pub(super) fn alien(protocol: u8, last: u8) -> RouteBody {
    let hop = NextHop::new(Some([192, 0, 2, last].into()), 10);
    RouteBody { protocol, ..RouteBody::new(RouteKind::Unicast, [hop]) }
}

pub(super) fn key(text: &str, metric: u32) -> RouteKey {
    dst(text).key(TABLE, metric)
}

impl Bench {
    pub(super) fn new(setup: Setup) -> Bench {
        Bench {
            setup,
            sync: KernelSync::new(setup, false),
            bodies: Bodies::new(setup.family),
            kernel: FakeKernel::default(),
            numbers: HashMap::new(),
            wanted: BTreeMap::new(),
            ticket: 1 << 40,
            ops: Vec::new(),
            scan_due: false,
            again: false,
            repair_due: false,
            refused: BTreeSet::new(),
            failures: Vec::new(),
            warnings: Vec::new(),
            learned: BTreeSet::new(),
            flushed: false,
            scans: 0,
            clock: 0,
            objects: false,
            last_move: 1 << 50,
            rerouted: BTreeMap::new(),
        }
    }

    /// Fed with nothing, scanned once.
    pub(super) fn started(setup: Setup) -> Bench {
        let mut bench = Bench::new(setup);
        bench.feed_done();
        bench.settle();
        bench
    }

    /// The same on a kernel with nexthop objects, which are used.
    pub(super) fn with_objects(setup: Setup) -> Bench {
        let mut bench = Bench::new(setup);
        bench.kernel = FakeKernel::with_objects();
        bench.use_objects(true);
        bench.feed_done();
        bench.settle();
        bench
    }

    pub(super) fn use_objects(&mut self, on: bool) {
        self.objects = on;
        self.bodies.set_objects(Arc::clone(self.kernel.nexthops()), on);
        for (id, (dst, attrs)) in self.wanted.clone() {
            self.tell(id, dst, Some(attrs));
        }
    }

    pub(super) fn export(&mut self, id: u32, net: &str, attrs: Option<Attrs>) {
        let dst = dst(net);
        let attrs = attrs.map(Arc::new);
        match &attrs {
            Some(attrs) => {
                self.numbers.insert(dst, id);
                self.wanted.insert(id, (dst, Arc::clone(attrs)));
            }
            None => {
                self.numbers.remove(&dst);
                self.wanted.remove(&id);
            }
        }
        self.tell(id, dst, attrs);
    }

    pub(super) fn tell(&mut self, id: u32, dst: Dst, attrs: Option<Arc<Attrs>>) {
        let new = attrs.and_then(|attrs| self.bodies.of(&attrs)).map(|w| (w.body, w.metric));
        let mut out = Vec::new();
        self.sync.export(id, &dst, new, &mut out);
        self.handle(out);
    }

    /// A recursive next hop leads elsewhere.
    pub(super) fn reroute(&mut self, host: u8, dest: Dest) {
        self.rerouted.insert(host, dest);
        self.tell_rerouted();
        self.handle(Vec::new());
    }

    fn tell_rerouted(&mut self) {
        let way = |(host, dest): (&u8, &Dest)| (lookup(*host), self.bodies.way(&lookup(*host), dest));
        let ways: Vec<_> = self.rerouted.iter().map(way).collect();
        let later = self.sync.rerouted(&ways, self.kernel.nexthops());
        self.rerouted.retain(|host, _| later.contains(&lookup(*host)));
    }

    pub(super) fn feed_done(&mut self) {
        let mut out = Vec::new();
        self.sync.feed_done(&mut out);
        self.handle(out);
    }

    /// The daemon died and starts again: the kernel keeps its routes, the exports come anew.
    pub(super) fn crash(&mut self) {
        while !self.kernel.idle() {
            self.kernel.poll(&mut Vec::new());
        }
        self.sync = KernelSync::new(self.setup, false);
        if self.kernel.nexthops().supported() {
            self.kernel.reopen_objects();
            self.bodies = Bodies::new(self.setup.family);
            self.bodies.set_objects(Arc::clone(self.kernel.nexthops()), self.objects);
        }
        (self.scan_due, self.again, self.repair_due) = (false, false, false);
        self.ops.clear();
        self.rerouted.clear();
        self.refused.clear();
        for (id, (dst, attrs)) in self.wanted.clone() {
            self.tell(id, dst, Some(attrs));
        }
        self.feed_done();
    }

    pub(super) fn handle(&mut self, out: Vec<Action>) {
        for action in out {
            match action {
                Action::Scan(_) => self.scan_due = true,
                Action::Repair => self.repair_due = true,
                Action::Refused(id, true) => drop(self.refused.insert(id)),
                Action::Refused(id, false) => drop(self.refused.remove(&id)),
                Action::Failed { dst, error, .. } => self.failures.push((dst, error.errno)),
                Action::Learn(dst) if self.sync.aliens.of(&dst).is_empty() => drop(self.learned.remove(&dst)),
                Action::Learn(dst) => drop(self.learned.insert(dst)),
                Action::Warn(_, warning) => self.warnings.push(warning),
                Action::Flushed => self.flushed = true,
                Action::Trace(..) | Action::Pruning(_) => {}
            }
        }
        self.sync.pump(self.clock, self.kernel.room(), &mut self.ops);
        // Those that belong together may be one more than there is room for.
        self.kernel.submit(&mut self.ops);
        let mut out = Vec::new();
        self.sync.check_flushed(&mut out);
        let nexthops = Arc::clone(self.kernel.nexthops());
        let (kernel, ticket) = (&mut self.kernel, &mut self.last_move);
        self.sync.ask_moves(&nexthops, |from, to| {
            *ticket += 1;
            kernel.replace_nexthop(*ticket, from, to);
            *ticket
        });
        self.flushed |= !out.is_empty();
    }

    /// Lets the kernel answer once.
    pub(super) fn step(&mut self) {
        self.clock += 1;
        if std::mem::take(&mut self.repair_due) {
            self.sync.repair(|_| true);
        }
        self.sync.tick_moves();
        if self.clock.is_multiple_of(64) {
            self.sync.check_ahead();
        }
        if self.scan_due && self.sync.may_scan() {
            self.scan_due = false;
            self.scans += 1;
            self.sync.scan_begin(false);
            self.ticket += 1;
            let question = Question::Routes { family: self.setup.family, table: TABLE };
            self.kernel.ask(self.ticket, question);
        }
        let mut events = Vec::new();
        self.kernel.poll(&mut events);
        for event in events {
            let mut out = Vec::new();
            match event {
                KernelEvent::Done(answers) => self.sync.answers(answers, &mut out),
                KernelEvent::Routes(ticket, routes) if ticket == self.ticket => {
                    for route in routes {
                        let dst = Dst::of_key(&route.key);
                        let read = self.bodies.read(&route.body);
                        let id = self.sync.guess(&dst).or_else(|| self.numbers.get(&dst).copied());
                        self.sync.scanned(
                            &dst,
                            route.key.metric,
                            &route.body,
                            &read,
                            id,
                            self.clock,
                            &mut out,
                        );
                    }
                }
                KernelEvent::Finished(ticket, result) if ticket == self.ticket => {
                    let numbers = &self.numbers;
                    self.scan_due |= result.is_err();
                    self.sync.scan_end(result.is_ok(), self.clock, |dst| numbers.get(dst).copied(), &mut out);
                }
                KernelEvent::Route(ref route) | KernelEvent::RouteGone(ref route) => {
                    let dst = Dst::of_key(&route.key);
                    let gone = matches!(event, KernelEvent::RouteGone(_));
                    let read = self.bodies.read(&route.body);
                    let id = self.numbers.get(&dst).copied();
                    let metric = route.key.metric;
                    self.sync.notice(&dst, metric, &route.body, &read, gone, id, self.clock, &mut out);
                }
                KernelEvent::Finished(ticket, result) => {
                    self.bodies.forget_read();
                    if self.sync.moved(ticket, result.is_ok(), &mut self.bodies) {
                        self.tell_rerouted();
                    }
                }
                KernelEvent::NexthopsLost(lost) => {
                    self.bodies.forget_read();
                    self.sync.objects_lost(&lost, self.clock, &mut out);
                }
                KernelEvent::NexthopsChanged => self.bodies.forget_read(),
                KernelEvent::Overrun(_) => self.sync.overrun(&mut out),
                _ => {}
            }
            self.handle(out);
        }
        self.handle(Vec::new());
    }

    /// Until nothing moves any more.
    pub(super) fn settle(&mut self) {
        for _ in 0..500 {
            self.step();
            let done = !self.scan_due && !self.repair_due && !self.sync.scanning() && !self.sync.busy();
            if done && self.kernel.idle() {
                return;
            }
        }
        panic!("does not settle: {:?}", self.sync.status());
    }

    pub(super) fn scan(&mut self) {
        self.scan_due = true;
        self.settle();
    }

    /// Our routes as `prefix@metric -> last byte of the gateway`.
    pub(super) fn ours(&self) -> Vec<String> {
        self.shown(|protocol| protocol == PROTOCOL_BIRD)
    }

    pub(super) fn shown(&self, which: impl Fn(u8) -> bool) -> Vec<String> {
        let list = self.kernel.routes.iter().filter(|(_, body)| which(body.protocol));
        list.map(|(key, body)| format!("{}@{} {}", key.dst, key.metric, hop_name(body))).collect()
    }

    pub(super) fn verbs(&mut self) -> Vec<&'static str> {
        let verb = |verb: &RouteVerb| match verb {
            RouteVerb::Add(_) => "add",
            RouteVerb::Replace(_) => "replace",
            RouteVerb::Delete => "delete",
        };
        std::mem::take(&mut self.kernel.log).iter().map(|op| verb(&op.verb)).collect()
    }
}

pub(super) fn hop_name(body: &RouteBody) -> String {
    match body.hops.first().and_then(|hop| hop.next.gateway) {
        Some(std::net::IpAddr::V4(a)) => a.octets()[3].to_string(),
        _ => "-".to_owned(),
    }
}
