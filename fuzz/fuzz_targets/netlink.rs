//! Any bytes as what the kernel may send: links, addresses, routes.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| tern::sys::linux::read_anything(data));
