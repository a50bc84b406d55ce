//! One way to keep rows.

use std::{fmt, pin::Pin};

use bytes::Bytes;

use super::{
    error::Error,
    row::{Row, RowKey, Stamp},
};

/// What a driver's call gives.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// What became of one row of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Stored,
    /// A newer row of its key is there and stays.
    Outdated,
    /// The backend refused this one; its key is as it was.
    Refused(Error),
}

/// Some rows of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Key and stamp of each. A key may come more than once while others write.
    pub rows: Vec<(Box<str>, Stamp)>,
    /// What to ask with for the next page; `None`: these were the last.
    pub next: Option<String>,
}

/// Keeps rows. One implementation a file, one suite of tests for all of them.
///
/// Calls know no deadline: whoever calls gives up, and what was sent may then still be done. So every call may be repeated.
pub trait Driver: fmt::Debug + Send + Sync {
    /// The bodies of rows; `None`: there is none, its time is over, or it is damaged.
    fn get<'a>(&'a self, keys: &'a [RowKey]) -> Reply<'a, Vec<Option<Bytes>>>;

    /// Keeps rows, each unless a newer one of its key is there. Keys are distinct. One result a row.
    fn put<'a>(&'a self, rows: &'a [Row]) -> Reply<'a, Vec<Put>>;

    /// Removes the rows that are not newer than the stamp given for their key. True: one was removed.
    fn delete<'a>(&'a self, rows: &'a [(RowKey, Stamp)]) -> Reply<'a, Vec<bool>>;

    /// About `rows_max` rows of a namespace. Rows that stay through a whole scan come at least once.
    ///
    /// # Errors
    /// [`Error::Unlistable`] where the server cannot tell its keys.
    fn scan<'a>(&'a self, namespace: &'a str, after: Option<&'a str>, rows_max: usize) -> Reply<'a, ScanPage>;

    /// Removes all rows of a namespace and says how many there were.
    ///
    /// # Errors
    /// [`Error::Unlistable`] where the server cannot tell its keys.
    fn clear<'a>(&'a self, namespace: &'a str) -> Reply<'a, u64>;

    /// Whether it works.
    fn check(&self) -> Reply<'_, ()>;

    /// Rows that were found damaged and set aside.
    fn damaged(&self) -> u64 {
        0
    }
}
