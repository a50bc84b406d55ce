//! Arguments of `ringhold cluster`.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::{client::Target, examples, parse};

/// What can be done with a cluster.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Show nodes, ranges, settings and what moves
    #[command(after_help = examples::CLUSTER_STATUS)]
    Status(StatusArgs),
    /// Show the nodes alone
    #[command(after_help = examples::CLUSTER_NODES)]
    Nodes,
    /// Tell what a change would move; changes nothing. Without options: what is left to do now
    #[command(after_help = examples::CLUSTER_PLAN)]
    Plan(ChangeArgs),
    /// Make a change. Without options: resume what was paused
    #[command(after_help = examples::CLUSTER_APPLY)]
    Apply(ApplyArgs),
    /// Keep copies where they are; lost ones are still restored
    #[command(after_help = examples::CLUSTER_PAUSE)]
    Pause,
    /// Let copies move again
    #[command(after_help = examples::CLUSTER_RESUME)]
    Resume,
    /// Give up what is being moved: the present layout becomes the plan
    #[command(after_help = examples::CLUSTER_CANCEL)]
    Cancel,
    /// Have a node hand over all it holds
    #[command(after_help = examples::CLUSTER_DRAIN)]
    Drain(DrainArgs),
    /// Remove a node that will never return
    #[command(after_help = examples::CLUSTER_REMOVE)]
    Remove(RemoveArgs),
    /// Set a node's share of the ranges
    #[command(after_help = examples::CLUSTER_WEIGHT)]
    Weight(WeightArgs),
    /// Tell whether a node may be stopped now
    #[command(after_help = examples::CLUSTER_SAFE_TO_STOP)]
    SafeToStop {
        /// Id of the node
        node: u64,
    },
    /// Show or change the settings of the copies
    #[command(after_help = examples::CLUSTER_SETTINGS)]
    Settings(SettingsArgs),
    /// Show or change the configuration of a namespace and backend
    #[command(subcommand, after_help = examples::CLUSTER_CONFIG)]
    Config(ConfigCommand),
    /// List the namespaces, or remove one
    #[command(after_help = examples::CLUSTER_NAMESPACES)]
    Namespaces(NamespacesArgs),
}

/// `cluster status`.
#[derive(Args, Clone, Debug)]
pub(crate) struct StatusArgs {
    /// Show it again and again, until Ctrl-C
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse::interval, requires = "watch")]
    pub(crate) every: Duration,
}

/// What `cluster plan` looks at and `cluster apply` does.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ChangeArgs {
    /// Copies that a range should have, 1 to 5
    #[arg(long, value_name = "COPIES")]
    pub(crate) replication_factor: Option<u8>,
    /// A node's share of the ranges, such as 4=200, or 4=default; may be repeated
    #[arg(long = "weight", value_name = "NODE=WEIGHT", value_parser = parse::node_weight)]
    pub(crate) weights: Vec<(u64, Option<u32>)>,
    /// A node that is to hand over all it holds; may be repeated
    #[arg(long, value_name = "NODE")]
    pub(crate) drain: Vec<u64>,
    /// A node that will never return; may be repeated. Refused where it holds a last copy
    #[arg(long, value_name = "NODE")]
    pub(crate) remove: Vec<u64>,
}

/// `cluster apply`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// Wait until all copies are where they should be, and show how it goes
    #[arg(long)]
    pub(crate) wait: bool,
}

/// `cluster drain`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DrainArgs {
    /// Id of the node
    pub(crate) node: u64,
    /// Wait until it holds nothing, and show how it goes
    #[arg(long, conflicts_with = "cancel")]
    pub(crate) wait: bool,
    /// Take it back: the node keeps what it holds and takes its share again
    #[arg(long)]
    pub(crate) cancel: bool,
}

/// `cluster remove`.
#[derive(Args, Clone, Debug)]
pub(crate) struct RemoveArgs {
    /// Id of the node
    pub(crate) node: u64,
    /// Also when it holds last copies: those ranges begin again, empty
    #[arg(long)]
    pub(crate) force: bool,
}

/// `cluster weight`.
#[derive(Args, Clone, Debug)]
pub(crate) struct WeightArgs {
    /// Id of the node
    pub(crate) node: u64,
    /// 100 is plain, 0: no ranges; `default`: what the node was started with
    #[arg(value_parser = parse::weight, value_name = "WEIGHT")]
    pub(crate) weight: Weight,
}

/// A weight that is set, or that of the node itself. (clap would take an `Option` for an argument that may be left out.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight(pub(crate) Option<u32>);

/// `cluster settings`; none given: they are shown.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct SettingsArgs {
    /// Copies that a range should have, 1 to 5
    #[arg(long, value_name = "COPIES")]
    pub(crate) replication_factor: Option<u8>,
    /// Fewest copies in sync with which a range takes writes, 1 to 5
    #[arg(long, value_name = "COPIES")]
    pub(crate) min_in_sync: Option<u8>,
    /// Most bytes a second that one node sends to fill copies; 0: no bound
    #[arg(long, value_name = "BYTES")]
    pub(crate) fill_bytes_per_s: Option<u64>,
    /// Seconds until copies of a node that is down are restored elsewhere
    #[arg(long, value_name = "SECONDS")]
    pub(crate) rehome_after_s: Option<u32>,
    /// Seconds until a range without any serving member begins again, empty
    #[arg(long, value_name = "SECONDS")]
    pub(crate) reset_after_s: Option<u32>,
}

/// What can be done with the configuration.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show it, or one field of it
    #[command(after_help = examples::CONFIG_GET)]
    Get {
        /// The field alone, such as max_items
        field: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Change fields; the others stay
    #[command(after_help = examples::CONFIG_SET)]
    Set {
        /// What to change: strategy (lru, lfu, fifo, ttl, s3fifo, w_tinylfu or sieve), max_memory, max_items, default_ttl, cleanup_interval, compression_enabled,
        /// encryption_enabled, lfu_aging (none or dynamic), default_backend
        #[arg(required = true, value_name = "FIELD=VALUE", value_parser = parse::pair)]
        fields: Vec<(String, String)>,
        #[command(flatten)]
        target: Target,
    },
}

/// `cluster namespaces`.
#[derive(Args, Clone, Debug)]
pub(crate) struct NamespacesArgs {
    /// Remove this namespace and everything in it
    #[arg(long, value_name = "NAME", value_parser = parse::namespace)]
    pub(crate) remove: Option<String>,
}
