//! The way in: who calls is settled before a handler sees the request.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use ringhold_model::cluster::{AccessCommand, Command};
use ringhold_rpc::Deadline;

use super::core::{Core, wall_ms};
use crate::{
    auth::{Gate, Verdict},
    rest::{ApiError, CallKind},
};

/// Longest wait for a state that may know a key.
const LOOK_WAIT: Duration = Duration::from_millis(500);
/// How often uses of keys are told to the cluster, if there is news.
const USES_PAUSE: Duration = Duration::from_secs(20);

/// Lets a request through to the routes, or answers it.
pub(super) async fn admit(
    State(core): State<std::sync::Arc<Core>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    core.admit(&mut request).await?;
    Ok(next.run(request).await)
}

impl Core {
    /// Refuses a request that is not its caller's to make. What the caller may do goes with the request.
    pub(super) async fn admit(&self, request: &mut http::Request<Body>) -> Result<(), ApiError> {
        let Some(gate) = &self.shared.gate else { return Ok(()) };
        let mut verdict = self.judge(gate, request);
        if matches!(verdict, Verdict::Unknown(true)) {
            self.look_anew().await;
            verdict = self.judge(gate, request);
        }
        match verdict {
            Verdict::Admitted(grant) => {
                if let Some(grant) = grant {
                    request.extensions_mut().insert(grant);
                }
                Ok(())
            }
            Verdict::Unknown(_) => Err(ApiError::Unauthorized),
            Verdict::Refused(error) => Err(error),
        }
    }

    fn judge(&self, gate: &Gate, request: &http::Request<Body>) -> Verdict {
        let view = self.shared.view.load();
        gate.judge(&view.keys, request.method(), request.uri().path(), request.headers(), wall_ms())
    }

    /// A key that another router made a moment ago is not in sight yet, nor is any right after the start. Who floods the router
    /// with made-up keys has a few of them looked for at a time.
    async fn look_anew(&self) {
        let deadline = Deadline::after(LOOK_WAIT);
        if self.shared.view.load().index() == 0 {
            let _ = self.await_view(deadline, CallKind::Read).await;
        } else if let Ok(_slot) = self.shared.looks.try_acquire() {
            let _ = self.dispatcher.catch_up(deadline).await;
        }
    }

    /// Tells the cluster which keys were used here, for as long as it is polled.
    pub(super) async fn note_uses(&self) {
        loop {
            tokio::time::sleep(USES_PAUSE).await;
            let view = self.shared.view.load_full();
            let uses = view.keys.unnoted_uses(&view.state);
            if !uses.is_empty() {
                let command = Command::Access(AccessCommand::NoteUses { uses });
                // Lost, it is told the next time.
                let _ = self.dispatcher.propose(command, self.deadline()).await;
            }
        }
    }
}
