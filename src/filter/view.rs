//! The route a filter looks at and works on.
//!
//! The route is borrowed; the first write makes an editable copy of its attributes, so a filter that only
//! looks costs nothing and the route keeps its shared set. The copy stands on the stack, and of what it comes
//! to there mostly is a shared set already: then nothing was allocated ([`RouteView::finish_shared`]). What
//! writing a next hop means, with all its conditions, is here too.

use std::cell::Cell;
use std::net::IpAddr;
use std::sync::Arc;

use smallvec::SmallVec;

use super::attributes::{Field, id};
use super::env::Env;
use crate::base::list::List;
use crate::base::net::{Scope, UNSPECIFIED};
use crate::base::nexthop::Labels;
use crate::base::value::EnumType;
use crate::base::{Net, NextHop, Value};
use crate::table::{AttrId, Attrs, Dest, Draft, Interner, Recursion, RouteSource};

/// A route under a filter.
#[derive(Debug)]
pub struct RouteView<'a> {
    /// The net, as a value so that instructions can refer to it.
    net: Value,
    proto: &'a Arc<str>,
    base: &'a Attrs,
    /// Something was written.
    changed: bool,
    source: RouteSource,
    scope: Scope,
    preference: u16,
    recursive: Recursion,
    /// A next hop was read or written: the route may be another one where the next hop is.
    looked: Cell<bool>,
    from: Option<IpAddr>,
    /// `None`: as it was.
    dest: Option<Dest>,
    /// The list of attributes was written, and is this one now.
    listed: bool,
    list: List8,
    /// What BIRD remembers of the first next hop when the route has none (any more): weight, flags and labels
    /// show again when a gateway is set. `None` while it is the one of the route as it was.
    ghost: Option<NextHop>,
}

/// Attributes, sorted by number.
type List8 = SmallVec<[(AttrId, Value); 8]>;

/// Label 3, implicit null: no label at all.
const NO_LABEL: u32 = 3;

