//! Notes about filters that are right for BIRD and hardly what was meant: commands that nothing reaches,
//! filters that end without a verdict, functions that end without a value, comparisons whose answer never
//! changes.
//!
//! Notes refuse nothing and stand in no log; `bird -p --explain` shows them, and `bird -p` on a terminal.
//! They are for people: where it is not certain (a function that is called may accept), nothing is said.

use super::body::Term;
use super::{Checker, Loc};
use crate::base::Value;
use crate::filter::code::Cmp;
use crate::filter::types::Type;
use crate::syntax::ast::{self, Cmd, CmdKind, Function, Span};
use crate::syntax::diag::Diagnostic;

/// Whether control comes out behind a command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Always comes out.
    Falls,
    /// Calls something that may end the filter.
    Unknown,
    /// Never.
    Ends,
}

impl Checker<'_> {
    /// Notes about a filter.
    pub(super) fn lint_filter(&mut self, body: &ast::Body) {
        if self.lint(&body.commands) == End::Falls {
            self.remark(
                Span { first: body.close, last: body.close },
                "a route may come here, to the end of the filter, without `accept` or `reject`",
                "it is then rejected, with an error in the log: write down what becomes of the rest",
            );
        }
    }

    /// Notes about a function.
    pub(super) fn lint_function(&mut self, function: &Function) {
        let end = self.lint(&function.body.commands);
        let answers = function.returns.is_some() || returns(&function.body.commands);
        if end == End::Falls && answers {
            self.remark(
                Span { first: function.body.close, last: function.body.close },
                "the function may come here, to its end, without `return`",
                "who asks it then gets no value",
            );
        }
    }

    /// Notes about a comparison whose answer is always the same, or an error for each route.
    pub(super) fn lint_comparison(&mut self, op: Cmp, left: &Term, right: &Term, span: Span) {
        let (a, b) = (left.ty, right.ty);
        let empty = |term: &Term| match &term.loc {
            Loc::Const(Value::Set(set)) => set.is_empty(),
            Loc::Const(Value::PrefixSet(set)) => set.is_empty(),
            _ => false,
        };
        if [a, b].contains(&Type::Unknown) || empty(left) || empty(right) {
            return;
        }
        let set = |ty| matches!(ty, Type::Set | Type::PrefixSet);
        let single = |ty| !set(ty);
        match op {
            Cmp::Eq | Cmp::Ne if single(a) && set(b) => {
                let always = if op == Cmp::Eq { "never" } else { "always" };
                self.remark(
                    span,
                    &format!("one {a} and a set are {always} {}equal", if op == Cmp::Ne { "un" } else { "" }),
                    "whether it is in the set is asked by `~`, whether it is not by `!~`",
                );
            }
            Cmp::Match | Cmp::NotMatch if !can_match(a, b) => self.remark(
                span,
                &format!("`~` means nothing between one of type {a} and one of type {b}"),
                "it is an error, and the route is rejected",
            ),
            _ => {}
        }
    }

    fn remark(&mut self, place: Span, message: &str, help: &str) {
        self.diagnostics.push(Diagnostic::note(place.first, message).over(place).help(help));
    }

    /// Looks at the commands of a block.
    fn lint(&mut self, commands: &[Cmd]) -> End {
        let mut end = End::Falls;
        for (at, command) in commands.iter().enumerate() {
            let here = self.lint_command(command);
            if here == End::Ends {
                if let Some(next) = commands.get(at + 1) {
                    let what = "nothing comes here: the command above ends it all";
                    let note = Diagnostic::note(next.span.first, what).over(next.span);
                    self.diagnostics.push(note.label(command.span, "always ends here"));
                }
                return End::Ends;
            }
            end = end.max(here);
        }
        end
    }

    fn lint_command(&mut self, command: &Cmd) -> End {
        match &command.kind {
            CmdKind::Verdict { .. } | CmdKind::Return(_) => End::Ends,
            CmdKind::Call(_) => End::Unknown,
            CmdKind::Block(commands) => self.lint(commands),
            CmdKind::If { arms, otherwise } => {
                let ends: Vec<End> = arms.iter().map(|(_, command)| self.lint_command(command)).collect();
                let last = otherwise.as_ref().map_or(End::Falls, |command| self.lint_command(command));
                ends.into_iter().chain([last]).min().unwrap_or(End::Falls)
            }
            CmdKind::Case { arms, .. } => {
                let ends: Vec<End> = arms.iter().map(|arm| self.lint(&arm.commands)).collect();
                let all = arms.iter().any(|arm| arm.is_else);
                let rest = if all { End::Ends } else { End::Falls };
                ends.into_iter().chain([rest]).min().unwrap_or(End::Falls)
            }
            CmdKind::For { body, .. } => {
                // A list may be empty.
                self.lint_command(body).min(End::Unknown)
            }
            _ => End::Falls,
        }
    }
}

/// Whether a value is returned anywhere.
fn returns(commands: &[Cmd]) -> bool {
    commands.iter().any(|command| match &command.kind {
        CmdKind::Return(_) => true,
        CmdKind::Block(commands) => returns(commands),
        CmdKind::If { arms, otherwise } => {
            let one = |command: &Cmd| returns(std::slice::from_ref(command));
            arms.iter().any(|(_, c)| one(c)) || otherwise.as_deref().is_some_and(one)
        }
        CmdKind::Case { arms, .. } => arms.iter().any(|arm| returns(&arm.commands)),
        CmdKind::For { body, .. } => returns(std::slice::from_ref(body)),
        _ => false,
    })
}

/// Whether `~` has a meaning between values of these types.
fn can_match(a: Type, b: Type) -> bool {
    use Type::*;
    matches!(
        (a, b),
        (Prefix, PrefixSet | Prefix)
            | (Path, Mask | Set)
            | (Clist | Eclist | Lclist, Set)
            | (Int, Path)
            | (Pair | Quad | Int | Ip, Clist)
            | (Ec, Eclist)
            | (Lc, Lclist)
            | (Str, Str)
            | (Ip, Prefix)
            | (Int | Pair | Quad | Ip | Ec | Lc | Rd | Enum(_) | Mac, Set)
    )
}
