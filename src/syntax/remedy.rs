//! What to do about a token that does not fit: advice for the mistakes that people make.
//!
//! The grammar knows what would have fitted, but a list of forty words helps nobody. Most mistakes are of a few kinds: a semicolon is missing, an option
//! stands in the wrong block, a text lacks its quotes, a word comes from BIRD 1 or from another language. Each kind is a function here
//! that looks at the token, at those before it and at what was expected; the first one with something to say is heard. Which block
//! takes an option is asked of the grammar itself, so the advice cannot be out of date.

use tern_grammar::pest::Parser as _;
use tern_grammar::{Grammar, KEYWORDS, OPTION_KEYS, Rule, k, t};

use super::errors::suggestion;

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

/// Words of other languages and of BIRD 1, where commands stand.
const CODE_WORDS: &[(&str, &str)] = &[
    ("and", "`and` is written `&&`"),
    ("or", "`or` is written `||`"),
    ("not", "`not` is written `!`"),
    ("elsif", "write `else if CONDITION then ...`"),
    ("elif", "write `else if CONDITION then ...`"),
    ("elseif", "write `else if CONDITION then ...`"),
    ("permit", "a route is let through by `accept`"),
    ("allow", "a route is let through by `accept`"),
    ("pass", "a route is let through by `accept`"),
    ("deny", "a route is thrown away by `reject`"),
    ("drop", "a route is thrown away by `reject`"),
    ("discard", "a route is thrown away by `reject`"),
    ("break", "cases of a `case` end by themselves"),
    ("default", "what fits no case stands behind `else:`"),
    ("switch", "write `case TERM { VALUE: ...; else: ...; }`"),
    ("while", "the only loop is `for TYPE NAME in LIST do ...`"),
    ("foreach", "the only loop is `for TYPE NAME in LIST do ...`"),
    ("var", "a variable is declared by its type: `int n = 5;`"),
    ("let", "a variable is declared by its type: `int n = 5;`"),
    ("str", "the type is called `string`"),
    ("integer", "the type is called `int`"),
    ("number", "the type is called `int`"),
    ("boolean", "the type is called `bool`"),
    ("exists", "whether a route has an attribute is asked by `defined(bgp_med)`"),
    ("isset", "whether a route has an attribute is asked by `defined(bgp_med)`"),
    ("null", "an attribute is removed by `unset(...)`, and asked for by `defined(...)`"),
    ("local_pref", "the attribute is called `bgp_local_pref`"),
    ("localpref", "the attribute is called `bgp_local_pref`"),
    ("med", "the attribute is called `bgp_med`"),
    ("as_path", "the attribute is called `bgp_path`"),
    ("aspath", "the attribute is called `bgp_path`"),
    ("community", "the attribute is called `bgp_community`"),
    ("next_hop", "the attribute is called `bgp_next_hop`"),
    ("nexthop", "the gateway is called `gw`, the attribute of BGP `bgp_next_hop`"),
    ("prefix_list", "lists of prefixes are sets: `net ~ [ 10.0.0.0/8+ ]`"),
];

/// The same where statements and options stand.
const WORDS: &[(&str, &str)] = &[
    ("include", "the file of an include stands in double quotes: `include \"more.conf\";`"),
    ("listen", "BIRD 1: address and port stand in each bgp protocol, `local 192.0.2.1 port 1179 as 65000;`"),
    ("exceed", "the action stands behind `action`: `import limit 10 action block;`"),
    ("password", "BIRD 1: `authentication` and `password` stand inside the protocol they belong to"),
    ("channel", "a channel begins with its type: `ipv4 { import all; };`"),
    ("transparent", "pipes are always transparent: leave `mode` out"),
];

/// What a word of another language is called here.
pub fn foreign_word(word: &str) -> Option<&'static str> {
    CODE_WORDS.iter().find(|(w, _)| *w == word).map(|(_, text)| *text)
}

