//! `bird --test`: runs the self-tests that stand in a configuration.
//!
//! The configuration runs in this process on a kernel in memory, so that static protocols fill the tables
//! which `roa_check` and pipes look at, and nothing outside is touched: no interface, no route, no socket, no
//! log file. Filters run on that way, and their assertions count. Then each suite runs, in the order of the
//! file.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};

use super::loader::Loader;
use crate::base::LogClass;
use crate::config::{Config, RouterIdConfig, SelfTest, SelfTestKind};
use crate::engine::logger::{LogOutput, Logger};
use crate::engine::{Assertions, Engine};
use crate::filter::Verdict;
use crate::sys::fake::FakeKernel;

/// The router id of configurations that leave it to the interfaces, of which there are none: 192.0.2.1.
const ROUTER_ID: u32 = 0xc000_0201;

/// Turns without anything to do after which nothing more will come: answers of the kernel arrive in the turn
/// behind the question.
const QUIET: u32 = 16;

/// How long tables may take to fill.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the self-tests of a file and writes what came of them. `false` if one failed, or if there is none.
pub fn self_test(path: &Path, loader: &Loader, out: &mut dyn Write) -> anyhow::Result<bool> {
    let mut config = loader.load_for_tests(path).map_err(|failure| anyhow!(failure.at_start()))?;
    for warning in &config.warnings {
        StandardError.write(LogClass::Warning, warning);
    }
    if let Some(config) = Arc::get_mut(&mut config)
        && !matches!(config.router_id, RouterIdConfig::Fixed(_))
    {
        config.router_id = RouterIdConfig::Fixed(ROUTER_ID);
    }
    let tests = config.self_tests.clone();
    let mut engine = boot(config)?;
    let mut report = Report { out, passed: 0, failed: 0 };
    report.filters(&engine.core.take_assertions())?;
    for test in &tests {
        report.test(&mut engine, test)?;
    }
    writeln!(report.out, "{} passed, {} failed", report.passed, report.failed)?;
    report.out.flush()?;
    if tests.is_empty() && report.passed + report.failed == 0 {
        bail!("No self-tests in {}", path.display());
    }
    Ok(report.failed == 0)
}

/// Starts everything in memory and waits until the tables are full.
fn boot(config: Arc<Config>) -> anyhow::Result<Engine> {
    let kernel = Box::new(FakeKernel::default());
    let logger = Logger::new(Arc::new(StandardError));
    let mut engine = Engine::new(config, crate::protocols::KINDS, kernel, logger, Instant::now());
    engine.core.keep_assertions();
    engine.boot_first();
    rest(&mut engine)?;
    engine.boot_rest().map_err(|e| anyhow!(e))?;
    rest(&mut engine)?;
    Ok(engine)
}

/// Gives turns until nothing is left to do.
fn rest(engine: &mut Engine) -> anyhow::Result<()> {
    let (mut quiet, deadline) = (0, Instant::now() + PATIENCE);
    while quiet < QUIET {
        quiet = if engine.turn() { 0 } else { quiet + 1 };
        if Instant::now() > deadline {
            bail!(
                "Tables still change after {} seconds: tests of filters need a configuration that comes to rest",
                PATIENCE.as_secs()
            );
        }
    }
    Ok(())
}

/// What filters print, and what the engine has to complain about.
struct StandardError;

impl LogOutput for StandardError {
    fn write(&self, class: LogClass, line: &str) {
        if class >= LogClass::Info {
            // That nobody reads it is no reason to fail.
            let _ = writeln!(std::io::stderr().lock(), "bird: {line}");
        }
    }
}

/// Writes and counts.
struct Report<'a> {
    out: &'a mut dyn Write,
    passed: usize,
    failed: usize,
}

impl Report<'_> {
    /// Assertions of the filters that ran while the tables were filled.
    fn filters(&mut self, found: &Assertions) -> anyhow::Result<()> {
        if found.passed + found.failed.len() == 0 {
            return Ok(());
        }
        self.suite("filters of protocols", found, None)
    }

    fn test(&mut self, engine: &mut Engine, test: &SelfTest) -> anyhow::Result<()> {
        let place = format!("{}:{}", test.place.file.display(), test.place.line);
        match &test.kind {
            SelfTestKind::Suite { body, title } => {
                let ended = engine.core.run_alone(&body.program);
                let wrong = match ended {
                    Ok(None | Some(Verdict::Accept)) => None,
                    Ok(Some(_)) => Some(format!("{place}: {} was rejected", body.name)),
                    Err(error) => {
                        let spot = body.program.spot(error.at.0, error.at.1);
                        let at = match &spot.file {
                            Some(_) => spot.to_string(),
                            None => place.clone(),
                        };
                        Some(format!("{at}: {} ended with an error: {}", body.name, error.message))
                    }
                };
                let found = engine.core.take_assertions();
                self.suite(&format!("{place}: {title}"), &found, wrong)
            }
            SelfTestKind::Same { bodies: [a, b], expected } => {
                let (mut found, mut wrong) = (Assertions::default(), None);
                if a.same(b) == *expected {
                    found.passed = 1;
                } else {
                    let word = if *expected { "differ" } else { "are the same" };
                    wrong = Some(format!("{place}: assertion failed: {} and {} {word}", a.name, b.name));
                }
                let word = if *expected { "same" } else { "different" };
                self.suite(&format!("{place}: {} and {} are {word}", a.name, b.name), &found, wrong)
            }
        }
    }

    /// A line for the suite, and one for everything that went wrong in it.
    fn suite(&mut self, title: &str, found: &Assertions, wrong: Option<String>) -> anyhow::Result<()> {
        let failed = found.failed.len() + usize::from(wrong.is_some());
        let word = if failed == 0 { "ok" } else { "FAILED" };
        writeln!(self.out, "{title}: {word} ({} passed, {failed} failed)", found.passed)
            .context("cannot write the report")?;
        let lines = found.failed.iter().map(ToString::to_string).chain(wrong);
        for line in lines {
            writeln!(self.out, "{line}")?;
        }
        self.passed += found.passed;
        self.failed += failed;
        Ok(())
    }
}
