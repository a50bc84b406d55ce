//! Backends outside, against real servers that the tests start: each driver alone, and through whole clusters.

#![expect(unreachable_pub, reason = "the harness is shared by several crates of tests")]
#![expect(clippy::unwrap_used, reason = "it is a test that ends where a driver fails")]

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the harness serves several suites")]
mod harness;

mod cluster;
mod conformance;
mod files;
mod outages;
mod servers;
