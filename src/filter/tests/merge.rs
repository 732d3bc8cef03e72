//! `merge by { ... }`: commands that make one route of a group. The aggregator that will run them is not
//! built; the language is.

use super::harness::{Log, load};
use crate::base::Value;
use crate::filter::attributes::id;
use crate::filter::vm::{Machine, run_merge};
use crate::filter::{RouteView, Verdict};
use crate::table::Attrs;

#[test]
fn commands_walk_over_the_routes_of_a_group_and_write_their_own() {
    let world = load("function loud(route r) -> bool { return r.bgp_med > 10; }\n");
    let merge = world.merge_filter(
        "{ int most = 0; int n = 0;
           for route r in routes do { n = n + 1; if r.bgp_med > most then most = r.bgp_med; if loud(r) then print r.net, \" \", r.proto; }
           bgp_med = most; bgp_local_pref = n; accept; }",
    );
    let net = "10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into();
    let member = |med: u32| Attrs { extra: [(id::BGP_MED, Value::Int(med))].into(), ..Attrs::default() };
    let (low, high, proto) = (member(5), member(20), "p".into());
    let group = [RouteView::new(&net, &low, &proto), RouteView::new(&net, &high, &proto)];
    let (blank, log) = (Attrs::default(), Log(Default::default(), Some(&world)));
    let mut merged = RouteView::new(&net, &blank, &proto);
    let verdict = run_merge(&merge, &mut merged, &group, &mut Machine::default(), &log).verdict;
    assert_eq!((verdict, log.lines()), (Verdict::Accept, vec!["INFO 10.0.0.0/8 p".to_owned()]));
    let written = merged.finish().unwrap();
    assert_eq!((written.get_int(id::BGP_MED), written.get_int(id::BGP_LOCAL_PREF)), (Some(20), Some(2)));
}

#[test]
fn other_filters_have_no_routes_to_walk_over() {
    let world = load("filter f { for route r in routes do print r.net; accept; }\n");
    assert_eq!(world.first_error().as_deref(), Some("1:27 syntax error, unexpected ROUTES"));
}
