//! What nodes say to each other: a primary's messages to this member, taken at once, on the connection's task.

use std::sync::Arc;

use bytes::Bytes;
use ringhold_model::{
    ClusterId,
    wire::{Fault, decode},
};
use ringhold_rpc::{Call, Handled, Hello, ReplyBuffer, encode_onto};

use super::Node;
use crate::replica::message::{Reply, Request};

/// Answers `Method::Replicate`.
pub(super) fn call(node: &Arc<Node>, call: Call<'_>) -> Handled {
    if !is_peer(call.hello, node.control.cluster_id()) {
        return Handled::Failed(Fault::WrongPeer);
    }
    let Ok(request) = decode::<Request<'_>>(&call.body) else { return Handled::Failed(Fault::Malformed) };
    match node.engine() {
        Some(engine) if request.view <= engine.acted() => {
            match engine.follow(&request, node.clock.now(), |reply| call.reply.write(reply)) {
                Ok(()) => Handled::Replied,
                Err(_) => Handled::Failed(Fault::Malformed),
            }
        }
        _ => late(node.clone(), request.view, call.body.clone()),
    }
}

/// The primary is ahead: this node first acts by its view, however long that takes within the call's deadline. Calls of the
/// connection that come after may be taken before this one then; what arrives out of order is refused and said again.
fn late(node: Arc<Node>, view: u64, body: Bytes) -> Handled {
    Handled::later(async move {
        node.wait_until_acted(view).await;
        let engine = node.engine().ok_or(Fault::NotFormed)?;
        let request: Request<'_> = decode(&body).map_err(|_| Fault::Malformed)?;
        let mut encoded = Vec::new();
        let write = |reply: &Reply<'_>| encode_onto(reply, &mut encoded);
        engine.follow(&request, node.clock.now(), write).map_err(|_| Fault::Malformed)?;
        Ok(encoded)
    })
}

/// True for a node of this very cluster. Both must know which that is.
fn is_peer(hello: &Hello, own: ClusterId) -> bool {
    hello.from.is_some() && own != ClusterId::default() && hello.cluster == own
}

/// Answers `Method::Progress`.
pub(super) fn progress(node: &Node, reply: &mut ReplyBuffer) -> Handled {
    let Some(progress) = node.progress() else { return Handled::Failed(Fault::NotFormed) };
    match reply.write(&progress) {
        Ok(()) => Handled::Replied,
        Err(_) => Handled::Failed(Fault::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use ringhold_model::{NodeId, wire::Channel};

    use super::*;

    #[test]
    fn only_nodes_of_the_same_cluster_are_peers() {
        let hello = |cluster, from: Option<u64>| Hello {
            channel: Channel::Data,
            cluster: ClusterId(cluster),
            from: from.map(NodeId),
            target: None,
        };
        assert!(is_peer(&hello(7, Some(2)), ClusterId(7)));
        for (stranger, own) in
            [(hello(7, None), 7), (hello(8, Some(2)), 7), (hello(0, Some(2)), 7), (hello(0, Some(2)), 0)]
        {
            assert!(!is_peer(&stranger, ClusterId(own)), "{stranger:?} at {own}");
        }
    }
}
