//! How often hashes were seen lately, about: a count-min sketch of 4-bit counters that are halved now and then.

const ROWS: u64 = 4;
const COUNT_MAX: u64 = 15;
const WORDS_MIN: usize = 16;
/// Counts per word after which all are halved.
const AGE: usize = 10;
const HALF: u64 = 0x7777_7777_7777_7777;

/// See the module. One word of sixteen counters for each item that is expected.
#[derive(Debug)]
pub(super) struct Sketch {
    words: Vec<u64>,
    counted: usize,
}

impl Default for Sketch {
    fn default() -> Self {
        Self { words: vec![0; WORDS_MIN], counted: 0 }
    }
}

impl Sketch {
    /// Makes it large enough for so many items; what was counted stays.
    pub(super) fn fit(&mut self, items: usize) {
        while self.words.len() < items {
            // The place of a counter in the larger table is the old one or that plus the old length.
            self.words.extend_from_within(..);
        }
    }

    /// Counts a use.
    pub(super) fn count(&mut self, hash: u64) {
        for (word, shift) in places(hash, self.words.len()) {
            if (self.words[word] >> shift) & COUNT_MAX < COUNT_MAX {
                self.words[word] += 1 << shift;
            }
        }
        self.counted += 1;
        if self.counted >= AGE * self.words.len() {
            self.counted /= 2;
            self.words.iter_mut().for_each(|word| *word = (*word >> 1) & HALF);
        }
    }

    /// Uses that were counted, hardly ever too few before they were halved.
    pub(super) fn uses(&self, hash: u64) -> u64 {
        let counts = places(hash, self.words.len()).map(|(word, shift)| (self.words[word] >> shift) & COUNT_MAX);
        counts.min().unwrap_or(0)
    }
}

/// Words, and the shifts of counters in them; `words` is a power of two.
fn places(hash: u64, words: usize) -> impl Iterator<Item = (usize, u64)> {
    (0..ROWS).map(move |row| {
        let mixed = (hash ^ (row + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed >> 24) as usize & (words - 1), 4 * (row * 4 + (mixed >> 62)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_are_counted_to_fifteen_survive_growth_and_are_halved() {
        let mut sketch = Sketch::default();
        sketch.fit(1_000);
        (0..20).for_each(|_| sketch.count(7));
        (0..3).for_each(|_| sketch.count(8));
        assert_eq!([7, 8, 9].map(|hash| sketch.uses(hash)), [15, 3, 0]);
        sketch.fit(5_000);
        assert_eq!([7, 8, 9].map(|hash| sketch.uses(hash)), [15, 3, 0]);
        sketch.counted = AGE * sketch.words.len() - 1;
        sketch.count(8);
        assert_eq!([7, 8, 9].map(|hash| sketch.uses(hash)), [7, 2, 0]);
    }
}
