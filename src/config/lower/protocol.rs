//! `protocol KIND ...` and `template KIND ...`: what all kinds have in common.

use std::sync::Arc;

use super::Lowering;
use crate::base::NetType;
use crate::config::{
    ChannelConfig, DebugMask, Marks, MplsPolicy, MrtdumpMask, ProtocolConfig, ProtocolSyntax, Vrf,
};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Ident, Opt, ProtoItem, Protocol, Span, Tok};
use crate::syntax::diag::Diagnostic;

/// What all protocols share, while a block is read.
pub struct Block {
    /// The kind.
    pub kind: &'static dyn ProtocolSyntax,
    /// The protocol's name.
    pub name: Arc<str>,
    /// A template: never started.
    pub template: bool,
    /// Channels so far, inherited ones included.
    pub channels: Vec<ChannelConfig>,
    /// Types of inherited channels that may still be mentioned once.
    pub inherited: Vec<NetType>,
    /// From the word `protocol` to the opening brace.
    pub head: Span,
    /// Where options stand.
    pub marks: Marks,
    /// The closing brace.
    pub close: Tok,
    common: Common,
}

/// The options of every protocol.
#[derive(Default)]
struct Common {
    description: Option<Arc<str>>,
    router_id: Option<u32>,
    hostname: Option<Arc<str>>,
    disabled: bool,
    debug: DebugMask,
    mrtdump: MrtdumpMask,
    vrf: Vrf,
    restart_time: Option<std::time::Duration>,
    thread_group: Option<Arc<str>>,
}

impl Block {
    /// The policy a new label channel starts with.
    pub(super) fn mpls_policy(&self) -> MplsPolicy {
        if self.kind.static_labels() { MplsPolicy::Static } else { MplsPolicy::Prefix }
    }

    /// What the protocol logs; its channels follow unless they say otherwise.
    pub fn debug(&self) -> DebugMask {
        self.common.debug
    }
}

