//! Synopses of arguments, as in `[table <t>] [filter <f> | where <cond>] [all]`, and what may come next in them.
//!
//! They are written for people, but regular enough to complete words from them: `[ ]` may be left out, `( )`
//! groups, `|` separates alternatives, `{ }` and plain words stand for themselves, `<x>` is a value, `"<x>"`
//! a string, `[, ...]` repeats what stands before it in its group. Several `[ ]` in a row may come in any
//! order. A synopsis becomes a small automaton over tokens; following the tokens typed so far gives the words
//! and values that fit next.

use std::collections::BTreeSet;

/// Synopses come over the wire; deeper nesting than this is read as if it were closed.
const DEEPEST: usize = 16;

/// What kind of value belongs somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// The name of a protocol.
    Protocol,
    /// A channel, as protocol, dot, channel.
    Channel,
    /// The name of a routing table.
    Table,
    /// The name of a filter.
    Filter,
    /// Any name.
    Symbol,
    /// A pattern of protocol names.
    Pattern,
    /// The name of a file.
    File,
    /// Terms of the filter language, of any length.
    Terms(String),
    /// Anything else in double quotes.
    Text(String),
    /// Anything else.
    Value(String),
}

impl Slot {
    fn named(name: &str, quoted: bool, after: Option<&str>) -> Self {
        match (name, quoted) {
            ("pattern", true) => Self::Pattern,
            ("file" | "filename" | "path", true) => Self::File,
            (other, true) => Self::Text(other.into()),
            ("protocol" | "proto" | "p", _) => Self::Protocol,
            ("channel" | "p.c" | "protocol.channel", _) => Self::Channel,
            ("table" | "t", _) => Self::Table,
            ("name", _) if after == Some("table") => Self::Table,
            ("name", _) => Self::Protocol,
            ("filter" | "f", _) => Self::Filter,
            ("symbol", _) => Self::Symbol,
            (terms @ ("expr" | "cond" | "term" | "where filter"), _) => Self::Terms(terms.into()),
            (other, _) => Self::Value(other.into()),
        }
    }

    fn takes(&self, token: &str) -> bool {
        let first = token.chars().next().unwrap_or(' ');
        let name = first.is_alphanumeric() || first == '_' || first == '\'';
        match self {
            Self::Terms(_) => true,
            Self::Pattern | Self::File | Self::Text(_) => first == '"',
            Self::Protocol | Self::Channel | Self::Table | Self::Filter | Self::Symbol => name,
            // Values that are no names begin with a digit or so; a keyword is not to be taken for one.
            Self::Value(_) => first.is_ascii_digit() || token.contains([':', '.', '/']) || first == '[',
        }
    }
}

/// Something that may come next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expected {
    /// This word, or this bracket or comma.
    Word(String),
    /// A value.
    Slot(Slot),
}

#[derive(Debug)]
enum Syntax {
    One(Expected),
    Anything,
    Sequence(Vec<Syntax>),
    Alternatives(Vec<Syntax>),
    Optional(Box<Syntax>),
    /// One or more with commas between.
    List(Box<Syntax>),
}

/// An automaton over the tokens of a command's arguments.
#[derive(Debug, Default)]
pub struct Synopsis {
    /// Per state: what leads where. `None` stands for any token.
    edges: Vec<Vec<(Option<Expected>, usize)>>,
    /// Per state: where it goes without a token.
    free: Vec<Vec<usize>>,
}

impl Synopsis {
    /// Reads a synopsis; any text makes one.
    pub fn parse(text: &str) -> Self {
        let tokens = marks(text);
        let mut reader = Reader { tokens: &tokens, at: 0, depth: 0 };
        let mut parts = Vec::new();
        while reader.at < tokens.len() {
            parts.push(reader.alternatives());
            // A closing bracket too many.
            reader.at += 1;
        }
        let mut synopsis = Self::default();
        let start = synopsis.state();
        synopsis.build(&Syntax::Sequence(parts), start);
        synopsis
    }

