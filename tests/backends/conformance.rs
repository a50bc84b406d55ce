//! One suite for every driver.

use bytes::Bytes;
use ringhold_model::{ClusterId, Epoch, Version, config::DataType};
use ringhold_node::backend::{
    Driver, Envelope, Error, Put, RedisSettings, Row, RowKey, Stamp, file::Files, memcached::Memcached, redis::Redis,
};
use serde_json::value::RawValue;

use crate::{harness::wait, servers::Server};

/// What a driver cannot do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lists {
    Yes,
    No,
}

#[tokio::test]
async fn files_keep_rows() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&Files::new(folder.path()).unwrap(), Lists::Yes).await;
}

#[tokio::test]
#[cfg_attr(not(has_redis), ignore = "redis-server is not installed")]
async fn redis_keeps_rows() {
    let server = Server::redis().await;
    let settings = RedisSettings { url: format!("redis://{}", server.address), db: 3, password: None };
    conforms(&Redis::new(&settings).unwrap(), Lists::Yes).await;
}

#[tokio::test]
#[cfg_attr(not(has_memcached), ignore = "memcached is not installed")]
async fn memcached_keeps_rows() {
    let servers = [Server::memcached().await, Server::memcached().await];
    let driver = Memcached::new(&servers.each_ref().map(|server| server.address.to_string()));
    conforms(&driver, Lists::No).await;
    let key = key("large", "k");
    let put = driver.put(&[row(&key, stamp(1, 1), &"x".repeat(2 << 20), None)]).await.unwrap();
    assert!(matches!(put[0], Put::Refused(Error::TooLarge { max: 1_048_576, .. })), "{put:?}");
}

async fn conforms(driver: &dyn Driver, lists: Lists) {
    driver.check().await.unwrap();
    rows_come_back(driver).await;
    older_rows_stay_out(driver).await;
    rows_go_unless_newer(driver).await;
    rows_end(driver).await;
    batches_answer_row_by_row(driver).await;
    match lists {
        Lists::Yes => rows_are_listed_and_cleared(driver).await,
        Lists::No => {
            assert_eq!(driver.scan("list", None, 10).await, Err(Error::Unlistable));
            assert_eq!(driver.clear("list").await, Err(Error::Unlistable));
        }
    }
    many_writers_leave_the_newest(driver).await;
}

async fn rows_come_back(driver: &dyn Driver) {
    for name in ["plain", "with space", "ü😀", "../../etc/passwd", "a:b*c?[d]", "#hash", &"long".repeat(1_000)] {
        let key = key("come", name);
        assert_eq!(driver.get(std::slice::from_ref(&key)).await.unwrap(), [None], "{name}");
        let row = row(&key, stamp(1, 1), name, None);
        assert_eq!(driver.put(std::slice::from_ref(&row)).await.unwrap(), [Put::Stored], "{name}");
        assert_eq!(driver.get(&[key]).await.unwrap(), [Some(row.body)], "{name}");
    }
    let other = key("other", "plain");
    assert_eq!(driver.get(&[other]).await.unwrap(), [None], "namespaces never meet");
}

async fn older_rows_stay_out(driver: &dyn Driver) {
    let key = key("order", "k");
    let put = async |stamp, value: &str| driver.put(&[row(&key, stamp, value, None)]).await.unwrap().remove(0);
    assert_eq!(put(stamp(2, 5), "first").await, Put::Stored);
    assert_eq!(put(stamp(2, 4), "older").await, Put::Outdated);
    assert_eq!(put(stamp(1, 9), "of an older epoch").await, Put::Outdated);
    assert_eq!(value_of(driver, &key).await.as_deref(), Some("first"));
    assert_eq!(put(stamp(2, 5), "first").await, Put::Stored, "the same again");
    assert_eq!(put(stamp(10, 1), "of a newer epoch").await, Put::Stored);
    let foreign = Stamp { cluster: ClusterId(8), number: version(1, 1) };
    assert_eq!(put(foreign, "of another cluster").await, Put::Stored);
    assert_eq!(value_of(driver, &key).await.as_deref(), Some("of another cluster"));
}

async fn rows_go_unless_newer(driver: &dyn Driver) {
    let key = key("go", "k");
    let delete = async |stamp| driver.delete(&[(key.clone(), stamp)]).await.unwrap().remove(0);
    assert!(!delete(stamp(1, 1)).await, "nothing is there");
    driver.put(&[row(&key, stamp(3, 3), "v", None)]).await.unwrap();
    assert!(!delete(stamp(3, 2)).await, "a newer row stays");
    assert_eq!(value_of(driver, &key).await.as_deref(), Some("v"));
    assert!(delete(stamp(3, 3)).await);
    assert_eq!(value_of(driver, &key).await, None);
}

