//! What to do about a token that does not fit: advice for the mistakes that people make.
//!
//! The grammar knows what would have fitted, but a list of forty words helps nobody. Most mistakes are of a
//! few kinds: a semicolon is missing, an option stands in the wrong block, a text lacks its quotes, a word
//! comes from BIRD 1 or from another language. Each kind is a function that looks at the token, at those
//! before it and at what was expected; the first one with something to say is heard. Which block takes an
//! option is asked of the grammar itself, so the advice cannot be out of date.

mod code;
mod options;
mod spelling;
mod words;

use tern_grammar::pest::Parser as _;
use tern_grammar::{Grammar, KEYWORDS, Rule, k, t};

pub(super) use spelling::unknown_character;
pub use words::foreign_word;
pub(super) use words::suggestion;

/// A token that does not fit, and all that advice may depend on.
pub(super) struct Misfit<'a> {
    /// What was being read.
    pub rule: Rule,
    /// The tokens of the statement before it.
    pub before: &'a str,
    /// The tokens from it on, as far as they are read.
    pub rest: &'a str,
    /// Its character.
    pub found: char,
    /// Whether it is a name that is declared.
    pub known: bool,
    /// Its text as it stands in the file.
    pub raw: &'a str,
    /// The file from there on, a few words of it.
    pub ahead: &'a str,
    /// The text of the token before it; empty at the start of a statement.
    pub last: &'a str,
    /// Whether nothing stands between the two.
    pub glued: bool,
    /// The line of the token before it, if that is an earlier one.
    pub line_above: Option<u32>,
    /// What would have fitted.
    pub expected: &'a [char],
}

/// The block a token stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In none.
    Outside,
    /// In commands of a filter or function.
    Code,
    /// In a channel.
    Channel,
    /// In another block of options.
    Options,
}

/// The rules of items of protocols, and what takes them.
const BLOCKS: [(Rule, &str); 5] = [
    (Rule::static_one, "static"),
    (Rule::kernel_one, "kernel"),
    (Rule::device_one, "device"),
    (Rule::direct_one, "direct"),
    (Rule::pipe_one, "pipe"),
];

/// What to do.
pub(super) fn remedy(m: &Misfit<'_>) -> Option<String> {
    shadowed(m)
        .or_else(|| spelling::characters(m))
        .or_else(|| words::words(m))
        .or_else(|| words::names(m))
        .or_else(|| spelling::quotes(m))
        .or_else(|| code::code(m))
        .or_else(|| code::sets(m))
        .or_else(|| options::policies(m))
        .or_else(|| options::routes(m))
        .or_else(|| semicolon(m))
        .or_else(|| spelling::numbers(m))
        .or_else(|| options::heads(m))
        .or_else(|| options::start(m))
        .or_else(|| options::elsewhere(m))
}

impl Misfit<'_> {
    fn expects(&self, c: char) -> bool {
        self.expected.contains(&c)
    }

    fn expects_class(&self, class: u8) -> bool {
        self.expects(class as char)
    }

    fn is_class(&self, class: u8) -> bool {
        self.found == class as char
    }

    /// A name or keyword.
    fn is_word(&self) -> bool {
        self.is_class(t::SYM) || !self.found.is_ascii()
    }

    fn previous(&self) -> Option<char> {
        self.before.chars().next_back()
    }

    fn begins_with(&self, c: char) -> bool {
        self.before.starts_with(c)
    }

    fn in_block(&self) -> bool {
        BLOCKS.iter().any(|(rule, _)| *rule == self.rule)
    }

    fn in_set(&self) -> bool {
        matches!(self.rule, Rule::set_whole | Rule::prefix_whole)
    }

    /// The innermost block that is open here, and how many round brackets are open in it.
    fn place(&self) -> (Place, usize) {
        let mut open: Vec<(Place, usize)> = vec![(Place::Outside, 0)];
        let mut previous = ' ';
        for c in self.before.chars() {
            let code = open.iter().any(|(place, _)| *place == Place::Code);
            match c {
                '{' => {
                    let channel = matches!(previous, k::IPV4 | k::IPV6 | k::SADR | k::VPN4 | k::VPN6)
                        || matches!(previous, k::ROA4 | k::ROA6 | k::FLOW4 | k::FLOW6 | k::MPLS | k::ETH);
                    let begins = self.begins_with(k::FILTER)
                        || self.begins_with(k::FUNCTION)
                        || previous == k::FILTER
                        || self.begins_with(k::ROUTE);
                    open.push((
                        match () {
                            () if code || begins => Place::Code,
                            () if channel && self.in_block() => Place::Channel,
                            () => Place::Options,
                        },
                        0,
                    ));
                }
                '}' if open.len() > 1 => drop(open.pop()),
                '(' => {
                    if let Some(last) = open.last_mut() {
                        last.1 += 1;
                    }
                }
                ')' => {
                    if let Some(last) = open.last_mut() {
                        last.1 = last.1.saturating_sub(1);
                    }
                }
                _ => {}
            }
            previous = c;
        }
        open.pop().unwrap_or((Place::Outside, 0))
    }

    fn in_code(&self) -> bool {
        self.place().0 == Place::Code || matches!(self.rule, Rule::where_wrong | Rule::body_wrong)
    }

    fn is_after_word(&self) -> bool {
        self.previous().is_some_and(|c| !c.is_ascii() || c == t::SYM as char)
    }

    /// Whether the token begins an option that would be right by itself.
    fn begins_another(&self) -> bool {
        let fits = |rule| Grammar::parse(rule, self.rest).is_ok();
        self.in_block() && (fits(self.rule) || self.place().0 == Place::Channel && fits(Rule::channel_option))
    }

    /// Behind `where`.
    fn in_policy(&self) -> bool {
        self.before.contains(k::WHERE)
    }
}

fn advice(text: impl Into<String>) -> Option<String> {
    Some(text.into())
}

/// A keyword that is none any more, because something of its name was defined.
fn shadowed(m: &Misfit<'_>) -> Option<String> {
    let taken = |word: &str| {
        KEYWORDS.contains(&word).then(|| {
            format!("`{word}` is a name since it was defined above, and a keyword no longer; give that another name")
        })
    };
    if m.is_class(t::SYM) && m.known {
        return taken(m.raw);
    }
    let after_word = m.previous() == Some(t::SYM as char);
    if after_word && m.in_code() { taken(m.last) } else { None }
}

/// A missing semicolon: the commonest mistake of all.
fn semicolon(m: &Misfit<'_>) -> Option<String> {
    if m.in_set() || !m.expects(';') || m.previous().is_none() {
        return None;
    }
    let begins = m.is_word() || m.found == '}' || matches!(m.found, '4' | '6' | 'P' | 'Q');
    if let Some(line) = m.line_above.filter(|_| begins || m.found == '{') {
        return advice(format!("a `;` is missing at the end of line {line}"));
    }
    let unit = matches!(m.found, k::S | k::MS | k::US);
    match m.found {
        '}' => advice("a `;` is missing before the `}`"),
        _ if unit => None,
        _ if !m.found.is_ascii() && m.begins_another() => advice("a `;` is missing before this"),
        _ if m.in_code() && matches!(m.found, k::ACCEPT | k::REJECT | k::RETURN | k::IF | k::PRINT) => {
            advice("a `;` is missing before this")
        }
        _ => None,
    }
}
