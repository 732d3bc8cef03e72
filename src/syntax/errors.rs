//! Syntax errors in BIRD's words: the unexpected token, and what would have fitted if that is a short list.

use std::sync::{Mutex, PoisonError};

use tern_grammar::pest::{self, Parser as _};
use tern_grammar::{Grammar, KEYWORDS, Rule, k, keyword_index, t};

use super::ast::{Span, Tok};
use super::diag::Diagnostic;
use super::names::{Names, Sym};
use super::remedy::{Misfit, remedy, suggestion};
use super::scope::{is_net_type, is_type};
use super::source::Sources;
use super::tokens::{KNOWN, Token, Tokens};

/// BIRD tells what it expected only when that is at most this many things.
const MAX_EXPECTED: usize = 4;

/// pest notes what it expected only when asked to, and is asked for all threads at once.
static DETAIL: Mutex<()> = Mutex::new(());

/// BIRD's name of a token.
fn token_name(c: char, known: bool) -> String {
    let Some(class) = c.is_ascii().then_some(c as u8) else {
        return keyword_index(c).and_then(|i| KEYWORDS.get(i)).map(|w| w.to_uppercase()).unwrap_or_default();
    };
    match class {
        t::NUM => "NUM",
        t::SYM if known => "CF_SYM_KNOWN",
        t::SYM => "CF_SYM_UNDEFINED",
        t::TEXT => "TEXT",
        t::IP4 | t::NET4 => "IP4",
        t::IP6 | t::NET6 => "IP6",
        t::RD => "VPN_RD",
        t::MAC => "MAC",
        t::BYTES => "BYTETEXT",
        t::ENUM => "ENUM_TOKEN",
        t::SET => "'['",
        t::ELSECOL => "ELSECOL",
        t::DDOT => "DDOT",
        t::NE => "NEQ",
        t::NMATCH => "NMA",
        t::LE => "LEQ",
        t::GE => "GEQ",
        t::AND => "AND",
        t::OR => "OR",
        t::ARROW => "ARROW",
        t::PP => "PP",
        t::PO => "PO",
        t::PC => "PC",
        _ => return format!("'{c}'"),
    }
    .to_owned()
}

/// `syntax error, unexpected TOKEN`
pub(super) fn unexpected(c: char, known: bool) -> String {
    format!("syntax error, unexpected {}", token_name(c, known))
}

/// A failed match: where, and what would have fitted there.
pub(super) struct Failure {
    /// Byte in the matched string.
    pub at: usize,
    /// Characters.
    pub expected: Vec<char>,
}

/// Matches `rule` once more, slowly, to learn why it does not.
pub(super) fn explain(rule: Rule, text: &str) -> Failure {
    let guard = DETAIL.lock().unwrap_or_else(PoisonError::into_inner);
    pest::set_error_detail(true);
    let result = Grammar::parse(rule, text);
    pest::set_error_detail(false);
    drop(guard);
    let Err(error) = result else { return Failure { at: 0, expected: Vec::new() } };
    let Some(attempts) = error.parse_attempts() else {
        let at = match error.location {
            pest::error::InputLocation::Pos(at) | pest::error::InputLocation::Span((at, _)) => at,
        };
        return Failure { at, expected: Vec::new() };
    };
    let mut expected = Vec::new();
    for token in attempts.expected_tokens() {
        let shown = token.to_string();
        if shown == "\u{2}" {
            continue;
        }
        let mut chars = shown.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            expected.push(c);
        } else {
            // A range of keywords stands for many.
            expected.push('\0');
        }
    }
    Failure { at: attempts.max_position, expected }
}

/// What would have fitted at byte `at` of a text whose beginning is right.
fn expected_at(rule: Rule, text: &str, at: usize, instead: &str) -> Vec<char> {
    let mut changed = text.get(..at).unwrap_or_default().to_owned();
    changed.push_str(instead);
    let failure = explain(rule, &changed);
    if failure.at + 1 == changed.len() { failure.expected } else { Vec::new() }
}

