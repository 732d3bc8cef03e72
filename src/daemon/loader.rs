//! From a file to a configuration, with everything a daemon's configurations share.

use std::path::Path;
use std::sync::Arc;

use crate::config::{self, Config, Failure};
use crate::filter::CustomAttrs;
use crate::syntax::Disk;

/// Reads configurations.
#[derive(Clone, Default)]
pub struct Loader {
    /// Numbers of the users' attributes; routes carry them, so they outlive a configuration.
    pub custom: CustomAttrs,
}

impl Loader {
    /// Reads and checks a file. Takes its time: not for the engine's thread.
    pub fn load(&self, path: &Path) -> Result<Arc<Config>, Failure> {
        config::load(path, crate::protocols::SYNTAX, &self.custom, &Disk)
    }

    /// The same for `--test`.
    pub fn load_for_tests(&self, path: &Path) -> Result<Arc<Config>, Failure> {
        config::load_for_tests(path, crate::protocols::SYNTAX, &self.custom, &Disk)
    }
}
