//! Answers of changes: the settings, and one node.

use ringhold_model::{NodeId, cluster};
use serde::Serialize;

use super::{
    super::{
        super::coverage::Coverage,
        splice::{raw, serde, string},
    },
    plan::{PlanView, write_plan},
};

/// The data plane's settings as they are shown.
#[derive(Serialize)]
pub(super) struct Settings {
    replication_factor: u8,
    min_in_sync: u8,
    moves_paused: bool,
    fill_bytes_per_s: u64,
    rehome_after_s: u32,
    reset_after_s: u32,
}

impl From<&cluster::Settings> for Settings {
    fn from(settings: &cluster::Settings) -> Self {
        let cluster::Settings {
            replication_factor,
            min_in_sync,
            moves_paused,
            fill_bytes_per_s,
            rehome_after_s,
            reset_after_s,
        } = *settings;
        Self { replication_factor, min_in_sync, moves_paused, fill_bytes_per_s, rehome_after_s, reset_after_s }
    }
}

/// Answer of changing the settings, once every serving node acts by them.
pub fn settings_changed(out: &mut Vec<u8>, settings: &cluster::Settings, version: u64, coverage: &Coverage) {
    raw(out, "{\"success\":true,\"message\":\"The settings hold on every serving node\",\"settings\":");
    serde(out, &Settings::from(settings));
    raw(out, ",\"version\":");
    serde(out, &version);
    coverage.write_members(out);
    out.push(b'}');
}

/// Answer of draining, removing or weighing one node: its state by now, and the plan that is in force.
pub fn node_changed(out: &mut Vec<u8>, node: NodeId, membership: &str, view: &PlanView<'_>) {
    string(out, "{\"success\":true,\"message\":", view.message);
    raw(out, ",\"node\":{\"id\":");
    serde(out, &node.0);
    string(out, ",\"membership\":", membership);
    raw(out, "},\"plan\":");
    write_plan(out, view);
    view.coverage.write_members(out);
    out.push(b'}');
}
