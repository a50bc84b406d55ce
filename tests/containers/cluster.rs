//! A cluster of containers on a network of its own.

use std::{
    net::{IpAddr, SocketAddr},
    process::Command,
};

use reqwest::Method;
use serde_json::json;

use crate::{
    engine::{Engine, IMAGE, docker},
    harness::{
        client::Api,
        direct::{Direct, placement},
        oracle::{load::Load, options::Options},
        wait,
    },
    seen,
};

/// So few ranges that each change is soon done, so many that each node has some.
const RANGES: &str = "64";

/// Nodes and routers in containers.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Container>,
    pub(crate) routers: Vec<Container>,
    _network: Network,
    _engine: Engine,
}

/// One container; removed with its volume when it is dropped.
pub(crate) struct Container {
    /// Name on the network and of the machine.
    pub(crate) host: String,
    network: String,
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = Command::new("docker").args(["logs", "--tail", "30", &self.host]).status();
        }
        let _ = Command::new("docker").args(["rm", "--force", "--volumes", &self.host]).output();
    }
}

impl Container {
    fn start(network: &str, host: &str, command: &[&str]) -> Self {
        // The health check would run the binary every two seconds, which the test has no use for.
        let limits = ["--no-healthcheck", "--read-only", "--cap-drop", "ALL", "--network", network];
        docker(&[&["run", "--detach", "--name", host, "--hostname", host], &limits[..], &[IMAGE], command].concat());
        Self { host: host.into(), network: network.into() }
    }

    /// Its address on the network, which may be another one after each start; `None` while it has none.
    pub(crate) fn ip(&self) -> Option<IpAddr> {
        let of = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        docker(&["inspect", "--format", of, &self.host]).trim().parse().ok()
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn kill(&self) {
        docker(&["kill", &self.host]);
    }

    /// Starts it again.
    pub(crate) fn start_again(&self) {
        docker(&["start", &self.host]);
    }

    /// Makes it stand still. On a busy machine the kernel may need several attempts to freeze all threads.
    pub(crate) async fn pause(&self) {
        wait::until("the container to stand still", async || {
            let paused = Command::new("docker").args(["pause", &self.host]).output().ok()?;
            paused.status.success().then_some(())
        })
        .await;
    }

    /// Lets it go on.
    pub(crate) fn unpause(&self) {
        docker(&["unpause", &self.host]);
    }

    /// Takes it off the network.
    pub(crate) fn disconnect(&self) {
        docker(&["network", "disconnect", &self.network, &self.host]);
    }

    /// Puts it back.
    pub(crate) fn reconnect(&self) {
        docker(&["network", "connect", &self.network, &self.host]);
    }
}

/// A private network; removed when it is dropped, after what is on it.
struct Network(String);

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["network", "rm", &self.0]).output();
    }
}

impl Cluster {
    /// Three nodes and two routers, with all copies of all ranges.
    pub(crate) async fn start() -> Self {
        let engine = Engine::take().await;
        let network = format!("ringhold-test-{}", rand::random::<u32>());
        docker(&["network", "create", &network]);
        let host = |role: &str, number: usize| format!("{network}-{role}-{number}");
        let hosts: Vec<_> = (0..3).map(|number| host("node", number)).collect();
        let addresses = hosts.iter().map(|host| format!("{host}:7400")).collect::<Vec<_>>().join(",");
        let without_limits = ["--cache-max-items", "0", "--cache-max-memory", "0", "--cache-default-ttl", "0"];
        let form = ["node", "--seeds", &addresses, "--ranges", RANGES, "--workers", "1"];
        let (mut nodes, mut routers) = (Vec::new(), Vec::new());
        for host in &hosts {
            nodes.push(Container::start(&network, host, &[&form[..], &without_limits].concat()));
        }
        let serve = ["router", "--nodes", &addresses, "--workers", "1", "--cache-access-log-enabled", "false"];
        for number in 0..2 {
            routers.push(Container::start(&network, &host("router", number), &serve));
        }
        let cluster = Self { nodes, routers, _network: Network(network), _engine: engine };
        cluster.wait("the cluster to form", |seen| seen::is_settled(seen) && seen::holders(seen) == 3).await;
        cluster
    }

    /// A client of the first router.
    pub(crate) fn api(&self) -> Api {
        let ip = self.routers[0].ip().expect("the router is on the network");
        Api::new(format!("http://{ip}:8000"))
    }

    /// Waits until `is_so` of `GET /api/cluster`.
    pub(crate) async fn wait(&self, reason: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
        let api = self.api();
        seen::wait_until(&api, reason, is_so).await;
    }

    /// A node, spoken to directly.
    fn direct(&self, number: usize) -> Direct {
        let ip = self.nodes[number].ip().expect("the node is on the network");
        Direct::to(SocketAddr::from((ip, 7400)))
    }

    /// A load on both routers that has written every key once and does not run yet.
    pub(crate) async fn load(&self, options: Options) -> Load {
        let mut routers = Vec::new();
        for router in &self.routers {
            routers.push(SocketAddr::from((router.ip().expect("the router is on the network"), 8000)));
        }
        let load = Load::new(&routers, placement(&self.direct(0).state().await), options);
        load.fill().await;
        load
    }

    /// Number of the node that leads.
    pub(crate) async fn leader(&self) -> usize {
        let api = self.api();
        wait::until("a leader", async || {
            let cluster = seen::cluster(&api).await?;
            let is_leader =
                |node: &Container| seen::node(&cluster, &node.host).is_some_and(|seen| seen["id"] == cluster["leader"]);
            self.nodes.iter().position(is_leader)
        })
        .await
    }

    /// Waits until others serve everything that these nodes served.
    pub(crate) async fn wait_taken_over(&self, gone: usize) {
        let left = (0..self.nodes.len()).find(|number| *number != gone).expect("there are others");
        let address = format!("{}:7400", self.nodes[gone].host);
        let (api, left) = (self.api(), self.direct(left));
        wait::until("others to take over", async || {
            let state = left.state().await;
            let id = *state.nodes.iter().find(|(_, node)| node.addresses.rpc == address)?.0;
            let is_taken = state.ranges.iter().all(|range| range.primary.is_some_and(|node| node != id));
            let seen = seen::cluster(&api).await?;
            (is_taken && seen["ranges"]["taking_over"] == 0).then_some(())
        })
        .await;
    }

    /// Waits until nothing is missing.
    pub(crate) async fn wait_full(&self) {
        self.wait("all copies of all ranges", seen::is_full).await;
    }

    /// Changes replicated settings.
    pub(crate) async fn settings(&self, settings: &serde_json::Value) {
        self.api().patch("/api/cluster/settings", settings).await.ok();
    }

    /// Whether a write of this key is taken.
    pub(crate) async fn takes_writes(api: &Api, key: &str) -> bool {
        let request = api.request(Method::POST, "/api/cache/set").json(&json!({"key": key, "value": 1}));
        api.try_send(request).await.is_ok_and(|answer| answer.status == 200)
    }
}
