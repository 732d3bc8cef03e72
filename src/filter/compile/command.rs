//! Commands.

use super::body::{Body, Kind, Loc, MAX_VARIABLES, Term};
use super::condition::Asking;
use super::{Checker, promote};
use crate::filter::attributes::{self, Builtin};
use crate::filter::code::{Asker, Op, Place, Source, Stretch, Switch, Verdict};
use crate::filter::symbols::{Symbol, already_defined};
use crate::filter::types::Type;
use crate::syntax::ast::{self, CaseArm, Cmd, CmdKind, Decl, Expr, Ident, Span, Tok};
use crate::syntax::diag::Diagnostic;
use crate::table::AttrId;

/// What can stand on the left of `=`.
pub(super) enum Target {
    Local(u16, Type),
    Listed(AttrId, Type),
    Field(&'static attributes::FieldInfo),
    Bit(AttrId, u8),
}

/// The token BIRD has read when it acts on a finished command: one without `else` needs a look at what follows.
fn end_of(cmd: &Cmd) -> Tok {
    match &cmd.kind {
        CmdKind::If { otherwise: Some(last), .. } => end_of(last),
        CmdKind::If { .. } => cmd.span.lookahead(),
        CmdKind::For { body, .. } => end_of(body),
        _ => cmd.span.last,
    }
}

impl Checker<'_> {
    /// Refuses a body with a `case` whose labels overlap; `at` is the token that ends the body.
    pub(super) fn tell_overlap(&mut self, body: &Body, at: Tok) {
        if let Some(span) = body.overlap {
            self.error(at, span, "Overlaping intervals in switch cases not allowed");
        }
    }

    /// Declarations before the brace, then commands.
    pub(super) fn commands(&mut self, body: &mut Body, ast: &ast::Body) {
        for decl in &ast.locals {
            self.declaration(body, decl, decl.span.lookahead());
        }
        for cmd in &ast.commands {
            self.command(body, cmd);
        }
        self.tell_overlap(body, ast.close);
        if body.too_many {
            let span = Span { first: ast.open, last: ast.close };
            self.error(ast.close, span, "Expression too complex");
        }
    }

    /// Commands in a block of their own.
    pub(super) fn block(&mut self, body: &mut Body, commands: &[Cmd]) {
        body.open_block();
        for cmd in commands {
            self.command(body, cmd);
        }
        body.close_block();
    }

    /// Enters a variable; it gets the next free register.
    pub(super) fn declare(&mut self, body: &mut Body, name: Ident, ty: Type, at: Tok, given: bool) -> u16 {
        if let Some(old) = body.in_block(name.sym) {
            let first = old.at;
            self.diagnostics.push(already_defined(self.names, name, at, first));
        }
        if body.locals.len() >= MAX_VARIABLES {
            let message = format!("Too many variables, at most {MAX_VARIABLES} allowed");
            self.error(at, Span { first: name.tok, last: name.tok }, message);
        }
        let reg = body.temp();
        let here = Span { first: name.tok, last: name.tok };
        body.locals.push(super::body::Local { sym: name.sym, reg, ty, at: here, given });
        reg
    }

    fn declaration(&mut self, body: &mut Body, decl: &Decl, at: Tok) {
        let ty = self.type_of(&decl.ty);
        let slot = body.next;
        let value = match &decl.value {
            Some(value) => {
                let mut term = self.expr(body, value);
                promote(&mut term, ty);
                self.want(&term, ty, 1, "VAR_INIT", at, value.span);
                term
            }
            None => Term::constant(ty.unset()),
        };
        let a = body.operand(&value);
        if decl.value.is_some() && body.may_be_void(&value) {
            body.emit(Op::Given { a, ty, fresh: true }, self.source(at));
        }
        body.next = slot;
        let given = decl.value.is_some() || !matches!(ty.unset(), crate::base::Value::Void);
        let dst = self.declare(body, decl.name, ty, at, given);
        if a.place() != Place::Reg(dst) {
            body.emit(Op::Move { dst, a }, self.source(at));
        }
    }

