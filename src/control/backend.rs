//! What the shell asks of the daemon. The engine's handle implements it; tests have a fake.
//!
//! Why a trait: sessions, parsing and rendering can be written, tested and changed without an engine, and
//! nothing of the engine's insides leaks into what clients see. Every question is answered with plain data
//! ([`view`](super::view)) collected at one moment; nothing here blocks, and whatever waits is a future.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

pub use super::answer::{Answer, Gone};
use super::view::explain::{ExplainView, FilterView, Question};
use super::view::kernel::{DriftsView, KernelView, KernelWait};
use super::view::route::{RouteFilter, RouteWorld};
use super::view::status::ConfigStatusView;
use super::view::{InterfaceView, MemoryView, ProtocolView, StaticView, StatusView, SymbolClass, ThreadView};
use crate::base::Value;
use crate::base::prefix_set::PrefixSet;
use crate::base::time::{Now, TimeFormats};
use crate::config::{DebugMask, MrtdumpMask};
pub use crate::engine::actions::{Action, Outcome};
use crate::table::{AttrId, Attrs};

/// The daemon as the shell sees it.
pub trait Backend: Send + Sync + 'static {
    /// More commands are to follow at once: until what is returned is dropped, the daemon takes its time with
    /// cleaning up.
    fn attend(&self) -> Box<dyn Send>;

    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// The configured time formats.
    fn time_formats(&self) -> TimeFormats;

    /// The names and the language of the running configuration.
    fn scope(&self) -> Arc<dyn Scope>;

    /// The threads of the daemon.
    fn threads(&self) -> Answer<'_, Vec<ThreadView>>;

    /// What attributes of routes look like.
    fn route_text(&self) -> Arc<dyn RouteText>;

    /// `show status`
    fn status(&self) -> Answer<'_, StatusView>;

    /// `show protocols`: those selected, in the order of the configuration; with `detail` when `all` was said.
    fn protocols(&self, which: Selection, detail: bool) -> Answer<'_, Vec<ProtocolView>>;

    /// `show interfaces`
    fn interfaces(&self) -> Answer<'_, Vec<InterfaceView>>;

    /// `show static`: this protocol whatever its state (`None` if it is not static), or all that are not down.
    fn statics(&self, name: Option<Arc<str>>) -> Answer<'_, Vec<StaticView>>;

    /// `show memory`
    fn memory(&self) -> Answer<'_, MemoryView>;

    /// `show kernel`: those that are not down, in the order of the configuration.
    fn kernel(&self) -> Answer<'_, Vec<KernelView>>;

    /// `show kernel drift`
    fn kernel_drift(&self) -> Answer<'_, DriftsView>;

    /// `wait kernel`: answers when all is settled, or when the time is up.
    fn wait_kernel(&self, limit: Duration) -> Answer<'_, KernelWait>;

    /// `show filters`: all of them or the one of this name; with `stats` their numbers, too.
    fn filters(&self, name: Option<Arc<str>>, stats: bool) -> Answer<'_, Vec<FilterView>>;

    /// `explain route`. The error is why the question makes no sense.
    fn explain(&self, question: Question) -> Answer<'_, Result<ExplainView, String>>;

    /// Tables, names, and the channels of these protocols.
    fn routes(&self, protocols: Vec<Arc<str>>) -> Answer<'_, RouteWorld>;

    /// Carries out an action on the selected protocols and says what became of each.
    fn act(&self, action: Action, which: Selection) -> Answer<'_, Vec<(Arc<str>, Outcome)>>;

    /// `debug`. Returns how many protocols matched.
    fn debug(&self, target: DebugTarget, mask: DebugMask) -> Answer<'_, Result<usize, NoSuchChannel>>;

    /// `mrtdump`. Returns how many protocols matched.
    fn mrtdump(&self, which: Selection, mask: MrtdumpMask) -> Answer<'_, usize>;

    /// The text of a dump, without its routes: those are read through [`Backend::routes`].
    fn dump(&self, what: DumpWhat) -> Answer<'_, String>;

    /// `configure`, in all its forms but `status`. What happens comes as it happens; the channel's end is the
    /// end. `notices` is kept by the timer of an unconfirmed configuration and gets `Config timeout expired,
    /// starting undo`.
    fn configure(&self, request: Configure, notices: mpsc::Sender<String>) -> mpsc::Receiver<ConfigEvent>;

    /// `configure status`
    fn configure_status(&self) -> Answer<'_, ConfigStatusView>;

    /// `down` and `graceful restart`: orders the end of the daemon, and returns at once.
    fn shutdown(&self, graceful: bool);
}

/// The running configuration as the command line needs it: what names mean, and what text means.
pub trait Scope: Send + Sync {
    /// What a name stands for.
    fn find(&self, name: &str) -> Option<SymbolClass>;

