//! `POST /api/cluster/plan`, `apply`, `pause`, `resume`, `cancel`.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{
    cluster::{Command, Rejection, SettingsPatch},
    wire::Fault,
};
use ringhold_rpc::Deadline;

use super::{
    super::{core::Core, respond},
    gather::{catch_up, gather},
};
use crate::rest::{
    self, ApiError, CallKind, Coverage,
    cluster::{Change, Outlook},
    render::{self, PlanView},
};

/// Room for an answer.
pub(super) const PLAN_BYTES: usize = 4_096;

/// A plan and who contributed to its estimates.
pub(super) struct Forecast {
    outlook: Outlook,
    is_paused: bool,
    pub(super) coverage: Coverage,
}

impl Forecast {
    /// As it is shown.
    pub(super) fn view<'a>(&'a self, message: &'a str) -> PlanView<'a> {
        PlanView { message, outlook: &self.outlook, is_paused: self.is_paused, coverage: self.coverage }
    }

    fn answer(&self, message: &str) -> Response {
        respond::json_covered(PLAN_BYTES, &self.coverage, |out| render::plan(out, &self.view(message)))
    }
}

/// What a change would move; nothing is changed. Without a change: what is left to do now.
pub(in crate::api) async fn plan(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let change = change_in(core, request).await?;
    catch_up(core, CallKind::Read, deadline).await?;
    let forecast = forecast(core, change.commands(), CallKind::Read).await?;
    let message = match (change.is_empty(), forecast.outlook.is_reached()) {
        (true, true) => "Everything is where it should be",
        (true, false) => "What is left to do; nothing was changed",
        (false, true) => "The change would move nothing",
        (false, false) => "What the change would move; nothing was changed",
    };
    Ok(forecast.answer(message))
}

/// Makes a change, and tells the plan that is in force by then. Without a change: resumes what was paused.
pub(in crate::api) async fn apply(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let change = change_in(core, request).await?;
    if change.is_empty() {
        return make(core, vec![paused(false)], RESUMED, deadline).await;
    }
    make(core, change.commands(), "The change is made; what has to move for it is on its way", deadline).await
}

/// Stops moves for the sake of balance; lost copies are still restored.
pub(in crate::api) async fn pause(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    let message = "Moves are paused; lost copies are still restored";
    make(core, vec![paused(true)], message, core.deadline()).await
}

const RESUMED: &str = "Moves go on";

/// Lets moves go on.
pub(in crate::api) async fn resume(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    make(core, vec![paused(false)], RESUMED, core.deadline()).await
}

/// Gives up what is being moved: the present layout becomes the plan.
pub(in crate::api) async fn cancel(core: &Core, _: Request<Body>) -> Result<Response, ApiError> {
    let message = "Moves are cancelled; the present layout is the plan until nodes change";
    make(core, vec![Command::CancelMoves], message, core.deadline()).await
}

fn paused(moves_paused: bool) -> Command {
    Command::PatchSettings { patch: SettingsPatch { moves_paused: Some(moves_paused), ..SettingsPatch::default() } }
}

async fn change_in(core: &Core, request: Request<Body>) -> Result<Change, ApiError> {
    let (head, body) = request.into_parts();
    rest::cluster::change(&core.json_body(&head.headers, body).await?)
}

/// Proposes the commands one after the other, when all of them would be taken. Another operator's change may still come
/// between them; then those before the refused one stay made.
async fn make(core: &Core, commands: Vec<Command>, message: &str, deadline: Deadline) -> Result<Response, ApiError> {
    let kind = CallKind::Write;
    catch_up(core, kind, deadline).await?;
    core.shared.view.load_full().state.preview(&commands).map_err(|rejection| refused(rejection, kind))?;
    for command in commands {
        core.dispatcher.propose(command, deadline).await.map_err(|failure| core.error(&failure, kind))?;
    }
    Ok(forecast(core, Vec::new(), kind).await?.answer(message))
}

/// What it would take to come from the present layout to the plan that `commands` lead to.
pub(super) async fn forecast(core: &Core, commands: Vec<Command>, kind: CallKind) -> Result<Forecast, ApiError> {
    let (sights, coverage) = gather(core).await;
    let view = core.shared.view.load_full();
    // Placing the ranges of a large cluster takes long enough to hold up the other requests of this worker.
    let computed = tokio::task::spawn_blocking(move || {
        let then = view.state.preview(&commands)?;
        let outlook = rest::cluster::outlook(&view.state, &rest::cluster::goal(&then), &sights);
        Ok((outlook, then.settings.moves_paused))
    });
    let computed = computed.await.map_err(|_| ApiError::Internal("the plan could not be computed".into()))?;
    let (outlook, is_paused) = computed.map_err(|rejection| refused(rejection, kind))?;
    Ok(Forecast { outlook, is_paused, coverage })
}

fn refused(rejection: Rejection, kind: CallKind) -> ApiError {
    ApiError::from_fault(&Fault::Rejected(rejection), kind)
}
