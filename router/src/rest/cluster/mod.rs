//! The operator's calls as plain functions: bodies to typed requests, and from what nodes and leader tell to what an operator
//! asks for.
//!
//! Reading order: `request` (bodies) -> `sight` (what is known of each node) -> `outlook` (what a plan moves) -> `transfer`
//! (what moves now) -> `pace` (how fast) -> `safety` (whether a node may be stopped).

mod outlook;
mod pace;
mod request;
mod safety;
mod sight;
mod transfer;

pub use outlook::{Flow, Outlook, Share, goal, outlook};
pub use pace::Paces;
pub use request::{CHANGES_MAX, Change, change, drain, node_id, removal, settings, weight};
pub use safety::{Safety, safety};
pub use sight::{Amount, Holdings, Sight, Sights};
pub use transfer::{Transfer, Transfers, bytes_sent, transfers};

#[cfg(test)]
mod tests;
