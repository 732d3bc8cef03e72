//! Lowering of static routes.

use std::sync::Arc;

use super::config::{StaticOptions, StaticRoutes};
use crate::config::lower::{Block, Lowering};
use crate::config::{Draft, ProtocolOptions};
use crate::syntax::ast::{Opt, Routes};

/// A static protocol while its block is read.
pub struct StaticDraft {
    options: StaticOptions,
    routes: StaticRoutes,
}

impl StaticDraft {
    /// A draft that starts with what a template holds.
    pub fn new(parent: Option<&StaticOptions>) -> StaticDraft {
        let options = parent.cloned().unwrap_or_default();
        StaticDraft { routes: StaticRoutes::clone(&options.routes), options }
    }
}

impl Draft for StaticDraft {
    fn option(&mut self, opt: &Opt, _block: &mut Block, lw: &mut Lowering<'_>) -> bool {
        match opt.key {
            "check link" => lw.set_switch(opt, &mut self.options.check_link),
            _ => return false,
        }
        true
    }

    fn routes(&mut self, routes: Routes, _block: &mut Block, _lw: &mut Lowering<'_>) {
        self.routes.list.extend(routes.list);
    }

    fn finish(
        self: Box<Self>,
        _full: bool,
        _block: &mut Block,
        _lw: &mut Lowering<'_>,
    ) -> Arc<dyn ProtocolOptions> {
        let StaticDraft { mut options, routes } = *self;
        options.routes = Arc::new(routes);
        Arc::new(options)
    }
}
