//! From what was given to typed settings, or to all the faults.

use std::{path::PathBuf, thread::available_parallelism, time::Duration};

use ringhold_model::{
    config::{Backend, CacheConfig},
    key::{KEY_BYTES_LIMIT, is_namespace},
};
use ringhold_node::backend::Settings as Backends;
use tracing_subscriber::EnvFilter;

use super::{
    authentication::{authentication, tls},
    backends::backends,
    fault::Faults,
    given::Given,
    not_built, parse,
    read::Reader,
    types::{DevSettings, InitialConfig, Limits, LogSettings, NodeSettings, RouterSettings, Settings},
};

/// Largest value that may be allowed, in bytes: values travel in one frame.
const VALUE_BYTES_LIMIT: u64 = 64 << 20;
/// Longest TTL that may be allowed, in seconds: ten years of 365 days.
const TTL_SECONDS_LIMIT: u64 = 315_360_000;
const REACHABLE: &str = "host:port that the others can reach; 0.0.0.0 and [::] stand for no place";

/// Reads every variable, whichever role asks, so that a fault shows before the role that would stumble on it is started.
pub(crate) fn build(given: &Given) -> Result<Settings, Faults> {
    let mut reader = Reader::new(given);
    let mut warnings = given.warnings.clone();
    let limits = limits(&mut reader);
    let initial = initial_config(&mut reader, limits, &mut warnings);
    not_built::refuse(&mut reader, &initial.config);
    let backends = backends(&mut reader, initial.default_backend);
    not_built_yet(&mut reader);
    warnings.extend(not_built::warnings(&reader));
    if limits.body_bytes_max < limits.value_bytes_max {
        warnings
            .push("CACHE_MAX_BODY_SIZE is below CACHE_MAX_VALUE_SIZE: the largest values cannot be sent".to_owned());
    }
    let settings = Settings {
        dev: DevSettings {
            nodes: reader.count("RINGHOLD_DEV_NODES", 1..=16),
            data: path(&mut reader, "RINGHOLD_DATA"),
        },
        node: node(&mut reader, initial, backends),
        router: router(&mut reader, limits, &mut warnings),
        log: log(&mut reader),
        warnings,
    };
    if reader.faults.is_empty() { Ok(settings) } else { Err(Faults(reader.faults)) }
}

fn limits(reader: &mut Reader<'_>) -> Limits {
    Limits {
        key_bytes_max: reader.count("CACHE_MAX_KEY_LENGTH", 1..=KEY_BYTES_LIMIT as u64),
        value_bytes_max: reader.count("CACHE_MAX_VALUE_SIZE", 1..=VALUE_BYTES_LIMIT),
        batch_items_max: reader.count("CACHE_MAX_BATCH_SIZE", 1..=100_000),
        body_bytes_max: reader.count("CACHE_MAX_BODY_SIZE", 1_024..=1 << 30),
        ttl_seconds_max: reader.integer("CACHE_MAX_TTL", 1..=TTL_SECONDS_LIMIT),
    }
}

fn initial_config(reader: &mut Reader<'_>, limits: Limits, warnings: &mut Vec<String>) -> InitialConfig {
    let mut default_ttl = reader.integer("CACHE_DEFAULT_TTL", 0..=u64::MAX);
    if default_ttl > limits.ttl_seconds_max {
        if reader.is_given("CACHE_DEFAULT_TTL") {
            reader.refuse("CACHE_DEFAULT_TTL", &format!("at most CACHE_MAX_TTL, which is {}", limits.ttl_seconds_max));
        } else {
            default_ttl = limits.ttl_seconds_max;
            warnings.push(format!("CACHE_DEFAULT_TTL is not set and follows CACHE_MAX_TTL down to {default_ttl}"));
        }
    }
    let config = CacheConfig {
        backend: reader.word("CACHE_BACKEND"),
        strategy: reader.word("CACHE_STRATEGY"),
        max_memory: reader.integer("CACHE_MAX_MEMORY", 0..=u64::MAX),
        max_items: reader.integer("CACHE_MAX_ITEMS", 0..=u64::MAX),
        default_ttl,
        cleanup_interval: reader.integer("CACHE_CLEANUP_INTERVAL", 1..=86_400),
        compression_enabled: reader.boolean("CACHE_COMPRESSION_ENABLED"),
        encryption_enabled: reader.boolean("CACHE_ENCRYPTION_ENABLED"),
        ..CacheConfig::default()
    };
    InitialConfig { default_backend: config.backend, config }
}

/// Checks the settings of what is not built yet, so that they are right on the day it is.
fn not_built_yet(reader: &mut Reader<'_>) {
    reader.parsed("DATABASE_URL", |text| parse::url(text, &["sqlite", "postgres", "postgresql", "mysql"]));
    reader.integer("CACHE_COMPRESSION_THRESHOLD", 0..=u64::MAX);
    reader.parsed("CACHE_WRITE_STORE", |text| text.parse().ok().filter(|store: &Backend| *store != Backend::Memory));
    reader.optional("CACHE_ENCRYPTION_KEY", parse::plain);
}

