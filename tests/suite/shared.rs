//! Clusters that many tests share, each test in namespaces of its own. They run on threads of their own, so that they
//! outlive the runtime of the test that happened to start them.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::harness::{
    client::Api,
    cluster::{Cluster, Options},
};

/// A cluster that lives as long as this process.
pub struct Shared {
    cluster: Cluster,
    /// Removes the data once this process is gone: statics are never dropped.
    _broom: Child,
}

/// Three nodes and a router with the default settings.
static CALM: LazyLock<Shared> = LazyLock::new(|| Shared::start(Options::default()));

/// The shared cluster; tests leave its nodes, and the config of the default namespace, alone.
pub fn calm() -> &'static Cluster {
    &CALM.cluster
}

/// A client of the shared cluster in a namespace that nobody else uses.
pub fn api() -> Api {
    calm().api().in_namespace(&namespace())
}

/// The name of a namespace that nobody else uses.
pub fn namespace() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Shared {
    /// Starts a cluster from a thread outside any runtime.
    pub fn start(options: Options) -> Self {
        let start = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(Cluster::start_with(options))
        };
        let cluster = thread::spawn(start).join().expect("the cluster starts");
        let broom = Command::new("sh")
            .args(["-c", "read -r _; rm -rf \"$1\"", "broom"])
            .arg(cluster.folder())
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        Self { cluster, _broom: broom }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }
}