/// What to do.
pub(super) fn remedy(m: &Misfit<'_>) -> Option<String> {
    shadowed(m)
        .or_else(|| characters(m))
        .or_else(|| words(m))
        .or_else(|| names(m))
        .or_else(|| quotes(m))
        .or_else(|| code(m))
        .or_else(|| sets(m))
        .or_else(|| policies(m))
        .or_else(|| routes(m))
        .or_else(|| semicolon(m))
        .or_else(|| numbers(m))
        .or_else(|| heads(m))
        .or_else(|| start(m))
        .or_else(|| elsewhere(m))
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

/// Punctuation of other languages.
fn characters(m: &Misfit<'_>) -> Option<String> {
    let fresh = m.before.is_empty() || m.line_above.is_some();
    match m.found {
        '/' if m.ahead.starts_with("//") => advice("comments begin with `#`, or stand between `/*` and `*/`"),
        '!' | '%' if fresh => advice("comments begin with `#`, or stand between `/*` and `*/`"),
        '*' if m.ahead.starts_with("*/") => advice("the comment has ended already: comments do not nest"),
        '-' if m.glued && m.is_after_word() => {
            let next: String =
                m.ahead.chars().skip(1).take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let spaced = format!("{} {next}", m.last);
            if OPTION_KEYS.contains(&spaced.as_str()) {
                return advice(format!("these are two words: `{spaced}`"));
            }
            let last = m.last;
            advice(format!("names hold no `-`: write `{last}_{next}`, or `'{last}-{next}'` in single quotes"))
        }
        '=' if m.previous() == Some('=') => advice("equality is a single `=`"),
        ':' | '+' | '-' | '*' | '/'
            if m.ahead.get(1..).is_some_and(|a| a.starts_with('=')) && m.expects('=') =>
        {
            match m.found {
                ':' => advice("a value is assigned by a single `=`"),
                sign => advice(format!("write it out: `{} = {} {sign} ...`", m.last, m.last)),
            }
        }
        '=' | ':' if !m.in_code() && !m.expects(m.found) && !m.in_set() && m.is_after_word() => {
            advice(format!("options have no `{}`: the value follows the words", m.found))
        }
        ':' if m.expects('=') => advice("a value is assigned by a single `=`"),
        _ => None,
    }
}

impl Misfit<'_> {
    fn is_after_word(&self) -> bool {
        self.previous().is_some_and(|c| !c.is_ascii() || c == t::SYM as char)
    }
}

/// Words that stand for other words here.
fn words(m: &Misfit<'_>) -> Option<String> {
    if !m.is_word() {
        return None;
    }
    let lower = m.raw.to_lowercase();
    let among =
        |list: &[(&str, &str)]| list.iter().find(|(w, _)| *w == lower).map(|(_, text)| (*text).to_owned());
    if m.in_code() || m.in_policy() {
        return among(CODE_WORDS);
    }
    among(WORDS)
}

impl Misfit<'_> {
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

/// Names that are no names.
fn names(m: &Misfit<'_>) -> Option<String> {
    let digit = m.raw.starts_with(|c: char| c.is_ascii_digit());
    let letters = m.ahead.trim_start_matches(|c: char| c.is_ascii_digit());
    let new = matches!(m.previous(), Some(k::TABLE | k::DEFINE | k::FILTER | k::FUNCTION))
        || m.rule == Rule::proto_head;
    if m.is_class(t::NUM) && digit && new && letters.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return advice("a name begins with a letter; in single quotes it may begin with a digit: `'2nd'`");
    }
    if !m.found.is_ascii() && m.expected == ['s'] {
        return advice(format!("`{}` is a word of the language, and nothing above is called so", m.raw));
    }
    if m.is_class(t::TEXT) && m.rule == Rule::proto_head {
        return advice(format!("a name has no double quotes: `{}`", m.raw.trim_matches('"')));
    }
    None
}

