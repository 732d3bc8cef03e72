//! Verdicts given before.
//!
//! What a filter makes of a route is decided by the route's attributes and by the answers to a few questions ([`super::questions`]): in which sets the
//! net is, how long it is, what the ROAs say. Attributes are shared by many routes, and answers are few: a full table is a few thousand
//! different cases. So the questions that an earlier run over the same attributes has asked are asked again, in its order, and where the answers are the
//! same, so are verdict, site and attributes. The machine runs only for what is new, and [`super::record`] takes its questions down.
//!
//! For each filter and set of attributes there is a tree: a question, its answers so far, the question that each of them led to, and so on to a
//! verdict. A route is asked what the run would ask and no more. Nothing is lost by that: runs that say something, or end in an error, are never
//! remembered, but only that they are such.
//!
//! Attributes are known by where they are. A tree keeps them and the filter alive, so no address comes to mean something else while it
//! stands. Memory is bounded: when there are too many verdicts or questions, all are forgotten. Where nothing repeats, most routes are not even
//! looked up. A new configuration empties everything, so no filter outlives its configuration here.

use std::mem::discriminant;
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::{SmallVec, smallvec};

use super::code::Verdict;
use super::env::Env;
use super::program::Filter;
use super::questions::{Asked, Question, Texts};
use super::record::{Notes, Recorder};
use super::view::RouteView;
use super::vm::{self, Machine, Outcome};
use crate::base::Net;
use crate::table::{Attrs, Interner};

/// So many ways to a verdict are known at most, and trees: what a table of 16,384 places holds.
const MOST: usize = 14_336;
/// So many questions, in all trees together.
const QUESTIONS: usize = 2 * MOST;
/// Answers to one question; further ones are not remembered.
const WAYS: usize = 64;
/// How much more often than not verdicts have to be unknown before looking them up stops being tried.
const PATIENCE: u32 = 256;
/// Of so many routes then only the first few are looked up. Those come in a row, because equal attributes do.
const SPAN: u32 = 1024;
const SAMPLE: u32 = 64;

/// A route before a filter.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The filter.
    pub filter: &'a Arc<Filter>,
    /// The net.
    pub net: &'a Net,
    /// The attributes as they come.
    pub attrs: &'a Arc<Attrs>,
    /// The name of the protocol that made the route.
    pub proto: &'a Arc<str>,
    /// The world.
    pub env: &'a dyn Env,
}

/// Where a tree goes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// With a question.
    Ask(u32),
    /// Here it ends.
    Done(u32),
    /// What comes has to be run: somebody hears of it.
    Run,
}

#[derive(Debug)]
struct Node {
    question: Question,
    ways: SmallVec<[(u32, Step); 2]>,
}

#[derive(Debug)]
struct End {
    after: Arc<Attrs>,
    verdict: Verdict,
    site: u32,
}

#[derive(Debug)]
struct Tree {
    filter: Arc<Filter>,
    before: Arc<Attrs>,
    first: Step,
}

impl Tree {
    fn is(&self, case: &Case<'_>) -> bool {
        Arc::ptr_eq(&self.before, case.attrs) && Arc::ptr_eq(&self.filter, case.filter)
    }
}

/// What is known about a route.
enum Recalled {
    Known(u32),
    /// Nothing; but what the filter says is worth remembering.
    New,
    /// Nothing.
    Unknown,
}

/// Verdicts of all filters.
#[derive(Debug)]
pub struct Verdicts {
    trees: HashTable<Tree>,
    nodes: Vec<Node>,
    ends: Vec<End>,
    texts: Texts,
    notes: Notes,
    /// Grows with each verdict that was known, up to [`PATIENCE`], and shrinks with each that was not.
    score: u32,
    /// Routes while it was 0.
    passed: u32,
}

impl Default for Verdicts {
    fn default() -> Verdicts {
        Verdicts {
            trees: HashTable::new(),
            nodes: Vec::new(),
            ends: Vec::new(),
            texts: Texts::default(),
            notes: Notes::default(),
            score: PATIENCE,
            passed: 0,
        }
    }
}

impl Verdicts {
    /// What the filter says about the route, and the attributes afterwards (the same `Arc` when nothing changed), from memory if that is known.
    #[inline]
    pub fn judge(
        &mut self,
        case: &Case<'_>,
        machine: &mut Machine,
        interner: &mut Interner,
    ) -> (Outcome, Arc<Attrs>) {
        let recalled = self.recall(case);
        if let Recalled::Known(end) = recalled
            && let Some(end) = self.ends.get(end as usize)
        {
            let outcome = Outcome { verdict: end.verdict, site: Some(end.site), error: None };
            return (outcome, end.after.clone());
        }
        self.judge_anew(case, machine, interner, matches!(recalled, Recalled::New))
    }

