//! `show protocols [all]`.

use crate::base::time::TimeWriter;
use crate::control::code::Code;
use crate::control::view::protocol::{
    ChannelState, ChannelStats, ChannelView, LimitView, PipeView, ProtocolDetail, ProtocolView,
};
use crate::control::wire::Reply;

const D: Code = Code::ProtocolDetail;

/// The heading.
pub fn heading(reply: &mut Reply) {
    row(reply, Code::ProtocolHeading, ["Name", "Proto", "Table", "State", "Since", "Info"]);
}

fn row(reply: &mut Reply, code: Code, [name, kind, table, state, since, info]: [&str; 6]) {
    reply.line(code, format_args!("{name:<10} {kind:<10} {table:<10} {state:<6} {since:<12}  {info}"));
}

/// One protocol: its row and, if the view has them, its details.
pub fn protocol(view: &ProtocolView, since: &mut TimeWriter, reply: &mut Reply) {
    let mut time = Vec::new();
    since.write(view.since, &mut time);
    let time = String::from_utf8_lossy(&time);
    let table = view.table.as_deref().unwrap_or("---");
    row(reply, Code::Protocol, [&view.name, view.kind, table, view.state.word(), &time, &view.info]);
    if let Some(detail) = &view.detail {
        details(detail, reply);
        reply.line(D, "");
    }
}

fn details(detail: &ProtocolDetail, reply: &mut Reply) {
    let mut value = |label: &str, text: &str| reply.line(D, format_args!("  {label:<16}{text}"));
    if let Some(text) = &detail.description {
        value("Description:", text);
    }
    if let Some(text) = &detail.message {
        value("Message:", text);
    }
    if let Some(id) = detail.router_id {
        value("Router ID:", &id.to_string());
    }
    if let Some(vrf) = &detail.vrf {
        value("VRF:", vrf);
    }
    for line in &detail.extra {
        reply.line(D, line);
    }
    for view in &detail.channels {
        channel(view, reply);
    }
    if let Some(view) = &detail.pipe {
        pipe(view, reply);
    }
}

fn value(reply: &mut Reply, label: &str, text: impl std::fmt::Display) {
    reply.line(D, format_args!("    {label:<16}{text}"));
}

fn limit(reply: &mut Reply, label: &str, view: &Option<LimitView>) {
    if let Some(limit) = view {
        let hit = if limit.hit { " [HIT]" } else { "" };
        value(reply, label, format_args!("{}{hit}", limit.count));
        value(reply, "  Action:", limit.action);
    }
}

fn channel(view: &ChannelView, reply: &mut Reply) {
    reply.line(D, format_args!("  Channel {}", view.name));
    value(reply, "State:", view.state.word());
    value(reply, "Table:", &view.table);
    value(reply, "Preference:", view.preference);
    value(reply, "Input filter:", &view.input_filter);
    value(reply, "Output filter:", &view.output_filter);
    if let Some(recovery) = view.recovery {
        let pending = if recovery.pending { " pending" } else { "" };
        let waiting = if recovery.waiting { " waiting" } else { "" };
        // The words bring their blanks, so the label is one narrower.
        reply.line(D, format_args!("    {:<15}{pending}{waiting}", "GR recovery:"));
    }
    limit(reply, "Receive limit:", &view.receive_limit);
    limit(reply, "Import limit:", &view.import_limit);
    limit(reply, "Export limit:", &view.export_limit);
    if view.state == ChannelState::Down {
        return;
    }
    let n = &view.counts;
    let filtered = n.filtered.map(|f| format!("{f} filtered, ")).unwrap_or_default();
    let text =
        format!("{} imported, {filtered}{} exported, {} preferred", n.imported, n.exported, n.preferred);
    value(reply, "Routes:", text);
    stats(reply, 4, &view.stats, false);
}

fn pipe(view: &PipeView, reply: &mut Reply) {
    reply.line(D, "  Channel main");
    value(reply, "Table:", &view.table);
    value(reply, "Peer table:", &view.peer_table);
    value(reply, "Import state:", view.import_state);
    value(reply, "Export state:", view.export_state);
    value(reply, "Import filter:", &view.import_filter);
    value(reply, "Export filter:", &view.export_filter);
    limit(reply, "Import limit:", &view.import_limit);
    limit(reply, "Export limit:", &view.export_limit);
    reply.line(D, format_args!("  {:<16}{} imported, {} exported", "Routes:", view.imported, view.exported));
    stats(reply, 2, &view.stats, true);
}

