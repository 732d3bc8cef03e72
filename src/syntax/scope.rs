//! Scopes as far as the lexer must know them: which words a user has taken as names, so that they are
//! keywords no longer.
//!
//! BIRD's parser defines a name while it parses, and its lexer looks every word up as it comes; a keyword
//! that became a name is gone from the next token on, until the scope of the name ends. Here the lexer runs
//! ahead of the parser, so this module recognises definitions from the tokens alone: the handful of shapes
//! that introduce a name are told by the first word of the statement and the one or two tokens before the
//! name. The parser's view of the same text decides what it means; a shape missed here could only leave a
//! keyword a keyword.

use tern_grammar::{KEYWORDS, RESERVED, k, keyword_char, t};

use super::ast::Tok;
use super::names::Sym;

/// What a word is at this place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// A keyword.
    Keyword(char),
    /// A name: known, that is declared above (or one BIRD declares), or not.
    Name { known: bool },
}

#[derive(Debug, Clone, Copy)]
struct Brace {
    /// Filter code: `TYPE NAME` declares.
    code: bool,
    /// How many definitions survive the closing brace.
    keep: usize,
    /// The statement around the block.
    first: char,
    count: u32,
}

/// What the words seen say about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    No,
    /// Behind `->`: a type, but no declaration.
    Result,
    /// Behind `enum`: its name comes.
    Enum,
    /// A whole type: a word behind it is a new variable.
    Whole,
}

#[derive(Debug)]
pub(super) struct Scopes {
    /// How often each symbol is defined in the open scopes.
    defined: Vec<u16>,
    undo: Vec<Sym>,
    braces: Vec<Brace>,
    first: char,
    count: u32,
    prev: char,
    prev2: char,
    ty: Type,
    /// The scope of a filter or function began at its head.
    head: Option<usize>,
    /// Behind `for`: the scope of its variable.
    for_scope: Option<usize>,
    /// The token before was a declared variable: a semicolon then ends the declaration only.
    declared: bool,
    /// In a head that may be followed by declarations: `filter ...`, `import filter ...`.
    in_head: bool,
    /// A name that is defined at the end of its statement.
    pending: Option<(Sym, Tok)>,
    /// `protocol static from {`, `filter stacks {`: whether the word was a name shows one token later.
    maybe: Option<(Sym, Tok)>,
    /// `TYPE set`: whether the word was a part of the type or a name, and of a loop's variable, shows one token later.
    set_word: Option<(Sym, Tok, bool)>,
    /// Definitions that hid a keyword, to be warned about.
    pub overrides: Vec<(Sym, Tok)>,
}

impl Default for Scopes {
    fn default() -> Scopes {
        Scopes {
            defined: vec![0; KEYWORDS.len()],
            undo: Vec::new(),
            braces: Vec::new(),
            first: '\0',
            count: 0,
            prev: '\0',
            prev2: '\0',
            ty: Type::No,
            head: None,
            for_scope: None,
            declared: false,
            in_head: false,
            pending: None,
            maybe: None,
            set_word: None,
            overrides: Vec::new(),
        }
    }
}

/// Words that name a type of the filter language.
pub(super) fn is_type(c: char) -> bool {
    matches!(
        c,
        k::INT
            | k::BOOL
            | k::IP
            | k::PREFIX
            | k::RD
            | k::MAC
            | k::PAIR
            | k::QUAD
            | k::EC
            | k::LC
            | k::STRING
            | k::BYTESTRING
            | k::BGPMASK
            | k::BGPPATH
            | k::CLIST
            | k::ECLIST
            | k::LCLIST
            | k::ROUTE
    )
}

/// Words that start the declaration of a table.
pub(super) fn is_net_type(c: char) -> bool {
    matches!(
        c,
        k::IPV4
            | k::IPV6
            | k::VPN4
            | k::VPN6
            | k::ROA4
            | k::ROA6
            | k::FLOW4
            | k::FLOW6
            | k::ETH
            | k::ASPA
            | k::EVPN
            | k::MPLS
            | k::NEIGHBOR
    )
}

