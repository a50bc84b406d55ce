//! The model, with every rule in force and with each broken. The tables are printed past the harness.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    thread,
};

use ringhold_checker::{
    explore::{Exploration, Verdict},
    mutation::Mutation,
    report::{self, Job},
    scenario,
};

/// More than any scenario of moderate size has.
const STATES_MAX: usize = 2_000_000;

/// Every step but those that only a broken protocol takes, or a search that leaves reads to chance.
const STEPS: [&str; 31] = [
    "AddPending",
    "AddToAckSet",
    "AnswerClear",
    "Apply",
    "AskToRetire",
    "BeginAnew",
    "CancelPending",
    "ChangeLeader",
    "CommitRemoval",
    "CommitReset",
    "Crash",
    "Deliver",
    "DeliverTwice",
    "EndLease",
    "HandOver",
    "Invalidate",
    "LeaderEntryIsVoid",
    "Operate",
    "ProposeRemoval",
    "ProposeReset",
    "RaiseGeneration",
    "RenewLease",
    "RestartLeader",
    "Retry",
    "SendChunk",
    "SendLate",
    "SilenceCopies",
    "StartNode",
    "StopCopy",
    "SweepKey",
    "Tell",
];

/// Explores on all processors and prints the table past the test harness, which would keep it to itself.
fn run(jobs: &[Job]) -> Vec<(Job, Exploration)> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let results = report::run(jobs, threads, STATES_MAX, |_, _| ());
    let rows: String = results.iter().map(|(job, exploration)| job.row(exploration) + "\n").collect();
    let table = format!("\n{}\n{rows}", report::head());
    io::stdout().lock().write_all(table.as_bytes()).expect("the harness has a standard output");
    results
}

fn assert_satisfied(results: &[(Job, Exploration)]) {
    for (job, exploration) in results {
        assert!(job.is_satisfied_by(exploration), "{}\n{:?}", job.row(exploration), exploration.verdict);
    }
}

#[test]
fn the_protocol_holds_in_every_state_of_the_moderate_scenarios_and_takes_every_step() {
    let results = run(&scenario::moderate().map(Job::of).collect::<Vec<_>>());
    assert_satisfied(&results);
    let taken: BTreeSet<&str> =
        results.iter().flat_map(|(_, result)| result.steps.iter().map(String::as_str)).collect();
    assert_eq!(taken, BTreeSet::from(STEPS));
}

#[test]
fn every_broken_rule_is_caught_and_the_documentation_says_how_soon() {
    let jobs: Vec<_> = Mutation::CAUGHT.iter().copied().map(Job::breaking).collect();
    for job in &jobs {
        assert!(!job.scenario.is_large(), "{:?} is shown by a scenario that the tests explore without it", job.broken);
    }
    let results = run(&jobs);
    assert_satisfied(&results);
    let documented = include_str!("../../docs/correctness.md");
    for row in report::markdown(&results).lines() {
        assert!(documented.contains(row), "docs/correctness.md lacks this row of `ringhold-checker markdown`:\n{row}");
    }
}

#[test]
fn what_the_documentation_calls_harmless_is() {
    let jobs: Vec<_> = Mutation::HARMLESS.iter().copied().map(Job::breaking).collect();
    assert_satisfied(&run(&jobs));
    let documented = include_str!("../../docs/correctness.md");
    for mutation in Mutation::HARMLESS {
        assert!(documented.contains(&format!("`{mutation:?}`")), "docs/correctness.md does not name {mutation:?}");
    }
}

#[test]
fn leaving_out_what_makes_no_difference_changes_no_verdict() {
    for job in scenario::moderate().map(Job::of).filter(|job| job.explore(20_000).holds()) {
        let plain = job.plain().explore(STATES_MAX);
        assert!(plain.holds(), "{}: {:?}", job.scenario.name, plain.verdict);
    }
    for job in Mutation::CAUGHT.iter().copied().map(Job::breaking) {
        let plain = job.plain().explore(STATES_MAX);
        assert!(plain.is_violated(), "{:?}: {:?}", job.broken, plain.verdict);
        // A read of its own is a step of its own.
        assert!(plain.depth >= job.explore(STATES_MAX).depth, "{:?}", job.broken);
    }
}

#[test]
fn a_counterexample_is_a_list_of_sentences() {
    let trace = match Job::breaking(Mutation::RenewsWhileRemoving).explore(STATES_MAX).verdict {
        Verdict::Violated { violation, trace } => format!("{trace}{violation}"),
        other => panic!("not caught: {other:?}"),
    };
    for sentence in
        ["the leader proposes NodeDown(node", "is granted a lease", "raft: NodeDown(node", "stale read: node"]
    {
        assert!(trace.contains(sentence), "{sentence:?} is missing in\n{trace}");
    }
}
