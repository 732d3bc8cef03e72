//! What a new configuration means for the running one: a list of steps, worked out before anything happens.
//!
//! Pure data from pure data, so that it can be shown (`configure plan`), tested, and undone by swapping the arguments. Protocols are
//! matched by name. Whether an instance can take changed options in place is its own decision; the plan says `Adapt` and lists what changed.

use std::fmt;
use std::sync::Arc;

use crate::config::{ChannelDiff, Config, ProtocolConfig};

/// One step for one protocol.
#[derive(Clone, Debug)]
pub enum Step {
    /// Not in the old configuration.
    Add(Arc<ProtocolConfig>),
    /// Not in the new one.
    Remove(Arc<str>),
    /// Must stop and start: the reason in words.
    Restart(Arc<ProtocolConfig>, &'static str),
    /// Keeps running; the channels that changed, by name.
    Adapt(Arc<ProtocolConfig>, Vec<(&'static str, ChannelDiff)>),
    /// Nothing changed.
    Keep(Arc<ProtocolConfig>),
}

/// All steps: those for known protocols in the order of the old configuration, then additions in the order of the new one.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// Compares two configurations.
pub fn plan(old: &Config, new: &Config) -> Plan {
    let mut steps = Vec::with_capacity(new.protocols.len());
    for before in &old.protocols {
        steps.push(match new.protocol(&before.name) {
            None => Step::Remove(before.name.clone()),
            Some(after) => step(old, new, before, after),
        });
    }
    let added = new.protocols.iter().filter(|p| old.protocol(&p.name).is_none());
    steps.extend(added.cloned().map(Step::Add));
    Plan { steps }
}

fn step(old: &Config, new: &Config, before: &Arc<ProtocolConfig>, after: &Arc<ProtocolConfig>) -> Step {
    if Arc::ptr_eq(before, after) {
        return Step::Keep(after.clone());
    }
    if let Some(why) = must_restart(old, new, before, after) {
        return Step::Restart(after.clone(), why);
    }
    let channels: Vec<_> = before
        .channels
        .iter()
        .zip(&after.channels)
        .map(|(a, b)| (b.name, a.diff(b)))
        .filter(|(_, diff)| !diff.is_empty())
        .collect();
    let same = channels.is_empty()
        && after.options.same(&*before.options)
        && (&before.description, before.router_id, before.debug, before.mrtdump)
            == (&after.description, after.router_id, after.debug, after.mrtdump);
    if same { Step::Keep(after.clone()) } else { Step::Adapt(after.clone(), channels) }
}

fn must_restart(
    old: &Config,
    new: &Config,
    before: &ProtocolConfig,
    after: &ProtocolConfig,
) -> Option<&'static str> {
    if before.kind.keyword() != after.kind.keyword() {
        return Some("another kind of protocol");
    }
    if before.disabled != after.disabled {
        return Some("`disabled` changed");
    }
    if before.vrf != after.vrf {
        return Some("`vrf` changed");
    }
    if before.channels.len() != after.channels.len()
        || before.channels.iter().zip(&after.channels).any(|(a, b)| a.name != b.name)
    {
        return Some("another set of channels");
    }
    if before.channels.iter().zip(&after.channels).any(|(a, b)| a.diff(b).restart) {
        return Some("a channel moved to another table");
    }
    let table_changed = |name: &str| match (old.table(name), new.table(name)) {
        (Some(a), Some(b)) => a.net_type != b.net_type || a.sorted != b.sorted,
        _ => false,
    };
    if after.channels.iter().any(|c| table_changed(&c.table)) {
        return Some("an option of its table changed");
    }
    None
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |p: &ProtocolConfig| format!("{}:{}", p.place.file.display(), p.place.line);
        match self {
            Step::Add(p) => write!(f, "{}: appears ({})", p.name, place(p)),
            Step::Remove(name) => write!(f, "{name}: vanishes"),
            Step::Restart(p, why) => write!(f, "{}: restarts: {why} ({})", p.name, place(p)),
            Step::Keep(p) => write!(f, "{}: stays", p.name),
            Step::Adapt(p, channels) => {
                write!(f, "{}: adapts", p.name)?;
                for (name, diff) in channels {
                    let words = [
                        (diff.import, "reloads"),
                        (diff.export, "refeeds"),
                        (diff.limits, "has other limits"),
                        (diff.keep_filtered, "keeps filtered routes otherwise"),
                    ];
                    for (_, word) in words.iter().filter(|(on, _)| *on) {
                        write!(f, ", {name} {word}")?;
                    }
                }
                write!(f, " ({})", place(p))
            }
        }
    }
}
