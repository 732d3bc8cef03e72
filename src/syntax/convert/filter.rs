//! Filters, functions and commands.

use tern_grammar::Rule;
use tern_grammar::pest::iterators::{Pair, Pairs};

use super::super::ast::*;
use super::super::diag::Diagnostic;
use super::{Convert, NOTHING};

impl Convert<'_> {
    /// Declarations and commands.
    pub(crate) fn body(&mut self, pair: Pair<'_, Rule>) -> Body {
        let whole = self.span(&pair);
        let mut body =
            Body { locals: Vec::new(), commands: Vec::new(), open: whole.first, close: whole.last };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::arg => body.locals.push(self.declaration(inner)),
                Rule::open => body.open = self.tok(&inner),
                Rule::close => body.close = self.tok(&inner),
                _ => body.commands.push(self.command(inner)),
            }
        }
        body
    }

    /// `TYPE NAME [= TERM]`, with or without its semicolon.
    pub(super) fn declaration(&mut self, pair: Pair<'_, Rule>) -> Decl {
        let whole = self.span(&pair);
        let mut decl = Decl {
            ty: TypeName { word: "", of: None, set: false, span: whole },
            name: Ident { sym: super::Sym(0), tok: whole.first },
            value: None,
            span: whole,
        };
        for inner in pair.into_inner() {
            let here = self.span(&inner);
            decl.span.last = here.last;
            match inner.as_rule() {
                Rule::type_name => decl.ty = self.type_name(inner),
                Rule::new_name => decl.name = self.ident(&inner),
                _ => decl.value = Some(self.term(inner)),
            }
        }
        decl
    }

    pub(super) fn type_name(&mut self, pair: Pair<'_, Rule>) -> TypeName {
        let mut ty = TypeName { word: self.word(&pair), of: None, set: false, span: self.span(&pair) };
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::any_word => ty.of = Some(self.ident(&inner)),
                Rule::set_word if ty.set => {
                    let at = self.tok(&inner);
                    self.errors.push(Diagnostic::error(at + 1, "You can't create sets of this type."));
                }
                Rule::set_word => ty.set = true,
                _ => {}
            }
        }
        ty
    }

    pub(super) fn function(&mut self, pair: Pair<'_, Rule>) -> Option<Function> {
        let (mut name, mut args, mut returns, mut body) = (None, Vec::new(), None, None);
        for inner in pair.into_inner() {
            match inner.as_rule() {
                Rule::new_name => name = Some(self.ident(&inner)),
                Rule::arg => args.push(self.declaration(inner)),
                Rule::type_name => returns = Some(self.type_name(inner)),
                _ => body = Some(self.body(inner)),
            }
        }
        Some(Function { name: name?, args, returns, body: body? })
    }

    pub(crate) fn commands(&mut self, pairs: Pairs<'_, Rule>) -> Vec<Cmd> {
        pairs.map(|p| self.command(p)).collect()
    }

    fn term_or_nothing(&mut self, pair: Option<Pair<'_, Rule>>, span: Span) -> Expr {
        pair.map_or(Expr { kind: NOTHING, span }, |p| self.term(p))
    }

    fn command(&mut self, pair: Pair<'_, Rule>) -> Cmd {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let first = self.ident(&pair);
        let mut inner = pair.into_inner();
        let kind = match rule {
            Rule::decl => {
                let mut decl = Decl {
                    ty: TypeName { word: "", of: None, set: false, span },
                    name: first,
                    value: None,
                    span,
                };
                for part in inner {
                    decl.span.last = self.span(&part).last;
                    match part.as_rule() {
                        Rule::type_name => decl.ty = self.type_name(part),
                        Rule::new_name => decl.name = self.ident(&part),
                        _ => decl.value = Some(self.term(part)),
                    }
                }
                CmdKind::Declare(decl)
            }
            Rule::block => CmdKind::Block(self.commands(inner)),
            Rule::if_cmd => self.conditions(inner, span),
            Rule::assign => {
                let target = inner.next().map_or(first, |p| self.ident(&p));
                CmdKind::Assign { target, value: self.term_or_nothing(inner.next(), span) }
            }
            Rule::method_cmd => {
                let target = inner.next().map_or(first, |p| self.ident(&p));
                let mut parts = inner.next().map(Pair::into_inner);
                let mut part = || parts.as_mut().and_then(Iterator::next);
                let method = part().map_or(first, |p| self.ident(&p));
                let args = part().map(|a| self.terms(a.into_inner()));
                CmdKind::MethodCall { target, method, args }
            }
            Rule::call_cmd => {
                let nothing = Expr { kind: NOTHING, span };
                CmdKind::Call(inner.next().map_or(nothing, |p| self.call(p)))
            }
            Rule::verdict => {
                let verdict = match inner.next().map(|w| self.word(&w)) {
                    Some("accept") => Verdict::Accept,
                    Some("reject") => Verdict::Reject,
                    _ => Verdict::Error,
                };
                let message = inner.next().map(|a| self.terms(a.into_inner())).unwrap_or_default();
                CmdKind::Verdict { verdict, message }
            }
            Rule::print_cmd => {
                let newline = inner.next().is_some_and(|w| self.word(&w) == "print");
                let list = inner.next().map(|a| self.terms(a.into_inner())).unwrap_or_default();
                CmdKind::Print { newline, list }
            }
            Rule::return_cmd => CmdKind::Return(self.term_or_nothing(inner.next(), span)),
            Rule::unset => CmdKind::Unset(inner.next().map_or(first, |p| self.ident(&p))),
            Rule::case_cmd => self.case(inner, span),
            Rule::for_cmd => self.for_loop(inner, span, first),
            Rule::bt_assert => {
                let condition = self.term_or_nothing(inner.next(), span);
                let text = Text::from(self.sources.text(condition.span).as_str());
                CmdKind::Assert { condition, text }
            }
            Rule::bt_check_assign => {
                let target = inner.next().map_or(first, |p| self.ident(&p));
                CmdKind::CheckAssign { target, value: self.term_or_nothing(inner.next(), span) }
            }
            _ => CmdKind::Block(Vec::new()),
        };
        Cmd { kind, span }
    }

    /// Terms and commands in turn; a last command without a term is the `else`.
    fn conditions(&mut self, inner: Pairs<'_, Rule>, span: Span) -> CmdKind {
        let mut arms = Vec::new();
        let mut otherwise = None;
        let mut condition = None;
        for part in inner {
            match (part.as_rule(), condition.take()) {
                (Rule::term, _) => condition = Some(self.term(part)),
                (_, Some(term)) => arms.push((term, self.command(part))),
                (_, None) => otherwise = Some(Box::new(self.command(part))),
            }
        }
        if arms.is_empty() {
            arms.push((Expr { kind: NOTHING, span }, Cmd { kind: CmdKind::Block(Vec::new()), span }));
        }
        CmdKind::If { arms, otherwise }
    }

    fn case(&mut self, mut inner: Pairs<'_, Rule>, span: Span) -> CmdKind {
        let value = self.term_or_nothing(inner.next(), span);
        let mut arms = Vec::new();
        let mut close = span.last;
        for part in inner {
            if part.as_rule() == Rule::close {
                close = self.tok(&part);
                continue;
            }
            let span = self.span(&part);
            let mut arm = CaseArm { labels: Vec::new(), is_else: false, commands: Vec::new(), span };
            for piece in part.into_inner() {
                match piece.as_rule() {
                    Rule::else_mark => arm.is_else = true,
                    Rule::label => arm.labels.push(self.set_item(piece)),
                    _ => arm.commands.push(self.command(piece)),
                }
            }
            arms.push(arm);
        }
        CmdKind::Case { value, arms, close }
    }

    fn for_loop(&mut self, mut inner: Pairs<'_, Rule>, span: Span, first: Ident) -> CmdKind {
        let var = match inner.next() {
            Some(p) if p.as_rule() == Rule::lvalue => {
                let tok = self.tok(&p);
                let text = "Use of a pre-defined variable in for loop is not allowed";
                self.errors
                    .push(Diagnostic::error(tok, text).help("write the type: the variable is always new"));
                Decl { ty: TypeName { word: "", of: None, set: false, span }, name: first, value: None, span }
            }
            Some(p) => self.declaration(p),
            None => {
                Decl { ty: TypeName { word: "", of: None, set: false, span }, name: first, value: None, span }
            }
        };
        let over = self.term_or_nothing(inner.next(), span);
        let body = inner.next().map(|p| self.command(p));
        let body = Box::new(body.unwrap_or(Cmd { kind: CmdKind::Block(Vec::new()), span }));
        CmdKind::For { var, over, body }
    }
}
