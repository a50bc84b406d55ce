//! Ringhold's ground: identifiers, keys, patterns, the ring, the cluster's rule book and the wire types.
//!
//! Everything here is plain data and plain functions: no runtime, no IO, no clock, no randomness. `now` and seeds come in
//! as arguments, so that server, simulation and model checker share one truth. Deliberately absent: tokio, openraft, HTTP.
//!
//! Reading order: `ids` → `key` → `pattern` → `config` → `ring` → `cluster` → `stats` → `wire`.

pub mod cluster;
pub mod config;
pub mod ids;
pub mod key;
pub mod pattern;
pub mod ring;
#[doc(hidden)]
pub mod rules;
pub mod stats;
pub mod wire;

pub use ids::{
    ClusterId, Epoch, Generation, Incarnation, KeyId, Mid, NamespaceId, NodeId, OpId, RangeId, RouterId, Version,
};
