//! The epoch of a range never goes back, neither at a process nor in the replicated state.

use std::collections::BTreeMap;

use ringhold_model::{Epoch, NodeId, RangeId};

use crate::{chance::now_ms, world::World};

/// The highest so far; of a node in its present process.
#[derive(Default)]
pub(super) struct Epochs {
    seen: BTreeMap<(Option<(NodeId, u64)>, RangeId), Epoch>,
}

impl Epochs {
    pub(super) fn look(&mut self, world: &World) -> Vec<String> {
        let mut found = Vec::new();
        let mut take = |who, range, epoch: Epoch| {
            let highest = self.seen.entry((who, range)).or_insert(epoch);
            if epoch < *highest {
                found.push(format!("{} {who:?} {range:?} went back from {highest:?} to {epoch:?}", now_ms()));
            }
            *highest = epoch.max(*highest);
        };
        for (at, record) in world.authority.state().ranges.iter().enumerate() {
            take(None, RangeId(at as u16), record.epoch);
        }
        for machine in &world.nodes {
            let Some(engine) = machine.process.as_ref().and_then(|process| process.node.engine()) else { continue };
            for sight in engine.sights() {
                take(Some((machine.id, machine.boot)), sight.range, sight.epoch);
            }
        }
        found
    }
}
