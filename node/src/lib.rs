//! A Ringhold node: cache engine, range state machine, data service, health and metrics.
//!
//! What a node guarantees: it serves a range only in the epoch that the replicated state gives it, it never takes a role
//! that a former run of it held, and its limits hold at every moment. It knows nothing of REST, routers' plans or clients.
//!
//! Reading order: `service` (build and run) -> `data` (calls) -> `engine` (records) -> `replica` (order of effects) -> `links`
//! (what is said to copies) -> `backend` (who keeps bytes elsewhere) -> `keeper` and `proposals` (housekeeping) -> `leaving` -> `health` and `metrics`.

pub mod backend;
mod clock;
mod data;
pub mod engine;
mod filled;
mod health;
mod keeper;
mod lease;
mod leaving;
mod links;
mod metrics;
mod options;
mod proposals;
pub mod replica;
mod service;
#[doc(hidden)]
pub mod simulated;

pub use options::Options;
pub use ringhold_raft::{Formation, Founding, Handle, Listen, StoreKind, Timings};
pub use service::{Error, Node};
