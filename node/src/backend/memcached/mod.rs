//! Rows in memcached servers: each key has its server, by rendezvous hashing.
//!
//! Names are `ringhold:<namespace>:<key>`; a key that a name cannot carry stands there as a hash. An older row never takes the place
//! of a newer one: what is there is read with its CAS token, and replaced only while it still has it. memcached tells nobody which keys
//! it holds, forgets what it wants, and takes items up to its own limit (`-I`) only.

mod connection;

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::future::join_all;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128};

use self::connection::{Answer, Server};
use super::{
    driver::{Driver, Put, Reply, ScanPage},
    error::Error,
    row::{Row, RowKey, Stamp},
};

/// Longest name that the protocol carries.
const NAME_BYTES_MAX: usize = 250;
/// How often a row is tried again whose place was taken by another just then.
const ROUNDS_MAX: usize = 64;
/// What an item takes besides name and value, rounded up.
const ITEM_BYTES: u64 = 128;
/// Longest time that is counted from now; longer ones are given as a date.
const RELATIVE_SECONDS_MAX: u64 = 30 * 24 * 3_600;

/// See the module.
#[derive(Debug)]
pub struct Memcached(Vec<Server>);

/// What is to become of the row of one name.
#[derive(Clone, Copy)]
enum Change<'a> {
    Put(&'a Row),
    Delete(Stamp),
}

impl Memcached {
    /// Connects with the first call. `servers`: `host:port`, the same list on every node.
    pub fn new(servers: &[String]) -> Self {
        Self(servers.iter().map(|address| Server::new(address)).collect())
    }

    /// Does something with the items of each server, all at once; the results in the order of the names.
    async fn by_server<T, R: Send, F: Future<Output = Vec<R>>>(
        &self,
        items: Vec<(String, T)>,
        work: impl Fn(usize, Vec<(String, T)>) -> F,
    ) -> Vec<R> {
        let count = items.len();
        let mut parts: BTreeMap<usize, (Vec<usize>, Vec<_>)> = BTreeMap::new();
        for (at, (name, item)) in items.into_iter().enumerate() {
            let (places, items) = parts.entry(self.server_of(&name)).or_default();
            places.push(at);
            items.push((name, item));
        }
        let (places, work): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|(server, (places, items))| (places, work(server, items))).unzip();
        let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
        for (places, part) in places.into_iter().zip(join_all(work).await) {
            for (at, result) in places.into_iter().zip(part) {
                results[at] = Some(result);
            }
        }
        results.into_iter().flatten().collect()
    }

    fn server_of(&self, name: &str) -> usize {
        let weight = |server: &Server| xxh3_64_with_seed(name.as_bytes(), server.seed);
        let best = self.0.iter().enumerate().max_by_key(|(_, server)| weight(server));
        best.map_or(0, |(at, _)| at)
    }

    /// Changes rows of one server. A name that others change at the same time is tried again.
    async fn change(&self, server: usize, items: Vec<(String, Change<'_>)>) -> Vec<Result<Put, Error>> {
        let server = &self.0[server];
        let mut results: Vec<Option<Result<Put, Error>>> = items.iter().map(|_| None).collect();
        for round in 0..ROUNDS_MAX {
            let open: Vec<usize> = (0..items.len()).filter(|at| results[*at].is_none()).collect();
            if open.is_empty() {
                break;
            }
            if let Err(error) = change_once(server, &items, &open, &mut results, round == 0).await {
                server.forget();
                open.iter().for_each(|at| results[*at] = Some(Err(error.clone())));
            }
        }
        let busy = || Err(Error::Refused("others change the item all the time".into()));
        results.into_iter().map(|result| result.unwrap_or_else(busy)).collect()
    }
}

