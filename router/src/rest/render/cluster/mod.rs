//! Answers of the operator's calls.

mod change;
mod plan;
mod safety;
mod status;

pub use change::{node_changed, settings_changed};
pub use plan::{PlanView, plan};
pub use safety::safe_to_stop;
pub use status::{ClusterView, cluster, state_word};

#[cfg(test)]
mod tests;
