//! What protocols may do to the core: [`Core`] behind the traits that [`Ports`](super::api::Ports) call.

use std::net::IpAddr;
use std::sync::Arc;

use super::api::{Export, Hands, LookAt, ProtoState, Resolution, TableTaken, TraceFlag};
use super::core::{Asker, Core, Pending};
use super::iface::{Ifaces, Preferred};
use crate::base::prefix_set::PrefixSet;
use crate::base::{ChannelId, LogClass, Net, NetType, ProtoId};
use crate::config::{FilterRef, ProtocolConfig};
use crate::sys::kernel::{Family, KernelError, Question, RouteOp};
use crate::sys::nexthops::{Nexthops, Via};
use crate::table::{Attrs, NetId, Source};

impl LookAt for Core {
    fn ifaces(&self) -> &Ifaces {
        &self.ifaces
    }
    fn now(&self) -> u64 {
        self.now_us()
    }
    fn proto_name(&self, proto: ProtoId) -> Arc<str> {
        self.name_of(proto)
    }
    fn proto_of(&self, channel: ChannelId) -> Option<ProtoId> {
        self.channel(channel).map(|c| c.proto)
    }
}

impl Hands for Core {
    #[allow(clippy::expect_used, reason = "an instance is called only while its protocol exists")]
    fn config(&self, me: ProtoId) -> Arc<ProtocolConfig> {
        self.proto(me).expect("the calling protocol exists").config.clone()
    }
    fn channels(&self, me: ProtoId) -> Vec<(ChannelId, NetType)> {
        let ids = self.proto(me).map_or(&[][..], |p| &p.channels);
        ids.iter().filter_map(|id| Some((*id, self.channel(*id)?.config.net_type))).collect()
    }
    fn import(
        &mut self,
        _me: ProtoId,
        channel: ChannelId,
        net: &Net,
        source: Source,
        attrs: Option<Arc<Attrs>>,
    ) {
        if !self.hears(channel, net, source, &attrs) {
            self.import_route(channel, net, source, 0, attrs);
        }
    }
    fn expect(&mut self, channel: ChannelId, nets: usize) {
        if let Some(table) = self.channel(channel).map(|c| c.table) {
            self.table_mut_of(table).expect(nets);
        }
    }

    fn warm(&self, channel: ChannelId, nets: &[&Net]) {
        if let Some(ch) = self.channel(channel) {
            if let Some(filter) = ch.config.import.filter() {
                filter.warm(nets);
            }
            self.table_of(ch.table).warm(nets);
        }
    }

