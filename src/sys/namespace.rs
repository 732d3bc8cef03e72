//! A private network to try things in, made without root and without any tool.
//!
//! `bird --sandbox` runs in a network namespace of its own: nothing it does can reach the machine's routes, and nobody
//! needs to be asked for permission. Without root the network namespace belongs to a new user namespace, in which the
//! caller is root; systems can forbid that in several ways, so a refusal says which one to look at.
#![allow(unsafe_code, reason = "leaving a namespace is unsafe by name: it changes what paths and ids mean")]

use std::fmt;
use std::fs;
use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::kernel::KernelError;
pub use super::linux::setup::{Setup, index_of};
use crate::base::IpNet;

/// Why there is no sandbox.
#[derive(Debug)]
pub struct NamespaceError {
    step: &'static str,
    cause: KernelError,
    hints: Vec<String>,
}

impl fmt::Display for NamespaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.step, self.cause)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\n  {hint}"))
    }
}

impl std::error::Error for NamespaceError {}

impl NamespaceError {
    fn at<E: Into<KernelError>>(step: &'static str) -> impl FnOnce(E) -> NamespaceError {
        move |error| {
            let cause = error.into();
            let hints = hints(&cause);
            NamespaceError { step, cause, hints }
        }
    }
}

/// Moves the calling thread into a new, empty network namespace. Root stays in its user namespace; everybody else
/// becomes root of a new one, which needs a process that has no other threads yet.
pub fn enter() -> Result<(), NamespaceError> {
    // Root of a container may lack the right to do this, and still have the right that everybody has.
    if rustix::process::geteuid().is_root() && unshare(UnshareFlags::NEWNET).is_ok() {
        return Ok(());
    }
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)
        .map_err(NamespaceError::at("create a user and a network namespace"))?;
    let map = |file, text: String| {
        fs::write(file, text).map_err(NamespaceError::at("become root of the new user namespace"))
    };
    // Unprivileged users may map their group only after giving up setgroups().
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    map("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: neither file descriptors nor the file system are unshared, so nothing that the process holds changes its
    // meaning; only sockets opened from now on belong to the new network.
    Ok(unsafe { unshare_unsafe(flags) }?)
}

/// The interfaces of a sandbox: name, its peer, and the addresses.
const LINKS: [(&str, &str, [&str; 2]); 2] = [
    ("veth0", "veth0p", ["192.0.2.1/24", "2001:db8::1/64"]),
    ("veth1", "veth1p", ["198.51.100.1/24", "2001:db8:1::1/64"]),
];

/// [`enter`]s a new network and furnishes it: loopback up, and two links (`veth0`, `veth1`) that are up and have
/// addresses of both families; their other ends are `veth0p` and `veth1p`.
pub fn sandbox() -> Result<(), NamespaceError> {
    enter()?;
    furnish().map_err(NamespaceError::at("furnish the new network namespace"))
}

fn furnish() -> Result<(), KernelError> {
    let mut setup = Setup::open()?;
    setup.set_up("lo", true)?;
    for (name, peer, addresses) in LINKS {
        setup.add_veth(name, peer)?;
        setup.set_up(name, true)?;
        setup.set_up(peer, true)?;
        for address in addresses {
            let address = address.parse::<IpNet>().map_err(|_| KernelError::new(libc::EINVAL))?;
            match setup.add_address(name, address) {
                // A kernel without IPv6 makes an IPv4 sandbox.
                Err(error) if matches!(address, IpNet::V6(_)) && error.errno == libc::EOPNOTSUPP => {}
                done => done?,
            }
        }
    }
    Ok(())
}

/// A switch that can forbid namespaces.
struct Switch {
    name: &'static str,
    forbids: fn(u64) -> bool,
    allow: &'static str,
}

const SWITCHES: [Switch; 4] = [
    Switch { name: "kernel.unprivileged_userns_clone", forbids: |value| value == 0, allow: "1" },
    Switch { name: "kernel.apparmor_restrict_unprivileged_userns", forbids: |value| value != 0, allow: "0" },
    Switch { name: "user.max_user_namespaces", forbids: |value| value == 0, allow: "10000" },
    Switch { name: "user.max_net_namespaces", forbids: |value| value == 0, allow: "10000" },
];

/// What to look at after a refusal.
fn hints(cause: &KernelError) -> Vec<String> {
    let guilty: Vec<String> = SWITCHES
        .iter()
        .filter_map(|switch| {
            let path = format!("/proc/sys/{}", switch.name.replace('.', "/"));
            let value = fs::read_to_string(path).ok()?.trim().parse().ok()?;
            let Switch { name, allow, .. } = switch;
            (switch.forbids)(value).then(|| format!("{name} is {value}; allow it: sysctl -w {name}={allow}"))
        })
        .collect();
    if !guilty.is_empty() {
        return guilty;
    }
    match cause.errno {
        libc::ENOSPC => vec![
            "too many namespaces exist; allow more: sysctl -w user.max_user_namespaces=10000 user.max_net_namespaces=10000"
                .to_owned(),
        ],
        libc::EPERM | libc::EACCES => vec![
            "inside a container: allow it with --cap-add=SYS_ADMIN, --cap-add=NET_ADMIN or another seccomp profile; \
             elsewhere see kernel.unprivileged_userns_clone, user.max_user_namespaces and \
             kernel.apparmor_restrict_unprivileged_userns"
                .to_owned(),
        ],
        libc::EINVAL => vec!["namespaces must be entered before the process starts threads".to_owned()],
        _ => Vec::new(),
    }
}
