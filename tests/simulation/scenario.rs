//! What one run is like, all of it drawn from its seed.

use std::collections::BTreeSet;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_raft::lease::Rules as LeaseRules;

/// What may go wrong. Of each run only some do, so that they meet in all combinations and none hides another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    Cut,
    CutOneWay,
    /// Machines fall into two groups that do not hear of each other.
    Split,
    Break,
    Slow,
    Crash,
    Pause,
    LeaderChange,
    Drain,
    Join,
    Leave,
    Settings,
    Weights,
    /// The authority stands still for longer than ranges are waited for. Only where it is asked for: everyone is refused meanwhile.
    Standstill,
}

impl Trouble {
    /// Those that are drawn from.
    pub(crate) const ALL: [Self; 13] = [
        Self::Cut,
        Self::CutOneWay,
        Self::Split,
        Self::Break,
        Self::Slow,
        Self::Crash,
        Self::Pause,
        Self::LeaderChange,
        Self::Drain,
        Self::Join,
        Self::Leave,
        Self::Settings,
        Self::Weights,
    ];
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) nodes_max: usize,
    pub(crate) routers: usize,
    /// Of each router.
    pub(crate) clients: usize,
    pub(crate) keys: usize,
    pub(crate) counters: usize,
    pub(crate) range_bits: u8,
    pub(crate) replication_factor: u8,
    pub(crate) lease_ms: u64,
    pub(crate) latency_ms: (u64, u64),
    pub(crate) commit_ms: (u64, u64),
    /// Most that a node hears late of a new state.
    pub(crate) late_ms: u64,
    pub(crate) troubles: BTreeSet<Trouble>,
    /// How often trouble between two machines is between a router and a node, and how often between two nodes; else between any.
    pub(crate) pairs: (f64, f64),
    /// Between troubles.
    pub(crate) pause_ms: (u64, u64),
    /// How long cuts and crashes last; `None`: short or long, by chance.
    pub(crate) lasts_ms: Option<(u64, u64)>,
    /// How long there is trouble.
    pub(crate) chaos_ms: u64,
    /// Records that a node may hold; 0: no limit.
    pub(crate) max_items: u64,
    /// Bytes a second that a node fills copies with; 0: no bound.
    pub(crate) fill_rate: u64,
    /// The share of calls that count up.
    pub(crate) increments: f64,
    /// Of a hundred calls, so many are clears, and so many remove by a tag.
    pub(crate) clears: u32,
    pub(crate) tags: u32,
    pub(crate) lease_rules: LeaseRules,
}

impl Scenario {
    /// Everything at random.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let troubles = Trouble::ALL.into_iter().filter(|_| random.random_bool(0.45)).collect();
        let nodes = random.random_range(3..=4);
        let latency_ms = *choose(&mut random, &[(1, 2), (1, 5), (1, 20), (3, 40)]);
        Self {
            seed,
            nodes,
            nodes_max: nodes + 1,
            routers: random.random_range(1..=2),
            clients: random.random_range(2..=4),
            keys: random.random_range(3..=9),
            counters: random.random_range(1..=2),
            range_bits: random.random_range(2..=4),
            replication_factor: *choose(&mut random, &[1, 2, 2, 2, 3, 3]),
            lease_ms: *choose(&mut random, &[500, 800, 1_200]),
            latency_ms,
            commit_ms: *choose(&mut random, &[(1, 5), (5, 40), (20, 150)]),
            late_ms: *choose(&mut random, &[5, 50, 300]),
            troubles,
            pairs: (0.3, 0.3),
            pause_ms: *choose(&mut random, &[(50, 400), (200, 1_500), (500, 3_000)]),
            lasts_ms: None,
            chaos_ms: random.random_range(6_000..=12_000),
            max_items: if random.random_bool(0.12) { 4 } else { 0 },
            fill_rate: *choose(&mut random, &[0, 0, 2_000, 20_000]),
            increments: 0.15,
            clears: *choose(&mut random, &[0, 0, 2]),
            tags: *choose(&mut random, &[0, 2, 2]),
            lease_rules: LeaseRules::default(),
        }
    }

    /// Nothing goes wrong.
    pub(crate) fn calm(seed: u64) -> Self {
        Self { troubles: BTreeSet::new(), chaos_ms: 3_000, max_items: 0, ..Self::of(seed) }
    }
}

fn choose<'a, T>(random: &mut StdRng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}
