//! Many explorations at once, and their results as tables.

use std::{fmt::Write as _, sync::Mutex, thread};

use crate::{
    explore::{Exploration, Verdict, explore},
    model::{Scenario, Search},
    mutation::Mutation,
};

/// One exploration to do.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// What is explored.
    pub scenario: &'static Scenario,
    /// Which rule is broken.
    pub broken: Option<Mutation>,
    /// What is left out.
    pub search: Search,
}

impl Job {
    /// The mutation in the scenario that shows it.
    pub fn breaking(mutation: Mutation) -> Self {
        Self { scenario: mutation.scenario(), broken: Some(mutation), search: Search::Reduced }
    }

    /// The correct protocol in that scenario.
    pub fn of(scenario: &'static Scenario) -> Self {
        Self { scenario, broken: None, search: Search::Reduced }
    }

    /// The same, with nothing left out.
    pub fn plain(self) -> Self {
        Self { search: Search::Plain, ..self }
    }

    /// Does it.
    pub fn explore(self, states_max: usize) -> Exploration {
        explore(self.scenario, self.broken, self.search, states_max)
    }

    /// Whether it came out as it should: broken protocols are caught, the correct one and harmless changes of it hold to the
    /// last state.
    pub fn is_satisfied_by(self, exploration: &Exploration) -> bool {
        let must_break = self.broken.is_some_and(|mutation| !mutation.is_harmless());
        if must_break { exploration.is_violated() } else { exploration.holds() }
    }

    /// The job and its result in a line.
    pub fn row(self, exploration: &Exploration) -> String {
        let Exploration { states, depth, took, verdict, .. } = exploration;
        let verdict = match verdict {
            Verdict::Holds => "holds".to_owned(),
            Verdict::Unfinished => "NOT FINISHED".to_owned(),
            Verdict::Violated { violation, .. } => violation.to_string(),
        };
        let surprise = if self.is_satisfied_by(exploration) { "" } else { "  <- NOT AS EXPECTED" };
        let broken = self.broken.map_or("-".to_owned(), |mutation| format!("{} {mutation:?}", mutation.rule()));
        let (scenario, seconds) = (self.scenario.name, took.as_secs_f64());
        format!("{broken:36} {scenario:32} {states:>9} {depth:>5} {seconds:>8.2}  {verdict}{surprise}")
    }
}

/// The head of a table of [`Job::row`]s.
pub fn head() -> String {
    let (broken, scenario, states, depth, seconds) = ("rule and mutation", "scenario", "states", "depth", "seconds");
    format!("{broken:36} {scenario:32} {states:>9} {depth:>5} {seconds:>8}  verdict")
}

/// Does all jobs on that many threads, the first first; `done` hears of each as it ends.
pub fn run(
    jobs: &[Job],
    threads: usize,
    states_max: usize,
    done: impl Fn(Job, &Exploration) + Sync,
) -> Vec<(Job, Exploration)> {
    let next = Mutex::new(jobs.iter());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(job) = next.lock().expect("no worker panics with the lock").next() else { break };
                    let exploration = job.explore(states_max);
                    done(*job, &exploration);
                    results.lock().expect("no worker panics with the lock").push((*job, exploration));
                }
            });
        }
    });
    results.into_inner().expect("no worker panicked")
}

/// The table of `docs/correctness.md`: every rule, what goes wrong without it, and how soon.
pub fn markdown(results: &[(Job, Exploration)]) -> String {
    let mut table = String::from(
        "| rule | mutation | done wrong | scenario | depth | what goes wrong |\n|---|---|---|---|--:|---|\n",
    );
    for mutation in Mutation::CAUGHT {
        let found = results.iter().find(|(job, _)| job.broken == Some(*mutation));
        let Some((_, Exploration { depth, verdict: Verdict::Violated { violation, .. }, .. })) = found else {
            continue;
        };
        let (rule, wrong, scenario) = (mutation.rule(), mutation.wrong(), mutation.scenario().name);
        let kind = violation.kind();
        writeln!(table, "| {rule} | `{mutation:?}` | {wrong} | {scenario} | {depth} | {kind} |")
            .expect("strings take all");
    }
    table
}
