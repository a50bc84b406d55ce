//! `cluster settings`.

use reqwest::Method;
use serde_json::{Map, Value};

use super::status;
use crate::{
    cli::{Output, SettingsArgs},
    client::{Client, Path},
    failure::Failure,
    output::{describe, print_line},
};

/// Shows the settings of the copies, or changes those that are given.
pub(super) async fn settings(arguments: &SettingsArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let body = body(arguments);
    let answer = match body.is_empty() {
        true => client.call(Method::GET, &status::path()).await?,
        false => {
            let path = Path::new("/api/cluster/settings");
            client.call_with(Method::PATCH, &path, Value::Object(body).to_string()).await?
        }
    };
    answer.warn_of_gap();
    match output {
        Output::Json => print_line(answer.field("settings")?.get()),
        Output::Table => print_line(&describe(&answer.object("settings")?)),
    }
}

fn body(arguments: &SettingsArgs) -> Map<String, Value> {
    let given = [
        ("replication_factor", arguments.replication_factor.map(u64::from)),
        ("min_in_sync", arguments.min_in_sync.map(u64::from)),
        ("fill_bytes_per_s", arguments.fill_bytes_per_s),
        ("rehome_after_s", arguments.rehome_after_s.map(u64::from)),
        ("reset_after_s", arguments.reset_after_s.map(u64::from)),
    ];
    given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))).collect()
}
