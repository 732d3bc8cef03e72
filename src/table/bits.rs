//! A growable set of small numbers: one bit per net.

/// A bitmap over dense numbers.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
    ones: usize,
}

impl Bits {
    /// Whether `n` is in.
    #[inline]
    pub fn get(&self, n: u32) -> bool {
        self.words.get(n as usize / 64).is_some_and(|w| w >> (n % 64) & 1 == 1)
    }

    /// Puts `n` in or out; tells whether it was in.
    #[inline]
    pub fn set(&mut self, n: u32, on: bool) -> bool {
        let at = n as usize / 64;
        if at >= self.words.len() {
            if !on {
                return false;
            }
            self.words.resize(at + 1, 0);
        }
        let bit = 1u64 << (n % 64);
        let was = self.words[at] & bit != 0;
        if was != on {
            self.words[at] ^= bit;
            if on {
                self.ones += 1;
            } else {
                self.ones -= 1;
            }
        }
        was
    }

    /// How many are in.
    pub fn len(&self) -> usize {
        self.ones
    }

    /// Whether none is in.
    pub fn is_empty(&self) -> bool {
        self.ones == 0
    }

    /// Bytes in use.
    pub fn memory(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    /// Takes all out and gives the memory back.
    pub fn clear(&mut self) {
        *self = Bits::default();
    }

    /// All numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                if word == 0 {
                    return None;
                }
                let bit = word.trailing_zeros();
                word &= word - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }
}
