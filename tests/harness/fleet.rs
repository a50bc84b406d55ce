//! A cluster of real processes as a value: prepare, start, act, assert, drop.
//!
//! Nodes may stand behind proxies, so that the network between all parties can be broken; see [`super::proxy`].

use std::{net::SocketAddr, path::PathBuf, process::ExitStatus};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    client::{Answer, Api},
    process::{Process, free_address},
    proxy::{Network, rule::Party},
    wait,
};

/// Nodes and routers, each a process of its own, with data in a temporary folder.
#[derive(Debug)]
pub struct Fleet {
    pub members: Vec<Member>,
    /// Flags that every node is started with.
    flags: Vec<String>,
    routers: Vec<Router>,
    network: Option<Network>,
    /// Dropped last, because processes that end badly show their logs.
    folder: TempDir,
}

/// A node that runs, or has ended and may run again.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    /// Where the others reach it.
    pub rpc: SocketAddr,
    /// Where it listens; another address only behind a proxy.
    pub listen: SocketAddr,
    pub health: SocketAddr,
    /// `--seeds …` or `--join …`.
    formation: [String; 2],
    pub data: PathBuf,
    /// Of its process, from its next start on.
    pub environment: Vec<(String, String)>,
    pub process: Option<Process>,
}

/// A router's process and where it serves.
#[derive(Debug)]
pub struct Router {
    pub process: Process,
    pub url: String,
}

impl Router {
    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("http://").parse().expect("an address")
    }
}

impl Fleet {
    /// Three nodes and a router, healthy.
    pub async fn start() -> Self {
        let mut fleet = Self::prepare(3);
        fleet.start_nodes(&[0, 1, 2]);
        fleet.start_router().await;
        fleet.wait_healthy().await;
        fleet
    }

