//! The API over TLS in the real binary: certificates that are changed while it runs, and clients that must bring one.

use std::{fs, path::Path};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use reqwest::{Certificate, Client, Identity};
use tempfile::TempDir;

use crate::harness::{
    client::Api,
    process::{Process, command},
    wait,
};

/// A certificate that vouches for itself, and its key; PEM.
struct Identified {
    certificate: String,
    key: String,
}

fn identity() -> Identified {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
    Identified { certificate: cert.pem(), key: signing_key.serialize_pem() }
}

impl Identified {
    /// As a router's files.
    fn write(&self, folder: &Path) {
        fs::write(folder.join("cert.pem"), &self.certificate).expect("written");
        fs::write(folder.join("key.pem"), &self.key).expect("written");
    }

    /// A client that trusts nobody else, and shows what it is given.
    fn client(&self, shows: Option<&Identified>) -> Client {
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
        let trusted = Certificate::from_pem(self.certificate.as_bytes()).expect("a certificate");
        let builder = Client::builder().tls_certs_only([trusted]);
        let builder = match shows {
            Some(shown) => {
                let pem = format!("{}{}", shown.certificate, shown.key);
                builder.identity(Identity::from_pem(pem.as_bytes()).expect("certificate and key"))
            }
            None => builder,
        };
        builder.build().expect("a client")
    }
}

const FILES: [(&str, &str); 2] = [("TLS_CERT_FILE", "cert.pem"), ("TLS_KEY_FILE", "key.pem")];

/// A cluster of one node whose API speaks TLS: the process, and where it is.
async fn start(folder: &Path, environment: &[(&str, &str)]) -> (Process, String) {
    let process =
        Process::start_with("dev", folder, &["dev", "--port", "0", "--nodes", "1", "--data", "data"], environment);
    let url = wait::until("the banner", async || {
        let printed = process.printed();
        let line = printed.lines().find_map(|line| line.trim().strip_prefix("API "))?;
        printed.contains("Ctrl-C").then(|| line.trim().to_owned())
    });
    let url = url.await;
    (process, url)
}

async fn is_ready(client: &Client, url: &str) -> bool {
    let sent = client.get(format!("{url}/readyz")).send().await;
    sent.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn the_api_speaks_tls_and_takes_a_new_certificate_without_failing_a_request() {
    let folder = TempDir::new().expect("a temporary folder");
    let (old, new) = (identity(), identity());
    old.write(folder.path());
    let (mut dev, url) = start(folder.path(), &FILES).await;
    assert!(url.starts_with("https://"), "{url}");
    let client = old.client(None);
    wait::until("the cluster over TLS", async || is_ready(&client, &url).await.then_some(())).await;
    let plain = Api::new(url.replace("https", "http"));
    assert!(
        plain.try_send(plain.request(reqwest::Method::GET, "/livez")).await.is_err(),
        "nothing is served in the clear"
    );
    assert!(!is_ready(&new.client(None), &url).await, "another certificate is not trusted");

    fs::write(folder.path().join("ca.pem"), &old.certificate).expect("written");
    let run = |arguments: &[&str]| {
        let arguments = [&["--url", &url, "--ca-file", "ca.pem"], arguments].concat();
        command(folder.path(), &arguments).output().expect("the binary starts")
    };
    let set = run(&["set", "k", "over-tls"]);
    assert_eq!(set.status.code(), Some(0), "{}", String::from_utf8_lossy(&set.stderr));
    assert!(String::from_utf8_lossy(&run(&["get", "k"]).stdout).contains("over-tls"));

    // A connection that is open goes on under the old certificate; new ones get the new one.
    let kept = Api::through(&url, client);
    new.write(folder.path());
    let fresh = wait::until("the new certificate", async || {
        assert_eq!(kept.get("/livez").await.status, 200, "no request fails");
        let client = new.client(None);
        is_ready(&client, &url).await.then_some(client)
    });
    let fresh = Api::through(&url, fresh.await);
    assert_eq!(fresh.get("/livez").await.status, 200);

    // What cannot be used changes nothing.
    fs::write(folder.path().join("cert.pem"), "no certificate").expect("written");
    wait::until("the refusal", async || dev.logged().contains("the new certificate cannot be used").then_some(()))
        .await;
    assert!(is_ready(&new.client(None), &url).await);
    assert_eq!(dev.terminate().code(), Some(0));
}

#[tokio::test]
async fn with_an_authority_of_clients_strangers_are_not_greeted() {
    let folder = TempDir::new().expect("a temporary folder");
    let (server, client) = (identity(), identity());
    server.write(folder.path());
    fs::write(folder.path().join("clients.pem"), &client.certificate).expect("written");
    let environment = [&FILES[..], &[("TLS_CLIENT_CA_FILE", "clients.pem")]].concat();
    let (mut dev, url) = start(folder.path(), &environment).await;
    let known = server.client(Some(&client));
    wait::until("the cluster", async || is_ready(&known, &url).await.then_some(())).await;
    assert!(!is_ready(&server.client(None), &url).await, "no certificate");
    assert!(!is_ready(&server.client(Some(&server)), &url).await, "one of another authority");
    assert_eq!(dev.terminate().code(), Some(0));
}

#[test]
fn files_that_cannot_be_used_stop_the_start_and_are_named() {
    let folder = TempDir::new().expect("a temporary folder");
    fs::write(folder.path().join("cert.pem"), "no certificate").expect("written");
    let output = command(folder.path(), &["router", "--port", "0"]).envs(FILES).output().expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("cert.pem"), "{said}");
}
