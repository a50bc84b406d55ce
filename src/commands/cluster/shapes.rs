//! The parts of answers that are shown to people, as they are read from JSON.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{client::Answer, failure::Failure};

/// Reads an answer; one of another shape comes from a router of another version.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_str(answer.text()).map_err(|error| {
        Failure::failed(format!(
            "the answer is of another shape ({error}); are router and `ringhold` of the same version?"
        ))
    })
}

/// `GET /api/cluster`.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) cluster: String,
    pub(super) leader: Option<u64>,
    pub(super) term: u64,
    pub(super) version: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) ranges: Ranges,
    pub(super) plan: PlanState,
    pub(super) transfers: Transfers,
    pub(super) settings: Settings,
}

#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) id: u64,
    pub(super) state: String,
    pub(super) membership: String,
    pub(super) has_lease: Option<bool>,
    pub(super) is_stopping: bool,
    pub(super) uptime_seconds: Option<u64>,
    pub(super) zone: String,
    pub(super) weight: u64,
    pub(super) is_leader: bool,
    pub(super) is_voter: bool,
    pub(super) primary_ranges: u64,
    pub(super) copy_ranges: u64,
    pub(super) pending_ranges: u64,
    pub(super) ranges: u64,
    pub(super) planned_ranges: u64,
    pub(super) single_copy_writes: Option<u64>,
    pub(super) addresses: Addresses,
}

#[derive(Debug, Deserialize)]
pub(super) struct Addresses {
    pub(super) rpc: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ranges {
    pub(super) total: u64,
    pub(super) unavailable: u64,
    pub(super) unassigned: u64,
    pub(super) full: u64,
    pub(super) under_replicated: u64,
    pub(super) single_copy: u64,
    pub(super) without_living_member: u64,
    pub(super) pending: u64,
    pub(super) taking_over: u64,
    pub(super) resets: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlanState {
    pub(super) is_current: bool,
    pub(super) is_reached: bool,
    pub(super) zone_rule_relaxed: bool,
    pub(super) absent: Vec<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Transfers {
    pub(super) ranges_left: u64,
    pub(super) keys_left: u64,
    pub(super) bytes_left: u64,
    pub(super) bytes_per_s: u64,
    pub(super) eta_seconds: Option<u64>,
    pub(super) running: Vec<Transfer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Transfer {
    pub(super) range: u64,
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) keys: u64,
    pub(super) keys_total: u64,
    pub(super) bytes: u64,
    pub(super) bytes_per_s: u64,
    pub(super) eta_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Settings {
    pub(super) replication_factor: u64,
    pub(super) min_in_sync: u64,
    pub(super) moves_paused: bool,
}

/// The answer of plan, apply and changes of nodes.
#[derive(Debug, Deserialize)]
pub(super) struct Planned {
    pub(super) message: String,
    pub(super) plan: Plan,
}

#[derive(Debug, Deserialize)]
pub(super) struct Plan {
    pub(super) is_reached: bool,
    pub(super) is_paused: bool,
    pub(super) zone_rule_relaxed: bool,
    pub(super) ranges: u64,
    pub(super) keys: u64,
    pub(super) bytes: u64,
    pub(super) seconds_at_least: Option<u64>,
    pub(super) moves: Vec<Move>,
    pub(super) handovers: Vec<Handover>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) nodes: Vec<Share>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Move {
    pub(super) from: Option<u64>,
    pub(super) to: u64,
    pub(super) ranges: u64,
    pub(super) keys: u64,
    pub(super) bytes: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Handover {
    pub(super) from: Option<u64>,
    pub(super) to: u64,
    pub(super) ranges: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dropped {
    pub(super) node: u64,
    pub(super) ranges: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Share {
    pub(super) id: u64,
    pub(super) primary_ranges: u64,
    pub(super) ranges: u64,
    pub(super) planned_primary_ranges: u64,
    pub(super) planned_ranges: u64,
}

/// `GET /api/cluster/nodes/{id}/safe-to-stop`.
#[derive(Debug, Deserialize)]
pub(super) struct Safety {
    pub(super) safe: bool,
    pub(super) reasons: Vec<String>,
    pub(super) primary_ranges: u64,
    pub(super) single_copy_writes: Option<u64>,
}
