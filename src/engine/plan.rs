//! What a new configuration means for the running one: a list of steps, worked out before anything happens.
//!
//! Pure data from pure data, so that it can be shown (`configure plan`), tested, and undone by swapping the
//! arguments. A commit carries out these steps and decides nothing by itself: what the plan says is what
//! happens. Protocols are matched by name. For every change the option that causes it is named, with the
//! place where it stands.

use std::fmt;
use std::sync::Arc;

use super::api::ProtocolKind;
use crate::config::{ChannelConfig, ChannelDiff, Config, Effect, FilterRef, Names, Place, ProtocolConfig};

/// What becomes of a protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Not in the old configuration.
    Appear,
    /// Not in the new one.
    Vanish,
    /// Runs, must stop and start again.
    Restart,
    /// Was down, starts.
    Start,
    /// Runs, and stays down from now on.
    Stop,
    /// Is down and stays down.
    Idle,
    /// Keeps running; what changed is taken in place.
    Stay,
}

/// A change and what it asks for.
#[derive(Clone, Debug)]
pub struct Reason {
    /// The words of the option, or what else it is.
    pub what: String,
    /// Where it stands.
    pub place: Option<Place>,
    /// It is in the old configuration only; the place is that of the old one.
    pub gone: bool,
    /// What it asks for.
    pub effect: Effect,
}

/// One step for one protocol.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name.
    pub name: Arc<str>,
    /// What becomes of it.
    pub fate: Fate,
    /// Its new configuration.
    pub config: Option<Arc<ProtocolConfig>>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What changes in each channel of a protocol that stays, in the order the kind has them.
    pub channels: Vec<ChannelDiff>,
    /// An option of the protocol itself asks for exporting again on all channels.
    pub refeed: bool,
}

/// All steps: those for known protocols in the order of the old configuration, then additions in the order of
/// the new one.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What a plan has to know of a running protocol.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Up, or on its way.
    pub running: bool,
    /// Disabled, by whomever.
    pub disabled: bool,
}

/// Compares two configurations.
pub struct Planner<'a> {
    /// The kinds of protocols.
    pub kinds: &'a [&'static dyn ProtocolKind],
    /// The running configuration.
    pub old: &'a Config,
    /// The one to take.
    pub new: &'a Config,
    /// Changed filters wait for a reload.
    pub soft: bool,
    /// How a protocol of the old one is now.
    pub now: &'a dyn Fn(&str) -> Option<Running>,
}

