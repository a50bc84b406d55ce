//! Arguments of `ringhold apikeys`.

use clap::{Args, Subcommand, ValueEnum};

use super::{examples, parse};

/// What can be done with API keys.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AccessCommand {
    /// Make a key and print its text, which is not shown again
    #[command(after_help = examples::APIKEYS_CREATE)]
    Create(CreateKeyArgs),
    /// List the keys, without their texts
    #[command(after_help = examples::APIKEYS_LIST)]
    List,
    /// Give a key a new text and print it; the old one stays good for a while
    #[command(after_help = examples::APIKEYS_ROTATE)]
    Rotate {
        /// Id of the key
        id: String,
        /// Seconds that the old text stays good; none: an hour
        #[arg(long, value_name = "SECONDS")]
        overlap: Option<u64>,
    },
    /// End a key on all routers
    #[command(after_help = examples::APIKEYS_REVOKE)]
    Revoke {
        /// Id of the key
        id: String,
    },
}

/// `apikeys create`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CreateKeyArgs {
    /// What people call it
    pub(crate) name: String,
    /// What it may be used for; may be repeated
    #[arg(short, long = "scope", value_enum, required = true, value_name = "SCOPE")]
    pub(crate) scopes: Vec<ScopeWord>,
    /// A namespace that it opens; may be repeated; none: all
    #[arg(long = "allow-namespace", value_name = "NAME", value_parser = parse::namespace)]
    pub(crate) namespaces: Vec<String>,
    /// A pattern of the keys that it opens; may be repeated; none: all
    #[arg(long = "allow-keys", value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    /// Seconds that it lives; none: for ever
    #[arg(long, value_name = "SECONDS")]
    pub(crate) expires_in: Option<u64>,
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeWord {
    /// Looking at items and figures.
    Read,
    /// Changing items.
    Write,
    /// Everything.
    Admin,
}

impl ScopeWord {
    /// As the API says it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}
