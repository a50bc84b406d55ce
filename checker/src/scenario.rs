//! The scenarios that are explored.

use crate::{
    message::Wish,
    model::{Budget, Scenario, Size},
};

const NONE: Budget = Budget {
    operations: 0,
    invalidations: 0,
    clears: 0,
    crashes: 0,
    duplicates: 0,
    late: 0,
    retries: 0,
    refills: 0,
    lease_ends: 0,
    removals: 0,
    joins: 0,
    retirements: 0,
    handovers: 0,
    leader_changes: 0,
    resets: 0,
    cancels: 0,
};

const fn of(name: &'static str, nodes: u8, copies: u8, keys: u8, budget: Budget) -> Scenario {
    Scenario { name, nodes, copies, keys, budget, wishes: [Wish::Set, Wish::Delete], size: Size::Moderate }
}

const fn large(name: &'static str, nodes: u8, copies: u8, keys: u8, budget: Budget) -> Scenario {
    Scenario { size: Size::Large, ..of(name, nodes, copies, keys, budget) }
}

/// Clients set keys on the condition that there is no value.
const fn adding(scenario: Scenario) -> Scenario {
    Scenario { wishes: [Wish::Add, Wish::Delete], ..scenario }
}

/// All scenarios.
#[rustfmt::skip]
pub const ALL: &[Scenario] = &[
    of("join", 3, 2, 1, Budget { operations: 3, joins: 1, ..NONE }),
    of("join, crash", 3, 2, 1, Budget { operations: 2, joins: 1, crashes: 1, ..NONE }),
    of("failover", 3, 3, 1, Budget { operations: 3, lease_ends: 1, removals: 1, ..NONE }),
    of("failover twice", 3, 3, 1, Budget { operations: 2, lease_ends: 2, removals: 2, ..NONE }),
    of("retire", 3, 3, 1, Budget { operations: 3, retirements: 1, ..NONE }),
    of("handover", 3, 2, 1, Budget { operations: 3, handovers: 1, ..NONE }),
    of("handover, failover", 3, 2, 1, Budget { operations: 2, handovers: 1, lease_ends: 1, removals: 1, ..NONE }),
    of("rejoin", 2, 2, 1, Budget { operations: 3, lease_ends: 1, removals: 1, joins: 1, ..NONE }),
    of("rejoin twice", 3, 2, 1, Budget { operations: 2, lease_ends: 1, removals: 1, joins: 2, ..NONE }),
    of("restart", 2, 2, 1, Budget { operations: 2, crashes: 1, joins: 1, ..NONE }),
    of("crash, failover", 3, 3, 1, Budget { operations: 2, crashes: 1, lease_ends: 1, removals: 1, ..NONE }),
    of("retire, failover", 3, 3, 1, Budget { operations: 2, retirements: 1, lease_ends: 1, removals: 1, ..NONE }),
    of("handover, join", 3, 2, 1, Budget { operations: 2, handovers: 1, joins: 1, ..NONE }),
    of("join, failover", 3, 2, 1, Budget { operations: 2, joins: 1, lease_ends: 1, removals: 1, ..NONE }),
    of("retire, rejoin", 3, 2, 1, Budget { operations: 2, retirements: 1, joins: 1, ..NONE }),
    of("join, handover, retire", 3, 2, 1, Budget { operations: 2, joins: 1, handovers: 1, retirements: 1, ..NONE }),
    of("leader change", 3, 2, 1, Budget { operations: 2, lease_ends: 2, removals: 1, leader_changes: 2, ..NONE }),
    of("leader change, rejoin", 2, 2, 1, Budget { operations: 2, lease_ends: 2, removals: 2, leader_changes: 1, joins: 1, ..NONE }),
    of("nobody died", 2, 2, 1, Budget { operations: 3, lease_ends: 3, removals: 3, resets: 1, ..NONE }),
    of("last copy", 2, 2, 1, Budget { operations: 2, lease_ends: 2, removals: 2, crashes: 1, resets: 1, ..NONE }),
    of("reset", 2, 2, 1, Budget { operations: 3, crashes: 2, joins: 1, resets: 1, ..NONE }),
    of("clear", 3, 3, 1, Budget { operations: 2, clears: 1, lease_ends: 1, ..NONE }),
    of("clear, join", 3, 2, 1, Budget { operations: 2, clears: 1, joins: 1, ..NONE }),
    of("clear, first join", 2, 1, 1, Budget { operations: 2, clears: 1, joins: 1, ..NONE }),
    of("clear, failover", 3, 3, 1, Budget { operations: 2, clears: 1, lease_ends: 1, removals: 1, ..NONE }),
    of("clear, rejoin", 2, 2, 1, Budget { operations: 2, clears: 1, lease_ends: 1, removals: 1, joins: 1, ..NONE }),
    of("two keys, failover", 3, 3, 2, Budget { operations: 2, lease_ends: 1, removals: 1, ..NONE }),
    of("two keys, handover", 3, 2, 2, Budget { operations: 3, handovers: 1, ..NONE }),
    of("two keys, join", 3, 2, 2, Budget { operations: 2, joins: 1, ..NONE }),
    of("invalidate", 2, 2, 2, Budget { operations: 3, invalidations: 1, handovers: 1, ..NONE }),
    of("invalidate, join", 2, 1, 2, Budget { operations: 3, invalidations: 1, joins: 1, ..NONE }),
    of("invalidate, failover", 3, 3, 2, Budget { operations: 2, invalidations: 1, lease_ends: 1, removals: 1, ..NONE }),
    adding(of("conditions, failover", 3, 3, 1, Budget { operations: 3, lease_ends: 1, removals: 1, ..NONE })),
    adding(of("conditions, join, handover", 2, 1, 1, Budget { operations: 4, joins: 1, handovers: 1, ..NONE })),
    of("last copy, rejoin", 2, 2, 1, Budget { operations: 1, lease_ends: 1, removals: 1, crashes: 2, joins: 1, ..NONE }),
    of("join, given up, join", 3, 2, 1, Budget { operations: 2, joins: 2, cancels: 1, ..NONE }),
    of("joins again", 2, 1, 1, Budget { operations: 2, joins: 2, crashes: 1, ..NONE }),
    of("two keys, rejoin", 2, 2, 2, Budget { operations: 2, lease_ends: 1, removals: 1, joins: 1, ..NONE }),
    of("join, reset", 3, 1, 1, Budget { operations: 2, joins: 1, lease_ends: 1, resets: 1, ..NONE }),
    of("join, filled anew", 3, 2, 1, Budget { operations: 3, joins: 1, refills: 1, ..NONE }),
    of("handover, retry", 3, 2, 1, Budget { operations: 2, handovers: 1, retries: 1, ..NONE }),
    of("join, handover, retry", 2, 1, 1, Budget { operations: 2, joins: 1, handovers: 1, retries: 1, ..NONE }),
    of("failover, retry", 3, 3, 1, Budget { operations: 2, lease_ends: 1, removals: 1, retries: 1, ..NONE }),
    adding(of("late", 2, 2, 1, Budget { operations: 3, late: 1, retries: 1, ..NONE })),
    adding(of("handover twice, late", 2, 2, 1, Budget { operations: 3, late: 1, retries: 1, handovers: 2, ..NONE })),
    of("join, a duplicate", 3, 2, 1, Budget { operations: 3, joins: 1, duplicates: 1, ..NONE }),
    of("failover, a duplicate", 3, 3, 1, Budget { operations: 3, lease_ends: 1, removals: 1, duplicates: 1, ..NONE }),
    of("rejoin, a duplicate", 2, 2, 1, Budget { operations: 3, lease_ends: 1, removals: 1, joins: 1, duplicates: 1, ..NONE }),
    of("two keys, join, a duplicate", 2, 1, 2, Budget { operations: 3, joins: 1, duplicates: 1, ..NONE }),
    large("rejoin twice, three operations", 3, 2, 1, Budget { operations: 3, lease_ends: 1, removals: 1, joins: 2, ..NONE }),
    large("join, crash, failover", 3, 2, 1, Budget { operations: 2, joins: 1, crashes: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("join, handover, retire, failover", 3, 2, 1, Budget { operations: 2, joins: 1, handovers: 1, retirements: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("retire, failover, handover", 3, 3, 1, Budget { operations: 2, retirements: 1, lease_ends: 1, removals: 1, handovers: 1, ..NONE }),
    large("retire, failover, handover, three operations", 3, 3, 1, Budget { operations: 3, retirements: 1, lease_ends: 1, removals: 1, handovers: 1, ..NONE }),
    large("leader change, join, failover", 3, 2, 1, Budget { operations: 2, lease_ends: 2, removals: 2, leader_changes: 2, joins: 1, ..NONE }),
    large("join, failover, retry", 3, 2, 1, Budget { operations: 2, joins: 1, lease_ends: 1, removals: 1, retries: 1, ..NONE }),
    adding(large("conditions, failover twice, retry", 3, 3, 1, Budget { operations: 3, lease_ends: 2, removals: 2, retries: 1, ..NONE })),
    adding(of("conditions, join, handover twice, late", 2, 1, 1, Budget { operations: 3, joins: 1, handovers: 2, late: 1, retries: 1, ..NONE })),
    large("join, filled anew, failover", 3, 2, 1, Budget { operations: 3, joins: 1, refills: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("leader change, join, reset", 3, 1, 1, Budget { operations: 2, joins: 1, lease_ends: 2, removals: 1, leader_changes: 2, resets: 1, ..NONE }),
    of("two crashes, rejoin", 3, 3, 1, Budget { operations: 2, crashes: 2, joins: 1, ..NONE }),
    large("reset after failover", 3, 2, 1, Budget { operations: 2, lease_ends: 1, removals: 1, crashes: 1, joins: 1, resets: 1, ..NONE }),
    large("reset after failover, three operations", 3, 2, 1, Budget { operations: 3, lease_ends: 1, removals: 1, crashes: 1, joins: 1, resets: 1, ..NONE }),
    large("clear, join, failover", 3, 2, 1, Budget { operations: 2, clears: 1, joins: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("two clears, failover", 3, 3, 1, Budget { operations: 2, clears: 2, lease_ends: 1, removals: 1, ..NONE }),
    large("clear, handover, rejoin", 2, 2, 1, Budget { operations: 3, clears: 1, lease_ends: 1, removals: 1, joins: 1, handovers: 1, ..NONE }),
    large("two keys, join, failover", 3, 2, 2, Budget { operations: 2, joins: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("two keys, join, handover", 3, 2, 2, Budget { operations: 3, joins: 1, handovers: 1, ..NONE }),
    large("two keys, failover twice", 3, 3, 2, Budget { operations: 3, lease_ends: 2, removals: 2, ..NONE }),
    large("invalidate, join, failover", 3, 2, 2, Budget { operations: 2, invalidations: 1, joins: 1, lease_ends: 1, removals: 1, ..NONE }),
    large("invalidate, rejoin", 2, 2, 2, Budget { operations: 3, invalidations: 1, lease_ends: 1, removals: 1, joins: 1, ..NONE }),
    large("clear, invalidate, join", 3, 2, 2, Budget { operations: 2, clears: 1, invalidations: 1, joins: 1, ..NONE }),
];

/// Those that a test explores.
pub fn moderate() -> impl Iterator<Item = &'static Scenario> {
    ALL.iter().filter(|scenario| !scenario.is_large())
}

/// The scenario of that name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}
