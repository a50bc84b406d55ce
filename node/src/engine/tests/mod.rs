//! Tests of the engine as a whole.

mod analytics;
mod atomic;
mod cluster;
mod expiry;
mod golden;
mod limits;
mod model;
mod overhead;
mod policies;
mod ranges;
pub(super) mod rig;
mod walks;
mod writes;