/// Texts without quotes, and what has quotes but is none.
fn quotes(m: &Misfit<'_>) -> Option<String> {
    if m.raw.starts_with('\'') && (m.expects_class(t::TEXT) || m.in_code()) {
        return advice("single quotes are for names; a text stands in double quotes");
    }
    if m.is_class(t::TEXT) && !m.expects_class(t::TEXT) && !m.in_code() && !m.in_set() {
        let inside = m.raw.trim_matches('"');
        if m.expects_class(t::NUM) && inside.parse::<u32>().is_ok() {
            return advice(format!("a number has no quotes: `{inside}`"));
        }
        if m.expects_class(t::IP4) && inside.parse::<std::net::IpAddr>().is_ok() {
            return advice(format!("an address has no quotes: `{inside}`"));
        }
        if m.expects(',') && m.last.starts_with('"') {
            return advice("a `,` is missing before this");
        }
        if m.expects_class(t::NUM) && m.expects_class(t::SYM) && m.expected.len() < 6 {
            return advice("numbers and names of constants have no quotes");
        }
        if m.expects_class(t::SYM) && m.expected.len() < 4 {
            return advice("a name has no quotes");
        }
        return None;
    }
    let unquoted = m.is_word() && !(m.is_class(t::SYM) && m.known);
    if m.begins_with(k::LOG) && m.found == k::ALL {
        return advice("a log has a place: `log syslog all;`, `log \"/var/log/bird.log\" all;`");
    }
    if unquoted && m.expects_class(t::TEXT) && !m.expects('\0') && m.expected.len() < 12 && !m.in_code() {
        return advice(format!("a text stands in double quotes: `\"{}\"`", m.raw));
    }
    if m.found == '/' && m.expects_class(t::TEXT) && !m.in_code() {
        return advice("a file name stands in double quotes");
    }
    let compared: Vec<char> = m.before.chars().rev().take(2).collect();
    if unquoted && m.in_code() && matches!(compared[..], ['=' | '~' | 'N', k::IFNAME | k::PROTO]) {
        return advice(format!("a text stands in double quotes: `\"{}\"`", m.raw));
    }
    None
}

/// Commands of filters and functions, and their heads.
fn code(m: &Misfit<'_>) -> Option<String> {
    let head = m.begins_with(k::FUNCTION) || m.begins_with(k::FILTER);
    if head && !m.before.contains('{') {
        let filter = m.begins_with(k::FILTER);
        let open = m.before.contains('(') && !m.before.contains(')');
        return match m.found {
            '(' if filter => {
                advice("a filter takes no arguments; write a function, and call it from a filter")
            }
            '{' if filter => advice("a filter has a name: `filter NAME { ... }`"),
            '{' => advice("a function has brackets, even without arguments: `function NAME() { ... }`"),
            ',' if open => advice(
                "where a function is defined its arguments are parted by `;`, where it is called by `,`",
            ),
            ':' if open => advice("the type stands before the name: `prefix p`"),
            _ if open && m.is_class(t::SYM) && matches!(m.previous(), Some('(' | ';')) => {
                advice(format!("an argument has a type: `prefix {}`", m.raw))
            }
            _ => None,
        };
    }
    let (_, brackets) = m.place();
    if !m.in_code() {
        return None;
    }
    let previous = m.previous();
    match m.found {
        k::THEN => None,
        _ if m.expects(k::THEN) && (m.is_word() || m.found == '{') => {
            advice("`then` is missing: `if CONDITION then COMMAND`")
        }
        k::ELSE if m.expects_class(t::ELSECOL) => {
            advice("what fits no case stands behind `else:`, with a colon")
        }
        ';' if brackets > 0 => advice("values are parted by `,`"),
        ';' if previous == Some('}') => advice("no `;` stands behind a block of commands"),
        ',' if matches!(previous, Some('P' | 'Q')) => {
            advice("several prefixes are a set, in brackets: `[ 10.0.0.0/8, ... ]`")
        }
        '(' if previous == Some(k::FOR) => advice("the only loop is `for TYPE NAME in LIST do ...`"),
        k::ADD | k::DELETE => advice(format!(
            "as a command it is written behind the attribute: `bgp_community.{}(...);`",
            m.raw
        )),
        k::FILTER | k::FUNCTION => advice(
            "filters and functions are defined at the top of the file, not inside another one: is a `}` missing above?",
        ),
        k::PROTOCOL | k::TEMPLATE | k::DEFINE => {
            advice("a filter or function above is not closed: a `}` is missing")
        }
        k::BGPPATH => advice("`bgppath` is a type; the attribute is called `bgp_path`"),
        k::IGP => advice("the constants are called `ORIGIN_IGP`, `ORIGIN_EGP` and `ORIGIN_INCOMPLETE`"),
        k::BLACKHOLE | k::UNREACHABLE | k::PROHIBIT if previous == Some('=') => {
            advice(format!("the constant is called `RTD_{}`", m.raw.to_uppercase()))
        }
        _ if matches!(previous, Some(k::ACCEPT | k::REJECT)) && m.expects(';') && m.found == k::ALL => {
            advice(format!("`{};` is all of the command", m.last))
        }
        _ if previous == Some(k::PRINT) || m.last.starts_with('"') && m.expects(',') && m.is_word() => {
            advice("a `,` is missing: what is printed is parted by commas")
        }
        _ => None,
    }
}

