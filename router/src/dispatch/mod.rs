//! From operations to nodes and back: plan by owner, fan out, plan again where the layout moved on, put in order.
//!
//! Knows nothing of HTTP or JSON. Every wait is bounded by the request's deadline. Retries happen here and nowhere else.
//!
//! Reading order: `point` (entry) -> `single` (the hot path) -> `run` (everything else that can happen to an operation), with
//! its decisions in `pending`, `plan` and `verdict` and its knowledge in `health`, `latency` and `budget` -> `fan_out`, `scan`
//! -> `propose`, `lease_holders`, `clear`.

mod analytics;
mod budget;
mod catch_up;
mod clear;
mod extra;
mod fan_out;
mod flight;
mod health;
mod latency;
mod lease_holders;
mod nodes;
mod op_window;
mod outcome;
mod pending;
mod plan;
mod point;
mod progress;
mod propose;
mod run;
mod scan;
mod single;
mod stats;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;
mod verdict;

pub(crate) use clear::Afterwards;
pub(crate) use fan_out::Coverage;
pub(crate) use nodes::Nodes;
pub(crate) use outcome::{Applied, Failure, Item, Outcome, Reason};
pub(crate) use pending::Reads;
pub(crate) use point::Dispatcher;
pub(crate) use scan::{Filter, PageRequest};
