//! The table of every variable: its flag, default, meaning, and who reads it.

use std::fmt;

/// One setting.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Name in the environment and in `.env` files.
    pub(crate) name: &'static str,
    /// Name as a flag, without the dashes.
    pub(crate) flag: &'static str,
    /// Default as text; empty: none.
    pub(crate) default: &'static str,
    /// What it does, one line.
    pub(crate) help: &'static str,
    /// What it may be, as said in a fault.
    pub(crate) expected: &'static str,
    /// The roles that have it as a flag.
    pub(crate) roles: &'static [Role],
    /// How it is hidden when settings are shown.
    pub(crate) secrecy: Secrecy,
}

impl Variable {
    /// The variable of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        VARIABLES.iter().find(|variable| variable.name == name)
    }

    /// `text` as it may be shown to people.
    pub(crate) fn masked(&self, text: &str) -> String {
        match self.secrecy {
            Secrecy::Open => text.to_owned(),
            Secrecy::Secret if text.is_empty() => String::new(),
            Secrecy::Secret => MASK.to_owned(),
            Secrecy::Url => mask_url(text),
        }
    }
}

/// Which process reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nodes and a router in one process.
    Dev,
    /// One node.
    Node,
    /// One router.
    Router,
    /// `ringhold settings`, which only shows them.
    Show,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dev => "dev",
            Self::Node => "node",
            Self::Router => "router",
            Self::Show => "settings",
        })
    }
}

/// What of a value may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// All of it.
    Open,
    /// Nothing.
    Secret,
    /// All but what stands before the `@` and a query.
    Url,
}

const MASK: &str = "****";

fn mask_url(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return if text.contains('@') { MASK.to_owned() } else { text.to_owned() };
    };
    // The last `@`, because an unescaped one may stand in a password.
    let hidden = match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}://{MASK}@{place}"),
        None => text.to_owned(),
    };
    match hidden.split_once('?') {
        Some((before, _)) => format!("{before}?{MASK}"),
        None => hidden,
    }
}

const ALL: &[Role] = &[Role::Dev, Role::Node, Role::Router, Role::Show];
const SERVING: &[Role] = &[Role::Dev, Role::Node, Role::Show];
const FRONT: &[Role] = &[Role::Dev, Role::Router, Role::Show];
const DEV: &[Role] = &[Role::Dev];
const NODE: &[Role] = &[Role::Node];
const ROUTER: &[Role] = &[Role::Router];