fn node(reader: &mut Reader<'_>, initial: InitialConfig, backends: Backends) -> NodeSettings {
    let listen = reader.parsed("RINGHOLD_LISTEN", parse::host_port);
    let advertise = reader.optional("RINGHOLD_ADVERTISE", on_this_host).unwrap_or_else(|| listen.clone());
    if is_unspecified(&advertise) {
        reader.refuse("RINGHOLD_ADVERTISE", REACHABLE);
    }
    let health_listen = reader.parsed("RINGHOLD_HEALTH_LISTEN", parse::host_port);
    let advertise_health = advertise_health(reader, &health_listen, &advertise);
    let seeds = addresses(reader, "RINGHOLD_SEEDS");
    let join = addresses(reader, "RINGHOLD_JOIN");
    NodeSettings {
        listen,
        advertise,
        health_listen,
        advertise_health,
        data: path(reader, "RINGHOLD_DATA"),
        seeds,
        join,
        zone: reader.optional("RINGHOLD_ZONE", |text| is_namespace(text).then(|| text.to_owned())).unwrap_or_default(),
        weight: reader.parsed("RINGHOLD_WEIGHT", |text| small(text).filter(|weight| (1..=10_000).contains(weight))),
        ranges: reader.parsed("RINGHOLD_RANGES", |text| small(text).filter(is_count_of_ranges)),
        store: reader.word("RINGHOLD_STORE"),
        workers: workers(reader),
        initial,
        backends,
        metrics_enabled: reader.boolean("CACHE_METRICS_ENABLED"),
        performance_tracking: reader.boolean("CACHE_PERFORMANCE_TRACKING"),
    }
}

/// `host:port` in which `{hostname}` stands for the machine's name, for containers that are started alike.
fn on_this_host(text: &str) -> Option<String> {
    let system = rustix::system::uname();
    parse::host_port(&text.replace("{hostname}", &system.nodename().to_string_lossy()))
}

fn advertise_health(reader: &mut Reader<'_>, listen: &str, advertise: &str) -> Option<String> {
    if let Some(given) = reader.optional("RINGHOLD_ADVERTISE_HEALTH", parse::host_port) {
        if is_unspecified(&given) {
            reader.refuse("RINGHOLD_ADVERTISE_HEALTH", REACHABLE);
        }
        return Some(given);
    }
    let ((host, _), (_, port)) = (advertise.rsplit_once(':')?, listen.rsplit_once(':')?);
    (is_unspecified(listen) && port != "0").then(|| format!("{host}:{port}"))
}

fn router(reader: &mut Reader<'_>, limits: Limits, warnings: &mut Vec<String>) -> RouterSettings {
    let port = |text: &str| parse::integer(text).and_then(|port| u16::try_from(port).ok());
    let some_origins = |text: &str| parse::list(text, parse::origin).filter(|origins| !origins.is_empty());
    let some_nodes = |text: &str| parse::list(text, parse::host_port).filter(|nodes| !nodes.is_empty());
    RouterSettings {
        host: reader.parsed("HOST", parse::host),
        port: reader.parsed("PORT", port),
        nodes: reader.parsed("RINGHOLD_NODES", some_nodes),
        workers: workers(reader),
        limits,
        request_timeout: Duration::from_millis(reader.integer("CACHE_REQUEST_TIMEOUT_MS", 1..=3_600_000)),
        shutdown_delay: Duration::from_millis(reader.integer("RINGHOLD_SHUTDOWN_DELAY_MS", 0..=600_000)),
        allowed_origins: reader.parsed("ALLOWED_ORIGINS", some_origins),
        metrics_enabled: reader.boolean("CACHE_METRICS_ENABLED"),
        access_log_enabled: reader.boolean("CACHE_ACCESS_LOG_ENABLED"),
        performance_tracking: reader.boolean("CACHE_PERFORMANCE_TRACKING"),
        authentication: authentication(reader, warnings),
        tls: tls(reader),
    }
}

fn log(reader: &mut Reader<'_>) -> LogSettings {
    let filter = |text: &str| EnvFilter::builder().parse(text).ok().map(|_| text.to_owned());
    LogSettings { filter: reader.parsed("RUST_LOG", filter), format: reader.word("RINGHOLD_LOG_FORMAT") }
}

fn addresses(reader: &mut Reader<'_>, name: &'static str) -> Vec<String> {
    reader.optional(name, |text| parse::list(text, parse::host_port)).unwrap_or_default()
}

fn path(reader: &mut Reader<'_>, name: &'static str) -> PathBuf {
    reader.parsed(name, |text| parse::plain(text).map(PathBuf::from))
}

fn workers(reader: &mut Reader<'_>) -> usize {
    match reader.count("RINGHOLD_WORKERS", 0..=1_024) {
        0 => available_parallelism().map_or(1, usize::from),
        count => count,
    }
}

fn small(text: &str) -> Option<u32> {
    parse::integer(text).and_then(|number| u32::try_from(number).ok())
}

/// Good to about 1,000 nodes. Beyond it a plan no longer fits into one entry of the Raft log.
const RANGES_MAX: u32 = 8_192;

fn is_count_of_ranges(ranges: &u32) -> bool {
    ranges.is_power_of_two() && (2..=RANGES_MAX).contains(ranges)
}

fn is_unspecified(host_port: &str) -> bool {
    let host = host_port.rsplit_once(':').and_then(|(host, _)| parse::host(host));
    host.and_then(|host| host.parse::<std::net::IpAddr>().ok()).is_some_and(|address| address.is_unspecified())
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