impl Scopes {
    /// What `sym` is here; `text` is consulted for names BIRD declares itself.
    pub(super) fn resolve(&self, sym: Sym, text: &str) -> Word {
        let i = sym.0 as usize;
        if self.defined.get(i).is_some_and(|n| *n > 0) {
            return Word::Name { known: true };
        }
        if i < KEYWORDS.len() {
            return Word::Keyword(keyword_char(i));
        }
        Word::Name { known: is_predefined(text) }
    }

    /// Marks a name as taken before the text is read: the names of the running configuration, for commands.
    pub(super) fn predefine(&mut self, sym: Sym) {
        self.set(sym, 1);
    }

    /// Starts inside the head of a filter: declarations may come.
    pub(super) fn enter_filter(&mut self) {
        (self.first, self.count, self.in_head) = (k::FILTER, 2, true);
        self.head = Some(self.undo.len());
    }

    fn set(&mut self, sym: Sym, by: i32) {
        let i = sym.0 as usize;
        if i >= self.defined.len() {
            self.defined.resize(i + 64, 0);
        }
        if let Some(n) = self.defined.get_mut(i) {
            *n = if by > 0 { n.saturating_add(1) } else { n.saturating_sub(1) };
        }
    }

    fn define(&mut self, (sym, tok): (Sym, Tok)) {
        let i = sym.0 as usize;
        if RESERVED.contains(&i) {
            return;
        }
        if i < KEYWORDS.len() && self.defined.get(i) == Some(&0) {
            self.overrides.push((sym, tok));
        }
        self.set(sym, 1);
        self.undo.push(sym);
    }

    fn unwind(&mut self, keep: usize) {
        while self.undo.len() > keep {
            if let Some(sym) = self.undo.pop() {
                self.set(sym, -1);
            }
        }
    }

    /// The names defined in the open scopes; at the end of a file those of its top level.
    pub(super) fn declared(&self) -> Vec<Sym> {
        self.undo.clone()
    }

    /// How many blocks are open.
    pub(super) fn depth(&self) -> usize {
        self.braces.len()
    }

    /// The first token of the statement around everything.
    pub(super) fn outermost(&self) -> char {
        self.braces.first().map_or(self.first, |b| b.first)
    }

    /// Whether a new top-level statement starts with this token although nothing ended the last one: some
    /// statements need no semicolon, and after a forgotten one the next statement should not suffer.
    pub(super) fn starts_statement(&self, c: char) -> bool {
        if !self.braces.is_empty() || self.count == 0 {
            return false;
        }
        let always = match c {
            k::PROTOCOL | k::LOG => self.prev != k::TIMEFORMAT,
            k::TEMPLATE | k::DEFINE => true,
            k::ATTRIBUTE
            | k::EVAL
            | k::WATCHDOG
            | k::MRTDUMP
            | k::TIMEFORMAT
            | k::CLI
            | k::THREADS
            | k::HOSTNAME
            | k::BT_TEST_SUITE
            | k::BT_TEST_SAME => true,
            k::DEBUG => true,
            k::FUNCTION => self.prev != k::FILTER,
            _ => false,
        };
        if always {
            return !(self.naming() || self.ty == Type::Whole);
        }
        // Behind statements that end by themselves.
        let open_end = match self.first {
            k::DEBUG | k::WATCHDOG | k::THREADS => self.count > 1,
            k::MPLS => self.count > 2 && self.prev != k::MPLS,
            k::BT_TEST_SUITE | k::BT_TEST_SAME => self.prev == ')',
            c if is_net_type(c) => self.count > 2 && self.prev != k::TABLE,
            k::EVAL => matches!(self.prev, 'n' | 's' | ')' | 'S' | 't' | 'e' | '4' | '6' | 'P' | 'Q'),
            _ => false,
        };
        open_end
            && (matches!(c, k::FILTER | k::ROUTER | k::GRACEFUL | k::THREAD)
                || is_net_type(c)
                || c == k::MPLS)
            && !(self.first == k::DEBUG && matches!(c, k::FILTER))
    }

