//! What only the leader does: it brings the Raft membership, the plan, and who holds which range in line with the replicated
//! state and with who lives.
//!
//! ```text
//! members  one step of the Raft membership at a time ── voters
//! work     the commands that are due ── duties ── plan, copies, primaries, loss, silences
//! ```
//!
//! Plain functions look at the facts and say what is next; two loops do it under a timeout and look again. Nothing is
//! remembered but for how long something has been so, so a new leader simply goes on.

mod copies;
mod duties;
mod facts;
mod loss;
mod members;
mod plan;
mod primaries;
mod silences;
#[cfg(test)]
mod tests;
mod voters;
mod work;

pub use duties::Duties;
pub use facts::Facts;
pub(crate) use members::run as keep_members;
pub(crate) use work::run as do_duties;
