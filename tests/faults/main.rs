//! Real processes under load while things break: kills, pauses, partitions, moves, restarts. What every client was
//! answered is held against what may be true.
//!
//! One test at a time has the machine ([`ground`]), so that figures mean something. `RINGHOLD_LONG=1` makes everything
//! larger and longer.

#[path = "../harness/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness serves several suites")]
mod harness;

mod ground;

mod calm;
mod catches_linear;
mod catches_oracle;
mod catches_proxy;
mod exactly_once;
mod fills;
mod kills;
mod partitions;
mod pauses;
mod recipes;
mod restarts;
mod rolling;
mod scans;
