//! Rows in a Redis server: strings under `ringhold:<namespace>:<key>`, so that a person with `redis-cli` sees what is there.
//!
//! One connection carries all calls, a batch is one pipeline. Scripts on the server compare stamps, so that no older row takes the
//! place of a newer one however calls overtake each other.

use std::{sync::OnceLock, time::Duration};

use bytes::Bytes;
use redis::{
    Client, IntoConnectionInfo, Pipeline, RedisError, Value,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use thiserror::Error as ThisError;

use super::{
    driver::{Driver, Put, Reply, ScanPage},
    error::Error,
    row::{HEAD_BYTES, Row, RowKey, Stamp},
    settings::RedisSettings,
};

/// Longest wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// Stores a row unless a newer one of the same cluster is there. KEYS: the key. ARGV: the body, its milliseconds or 0.
const PUT: &str = r#"
local there, new = redis.call('GETRANGE', KEYS[1], 0, 55), string.sub(ARGV[1], 1, 56)
if #there == 56 and string.sub(there, 1, 24) == string.sub(new, 1, 24) and there > new then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1"#;

/// Removes a row unless it is newer. KEYS: the key. ARGV: the head of a row with the stamp.
const DELETE: &str = r#"
local there = redis.call('GETRANGE', KEYS[1], 0, 55)
if #there == 0 then return 0 end
if #there == 56 and string.sub(there, 1, 24) == string.sub(ARGV[1], 1, 24) and there > ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])"#;

/// The settings are no place of a server.
#[derive(Debug, ThisError)]
#[error("{0}")]
pub struct BadUrl(String);

/// See the module.
pub struct Redis {
    client: Client,
    /// Made by the first call, because it wants a runtime.
    connection: OnceLock<ConnectionManager>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// Connects with the first call.
    ///
    /// # Errors
    /// The URL is not one that is understood.
    pub fn new(settings: &RedisSettings) -> Result<Self, BadUrl> {
        let bad = |error: RedisError| BadUrl(error.to_string());
        let info = settings.url.as_str().into_connection_info().map_err(bad)?;
        let mut server = info.redis_settings().clone();
        if server.db() == 0 {
            server = server.set_db(settings.db);
        }
        if let Some(password) = settings.password.as_ref().filter(|_| server.password().is_none()) {
            server = server.set_password(password);
        }
        let client = Client::open(info.set_redis_settings(server)).map_err(bad)?;
        Ok(Self { client, connection: OnceLock::new() })
    }

    fn connection(&self) -> Result<ConnectionManager, Error> {
        if let Some(connection) = self.connection.get() {
            return Ok(connection.clone());
        }
        // Deadlines and repeated attempts are the caller's; one attempt, or a server that is away would hold up calls.
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(CONNECT_MAX))
            .set_response_timeout(None);
        let connection = ConnectionManager::new_lazy_with_config(self.client.clone(), config).map_err(failed)?;
        Ok(self.connection.get_or_init(|| connection).clone())
    }

    /// One reply a command.
    async fn all(&self, commands: &Pipeline, count: usize) -> Result<Vec<Value>, Error> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let replies = self.connection()?.send_packed_commands(commands, 0, count).await.map_err(failed)?;
        if replies.len() == count { Ok(replies) } else { Err(Error::Silent("it left out replies".into())) }
    }

    async fn page(&self, namespace: &str, after: Option<&str>, rows_max: usize) -> Result<ScanPage, Error> {
        let prefix = prefix(namespace);
        let mut command = redis::cmd("SCAN");
        command.arg(after.unwrap_or("0")).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(rows_max.max(1));
        let (cursor, names): (String, Vec<Vec<u8>>) =
            command.query_async(&mut self.connection()?).await.map_err(failed)?;
        let mut heads = Pipeline::new();
        for name in &names {
            heads.cmd("GETRANGE").arg(name).arg(0).arg(HEAD_BYTES - 1);
        }
        let heads = self.all(&heads, names.len()).await?;
        let row = |(name, head): (Vec<u8>, Value)| {
            let key = String::from_utf8(name).ok()?.strip_prefix(&prefix)?.into();
            match head {
                Value::BulkString(head) => Some((key, Stamp::of(&head)?)),
                _ => None,
            }
        };
        let rows = names.into_iter().zip(heads).filter_map(row).collect();
        Ok(ScanPage { rows, next: (cursor != "0").then_some(cursor) })
    }
}

