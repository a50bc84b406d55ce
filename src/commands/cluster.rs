//! `cluster`: state, changes, configuration and namespaces.

mod nodes;
mod plan;
mod poll;
#[cfg(test)]
pub(super) mod samples;
mod settings;
mod shapes;
mod status;
mod units;
mod wait;

use reqwest::Method;
use serde_json::value::{RawValue, to_raw_value};

use crate::{
    cli::{ClusterCommand, ConfigCommand, NamespacesArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    output::{cell, describe, list, print_line},
};

/// Fields that a PATCH takes.
const FIELDS: &[&str] = &[
    "strategy",
    "max_memory",
    "max_items",
    "default_ttl",
    "cleanup_interval",
    "compression_enabled",
    "encryption_enabled",
    "lfu_aging",
    "default_backend",
];

/// Runs one of the commands.
pub(super) async fn run(command: ClusterCommand, client: &Client, output: Output) -> Result<(), Failure> {
    match command {
        ClusterCommand::Status(arguments) => status::status(&arguments, client, output).await,
        ClusterCommand::Nodes => nodes::nodes(client, output).await,
        ClusterCommand::Plan(change) => plan::plan(&change, client, output).await,
        ClusterCommand::Apply(arguments) => plan::apply(&arguments, client, output).await,
        ClusterCommand::Pause => plan::moves("pause", client, output).await,
        ClusterCommand::Resume => plan::moves("resume", client, output).await,
        ClusterCommand::Cancel => plan::moves("cancel", client, output).await,
        ClusterCommand::Drain(arguments) => nodes::drain(&arguments, client, output).await,
        ClusterCommand::Remove(arguments) => nodes::remove(&arguments, client, output).await,
        ClusterCommand::Weight(arguments) => nodes::weigh(&arguments, client, output).await,
        ClusterCommand::SafeToStop { node } => nodes::safe_to_stop(node, client, output).await,
        ClusterCommand::Settings(arguments) => settings::settings(&arguments, client, output).await,
        ClusterCommand::Config(ConfigCommand::Get { field, target }) => {
            config(field.as_deref(), target.backend.as_deref(), client, output).await
        }
        ClusterCommand::Config(ConfigCommand::Set { fields, target }) => {
            change(&fields, target.backend.as_deref(), client, output).await
        }
        ClusterCommand::Namespaces(arguments) => namespaces(&arguments, client, output).await,
    }
}

async fn config(field: Option<&str>, backend: Option<&str>, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.call(Method::GET, &Path::new("/api/cache/config").query("backend", backend)).await?;
    let Some(name) = field else { return show(&answer, output) };
    let config = answer.object("config")?;
    let value = config.get(name).or_else(|| answer.fields().get(name));
    let value =
        value.ok_or_else(|| Failure::usage(format!("there is no {name:?}; the fields are {}", FIELDS.join(", "))))?;
    match output {
        Output::Json => print_line(value.get()),
        Output::Table => print_line(&cell(value)),
    }
}

async fn change(
    fields: &[(String, String)],
    backend: Option<&str>,
    client: &Client,
    output: Output,
) -> Result<(), Failure> {
    let path = Path::new("/api/cache/config").query("backend", backend);
    let answer = client.call_with(Method::PATCH, &path, patch(fields)?).await?;
    match output {
        Output::Json => print_line(answer.text()),
        Output::Table => print_line(&describe(&answer.object("config")?)),
    }
}

/// `name=value` pairs as a JSON object; the router checks the values.
fn patch(fields: &[(String, String)]) -> Result<String, Failure> {
    let unknown: Vec<_> = fields.iter().map(|(name, _)| name.as_str()).filter(|name| !FIELDS.contains(name)).collect();
    if !unknown.is_empty() {
        return Err(Failure::usage(format!(
            "there is no {}; the fields are {}",
            unknown.join(", "),
            FIELDS.join(", ")
        )));
    }
    let mut body = std::collections::BTreeMap::new();
    for (name, text) in fields {
        let value = match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => raw.to_owned(),
            Err(_) => to_raw_value(text).map_err(|error| Failure::Failed(error.into()))?,
        };
        if body.insert(name, value).is_some() {
            return Err(Failure::usage(format!("{name} is given twice")));
        }
    }
    serde_json::to_string(&body).map_err(|error| Failure::Failed(error.into()))
}

async fn namespaces(arguments: &NamespacesArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let path = Path::new("/api/namespaces");
    if let Some(name) = &arguments.remove {
        let answer = client.call(Method::DELETE, &path.segment(name)).await?;
        return match output {
            Output::Json => print_line(answer.text()),
            Output::Table => print_line(&answer.message()),
        };
    }
    let answer = client.call(Method::GET, &path).await?;
    match (output, answer.list("namespaces")) {
        (Output::Table, Ok(namespaces)) => print_line(&list(&namespaces, &[])),
        _ => show(&answer, output),
    }
}

/// All of an answer but the words that only say that it is one.
fn show(answer: &Answer, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_line(answer.text());
    }
    answer.warn_of_gap();
    print_line(&describe(&answer.substance()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_patch_keeps_json_values_and_quotes_words() {
        let body = patch(&pairs(&[("max_items", "5"), ("strategy", "lru"), ("compression_enabled", "false")])).unwrap();
        assert_eq!(body, r#"{"compression_enabled":false,"max_items":5,"strategy":"lru"}"#);
    }

    #[test]
    fn unknown_and_repeated_fields_are_named() {
        for (fields, word) in
            [(pairs(&[("max_item", "5")]), "max_item"), (pairs(&[("max_items", "5"), ("max_items", "6")]), "twice")]
        {
            let Err(Failure::Usage(error)) = patch(&fields) else { panic!("{fields:?}") };
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