/// One attempt: a row is added where none is; else what is there is looked at, and replaced while it stays.
async fn change_once(
    server: &Server,
    items: &[(String, Change<'_>)],
    open: &[usize],
    results: &mut [Option<Result<Put, Error>>],
    may_be_new: bool,
) -> Result<(), Error> {
    let item_max = server.item_max().await?;
    let mut connection = server.connect().await?;
    let mut added = Vec::new();
    for &at in open {
        let (name, change) = &items[at];
        let Change::Put(row) = change else { continue };
        let bytes = (name.len() + row.body.len()) as u64 + ITEM_BYTES;
        if bytes > item_max {
            // Sent all the same, it would end what is there.
            results[at] = Some(Err(Error::TooLarge { bytes, max: item_max }));
        } else if may_be_new {
            connection.set(name, &row.body, &format!("T{} ME", seconds(row.ttl_ms)));
            added.push(at);
        }
    }
    for (&at, answer) in added.iter().zip(connection.exchange(added.len()).await?) {
        results[at] = settled(answer);
    }
    let rest: Vec<usize> = open.iter().copied().filter(|at| results[*at].is_none()).collect();
    rest.iter().for_each(|at| connection.command(&format!("mg {} v c", items[*at].0)));
    let mut replaced = Vec::new();
    for (&at, answer) in rest.iter().zip(connection.exchange(rest.len()).await?) {
        let (name, change) = &items[at];
        let (value, cas) = match (answer, change) {
            (Answer::Value { value, cas }, _) => (value, cas),
            (Answer::Missing, Change::Delete(_)) => {
                results[at] = Some(Ok(Put::Outdated));
                continue;
            }
            // Gone since; added in the next attempt.
            (Answer::Missing, Change::Put(row)) => {
                connection.set(name, &row.body, &format!("T{} ME", seconds(row.ttl_ms)));
                replaced.push(at);
                continue;
            }
            (answer, _) => {
                results[at] = settled(answer);
                continue;
            }
        };
        let stamp = match change {
            Change::Put(row) => row.stamp,
            Change::Delete(stamp) => *stamp,
        };
        if Stamp::of(&value).is_some_and(|there| stamp.is_older_than(there)) {
            results[at] = Some(Ok(Put::Outdated));
            continue;
        }
        match change {
            Change::Put(row) => connection.set(name, &row.body, &format!("T{} C{cas}", seconds(row.ttl_ms))),
            Change::Delete(_) => connection.command(&format!("md {name} C{cas}")),
        }
        replaced.push(at);
    }
    for (&at, answer) in replaced.iter().zip(connection.exchange(replaced.len()).await?) {
        results[at] = settled(answer);
    }
    server.keep(connection);
    Ok(())
}

/// What an answer to a change says; `None`: try again.
fn settled(answer: Answer) -> Option<Result<Put, Error>> {
    match answer {
        Answer::Done => Some(Ok(Put::Stored)),
        Answer::NotStored | Answer::Changed | Answer::Missing => None,
        Answer::Value { .. } => Some(Err(Error::Silent("it answered another question".into()))),
        Answer::Refused(text) => Some(Err(Error::Refused(text))),
    }
}

impl Driver for Memcached {
    fn get<'a>(&'a self, keys: &'a [RowKey]) -> Reply<'a, Vec<Option<Bytes>>> {
        Box::pin(async move {
            let items = keys.iter().map(|key| (name(key), ())).collect();
            let read = |server: usize, items: Vec<(String, ())>| async move {
                match read(&self.0[server], &items).await {
                    Ok(bodies) => bodies.into_iter().map(Ok).collect(),
                    Err(error) => {
                        self.0[server].forget();
                        items.iter().map(|_| Err(error.clone())).collect()
                    }
                }
            };
            self.by_server(items, read).await.into_iter().collect()
        })
    }

    fn put<'a>(&'a self, rows: &'a [Row]) -> Reply<'a, Vec<Put>> {
        Box::pin(async move {
            let items = rows.iter().map(|row| (name(&row.key), Change::Put(row))).collect();
            let results = self.by_server(items, |server, items| self.change(server, items)).await;
            // With all of them lost, it is the servers and not the rows.
            if let Some(Err(error)) = results.first()
                && error.is_outage()
                && results.iter().all(|result| result.as_ref().is_err_and(Error::is_outage))
            {
                return Err(error.clone());
            }
            Ok(results.into_iter().map(|result| result.unwrap_or_else(Put::Refused)).collect())
        })
    }

    fn delete<'a>(&'a self, rows: &'a [(RowKey, Stamp)]) -> Reply<'a, Vec<bool>> {
        Box::pin(async move {
            let items = rows.iter().map(|(key, stamp)| (name(key), Change::Delete(*stamp))).collect();
            let results = self.by_server(items, |server, items| self.change(server, items)).await;
            results.into_iter().map(|result| result.map(|put| put == Put::Stored)).collect()
        })
    }

    fn scan<'a>(&'a self, _: &'a str, _: Option<&'a str>, _: usize) -> Reply<'a, ScanPage> {
        Box::pin(async { Err(Error::Unlistable) })
    }

    fn clear<'a>(&'a self, _: &'a str) -> Reply<'a, u64> {
        Box::pin(async { Err(Error::Unlistable) })
    }

    fn check(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            let check = |server: &'_ Server| {
                let server = server.clone();
                async move {
                    let mut connection = server.connect().await?;
                    connection.command("mn");
                    connection.exchange(1).await?;
                    server.keep(connection);
                    Ok(())
                }
            };
            join_all(self.0.iter().map(check)).await.into_iter().collect()
        })
    }
}

