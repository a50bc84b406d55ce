//! Strategies, chosen for the cache and for single items, and changed while the cache is full.

use serde_json::{Value, json};

use crate::{
    harness::client::Api,
    small::{keys, small},
};

async fn configure(api: &Api, strategy: &str) {
    api.patch("/api/cache/config", &json!({"strategy": strategy})).await.ok();
}

async fn set_with(api: &Api, key: &str, more: Value) -> Value {
    let mut body = json!({"key": key, "value": 1});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    api.post("/api/cache/set", &body).await.ok()
}

#[tokio::test]
async fn the_strategy_of_a_full_cache_can_be_changed_and_every_item_stays() {
    let (_cluster, api) = small(6).await;
    let ttls = [500, 100, 400, 300, 600, 200];
    for (n, ttl) in ttls.into_iter().enumerate() {
        set_with(&api, &format!("k{n}"), json!({"ttl": ttl})).await;
    }
    // k0 is the oldest, k3 the least recently used, k4 the least often used, k1 expires soonest.
    for key in ["k3", "k3", "k0", "k0", "k0", "k1", "k1", "k2", "k2", "k5", "k5", "k4"] {
        api.value(key).await;
    }
    let all = ["k0", "k1", "k2", "k3", "k4", "k5"];
    for strategy in ["ttl", "sieve", "fifo", "w_tinylfu", "lfu", "s3fifo", "lru", "fifo", "ttl", "lfu"] {
        configure(&api, strategy).await;
        assert_eq!(keys(&api).await, all, "{strategy}");
        assert_eq!(api.get("/api/cache/get/k0").await.ok()["cache_item"]["strategy"], strategy);
    }
    // Of all that were read, k4 was so least often; what is new was used once, and so goes next.
    api.set("new0", json!(1)).await;
    assert_eq!(keys(&api).await, ["k0", "k1", "k2", "k3", "k5", "new0"]);
    configure(&api, "ttl").await;
    api.set("new1", json!(1)).await;
    assert_eq!(keys(&api).await, ["k0", "k2", "k3", "k5", "new0", "new1"]);
    // Between shards the places of what was there before stay what they were; all of it is older than what is new.
    configure(&api, "fifo").await;
    for n in 2..6 {
        api.set(&format!("new{n}"), json!(1)).await;
        api.value("k2").await;
    }
    assert_eq!(keys(&api).await, ["new0", "new1", "new2", "new3", "new4", "new5"]);
    configure(&api, "lru").await;
    api.value("new0").await;
    api.set("new6", json!(1)).await;
    assert_eq!(keys(&api).await, ["new0", "new2", "new3", "new4", "new5", "new6"]);
    let stats = api.get("/api/cache/stats").await.ok();
    assert_eq!(stats["raw_stats"]["evictions"].as_u64(), Some(7));
}

#[tokio::test]
async fn an_item_competes_with_those_of_its_own_strategy() {
    let (_cluster, api) = small(6).await;
    for n in 0..2 {
        api.set(&format!("lru{n}"), json!(n)).await;
    }
    for n in 0..4 {
        let stored = set_with(&api, &format!("own{n}"), json!({"strategy": "fifo"})).await;
        assert_eq!(stored["strategy"], "fifo");
    }
    // Uses do not save the oldest of those under `fifo`, which are the most.
    api.value("own0").await;
    api.value("lru0").await;
    api.set("new0", json!(1)).await;
    assert_eq!(keys(&api).await, ["lru0", "lru1", "new0", "own1", "own2", "own3"]);
    // Now there are three of each: the configured strategy gives, and its least recently used item is lru1.
    api.set("new1", json!(1)).await;
    assert_eq!(keys(&api).await, ["lru0", "new0", "new1", "own1", "own2", "own3"]);
    // Overwritten without a strategy, an item is under the configured one.
    api.set("own1", json!(1)).await;
    assert_eq!(api.get("/api/cache/get/own1").await.ok()["cache_item"]["strategy"], "lru");
    api.set("new2", json!(1)).await;
    assert_eq!(keys(&api).await, ["new0", "new1", "new2", "own1", "own2", "own3"]);
    // The config's change does not concern what has its own.
    configure(&api, "lfu").await;
    assert_eq!(api.get("/api/cache/get/own2").await.ok()["cache_item"]["strategy"], "fifo");
}

#[tokio::test]
async fn what_only_backends_know_is_refused_by_name() {
    let (_cluster, api) = small(6).await;
    for strategy in ["write_through", "write_behind"] {
        let body = json!({"key": "k", "value": 1, "strategy": strategy});
        for answer in [
            api.post("/api/cache/set", &body).await,
            api.patch("/api/cache/config", &json!({"strategy": strategy})).await,
        ] {
            assert_eq!(answer.faults(), ["not_available body.strategy"]);
        }
    }
    for strategy in ["lru", "lfu", "fifo", "ttl", "s3fifo", "w_tinylfu", "sieve"] {
        let body = json!([{"key": "k", "value": 1, "strategy": strategy}]);
        assert_eq!(api.post("/api/cache/set-batch", &body).await.ok()["successful_count"], 1);
        assert_eq!(api.get("/api/cache/get/k").await.ok()["cache_item"]["strategy"], strategy);
    }
}
