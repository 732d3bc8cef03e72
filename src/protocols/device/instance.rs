//! The running device protocol: it switches the engine's interfaces on, names the preferred addresses and has
//! everything scanned from time to time, should a notice ever get lost.

use std::sync::Arc;
use std::time::Duration;

use super::config::{Device, DeviceOptions};
use crate::config::ProtocolConfig;
use crate::engine::api::{DownReason, Instance, Ports, ProtoState, ProtocolKind, Stopped};
use crate::engine::iface::Preferred;

/// The one timer: the next scan.
const SCAN: u32 = 0;

impl ProtocolKind for Device {
    fn spawn(&self, config: &Arc<ProtocolConfig>) -> Box<dyn Instance> {
        Box::new(DeviceInstance { options: options(config) })
    }

    fn starts_first(&self) -> bool {
        true
    }
}

struct DeviceInstance {
    options: DeviceOptions,
}

fn options(config: &ProtocolConfig) -> DeviceOptions {
    config.options().cloned().unwrap_or_default()
}

impl DeviceInstance {
    fn preferred(&self) -> Preferred {
        self.options.interfaces.iter().map(|i| (i.patterns.clone(), i.preferred.clone())).collect()
    }

    fn arm(&self, ports: &mut Ports<'_>) {
        match self.options.scan_time {
            Some(period) => ports.arm(SCAN, micros(period)),
            None => ports.disarm(SCAN),
        }
    }
}

fn micros(period: Duration) -> u64 {
    u64::try_from(period.as_micros()).unwrap_or(u64::MAX)
}

impl Instance for DeviceInstance {
    fn start(&mut self, ports: &mut Ports<'_>) -> ProtoState {
        ports.set_preferred(self.preferred());
        ports.interfaces_on();
        ports.scan_interfaces();
        self.arm(ports);
        ProtoState::Up
    }

    fn timer(&mut self, ports: &mut Ports<'_>, _key: u32) {
        ports.scan_interfaces();
        self.arm(ports);
    }

    fn reconfigure(&mut self, ports: &mut Ports<'_>, new: &Arc<ProtocolConfig>, _old: &Arc<ProtocolConfig>) {
        let before = std::mem::replace(&mut self.options, options(new));
        if before.scan_time != self.options.scan_time {
            self.arm(ports);
        }
        if before.interfaces != self.options.interfaces {
            ports.set_preferred(self.preferred());
        }
    }

    fn stop(&mut self, ports: &mut Ports<'_>, _reason: DownReason) -> Stopped {
        ports.disarm(SCAN);
        Stopped::Now
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "literals of the tests")]
    use super::*;
    use crate::config::{Effect, IfPattern, IfPatterns};
    use crate::protocols::bench::{Bench, link};
    use crate::protocols::device::config::DeviceInterface;

    fn device(seconds: u64, preferred: &str) -> DeviceOptions {
        let patterns = IfPatterns(vec![IfPattern::new(false, Some("v*"), None)]);
        DeviceOptions {
            scan_time: (seconds > 0).then(|| Duration::from_secs(seconds)),
            interfaces: vec![DeviceInterface { patterns, preferred: vec![preferred.parse().unwrap()] }],
        }
    }

    #[test]
    fn scans_and_lets_go() {
        let mut bench = Bench::new(&Device, &[], device(60, "192.0.2.2"));
        bench.start();
        assert!(bench.hands.interfaces_on);
        assert_eq!((bench.hands.scans, bench.hands.armed.get(&SCAN)), (1, Some(&60_000_000)));
        bench.fire(SCAN);
        assert_eq!((bench.hands.scans, bench.hands.armed.get(&SCAN)), (2, Some(&120_000_000)));
        bench.stop();
        assert!(bench.hands.armed.is_empty());
    }

    #[test]
    fn takes_changes_in_place() {
        let mut bench = Bench::new(&Device, &[], device(60, "192.0.2.2"));
        bench.start();
        bench.kernel(|s, out| s.link(link(10, "v0"), out));
        bench.address(10, "192.0.2.1/24");
        bench.address(10, "192.0.2.2/25");
        let preferred = |bench: &Bench| bench.hands.ifaces.get(10).unwrap().preferred4.unwrap().to_string();
        assert_eq!(preferred(&bench), "192.0.2.2");
        assert_eq!(bench.reconfigure(device(5, "192.0.2.1")), Some(Effect::Quiet));
        assert_eq!(preferred(&bench), "192.0.2.1");
        assert_eq!(bench.hands.armed.get(&SCAN), Some(&5_000_000));
        bench.reconfigure(device(0, "192.0.2.1"));
        assert!(bench.hands.armed.is_empty());
    }
}
