//! The data plane's service: calls of the data channel → engine.
//!
//! Worker threads, each with a runtime of its own, take connections in turn. Calls on single keys are answered on the
//! connection's task, straight into its outgoing buffer, unless copies have to hold what they wrote first; calls over many keys
//! run on the runtime's blocking threads in bounded steps, so that they never hold up the others. Other nodes' messages about
//! copies come here too.

mod found;
mod latency;
mod many;
mod node;
mod point;
mod replicate;
mod stored;
mod times;
mod worker;
mod writing;

pub(crate) use node::{DataService, Node};
pub(crate) use worker::spawn_workers;
