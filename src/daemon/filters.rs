//! Filters off the engine's thread: for `eval`, `show route export`, `where` and `filter`.
//!
//! Names of interfaces and protocols come with the snapshot; what only the engine knows (ROA tables,
//! neighbours) is asked of it, which only filters that use it pay for.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use crate::base::{IpNet, LogClass, Net};
use crate::config::FilterRef;
use crate::control::view::route::{Naming, Verdict};
use crate::engine::Handle;
use crate::engine::api::LookAt;
use crate::filter::attributes::id;
use crate::filter::{self, Assertion, Env, Machine, RouteView, for_log};
use crate::table::Route;

/// The world as filters on other threads see it.
pub(super) struct OffEngine {
    handle: Handle,
}

impl OffEngine {
    pub(super) fn new(handle: Handle) -> OffEngine {
        OffEngine { handle }
    }

    /// Logs a runtime error.
    pub(super) fn error(&self, line: u32, message: &str) {
        self.say(LogClass::Error, format!("filters, line {line}: {message}"));
    }

    fn say(&self, class: LogClass, text: String) {
        let _ = self.handle.send(move |e| e.core.say(class, &text));
    }

    fn ask<R: Send + 'static>(
        &self,
        what: impl FnOnce(&mut crate::engine::Engine) -> R + Send + 'static,
    ) -> Option<R> {
        self.handle.call_blocking(what).ok()
    }
}

impl Env for OffEngine {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        let (table, prefix) = (table.to_owned(), *prefix);
        let found = self.ask(move |e| {
            let mut list = Vec::new();
            if let Some(table) = e.core.table_named(&table) {
                table.covering_roas(&prefix, &mut |max, asn| {
                    list.push((max, asn));
                    true
                });
            }
            list
        });
        for (max, asn) in found.unwrap_or_default() {
            if !each(max, asn) {
                return;
            }
        }
    }
    fn aspa_entries(&self, table: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        let table = table.to_owned();
        let found = self.ask(move |e| {
            let mut list = Vec::new();
            if let Some(table) = e.core.table_named(&table) {
                table.aspa_providers(customer, id::ASPA_PROVIDERS, &mut |p| list.push(p.to_vec()));
            }
            list
        });
        found.unwrap_or_default().iter().for_each(|providers| each(providers));
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        self.ask(move |e| e.core.ifaces().get(index).map(|i| i.name.clone())).flatten()
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        let name = name.to_owned();
        self.ask(move |e| e.core.ifaces().by_name(&name).map(|i| i.link.index)).flatten()
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, onlink: bool) -> Option<u32> {
        self.ask(move |e| e.core.ifaces().filter_gateway(gateway, only, onlink)).flatten()
    }
    fn print(&self, line: &str) {
        self.say(LogClass::Info, for_log(line));
    }
    fn runtime_error(&self, line: u32, message: &str) {
        self.error(line, message);
    }
    fn undecided(&self, filter: &str) {
        let text = format!("Filter {filter} did not return accept nor reject. Make up your mind");
        self.say(LogClass::Error, text);
    }
    fn assertion(&self, assertion: Assertion) {
        if !assertion.passed {
            self.say(LogClass::Error, assertion.to_string());
        }
    }
}

/// The same with the names of a snapshot at hand, and without a voice where nobody should hear.
struct Named<'a> {
    engine: &'a OffEngine,
    naming: &'a Naming,
    silent: bool,
}

impl Env for Named<'_> {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        self.engine.covering_roas(table, prefix, each);
    }
    fn aspa_entries(&self, table: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        self.engine.aspa_entries(table, customer, each);
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        self.naming.interface(index).cloned()
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        self.naming.interfaces.iter().find(|(_, n)| ***n == *name).map(|(index, _)| *index)
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, onlink: bool) -> Option<u32> {
        self.engine.gateway(gateway, only, onlink)
    }
    fn print(&self, line: &str) {
        if !self.silent {
            self.engine.print(line);
        }
    }
    fn runtime_error(&self, line: u32, message: &str) {
        if !self.silent {
            self.engine.runtime_error(line, message);
        }
    }
    fn undecided(&self, filter: &str) {
        if !self.silent {
            self.engine.undecided(filter);
        }
    }
    fn assertion(&self, assertion: Assertion) {
        if !self.silent {
            self.engine.assertion(assertion);
        }
    }
}

thread_local! {
    /// Sessions render on threads for blocking work; each keeps its machine.
    static MACHINE: RefCell<Machine> = RefCell::default();
}

/// Runs filters on routes of a snapshot.
pub(super) struct FilterRunner {
    engine: OffEngine,
    /// For `show route export`: the engine's own run has logged already.
    naming: Option<Arc<Naming>>,
}

impl FilterRunner {
    pub(super) fn new(handle: Handle) -> FilterRunner {
        FilterRunner { engine: OffEngine::new(handle), naming: None }
    }

    /// A runner with names of its own that logs nothing.
    pub(super) fn silent(handle: Handle, naming: Arc<Naming>) -> FilterRunner {
        FilterRunner { engine: OffEngine::new(handle), naming: Some(naming) }
    }

    /// Runs with the names it was made with.
    pub(super) fn run_silent(&self, filter: &FilterRef, net: &Net, route: &Route) -> Verdict {
        let nobody = Naming::default();
        self.run_with(filter, net, route, self.naming.as_deref().unwrap_or(&nobody), true)
    }

    /// Runs with these names.
    pub(super) fn run(&self, filter: &FilterRef, net: &Net, route: &Route, naming: &Naming) -> Verdict {
        self.run_with(filter, net, route, naming, false)
    }

    fn run_with(
        &self,
        filter: &FilterRef,
        net: &Net,
        route: &Route,
        naming: &Naming,
        silent: bool,
    ) -> Verdict {
        let Some(program) = filter.filter() else {
            return if matches!(filter, FilterRef::All) { Verdict::Accept } else { Verdict::Reject };
        };
        let proto: Arc<str> = naming.protocol(route.source.proto).into();
        let mut view = RouteView::new(net, &route.attrs, &proto);
        let env = Named { engine: &self.engine, naming, silent };
        let outcome = MACHINE.with_borrow_mut(|machine| filter::run(program, &mut view, machine, &env));
        if outcome.verdict != filter::Verdict::Accept {
            return Verdict::Reject;
        }
        match view.finish() {
            Some(attrs) => Verdict::Change(Arc::new(attrs)),
            None => Verdict::Accept,
        }
    }
}