impl Lowering<'_> {
    pub(super) fn protocol(&mut self, item: Protocol) {
        if !item.template {
            self.any_protocol = true;
        }
        let word = self.name(item.kind);
        let Some(kind) = self.kinds.iter().copied().find(|k| k.keyword() == &*word) else {
            return self.unbuilt_kind(&item, &word);
        };
        let before = self.error_count();
        kind.open(self, item.kind.tok);
        let name = self.protocol_name(&item, kind);
        let parent = item.from.and_then(|from| self.parent(from, kind));
        let mut block = self.block(kind, &item, name.clone(), parent.as_deref());
        let mut draft = kind.draft(parent.as_deref());
        draft.begin(&mut block, self);
        for part in item.items {
            match part {
                ProtoItem::Channel(channel) => self.channel(&mut block, &channel),
                ProtoItem::Routes(routes) => draft.routes(routes, &mut block, self),
                ProtoItem::Option(opt) => {
                    let place = self.place(opt.span.first);
                    block.marks.note("", opt.key, place);
                    if !self.common_option(&mut block, &opt) && !draft.option(&opt, &mut block, self) {
                        self.unknown_option(&opt);
                    }
                }
            }
        }
        // After an error inside, "channel not specified" and the like would often only be its echo.
        let sound = self.error_count() == before && !self.is_damaged(item.span);
        let full = (!item.template || kind.checks_templates()) && sound;
        let options = draft.finish(full, &mut block, self);
        let Block { channels, common, marks, .. } = block;
        let place = self.place(item.span.first);
        let config = Arc::new(ProtocolConfig {
            name,
            kind,
            description: common.description,
            router_id: common.router_id,
            hostname: common.hostname,
            disabled: common.disabled,
            debug: common.debug,
            mrtdump: common.mrtdump,
            vrf: common.vrf,
            restart_time: common.restart_time,
            thread_group: common.thread_group,
            channels,
            options,
            place,
            marks,
        });
        self.groups_closed = true;
        if item.template { self.templates.push(config) } else { self.protocols.push(config) }
    }

    fn block(
        &mut self,
        kind: &'static dyn ProtocolSyntax,
        item: &Protocol,
        name: Arc<str>,
        parent: Option<&ProtocolConfig>,
    ) -> Block {
        let common = match parent {
            Some(p) => Common {
                description: p.description.clone(),
                router_id: p.router_id,
                hostname: p.hostname.clone(),
                disabled: p.disabled,
                debug: p.debug,
                mrtdump: p.mrtdump,
                vrf: p.vrf.clone(),
                restart_time: p.restart_time,
                thread_group: p.thread_group.clone(),
            },
            None => Common {
                debug: self.default_debug.protocols,
                mrtdump: self.mrtdump.protocols,
                ..Common::default()
            },
        };
        let channels = parent.map(|p| p.channels.clone()).unwrap_or_default();
        Block {
            kind,
            name,
            template: item.template,
            inherited: channels.iter().map(|c| c.net_type).collect(),
            channels,
            head: Span { first: item.span.first, last: item.open.saturating_sub(1) },
            close: item.close,
            marks: parent.map(|p| p.marks.clone()).unwrap_or_default(),
            common,
        }
    }

    /// The written name, or one made of the kind and the first free number.
    fn protocol_name(&mut self, item: &Protocol, kind: &'static dyn ProtocolSyntax) -> Arc<str> {
        let symbol = match item.template {
            true => Symbol::Template(kind.display()),
            false => Symbol::Protocol(kind.display()),
        };
        // BIRD defines the name when it knows that it is complete: behind `from NAME`, or at the brace.
        if let Some(name) = item.name {
            let at = item.from.map_or(name.tok + 1, |from| from.tok);
            self.define(name, at, symbol);
            return self.name(name);
        }
        loop {
            let counter = self.counters.entry(kind.keyword()).or_insert(0);
            *counter += 1;
            let text = format!("{}{}", kind.keyword(), counter);
            let ident = Ident { sym: self.names.intern(&text), tok: item.kind.tok };
            if self.symbol(ident.sym).is_none() {
                self.define(ident, ident.tok, symbol);
                return self.name(ident);
            }
        }
    }

    fn parent(&mut self, from: Ident, kind: &'static dyn ProtocolSyntax) -> Option<Arc<ProtocolConfig>> {
        let known =
            |symbol: &Symbol| matches!(symbol, Symbol::Protocol(_) | Symbol::Template(_)).then_some(());
        self.lookup(from, "Template or protocol name expected", &["CF_SYM_KNOWN"], known)?;
        let text = self.name(from);
        // A protocol whose block was refused, or the very one being read, is not in the list.
        let found = self.protocols.iter().chain(&self.templates).find(|p| p.name == text)?.clone();
        if found.kind.keyword() != kind.keyword() {
            let help = format!("`{}` is a {} protocol", found.name, found.kind.keyword());
            self.push(
                Diagnostic::error(from.tok, "Can't copy configuration from a different protocol type")
                    .help(help),
            );
            return None;
        }
        if !kind.inheritable() {
            self.error(from.tok, format!("Inheriting configuration for {} is not supported", kind.display()));
            return None;
        }
        Some(found)
    }

    /// A check of the finished block: BIRD reports it at the closing brace, people look at the head.
    pub fn block_error(&mut self, block: &Block, message: impl Into<String>, help: impl Into<String>) {
        let word = if block.template { "this template" } else { "this protocol" };
        let error = Diagnostic::error(block.close, message).label(block.head, word);
        let help = help.into();
        self.push(if help.is_empty() { error } else { error.help(help) });
    }

    /// A kind this program does not speak yet: said once for each such protocol, at its kind.
    fn unbuilt_kind(&mut self, item: &Protocol, word: &str) {
        if self.for_tests {
            let text = format!("protocol {word} is not supported yet, and left out");
            self.push(Diagnostic::warning(item.kind.tok, text));
            if let Some(name) = item.name {
                self.fail_name(name);
            }
            return;
        }
        let built = self.kinds.iter().map(|k| k.keyword()).collect::<Vec<_>>().join(", ");
        self.push(
            Diagnostic::error(item.kind.tok, format!("protocol {word} is not supported yet"))
                .help(format!("supported are: {built}")),
        );
        if let Some(name) = item.name {
            self.fail_name(name);
        }
    }

    /// Takes an option all protocols have.
    fn common_option(&mut self, block: &mut Block, opt: &Opt) -> bool {
        let common = &mut block.common;
        match opt.key {
            "disabled" => self.set_switch(opt, &mut common.disabled),
            "debug" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    common.debug = mask;
                }
            }
            "mrtdump" => {
                if let Some(mask) = self.mask(opt, MrtdumpMask::of_word) {
                    common.mrtdump = mask;
                }
                self.not_built(opt.span, opt.key);
            }
            "router id" => common.router_id = self.idval(opt, 0).or(common.router_id),
            "hostname" => common.hostname = self.text(opt, 0).or(common.hostname.take()),
            "description" => common.description = self.text(opt, 0).or(common.description.take()),
            "vrf" => match opt.args.first() {
                Some(Arg::Word("default", _)) => common.vrf = Vrf::Default,
                _ => {
                    if let Some(name) = self.text(opt, 0) {
                        common.vrf = Vrf::Named(name);
                    }
                }
            },
            "restart time" => {
                common.restart_time = self.time(opt, 0).or(common.restart_time);
                self.not_built(opt.span, opt.key);
            }
            "thread group" => {
                common.thread_group = self.thread_group_name(opt).or(common.thread_group.take());
            }
            _ => return false,
        }
        true
    }
}
