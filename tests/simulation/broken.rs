//! Runs in which one rule does not hold, and in which there is trouble of the kind that the rule is for.

use ringhold_model::rules::Rule;
use ringhold_raft::lease::Rules;

use crate::scenario::{
    Scenario,
    Trouble::{
        self, Break, Crash, Cut, CutOneWay, Drain, Join, LeaderChange, Leave, Pause, Slow, Split, Standstill, Weights,
    },
};

/// Rules of leases, as they are broken in `ringhold_raft::lease::Rules`.
pub(crate) const LEASE_RULES: [&str; 7] = ["L1", "L2", "L3", "L4", "L5", "L6", "L7"];

/// Every rule that can be broken.
pub(crate) fn all() -> Vec<String> {
    let of_data = Rule::ALL.into_iter().map(|rule| format!("{rule:?}"));
    LEASE_RULES.into_iter().map(str::to_owned).chain(of_data).collect()
}

/// The run of this seed without the rule, which is L1 to L7 or one of the data plane's; that does not hold in the whole process then.
/// With a `+` before it the same run in which it holds.
pub(crate) fn scenario(seed: u64, named: &str) -> Scenario {
    let rule = named.trim_start_matches('+');
    let mut scenario = of(seed, rule);
    if rule != named {
        scenario.lease_rules = Rules::default();
    } else if let Some(rule) = Rule::ALL.into_iter().find(|known| format!("{known:?}") == rule) {
        rule.break_it();
    }
    scenario
}

fn of(seed: u64, rule: &str) -> Scenario {
    let mut scenario = Scenario::of(seed);
    // Rules of leases are about nodes that act by old states.
    if LEASE_RULES.contains(&rule) {
        scenario.lease_rules = without(rule);
        (scenario.late_ms, scenario.lease_ms, scenario.pause_ms) = (300, 500, (50, 400));
    }
    scenario.replication_factor = scenario.replication_factor.max(2);
    let troubles: &[Trouble] = match rule {
        "L1" => &[Pause, Slow, Split, Cut],
        "L4" => {
            scenario.commit_ms = (200, 600);
            &[Pause, Cut, Split]
        }
        "L5" => &[Pause, Cut, Split, Crash],
        "L7" => {
            scenario.pause_ms = (500, 5_000);
            &[Standstill]
        }
        _ if LEASE_RULES.contains(&rule) => &[Pause, Cut, Split, LeaderChange],
        _ => of_data(rule, &mut scenario),
    };
    scenario.troubles = troubles.iter().copied().collect();
    scenario
}

fn of_data(name: &str, scenario: &mut Scenario) -> &'static [Trouble] {
    let named = Rule::ALL.into_iter().find(|rule| format!("{rule:?}") == name);
    let rule = named.unwrap_or_else(|| panic!("there is no rule {name}"));
    scenario.pause_ms = (100, 800);
    match rule {
        Rule::ReadUnderLease | Rule::WriteUnderLease => {
            (scenario.routers, scenario.lease_ms, scenario.late_ms) = (2, 500, 300);
            if rule == Rule::WriteUnderLease {
                scenario.replication_factor = 1;
            }
            &[Split, Pause, Cut]
        }
        Rule::AckBeforeCommit | Rule::AnswerAfterCommit => &[Split, Cut, Crash],
        Rule::PrimaryHides => {
            crowd(scenario);
            (scenario.pairs, scenario.pause_ms) = ((0.0, 0.9), (200, 1_000));
            &[Cut, CutOneWay, Crash]
        }
        Rule::Fencing => {
            // The deposed primary's last effects arrive before the next one of its successor: few writes to many keys, and cuts
            // that end just when the others have promised.
            (scenario.nodes, scenario.replication_factor, scenario.range_bits) = (4, 3, 6);
            (scenario.routers, scenario.clients, scenario.keys) = (2, 4, 80);
            (scenario.lease_ms, scenario.latency_ms, scenario.commit_ms) = (500, (3, 40), (1, 5));
            (scenario.pause_ms, scenario.lasts_ms) = ((1_000, 2_000), Some((600, 1_200)));
            (scenario.tags, scenario.clears) = (0, 0);
            &[Split]
        }
        Rule::KnownOperations => &[Break, Cut, Slow],
        Rule::OperationsTravel => {
            crowd(scenario);
            (scenario.increments, scenario.lease_ms) = (0.6, 500);
            scenario.pairs = (0.9, 0.0);
            &[CutOneWay, Cut, Crash, Leave, Weights]
        }
        Rule::RemovalsTravel => {
            scenario.tags = 8;
            &[Crash, Leave, Weights]
        }
        Rule::EvictionsTravel => {
            scenario.max_items = 4;
            &[Crash, Weights]
        }
        Rule::CompleteBeforeInSync => {
            (scenario.fill_rate, scenario.keys) = (300, 9);
            &[Crash, Drain, Join, Weights]
        }
        Rule::CompleteAcknowledges => {
            crowd(scenario);
            (scenario.commit_ms, scenario.lease_ms, scenario.replication_factor) = ((300, 900), 500, 2);
            (scenario.pairs, scenario.pause_ms) = ((0.0, 0.9), (50, 400));
            &[Crash, Weights, Slow, Join]
        }
        Rule::Promises => &[Crash, Cut, Slow, Weights, Drain],
        Rule::CopyHides => {
            copies(scenario);
            scenario.replication_factor = 3;
            &[Slow, CutOneWay, Pause, Cut]
        }
        Rule::Retire => {
            copies(scenario);
            &[Drain, Join, Weights, Slow, CutOneWay, Pause]
        }
        Rule::Incarnation => &[Crash],
        Rule::Silence | Rule::Barrier => {
            copies(scenario);
            scenario.clears = 8;
            &[Slow, CutOneWay, Pause]
        }
    }
}

/// Many clients on few keys.
fn crowd(scenario: &mut Scenario) {
    (scenario.routers, scenario.clients, scenario.keys, scenario.range_bits) = (2, 4, 3, 2);
}

/// The same, and much that a copy does not know yet when it is asked in the place of a primary.
fn copies(scenario: &mut Scenario) {
    crowd(scenario);
    (scenario.lease_ms, scenario.late_ms, scenario.pause_ms) = (2_000, 1_200, (50, 300));
    scenario.pairs = (0.7, 0.2);
}

fn without(rule: &str) -> Rules {
    let mut rules = Rules::default();
    let broken = match rule {
        "L1" => &mut rules.l1,
        "L2" => &mut rules.l2,
        "L3" => &mut rules.l3,
        "L4" => &mut rules.l4,
        "L5" => &mut rules.l5,
        "L6" => &mut rules.l6,
        _ => &mut rules.l7,
    };
    *broken = false;
    rules
}
