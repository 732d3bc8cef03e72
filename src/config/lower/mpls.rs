//! MPLS domains and their label ranges.

use std::sync::Arc;

use super::Lowering;
use super::args::LABEL_LIMIT;
use crate::config::{MplsDomain, MplsRange};
use crate::filter::symbols::Symbol;
use crate::syntax::ast::{Arg, Ident, Opt, Span, Tok};
use crate::syntax::diag::Diagnostic;

/// The ranges every domain has.
fn predefined() -> Vec<MplsRange> {
    vec![
        MplsRange { name: "static".into(), start: 16, length: 984 },
        MplsRange { name: "dynamic".into(), start: 1000, length: 9000 },
    ]
}

impl Lowering<'_> {
    pub(super) fn mpls_domain(&mut self, name: Ident, ranges: &[Opt], span: Span) {
        if !self.define(name, self.after(span, 3), Symbol::MplsDomain) {
            return;
        }
        let mut domain = MplsDomain { name: self.name(name), ranges: predefined() };
        for opt in ranges {
            self.mpls_range(&mut domain, opt);
        }
        self.check_ranges(&domain, span.last);
        self.mpls_domains.push(Arc::new(domain));
    }

    fn mpls_range(&mut self, domain: &mut MplsDomain, opt: &Opt) {
        let (mut start, mut length) = (None, None);
        let (name, ident) = match opt.args.first() {
            Some(Arg::Word(word, _)) => (Arc::from(*word), None),
            _ => match self.name_arg(opt, 0) {
                Some(ident) => (self.name(ident), Some(ident)),
                None => return,
            },
        };
        for arg in &opt.args {
            let Arg::Block(options) = arg else { continue };
            for option in options {
                let Some(n) = self.expr(option, 0) else { return };
                match option.key {
                    "start" if n >= LABEL_LIMIT => {
                        return self.error(option.span.last, "MPLS label range start must be less than 2^20");
                    }
                    "length" if n >= LABEL_LIMIT => {
                        return self
                            .error(option.span.last, "MPLS label range length must be less than 2^20");
                    }
                    "length" if n == 0 => {
                        return self.error(option.span.last, "MPLS label range length must be nonzero");
                    }
                    "start" => start = Some(n),
                    _ => length = Some(n),
                }
            }
        }
        let old = domain.ranges.iter().find(|r| r.name == name).cloned();
        let (Some(start), Some(length)) =
            (start.or(old.as_ref().map(|r| r.start)), length.or(old.as_ref().map(|r| r.length)))
        else {
            return self.error(opt.span.last, "MPLS label range start and length must be specified");
        };
        if start + length > LABEL_LIMIT {
            return self.error(opt.span.last, "MPLS label range end must be less than 2^20");
        }
        let range = MplsRange { name: name.clone(), start, length };
        match domain.ranges.iter_mut().find(|r| r.name == name) {
            Some(slot) => *slot = range,
            None => {
                if let Some(ident) = ident {
                    self.define(ident, opt.span.last, Symbol::MplsRange);
                }
                domain.ranges.push(range);
            }
        }
    }

    fn check_ranges(&mut self, domain: &MplsDomain, at: Tok) {
        let mut sorted: Vec<&MplsRange> = domain.ranges.iter().collect();
        sorted.sort_by_key(|r| r.start);
        for pair in sorted.windows(2) {
            if let [a, b] = pair
                && a.start + a.length > b.start
            {
                let text = format!("MPLS label ranges {} and {} intersect", a.name, b.name);
                self.push(Diagnostic::warning(at, text));
            }
        }
    }

    /// The labels of a domain that are given out by hand.
    pub fn static_labels(&self, domain: &str) -> Option<std::ops::Range<u32>> {
        let domain = self.mpls_domains.iter().find(|d| *d.name == *domain)?;
        let range = domain.ranges.iter().find(|r| &*r.name == "static")?;
        Some(range.start..range.start + range.length)
    }

    /// The first domain; made with a warning when there is none.
    pub(super) fn default_domain(&mut self, at: Tok) -> Arc<str> {
        if let Some(domain) = self.mpls_domains.first() {
            return domain.name.clone();
        }
        self.push(Diagnostic::warning(at, "No MPLS domain defined"));
        let name: Arc<str> = "mpls1".into();
        self.mpls_domains.push(Arc::new(MplsDomain { name: name.clone(), ranges: predefined() }));
        name
    }
}
