//! What names and terms of the command line mean in the running configuration.

use std::sync::Arc;

use crate::base::Value;
use crate::config::Config;
use crate::control::backend::{FilterKind, Scope, TermError};
use crate::control::view::SymbolClass;
use crate::control::view::route::RouteFilter;
use crate::engine::Handle;
use crate::table::{AttrId, Attrs};

/// The names of one configuration.
pub(super) struct ConfigScope {
    config: Arc<Config>,
    _handle: Handle,
}

impl ConfigScope {
    pub(super) fn new(config: Arc<Config>, handle: Handle) -> ConfigScope {
        ConfigScope { config, _handle: handle }
    }
}

impl Scope for ConfigScope {
    fn find(&self, name: &str) -> Option<SymbolClass> {
        let config = &self.config;
        None.or_else(|| config.table(name).map(|t| SymbolClass::Table(t.net_type)))
            .or_else(|| config.protocol(name).map(|p| SymbolClass::Protocol(p.kind.display())))
            .or_else(|| config.filter(name).map(|_| SymbolClass::Filter))
    }

    fn list(&self) -> Vec<(Arc<str>, SymbolClass)> {
        let tables = self.config.tables.iter().map(|t| (t.name.clone(), SymbolClass::Table(t.net_type)));
        let protocols =
            self.config.protocols.iter().map(|p| (p.name.clone(), SymbolClass::Protocol(p.kind.display())));
        tables.chain(protocols).collect()
    }

    fn eval(&self, _term: &str) -> Result<String, TermError> {
        Err(TermError::Parse("not built yet".into()))
    }

    fn attribute(&self, _id: AttrId, _value: &Value, _out: &mut Vec<u8>) {}

    fn igp_metric(&self, _attrs: &Attrs) -> Option<u32> {
        None
    }

    fn mpls_label(&self, _attrs: &Attrs) -> Option<u32> {
        None
    }

    fn filter(&self, _kind: FilterKind, _text: &str) -> Result<(Arc<dyn RouteFilter>, usize), TermError> {
        Err(TermError::Parse("not built yet".into()))
    }
}
