//! Which build this is.

/// What `--version` prints; a build may say more than the package's version in `RINGHOLD_VERSION`, such as the commit.
pub(crate) const VERSION: &str = match option_env!("RINGHOLD_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};