/// The complaint about a failure at byte `start + failure.at` of the tokens; `next` is the token behind them,
/// if the file has one more. `None` when the lexer has complained about that place already.
#[allow(clippy::too_many_arguments, reason = "all of what the driver knows about the place")]
pub(super) fn syntax_error(
    rule: Rule,
    tokens: &Tokens,
    names: &Names,
    sources: &Sources,
    start: usize,
    failure: &Failure,
    next: Option<Token>,
    end: Tok,
) -> Option<Diagnostic> {
    let mut at = start + failure.at;
    let mut expected: Vec<char> = failure.expected.clone();
    let text = &tokens.text;
    if text.get(start..at).is_some_and(|s| s.contains(t::BAD as char))
        || tokens.char_at(at) == Some(t::BAD as char)
    {
        return None;
    }
    // A name nobody declared is an error where it stands, even if a name would have fitted there.
    if let Some(bad) = undeclared(tokens, start, at) {
        at = bad;
        expected = expected_at(rule, text.get(start..).unwrap_or_default(), bad - start, "\u{1}");
    }
    let token = |at: usize| match tokens.char_at(at) {
        Some(c) => Some((c, tokens.value_at(at), tokens.tok_at(at))),
        None => next.map(|n| (n.c, n.value, n.tok)),
    };
    let mut found = token(at);
    match found {
        // BIRD reads a prefix as three tokens.
        Some((c @ ('4' | '6'), _, _))
            if expected.iter().any(|e| matches!((c, e), ('4', 'P') | ('6', 'Q'))) =>
        {
            found = token(at + 1);
            expected = vec!['/'];
            if matches!(found, Some(('/', _, _))) {
                found = token(at + 2);
                expected = vec!['n'];
            }
        }
        Some((c @ ('P' | 'Q'), value, tok)) => {
            let address = if c == 'P' { '4' } else { '6' };
            if expected.contains(&address) {
                found = Some(('/', value, tok));
                let instead = if c == 'P' { "4/" } else { "6/" };
                expected = expected_at(rule, text.get(start..).unwrap_or_default(), at - start, instead);
            }
        }
        Some(('/', ..)) if matches!(tokens.char_at(at.wrapping_sub(1)), Some('4' | '6')) && at > start => {
            found = token(at + 1);
            expected = vec!['n'];
        }
        _ => {}
    }
    let mut help = hint(&expected);
    let (message, tok) = match found {
        Some((c, value, tok)) => {
            if c == t::SYM as char || !c.is_ascii() {
                let word = names.text(Sym(value as u32));
                let undeclared = c == t::SYM as char && value & KNOWN == 0;
                let plain = help.or_else(|| undeclared.then(|| format!("nothing above declares `{word}`")));
                help = suggestion(word, &expected).or(plain);
            }
            let misfit = misfit(rule, tokens, sources, (start, at), (c, value, tok), &expected);
            help = remedy(&misfit.as_ref()).or(help);
            (unexpected(c, value & KNOWN != 0), tok)
        }
        None => {
            let mut open: Vec<usize> = Vec::new();
            for (i, b) in text.bytes().enumerate().skip(start) {
                match b {
                    b'{' => open.push(i),
                    b'}' => drop(open.pop()),
                    _ => {}
                }
            }
            let message = "syntax error, unexpected END".to_owned() + &expecting(&expected);
            let mut diagnostic = Diagnostic::error(end, message);
            diagnostic.help = help;
            if let Some(brace) = open.first() {
                let tok = tokens.tok_at(*brace);
                diagnostic = diagnostic.help("a `}` is missing");
                diagnostic = diagnostic
                    .label(Span { first: tok, last: tok }, "the block that begins here is not closed");
            }
            return Some(diagnostic);
        }
    };
    let mut diagnostic = Diagnostic::error(tok, message + &expecting(&expected));
    diagnostic.help = help;
    Some(diagnostic)
}

/// What advice is made of, with the texts it needs.
struct Context<'a> {
    misfit: Misfit<'a>,
    raw: String,
    ahead: String,
    last: String,
}

impl Context<'_> {
    fn as_ref(&self) -> Misfit<'_> {
        Misfit { raw: &self.raw, ahead: &self.ahead, last: &self.last, ..self.misfit }
    }
}

/// The token `found` in its surroundings; `start` and `at` are bytes of the tokens.
fn misfit<'a>(
    rule: Rule,
    tokens: &'a Tokens,
    sources: &Sources,
    (start, at): (usize, usize),
    (found, value, tok): (char, u64, Tok),
    expected: &'a [char],
) -> Context<'a> {
    /// Bytes of the file that advice looks at.
    const AHEAD: usize = 80;
    let place = sources.place(tok);
    let text = |file| sources.file(file).map(|f| f.text.as_slice()).unwrap_or_default();
    let ahead = place.map_or(&[][..], |p| {
        let text = text(p.file).get(p.offset as usize..).unwrap_or_default();
        text.get(..AHEAD).unwrap_or(text)
    });
    let before = tokens.text.get(start..at).unwrap_or_default();
    let above = (tok > 0 && !before.is_empty()).then(|| tok - 1);
    let last = above.map(|tok| sources.text(Span { first: tok, last: tok })).unwrap_or_default();
    let earlier = above.and_then(|tok| sources.place(tok)).zip(place);
    let glued =
        earlier.is_some_and(|(a, b)| a.file == b.file && a.offset as usize + last.len() == b.offset as usize);
    let line_above = earlier.filter(|(a, b)| a.file == b.file && a.line < b.line).map(|(a, _)| a.line);
    Context {
        misfit: Misfit {
            rule,
            before,
            rest: tokens.text.get(at..).unwrap_or_default(),
            found,
            known: value & KNOWN != 0,
            raw: "",
            ahead: "",
            last: "",
            glued,
            line_above,
            expected,
        },
        raw: sources.text(Span { first: tok, last: tok }),
        ahead: String::from_utf8_lossy(ahead).into_owned(),
        last,
    }
}

