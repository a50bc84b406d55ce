//! The one binary of Ringhold: a whole cluster, one node, one router, or a client of them.
//!
//! Here meet the command line, settings, logs and signals; what a node or a router is stands in their crates. The only
//! place with `anyhow` and `clap`.
//!
//! Reading order: `cli` → `settings` → `roles` → `commands` → `client`.

mod build_info;
mod cli;
mod client;
mod commands;
mod failure;
mod fields;
mod memory;
mod output;
mod roles;
mod settings;
mod signals;
mod telemetry;

use std::{collections::BTreeMap, process::ExitCode};

use cli::{Cli, Command};
use failure::Failure;
use settings::{Given, Role};

#[global_allocator]
static ALLOCATOR: memory::Allocator = memory::Allocator;

fn main() -> ExitCode {
    memory::prepare();
    let arguments: Vec<_> = std::env::args_os().collect();
    match cli::parse(&arguments) {
        Ok(cli) => run(cli).map_or_else(|failure| failure.report(), |()| ExitCode::SUCCESS),
        // Prints help and version as well; 2 for what is wrong.
        Err(error) => error.exit(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let Cli { global, command } = cli;
    let gather = |flags: &BTreeMap<&'static str, String>| {
        Given::gather(global.env_file.as_deref(), flags).map_err(|faults| Failure::Usage(faults.into()))
    };
    match command {
        None => roles::start(Role::Dev, &gather(&BTreeMap::new())?),
        Some(Command::Dev(flags)) => roles::start(Role::Dev, &gather(&flags.given)?),
        Some(Command::Node(flags)) => roles::start(Role::Node, &gather(&flags.given)?),
        Some(Command::Router(flags)) => roles::start(Role::Router, &gather(&flags.given)?),
        Some(Command::Settings(flags)) => commands::show_settings(&gather(&flags.given)?, global.output),
        Some(command) => commands::run(command, &global),
    }
}
