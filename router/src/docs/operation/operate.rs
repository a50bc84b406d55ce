//! The operator's calls.

use utoipa::openapi::{
    Required,
    path::{HttpMethod, OperationBuilder},
    request_body::{RequestBody, RequestBodyBuilder},
    schema::{ObjectBuilder, Type},
};

use super::{
    super::{
        example,
        schema::{named, node_id},
    },
    Call, covered, json_body, json_content, operation, path, query, responses,
};

/// Of a call that only looks.
const LOOK: &[u16] = &[500, 503, 504];
/// The same for one node.
const LOOK_AT: &[u16] = &[4040, 422, 500, 503, 504];
/// Of a plan, which may name nodes that are not there, or that cannot be spared.
const PLAN: &[u16] = &[400, 4040, 408, 4093, 413, 415, 422, 500, 503, 504];
/// Of a change without a body.
const PLAIN: &[u16] = &[4093, 500, 503, 504];
const SETTINGS: &[u16] = &[400, 408, 4093, 413, 415, 422, 500, 503, 504];

pub(super) fn calls() -> Vec<Call> {
    vec![
        cluster(),
        plan(),
        apply(),
        moves(
            "pause",
            "Pause moves",
            "Copies stay where they are; lost ones are still restored.",
            "/api/cluster/pause",
        ),
        moves("resume", "Resume moves", "What `apply` without a change does.", "/api/cluster/resume"),
        moves(
            "cancel",
            "Cancel moves",
            "Copies that are being filled are given up, and the present layout becomes the plan until nodes, weights or \
                the number of copies change. Copies that were lost are still restored.",
            "/api/cluster/cancel",
        ),
        settings(),
        weigh(),
        drain(),
        remove(),
        safe_to_stop(),
    ]
}

fn cluster() -> Call {
    let success = covered("Nodes, ranges, settings and transfers.", named("ClusterResponse"), example::cluster());
    let about = "Asks every node and the leader at most for a second.";
    let operation = operation("cluster", "cluster", "State of the cluster", about).responses(responses(success, LOOK));
    ("/api/cluster", HttpMethod::Get, operation.build())
}

fn plan() -> Call {
    let about = "Changes nothing. Without a body, or with an empty one: what is left to do now.";
    let success = covered("What it would take.", named("PlanResponse"), example::plan());
    let operation = operation("plan", "operations", "What a change would move", about)
        .request_body(Some(optional("ClusterChange", example::change_request())))
        .responses(responses(success, PLAN));
    ("/api/cluster/plan", HttpMethod::Post, operation.build())
}

fn apply() -> Call {
    let about = "Answers as soon as the change is decided; `GET /api/cluster` shows how it goes on. Without a body, or with \
        an empty one: resumes what was paused.";
    let success = covered("The plan that is in force.", named("PlanResponse"), example::applied());
    let operation = operation("apply", "operations", "Change the cluster", about)
        .request_body(Some(optional("ClusterChange", example::change_request())))
        .responses(responses(success, PLAN));
    ("/api/cluster/apply", HttpMethod::Post, operation.build())
}

fn moves(id: &str, summary: &str, about: &str, at: &'static str) -> Call {
    let success = covered("The plan that is in force.", named("PlanResponse"), example::applied());
    let operation = operation(id, "operations", summary, about).responses(responses(success, PLAIN));
    (at, HttpMethod::Post, operation.build())
}

fn settings() -> Call {
    let success =
        covered("Every serving node acts by it.", named("SettingsChangeResponse"), example::settings_changed());
    let about = "They are shown by `GET /api/cluster`.";
    let operation = operation("patchClusterSettings", "operations", "Change settings of the copies", about)
        .request_body(Some(json_body("ClusterSettingsPatch", example::settings_patch())))
        .responses(responses(success, SETTINGS));
    ("/api/cluster/settings", HttpMethod::Patch, operation.build())
}

fn weigh() -> Call {
    let about = "Its share of the ranges relative to the others.";
    let operation = of_node(2, "weighNode", "Set a node's weight", about)
        .request_body(Some(json_body("NodePatch", example::node_patch())))
        .responses(responses(changed(), PLAN));
    ("/api/cluster/nodes/{id}", HttpMethod::Patch, operation.build())
}

fn drain() -> Call {
    let about = "It hands over all it holds and gets nothing new; it goes on serving meanwhile, and may be stopped or removed \
        when it holds nothing. `cancel` takes that back.";
    let cancel = ObjectBuilder::new().schema_type(Type::Boolean);
    let operation = of_node(3, "drainNode", "Drain a node", about)
        .parameter(query("cancel", cancel, "As in the body."))
        .request_body(Some(optional("DrainRequest", example::drain_request())))
        .responses(responses(changed(), PLAN));
    ("/api/cluster/nodes/{id}/drain", HttpMethod::Post, operation.build())
}

fn remove() -> Call {
    let about = "It will never return; its id is not used again. Refused with 409 while it holds the last copy of a range, \
        unless forced.";
    let operation = of_node(7, "removeNode", "Remove a node for good", about)
        .request_body(Some(optional("RemoveRequest", example::remove_request())))
        .responses(responses(changed(), PLAN));
    ("/api/cluster/nodes/{id}/remove", HttpMethod::Post, operation.build())
}

fn safe_to_stop() -> Call {
    let about = "Safe: no range loses its last copy, none falls below `min_in_sync`, and the voters keep a majority.";
    let success = covered("The answer.", named("SafeToStopResponse"), example::safe_to_stop());
    let operation =
        of_node(2, "safeToStop", "Whether a node may be stopped", about).responses(responses(success, LOOK_AT));
    ("/api/cluster/nodes/{id}/safe-to-stop", HttpMethod::Get, operation.build())
}

fn changed() -> utoipa::openapi::response::ResponseBuilder {
    covered("The node and the plan that is in force.", named("NodeChangeResponse"), example::node_changed())
}

/// A call on one node, such as `example`.
fn of_node(example: u64, id: &str, summary: &str, about: &str) -> OperationBuilder {
    let node = node_id().examples([example]);
    operation(id, "operations", summary, about).parameter(path("id", node, "Id of the node."))
}

/// A JSON body that may be left out.
fn optional(name: &str, example: serde_json::Value) -> RequestBody {
    RequestBodyBuilder::new()
        .content("application/json", json_content(named(name), example))
        .required(Some(Required::False))
        .build()
}
