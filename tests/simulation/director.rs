//! Makes trouble, and ends it.

use std::collections::BTreeSet;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use ringhold_model::{
    NodeId,
    cluster::{Addresses, Command, NodeState, Outcome, Reply, SettingsPatch},
};
use tokio::sync::oneshot;

use crate::{
    chance::now_ms,
    hosts::HostId,
    machines::address,
    scenario::{Scenario, Trouble},
    world::World,
};

/// How long one trouble lasts.
const SHORT_MS: (u64, u64) = (50, 1_500);
const LONG_MS: (u64, u64) = (500, 5_000);
/// Longer than ranges are waited for.
const STANDSTILL_MS: (u64, u64) = (2_500, 4_000);
/// How long some nodes follow a leader that was replaced: less than it takes until ranges begin again.
const DEPOSED_MS: (u64, u64) = (200, 1_400);

/// What ends a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Heal(HostId, HostId),
    Quicken(HostId, HostId),
    Start(usize),
    Resume(HostId),
}

/// Its machine, its birth, and the answer to its registration.
type Joining = (HostId, u64, oneshot::Receiver<(u64, Outcome)>);

/// See the module.
pub(crate) struct Director {
    random: StdRng,
    troubles: Vec<Trouble>,
    pause_ms: (u64, u64),
    pairs: (f64, f64),
    lasts_ms: Option<(u64, u64)>,
    next_ms: u64,
    endings: Vec<(u64, Ending)>,
    /// A node that was registered and is to be switched on.
    joining: Option<Joining>,
    /// Nodes that are leaving by their own will, and whether they are done.
    leaving: Vec<(usize, oneshot::Receiver<()>)>,
}

