//! What the tests stand on: the machine for one test at a time, fleets of a kind, and what is waited for.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};

use ringhold_model::{
    NodeId,
    cluster::{ClusterState, NodeState},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};

use crate::harness::{
    direct::{self, Direct},
    fleet::{Fleet, Router},
    oracle::{load::Load, options::Options, report::LONG},
    wait,
};

/// Held by the test that has the machine.
static MACHINE: Mutex<()> = Mutex::const_new(());

/// So few ranges that figures of single ranges mean something, so many that each node has some.
const RANGES: &str = "64";

/// Longest time that writes may stop after a crash. The promise is 3 seconds, which the long version holds to; the short
/// one runs a build without optimisation on machines that are busy with other things.
pub(crate) fn writes_back_max() -> Duration {
    Duration::from_secs(sized(6, 3))
}

/// Whether everything is to be larger and longer.
pub(crate) fn is_long() -> bool {
    std::env::var_os(LONG).is_some()
}

/// `short` usually, `long` in the long version.
pub(crate) fn sized<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// A cluster that has the machine for itself.
pub(crate) struct Ground {
    pub(crate) fleet: Fleet,
    since: Instant,
    _machine: MutexGuard<'static, ()>,
}

impl Drop for Ground {
    fn drop(&mut self) {
        println!("  the test had the machine for {:.1} s", self.since.elapsed().as_secs_f64());
    }
}

/// What kind of cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    pub(crate) routers: usize,
    /// Copies of each range.
    pub(crate) copies: u8,
    /// Nodes are behind proxies.
    pub(crate) proxies: bool,
}

impl Ground {
    /// A cluster without limits that is healthy and has all of its copies.
    pub(crate) async fn start(plan: Plan) -> Self {
        Self::start_with(plan, &["--cache-max-items", "0"]).await
    }

    /// The same with these flags for the nodes.
    pub(crate) async fn start_with(plan: Plan, flags: &[&str]) -> Self {
        Self::start_prepared(plan, flags, |_| {}).await
    }

    /// The same, after something was done with the fleet before its nodes start.
    pub(crate) async fn start_prepared(plan: Plan, flags: &[&str], prepare: impl FnOnce(&mut Fleet)) -> Self {
        let (machine, since) = (MACHINE.lock().await, Instant::now());
        let usual = ["--cache-max-memory", "0", "--cache-default-ttl", "0", "--ranges", RANGES, "--workers", "1"];
        let mut fleet = Fleet::prepare(plan.nodes).with_flags(&[&usual[..], flags].concat());
        if plan.proxies {
            fleet = fleet.behind_proxies();
        }
        prepare(&mut fleet);
        fleet.start_nodes(&(0..plan.nodes).collect::<Vec<_>>());
        for _ in 0..plan.routers {
            let flags = ["--cache-access-log-enabled", "false", "--workers", "1"];
            fleet.add_router(&flags, &[]).await;
        }
        fleet.wait_healthy().await;
        let ground = Self { fleet, since, _machine: machine };
        // Also that all nodes are in the plan, which those that were late at the formation are not at first.
        ground.settings(&json!({"replication_factor": plan.copies})).await;
        ground.wait_settled().await;
        ground
    }

    /// Changes replicated settings.
    pub(crate) async fn settings(&self, settings: &Value) {
        self.fleet.api().patch("/api/cluster/settings", settings).await.ok();
    }

    /// The same while there may be no leader for a moment.
    pub(crate) async fn settings_when_possible(&self, settings: &Value) {
        wait::until("settings to be taken", async || {
            (self.fleet.api().patch("/api/cluster/settings", settings).await.status == 200).then_some(())
        })
        .await;
    }

    /// `GET /api/cluster`, if it is answered.
    pub(crate) async fn cluster(&self) -> Option<Value> {
        let api = self.fleet.api();
        let answer = api.try_send(api.request(reqwest::Method::GET, "/api/cluster")).await.ok()?;
        (answer.status == 200).then(|| answer.json())
    }

    /// Waits until every range has all of its copies and is served.
    pub(crate) async fn wait_full(&self) {
        wait::until("all copies of all ranges", async || is_full(&self.cluster().await?).then_some(())).await;
    }

