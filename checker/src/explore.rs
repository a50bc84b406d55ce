//! Breadth-first over all states: the first violation found has a shortest trace.

use std::{
    collections::{BTreeSet, HashMap},
    mem::{self, Discriminant},
    time::{Duration, Instant},
};

use crate::{
    fingerprint::{BuildPlain, Fingerprint},
    model::{Model, Scenario, Search},
    mutation::Mutation,
    state::State,
    step::{Step, Violation},
    steps::{Outcome, successors},
    trace::Trace,
};

/// What exploring came to.
#[derive(Clone, Debug)]
pub struct Exploration {
    /// How many different states were seen.
    pub states: usize,
    /// The most steps that a state is away from the start; with a violation, the length of its trace.
    pub depth: usize,
    /// The kinds of steps that were taken.
    pub steps: BTreeSet<String>,
    /// How long it took.
    pub took: Duration,
    /// Whether the protocol held.
    pub verdict: Verdict,
}

/// Whether the protocol held.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Every state was visited.
    Holds,
    /// A step broke a promise.
    Violated {
        /// Which promise.
        violation: Violation,
        /// How it came to that.
        trace: Trace,
    },
    /// The limit of states was reached, and nothing broken up to there.
    Unfinished,
}

impl Exploration {
    /// Whether every state was visited and none breaks a promise.
    pub fn holds(&self) -> bool {
        matches!(self.verdict, Verdict::Holds)
    }

    /// Whether a step broke a promise.
    pub fn is_violated(&self) -> bool {
        matches!(self.verdict, Verdict::Violated { .. })
    }
}

/// Visits every state of the scenario, with one rule broken or none, until a promise breaks or `states_max` is reached.
pub fn explore(scenario: &Scenario, broken: Option<Mutation>, search: Search, states_max: usize) -> Exploration {
    let started = Instant::now();
    let model = Model::new(scenario, broken, search);
    let mut search = Frontier::new(State::initial(scenario));
    let verdict = search.run(&model, states_max);
    let Frontier { parents, depth, taken, .. } = search;
    let steps = taken.into_values().collect();
    Exploration { states: parents.len(), depth, steps, took: started.elapsed(), verdict }
}

/// The states of one depth, and how every state was first reached.
struct Frontier {
    initial: State,
    level: Vec<(Fingerprint, State)>,
    /// Per state the one before it, itself for the first; the steps between are found again when a trace is asked for.
    parents: HashMap<Fingerprint, Fingerprint, BuildPlain>,
    depth: usize,
    taken: HashMap<Discriminant<Step>, String>,
}

impl Frontier {
    fn new(initial: State) -> Self {
        let start = Fingerprint::of(&initial);
        let parents = HashMap::from_iter([(start, start)]);
        Self { level: vec![(start, initial.clone())], initial, parents, depth: 0, taken: HashMap::new() }
    }

    fn run(&mut self, model: &Model, states_max: usize) -> Verdict {
        let mut found = Vec::new();
        while !self.level.is_empty() {
            for (from, state) in mem::take(&mut self.level) {
                successors(&state, model, &mut found);
                for (step, outcome) in found.drain(..) {
                    self.taken.entry(mem::discriminant(&step)).or_insert_with(|| step.kind());
                    if let Some(violation) = self.enter(from, outcome) {
                        self.depth += 1;
                        let trace = self.trace(model, from, step);
                        return Verdict::Violated { violation, trace };
                    }
                }
                if self.parents.len() > states_max {
                    return Verdict::Unfinished;
                }
            }
            self.depth += usize::from(!self.level.is_empty());
        }
        Verdict::Holds
    }

    fn enter(&mut self, from: Fingerprint, outcome: Outcome) -> Option<Violation> {
        match outcome {
            Ok(next) => {
                let fingerprint = Fingerprint::of(&next);
                self.parents.entry(fingerprint).or_insert_with(|| {
                    self.level.push((fingerprint, next));
                    from
                });
                None
            }
            Err(violation) => Some(violation),
        }
    }

    /// Goes back to the start, and forward again to find the steps.
    fn trace(&self, model: &Model, last: Fingerprint, last_step: Step) -> Trace {
        let mut path = vec![last];
        let mut at = last;
        while self.parents[&at] != at {
            at = self.parents[&at];
            path.push(at);
        }
        let mut trace = Trace::starting_at(&self.initial);
        let mut state = self.initial.clone();
        for wanted in path.into_iter().rev().skip(1) {
            let mut found = Vec::new();
            successors(&state, model, &mut found);
            let taken = found.into_iter().find_map(|(step, outcome)| match outcome {
                Ok(next) if Fingerprint::of(&next) == wanted => Some((step, next)),
                _ => None,
            });
            let (step, next) = taken.expect("the state was reached from the one before it");
            trace.push(step, &state, &next);
            state = next;
        }
        trace.end_with(last_step);
        trace
    }
}
