//! Runs the model: `cargo run --release -p ringhold-checker -- all`.

use std::{process::ExitCode, thread, time::Instant};

use ringhold_checker::{
    explore::Verdict,
    mutation::Mutation,
    report::{self, Job},
    scenario,
};

/// More states than any scenario has; a workstation has the memory for no more.
const STATES_MAX: usize = 100_000_000;

const USAGE: &str = "usage: ringhold-checker COMMAND
  all               every scenario and every mutation, as a table
  scenarios         the correct protocol in all scenarios
  plain             the scenarios of moderate size with nothing left out, however little it matters
  scenario NAME     the correct protocol in one scenario
  mutations         every mutation in the scenario that shows it
  harmless          every change that breaks nothing, in a scenario that would show it
  trace MUTATION    the counterexample, step by step
  matrix MUTATION   the mutation in every scenario of moderate size
  markdown          the table of docs/correctness.md";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let scenarios = || scenario::ALL.iter().map(Job::of);
    let mutations = || Mutation::CAUGHT.iter().copied().map(Job::breaking);
    let harmless = || Mutation::HARMLESS.iter().copied().map(Job::breaking);
    match arguments[..] {
        ["all"] => table(&largest_first(mutations().chain(harmless()).chain(scenarios()).collect())),
        ["harmless"] => table(&harmless().collect::<Vec<_>>()),
        ["plain"] => table(&scenario::moderate().map(|scenario| Job::of(scenario).plain()).collect::<Vec<_>>()),
        ["scenarios"] => table(&largest_first(scenarios().collect())),
        ["mutations"] => table(&mutations().collect::<Vec<_>>()),
        ["trace", name] => Mutation::named(name).map_or_else(usage, |mutation| show(Job::breaking(mutation))),
        ["scenario", name] => scenario::named(name).map_or_else(usage, |scenario| show(Job::of(scenario))),
        ["matrix", name] => Mutation::named(name).map_or_else(usage, matrix),
        ["markdown"] => {
            let jobs: Vec<_> = mutations().collect();
            print!("{}", report::markdown(&report::run(&jobs, threads(), STATES_MAX, |_, _| ())));
            ExitCode::SUCCESS
        }
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// So that no thread is left alone with a large one at the end.
fn largest_first(mut jobs: Vec<Job>) -> Vec<Job> {
    jobs.sort_by_key(|job| std::cmp::Reverse(job.broken.is_none() && job.scenario.is_large()));
    jobs
}

fn table(jobs: &[Job]) -> ExitCode {
    let started = Instant::now();
    println!("{}", report::head());
    let results = report::run(jobs, threads(), STATES_MAX, |job, result| println!("{}", job.row(result)));
    let good = |correct: bool| {
        let holds = |job: &Job| job.broken.is_none_or(Mutation::is_harmless);
        let all: Vec<_> = results.iter().filter(|(job, _)| holds(job) == correct).collect();
        (all.iter().filter(|(job, result)| job.is_satisfied_by(result)).count(), all.len())
    };
    let ((held, scenarios), (caught, mutations)) = (good(true), good(false));
    let states: usize = results.iter().map(|(_, result)| result.states).sum();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{held} of {scenarios} scenarios hold, {caught} of {mutations} mutations are caught; {states} states in {seconds:.0} s"
    );
    if held == scenarios && caught == mutations { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn show(job: Job) -> ExitCode {
    let result = job.explore(STATES_MAX);
    if let Some(mutation) = job.broken {
        println!("{} {mutation:?}: {}", mutation.rule(), mutation.wrong());
    }
    if let Verdict::Violated { violation, trace } = &result.verdict {
        print!("{trace}");
        println!("    {violation}");
    }
    println!("{}\n{}", report::head(), job.row(&result));
    if job.is_satisfied_by(&result) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn matrix(mutation: Mutation) -> ExitCode {
    for job in scenario::moderate().map(|scenario| Job { broken: Some(mutation), ..Job::of(scenario) }) {
        println!("{}", job.row(&job.explore(STATES_MAX)));
    }
    ExitCode::SUCCESS
}