/// Sets.
fn sets(m: &Misfit<'_>) -> Option<String> {
    if m.found == '{' && m.begins_with(k::DEFINE) {
        return advice("a set stands in brackets: `[ 10.0.0.0/8, 192.168.0.0/16 ]`");
    }
    if !m.in_set() {
        return None;
    }
    match m.found {
        '*' => advice("a mask of paths stands in `[= ... =]`: `bgp_path ~ [= * 65000 * =]`"),
        ']' if m.previous() == Some(',') || m.last == "," => advice("no `,` stands behind the last member"),
        ']' if m.expects('/') => advice("an address is no prefix: write its length, `192.0.2.1/32`"),
        ';' => advice("members of a set are parted by `,`, and the set ends with `]`"),
        '}' | '-' | 'D' if m.expects(',') && !m.expects(']') => advice(
            "lengths are a pair: `10.0.0.0/8{16,24}`; `+` stands for all longer ones, `-` for all shorter ones",
        ),
        '-' if m.expects_class(t::DDOT) => advice("a range is written with two dots: `64512..65534`"),
        '.' => advice("a range is written with two dots: `64512..65534`"),
        '+' if m.expects_class(t::DDOT) => advice("`+` stands behind the length: `10.0.0.0/8+`"),
        ')' if m.previous() == Some(t::DDOT as char) => {
            advice("a range has two ends, `1..65535`, and `*` stands for all")
        }
        '(' | ')' => None,
        _ if m.is_word() && matches!(m.raw, "le" | "ge") => advice(
            "lengths stand in braces: `10.0.0.0/8{8,24}` for those up to 24, `10.0.0.0/8{24,32}` from 24 on",
        ),
        _ if m.is_class(t::TEXT) => {
            advice("sets hold no texts; compare them one by one, or with a pattern: `ifname ~ \"eth*\"`")
        }
        _ if m.expects(',') && (m.line_above.is_some() || !m.is_word()) => match m.line_above {
            Some(line) => advice(format!("a `,` is missing at the end of line {line}")),
            None => advice("a `,` is missing before this"),
        },
        _ => None,
    }
}

