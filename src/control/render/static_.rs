//! `show static`.

use crate::control::code::Code;
use crate::control::view::static_::{StaticDestView, StaticRouteView};
use crate::control::wire::Reply;

/// One configured route.
pub fn route(view: &StaticRouteView, reply: &mut Reply) {
    let net = &view.net;
    let word = match &view.dest {
        StaticDestView::Unicast(hops) => {
            reply.line(Code::StaticRoute, net);
            for hop in hops {
                let text = match (&hop.gateway, &hop.interface) {
                    (Some(gateway), Some(dev)) => format!("via {gateway}%{dev}"),
                    (Some(gateway), None) => format!("via {gateway}"),
                    (None, dev) => format!("dev {}", dev.as_deref().unwrap_or("?")),
                };
                let remark = |on: bool, words: &'static str| if on { words } else { "" };
                let onlink = remark(hop.onlink, " onlink");
                let (bfd, dormant) = (remark(hop.bfd, " (bfd)"), remark(hop.dormant, " (dormant)"));
                reply.line(Code::StaticRoute, format_args!("\t{text}{onlink}{bfd}{dormant}"));
            }
            return;
        }
        StaticDestView::Recursive(gateway) => {
            return reply.line(Code::StaticRoute, format_args!("{net}\trecursive {gateway}"));
        }
        StaticDestView::Blackhole => "blackhole",
        StaticDestView::Unreachable => "unreachable",
        StaticDestView::Prohibit => "prohibited",
        StaticDestView::None => "",
    };
    reply.line(Code::StaticRoute, format_args!("{net}\t{word}"));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "literals parse")]
mod tests {
    use super::*;
    use crate::base::Net;
    use crate::control::view::StaticHopView;

    /// After `static-destinations` and `static-bfd`.
    #[test]
    fn destinations() {
        let net = |n: &str| Net::Ip(n.parse().unwrap());
        let hop = |gateway: Option<&str>, interface: Option<&str>| StaticHopView {
            gateway: gateway.map(|g| g.parse().unwrap()),
            interface: interface.map(Into::into),
            onlink: false,
            bfd: false,
            dormant: false,
        };
        let mut onlink = hop(Some("203.0.113.1"), Some("v0"));
        onlink.onlink = true;
        let mut bfd = hop(Some("192.0.2.2"), None);
        (bfd.bfd, bfd.dormant) = (true, true);
        let mut nosuch = hop(None, Some("nosuch"));
        nosuch.dormant = true;
        let dests = [
            StaticDestView::Unicast(vec![bfd, hop(Some("192.0.2.3"), None)]),
            StaticDestView::Unicast(vec![onlink]),
            StaticDestView::Unicast(vec![nosuch]),
            StaticDestView::Prohibit,
            StaticDestView::Recursive("10.1.2.3".parse().unwrap()),
        ];
        let mut reply = Reply::default();
        for dest in dests {
            route(&StaticRouteView { net: net("10.1.0.0/16"), dest }, &mut reply);
        }
        let want = "1009-10.1.0.0/16
 \tvia 192.0.2.2 (bfd) (dormant)
 \tvia 192.0.2.3
 10.1.0.0/16
 \tvia 203.0.113.1%v0 onlink
 10.1.0.0/16
 \tdev nosuch (dormant)
 10.1.0.0/16\tprohibited
 10.1.0.0/16\trecursive 10.1.2.3
";
        assert_eq!(String::from_utf8_lossy(reply.pending()), want);
    }
}