    /// The same, and until nothing is left to move.
    pub(crate) async fn wait_settled(&self) {
        wait::until("everything to be where it should be", async || {
            let cluster = self.cluster().await?;
            let plan = &cluster["plan"];
            let is_settled = plan["is_current"] == true && plan["is_reached"] == true && is_full(&cluster);
            is_settled.then_some(())
        })
        .await;
    }

    /// Waits until a node is primary of nothing, as the cluster sees it, and everything is served.
    pub(crate) async fn wait_taken_over(&self, dead: &[usize]) {
        wait::until("others to take over", async || {
            let cluster = self.cluster().await?;
            let state = self.state().await;
            let dead: Vec<NodeId> = dead.iter().map(|number| self.id_in(&state, *number)).collect();
            let is_taken = state.ranges.iter().all(|range| range.primary.is_some_and(|node| !dead.contains(&node)));
            (is_taken && cluster["ranges"]["taking_over"] == 0).then_some(())
        })
        .await;
    }

    /// Where the routers serve.
    pub(crate) fn routers(&self) -> Vec<SocketAddr> {
        self.fleet.routers().iter().map(Router::address).collect()
    }

    /// A node, spoken to directly.
    pub(crate) fn direct(&self, number: usize) -> Direct {
        Direct::to(self.fleet.members[number].listen)
    }

    /// Numbers of the nodes that were started and not ended since.
    pub(crate) fn running(&self) -> Vec<usize> {
        (0..self.fleet.members.len()).filter(|number| self.fleet.members[*number].process.is_some()).collect()
    }

    /// The replicated state, from the node that has the newest.
    pub(crate) async fn state(&self) -> ClusterState {
        let mut newest = ClusterState::default();
        for number in self.running() {
            let told = tokio::time::timeout(Duration::from_secs(1), self.direct(number).state()).await;
            newest = told.into_iter().chain([newest]).max_by_key(|state| state.applied).unwrap_or_default();
        }
        newest
    }

    /// Id of a node in a state.
    pub(crate) fn id_in(&self, state: &ClusterState, number: usize) -> NodeId {
        let address = self.fleet.members[number].rpc.to_string();
        let is_it =
            |node: &ringhold_model::cluster::Node| node.addresses.rpc == address && node.state != NodeState::Gone;
        *state.nodes.iter().find(|(_, node)| is_it(node)).expect("the node is known").0
    }

    /// Number of a node by its id.
    pub(crate) fn number_of(&self, state: &ClusterState, node: NodeId) -> usize {
        let address = &state.nodes[&node].addresses.rpc;
        let found = self.fleet.members.iter().position(|member| member.rpc.to_string() == *address);
        found.expect("the node is ours")
    }

    /// Ranges whose primary is this node.
    pub(crate) fn primaries_of(&self, state: &ClusterState, number: usize) -> BTreeSet<usize> {
        state.primaries_of(self.id_in(state, number)).map(|(range, _)| usize::from(range.0)).collect()
    }

    /// Number of the node that leads.
    pub(crate) async fn leader(&self) -> usize {
        wait::until("a leader", async || {
            let cluster = self.cluster().await?;
            let leader = NodeId(cluster["leader"].as_u64()?);
            Some(self.number_of(&self.state().await, leader))
        })
        .await
    }

    /// A load on all routers that has written every key once and does not run yet.
    pub(crate) async fn load(&self, options: Options) -> Load {
        self.load_through(&self.routers(), options).await
    }

    /// The same on some routers.
    pub(crate) async fn load_through(&self, routers: &[SocketAddr], options: Options) -> Load {
        let load = Load::new(routers, direct::placement(&self.state().await), options);
        load.fill().await;
        load
    }

    /// Starts a node that ended, and waits until it has everything that it is to have.
    pub(crate) async fn restart(&mut self, number: usize) {
        self.fleet.start_nodes(&[number]);
        self.fleet.wait_ready(number).await;
        self.wait_full().await;
    }
}

fn is_full(cluster: &Value) -> bool {
    let ranges = &cluster["ranges"];
    ranges["full"] == ranges["total"] && ranges["serving"] == ranges["total"] && ranges["taking_over"] == 0
}

/// The load of most tests.
pub(crate) fn options() -> Options {
    Options { rate: sized(600, 2_000), registers: sized(20_000, 200_000), ..Options::default() }
}

/// How long a load runs before something happens, and after it.
pub(crate) fn while_nothing_happens() -> Duration {
    sized(Duration::from_secs(1), Duration::from_secs(5))
}