    fn command(&mut self, body: &mut Body, cmd: &Cmd) {
        let (mark, from) = (body.next, body.here());
        let (last, source) = (cmd.span.last, self.source(cmd.span.last));
        let mut target_name = None;
        match &cmd.kind {
            CmdKind::Declare(decl) => {
                self.declaration(body, decl, last);
                if let Some(local) = body.local(decl.name.sym) {
                    body.mark(from, Stretch::Variable(local.reg), cmd.span);
                }
                return;
            }
            CmdKind::Block(commands) => self.block(body, commands),
            CmdKind::If { arms, otherwise } => self.if_command(body, cmd, arms, otherwise.as_deref()),
            CmdKind::Case { value, arms, close } => self.case_command(body, value, arms, *close),
            CmdKind::For { var, over, body: inner } => self.for_command(body, cmd, var, over, inner),
            CmdKind::Assign { target, value } => {
                target_name = Some(*target);
                let Some(target) = self.target(body, *target, last) else {
                    self.expr(body, value);
                    return;
                };
                let term = self.expr(body, value);
                self.assign(body, &target, term, value.span, source);
            }
            CmdKind::MethodCall { target, method, args } => {
                target_name = Some(*target);
                let Some(place) = self.target(body, *target, last) else {
                    for arg in args.iter().flatten() {
                        self.expr(body, arg);
                    }
                    return;
                };
                let object = Expr {
                    kind: ast::ExprKind::Name(*target),
                    span: Span { first: target.tok, last: target.tok },
                };
                // The command without its semicolon is the method call as an expression.
                let span = Span { first: target.tok, last: last.saturating_sub(1) };
                let term = self.method(body, &object, *method, args.as_deref(), span);
                self.assign(body, &place, term, span, source);
            }
            CmdKind::Unset(name) => self.unset(body, *name, source),
            CmdKind::Verdict { verdict, message } => {
                self.print(body, message, !message.is_empty(), source);
                let verdict = match verdict {
                    ast::Verdict::Accept => Verdict::Accept,
                    ast::Verdict::Reject => Verdict::Reject,
                    ast::Verdict::Error => Verdict::Error,
                };
                let first = self.source(cmd.span.first);
                let site = body.site(verdict, first);
                body.emit(Op::Verdict { verdict, site }, source);
            }
            CmdKind::Print { newline, list } => self.print(body, list, *newline, source),
            CmdKind::Return(value) => self.return_command(body, value, source),
            CmdKind::Call(term) => {
                self.expr(body, term);
            }
            CmdKind::Assert { condition, text } => self.assert(body, condition, text, source),
            CmdKind::CheckAssign { target, value } => self.check_assign(body, *target, value, source),
        }
        if !matches!(
            cmd.kind,
            CmdKind::Block(_) | CmdKind::If { .. } | CmdKind::Case { .. } | CmdKind::For { .. }
        ) {
            let variable = target_name.and_then(|name| body.local(name.sym));
            let what = variable.map_or(Stretch::Command, |local| Stretch::Variable(local.reg));
            body.mark(from, what, cmd.span);
        }
        body.next = mark;
    }

    fn print(&mut self, body: &mut Body, list: &[Expr], newline: bool, source: Source) {
        for part in list {
            let mark = body.next;
            let term = self.expr(body, part);
            let a = body.operand(&term);
            body.emit(Op::Print { a }, source);
            body.next = mark;
        }
        if newline {
            body.emit(Op::Line, source);
        }
    }

    fn if_command(&mut self, body: &mut Body, cmd: &Cmd, arms: &[(Expr, Cmd)], otherwise: Option<&Cmd>) {
        let at = end_of(cmd);
        let mut ends = Vec::new();
        for (i, (condition, then)) in arms.iter().enumerate() {
            let mut skip = Vec::new();
            self.condition(body, condition, false, &mut skip, Asking::by(Asker::If, at));
            self.branch(body, then);
            if i + 1 < arms.len() || otherwise.is_some() {
                ends.push(body.emit(Op::Jump { to: 0 }, self.source(then.span.last)));
            }
            body.patch(&skip);
        }
        if let Some(last) = otherwise {
            self.branch(body, last);
        }
        body.patch(&ends);
    }

    /// A single command that is not a member of a block.
    fn branch(&mut self, body: &mut Body, cmd: &Cmd) {
        body.open_block();
        self.command(body, cmd);
        body.close_block();
    }

