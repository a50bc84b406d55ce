//! The traces: integers only, so that any language generates the same.

pub(super) const REQUESTS: usize = 40_000;
const KEYS: u64 = 4_000;

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Uniform,
    Skew,
    /// Every 1,000 skewed requests a scan of 250 keys that never come again.
    SkewScan,
    /// A cycle over a quarter of the keys in skewed noise.
    Loop,
    /// The order of popularity rotates every eighth of the requests.
    Shift,
}

/// splitmix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((self.next() >> 32) * n) >> 32
    }

    /// Density about rank^(-3/4): the fourth power in 32-bit fixed point.
    pub(super) fn skew(&mut self, n: u64) -> u64 {
        let x = self.next() >> 32;
        let y = (x * x) >> 32;
        (((y * y) >> 32) * n) >> 32
    }
}

/// 16 to 4,111 bytes, mostly few.
pub(super) fn size_of(key: u64) -> usize {
    let x = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    16 + ((((x * x) >> 32) * 4_096) >> 32) as usize
}

pub(super) fn trace(kind: Kind, seed: u64) -> Vec<u64> {
    let (mut rng, mut keys) = (Rng(seed), Vec::new());
    let (mut fresh, mut step) = (10_000_000, 0);
    while keys.len() < REQUESTS {
        match kind {
            Kind::Uniform => keys.push(rng.below(KEYS)),
            Kind::Skew => keys.push(rng.skew(KEYS)),
            Kind::SkewScan => {
                keys.extend((0..1_000).map(|_| rng.skew(KEYS)));
                keys.extend(fresh..fresh + 250);
                fresh += 250;
            }
            Kind::Loop if rng.below(2) == 1 => {
                keys.push(1_000_000 + step % (KEYS / 4));
                step += 1;
            }
            Kind::Loop => keys.push(rng.skew(KEYS)),
            Kind::Shift => {
                let phase = (keys.len() / (REQUESTS / 8)) as u64;
                keys.push((rng.skew(KEYS) + phase * (KEYS / 3)) % KEYS);
            }
        }
    }
    keys.truncate(REQUESTS);
    keys
}

/// Requests of ids below `ids` by Zipf's law, the next to each other unrelated.
pub(super) fn zipf(alpha: f64, ids: usize, requests: usize, seed: u64) -> Vec<u64> {
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=ids)
        .map(|id| {
            sum += (id as f64).powf(-alpha);
            sum
        })
        .collect();
    let mut rng = Rng(seed);
    let mut draw = || (rng.next() >> 11) as f64 / (1_u64 << 53) as f64 * sum;
    (0..requests).map(|_| draw()).map(|at| sums.partition_point(|sum| *sum <= at) as u64).collect()
}
