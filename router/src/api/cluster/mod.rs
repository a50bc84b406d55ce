//! The operator's calls: what the cluster looks like, what a change would move, and the changes themselves.
//!
//! | method and path | handler |
//! | --- | --- |
//! | `GET /api/cluster` | [`status`] |
//! | `POST /api/cluster/plan`, `apply`, `pause`, `resume`, `cancel` | [`plan`] |
//! | `POST /api/cluster/nodes/{id}/drain`, `remove`, `PATCH …/{id}`, `GET …/{id}/safe-to-stop` | [`nodes`] |
//! | `PATCH /api/cluster/settings` | [`settings`] |
//!
//! Every change is a command for the rule book; nothing here decides. What is told of plans is computed from the router's
//! view, after it caught up with the nodes.

mod gather;
pub(super) mod nodes;
pub(super) mod plan;
pub(super) mod settings;
mod status;

pub(super) use status::cluster;
