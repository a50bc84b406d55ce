//! The command line: what can be typed, and nothing of what it does.
//!
//! Flags of settings are not written down here; `cli/flags.rs` makes them from the table of variables. They stay text
//! until all layers are gathered, so that every wrong one is named at once.

mod access;
mod client;
mod cluster;
mod examples;
mod flags;
mod parse;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ringhold_router::Secret;

pub(crate) use self::{
    access::{AccessCommand, CreateKeyArgs},
    client::{
        AnalyticsArgs, ClearArgs, Conflict, DeleteArgs, ExportArgs, ExportFormat, GetArgs, HealthArgs, ImportArgs,
        IncrArgs, InvalidateArgs, KeysArgs, SetArgs, StatsArgs, TouchArgs, WarmArgs,
    },
    cluster::{
        ApplyArgs, ChangeArgs, ClusterCommand, ConfigCommand, DrainArgs, NamespacesArgs, RemoveArgs, SettingsArgs,
        StatusArgs, WeightArgs,
    },
    flags::{ForDev, ForNode, ForRouter, ForShow, SettingFlags},
    parse::parse,
};
use crate::build_info::VERSION;

/// A clustered cache with a REST front.
///
/// Without arguments it runs `ringhold dev`: a cluster of three nodes and a router on http://localhost:8000.
#[derive(Debug, Parser)]
#[command(name = "ringhold", version = VERSION, after_help = examples::TOP, max_term_width = 110)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do; nothing: `dev`.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that may stand before or after the command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Where the router's API is.
    #[arg(
        long, global = true, env = "RINGHOLD_URL", default_value = "http://localhost:8000",
        value_parser = parse::url, help_heading = CLIENT
    )]
    pub(crate) url: String,
    /// API key or token, where the router asks for one.
    #[arg(
        long, global = true, env = "CACHE_API_KEY", hide_env_values = true, value_name = "KEY", value_parser = parse::secret,
        help_heading = CLIENT
    )]
    pub(crate) api_key: Option<Secret>,
    /// Authorities that the router's certificate may come from, PEM; none: those of this system.
    #[arg(long, global = true, env = "RINGHOLD_CA_FILE", value_name = "FILE", help_heading = CLIENT)]
    pub(crate) ca_file: Option<PathBuf>,
    /// Certificate to show to the router and its private key, in one PEM file.
    #[arg(long, global = true, env = "RINGHOLD_CLIENT_CERT_FILE", value_name = "FILE", help_heading = CLIENT)]
    pub(crate) client_cert_file: Option<PathBuf>,
    /// Namespace to work in; none: `default`.
    #[arg(short, long, global = true, env = "RINGHOLD_NAMESPACE", value_parser = parse::namespace, help_heading = CLIENT)]
    pub(crate) namespace: Option<String>,
    /// How to print answers.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table, help_heading = CLIENT)]
    pub(crate) output: Output,
    /// Seconds to wait for an answer; for export and import, between two pieces of it.
    #[arg(
        long, global = true, default_value_t = 30, value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = CLIENT
    )]
    pub(crate) timeout: u64,
    /// File of settings instead of `.env` in the working folder; it must exist.
    #[arg(long, global = true, env = "RINGHOLD_ENV_FILE", value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
}

const CLIENT: &str = "Client options";

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Table,
    /// JSON as the API gave it.
    Json,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a whole cluster in this process: nodes, and a router with the API
    #[command(after_help = examples::DEV)]
    Dev(SettingFlags<ForDev>),
    /// Run one node of a cluster
    #[command(after_help = examples::NODE)]
    Node(SettingFlags<ForNode>),
    /// Run one router: the API in front of a cluster
    #[command(after_help = examples::ROUTER)]
    Router(SettingFlags<ForRouter>),
    /// Show every setting, its value and where it comes from
    #[command(after_help = examples::SETTINGS)]
    Settings(SettingFlags<ForShow>),
    /// Ask a node or router whether it is ready, for health checks of containers
    #[command(after_help = examples::HEALTH)]
    Health(HealthArgs),
    /// Look at the cluster, change it and its configuration
    #[command(subcommand, after_help = examples::CLUSTER)]
    Cluster(ClusterCommand),
    /// Make, list, rotate and revoke the API keys of a cluster
    #[command(name = "apikeys", subcommand, after_help = examples::APIKEYS)]
    ApiKeys(AccessCommand),
    /// Print the value of a key
    #[command(after_help = examples::GET)]
    Get(GetArgs),
    /// Store a value
    #[command(after_help = examples::SET)]
    Set(SetArgs),
    /// Add to a whole number, in one step with reading it
    #[command(after_help = examples::INCR)]
    Incr(IncrArgs),
    /// Store a value and print the one that it replaces
    #[command(after_help = examples::GETSET)]
    Getset(SetArgs),
    /// Give an item a new time to live
    #[command(after_help = examples::TOUCH)]
    Touch(TouchArgs),
    /// Remove keys
    #[command(after_help = examples::DELETE)]
    Delete(DeleteArgs),
    /// List keys
    #[command(after_help = examples::KEYS)]
    Keys(KeysArgs),
    /// Show hits, misses, sizes and latencies, of the cluster and of each node
    #[command(after_help = examples::STATS)]
    Stats(StatsArgs),
    /// Show hot keys, access patterns, or the distribution of memory and of times to live
    #[command(after_help = examples::ANALYTICS)]
    Analytics(AnalyticsArgs),
    /// Write all items to a file or to standard output
    #[command(after_help = examples::EXPORT)]
    Export(ExportArgs),
    /// Load items that `export` wrote
    #[command(after_help = examples::IMPORT)]
    Import(ImportArgs),
    /// Remove all items, or those whose key matches a pattern
    #[command(after_help = examples::CLEAR)]
    Clear(ClearArgs),
    /// Remove items by tag or pattern
    #[command(after_help = examples::INVALIDATE)]
    Invalidate(InvalidateArgs),
    /// Store many values from a JSON object
    #[command(after_help = examples::WARM)]
    Warm(WarmArgs),
}

#[cfg(test)]
#[path = "cli/tests.rs"]
mod tests;
