//! `show kernel`, `show kernel drift`, `wait kernel`.

use super::Times;
use crate::control::code::Code;
use crate::control::view::kernel::{DriftView, DriftWhat, DriftsView, KernelView, KernelWait};
use crate::control::wire::Reply;

/// Microseconds as seconds with three decimals.
fn seconds(micros: u64) -> String {
    format!("{}.{:03} s", micros / 1_000_000, micros / 1000 % 1000)
}

/// The whole answer of `show kernel`.
pub fn kernel(views: &[KernelView], times: &Times, reply: &mut Reply) {
    if views.is_empty() {
        return reply.end(Code::NoMatch, "No kernel protocol is running");
    }
    const K: Code = Code::Kernel;
    reply.line(
        K,
        format_args!(
            "{:<10} {:<10} {:<8} {:>9} {:>9} {:>8} {:>8} {:>7} {:>6} {:>8} {:>7} {:>6} Last scan",
            "Name",
            "Table",
            "State",
            "Wanted",
            "Installed",
            "Refused",
            "Learned",
            "Objects",
            "Drift",
            "Repaired",
            "Waiting",
            "Sent"
        ),
    );
    let mut writer = times.protocol();
    for view in views {
        let state = view.not_up.unwrap_or(if view.settled { "in step" } else { "behind" });
        let mut scan = Vec::new();
        match view.scan {
            Some((at, took)) => {
                writer.write(at, &mut scan);
                scan.extend_from_slice(format!(" took {}", seconds(took)).as_bytes());
            }
            None => scan.extend_from_slice(b"none"),
        }
        let KernelView {
            name,
            table,
            wanted,
            installed,
            refused,
            learned,
            objects,
            drift,
            repaired,
            waiting,
            sent,
            ..
        } = view;
        reply.line(
            K,
            format_args!(
                "{name:<10} {table:<10} {state:<8} {wanted:>9} {installed:>9} {refused:>8} {learned:>8} {objects:>7} {drift:>6} \
                 {repaired:>8} {waiting:>7} {sent:>6} {}",
                String::from_utf8_lossy(&scan)
            ),
        );
    }
    reply.ok();
}

/// Who uses a protocol number, for people who look for the culprit.
fn user_of(protocol: u8) -> &'static str {
    match protocol {
        0 | 3 => "somebody's `ip route` or a script",
        1 => "an ICMP redirect",
        2 => "the kernel itself",
        4 => "configured by hand, or by systemd-networkd or NetworkManager",
        9 => "IPv6 router advertisements",
        11 | 186..=189 | 191..=197 => "FRR or another zebra",
        12 => "another BIRD",
        16 => "a DHCP client",
        18 => "keepalived",
        42 => "babeld",
        99 => "Open/R",
        _ => "see /etc/iproute2/rt_protos",
    }
}

fn what(drift: &DriftView) -> String {
    match drift.what {
        DriftWhat::Deleted => "deleted".to_owned(),
        DriftWhat::Changed => "changed, still with our protocol number".to_owned(),
        DriftWhat::Taken(protocol) => {
            format!("replaced by a route of protocol {protocol} ({}), which stays", user_of(protocol))
        }
        DriftWhat::Missing => "missing at a scan, without a notice".to_owned(),
    }
}

/// The whole answer of `show kernel drift`.
pub fn drift(view: &DriftsView, times: &Times, reply: &mut Reply) {
    const D: Code = Code::KernelDrift;
    for (name, refused) in &view.refused {
        let routes = if *refused == 1 { "route is" } else { "routes are" };
        reply.line(D, format_args!("{name}: {refused} {routes} refused by the kernel, usually because a route of others is in the way"));
    }
    if !view.refused.is_empty() {
        reply.line(D, "`show route export NAME` marks them with `!`; `ip route show NET table TABLE` shows what is in the way of one;");
        reply
            .line(D, "`ip route del` with the words it shows makes room, and the route is installed at once");
    }
    if view.last.is_empty() {
        return reply.end(D, "Nothing was changed behind our back");
    }
    if view.earlier > 0 {
        reply.line(D, format_args!("{} earlier changes are listed no more", view.earlier));
    }
    let mut writer = times.protocol();
    reply.line(
        D,
        format_args!("{:<10} {:<18} {:>10} {:<13} What happened", "Protocol", "Route", "Metric", "Noticed"),
    );
    for drift in &view.last {
        let mut at = Vec::new();
        writer.write(drift.at, &mut at);
        let DriftView { protocol, route, metric, .. } = drift;
        let (at, what) = (String::from_utf8_lossy(&at), what(drift));
        reply.line(D, format_args!("{protocol:<10} {route:<18} {metric:>10} {at:<13} {what}"));
    }
    // Whoever puts a route of his own there has shown his number; one who removes leaves no name.
    if view.last.iter().any(|d| !matches!(d.what, DriftWhat::Taken(_))) {
        let seen = if view.networkd { ", which has left its traces on this machine," } else { "" };
        reply.line(D, "");
        reply.line(
            D,
            format_args!(
                "The kernel does not tell who deletes or changes a route. Likely systemd-networkd{seen} or"
            ),
        );
        reply.line(
            D,
            "an interface that went down. Two lines in /etc/systemd/networkd.conf stop systemd-networkd:",
        );
        reply.line(D, "\t[Network]");
        reply.line(D, "\tManageForeignRoutes=no");
    }
    reply.ok();
}

