//! `ringhold dev` as a value: a whole cluster in one process.

use tempfile::TempDir;

use crate::{
    fleet::wait_healthy,
    harness::{client::Api, process::Process, wait},
};

/// A development cluster on ports of its own.
#[derive(Debug)]
pub(crate) struct Dev {
    pub(crate) process: Process,
    pub(crate) url: String,
    /// Dropped last, because a process that ends badly shows its log.
    pub(crate) folder: TempDir,
}

impl Dev {
    /// Starts it with more flags, and waits until it is healthy.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        let arguments = [&["dev", "--port", "0", "--data", "data"], flags].concat();
        Self::start_in(TempDir::new().expect("a temporary folder"), &arguments).await
    }

    /// Starts it in a folder with files, with arguments or files that name a free port, and waits until it is healthy.
    pub(crate) async fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        Self::start_with(folder, arguments, &[]).await
    }

    /// The same with settings in the environment.
    pub(crate) async fn start_with(folder: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let dev = Self::begin(folder, arguments, environment).await;
        wait_healthy(&dev.api()).await;
        dev
    }

    /// The same, until it says where the API is.
    pub(crate) async fn begin(folder: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let process = Process::start_with("dev", folder.path(), arguments, environment);
        let url = wait::until("the banner", async || {
            let printed = process.printed();
            let line = printed.lines().find_map(|line| line.trim().strip_prefix("API "))?;
            // `localhost` may name an IPv6 address first.
            printed.contains("Ctrl-C").then(|| line.trim().replace("localhost", "127.0.0.1"))
        });
        let url = url.await;
        Self { folder, process, url }
    }

    pub(crate) fn api(&self) -> Api {
        Api::new(&self.url)
    }
}
