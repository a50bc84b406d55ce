//! The yardstick of the benchmark: one plain axum process that answers the same bytes as a Ringhold router.
//!
//! It does what a careful hand would: values stay raw, answers are rendered when an item is stored and only looked up and
//! copied when it is read. It has no cluster, no limits, no expiry, no statistics and no validation beyond the parser's.
//!
//! `plain_axum ADDRESS`: fill it through its own `POST /api/cache/set-batch`.

use std::{
    collections::HashMap,
    env,
    hash::{BuildHasher, RandomState},
    sync::{Arc, RwLock},
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::header::CONTENT_TYPE,
    response::IntoResponse,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Default)]
struct Store {
    hasher: RandomState,
    shards: [RwLock<HashMap<String, Bytes>>; 32],
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    key: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl Store {
    fn shard(&self, key: &str) -> &RwLock<HashMap<String, Bytes>> {
        &self.shards[self.hasher.hash_one(key) as usize % self.shards.len()]
    }

    fn get(&self, key: &str) -> Option<Bytes> {
        self.shard(key).read().expect("no writer panics").get(key).cloned()
    }

    fn set(&self, item: &Item<'_>) {
        let (key, value) = (&item.key, item.value.get());
        let answer = format!(
            "{{\"success\":true,\"found\":true,\"cache_item\":{{\"key\":\"{key}\",\"value\":{value},\"data_type\":\"json\",\
             \"ttl\":3600,\"created_at\":\"2026-01-01T00:00:00.000Z\",\"accessed_at\":\"2026-01-01T00:00:00.000Z\",\
             \"access_count\":1,\"size\":{},\"metadata\":{{}},\"version\":\"12-3456\",\"strategy\":\"lru\",\"backend\":\"memory\"}}}}",
            value.len()
        );
        self.shard(key).write().expect("no writer panics").insert(key.clone().into_owned(), answer.into());
    }
}

fn json(body: impl Into<Bytes>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body.into())
}

async fn get_one(State(store): State<Arc<Store>>, Path(key): Path<String>) -> impl IntoResponse {
    let miss = || format!("{{\"success\":true,\"found\":false,\"message\":\"No such key\",\"key\":\"{key}\"}}").into();
    json(store.get(&key).unwrap_or_else(miss))
}

async fn set_one(State(store): State<Arc<Store>>, body: Bytes) -> impl IntoResponse {
    let item: Item<'_> = serde_json::from_slice(&body).expect("the benchmark sends valid items");
    store.set(&item);
    json(format!(
        "{{\"success\":true,\"message\":\"Stored\",\"key\":\"{}\",\"size\":{},\"ttl\":3600,\"backend\":\"memory\",\
         \"strategy\":\"lru\",\"version\":\"12-3456\",\"copies\":1}}",
        item.key,
        item.value.get().len()
    ))
}

async fn set_batch(State(store): State<Arc<Store>>, body: Bytes) -> impl IntoResponse {
    let items: Vec<Item<'_>> = serde_json::from_slice(&body).expect("the benchmark sends valid items");
    items.iter().for_each(|item| store.set(item));
    json("{}")
}

async fn get_batch(State(store): State<Arc<Store>>, body: Bytes) -> impl IntoResponse {
    let keys: Vec<std::borrow::Cow<'_, str>> = serde_json::from_slice(&body).expect("the benchmark sends valid keys");
    let mut out = Vec::with_capacity(512 * keys.len());
    out.extend_from_slice(
        b"{\"success\":true,\"message\":\"Found 100 of 100 keys\",\"total_keys\":100,\"found_count\":100,",
    );
    out.extend_from_slice(b"\"not_found_count\":0,\"failed_count\":0,\"results\":[");
    for key in &keys {
        let answer = store.get(key).unwrap_or_default();
        out.extend_from_slice(b"{\"key\":\"");
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\",\"success\":true,\"result\":");
        out.extend_from_slice(&answer);
        out.extend_from_slice(b"},");
    }
    out.pop();
    out.extend_from_slice(
        b"],\"coverage\":{\"nodes\":1,\"nodes_total\":1,\"ranges\":1024,\"ranges_total\":1024},\"complete\":true}",
    );
    json(out)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = env::args().nth(1).expect("usage: plain_axum ADDRESS");
    let app = Router::new()
        .route("/api/cache/get/{*key}", get(get_one))
        .route("/api/cache/set", post(set_one))
        .route("/api/cache/set-batch", post(set_batch))
        .route("/api/cache/get-batch", post(get_batch))
        .with_state(Arc::new(Store::default()));
    let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
    axum::serve(listener, app).await.expect("the server runs");
}
