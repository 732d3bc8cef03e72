//! `explain route`: what happened to a route, line by line of the configuration.

use super::route::{Mark, RouteWriter};
use crate::control::code::Code;
use crate::control::view::explain::{CaseView, ExplainTable, ExplainView};
use crate::control::wire::Reply;
use crate::filter::code::Verdict;
use crate::filter::explain::{End, Spot, Step, Trace};

const E: Code = Code::Explain;

/// Columns of a line; what is longer goes on in the next one.
const WIDTH: usize = 100;

/// Columns for places, if some are that long.
const PLACES: usize = 32;

/// The routes of a net in one table, as `show route` shows them.
pub fn table(table: &ExplainTable, writer: &mut RouteWriter, net: &crate::base::Net, reply: &mut Reply) {
    reply.line(Code::Route, format_args!("Table {}:", table.name));
    for (place, route) in table.routes.iter().enumerate() {
        let mark = match place {
            0 if route.filtered => Mark::None,
            0 if table.refused => Mark::Refused,
            0 => Mark::Best,
            _ => Mark::None,
        };
        writer.route((place == 0).then_some(net), route, &route.attrs, mark, reply);
    }
    reply.separator();
}

/// What tables say that do not have the net.
pub fn around(view: &ExplainView, net: &crate::base::Net, reply: &mut Reply) {
    for (table, other) in &view.around {
        reply.line(E, format_args!("{net} is not in {table}; the longest match there is {other}"));
    }
}

/// One way of a route.
pub fn case(case: &CaseView, reply: &mut Reply) {
    reply.line(E, &case.title);
    for remark in &case.remarks {
        reply.line(E, format_args!("  ({remark})"));
    }
    if let Some((title, trace)) = &case.commands {
        reply.line(E, format_args!("  {title}:"));
        self::trace(trace, true, reply);
        if case.trace.is_some() {
            reply.line(E, "  the filter:");
        }
    }
    if let Some(trace) = &case.trace {
        self::trace(trace, false, reply);
    }
    for line in &case.result {
        reply.line(E, format_args!("  {line}"));
    }
    reply.separator();
}

/// A file's last part: the directory is the same for all, and told with the filter's place.
fn place(spot: &Spot) -> String {
    match spot.file.as_ref().and_then(|f| f.file_name()) {
        Some(name) => format!("{}:{}", name.to_string_lossy(), spot.line),
        None => format!("line {}", spot.line),
    }
}

/// A run. What a route's own commands say of accepting or rejecting, and errors in them, only end the commands.
fn trace(trace: &Trace, commands: bool, reply: &mut Reply) {
    let places: Vec<String> = trace.steps.iter().map(|s| place(&s.spot)).collect();
    let end = match &trace.end {
        End::Verdict(_, spot, _) | End::Error(_, spot) => place(spot),
        End::Undecided => String::new(),
    };
    let widest = places.iter().map(String::len).chain([end.len()]).max().unwrap_or(0).min(PLACES);
    for (step, place) in trace.steps.iter().zip(&places) {
        self::step(step, place, widest, reply);
    }
    if trace.skipped > 0 {
        reply.line(E, format_args!("  {:widest$}  ... and {} more steps", "", trace.skipped));
    }
    match &trace.end {
        End::Verdict(verdict, spot, said) => {
            let word = match verdict {
                _ if commands => "the commands end",
                Verdict::Accept => "ACCEPTED",
                Verdict::Reject => "REJECTED",
                Verdict::Error => "REJECTED, by error",
            };
            let said = said.as_ref().map_or_else(String::new, |text| format!(", message \"{text}\""));
            reply.line(
                E,
                format_args!("  {end:widest$}  {}  => {word}{said}", spot.text.trim_end_matches(';')),
            );
        }
        End::Undecided if commands => {}
        End::Undecided => {
            reply.line(E, format_args!("  {:widest$}  the end, without accept or reject  => REJECTED", ""));
        }
        End::Error(error, spot) => {
            let text = spot.text.trim_end_matches(';');
            reply.line(E, format_args!("  {end:widest$}  {text}"));
            let word = if commands { "the commands end" } else { "REJECTED" };
            reply.line(E, format_args!("  {:widest$}    => {word}, runtime error: {}", "", error.message));
        }
    }
}

fn step(step: &Step, place: &str, widest: usize, reply: &mut Reply) {
    let pad = "  ".repeat(step.depth.min(12));
    let Step { spot, outcome, notes, .. } = step;
    let line = format!("  {place:widest$}  {pad}{}", spot.text);
    if outcome.is_empty() {
        reply.line(E, &line);
    } else if line.chars().count() + outcome.chars().count() + 5 <= WIDTH {
        reply.line(E, format_args!("{line}  => {outcome}"));
    } else {
        reply.line(E, &line);
        reply.line(E, format_args!("  {:widest$}  {pad}  => {outcome}", ""));
    }
    for note in notes {
        reply.line(E, format_args!("  {:widest$}  {pad}     {note}", ""));
    }
}
