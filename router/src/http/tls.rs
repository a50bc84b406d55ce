//! TLS on the API's port. The files are looked at while the router runs: a new certificate holds for the next connection, and
//! those that are open go on under the one that they began with.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
        server::WebPkiClientVerifier,
    },
    server::TlsStream,
};

/// How often the files are looked at.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// Where the certificate of the API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and what leads from it to its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Authorities of which every client must bring a certificate, PEM; `None`: clients bring none.
    pub client_ca: Option<PathBuf>,
}

/// Why the files cannot be used.
#[derive(Debug, Error)]
pub enum TlsFault {
    /// A file cannot be read, or holds something else.
    #[error("{path}: {fault}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        fault: pem::Error,
    },
    /// They do not fit together.
    #[error("the certificate, its key or the authority of clients cannot be used: {0}")]
    Unfit(String),
}

/// The certificate in force.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    /// Written by whoever watches the files, read by every new connection.
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsFault> {
        Ok(Self { files: files.clone(), current: ArcSwap::new(config(files)?) })
    }

    /// Greets a client.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.current.load_full()).accept(stream).await
    }

    /// Takes new files when they change, for as long as it is polled. Files that cannot be used change nothing.
    pub(crate) async fn follow(&self) {
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(LOOK_PAUSE).await;
            let now = self.stamps();
            if now == seen {
                continue;
            }
            match config(&self.files) {
                Ok(config) => {
                    self.current.store(config);
                    tracing::info!("the API has a new certificate");
                }
                // A key without its certificate, because the other file is still being written: it shows as a change again.
                Err(error) => {
                    tracing::error!(%error, "the new certificate cannot be used; the present one stays in force")
                }
            }
            seen = now;
        }
    }

    /// When each file changed last, and how long it is.
    fn stamps(&self) -> Vec<Option<(SystemTime, u64)>> {
        let stamp = |path: &Path| {
            let known = fs::metadata(path).ok()?;
            Some((known.modified().ok()?, known.len()))
        };
        let TlsFiles { certificate, key, client_ca } = &self.files;
        [Some(certificate), Some(key), client_ca.as_ref()].into_iter().flatten().map(|path| stamp(path)).collect()
    }
}

fn config(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsFault> {
    let file = |path: &Path| {
        let path = path.to_owned();
        move |fault| TlsFault::File { path, fault }
    };
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(file(&files.key))?;
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let builder = builder.map_err(unfit)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for root in certificates(path)? {
                roots.add(root).map_err(unfit)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(unfit)?)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let file = |fault| TlsFault::File { path: path.to_owned(), fault };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(file)?.collect();
    match found.map_err(file)? {
        none if none.is_empty() => Err(file(pem::Error::NoItemsFound)),
        found => Ok(found),
    }
}

fn unfit(error: impl std::fmt::Display) -> TlsFault {
    TlsFault::Unfit(error.to_string())
}
