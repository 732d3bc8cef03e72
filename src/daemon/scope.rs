//! What names and terms of the command line mean in the running configuration.
