//! `analytics`.

use reqwest::Method;

use crate::{
    cli::{AnalyticsArgs, Output},
    client::{Client, Path},
    failure::Failure,
    output::{describe, print_line},
};

/// Shows one of the analytics of the cluster.
pub(super) async fn analytics(arguments: &AnalyticsArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = Path::new(&format!("/api/cache/analytics/{}", arguments.topic.as_str()))
        .query("limit", arguments.limit)
        .query("backend", arguments.target.backend.as_deref());
    let answer = client.call(Method::GET, &path).await?;
    if output == Output::Json {
        return print_line(answer.text());
    }
    let mut fields = answer.substance();
    fields.0.retain(|(name, _)| name != "merging");
    print_line(&describe(&fields))?;
    answer.warn_of_gap();
    Ok(())
}
