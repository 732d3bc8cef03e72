//! What `?` and a word that could mean several commands print.

use crate::complete;
use crate::expand::{self, Path};
use crate::table::{Entry, HEADING, NodeId, Table};

/// The answer to a line that is no command.
pub const UNKNOWN: &str = "No such command. Press `?' for help.";

/// The answer to `help`.
pub const HELP: &str = "Press `?' for context sensitive help.";

/// The line before a list of candidates.
pub const AMBIGUOUS: &str = "Ambiguous command, possible expansions are:";

/// Words and arguments are padded to this width.
const USAGE_WIDTH: usize = 45;

/// A list shows arguments up to this length; longer ones only where the command is the question.
const LONGEST_IN_LIST: usize = 48;

/// The lines for a word that could mean any of these nodes.
pub fn ambiguous(table: &Table, candidates: &[NodeId]) -> Vec<String> {
    let mut lines = vec![AMBIGUOUS.to_owned()];
    lines.extend(candidates.iter().map(|&node| brief(table, node)));
    lines
}

/// The lines for `help`, or for `help` with the words of a command.
pub fn answer(table: &Table, words: &str) -> Vec<String> {
    if words.is_empty() { vec![HELP.to_owned()] } else { context(table, &format!("{words} ")) }
}

/// The lines for the key `?` after a text: what the command takes, and what of it may come here.
pub fn question(table: &Table, text: &str) -> Vec<String> {
    let mut lines = context(table, text);
    let expected = complete::expected(table, text);
    if !expected.is_empty() {
        lines.push(format!("  here: {}", expected.join("  ")));
    }
    lines
}

/// Lines for a screen of this width: long ones are broken at blanks and go on indented.
pub fn wrapped(lines: Vec<String>, columns: usize) -> Vec<String> {
    const INDENT: &str = "    ";
    let columns = columns.max(20);
    let mut out = Vec::with_capacity(lines.len());
    for mut line in lines {
        while line.chars().count() > columns {
            let end = line.char_indices().nth(columns).map_or(line.len(), |(at, _)| at);
            let indented = line.len() - line.trim_start().len();
            // A word longer than the screen is broken by the terminal.
            let Some(blank) = line[..end].rfind(' ').filter(|at| *at > indented) else { break };
            let rest = format!("{INDENT}{}", line[blank..].trim_start());
            line.truncate(blank);
            out.push(line.trim_end().to_owned());
            line = rest;
        }
        out.push(line);
    }
    out
}

/// The lines for `?` at the end of a text: what may follow, or what the command takes.
pub fn context(table: &Table, text: &str) -> Vec<String> {
    let complete = expand::complete_words(text);
    let (node, end) = match expand::follow(table, &text[..complete]) {
        Path::Node(node, end) => (node, end),
        Path::Ambiguous(_, candidates) => return ambiguous(table, &candidates),
    };
    // A word under the cursor narrows the list to what begins so, unless it begins an argument.
    let partial = text[end..].trim_start();
    let at = table.node(node);
    if at.command.is_none() || (!partial.is_empty() && !partial.contains(char::is_whitespace)) {
        let begins: Vec<String> = table
            .children(node)
            .filter(|(_, child)| child.word.starts_with(partial))
            .map(|(child, _)| brief(table, child))
            .collect();
        match (&at.command, begins.is_empty()) {
            (_, false) => return begins,
            (None, true) => return vec![UNKNOWN.to_owned()],
            (Some(_), true) => {}
        }
    }
    let mut lines: Vec<String> = at.command.iter().map(full).collect();
    if partial.is_empty() {
        lines.extend(table.children(node).flat_map(|(child, _)| {
            let commands = table.commands(child);
            if commands.len() == 1 {
                commands.into_iter().map(full).collect()
            } else {
                vec![brief(table, child)]
            }
        }));
    }
    lines
}

