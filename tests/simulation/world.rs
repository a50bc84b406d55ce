//! All machines, what is between them, and the clock.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_model::{
    NamespaceId, NodeId,
    cluster::{Addresses, Command, Reply, Seed, SettingsPatch},
    config::{Backend, CacheConfig},
};
use ringhold_raft::Timings;

use crate::{
    authority::{Authority, CLUSTER, Manners},
    chance::{now_ms, set_now_ms},
    client::{self, Work},
    history::{History, Losses},
    hosts::{HostId, Hosts, TURN_MS},
    invariants::Watch,
    machines::{self, NodeMachine, RouterMachine, address},
    net::Net,
    scenario::Scenario,
    trace::Trace,
};

/// Nodes whose copies are missed elsewhere after so many seconds.
const REHOME_AFTER_S: u32 = 3;
/// Ranges that nobody holds begin again after so many seconds.
pub(crate) const RESET_AFTER_S: u32 = 2;

/// See the module.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) hosts: Hosts,
    pub(crate) net: Net,
    pub(crate) trace: Trace,
    pub(crate) authority: Authority,
    pub(crate) authority_host: HostId,
    pub(crate) nodes: Vec<NodeMachine>,
    pub(crate) routers: Vec<RouterMachine>,
    pub(crate) work: Work,
    pub(crate) losses: Losses,
    watch: Watch,
}

impl World {
    /// A formed cluster all of whose machines have just been switched on.
    pub(crate) fn new(scenario: Scenario, trace: Trace) -> Self {
        let seed = scenario.seed;
        let mut hosts = Hosts::default();
        let net = Net::new(seed ^ 1, scenario.latency_ms, trace.clone());
        let authority_host = hosts.add();
        let node_hosts: Vec<HostId> = (0..scenario.nodes).map(|_| hosts.add()).collect();
        let authority = found(&scenario, &node_hosts, &trace);
        let listener = net.listen(authority_host, &address(authority_host));
        hosts.start(authority_host, 0, authority.clone().run(listener));
        let nodes = node_hosts.iter().zip(1..).map(|(host, id)| NodeMachine {
            host: *host,
            id: NodeId(id),
            birth: 100 + id,
            boot: 0,
            process: None,
        });
        let state = authority.state();
        let namespace = |name: &str| state.namespace_id(name).unwrap_or(NamespaceId(0));
        let work = Work {
            items: namespace("default"),
            counters: namespace("counters"),
            keys: scenario.keys,
            counter_keys: scenario.counters,
            history: History::default(),
            trace: trace.clone(),
            values: Arc::new(AtomicU64::new(1)),
            is_over: Arc::new(AtomicBool::new(false)),
            running: Arc::default(),
            increments: scenario.increments,
            clears: scenario.clears,
            tags: scenario.tags,
        };
        let mut world = Self {
            nodes: nodes.collect(),
            routers: Vec::new(),
            scenario,
            hosts,
            net,
            trace,
            authority,
            authority_host,
            work,
            losses: Losses::default(),
            watch: Watch::default(),
        };
        (0..world.nodes.len()).for_each(|at| world.start_node(at));
        (0..world.scenario.routers).for_each(|at| world.start_router(at));
        world
    }

    /// One turn of everybody.
    pub(crate) fn step(&mut self) {
        set_now_ms(now_ms() + TURN_MS);
        self.net.deliver();
        self.hosts.run_until(now_ms());
        let mut watch = std::mem::take(&mut self.watch);
        watch.look(self);
        self.watch = watch;
    }

    /// What was seen that must not be.
    pub(crate) fn violations(&self) -> &[String] {
        self.watch.violations()
    }

    /// Starts a node's process.
    pub(crate) fn start_node(&mut self, at: usize) {
        let (timings, rules) = (self.timings(), self.scenario.lease_rules);
        let machine = &mut self.nodes[at];
        machine.boot += 1;
        self.trace.tell(now_ms(), "starts", &(machine.id, machine.boot));
        self.net.begins(machine.host);
        let (process, running) = machines::node(machine, &self.net, self.authority_host, (timings, rules));
        machine.process = Some(process);
        let host = machine.host;
        self.hosts.start(host, now_ms(), running);
    }

