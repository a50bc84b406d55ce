//! Room that this node needs and cannot make, because all that is there are copies: their primaries are asked to make some.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use ringhold_model::{Epoch, Mid, NodeId, RangeId};

use super::{Engine, plan::Shortage, pool::Pool, room::Short};
use crate::replica::Role;

/// What is asked of a primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub range: RangeId,
    pub epoch: Epoch,
    /// This node's membership in the range.
    pub mid: Mid,
    pub shortage: Shortage,
}

/// One demand a primary, the newest; who is refused room asks again.
#[derive(Debug, Default)]
pub(super) struct Demands(Mutex<BTreeMap<NodeId, Demand>>);

impl Demands {
    pub(super) fn take(&self, to: NodeId) -> Option<Demand> {
        self.0.lock().remove(&to)
    }
}

impl Engine {
    /// Asks a primary to evict for a write of `charge` bytes here: the one of the range of which this node holds most.
    pub(super) fn ask_for_room(&self, pool: &Arc<Pool>, short: Short, charge: u64) {
        let view = self.view.load();
        let only = view.spaces.iter().find(|info| short == Short::Pool && Arc::ptr_eq(&info.pool, pool));
        let mut largest: Option<(u64, NodeId, Demand)> = None;
        for shard in &self.shards {
            let shard = shard.lock();
            for part in shard.parts.iter().filter(|part| part.range.role() == Role::Copy) {
                let items = only.map_or_else(|| part.sums.digest().items, |info| part.sums.of(info.number).items);
                if items == 0 || largest.is_some_and(|(most, _, _)| most >= items) {
                    continue;
                }
                let (Some(primary), Some(me)) = (part.range.primary(), part.range.member()) else { continue };
                let shortage = Shortage { space: only.map(|info| info.key()), items: 1, bytes: charge };
                let (range, epoch) = (part.range.id(), part.range.epoch());
                largest = Some((items, primary, Demand { range, epoch, mid: me.mid, shortage }));
            }
        }
        if let Some((_, primary, demand)) = largest {
            self.shared.demands.0.lock().insert(primary, demand);
            self.shared.outbox.wake(primary);
        }
    }
}
