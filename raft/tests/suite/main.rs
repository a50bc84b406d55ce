//! Clusters of real nodes in this process: loopback TCP, files in temporary folders, real clocks.
//!
//! `RUST_LOG=ringhold_raft=debug,openraft=warn` shows what the nodes do.

#![expect(clippy::unwrap_used, reason = "a test that cannot set up its cluster fails")]

mod cluster;
mod crashes;
mod data;
mod formation;
mod leadership;
mod leases;
mod log;
mod restart;
