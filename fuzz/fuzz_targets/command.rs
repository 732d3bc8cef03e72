//! Any bytes as a line of the control socket, in a configuration with a protocol, a table and a filter. The line is judged, not carried out.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tern::base::prefix_set::PrefixSet;
use tern::base::{Net, NetType};
use tern::control::backend::{FilterKind, Scope, TermError};
use tern::control::command::judge;
use tern::control::view::SymbolClass;
use tern::control::view::route::{Naming, RouteFilter, Verdict};
use tern::syntax::{fresh_names, on_big_stack, parse_filter_body, parse_term};
use tern::table::Route;

struct Names;

const KNOWN: [(&str, SymbolClass); 3] = [
    ("static1", SymbolClass::Protocol("Static")),
    ("master4", SymbolClass::Table(NetType::Ip4)),
    ("f", SymbolClass::Filter),
];

fn deep<T: Send>(work: impl FnOnce() -> Result<T, TermError> + Send) -> Result<T, TermError> {
    on_big_stack(work).unwrap_or(Err(TermError::Runtime))
}

impl Scope for Names {
    fn find(&self, name: &str) -> Option<SymbolClass> {
        KNOWN.iter().find(|(known, _)| *known == name).map(|(_, class)| *class)
    }
    fn list(&self) -> Vec<(Arc<str>, SymbolClass)> {
        KNOWN.iter().map(|(name, class)| (Arc::from(*name), *class)).collect()
    }
    fn eval(&self, term: &str) -> Result<String, TermError> {
        deep(|| match parse_term(term, &fresh_names(), &[]) {
            Ok(_) => Ok(String::new()),
            Err(error) => Err(TermError::Parse(error.message)),
        })
    }
    fn nets(&self, text: &str) -> Result<(Arc<PrefixSet>, usize), TermError> {
        // The real one reads terms until the bracket closes; how long the text is stands for it.
        Ok((Arc::new(PrefixSet::default()), text.find(']').map_or(text.len(), |end| end + 1)))
    }
    fn filter(&self, kind: FilterKind, text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError> {
        let rest = deep(|| match kind {
            FilterKind::Named => Ok(0),
            FilterKind::Where => {
                parse_term(text, &fresh_names(), &[]).map(|p| p.rest).map_err(|e| TermError::Parse(e.message))
            }
            FilterKind::Inline => parse_filter_body(text, &fresh_names(), &[])
                .map(|p| p.rest)
                .map_err(|e| TermError::Parse(e.message)),
        })?;
        Ok((Arc::new(Names), rest))
    }
}

impl RouteFilter for Names {
    fn run(&self, _: &Net, _: &Route, _: &Naming) -> Verdict {
        Verdict::Accept
    }
}

fuzz_target!(|data: &[u8]| {
    if let Ok(line) = std::str::from_utf8(data) {
        // A job that was not run does nothing.
        drop(judge(line, &Names));
    }
});
