//! Statistics of every node.

use futures_util::future::join_all;
use ringhold_model::{
    NamespaceId, NodeId,
    wire::{Method, NodeStats, StatsReply, StatsRequest, decode},
};
use ringhold_rpc::{CallError, Deadline};

use super::point::Dispatcher;

impl Dispatcher {
    /// Asks every node that should be running; the answer of one that could not be asked is `None`. Ascending by node.
    pub(crate) async fn node_stats(
        &self,
        namespace: Option<NamespaceId>,
        deadline: Deadline,
    ) -> Vec<(NodeId, Option<NodeStats>)> {
        let nodes: Vec<NodeId> = self.view.load().active_nodes().collect();
        join_all(nodes.into_iter().map(async |node| {
            let stats = self.stats_of(node, namespace, deadline).await;
            if let Err(error) = &stats {
                tracing::debug!(node.id = node.0, %error, "a node did not tell its figures");
            }
            (node, stats.ok())
        }))
        .await
    }

    async fn stats_of(
        &self,
        node: NodeId,
        namespace: Option<NamespaceId>,
        deadline: Deadline,
    ) -> Result<NodeStats, CallError> {
        let view = self.view.load_full();
        let frame = self.nodes.call(&view, node, Method::Stats, &StatsRequest { namespace }, deadline).await?;
        let reply: StatsReply = decode(&frame)?;
        Ok(reply.stats)
    }
}
