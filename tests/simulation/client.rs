//! Clients: each asks one thing after the other, and never the same twice.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_model::{NamespaceId, wire::Condition};
use ringhold_router::simulated::{Answer, Client as Router};
use ringhold_rpc::Deadline;
use tokio::time::sleep;

use crate::{
    chance::now_ms,
    history::{Call, Event, History},
    trace::Trace,
};

/// Tags: a key's records all carry the same one.
pub(crate) const TAGS: usize = 2;
/// Keys of one page of a listing: fewer than there are, so that listings have several.
const PAGE: usize = 3;

/// What all clients share.
#[derive(Clone)]
pub(crate) struct Work {
    pub(crate) items: NamespaceId,
    /// Not cleared, so that counters can be followed.
    pub(crate) counters: NamespaceId,
    pub(crate) keys: usize,
    /// The last ones of the keys.
    pub(crate) counter_keys: usize,
    pub(crate) history: History,
    pub(crate) trace: Trace,
    pub(crate) values: Arc<AtomicU64>,
    pub(crate) is_over: Arc<AtomicBool>,
    /// Clients that have not ended yet.
    pub(crate) running: Arc<AtomicU64>,
    pub(crate) increments: f64,
    /// Of a hundred calls.
    pub(crate) clears: u32,
    pub(crate) tags: u32,
}

impl Work {
    pub(crate) fn is_counter(&self, key: usize) -> bool {
        key >= self.keys
    }

    pub(crate) fn namespace(&self, key: usize) -> NamespaceId {
        if self.is_counter(key) { self.counters } else { self.items }
    }
}

pub(crate) fn name(key: usize) -> String {
    format!("key-{key}")
}

pub(crate) fn tag_of(key: usize) -> usize {
    key % TAGS
}

/// One client, until the work is over.
pub(crate) async fn run(router: Arc<Router>, work: Work, id: usize, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    while router.state().applied == 0 && !work.is_over.load(Relaxed) {
        sleep(Duration::from_millis(10)).await;
    }
    while !work.is_over.load(Relaxed) {
        sleep(Duration::from_millis(random.random_range(1..80))).await;
        let (key, call) = choose(&work, &mut random);
        let deadline = Duration::from_millis(random.random_range(300..4_000));
        ask(&router, &work, id, (key, call), deadline).await;
    }
    work.running.fetch_sub(1, Relaxed);
}

fn choose(work: &Work, random: &mut StdRng) -> (Option<usize>, Call) {
    let value = || work.values.fetch_add(1, Relaxed);
    if random.random_bool(work.increments) {
        let key = work.keys + random.random_range(0..work.counter_keys);
        let call =
            if random.random_bool(0.8) { Call::Increment } else { Call::Get { is_strict: random.random_bool(0.5) } };
        return (Some(key), call);
    }
    let key = Some(random.random_range(0..work.keys));
    let (clears_end, tags_end) = (work.clears, work.clears + work.tags);
    match random.random_range(0..100 + tags_end) {
        at if at < clears_end => (None, Call::Clear),
        at if at < tags_end => (None, Call::RemoveByTag { tag: random.random_range(0..TAGS) }),
        at => key_call(at - tags_end, key, random, value),
    }
}

fn key_call(at: u32, key: Option<usize>, random: &mut StdRng, value: impl Fn() -> u64) -> (Option<usize>, Call) {
    match at {
        0..45 => (key, Call::Get { is_strict: random.random_bool(0.3) }),
        45..75 => (key, Call::Set { value: value(), if_absent: false }),
        75..82 => (key, Call::Set { value: value(), if_absent: true }),
        82..95 => (key, Call::Delete),
        95..98 => (None, Call::Keys),
        _ => (key, Call::Get { is_strict: true }),
    }
}

/// Asks once and writes down what came of it.
pub(crate) async fn ask(
    router: &Router,
    work: &Work,
    client: usize,
    (key, call): (Option<usize>, Call),
    patience: Duration,
) -> Answer {
    let began_ms = now_ms();
    let deadline = Deadline::after(patience);
    let (of, text) = (key.map_or(work.items, |key| work.namespace(key)), name(key.unwrap_or_default()));
    work.trace.note(began_ms, "asks", &(client, key, &call));
    let answer = match &call {
        Call::Get { is_strict } => router.get(of, &text, *is_strict, deadline).await,
        Call::Set { value, if_absent } => {
            let when = if *if_absent { vec![Condition::Absent] } else { Vec::new() };
            let tag = format!("tag-{}", tag_of(key.unwrap_or_default()));
            router.set(of, (&text, value.to_string().as_bytes(), &[&tag]), when, deadline).await
        }
        Call::Delete => router.delete(of, &text, deadline).await,
        Call::Increment => router.increment(of, &text, 1, deadline).await,
        Call::RemoveByTag { tag } => router.remove_by_tag(of, &[&format!("tag-{tag}")], deadline).await,
        Call::Clear => router.clear(of, deadline).await,
        Call::Keys => router.keys(of, PAGE, deadline).await,
    };
    let ended_ms = now_ms();
    work.trace.tell(ended_ms, "client", &(client, key, &call, &answer, began_ms));
    work.history.add(Event { client, key, call, answer: answer.clone(), began_ms, ended_ms });
    answer
}
