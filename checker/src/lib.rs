//! Ringhold's protocol of copies as an explicit-state model: every order of events of small scenarios is visited,
//! breadth-first.
//!
//! One range, one or two keys, two or three nodes, a handful of operations; a network that delays, reorders and loses;
//! nodes that crash with their memory; leases that end at any time; a Raft log whose entries are committed at once and
//! applied late. In every state everyone who would answer is read, and nothing older may be seen than what was
//! acknowledged or read before. Each rule of the protocol can be broken by a [`Mutation`](mutation::Mutation), and the
//! model then finds what goes wrong.
//!
//! Deliberately absent: time (a lease ends when the adversary says so), liveness, expiry and eviction, backends,
//! batches. `docs/correctness.md` has the rules, and what goes wrong without each.
//!
//! Reading order: `model` → `state` (`range`, `node`, `primary`, `message`, `leader`) → `steps` → `observe` →
//! `explore`.

pub mod explore;
pub mod fingerprint;
pub mod ids;
pub mod leader;
pub mod list;
pub mod message;
pub mod model;
pub mod mutation;
pub mod node;
pub mod observe;
pub mod primary;
pub mod prune;
pub mod range;
pub mod record;
pub mod report;
pub mod scenario;
pub mod state;
pub mod step;
pub mod steps;
pub mod trace;