    fn case_command(&mut self, body: &mut Body, value: &Expr, arms: &[CaseArm], close: Tok) {
        let term = self.expr(body, value);
        let a = body.operand(&term);
        let source = self.source(close + 1);
        let empty = Switch { branches: Default::default(), arms: Box::default(), otherwise: 0 };
        let table = body.switch(empty);
        body.emit(Op::Switch { a, table }, source);
        body.mark(body.here() - 1, Stretch::Case, value.span);
        let (mut labels, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut otherwise, mut elses) = (None, 0);
        for arm in arms {
            let start = body.here();
            if arm.is_else {
                elses += 1;
                otherwise.get_or_insert(start);
            } else {
                for label in &arm.labels {
                    self.label(body, label, starts.len() as u32, &mut labels);
                }
                starts.push(start);
            }
            self.block(body, &arm.commands);
            ends.push(body.emit(Op::Jump { to: 0 }, self.source(arm.span.last)));
        }
        let otherwise = otherwise.unwrap_or(body.here());
        body.patch(&ends);
        // Of a constant BIRD takes the first label that fits while it reads the file, and looks at no other.
        if let Some((kind, key)) = term.value().and_then(crate::base::set::scalar) {
            let fits = |(k, from, to, _): &(_, u128, u128, _)| *k == kind && (*from..=*to).contains(&key);
            labels = labels.into_iter().find(fits).into_iter().collect();
        }
        // Of several `else:` the first counts, too.
        let overlap = elses > 1 && term.value().is_none();
        match crate::base::set::Branches::new(labels).filter(|_| !overlap) {
            Some(branches) => body.set_switch(table, Switch { branches, arms: starts.into(), otherwise }),
            None => {
                let span = Span { first: value.span.first, last: close };
                body.overlap.get_or_insert(span);
            }
        }
    }

    fn for_command(&mut self, body: &mut Body, cmd: &Cmd, var: &Decl, over: &Expr, inner: &Cmd) {
        let source = self.source(over.span.lookahead());
        let ty = self.type_of(&var.ty);
        let mark = body.next;
        let list = self.expr(body, over);
        let a = body.operand(&list);
        body.next = mark;
        let state = body.temp();
        body.temp();
        let start = body.emit(Op::Walk { state, a }, source);
        body.open_block();
        let dst = self.declare(body, var.name, ty, var.span.lookahead(), true);
        let next = body.emit(Op::Next { state, dst, end: 0 }, source);
        body.mark(next as u32, Stretch::Loop, var.span.to(over.span));
        debug_assert_eq!(start + 1, next);
        self.branch(body, inner);
        body.emit(Op::Jump { to: next as u32 }, self.source(inner.span.last));
        body.patch(&[next]);
        body.close_block();
        body.next = mark;
        let at = end_of(cmd);
        match (list.ty, list.ty.item()) {
            (Type::Unknown, _) => {}
            (other, None) => {
                self.error(at, over.span, format!("Type {other} is not iterable, can't be used in FOR"));
            }
            (_, Some(item)) if !item.takes(ty) => {
                let name = self.text(var.name);
                let message = format!("Loop variable '{name}' in FOR must be of type {item}, got {ty}");
                self.error(at, var.span, message);
            }
            _ => {}
        }
    }

    /// What a name on the left of `=` or of a method stands for; complaints point at the semicolon, `at`.
    pub(super) fn target(&mut self, body: &Body, name: Ident, at: Tok) -> Option<Target> {
        if let Some(local) = body.local(name.sym) {
            return Some(Target::Local(local.reg, local.ty));
        }
        let text = self.text(name);
        match self.symbols.get(self.names, name.sym).map(|e| &e.symbol) {
            Some(Symbol::Attribute(id, ty)) => return Some(Target::Listed(*id, *ty)),
            Some(_) => {
                let message = format!("Can't assign to symbol {text}");
                let diagnostic = self.symbols.wrong_class(self.names, name, &message);
                self.diagnostics.push(Diagnostic { at, ..diagnostic });
                return None;
            }
            None => {}
        }
        let Some(builtin) = self.builtin(text) else {
            self.undefined(body, name);
            return None;
        };
        self.deprecated(text, name);
        match builtin {
            Builtin::Field(info) => Some(Target::Field(info)),
            Builtin::Listed(attr) => Some(Target::Listed(attr.id, attr.ty)),
            Builtin::Bit(bit) => Some(Target::Bit(bit.id, bit.bit)),
        }
    }

