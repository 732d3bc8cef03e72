//! Programs that type-check run to a verdict or a runtime error, and whoever runs them comes to the same.
//!
//! A filter runs on routes of every type of net with several sets of attributes. Compared are verdict, site, error, attributes, and everything said:
//! of a plain run, of a run that is explained, of the engine's way with a machine of its own and verdicts given before, and of the same program
//! with its literals behind functions, where nothing can be computed beforehand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tern::base::Net;
use tern::config::{self, Config, Failure};
use tern::filter::explain::{End, Trace, explain};
use tern::filter::{Case, CustomAttrs, Filter, Machine, Outcome, RouteView, Verdict, Verdicts, run};
use tern::table::{Attrs, Interner};

use super::terms::{changed, hidden, shown};
use super::world::{World, attributes, nets};

/// Reads a text as a configuration.
pub fn load_with(text: &str, custom: &CustomAttrs) -> Result<Arc<Config>, Failure> {
    let files = BTreeMap::from([(PathBuf::from("bird.conf"), text.as_bytes().to_vec())]);
    config::load(Path::new("bird.conf"), tern::protocols::SYNTAX, custom, &files)
}

/// The same with attributes of its own.
pub fn load(text: &str) -> Result<Arc<Config>, Failure> {
    load_with(text, &CustomAttrs::default())
}

/// What comes of one run.
#[derive(Clone, PartialEq, Debug)]
struct Ran {
    verdict: Verdict,
    site: Option<u32>,
    error: Option<(u32, String)>,
    said: Vec<String>,
    attrs: Arc<Attrs>,
}

impl Ran {
    fn new(outcome: &Outcome, said: Vec<String>, attrs: Arc<Attrs>) -> Ran {
        let error = outcome.error.as_ref().map(|e| (e.line, e.message.to_string()));
        Ran { verdict: outcome.verdict, site: outcome.site, error, said, attrs }
    }

    /// Work and depth are limited, and there is more of both in some forms of a program than in others.
    fn is_cut_off(&self) -> bool {
        self.error.as_ref().is_some_and(|(_, message)| {
            ["took too long", "stack overflow", "too long"].iter().any(|words| message.contains(words))
        })
    }
}

fn plain(filter: &Filter, net: &Net, attrs: &Arc<Attrs>, proto: &Arc<str>, world: &World) -> Ran {
    let mut view = RouteView::new(net, attrs, proto);
    let outcome = run(filter, &mut view, &mut Machine::default(), world);
    let attrs = view.finish().map_or_else(|| attrs.clone(), Arc::new);
    Ran::new(&outcome, world.take(), attrs)
}

/// As the engine does it.
#[derive(Default)]
struct Engine {
    machine: Machine,
    verdicts: Verdicts,
    interner: Interner,
    routes: usize,
}

impl Engine {
    fn decide(
        &mut self,
        filter: &Arc<Filter>,
        net: &Net,
        attrs: &Arc<Attrs>,
        proto: &Arc<str>,
        world: &World,
    ) -> Ran {
        let case = Case { filter, net, attrs, proto, env: world };
        let (outcome, after) = self.verdicts.judge(&case, &mut self.machine, &mut self.interner);
        Ran::new(&outcome, world.take(), after)
    }
}

/// Everything that is wrong with a filter on a route, but for the comparison with another filter.
fn agree(
    filter: &Arc<Filter>,
    net: &Net,
    attrs: &Arc<Attrs>,
    engine: &mut Engine,
    world: &World,
    custom: &CustomAttrs,
) -> Ran {
    // Two protocols in turn: what is remembered of one must not be said of the other.
    let protos: [Arc<str>; 2] = ["static1".into(), "fuzz".into()];
    let proto = &protos[engine.routes % 2];
    engine.routes += 1;
    let first = plain(filter, net, attrs, proto, world);
    if let Some((_, message)) = &first.error {
        assert!(!message.contains("broken"), "{message}");
    }
    for time in ["first", "second"] {
        assert_eq!(
            engine.decide(filter, net, attrs, proto, world),
            first,
            "the engine's way, the {time} time"
        );
    }

    let mut view = RouteView::new(net, attrs, proto);
    let trace = explain(filter, &mut view, &mut Machine::default(), world, custom);
    let after = view.finish().map_or_else(|| attrs.clone(), Arc::new);
    assert_eq!(world.take(), Vec::<String>::new(), "an explanation is silent");
    assert_eq!(after, first.attrs, "attributes of an explained run");
    match &trace.end {
        End::Verdict(verdict, spot, _) => {
            assert_eq!((*verdict, None), (first.verdict, first.error.clone()));
            assert_eq!(first.site.and_then(|site| filter.program.site_spot(site)).as_ref(), Some(spot));
        }
        End::Undecided => assert_eq!((first.verdict, first.site), (Verdict::Error, None)),
        End::Error(error, _) => assert_eq!(Some((error.line, error.message.to_string())), first.error),
    }
    same_prints(&trace, &first);
    for (id, value) in &*after.extra {
        // It is shown without trouble.
        let _ = tern::filter::attributes::show(*id, value, custom).to_string();
    }
    first
}

