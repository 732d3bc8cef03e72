//! `show filters`, with and without numbers.

use super::Times;
use crate::control::code::Code;
use crate::control::view::explain::{FilterRow, FilterView, RowKind};
use crate::control::wire::Reply;

const F: Code = Code::Filters;

/// The heading of the list.
pub fn heading(reply: &mut Reply) {
    reply.line(F, format_args!("{:<24} {:<28} Used by", "Name", "Place"));
}

/// A filter of the list.
pub fn filter(view: &FilterView, reply: &mut Reply) {
    let place = view.place.to_string();
    let mut name = &*view.name;
    let mut place = &*place;
    if view.users.is_empty() {
        return reply.line(F, format_args!("{name:<24} {place:<28} nobody"));
    }
    for user in &view.users {
        let (direction, channel) = (user.direction.word(), &user.channel);
        reply.line(F, format_args!("{name:<24} {place:<28} {direction} {channel}"));
        (name, place) = ("", "");
    }
}

/// A filter with its numbers.
pub fn stats(view: &FilterView, times: &Times, reply: &mut Reply) {
    let mut writer = times.protocol();
    reply.line(F, format_args!("Filter {} at {}", view.name, view.place));
    if view.users.is_empty() {
        reply.line(F, "  used by nobody");
    }
    for user in &view.users {
        let mut since = Vec::new();
        writer.write(user.since, &mut since);
        let since = String::from_utf8_lossy(&since);
        reply.line(F, format_args!("  {} {}, since {since}", user.direction.word(), user.channel));
        if !user.rows.is_empty() {
            let names = ["Accepted", "Rejected", "Errors"];
            reply.line(
                F,
                format_args!(
                    "    {:>10} {:>10} {:>10}  {:<28} Statement",
                    names[0], names[1], names[2], "Place"
                ),
            );
        }
        for row in &user.rows {
            let place = row.place.to_string();
            let [a, r, e] = columns(row);
            let text = row.place.text.trim_end_matches(';');
            reply.line(F, format_args!("    {a:>10} {r:>10} {e:>10}  {place:<28} {text}"));
        }
        match user.silent {
            0 => {}
            1 => reply.line(F, "    1 other place has not decided yet"),
            n => reply.line(F, format_args!("    {n} other places have not decided yet")),
        }
    }
    reply.separator();
}

fn columns(row: &FilterRow) -> [String; 3] {
    let at = match row.kind {
        RowKind::Accepted => 0,
        RowKind::Rejected => 1,
        RowKind::Error => 2,
    };
    std::array::from_fn(|i| if i == at { row.count.to_string() } else { "---".to_owned() })
}
