//! `health`: asks a node or router itself, so that an image needs no other program for its health check.

use std::time::Duration;

use anyhow::anyhow;

use crate::{
    cli::{Global, HealthArgs},
    failure::Failure,
    output::print_line,
};

/// Where a node of this machine tells its health.
const NODE: &str = "http://127.0.0.1:7480";

/// Asks the places in order; the first that listens decides. An answer that is no success is [`Failure::No`].
pub(super) async fn health(arguments: &HealthArgs, global: &Global) -> Result<(), Failure> {
    let usual = [NODE.to_owned(), global.url.clone()];
    let places = if arguments.places.is_empty() { &usual[..] } else { &arguments.places };
    let path = if arguments.live { "/livez" } else { "/readyz?verbose" };
    // A health check does not go through a proxy of the environment.
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(global.timeout));
    let http = http.build().map_err(|error| Failure::Failed(error.into()))?;
    for place in places {
        let response = match http.get(format!("{place}{path}")).send().await {
            Err(error) if error.is_connect() => continue,
            Err(error) => return Err(Failure::Failed(anyhow!("{place} does not answer: {error}"))),
            Ok(response) => response,
        };
        let is_good = response.status().is_success();
        let text = response.text().await.unwrap_or_default();
        return if is_good { print_line(text.trim_end()) } else { Err(Failure::No(text.trim_end().to_owned())) };
    }
    Err(Failure::Failed(anyhow!("nothing listens at {}", places.join(" or "))))
}
