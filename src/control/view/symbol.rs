//! `show symbols`.

use crate::base::NetType;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SymbolClass {
    /// A routing table of this type.
    Table(NetType),
    /// A named filter.
    Filter,
    /// A function.
    Function,
    /// A protocol of this kind (`Static`, `Kernel`, ...).
    Protocol(&'static str),
    /// A template.
    Template,
    /// A constant.
    Constant,
    /// An attribute of the user's.
    Attribute,
    /// An MPLS domain.
    MplsDomain,
    /// An MPLS label range.
    MplsRange,
    /// Mentioned, nothing more.
    Undefined,
}

impl SymbolClass {
    /// The words of `show symbols`.
    pub fn words(self) -> &'static str {
        match self {
            SymbolClass::Table(_) => "routing table",
            SymbolClass::Filter => "filter",
            SymbolClass::Function => "function",
            SymbolClass::Protocol(_) => "protocol",
            SymbolClass::Template => "protocol template",
            SymbolClass::Constant => "constant",
            SymbolClass::Attribute => "custom attribute",
            SymbolClass::MplsDomain => "mpls domain",
            SymbolClass::MplsRange => "mpls range",
            SymbolClass::Undefined => "undefined",
        }
    }
}
