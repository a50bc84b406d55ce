//! Clients that work on the same few keys at the same time and write down what they did.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Input, OPERATIONS_MAX, Operation, Output, Verdict, check};
use crate::harness::{
    http::{Connection, Reply, bare, json},
    oracle::book::member,
    wait,
};

/// Clients of one key.
const CLIENTS: usize = 4;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(8);

/// Clients at work, each on one key through one router.
#[derive(Debug)]
pub struct Clients {
    record: Arc<Record>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Record {
    /// Counts begins and ends.
    now: AtomicU64,
    by_key: Mutex<BTreeMap<String, Vec<Operation>>>,
}

impl Record {
    fn tick(&self) -> u64 {
        self.now.fetch_add(1, Ordering::SeqCst)
    }

    /// False when the key has as many operations as can be checked.
    fn add(&self, key: &str, operation: Operation) -> bool {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let history = by_key.entry(key.to_owned()).or_default();
        history.push(operation);
        history.len() + CLIENTS <= OPERATIONS_MAX
    }
}

impl Clients {
    /// Starts clients on these keys, which nobody else writes. Each pauses for `pause` between two operations, so that a
    /// history covers what it is to cover.
    pub fn start(routers: &[SocketAddr], keys: Vec<String>, pause: Duration) -> Self {
        let (record, stop) = (Arc::new(Record::default()), CancellationToken::new());
        let (routers, written, stopped) = (routers.to_vec(), Arc::clone(&record), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for (at, key) in keys.iter().enumerate() {
                    for client in 0..CLIENTS {
                        let number = at * CLIENTS + client;
                        let router = routers[client % routers.len()];
                        let client = Client { key: key.clone(), router, pause, number };
                        tasks.spawn(client.run(Arc::clone(&written), stopped.clone()));
                    }
                }
                while let Some(ended) = tasks.join_next().await {
                    ended.expect("a client does not panic");
                }
            });
        });
        Self { record, stop, thread: Some(thread) }
    }

    /// Waits until every history has at least so many operations.
    pub async fn operations(&self, least: usize) {
        wait::until("the clients to go on", async || {
            let by_key = self.record.by_key.lock().unwrap_or_else(PoisonError::into_inner);
            (!by_key.is_empty() && by_key.values().all(|history| history.len() >= least)).then_some(())
        })
        .await;
    }

    /// Stops them and checks every key. Prints how much was checked; fails the test unless all is linearizable.
    pub async fn stop_and_check(mut self) {
        self.stop.cancel();
        let thread = self.thread.take().expect("it was not stopped yet");
        wait::until("the clients to stop", async || thread.is_finished().then_some(())).await;
        thread.join().expect("no client panics");
        let by_key = self.record.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, unknown) = by_key
            .values()
            .flatten()
            .fold((0, 0), |(all, unknown), operation| (all + 1, unknown + usize::from(operation.output.is_none())));
        println!("  linearizability: {all} operations on {} keys, {unknown} of unknown outcome", by_key.len());
        for (key, history) in by_key.iter() {
            let verdict = check(history);
            assert_eq!(verdict, Verdict::Linearizable, "{key}: {history:#?}");
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic was shown already.
            let _ = thread.join();
        }
    }
}

struct Client {
    key: String,
    router: SocketAddr,
    pause: Duration,
    /// Unique; part of every value that it writes.
    number: usize,
}

impl Client {
    async fn run(self, record: Arc<Record>, stop: CancellationToken) {
        let mut random = StdRng::seed_from_u64(self.number as u64);
        let mut connection = None;
        for n in 1_i64.. {
            // Far apart, so that no sum of increments is another one's value.
            let value = (n * 1_000 + self.number as i64) * 1_000_000;
            let input = match random.random_range(0..10) {
                0..5 => Input::Get,
                5..7 => Input::Set(value),
                7 => Input::SetIfAbsent(value),
                8 => Input::Delete,
                _ => Input::Increment,
            };
            let begin = record.tick();
            let answer = self.ask(&mut connection, input).await;
            let end = record.tick();
            let goes_on = match answer {
                // Without effect: as if it had not been asked for.
                Answer::NotApplied => true,
                Answer::Unknown => record.add(&self.key, Operation { input, output: None, begin, end: u64::MAX }),
                Answer::Known(output) => record.add(&self.key, Operation { input, output: Some(output), begin, end }),
            };
            if !goes_on || stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(self.pause).await;
        }
    }

    async fn ask(&self, kept: &mut Option<Connection>, input: Input) -> Answer {
        let request = self.request(input);
        let called = async {
            let mut connection = match kept.take().filter(Connection::is_usable) {
                Some(connection) => connection,
                None => Connection::open(self.router).await.map_err(|_| Answer::NotApplied)?,
            };
            let reply = connection.call(&request).await.map_err(|_| Answer::Unknown)?;
            Ok((connection, reply))
        };
        match tokio::time::timeout(PATIENCE, called).await {
            Ok(Ok((connection, reply))) => {
                *kept = Some(connection);
                answer_in(input, &reply)
            }
            Ok(Err(answer)) => answer,
            Err(_) => Answer::Unknown,
        }
    }

    fn request(&self, input: Input) -> Vec<u8> {
        let key = &self.key;
        let set = |value, more| {
            json("POST", "/api/cache/set", &format!(r#"{{"key":"{key}","value":{value},"ttl":0{more}}}"#))
        };
        match input {
            Input::Get => bare("GET", &format!("/api/cache/get/{key}?consistency=strict")),
            Input::Set(value) => set(value, ""),
            Input::SetIfAbsent(value) => set(value, r#","if_absent":true"#),
            Input::Delete => bare("DELETE", &format!("/api/cache/delete/{key}")),
            Input::Increment => json("POST", &format!("/api/cache/incr/{key}"), r#"{"ttl":0}"#),
        }
    }
}

enum Answer {
    Known(Output),
    NotApplied,
    Unknown,
}

fn answer_in(input: Input, reply: &Reply) -> Answer {
    let text = reply.text();
    let number = || member(&text, "value").and_then(|value| value.parse().ok());
    let is_found = member(&text, "found") == Some("true");
    let output = match (reply.status, input) {
        (200, Input::Get) => Some(Output::Value(number().filter(|_| is_found))),
        (200, Input::Set(_)) => Some(Output::Stored),
        (200, Input::SetIfAbsent(_)) => Some(Output::Changed(true)),
        (409, Input::SetIfAbsent(_)) => Some(Output::Changed(false)),
        (200, Input::Delete) => Some(Output::Changed(is_found)),
        (200, Input::Increment) => number().map(Output::Sum),
        _ => None,
    };
    match output {
        Some(output) => Answer::Known(output),
        None if member(&text, "outcome") == Some("not_applied") => Answer::NotApplied,
        None => Answer::Unknown,
    }
}