    fn judge_anew(
        &mut self,
        case: &Case<'_>,
        machine: &mut Machine,
        interner: &mut Interner,
        new: bool,
    ) -> (Outcome, Arc<Attrs>) {
        let mut view = RouteView::new(case.net, case.attrs, case.proto);
        let outcome = if new {
            self.notes.clear();
            let asked = Asked { net: case.net, proto: case.proto, env: case.env };
            let mut recorder = Recorder { notes: &mut self.notes, texts: &mut self.texts, asked };
            vm::run_under(case.filter, &mut view, machine, case.env, &mut recorder)
        } else {
            vm::run(case.filter, &mut view, machine, case.env)
        };
        let after = view.finish_shared(interner).unwrap_or_else(|| case.attrs.clone());
        if new {
            self.keep(case, &outcome, &after);
        }
        (outcome, after)
    }

    /// Whether the next route is looked up at all.
    #[inline]
    fn is_tried(&mut self) -> bool {
        if self.score > 0 {
            return true;
        }
        self.passed = self.passed.wrapping_add(1);
        self.passed % SPAN < SAMPLE
    }

    #[inline]
    fn recall(&mut self, case: &Case<'_>) -> Recalled {
        if !self.is_tried() {
            return Recalled::Unknown;
        }
        let asked = Asked { net: case.net, proto: case.proto, env: case.env };
        let tree = self.trees.find(hash(case.filter, case.attrs), |tree| tree.is(case));
        let mut at = tree.map(|tree| tree.first);
        while let Some(Step::Ask(node)) = at {
            let Some(node) = self.nodes.get(node as usize) else { break };
            let answer = node.question.ask(&asked, &self.texts);
            at = answer.and_then(|answer| node.ways.iter().find(|way| way.0 == answer)).map(|way| way.1);
        }
        match at {
            Some(Step::Done(end)) => {
                self.score = (self.score + 1).min(PATIENCE);
                return Recalled::Known(end);
            }
            Some(_) => self.score = self.score.saturating_sub(1),
            None => {
                self.score = self.score.saturating_sub(1);
                return Recalled::New;
            }
        }
        Recalled::Unknown
    }

    /// Remembers what a run has asked, and how it ended.
    fn keep(&mut self, case: &Case<'_>, outcome: &Outcome, after: &Arc<Attrs>) {
        if self.trees.len() >= MOST || self.ends.len() >= MOST || self.nodes.len() >= QUESTIONS {
            self.trees.clear();
            self.nodes.clear();
            self.ends.clear();
        }
        let last = match outcome.site.filter(|_| !self.notes.unlike) {
            Some(site) => {
                self.ends.push(End { after: after.clone(), verdict: outcome.verdict, site });
                Step::Done(self.ends.len() as u32 - 1)
            }
            None => Step::Run,
        };
        let mut asked = std::mem::take(&mut self.notes.asked);
        let place = hash(case.filter, case.attrs);
        let entry = self.trees.entry(place, |tree| tree.is(case), |tree| hash(&tree.filter, &tree.before));
        match entry {
            Entry::Vacant(vacant) => {
                let first = plant(&mut self.nodes, asked.drain(..), last);
                vacant.insert(Tree { filter: case.filter.clone(), before: case.attrs.clone(), first });
            }
            Entry::Occupied(tree) => {
                let mut at = tree.get().first;
                let mut known = 0;
                while let (Step::Ask(number), Some((question, answer))) = (at, asked.get(known)) {
                    let Some(node) = self.nodes.get(number as usize) else { break };
                    // One beginning leads to one question.
                    debug_assert_eq!(discriminant(&node.question), discriminant(question));
                    known += 1;
                    match node.ways.iter().find(|way| way.0 == *answer) {
                        Some(way) => at = way.1,
                        None if node.ways.len() >= WAYS => break,
                        None => {
                            let answer = *answer;
                            let next = plant(&mut self.nodes, asked.drain(..).skip(known), last);
                            self.nodes[number as usize].ways.push((answer, next));
                            break;
                        }
                    }
                }
            }
        }
        asked.clear();
        self.notes.asked = asked;
    }
}

/// Makes a way with these questions and this end; gives its first step.
fn plant(nodes: &mut Vec<Node>, asked: impl DoubleEndedIterator<Item = (Question, u32)>, last: Step) -> Step {
    asked.rev().fold(last, |next, (question, answer)| {
        nodes.push(Node { question, ways: smallvec![(answer, next)] });
        Step::Ask(nodes.len() as u32 - 1)
    })
}

