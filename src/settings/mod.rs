//! Every setting of the processes: where it comes from, what it may be, and what the roles get from it.
//!
//! A value is taken from the last of: default, `.env` file, environment, flag. All faults are reported at once, and what
//! is not built yet stops the start instead of being ignored. Settings of the eight variables that describe the cache
//! seed the replicated config when a cluster is first formed; from then on the replicated config rules.
//!
//! Reading order: `variables` (the table) → `given` (the layers) → `parse` → `read` (faults) → `not_built` → `types` →
//! `build` → `show`.

mod authentication;
mod backends;
mod build;
mod fault;
mod given;
mod not_built;
mod parse;
mod read;
mod show;
mod types;
mod variables;

pub(crate) use build::build;
pub(crate) use given::Given;
pub(crate) use show::rows;
pub(crate) use types::{
    InitialConfig, Limits, LogFormat, LogSettings, NodeSettings, RouterSettings, Settings, StoreKind,
};
pub(crate) use variables::{Role, VARIABLES, Variable};
