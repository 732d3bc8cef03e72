//! Foreign routes on their way to the table.
//!
//! The reconciler knows which foreign routes a net has. What becomes of them here: each is translated, and the best one, or
//! with `learn metrics` every one, is a route of the table. A route over an interface or a gateway that nobody knows
//! yet is looked at again a little later, because notices of routes and of their interfaces travel apart.

use std::collections::BTreeSet;

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::super::aliens::Aliens;
use super::super::convert::{Trouble, attrs_of};
use super::super::nets::Dst;
use crate::base::{ChannelId, LogClass};
use crate::engine::api::Ports;
use crate::sys::kernel::Family;
use crate::table::Attrs;

/// Foreign routes as the table has them.
pub(super) struct Learning {
    channel: ChannelId,
    family: Family,
    sadr: bool,
    /// Every metric is a route of its own.
    metrics: bool,
    /// With `metrics`: which of a net are in the table.
    shown: HashMap<Dst, SmallVec<[u32; 2]>>,
    /// Nets with foreign routes over unknown interfaces or gateways, and whether that was logged.
    unresolved: HashMap<Dst, bool>,
    /// Nets to be learned in a later turn, because filters took long in this one.
    late: BTreeSet<Dst>,
}

impl Learning {
    /// Nothing is learned yet.
    pub(super) fn new(channel: ChannelId, family: Family, sadr: bool, metrics: bool) -> Learning {
        Learning {
            channel,
            family,
            sadr,
            metrics,
            shown: HashMap::new(),
            unresolved: HashMap::new(),
            late: BTreeSet::new(),
        }
    }

    /// Gives the best of a net's foreign routes to the table, or each of them. True if another look at the net is due
    /// soon.
    pub(super) fn learn(&mut self, ports: &mut Ports<'_>, aliens: &Aliens, dst: &Dst) -> bool {
        let channel = self.channel;
        let preference = ports.preference(channel);
        let mut trouble = false;
        let mut found: SmallVec<[(u32, Attrs); 2]> = SmallVec::new();
        for alien in aliens.of(dst) {
            match attrs_of(&alien.body, self.family, alien.metric, preference, ports.ifaces()) {
                Ok(attrs) => {
                    found.push((alien.metric, attrs));
                    if !self.metrics {
                        break;
                    }
                }
                Err(Trouble::Silent) => {}
                Err(_) => trouble = true,
            }
        }
        let net = dst.net(self.sadr);
        if self.metrics {
            let now: SmallVec<[u32; 2]> = found.iter().map(|(metric, _)| *metric).collect();
            let before = match now.is_empty() {
                true => self.shown.remove(dst),
                false => self.shown.insert(*dst, now.clone()),
            };
            for (metric, attrs) in found {
                let attrs = ports.intern(attrs);
                ports.import(channel, &net, metric, Some(attrs));
            }
            for metric in before.into_iter().flatten().filter(|metric| !now.contains(metric)) {
                ports.import(channel, &net, metric, None);
            }
        } else {
            let attrs = found.pop().map(|(_, attrs)| ports.intern(attrs));
            ports.import(channel, &net, 0, attrs);
        }
        if !trouble {
            self.unresolved.remove(dst);
            return false;
        }
        let new = !self.unresolved.contains_key(dst);
        if new {
            self.unresolved.insert(*dst, false);
        }
        new
    }

    /// The net has to wait for a later turn.
    pub(super) fn put_off(&mut self, ports: &mut Ports<'_>, dst: Dst) {
        self.late.insert(dst);
        ports.again();
    }

    /// A net that has waited, if it is time for one.
    pub(super) fn next_late(&mut self, ports: &mut Ports<'_>) -> Option<Dst> {
        if ports.is_tired() {
            if !self.late.is_empty() {
                ports.again();
            }
            return None;
        }
        self.late.pop_first()
    }

    /// Interfaces may be known by now that were not when a route was learned. What still is strange is logged, once.
    pub(super) fn recheck(&mut self, ports: &mut Ports<'_>, aliens: &Aliens, complain: bool) {
        let list: Vec<(Dst, bool)> = self.unresolved.iter().map(|(dst, logged)| (*dst, *logged)).collect();
        for (dst, logged) in list {
            if ports.is_tired() {
                self.put_off(ports, dst);
                continue;
            }
            self.learn(ports, aliens, &dst);
            if !complain || logged || !self.unresolved.contains_key(&dst) {
                continue;
            }
            let lowest = aliens.of(&dst).first();
            match lowest.map(|alien| attrs_of(&alien.body, self.family, alien.metric, 0, ports.ifaces())) {
                Some(Err(Trouble::Gateway(gateway))) => ports.log(
                    LogClass::Error,
                    format_args!("KRT: Received route {dst} with strange next-hop {gateway}"),
                ),
                Some(Err(Trouble::Interface(index))) => ports.log(
                    LogClass::Error,
                    format_args!("KRT: Received route {dst} with unknown ifindex {index}"),
                ),
                _ => {}
            }
            self.unresolved.insert(dst, true);
        }
    }
}
