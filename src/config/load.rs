//! From a file to a [`Config`], or to everything that is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::lower::{Lowering, State, iproute2};
use super::{Config, ProtocolSyntax};
use crate::filter::attributes::CustomAttrs;
use crate::syntax::diag::{Diagnostic, Severity};
use crate::syntax::render::{explained, first_line};
use crate::syntax::{Files, ReadError, Sources};

/// Why there is no configuration.
#[derive(Debug)]
pub enum Failure {
    /// The file could not be opened.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is wrong.
    Refused(Refusal),
}

impl Failure {
    /// The line about it when the daemon starts; `configure` words the unreadable file otherwise.
    pub fn at_start(&self) -> String {
        match self {
            Failure::Unreadable { path, reason } => {
                format!("Unable to open configuration file {}: {reason}", path.display())
            }
            Failure::Refused(_) => self.to_string(),
        }
    }
}

/// Everything that was found in a file that is refused.
#[derive(Debug)]
pub struct Refusal {
    /// Errors and warnings in the order of the file; at least one error.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts, to show the places.
    pub sources: Sources,
}

impl Refusal {
    /// What BIRD prints: the warnings before the first error, and that error, at which it stops.
    pub fn bird_lines(&self) -> impl Iterator<Item = String> {
        let first = self.diagnostics.iter().position(|d| d.severity == Severity::Error);
        let end = first.map_or(self.diagnostics.len(), |at| at + 1);
        self.diagnostics.iter().take(end).map(|d| first_line(d, &self.sources))
    }

    /// Everything, each with the lines around it and what to do. `prefix` stands before each of BIRD's lines; `color` is for a terminal.
    pub fn explain(&self, prefix: &str, color: bool) -> String {
        let each = |d| format!("{prefix}{}", explained(d, &self.sources, color));
        self.diagnostics.iter().map(each).collect::<Vec<_>>().join("\n\n")
    }

    /// How many errors, warnings left out.
    pub fn error_count(&self) -> usize {
        self.diagnostics.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// The first error.
    pub fn first_error(&self) -> Option<&Diagnostic> {
        self.diagnostics.iter().find(|d| d.severity == Severity::Error)
    }
}

/// The one line BIRD prints: `FILE:LINE:COL message`, with a colon behind the place for warnings. For a file that cannot be read, what
/// `configure` answers.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreadable { path, reason } => write!(f, "{}: {reason}", path.display()),
            Failure::Refused(refusal) => match refusal.first_error() {
                Some(error) => f.write_str(&first_line(error, &refusal.sources)),
                None => f.write_str("configuration refused"),
            },
        }
    }
}

impl std::error::Error for Failure {}

/// Reads a configuration with all its includes. `kinds` are the protocols it may hold; `custom` hands out the numbers of the users' attributes,
/// which have to outlive a configuration.
pub fn load(
    path: &Path,
    kinds: &[&'static dyn ProtocolSyntax],
    custom: &CustomAttrs,
    files: &(dyn Files + Sync),
) -> Result<Arc<Config>, Failure> {
    read(path, kinds, custom, files, false)
}

/// The same for `--test`, which no protocol has to run for: those that are not built are left out, with a warning.
pub fn load_for_tests(
    path: &Path,
    kinds: &[&'static dyn ProtocolSyntax],
    custom: &CustomAttrs,
    files: &(dyn Files + Sync),
) -> Result<Arc<Config>, Failure> {
    read(path, kinds, custom, files, true)
}

fn read(
    path: &Path,
    kinds: &[&'static dyn ProtocolSyntax],
    custom: &CustomAttrs,
    files: &(dyn Files + Sync),
    for_tests: bool,
) -> Result<Arc<Config>, Failure> {
    let unreadable = |reason| Failure::Unreadable { path: path.to_path_buf(), reason };
    // Terms nest as deep as the parser lets them, so everything that walks them needs its stack.
    let work = || match crate::syntax::parse(path, files) {
        Ok(parsed) => lower(path, parsed, kinds, custom, files, for_tests),
        Err(ReadError::Open(reason)) => Err(unreadable(reason)),
        Err(ReadError::Read) => Err(unreadable("Read error".to_owned())),
    };
    crate::syntax::on_big_stack(work).unwrap_or_else(|e| Err(unreadable(e)))
}

/// More notes than this nobody reads.
const MAX_NOTES: usize = 50;

fn lower(
    path: &Path,
    parsed: crate::syntax::Parsed,
    kinds: &[&'static dyn ProtocolSyntax],
    custom: &CustomAttrs,
    files: &dyn Files,
    for_tests: bool,
) -> Result<Arc<Config>, Failure> {
    let crate::syntax::Parsed { items, sources, mut names, declared, diagnostics } = parsed;
    let constants = iproute2::constants(files);
    let clean = !diagnostics.has_errors();
    let mut all = diagnostics.sorted();
    let damage = all.iter().filter(|d| d.severity == Severity::Error).map(|d| d.at).collect();
    let lost = if !clean { declared.clone() } else { Vec::new() };
    let mut state = State::new(kinds, custom.clone(), &mut names, &constants, &lost);
    state.for_tests = for_tests;
    state.declare(declared);
    state.set_damage(damage);
    let mut lowering = Lowering::new(&mut state, &mut names, &sources);
    for item in items {
        lowering.item(item);
    }
    lowering.end(clean);
    all.extend(state.take_diagnostics().sorted());
    all.sort_by_key(|d| d.at);
    let (notes, all): (Vec<_>, Vec<_>) = all.into_iter().partition(|d| d.severity == Severity::Note);
    if all.iter().any(|d| d.severity == Severity::Error) {
        return Err(Failure::Refused(Refusal { diagnostics: all, sources }));
    }
    let warnings = all.iter().map(|d| first_line(d, &sources)).collect();
    let mut config = state.into_config(path.to_path_buf(), &names, &sources, warnings);
    config.notes = notes.iter().take(MAX_NOTES).map(|d| explained(d, &sources, false)).collect();
    Ok(Arc::new(config))
}
