//! Figures of nodes merged into figures of the cluster.
//!
//! Exact: counters add, histograms add value by value, and rates are computed from the sums, never averaged. Merging is
//! associative and commutative, so it does not matter which node answered first or who merged what.

mod histogram;
mod space;
mod survey;
mod usage;

pub use space::WINDOW_SECONDS;
use space::percent;
pub use survey::ttl_bucket;
pub use usage::MINUTES_KEPT;

#[cfg(test)]
mod tests;
