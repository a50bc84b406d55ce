//! What is seen of a cluster through a router, whatever it runs in.

use serde_json::Value;

use crate::harness::{client::Api, wait};

/// `GET /api/cluster`, if it is answered.
pub(crate) async fn cluster(api: &Api) -> Option<Value> {
    let answer = api.try_send(api.request(reqwest::Method::GET, "/api/cluster")).await.ok()?;
    (answer.status == 200).then(|| answer.json())
}

/// Waits until `is_so` of `GET /api/cluster`.
pub(crate) async fn wait_until(api: &Api, reason: &str, is_so: impl Fn(&Value) -> bool) {
    wait::until(reason, async || is_so(&cluster(api).await?).then_some(())).await;
}

/// Every range has all of its copies and is served.
pub(crate) fn is_full(cluster: &Value) -> bool {
    let ranges = &cluster["ranges"];
    ranges["full"] == ranges["total"] && ranges["serving"] == ranges["total"] && ranges["taking_over"] == 0
}

/// The same, and nothing is left to move.
pub(crate) fn is_settled(cluster: &Value) -> bool {
    let plan = &cluster["plan"];
    plan["is_current"] == true && plan["is_reached"] == true && is_full(cluster)
}

/// The nodes that were not removed, by the host in their address.
pub(crate) fn node<'c>(cluster: &'c Value, host: &str) -> Option<&'c Value> {
    let address = format!("{host}:7400");
    let nodes = cluster["nodes"].as_array()?;
    nodes.iter().find(|node| node["addresses"]["rpc"] == *address && node["state"] == "active")
}

/// How many nodes hold copies.
pub(crate) fn holders(cluster: &Value) -> usize {
    let nodes = cluster["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    nodes.iter().filter(|node| node["ranges"].as_u64() > Some(0)).count()
}
