//! States as 64 bits. Of ten million states two are taken for one with a chance of three in a million.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::state::State;

/// A state's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The state's fingerprint; the same in every run.
    pub fn of(state: &State) -> Self {
        let mut words = Words::default();
        state.hash(&mut words);
        Self(words.finish())
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.0);
    }
}

/// For tables whose keys are fingerprints.
pub type BuildPlain = BuildHasherDefault<Plain>;

/// Hashes a fingerprint to itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain(u64);

impl Hasher for Plain {
    fn write(&mut self, _: &[u8]) {
        unreachable!("fingerprints are words");
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Gathers the bytes of a state into words and folds these by wide multiplication.
struct Words {
    folded: u64,
    word: u64,
    bytes: u32,
}

const FOLD: u64 = 0x9e37_79b9_7f4a_7c15;
const SPREAD: u64 = 0xd6e8_feb8_6659_fd93;

impl Default for Words {
    fn default() -> Self {
        Self { folded: SPREAD, word: 0, bytes: 0 }
    }
}

impl Words {
    fn fold(&mut self) {
        let product = u128::from(self.folded ^ self.word ^ FOLD)
            * u128::from(self.word.rotate_left(32) ^ SPREAD ^ self.folded.rotate_left(17));
        let high = u64::try_from(product >> 64).expect("the upper half of 128 bits");
        let low = u64::try_from(product & u128::from(u64::MAX)).expect("the lower half of 128 bits");
        self.folded = (high ^ low).wrapping_mul(FOLD) ^ self.folded.rotate_left(29);
        (self.word, self.bytes) = (0, 0);
    }
}

impl Hasher for Words {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u8(*byte));
    }

    fn write_u8(&mut self, byte: u8) {
        self.word = self.word << 8 | u64::from(byte);
        self.bytes += 1;
        if self.bytes == 8 {
            self.fold();
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    /// Discriminants: all enums here have fewer than 256 variants.
    fn write_isize(&mut self, value: isize) {
        self.write_u8(value.to_le_bytes()[0]);
    }

    /// Lengths: all lists here have fewer than 256 elements.
    fn write_usize(&mut self, value: usize) {
        self.write_u8(value.to_le_bytes()[0]);
    }

    fn finish(&self) -> u64 {
        let mut last = Self { folded: self.folded, word: self.word, bytes: self.bytes };
        last.fold();
        last.word = u64::from(self.bytes);
        last.fold();
        last.folded ^ last.folded >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    #[test]
    fn states_that_differ_in_one_byte_have_different_fingerprints() {
        let state = State::initial(&scenario::ALL[0]);
        let mut other = state.clone();
        assert_eq!(Fingerprint::of(&state), Fingerprint::of(&other));
        other.left.operations -= 1;
        assert_ne!(Fingerprint::of(&state), Fingerprint::of(&other));
    }
}
