//! Every configuration of `examples/` is parsed and run, and the kernel must hold what its comments promise.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Files that a test below runs.
const RUN: [&str; 5] =
    ["anycast.conf", "host.conf", "policy-routing.conf", "sandbox.conf", "two-kernel-tables.conf"];

fn run(example: &str) -> Daemon {
    Daemon::start_on(tempfile::tempdir().unwrap(), &examples().join(example), &[])
}

#[test]
fn all_are_good() {
    let files = std::fs::read_dir(examples()).unwrap().map(|entry| entry.unwrap().path());
    let mut names = BTreeSet::new();
    for file in files.filter(|f| f.extension().is_some_and(|e| e == "conf")) {
        let out = Command::new(BIRD).arg("-p").arg("-c").arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success() && said.is_empty(), "{}: {said}", file.display());
        names.insert(file.file_name().unwrap().to_str().unwrap().to_owned());
    }
    assert_eq!(names, RUN.map(str::to_owned).into(), "each example is run by a test");
}

#[test]
fn host() {
    in_network("host", || {
        link("eth0", &["192.0.2.10/24", "2001:db8::10/64"]);
        link("eth1", &["198.51.100.10/24"]);
        let _daemon = run("host.conf");
        let v6 = ["default via 2001:db8::1 dev eth0", "blackhole 2001:db8:bad::/48 dev lo"];
        let rest = ["unreachable 10.0.0.0/8", "unreachable 172.16.0.0/12", "unreachable 192.168.0.0/16"];
        let both = "10.20.0.0/16 src 198.51.100.10 metric 32 \\ nexthop via 198.51.100.1 dev eth1 weight 3 \
                    \\ nexthop via 198.51.100.2 dev eth1 weight 1";
        let small = "10.30.0.0/16 via 198.51.100.1 dev eth1 src 198.51.100.10 metric 32 mtu 1400";
        let all = |default: &'static [&'static str]| [default, &[both, small], &rest, &v6].concat();
        until_routes("main", &all(&["default via 192.0.2.1 dev eth0 metric 32"]));

        // The uplink goes down and comes back.
        ip("link set eth0 down");
        until("the default route is gone", || {
            !kernel_routes("main").iter().any(|r| r.contains("192.0.2.1 "))
        });
        ip("link set eth0 up");
        until("the default route is back", || {
            kernel_routes("main").iter().any(|r| r.starts_with("default via 192.0.2.1 dev eth0"))
        });
    });
}

#[test]
fn two_kernel_tables() {
    in_network("two_kernel_tables", || {
        link("eth0", &["192.0.2.10/24"]);
        link("eth1", &["198.51.100.10/24"]);
        ip("route add 203.0.113.0/24 via 192.0.2.9 proto static");
        let daemon = run("two-kernel-tables.conf");
        until_routes("main", &["10.50.0.0/16 via 192.0.2.1 dev eth0", "10.60.0.0/16 via 192.0.2.1 dev eth0"]);
        // Its own two routes, one shared, and the learned one, which is shared too.
        let guests = [
            "default via 198.51.100.1 dev eth1",
            "prohibit 10.0.0.0/8",
            "10.50.0.0/16 via 192.0.2.1 dev eth0",
            "203.0.113.0/24 via 192.0.2.9 dev eth0",
        ];
        until_routes("100", &guests);
        ip("route del 203.0.113.0/24");
        until_routes("100", &guests[..3]);
        assert!(ip("route show 203.0.113.0/24").is_empty());
        assert_eq!(code(&daemon.ask("show route table guests")), "0000");
    });
}

#[test]
fn anycast() {
    in_network("anycast", || {
        link("eth0", &["198.51.100.10/24"]);
        link("anycast0", &["192.0.2.53/32", "192.0.2.123/32", "2001:db8::53/128"]);
        let daemon = run("anycast.conf");
        let alive = ["192.0.2.53 dev anycast0 scope link metric 32", "2001:db8::53 dev anycast0 metric 32"];
        until_routes("53", &alive);
        ip("addr del 192.0.2.53/32 dev anycast0");
        until_routes("53", &alive[1..]);
        ip("addr add 192.0.2.53/32 dev anycast0");
        until_routes("53", &alive);
        assert_eq!(code(&daemon.ask("show route table services4 all")), "0000");
    });
}

