//! The log of the running daemon: open destinations, the time format, and sessions that echo.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;

use crate::base::time::{Now, TimeFormat, TimeFormats};
use crate::base::{LogClass, LogMask};
use crate::config::{Config, LogConfig, LogTarget};
use crate::control::echo::EchoHub;
use crate::engine::logger::LogOutput;
use crate::sys::logsink::{self, LogPlace, LogSinks};

/// The log.
pub(super) struct Logging {
    started: Instant,
    /// Everything goes to standard error too (`-d`, `-f`).
    stderr: bool,
    /// `-D`
    file: Option<PathBuf>,
    /// For `echo`.
    pub echo: Arc<EchoHub>,
    open: Mutex<Open>,
}

struct Open {
    sinks: Option<LogSinks>,
    on_stderr: bool,
    format: TimeFormat,
}

impl Logging {
    /// A log with no destination but, where asked for, standard error.
    pub(super) fn new(started: Instant, stderr: bool, file: Option<PathBuf>) -> Logging {
        let open = Open { sinks: None, on_stderr: false, format: TimeFormats::default().log };
        let log = Logging { started, stderr, file, echo: Arc::default(), open: Mutex::new(open) };
        if let Err(error) = log.switch(&[], TimeFormats::default().log) {
            eprintln!("bird: {error}");
        }
        log
    }

    /// Takes the destinations of a configuration into use. When one cannot be opened, the old ones stay and say so.
    pub(super) fn apply(&self, config: &Config) {
        if let Err(error) = self.switch(&config.logs, config.time_formats.log.clone()) {
            self.write(LogClass::Error, &error);
        }
    }

    fn switch(&self, logs: &[LogConfig], format: TimeFormat) -> Result<(), String> {
        let mut targets: Vec<logsink::LogTarget> = logs.iter().map(target).collect();
        if targets.is_empty() {
            let mask = LogMask::ALL;
            targets.push(logsink::LogTarget { place: LogPlace::Syslog("bird".into()), mask });
            if self.stderr {
                targets.push(logsink::LogTarget { place: LogPlace::Stderr, mask });
            }
        }
        if let Some(path) = &self.file {
            let place = LogPlace::File { path: path.clone(), limit: None };
            targets.push(logsink::LogTarget { place, mask: LogMask::ALL });
        }
        let sinks = LogSinks::open(&targets).map_err(|e| e.to_string())?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let on_stderr = targets.iter().any(|t| t.place == LogPlace::Stderr);
        *open = Open { sinks: Some(sinks), on_stderr, format };
        Ok(())
    }

    /// Whether messages show on standard error.
    pub(super) fn is_on_stderr(&self) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).on_stderr
    }

    /// Opens files anew: somebody may have moved them away (SIGHUP).
    pub(super) fn reopen(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let result = open.sinks.as_mut().map_or(Ok(()), LogSinks::reopen);
        drop(open);
        if let Err(error) = result {
            self.write(LogClass::Error, &error.to_string());
        }
    }
}

/// Whether all that a configuration wants to log to can be opened; the error is a line in BIRD's form. Files
/// are made by that, as BIRD makes them when it reads the configuration.
pub(super) fn check(config: &Config) -> Result<(), String> {
    for log in &config.logs {
        LogSinks::open(&[target(log)]).map_err(|error| format!("{} {error}", log.place))?;
    }
    Ok(())
}

impl Logging {
    /// Who changed what: for the log only. Sessions that watch with `echo` see the effects, and so does who
    /// looks at standard error while giving orders as the daemon's own user (`own`), unless what stands there
    /// is kept by the journal.
    pub(super) fn audit(&self, own: bool, line: &str) {
        let shown = !own || std::env::var_os("JOURNAL_STREAM").is_some();
        self.to_sinks(|place| shown || *place != LogPlace::Stderr, LogClass::Auth, line);
    }

    fn to_sinks(&self, chosen: impl Fn(&LogPlace) -> bool, class: LogClass, line: &str) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        let now = Now { moment: self.started.elapsed().as_micros() as u64, wall };
        let time = open.format.text(now.moment, now, &TimeZone::system());
        if let Some(sinks) = &mut open.sinks {
            sinks.write_to(chosen, class, time, line);
        }
    }
}

impl LogOutput for Logging {
    fn write(&self, class: LogClass, line: &str) {
        self.to_sinks(|_| true, class, line);
        self.echo.publish(class, line);
    }
}

fn target(log: &LogConfig) -> logsink::LogTarget {
    let place = match &log.target {
        LogTarget::File { path, rotate } => LogPlace::File {
            path: path.clone(),
            limit: rotate.as_ref().map(|(size, backup)| (u64::from(*size), backup.clone())),
        },
        LogTarget::Ring { path, size } => LogPlace::Ring { path: path.clone(), size: (*size).into() },
        LogTarget::Stderr => LogPlace::Stderr,
        LogTarget::Syslog(name) => LogPlace::Syslog(name.as_deref().unwrap_or("bird").into()),
        LogTarget::Udp { host, port } => LogPlace::Udp {
            host: match host {
                crate::config::Host::Name(name) => (&**name).into(),
                crate::config::Host::Ip(ip) => ip.to_string().into(),
            },
            port: *port,
        },
    };
    logsink::LogTarget { place, mask: log.mask }
}

/// Events of `tracing` as log lines: the level decides the class, a field `class` overrules it.
struct Lines(Arc<Logging>);

/// Lets `tracing` events of the daemon go to its log. Once per process; later calls change nothing.
pub(super) fn take_events(log: Arc<Logging>) {
    let _ = tracing::subscriber::set_global_default(Lines(log));
}

/// The field that says that an error is fatal.
pub(super) const FATAL: u64 = LogClass::Fatal as u64;

#[derive(Default)]
struct Line {
    text: String,
    class: Option<LogClass>,
}

impl tracing::field::Visit for Line {
    fn record_u64(&mut self, field: &tracing::field::Field, value: u64) {
        if field.name() == "class" {
            self.class = LogClass::all().find(|class| *class as u64 == value);
        }
    }

    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write;
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{value:?}");
        }
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target().starts_with("tern")
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let class = line.class.unwrap_or(match *event.metadata().level() {
            tracing::Level::ERROR => LogClass::Error,
            tracing::Level::WARN => LogClass::Warning,
            tracing::Level::INFO => LogClass::Info,
            tracing::Level::DEBUG => LogClass::Debug,
            tracing::Level::TRACE => LogClass::Trace,
        });
        self.0.write(class, &line.text);
    }

    // The daemon has no spans.
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