impl Planner<'_> {
    /// What is to be done.
    pub fn plan(&self) -> Plan {
        let (old, new) = (self.old.names(), self.new.names());
        let mut steps = Vec::with_capacity(self.new.protocols.len());
        for before in &self.old.protocols {
            steps.push(match new.protocols.get(&*before.name) {
                None => Step::plain(&before.name, Fate::Vanish, None),
                Some(after) => self.step(before, after, (&old, &new)),
            });
        }
        let added = self.new.protocols.iter().filter(|p| !old.protocols.contains_key(&*p.name));
        steps.extend(added.map(|p| Step::plain(&p.name, Fate::Appear, Some(p.clone()))));
        Plan { steps }
    }

    fn step(
        &self,
        before: &Arc<ProtocolConfig>,
        after: &Arc<ProtocolConfig>,
        names: (&Names<'_>, &Names<'_>),
    ) -> Step {
        let now = (self.now)(&after.name).unwrap_or(Running { running: false, disabled: before.disabled });
        let mut reasons = Reasons { before, after, list: Vec::new() };
        self.nature(names, &mut reasons);
        if now.disabled != after.disabled {
            match before.disabled != after.disabled {
                true => reasons.option("", "disabled", Effect::Restart),
                // What was disabled or enabled by hand or by a limit is set back.
                false if now.disabled => reasons.add("had been disabled".into(), None, Effect::Restart),
                false => reasons.add("had been enabled".into(), None, Effect::Restart),
            }
        }
        let channels = self.channels(&mut reasons);
        let mut refeed = false;
        // With other channels, defaults of options differ too: only an echo.
        let names = |p: &ProtocolConfig| p.channels.iter().map(|c| c.name).collect::<Vec<_>>();
        if before.kind.keyword() == after.kind.keyword() && names(before) == names(after) {
            for (option, effect) in before.options.changes(&*after.options) {
                refeed |= effect == Effect::Refeed;
                reasons.option("", option, effect);
            }
        }
        reasons.common();
        let reasons = reasons.list;
        let restart = reasons.iter().any(|r| r.effect == Effect::Restart);
        let fate = match (now.running, after.disabled) {
            (true, true) => Fate::Stop,
            (true, false) if restart => Fate::Restart,
            (true, false) => Fate::Stay,
            (false, true) => Fate::Idle,
            (false, false) => Fate::Start,
        };
        Step { name: after.name.clone(), fate, config: Some(after.clone()), reasons, channels, refeed }
    }

    /// What no running protocol can take: another kind, other channels, another table.
    fn nature(&self, (old, new): (&Names<'_>, &Names<'_>), reasons: &mut Reasons<'_>) {
        let (before, after) = (reasons.before, reasons.after);
        if before.kind.keyword() != after.kind.keyword() {
            let what = format!("protocol {}", after.kind.keyword());
            return reasons.add(what, Some(after.place.clone()), Effect::Restart);
        }
        if before.vrf != after.vrf {
            reasons.option("", "vrf", Effect::Restart);
        }
        for channel in &after.channels {
            if before.channel(channel.name).is_none() {
                reasons.option(channel.name, "", Effect::Restart);
            }
        }
        for channel in &before.channels {
            if after.channel(channel.name).is_none() {
                reasons.option(channel.name, "", Effect::Restart);
            }
        }
        let names = |p: &ProtocolConfig| p.channels.iter().map(|c| c.name).collect::<Vec<_>>();
        if reasons.list.is_empty() && names(before) != names(after) {
            reasons.add("order of channels".into(), Some(after.place.clone()), Effect::Restart);
        }
        for channel in &after.channels {
            if let (Some(a), Some(b)) = (old.tables.get(&*channel.table), new.tables.get(&*channel.table))
                && (a.net_type != b.net_type || a.sorted != b.sorted)
            {
                let place = Place { file: Arc::new(self.new.path.clone()), line: b.line };
                let what = format!("table {}", b.name);
                reasons.add(what, (b.line > 0).then_some(place), Effect::Restart);
            }
        }
    }

    /// Compares the channels: as written, to name the options; as they run, to act.
    fn channels(&self, reasons: &mut Reasons<'_>) -> Vec<ChannelDiff> {
        let (before, after) = (reasons.before, reasons.after);
        let Some(kind) = self.kinds.iter().find(|k| k.keyword() == after.kind.keyword()) else {
            return Vec::new();
        };
        if reasons.list.iter().any(|r| r.effect == Effect::Restart) {
            return Vec::new();
        }
        for (old, new) in before.channels.iter().zip(&after.channels) {
            self.channel(kind.reloads() || self.soft, old, new, reasons);
        }
        let (old, new) = (kind.channels(before), kind.channels(after));
        old.iter().zip(&new).map(|(old, new)| old.diff(new)).collect()
    }

    fn channel(&self, reloads: bool, old: &ChannelConfig, new: &ChannelConfig, reasons: &mut Reasons<'_>) {
        // Of a pipe, and of a kernel protocol without a channel, the options stand in the protocol.
        let name = if reasons.after.marks.has_block(new.name) { new.name } else { "" };
        let import = if reloads { Effect::Reload } else { Effect::Restart };
        let options = [
            ("table", old.table != new.table, Effect::Restart),
            ("import in", old.import_in != new.import_in, import),
            ("preference", old.preference != new.preference, import),
            ("export in", old.export_in != new.export_in, Effect::Refeed),
            ("receive limit", old.receive_limit != new.receive_limit, Effect::Quiet),
            ("import limit", old.import_limit != new.import_limit, Effect::Quiet),
            ("export limit", old.export_limit != new.export_limit, Effect::Quiet),
            ("import keep filtered", old.keep_filtered != new.keep_filtered, Effect::Quiet),
            ("rpki reload", old.rpki_reload != new.rpki_reload, Effect::Quiet),
            ("debug", old.debug != new.debug, Effect::Quiet),
        ];
        for (option, changed, effect) in options {
            if changed {
                reasons.option(name, option, effect);
            }
        }
        if old.mpls != new.mpls {
            let (a, b) = (old.mpls.as_ref(), new.mpls.as_ref());
            let option = match (a, b) {
                (Some(a), Some(b)) if a.domain != b.domain => "domain",
                (Some(a), Some(b)) if a.range != b.range => "label range",
                _ => "label policy",
            };
            reasons.option(name, option, Effect::Restart);
        }
        for (option, old, new, effect) in [
            ("import", &old.import, &new.import, import),
            ("export", &old.export, &new.export, Effect::Refeed),
        ] {
            if old == new {
                continue;
            }
            // The same name with another meaning: the change is where the filter stands, or in what it calls.
            match (old, new) {
                (FilterRef::Named(a, _), FilterRef::Named(b, _)) if a == b => {
                    let place = self.new.filter_places.get(b).cloned();
                    let blank = if name.is_empty() { "" } else { " " };
                    reasons.add(format!("{name}{blank}{option}, filter {b}"), place, effect);
                }
                _ => reasons.option(name, option, effect),
            }
        }
    }
}