/// The table of counters. What makes no sense in a row is `---`; a pipe's two sides are alike.
fn stats(reply: &mut Reply, indent: usize, stats: &ChannelStats, both_ways: bool) {
    let heading = ["received", "rejected", "filtered", "ignored", "accepted"];
    let [a, b, c, d, e] = heading;
    let label = "Route change stats:";
    reply.line(D, format_args!("{:indent$}{label:<21} {a:>10} {b:>10} {c:>10} {d:>10} {e:>10}", ""));
    let rows = [
        ("Import updates:", &stats.import_updates, [true, true, true, true]),
        ("Import withdraws:", &stats.import_withdraws, [true, true, false, true]),
        ("Export updates:", &stats.export_updates, [true, true, true, both_ways]),
        ("Export withdraws:", &stats.export_withdraws, [true, both_ways, false, both_ways]),
    ];
    let indent = indent + 2;
    for (label, flow, shown) in rows {
        let text = |n: u64, shown: bool| if shown { n.to_string() } else { "---".to_owned() };
        let (a, b, c, d) = (
            text(flow.received, shown[0]),
            text(flow.rejected, shown[1]),
            text(flow.filtered, shown[2]),
            text(flow.ignored, shown[3]),
        );
        let e = flow.accepted;
        reply.line(D, format_args!("{:indent$}{label:<19} {a:>10} {b:>10} {c:>10} {d:>10} {e:>10}", ""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::{Now, TimeFormat};
    use crate::control::view::protocol::{Flow, ProtocolState, RouteCounts};

    fn text(views: &[ProtocolView]) -> String {
        let format = TimeFormat { recent: "<time>".into(), limit: None, older: None };
        let mut since = TimeWriter::new(&format, Now::default(), jiff::tz::TimeZone::UTC);
        let mut reply = Reply::default();
        heading(&mut reply);
        views.iter().for_each(|v| protocol(v, &mut since, &mut reply));
        reply.ok();
        let text = String::from_utf8_lossy(reply.pending()).into_owned();
        text.lines().map(|l| l.trim_end()).collect::<Vec<_>>().join("\n")
    }

    fn view(name: &str, kind: &'static str, table: Option<&str>, state: ProtocolState) -> ProtocolView {
        let table = table.map(Into::into);
        ProtocolView { name: name.into(), kind, table, state, since: 0, info: String::new(), detail: None }
    }

    #[test]
    fn rows_pad_and_push() {
        let mut pipe = view("pipe1", "Pipe", None, ProtocolState::Up);
        pipe.info = "master4 <=> other".into();
        let long =
            view("kernel_for_the_other_table", "Kernel", Some("a_table_with_a_long_name"), ProtocolState::Up);
        let want = "\
2002-Name       Proto      Table      State  Since         Info
1002-kernel_for_the_other_table Kernel     a_table_with_a_long_name up     <time>
 pipe1      Pipe       ---        up     <time>        master4 <=> other
0000";
        assert_eq!(text(&[long, pipe]), want);
    }

    /// Recorded: `cli-protocols-all`.
    #[test]
    fn all_of_a_channel() {
        let mut s1 = view("s1", "Static", Some("master4"), ProtocolState::Up);
        s1.detail = Some(ProtocolDetail {
            router_id: Some([10, 1, 1, 1].into()),
            channels: vec![ChannelView {
                name: "ipv4".into(),
                state: ChannelState::Up,
                table: "master4".into(),
                preference: 200,
                input_filter: "(unnamed)".into(),
                output_filter: "f".into(),
                recovery: None,
                receive_limit: None,
                import_limit: Some(LimitView { count: 10, hit: false, action: "disable" }),
                export_limit: Some(LimitView { count: 5, hit: true, action: "block" }),
                counts: RouteCounts { imported: 1, filtered: Some(1), exported: 0, preferred: 1 },
                stats: ChannelStats {
                    import_updates: Flow { received: 2, filtered: 1, accepted: 1, ..Flow::default() },
                    import_withdraws: Flow { ignored: 1, ..Flow::default() },
                    ..ChannelStats::default()
                },
            }],
            ..ProtocolDetail::default()
        });
        let mut device = view("device1", "Device", None, ProtocolState::Up);
        device.detail =
            Some(ProtocolDetail { description: Some("interfaces".into()), ..ProtocolDetail::default() });
        let want = "\
2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     <time>
1006-  Description:    interfaces

1002-s1         Static     master4    up     <time>
1006-  Router ID:      10.1.1.1
   Channel ipv4
     State:          UP
     Table:          master4
     Preference:     200
     Input filter:   (unnamed)
     Output filter:  f
     Import limit:   10
       Action:       disable
     Export limit:   5 [HIT]
       Action:       block
     Routes:         1 imported, 1 filtered, 0 exported, 1 preferred
     Route change stats:     received   rejected   filtered    ignored   accepted
       Import updates:              2          0          1          0          1
       Import withdraws:            0          0        ---          1          0
       Export updates:              0          0          0        ---          0
       Export withdraws:            0        ---        ---        ---          0

0000";
        assert_eq!(text(&[device, s1]), want);
    }

    /// Recorded: `pipe-show-protocols`, and its statistics from a live BIRD.
    #[test]
    fn all_of_a_pipe() {
        let mut p = view("p", "Pipe", None, ProtocolState::Up);
        p.info = "master4 <=> aux".into();
        p.detail = Some(ProtocolDetail {
            description: Some("to the aux table".into()),
            pipe: Some(PipeView {
                table: "master4".into(),
                peer_table: "aux".into(),
                import_state: "up",
                export_state: "up",
                import_filter: "ACCEPT".into(),
                export_filter: "out".into(),
                import_limit: Some(LimitView { count: 5, hit: false, action: "warn" }),
                export_limit: Some(LimitView { count: 10, hit: false, action: "block" }),
                imported: 1,
                exported: 2,
                stats: ChannelStats {
                    import_updates: Flow { received: 3, rejected: 2, accepted: 1, ..Flow::default() },
                    export_updates: Flow { received: 3, rejected: 1, filtered: 1, accepted: 1, ignored: 0 },
                    ..ChannelStats::default()
                },
            }),
            ..ProtocolDetail::default()
        });
        let want = "\
2002-Name       Proto      Table      State  Since         Info
1002-p          Pipe       ---        up     <time>        master4 <=> aux
1006-  Description:    to the aux table
   Channel main
     Table:          master4
     Peer table:     aux
     Import state:   up
     Export state:   up
     Import filter:  ACCEPT
     Export filter:  out
     Import limit:   5
       Action:       warn
     Export limit:   10
       Action:       block
   Routes:         1 imported, 2 exported
   Route change stats:     received   rejected   filtered    ignored   accepted
     Import updates:              3          2          0          0          1
     Import withdraws:            0          0        ---          0          0
     Export updates:              3          1          1          0          1
     Export withdraws:            0          0        ---          0          0

0000";
        assert_eq!(text(&[p]), want);
    }
}
