//! One run: begin, trouble, healing, rest, judgement.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use parking_lot::Mutex;
use ringhold_router::simulated::{Answer, Client as Router};
use ringhold_rpc::Deadline;

use crate::{
    chance::{now_ms, simulate_this_thread},
    client::{self, Work},
    director::Director,
    history::Call,
    invariants,
    rest::unrest,
    scenario::Scenario,
    trace::Trace,
    world::World,
};

/// A cluster that was just switched on is at rest after so long.
const BEGIN_MAX_MS: u64 = 20_000;
/// And one that was healed. Longer than anyone waits for anything.
const HEAL_MAX_MS: u64 = 60_000;
/// The longest that a client waits for an answer, and a little.
const ANSWERS_MAX_MS: u64 = 10_000;
/// Who writes and reads at the end.
const LAST_CLIENT: usize = 1_000;
/// A write at rest takes no longer.
const LAST_PATIENCE: Duration = Duration::from_secs(5);

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) trace_hash: u64,
    pub(crate) violations: Vec<String>,
    pub(crate) events: usize,
    pub(crate) losses: usize,
    pub(crate) ended_ms: u64,
    /// From healing to rest.
    pub(crate) healing_ms: u64,
}

/// Runs it on a thread of its own, in its own time.
pub(crate) fn run(scenario: Scenario, is_shown: bool) -> Outcome {
    let run = move || {
        simulate_this_thread(scenario.seed);
        let trace = Trace::new(is_shown);
        Run { world: World::new(scenario, trace.clone()), outcome: Outcome::default() }.finish(&trace)
    };
    let thread = std::thread::Builder::new().name("simulation".to_owned()).spawn(run).expect("a thread can be made");
    thread
        .join()
        .unwrap_or_else(|_| Outcome { violations: vec!["something panicked".to_owned()], ..Outcome::default() })
}

struct Run {
    world: World,
    outcome: Outcome,
}

impl Run {
    fn finish(mut self, trace: &Trace) -> Outcome {
        self.play();
        self.outcome.violations.extend(self.world.violations().iter().cloned());
        self.outcome.violations.extend(invariants::judge(&self.world));
        self.outcome.events = self.world.work.history.len();
        self.outcome.losses = self.world.losses.count();
        self.outcome.ended_ms = now_ms();
        self.outcome.trace_hash = trace.hash();
        self.outcome
    }

    fn play(&mut self) {
        if !self.rests_within("the beginning", BEGIN_MAX_MS, false) {
            return;
        }
        let mut director = Director::new(&self.world.scenario);
        let until_ms = now_ms() + self.world.scenario.chaos_ms;
        while now_ms() < until_ms && self.world.violations().is_empty() {
            director.act(&mut self.world);
            self.world.step();
        }
        director.heal(&mut self.world);
        let healed_ms = now_ms();
        if !self.rests_within("healing", HEAL_MAX_MS, false) {
            return;
        }
        self.outcome.healing_ms = now_ms() - healed_ms;
        self.world.work.is_over.store(true, Relaxed);
        let work = self.world.work.clone();
        if !self.step_until(ANSWERS_MAX_MS, |_| work.running.load(Relaxed) == 0) {
            self.outcome.violations.push("a client was not answered within its deadline".to_owned());
        }
        // The last answers may have changed something.
        if self.rests_within("the end", HEAL_MAX_MS, true) {
            self.last_words();
        }
    }

    fn step_until(&mut self, within_ms: u64, mut is_so: impl FnMut(&World) -> bool) -> bool {
        let until_ms = now_ms() + within_ms;
        while now_ms() < until_ms && self.world.violations().is_empty() {
            if is_so(&self.world) {
                return true;
            }
            self.world.step();
        }
        false
    }

    fn rests_within(&mut self, after: &str, within_ms: u64, are_equal: bool) -> bool {
        let rests =
            self.step_until(within_ms, |world| now_ms().is_multiple_of(20) && unrest(world, are_equal).is_empty());
        if !rests && self.world.violations().is_empty() {
            let why = unrest(&self.world, are_equal);
            self.outcome.violations.push(format!("no rest within {within_ms} ms after {after}: {why:#?}"));
        }
        rests
    }

    /// Reads everything, compares listings and figures, writes everything, reads it again: through every router.
    fn last_words(&mut self) {
        let complaints: Arc<Mutex<Option<Vec<String>>>> = Arc::default();
        for at in 0..self.world.routers.len() {
            let (router, work) = (Arc::clone(&self.world.routers[at].client), self.world.work.clone());
            let told = Arc::clone(&complaints);
            *told.lock() = None;
            let host = self.world.routers[at].host;
            self.world.hosts.spawn(host, async move {
                let found = read_and_write(&router, &work).await;
                *told.lock() = Some(found);
            });
            let answered = self.step_until(ANSWERS_MAX_MS * 10, |_| complaints.lock().is_some());
            match complaints.lock().take() {
                Some(found) if answered => self.outcome.violations.extend(found),
                _ if self.world.violations().is_empty() => {
                    self.outcome.violations.push("the last calls were not answered".to_owned());
                }
                _ => {}
            }
        }
    }
}

async fn read_and_write(router: &Router, work: &Work) -> Vec<String> {
    let mut found = Vec::new();
    let all = work.keys + work.counter_keys;
    let mut expect = |answer: Answer, what: &str| {
        if matches!(answer, Answer::Refused(_) | Answer::Unknown(_)) {
            found.push(format!("at rest: {what} was answered with {answer:?}"));
        }
    };
    let mut held = 0;
    for key in 0..all {
        let read = (Some(key), Call::Get { is_strict: true });
        let answer = client::ask(router, work, LAST_CLIENT, read, LAST_PATIENCE).await;
        held += u64::from(!work.is_counter(key) && matches!(answer, Answer::Hit(..)));
        expect(answer, "a read");
    }
    let listed = client::ask(router, work, LAST_CLIENT, (None, Call::Keys), LAST_PATIENCE).await;
    let counted = if let Answer::Keys(keys) = &listed { keys.len() as u64 } else { u64::MAX };
    expect(listed, "a listing");
    let items = router.items(work.items, Deadline::after(LAST_PATIENCE)).await;
    for key in 0..all {
        expect(write_at_last(router, work, key).await, "a write");
    }
    for key in 0..all {
        let read = (Some(key), Call::Get { is_strict: false });
        expect(client::ask(router, work, LAST_CLIENT, read, LAST_PATIENCE).await, "a read");
    }
    if items != Some(held) || counted != held {
        found.push(format!("at rest: {held} keys can be read, {counted} are listed, the figures say {items:?}"));
    }
    found
}

/// A full node whose records others order the end of has to ask them for room, and says so meanwhile. Each attempt has a value of
/// its own: one that was refused must never be seen.
async fn write_at_last(router: &Router, work: &Work, key: usize) -> Answer {
    let deadline = Deadline::after(LAST_PATIENCE);
    loop {
        let call = match work.is_counter(key) {
            true => Call::Increment,
            false => Call::Set { value: work.values.fetch_add(1, Relaxed), if_absent: false },
        };
        let answer = client::ask(router, work, LAST_CLIENT, (Some(key), call), LAST_PATIENCE).await;
        let is_full = matches!(&answer, Answer::Refused(why) if why == "Overloaded");
        if !is_full || deadline.has_passed() {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