const fn open(
    [name, flag, default]: [&'static str; 3],
    roles: &'static [Role],
    help: &'static str,
    expected: &'static str,
) -> Variable {
    Variable { name, flag, default, help, expected, roles, secrecy: Secrecy::Open }
}

const fn hidden(variable: Variable, secrecy: Secrecy) -> Variable {
    Variable { secrecy, ..variable }
}

const BOOLEAN: &str = "true or false (also 1/0, yes/no, on/off)";
const COUNT: &str = "a whole number, 0 or more (0: no limit)";
const SECRET: &str = "text without control characters";
const PATH: &str = "a path";
const HOST_PORT: &str = "host:port, such as 127.0.0.1:7400 or node-1:7400";
const HOST_PORTS: &str = "host:port, several separated by commas, such as node-1:7400,node-2:7400";
const BACKENDS: &str = "one of memory, redis, memcached, database, file";

/// Every variable, in the order in which they are shown.
#[rustfmt::skip]
pub(crate) const VARIABLES: &[Variable] = &[
    open(["CACHE_BACKEND", "cache-backend", "memory"], SERVING, "Default backend", BACKENDS),
    open(["CACHE_STRATEGY", "cache-strategy", "lru"], SERVING, "Which item goes first when room is needed", "one of lru, lfu, fifo, ttl, s3fifo, w_tinylfu, sieve, write_through, write_behind"),
    open(["CACHE_MAX_MEMORY", "cache-max-memory", "104857600"], SERVING, "Bytes that one node may hold; 0: no limit", COUNT),
    open(["CACHE_MAX_ITEMS", "cache-max-items", "10000"], SERVING, "Items that one node may hold; 0: no limit", COUNT),
    open(["CACHE_DEFAULT_TTL", "cache-default-ttl", "3600"], SERVING, "Seconds that an item lives when it brings no ttl; 0: for ever", "whole seconds, 0 or more (0: items never expire), at most CACHE_MAX_TTL"),
    open(["CACHE_CLEANUP_INTERVAL", "cache-cleanup-interval", "300"], SERVING, "Longest time that an expired item occupies memory, in seconds", "whole seconds from 1 to 86400"),
    open(["CACHE_COMPRESSION_ENABLED", "cache-compression-enabled", "false"], SERVING, "Compress stored bytes (not built yet)", BOOLEAN),
    open(["CACHE_ENCRYPTION_ENABLED", "cache-encryption-enabled", "false"], SERVING, "Encrypt stored bytes (not built yet)", BOOLEAN),
    open(["CACHE_COMPRESSION_THRESHOLD", "cache-compression-threshold", "1024"], SERVING, "Values below this many bytes are not compressed", "whole bytes, 0 or more"),
    hidden(open(["CACHE_ENCRYPTION_KEY", "cache-encryption-key", ""], SERVING, "Key that encrypts stored bytes", SECRET), Secrecy::Secret),
    open(["CACHE_SERIALIZATION_FORMAT", "cache-serialization-format", "json"], SERVING, "Format of stored values in backends", "one of json, msgpack"),
    open(["CACHE_MAX_KEY_LENGTH", "cache-max-key-length", "250"], FRONT, "Longest key, in bytes", "whole bytes from 1 to 4096"),
    open(["CACHE_MAX_VALUE_SIZE", "cache-max-value-size", "1048576"], FRONT, "Largest value, in bytes of JSON", "whole bytes from 1 to 67108864"),
    open(["CACHE_MAX_BATCH_SIZE", "cache-max-batch-size", "1000"], FRONT, "Most items in one batch", "a whole number from 1 to 100000"),
    open(["CACHE_MAX_BODY_SIZE", "cache-max-body-size", "8388608"], FRONT, "Largest request body, in bytes (import is exempt)", "whole bytes from 1024 to 1073741824"),
    open(["CACHE_MAX_TTL", "cache-max-ttl", "315360000"], ALL, "Longest ttl that a client may ask for, in seconds", "whole seconds from 1 to 315360000"),
    open(["CACHE_METRICS_ENABLED", "cache-metrics-enabled", "true"], ALL, "Serve /metrics; false: it is 404", BOOLEAN),
    open(["CACHE_ACCESS_LOG_ENABLED", "cache-access-log-enabled", "true"], FRONT, "Log every request", BOOLEAN),
    open(["CACHE_PERFORMANCE_TRACKING", "cache-performance-tracking", "true"], ALL, "Keep latency histograms; false: percentiles are null", BOOLEAN),
    open(["HOST", "host", "127.0.0.1"], FRONT, "Address that the API listens on; containers need 0.0.0.0", "an IP address or a host name"),
    open(["PORT", "port", "8000"], FRONT, "Port that the API listens on; 0: any free one", "a port from 0 to 65535"),
    hidden(open(["REDIS_URL", "redis-url", ""], SERVING, "Where redis is", "a URL such as redis://localhost:6379"), Secrecy::Url),
    open(["REDIS_DB", "redis-db", "0"], SERVING, "Number of the redis database", "a whole number from 0 to 65535"),
    hidden(open(["REDIS_PASSWORD", "redis-password", ""], SERVING, "Password of redis", SECRET), Secrecy::Secret),
    hidden(open(["MEMCACHED_URL", "memcached-url", ""], SERVING, "Where memcached is; several servers separated by commas", "a URL such as memcached://localhost:11211"), Secrecy::Url),
    hidden(open(["DATABASE_URL", "database-url", "sqlite:///./cache.db"], SERVING, "The SQL database; a relative path is in the data folder", "a URL that begins with sqlite://, postgres:// or mysql://"), Secrecy::Url),
    open(["FILE_CACHE_PATH", "file-cache-path", "cache/"], SERVING, "Folder of the file backend; relative: in the data folder", PATH),
    open(["CACHE_WRITE_STORE", "cache-write-store", "database"], SERVING, "Store of write_through and write_behind on memory", "one of redis, memcached, database, file"),
    open(["CACHE_AUTH_ENABLED", "cache-auth-enabled", "false"], FRONT, "Ask for an API key or token; what is public without is said in the docs", BOOLEAN),
    hidden(open(["CACHE_API_KEY", "cache-api-key", ""], FRONT, "An API key that opens everything, to make others with", SECRET), Secrecy::Secret),
    hidden(open(["CACHE_JWT_SECRET", "cache-jwt-secret", ""], FRONT, "Secret of the JSON web tokens (HS256) that are taken beside keys", SECRET), Secrecy::Secret),
    open(["ALLOWED_ORIGINS", "allowed-origins", "http://localhost:3000"], FRONT, "Origins that browsers may call from", "* or origins such as http://localhost:3000, several separated by commas, without a path"),
    open(["RATE_LIMIT_PER_MINUTE", "rate-limit-per-minute", "0"], FRONT, "Requests a minute and client (not built yet); 0: no limit", COUNT),
    open(["TLS_CERT_FILE", "tls-cert-file", ""], FRONT, "Certificate of the API with what leads to its authority, PEM; then the API speaks TLS only", PATH),
    open(["TLS_KEY_FILE", "tls-key-file", ""], FRONT, "Private key of the certificate, PEM", PATH),
    open(["TLS_CLIENT_CA_FILE", "tls-client-ca-file", ""], FRONT, "Authorities of which every client must bring a certificate, PEM", PATH),
    open(["CACHE_REQUEST_TIMEOUT_MS", "cache-request-timeout-ms", "5000"], FRONT, "Deadline of a request, in milliseconds", "whole milliseconds from 1 to 3600000"),
    open(["RINGHOLD_SHUTDOWN_DELAY_MS", "shutdown-delay-ms", "0"], &[Role::Router, Role::Show], "For how long a router that was told to stop serves on, while /readyz says 503, in milliseconds", "whole milliseconds from 0 to 600000"),
    open(["RUST_LOG", "rust-log", "info"], ALL, "What is logged", "a filter such as info or warn,ringhold=debug"),
    open(["RINGHOLD_LOG_FORMAT", "log-format", "auto"], ALL, "How it is logged; auto: text on a terminal and in dev, else json", "one of auto, text, json"),
    open(["RINGHOLD_WORKERS", "workers", "0"], &[Role::Dev, Role::Node, Role::Router], "Worker threads; 0: as many as cores", "a whole number from 0 to 1024"),
    open(["RINGHOLD_DATA", "data", "./ringhold-data"], &[Role::Dev, Role::Node], "Data folder", PATH),
    open(["RINGHOLD_STORE", "store", "sled"], &[Role::Dev, Role::Node], "Store of the Raft log", "one of sled, redb"),
    open(["RINGHOLD_RANGES", "ranges", "1024"], &[Role::Dev, Role::Node], "Ranges of the hash space; fixed when the cluster is formed", "a power of two from 2 to 8192"),
    open(["RINGHOLD_DEV_NODES", "nodes", "3"], DEV, "How many nodes to run", "a whole number from 1 to 16"),
    open(["RINGHOLD_LISTEN", "listen", "127.0.0.1:7400"], NODE, "Internal address for routers and other nodes", HOST_PORT),
    open(["RINGHOLD_ADVERTISE", "advertise", ""], NODE, "Address that the others reach this node at; {hostname} stands for the name of the machine (default: --listen)", HOST_PORT),
    open(["RINGHOLD_HEALTH_LISTEN", "health-listen", "127.0.0.1:7480"], NODE, "Address of health and metrics over HTTP", HOST_PORT),
    open(["RINGHOLD_ADVERTISE_HEALTH", "advertise-health", ""], NODE, "Address that health and metrics are reached at (default: --health-listen, on the host of --advertise when that is 0.0.0.0)", HOST_PORT),
    open(["RINGHOLD_SEEDS", "seeds", ""], NODE, "Internal addresses of all nodes that form the cluster; the same list on each (default: this node alone)", HOST_PORTS),
    open(["RINGHOLD_JOIN", "join", ""], NODE, "Internal addresses of any nodes of a running cluster to join; beside --seeds: for nodes that are not among those", HOST_PORTS),
    open(["RINGHOLD_ZONE", "zone", ""], NODE, "Failure zone of this node", "1 to 64 letters, digits, dots, dashes or underscores"),
    open(["RINGHOLD_WEIGHT", "weight", "100"], NODE, "Share of the ranges in relation to other nodes", "a whole number from 1 to 10000"),
    open(["RINGHOLD_NODES", "nodes", "127.0.0.1:7400"], ROUTER, "Internal addresses of any nodes of the cluster", HOST_PORTS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (url, shown) in [
            ("redis://localhost:6379", "redis://localhost:6379"),
            ("redis://me:pw@localhost:6379/1", "redis://****@localhost:6379/1"),
            ("mysql://u:p@ss/w@db/x", "mysql://****@db/x"),
            ("postgres://db/x?password=pw", "postgres://db/x?****"),
            ("postgres://u:p@db/x?password=pw", "postgres://****@db/x?****"),
            ("u:p@db", "****"),
        ] {
            assert_eq!(mask_url(url), shown);
        }
    }

    #[test]
    fn names_are_unique_and_so_are_the_flags_of_a_role() {
        for (at, one) in VARIABLES.iter().enumerate() {
            for other in &VARIABLES[at + 1..] {
                assert_ne!(one.name, other.name);
                let shared = one.roles.iter().any(|role| other.roles.contains(role));
                assert!(!shared || one.flag != other.flag, "{} and {}", one.name, other.name);
            }
        }
    }

    #[test]
    fn variables_of_the_cache_have_their_own_name_as_flag() {
        for variable in VARIABLES.iter().filter(|variable| !variable.name.starts_with("RINGHOLD_")) {
            assert_eq!(variable.flag, variable.name.to_lowercase().replace('_', "-"));
        }
    }
}