impl<'a> RouteView<'a> {
    /// A view of a route made by the protocol called `proto`.
    #[inline]
    pub fn new(net: &Net, attrs: &'a Attrs, proto: &'a Arc<str>) -> RouteView<'a> {
        RouteView {
            net: Value::Net(net.clone()),
            proto,
            base: attrs,
            changed: false,
            source: attrs.source,
            scope: attrs.scope,
            preference: attrs.preference,
            recursive: attrs.recursive.clone(),
            looked: Cell::new(false),
            from: attrs.from,
            dest: None,
            listed: false,
            list: List8::new(),
            ghost: None,
        }
    }

    /// The attributes after all writes; `None` if nothing was written.
    pub fn finish(mut self) -> Option<Attrs> {
        self.draft().map(|draft| draft.build())
    }

    /// The shared copy of the attributes after all writes; `None` if nothing was written.
    #[inline]
    pub fn finish_shared(&mut self, interner: &mut Interner) -> Option<Arc<Attrs>> {
        self.draft().map(|draft| interner.intern_draft(&draft))
    }

    /// Brings what was written into the form in which routes keep it.
    fn draft(&mut self) -> Option<Draft<'_>> {
        if self.looked.get() && self.recursive.through().is_some() {
            self.edit().recursive.blur();
        }
        if !self.changed {
            return None;
        }
        if !matches!(self.dest(), Dest::Unicast(_)) || self.attr(id::LOST_WEIGHT).is_some() {
            self.note_lost_weight();
        }
        if self.listed {
            for (_, value) in self.list.iter_mut().filter(|(_, value)| value.is_undefined()) {
                *value = std::mem::take(value).defined();
            }
        }
        Some(Draft {
            source: self.source,
            scope: self.scope,
            preference: self.preference,
            dest: self.dest(),
            recursive: &self.recursive,
            from: self.from,
            extra: self.extra(),
        })
    }

    /// A weight that is not 1 outlives the next hops of the route.
    fn note_lost_weight(&mut self) {
        let weight = self.ghost.as_ref().map_or_else(|| self.first_weight(), |ghost| ghost.weight);
        let lost = weight != 1 && !matches!(self.dest(), Dest::Unicast(_));
        self.set_attr(id::LOST_WEIGHT, if lost { Value::Int(weight.into()) } else { Value::Void });
    }

    /// The weight of the first next hop of the route as it was, or of the one it once had.
    fn first_weight(&self) -> u16 {
        let lost = || self.base.get_int(id::LOST_WEIGHT).unwrap_or(1) as u16;
        self.base.next_hops().first().map_or_else(lost, |hop| hop.weight)
    }

    /// The net as a value.
    #[inline]
    pub(super) fn net_value(&self) -> &Value {
        &self.net
    }

    /// The net.
    pub fn net(&self) -> Option<&Net> {
        match &self.net {
            Value::Net(net) => Some(net),
            _ => None,
        }
    }

    /// The list of attributes as it is now.
    #[inline]
    fn extra(&self) -> &[(AttrId, Value)] {
        if self.listed { &self.list } else { &self.base.extra }
    }

    /// An attribute of the list.
    #[inline]
    pub fn attr(&self, id: AttrId) -> Option<&Value> {
        self.extra().iter().find(|(i, _)| *i == id).map(|(_, value)| value)
    }

    /// All attributes of the list.
    pub fn attrs(&self) -> impl Iterator<Item = &(AttrId, Value)> {
        self.extra().iter()
    }

    /// Writes an attribute of the list; `Void` removes it.
    pub fn set_attr(&mut self, id: AttrId, value: Value) {
        if matches!(value, Value::Void) {
            return self.unset_attr(id);
        }
        self.slot(id).put(value);
    }

    /// Writes a copy of a value that is not `Void`.
    #[inline]
    pub(super) fn copy_attr(&mut self, id: AttrId, value: &Value) {
        self.slot(id).assign(value);
    }

    fn unset_attr(&mut self, id: AttrId) {
        if self.attr(id).is_none() {
            return;
        }
        self.own_list();
        self.list.retain(|(i, _)| *i != id);
    }

    #[inline]
    fn own_list(&mut self) {
        self.changed = true;
        if !self.listed {
            self.listed = true;
            self.list.extend(self.base.extra.iter().cloned());
        }
    }

    /// Where the value of an attribute stands in the list, `Void` so far if it is new.
    #[inline]
    fn slot(&mut self, id: AttrId) -> &mut Value {
        self.own_list();
        let at = self.list.iter().position(|(i, _)| *i >= id).unwrap_or(self.list.len());
        if self.list.get(at).is_none_or(|(i, _)| *i != id) {
            self.list.insert(at, (id, Value::Void));
        }
        &mut self.list[at].1
    }

    /// To be written.
    fn edit(&mut self) -> &mut Self {
        self.changed = true;
        self
    }

    fn dest(&self) -> &Dest {
        self.dest.as_ref().unwrap_or(&self.base.dest)
    }

    /// The first next hop of the route as it was, or what is left of it, unless a later one is remembered.
    fn ghost(&mut self) -> &mut NextHop {
        let (base, weight) = (self.base, self.first_weight());
        self.edit().ghost.get_or_insert_with(|| {
            let gone = || NextHop { weight, ..NextHop::new(None, 0) };
            base.next_hops().first().cloned().unwrap_or_else(gone)
        })
    }

    fn hop(&self) -> Option<&NextHop> {
        match self.dest() {
            Dest::Unicast(hops) => hops.first(),
            _ => None,
        }
    }

    /// The first next hop, or what is left of it.
    fn hop_or_ghost(&self) -> Option<&NextHop> {
        self.hop().or(self.ghost.as_ref())
    }

    /// Takes down whether the outcome may depend on next hops from here on.
    #[inline]
    fn looks(&self, field: Field) {
        match field {
            Field::Net | Field::Proto | Field::Source | Field::From | Field::Preference | Field::Scope => {}
            Field::Dest
            | Field::Gw
            | Field::Ifname
            | Field::Ifindex
            | Field::Weight
            | Field::Onlink
            | Field::GwMpls
            | Field::GwMplsStack => self.looked.set(true),
        }
    }

    /// Reads a field.
    pub fn field(&self, field: Field, env: &dyn Env) -> Value {
        self.looks(field);
        self.glance(field, env)
    }

    /// Reads a field for somebody who only watches the filter: nothing depends on that.
    pub(super) fn glance(&self, field: Field, env: &dyn Env) -> Value {
        let labels = || self.hop_or_ghost().map_or(&[][..], |h| &h.labels);
        match field {
            Field::Net => self.net.clone(),
            Field::Proto => Value::Str(self.proto.clone()),
            Field::Source => Value::Enum(EnumType::Rts, self.source as u8),
            Field::Dest => Value::Enum(
                EnumType::Rtd,
                match self.dest() {
                    Dest::None => 0,
                    Dest::Unicast(_) => 1,
                    Dest::Blackhole => 2,
                    Dest::Unreachable => 3,
                    Dest::Prohibit => 4,
                },
            ),
            Field::From => Value::Ip(self.from.unwrap_or(UNSPECIFIED)),
            Field::Gw => Value::Ip(self.hop().and_then(|h| h.gateway).unwrap_or(UNSPECIFIED)),
            Field::Ifname => {
                let name = self.hop().and_then(|h| env.interface_name(h.ifindex));
                Value::Str(name.unwrap_or_default())
            }
            Field::Ifindex => Value::Int(self.hop().map_or(0, |h| h.ifindex)),
            Field::Weight => Value::Int(match self.hop_or_ghost() {
                Some(hop) => hop.weight.into(),
                None => self.base.get_int(id::LOST_WEIGHT).unwrap_or(1),
            }),
            Field::Preference => Value::Int(self.preference.into()),
            Field::Onlink => Value::Bool(self.hop_or_ghost().is_some_and(|h| h.onlink)),
            Field::GwMpls => Value::Int(labels().first().copied().unwrap_or(NO_LABEL)),
            Field::GwMplsStack => Value::Clist(List::from(labels())),
            Field::Scope => Value::Enum(EnumType::Scope, self.scope as u8),
        }
    }

    /// Writes a field. The type was checked; the error is the text of a runtime error.
    pub fn set_field(&mut self, field: Field, value: Value, env: &dyn Env) -> Result<(), &'static str> {
        self.looks(field);
        match (field, value) {
            (Field::Source, Value::Enum(_, n)) => {
                self.edit().source = source_of(n).ok_or("Invalid route source")?;
            }
            (Field::Scope, Value::Enum(_, n)) => self.edit().scope = scope_of(n).ok_or("Invalid scope")?,
            (Field::From, Value::Ip(ip)) => self.edit().from = (ip != UNSPECIFIED).then_some(ip),
            (Field::From, Value::Void) => self.edit().from = None,
            // 2.19 keeps the low half.
            (Field::Preference, Value::Int(n)) => self.edit().preference = n as u16,
            (Field::Preference, Value::Void) => self.edit().preference = 0,
            (Field::Dest, Value::Enum(_, n)) => {
                let dest = match n {
                    2 => Dest::Blackhole,
                    3 => Dest::Unreachable,
                    4 => Dest::Prohibit,
                    _ => return Err("Destination can be changed only to blackhole, unreachable or prohibit"),
                };
                self.remember();
                let edit = self.edit();
                (edit.dest, edit.recursive) = (Some(dest), Recursion::No);
            }
            (Field::Gw, Value::Ip(ip)) => {
                let (only, onlink) = self.way_to(ip);
                let ifindex = env.gateway(ip, only, onlink).ok_or("Invalid gw address")?;
                self.one_hop(|hop| {
                    hop.gateway = Some(ip);
                    hop.ifindex = ifindex;
                });
            }
            (Field::Ifname, Value::Str(name)) => {
                let ifindex = env.interface_index(&name).ok_or("Invalid iface name")?;
                self.one_hop(|hop| {
                    hop.gateway = None;
                    hop.ifindex = ifindex;
                });
            }
            (Field::Weight, Value::Int(n)) => {
                let weight = n.try_into().ok().filter(|w| (1..=256).contains(w));
                let weight: u16 = weight.ok_or("Setting weight value out of bounds")?;
                if self.hop().is_none() {
                    return Err("Setting weight needs regular nexthop");
                }
                self.each_hop(|hop| hop.weight = weight);
            }
            (Field::Onlink, Value::Bool(on)) => self.first_hop(|hop| hop.onlink = on),
            (Field::GwMpls, Value::Int(label)) => {
                if label >= 1 << 20 {
                    return Err("Invalid MPLS label");
                }
                self.first_hop(|hop| {
                    hop.labels = [label].into_iter().filter(|l| *l != NO_LABEL).collect();
                });
            }
            (Field::GwMplsStack, Value::Clist(list)) => {
                let stack: Labels = list.iter().copied().take_while(|l| *l != NO_LABEL).collect();
                if stack.len() > 8 {
                    return Err("Too many MPLS labels in stack");
                }
                if stack.iter().any(|l| *l >= 1 << 20) {
                    return Err("Invalid MPLS label");
                }
                self.first_hop(|hop| hop.labels = stack);
            }
            _ => return Err("This static attribute is read-only."),
        }
        Ok(())
    }

    /// What else a gateway is asked for with ([`Env::gateway`]).
    pub(super) fn way_to(&self, gateway: IpAddr) -> (Option<u32>, bool) {
        let hop = self.hop_or_ghost();
        let bound = hop.filter(|h| (h.onlink || is_link_local(gateway)) && h.ifindex != 0);
        (bound.map(|h| h.ifindex), hop.is_some_and(|h| h.onlink))
    }

    /// The interface whose name the route shows.
    pub(super) fn first_hop_interface(&self) -> Option<u32> {
        self.hop().map(|h| h.ifindex)
    }

    /// Keeps what the first next hop was, but for its labels, before the route loses it.
    fn remember(&mut self) {
        if let Some(hop) = self.hop().cloned() {
            self.edit().ghost = Some(NextHop { labels: Labels::default(), ..hop });
        }
    }

    /// Makes the route unicast with the first next hop only, changed.
    fn one_hop(&mut self, change: impl FnOnce(&mut NextHop)) {
        self.remember();
        let mut hop = NextHop { labels: Labels::default(), ..self.ghost().clone() };
        change(&mut hop);
        let edit = self.edit();
        edit.dest = Some(Dest::Unicast(Arc::from([hop])));
        edit.recursive = Recursion::No;
    }

    /// Changes the first next hop, or what is left of it.
    fn first_hop(&mut self, change: impl FnOnce(&mut NextHop)) {
        match self.dest() {
            Dest::Unicast(hops) => {
                let mut list = hops.to_vec();
                if let Some(first) = list.first_mut() {
                    change(first);
                }
                list.sort();
                self.edit().dest = Some(Dest::Unicast(list.into()));
            }
            _ => change(self.ghost()),
        }
    }

    fn each_hop(&mut self, mut change: impl FnMut(&mut NextHop)) {
        if let Dest::Unicast(hops) = self.dest() {
            let mut list = hops.to_vec();
            list.iter_mut().for_each(&mut change);
            list.sort();
            self.edit().dest = Some(Dest::Unicast(list.into()));
        }
    }
}