    /// Whether the next word is a new name by its place (a top-level definition).
    fn naming(&self) -> bool {
        match self.first {
            k::DEFINE | k::FILTER | k::FUNCTION => self.count == 1,
            k::PROTOCOL | k::TEMPLATE => self.count == 1 || self.count == 2,
            k::MPLS => self.prev == k::DOMAIN,
            k::THREAD => self.prev == k::GROUP,
            k::ATTRIBUTE => true,
            c => is_net_type(c) && self.prev == k::TABLE,
        }
    }

    /// Takes note of a token; `sym` is its word, if it is one. Returns whether it ended a top-level statement.
    pub(super) fn note(&mut self, c: char, sym: Option<Sym>, tok: Tok) -> bool {
        if let Some(sym) = self.maybe.take() {
            let filter = self.first == k::FILTER;
            if c == '{' || (c == k::FROM && !filter) || (filter && (is_type(c) || c == k::ENUM)) {
                self.define(sym);
                self.head = filter.then_some(self.undo.len());
            }
        }
        if let Some((sym, at, in_loop)) = self.set_word.take()
            && matches!(c, ';' | '=' | ')' | k::IN)
        {
            if in_loop && self.for_scope.is_none() {
                self.for_scope = Some(self.undo.len());
            }
            self.define((sym, at));
            (self.declared, self.ty) = (true, Type::No);
        }
        let mut ended = false;
        let was_declared = std::mem::take(&mut self.declared);
        match (c, sym) {
            ('{', _) => self.open(),
            ('}', _) => ended = self.close(),
            (';', _) => ended = self.semicolon(was_declared),
            (_, Some(sym)) => self.word(c, (sym, tok)),
            _ => {
                self.ty = Type::No;
                self.count += 1;
            }
        }
        if self.count == 1 {
            self.first = c;
            self.in_head = self.braces.is_empty() && matches!(c, k::FILTER | k::FUNCTION);
        }
        (self.prev2, self.prev) = (self.prev, c);
        ended
    }

    fn code(&self) -> bool {
        self.in_head || self.braces.last().is_some_and(|b| b.code)
    }

    fn open(&mut self) {
        let parent = self.braces.last().is_some_and(|b| b.code);
        let flow = matches!(self.prev, k::FLOW4 | k::FLOW6);
        let code = parent || self.in_head || (self.first == k::ROUTE && !flow);
        let keep = match self.prev {
            k::DO => self.for_scope.take(),
            _ => self.head.take(),
        };
        let keep = keep.unwrap_or(self.undo.len());
        self.braces.push(Brace { code: code && !flow, keep, first: self.first, count: self.count });
        (self.first, self.count, self.in_head, self.ty) = ('\0', 0, false, Type::No);
    }

    fn close(&mut self) -> bool {
        self.ty = Type::No;
        let Some(brace) = self.braces.pop() else {
            self.count += 1;
            return true;
        };
        self.unwind(brace.keep);
        (self.first, self.count) = (brace.first, brace.count + 1);
        self.in_head = false;
        if brace.code && self.braces.last().is_some_and(|b| b.code) {
            // A block of commands is a whole command.
            (self.first, self.count) = ('\0', 0);
        }
        let whole = match brace.first {
            k::PROTOCOL | k::TEMPLATE | k::FILTER | k::FUNCTION | k::DEBUG | k::THREAD | k::MPLS => true,
            k::EVAL => false,
            c => is_net_type(c),
        };
        if self.braces.is_empty() && whole {
            self.end_statement();
            return true;
        }
        false
    }

    fn semicolon(&mut self, declared: bool) -> bool {
        self.ty = Type::No;
        if declared && self.in_head {
            return false;
        }
        if let Some(keep) = self.for_scope.take() {
            self.unwind(keep);
        }
        if self.braces.is_empty() {
            self.end_statement();
            return true;
        }
        if let Some(keep) = self.head.take() {
            self.unwind(keep);
        }
        (self.first, self.count, self.in_head) = ('\0', 0, false);
        false
    }