impl Director {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        Self {
            random: StdRng::seed_from_u64(scenario.seed ^ 4),
            troubles: scenario.troubles.iter().copied().collect(),
            pause_ms: scenario.pause_ms,
            pairs: scenario.pairs,
            lasts_ms: scenario.lasts_ms,
            next_ms: 0,
            endings: Vec::new(),
            joining: None,
            leaving: Vec::new(),
        }
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, world: &mut World) {
        self.end(world, false);
        self.finish_joining(world);
        self.finish_leaving(world);
        if now_ms() < self.next_ms || self.troubles.is_empty() {
            return;
        }
        self.next_ms = now_ms() + self.draw(self.pause_ms);
        let trouble = self.troubles[self.random.random_range(0..self.troubles.len())];
        self.make(world, trouble);
    }

    /// Ends everything.
    pub(crate) fn heal(&mut self, world: &mut World) {
        world.trace.tell(now_ms(), "heals", &());
        self.finish_joining(world);
        for (at, _) in std::mem::take(&mut self.leaving) {
            if world.nodes[at].process.is_some() {
                world.crash_node(at, true);
            }
            self.endings.push((0, Ending::Start(at)));
        }
        self.end(world, true);
        for at in 0..world.nodes.len() {
            if world.nodes[at].process.is_none() {
                world.start_node(at);
            }
        }
        let patch = SettingsPatch { moves_paused: Some(false), ..SettingsPatch::default() };
        // Refused while a new leader catches up; then moves were never paused for long.
        world.order_until_taken(Command::PatchSettings { patch });
    }

    fn draw(&mut self, (least, most): (u64, u64)) -> u64 {
        self.random.random_range(least..=most)
    }

    fn end(&mut self, world: &mut World, all: bool) {
        let (due, later) =
            std::mem::take(&mut self.endings).into_iter().partition::<Vec<_>, _>(|(at, _)| all || *at <= now_ms());
        self.endings = later;
        for (_, ending) in due {
            world.trace.tell(now_ms(), "ends", &ending);
            match ending {
                Ending::Heal(from, to) => world.net.set_cut(from, to, false),
                Ending::Quicken(from, to) => world.net.set_latency(from, to, None),
                Ending::Start(at) if world.nodes[at].process.is_none() => world.start_node(at),
                Ending::Start(_) => {}
                Ending::Resume(host) => world.hosts.set_paused(host, false),
            }
        }
    }

    fn pair(&mut self, world: &World) -> (HostId, HostId) {
        let nodes: Vec<HostId> = world.nodes.iter().map(|node| node.host).collect();
        let routers: Vec<HostId> = world.routers.iter().map(|router| router.host).collect();
        let (with_router, of_nodes) = self.pairs;
        let drawn = self.random.random_range(0.0..1.0);
        let (left, right) = match drawn {
            _ if drawn < with_router => (routers, nodes),
            _ if drawn < with_router + of_nodes => (nodes.clone(), nodes),
            _ => (hosts(world), hosts(world)),
        };
        let pair = (self.any(&left), self.any(&right));
        if self.random.random_bool(0.5) { pair } else { (pair.1, pair.0) }
    }

    fn any(&mut self, of: &[HostId]) -> HostId {
        of[self.random.random_range(0..of.len())]
    }

    /// Whoever is on the authority's side goes on.
    fn split(&mut self, world: &World) {
        let (here, there): (Vec<HostId>, Vec<HostId>) =
            hosts(world).into_iter().partition(|_| self.random.random_bool(0.6));
        let both = |one: &HostId| there.iter().flat_map(|other| [(*one, *other), (*other, *one)]).collect::<Vec<_>>();
        let directions: Vec<(HostId, HostId)> = here.iter().flat_map(both).collect();
        self.cut(world, &directions);
    }

    fn make(&mut self, world: &mut World, trouble: Trouble) {
        let (one, other) = self.pair(world);
        world.trace.tell(now_ms(), "trouble", &(trouble, one, other));
        match trouble {
            Trouble::Cut => self.cut(world, &[(one, other), (other, one)]),
            Trouble::CutOneWay => self.cut(world, &[(one, other)]),
            Trouble::Split => self.split(world),
            Trouble::Break => world.net.break_between(one, other),
            Trouble::Slow => {
                let most = self.draw((20, 800));
                world.net.set_latency(one, other, Some((most / 2, most)));
                self.later(LONG_MS, Ending::Quicken(one, other));
            }
            Trouble::Crash => self.crash(world),
            Trouble::Pause => {
                world.hosts.set_paused(one, true);
                self.later(LONG_MS, Ending::Resume(one));
            }
            Trouble::Standstill => {
                world.hosts.set_paused(world.authority_host, true);
                self.later(STANDSTILL_MS, Ending::Resume(world.authority_host));
            }
            Trouble::LeaderChange => {
                let kept = self.random.random_range(0..4);
                let behind_ms = if self.random.random_bool(0.5) { self.draw((10, 600)) } else { 0 };
                let deposed_ms = if self.random.random_bool(0.5) { self.draw(DEPOSED_MS) } else { 0 };
                world.authority.change_leader(kept, behind_ms, deposed_ms);
            }
            Trouble::Drain => self.drain(world),
            Trouble::Join => self.join(world),
            Trouble::Leave => self.leave(world),
            Trouble::Settings => self.settings(world),
            Trouble::Weights => {
                let node = self.any_node(world);
                let weight = [None, Some(50), Some(200), Some(400)][self.random.random_range(0..4)];
                drop(world.authority.order(Command::SetWeight { node, weight }));
            }
        }
    }

    fn lasts_ms(&mut self) -> (u64, u64) {
        let is_short = self.random.random_bool(0.5);
        self.lasts_ms.unwrap_or(if is_short { SHORT_MS } else { LONG_MS })
    }

    fn later(&mut self, range_ms: (u64, u64), ending: Ending) {
        let at_ms = now_ms() + self.draw(range_ms);
        self.endings.push((at_ms, ending));
    }

    fn cut(&mut self, world: &World, directions: &[(HostId, HostId)]) {
        let range_ms = self.lasts_ms();
        let at_ms = now_ms() + self.draw(range_ms);
        for (from, to) in directions {
            world.net.set_cut(*from, *to, true);
            self.endings.push((at_ms, Ending::Heal(*from, *to)));
        }
    }

    /// Mostly no more at a time than copies can bear.
    fn crash(&mut self, world: &mut World) {
        let running: Vec<usize> = (0..world.nodes.len()).filter(|at| world.nodes[*at].process.is_some()).collect();
        let down = world.nodes.len() - running.len();
        let bearable = usize::from(world.scenario.replication_factor.max(2) - 1);
        if running.len() < 2 || (down >= bearable && self.random.random_bool(0.85)) {
            return;
        }
        let at = running[self.random.random_range(0..running.len())];
        world.crash_node(at, self.random.random_bool(0.5));
        let range_ms = self.lasts_ms();
        self.later(range_ms, Ending::Start(at));
    }

    fn any_node(&mut self, world: &World) -> NodeId {
        world.nodes[self.random.random_range(0..world.nodes.len())].id
    }

    fn drain(&mut self, world: &mut World) {
        let state = world.authority.state();
        let leaving: BTreeSet<NodeId> =
            state.nodes.iter().filter(|(_, node)| node.state == NodeState::Leaving).map(|(id, _)| *id).collect();
        let command = match leaving.first() {
            Some(node) => Command::Drain { node: *node, cancel: true },
            None => Command::Drain { node: self.any_node(world), cancel: false },
        };
        drop(world.authority.order(command));
    }

    fn join(&mut self, world: &mut World) {
        if self.joining.is_some() || world.nodes.len() >= world.scenario.nodes_max {
            return;
        }
        let (host, birth) = (world.hosts.add(), 900 + world.nodes.len() as u64);
        let addresses = Addresses { rpc: address(host), health: String::new() };
        let command = Command::Register { birth, addresses, zone: String::new(), weight: 100 };
        if let Ok(waiting) = world.authority.order(command) {
            self.joining = Some((host, birth, waiting));
        }
    }

    fn finish_joining(&mut self, world: &mut World) {
        let Some((host, birth, mut waiting)) = self.joining.take() else { return };
        match waiting.try_recv() {
            Ok((_, Ok(Reply::Registered(id, _)))) => world.add_node(host, id, birth),
            Err(oneshot::error::TryRecvError::Empty) => self.joining = Some((host, birth, waiting)),
            // Another leader does not know of it.
            _ => {}
        }
    }

    /// A node is asked to stop, and started again some time later.
    fn leave(&mut self, world: &mut World) {
        let at = self.random.random_range(0..world.nodes.len());
        let machine = &world.nodes[at];
        let Some(process) = machine.process.clone() else { return };
        if self.leaving.iter().any(|(leaving, _)| *leaving == at) {
            return;
        }
        let (done, waiting) = oneshot::channel();
        world.hosts.spawn(machine.host, async move {
            process.node.leave().await;
            // Nobody waits any more when it crashed meanwhile.
            let _ = done.send(());
        });
        self.leaving.push((at, waiting));
    }

    fn finish_leaving(&mut self, world: &mut World) {
        for (at, mut waiting) in std::mem::take(&mut self.leaving) {
            match waiting.try_recv() {
                Ok(()) => {
                    world.crash_node(at, true);
                    self.later(LONG_MS, Ending::Start(at));
                }
                Err(oneshot::error::TryRecvError::Empty) => self.leaving.push((at, waiting)),
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
    }

    fn settings(&mut self, world: &mut World) {
        let mut patch = SettingsPatch::default();
        match self.random.random_range(0..4) {
            0 => patch.moves_paused = Some(self.random.random_bool(0.3)),
            1 => patch.replication_factor = Some(self.random.random_range(1..=3)),
            2 => patch.fill_bytes_per_s = Some([0, 500, 5_000][self.random.random_range(0..3)]),
            _ => {
                drop(world.authority.order(Command::CancelMoves));
                return;
            }
        }
        drop(world.authority.order(Command::PatchSettings { patch }));
    }
}

fn hosts(world: &World) -> Vec<HostId> {
    let nodes = world.nodes.iter().map(|node| node.host);
    let routers = world.routers.iter().map(|router| router.host);
    nodes.chain(routers).chain([world.authority_host]).collect()
}
