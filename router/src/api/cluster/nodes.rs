//! `POST /api/cluster/nodes/{id}/drain`, `remove`, `PATCH /api/cluster/nodes/{id}`, `GET …/{id}/safe-to-stop`.

use axum::{body::Body, response::Response};
use http::Request;
use ringhold_model::{
    NodeId,
    cluster::{Command, NodeState, Reply},
};
use ringhold_rpc::Deadline;

use super::{
    super::{core::Core, respond},
    gather::{catch_up, gather},
    plan::{PLAN_BYTES, forecast},
};
use crate::rest::{self, ApiError, CallKind, render};

/// Path of a node, before its id.
const PATH: &str = "/api/cluster/nodes/";
/// Room for the answer of safe-to-stop.
const SAFETY_BYTES: usize = 512;

/// A node is to hand over all it holds, or not after all.
pub(in crate::api) async fn drain(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let node = node_in(head.uri.path())?;
    let cancel = rest::cluster::drain(head.uri.query(), &core.json_body(&head.headers, body).await?)?;
    change(core, node, Command::Drain { node, cancel }, deadline, |_| {
        let message = match cancel {
            true => "The node keeps what it holds and takes its share again",
            false => "The node hands over what it holds; it may be stopped when safe-to-stop says so",
        };
        message.to_owned()
    })
    .await
}

/// A node will never return.
pub(in crate::api) async fn remove(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let node = node_in(head.uri.path())?;
    let force = rest::cluster::removal(&core.json_body(&head.headers, body).await?)?;
    change(core, node, Command::RemoveNode { node, force }, deadline, |reply| match reply {
        Reply::Ranges { reset: lost @ 1.., .. } => {
            format!("The node is removed; {lost} ranges had their last copy there and began again, empty")
        }
        _ => "The node is removed; it held no last copy".to_owned(),
    })
    .await
}

/// Sets a node's share of the ranges.
pub(in crate::api) async fn weigh(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let deadline = core.deadline();
    let (head, body) = request.into_parts();
    let node = node_in(head.uri.path())?;
    let weight = rest::cluster::weight(&core.json_body(&head.headers, body).await?)?;
    change(core, node, Command::SetWeight { node, weight }, deadline, |_| match weight {
        Some(weight) => format!("The node has the weight {weight}"),
        None => "The node has the weight that it was started with".to_owned(),
    })
    .await
}

/// Whether a node may be stopped now.
pub(in crate::api) async fn safe_to_stop(core: &Core, request: Request<Body>) -> Result<Response, ApiError> {
    let node = node_in(request.uri().path())?;
    catch_up(core, CallKind::Read, core.deadline()).await?;
    check_member(core, node)?;
    let (sights, coverage) = gather(core).await;
    let view = core.shared.view.load_full();
    let safety = rest::cluster::safety(&view.state, &core.shared.view.status(), &sights, node);
    Ok(respond::json_covered(SAFETY_BYTES, &coverage, |out| render::safe_to_stop(out, node, &safety, &coverage)))
}

/// Proposes a change of one node, and tells the plan that is in force by then.
async fn change(
    core: &Core,
    node: NodeId,
    command: Command,
    deadline: Deadline,
    message: impl FnOnce(&Reply) -> String,
) -> Result<Response, ApiError> {
    let kind = CallKind::Write;
    catch_up(core, kind, deadline).await?;
    check_member(core, node)?;
    let proposed = core.dispatcher.propose(command, deadline).await;
    let (_, reply) = proposed.map_err(|failure| core.error(&failure, kind))?;
    let message = message(&reply);
    let forecast = forecast(core, Vec::new(), kind).await?;
    let state = core.shared.view.load().state.nodes.get(&node).map_or(NodeState::Gone, |node| node.state);
    let membership = render::state_word(state, false);
    Ok(respond::json_covered(PLAN_BYTES, &forecast.coverage, |out| {
        render::node_changed(out, node, membership, &forecast.view(&message));
    }))
}

/// The node that the path names.
fn node_in(path: &str) -> Result<NodeId, ApiError> {
    let rest = path.strip_prefix(PATH).unwrap_or_default();
    rest::cluster::node_id(rest.split('/').next().unwrap_or_default())
}

/// Refuses ids that no member has, those of nodes that are gone among them.
fn check_member(core: &Core, node: NodeId) -> Result<(), ApiError> {
    let is_member = core.shared.view.load().state.nodes.get(&node).is_some_and(|node| node.state != NodeState::Gone);
    if is_member { Ok(()) } else { Err(ApiError::UnknownNode(node.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_node_is_named_by_the_path() {
        for (path, id) in [("/api/cluster/nodes/7", 7), ("/api/cluster/nodes/12/drain", 12)] {
            assert_eq!(node_in(path), Ok(NodeId(id)));
        }
        assert!(node_in("/api/cluster/nodes//drain").is_err());
    }
}