    /// What may follow these tokens, in the order of the synopsis; words that were used already are left out.
    pub fn next(&self, tokens: &[&str]) -> Vec<Expected> {
        let mut states = self.closure([0].into());
        for token in tokens {
            states = self.step(&states, token);
        }
        let mut found = Vec::new();
        for (expected, _) in states.iter().flat_map(|&state| &self.edges[state]) {
            let Some(expected) = expected else { continue };
            let used = matches!(expected, Expected::Word(word)
                if word.starts_with(char::is_alphabetic) && word != "table" && tokens.contains(&word.as_str()));
            if !used && !found.contains(expected) {
                found.push(expected.clone());
            }
        }
        found
    }

    fn step(&self, states: &BTreeSet<usize>, token: &str) -> BTreeSet<usize> {
        let edges = || states.iter().flat_map(|&state| &self.edges[state]);
        let is_word =
            |expected: &Option<Expected>| matches!(expected, Some(Expected::Word(word)) if word == token);
        let keyword = edges().any(|(expected, _)| is_word(expected));
        let next = edges().filter(|(expected, _)| match expected {
            None => true,
            Some(Expected::Word(word)) => word == token,
            Some(Expected::Slot(slot @ Slot::Terms(_))) => slot.takes(token),
            Some(Expected::Slot(slot)) => !keyword && slot.takes(token),
        });
        self.closure(next.map(|(_, to)| *to).collect())
    }

    fn closure(&self, states: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut open: Vec<usize> = states.iter().copied().collect();
        let mut closed = states;
        while let Some(state) = open.pop() {
            open.extend(self.free[state].iter().copied().filter(|&to| closed.insert(to)));
        }
        closed
    }

    fn state(&mut self) -> usize {
        self.edges.push(Vec::new());
        self.free.push(Vec::new());
        self.edges.len() - 1
    }

    /// Adds the states of a syntax after a state; returns the state after it.
    fn build(&mut self, syntax: &Syntax, from: usize) -> usize {
        match syntax {
            Syntax::One(expected) => {
                let to = self.state();
                self.edges[from].push((Some(expected.clone()), to));
                if matches!(expected, Expected::Slot(Slot::Terms(_))) {
                    self.edges[to].push((Some(expected.clone()), to));
                }
                to
            }
            Syntax::Anything => {
                let to = self.state();
                self.free[from].push(to);
                self.edges[to].push((None, to));
                to
            }
            Syntax::Sequence(parts) => self.build_sequence(parts, from),
            Syntax::Alternatives(parts) => {
                let to = self.state();
                for part in parts {
                    let end = self.build(part, from);
                    self.free[end].push(to);
                }
                to
            }
            Syntax::Optional(part) => {
                let end = self.build(part, from);
                let to = self.state();
                self.free[from].push(to);
                self.free[end].push(to);
                to
            }
            Syntax::List(part) => {
                let start = self.state();
                self.free[from].push(start);
                let end = self.build(part, start);
                self.edges[end].push((Some(Expected::Word(",".into())), start));
                end
            }
        }
    }

    fn build_sequence(&mut self, parts: &[Syntax], mut from: usize) -> usize {
        let mut rest = parts;
        while let [first, after @ ..] = rest {
            let options = rest.iter().take_while(|part| matches!(part, Syntax::Optional(_))).count();
            if options < 2 {
                from = self.build(first, from);
                rest = after;
                continue;
            }
            let around = self.state();
            self.free[from].push(around);
            for option in &rest[..options] {
                let Syntax::Optional(option) = option else { continue };
                let end = self.build(option, around);
                self.free[end].push(around);
            }
            from = around;
            rest = &rest[options..];
        }
        from
    }
}

/// The tokens of a command's arguments: words, strings and quoted names as they are, brackets and commas alone; each
/// with its offset. The last one may be an unfinished string.
pub fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = match first {
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            // A quoted name may be the first half of a channel's.
            '\'' => match rest[1..].find('\'').map(|end| end + 2) {
                Some(end) if rest[end..].starts_with('.') => end + word_length(&rest[end..]),
                Some(end) => end,
                None => rest.len(),
            },
            '{' | '}' | '(' | ')' | ',' | ';' => 1,
            white if white.is_whitespace() => {
                at += white.len_utf8();
                continue;
            }
            _ => word_length(rest),
        };
        found.push((at, &rest[..length]));
        at += length;
    }
    found
}

