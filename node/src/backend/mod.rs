//! Backends outside: servers, databases and files that keep the bytes of items, while the nodes keep what exists.
//!
//! ```text
//! data::stored ─► Stores ─► Store (deadline, breaker, counts) ─► Driver ─► redis | memcached | file
//!      │                                                          ▲
//!      └── engine: stubs ──► dropped rows ──► cleaner ────────────┘
//! ```
//!
//! The engine's table holds a *stub* for each item of a backend outside: which *row* holds its bytes. Stubs are replicated as any
//! record is, rows are not: the range's primary alone talks to the backend. A row carries a *stamp* (cluster, epoch, number), and
//! no driver lets an older row take the place of a newer one, because a former primary may still have a call under way.
//! A row that no stub names is never shown, however it came to be there.
//!
//! Reading order: `row` → `driver` → `error` → the drivers → `breaker` → `store` → `stores` → `keys` → `cleaner`.

mod breaker;
mod cleaner;
pub mod driver;
pub mod error;
pub mod file;
mod keys;
pub mod memcached;
mod own_operations;
pub mod redis;
pub mod row;
mod settings;
mod store;
mod stores;

pub(crate) use self::{
    cleaner::clean,
    own_operations::OwnOperations,
    store::{Store, StoreFigures},
    stores::{Stores, fault_of},
};
pub use self::{
    driver::{Driver, Put, Reply, ScanPage},
    error::Error,
    row::{Envelope, Row, RowKey, Stamp},
    settings::{RedisSettings, Settings},
};
