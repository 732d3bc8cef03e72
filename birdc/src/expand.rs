//! Abbreviations: the client completes the words of a command before the daemon sees it.
//!
//! Word by word from the root: an exact word wins, otherwise the only word that begins so; words that yield
//! (see [`crate::table::Node::yields`]) count only where no other fits. The first word that fits nothing
//! begins the arguments, which stay as they are.

use crate::table::{Entry, NodeId, Table};

/// How far a line follows the table.
#[derive(Debug, PartialEq, Eq)]
pub enum Path {
    /// The words lead to this node; the arguments begin at this offset, with the white space before them.
    Node(NodeId, usize),
    /// A word could be any of these children.
    Ambiguous(NodeId, Vec<NodeId>),
}

/// What a line means.
#[derive(Debug, PartialEq, Eq)]
pub enum Command<'l> {
    /// Nothing but white space or a comment.
    Empty,
    /// To be sent to the daemon.
    Send(String),
    /// Leave the shell.
    Quit,
    /// Tell about the command that begins with these words.
    Help(&'l str),
    /// One word could be any of these children.
    Ambiguous(Vec<NodeId>),
    /// No command, or only the beginning of one.
    Unknown,
}

/// Finds out what a line means.
pub fn expand<'l>(table: &Table, line: &'l str) -> Command<'l> {
    let line = line.trim_end();
    if line.trim_start().is_empty() || line.trim_start().starts_with('#') {
        return Command::Empty;
    }
    let (node, arguments) = match follow(table, line) {
        Path::Node(node, at) => (node, &line[at..]),
        Path::Ambiguous(_, candidates) => return Command::Ambiguous(candidates),
    };
    match &table.node(node).command {
        None => Command::Unknown,
        Some(Entry { words, .. }) if words == "quit" || words == "exit" => Command::Quit,
        Some(Entry { words, .. }) if words == "help" => Command::Help(arguments.trim()),
        Some(Entry { words, .. }) => Command::Send(format!("{words}{arguments}")),
    }
}

/// Follows the words of a line as far as they are in the table.
pub fn follow(table: &Table, line: &str) -> Path {
    let (mut node, mut end) = (Table::ROOT, 0);
    while let Some((word, after)) = word_at(line, end) {
        match candidates(table, node, word).as_slice() {
            [] => break,
            &[one] => (node, end) = (one, after),
            several => return Path::Ambiguous(node, several.to_vec()),
        }
    }
    Path::Node(node, end)
}

/// The children of a node that a word could mean: one if it is clear, all that begin so if it is not.
fn candidates(table: &Table, node: NodeId, word: &str) -> Vec<NodeId> {
    if let Some((exact, _)) = table.children(node).find(|(_, child)| child.word == word) {
        return vec![exact];
    }
    let begins: Vec<_> = table.children(node).filter(|(_, child)| child.word.starts_with(word)).collect();
    let strong: Vec<NodeId> = begins.iter().filter(|(_, child)| !child.yields).map(|(id, _)| *id).collect();
    if strong.len() == 1 { strong } else { begins.into_iter().map(|(id, _)| id).collect() }
}

/// The next word from an offset on, and where it ends. What is glued to other characters (`10.0.0.0/8`, `net~x`) is no
/// word, but a quote, bracket or comment may follow directly.
fn word_at(line: &str, from: usize) -> Option<(&str, usize)> {
    let rest = line.get(from..)?;
    let trimmed = rest.trim_start();
    let start = from + rest.len() - trimmed.len();
    let length =
        trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(trimmed.len());
    let (word, after) = trimmed.split_at(length);
    let separate = after.chars().next().is_none_or(|c| c.is_whitespace() || "\"'({#/;".contains(c));
    (separate && !word.is_empty()).then_some((word, start + length))
}

/// The length of the text without the word that is still being typed.
pub fn complete_words(text: &str) -> usize {
    text.rfind(char::is_whitespace).map_or(0, |at| at + text[at..].chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sent(line: &str) -> String {
        match expand(&Table::builtin(), line) {
            Command::Send(command) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn ambiguous(line: &str) -> Vec<String> {
        let table = Table::builtin();
        match expand(&table, line) {
            Command::Ambiguous(nodes) => nodes.into_iter().map(|id| table.node(id).word.clone()).collect(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn words_are_completed() {
        for (line, command) in [
            ("s ro", "show route"),
            ("sh r", "show route"),
            ("sh pr a s1", "show protocols all s1"),
            ("sho rout for 10.0.0.1", "show route for 10.0.0.1"),
            ("show route cou", "show route cou"),
            ("  show   status  ", "show status"),
            ("conf ch", "configure check"),
            ("conf check\"x.conf\"", "configure check\"x.conf\""),
            ("conf \"x.conf\"", "configure \"x.conf\""),
            ("configure soft t", "configure soft timeout"),
            ("ev 3", "eval 3"),
            ("eval(1)", "eval(1)"),
            ("gr r", "graceful restart"),
            ("show rip i", "show rip interfaces"),
            ("disable 's-1' \"why\"", "disable 's-1' \"why\""),
            ("echo\toff", "echo\toff"),
        ] {
            assert_eq!(sent(line), command, "{line}");
        }
    }

    #[test]
    fn ambiguous_words() {
        assert_eq!(ambiguous("sh st"), ["status", "static"]);
        assert_eq!(ambiguous("re s1"), ["restart", "reload", "restrict"]);
        assert_eq!(ambiguous("d s1"), ["dump", "disable", "debug", "down"]);
        assert_eq!(ambiguous("configure s"), ["soft", "status"]);
        assert_eq!(ambiguous("e"), ["exit", "eval", "echo", "enable"]);
    }

    #[test]
    fn no_commands() {
        for line in ["show", "s", "gr", "nonsense", "show nonsense", "show \"st\"", "dump x", "sh ri", "?"] {
            assert_eq!(expand(&Table::builtin(), line), Command::Unknown, "{line}");
        }
        for line in ["", "   ", "# nothing"] {
            assert_eq!(expand(&Table::builtin(), line), Command::Empty, "{line}");
        }
    }

    #[test]
    fn the_shells_own() {
        for line in ["quit", "q", "ex", "exit now"] {
            assert_eq!(expand(&Table::builtin(), line), Command::Quit, "{line}");
        }
        assert_eq!(expand(&Table::builtin(), "he"), Command::Help(""));
        assert_eq!(expand(&Table::builtin(), "help show route"), Command::Help("show route"));
    }

    #[test]
    fn new_commands_disturb_no_abbreviation() {
        let lines = ["show route\t\t", "show rockets\t\t", "show rib\t\t", "show rip neighbors\t\t"];
        let entries = lines.iter().filter_map(|line| Table::parse_entry(1900, line.as_bytes()));
        let table = Table::from_entries(entries);
        let of = |line| table.as_ref().map(|table| expand(table, line));
        assert_eq!(of("show r"), Some(Command::Send("show route".into())));
        assert_eq!(of("show roc"), Some(Command::Send("show rockets".into())));
        assert!(matches!(of("show ri"), Some(Command::Ambiguous(_))));
    }

    proptest! {
        /// Anything at all may be typed, and a complete command stays what it is.
        #[test]
        fn never_panics(line in "\\PC{0,40}", tail in "[ \"'a-z0-9/é]{0,10}") {
            let table = Table::builtin();
            expand(&table, &line);
            let command = format!("show status {tail}");
            prop_assert_eq!(expand(&table, &command), Command::Send(command.trim_end().into()));
        }
    }
}
