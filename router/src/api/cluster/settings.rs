//! `PATCH /api/cluster/settings`.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::cluster::Command;

use super::super::{
    core::{Core, shown},
    respond,
};
use crate::rest::{self, ApiError, CallKind, render};

/// Room for an answer.
const SETTINGS_BYTES: usize = 512;

/// Changes the settings that are given, and answers once every node that serves acts by them.
pub(in crate::api) async fn patch(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let patch = rest::cluster::settings(&core.json_body(&head.headers, body).await?)?;
    core.await_view(deadline, CallKind::Write).await?;
    let proposed = core.dispatcher.propose(Command::PatchSettings { patch }, deadline).await;
    let (index, _) = proposed.map_err(|failure| core.error(&failure, CallKind::Write))?;
    let coverage = shown(&core.dispatcher.barrier(index, deadline).await);
    let view = core.shared.view.load_full();
    Ok(respond::json_covered(SETTINGS_BYTES, &coverage, |out| {
        render::settings_changed(out, &view.state.settings, index, &coverage);
    }))
}
