//! Many runs, each in a process of its own: what a process counts by itself (the numbers of tokio's tasks and seeds) begins anew
//! then, so that a run follows from its seed alone, whatever ran before it.

use std::{
    env,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
};

use crate::{broken, run, scenario::Scenario};

/// Names the run to a process, as `seed` or `seed:rule`.
const RUN: &str = "RINGHOLD_SIMULATED";
/// Before what a process has to say in the end.
const MARK: &str = "outcome of the run: ";

/// One run, as another process tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) seed: u64,
    /// The hash of the trace and the figures.
    pub(crate) figures: String,
    /// All it printed, if something was wrong.
    pub(crate) complaint: Option<String>,
}

/// What the test `one_run` does, if another process asked for it.
pub(crate) fn one_run() {
    let Ok(asked) = env::var(RUN) else { return };
    let mut parts = asked.split(':');
    let seed = parts.next().and_then(|seed| seed.parse().ok()).expect("a seed is a number");
    let scenario = match parts.next() {
        Some(rule) => broken::scenario(seed, rule),
        None => Scenario::of(seed),
    };
    let outcome = run::run(scenario, env::var("RINGHOLD_SEED").is_ok());
    for violation in &outcome.violations {
        println!("{violation}");
    }
    println!(
        "{MARK}{:016x} {} calls, {} losses, {} ms, healed in {} ms",
        outcome.trace_hash, outcome.events, outcome.losses, outcome.ended_ms, outcome.healing_ms
    );
    assert!(outcome.violations.is_empty(), "{} things were wrong", outcome.violations.len());
}

/// One run in a process of its own, with a rule broken or none.
pub(crate) fn report(seed: u64, rule: Option<&str>) -> Report {
    let asked = rule.map_or_else(|| seed.to_string(), |rule| format!("{seed}:{rule}"));
    let program = env::current_exe().expect("a test knows its program");
    let arguments = ["--exact", "one_run", "--ignored", "--nocapture"];
    let output = Command::new(program).args(arguments).env(RUN, asked).output().expect("the program can be started");
    let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
    let figures = said.lines().find_map(|line| line.strip_prefix(MARK)).unwrap_or("it ended early").to_owned();
    said.push_str(&String::from_utf8_lossy(&output.stderr));
    Report { seed, figures, complaint: (!output.status.success()).then_some(said) }
}

/// Runs all seeds, as many at a time as there are processors; ends early when `until` says so. Returns the reports in the order of
/// their end.
pub(crate) fn reports(
    seeds: std::ops::Range<u64>,
    rule: Option<&str>,
    until: impl Fn(&Report) -> bool + Sync,
) -> Vec<Report> {
    let (next, is_over, reports) = (AtomicU64::new(seeds.start), AtomicBool::new(false), Mutex::new(Vec::new()));
    let work = || {
        while !is_over.load(Relaxed) {
            let seed = next.fetch_add(1, Relaxed);
            if seed >= seeds.end {
                break;
            }
            let report = report(seed, rule);
            is_over.fetch_or(until(&report), Relaxed);
            reports.lock().expect("nobody panics with it").push(report);
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    reports.into_inner().expect("nobody panics with it")
}