    /// Ends a node's process at once; `says_so`: its machine goes on and tells its peers.
    pub(crate) fn crash_node(&mut self, at: usize, says_so: bool) {
        let machine = &mut self.nodes[at];
        self.trace.tell(now_ms(), "crashes", &(machine.id, says_so));
        machine.process = None;
        self.net.ends(machine.host, says_so);
        self.hosts.crash(machine.host);
    }

    /// Switches one more machine on, registered as `id`.
    pub(crate) fn add_node(&mut self, host: HostId, id: NodeId, birth: u64) {
        self.nodes.push(NodeMachine { host, id, birth, boot: 0, process: None });
        self.start_node(self.nodes.len() - 1);
    }

    /// Orders something of the leader as often as it takes.
    pub(crate) fn order_until_taken(&mut self, command: Command) {
        while let Err(hindrance) = self.authority.order(command.clone()) {
            self.trace.note(now_ms(), "not taken", &hindrance);
            self.step();
        }
    }

    fn start_router(&mut self, at: usize) {
        let host = self.hosts.add();
        let seeds = self.nodes.iter().map(|node| address(node.host)).collect();
        let (machine, running) = machines::router(host, 1_000 + at as u64, &self.net, seeds);
        self.hosts.start(host, now_ms(), running);
        for number in 0..self.scenario.clients {
            let id = at * self.scenario.clients + number;
            self.work.running.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let seed = self.scenario.seed.wrapping_mul(31).wrapping_add(id as u64);
            self.hosts.spawn(host, client::run(Arc::clone(&machine.client), self.work.clone(), id, seed));
        }
        self.routers.push(machine);
    }

    fn timings(&self) -> Timings {
        let lease = Duration::from_millis(self.scenario.lease_ms);
        Timings { lease, renew_every: lease / 10, ..Timings::default() }
    }
}

fn found(scenario: &Scenario, hosts: &[HostId], trace: &Trace) -> Authority {
    let mut random = StdRng::seed_from_u64(scenario.seed ^ 2);
    let tell_ms: BTreeMap<NodeId, (u64, u64)> = (1..=scenario.nodes_max as u64)
        .map(|id| (NodeId(id), (0, random.random_range(1..=scenario.late_ms))))
        .collect();
    let manners = Manners {
        rules: scenario.lease_rules,
        lease_ms: scenario.lease_ms,
        commit_ms: scenario.commit_ms,
        round_ms: (1, (scenario.lease_ms / 12).max(3)),
        tell_ms,
    };
    let authority = Authority::new(scenario.seed ^ 3, manners, trace.clone());
    let seeds = hosts.iter().zip(1..).map(|(host, id)| Seed {
        id: NodeId(id),
        birth: 100 + id,
        addresses: Addresses { rpc: address(*host), health: String::new() },
    });
    let limits = CacheConfig { max_items: scenario.max_items, ..CacheConfig::default() };
    let form = Command::Form {
        cluster: CLUSTER,
        hash_seed: scenario.seed,
        range_bits: scenario.range_bits,
        seeds: seeds.collect(),
        config: limits,
        default_backend: Backend::Memory,
    };
    let settings = SettingsPatch {
        replication_factor: Some(scenario.replication_factor),
        fill_bytes_per_s: Some(scenario.fill_rate),
        rehome_after_s: Some(REHOME_AFTER_S),
        reset_after_s: Some(RESET_AFTER_S),
        ..SettingsPatch::default()
    };
    for command in
        [form, Command::PatchSettings { patch: settings }, Command::CreateNamespace { name: "counters".to_owned() }]
    {
        let outcome = authority.begin_with(command);
        assert!(!matches!(outcome, Err(_) | Ok(Reply::Moved(_))), "the cluster can be formed: {outcome:?}");
    }
    authority
}
