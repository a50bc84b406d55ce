//! The simulation: real nodes and routers, in a time and on a network that follow from a seed.
//!
//! ```text
//! one thread ── hosts (a runtime each, their turns) ── machines: node │ router + clients │ authority
//!      │             net (delays, cuts, breaks)              │
//!      └── chance (clock, randomness)                  invariants (each turn, of the answers, at rest)
//! ```
//!
//! The same seed gives the same run, to the last byte that arrives. Why not turmoil: a machine must be able to stand still while
//! time goes on, and what a cut held back must arrive afterwards, as TCP sees to; see docs/testing.md.
//!
//! Reading order: `chance` → `hosts` → `net` → `machines` → `authority` → `scenario` → `world` → `client` → `director` → `rest` →
//! `invariants` → `run`.
#![cfg(target_os = "linux")]

mod authority;
mod broken;
mod chance;
mod client;
mod director;
mod fleet;
mod history;
mod hosts;
mod invariants;
mod machines;
mod net;
mod rest;
mod run;
mod scenario;
mod trace;
mod world;

use std::env;

use scenario::Scenario;

/// Seeds of a plain `cargo test`.
const SEEDS: u64 = 200;

/// Nothing goes wrong, so nothing may be wrong.
#[test]
fn calm() {
    let outcome = run::run(Scenario::calm(1), false);
    assert!(outcome.violations.is_empty(), "{:#?}", outcome.violations);
    assert!(outcome.events > 100, "clients were at work: {outcome:?}");
}

/// Everything goes wrong: `RINGHOLD_SEEDS` runs, or the one of `RINGHOLD_SEED`, with its trace.
#[test]
fn seeds() {
    let first = number("RINGHOLD_FIRST_SEED").unwrap_or(0);
    let range = match number("RINGHOLD_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + number("RINGHOLD_SEEDS").unwrap_or(SEEDS),
    };
    let reports = fleet::reports(range, None, |report| {
        if let Some(complaint) = &report.complaint {
            println!("seed {}: {}\n{complaint}", report.seed, report.figures);
            println!("replay: RINGHOLD_SEED={} cargo test --test simulation -- seeds --nocapture", report.seed);
        }
        false
    });
    let failed: Vec<u64> =
        reports.iter().filter(|report| report.complaint.is_some()).map(|report| report.seed).collect();
    assert!(failed.is_empty(), "{} of {} seeds failed: {failed:?}", failed.len(), reports.len());
}

/// A failure can be looked at again: the same seed gives the same trace, to the last byte that arrives.
#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..4 {
        assert_eq!(fleet::report(seed, None), fleet::report(seed, None));
    }
}

/// A simulation that finds nothing would find nothing when something is wrong. The rules of `RINGHOLD_RULE` (a comma between), or all; most seeds
/// in `RINGHOLD_SEEDS`.
#[test]
#[ignore = "takes minutes: the long command of docs/testing.md"]
fn each_broken_rule_is_found() {
    let asked = env::var("RINGHOLD_RULE").ok();
    let rules: Vec<String> = match &asked {
        Some(asked) => asked.split(',').map(str::to_owned).collect(),
        None => broken::all(),
    };
    let seeds = number("RINGHOLD_SEEDS").unwrap_or(SEEDS);
    let mut unfound = Vec::new();
    for rule in rules {
        let reports = fleet::reports(0..seeds, Some(&rule), |report| report.complaint.is_some());
        match reports.iter().filter(|report| report.complaint.is_some()).min_by_key(|report| report.seed) {
            Some(report) => {
                let complaint = report.complaint.as_deref().unwrap_or_default();
                println!("{rule}: seed {}: {}", report.seed, first_line(complaint));
            }
            None => {
                println!("{rule}: not found in {seeds} seeds");
                unfound.push(rule);
            }
        }
    }
    assert!(unfound.is_empty(), "nothing shows that these are broken: {unfound:?}");
}

/// What other tests start as a process of its own.
#[test]
#[ignore = "a part of the others"]
fn one_run() {
    fleet::one_run();
}

/// The first violation.
fn first_line(complaint: &str) -> &str {
    complaint.lines().find(|line| !line.is_empty() && !line.starts_with("running")).unwrap_or_default()
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}
