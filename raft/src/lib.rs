//! Ringhold's control plane: membership, ranges and configuration agreed by openraft.
//!
//! ```text
//! Options → Node::build → run (own thread) ─┬─ lifecycle   identity, bootstrap, Raft up and down
//!                Handle ←──── Shared ←──────┼─ listen      control calls served; data connections handed on
//!           (state, propose, status, lease) ├─ leader      membership, plan and members of ranges follow the state
//!                                           ├─ leasing     leases asked for and granted
//!                                           └─ announce, start, status, propose
//! ```
//!
//! Nobody outside sees openraft: the contract is the model's rule book (commands in, state out) and [`Handle`]. Deliberately
//! absent: cached data, and any decision of the rule book's.
//!
//! Reading order: `options` → `node` → `handle` → `identity` → `bootstrap` → `lifecycle` → `lease` → `leasing` → `leader` →
//! `network` → `service` → `state_machine` → `store`.

mod announce;
mod book;
mod bootstrap;
mod error;
mod folder;
mod handle;
mod identity;
mod leader;
pub mod lease;
mod leasing;
mod lifecycle;
mod listen;
mod network;
mod node;
mod options;
mod propose;
mod sealed;
mod service;
mod shared;
#[doc(hidden)]
pub mod simulated;
mod snapshot;
mod start;
mod state_machine;
mod status;
pub mod store;
mod types;
mod view;

pub use error::{BuildError, RunError};
pub use handle::{Handle, ProposeError};
pub use identity::IdentityError;
/// For simulations that bring their own clock and network.
#[doc(hidden)]
pub use leader::{Duties, Facts};
pub use leasing::{Lease, LeaseSwitch};
pub use node::{Node, NodeThread};
pub use options::{Compaction, DataConnection, Formation, Founding, Listen, Options, Timings};
pub use store::{StoreError, StoreKind};