    pub(super) fn assign(
        &mut self,
        body: &mut Body,
        target: &Target,
        mut term: Term,
        span: Span,
        source: Source,
    ) {
        let at = source.tok;
        if let Target::Field(info) = target
            && !info.writable
        {
            return self.error(at, span, "This static attribute is read-only.");
        }
        if let Target::Listed(id, _) = target
            && attributes::READ_ONLY.contains(id)
        {
            let name = attributes::by_id(*id).map_or("?", |a| a.name);
            return self.error(at, span, format!("Attribute {name} is read-only"));
        }
        let (ty, name) = match target {
            Target::Local(_, ty) => (*ty, "VAR_SET"),
            Target::Listed(_, ty) => (*ty, "EA_SET"),
            Target::Field(info) => (info.ty, "RTA_SET"),
            Target::Bit(..) => (Type::Bool, "EA_SET"),
        };
        promote(&mut term, ty);
        if !self.want(&term, ty, 1, name, at, span) || matches!(term.loc, Loc::Poison) {
            return;
        }
        if ty == Type::Opaque {
            return self.error(at, span, "Setting opaque attribute is not allowed");
        }
        let a = body.operand(&term);
        if matches!(target, Target::Local(..)) && body.may_be_void(&term) {
            body.emit(Op::Given { a, ty, fresh: false }, source);
        }
        let op = match target {
            Target::Local(dst, _) if a.place() == Place::Reg(*dst) => return,
            Target::Local(dst, _) => Op::Move { dst: *dst, a },
            Target::Listed(id, ty) => Op::SetAttr { id: *id, ty: *ty, a },
            Target::Field(info) => Op::SetField { field: info.field, a },
            Target::Bit(id, bit) => Op::SetBit { id: *id, bit: *bit, a },
        };
        body.emit(op, source);
    }

    fn unset(&mut self, body: &mut Body, name: Ident, source: Source) {
        let text = self.text(name);
        let symbol = self.symbols.get(self.names, name.sym).map(|e| &e.symbol);
        let op = match (body.local(name.sym), symbol, self.builtin(text)) {
            (None, Some(Symbol::Attribute(id, _)), _) => Op::UnsetAttr { id: *id },
            (None, None, Some(Builtin::Listed(attr))) if attributes::READ_ONLY.contains(&attr.id) => {
                let here = Span { first: name.tok, last: name.tok };
                return self.error(source.tok, here, format!("Attribute {text} is read-only"));
            }
            (None, None, Some(Builtin::Listed(attr))) => {
                self.deprecated(text, name);
                Op::UnsetAttr { id: attr.id }
            }
            // Bits are parts of one attribute, which is set or not.
            (None, None, Some(Builtin::Bit(bit))) => {
                self.deprecated(text, name);
                Op::UnsetAttr { id: bit.id }
            }
            (None, None, Some(Builtin::Field(info))) if info.unsettable => {
                Op::UnsetField { field: info.field }
            }
            (None, None, Some(Builtin::Field(_))) => {
                let token = self.locate.token_name(name.tok);
                let here = Span { first: name.tok, last: name.tok };
                return self.error(name.tok, here, format!("syntax error, unexpected {token}"));
            }
            (None, None, None) => {
                self.undefined(body, name);
                return;
            }
            _ => {
                let here = Span { first: name.tok, last: name.tok };
                return self.error(source.tok, here, format!("Can't unset symbol {text}"));
            }
        };
        body.emit(op, source);
    }

    fn return_command(&mut self, body: &mut Body, value: &Expr, source: Source) {
        let term = self.expr(body, value);
        let at = source.tok;
        let Kind::Function { name, symbol, id, returns } = body.kind.clone() else {
            let message = "Can't return from a non-function, use accept or reject instead.";
            return self.error(at, value.span, message);
        };
        match returns {
            // What is known to be nothing cannot be returned, either.
            Some(wanted)
                if !wanted.takes(term.ty)
                    || term.ty == Type::Unknown && wanted != term.ty && !matches!(term.loc, Loc::Poison) =>
            {
                let got = term.ty;
                let message = format!("Can't return type {got} from function {name}, expected {wanted}");
                self.error(at, value.span, message);
            }
            None if term.ty != Type::Unknown => {
                let ty = term.ty;
                self.warning(
                    at,
                    value.span,
                    format!("Inferring function {name} return type from its return value: {ty}"),
                );
                body.kind = Kind::Function { name, symbol, id, returns: Some(ty) };
                if let Some(Symbol::Function(mut signature)) =
                    self.symbols.get(self.names, symbol).map(|e| e.symbol.clone())
                    && signature.id == id
                {
                    signature.returns = ty;
                    self.symbols.redefine(symbol, Symbol::Function(signature));
                }
            }
            _ => {}
        }
        let a = body.operand(&term);
        body.emit(Op::Return { a }, source);
    }
}
