//! From arguments to a [`Cli`], and the checks of single arguments.

use std::{ffi::OsString, time::Duration};

use clap::{CommandFactory, Parser, error::ErrorKind};
use ringhold_model::key::is_namespace;
use ringhold_router::Secret;

use super::{Cli, cluster::Weight};

/// Parses the arguments of a process, its name first. Flags without a command are those of `dev`.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let error = match Cli::try_parse_from(arguments) {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    if error.kind() != ErrorKind::UnknownArgument || names_command(arguments) {
        return Err(error);
    }
    let mut as_dev = arguments.to_vec();
    as_dev.insert(arguments.len().min(1), OsString::from("dev"));
    Cli::try_parse_from(as_dev)
}

fn names_command(arguments: &[OsString]) -> bool {
    let command = Cli::command();
    arguments.iter().skip(1).any(|argument| command.find_subcommand(argument).is_some())
}

/// The base of the API, without a slash at its end.
pub(super) fn url(text: &str) -> Result<String, String> {
    let url =
        reqwest::Url::parse(text).map_err(|error| format!("{error}; give something like http://localhost:8000"))?;
    match url.scheme() {
        "http" | "https" if url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        "http" | "https" => Err("a base URL has no query and no fragment".to_owned()),
        _ => Err("give something like http://localhost:8000".to_owned()),
    }
}

/// Anything: what is wrong with a secret must not be said with the secret in the message.
#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
pub(super) fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret(text.to_owned()))
}

/// A name that the API takes as a namespace.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    if is_namespace(text) {
        Ok(text.to_owned())
    } else {
        Err("a namespace is 1 to 64 letters, digits, dots, dashes or underscores".to_owned())
    }
}

/// `name=value`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give name=value, such as max_items=50000".to_owned()),
    }
}

/// A weight, or `default`.
pub(super) fn weight(text: &str) -> Result<Weight, String> {
    match (text, text.parse()) {
        ("default", _) => Ok(Weight(None)),
        (_, Ok(weight)) => Ok(Weight(Some(weight))),
        _ => Err("give a whole number such as 200 (100 is plain), or default".to_owned()),
    }
}

/// `node=weight`.
pub(super) fn node_weight(text: &str) -> Result<(u64, Option<u32>), String> {
    let hint = || "give node=weight, such as 4=200 or 4=default".to_owned();
    let (node, given) = text.split_once('=').ok_or_else(hint)?;
    let node = node.parse().map_err(|_| hint())?;
    weight(given).map(|Weight(weight)| (node, weight)).map_err(|_| hint())
}

/// Seconds between two looks.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if (0.1..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give seconds from 0.1 to 3600".to_owned()),
    }
}
