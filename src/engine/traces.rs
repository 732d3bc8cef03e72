//! What protocols are told about interfaces, as their traces show it (`debug { interfaces }`).
//!
//! Only protocols that live by interfaces themselves have such lines; the others hear of them through their
//! next hops. Addresses of an interface that goes down go first and come back after it, whatever the kernel
//! keeps.

use super::api::Hears;
use super::engine::Engine;
use super::iface::{IfaceAddr, IfaceChange, IfaceEvent};
use crate::base::{IpNet, LogClass, ProtoId};
use crate::config::DebugMask;

/// Nets of addresses, and what became of them.
type AddressLines = Vec<(IpNet, &'static str)>;

impl Engine {
    /// Traces changes for each protocol that lives by them. Names are remembered: at the end of an interface
    /// it has none any more, and a renamed one goes down under its old name.
    pub(super) fn trace_ifaces(&mut self, changes: &[IfaceEvent]) {
        let listeners = self.listeners();
        for (at, IfaceEvent { ifindex, change }) in changes.iter().enumerate() {
            let known = self.core.ifaces.get(*ifindex).map(|iface| iface.name.clone());
            let name = match (change, known) {
                (IfaceChange::Up, Some(name)) => {
                    self.iface_names.insert(*ifindex, name.clone());
                    name
                }
                (_, known) => self.iface_names.get(ifindex).cloned().or(known).unwrap_or_else(|| "?".into()),
            };
            if *change == IfaceChange::Down && self.core.ifaces.get(*ifindex).is_none() {
                self.iface_names.remove(ifindex);
            }
            let (before, after) = self.addresses_too(changes, at);
            for (id, hears) in &listeners {
                let proto = self.core.name_of(*id);
                let lines = match change {
                    IfaceChange::AddrUp(_) | IfaceChange::AddrDown(_) => None,
                    IfaceChange::Up => Some(format!("interface {name} goes up")),
                    IfaceChange::Down => Some(format!("interface {name} goes down")),
                    IfaceChange::Link => Some(format!("interface {name} changes link")),
                    IfaceChange::Mtu => Some(format!("interface {name} changes MTU")),
                    IfaceChange::Preferred => Some(format!("interface {name} changes preferred address")),
                };
                let address =
                    |(net, word): &(IpNet, &str)| format!("address {net} on interface {name} {word}");
                let heard = *hears == Hears::Addresses;
                let [before, after] =
                    [&before, &after].map(|list| list.iter().filter(|_| heard).map(address));
                for line in before.chain(lines).chain(after) {
                    self.core.log_line(LogClass::Trace, format_args!("{proto} < {line}"));
                }
            }
        }
    }

    /// What a change says about addresses, before and after what it says about the interface: those of one
    /// that is down are not there.
    fn addresses_too(&self, changes: &[IfaceEvent], at: usize) -> (AddressLines, AddressLines) {
        let IfaceEvent { ifindex, change } = &changes[at];
        let iface = self.core.ifaces.get(*ifindex);
        let down = iface.is_some_and(|iface| !iface.up);
        let told = |a: &IfaceAddr| {
            changes.iter().any(|e| {
                let address = match &e.change {
                    IfaceChange::AddrUp(a) | IfaceChange::AddrDown(a) => Some(a),
                    _ => None,
                };
                e.ifindex == *ifindex && address == Some(a)
            })
        };
        let all = |word| {
            let addrs = iface.into_iter().flat_map(|iface| &iface.addrs).filter(|a| !told(a));
            addrs.map(|a| (a.prefix, word)).collect()
        };
        match change {
            IfaceChange::AddrUp(_) | IfaceChange::AddrDown(_) if down => Default::default(),
            IfaceChange::AddrUp(a) => (vec![(a.prefix, "added")], Vec::new()),
            IfaceChange::AddrDown(a) => (vec![(a.prefix, "removed")], Vec::new()),
            IfaceChange::Down => (all("removed"), Vec::new()),
            IfaceChange::Up => (Vec::new(), all("added")),
            _ => Default::default(),
        }
    }

    /// The protocols that live by interfaces and are to be traced.
    fn listeners(&self) -> Vec<(ProtoId, Hears)> {
        let traced = self.core.protos().filter(|p| p.debug.has(DebugMask::INTERFACES));
        let hears = |id: ProtoId| self.instance(id).map_or(Hears::Nothing, |i| i.hears());
        traced.map(|p| (p.id, hears(p.id))).filter(|(_, hears)| *hears > Hears::Nothing).collect()
    }

    /// A protocol that came up learns what is there.
    pub(super) fn trace_known_ifaces(&mut self, id: ProtoId) {
        let Some((_, hears)) = self.listeners().into_iter().find(|(listener, _)| *listener == id) else {
            return;
        };
        let proto = self.core.name_of(id);
        let mut lines = Vec::new();
        for iface in self.core.ifaces.iter() {
            let (name, word) = (&iface.name, if iface.up { "goes up" } else { "created" });
            lines.push(format!("interface {name} {word}"));
            for a in iface.addrs.iter().filter(|_| iface.up && hears == Hears::Addresses) {
                lines.push(format!("address {} on interface {name} added", a.prefix));
            }
        }
        for line in lines {
            self.core.log_line(LogClass::Trace, format_args!("{proto} < {line}"));
        }
    }
}
