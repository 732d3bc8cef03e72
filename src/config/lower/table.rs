//! `NETTYPE table NAME ...`.

use std::sync::Arc;
use std::time::Duration;

use super::Lowering;
use crate::config::tables::can_trie;
use crate::config::{DebugMask, Settle, TableConfig};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Opt, Span, Table, Tok};

const LONGEST_GC_PERIOD: Duration = Duration::from_secs(3600);

impl Lowering<'_> {
    /// The table of this name.
    pub fn table(&self, name: &str) -> Option<Arc<TableConfig>> {
        self.tables.get(*self.table_names.get(name)?).cloned()
    }

    /// The first table of a type.
    pub fn default_table(&self, net: crate::base::NetType) -> Option<Arc<TableConfig>> {
        self.tables.iter().find(|t| t.net_type == net).cloned()
    }

    pub(super) fn table_item(&mut self, item: Table) {
        let Some(net_type) = self.net_type(item.kind, item.span.first) else { return };
        let text = self.name(item.name);
        // The predefined tables may be written out to set their options; the old dialect allows that more than once.
        let predefined = self.table(&text).filter(|t| {
            t.net_type == net_type
                && matches!(&*text, "master4" | "master6")
                && matches!(self.symbol(item.name.sym), Some(Symbol::Table(_)))
        });
        let mut table = match &predefined {
            Some(table) => TableConfig::clone(table),
            None => {
                if !self.define(item.name, item.name.tok, Symbol::Table(net_type)) {
                    return;
                }
                TableConfig::new(text.clone(), net_type, self.default_debug.tables)
            }
        };
        table.line = self.line(item.span.first);
        table.sorted |= item.sorted;
        for opt in &item.options {
            self.table_option(&mut table, opt);
        }
        self.groups_closed = true;
        let table = Arc::new(table);
        match self.table_names.get(&table.name).copied() {
            Some(at) => self.tables[at] = table,
            None => {
                let at = self.tables.len();
                self.table_names.insert(table.name.clone(), at);
                self.tables.push(table);
            }
        }
    }

    fn table_option(&mut self, table: &mut TableConfig, opt: &Opt) {
        match opt.key {
            "sorted" => self.set_switch(opt, &mut table.sorted),
            "trie" => {
                self.set_switch(opt, &mut table.trie);
                if !can_trie(table.net_type) {
                    let name = table.net_type.name();
                    // A switch that is not written ends where the next token shows it.
                    let written = !matches!(opt.args.first(), None | Some(Arg::Present));
                    let at = if written { opt.span.last } else { opt.span.lookahead() };
                    self.error(at, format!("Trie option not supported for {name} table"));
                }
            }
            // Tables give back what they free at once; there is nothing to tune.
            "gc threshold" => self.set_expr(opt, &mut table.gc_threshold),
            "gc period" => {
                table.gc_period = self.time(opt, 0).or(table.gc_period);
                if table.gc_period.is_some_and(|p| p > LONGEST_GC_PERIOD) {
                    self.error(opt.span.last, "GC period must be at most 3600 s");
                }
            }
            "debug" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    table.debug = mask;
                    if mask != DebugMask::OFF {
                        self.not_built(opt.span, opt.key);
                    }
                }
            }
            "min settle time" => {
                self.set_time(opt, &mut table.settle.min);
                self.not_built(opt.span, opt.key);
            }
            "max settle time" => {
                self.set_time(opt, &mut table.settle.max);
                self.not_built(opt.span, opt.key);
            }
            "export settle time" => table.export_settle = self.settle(opt, table.export_settle),
            "route refresh export settle time" => {
                table.refresh_settle = self.settle(opt, table.refresh_settle)
            }
            "digest settle time" => table.digest_settle = self.settle(opt, table.digest_settle),
            "cork threshold" => {
                if let (Some(low), Some(high)) = (self.expr(opt, 0), self.expr(opt, 1)) {
                    table.cork = (low, high);
                    if low > high {
                        self.error(
                            opt.span.last,
                            format!("Cork low threshold {low} is bigger than high threshold {high}"),
                        );
                    }
                }
                self.not_built(opt.span, opt.key);
            }
            "thread group" => {
                table.thread_group = self.thread_group_name(opt).or(table.thread_group.take());
            }
            _ => self.unknown_option(opt),
        }
    }

    /// A pair of settle times; a lone one sets both.
    pub(super) fn settle(&mut self, opt: &Opt, old: Settle) -> Settle {
        self.not_built(opt.span, opt.key);
        let (Some(min), Some(max)) = (self.time(opt, 0), self.time(opt, 1)) else { return old };
        if min > max {
            let text = format!(
                "Minimum settle time {} is bigger than maximum settle time {}",
                seconds(min),
                seconds(max)
            );
            self.error(opt.span.last, text);
        }
        Settle { min, max }
    }

    pub(super) fn thread_group_name(&mut self, opt: &Opt) -> Option<Arc<str>> {
        let name = self.name_arg(opt, 0)?;
        self.not_built(opt.span, opt.key);
        let text = self.name(name);
        // `worker` and `express` exist without a definition.
        if self.symbol(name.sym).is_none() && matches!(&*text, "worker" | "express") {
            return Some(text);
        }
        self.lookup(name, "Thread group name required", &["CF_SYM_KNOWN"], |symbol| {
            matches!(symbol, Symbol::ThreadGroup).then_some(text)
        })
    }

    /// Where BIRD stands when it has read an item that may be followed by a block: at its brace, or one token behind.
    pub(super) fn after(&self, span: Span, words: u32) -> Tok {
        if span.last >= span.first + words { span.last } else { span.lookahead() }
    }
}

/// A duration as BIRD writes it in messages: seconds with a fraction where there is one.
pub(super) fn seconds(time: Duration) -> String {
    let micros = time.subsec_micros();
    match (time.as_secs(), micros) {
        (s, 0) => format!("{s} s"),
        (s, us) if us % 1000 == 0 => format!("{s}.{:03} s", us / 1000),
        (s, us) => format!("{s}.{us:06} s"),
    }
}
