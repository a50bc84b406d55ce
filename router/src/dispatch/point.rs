//! Reads and writes of single keys, alone or in batches.

use ringhold_model::{NamespaceId, RouterId, config::Backend, wire::PointOp};
use ringhold_rpc::Deadline;

use super::{
    extra::Extra,
    nodes::Nodes,
    op_window::OpWindow,
    outcome::Outcome,
    pending::{Pending, Reads},
    propose::Proposals,
    run::{Run, Scope},
};
use crate::{metrics::DispatchCounters, view::ViewCell};

/// Sends operations to the nodes that own their keys. One a worker thread, with its own connections and operation ids.
#[derive(Debug)]
pub(crate) struct Dispatcher {
    pub(crate) view: ViewCell,
    pub(crate) nodes: Nodes,
    pub(super) router: RouterId,
    pub(super) window: OpWindow,
    pub(super) proposals: Proposals,
    pub(super) extra: Extra,
}

impl Dispatcher {
    /// A dispatcher with its own operation ids under `router`, a random number.
    pub(crate) fn new(view: ViewCell, nodes: Nodes, router: RouterId, counters: DispatchCounters) -> Self {
        let (window, proposals) = (OpWindow::new(), Proposals::new(router));
        Self { view, nodes, router, window, proposals, extra: Extra::new(counters) }
    }

    /// Executes one operation, whose hash is set. A write gets its id here.
    pub(crate) async fn execute_one(
        &self,
        (namespace, backend): (NamespaceId, Backend),
        op: PointOp<'_>,
        reads: Reads,
        deadline: Deadline,
    ) -> Outcome {
        self.extra.budget.earn();
        self.execute_in_one(Scope { namespace, backend, reads, deadline }, op).await
    }

    /// Executes operations, whose hashes are set, and answers in their order. Writes get their ids here.
    pub(crate) async fn execute(
        &self,
        (namespace, backend): (NamespaceId, Backend),
        ops: Vec<PointOp<'_>>,
        reads: Reads,
        deadline: Deadline,
    ) -> Vec<Outcome> {
        self.extra.budget.earn();
        let ids = self.window.open(ops.len());
        let number = |(at, op)| Pending::new(numbered(op, ids.first + at as u64));
        let ops = ops.into_iter().enumerate().map(number).collect();
        Run::new(self, Scope { namespace, backend, reads, deadline }, ops).finish().await
    }
}

/// `op` with `id` as its operation id, if it is a write.
pub(super) fn numbered(mut op: PointOp<'_>, id: u64) -> PointOp<'_> {
    if let Some(n) = op.action.n_mut() {
        *n = id;
    }
    op
}