/// Import and export, and what else stands in channels.
fn policies(m: &Misfit<'_>) -> Option<String> {
    if m.expects(k::WHERE) && m.expects(k::NONE) {
        let way = m.last;
        return match m.found {
            k::ACCEPT | k::YES | k::ON | k::TRUE => advice(format!("write `{way} all`")),
            k::REJECT | k::NO | k::OFF | k::FALSE => advice(format!("write `{way} none`")),
            k::IMPORT | k::EXPORT => {
                advice("each direction has a statement of its own: `import all; export all;`")
            }
            '{' => advice(format!("write `{way} filter {{ ... }}`")),
            _ if m.is_class(t::SYM) && m.known => advice(format!(
                "`{way} filter {}` for a filter, `{way} where {}()` for a function",
                m.raw, m.raw
            )),
            _ if m.is_class(t::SYM) => None,
            _ => advice(format!("a condition stands behind `where`: `{way} where ...`")),
        };
    }
    let policy = matches!(m.before.chars().rev().nth(1), Some(k::IMPORT | k::EXPORT));
    if policy && m.previous() == Some(k::FILTER) && m.found == ';' {
        return advice("the name of the filter is missing, or its commands in braces");
    }
    let call = m.before.chars().rev().take(2).eq([t::SYM as char, k::FILTER]);
    if m.found == '(' && call && m.in_block() {
        return advice(format!("a function is called in a condition: `where {}()`", m.last));
    }
    let channel = matches!(m.previous(), Some(k::IPV4 | k::IPV6));
    if channel && m.is_word() && matches!(m.raw, "unicast" | "multicast" | "labeled") {
        return advice(format!("nothing stands behind the type: `{} {{ ... }};`", m.last));
    }
    if m.place().0 != Place::Channel {
        return None;
    }
    match m.found {
        k::IN => advice("the directions are called `import` and `export`"),
        k::ROUTE if m.rest.chars().nth(1) == Some(k::LIMIT) => {
            advice("BIRD 1: write `import limit`, or `receive limit` to count before the filter")
        }
        k::ROUTE => advice("routes stand beside the channel, not inside it: is its `};` missing above?"),
        k::PROTOCOL | k::TEMPLATE => advice("the channel above is not closed: `};` is missing"),
        _ => None,
    }
}

