//! The REST contract as plain functions: bytes to typed requests, typed results to bytes.
//!
//! Nothing here talks to nodes, waits or keeps state. Requests borrow from the body they were read from; responses are
//! spliced from the bytes that the nodes sent. Every fault of a request is found and named, not only the first.
//!
//! Reading order: `limits` -> `fault` (errors become HTTP) -> the bodies (`set`, `atomic`, `batch`, `invalidate`, `config`, `item`) ->
//! `query`, `key`, `namespace`, `condition`, `cursor` -> `figures`, `cluster` (the operator's calls) -> `render` (answers).

pub mod access;
pub mod atomic;
pub mod batch;
mod body;
pub mod cluster;
pub mod condition;
pub mod config;
mod coverage;
pub mod cursor;
mod fault;
mod field;
pub mod figures;
pub mod invalidate;
pub mod item;
mod key;
mod limits;
pub mod namespace;
pub mod query;
pub mod render;
pub mod set;
mod tags;
mod value;
mod word;

pub use body::{check_content_type, import_format};
pub use coverage::Coverage;
pub use fault::{ApiError, CallKind, Outcome, Unmet};
pub use field::{FieldFault, Place, Step};
pub use key::path_key;
pub use limits::{
    HOT_KEYS_DEFAULT, HOT_KEYS_MAX, Limits, OFFSET_MAX, PAGE_KEYS_DEFAULT, PAGE_KEYS_MAX, PATTERN_BYTES_MAX,
    PREFIXES_DEFAULT, PREFIXES_MAX,
};
pub use word::unconfigured;
