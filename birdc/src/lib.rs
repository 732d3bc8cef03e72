//! The shell: a library so that the daemon can open it on its own sandbox.