/// Collects reasons.
struct Reasons<'a> {
    before: &'a ProtocolConfig,
    after: &'a ProtocolConfig,
    list: Vec<Reason>,
}

impl Reasons<'_> {
    fn add(&mut self, what: String, place: Option<Place>, effect: Effect) {
        self.list.push(Reason { what, place, gone: false, effect });
    }

    /// An option of a channel, or of the protocol itself. One that stands nowhere has changed its default,
    /// and the protocol's own place is given.
    fn option(&mut self, channel: &str, option: &str, effect: Effect) {
        let words: Vec<&str> = [channel, option].into_iter().filter(|w| !w.is_empty()).collect();
        let what = words.join(" ");
        if self.list.iter().any(|r| r.what == what) {
            return;
        }
        let (new, old) = (self.after.marks.find(channel, option), self.before.marks.find(channel, option));
        let gone = new.is_none() && old.is_some();
        let place = new.or(old).unwrap_or(&self.after.place);
        self.list.push(Reason { what, place: Some(place.clone()), gone, effect });
    }

    /// Options of all protocols, which change nothing that runs.
    fn common(&mut self) {
        let (a, b) = (self.before, self.after);
        for (option, changed) in [
            ("description", a.description != b.description),
            ("router id", a.router_id != b.router_id),
            ("hostname", a.hostname != b.hostname),
            ("debug", a.debug != b.debug),
            ("mrtdump", a.mrtdump != b.mrtdump),
            ("restart time", a.restart_time != b.restart_time),
            ("thread group", a.thread_group != b.thread_group),
        ] {
            if changed {
                self.option("", option, Effect::Quiet);
            }
        }
    }
}

impl Step {
    fn plain(name: &Arc<str>, fate: Fate, config: Option<Arc<ProtocolConfig>>) -> Step {
        Step { name: name.clone(), fate, config, reasons: Vec::new(), channels: Vec::new(), refeed: false }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.place {
            Some(place) if self.gone => write!(f, " (no more; was at {place})"),
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

/// `NAME: what becomes of it: options at fault`.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |effect: Effect| {
            let list: Vec<String> =
                self.reasons.iter().filter(|r| r.effect == effect).map(|r| r.to_string()).collect();
            if list.is_empty() { String::new() } else { format!(": {}", list.join(", ")) }
        };
        let at = self.config.as_ref().map(|c| format!(" ({})", c.place)).unwrap_or_default();
        write!(f, "{}: ", self.name)?;
        match self.fate {
            Fate::Appear => write!(f, "appears{at}"),
            Fate::Vanish => f.write_str("vanishes"),
            Fate::Restart => write!(f, "restarts{}", because(Effect::Restart)),
            Fate::Start => write!(f, "starts{}", because(Effect::Restart)),
            Fate::Stop => write!(f, "stops{}", because(Effect::Restart)),
            Fate::Idle => f.write_str("stays down"),
            Fate::Stay => {
                let mut words = Vec::new();
                for (effect, word) in [(Effect::Reload, "reloads"), (Effect::Refeed, "refeeds")] {
                    if self.reasons.iter().any(|r| r.effect == effect) {
                        words.push(format!("{word}{}", because(effect)));
                    }
                }
                if words.is_empty() {
                    words.push("stays".to_owned());
                }
                if self.reasons.iter().any(|r| r.effect == Effect::Quiet) {
                    words.push(format!("takes over{}", because(Effect::Quiet)));
                }
                f.write_str(&words.join("; "))
            }
        }
    }
}
