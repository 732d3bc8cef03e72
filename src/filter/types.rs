//! The types of the language, as the checker knows them.

use std::fmt;

use crate::base::Value;
use crate::base::value::EnumType;
use crate::syntax::ast::TypeName;

/// A type. What cannot be known before a filter runs is [`Type::Unknown`]; values carry their own type, so
/// nothing is unsafe then.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the types of the language")]
pub enum Type {
    /// Not known before running, or already complained about.
    Unknown,
    Bool,
    Int,
    Pair,
    Quad,
    Ip,
    Prefix,
    Rd,
    Mac,
    Ec,
    Lc,
    Enum(EnumType),
    Str,
    Bytes,
    Path,
    Mask,
    Clist,
    Eclist,
    Lclist,
    /// A set of anything but prefixes: for assignments BIRD knows only one such type.
    Set,
    PrefixSet,
    /// One route of a block of routes.
    Route,
    /// A block of routes (`routes` of an aggregator).
    Routes,
    /// Something that can be tested with `defined` and unset, but not written (`bgp_aggregator`).
    Opaque,
}

impl Type {
    /// The type of a value.
    #[inline]
    pub fn of(value: &Value) -> Type {
        match value {
            Value::Void => Type::Unknown,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Pair(_) => Type::Pair,
            Value::Quad(_) => Type::Quad,
            Value::Ip(_) => Type::Ip,
            Value::Net(_) => Type::Prefix,
            Value::Rd(_) => Type::Rd,
            Value::Mac(_) => Type::Mac,
            Value::Ec(_) => Type::Ec,
            Value::Lc(_) => Type::Lc,
            Value::Enum(t, _) => Type::Enum(*t),
            Value::Str(_) => Type::Str,
            Value::Bytes(_) => Type::Bytes,
            Value::Path(_) => Type::Path,
            Value::Mask(_) => Type::Mask,
            Value::Clist(_) => Type::Clist,
            Value::Eclist(_) => Type::Eclist,
            Value::Lclist(_) => Type::Lclist,
            Value::Set(_) => Type::Set,
            Value::PrefixSet(_) => Type::PrefixSet,
        }
    }

    /// The type that is written like this; an error message otherwise.
    pub fn written(name: &TypeName, of: &str) -> Result<Type, String> {
        let base = match name.word {
            "bool" => Type::Bool,
            "int" => Type::Int,
            "pair" => Type::Pair,
            "quad" => Type::Quad,
            "ip" => Type::Ip,
            "prefix" => Type::Prefix,
            "rd" => Type::Rd,
            "mac" => Type::Mac,
            "ec" => Type::Ec,
            "lc" => Type::Lc,
            "string" => Type::Str,
            "bytestring" => Type::Bytes,
            "bgppath" => Type::Path,
            "bgpmask" => Type::Mask,
            "clist" => Type::Clist,
            "eclist" => Type::Eclist,
            "lclist" => Type::Lclist,
            "route" => Type::Route,
            "enum" => match EnumType::by_name(of) {
                Some(t) => Type::Enum(t),
                None => return Err("syntax error, unexpected CF_SYM_UNDEFINED".into()),
            },
            // Left out where the parser has complained about it.
            "" => Type::Unknown,
            word => return Err(format!("unknown type {word}")),
        };
        match (name.set, base) {
            (false, base) => Ok(base),
            (true, Type::Prefix) => Ok(Type::PrefixSet),
            (true, base) if base.is_set_member() => Ok(Type::Set),
            (true, _) => Err("You can't create sets of this type.".into()),
        }
    }

    /// Whether sets of this type exist.
    pub fn is_set_member(self) -> bool {
        use Type::*;
        matches!(self, Int | Pair | Quad | Ip | Prefix | Rd | Mac | Ec | Lc | Enum(_))
    }

    /// Whether `<` and the like order values of this type.
    pub fn has_order(self) -> bool {
        use Type::*;
        matches!(self, Int | Bool | Pair | Quad | Enum(_) | Ec | Rd | Lc | Ip | Mac | Prefix | Str | Path)
    }

    /// What a variable or attribute of this type holds before it is set.
    pub fn unset(self) -> Value {
        match self {
            Type::Path => Value::Path(crate::base::path::AsPath::EMPTY),
            Type::Clist => Value::Clist(crate::base::list::List::EMPTY),
            Type::Eclist => Value::Eclist(crate::base::list::List::EMPTY),
            Type::Lclist => Value::Lclist(crate::base::list::List::EMPTY),
            _ => Value::Void,
        }
    }

    /// What a `for` loop over this type hands out.
    pub fn item(self) -> Option<Type> {
        match self {
            Type::Path => Some(Type::Int),
            Type::Clist => Some(Type::Pair),
            Type::Eclist => Some(Type::Ec),
            Type::Lclist => Some(Type::Lc),
            Type::Routes => Some(Type::Route),
            _ => None,
        }
    }

    /// Whether a value of type `other` may stand where this one is wanted, as far as can be known.
    pub fn takes(self, other: Type) -> bool {
        self == other || self == Type::Unknown || other == Type::Unknown
    }

    /// BIRD's number of the type, which one of its messages shows.
    pub fn number(self) -> u8 {
        match self {
            Type::Int => 0x10,
            Type::Bool => 0x11,
            Type::Pair => 0x12,
            Type::Quad => 0x13,
            Type::Ip => 0x20,
            Type::Prefix => 0x21,
            Type::Str => 0x22,
            Type::Mask => 0x23,
            Type::Path => 0x24,
            Type::Clist => 0x25,
            Type::Ec => 0x26,
            Type::Eclist => 0x27,
            Type::Lc => 0x28,
            Type::Lclist => 0x29,
            Type::Rd => 0x2a,
            Type::Bytes => 0x2c,
            Type::Mac => 0x2d,
            Type::Enum(t) => t.number(),
            Type::Route => 0x78,
            Type::Routes => 0x79,
            Type::Set => 0x80,
            Type::PrefixSet => 0x81,
            Type::Unknown | Type::Opaque => 0,
        }
    }
}

/// As BIRD's messages name it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Unknown => "void",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Pair => "pair",
            Type::Quad => "quad",
            Type::Ip => "ip",
            Type::Prefix => "prefix",
            Type::Rd => "rd",
            Type::Mac => "mac",
            Type::Ec => "ec",
            Type::Lc => "lc",
            Type::Enum(t) => return write!(f, "enum {}", t.name()),
            Type::Str => "string",
            Type::Bytes => "bytestring",
            Type::Path => "bgppath",
            Type::Mask => "bgpmask",
            Type::Clist => "clist",
            Type::Eclist => "eclist",
            Type::Lclist => "lclist",
            Type::Set | Type::PrefixSet => "set",
            Type::Route => "route",
            Type::Routes => "block of routes",
            Type::Opaque => "?",
        })
    }
}