impl Driver for Redis {
    fn get<'a>(&'a self, keys: &'a [RowKey]) -> Reply<'a, Vec<Option<Bytes>>> {
        Box::pin(async move {
            if keys.is_empty() {
                return Ok(Vec::new());
            }
            let mut command = redis::cmd("MGET");
            for key in keys {
                command.arg(name(key));
            }
            let bodies: Vec<Option<Vec<u8>>> = command.query_async(&mut self.connection()?).await.map_err(failed)?;
            Ok(bodies.into_iter().map(|body| body.map(Bytes::from)).collect())
        })
    }

    fn put<'a>(&'a self, rows: &'a [Row]) -> Reply<'a, Vec<Put>> {
        Box::pin(async move {
            let mut commands = Pipeline::new();
            for row in rows {
                // Zero would mean for ever.
                let ttl_ms = row.ttl_ms.map_or(0, |ttl| ttl.max(1));
                commands.cmd("EVAL").arg(PUT).arg(1).arg(name(&row.key)).arg(&row.body[..]).arg(ttl_ms);
            }
            let replies = self.all(&commands, rows.len()).await?;
            let put = |reply| match reply {
                Value::Int(1) => Put::Stored,
                Value::Int(_) => Put::Outdated,
                Value::ServerError(error) => Put::Refused(Error::Refused(error.to_string())),
                other => Put::Refused(Error::Refused(format!("it answered {other:?}"))),
            };
            Ok(replies.into_iter().map(put).collect())
        })
    }

    fn delete<'a>(&'a self, rows: &'a [(RowKey, Stamp)]) -> Reply<'a, Vec<bool>> {
        Box::pin(async move {
            let mut commands = Pipeline::new();
            for (key, stamp) in rows {
                let head = format!("{{\"ver\":\"{}", stamp.to_text());
                commands.cmd("EVAL").arg(DELETE).arg(1).arg(name(key)).arg(head);
            }
            let replies = self.all(&commands, rows.len()).await?;
            let gone = |reply| match reply {
                Value::Int(count) => Ok(count > 0),
                Value::ServerError(error) => Err(Error::Refused(error.to_string())),
                other => Err(Error::Refused(format!("it answered {other:?}"))),
            };
            replies.into_iter().map(gone).collect()
        })
    }

    fn scan<'a>(&'a self, namespace: &'a str, after: Option<&'a str>, rows_max: usize) -> Reply<'a, ScanPage> {
        Box::pin(self.page(namespace, after, rows_max))
    }

    fn clear<'a>(&'a self, namespace: &'a str) -> Reply<'a, u64> {
        Box::pin(async move {
            let (mut removed, mut after) = (0, None::<String>);
            loop {
                let page = self.page(namespace, after.as_deref(), 1_000).await?;
                let mut command = redis::cmd("UNLINK");
                for (key, _) in &page.rows {
                    command.arg(format!("{}{key}", prefix(namespace)));
                }
                if !page.rows.is_empty() {
                    let count: u64 = command.query_async(&mut self.connection()?).await.map_err(failed)?;
                    removed += count;
                }
                match page.next {
                    Some(next) => after = Some(next),
                    None => return Ok(removed),
                }
            }
        })
    }

    fn check(&self) -> Reply<'_, ()> {
        Box::pin(async move { redis::cmd("PING").query_async(&mut self.connection()?).await.map_err(failed) })
    }
}

fn prefix(namespace: &str) -> String {
    format!("ringhold:{namespace}:")
}

fn name(key: &RowKey) -> String {
    format!("{}{}", prefix(&key.namespace), key.key)
}

fn failed(error: RedisError) -> Error {
    match &error {
        _ if error.is_connection_refusal() => Error::Down(error.to_string()),
        _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
            Error::Silent(error.to_string())
        }
        _ => Error::Refused(error.to_string()),
    }
}