fn word_length(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || "\"'{}(),;".contains(c)).unwrap_or(text.len())
}

/// A piece of a synopsis.
#[derive(Debug, PartialEq)]
enum Mark<'t> {
    Sign(char),
    Dots,
    Word(&'t str),
    Value { name: &'t str, quoted: bool },
}

fn marks(text: &str) -> Vec<Mark<'_>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if let Some((name, length)) = value(rest) {
            found.push(Mark::Value { name, quoted: first == '"' });
            length
        } else if rest.starts_with("...") {
            found.push(Mark::Dots);
            3
        } else if "[](){}|,".contains(first) {
            found.push(Mark::Sign(first));
            1
        } else {
            let skip = first.len_utf8();
            let length = rest[skip..].find(|c: char| c.is_whitespace() || "[](){}|,<\"".contains(c));
            let length = length.map_or(rest.len(), |length| length + skip);
            found.push(Mark::Word(&rest[..length]));
            length
        };
        rest = rest[length..].trim_start();
    }
    found
}

/// `<name>`, `"<name>"` or `<p>.<c>` at the beginning of a text: the name, and how much of the text it takes.
fn value(text: &str) -> Option<(&str, usize)> {
    if let Some(inner) = text.strip_prefix("\"<") {
        let end = inner.find(">\"")?;
        return Some((&inner[..end], end + 4));
    }
    let inner = text.strip_prefix('<')?;
    let end = inner.find('>')?;
    if let Some(second) = inner[end..].strip_prefix(">.<")
        && let Some(length) = second.find('>')
    {
        return Some(("p.c", 1 + end + 3 + length + 1));
    }
    Some((&inner[..end], end + 2))
}

struct Reader<'t> {
    tokens: &'t [Mark<'t>],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn alternatives(&mut self) -> Syntax {
        let mut all = vec![self.sequence()];
        while self.tokens.get(self.at) == Some(&Mark::Sign('|')) {
            self.at += 1;
            all.push(self.sequence());
        }
        // `a | b [, ...]` is a list of either.
        let list = match all.last_mut() {
            Some(Syntax::Sequence(parts)) if matches!(parts.last(), Some(Syntax::List(_))) => {
                parts.pop().is_some()
            }
            _ => false,
        };
        let whole = Syntax::Alternatives(all);
        if list { Syntax::List(Box::new(whole)) } else { whole }
    }

    fn sequence(&mut self) -> Syntax {
        let mut parts: Vec<Syntax> = Vec::new();
        let mut last_word = None;
        while let Some(mark) = self.tokens.get(self.at) {
            if matches!(mark, Mark::Sign(']' | ')' | '}' | '|')) {
                break;
            }
            self.at += 1;
            let part = match mark {
                Mark::Sign('[') if self.tokens.get(self.at..self.at + 3) == Some(REPEAT) => {
                    self.at += 3;
                    // Only a marker; `alternatives` puts the list around its group.
                    Syntax::List(Box::new(Syntax::Anything))
                }
                Mark::Sign('[') => Syntax::Optional(Box::new(self.group())),
                Mark::Sign('(') => self.group(),
                Mark::Sign('{') => Syntax::Sequence(vec![word("{"), self.group(), word("}")]),
                Mark::Sign(sign) => word(&sign.to_string()),
                Mark::Dots => Syntax::Anything,
                Mark::Word(text) => word(text),
                Mark::Value { name, quoted } => {
                    Syntax::One(Expected::Slot(Slot::named(name, *quoted, last_word)))
                }
            };
            last_word = if let Mark::Word(text) = mark { Some(*text) } else { None };
            parts.push(part);
        }
        Syntax::Sequence(parts)
    }

    /// What stands between brackets, the first of which was read.
    fn group(&mut self) -> Syntax {
        if self.depth >= DEEPEST {
            return Syntax::Sequence(Vec::new());
        }
        self.depth += 1;
        let inner = self.alternatives();
        self.depth -= 1;
        self.at += 1;
        inner
    }
}

