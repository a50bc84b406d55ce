//! No invariant, but what the others need: when a range lost what it held although nobody did anything wrong, because no process
//! was left that had it. Seen from outside, by who runs.

use std::collections::BTreeMap;

use ringhold_model::{NodeId, RangeId, cluster::RangeRecord};

use crate::{chance::now_ms, world::World};

/// How often each range began again, and whether it is held by anyone.
#[derive(Default)]
pub(super) struct Seen {
    ranges: BTreeMap<RangeId, (u32, bool)>,
}

pub(super) fn look(seen: &mut Seen, world: &mut World) {
    let state = world.authority.state();
    for (at, record) in state.ranges.iter().enumerate() {
        let (range, is_held) = (RangeId(at as u16), is_held(world, record));
        let (resets, was_held) = seen.ranges.insert(range, (record.resets, is_held)).unwrap_or((0, is_held));
        if resets != record.resets || (was_held && !is_held) {
            world.losses.add(range, now_ms());
            world.trace.tell(now_ms(), "lost", &range);
        }
    }
}

/// Whether any member runs in the process in which it became one.
fn is_held(world: &World, record: &RangeRecord) -> bool {
    record.in_sync.iter().any(|member| runs(world, member.node))
}

fn runs(world: &World, node: NodeId) -> bool {
    let known = world.authority.state().nodes.get(&node).map(|node| node.boot);
    let machine = world.nodes.iter().find(|machine| machine.id == node);
    machine.is_some_and(|machine| machine.process.is_some() && Some(machine.boot) == known)
}
