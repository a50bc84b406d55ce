//! Every variable has an effect, every fault is named, and the reference file says the truth.

use std::{collections::BTreeMap, time::Duration};

use ringhold_model::config::{CacheConfig, Strategy};

use super::*;
use crate::settings::{
    VARIABLES,
    types::{LogFormat, StoreKind},
};

fn given(pairs: &[(&'static str, &str)]) -> Given {
    let mut given = Given::default();
    given.add_flags(&pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<BTreeMap<_, _>>());
    given
}

fn built(pairs: &[(&'static str, &str)]) -> Settings {
    build(&given(pairs)).unwrap_or_else(|faults| panic!("{faults}"))
}

fn faults(pairs: &[(&'static str, &str)]) -> String {
    build(&given(pairs)).expect_err("a fault").to_string()
}

/// What another value than the default does.
enum Effect {
    /// It arrives in the typed settings.
    Sets(fn(&Settings) -> bool),
    /// The same, beside another variable with this value.
    Unlocks(&'static str, &'static str, fn(&Settings) -> bool),
    /// It stops the start, because it turns on what is not built.
    Refused,
    /// It is of no use alone, and says what else is wanted.
    Asks(&'static str),
    /// It is warned about, because it configures what is not built.
    Warned,
}
use Effect::{Asks, Refused, Sets, Unlocks, Warned};

#[rustfmt::skip]
const EFFECTS: &[(&str, &str, Effect)] = &[
    ("CACHE_BACKEND", "database", Refused),
    ("CACHE_STRATEGY", "lfu", Sets(|s| s.node.initial.config.strategy == Strategy::Lfu)),
    ("CACHE_MAX_MEMORY", "0", Sets(|s| s.node.initial.config.max_memory == 0)),
    ("CACHE_MAX_ITEMS", "7", Sets(|s| s.node.initial.config.max_items == 7)),
    ("CACHE_DEFAULT_TTL", "7", Sets(|s| s.node.initial.config.default_ttl == 7)),
    ("CACHE_CLEANUP_INTERVAL", "1", Sets(|s| s.node.initial.config.cleanup_interval == 1)),
    ("CACHE_COMPRESSION_ENABLED", "true", Refused),
    ("CACHE_ENCRYPTION_ENABLED", "1", Refused),
    ("CACHE_COMPRESSION_THRESHOLD", "1", Warned),
    ("CACHE_ENCRYPTION_KEY", "k", Warned),
    ("CACHE_SERIALIZATION_FORMAT", "msgpack", Refused),
    ("CACHE_MAX_KEY_LENGTH", "10", Sets(|s| s.router.limits.key_bytes_max == 10)),
    ("CACHE_MAX_VALUE_SIZE", "10", Sets(|s| s.router.limits.value_bytes_max == 10)),
    ("CACHE_MAX_BATCH_SIZE", "10", Sets(|s| s.router.limits.batch_items_max == 10)),
    ("CACHE_MAX_BODY_SIZE", "2048", Sets(|s| s.router.limits.body_bytes_max == 2_048)),
    ("CACHE_MAX_TTL", "60", Sets(|s| s.router.limits.ttl_seconds_max == 60 && s.node.initial.config.default_ttl == 60)),
    ("CACHE_METRICS_ENABLED", "false", Sets(|s| !s.node.metrics_enabled && !s.router.metrics_enabled)),
    ("CACHE_ACCESS_LOG_ENABLED", "no", Sets(|s| !s.router.access_log_enabled)),
    ("CACHE_PERFORMANCE_TRACKING", "off", Sets(|s| !s.node.performance_tracking && !s.router.performance_tracking)),
    ("HOST", "0.0.0.0", Sets(|s| s.router.host == "0.0.0.0")),
    ("PORT", "0", Sets(|s| s.router.port == 0)),
    ("REDIS_URL", "redis://localhost:6379", Sets(|s| s.node.backends.redis.as_ref().is_some_and(|redis| redis.url == "redis://localhost:6379"))),
    ("REDIS_DB", "3", Unlocks("REDIS_URL", "redis://localhost", |s| s.node.backends.redis.as_ref().is_some_and(|redis| redis.db == 3))),
    ("REDIS_PASSWORD", "pw", Unlocks("REDIS_URL", "redis://localhost", |s| s.node.backends.redis.as_ref().is_some_and(|redis| redis.password.as_deref() == Some("pw")))),
    ("MEMCACHED_URL", "memcached://localhost:11211", Sets(|s| s.node.backends.memcached == ["localhost:11211"])),
    ("DATABASE_URL", "postgres://db/cache", Warned),
    ("FILE_CACHE_PATH", "/var/cache", Sets(|s| s.node.backends.file.as_deref() == Some("/var/cache".as_ref()))),
    ("CACHE_WRITE_STORE", "redis", Warned),
    ("CACHE_AUTH_ENABLED", "true", Sets(|s| s.router.authentication.is_some())),
    ("CACHE_API_KEY", "your_cache_api_key", Warned),
    ("CACHE_JWT_SECRET", "s", Warned),
    ("ALLOWED_ORIGINS", "http://localhost:3000, https://YourDomain.com", Sets(|s| s.router.allowed_origins == ["http://localhost:3000", "https://yourdomain.com"])),
    ("RATE_LIMIT_PER_MINUTE", "60", Refused),
    ("TLS_CERT_FILE", "cert.pem", Asks("TLS_KEY_FILE beside it")),
    ("TLS_KEY_FILE", "key.pem", Asks("TLS_CERT_FILE beside it")),
    ("TLS_CLIENT_CA_FILE", "ca.pem", Asks("TLS_KEY_FILE beside it")),
    ("CACHE_REQUEST_TIMEOUT_MS", "250", Sets(|s| s.router.request_timeout == Duration::from_millis(250))),
    ("RINGHOLD_SHUTDOWN_DELAY_MS", "250", Sets(|s| s.router.shutdown_delay == Duration::from_millis(250))),
    ("RUST_LOG", "warn,ringhold=debug", Sets(|s| s.log.filter == "warn,ringhold=debug")),
    ("RINGHOLD_LOG_FORMAT", "json", Sets(|s| s.log.format == LogFormat::Json)),
    ("RINGHOLD_WORKERS", "5", Sets(|s| s.node.workers == 5 && s.router.workers == 5)),
    ("RINGHOLD_DATA", "/data", Sets(|s| s.node.data.starts_with("/data") && s.dev.data.starts_with("/data"))),
    ("RINGHOLD_STORE", "redb", Sets(|s| s.node.store == StoreKind::Redb)),
    ("RINGHOLD_RANGES", "64", Sets(|s| s.node.ranges == 64)),
    ("RINGHOLD_DEV_NODES", "5", Sets(|s| s.dev.nodes == 5)),
    ("RINGHOLD_LISTEN", "10.0.0.1:1", Sets(|s| s.node.listen == "10.0.0.1:1" && s.node.advertise == "10.0.0.1:1")),
    ("RINGHOLD_ADVERTISE", "node-1:7400", Sets(|s| s.node.advertise == "node-1:7400" && s.node.listen == "127.0.0.1:7400")),
    ("RINGHOLD_HEALTH_LISTEN", "[::]:0", Sets(|s| s.node.health_listen == "[::]:0")),
    ("RINGHOLD_ADVERTISE_HEALTH", "node-1:7480", Sets(|s| s.node.advertise_health.as_deref() == Some("node-1:7480"))),
    ("RINGHOLD_SEEDS", "a:1,b:1", Sets(|s| s.node.seeds == ["a:1", "b:1"])),
    ("RINGHOLD_JOIN", "a:1", Sets(|s| s.node.join == ["a:1"])),
    ("RINGHOLD_ZONE", "eu-1", Sets(|s| s.node.zone == "eu-1")),
    ("RINGHOLD_WEIGHT", "200", Sets(|s| s.node.weight == 200)),
    ("RINGHOLD_NODES", "a:1, b:2", Sets(|s| s.router.nodes == ["a:1", "b:2"])),
];

#[test]
fn every_variable_has_an_effect() {
    let quiet = built(&[]);
    for (name, value, effect) in EFFECTS {
        match effect {
            Sets(is_set) => {
                assert!(!is_set(&quiet), "{name}: the effect is there without it");
                assert!(is_set(&built(&[(name, value)])), "{name}={value} has no effect");
            }
            Unlocks(other, with, is_set) => {
                assert!(!is_set(&built(&[(other, with)])), "{name}: the effect is there without it");
                assert!(is_set(&built(&[(other, with), (name, value)])), "{name}={value} has no effect");
            }
            Refused => {
                let faults = faults(&[(name, value)]);
                assert!(faults.contains(name) && faults.contains("not built yet"), "{name}: {faults}");
            }
            Asks(wanted) => {
                let faults = faults(&[(name, value)]);
                assert!(faults.contains(name) && faults.contains(wanted), "{name}: {faults}");
            }
            Warned => {
                let warnings = built(&[(name, value)]).warnings;
                assert!(warnings.iter().any(|warning| warning.starts_with(name)), "{name}: {warnings:?}");
            }
        }
    }
    let tested: Vec<_> = EFFECTS.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        tested,
        VARIABLES.iter().map(|variable| variable.name).collect::<Vec<_>>(),
        "every variable is in the table"
    );
}

#[test]
fn nothing_given_means_the_defaults_and_no_warning() {
    let settings = built(&[]);
    assert_eq!(settings.node.initial.config, CacheConfig::default());
    assert_eq!(settings.router.listen_addr().unwrap().to_string(), "127.0.0.1:8000");
    assert_eq!(settings.router.nodes, std::slice::from_ref(&settings.node.listen));
    assert!(settings.node.workers > 0);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[rustfmt::skip]
const WRONG: &[(&str, &str)] = &[
    ("CACHE_BACKEND", "disk"), ("CACHE_STRATEGY", "LRU"), ("CACHE_MAX_MEMORY", "100MB"), ("CACHE_MAX_ITEMS", "-1"),
    ("CACHE_DEFAULT_TTL", "1.5"), ("CACHE_CLEANUP_INTERVAL", "0"), ("CACHE_COMPRESSION_ENABLED", "maybe"),
    ("CACHE_ENCRYPTION_ENABLED", "2"), ("CACHE_COMPRESSION_THRESHOLD", "x"), ("CACHE_ENCRYPTION_KEY", "a\tb"),
    ("CACHE_SERIALIZATION_FORMAT", "xml"), ("CACHE_MAX_KEY_LENGTH", "4097"), ("CACHE_MAX_VALUE_SIZE", "0"),
    ("CACHE_MAX_BATCH_SIZE", "0"), ("CACHE_MAX_BODY_SIZE", "10"), ("CACHE_MAX_TTL", "315360001"),
    ("CACHE_METRICS_ENABLED", "x"), ("CACHE_ACCESS_LOG_ENABLED", "x"), ("CACHE_PERFORMANCE_TRACKING", "x"),
    ("HOST", "http://a"), ("PORT", "65536"), ("REDIS_URL", "localhost:6379"), ("REDIS_DB", "x"),
    ("REDIS_PASSWORD", "a\tb"), ("MEMCACHED_URL", "redis://a"), ("DATABASE_URL", "oracle://a"),
    ("FILE_CACHE_PATH", "a\tb"), ("CACHE_WRITE_STORE", "memory"), ("CACHE_AUTH_ENABLED", "x"),
    ("CACHE_API_KEY", "a\tb"), ("CACHE_JWT_SECRET", "a\tb"), ("ALLOWED_ORIGINS", "localhost"),
    ("RATE_LIMIT_PER_MINUTE", "x"), ("CACHE_REQUEST_TIMEOUT_MS", "0"), ("RINGHOLD_SHUTDOWN_DELAY_MS", "x"), ("RUST_LOG", "ringhold=loud"),
    ("RINGHOLD_LOG_FORMAT", "xml"), ("RINGHOLD_WORKERS", "x"), ("RINGHOLD_DATA", "a\tb"), ("RINGHOLD_STORE", "rocks"),
    ("RINGHOLD_RANGES", "1000"), ("RINGHOLD_DEV_NODES", "0"), ("RINGHOLD_LISTEN", "7400"),
    ("RINGHOLD_ADVERTISE", "0.0.0.0:7400"), ("RINGHOLD_ADVERTISE_HEALTH", "[::]:7480"), ("RINGHOLD_HEALTH_LISTEN", "x"), ("RINGHOLD_SEEDS", "a"),
    ("RINGHOLD_JOIN", "a"), ("RINGHOLD_ZONE", "a b"), ("RINGHOLD_WEIGHT", "0"), ("RINGHOLD_NODES", ","),
];

#[test]
fn all_faults_are_named_at_once_and_each_once() {
    let all = faults(WRONG);
    assert!(all.starts_with(&format!("{} settings cannot be used", WRONG.len())), "{all}");
    for (name, _) in WRONG {
        assert_eq!(all.matches(&format!("  {name} = ")).count(), 1, "{name} in {all}");
    }
}

#[test]
fn a_fault_says_value_origin_and_what_is_expected() {
    let fault = faults(&[("CACHE_MAX_ITEMS", "many")]);
    assert!(
        fault.contains(r#"CACHE_MAX_ITEMS = "many" (flag): expected a whole number, 0 or more (0: no limit)"#),
        "{fault}"
    );
}

#[test]
fn a_fault_never_shows_a_secret() {
    let all =
        faults(&[("REDIS_PASSWORD", "hush\t"), ("REDIS_URL", "http://me:hush@host"), ("CACHE_API_KEY", "hush\t")]);
    assert!(!all.contains("hush"), "{all}");
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    assert!(faults(&[("RINGHOLD_LISTEN", "0.0.0.0:7400")]).contains("RINGHOLD_ADVERTISE"));
    assert!(faults(&[("CACHE_BACKEND", "redis")]).contains("REDIS_URL"));
    assert!(faults(&[("CACHE_BACKEND", "memcached")]).contains("MEMCACHED_URL"));
    assert!(faults(&[("REDIS_URL", "rediss://localhost")]).contains("not built yet"));
    assert!(faults(&[("CACHE_MAX_TTL", "60"), ("CACHE_DEFAULT_TTL", "61")]).contains("CACHE_DEFAULT_TTL"));
}

#[test]
fn the_advertised_address_may_hold_the_name_of_the_machine() {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let node = built(&[("RINGHOLD_LISTEN", "0.0.0.0:7400"), ("RINGHOLD_ADVERTISE", "{hostname}:7400")]).node;
    assert_eq!(node.advertise, format!("{name}:7400"));
}

#[test]
fn health_on_every_address_is_advertised_on_the_host_of_the_node() {
    let everywhere = [("RINGHOLD_ADVERTISE", "node-1:7400"), ("RINGHOLD_HEALTH_LISTEN", "0.0.0.0:7480")];
    assert_eq!(built(&everywhere).node.advertise_health.as_deref(), Some("node-1:7480"));
    assert_eq!(built(&[]).node.advertise_health, None);
}

#[test]
fn the_documented_quick_start_file_starts_with_warnings() {
    let settings = built(&[
        ("CACHE_BACKEND", "memory"),
        ("CACHE_STRATEGY", "lru"),
        ("CACHE_MAX_MEMORY", "104857600"),
        ("CACHE_MAX_ITEMS", "10000"),
        ("CACHE_DEFAULT_TTL", "3600"),
        ("CACHE_CLEANUP_INTERVAL", "300"),
        ("REDIS_URL", "redis://localhost:6379"),
        ("REDIS_DB", "0"),
        ("REDIS_PASSWORD", ""),
        ("MEMCACHED_URL", "memcached://localhost:11211"),
        ("DATABASE_URL", "sqlite:///./cache.db"),
        ("CACHE_COMPRESSION_ENABLED", "false"),
        ("CACHE_ENCRYPTION_ENABLED", "false"),
        ("CACHE_SERIALIZATION_FORMAT", "json"),
        ("CACHE_MAX_KEY_LENGTH", "250"),
        ("CACHE_METRICS_ENABLED", "true"),
        ("CACHE_ACCESS_LOG_ENABLED", "true"),
        ("CACHE_PERFORMANCE_TRACKING", "true"),
        ("CACHE_AUTH_ENABLED", "false"),
        ("CACHE_API_KEY", "your_cache_api_key"),
        ("ALLOWED_ORIGINS", "http://localhost:3000,https://yourdomain.com"),
    ]);
    let names: Vec<_> = settings.warnings.iter().filter_map(|warning| warning.split(' ').next()).collect();
    assert_eq!(names, ["CACHE_API_KEY"], "{:?}", settings.warnings);
}

#[test]
fn the_api_speaks_tls_with_certificate_and_key() {
    let files = [("TLS_CERT_FILE", "c.pem"), ("TLS_KEY_FILE", "k.pem"), ("TLS_CLIENT_CA_FILE", "a.pem")];
    let tls = built(&files).router.tls.expect("it is on");
    assert_eq!((tls.certificate, tls.key, tls.client_ca), ("c.pem".into(), "k.pem".into(), Some("a.pem".into())));
    assert_eq!(built(&files[..2]).router.tls.expect("it is on").client_ca, None);
    assert!(built(&[]).router.tls.is_none());
}

#[test]
fn authentication_is_on_only_when_asked_for_and_weak_secrets_are_warned_about() {
    let secrets = [("CACHE_API_KEY", "k"), ("CACHE_JWT_SECRET", "s")];
    let off = built(&secrets);
    assert!(off.router.authentication.is_none() && off.warnings.iter().all(|warning| warning.contains("is open")));
    let on = built(&[&secrets[..], &[("CACHE_AUTH_ENABLED", "true")]].concat());
    let authentication = on.router.authentication.expect("it is on");
    assert!(authentication.api_key.is_some() && authentication.jwt_secret.is_some());
    assert_eq!(on.warnings.iter().filter(|warning| warning.contains("may be guessed")).count(), 2, "{:?}", on.warnings);
    let alone = built(&[("CACHE_AUTH_ENABLED", "true")]);
    assert!(alone.warnings[0].contains("only keys that the cluster has already"), "{:?}", alone.warnings);
    let long = "x".repeat(32);
    let strong = built(&[("CACHE_AUTH_ENABLED", "true"), ("CACHE_API_KEY", &long), ("CACHE_JWT_SECRET", &long)]);
    assert!(strong.warnings.is_empty(), "{:?}", strong.warnings);
}

/// `NAME=value` and `#NAME=value` lines of the reference file.
fn reference() -> BTreeMap<String, String> {
    let text = include_str!("../../deploy/ringhold.env");
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let pairs = text.lines().filter_map(|line| line.strip_prefix('#').unwrap_or(line).split_once('='));
    pairs.filter(|(name, _)| is_name(name)).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_reference_file_names_every_variable_with_its_default() {
    let expected: BTreeMap<_, _> = VARIABLES.iter().map(|v| (v.name.to_owned(), v.default.to_owned())).collect();
    assert_eq!(reference(), expected);
}

#[test]
fn the_reference_file_starts_without_a_warning() {
    let mut given = Given::default();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/ringhold.env");
    given.add_file(file.as_ref()).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(build(&given).unwrap_or_else(|faults| panic!("{faults}")).warnings.is_empty());
}
