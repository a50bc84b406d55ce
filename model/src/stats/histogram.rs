//! Merging and reading of histograms.

use crate::wire::HistogramParts;

impl HistogramParts {
    /// Adds the counts of `other`. The result is sorted by value, each value once, none without a count.
    pub fn add(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_unstable();
        self.0.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            is_same
        });
        self.0.retain(|(_, count)| *count > 0);
    }

    /// How many values were counted.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |total, (_, count)| total.saturating_add(*count))
    }

    /// The smallest value that at least `per_mille` of all values do not exceed: 500 is the median, 1,000 (and anything
    /// above) the greatest value, 0 the smallest. `None` when nothing was counted. The rank is computed in whole numbers, so
    /// that no rounding moves it.
    pub fn quantile(&self, per_mille: u32) -> Option<u64> {
        let mut sorted: Vec<_> = self.0.iter().filter(|(_, count)| *count > 0).collect();
        sorted.sort_unstable();
        let total: u128 = sorted.iter().map(|(_, count)| u128::from(*count)).sum();
        let rank = (total * u128::from(per_mille.min(1_000))).div_ceil(1_000).max(1);
        let mut seen = 0;
        let reaches_rank = |(_, count): &&&(u64, u64)| {
            seen += u128::from(*count);
            seen >= rank
        };
        sorted.iter().find(reaches_rank).map(|(value, _)| *value)
    }
}
