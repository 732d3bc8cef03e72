//! Any bytes as a configuration with everything behind the parser: names, types, compiled filters. What is accepted is run: every filter of it on a
//! few routes, which must end in a verdict or a runtime error. Seeds: `cp tests/conformance/config/accept/* fuzz/corpus/config/`.
#![no_main]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use tern::base::{IpNet, Net, NextHop};
use tern::config::{self, Failure};
use tern::filter::{CustomAttrs, Machine, NoEnv, RouteView, run};
use tern::table::{Attrs, Dest};

fuzz_target!(|data: &[u8]| {
    let files = BTreeMap::from([(PathBuf::from("bird.conf"), data.to_vec())]);
    let loaded =
        config::load(Path::new("bird.conf"), tern::protocols::SYNTAX, &CustomAttrs::default(), &files);
    match loaded {
        Err(Failure::Refused(refusal)) => drop(refusal.explain("", false)),
        Err(_) => {}
        Ok(config) => {
            let proto: Arc<str> = "fuzz".into();
            let hop = NextHop::new("192.0.2.1".parse().ok(), 2);
            let attrs = Attrs { preference: 100, dest: Dest::Unicast([hop].into()), ..Attrs::default() };
            let nets = ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0"];
            for (_, filter) in config.filters() {
                for net in nets.iter().filter_map(|n| n.parse::<IpNet>().ok()) {
                    let mut route = RouteView::new(&Net::from(net), &attrs, &proto);
                    run(filter, &mut route, &mut Machine::default(), &NoEnv);
                }
            }
        }
    }
});