const REPEAT: &[Mark<'_>] = &[Mark::Sign(','), Mark::Dots, Mark::Sign(']')];

fn word(text: &str) -> Syntax {
    Syntax::One(Expected::Word(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What may follow, in short: words as they are, slots in angle brackets.
    fn next(synopsis: &str, typed: &str) -> Vec<String> {
        let tokens: Vec<&str> = tokens(typed).into_iter().map(|(_, token)| token).collect();
        let short = |expected: Expected| match expected {
            Expected::Word(word) => word,
            Expected::Slot(Slot::Terms(name) | Slot::Text(name) | Slot::Value(name)) => format!("<{name}>"),
            Expected::Slot(slot) => format!("<{slot:?}>"),
        };
        Synopsis::parse(synopsis).next(&tokens).into_iter().map(short).collect()
    }

    #[test]
    fn options_in_any_order() {
        let route = "[<prefix> | for <ip>] [table <t>] [filter <f> | where <cond>] [all] [stats|count]";
        let all = ["<prefix>", "for", "table", "filter", "where", "all", "stats", "count"];
        assert_eq!(next(route, ""), all);
        assert_eq!(next(route, "for"), ["<ip>"]);
        assert_eq!(next(route, "all table"), ["<Table>"]);
        assert_eq!(
            next(route, "all 10.0.0.0/8 table t1"),
            ["<prefix>", "for", "table", "filter", "where", "stats", "count"]
        );
        assert!(next(route, "where net ~ 10.0.0.0/8").contains(&"all".to_owned()));
        assert!(next(route, "nonsense").is_empty());
    }

    #[test]
    fn one_after_the_other() {
        let debug =
            "(<protocol> | <channel> | \"<pattern>\" | all) (all | off | { states|routes|events [, ...] })";
        assert_eq!(next(debug, ""), ["<Protocol>", "<Channel>", "<Pattern>", "all"]);
        assert_eq!(next(debug, "s1"), ["all", "off", "{"]);
        assert_eq!(next(debug, "\"s*\" {"), ["states", "routes", "events"]);
        assert_eq!(next(debug, "s1 { routes"), [",", "}"]);
        assert_eq!(next(debug, "s1 { routes,"), ["states", "events"]);
        assert!(next(debug, "s1 { routes }").is_empty());
    }

    #[test]
    fn values_by_name() {
        assert_eq!(next("[\"<file>\"] [timeout [<seconds>]]", ""), ["<File>", "timeout"]);
        assert_eq!(next("[\"<file>\"] [timeout [<seconds>]]", "\"a b\" timeout"), ["<File>", "<seconds>"]);
        assert_eq!(next("[import table <p>.<c>]", "import table"), ["<Channel>"]);
        assert_eq!(next("[table <name> | \"<pattern>\"] [<name>]", "table"), ["<Table>"]);
        assert_eq!(next("[<name>]", ""), ["<Protocol>"]);
        assert_eq!(next("<expr>", "1 +"), ["<expr>"]);
        assert_eq!(next("...", "a b"), Vec::<String>::new());
    }

    #[test]
    fn tokens_keep_strings_together() {
        let found: Vec<&str> =
            tokens("s1 {a,b} \"c d\" 'e-f' 'g-h'.i \"j").into_iter().map(|(_, token)| token).collect();
        assert_eq!(found, ["s1", "{", "a", ",", "b", "}", "\"c d\"", "'e-f'", "'g-h'.i", "\"j"]);
    }

    proptest! {
        /// A daemon may send any synopsis, a user may type anything.
        #[test]
        fn never_panics(synopsis in "[\\[\\](){}|,.<>\"a-c ]{0,40}", typed in "[a-c{},'\" é]{0,20}") {
            next(&synopsis, &typed);
        }
    }

    #[test]
    fn deep_nesting_is_cut() {
        next(&"[".repeat(100_000), "");
        next(&"(a ".repeat(1000), "a a a");
    }
}
