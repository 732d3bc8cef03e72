//! The command table: what the daemon can be told, as a tree of words.
//!
//! The daemon sends it when asked (`commands`, one line of code 1900 per command: words, arguments and help
//! between tabs), so that the shell never disagrees with the daemon. The same words may come twice: once as a
//! command and once with `...` for its arguments, which is a heading, a short text for lists in which the
//! group or the long synopsis of the command would not fit.

use crate::builtin;
use crate::wire::COMMAND_TABLE;

/// What is sent to get the table. BIRD calls it a syntax error.
pub const REQUEST: &str = "commands";

/// The arguments of an entry that is but a heading.
pub const HEADING: &str = "...";

/// The shell's own commands, before those of any daemon.
const LOCAL: [[&str; 3]; 3] = [
    ["quit", "", "Leave the shell"],
    ["exit", "", "Leave the shell"],
    ["help", "[<command>]", "Tell how to get help, or what a command takes"],
];

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The command's words with single blanks between.
    pub words: String,
    /// Its arguments as a synopsis, see [`crate::synopsis`].
    pub args: String,
    /// One line about it.
    pub help: String,
}

impl Entry {
    /// Words and arguments.
    pub fn usage(&self) -> String {
        if self.args.is_empty() { self.words.clone() } else { format!("{} {}", self.words, self.args) }
    }
}

/// Where a node is in its table.
pub type NodeId = usize;

/// One word of one or more commands.
#[derive(Debug, Default)]
pub struct Node {
    /// The word.
    pub word: String,
    /// Words that may follow, in the order of the table.
    pub children: Vec<NodeId>,
    /// The command that ends here.
    pub command: Option<Entry>,
    /// The short text for lists.
    pub heading: Option<Entry>,
    /// Whether an abbreviation that fits this word and others means the others.
    pub yields: bool,
}

/// A tree of commands.
#[derive(Debug)]
pub struct Table {
    nodes: Vec<Node>,
}

impl Table {
    /// The root, before the first word.
    pub const ROOT: NodeId = 0;

    /// The commands of BIRD, for daemons that do not tell theirs.
    pub fn builtin() -> Self {
        let mut table = Self::with_local_commands();
        for [words, args, help] in builtin::COMMANDS {
            table.add(Entry { words: (*words).into(), args: (*args).into(), help: (*help).into() }, None);
        }
        table
    }

    /// The table of a daemon; `None` if there is no command in it.
    ///
    /// Words that BIRD does not have yield to those it has: nobody's abbreviation becomes ambiguous by a new command.
    pub fn from_entries(entries: impl IntoIterator<Item = Entry>) -> Option<Self> {
        let bird = Self::builtin();
        let mut table = Self::with_local_commands();
        let local = table.nodes.len();
        for entry in entries {
            table.add(entry, Some(&bird));
        }
        if table.nodes.len() == local {
            return None;
        }
        // The daemon understands what it was asked with; scripts want to ask it too.
        let [words, args, help] =
            ["commands", "", "All commands with arguments and help between tabs, for scripts"];
        table.add(Entry { words: words.into(), args: args.into(), help: help.into() }, Some(&bird));
        Some(table)
    }

    /// Reads one line of the daemon's answer; `None` for one that is no entry.
    pub fn parse_entry(code: u16, text: &[u8]) -> Option<Entry> {
        let text = std::str::from_utf8(text).ok().filter(|_| code == COMMAND_TABLE)?;
        let mut fields = text.splitn(3, '\t').map(str::trim);
        let words: Vec<&str> = fields.next()?.split_whitespace().collect();
        let args = fields.next().unwrap_or("");
        let help = fields.next().unwrap_or("");
        if words.is_empty() || text.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        Some(Entry { words: words.join(" "), args: args.into(), help: help.into() })
    }

    /// A node.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The words that may follow a node, with their nodes.
    pub fn children(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.node(id).children.iter().map(|&child| (child, self.node(child)))
    }

