//! Crashes while the others go on.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    fleet::Fleet,
    harness::{client::Api, wait},
};

/// The promise is 3 seconds; machines that run tests may be slow and busy.
const ELECTION_MAX: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_loss_of_the_leader_stops_config_writes_briefly_and_fails_no_request() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    let leader = fleet.leader().await;
    let keys = fleet.keys_by_owner(5).await;
    // The first key of each node is this test's own: what the traffic reads back, nobody else writes.
    for keys in &keys {
        api.set(&keys[0], json!("kept")).await;
    }
    let traffic = Traffic::start(&api, keys.iter().flat_map(|keys| keys[1..].to_vec()).collect());

    fleet.kill(&[leader]);
    let killed = Instant::now();
    for keys in &keys {
        assert_eq!(api.value(&keys[0]).await, Some(json!("kept")), "a copy answers");
    }
    println!("all was read again {} ms after the leader was killed", killed.elapsed().as_millis());
    wait::until("a config write to be accepted", async || {
        (api.patch("/api/cache/config", &json!({"default_ttl": 101})).await.status == 200).then_some(())
    })
    .await;
    let paused = killed.elapsed();
    println!("config writes worked again {} ms after the leader was killed", paused.as_millis());
    assert!(paused < ELECTION_MAX, "{paused:?}");

    assert_eq!(api.set(&keys[leader][0], json!("kept")).await["ttl"], 101, "another node acts for it");
    wait::until("requests to be answered", async || (traffic.answered() > 20).then_some(())).await;
    let answered = traffic.stop().await;
    println!("{answered} requests were answered meanwhile, none failed");

    fleet.start_nodes(&[leader]);
    fleet.wait_healthy().await;
    for keys in &keys {
        assert_eq!(api.value(&keys[0]).await, Some(json!("kept")));
    }
    assert_eq!(fleet.errors(), [""; 0]);
}

