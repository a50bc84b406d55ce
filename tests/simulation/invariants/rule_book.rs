//! Every replicated state is sound by the rule book's own account.

use crate::{chance::now_ms, world::World};

/// The state that was looked at last.
#[derive(Default)]
pub(super) struct Seen(u64);

impl Seen {
    pub(super) fn look(&mut self, world: &World) -> Vec<String> {
        let state = world.authority.state();
        if state.applied == self.0 {
            return Vec::new();
        }
        self.0 = state.applied;
        state.broken_invariants().into_iter().map(|broken| format!("{} {broken}", now_ms())).collect()
    }
}
