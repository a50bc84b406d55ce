//! The commands that call the API of a running router, and `settings`.

mod access;
mod analytics;
mod atomic;
mod cluster;
mod export;
mod feed;
mod health;
mod import;
mod keys;
mod point;
mod progress;
mod remove;
mod set;
mod settings;
mod stats;
mod warm;

use anyhow::Context;

pub(crate) use self::settings::show as show_settings;
use crate::{
    cli::{Command, Global},
    client::Client,
    failure::Failure,
};

/// Runs a client command to its end. The commands of processes are not for here.
pub(crate) fn run(command: Command, global: &Global) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("the system gives no event queue to wait on")?;
    runtime.block_on(dispatch(command, &Client::new(global)?, global))
}

async fn dispatch(command: Command, client: &Client, global: &Global) -> Result<(), Failure> {
    let output = global.output;
    match command {
        Command::Health(arguments) => health::health(&arguments, global).await,
        Command::Get(arguments) => point::get(&arguments, client, output).await,
        Command::Delete(arguments) => point::delete(&arguments, client, output).await,
        Command::Set(arguments) => set::set(arguments, client, output).await,
        Command::Incr(arguments) => atomic::incr(&arguments, client, output).await,
        Command::Getset(arguments) => atomic::getset(&arguments, client, output).await,
        Command::Touch(arguments) => atomic::touch(&arguments, client, output).await,
        Command::Keys(arguments) => keys::keys(&arguments, client, output).await,
        Command::Stats(arguments) => stats::stats(&arguments, client, output).await,
        Command::Analytics(arguments) => analytics::analytics(&arguments, client, output).await,
        Command::Export(arguments) => export::export(&arguments, client).await,
        Command::Import(arguments) => import::import(&arguments, client, output).await,
        Command::Clear(arguments) => remove::clear(&arguments, client, output).await,
        Command::Invalidate(arguments) => remove::invalidate(&arguments, client, output).await,
        Command::Warm(arguments) => warm::warm(&arguments, client, output).await,
        Command::ApiKeys(command) => access::run(command, client, output).await,
        Command::Cluster(command) => cluster::run(command, client, output).await,
        Command::Dev(_) | Command::Node(_) | Command::Router(_) | Command::Settings(_) => {
            Err(Failure::failed("this command needs no router"))
        }
    }
}

#[cfg(test)]
#[path = "commands/tests.rs"]
mod tests;
