//! Where each range *should* live: consistent hashing with bounded loads, zones and weights.
//!
//! ```text
//! nodes ──► Table (points on the hash circle, by weight) ──► walk clockwise from a range's start ──► owners
//!                                                             skips: full nodes, zones already used
//! ```
//!
//! A pure function: the leader computes it and Raft stores the result. Nobody else computes owners, they look them up.
//! Given the previous placement, only what has to move moves; see [`place`].

mod hasher;
mod place;
mod quota;
mod table;

pub use place::{Candidate, Placement, place};
pub use quota::{Quota, quotas};
