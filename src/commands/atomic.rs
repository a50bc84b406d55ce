//! `incr`, `getset` and `touch`.

use reqwest::Method;
use serde_json::{Map, Value};

use super::{
    point::{bare, is_dots},
    set,
};
use crate::{
    cli::{IncrArgs, Output, SetArgs, TouchArgs},
    client::{Answer, Client, Path},
    failure::Failure,
    fields::Fields,
    output::print_line,
};

/// Prints the sum.
pub(super) async fn incr(arguments: &IncrArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let mut body = timed(arguments.ttl, arguments.target.backend.as_deref());
    body.insert("by".to_owned(), arguments.by.into());
    body.insert("initial".to_owned(), arguments.initial.into());
    let answer = call(client, "/api/cache/incr", &arguments.key, Value::Object(body).to_string()).await?;
    match output {
        Output::Json => print_line(answer.text()),
        Output::Table => print_line(answer.field("value")?.get()),
    }
}

/// Prints the value that was replaced; nothing if there was none.
pub(super) async fn getset(arguments: &SetArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = call(client, "/api/cache/getset", &arguments.key, set::body(arguments)?).await?;
    if output == Output::Json {
        return print_line(answer.text());
    }
    let before = answer.field("cache_item").ok().and_then(Fields::of);
    before.and_then(|item| item.get("value").map(bare)).map_or(Ok(()), |value| print_line(&value))
}

/// Says that it was done. No item is [`Failure::NotFound`].
pub(super) async fn touch(arguments: &TouchArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let body = timed(arguments.ttl, arguments.target.backend.as_deref());
    let answer = call(client, "/api/cache/touch", &arguments.key, Value::Object(body).to_string()).await?;
    if answer.field("found")?.get() != "true" {
        return Err(Failure::NotFound(format!("{:?} is not in the cache", arguments.key)));
    }
    match output {
        Output::Json => print_line(answer.text()),
        Output::Table => print_line(&answer.message()),
    }
}

async fn call(client: &Client, path: &str, key: &str, body: String) -> Result<Answer, Failure> {
    if is_dots(key) {
        return Err(Failure::usage("the keys \".\" and \"..\" cannot stand in a URL; use `get` and `set` with them"));
    }
    client.call_with(Method::POST, &Path::new(path).segment(key), body).await
}

/// What was given of the fields that both bodies have.
fn timed(ttl: Option<u64>, backend: Option<&str>) -> Map<String, Value> {
    let fields = [("ttl", ttl.map(Value::from)), ("backend", backend.map(Value::from))];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
