//! Options of `protocol device`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::NetType;
use crate::config::lower::{Block, Lowering};
use crate::config::{Draft, IfPatterns, ProtocolConfig, ProtocolOptions, ProtocolSyntax};
use crate::syntax::ast::{Arg, Opt, Tok};

/// `device`: one per configuration, without channels.
#[derive(Debug)]
pub struct Device;

/// What a device protocol is told.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceOptions {
    /// How often interfaces are looked at again; `None`: only at the start and when the kernel says so.
    pub scan_time: Option<Duration>,
    /// `interface "..." { preferred ...; }` in the order of the file; the first that matches counts.
    pub interfaces: Vec<DeviceInterface>,
}

/// Preferred addresses of some interfaces.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct DeviceInterface {
    /// Which interfaces.
    pub patterns: IfPatterns,
    /// The preferred IPv4, IPv6 and link-local address.
    pub preferred: Vec<IpAddr>,
}

crate::protocol_options!(DeviceOptions {
    "scan time" scan_time: Quiet;
    "interface" interfaces: Quiet;
});

impl Default for DeviceOptions {
    fn default() -> DeviceOptions {
        DeviceOptions { scan_time: Some(Duration::from_secs(60)), interfaces: Vec::new() }
    }
}

impl ProtocolSyntax for Device {
    fn keyword(&self) -> &'static str {
        "device"
    }
    fn display(&self) -> &'static str {
        "Device"
    }
    fn preference(&self, _net: NetType) -> u16 {
        0
    }
    fn channel_types(&self) -> &'static [NetType] {
        &[]
    }
    fn open(&self, lw: &mut Lowering<'_>, at: Tok) {
        if lw.claim("device", "", "").is_some() {
            lw.error(at, "Kernel device protocol already defined");
        }
    }
    fn draft(&self, parent: Option<&ProtocolConfig>) -> Box<dyn Draft> {
        Box::new(parent.and_then(ProtocolConfig::options::<DeviceOptions>).cloned().unwrap_or_default())
    }
}

impl Draft for DeviceOptions {
    fn option(&mut self, opt: &Opt, _block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "scan time" => {
                if let Some(seconds) = lw.expr(opt, 0) {
                    self.scan_time = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                }
            }
            "interface" => self.interface(opt, lw),
            _ => return false,
        }
        true
    }

    fn finish(
        self: Box<Self>,
        _full: bool,
        _block: &mut Block,
        _lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        Arc::new(*self)
    }
}

impl DeviceOptions {
    fn interface(&mut self, opt: &Opt, lw: &mut Lowering<'_>) {
        let mut entry = DeviceInterface { patterns: lw.patterns(opt, true), preferred: Vec::new() };
        for arg in &opt.args {
            let Arg::Block(list) = arg else { continue };
            for option in list {
                let Some(address) = lw.ip(option, 0) else { continue };
                // One address of each kind: a later one replaces an earlier one.
                let kind =
                    |a: &IpAddr| (a.is_ipv4(), matches!(a, IpAddr::V6(s) if s.is_unicast_link_local()));
                entry.preferred.retain(|old| kind(old) != kind(&address));
                entry.preferred.push(address);
            }
        }
        self.interfaces.push(entry);
    }
}