    /// The node of exactly these words.
    pub fn find<'w>(&self, words: impl IntoIterator<Item = &'w str>) -> Option<NodeId> {
        words.into_iter().try_fold(Self::ROOT, |at, word| self.child(at, word))
    }

    /// All commands at or below a node, in the order of the tree.
    pub fn commands(&self, id: NodeId) -> Vec<&Entry> {
        let mut found: Vec<&Entry> = self.node(id).command.iter().collect();
        for (child, _) in self.children(id) {
            found.extend(self.commands(child));
        }
        found
    }

    fn with_local_commands() -> Self {
        let mut table = Self { nodes: vec![Node::default()] };
        for [words, args, help] in LOCAL {
            table.add(Entry { words: words.into(), args: args.into(), help: help.into() }, None);
        }
        table
    }

    fn child(&self, id: NodeId, word: &str) -> Option<NodeId> {
        self.children(id).find(|(_, node)| node.word == word).map(|(child, _)| child)
    }

    /// Adds a command or heading; of two for the same words the first one stays.
    fn add(&mut self, entry: Entry, bird: Option<&Self>) {
        let mut at = Self::ROOT;
        let mut known = bird.map(|bird| (bird, Self::ROOT));
        for word in entry.words.split(' ') {
            let step = known.and_then(|(bird, at)| bird.child(at, word).map(|next| (bird, next)));
            let foreign = bird.is_some() && step.is_none();
            known = step;
            at = self.child(at, word).unwrap_or_else(|| {
                let yields = foreign || builtin::YIELDING.contains(&word);
                self.nodes.push(Node { word: word.into(), yields, ..Node::default() });
                let new = self.nodes.len() - 1;
                self.nodes[at].children.push(new);
                new
            });
        }
        let node = &mut self.nodes[at];
        let place = if entry.args == HEADING { &mut node.heading } else { &mut node.command };
        place.get_or_insert(entry);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

    use super::*;

    #[test]
    fn lines_of_the_answer() {
        let entry = Table::parse_entry(1900, b"show  route\t[<net>] [all]\tShow routes").unwrap();
        assert_eq!(entry.usage(), "show route [<net>] [all]");
        assert_eq!(Table::parse_entry(1900, b"down").unwrap().usage(), "down");
        assert_eq!(Table::parse_entry(9001, b"down"), None);
        for bad in [&b""[..], b"\t\t", b"\xff\t\t", b"show\x1b[2J\t\t"] {
            assert_eq!(Table::parse_entry(1900, bad), None, "{bad:?}");
        }
    }

    #[test]
    fn headings_are_no_commands() {
        let lines: [&[u8]; 3] = [b"show\t...\tShow things", b"show a\t\tA", b"show a\t...\tShort"];
        let table =
            Table::from_entries(lines.iter().filter_map(|line| Table::parse_entry(1900, line))).unwrap();
        let show = table.node(table.find(["show"]).unwrap());
        assert!(show.command.is_none() && show.heading.is_some());
        let a = table.node(table.find(["show", "a"]).unwrap());
        assert!(a.command.is_some() && a.heading.is_some());
        assert!(table.find(["show", "b"]).is_none());
    }

    #[test]
    fn new_words_yield() {
        let lines: [&[u8]; 3] = [b"configure check\t\t", b"configure chart\t\t", b"show rip neighbors\t\t"];
        let table =
            Table::from_entries(lines.iter().filter_map(|line| Table::parse_entry(1900, line))).unwrap();
        let yields = |words: &[&str]| table.node(table.find(words.iter().copied()).unwrap()).yields;
        assert!(yields(&["configure", "chart"]));
        assert!(!yields(&["configure", "check"]));
        assert!(yields(&["show", "rip"]));
        assert!(!yields(&["show", "rip", "neighbors"]));
    }

    #[test]
    fn a_daemon_that_lists_its_commands_can_be_asked_for_the_list() {
        let table = Table::from_entries(Table::parse_entry(1900, b"configure\t\t")).unwrap();
        let listing = table.node(table.find([REQUEST]).unwrap());
        assert!(listing.command.is_some() && listing.yields);
        assert!(Table::builtin().find([REQUEST]).is_none());
    }

    #[test]
    fn a_table_without_commands_is_none() {
        assert!(Table::from_entries([]).is_none());
        assert!(Table::builtin().node(Table::ROOT).children.len() > LOCAL.len());
    }
}