/// What an explanation says would be logged is what is logged, in this order.
fn same_prints(trace: &Trace, result: &Ran) {
    if trace.skipped > 0 {
        return;
    }
    let told = trace.steps.iter().filter_map(|s| s.outcome.strip_prefix("would log \"")?.strip_suffix('"'));
    let mut told: Vec<&str> = told.collect();
    if let End::Verdict(_, spot, Some(message)) = &trace.end {
        assert!(!["accept;", "reject;"].contains(&spot.text.as_str()), "{} says {message}", spot.text);
        told.push(message);
    }
    let said: Vec<&str> = result.said.iter().filter_map(|line| line.strip_prefix("print ")).collect();
    assert_eq!(told.len(), said.len(), "{told:?} explained, {said:?} said");
    for (told, said) in told.iter().zip(&said).filter(|(_, said)| said.len() < 60) {
        assert_eq!(told, said);
    }
}

/// Shows the program when something is wrong with it.
struct Shown<'a>(&'a str);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

/// Target `program`.
pub fn program(data: &[u8]) {
    static ROUTES: OnceLock<(Vec<Net>, Vec<Arc<Attrs>>)> = OnceLock::new();
    let (nets, attributes) = ROUTES.get_or_init(|| (nets(), attributes()));
    let marked = super::program::program(data);
    let custom = CustomAttrs::default();
    let [shown, hidden] = [shown(&marked), hidden(&marked)].map(|text| (load_with(&text, &custom), text));
    let filters =
        [&shown, &hidden].map(|(loaded, _)| loaded.as_ref().ok().and_then(|c| c.filter("f")).cloned());
    if let (Ok(_), Err(why)) = (&shown.0, &hidden.0) {
        panic!("with literals behind functions: {why}\n{}", hidden.1);
    }
    let _shown = Shown(&shown.1);
    if std::env::var_os("FUZZ_SHOW").is_some() {
        eprintln!("{}", shown.1);
        for failure in [&shown.0, &hidden.0].into_iter().filter_map(|loaded| loaded.as_ref().err()) {
            eprintln!("{failure}");
        }
    }
    if let (Some(filter), true) = (&filters[0], data.len().is_multiple_of(16)) {
        let again = load_with(&format!("\n# Moved.\n{}", shown.1), &custom).ok();
        let again = again.as_ref().and_then(|c| c.filter("f")).expect("the same text again");
        assert!(filter.same(again) && again.same(filter), "the same text is another filter");
    }
    let world = World::default();
    if let Some(filter) = &filters[0]
        && data.len() % 8 == 1
        && let Some(other) = changed(&marked, data.len() / 8)
        && let Ok(other) = load_with(&super::terms::shown(&other), &custom)
        && let Some(other) = other.filter("f").filter(|other| filter.same(other))
    {
        // A channel keeps its routes when its filter is the same as before, so it must do the same.
        let proto = "fuzz".into();
        for (net, attrs) in nets.iter().flat_map(|net| attributes.iter().map(move |attrs| (net, attrs))) {
            let [one, two] = [filter, other].map(|filter| plain(filter, net, attrs, &proto, &world));
            let cut_off = one.is_cut_off();
            assert_eq!(one, two, "another filter is the same, on {net}");
            if cut_off {
                break;
            }
        }
    }
    let mut engines = [Engine::default(), Engine::default()];
    // What follows must not cost more than the first run: a filter may be endless, and work is limited by route.
    let mut costly = false;
    for (at, net) in nets.iter().enumerate() {
        for (which, attrs) in attributes.iter().enumerate() {
            // Nets that are no prefixes of IP take turns, with one set each.
            let rare = at > 6 && (which != at % attributes.len() || !(at + data.len()).is_multiple_of(4));
            if rare || (costly && at + which > 0) {
                continue;
            }
            let [one, two] = [0, 1].map(|form| {
                let filter = filters[form].as_ref()?;
                Some(agree(filter, net, attrs, &mut engines[form], &world, &custom))
            });
            costly |= [&one, &two].into_iter().flatten().any(Ran::is_cut_off);
            if let (Some(one), Some(two)) = (one, two)
                && !one.is_cut_off()
                && !two.is_cut_off()
            {
                let (one, two) = (Ran { site: None, ..one }, Ran { site: None, ..two });
                assert_eq!(one, two, "literals, and literals behind functions, on {net}\n{}", shown.1);
            }
        }
    }
}
