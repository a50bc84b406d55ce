//! `get` and `delete`.

use reqwest::Method;
use serde_json::value::RawValue;

use crate::{
    cli::{DeleteArgs, GetArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    fields::Fields,
    output::{describe, print_line},
};

/// Prints a value, or the item. A miss is [`Failure::NotFound`].
pub(super) async fn get(arguments: &GetArgs, client: &Client, output: Output) -> Result<(), Failure> {
    let backend = arguments.target.backend.as_deref();
    if is_dots(&arguments.key) {
        let path = Path::new("/api/cache/get-batch").query("backend", backend);
        let answer = client.call_with(Method::POST, &path, json(&[&arguments.key])?).await?;
        let results = answer.list("results")?;
        let result = results.first().and_then(|result| result.get("result")).and_then(Fields::of);
        return show(arguments, &result.unwrap_or_default(), output);
    }
    let path = Path::new("/api/cache/get").segment(&arguments.key).query("backend", backend);
    show(arguments, &client.call(Method::GET, &path).await?.fields(), output)
}

fn show(arguments: &GetArgs, answer: &Fields<'_>, output: Output) -> Result<(), Failure> {
    let is_found = answer.get("found").is_some_and(|found| found.get() == "true");
    let Some(raw) = answer.get("cache_item").filter(|_| is_found) else {
        return Err(Failure::NotFound(format!("{:?} is not in the cache", arguments.key)));
    };
    let item = Fields::of(raw).unwrap_or_default();
    match (arguments.full, output) {
        (true, Output::Json) => print_line(raw.get()),
        (true, Output::Table) => print_line(&describe(&item)),
        (false, Output::Json) => print_line(value(&item).get()),
        (false, Output::Table) => print_line(&bare(value(&item))),
    }
}

fn value<'a>(item: &Fields<'a>) -> &'a RawValue {
    item.get("value").unwrap_or(RawValue::NULL)
}

/// A string as its text, so that `get` gives what `set` took; anything else as JSON.
pub(super) fn bare(value: &RawValue) -> String {
    serde_json::from_str::<String>(value.get()).unwrap_or_else(|_| value.get().to_owned())
}

/// Removes keys one after the other. A key that is not there is no failure: gone is gone.
pub(super) async fn delete(arguments: &DeleteArgs, client: &Client, output: Output) -> Result<(), Failure> {
    for key in &arguments.keys {
        let answer = delete_one(key, arguments.target.backend.as_deref(), client).await?;
        match output {
            Output::Json => print_line(answer.text())?,
            Output::Table => print_line(&answer.message())?,
        }
    }
    Ok(())
}

async fn delete_one(key: &str, backend: Option<&str>, client: &Client) -> Result<Answer, Failure> {
    if is_dots(key) {
        let path = Path::new("/api/cache/clear").query("pattern", Some(key)).query("backend", backend);
        return client.call(Method::POST, &path).await;
    }
    let path = Path::new("/api/cache/delete").segment(key).query("backend", backend);
    client.call(Method::DELETE, &path).await
}

/// No URL can end in these segments, escaped or not: URLs are normalised before they are sent (WHATWG URL, "double-dot
/// path segment"). Bodies and patterns can hold them, and a dot has no meaning in a pattern.
pub(super) fn is_dots(key: &str) -> bool {
    matches!(key, "." | "..")
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::Failed(error.into()))
}
