//! Channels of protocols, and the channel options that stand directly in pipes and kernel protocols.

use std::sync::Arc;

use super::Lowering;
use super::args::net_type_of;
use super::protocol::Block;
use crate::base::{Net, NetType};
use crate::config::{ChannelConfig, DebugMask, Limit, LimitAction, MplsChannel, MplsPolicy};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Channel, Opt, Tok};
use crate::syntax::diag::Diagnostic;

/// The options a channel and a pipe have in common.
pub(super) const COMMON: &[&str] = &[
    "table",
    "import",
    "export",
    "import in",
    "export in",
    "import limit",
    "receive limit",
    "export limit",
    "preference",
    "import keep filtered",
    "rpki reload",
];

impl Block {
    /// Whether a channel of this type was written or inherited.
    pub fn has_channel(&self, net: NetType) -> bool {
        self.channels.iter().any(|c| c.net_type == net)
    }

    /// Takes a channel option written directly into a protocol that has no such option: it goes to a channel
    /// of type `net`, made on the spot.
    pub fn implied_channel(&mut self, opt: &Opt, net: NetType, lw: &mut Lowering<'_>) -> bool {
        if opt.key == "table" {
            lw.push(Diagnostic::error(opt.span.first, "syntax error, unexpected TABLE").over(opt.span).help(
                format!("the table of a channel stands in its block: `{} {{ table ...; }};`", net.name()),
            ));
            return true;
        }
        if !COMMON.contains(&opt.key) {
            return false;
        }
        if !self.has_channel(net) {
            let mut channel =
                ChannelConfig::new(net.name(), net, self.kind.preference(net), lw.default_debug.channels);
            channel.line = lw.line(opt.span.first);
            if let Some(table) = lw.default_table(net) {
                channel.table = table.name.clone();
            }
            lw.push(
                Diagnostic::warning(
                    opt.span.first,
                    format!("No channel around `{}`, assuming {} {{ ... }}", opt.key, net.name()),
                )
                .over(opt.span)
                .help(format!("write `{} {{ {} ...; }};`", net.name(), opt.key)),
            );
            self.channels.push(channel);
        }
        if let Some(mut channel) = self.take_channel(|c| c.net_type == net) {
            lw.channel_option(&mut channel.1, opt);
            self.channels.insert(channel.0, channel.1);
        }
        true
    }

    /// Takes a channel option of a pipe, whose one channel has no block. The type follows the table.
    pub fn pipe_channel(&mut self, opt: &Opt, lw: &mut Lowering<'_>) -> bool {
        if !COMMON.contains(&opt.key) {
            return false;
        }
        if let Some((at, mut channel)) = self.take_channel(|_| true) {
            if opt.key == "table" {
                if let Some(table) = lw.table_name(opt, 0) {
                    (channel.name, channel.net_type) = (table.net_type.name(), table.net_type);
                    channel.table = table.name.clone();
                }
            } else {
                lw.channel_option(&mut channel, opt);
            }
            self.channels.insert(at, channel);
        }
        true
    }

    fn take_channel(&mut self, wanted: impl Fn(&ChannelConfig) -> bool) -> Option<(usize, ChannelConfig)> {
        let at = self.channels.iter().position(wanted)?;
        Some((at, self.channels.remove(at)))
    }
}

