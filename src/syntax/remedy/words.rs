//! Words: those of other languages and of BIRD 1, those that are nearly right, and names that are none.

use tern_grammar::{KEYWORDS, Rule, k, keyword_index, t};

use super::{Misfit, advice};

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

/// "did you mean": a keyword that would have fitted and is written nearly the same.
pub(in super::super) fn suggestion(word: &str, expected: &[char]) -> Option<String> {
    let lower = word.to_lowercase();
    let words = expected.iter().filter_map(|c| keyword_index(*c)).filter_map(|i| KEYWORDS.get(i)).copied();
    let near = words.filter_map(|candidate| {
        let distance = strsim::damerau_levenshtein(&lower, candidate);
        // Of a word of one or two letters anything could be made.
        let close = distance <= 1 + candidate.len() / 5 && distance + 1 < lower.len();
        close.then_some((distance, candidate))
    });
    near.min().map(|(_, best)| format!("did you mean `{best}`?"))
}

/// Words that stand for other words here.
pub(super) fn words(m: &Misfit<'_>) -> Option<String> {
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

/// Names that are no names.
pub(super) fn names(m: &Misfit<'_>) -> Option<String> {
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
