//! `show interfaces [summary]`.

use crate::base::net::Scope;
use crate::control::code::Code;
use crate::control::view::InterfaceView;
use crate::control::wire::Reply;

/// One interface of `show interfaces`.
pub fn interface(view: &InterfaceView, reply: &mut Reply) {
    let state = if view.up { "up" } else { "down" };
    let master = match &view.master {
        None => String::new(),
        Some(Ok(name)) => format!(" master={name}"),
        Some(Err(index)) => format!(" master=#{index}"),
    };
    reply.line(Code::Interface, format_args!("{} {state} (index={}{master})", view.name, view.index));
    let mut flags = String::from(if view.multi_access { "MultiAccess" } else { "PtP" });
    let mut flag = |on: bool, word: &str| {
        if on {
            flags.push_str(word);
        }
    };
    flag(view.broadcast, " Broadcast");
    flag(view.multicast, " Multicast");
    flag(true, if view.admin_up { " AdminUp" } else { " AdminDown" });
    flag(true, if view.link_up { " LinkUp" } else { " LinkDown" });
    flag(view.loopback, " Loopback");
    flag(view.ignored, " Ignored");
    reply.line(Code::InterfaceFlags, format_args!("\t{flags} MTU={}", view.mtu));
    for a in &view.addresses {
        let mut remarks = String::new();
        if a.preferred {
            remarks.push_str("Preferred, ");
        } else if a.secondary {
            remarks.push_str("Secondary, ");
        }
        if let Some(peer) = a.opposite {
            remarks += &format!("opposite {peer}, ");
        }
        let scope = a.scope.short();
        reply.line(Code::Address, format_args!("\t{}/{} ({remarks}scope {scope})", a.address, a.length));
    }
}

/// The heading of the summary.
pub fn summary_heading(reply: &mut Reply) {
    summary_row(reply, Code::InterfaceHeading, ["Interface", "State", "IPv4 address", "IPv6 address"]);
}

fn summary_row(reply: &mut Reply, code: Code, [name, state, four, six]: [&str; 4]) {
    reply.line(code, format_args!("{name:<10} {state:<6} {four:<18} {six}"));
}

/// One interface of `show interfaces summary`, with its preferred addresses; link-local ones do not count.
pub fn summary(view: &InterfaceView, reply: &mut Reply) {
    let preferred = |six: bool| {
        let fits = |a: &&_| {
            let a: &crate::control::view::AddressView = a;
            a.preferred && a.address.is_ipv6() == six && (!six || a.scope != Scope::Link)
        };
        view.addresses.iter().find(fits).map(|a| format!("{}/{}", a.address, a.length)).unwrap_or_default()
    };
    let state = if view.up { "up" } else { "down" };
    summary_row(reply, Code::InterfaceSummary, [&view.name, state, &preferred(false), &preferred(true)]);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "literals parse")]
mod tests {
    use super::*;
    use crate::control::view::AddressView;

    fn veth() -> InterfaceView {
        let address = |a: &str, length, preferred, scope| AddressView {
            address: a.parse().unwrap(),
            length,
            preferred,
            secondary: false,
            opposite: None,
            scope,
        };
        let opposite = AddressView {
            opposite: Some("203.0.113.9".parse().unwrap()),
            ..address("203.0.113.1", 32, false, Scope::Universe)
        };
        let second = AddressView { secondary: true, ..address("192.0.2.3", 24, false, Scope::Universe) };
        InterfaceView {
            name: "v0".into(),
            index: 10,
            up: true,
            master: Some(Ok("br0".into())),
            multi_access: true,
            broadcast: true,
            multicast: true,
            admin_up: true,
            link_up: true,
            loopback: false,
            ignored: false,
            mtu: 1400,
            addresses: vec![
                address("192.0.2.1", 24, true, Scope::Universe),
                second,
                opposite,
                address("fe80::1", 64, true, Scope::Link),
                address("2001:db8::1", 64, true, Scope::Universe),
            ],
        }
    }

    /// After `device-interfaces` and `device-secondary-addresses`.
    #[test]
    fn long_form() {
        let mut reply = Reply::default();
        interface(&veth(), &mut reply);
        let down =
            InterfaceView { up: false, admin_up: false, link_up: false, master: Some(Err(7)), ..veth() };
        interface(&InterfaceView { multi_access: false, addresses: vec![], ..down }, &mut reply);
        let want = "1001-v0 up (index=10 master=br0)
1004-\tMultiAccess Broadcast Multicast AdminUp LinkUp MTU=1400
1003-\t192.0.2.1/24 (Preferred, scope univ)
 \t192.0.2.3/24 (Secondary, scope univ)
 \t203.0.113.1/32 (opposite 203.0.113.9, scope univ)
 \tfe80::1/64 (Preferred, scope link)
 \t2001:db8::1/64 (Preferred, scope univ)
1001-v0 down (index=10 master=#7)
1004-\tPtP Broadcast Multicast AdminDown LinkDown MTU=1400
";
        assert_eq!(String::from_utf8_lossy(reply.pending()), want);
    }

    #[test]
    fn short_form() {
        let mut reply = Reply::default();
        summary_heading(&mut reply);
        summary(&veth(), &mut reply);
        let want = "2005-Interface  State  IPv4 address       IPv6 address
1005-v0         up     192.0.2.1/24       2001:db8::1/64
";
        assert_eq!(String::from_utf8_lossy(reply.pending()), want);
    }
}
