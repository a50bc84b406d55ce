//! Which peers cannot be reached.

use std::{collections::BTreeSet, time::Duration};

use parking_lot::Mutex;
use ringhold_model::NodeId;
use ringhold_raft::Handle;
use tokio::time::Instant;

/// A peer that is not heard from for so long, although there is something to send to it, counts as unreachable.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// The peers that count as unreachable. Written by the peers' tasks; the lock is held for a moment.
pub(crate) struct Reach {
    control: Handle,
    lost: Mutex<BTreeSet<NodeId>>,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reach").field("lost", &self.lost.lock()).finish_non_exhaustive()
    }
}

impl Reach {
    pub(crate) fn new(control: Handle) -> Self {
        Self { control, lost: Mutex::default() }
    }

    /// Whether a peer counts as unreachable.
    pub(crate) fn is_lost(&self, node: NodeId) -> bool {
        self.lost.lock().contains(&node)
    }

    pub(super) fn lose(&self, node: NodeId) {
        if self.change(|lost| lost.insert(node)) {
            tracing::warn!(node.id = node.0, "the node was not reached for {} s", PATIENCE.as_secs());
        }
    }

    pub(super) fn find(&self, node: NodeId) {
        if self.change(|lost| lost.remove(&node)) {
            tracing::info!(node.id = node.0, "the node is reached again");
        }
    }

    fn change(&self, change: impl FnOnce(&mut BTreeSet<NodeId>) -> bool) -> bool {
        let mut lost = self.lost.lock();
        let is_news = change(&mut lost);
        if is_news {
            self.control.set_unreachable(lost.clone());
        }
        is_news
    }
}

/// Since when a peer fails.
#[derive(Debug, Default)]
pub(super) struct Failing(Option<Instant>);

impl Failing {
    /// A call that was sent at `sent_at` failed by `now`. True: it counts as unreachable.
    pub(super) fn failed(&mut self, sent_at: Instant, now: Instant) -> bool {
        let since = *self.0.get_or_insert(sent_at);
        now.saturating_duration_since(since) >= PATIENCE
    }

    /// It answered, or there is nothing to send to it.
    pub(super) fn over(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_lost_when_it_failed_for_two_seconds_without_an_answer_between() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut failing = Failing::default();
        assert!(!failing.failed(at(0), at(1)));
        assert!(!failing.failed(at(1_500), at(1_999)));
        failing.over();
        assert!(!failing.failed(at(2_000), at(3_000)));
        assert!(failing.failed(at(3_900), at(4_000)));
        assert!(Failing::default().failed(at(0), at(2_000)), "one call that was silent for so long is enough");
    }
}