/// Reads and writes of given keys, one after the other, that must all succeed.
struct Traffic {
    stop: CancellationToken,
    answered: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Traffic {
    fn start(api: &Api, keys: Vec<String>) -> Self {
        let (api, stop) = (api.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let answered = Arc::new(AtomicU64::new(0));
        let count = answered.clone();
        #[expect(clippy::disallowed_methods, reason = "stop() joins it, and the test's runtime ends it otherwise")]
        let task = tokio::spawn(async move {
            for n in 0_u64.. {
                let key = &keys[n as usize % keys.len()];
                api.set(key, n.into()).await;
                assert_eq!(api.value(key).await, Some(n.into()), "{key}");
                count.fetch_add(2, Relaxed);
                if stopped.is_cancelled() {
                    break;
                }
            }
        });
        Self { stop, answered, task }
    }

    fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// How many requests were answered.
    async fn stop(self) -> u64 {
        self.stop.cancel();
        self.task.await.expect("no request failed");
        self.answered.load(Relaxed)
    }
}

#[tokio::test]
async fn without_a_majority_nothing_is_ready_and_config_writes_end_in_bounded_time() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    fleet.kill(&[0, 2]);
    let killed = Instant::now();
    wait::until("the last node to say that it is not ready", async || {
        (fleet.ask_node(1, "/readyz").await?.status == 503).then_some(())
    })
    .await;
    println!("the last node was not ready {} ms after the majority was killed", killed.elapsed().as_millis());
    wait::until("the router to say that it is not ready", async || {
        (api.get("/readyz").await.status == 503).then_some(())
    })
    .await;
    println!("the router was not ready {} ms after the majority was killed", killed.elapsed().as_millis());
    assert!(killed.elapsed() < Duration::from_secs(15), "{:?}", killed.elapsed());

    let asked = Instant::now();
    let refused = api.patch("/api/cache/config", &json!({"default_ttl": 9})).await;
    assert!(matches!(refused.status, 503 | 504), "{} {}", refused.status, refused.text);
    assert!(refused.json()["outcome"].is_string(), "{}", refused.text);
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    assert_eq!(api.get("/livez").await.status, 200);
    assert_ne!(api.get("/health").await.ok()["status"], "healthy");

    fleet.start_nodes(&[0]);
    wait::until("config writes to work with two of three", async || {
        (api.patch("/api/cache/config", &json!({"default_ttl": 11})).await.status == 200).then_some(())
    })
    .await;
    fleet.start_nodes(&[2]);
    fleet.wait_healthy().await;
    assert_eq!(api.get("/api/cache/config").await.ok()["config"]["default_ttl"], 11);
    assert_eq!(fleet.errors(), [""; 0]);
}

#[tokio::test]
async fn a_configuration_that_was_acknowledged_survives_crashes_of_all_nodes_in_the_middle_of_writes() {
    let mut fleet = Fleet::start().await;
    let api = fleet.api();
    let mut ttl = 1_000;
    for round in 0..3 {
        let writer = Writer::start(&api, ttl + 1);
        wait::until("some writes to be acknowledged", async || (writer.acknowledged() > ttl + 5).then_some(())).await;
        fleet.kill(&[0, 1, 2]);
        ttl = writer.stop().await;
        fleet.start_nodes(&[round, (round + 1) % 3, (round + 2) % 3]);
        fleet.wait_healthy().await;
        let config = api.get("/api/cache/config").await.ok();
        let kept = config["config"]["default_ttl"].as_u64().expect("a number");
        assert!(kept >= ttl, "{ttl} was acknowledged, {kept} was kept");
        ttl = kept;
    }
    assert_eq!(fleet.errors(), [""; 0]);
}

/// Writes one `default_ttl` after the other until it is stopped.
struct Writer {
    acknowledged: Arc<AtomicU64>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Writer {
    fn start(api: &Api, first: u64) -> Self {
        let (api, stop, acknowledged) = (api.clone(), CancellationToken::new(), Arc::new(AtomicU64::new(first - 1)));
        let (stopped, counter) = (stop.clone(), acknowledged.clone());
        #[expect(clippy::disallowed_methods, reason = "stop() joins it, and the test's runtime ends it otherwise")]
        let task = tokio::spawn(async move {
            for ttl in first.. {
                let request = api.request(Method::PATCH, "/api/cache/config").json(&json!({"default_ttl": ttl}));
                tokio::select! {
                    answer = api.try_send(request) => {
                        if answer.is_ok_and(|answer| answer.status == 200) {
                            counter.store(ttl, Relaxed);
                        }
                    }
                    () = stopped.cancelled() => break,
                }
            }
        });
        Self { acknowledged, stop, task }
    }

    fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Relaxed)
    }

    /// The last one that was acknowledged.
    async fn stop(self) -> u64 {
        self.stop.cancel();
        self.task.await.expect("the writer does not panic");
        self.acknowledged.load(Relaxed)
    }
}

#[tokio::test]
async fn a_leader_that_only_stood_still_loses_no_item_and_holds_nobody_up() {
    let fleet = Fleet::start().await;
    let api = fleet.api();
    let leader = fleet.leader().await;
    let keys = fleet.keys_by_owner(3).await;
    for key in keys.iter().flatten() {
        api.set(key, json!("kept")).await;
    }
    fleet.process(leader).stall();

    let asked = Instant::now();
    for key in keys.iter().flatten() {
        assert_eq!(api.value(key).await, Some(json!("kept")), "a copy answers for the stalled node");
    }
    println!("all was read without the stalled node after {} ms", asked.elapsed().as_millis());
    let asked = Instant::now();
    wait::until("a config write without the stalled leader", async || {
        (api.patch("/api/cache/config", &json!({"default_ttl": 31})).await.status == 200).then_some(())
    })
    .await;
    println!("config writes worked without the stalled leader after {} ms more", asked.elapsed().as_millis());

    fleet.process(leader).signal(Signal::CONT);
    fleet.wait_ready(leader).await;
    fleet.wait_healthy().await;
    for key in keys.iter().flatten() {
        assert_eq!(api.value(key).await, Some(json!("kept")), "nobody died");
    }
    assert_eq!(api.set(&keys[leader][0], json!(2)).await["ttl"], 31, "it learned what was decided without it");
    assert_eq!(fleet.errors(), [""; 0]);
}
