//! Which keys are used most, in bounded memory and with bounds that hold always.
//!
//! Buckets by hash, each a summary after Misra and Gries ("Finding repeated elements", 1982) with a place for four keys: a key
//! that is not there when all places are taken takes one off each. Instead of four subtractions the bucket's `floor` rises;
//! a place whose mark is not above it is free. So a key's uses are at least `mark - floor` and at most `mark`, those of a key
//! without a place at most `floor`, and `floor` is at most a fifth of the bucket's uses.
//!
//! A bucket is one cache line. Busy tables grow by splitting every bucket, which keeps all bounds.

/// Keys of one bucket.
const WAYS: usize = 4;
/// Most buckets of one shard's part of a space: 4,096 keys in 64 shards.
const BUCKETS_MAX: usize = 16;
/// A table with n buckets is split when a floor reaches n times this; a power of two.
const SPLIT_FLOOR: u32 = 16;

#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Bucket {
    hashes: [u64; WAYS],
    marks: [u32; WAYS],
    floor: u32,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::engine) struct Sketch {
    /// A power of two; none before the first use.
    buckets: Vec<Bucket>,
}

impl Sketch {
    /// Counts a use.
    #[inline(always)]
    pub(in crate::engine) fn note(&mut self, hash: u64) {
        let at = hash as usize & self.buckets.len().wrapping_sub(1);
        let Some(bucket) = self.buckets.get_mut(at) else { return self.begin(hash) };
        let floor = bucket.floor;
        for (known, mark) in bucket.hashes.iter().zip(&mut bucket.marks) {
            if *known == hash {
                // A place that has become free in between begins at the floor. Billions of uses in one window do not occur.
                *mark = (*mark).max(floor).wrapping_add(1);
                return;
            }
        }
        if let Some(free) = bucket.marks.iter().position(|mark| *mark <= floor) {
            bucket.hashes[free] = hash;
            bucket.marks[free] = floor.wrapping_add(1);
            return;
        }
        bucket.floor = floor.wrapping_add(1);
        if floor & (SPLIT_FLOOR - 1) == 0 {
            self.grow(floor);
        }
    }

    /// Splits a table in which too many keys compete.
    #[cold]
    fn grow(&mut self, floor: u32) {
        let count = self.buckets.len();
        if count < BUCKETS_MAX && floor >= SPLIT_FLOOR * count as u32 {
            self.split();
        }
    }

    #[cold]
    fn begin(&mut self, hash: u64) {
        self.buckets.push(Bucket::default());
        self.note(hash);
    }

    /// Twice as many buckets. The two that one becomes have its floor, and each the keys that belong to it.
    fn split(&mut self) {
        let count = self.buckets.len();
        self.buckets.extend_from_within(..);
        for (at, bucket) in self.buckets.iter_mut().enumerate() {
            for way in 0..WAYS {
                if bucket.hashes[way] as usize & (2 * count - 1) != at {
                    (bucket.hashes[way], bucket.marks[way]) = (0, 0);
                }
            }
        }
    }

    /// An empty table for the next window: as large as this one, if that was needed.
    pub(in crate::engine) fn successor(&self) -> Self {
        let count = self.buckets.len();
        let is_used = self.buckets.iter().any(|bucket| bucket.floor >= SPLIT_FLOOR);
        let next = if is_used { count } else { count.min(1) };
        Self { buckets: vec![Bucket::default(); next] }
    }

    /// Hashes that have a place.
    pub(in crate::engine) fn hashes(&self) -> impl Iterator<Item = u64> {
        let taken = |bucket: &Bucket| {
            let (bucket, floor) = (*bucket, bucket.floor);
            (0..WAYS).filter(move |way| bucket.marks[*way] > floor).map(move |way| bucket.hashes[way])
        };
        self.buckets.iter().flat_map(taken)
    }

