//! Routes written in the configuration.
//!
//! There may be a million of them, with few destinations. So the list stays where the configuration keeps it;
//! an instance adds one bit per route (announced or not) and resolves every destination once ([`dests`]).
//! Whatever happens, an interface, an IGP table or an option, is a change of destinations; a sweep over the
//! list then announces the routes that point there, in slices, so that nobody waits. Reconfigurations compare
//! lists route by route ([`diff`]).

pub mod config;
mod dests;
mod diff;
mod instance;
mod lower;
mod ordinals;
#[cfg(test)]
mod tests;