#[inline]
fn hash(filter: &Arc<Filter>, attrs: &Arc<Attrs>) -> u64 {
    let mix = |sum: u64, word: u64| (sum.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = mix(Arc::as_ptr(filter) as usize as u64, Arc::as_ptr(attrs) as usize as u64);
    sum ^ sum >> 32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::base::Value;
    use crate::base::path::AsPath;
    use crate::filter::attributes::id;
    use crate::filter::tests::harness::{Log, load};

    const FUNCTIONS: &str = "define OURS = [10.0.0.0/8+];
        roa4 table r;
        protocol static { roa4 { table r; }; route 10.0.0.0/8 max 16 as 5; }
        function grade(prefix p) -> int { if p.len > 16 then return 1; if p ~ OURS then return 2; return 3; }
        function deep(prefix p) -> bool { return grade(p) = 2; }
        function long(prefix p) -> int { return p.len; }\n";

    /// How many of these nets, given twice, the machine has to look at.
    fn runs(body: &str, nets: &[&str]) -> usize {
        let world = load(FUNCTIONS);
        let filter = world.filter(body);
        let log = Log(Default::default(), Some(&world));
        let (mut verdicts, mut machine, mut interner) =
            (Verdicts::default(), Machine::default(), Interner::default());
        let mut attrs = Attrs::default();
        attrs.set(id::BGP_PATH, Value::Path(AsPath::sequence(&[4, 5])));
        let (attrs, proto) = (Arc::new(attrs), "p".into());
        let mut missed = 0;
        for net in nets.iter().chain(nets) {
            let net = net.parse::<ipnet::IpNet>().unwrap().into();
            let case = Case { filter: &filter, net: &net, attrs: &attrs, proto: &proto, env: &log };
            missed += usize::from(!matches!(verdicts.recall(&case), Recalled::Known(_)));
            verdicts.judge(&case, &mut machine, &mut interner);
        }
        missed
    }

    #[test]
    fn the_machine_sees_what_is_new() {
        let nets = ["10.1.0.0/16", "10.2.0.0/16", "11.0.0.0/16", "10.3.0.0/24", "12.1.0.0/24", "12.0.0.0/24"];
        let seen = |body: &str| runs(body, &nets);
        assert_eq!(seen("{ accept; }"), 1);
        assert_eq!(seen("{ if net ~ OURS then reject; accept; }"), 2);
        assert_eq!(seen("{ if net !~ OURS then reject; accept; }"), 2);
        assert_eq!(seen("{ bgp_med = net.len; accept; }"), 2);
        assert_eq!(seen("{ if net ~ OURS && net.len > 20 then bgp_med = 4; accept; }"), 3);
        assert_eq!(seen("{ int l = net.len; if 20 < l then bgp_med = 4; if l > 8 then accept; reject; }"), 2);
        assert_eq!(seen("{ case net.len { 16: accept; else: reject; } }"), 2);
        // Through functions, variables and sets made at run time.
        assert_eq!(seen("{ if deep(net) then reject; accept; }"), 3);
        assert_eq!(seen("{ prefix p = net; if p ~ OURS then reject; accept; }"), 2);
        assert_eq!(seen("{ prefix set s; s = OURS; if net ~ s then reject; accept; }"), 2);
        // The world.
        assert_eq!(seen("{ if roa_check(r) = ROA_INVALID then reject; accept; }"), 3);
        assert_eq!(seen("{ if roa_check(r, net, bgp_path.last) = ROA_VALID then reject; accept; }"), 3);
        assert_eq!(
            seen("{ if proto = \"p\" && from = 0.0.0.0 && source = RTS_BGP then reject; accept; }"),
            1
        );
        assert_eq!(seen("{ if ifname = \"\" then reject; accept; }"), 1);
        // Whoever prints runs, but nobody else.
        assert_eq!(seen("{ if net ~ OURS then accept; print \"not ours\"; reject; }"), 2 + 5);
        assert_eq!(seen("{ print net; accept; }"), 12);
        assert_eq!(seen("{ if net.ip = 10.0.0.0 then reject; accept; }"), 12);
    }

    #[test]
    fn memory_is_bounded() {
        let world = load(FUNCTIONS);
        let filter = world.filter("{ bgp_med = long(net); if net = 10.0.0.0/8 then reject; accept; }");
        let (mut verdicts, mut machine, mut interner) =
            (Verdicts::default(), Machine::default(), Interner::default());
        let proto = "p".into();
        for n in 0..40_000u32 {
            let attrs = Arc::new(Attrs { preference: n as u16, ..Attrs::default() });
            let net = crate::base::IpNet::new(std::net::Ipv4Addr::from(n << 12).into(), 20).unwrap().into();
            let case =
                Case { filter: &filter, net: &net, attrs: &attrs, proto: &proto, env: &crate::filter::NoEnv };
            // They come again, so that all are looked up.
            for _ in 0..3 {
                verdicts.judge(&case, &mut machine, &mut interner);
            }
            assert!(verdicts.trees.len() <= MOST && verdicts.ends.len() <= MOST);
            assert!(verdicts.nodes.len() <= QUESTIONS + 64);
        }
        assert!(verdicts.trees.capacity() < 4 * MOST);
    }
}
