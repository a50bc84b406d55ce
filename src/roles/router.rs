//! Runs one router until it is told to stop.

use ringhold_router::Router;
use tokio_util::sync::CancellationToken;

use super::{parts, port};
use crate::settings::RouterSettings;

/// Builds the router, announces where it listens, and runs it until `cancel`; then it drains.
pub(super) fn run(settings: &RouterSettings, cancel: &CancellationToken) -> anyhow::Result<()> {
    let listen = port::check_free(settings.listen_addr()?, "ringhold router")?;
    let router = Router::build(parts::router_options(settings, listen, settings.nodes.clone()))?;
    tracing::info!(address = %router.address(), "the router serves the REST API");
    router.run(cancel.clone())?;
    Ok(())
}
