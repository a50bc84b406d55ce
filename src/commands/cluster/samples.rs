//! Answers of a router, as the tests of the commands get them.

/// `GET /api/cluster` while a copy is being filled.
pub(in crate::commands) const STATUS: &str = r#"{"success": true, "cluster": "5d1f0c3a9b7e4286", "leader": 1, "term": 3,
    "version": 42, "last_log": 42, "voters": [1], "learners": [2], "gone": [], "nodes": [
    {"id": 1, "state": "active", "membership": "active", "is_alive": true, "has_lease": true, "since_ms": 120,
     "is_stopping": false, "uptime_seconds": 86400, "zone": "eu-1", "weight": 100, "is_leader": true, "is_voter": true,
     "primary_ranges": 5, "copy_ranges": 3, "pending_ranges": 0, "ranges": 8, "planned_ranges": 5, "share": 0.6,
     "single_copy_writes": 0, "addresses": {"rpc": "10.0.0.1:7400", "health": "10.0.0.1:7480"}},
    {"id": 2, "state": "down", "membership": "leaving", "is_alive": false, "has_lease": false, "since_ms": 9000,
     "is_stopping": false, "uptime_seconds": null, "zone": "", "weight": 200, "is_leader": false, "is_voter": false,
     "primary_ranges": 3, "copy_ranges": 4, "pending_ranges": 1, "ranges": 7, "planned_ranges": 6, "share": 0.4,
     "single_copy_writes": null, "addresses": {"rpc": "10.0.0.2:7400", "health": "10.0.0.2:7480"}}],
    "ranges": {"total": 8, "serving": 8, "unavailable": 0, "unassigned": 0, "full": 7, "under_replicated": 1,
     "single_copy": 0, "without_living_member": 0, "pending": 1, "taking_over": 0, "resets": 2},
    "plan": {"version": 40, "is_current": true, "is_reached": false, "zone_rule_relaxed": false, "absent": []},
    "transfers": {"ranges_left": 4, "keys_left": 1480, "bytes_left": 592000, "bytes_per_s": 32000, "eta_seconds": 19,
     "done": {"ranges": 2, "keys": 800, "bytes": 320000}, "running": [{"range": 1, "from": 1, "to": 2, "keys": 120,
     "keys_total": 400, "bytes": 48000, "bytes_per_s": 32000, "elapsed_ms": 1500, "eta_seconds": 4}]},
    "settings": {"replication_factor": 2, "min_in_sync": 1, "moves_paused": false, "fill_bytes_per_s": 268435456,
     "rehome_after_s": 60, "reset_after_s": 30},
    "coverage": {"nodes": 2, "nodes_total": 2, "ranges": 8, "ranges_total": 8}, "complete": true}"#;

/// The answer of plan, apply and changes of nodes.
pub(in crate::commands) const PLAN: &str = r#"{"success": true, "message": "What the change would move; nothing was changed",
    "node": {"id": 1, "membership": "leaving"}, "plan": {"is_reached": false, "is_paused": false,
    "zone_rule_relaxed": false, "ranges": 3, "keys": 1480, "bytes": 592000, "seconds_at_least": 2,
    "moves": [{"from": 2, "to": 4, "ranges": 2, "keys": 800, "bytes": 320000},
     {"from": null, "to": 3, "ranges": 1, "keys": 680, "bytes": 272000}],
    "handovers": [{"from": 2, "to": 4, "ranges": 2}], "dropped": [{"node": 1, "ranges": 5}],
    "nodes": [{"id": 2, "primary_ranges": 3, "ranges": 6, "planned_primary_ranges": 1, "planned_ranges": 4}]},
    "coverage": {"nodes": 2, "nodes_total": 2, "ranges": 8, "ranges_total": 8}, "complete": true}"#;
