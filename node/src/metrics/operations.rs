//! The histograms of operations, which are kept in finer buckets than Prometheus is told.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::MetricType,
};
use ringhold_model::wire::OperationTimes;

/// Upper bounds in microseconds, each twice the one before, less one: those are bounds of the finer buckets too, so that no
/// count is split. The last is about eight seconds.
const BOUNDS_US: [u64; 20] = {
    let mut bounds = [0; 20];
    let mut at = 0;
    while at < bounds.len() {
        bounds[at] = (16 << at) - 1;
        at += 1;
    }
    bounds
};

/// A histogram for each kind of operation that was executed and timed.
#[derive(Debug)]
pub(super) struct Durations(pub(super) Vec<OperationTimes>);

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        for operation in self.0.iter().filter(|operation| !operation.times_us.0.is_empty()) {
            let labels = [("operation", operation.operation.as_str())];
            let buckets = buckets(operation);
            let (sum, count) = (operation.sum_us as f64 / 1e6, operation.times_us.total());
            encoder.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// Upper bounds in seconds, and how many are in each bucket and not in the one before.
fn buckets(operation: &OperationTimes) -> Vec<(f64, u64)> {
    let mut buckets: Vec<(f64, u64)> = BOUNDS_US.iter().map(|bound| (*bound as f64 / 1e6, 0)).collect();
    buckets.push((f64::MAX, 0));
    for (us, count) in &operation.times_us.0 {
        let at = BOUNDS_US.partition_point(|bound| bound < us);
        buckets[at].1 += count;
    }
    buckets
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text::encode, registry::Registry};
    use ringhold_model::wire::{HistogramParts, Operation};

    use super::*;

    #[test]
    fn counts_are_cumulative_and_none_is_lost() {
        let times_us = HistogramParts(vec![(3, 2), (15, 1), (17, 4), (100_000_000, 1)]);
        let timed = OperationTimes { operation: Operation::Get, count: 8, sum_us: 2_000_000, times_us };
        let mut registry = Registry::default();
        registry.register("x", "Help", Durations(vec![timed]));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "# TYPE x histogram",
            "x_sum{operation=\"get\"} 2.0",
            "x_count{operation=\"get\"} 8",
            "x_bucket{le=\"0.000015\",operation=\"get\"} 3",
            "x_bucket{le=\"0.000031\",operation=\"get\"} 7",
            "x_bucket{le=\"8.388607\",operation=\"get\"} 7",
            "x_bucket{le=\"+Inf\",operation=\"get\"} 8",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is missing from\n{text}");
        }
    }
}
