//! Operations on single keys in the request's namespace.
//!
//! The router's view may still name a namespace that another router removed. The owner refuses what is sent to that one
//! and has done nothing of it; so the router catches up with the nodes and takes the name anew.

use http::HeaderMap;
use ringhold_model::{
    Epoch, NamespaceId,
    config::Backend,
    wire::{Action, Fault, PointOp},
};
use ringhold_rpc::Deadline;

use super::core::Core;
use crate::{
    dispatch::{Outcome, Reads, Reason},
    rest::{ApiError, CallKind},
};

/// How often a name is taken anew within one request. Each time somebody removed the namespace in between.
pub(super) const RENEWALS_MAX: usize = 3;

impl Core {
    /// Writes to a key of the request's namespace, which is made if it is not there.
    pub(super) async fn write_one<'a>(
        &self,
        headers: &HeaderMap,
        (backend, key): (Backend, &'a str),
        action: impl Fn() -> Action<'a>,
        deadline: Deadline,
    ) -> Result<Outcome, ApiError> {
        let mut renewals = 0;
        loop {
            let namespace = self.namespace_for_write(headers, deadline).await?;
            let outcome = self.execute_in((namespace, backend), key, action(), (Reads::Fresh, deadline)).await;
            if !is_gone(&outcome) || renewals == RENEWALS_MAX {
                return Ok(outcome);
            }
            renewals += 1;
            self.catch_up(CallKind::Write, deadline).await?;
        }
    }

    /// Reads a key; `None`: nobody has written to the namespace, so it holds nothing.
    pub(super) async fn read_one(
        &self,
        headers: &HeaderMap,
        (backend, key): (Backend, &str),
        reads: Reads,
        deadline: Deadline,
    ) -> Result<Option<Outcome>, ApiError> {
        self.ask_in_namespace(headers, (backend, key), || Action::Get, (CallKind::Read, reads, deadline)).await
    }

    /// Executes an operation that makes no namespace; `None`: there is none, so it holds nothing.
    pub(super) async fn ask_one<'a>(
        &self,
        headers: &HeaderMap,
        (backend, key): (Backend, &'a str),
        action: impl Fn() -> Action<'a>,
        (kind, deadline): (CallKind, Deadline),
    ) -> Result<Option<Outcome>, ApiError> {
        self.ask_in_namespace(headers, (backend, key), action, (kind, Reads::Fresh, deadline)).await
    }

    async fn ask_in_namespace<'a>(
        &self,
        headers: &HeaderMap,
        (backend, key): (Backend, &'a str),
        action: impl Fn() -> Action<'a>,
        (kind, reads, deadline): (CallKind, Reads, Deadline),
    ) -> Result<Option<Outcome>, ApiError> {
        let mut renewals = 0;
        loop {
            let Some(namespace) = self.namespace(headers, deadline, kind).await? else { return Ok(None) };
            let outcome = self.execute_in((namespace, backend), key, action(), (reads, deadline)).await;
            if !is_gone(&outcome) || renewals == RENEWALS_MAX {
                return Ok(Some(outcome));
            }
            renewals += 1;
            self.catch_up(kind, deadline).await?;
        }
    }

    async fn execute_in(
        &self,
        space: (NamespaceId, Backend),
        key: &str,
        action: Action<'_>,
        (reads, deadline): (Reads, Deadline),
    ) -> Outcome {
        let hash = self.shared.view.load().hash(space.0, key);
        let op = PointOp { hash, epoch: Epoch(0), key, action };
        self.dispatcher.execute_one(space, op, reads, deadline).await
    }
}

/// Whether the owner refused because the namespace was removed.
pub(super) fn is_gone(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(failure) if failure.reason == Reason::Refused(Fault::UnknownNamespace))
}
