//! The grammar of `bird.conf`, compiled from the `.pest` files beside this crate.
