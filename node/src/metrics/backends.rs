//! What is told of backends outside: calls, failures, times, and whether they are asked at all.

use std::fmt;

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use crate::{backend::StoreFigures, data::Node};

type Label = [(&'static str, &'static str); 1];

/// Name, meaning, figure.
type Column = (&'static str, &'static str, fn(&StoreFigures) -> u64);

const COUNTERS: &[Column] = &[
    ("ringhold_backend_calls", "Calls to the backend", |figures| figures.calls),
    ("ringhold_backend_failed_calls", "Calls that the backend did not do", |figures| figures.failed),
    (
        "ringhold_backend_spared_calls",
        "Calls that were not made because the backend did not answer before",
        |figures| figures.spared,
    ),
    ("ringhold_backend_damaged_rows", "Rows that were found damaged and set aside", |figures| figures.damaged),
];

const GAUGES: &[Column] = &[
    ("ringhold_backend_up", "1 when the backend answered last time", |figures| figures.trouble.is_none().into()),
    ("ringhold_backend_breaker_open", "1 while the backend is not asked, or by one call that tries", |figures| {
        (figures.breaker != "closed").into()
    }),
];

/// Times of the calls to each backend.
#[derive(Debug)]
struct Durations(Vec<(&'static str, StoreFigures)>);

/// Registers what is known of the node's backends.
pub(super) fn register(registry: &mut Registry, node: &Node) {
    let figures: Vec<_> = node.stores.all().map(|store| (store.backend().as_str(), store.figures())).collect();
    if figures.is_empty() {
        return;
    }
    for (name, help, read) in COUNTERS {
        let family = Family::<Label, Counter>::default();
        for (backend, figures) in &figures {
            family.get_or_create(&[("backend", *backend)]).inc_by(read(figures));
        }
        registry.register(*name, *help, family);
    }
    for (name, help, read) in GAUGES {
        let family = Family::<Label, Gauge>::default();
        for (backend, figures) in &figures {
            family.get_or_create(&[("backend", *backend)]).set(read(figures) as i64);
        }
        registry.register(*name, *help, family);
    }
    let help = "Time of a call to the backend";
    registry.register_with_unit("ringhold_backend_call_duration", help, Unit::Seconds, Durations(figures));
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        for (backend, figures) in &self.0 {
            let seconds = |us: u64| if us == u64::MAX { f64::MAX } else { us as f64 / 1e6 };
            let buckets: Vec<(f64, u64)> = figures.times.iter().map(|&(us, count)| (seconds(us), count)).collect();
            let count = figures.times.iter().map(|(_, count)| count).sum();
            let labels = [("backend", *backend)];
            let sum = figures.sum_us as f64 / 1e6;
            encoder.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}