/// Routes of static protocols.
fn routes(m: &Misfit<'_>) -> Option<String> {
    if m.rule != Rule::static_one {
        return None;
    }
    if m.before.is_empty() {
        let prefix = matches!(m.found, '4' | '6' | 'P' | 'Q');
        return prefix.then(|| "the word `route` is missing before the prefix".to_owned());
    }
    if !m.begins_with(k::ROUTE) || m.in_code() && !m.expects('=') {
        return None;
    }
    let behind_net = m.before.chars().count() <= 2;
    match m.found {
        k::DEFAULT => advice("the default route is `0.0.0.0/0`, or `::/0`"),
        _ if m.is_class(t::NUM) && m.before.chars().count() == 1 => {
            advice("a prefix is written in full: `10.0.0.0/8`")
        }
        _ if m.expected == ['/'] => advice("a prefix is ADDRESS/LENGTH: `192.0.2.0/24`, `192.0.2.1/32`"),
        '4' | '6' if m.expected == ['n'] => {
            advice("the length of a prefix is a number of bits: `10.0.0.0/8`")
        }
        _ if m.in_code() && m.expects('=') => advice(format!("an attribute is set by `{} = ...;`", m.last)),
        '4' | '6' if behind_net => advice(format!("the gateway stands behind `via`: `via {}`", m.raw)),
        k::DEV if behind_net => advice("an interface stands behind `via`, too: `via \"eth0\"`"),
        k::METRIC | k::PREFERENCE if !m.in_code() => {
            advice("attributes of a route stand in braces: `{ krt_metric = 10; }`")
        }
        ',' => advice("each gateway has a `via` of its own: `via 192.0.2.1 via 192.0.2.2`"),
        '/' if m.expects(k::VIA) => advice("a gateway is an address, without a length"),
        k::AS if m.expects(k::VIA) || m.expects(k::BLACKHOLE) || behind_net => {
            advice("a ROA has a longest length, too: `route 192.0.2.0/24 max 24 as 65000;`")
        }
        _ if behind_net && m.is_word() && matches!(m.raw, "gateway" | "gw" | "nexthop") => {
            advice("the gateway stands behind `via`: `via 192.0.2.1`")
        }
        _ => None,
    }
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

/// Numbers, times and addresses.
fn numbers(m: &Misfit<'_>) -> Option<String> {
    let after_number = m.previous() == Some(t::NUM as char);
    match m.found {
        k::S | k::MS | k::US if after_number && m.expects(';') => {
            advice("no unit stands here: the number is of seconds")
        }
        ';' | '}' if m.expects(k::MS) => advice(format!("the unit is missing: `{} s`", m.last)),
        '+' | '-' | '*' | '/' if m.expects(';') && !m.in_code() && after_number => {
            advice("a calculation stands in brackets: `(5 + 5)`")
        }
        '.' if m.begins_with(k::ROUTER) => advice("an IPv4 address has four parts: `192.0.2.1`"),
        '.' if after_number => advice("only whole numbers are taken"),
        '-' if m.expects_class(t::NUM) && !m.in_code() => advice("only numbers from 0 on are taken"),
        '6' if m.expects_class(t::IP4) && m.begins_with(k::ROUTER) => {
            advice("a router id is an IPv4 address or a number, also where only IPv6 is routed")
        }
        _ => None,
    }
}

/// The heads of protocols.
fn heads(m: &Misfit<'_>) -> Option<String> {
    if m.rule != Rule::proto_head {
        return None;
    }
    let kind = m.previous().is_some_and(|c| matches!(c, k::PROTOCOL | k::TEMPLATE));
    match m.found {
        '{' if kind => advice("which one? `protocol static { ... }`, for example"),
        _ if kind && suggestion(m.raw, m.expected).is_some() => None,
        _ if kind && m.is_class(t::SYM) => advice(format!("there is no protocol of the kind `{}`", m.raw)),
        ';' | '}' => advice("a protocol has a block, if an empty one: `protocol device { }`"),
        '(' => advice("the block of a protocol stands in braces: `{ ... }`"),
        _ if m.line_above.is_some() => advice("the block of the protocol begins with `{`, which is missing"),
        _ if !m.found.is_ascii() => advice("the block of the protocol begins with `{`, which is missing"),
        _ if m.is_word() && m.expects('{') && m.expects(k::FROM) => {
            advice("a protocol has one name; what it is based on stands behind `from`")
        }
        _ => None,
    }
}

/// Options that stand in the wrong block.
fn elsewhere(m: &Misfit<'_>) -> Option<String> {
    let fresh = m.before.is_empty();
    if !fresh || !(m.in_block() || m.rule == Rule::statement) || !m.is_word() {
        return None;
    }
    let fits = |rule| Grammar::parse(rule, m.rest).is_ok();
    let own = BLOCKS.iter().find(|(rule, _)| *rule == m.rule).map(|(_, kind)| *kind);
    if m.in_block()
        && (matches!(m.found, k::PROTOCOL | k::TEMPLATE) || fits(Rule::statement) && m.found != k::DEBUG)
    {
        return advice("this stands outside of protocols: is the `}` of the block missing above?");
    }
    if fits(Rule::channel_option) {
        return match own {
            Some("device") => advice("a device protocol has no channels and moves no routes"),
            Some("pipe") => None,
            Some(_) => advice(format!("this stands inside a channel: `ipv4 {{ {} ...; }};`", m.raw)),
            None => advice(
                "this stands inside a channel of a protocol: `protocol static { ipv4 { import all; }; }`",
            ),
        };
    }
    let takers: Vec<String> =
        BLOCKS.iter().filter(|(rule, _)| fits(*rule)).map(|(_, kind)| format!("`protocol {kind}`")).collect();
    let Some((last, others)) = takers.split_last() else {
        return own.filter(|_| m.found == k::NEIGHBOR || m.found == k::LOCAL).map(|kind| {
            format!("this belongs to protocols that talk to others, such as bgp; a {kind} protocol does not")
        });
    };
    let list = if others.is_empty() { last.clone() } else { format!("{} and {last}", others.join(", ")) };
    match own {
        Some("device") if matches!(m.found, k::IPV4 | k::IPV6) => {
            advice("a device protocol has no channels and moves no routes")
        }
        Some("pipe") if matches!(m.found, k::IPV4 | k::IPV6) => advice(
            "a pipe has no channels: `table`, `peer table`, `import` and `export` stand in it directly",
        ),
        Some(kind) => advice(format!("not an option of a {kind} protocol; it stands in {list}")),
        None => advice(format!("this is an option of protocols; it stands in {list}")),
    }
}

/// The beginning of a statement or option.
fn start(m: &Misfit<'_>) -> Option<String> {
    let top = m.rule == Rule::statement;
    if !m.before.is_empty() || !(top || m.in_block()) {
        return None;
    }
    let kinds = [
        k::STATIC,
        k::KERNEL,
        k::DEVICE,
        k::DIRECT,
        k::PIPE,
        k::BGP,
        k::OSPF,
        k::RIP,
        k::BABEL,
        k::BFD,
        k::RADV,
        k::RPKI,
        k::MRT,
    ];
    match m.found {
        c if top && kinds.contains(&c) => {
            return advice(format!("the word `protocol` is missing: `protocol {} ...`", m.raw));
        }
        k::TABLE if top => return advice("a table has a type: `ipv4 table customers;`"),
        k::TABLE => return advice("the table is named in the channel: `ipv4 { table customers; };`"),
        k::ROA => {
            return advice(
                "such a table has a family, `roa4 table r;`, and its routes come from a protocol, e.g. static with a roa4 channel",
            );
        }
        k::DEVICE if m.in_block() => {
            return advice("BIRD 1: routes of interfaces come from `protocol direct`");
        }
        k::IMPORT | k::EXPORT if top => {
            return advice(
                "`import` and `export` stand inside a channel: `protocol static { ipv4 { import all; }; }`",
            );
        }
        k::IF | k::ELSE | k::RETURN | k::CASE | k::FOR | k::PRINT | k::ACCEPT | k::REJECT if top => {
            return advice(format!(
                "`{}` stands in filters and functions only: is there a `}}` too many above?",
                m.raw
            ));
        }
        k::MODE => return advice("pipes are always transparent: leave `mode` out"),
        '}' => return advice("this `}` closes nothing: one is too many here or above"),
        _ => {}
    }
    if m.is_word() {
        let plain = |word: &str| word.to_lowercase().replace(['-', '_', ' '], "");
        let word = plain(m.raw);
        if let Some(key) = OPTION_KEYS.iter().find(|key| plain(key) == word && key.contains(' ')) {
            return advice(format!("these are several words: `{key}`"));
        }
        let first = ["protocol", "template", "include", "filter", "function", "define"];
        let near = |w: &str| strsim::damerau_levenshtein(w, &m.raw.to_lowercase()) <= 2;
        if let Some(meant) = first.iter().find(|w| top && near(w)) {
            return advice(format!("did you mean `{meant}`?"));
        }
        return None;
    }
    top.then(|| "a statement begins with a word, such as `protocol`, `filter` or `define`".to_owned())
}

/// Advice about a byte that is none of the language.
pub(super) fn unknown_character(text: &str) -> Option<&'static str> {
    Some(match text.chars().next()? {
        '\r' => "the file has the line ends of another system; only newlines are taken (`tr -d '\\r'`)",
        '\u{feff}' => "the file begins with a byte order mark: save it as UTF-8 without one",
        '\0' => "this is no text, or one in UTF-16: save it as UTF-8",
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{3000}' => {
            "this looks like a blank but is another character, perhaps from a web page: write a plain blank"
        }
        '\u{2018}'..='\u{201f}' | '«' | '»' | '`' => "quotes are plain `\"`",
        '\u{2010}'..='\u{2015}' | '\u{2212}' => {
            "this is a dash of typography: write a plain `-`, in pairs of lengths a `,`"
        }
        '$' | '@' => "constants and variables are called by their bare names",
        '\\' => "the backslash has no meaning: a text cannot hold a `\"`",
        '\u{fffd}' => "this is no UTF-8; outside of texts and comments only ASCII is taken",
        c if !c.is_ascii() => "only ASCII is taken outside of texts and comments",
        _ => return None,
    })
}
