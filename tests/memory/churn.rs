//! A node at its limit of memory, and a load whose sizes shift.

use serde_json::{Value, json};

use crate::harness::{fleet::Fleet, process::Process};

const MIB: u64 = 1 << 20;
/// Bytes of one request.
const REQUEST_BYTES: usize = 256 * 1024;
const ITEMS_MAX: usize = 100;

/// Bytes of values, from and to, of the phases of a churn: mixed, small, large, mixed.
const PHASES: [(u64, u64); 4] = [(64, 16_384), (64, 512), (4_096, 16_384), (64, 16_384)];

/// One node and a router.
pub(crate) struct Churn {
    pub(crate) fleet: Fleet,
    max_memory: u64,
    dice: u64,
    written: u64,
}

impl Churn {
    /// Starts them; `before_load` is given the node's process.
    pub(crate) async fn start(max_memory: u64, strategy: &str, before_load: impl FnOnce(&Process)) -> Self {
        let limit = max_memory.to_string();
        let flags = ["--cache-max-memory", &limit, "--cache-max-items", "0", "--cache-strategy", strategy];
        let mut fleet = Fleet::prepare(1).with_flags(&flags);
        fleet.start_nodes(&[0]);
        before_load(fleet.process(0));
        fleet.start_router().await;
        fleet.wait_healthy().await;
        Self { fleet, max_memory, dice: 1, written: 0 }
    }

    /// Fills the node with mixed sizes, then writes `times` its limit in phases of other sizes.
    pub(crate) async fn run(&mut self, times: u64) {
        self.write(PHASES[0], self.max_memory * 5 / 4).await;
        for phase in PHASES {
            self.write(phase, self.max_memory * times / PHASES.len() as u64).await;
            println!("{phase:?}: {} MiB reported, {} MiB resident", mib(self.reported().await), mib(self.resident()));
        }
    }

    async fn write(&mut self, (from, to): (u64, u64), bytes: u64) {
        let api = self.fleet.api();
        let mut left = bytes as i64;
        while left > 0 {
            let (mut items, mut size) = (Vec::new(), 0);
            while size < REQUEST_BYTES && items.len() < ITEMS_MAX {
                let length = (from + self.roll() % (to - from)) as usize;
                self.written += 1;
                items.push(json!({"key": format!("key:{}", self.written), "value": "x".repeat(length)}));
                size += length;
            }
            let answer = api.post("/api/cache/set-batch", &Value::Array(items)).await;
            let failed = answer.ok()["failed_count"].as_u64();
            assert_eq!(failed, Some(0), "the node takes all, while it runs: {}", answer.text);
            left -= size as i64;
        }
    }

    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.dice >> 33
    }

    /// Bytes that the node says it holds.
    pub(crate) async fn reported(&self) -> u64 {
        let stats = self.fleet.api().get("/api/cache/stats").await.ok();
        let bytes = stats["raw_stats"]["total_memory_usage"].as_u64();
        bytes.unwrap_or_else(|| panic!("no total_memory_usage in {stats}"))
    }

    /// Bytes that the system says the node has.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.fleet.process(0))
    }
}

/// Resident memory of a process.
pub(crate) fn resident(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the system tells it");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// In MiB, for people.
pub(crate) fn mib(bytes: u64) -> u64 {
    bytes / MIB
}
