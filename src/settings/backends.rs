//! The backends outside: where they are, and whether what is asked of them is there.

use std::path::PathBuf;

use ringhold_model::config::Backend;
use ringhold_node::backend::{RedisSettings, Settings};

use super::{parse, read::Reader};

/// Reads where the backends are. `default_backend` must be one of them.
pub(crate) fn backends(reader: &mut Reader<'_>, default_backend: Backend) -> Settings {
    let url = reader.optional("REDIS_URL", |text| parse::url(text, &["redis", "rediss"]));
    if url.as_ref().is_some_and(|url| url.starts_with("rediss://")) {
        reader.refuse("REDIS_URL", "a URL that begins with redis://; TLS to redis is not built yet");
    }
    let db = reader.integer("REDIS_DB", 0..=65_535);
    let password = reader.optional("REDIS_PASSWORD", parse::plain);
    let redis = url.map(|url| RedisSettings { url, db: i64::try_from(db).unwrap_or(0), password });
    let memcached = reader.optional("MEMCACHED_URL", servers).unwrap_or_default();
    let file = reader.parsed("FILE_CACHE_PATH", |text| parse::plain(text).map(PathBuf::from));
    let missing = match default_backend {
        Backend::Redis if redis.is_none() => Some("one that is configured; redis needs REDIS_URL"),
        Backend::Memcached if memcached.is_empty() => Some("one that is configured; memcached needs MEMCACHED_URL"),
        _ => None,
    };
    if let Some(expected) = missing {
        reader.refuse("CACHE_BACKEND", expected);
    }
    Settings { redis, memcached, file: Some(file) }
}

/// `memcached://host:port`, several servers separated by commas.
fn servers(text: &str) -> Option<Vec<String>> {
    let places = parse::url(text, &["memcached"])?;
    let places = places.strip_prefix("memcached://")?;
    let place = |text: &str| parse::host_port(text).or_else(|| parse::host(text).map(|host| format!("{host}:11211")));
    parse::list(places, place).filter(|places| !places.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memcached_may_be_several_servers() {
        let some = |servers: &[&str]| Some(servers.iter().map(ToString::to_string).collect());
        assert_eq!(servers("memcached://a:1,b"), some(&["a:1", "b:11211"]));
        for text in ["memcached://", "memcached://a b", "redis://a", "memcached://a/1"] {
            assert_eq!(servers(text), None, "{text}");
        }
    }
}
