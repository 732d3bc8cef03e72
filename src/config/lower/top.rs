//! Options of the top level.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::Lowering;
use crate::config::{
    CliSocket, DebugMask, Fraction, LatencyMask, LogConfig, LogMask, LogTarget, MrtdumpMask, RouterIdConfig,
    ThreadGroup, TimeFormat,
};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Ident, Opt, Span};

const SYSLOG_PORT: u16 = 514;
const SMALLEST_LOG_LIMIT: u32 = 16384;
const SMALLEST_STACK: u32 = 16;

impl Lowering<'_> {
    pub(super) fn top_option(&mut self, opt: &Opt) {
        match opt.key {
            "router id" => {
                if let Some(id) = self.idval(opt, 0) {
                    self.router_id = if id == 0 { RouterIdConfig::Auto } else { RouterIdConfig::Fixed(id) };
                }
            }
            "router id from" => self.router_id = RouterIdConfig::From(self.patterns(opt, false)),
            "hostname" => {
                if let Some(text) = self.text(opt, 0) {
                    self.hostname = Some(text);
                }
            }
            "graceful restart wait" => {
                if let Some(seconds) = self.expr(opt, 0) {
                    self.gr_wait = Duration::from_secs(seconds.into());
                }
            }
            key if key == "log" || key.starts_with("log ") => self.log(opt),
            "debug protocols" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    self.default_debug.protocols = mask;
                }
            }
            "debug channels" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    self.default_debug.channels = mask;
                }
            }
            "debug tables" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    self.default_debug.tables = mask;
                    if mask != DebugMask::OFF {
                        self.not_built(opt.span, opt.key);
                    }
                }
            }
            "debug show route" => {
                if let Some(mask) = self.mask(opt, DebugMask::of_word) {
                    self.debug.show_route = mask;
                }
                self.not_built(opt.span, opt.key);
            }
            "debug commands" => {
                if let Some(level) = self.expr(opt, 0) {
                    self.debug.commands = level;
                }
            }
            "debug latency" => self.latency(opt),
            "debug latency limit" => {
                let mut time = self.debug.latency_limit;
                self.set_time(opt, &mut time);
                self.debug.latency_limit = time;
            }
            "watchdog warning" => {
                let mut time = self.debug.watchdog_warning;
                self.set_time(opt, &mut time);
                self.debug.watchdog_warning = time;
            }
            "watchdog timeout" => {
                if let Some(time) = self.time(opt, 0) {
                    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
                    self.debug.watchdog_timeout = (whole > 0).then(|| Duration::from_secs(whole));
                }
            }
            "mrtdump" => {
                if let Some(path) = self.text(opt, 0) {
                    self.mrtdump.file = Some(PathBuf::from(&*path));
                }
                self.not_built(opt.span, opt.key);
            }
            "mrtdump protocols" => {
                if let Some(mask) = self.mask(opt, MrtdumpMask::of_word) {
                    self.mrtdump.protocols = mask;
                }
                self.not_built(opt.span, opt.key);
            }
            key if key == "timeformat" || key.starts_with("timeformat ") => self.timeformat(opt),
            "cli" => self.cli(opt),
            "threads" => {
                if let Some(n) = self.expr(opt, 0) {
                    if n == 0 {
                        self.error(opt.span.last, "Number of threads must be at least one.");
                    }
                    self.threads = n;
                }
                self.not_built(opt.span, opt.key);
            }
            "filter stacks" => {
                if let (Some(values), Some(calls)) = (self.expr(opt, 0), self.expr(opt, 1)) {
                    if values < SMALLEST_STACK || calls < SMALLEST_STACK {
                        self.error(opt.span.last, "Filter stacks must be at least 16");
                    }
                    self.filter_stacks = Some((values, calls));
                }
                self.not_built(opt.span, opt.key);
            }
            _ => self.unknown_option(opt),
        }
    }

    /// `debug latency`: a switch in the old dialect, a mask in the new one.
    fn latency(&mut self, opt: &Opt) {
        if let Some(mask) = self.mask(opt, LatencyMask::of_word) {
            self.debug.latency = mask;
            return;
        }
        let mut on = true;
        self.set_switch(opt, &mut on);
        self.debug.latency = if on { LatencyMask::ALL } else { LatencyMask::OFF };
    }

    /// `log TARGET MASK`.
    fn log(&mut self, opt: &Opt) {
        let mask = self.mask(opt, LogMask::of_word);
        // The kind of target is a word of the key or the first argument, whichever the grammar made of it.
        let word = opt.key.strip_prefix("log ").or_else(|| {
            opt.args.iter().find_map(|arg| match arg {
                Arg::Word(w, _) if matches!(*w, "stderr" | "syslog" | "udp" | "fixed") => Some(*w),
                _ => None,
            })
        });
        let values: Vec<_> = opt
            .args
            .iter()
            .filter_map(|arg| match arg {
                Arg::Expr(e) => Some(e),
                _ => None,
            })
            .collect();
        let target = match (word, values.as_slice()) {
            (Some("stderr"), _) => LogTarget::Stderr,
            (Some("syslog" | "syslog name"), []) => LogTarget::Syslog(None),
            (Some("syslog" | "syslog name"), [name, ..]) => {
                let Some(name) = self.string(name) else { return };
                LogTarget::Syslog(Some(name))
            }
            (Some("udp"), [host, port @ ..]) => {
                let Some(host) = self.host(host) else { return };
                let mut to = SYSLOG_PORT;
                if let [port, ..] = port {
                    let Some(n) = self.number16(port) else { return };
                    to = n;
                }
                LogTarget::Udp { host, port: to }
            }
            (Some("fixed"), [path, size, ..]) => {
                let (Some(path), Some(size)) = (self.string(path), self.number(size)) else { return };
                LogTarget::Ring { path: PathBuf::from(&*path), size }
            }
            (_, [path, rotate @ ..]) => {
                let Some(path) = self.string(path) else { return };
                let rotate = match rotate {
                    [limit, backup, ..] => {
                        let (Some(n), Some(backup)) = (self.number(limit), self.string(backup)) else {
                            return;
                        };
                        if n < SMALLEST_LOG_LIMIT {
                            let text = "Log file size limit too low, must be at least 16384.";
                            return self.error(values[2].span.last, text);
                        }
                        Some((n, PathBuf::from(&*backup)))
                    }
                    _ => None,
                };
                LogTarget::File { path: PathBuf::from(&*path), rotate }
            }
            _ => return self.unknown_option(opt),
        };
        let at = self.sources.locate(opt.span.last);
        let place = format!("{}:{}:{}", at.path.display(), at.line, at.col);
        self.logs.push(LogConfig { target, mask: mask.unwrap_or(LogMask::ALL), place });
    }

    /// `timeformat WHICH FORMAT`.
    fn timeformat(&mut self, opt: &Opt) {
        let mut which = opt.key.strip_prefix("timeformat ");
        let (mut iso, mut long, mut fraction, mut texts, mut limit) =
            (false, false, Fraction::None, Vec::new(), None);
        for arg in &opt.args {
            match arg {
                Arg::Word(word, _) => match *word {
                    "iso" => iso = true,
                    "iso short" | "short" => iso = true,
                    "iso long" | "long" => (iso, long) = (true, true),
                    "ms" => fraction = Fraction::Millis,
                    "us" => fraction = Fraction::Micros,
                    word => which = Some(word),
                },
                Arg::Expr(e) if texts.len() == 1 && limit.is_none() => {
                    let Some(seconds) = self.number(e) else { return };
                    limit = Some(Duration::from_secs(seconds.into()));
                }
                Arg::Expr(e) => {
                    let Some(text) = self.string(e) else { return };
                    texts.push(text);
                }
                _ => {}
            }
        }
        let format = match (iso, long) {
            (true, true) => TimeFormat::iso_long(fraction),
            (true, false) => TimeFormat::iso_short(fraction),
            _ => {
                let mut texts = texts.into_iter();
                let Some(recent) = texts.next() else { return self.unknown_option(opt) };
                TimeFormat { recent, limit, older: texts.next() }
            }
        };
        let slot = match which {
            Some("route") => &mut self.time_formats.route,
            Some("protocol") => &mut self.time_formats.protocol,
            Some("base") => &mut self.time_formats.base,
            Some("log") => &mut self.time_formats.log,
            _ => return self.unknown_option(opt),
        };
        *slot = format;
    }

    /// `cli "PATH" { ... }`.
    fn cli(&mut self, opt: &Opt) {
        let Some(path) = self.text(opt, 0) else { return };
        let mut socket = CliSocket { path: PathBuf::from(&*path), restricted: false, v2_attributes: false };
        for arg in &opt.args {
            let Arg::Block(options) = arg else { continue };
            for option in options {
                match option.key {
                    "restrict" => socket.restricted = true,
                    "v2 attributes" => {
                        socket.v2_attributes = true;
                        self.not_built(option.span, option.key);
                    }
                    _ => self.unknown_option(option),
                }
            }
        }
        self.cli_sockets.push(socket);
    }

    /// `thread group NAME { ... }` (3.x)
    pub(super) fn thread_group(&mut self, name: Ident, options: &[Opt], span: Span) {
        if self.groups_closed {
            return self.error(span.first, "Thread groups must be defined before tables and protocols");
        }
        if !self.define(name, name.tok, Symbol::ThreadGroup) {
            return;
        }
        self.not_built(span, "thread group");
        let mut group = ThreadGroup {
            name: self.name(name),
            threads: 1,
            max_time: Duration::from_millis(300),
            min_time: Duration::from_millis(1),
            max_latency: Duration::from_secs(1),
            wakeup: Duration::from_secs(60),
        };
        let mut default = None;
        for opt in options {
            match opt.key {
                "threads" => {
                    self.set_expr(opt, &mut group.threads);
                    if group.threads == 0 {
                        self.error(opt.span.last, "Number of threads must be at least one.");
                    }
                }
                "max time" => self.set_time(opt, &mut group.max_time),
                "min time" => self.set_time(opt, &mut group.min_time),
                "max latency" => self.set_time(opt, &mut group.max_latency),
                "wakeup time" => self.set_time(opt, &mut group.wakeup),
                "default" => {
                    let mut on = true;
                    self.set_switch(opt, &mut on);
                    default = Some(on);
                }
                _ => self.unknown_option(opt),
            }
        }
        let problem = if group.max_time > Duration::from_secs(60) {
            "Maximum time must be at most 60 s"
        } else if group.max_latency < group.max_time {
            "Maximum latency must be at least the maximum time"
        } else if group.max_time < group.min_time {
            "Maximum time must be at least the minimum time"
        } else if group.wakeup < Duration::from_secs(1) {
            "Wakeup time must be at least 1 s"
        } else {
            ""
        };
        if !problem.is_empty() {
            self.error(span.last, problem);
        }
        match default {
            Some(true) => self.default_group = Some(group.name.clone()),
            Some(false) if self.default_group.as_ref() == Some(&group.name) => self.default_group = None,
            _ => {}
        }
        self.thread_groups.push(Arc::new(group));
    }
}