/// The whole answer of `wait kernel`.
pub fn wait(outcome: &KernelWait, limit: u32, reply: &mut Reply) {
    match outcome {
        KernelWait::Settled => reply.end(Code::KernelSettled, "Tables, exports and kernel agree"),
        KernelWait::TimedOut(behind) if behind.is_empty() => {
            reply.end(
                Code::KernelBehind,
                format_args!("Not after {limit} s: routes are still being computed"),
            );
        }
        KernelWait::TimedOut(behind) => {
            let names = behind.join(", ");
            reply.end(
                Code::KernelBehind,
                format_args!("Not after {limit} s: {names} not in step with the kernel"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{Now, TimeFormats};

    fn times() -> Times {
        Times {
            now: Now { moment: 61_250_000, wall: 61_250_000 },
            formats: TimeFormats::default(),
            own: None,
            zone: jiff::tz::TimeZone::UTC,
        }
    }

    fn text(reply: &Reply) -> String {
        String::from_utf8_lossy(reply.pending()).into_owned()
    }

    #[test]
    fn the_table() {
        let views = [
            KernelView {
                name: "kernel4".into(),
                table: 254,
                settled: true,
                wanted: 1_000_000,
                installed: 999_999,
                refused: 1,
                learned: 3,
                objects: 12,
                drift: 7,
                repaired: 6,
                scan: Some((1_000_000, 1_234_567)),
                ..KernelView::default()
            },
            KernelView { name: "k6".into(), table: 1000, waiting: 12, sent: 34, ..KernelView::default() },
            KernelView { name: "k7".into(), not_up: Some("start"), ..KernelView::default() },
        ];
        let mut reply = Reply::default();
        kernel(&views, &times(), &mut reply);
        let want = "\
1903-Name       Table      State       Wanted Installed  Refused  Learned Objects  Drift Repaired Waiting   Sent Last scan
 kernel4    254        in step    1000000    999999        1        3      12      7        6       0      0 00:00:01.000 took 1.234 s
 k6         1000       behind           0         0        0        0       0      0        0      12     34 none
 k7         0          start            0         0        0        0       0      0        0       0      0 none
0000 \n";
        assert_eq!(text(&reply), want);
        let mut reply = Reply::default();
        kernel(&[], &times(), &mut reply);
        assert_eq!(text(&reply), "8003 No kernel protocol is running\n");
    }

    #[test]
    fn what_happened() {
        let event = |route: &str, what| DriftView {
            at: 2_500_000,
            protocol: "kernel4".into(),
            route: route.into(),
            metric: 32,
            what,
        };
        let mut view = DriftsView {
            last: vec![event("10.1.0.0/16", DriftWhat::Taken(16))],
            earlier: 2,
            networkd: true,
            ..DriftsView::default()
        };
        let shown = |view: &DriftsView| {
            let mut reply = Reply::default();
            drift(view, &times(), &mut reply);
            text(&reply)
        };
        let begin = "\
1904-2 earlier changes are listed no more
 Protocol   Route                  Metric Noticed       What happened
 kernel4    10.1.0.0/16                32 00:00:02.500  replaced by a route of protocol 16 (a DHCP client), which stays
";
        assert_eq!(shown(&view), format!("{begin}0000 \n"));
        view.last.push(event("10.2.0.0/16", DriftWhat::Deleted));
        view.last.push(event("2001:db8::/32", DriftWhat::Changed));
        view.last.push(event("10.3.0.0/16", DriftWhat::Missing));
        let rest = " kernel4    10.2.0.0/16                32 00:00:02.500  deleted
 kernel4    2001:db8::/32              32 00:00:02.500  changed, still with our protocol number
 kernel4    10.3.0.0/16                32 00:00:02.500  missing at a scan, without a notice
 
 The kernel does not tell who deletes or changes a route. Likely systemd-networkd, which has left its traces on this machine, or
 an interface that went down. Two lines in /etc/systemd/networkd.conf stop systemd-networkd:
 \t[Network]
 \tManageForeignRoutes=no
0000 \n";
        assert_eq!(shown(&view), format!("{begin}{rest}"));
        assert_eq!(shown(&DriftsView::default()), "1904 Nothing was changed behind our back\n");
        let kept_out =
            DriftsView { refused: vec![("k4".into(), 3), ("k6".into(), 1)], ..DriftsView::default() };
        let want = "\
1904-k4: 3 routes are refused by the kernel, usually because a route of others is in the way
 k6: 1 route is refused by the kernel, usually because a route of others is in the way
 `show route export NAME` marks them with `!`; `ip route show NET table TABLE` shows what is in the way of one;
 `ip route del` with the words it shows makes room, and the route is installed at once
1904 Nothing was changed behind our back
";
        assert_eq!(shown(&kept_out), want);
    }

    #[test]
    fn waiting() {
        let said = |outcome| {
            let mut reply = Reply::default();
            wait(&outcome, 60, &mut reply);
            text(&reply)
        };
        assert_eq!(said(KernelWait::Settled), "1905 Tables, exports and kernel agree\n");
        assert_eq!(
            said(KernelWait::TimedOut(vec!["k4".into(), "k6".into()])),
            "8900 Not after 60 s: k4, k6 not in step with the kernel\n"
        );
        assert_eq!(
            said(KernelWait::TimedOut(Vec::new())),
            "8900 Not after 60 s: routes are still being computed\n"
        );
    }
}