/// One line about a command or a group of commands, with arguments only if they are short.
pub fn brief(table: &Table, node: NodeId) -> String {
    let at = table.node(node);
    if let Some(heading) = &at.heading {
        return full(heading);
    }
    match table.commands(node).as_slice() {
        [] => at.word.clone(),
        [only] => shortened(only),
        [first, ..] => match &at.command {
            Some(command) => shortened(command),
            None => {
                let depth = first.words.split(' ').take_while(|word| *word != at.word).count() + 1;
                let words: Vec<&str> = first.words.split(' ').take(depth).collect();
                let next: Vec<&str> = table.children(node).map(|(_, child)| child.word.as_str()).collect();
                full(&Entry { words: words.join(" "), args: HEADING.into(), help: next.join(", ") })
            }
        },
    }
}

/// One line about a command with all its arguments.
fn full(entry: &Entry) -> String {
    format!("{:USAGE_WIDTH$}  {}", entry.usage(), entry.help).trim_end().to_owned()
}

fn shortened(entry: &Entry) -> String {
    if entry.args.chars().count() <= LONGEST_IN_LIST {
        return full(entry);
    }
    full(&Entry { args: HEADING.into(), ..entry.clone() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;

    fn asked(text: &str) -> Vec<String> {
        context(&Table::builtin(), text)
    }

    fn usages(text: &str) -> Vec<String> {
        asked(text).iter().map(|line| line.split("  ").next().unwrap_or("").to_owned()).collect()
    }

    #[test]
    fn long_lines_are_broken_at_blanks() {
        let broken = |text: &str| wrapped(vec![text.to_owned()], 20);
        assert_eq!(broken("show status"), ["show status"]);
        assert_eq!(
            broken("show route [<prefix>] [table <t>]  Show routes"),
            ["show route", "    [<prefix>]", "    [table <t>]", "    Show routes"]
        );
        assert_eq!(broken(&"x".repeat(30)), ["x".repeat(30)]);
    }

    #[test]
    fn at_the_beginning() {
        let lines = usages("");
        assert_eq!(&lines[..4], ["quit", "exit", "help [<command>]", "show ..."]);
        assert!(lines.contains(&"graceful restart".to_owned()));
        assert!(lines.contains(&"configure ...".to_owned()));
    }

    #[test]
    fn inside_a_word() {
        assert_eq!(usages("show st"), ["show status", "show static [<name>]"]);
        assert_eq!(usages("sh"), ["show ..."]);
        assert_eq!(asked("nons"), [UNKNOWN]);
    }

    #[test]
    fn after_a_command() {
        assert_eq!(usages("show status "), ["show status"]);
        assert!(usages("show route ")[0].starts_with("show route [<prefix> | for"));
        assert!(usages("show route table t")[0].starts_with("show route [<prefix> | for"));
        assert_eq!(usages("show protocols ").len(), 2);
        assert_eq!(usages("show protocols al"), ["show protocols all [<protocol> | \"<pattern>\"]"]);
        assert_eq!(usages("show protocols x"), ["show protocols [<protocol> | \"<pattern>\"]"]);
    }

    #[test]
    fn where_the_cursor_is() {
        let lines = question(&Table::builtin(), "show route table t4 p");
        assert_eq!(lines.len(), 2);
        assert!(lines[1].starts_with("  here: ") && lines[1].contains("preexport  "));
        assert!(!lines[1].contains("stats"));
        assert_eq!(question(&Table::builtin(), "show status ").len(), 1);
    }

    #[test]
    fn the_layout() {
        assert_eq!(asked("show st")[0], format!("{:45}  {}", "show status", "Show router status"));
        let long = "disable (<protocol> | \"<pattern>\" | all) [\"<message>\"]  Stop a protocol";
        assert_eq!(asked("disa"), [long]);
    }

    #[test]
    fn groups_without_a_heading() {
        let lines = ["dump a\t\tA", "dump b\t\tB", "only one\t<x>\tThe only"];
        let entries = lines.iter().filter_map(|line| Table::parse_entry(1900, line.as_bytes()));
        let table = Table::from_entries(entries).unwrap();
        let lines = context(&table, "");
        assert_eq!(lines[3], format!("{:45}  {}", "dump ...", "a, b"));
        assert_eq!(lines[4], format!("{:45}  {}", "only one <x>", "The only"));
    }
}
