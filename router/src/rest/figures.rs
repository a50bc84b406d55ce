//! Figures of one (namespace, backend), of one node or of many. Merging is the model's and exact: counters add, histograms
//! add count by count, rates are computed from sums.

use ringhold_model::{
    NamespaceId,
    config::Backend,
    wire::{HistogramParts, NodeStats, SpaceStats},
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Counters and limits.
    pub space: SpaceStats,
    /// Time to serve a frame of point operations, in microseconds; empty: not tracked.
    pub latency_us: HistogramParts,
}

impl Figures {
    /// The figures of a (namespace, backend) on one node. A node that never held any of it counts zero.
    pub fn of_node(stats: &NodeStats, namespace: NamespaceId, backend: Backend) -> Self {
        let space = stats.spaces.iter().find(|space| space.namespace == namespace && space.backend == backend);
        Self {
            space: space.cloned().unwrap_or_else(|| SpaceStats::empty(namespace, backend)),
            latency_us: stats.latency_us.clone().unwrap_or_default(),
        }
    }

    /// The sum over nodes; `None` of none.
    pub fn sum<'a>(figures: impl Iterator<Item = &'a Self>) -> Option<Self> {
        figures.cloned().reduce(|mut sum, other| {
            sum.space.add(&other.space);
            sum.latency_us.add(&other.latency_us);
            sum
        })
    }
}