/// The set of living services is another file's; a change of it touches nothing but what it means.
#[test]
fn anycast_follows_its_health_checker() {
    in_network("anycast_follows_its_health_checker", || {
        link("eth0", &["198.51.100.10/24"]);
        link("anycast0", &["192.0.2.53/32", "192.0.2.123/32", "2001:db8::53/128"]);
        let folder = tempfile::tempdir().unwrap();
        let copy = |name: &str| std::fs::copy(examples().join(name), folder.path().join(name)).unwrap();
        std::fs::create_dir(folder.path().join("anycast.d")).unwrap();
        copy("anycast.d/alive.conf");
        std::fs::copy(examples().join("anycast.conf"), folder.path().join("bird.conf")).unwrap();
        let daemon = Daemon::start_in(folder, &[]);
        let dns = "192.0.2.53 dev anycast0";
        let dns6 = "2001:db8::53 dev anycast0";
        until_routes("53", &[dns, dns6]);
        let alive =
            |four: &str| format!("define ALIVE4 = [ {four} ];\ndefine ALIVE6 = [ 2001:db8::53/128 ];\n");
        std::fs::write(daemon.file("anycast.d/alive.conf"), alive("192.0.2.53/32, 192.0.2.123/32")).unwrap();
        assert_eq!(code(&daemon.ask("configure")), "0003");
        until_routes("53", &[dns, "192.0.2.123 dev anycast0", dns6]);
        std::fs::write(daemon.file("anycast.d/alive.conf"), alive("192.0.2.123/32")).unwrap();
        assert_eq!(code(&daemon.ask("configure")), "0003");
        until_routes("53", &["192.0.2.123 dev anycast0", dns6]);
    });
}

#[test]
fn policy_routing() {
    in_network("policy_routing", || {
        link("eth0", &["192.0.2.10/24"]);
        link("eth1", &["198.51.100.10/24"]);
        link("eth2", &["10.1.0.1/24"]);
        let _daemon = run("policy-routing.conf");
        let both = "default metric 32 \\ nexthop via 192.0.2.1 dev eth0 weight 1 \
                    \\ nexthop via 198.51.100.1 dev eth1 weight 1";
        let inside = ["10.2.0.0/16 via 10.1.0.2 dev eth2", "10.3.0.0/16 via 10.1.0.2 dev eth2"];
        let local = ["10.1.0.0/24 dev eth2 scope link", inside[0], inside[1]];
        let (a, b) = ("default via 192.0.2.1 dev eth0", "default via 198.51.100.1 dev eth1");
        until_routes("main", &[both, inside[0], inside[1]]);
        until_routes("101", &[&[a], &local[..]].concat());
        until_routes("102", &[&[b], &local[..]].concat());

        // A cable is pulled: everything leaves through the other provider.
        ip("link set eth0p down");
        until_routes("main", &["default via 198.51.100.1 dev eth1 metric 32", inside[0], inside[1]]);
        ip("link set eth0p up");
        until_routes("main", &[both, inside[0], inside[1]]);
    });
}

#[test]
fn sandbox() {
    in_network("sandbox", || {
        link("veth0", &["192.0.2.1/24", "2001:db8::1/64"]);
        link("veth1", &["198.51.100.1/24", "2001:db8:1::1/64"]);
        let _daemon = run("sandbox.conf");
        let two = "10.2.0.0/16 metric 32 \\ nexthop via 192.0.2.2 dev veth0 weight 2 \
                   \\ nexthop via 198.51.100.2 dev veth1 weight 1";
        let expected = [
            "10.1.0.0/16 via 192.0.2.2 dev veth0",
            two,
            "10.3.0.0/16 via 198.51.100.2 dev veth1 metric 32 mtu 1400",
            "blackhole 10.66.0.0/16",
            "2001:db8:a000::/48 via 2001:db8::2 dev veth0",
            "unreachable 2001:db8:b000::/48",
        ];
        until_routes("main", &expected);
    });
}
