//! Keys, values and the order in which they are asked for, the same for every cache.

use crate::caches::Key;

/// Distinct keys.
pub const KEYS: usize = 1_000_000;
/// Bytes of a value, at least; up to seven more, by key.
const VALUE_BYTES: usize = 96;
/// Exponent of the distribution of Zipf.
const SKEW: f64 = 0.99;

/// The key of a number: sixteen digits in no order.
pub fn key(number: usize) -> Key {
    let mut key = *b"0000000000000000";
    let mut rest = mixed(number as u64);
    for digit in &mut key {
        *digit = b'0' + (rest % 10) as u8;
        rest = rest / 10 + 0x1_0000_0000 * (rest % 7);
    }
    for (digit, place) in key[..7].iter_mut().zip([1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]) {
        *digit = b'0' + ((number / place) % 10) as u8;
    }
    key
}

/// JSON text of the value of a key.
pub fn value(number: usize) -> Vec<u8> {
    vec![b'1'; VALUE_BYTES + number % 8]
}

/// A generator of numbers, seeded (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    fn fraction(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Numbers of keys as Zipf has them: the most frequent one is anywhere.
pub fn zipf(count: usize, seed: u64) -> Vec<u32> {
    let mut sums = Vec::with_capacity(KEYS);
    let mut sum = 0.0;
    for rank in 1..=KEYS {
        sum += (rank as f64).powf(-SKEW);
        sums.push(sum);
    }
    let places = shuffled(77);
    let mut dice = Dice::new(seed);
    let draw = |_| {
        let at = dice.fraction() * sum;
        places[sums.partition_point(|sum| *sum < at).min(KEYS - 1)]
    };
    (0..count).map(draw).collect()
}

/// All numbers of keys, in no order.
pub fn shuffled(seed: u64) -> Vec<u32> {
    let mut all: Vec<u32> = (0..KEYS as u32).collect();
    let mut dice = Dice::new(seed);
    for at in (1..all.len()).rev() {
        all.swap(at, (dice.roll() % (at as u64 + 1)) as usize);
    }
    all
}

fn mixed(value: u64) -> u64 {
    let mixed = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
