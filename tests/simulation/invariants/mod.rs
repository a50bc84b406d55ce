//! What must hold, one a file: some at every moment, some of what clients were answered, some when all is at rest.

mod acknowledged;
mod counters;
mod epochs;
mod limits;
mod listings;
mod losses;
mod monotonic;
mod phantoms;
mod primaries;
mod removed;
mod resets;
mod rule_book;
mod stale;
mod writes;

use crate::{chance::now_ms, world::World};

/// What is looked at after every turn.
#[derive(Default)]
pub(crate) struct Watch {
    epochs: epochs::Epochs,
    losses: losses::Seen,
    resets: resets::Seen,
    rule_book: rule_book::Seen,
    violations: Vec<String>,
}

/// Between looks; what must not be lasts longer, because messages take as long.
const LOOK_EVERY_MS: u64 = 3;
/// More would not tell more.
const VIOLATIONS_MAX: usize = 20;

impl Watch {
    pub(crate) fn look(&mut self, world: &mut World) {
        if !now_ms().is_multiple_of(LOOK_EVERY_MS) {
            return;
        }
        losses::look(&mut self.losses, world);
        let mut found = self.epochs.look(world);
        found.extend(primaries::look(world));
        found.extend(limits::look(world));
        found.extend(self.resets.look(world));
        found.extend(self.rule_book.look(world));
        let room = VIOLATIONS_MAX.saturating_sub(self.violations.len());
        self.violations.extend(found.into_iter().take(room));
    }

    pub(crate) fn violations(&self) -> &[String] {
        &self.violations
    }
}

/// What the answers say.
pub(crate) fn judge(world: &World) -> Vec<String> {
    let events = world.work.history.events();
    let story = writes::Story::new(world, &events);
    let checks = [
        phantoms::check(&story),
        acknowledged::check(&story),
        stale::check(&story),
        monotonic::check(&story),
        removed::check(&story),
        counters::check(&story),
        listings::check(&story),
    ];
    checks.into_iter().flatten().take(VIOLATIONS_MAX).collect()
}
