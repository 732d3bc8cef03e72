//! Routes, and a world around them, for filters to run on.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use tern::base::nexthop::Lookup;
use tern::base::path::{AsPath, SegmentKind};
use tern::base::value::EnumType;
use tern::base::{IpNet, Net, NextHop, Value};
use tern::filter::attributes::{self, CustomAttrs};
use tern::filter::{Assertion, Env, Symbol};
use tern::table::{Attrs, Dest, Recursion, RouteSource};

use super::judge::load_with;
use super::terms::NETS;

/// What filters said.
#[derive(Default)]
pub struct World {
    pub said: RefCell<Vec<String>>,
}

impl World {
    /// What was said since the last call.
    pub fn take(&self) -> Vec<String> {
        self.said.take()
    }

    fn say(&self, text: String) {
        // What is printed without end is a filter that ends by the limit of work.
        if self.said.borrow().len() < 10_000 {
            self.said.borrow_mut().push(text);
        }
    }
}

impl Env for World {
    fn covering_roas(&self, table: &str, prefix: &IpNet, each: &mut dyn FnMut(u8, u32) -> bool) {
        if table == "r4" && prefix.prefix_len() >= 8 {
            let _ = each(16, 65000) && each(24, 1) && each(32, 0);
        }
    }
    fn aspa_entries(&self, _: &str, customer: u32, each: &mut dyn FnMut(&[u32])) {
        match customer {
            1 => each(&[2, 3]),
            2 => each(&[65000]),
            10 => each(&[0]),
            _ => {}
        }
    }
    fn interface_name(&self, index: u32) -> Option<Arc<str>> {
        (1..4).contains(&index).then(|| format!("v{}", index - 1).into())
    }
    fn interface_index(&self, name: &str) -> Option<u32> {
        name.strip_prefix('v')?.parse().ok().filter(|n| *n < 3).map(|n: u32| n + 1)
    }
    fn gateway(&self, gateway: IpAddr, only: Option<u32>, _: bool) -> Option<u32> {
        let IpAddr::V4(a) = gateway else { return only.or(Some(2)) };
        only.or(match a.octets() {
            [192, 0, 2, 1] => None,
            [192, 0, 2, _] => Some(2),
            [198, 51, 100, _] => Some(3),
            _ => None,
        })
    }
    fn print(&self, line: &str) {
        self.say(format!("print {line}"));
    }
    fn runtime_error(&self, line: u32, message: &str) {
        self.say(format!("error {line} {message}"));
    }
    fn undecided(&self, filter: &str) {
        self.say(format!("undecided {filter}"));
    }
    fn assertion(&self, a: Assertion) {
        self.say(format!("assert {} {} {:?}", a.line, a.passed, a.compared));
    }
}

/// Nets of all types.
pub fn nets() -> Vec<Net> {
    let plain =
        ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3/32", "0.0.0.0/0", "192.168.3.0/24", "2001:db8::/32", "::/0"];
    let mut list: Vec<Net> = plain.iter().filter_map(|n| n.parse::<IpNet>().ok()).map(Net::from).collect();
    let defines: String = NETS.iter().enumerate().map(|(i, net)| format!("define n{i} = {net};\n")).collect();
    let config = load_with(&(defines + "protocol device { }\n"), &CustomAttrs::default()).expect("good nets");
    for (_, entry) in config.symbols.iter() {
        if let Symbol::Constant(Value::Net(net)) = &entry.symbol {
            list.push(net.clone());
        }
    }
    assert_eq!(list.len(), plain.len() + NETS.len());
    list
}

/// A few very different sets of attributes.
pub fn attributes() -> Vec<Arc<Attrs>> {
    let hop = |ip: &str, ifindex| NextHop::new(ip.parse().ok(), ifindex);
    let two = NextHop { weight: 7, onlink: true, ..hop("198.51.100.7", 3) };
    let labelled = NextHop { labels: [100, 200].into_iter().collect(), ..hop("192.0.2.9", 2) };
    let lookup = Lookup { table: "master4".into(), gateway: [10, 9, 9, 9].into() };
    let mut full = Attrs {
        source: RouteSource::Bgp,
        preference: 100,
        dest: Dest::Unicast([labelled, two].into()),
        from: Some([192, 0, 2, 9].into()),
        recursive: Recursion::Through(Arc::new(lookup)),
        ..Attrs::default()
    };
    let path = AsPath::new([
        (SegmentKind::ConfedSequence, &[64512, 64513][..]),
        (SegmentKind::Sequence, &[1, 2, 2, 65000]),
        (SegmentKind::Set, &[7, 8, 10]),
        (SegmentKind::Sequence, &[10]),
    ]);
    full.set(attributes::id::BGP_PATH, Value::Path(path));
    full.set(
        attributes::id::BGP_COMMUNITY,
        Value::Clist([0x1_0002, 0xa_0064, 0x1_0002, 0xffff_0001].into_iter().collect()),
    );
    full.set(attributes::id::BGP_ORIGIN, Value::Enum(EnumType::BgpOrigin, 2));
    full.set(attributes::id::IGP_METRIC, Value::Int(42));
    let plain =
        Attrs { preference: 200, dest: Dest::Unicast([hop("192.0.2.9", 2)].into()), ..Attrs::default() };
    let mut plain_path = plain.clone();
    plain_path.set(attributes::id::BGP_PATH, Value::Path(AsPath::sequence(&[65000, 1])));
    [Attrs::default(), plain, plain_path, full].map(Arc::new).to_vec()
}
