//! The HTTP client, and whom it trusts.

use std::{fs, path::Path, time::Duration};

use anyhow::Context;
use reqwest::{Certificate, Identity};
use tokio_rustls::rustls::crypto::ring::default_provider;

use crate::{cli::Global, failure::Failure};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client as the global options say.
pub(super) fn http_client(global: &Global) -> Result<reqwest::Client, Failure> {
    // The second call of a process finds it done.
    let _ = default_provider().install_default();
    // A cache is not reached through a proxy; one in the environment would break localhost.
    let mut builder = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT);
    match &global.ca_file {
        Some(path) => {
            let found = Certificate::from_pem_bundle(&read(path)?);
            builder = builder.tls_certs_only(found.with_context(|| format!("{} is no certificate", path.display()))?);
        }
        // Without TLS no authorities are needed, and a container may have none.
        None if !global.url.starts_with("https:") => builder = builder.tls_certs_only([]),
        None => {}
    }
    if let Some(path) = &global.client_cert_file {
        let found = Identity::from_pem(&read(path)?);
        let what = || format!("{} holds no certificate with its private key", path.display());
        builder = builder.identity(found.with_context(what)?);
    }
    builder.build().map_err(|error| Failure::Failed(error.into()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    Ok(fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?)
}
