//! Clients that go on while something happens.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{client::Api, wait};

/// Clients that never cease to write and read, each its own keys, and count what goes wrong.
pub(super) struct Traffic {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: JoinSet<Vec<String>>,
}

impl Traffic {
    pub(super) fn start(api: &Api) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for client in 0..4 {
            tasks.spawn(keep_going(api.clone(), client, stop.clone(), done.clone()));
        }
        Self { stop, done, tasks }
    }

    /// Waits until some more requests were answered.
    pub(super) async fn go_on(&self, more: usize) {
        let wanted = self.done.load(Relaxed) + more;
        wait::until("traffic", async || (self.done.load(Relaxed) >= wanted).then_some(())).await;
    }

    /// Ends it; what went wrong.
    pub(super) async fn end(mut self) -> Vec<String> {
        self.stop.store(true, Relaxed);
        let mut faults = Vec::new();
        while let Some(ended) = self.tasks.join_next().await {
            faults.extend(ended.expect("a client ends by itself"));
        }
        faults
    }
}

async fn keep_going(api: Api, client: usize, stop: Arc<AtomicBool>, done: Arc<AtomicUsize>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut n = 0;
    while !stop.load(Relaxed) {
        let key = format!("traffic-{client}-{}", n % 50);
        let answer = api.post("/api/cache/set", &json!({"key": key, "value": n})).await;
        if answer.status != 200 {
            faults.push(format!("set {key}: {} {}", answer.status, answer.text));
        }
        let answer = api.get(&format!("/api/cache/get/{key}")).await;
        if answer.status != 200 {
            faults.push(format!("get {key}: {} {}", answer.status, answer.text));
        } else if faults.is_empty() && answer.json()["cache_item"]["value"] != n {
            faults.push(format!("get {key} after {n}: {}", answer.text));
        }
        n += 1;
        done.fetch_add(1, Relaxed);
    }
    faults
}