impl Lowering<'_> {
    /// A channel block of a protocol.
    pub(super) fn channel(&mut self, block: &mut Block, item: &Channel) {
        let words = item.kind.split(' ').count() as u32;
        // `ipv6` may go on as `ipv6 sadr`: BIRD has to read one token more before it knows the type.
        let at = item.tok + if item.kind == "ipv6" { 1 } else { words - 1 };
        let kind = block.kind;
        let Some(net) = net_type_of(item.kind)
            .filter(|net| kind.channel_types().contains(net) || self.is_label_channel(block, *net))
        else {
            self.push(Diagnostic::error(at, "Unsupported channel type").over(item.span).help(format!(
                "a {} protocol takes: {}",
                kind.keyword(),
                names_of(kind.channel_types())
            )));
            return;
        };
        let mut channel = match block.channels.iter().position(|c| c.net_type == net) {
            Some(i) if block.inherited.contains(&net) => {
                block.inherited.retain(|n| *n != net);
                block.channels.remove(i)
            }
            Some(_) => {
                let error = Diagnostic::error(at, format!("Multiple {} channels", net.name()));
                return self.push(error.help("all options of a channel stand in one block"));
            }
            None => {
                let other = block.channels.iter().any(|c| !self.is_label_channel(block, c.net_type));
                if kind.one_channel() && other && !self.is_label_channel(block, net) {
                    let kind = kind.keyword();
                    let error = Diagnostic::error(at, "Different channel type").over(item.span);
                    return self.push(error.help(format!(
                        "a {kind} protocol has one channel: write a second `protocol {kind}` for the other one"
                    )));
                }
                let mut new =
                    ChannelConfig::new(net.name(), net, kind.preference(net), self.default_debug.channels);
                if let Some(table) = self.default_table(net) {
                    new.table = table.name.clone();
                }
                new
            }
        };
        channel.line = self.line(item.tok);
        if net == NetType::Mpls && channel.mpls.is_none() && self.is_label_channel(block, net) {
            channel.mpls = Some(MplsChannel { domain: "".into(), range: None, policy: block.mpls_policy() });
        }
        let end = self.after(item.span, words);
        let place = self.place(item.tok);
        block.marks.note(channel.name, "", place);
        for opt in &item.options {
            let place = self.place(opt.span.first);
            block.marks.note(channel.name, opt.key, place);
            self.channel_option(&mut channel, opt);
        }
        if channel.table.is_empty() && !self.has_failed_table(&item.options) {
            self.error(end, "Routing table not specified");
        }
        self.finish_mpls(&mut channel, &item.options, end);
        block.channels.push(channel);
    }

    /// Whether a type is only the companion of another channel: `mpls` of a protocol whose routes carry labels.
    fn is_label_channel(&self, block: &Block, net: NetType) -> bool {
        net == NetType::Mpls && block.kind.takes_labels()
    }

    /// A table was asked for but could not be found: reported already.
    fn has_failed_table(&self, options: &[Opt]) -> bool {
        options.iter().any(|o| o.key == "table")
    }

    /// One option of a channel.
    pub(super) fn channel_option(&mut self, channel: &mut ChannelConfig, opt: &Opt) {
        match opt.key {
            "table" => {
                let Some(table) = self.table_name(opt, 0) else { return };
                if table.net_type != channel.net_type {
                    let help = format!(
                        "`{}` is a table of type {}, the channel is {}",
                        table.name,
                        table.net_type.name(),
                        channel.name
                    );
                    self.push(
                        Diagnostic::error(opt.span.last, "Incompatible table type").over(opt.span).help(help),
                    );
                    return;
                }
                channel.table = table.name.clone();
            }
            "import" | "import in" => self.direction(opt, channel.net_type, true, channel),
            "export" | "export in" => self.direction(opt, channel.net_type, false, channel),
            "import limit" => channel.import_limit = self.limit(opt),
            "receive limit" => channel.receive_limit = self.limit(opt),
            "export limit" => channel.export_limit = self.limit(opt),
            "preference" => {
                if let Some(preference) = self.expr16(opt, 0) {
                    channel.preference = preference;
                }
            }
            "import keep filtered" => self.set_switch(opt, &mut channel.keep_filtered),
            "rpki reload" => {
                self.set_switch(opt, &mut channel.rpki_reload);
                if channel.rpki_reload {
                    self.not_built(opt.span, opt.key);
                }
            }
            "debug" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    channel.debug = mask;
                }
            }
            "domain" | "label range" | "label policy" => self.mpls_option(channel, opt),
            _ => self.unknown_option(opt),
        }
    }

    /// `import X`, `export X`, and both with `in NETWORK`.
    fn direction(&mut self, opt: &Opt, net_type: NetType, import: bool, channel: &mut ChannelConfig) {
        let mut inside = None;
        for arg in &opt.args {
            match arg {
                Arg::Net(expr) | Arg::Expr(expr) => {
                    let Some(net) = self.network(expr) else { return };
                    if !fits(&net, net_type) {
                        let which = if import { "import" } else { "export" };
                        self.error(expr.span.last, format!("Incompatible {which} prefilter type"));
                        return;
                    }
                    inside = Some(net);
                }
                Arg::Policy(policy) => {
                    let Some(filter) = self.policy(policy) else { return };
                    if import {
                        (channel.import, channel.import_in) = (filter, inside.take());
                    } else {
                        (channel.export, channel.export_in) = (filter, inside.take());
                    }
                }
                _ => {}
            }
        }
    }

    /// `off` or a number with an action.
    fn limit(&mut self, opt: &Opt) -> Option<Limit> {
        let mut limit = None;
        for arg in &opt.args {
            match arg {
                Arg::Expr(expr) => {
                    limit = Some(Limit { count: self.number(expr)?, action: LimitAction::default() });
                }
                Arg::Word(word, _) => {
                    if let (Some(l), Some(action)) = (&mut limit, LimitAction::named(word)) {
                        l.action = action;
                    }
                }
                _ => {}
            }
        }
        limit
    }

    /// Options of an `mpls` channel.
    fn mpls_option(&mut self, channel: &mut ChannelConfig, opt: &Opt) {
        let Some(mpls) = &mut channel.mpls else { return self.unknown_option(opt) };
        match opt.key {
            "domain" => {
                let Some(name) = self.name_arg(opt, 0) else { return };
                let is_domain = |symbol: &Symbol| matches!(symbol, Symbol::MplsDomain).then_some(());
                if self.lookup(name, "MPLS domain name required", &["CF_SYM_KNOWN"], is_domain).is_some() {
                    mpls.domain = self.name(name);
                }
            }
            "label range" => match opt.args.first() {
                Some(Arg::Word(word, _)) => mpls.range = Some(Arc::from(*word)),
                _ => {
                    let Some(name) = self.name_arg(opt, 0) else { return };
                    let is_range = |symbol: &Symbol| matches!(symbol, Symbol::MplsRange).then_some(());
                    let expecting = ["STATIC", "DYNAMIC", "CF_SYM_KNOWN"];
                    if self.lookup(name, "MPLS range name required", &expecting, is_range).is_some() {
                        mpls.range = Some(self.name(name));
                    }
                }
            },
            _ => {
                if let Some(Arg::Word(word, _)) = opt.args.first()
                    && let Some(policy) = MplsPolicy::named(word)
                {
                    mpls.policy = policy;
                    if policy != MplsPolicy::Static {
                        self.not_built(opt.span, opt.key);
                    }
                }
            }
        }
    }

    /// Defaults and checks of a finished `mpls` channel.
    fn finish_mpls(&mut self, channel: &mut ChannelConfig, options: &[Opt], end: Tok) {
        let Some(mpls) = &mut channel.mpls else { return };
        if mpls.domain.is_empty() {
            mpls.domain = self.default_domain(end);
        }
        let Some(range) = &mpls.range else { return };
        let known = self.mpls_domains.iter().find(|d| d.name == mpls.domain);
        if known.is_some_and(|d| d.ranges.iter().all(|r| r.name != *range)) {
            let at = options.iter().find(|o| o.key == "label range").map_or(end, |o| o.span.last);
            let text = format!("MPLS label range {range} is not in domain {}", mpls.domain);
            self.error(at, text);
        }
    }
}

/// Whether routes of a type can lie inside a network.
fn fits(net: &Net, of: NetType) -> bool {
    use NetType::*;
    match net.net_type() {
        Ip4 => matches!(of, Ip4 | Vpn4 | Roa4 | Flow4),
        Ip6 => matches!(of, Ip6 | Vpn6 | Roa6 | Flow6 | Ip6Sadr),
        other => other == of,
    }
}

fn names_of(types: &[NetType]) -> String {
    match types {
        [] => "no channels".to_owned(),
        _ => types
            .iter()
            .map(|t| if *t == NetType::Ip6Sadr { "ipv6 sadr" } else { t.name() })
            .collect::<Vec<_>>()
            .join(", "),
    }
}
