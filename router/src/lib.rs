//! Ringhold's router tier: the REST API, planning, fan-out and merging.
//!
//! A router is stateless: it knows the cluster by following the replicated state, owns no data, and any number of them serve
//! the same cluster. What it promises is partial failure that shows: an answer never hides that a part of the cluster did
//! not contribute. It knows nothing of Raft's insides or of how nodes store things.
//!
//! Reading order: `service` → `http` (connections) → `api` (calls) → `auth` (who calls) → `rest` and `json` (bytes and types) → `dispatch` (nodes) →
//! `view` (what is known of the cluster).

mod api;
mod auth;
mod dispatch;
pub mod docs;
mod http;
pub mod json;
mod metrics;
mod options;
pub mod rest;
mod service;
#[doc(hidden)]
pub mod simulated;
mod view;
mod view_watch;

pub use auth::Secret;
pub use http::{TlsFault, TlsFiles};
pub use options::{Authentication, Options, Patience};
pub use rest::Limits;
pub use service::{BuildError, Router};
