//! Real processes of the real binary: formation, signals, crashes, restarts, settings, the command line.
//!
//! Every process is ended by its pid when its value is dropped; folders are temporary; no port is fixed.

#[path = "../harness/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the harness serves several suites")]
mod harness;

use harness::fleet;

mod access;
mod cli;
mod crashes;
mod dev;
mod effects;
mod formation;
mod restarts;
mod settings;
mod signals;
mod strangers;
mod tls;
mod watching;
