//! What the nodes hold and fill, and which of them hold a lease: for operators.

use futures_util::future::join_all;
use ringhold_model::{
    NodeId,
    wire::{LeasesReply, Method, ProgressReply, decode},
};
use ringhold_rpc::{CallError, Deadline};

use super::point::Dispatcher;

impl Dispatcher {
    /// Asks every node that should be running what it holds and fills; the answer of one that could not be asked is `None`.
    /// Ascending by node.
    pub(crate) async fn progress(&self, deadline: Deadline) -> Vec<(NodeId, Option<ProgressReply>)> {
        let nodes: Vec<NodeId> = self.view.load().active_nodes().collect();
        join_all(nodes.into_iter().map(async |node| {
            let progress = self.progress_of(node, deadline).await;
            if let Err(error) = &progress {
                tracing::debug!(node.id = node.0, %error, "a node did not tell what it holds and fills");
            }
            (node, progress.ok())
        }))
        .await
    }

    /// Who holds a lease, as the leader counts. Asks the node that is taken for the leader, then all others, because the
    /// leader may have changed; `None`: no node that answered in time leads.
    pub(crate) async fn leases(&self, deadline: Deadline) -> Option<LeasesReply> {
        let known = self.view.status().leader;
        if let Some(leader) = known
            && let Ok(leases) = self.leases_of(leader, deadline).await
        {
            return Some(leases);
        }
        let others: Vec<NodeId> = self.view.load().active_nodes().filter(|node| Some(*node) != known).collect();
        let answers = join_all(others.into_iter().map(|node| self.leases_of(node, deadline))).await;
        answers.into_iter().find_map(Result::ok)
    }

    pub(super) async fn progress_of(&self, node: NodeId, deadline: Deadline) -> Result<ProgressReply, CallError> {
        let view = self.view.load_full();
        let frame = self.nodes.call(&view, node, Method::Progress, &(), deadline).await?;
        Ok(decode(&frame)?)
    }

    async fn leases_of(&self, node: NodeId, deadline: Deadline) -> Result<LeasesReply, CallError> {
        self.nodes.control(&self.view.load_full(), node)?.call_typed(Method::Leases, &(), deadline).await
    }
}
