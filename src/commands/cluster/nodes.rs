//! `cluster nodes`, `drain`, `remove`, `weight`, `safe-to-stop`.

use reqwest::Method;
use serde_json::json;

use super::{
    plan,
    shapes::{self, Safety},
    status, wait,
};
use crate::{
    cli::{DrainArgs, Output, RemoveArgs, WeightArgs},
    client::{Client, Path},
    failure::Failure,
    output::{escaped, list, print_line},
};

/// What fits on a line of the list of nodes; `-o json` has all of it.
const COLUMNS: &[&str] = &[
    "id",
    "state",
    "has_lease",
    "is_leader",
    "is_voter",
    "zone",
    "weight",
    "primary_ranges",
    "ranges",
    "addresses.rpc",
    "addresses.health",
];

/// Lists the nodes.
pub(super) async fn nodes(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.call(Method::GET, &status::path()).await?;
    match output {
        Output::Json => print_line(answer.field("nodes")?.get()),
        Output::Table => print_line(&list(&answer.list("nodes")?, COLUMNS)),
    }
}

/// Has a node hand over all it holds, or takes that back.
pub(super) async fn drain(arguments: &DrainArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = path_of(arguments.node).segment("drain");
    let body = json!({"cancel": arguments.cancel}).to_string();
    plan::show(&client.call_with(Method::POST, &path, body).await?, output)?;
    if arguments.wait { wait::until_empty(arguments.node, client).await } else { Ok(()) }
}

/// Removes a node for good.
pub(super) async fn remove(arguments: &RemoveArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = path_of(arguments.node).segment("remove");
    let body = json!({"force": arguments.force}).to_string();
    plan::show(&client.call_with(Method::POST, &path, body).await?, output)
}

/// Sets a node's share of the ranges.
pub(super) async fn weigh(arguments: &WeightArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let body = json!({"weight": arguments.weight.0}).to_string();
    plan::show(&client.call_with(Method::PATCH, &path_of(arguments.node), body).await?, output)
}

/// Tells whether a node may be stopped; no is a failure, so that scripts can ask.
pub(super) async fn safe_to_stop(node: u64, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.call(Method::GET, &path_of(node).segment("safe-to-stop")).await?;
    answer.warn_of_gap();
    let safety: Safety = shapes::read(&answer)?;
    if output == Output::Json {
        print_line(answer.text())?;
    }
    if !safety.safe {
        let reasons: Vec<_> = safety.reasons.iter().map(|reason| format!("\n  {}", escaped(reason))).collect();
        return Err(Failure::No(format!("node {node} should not be stopped now:{}", reasons.concat())));
    }
    match output {
        Output::Json => Ok(()),
        Output::Table => print_line(&safe_text(node, &safety)),
    }
}

fn safe_text(node: u64, safety: &Safety) -> String {
    let mut text = format!("node {node} may be stopped now");
    if safety.primary_ranges > 0 {
        text += &format!("; it hands {} primaries over first", safety.primary_ranges);
    }
    if let Some(writes @ 1..) = safety.single_copy_writes {
        text += &format!("; it acknowledged {writes} writes as the only copy since it started");
    }
    text
}

fn path_of(node: u64) -> Path {
    Path::new("/api/cluster/nodes").segment(&node.to_string())
}
