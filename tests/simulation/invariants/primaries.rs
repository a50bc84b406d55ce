//! At no moment two nodes serve a range as its primary.

use std::collections::BTreeMap;

use ringhold_model::{NodeId, RangeId};

use crate::{chance::now_ms, world::World};

pub(super) fn look(world: &World) -> Vec<String> {
    let mut serving: BTreeMap<RangeId, Vec<NodeId>> = BTreeMap::new();
    for machine in &world.nodes {
        let Some(process) = &machine.process else { continue };
        // What stands still serves nothing; when it goes on, it is as late as it is then.
        if world.hosts.is_paused(machine.host) || !process.control.lease().holds_now() {
            continue;
        }
        let sights = process.node.engine().map(|engine| engine.sights()).unwrap_or_default();
        for sight in sights.iter().filter(|sight| sight.is_open) {
            serving.entry(sight.range).or_default().push(machine.id);
        }
    }
    let several = serving.into_iter().filter(|(_, nodes)| nodes.len() > 1);
    several.map(|(range, nodes)| format!("{} {range:?} is served by {nodes:?}", now_ms())).collect()
}
