//! The image of `deploy/Dockerfile` in containers with their own addresses on private networks: what is killed, paused, cut
//! off, restarted and scaled under load, judged by the oracle; and `docker-compose.cluster.yml` as users start it.
//!
//! Needs a container engine and, for the base images, root on a Debian: therefore ignored unless asked for. One test at a
//! time has the machine.

#[path = "../harness/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness serves several suites")]
mod harness;

mod cluster;
mod compose;
mod engine;
mod seen;

mod faults;
mod planned;
mod power;
