//! From a file to a configuration, on a thread with a stack for deeply nested files.

use std::path::Path;
use std::sync::Arc;

use crate::config::Config;

type Load = dyn Fn(&Path) -> Result<Arc<Config>, String> + Send + Sync;

/// Reads configurations; the error is the one line BIRD would print.
#[derive(Clone)]
pub struct Loader(Arc<Load>);

impl Loader {
    /// A loader around a function.
    pub fn new(load: impl Fn(&Path) -> Result<Arc<Config>, String> + Send + Sync + 'static) -> Loader {
        Loader(Arc::new(load))
    }

    /// Reads and checks a file. Takes its time: not for the engine's thread.
    pub fn load(&self, path: &Path) -> Result<Arc<Config>, String> {
        (self.0)(path)
    }
}
