//! Answers of the engine, which come when it has a moment.

use std::future::Future;
use std::pin::Pin;

/// An answer that may take its time. [`Gone`] when the engine has ended.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Gone>> + Send + 'a>>;

/// The engine has ended: there is nobody to ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;