    /// A hash was used at least so often, and at most so often.
    pub(in crate::engine) fn bounds(&self, hash: u64) -> (u64, u64) {
        let at = hash as usize & self.buckets.len().wrapping_sub(1);
        let Some(bucket) = self.buckets.get(at) else { return (0, 0) };
        let known =
            bucket.hashes.iter().zip(bucket.marks).find(|(known, mark)| **known == hash && *mark > bucket.floor);
        let mark = known.map_or(bucket.floor, |(_, mark)| mark);
        (u64::from(mark - bucket.floor), u64::from(mark))
    }

    /// No hash without a place was used more often.
    pub(in crate::engine) fn unlisted_max(&self) -> u64 {
        self.buckets.iter().map(|bucket| u64::from(bucket.floor)).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A trace of `uses` uses of `keys` keys whose popularity falls with their rank to the power of `skew`.
    pub(super) fn zipf(seed: u64, keys: usize, uses: usize, skew: f64) -> Vec<u64> {
        let mut sums = Vec::with_capacity(keys);
        let mut sum = 0.0;
        for rank in 1..=keys {
            sum += (rank as f64).powf(-skew);
            sums.push(sum);
        }
        let mut state = seed | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.wrapping_mul(0x2545_f491_4f6c_dd1d)
        };
        let hash = |rank: usize| (rank as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
        let draw = |_| {
            let at = (random() >> 11) as f64 / (1u64 << 53) as f64 * sum;
            hash(sums.partition_point(|limit| *limit < at))
        };
        (0..uses).map(draw).collect()
    }

    fn exact(trace: &[u64]) -> HashMap<u64, u64> {
        let mut exact = HashMap::new();
        trace.iter().for_each(|hash| *exact.entry(*hash).or_default() += 1);
        exact
    }

    #[test]
    fn a_bucket_is_one_cache_line() {
        assert_eq!(size_of::<Bucket>(), 64);
    }

    #[test]
    fn the_hottest_keys_of_a_skewed_trace_are_listed_with_small_errors() {
        let trace = zipf(7, 20_000, 200_000, 0.99);
        let mut sketch = Sketch::default();
        trace.iter().for_each(|hash| sketch.note(*hash));
        let mut ranked: Vec<_> = exact(&trace).into_iter().collect();
        ranked.sort_unstable_by_key(|(_, uses)| std::cmp::Reverse(*uses));
        let listed: Vec<u64> = sketch.hashes().collect();
        assert!(listed.len() <= WAYS * BUCKETS_MAX);
        // A fifth of what one bucket sees of others: below that a key may be missed.
        for (hash, uses) in ranked.iter().filter(|(_, uses)| *uses > 200_000 / 16 / 3) {
            assert!(listed.contains(hash), "a key with {uses} uses of 200,000");
            assert!(sketch.bounds(*hash).1 < uses + 200_000 / 16 / 3);
        }
        assert!(ranked[2].1 > 200_000 / 16 / 3, "the trace has hot keys");
        assert!(sketch.unlisted_max() < 200_000 / 16 / 3, "{}", sketch.unlisted_max());
    }

    proptest! {
        #[test]
        fn bounds_hold_against_exact_counts(seed in 1u64.., keys in 1usize..3_000, uses in 0usize..20_000, skew in 0.0f64..1.6) {
            let trace = zipf(seed, keys, uses, skew);
            let mut sketch = Sketch::default();
            trace.iter().for_each(|hash| sketch.note(*hash));
            let unlisted = sketch.unlisted_max();
            let listed: Vec<u64> = sketch.hashes().collect();
            for (hash, uses) in exact(&trace) {
                let (least, most) = sketch.bounds(hash);
                prop_assert!(least <= uses && uses <= most, "{least} <= {uses} <= {most}");
                prop_assert!(listed.contains(&hash) || uses <= unlisted);
            }
            prop_assert!(unlisted <= trace.len() as u64 / (WAYS as u64 + 1) + u64::from(SPLIT_FLOOR));
        }
    }
}
