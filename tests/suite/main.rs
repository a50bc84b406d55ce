//! Clusters in this process: nodes and a router on loopback, driven through the REST API.

#![expect(unreachable_pub, reason = "the harness is shared by several crates of tests")]

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the harness serves several suites")]
mod harness;

mod raw;
mod shared;
mod shown;
mod small;

mod access;
mod analytics;
mod atomic;
mod batches;
mod broken_streams;
mod conditions;
mod config;
mod copies;
mod degraded;
mod docs;
mod export;
mod health;
mod hostile;
mod http;
mod import;
mod limits;
mod listing;
mod membership;
mod names;
mod namespaces;
mod operations;
mod patterns;
mod points;
mod replies;
mod routers;
mod slow;
mod stats;
mod strategies;
mod tags;
mod ttl;
mod values;
