//! `show status`, `configure status`.

use super::Times;
use crate::control::code::Code;
use crate::control::view::StatusView;
use crate::control::view::status::{ConfigStatusView, DaemonState};
use crate::control::wire::Reply;

/// Microseconds as seconds with three decimals.
fn seconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros / 1000 % 1000)
}

/// The whole answer of `show status`.
pub fn status(view: &StatusView, times: &Times, reply: &mut Reply) {
    reply.line(Code::Version, format_args!("BIRD {}", crate::control::BIRD_VERSION));
    reply.line(Code::StatusLine, format_args!("Router ID is {}", view.router_id));
    reply.line(Code::StatusLine, format_args!("Hostname is {}", view.hostname));
    reply.line(Code::StatusLine, format_args!("Current server time is {}", times.base(times.now.moment)));
    reply.line(Code::StatusLine, format_args!("Last reboot on {}", times.base(view.booted)));
    reply.line(Code::StatusLine, format_args!("Last reconfiguration on {}", times.base(view.reconfigured)));
    if let Some(recovery) = view.recovery {
        reply.line(Code::GracefulStatus, "Graceful restart recovery in progress");
        let waiting = recovery.waiting;
        reply.line(Code::GracefulStatus, format_args!("  Waiting for {waiting} channels to recover"));
        let left = seconds(recovery.remaining);
        reply.line(Code::GracefulStatus, format_args!("  Wait timer is {left}/{}", recovery.limit));
    }
    let state = match view.state {
        DaemonState::Running => "Daemon is up and running",
        DaemonState::Reconfiguring { .. } => "Reconfiguration in progress",
        DaemonState::ShuttingDown => "Shutdown in progress",
    };
    reply.end(Code::Status, state);
}

/// The whole answer of `configure status`.
pub fn config_status(view: &ConfigStatusView, reply: &mut Reply) {
    let (code, text) = match view.state {
        DaemonState::Running => (Code::Reconfigured, "Daemon is up and running"),
        DaemonState::Reconfiguring { queued: false } => {
            (Code::ReconfigInProgress, "Reconfiguration in progress")
        }
        DaemonState::Reconfiguring { queued: true } => {
            (Code::ReconfigQueued, "Reconfiguration in progress, next one enqueued")
        }
        DaemonState::ShuttingDown => (Code::ReconfigIgnored, "Shutdown in progress"),
    };
    reply.line(code, text);
    if let Some(left) = view.undo_in {
        reply.line(
            Code::UndoScheduled,
            format_args!("Configuration unconfirmed, undo in {} s", seconds(left)),
        );
    }
    reply.ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{Now, TimeFormats};
    use crate::control::view::status::RecoveryView;
    use std::net::Ipv4Addr;

    #[test]
    fn while_recovering() {
        let view = StatusView {
            router_id: Ipv4Addr::new(10, 0, 0, 1),
            hostname: "edge".into(),
            booted: 0,
            reconfigured: 1_000_000,
            recovery: Some(RecoveryView { waiting: 2, remaining: 1_500_000, limit: 240 }),
            state: DaemonState::Running,
        };
        let times = Times {
            now: Now { moment: 61_250_000, wall: 61_250_000 },
            formats: TimeFormats::default(),
            own: None,
            zone: jiff::tz::TimeZone::UTC,
        };
        let mut reply = Reply::default();
        status(&view, &times, &mut reply);
        let want = "1000-BIRD 2.19.0\n1011-Router ID is 10.0.0.1\n Hostname is edge\n \
            Current server time is 1970-01-01 00:01:01.250\n Last reboot on 1970-01-01 00:00:00.000\n \
            Last reconfiguration on 1970-01-01 00:00:01.000\n1024-";
        let want = want.replace("1024-", "0024-")
            + "Graceful restart recovery in progress\n   \
            Waiting for 2 channels to recover\n   Wait timer is 1.500/240\n0013 Daemon is up and running\n";
        assert_eq!(String::from_utf8_lossy(reply.pending()), want);
    }
}
