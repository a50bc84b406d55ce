//! One node with little room, and what it holds.

use ringhold_model::config::CacheConfig;

use crate::harness::{
    client::Api,
    cluster::{Cluster, Options},
};

/// One node that holds so many items.
pub(crate) async fn small(max_items: u64) -> (Cluster, Api) {
    let config = CacheConfig { max_items, ..CacheConfig::default() };
    let cluster = Cluster::start_with(Options { nodes: 1, config, ..Options::default() }).await;
    let api = cluster.api();
    (cluster, api)
}

/// All its keys, in order.
pub(crate) async fn keys(api: &Api) -> Vec<String> {
    let listed = api.get("/api/cache/keys?limit=1000").await.ok();
    listed["keys"].as_array().expect("a list").iter().map(|row| row["key"].as_str().expect("a key").into()).collect()
}
