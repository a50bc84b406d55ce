//! What the system counts against what a node reports: resident memory after churn at the limit, and life in a memory cgroup.
//!
//! Small by default; `RINGHOLD_LONG=1` fills 1 GiB and takes the median of five runs (to be run with `--release`).

#[path = "../harness/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness serves several suites")]
mod harness;

mod cgroup;
mod churn;
mod confined;
mod resident;