    /// Nodes that know each other's addresses and do not run yet.
    pub fn prepare(nodes: usize) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let addresses: Vec<_> = (0..nodes).map(|_| (free_address(), free_address())).collect();
        let seeds = addresses.iter().map(|(rpc, _)| rpc.to_string()).collect::<Vec<_>>().join(",");
        let members = addresses.iter().enumerate().map(|(number, (rpc, health))| {
            let name = format!("node-{number}");
            let data = folder.path().join(format!("data-{number}"));
            Member {
                name,
                rpc: *rpc,
                listen: *rpc,
                health: *health,
                formation: ["--seeds".into(), seeds.clone()],
                data,
                environment: Vec::new(),
                process: None,
            }
        });
        Self { members: members.collect(), folder, flags: Vec::new(), routers: Vec::new(), network: None }
    }

    /// The same, each behind a proxy. Before anything is started.
    pub fn behind_proxies(mut self) -> Self {
        let network = Network::start();
        for (number, member) in self.members.iter_mut().enumerate() {
            member.listen = free_address();
            network.add_node(number, member.rpc, member.listen);
        }
        self.network = Some(network);
        self
    }

    /// The network between all parties, where it can be broken.
    pub fn network(&self) -> &Network {
        self.network.as_ref().expect("the fleet is behind proxies")
    }

    /// The same with these flags for every node.
    pub fn with_flags(mut self, flags: &[&str]) -> Self {
        self.flags = flags.iter().map(ToString::to_string).collect();
        self
    }

    /// Where everything of the fleet lies, until it is dropped.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Starts nodes that do not run, in this order.
    pub fn start_nodes(&mut self, numbers: &[usize]) {
        for number in numbers {
            let member = &mut self.members[*number];
            assert!(member.process.is_none(), "{} runs already", member.name);
            let mut arguments = vec!["node".to_owned(), "--data".into(), member.data.display().to_string()];
            arguments.extend(["--listen".into(), member.listen.to_string()]);
            if member.listen != member.rpc {
                arguments.extend(["--advertise".into(), member.rpc.to_string()]);
            }
            arguments.extend(["--health-listen".into(), member.health.to_string()]);
            arguments.extend(member.formation.clone());
            arguments.extend(self.flags.clone());
            let environment: Vec<(&str, &str)> =
                member.environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let process = Process::start_with(&member.name, self.folder.path(), &arguments, &environment);
            if let Some(network) = &self.network {
                network.is_process(Party::Node(*number), process.id());
            }
            member.process = Some(process);
        }
    }

    /// Starts a router in front of the nodes, and waits until it listens.
    pub async fn start_router(&mut self) {
        self.start_router_with(&[], &[]).await;
    }

    /// The same with more flags, and with settings in the environment. Routers that were started before are ended.
    pub async fn start_router_with(&mut self, flags: &[&str], environment: &[(&str, &str)]) {
        for mut former in self.routers.drain(..) {
            former.process.kill();
            // Its log tells another address.
            std::fs::remove_file(&former.process.log).expect("the log can be removed");
        }
        self.add_router(flags, environment).await;
    }

    /// Starts one more router and waits until it listens. Returns its number.
    pub async fn add_router(&mut self, flags: &[&str], environment: &[(&str, &str)]) -> usize {
        let number = self.routers.len();
        let nodes = self.members.iter().map(|member| member.rpc.to_string()).collect::<Vec<_>>().join(",");
        let arguments = [&["router", "--port", "0", "--nodes", &nodes], flags].concat();
        let process = Process::start_with(&router_name(number), self.folder.path(), &arguments, environment);
        if let Some(network) = &self.network {
            network.is_process(Party::Router(number), process.id());
        }
        let url = wait::until("the router to say where it listens", async || {
            let logged = process.logged();
            let line = logged.lines().find(|line| line.contains("serves the REST API"))?;
            let line: Value = serde_json::from_str(line).expect("a line of the log is JSON");
            Some(format!("http://{}", line["address"].as_str()?))
        });
        let url = url.await;
        self.routers.push(Router { process, url });
        number
    }

    /// Adds a node that joins through the given ones and starts it. Returns its number.
    pub fn join(&mut self, through: &[usize]) -> usize {
        let number = self.members.len();
        let addresses =
            through.iter().map(|number| self.members[*number].rpc.to_string()).collect::<Vec<_>>().join(",");
        let rpc = free_address();
        let listen = self.network.as_ref().map_or(rpc, |network| {
            let listen = free_address();
            network.add_node(number, rpc, listen);
            listen
        });
        self.members.push(Member {
            name: format!("node-{number}"),
            rpc,
            listen,
            health: free_address(),
            formation: ["--join".into(), addresses],
            data: self.folder.path().join(format!("data-{number}")),
            environment: Vec::new(),
            process: None,
        });
        self.start_nodes(&[number]);
        number
    }

    /// Ends nodes as a crash does.
    pub fn kill(&mut self, numbers: &[usize]) {
        for number in numbers {
            self.take(*number).kill();
        }
    }

    /// Ends a node as SIGTERM does.
    pub fn terminate(&mut self, number: usize) -> ExitStatus {
        self.take(number).terminate()
    }

    fn take(&mut self, number: usize) -> Process {
        self.members[number].process.take().expect("the node runs")
    }

    /// The process of a node that runs.
    pub fn process(&self, number: usize) -> &Process {
        self.members[number].process.as_ref().expect("the node runs")
    }

    /// Deletes the data folder of a node that does not run.
    pub fn wipe(&mut self, number: usize) {
        let member = &self.members[number];
        assert!(member.process.is_none(), "only a node that ended can be wiped");
        std::fs::remove_dir_all(&member.data).expect("the folder can be removed");
    }

    /// Gives a node that does not run other addresses, for its next start.
    pub fn move_elsewhere(&mut self, number: usize) {
        let member = &mut self.members[number];
        assert!(member.process.is_none(), "only a node that ended can be moved");
        assert_eq!(member.rpc, member.listen, "a node behind a proxy stays where it is");
        (member.rpc, member.health) = (free_address(), free_address());
        member.listen = member.rpc;
    }

    /// The first router's process and address.
    pub fn router(&mut self) -> &mut Router {
        self.routers.first_mut().expect("the router was started")
    }

    /// All routers.
    pub fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// A client of the first router.
    pub fn api(&self) -> Api {
        self.api_of(0)
    }

    /// A client of a router.
    pub fn api_of(&self, router: usize) -> Api {
        Api::new(&self.routers.get(router).expect("the router was started").url)
    }

    /// Waits until the router says that every node contributes and every range is served.
    pub async fn wait_healthy(&self) {
        wait_healthy(&self.api()).await;
    }

    /// `GET /api/cluster`.
    pub async fn cluster(&self) -> Value {
        self.api().get("/api/cluster").await.ok()
    }

    /// Number of the node that leads.
    pub async fn leader(&self) -> usize {
        let cluster = self.cluster().await;
        let id = cluster["leader"].as_u64().expect("a leader is known");
        (0..self.members.len()).find(|number| self.id_in(&cluster, *number) == Some(id)).expect("the leader is ours")
    }

    /// Id of a node.
    pub async fn id(&self, number: usize) -> u64 {
        self.id_in(&self.cluster().await, number).expect("the node is known to the cluster")
    }

    /// Id of a node in an answer of `GET /api/cluster`, by its address.
    pub fn id_in(&self, cluster: &Value, number: usize) -> Option<u64> {
        let address = self.members[number].rpc.to_string();
        let nodes = cluster["nodes"].as_array().expect("a list of nodes");
        let node =
            nodes.iter().find(|node| node["addresses"]["rpc"] == address.as_str() && node["state"] == "active")?;
        node["id"].as_u64()
    }

    /// Asks a node's health port.
    pub async fn ask_node(&self, number: usize, path: &str) -> Option<Answer> {
        let api = Api::new(format!("http://{}", self.members[number].health));
        api.try_send(api.request(reqwest::Method::GET, path)).await.ok()
    }

    /// Waits until a node answers 200 to `/readyz`.
    pub async fn wait_ready(&self, number: usize) {
        wait::until("the node to be ready", async || {
            (self.ask_node(number, "/readyz").await?.status == 200).then_some(())
        })
        .await;
    }

    /// Everything that nodes and router logged at error level since they were first started.
    pub fn errors(&self) -> Vec<String> {
        let names = self.members.iter().map(|member| member.name.clone());
        let names = names.chain((0..self.routers.len()).map(router_name));
        let logs =
            names.filter_map(|name| std::fs::read_to_string(self.folder.path().join(format!("{name}.log"))).ok());
        logs.flat_map(|log| errors_in(&log)).collect()
    }

    /// Keys of the default namespace, which must be empty: at least `each` of every node, by its number.
    pub async fn keys_by_owner(&self, each: usize) -> Vec<Vec<String>> {
        let mut owned: Vec<Vec<String>> = vec![Vec::new(); self.members.len()];
        let (api, cluster) = (self.api(), self.cluster().await);
        for n in 0.. {
            if owned.iter().all(|keys| keys.len() >= each) {
                break;
            }
            let key = format!("key-{n}");
            api.set(&key, n.into()).await;
            // There is one item at a time, so the node that counts it is its owner.
            let stats = api.get("/api/cache/stats").await.ok();
            let nodes = stats["nodes"].as_array().expect("a list of nodes");
            let holder = nodes.iter().find(|node| node["statistics"]["total_items"] == 1).expect("a node has the item");
            let number =
                (0..self.members.len()).find(|number| holder["node"].as_u64() == self.id_in(&cluster, *number));
            owned[number.expect("the owner is ours")].push(key.clone());
            assert_eq!(api.delete(&format!("/api/cache/delete/{key}")).await.ok()["found"], true);
        }
        owned
    }
}

fn router_name(number: usize) -> String {
    if number == 0 { "router".into() } else { format!("router-{number}") }
}

/// Waits until the router behind `api` says that every node contributes and every range is served.
pub async fn wait_healthy(api: &Api) {
    wait::until("a healthy cluster", async || {
        let ready = api.try_send(api.request(reqwest::Method::GET, "/readyz")).await.ok()?;
        let health = api.try_send(api.request(reqwest::Method::GET, "/health")).await.ok()?;
        (ready.status == 200 && health.json()["status"] == "healthy").then_some(())
    })
    .await;
}

/// The lines of a log at error level, in text or JSON.
pub fn errors_in(log: &str) -> Vec<String> {
    let is_error = |line: &&str| line.contains("\"level\":\"ERROR\"") || line.contains(" ERROR ");
    log.lines().filter(is_error).map(str::to_owned).collect()
}
