//! `stats`.

use reqwest::Method;

use crate::{
    cli::{Output, StatsArgs},
    client::{Client, Path},
    failure::Failure,
    output::{describe, list, print_line},
};

/// Figures that fit on a line of the table of nodes; `-o json` has all of them.
const NODE_COLUMNS: &[&str] = &[
    "node",
    "state",
    "address",
    "statistics.total_items",
    "statistics.total_memory_usage",
    "statistics.hit_rate",
    "statistics.ops_per_second",
];

/// Shows the statistics of the cluster and of each node.
pub(super) async fn stats(arguments: &StatsArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = Path::new("/api/cache/stats").query("backend", arguments.target.backend.as_deref());
    let answer = client.call(Method::GET, &path).await?;
    if output == Output::Json {
        return print_line(answer.text());
    }
    print_line(&describe(&answer.object("statistics")?))?;
    let nodes = answer.list("nodes").unwrap_or_default();
    if !nodes.is_empty() {
        print_line(&format!("\nnodes:\n{}", list(&nodes, NODE_COLUMNS)))?;
    }
    answer.warn_of_gap();
    Ok(())
}