async fn rows_end(driver: &dyn Driver) {
    let (short, long) = (key("end", "short"), key("end", "long"));
    driver.put(&[row(&short, stamp(1, 1), "v", Some(1)), row(&long, stamp(1, 2), "v", Some(3_600_000))]).await.unwrap();
    wait::until("the row to end", async || value_of(driver, &short).await.is_none().then_some(())).await;
    assert_eq!(value_of(driver, &long).await.as_deref(), Some("v"));
}

async fn batches_answer_row_by_row(driver: &dyn Driver) {
    let keys: Vec<RowKey> = (0..500).map(|n| key("batch", &format!("k{n}"))).collect();
    let rows: Vec<Row> =
        keys.iter().enumerate().map(|(n, key)| row(key, stamp(5, 1_000 + n as u64), &n.to_string(), None)).collect();
    driver.put(&[row(&keys[7], stamp(9, 9), "newer", None)]).await.unwrap();
    let puts = driver.put(&rows).await.unwrap();
    assert!(puts.iter().enumerate().all(|(n, put)| *put == if n == 7 { Put::Outdated } else { Put::Stored }));
    let mut asked = keys.clone();
    asked.insert(250, key("batch", "nothing"));
    let bodies = driver.get(&asked).await.unwrap();
    assert_eq!((bodies.len(), bodies[250].as_ref()), (501, None));
    assert_eq!((text(bodies[0].as_ref().unwrap()), text(bodies[500].as_ref().unwrap())), ("0".into(), "499".into()));
    let gone = driver.delete(&keys.iter().map(|key| (key.clone(), stamp(9, 9))).collect::<Vec<_>>()).await.unwrap();
    assert!(gone.iter().all(|gone| *gone));
    assert!(driver.get(&keys).await.unwrap().iter().all(Option::is_none));
    assert_eq!(driver.get(&[]).await.unwrap(), []);
    assert_eq!(driver.put(&[]).await.unwrap(), []);
}

async fn rows_are_listed_and_cleared(driver: &dyn Driver) {
    let rows: Vec<Row> = (0..300).map(|n| row(&key("list", &format!("k{n}")), stamp(1, n + 1), "v", None)).collect();
    driver.put(&rows).await.unwrap();
    driver.put(&[row(&key("list-not", "k"), stamp(1, 1), "v", None)]).await.unwrap();
    let (mut found, mut after) = (std::collections::BTreeMap::new(), None::<String>);
    loop {
        let page = driver.scan("list", after.as_deref(), 50).await.unwrap();
        found.extend(page.rows);
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(found.len(), 300);
    assert_eq!(found["k7"], stamp(1, 8));
    assert_eq!(driver.clear("list").await.unwrap(), 300);
    assert_eq!(value_of(driver, &key("list", "k1")).await, None);
    assert_eq!(value_of(driver, &key("list-not", "k")).await.as_deref(), Some("v"), "others' rows stay");
}

async fn many_writers_leave_the_newest(driver: &dyn Driver) {
    let key = key("many", "k");
    let writes = (1..=20).map(|n| {
        let row = row(&key, stamp(1, n), &n.to_string(), None);
        async move { driver.put(&[row]).await.unwrap() }
    });
    futures_util::future::join_all(writes).await;
    assert_eq!(value_of(driver, &key).await.as_deref(), Some("20"));
}

pub fn key(namespace: &str, key: &str) -> RowKey {
    RowKey { namespace: namespace.into(), key: key.into() }
}

fn version(epoch: u64, seq: u64) -> Version {
    Version { epoch: Epoch(epoch), seq }
}

pub fn stamp(epoch: u64, seq: u64) -> Stamp {
    Stamp { cluster: ClusterId(7), number: version(epoch, seq) }
}

pub fn row(key: &RowKey, stamp: Stamp, value: &str, ttl_ms: Option<u64>) -> Row {
    let value = RawValue::from_string(serde_json::to_string(value).unwrap()).unwrap();
    let envelope = Envelope {
        ver: stamp.to_text().into(),
        key: key.key.clone(),
        data_type: DataType::String,
        strategy: None,
        created_at_ms: 0,
        expires_at_ms: None,
        tags: Vec::new(),
        metadata: None,
        value: &value,
    };
    Row { key: key.clone(), stamp, ttl_ms, body: envelope.to_body().unwrap() }
}

async fn value_of(driver: &dyn Driver, key: &RowKey) -> Option<String> {
    driver.get(std::slice::from_ref(key)).await.unwrap().remove(0).map(|body| text(&body))
}

fn text(body: &Bytes) -> String {
    let envelope: Envelope<'_> = serde_json::from_slice(body).unwrap();
    serde_json::from_str(envelope.value.get()).unwrap()
}