    fn relay(
        &mut self,
        _me: ProtoId,
        channel: ChannelId,
        net: &Net,
        source: Source,
        generation: u8,
        attrs: Option<Arc<Attrs>>,
    ) {
        if !self.hears(channel, net, source, &attrs) {
            self.import_route(channel, net, source, generation, attrs);
        }
    }
    fn preference(&self, channel: ChannelId) -> u16 {
        self.channel(channel).map_or(0, |c| c.config.preference)
    }
    fn intern(&mut self, attrs: Attrs) -> Arc<Attrs> {
        self.tools().interner.intern(attrs)
    }
    fn state(&mut self, me: ProtoId, state: ProtoState) {
        self.pending.push_back(Pending::State(me, state));
    }
    fn fail(&mut self, me: ProtoId, restart: bool) {
        self.later_fail(me, restart);
    }
    fn arm(&mut self, me: ProtoId, key: u32, delay: u64) {
        self.disarm(me, key);
        let at = self.now_us() + delay;
        self.timers.insert((at, me, key));
        self.armed.insert((me, key), at);
    }
    fn disarm(&mut self, me: ProtoId, key: u32) {
        if let Some(at) = self.armed.remove(&(me, key)) {
            self.timers.remove(&(at, me, key));
        }
    }
    fn again(&mut self, me: ProtoId) {
        if let Some(proto) = self.proto_mut(me)
            && !std::mem::replace(&mut proto.working, true)
        {
            self.workers.push_back(me);
        }
    }
    fn log(&mut self, me: ProtoId, class: LogClass, text: std::fmt::Arguments<'_>) {
        let _ = me;
        self.log_line(class, text);
    }
    fn trace(&mut self, me: ProtoId, flag: TraceFlag, text: std::fmt::Arguments<'_>) {
        if self.tracing(me, flag) {
            let name = self.name_of(me);
            self.log_line(LogClass::Trace, format_args!("{name}: {text}"));
        }
    }
    fn is_tired(&self) -> bool {
        self.patience.is_over()
    }
    fn tracing(&self, me: ProtoId, flag: TraceFlag) -> bool {
        self.proto(me).is_some_and(|p| p.debug.has(flag.into()))
    }
    fn receive_buffer(&mut self, me: ProtoId, bytes: Option<u32>) {
        match bytes {
            Some(bytes) => self.rx_buffers.insert(me, bytes),
            None => self.rx_buffers.remove(&me),
        };
        let Some(largest) = self.rx_buffers.values().max().copied() else { return };
        if self.rx_buffer == Some(largest) {
            return;
        }
        if self.rx_buffer.replace(largest).is_some() && !self.booting {
            self.log_line(LogClass::Info, format_args!("KRT: Changing netlink rx buffer size to {largest}"));
        }
        let ticket = self.ticket(Asker::Core);
        self.kernel.ask(ticket, Question::ReceiveBuffer(largest as usize));
    }
    fn submit(&mut self, me: ProtoId, ops: &mut Vec<RouteOp>) {
        for op in ops.iter_mut() {
            op.ticket = u64::from(me.0) << 32 | op.ticket & 0xffff_ffff;
        }
        self.kernel.submit(ops);
    }
    fn room(&self) -> usize {
        self.kernel.room()
    }
    fn ask(&mut self, me: ProtoId, question: Question) -> u64 {
        let ticket = self.ticket(Asker::Proto(me));
        match question {
            Question::Routes { .. } => self.questions.push((ticket, question)),
            _ => self.kernel.ask(ticket, question),
        }
        ticket
    }
    fn nexthops(&self) -> Arc<Nexthops> {
        Arc::clone(self.kernel.nexthops())
    }
    fn replace_nexthop(&mut self, me: ProtoId, from: Via, to: Via) -> u64 {
        let ticket = self.ticket(Asker::Proto(me));
        self.kernel.replace_nexthop(ticket, from, to);
        ticket
    }
    fn register_table(&mut self, me: ProtoId, family: Family, table: u32) -> Result<(), TableTaken> {
        match self.kernel_tables.get(&(family, table)) {
            Some(owner) if *owner != me => {
                let leaving = self.proto(*owner).is_none_or(|p| p.state == ProtoState::Stop);
                Err(TableTaken { by: self.name_of(*owner), leaving })
            }
            _ => {
                self.kernel_tables.insert((family, table), me);
                Ok(())
            }
        }
    }
    fn unregister_table(&mut self, me: ProtoId, family: Family, table: u32) {
        if self.kernel_tables.get(&(family, table)) == Some(&me) {
            self.kernel_tables.remove(&(family, table));
        }
    }
    fn interfaces_on(&mut self, me: ProtoId) {
        self.iface_owner = Some(me);
        self.start_iface_scan();
    }
    fn scan_interfaces(&mut self, _me: ProtoId) {
        self.start_iface_scan();
    }
    fn last_interface_scan(&self) -> Option<u64> {
        self.last_iface_scan
    }
    fn run_commands(
        &mut self,
        commands: &FilterRef,
        net: &Net,
        source: Source,
        attrs: Arc<Attrs>,
    ) -> Arc<Attrs> {
        self.run_route_commands(commands, net, source, attrs)
    }
    fn set_preferred(&mut self, _me: ProtoId, preferred: Preferred) {
        self.ifaces.set_preferred(preferred);
    }
    fn set_refused(&mut self, channel: ChannelId, net: NetId, refused: bool) {
        if let Some(ch) = self.channel_mut(channel) {
            ch.refused.set(net.0, refused);
        }
    }
    fn is_exported_best(&self, channel: ChannelId, net: &Net) -> Option<(NetId, bool)> {
        let ch = self.channel(channel)?;
        let id = self.table_of(ch.table).find(net)?;
        Some((id, ch.exported.get(id.0)))
    }
    fn wanted(&mut self, channel: ChannelId, net: &Net) -> Option<Export> {
        self.wanted_now(channel, net)
    }
    fn refeed(&mut self, channel: ChannelId, only: Option<Arc<PrefixSet>>) {
        self.refeeds.push((channel, only));
    }
    fn resolve(&mut self, table: &str, gateway: IpAddr) -> Resolution {
        self.resolve_gateway(table, gateway)
    }
    fn watch_table(&mut self, me: ProtoId, table: &str) {
        if let Some(at) = self.table_at(table)
            && let Some(slot) = self.tables.get_mut(at)
        {
            slot.watchers.insert(me);
        }
    }
    fn shutting_down(&self) -> bool {
        self.shutting_down
    }
    fn recovering(&self) -> bool {
        self.recovering
    }
    fn kernel_error(&mut self, me: ProtoId, error: &KernelError, detail: String) {
        let now = self.now_us();
        let name = self.name_of(me);
        self.logger.limited(now, LogClass::Warning, format_args!("Netlink: {}", error.strerror()));
        let text = error.text.as_deref().map_or(String::new(), |t| format!(" ({t})"));
        self.logger.limited(now, LogClass::Warning, format_args!("{name}: {detail}{text}"));
    }
}
