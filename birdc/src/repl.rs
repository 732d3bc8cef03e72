//! x
use crate::{client::Failure, options::Options};
pub fn run(o: &Options) -> Result<u8, Failure> {
    crate::batch::piped(o)
}