    /// Called by the lexer, too, where a statement starts that nothing announced.
    pub(super) fn end_statement(&mut self) {
        if let Some(keep) = self.head.take() {
            self.unwind(keep);
        }
        if let Some(sym) = self.pending.take() {
            self.define(sym);
        }
        (self.first, self.count, self.in_head, self.ty) = ('\0', 0, false, Type::No);
        (self.for_scope, self.maybe, self.set_word) = (None, None, None);
    }

    fn word(&mut self, c: char, sym: (Sym, Tok)) {
        let top = self.braces.is_empty();
        self.count += 1;
        if self.prev == '.' {
            self.ty = Type::No;
            return;
        }
        if top && self.count > 1 {
            match self.first {
                k::DEFINE if self.count == 2 => self.pending = Some(sym),
                k::ATTRIBUTE => self.pending = Some(sym),
                k::FILTER if self.count == 2 && c == k::STACKS => {
                    self.maybe = Some(sym);
                    return;
                }
                k::FILTER | k::FUNCTION if self.count == 2 => {
                    self.define(sym);
                    self.head = Some(self.undo.len());
                    return;
                }
                k::PROTOCOL | k::TEMPLATE => {
                    let named = self.count == 3 && !matches!(c, k::V2 | k::V3 | k::NG)
                        || self.count == 4 && matches!(self.prev, k::V2 | k::V3 | k::NG);
                    match c {
                        k::FROM if named => self.maybe = Some(sym),
                        _ if named => self.define(sym),
                        _ => {}
                    }
                    return;
                }
                k::MPLS if self.prev == k::DOMAIN && self.count == 3 => self.define(sym),
                k::THREAD if self.prev == k::GROUP && self.count == 3 => self.define(sym),
                first if is_net_type(first) && self.prev == k::TABLE => self.define(sym),
                _ => {}
            }
        }
        if !top
            && self.braces.len() == 1
            && self.outermost() == k::MPLS
            && (self.prev2, self.prev) == (k::LABEL, k::RANGE)
            && !matches!(c, k::STATIC | k::DYNAMIC)
        {
            self.define(sym);
        }
        if !top && matches!((self.first, c), (k::IMPORT | k::EXPORT, k::FILTER) | (k::MERGE, k::BY)) {
            self.in_head = true;
            self.head = Some(self.undo.len());
            return;
        }
        if top && matches!((self.first, c), (k::SHOW, k::FILTER)) {
            self.in_head = true;
            return;
        }
        self.typed(c, sym);
    }

    /// Recognises `TYPE NAME` in filter code.
    fn typed(&mut self, c: char, sym: (Sym, Tok)) {
        if !self.code() {
            return;
        }
        self.ty = match self.ty {
            Type::Enum => Type::Whole,
            Type::Whole if c == k::SET => {
                self.set_word = Some((sym.0, sym.1, self.declares_loop()));
                Type::Whole
            }
            Type::Whole => {
                if self.for_scope.is_none() && self.declares_loop() {
                    self.for_scope = Some(self.undo.len());
                }
                self.define(sym);
                self.declared = true;
                Type::No
            }
            _ if self.prev == t::ARROW as char => Type::Result,
            _ if c == k::ENUM => Type::Enum,
            _ if is_type(c) => Type::Whole,
            _ => Type::No,
        };
    }

    /// Whether the statement is a loop: `for TYPE NAME in`, the type being one or two words.
    fn declares_loop(&self) -> bool {
        self.prev2 == k::FOR
    }
}

/// Names that exist without a declaration in the file: default tables, the constants of iproute2's tables,
/// thread groups, and attributes that are keywords in neither version.
fn is_predefined(text: &str) -> bool {
    matches!(text, "master4" | "master6" | "worker" | "routes")
        || ["ipp_", "ipr_", "ips_", "ipt_"].iter().any(|p| text.starts_with(p))
        || matches!(text, "radv_preference" | "radv_lifetime" | "krt_lock" | "krt_features" | "local_metric")
}
