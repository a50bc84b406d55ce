//! What the suites share: a cluster as a value, in this process or of real processes; a REST client with readable verbs;
//! waiting for conditions; what drives a cluster, breaks it, and judges what it answered.

pub mod client;
pub mod cluster;
pub mod direct;
pub mod disk;
pub mod fleet;
pub mod http;
pub mod linear;
pub mod oracle;
pub mod process;
pub mod proxy;
pub mod wait;
