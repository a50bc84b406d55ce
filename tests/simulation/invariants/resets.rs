//! A range begins again only when nobody who held it could be asked for a while (rule L7): nobody loses memory that was never lost,
//! least of all because the leader stood still.

use std::collections::BTreeMap;

use ringhold_model::{NodeId, RangeId, cluster::RangeRecord};

use crate::{
    chance::now_ms,
    world::{RESET_AFTER_S, World},
};

/// Since when each node's process could renew its lease if only the authority answered, and the records as they were.
#[derive(Default)]
pub(super) struct Seen {
    well_since_ms: BTreeMap<NodeId, u64>,
    records: BTreeMap<RangeId, RangeRecord>,
}

impl Seen {
    pub(super) fn look(&mut self, world: &World) -> Vec<String> {
        for machine in &world.nodes {
            let (near, far) = (machine.host, world.authority_host);
            let is_well = machine.process.as_ref().is_some_and(|process| process.control.incarnation().is_some())
                && !world.hosts.is_paused(near)
                && world.net.is_fine(near, far)
                && world.net.is_fine(far, near);
            match is_well {
                true => drop(self.well_since_ms.entry(machine.id).or_insert(now_ms())),
                false => drop(self.well_since_ms.remove(&machine.id)),
            }
        }
        let mut found = Vec::new();
        for (at, record) in world.authority.state().ranges.iter().enumerate() {
            let range = RangeId(at as u16);
            let before = self.records.insert(range, record.clone()).unwrap_or_else(|| record.clone());
            if before.resets == record.resets {
                continue;
            }
            let patience_ms = u64::from(RESET_AFTER_S) * 1_000;
            let is_well =
                |node: &NodeId| self.well_since_ms.get(node).is_some_and(|since| since + patience_ms < now_ms());
            let well: Vec<NodeId> = before.in_sync.iter().map(|member| member.node).filter(is_well).collect();
            if !well.is_empty() {
                found.push(format!("{} {range:?} began again although {well:?} held it", now_ms()));
            }
        }
        found
    }
}
