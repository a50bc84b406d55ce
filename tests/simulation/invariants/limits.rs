//! No node holds more than it may.

use crate::{chance::now_ms, world::World};

pub(super) fn look(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for machine in &world.nodes {
        let Some(engine) = machine.process.as_ref().and_then(|process| process.node.engine()) else { continue };
        let ((items, bytes), (most_items, most_bytes)) = (engine.held(), engine.limits());
        if (most_items > 0 && items > most_items) || (most_bytes > 0 && bytes > most_bytes) {
            found.push(format!("{} {:?} holds {items} records of {most_items}", now_ms(), machine.id));
        }
    }
    found
}
