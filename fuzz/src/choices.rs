//! The fuzzer's bytes as choices.

/// Choices; when they are used up, always the first one, so what is made of them ends.
pub struct Choices<'a> {
    bytes: std::slice::Iter<'a, u8>,
}

impl<'a> Choices<'a> {
    /// Choices made of these bytes.
    pub fn new(bytes: &'a [u8]) -> Choices<'a> {
        Choices { bytes: bytes.iter() }
    }

    /// One of so many.
    pub fn of(&mut self, count: usize) -> usize {
        self.bytes.next().map_or(0, |b| *b as usize % count.max(1))
    }

    /// One of a list.
    pub fn one<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.of(list.len())]
    }

    /// Whether there is anything left to choose with.
    pub fn is_over(&self) -> bool {
        self.bytes.as_slice().is_empty()
    }
}
