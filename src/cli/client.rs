//! Arguments of the commands that work on items.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::parse;

/// The backend that a command works on.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Target {
    /// Backend to work on; none: the cluster's default
    #[arg(short, long, value_name = "NAME")]
    pub(crate) backend: Option<String>,
}

/// `get`.
#[derive(Args, Clone, Debug)]
pub(crate) struct GetArgs {
    /// The key
    pub(crate) key: String,
    /// Print the whole item: value, ttl, times, counts, metadata
    #[arg(long)]
    pub(crate) full: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `health`.
#[derive(Args, Clone, Debug)]
pub(crate) struct HealthArgs {
    /// Where to ask, the first that listens; none: a node on port 7480 of this machine, then --url
    #[arg(value_name = "URL", value_parser = parse::url)]
    pub(crate) places: Vec<String>,
    /// Only whether the process serves, not whether it is ready for requests
    #[arg(long)]
    pub(crate) live: bool,
}

/// `set` and `getset`.
#[derive(Args, Clone, Debug)]
pub(crate) struct SetArgs {
    /// The key
    pub(crate) key: String,
    /// The value: JSON if it reads as JSON, else a string; `-`: from standard input; put `--` before one
    /// that begins with a dash
    #[arg(required_unless_present = "file", conflicts_with = "file", allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
    /// Take the value from a file; `-`: from standard input
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Store the value as a string even if it reads as JSON
    #[arg(short, long)]
    pub(crate) string: bool,
    /// Seconds that it lives; 0: for ever; none: the configured default
    #[arg(short, long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    /// A tag to invalidate it by; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    pub(crate) tags: Vec<String>,
    /// Metadata, a JSON object
    #[arg(short, long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// Data type to insist on: string, json, binary, number, boolean, list or dictionary
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) data_type: Option<String>,
    /// Strategy of this item: lru, lfu, fifo, ttl, s3fifo, w_tinylfu or sieve; none: the configured one
    #[arg(long, value_name = "NAME")]
    pub(crate) strategy: Option<String>,
    /// Store only if the key is not there
    #[arg(long)]
    pub(crate) if_absent: bool,
    /// Store only if the item has this version, as `get --full` shows it
    #[arg(long, value_name = "VERSION", conflicts_with = "if_absent")]
    pub(crate) if_version: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `incr`.
#[derive(Args, Clone, Debug)]
pub(crate) struct IncrArgs {
    /// The key
    pub(crate) key: String,
    /// What to add; may be negative
    #[arg(default_value_t = 1, allow_negative_numbers = true)]
    pub(crate) by: i64,
    /// What to add it to if the key is not there
    #[arg(long, default_value_t = 0, value_name = "NUMBER", allow_negative_numbers = true)]
    pub(crate) initial: i64,
    /// Seconds that a new item lives; 0: for ever; none: the configured default. One that is there keeps its time
    #[arg(short, long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `touch`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TouchArgs {
    /// The key
    pub(crate) key: String,
    /// Seconds that it lives from now on; 0: for ever; none: the configured default
    #[arg(short, long, value_name = "SECONDS")]
    pub(crate) ttl: Option<u64>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `delete`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DeleteArgs {
    /// The keys
    #[arg(required = true)]
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `keys`.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeysArgs {
    /// Only keys that match: `*` any text, `?` any character, `[abc]` one of them
    pub(crate) pattern: Option<String>,
    /// Keys in a page (1 to 1000)
    #[arg(short, long, default_value_t = 100)]
    pub(crate) limit: u32,
    /// Keys to pass over, in key order (up to 100000)
    #[arg(long, default_value_t = 0)]
    pub(crate) offset: u32,
    /// List all of them, page by page in no order: one key a line, or one JSON object a line
    #[arg(short, long, conflicts_with = "offset")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `stats`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) target: Target,
}

/// What `analytics` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// Keys used most.
    HotKeys,
    /// Use by prefix and by minute, causes of evictions.
    AccessPatterns,
    /// Memory by type and prefix.
    Memory,
    /// Remaining times to live.
    Ttl,
    /// Work and speed of the backends.
    Backends,
}

impl Topic {
    /// The last part of the path.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::HotKeys => "hot-keys",
            Self::AccessPatterns => "access-patterns",
            Self::Memory => "memory",
            Self::Ttl => "ttl",
            Self::Backends => "backends",
        }
    }
}

/// `analytics`.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnalyticsArgs {
    /// What to show
    #[arg(value_enum)]
    pub(crate) topic: Topic,
    /// Most hot keys or prefixes
    #[arg(short, long)]
    pub(crate) limit: Option<u32>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One item a line.
    Ndjson,
    /// One document.
    Json,
}

/// `export`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArgs {
    /// File to write; `-`: standard output. It appears under its name only once it is complete
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// How items are written
    #[arg(short, long, value_enum, default_value_t = ExportFormat::Ndjson)]
    pub(crate) format: ExportFormat,
    /// Only items whose key matches
    #[arg(short, long)]
    pub(crate) pattern: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// What happens to a key that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Conflict {
    /// The imported item wins.
    Replace,
    /// The present item stays.
    Skip,
}

/// `import`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImportArgs {
    /// File to read, as `export` wrote it in either format; `-`: standard input
    pub(crate) file: PathBuf,
    /// What happens to keys that exist
    #[arg(long, value_enum, default_value_t = Conflict::Replace)]
    pub(crate) on_conflict: Conflict,
}

/// `clear`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClearArgs {
    /// Only items whose key matches
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) pattern: Option<String>,
    /// Remove everything in the namespace
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `invalidate`.
#[derive(Args, Clone, Debug)]
pub(crate) struct InvalidateArgs {
    /// Remove items with this tag; may be repeated
    #[arg(short, long = "tag", value_name = "TAG", required_unless_present = "pattern")]
    pub(crate) tags: Vec<String>,
    /// Remove items whose key matches as well
    #[arg(short, long)]
    pub(crate) pattern: Option<String>,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// `warm`.
#[derive(Args, Clone, Debug)]
pub(crate) struct WarmArgs {
    /// File with a JSON object `{key: value}`; `-`: standard input
    pub(crate) file: PathBuf,
}