async fn read(server: &Server, items: &[(String, ())]) -> Result<Vec<Option<Bytes>>, Error> {
    let mut connection = server.connect().await?;
    items.iter().for_each(|(name, ())| connection.command(&format!("mg {name} v")));
    let answers = connection.exchange(items.len()).await?;
    server.keep(connection);
    let body = |answer| match answer {
        Answer::Value { value, .. } => Ok(Some(value)),
        Answer::Refused(text) => Err(Error::Refused(text)),
        _ => Ok(None),
    };
    answers.into_iter().map(body).collect()
}

/// The name of a row: the key itself where the protocol can carry it, so that a person finds it.
fn name(key: &RowKey) -> String {
    let plain = format!("ringhold:{}:{}", key.namespace, key.key);
    let is_plain = plain.len() <= NAME_BYTES_MAX && plain.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && !key.key.starts_with('#') {
        return plain;
    }
    // Who finds two keys with one hash gains nothing: a stub names the row that it means.
    format!("ringhold:{}:#{:032x}", key.namespace, xxh3_128(key.key.as_bytes()))
}

/// How long memcached is to keep an item; it may keep it longer than the table does, never shorter.
fn seconds(ttl_ms: Option<u64>) -> u64 {
    let Some(ttl_ms) = ttl_ms else { return 0 };
    let seconds = ttl_ms.div_ceil(1_000).max(1) + 1;
    if seconds <= RELATIVE_SECONDS_MAX {
        return seconds;
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    (now + seconds).min(i32::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_the_key_where_the_protocol_can_carry_it() {
        let name = |key: &str| name(&RowKey { namespace: "default".into(), key: key.into() });
        assert_eq!(name("user:1/a"), "ringhold:default:user:1/a");
        for odd in ["a b", "ü", "#x", &"k".repeat(300), "a\u{7f}"] {
            let name = name(odd);
            assert!(name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic()), "{name}");
            assert!(name.starts_with("ringhold:default:#"), "{name}");
        }
    }

    #[test]
    fn long_times_are_dates() {
        assert_eq!((seconds(None), seconds(Some(1)), seconds(Some(1_001))), (0, 2, 3));
        assert!(seconds(Some(40 * 24 * 3_600_000)) > 1_700_000_000);
    }
}
