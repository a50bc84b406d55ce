//! Announces this process's start to the cluster: until it is applied, the node takes no role.

use std::{sync::Arc, time::Duration};

use ringhold_model::{
    NodeId,
    cluster::{Command, Rejection},
};

use crate::{handle::ProposeError, propose::propose_own, shared::Shared};

/// One attempt.
const ATTEMPT_MAX: Duration = Duration::from_secs(2);
/// Between looks and attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Proposes `NodeStart` until it is applied here. Returns the id when the cluster refused it for good.
pub(crate) async fn announce_start(shared: Arc<Shared>) -> Option<NodeId> {
    while shared.incarnation().is_none() {
        tokio::select! {
            () = shared.cancel.cancelled() => return None,
            () = tokio::time::sleep(PAUSE) => {}
        }
        let me = shared.me();
        let (Some(node), true) = (me.node, shared.is_member()) else { continue };
        let settings = &shared.settings;
        let command = Command::NodeStart {
            node,
            birth: me.birth,
            boot: me.boot,
            addresses: shared.addresses.clone(),
            zone: settings.zone.clone(),
            weight: settings.weight,
        };
        match propose_own(&shared, command, ATTEMPT_MAX).await {
            Ok(_) | Err(ProposeError::Rejected(Rejection::NotFormed)) => {}
            Err(ProposeError::Rejected(rejection)) => {
                let is_final =
                    matches!(rejection, Rejection::NodeGone(_) | Rejection::UnknownNode(_) | Rejection::OldStart(_));
                tracing::error!(node.id = node.0, %rejection, "the cluster refuses this node's start");
                if is_final {
                    return Some(node);
                }
            }
            Err(error) => tracing::debug!(%error, "this node's start is not applied yet"),
        }
    }
    None
}
