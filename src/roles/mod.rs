//! The processes that this binary can be. Each role gets its settings and runs until the token is cancelled.

mod dev;
mod node;
mod parts;
mod port;
mod router;

use tokio_util::sync::CancellationToken;

use crate::{
    build_info,
    failure::Failure,
    settings::{Given, Role, Settings, build},
    signals, telemetry,
};

/// Checks the settings, opens the log, listens for signals, and runs the role to its end.
pub(crate) fn start(role: Role, given: &Given) -> Result<(), Failure> {
    let settings = build(given).map_err(|faults| Failure::Usage(faults.into()))?;
    telemetry::init(&settings.log, role)?;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let cancel = signals::watch()?;
    tracing::debug!(version = build_info::VERSION, %role, "ringhold starts");
    run(role, settings, &cancel)?;
    tracing::debug!(%role, "ringhold stopped");
    Ok(())
}

fn run(role: Role, settings: Settings, cancel: &CancellationToken) -> anyhow::Result<()> {
    match role {
        Role::Dev => dev::run(&settings, cancel),
        Role::Node => node::run(&settings.node, cancel),
        Role::Router => router::run(&settings.router, cancel),
        Role::Show => anyhow::bail!("settings are shown, not run"),
    }
}
