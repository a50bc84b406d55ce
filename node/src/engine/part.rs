//! What a shard keeps of one range besides its records.

use ringhold_model::{NodeId, Version};

use super::{
    commit::{Waiters, Woken},
    effect::Effect,
    fills::Fills,
    outbox::Outbox,
    shard::Shared,
    space::SpaceInfo,
    sums::Sums,
};
use crate::replica::{Output, Range, Submitted};

/// See the module. Everything under the shard's lock.
#[derive(Debug)]
pub(super) struct Part {
    pub range: Range<Effect>,
    pub sums: Sums,
    /// True while its records are in the lists of eviction and in the wheel: this node is the primary that orders their end.
    pub is_listed: bool,
    /// Whether this node was its primary in the epoch before the present one, as far as it knows.
    pub led_before: bool,
    /// True when the plan wants more than one copy.
    pub wants_copies: bool,
    /// Until then (monotonic milliseconds) a write that is sent again and not known here may have been done before the range
    /// lost all it had, and with it what was known of operations.
    pub unsure_until_ms: u64,
    pub waiters: Waiters,
    pub fills: Fills,
    /// Peers in whose queue the range is.
    queued: Vec<NodeId>,
    /// Peers that are to be told of a commit.
    telling: Vec<NodeId>,
    /// Empty; kept for its memory.
    outputs: Vec<Output>,
}

impl Part {
    pub(super) fn new(range: Range<Effect>) -> Self {
        Self {
            range,
            sums: Sums::default(),
            is_listed: false,
            led_before: false,
            wants_copies: false,
            unsure_until_ms: 0,
            waiters: Waiters::default(),
            fills: Fills::default(),
            queued: Vec::new(),
            telling: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Whether this node was the primary when this entry of the log was applied, which may be some epochs' first entry ago.
    pub(super) fn led_at(&self, index: u64) -> bool {
        if self.range.epoch().0 <= index { self.range.is_primary() } else { self.led_before }
    }

    /// Does what the range wants done; `outputs` is empty afterwards.
    pub(super) fn act(&mut self, shared: &Shared, outputs: &mut Vec<Output>, woken: &mut Woken) {
        for output in outputs.drain(..) {
            match output {
                Output::Send(node) => self.queue(&shared.outbox, node),
                Output::Tell(node) => self.tell(&shared.outbox, node),
                Output::Committed(seq) => {
                    let copies = self.range.copies();
                    let count = self.waiters.committed(seq, copies, woken);
                    if copies == 1 && self.wants_copies {
                        shared.count_single_copies(count as u64);
                    }
                }
                Output::Lost => self.waiters.lost(woken),
            }
        }
    }

    /// Orders an effect. What it says is only to be sent: nobody is woken by it.
    pub(super) fn submit(&mut self, shared: &Shared, effect: impl FnOnce(Version) -> Effect) -> Submitted {
        if !self.range.has_peers() {
            return self.range.submit(effect, &mut Vec::new());
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        let submitted = self.range.submit(effect, &mut outputs);
        for output in outputs.drain(..) {
            if let Output::Send(node) = output {
                self.queue(&shared.outbox, node);
            }
        }
        self.outputs = outputs;
        submitted
    }

    /// The oldest effect about a key that is not committed: what was before it is what may be shown. `None`: the table is right.
    pub(super) fn uncommitted(&self, info: &SpaceInfo, hash: u64, key: &[u8]) -> Option<&Effect> {
        if !self.range.is_uncommitted() {
            return None;
        }
        self.range.uncommitted(hash, |effect| effect.is_about(info.namespace, info.backend, key))
    }

    /// The range is in no queue of `node` any more.
    pub(super) fn unqueue(&mut self, node: NodeId) {
        self.queued.retain(|queued| *queued != node);
    }

    /// The same for the queue of commits.
    pub(super) fn told(&mut self, node: NodeId) {
        self.telling.retain(|telling| *telling != node);
    }

    /// Puts it there again, with no word to who sends.
    pub(super) fn requeue(&mut self, outbox: &Outbox, node: NodeId) {
        if !self.queued.contains(&node) {
            self.queued.push(node);
            outbox.push_again(node, self.range.id());
        }
    }

    fn tell(&mut self, outbox: &Outbox, node: NodeId) {
        if !self.telling.contains(&node) {
            self.telling.push(node);
            outbox.tell(node, self.range.id());
        }
    }

    fn queue(&mut self, outbox: &Outbox, node: NodeId) {
        if !self.queued.contains(&node) {
            self.queued.push(node);
            outbox.push(node, self.range.id());
        }
    }
}
