//! Which ranges have something to say to which peer.
//!
//! A peer has two queues: what it waits for, and commits that it is told of with that, or alone when nothing is under way to it.
//! A range is in a queue at most once: its [`Part`](super::part::Part) notes that it is, under the shard's lock. The
//! queues' own locks are held for the time of a push or pop, within a shard's lock or alone.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, OnceLock},
};

use parking_lot::{Mutex, RwLock};
use ringhold_model::{NodeId, RangeId};

/// What is called when there is something to be sent to a node.
pub(super) type Wake = Arc<dyn Fn(NodeId) + Send + Sync>;

/// See the module.
#[derive(Default)]
pub(super) struct Outbox {
    /// One queue a peer that there ever was something for; ascending.
    queues: RwLock<Vec<(NodeId, Arc<Queue>)>>,
    wake: OnceLock<Wake>,
}

type Queue = Mutex<Said>;

#[derive(Debug, Default)]
struct Said {
    ranges: VecDeque<RangeId>,
    tells: VecDeque<RangeId>,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("queues", &self.queues).finish_non_exhaustive()
    }
}

impl Outbox {
    /// Takes the first call's only.
    pub(super) fn set_wake(&self, wake: Wake) {
        let _ = self.wake.set(wake);
    }

    /// Adds a range that is not in the queue and wakes who sends.
    pub(super) fn push(&self, to: NodeId, range: RangeId) {
        self.queue(to).lock().ranges.push_back(range);
        self.wake(to);
    }

    /// Adds a range that has a commit to tell of.
    pub(super) fn tell(&self, to: NodeId, range: RangeId) {
        let queue = self.queue(to);
        let mut said = queue.lock();
        let is_first = said.tells.is_empty();
        said.tells.push_back(range);
        drop(said);
        if is_first {
            self.wake(to);
        }
    }

    /// Wakes who sends to a node.
    pub(super) fn wake(&self, to: NodeId) {
        if let Some(wake) = self.wake.get() {
            wake(to);
        }
    }

    /// Adds a range again that was popped and has more to say; who sends is at it already.
    pub(super) fn push_again(&self, to: NodeId, range: RangeId) {
        self.queue(to).lock().ranges.push_back(range);
    }

    /// The next range.
    pub(super) fn pop(&self, to: NodeId) -> Option<RangeId> {
        self.queue(to).lock().ranges.pop_front()
    }

    /// The next range with a commit to tell of.
    pub(super) fn pop_tell(&self, to: NodeId) -> Option<RangeId> {
        self.queue(to).lock().tells.pop_front()
    }

    /// Ranges in the queue.
    pub(super) fn len(&self, to: NodeId) -> usize {
        self.queue(to).lock().ranges.len()
    }

    fn queue(&self, to: NodeId) -> Arc<Queue> {
        let known = |queues: &[(NodeId, Arc<Queue>)]| {
            queues.binary_search_by_key(&to, |(node, _)| *node).map(|at| queues[at].1.clone())
        };
        if let Ok(queue) = known(&self.queues.read()) {
            return queue;
        }
        let mut queues = self.queues.write();
        match known(&queues) {
            Ok(queue) => queue,
            Err(at) => {
                let queue = Arc::new(Queue::default());
                queues.insert(at, (to, queue.clone()));
                queue
            }
        }
    }
}