    /// All names of the configuration, keywords and built-in attributes left out.
    fn list(&self) -> Vec<(Arc<str>, SymbolClass)>;

    /// What routes have under these names in terms, and the constants that go with them: for completion.
    fn attributes(&self) -> Vec<&'static str>;

    /// The set of prefixes that begins at the start of the text, and how many bytes of the text it took.
    fn nets(&self, text: &str) -> Result<(Arc<PrefixSet>, usize), TermError>;

    /// `eval TERM`: the whole text is one term.
    fn eval(&self, term: &str) -> Result<String, TermError>;

    /// The filter that begins at the start of the text, and how many bytes of the text it took.
    fn filter(&self, kind: FilterKind, text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError>;
}

/// What attributes of routes look like. Apart from [`Scope`], so that a session in the middle of a long
/// answer keeps no configuration alive.
pub trait RouteText: Send + Sync {
    /// An attribute as a line of `show route all`, without the tab: `NAME: VALUE`.
    fn attribute(&self, id: AttrId, value: &Value, out: &mut Vec<u8>);

    /// The number in `(preference/NUMBER)`, if the route has one.
    fn igp_metric(&self, attrs: &Attrs) -> Option<u32>;

    /// The label that stands behind the network.
    fn mpls_label(&self, attrs: &Attrs) -> Option<u32>;
}

/// How a filter was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FilterKind {
    /// `where TERM`
    Where,
    /// `filter NAME`
    Named,
    /// `filter { ... }`
    Inline,
}

/// Why a term has no value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TermError {
    /// It could not be understood: the text behind 9001.
    Parse(String),
    /// It failed when it ran; why is in the log.
    Runtime,
}

/// Which protocols a command is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selection {
    /// All of them.
    All,
    /// The one of this name, known to the configuration.
    Name(Arc<str>),
    /// Those whose names match: `*` any string, `?` one character, a backslash takes what follows literally.
    Pattern(String),
}

impl Selection {
    /// Whether a protocol of this name is meant.
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Selection::All => true,
            Selection::Name(n) => **n == *name,
            Selection::Pattern(p) => super::pattern::matches(p.as_bytes(), name.as_bytes()),
        }
    }
}

/// What `debug` is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DebugTarget {
    /// Protocols; masks of their channels are left alone, and add to theirs.
    Protocols(Selection),
    /// One channel.
    Channel {
        /// The protocol's name.
        protocol: Arc<str>,
        /// The channel's.
        channel: String,
    },
}

/// The protocol has no channel of that name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoSuchChannel;

/// What can be dumped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the words of the command")]
pub enum DumpWhat {
    Resources,
    Sockets,
    AoKeys,
    Events,
    Interfaces,
    Neighbors,
    Attributes,
    AttributeStats,
    Routes,
    Protocols,
    FilterAll,
}

/// A form of `configure`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Configure {
    /// Reads a file and makes it the configuration.
    Load {
        /// The file; the one of the daemon's command line if none was said.
        file: Option<String>,
        /// Routes stay as they are until a reload.
        soft: bool,
        /// Seconds until it is undone unless confirmed; 0 is never.
        timeout: u32,
    },
    /// Reads a file and judges it.
    Check {
        /// As above.
        file: Option<String>,
    },
    /// Reads a file and says what `configure` would do.
    Plan {
        /// As above.
        file: Option<String>,
    },
    /// Reads a file and tells every mistake in it.
    Explain {
        /// As above.
        file: Option<String>,
    },
    /// Goes back to the configuration before.
    Undo,
    /// Stops the timer.
    Confirm,
}

/// What happens while a configuration is read and taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigEvent {
    /// The file is being read. Its name as it was given.
    Reading(String),
    /// It is refused: the one line `FILE:LINE:COL message`, or `FILE: why it cannot be read`. The last event.
    Refused(String),
    /// `check`: it is fine. The last event.
    Fine,
    /// A line of the plan; [`ConfigEvent::Fine`] ends it.
    Plan(String),
    /// A line about a mistake; [`ConfigEvent::Mistakes`] ends them.
    Mistake(String),
    /// `explain`: so many mistakes. The last event.
    Mistakes(usize),
    /// An undo begins.
    UndoRequested,
    /// It will be undone in so many seconds.
    UndoScheduled(u32),
    /// How it ends. The last event.
    Done(ConfigOutcome),
}

/// How `configure` ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigOutcome {
    /// All is carried out.
    Reconfigured,
    /// Some protocol has yet to clean up.
    InProgress,
    /// It waits for the one before.
    Queued,
    /// Too late: the daemon is ending.
    ShuttingDown,
    /// `undo`: what waited was dropped.
    QueueRemoved,
    /// `confirm`: the timer is off.
    Confirmed,
    /// `undo`, `confirm`: nothing to undo or confirm.
    NothingToDo,
}

impl fmt::Debug for dyn Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backend")
    }
}
