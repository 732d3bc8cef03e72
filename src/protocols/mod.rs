//! Floor 5: the protocols. Each is a folder with the same files; none names another.

#[cfg(test)]
mod bench;
pub mod device;
pub mod direct;
pub mod kernel;
pub mod pipe;
pub mod static_;

use crate::config::ProtocolSyntax;
use crate::engine::api::ProtocolKind;

/// The kinds of protocols a configuration may hold.
pub static SYNTAX: &[&dyn ProtocolSyntax] = &[
    &device::config::Device,
    &direct::config::Direct,
    &kernel::config::Kernel,
    &static_::config::Static,
    &pipe::config::Pipe,
];

/// The kinds of protocols the engine can run.
pub static KINDS: &[&dyn ProtocolKind] = &[
    &device::config::Device,
    &direct::config::Direct,
    &kernel::config::Kernel,
    &static_::config::Static,
    &pipe::config::Pipe,
];
