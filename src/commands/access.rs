//! `apikeys`.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::{
    cli::{AccessCommand, CreateKeyArgs, Output},
    client::{Answer, Client, Path},
    failure::Failure,
    output::{describe, list, print_line},
};

/// What fits on a line of the list; `-o json` has all of it.
const COLUMNS: &[&str] = &["id", "name", "scopes", "namespaces", "key_patterns", "expires_at", "last_used"];

/// Runs one of the commands.
pub(super) async fn run(command: AccessCommand, client: &Client, output: Output) -> Result<(), Failure> {
    match command {
        AccessCommand::Create(arguments) => {
            let body = Value::Object(request(&arguments)).to_string();
            show(&client.call_with(Method::POST, &path(), body).await?, output)
        }
        AccessCommand::List => {
            let answer = client.call(Method::GET, &path()).await?;
            match (output, answer.list("keys")) {
                (Output::Table, Ok(keys)) => print_line(&list(&keys, COLUMNS)),
                _ => print_line(answer.text()),
            }
        }
        AccessCommand::Rotate { id, overlap } => {
            let path = path().segment(&id).segment("rotate");
            show(&client.call_with(Method::POST, &path, json!({"overlap": overlap}).to_string()).await?, output)
        }
        AccessCommand::Revoke { id } => revoke(&id, client, output).await,
    }
}

async fn revoke(id: &str, client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.call(Method::DELETE, &path().segment(id)).await?;
    if output == Output::Json {
        print_line(answer.text())?;
    }
    if answer.field("found")?.get() != "true" {
        return Err(Failure::NotFound(format!("there is no API key {id}; `ringhold apikeys list` lists them")));
    }
    match output {
        Output::Json => Ok(()),
        Output::Table => print_line(&answer.message()),
    }
}

/// The key on standard output; that its text comes once only, on standard error.
fn show(answer: &Answer, output: Output) -> Result<(), Failure> {
    if output == Output::Json {
        return print_line(answer.text());
    }
    eprintln!("{}", answer.message());
    print_line(&describe(&answer.substance()))
}

fn request(arguments: &CreateKeyArgs) -> Map<String, Value> {
    let CreateKeyArgs { name, scopes, namespaces, patterns, expires_in } = arguments;
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str()).collect();
    let some = |list: &[String]| (!list.is_empty()).then(|| json!(list));
    let fields = [
        ("name", Some(json!(name))),
        ("scopes", Some(json!(scopes))),
        ("namespaces", some(namespaces)),
        ("key_patterns", some(patterns)),
        ("expires_in", expires_in.map(Value::from)),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn path() -> Path {
    Path::new("/api/keys")
}
