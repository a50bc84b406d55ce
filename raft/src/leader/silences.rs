//! Silences that nobody ended: the router that began the clear is gone.

use std::collections::{BTreeMap, BTreeSet};

use ringhold_model::{NamespaceId, cluster::Command, config::Backend};

use super::facts::Facts;

/// Longer than any clear takes: its requests have deadlines of seconds.
const SILENCE_MAX_MS: u64 = 15_000;

/// Since when this leader has seen each silence.
#[derive(Clone, Debug, Default)]
pub(super) struct Silences {
    seen: BTreeMap<(NamespaceId, Backend, u64), u64>,
}

impl Silences {
    /// Ends those that are too old, by this leader's clock.
    pub(super) fn overdue(&mut self, facts: &Facts<'_>) -> Vec<Command> {
        let spaces = facts.state.namespaces.iter();
        let silent = spaces.flat_map(|(id, space)| {
            let of_backend = |(backend, clears): (&Backend, &BTreeSet<u64>)| {
                clears.iter().map(|since| (*id, *backend, *since)).collect::<Vec<_>>()
            };
            space.silent.iter().flat_map(of_backend).collect::<Vec<_>>()
        });
        let known = std::mem::take(&mut self.seen);
        self.seen = silent.map(|key| (key, known.get(&key).copied().unwrap_or(facts.now_ms))).collect();
        let overdue = self.seen.iter().filter(|(_, at)| facts.now_ms.saturating_sub(**at) >= SILENCE_MAX_MS);
        let end = |(namespace, backend, since)| Command::EndSilence { namespace, backend, since };
        overdue.map(|(key, _)| end(*key)).collect()
    }
}