/// The first name before byte `end` that is used but not declared above.
fn undeclared(tokens: &Tokens, start: usize, end: usize) -> Option<usize> {
    let bytes = tokens.text.as_bytes();
    (start..end).find(|&at| {
        bytes.get(at) == Some(&t::SYM)
            && tokens.value_at(at) & KNOWN == 0
            && !is_new(tokens, start, at)
            && !matches!(at.checked_sub(1).and_then(|b| bytes.get(b)), Some(b'.' | b'%'))
    })
}

/// Whether the name at a byte stands where names are introduced.
fn is_new(tokens: &Tokens, start: usize, at: usize) -> bool {
    let mut before = tokens.text.get(start..at).unwrap_or_default().chars().rev();
    match (before.next(), before.next()) {
        (Some(k::DEFINE | k::FUNCTION), None) | (Some(k::FILTER), None) => true,
        (Some(k::DOMAIN), Some(k::MPLS))
        | (Some(k::GROUP), Some(k::THREAD))
        | (Some(k::RANGE), Some(k::LABEL)) => true,
        (Some(k::TABLE), Some(c)) => is_net_type(c) || c == k::SADR,
        (Some(k::V2 | k::V3 | k::NG), _) | (Some(_), Some(k::PROTOCOL | k::TEMPLATE | k::ENUM)) => true,
        (Some(k::ENUM | k::SET), _) => true,
        (Some(c), _) => is_type(c),
        (None, _) => false,
    }
}

/// BIRD lists what it expected in the order its grammar first mentions the tokens; this is that order as far
/// as short lists show it.
const ORDER: [char; 36] = [
    'n',
    '4',
    'P',
    '6',
    'Q',
    's',
    't',
    'D',
    k::S,
    k::MS,
    k::US,
    k::OFF,
    k::PROTOCOL,
    k::FROM,
    k::MPLS,
    k::ROUTE,
    k::BASE,
    k::SHORT,
    k::LONG,
    '=',
    ';',
    '.',
    '(',
    ')',
    '-',
    ',',
    ':',
    '{',
    ']',
    k::ALL,
    k::WARN,
    k::BLOCK,
    k::RESTART,
    k::DISABLE,
    k::STATES,
    k::MESSAGES,
];

fn expecting(expected: &[char]) -> String {
    if expected.contains(&'\0') {
        return String::new();
    }
    let mut sorted = expected.to_vec();
    sorted.sort_by_key(|c| ORDER.iter().position(|o| o == c).unwrap_or(ORDER.len()));
    let mut names: Vec<String> = Vec::new();
    for c in sorted {
        let name = match c {
            'P' => "IP4".to_owned(),
            'Q' => "IP6".to_owned(),
            c => token_name(c, true),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() || names.len() > MAX_EXPECTED {
        return String::new();
    }
    format!(", expecting {}", names.join(" or "))
}

/// What would have fitted, in words for people; nothing if that is nearly everything.
fn hint(expected: &[char]) -> Option<String> {
    const MOST: usize = 12;
    if expected.is_empty() || expected.contains(&'\0') {
        return None;
    }
    let mut words: Vec<String> = Vec::new();
    for c in expected {
        let word = match u8::try_from(*c).unwrap_or(0) {
            _ if !c.is_ascii() => {
                keyword_index(*c).and_then(|i| KEYWORDS.get(i)).map(|w| format!("`{w}`")).unwrap_or_default()
            }
            t::NUM => "a number".to_owned(),
            t::SYM => "a name".to_owned(),
            t::TEXT => "a string".to_owned(),
            t::IP4 | t::IP6 => "an address".to_owned(),
            t::NET4 | t::NET6 => "a prefix".to_owned(),
            t::RD => "a route distinguisher".to_owned(),
            t::MAC => "a MAC address".to_owned(),
            t::BYTES => "a byte string".to_owned(),
            t::ENUM => "a constant like RTS_BGP".to_owned(),
            t::SET => "a set".to_owned(),
            t::ELSECOL => "`else:`".to_owned(),
            other => format!("`{}`", spelling(other)),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.len() > MOST {
        return None;
    }
    let last = words.pop()?;
    Some(match words.is_empty() {
        true => format!("expected {last}"),
        false => format!("expected {} or {last}", words.join(", ")),
    })
}

/// An operator as it is written.
fn spelling(class: u8) -> String {
    match class {
        t::DDOT => "..",
        t::NE => "!=",
        t::NMATCH => "!~",
        t::LE => "<=",
        t::GE => ">=",
        t::AND => "&&",
        t::OR => "||",
        t::ARROW => "->",
        t::PP => "++",
        t::PO => "[=",
        t::PC => "=]",
        other => return char::from(other).to_string(),
    }
    .to_owned()
}