/// Such an address means something on one interface only.
fn is_link_local(addr: IpAddr) -> bool {
    matches!(addr, IpAddr::V6(a) if a.is_unicast_link_local())
}

fn source_of(n: u8) -> Option<RouteSource> {
    use RouteSource::*;
    let all = [
        Dummy,
        Static,
        Inherit,
        Device,
        StaticDevice,
        Redirect,
        Rip,
        Ospf,
        OspfIa,
        OspfExt1,
        OspfExt2,
        Bgp,
        Pipe,
        Babel,
        Rpki,
        Perf,
        L3vpn,
        Aggregated,
    ];
    all.get(n as usize).copied()
}

fn scope_of(n: u8) -> Option<Scope> {
    use Scope::*;
    [Host, Link, Site, Organization, Universe, Undefined].get(n as usize).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    struct Net1;
    impl Env for Net1 {
        fn interface_index(&self, name: &str) -> Option<u32> {
            (name == "v1").then_some(7)
        }
        fn interface_name(&self, index: u32) -> Option<Arc<str>> {
            (index == 7).then(|| "v1".into())
        }
        fn gateway(&self, gw: IpAddr, only: Option<u32>, _onlink: bool) -> Option<u32> {
            only.or((gw == IpAddr::from([192, 0, 2, 2])).then_some(3))
        }
    }

    fn base() -> Attrs {
        let hop = |last, weight| NextHop { weight, ..NextHop::new(Some([192, 0, 2, last].into()), 3) };
        Attrs { dest: Dest::Unicast(Arc::from([hop(2, 4), hop(3, 2)])), preference: 200, ..Attrs::default() }
    }

    fn ip(last: u8) -> Value {
        Value::Ip([192, 0, 2, last].into())
    }

    #[test]
    fn looking_copies_nothing() {
        let (attrs, proto) = (base(), Arc::from("static1"));
        let mut view = RouteView::new(&"10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into(), &attrs, &proto);
        assert_eq!(view.field(Field::Weight, &Net1), Value::Int(4));
        assert_eq!(view.field(Field::Gw, &Net1), ip(2));
        view.set_attr(id::BGP_MED, Value::Void);
        assert!(view.finish().is_none());
    }

    #[test]
    fn a_gateway_makes_one_next_hop_and_keeps_its_weight() {
        let (attrs, proto) = (base(), Arc::from("static1"));
        let mut view = RouteView::new(&"10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into(), &attrs, &proto);
        assert_eq!(view.set_field(Field::Gw, ip(99), &Net1), Err("Invalid gw address"));
        view.set_field(Field::Dest, Value::Enum(EnumType::Rtd, 2), &Net1).unwrap();
        assert_eq!(view.field(Field::Gw, &Net1), Value::Ip(UNSPECIFIED));
        assert_eq!(
            view.set_field(Field::Weight, Value::Int(5), &Net1),
            Err("Setting weight needs regular nexthop")
        );
        view.set_field(Field::Gw, ip(2), &Net1).unwrap();
        assert_eq!(view.field(Field::Weight, &Net1), Value::Int(4));
        assert_eq!(view.finish().unwrap().next_hops().len(), 1);
    }

    #[test]
    fn a_link_local_gateway_is_one_of_the_interface_the_route_had() {
        let (attrs, proto) = (base(), Arc::from("static1"));
        let mut view = RouteView::new(&"10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into(), &attrs, &proto);
        view.set_field(Field::GwMpls, Value::Int(100), &Net1).unwrap();
        let gateway = IpAddr::V6("fe80::7".parse().unwrap());
        view.set_field(Field::Gw, Value::Ip(gateway), &Net1).unwrap();
        assert_eq!(
            view.field(Field::GwMpls, &Net1),
            Value::Int(NO_LABEL),
            "labels belong to the old next hop"
        );
        let hops = view.finish().unwrap().next_hops().to_vec();
        assert_eq!((hops.len(), hops[0].gateway, hops[0].ifindex), (1, Some(gateway), 3));
    }

    #[test]
    fn onlink_between_interface_and_gateway() {
        let (attrs, proto) = (base(), Arc::from("static1"));
        let mut view = RouteView::new(&"10.0.0.0/8".parse::<ipnet::IpNet>().unwrap().into(), &attrs, &proto);
        view.set_field(Field::Ifname, Value::Str("v1".into()), &Net1).unwrap();
        view.set_field(Field::Onlink, Value::Bool(true), &Net1).unwrap();
        view.set_field(Field::Gw, ip(50), &Net1).unwrap();
        let hop = &view.finish().unwrap().next_hops()[0].clone();
        assert_eq!((hop.ifindex, hop.onlink, hop.gateway), (7, true, Some([192, 0, 2, 50].into())));
    }

    #[test]
    fn who_looks_at_next_hops_depends_on_them() {
        let lookup = crate::base::Lookup { table: "igp".into(), gateway: [10, 0, 0, 1].into() };
        let through = Recursion::Through(Arc::new(lookup));
        let attrs = Attrs {
            dest: Dest::Unicast([NextHop::new(Some([192, 0, 2, 2].into()), 3)].into()),
            recursive: through.clone(),
            ..Attrs::default()
        };
        let net: Net = "10.0.0.0/8".parse::<crate::base::IpNet>().unwrap().into();
        let proto: Arc<str> = "p".into();
        let after = |act: &dyn Fn(&mut RouteView<'_>)| {
            let mut view = RouteView::new(&net, &attrs, &proto);
            act(&mut view);
            view.finish().map_or_else(|| attrs.recursive.clone(), |attrs| attrs.recursive)
        };
        assert_eq!(after(&|_| {}), through);
        assert_eq!(after(&|v| v.set_field(Field::Preference, Value::Int(7), &Net1).unwrap()), through);
        assert_eq!(after(&|v| drop(v.field(Field::From, &Net1))), through);
        assert_eq!(after(&|v| drop(v.glance(Field::Gw, &Net1))), through);
        for field in [Field::Dest, Field::Gw, Field::Ifname, Field::Ifindex, Field::Weight, Field::GwMpls] {
            assert_eq!(after(&|v| drop(v.field(field, &Net1))), Recursion::Somehow, "{field:?}");
        }
        assert_eq!(after(&|v| v.set_field(Field::Weight, Value::Int(7), &Net1).unwrap()), Recursion::Somehow);
        let gateway = Value::Ip([192, 0, 2, 2].into());
        assert_eq!(after(&|v| v.set_field(Field::Gw, gateway.clone(), &Net1).unwrap()), Recursion::No);
    }
}
