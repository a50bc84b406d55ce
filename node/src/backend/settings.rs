//! Which backends a node has, and where.

use std::{fmt, path::PathBuf};

/// What is `None` is not configured, and refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// A Redis server.
    pub redis: Option<RedisSettings>,
    /// `host:port` of memcached servers, by which keys are divided.
    pub memcached: Vec<String>,
    /// Folder of the files.
    pub file: Option<PathBuf>,
}

/// How a Redis server is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// `redis://[user:password@]host[:port][/db]`.
    pub url: String,
    /// Number of the database, where the URL names none.
    pub db: i64,
    /// Password, where the URL has none.
    pub password: Option<String>,
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("db", &self.db).finish_non_exhaustive()
    }
}
